from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tools import SQL, format_datetime

from ..tools.epoch import from_epoch
from .res_users import STAFF_FIELDS


class CspStaff(models.Model):
    """The people of the helpdesk, as a service plan manager sees and changes them.

    One row per internal user who works in the helpdesk or belongs to one of its teams;
    its id is the user's. Users themselves are changed by administrators only: here a
    manager saves what concerns the service plan, of people of his companies, and
    nothing else.
    """

    _name = "csp.staff"
    _description = "Helpdesk Staff"
    _auto = False
    _order = "id"
    _rec_name = "name"
    _depends = {"res.users": ["active", "share", "group_ids"]}

    user_id = fields.Many2one(comodel_name="res.users", readonly=True)
    active = fields.Boolean(readonly=True)
    name = fields.Char(related="user_id.name")
    company_id = fields.Many2one(related="user_id.company_id")
    tz = fields.Selection(related="user_id.tz")
    team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team", string="Teams", compute="_compute_team_ids"
    )
    open_ticket_count = fields.Integer(
        string="Open tickets", compute="_compute_open_ticket_count", aggregator=None
    )
    presence = fields.Selection(
        selection=[
            ("working", "At work"),
            ("off", "Not at work"),
            ("away", "Away"),
            ("gone", "Archived"),
        ],
        string="Now",
        compute="_compute_presence",
    )
    works_at_text = fields.Char(string="At work again", compute="_compute_presence")
    csp_deputy_id = fields.Many2one(
        related="user_id.csp_deputy_id",
        readonly=False,
        domain="[('share', '=', False), ('id', '!=', id)]",
    )
    csp_hours_id = fields.Many2one(
        related="user_id.csp_hours_id",
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
    )
    csp_away_from = fields.Datetime(related="user_id.csp_away_from", readonly=False)
    csp_away_until = fields.Datetime(related="user_id.csp_away_until", readonly=False)
    csp_channel_ids = fields.Many2many(
        related="user_id.csp_channel_ids",
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
    )
    csp_lang_ids = fields.Many2many(
        related="user_id.csp_lang_ids",
        readonly=False,
        context={"active_test": False},
    )
    csp_ticket_ceiling = fields.Integer(
        related="user_id.csp_ticket_ceiling", readonly=False, aggregator=None
    )

    @property
    def _table_query(self):
        group = self.env.ref("helpdesk_mgmt.group_helpdesk_user_own")
        # sudo: res.groups: which groups bring people into the helpdesk
        groups = group.sudo().all_implied_by_ids
        members = self.env["helpdesk.ticket.team"]._fields["user_ids"]
        return SQL(
            """
            SELECT u.id, u.id AS user_id, u.active
              FROM res_users u
             WHERE u.share IS NOT TRUE
               AND u.id != %(robot)s
               AND (
                   u.id IN (SELECT uid FROM res_groups_users_rel
                             WHERE gid = ANY(%(groups)s))
                   OR u.id IN (SELECT %(member)s FROM %(members)s)
               )
            """,
            robot=api.SUPERUSER_ID,
            groups=groups.ids,
            member=SQL.identifier(members.column2),
            members=SQL.identifier(members.relation),
        )

    def _compute_team_ids(self):
        Team = self.env["helpdesk.ticket.team"]
        teams = Team.search([("user_ids", "in", self.user_id.ids)])
        for staff in self:
            # sudo: helpdesk.ticket.team: who belongs to the teams this manager sees
            staff.team_ids = teams.filtered(
                lambda team, user=staff.user_id: user in team.sudo().user_ids
            )

    def _compute_open_ticket_count(self):
        counts = dict(
            self.env["helpdesk.ticket"]._read_group(
                [
                    ("user_id", "in", self.user_id.ids),
                    ("stage_id.closed", "=", False),
                ],
                ["user_id"],
                ["__count"],
            )
        )
        for staff in self:
            staff.open_ticket_count = counts.get(staff.user_id, 0)

    @api.depends("csp_hours_id", "csp_away_from", "csp_away_until")
    @api.depends_context("lang", "tz")
    def _compute_presence(self):
        presences = self.user_id._csp_presence()
        for staff in self:
            presence = presences.get(staff.user_id.id)
            staff.works_at_text = False
            if not presence or not presence.active:
                staff.presence = "gone"
                continue
            staff.presence = (
                "away" if presence.away else "working" if presence.working else "off"
            )
            if not presence.working and presence.works_at is not None:
                staff.works_at_text = format_datetime(
                    self.env,
                    from_epoch(presence.works_at),
                    dt_format="EEE d MMM, HH:mm",
                )

    def write(self, vals):
        """Save what concerns the service plan with the users.

        :raises AccessError: for other fields, and for people of other companies
        """
        # Nothing is stored in these rows: this only checks the access.
        super().write({})
        refused = vals.keys() - set(STAFF_FIELDS)
        refused |= {
            name
            for name in ("csp_channel_ids", "csp_lang_ids")
            if not _only_chooses(vals.get(name))
        }
        if refused:
            field = self._fields.get(min(refused))
            raise AccessError(
                self.env._(
                    "“%s” is changed by an administrator only.",
                    field._description_string(self.env) if field else min(refused),
                )
            )
        # sudo: res.users: exactly these fields, of people of this manager's companies,
        # which the access rule of these rows says
        self.user_id.sudo().write(vals)
        self.invalidate_recordset()
        return True

    def action_back(self):
        """Somebody is here again: take away the mark of being away."""
        self.write({"csp_away_from": False, "csp_away_until": False})
        return True


def _only_chooses(commands):
    """Whether these commands change which records are chosen, and none of these."""
    if not isinstance(commands, list | tuple):
        return True
    chooses = {Command.UNLINK, Command.LINK, Command.CLEAR, Command.SET}
    return all(
        command[0] in chooses
        for command in commands
        if isinstance(command, list | tuple)
    )
