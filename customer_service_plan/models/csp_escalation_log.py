from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_datetime

from ..tools import escalation
from ..tools.epoch import from_epoch, to_epoch


class CspEscalation(models.Model):
    """What the log says to people: who was told, by which way, and what followed."""

    _inherit = "csp.escalation"

    user_ids = fields.Many2many(
        comodel_name="res.users",
        string="Told",
        compute="_compute_told",
        search="_search_user_ids",
    )
    told_text = fields.Char(string="People told", compute="_compute_told")
    way_text = fields.Char(string="By which way", compute="_compute_told")
    about_text = fields.Char(string="About", compute="_compute_about_text")
    outcome_text = fields.Char(
        string="What happened then", compute="_compute_outcome_text"
    )
    team_id = fields.Many2one(related="ticket_id.team_id")
    partner_id = fields.Many2one(related="ticket_id.partner_id")

    def _notices(self):
        """Who was told by this step; joined ones were told with the last of them."""
        self.ensure_one()
        return (self.joined_into_id or self).notice_ids.sorted("id")

    @api.depends("notice_ids", "joined_into_id.notice_ids")
    @api.depends_context("lang")
    def _compute_told(self):
        ways = dict(
            self.env["csp.escalation.notice"]
            ._fields["way"]
            ._description_selection(self.env)
        )
        for entry in self:
            notices = entry._notices()
            # sudo: res.users: their names only
            entry.user_ids = notices.sudo().user_id
            entry.told_text = ", ".join(entry._told_names())
            entry.way_text = ", ".join(dict.fromkeys(ways[row.way] for row in notices))

    @api.model
    def _search_user_ids(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        return Domain("notice_ids.user_id", operator, value) | Domain(
            "joined_into_id.notice_ids.user_id", operator, value
        )

    @api.depends("commitment_id", "concern_id", "trigger", "is_manual")
    @api.depends_context("lang")
    def _compute_about_text(self):
        triggers = dict(self._fields["trigger"]._description_selection(self.env))
        for entry in self:
            entry.about_text = entry._what_text() or triggers.get(entry.trigger, "")

    @api.depends(
        "state", "error", "taken_by_id", "taken_at", "settled_at", "notice_ids.state"
    )
    @api.depends_context("lang", "tz")
    def _compute_outcome_text(self):
        for entry in self:
            entry.outcome_text = entry._outcome()

    def _outcome(self):
        """What followed, in one sentence; empty while nothing did."""
        self.ensure_one()
        notices = self._notices()
        if self.state == "failed" and self.error:
            return self.env._("Failed: %s", self.error)
        failed = notices.filtered(lambda notice: notice.state == "failed")
        if failed and not self.settled_at:
            return self.env._(
                "The mail to %(who)s was not delivered: %(why)s",
                # sudo: res.users: their names only
                who=", ".join(failed.sudo().user_id.mapped("name")),
                why=failed[0].error or "",
            )
        if self.taken_at:
            return self.env._(
                "%(user)s takes charge since %(moment)s.",
                user=self.taken_by_id.sudo().name or "",
                moment=self._short(self.taken_at),
            )
        if self.settled_at:
            return self.env._("Settled %s.", self._short(self.settled_at))
        waiting = notices.filtered(lambda notice: notice.state == "waiting")
        if self.state == "waiting" and waiting:
            return self.env._(
                "Held until the morning: %s.",
                self._short(min(waiting.mapped("due_at"))),
            )
        return ""

    def _told_names(self):
        """Names of whom this step told, with those they stand in for."""
        names = []
        for notice in self._notices():
            # sudo: res.users: their names only
            notice = notice.sudo()
            name = notice.user_id.name
            if notice.instead_of_id:
                name = self.env._(
                    "%(user)s (instead of %(absent)s)",
                    user=name,
                    absent=notice.instead_of_id.name,
                )
            names.append(name)
        return list(dict.fromkeys(names))

    def _panel_text(self):
        """What was done, in a few words, for the ticket itself."""
        self.ensure_one()
        names = self._told_names()
        if self.is_manual:
            if not names:
                return self.env._("%s calls for help", self.by_id.sudo().name or "")
            return self.env._(
                "%(who)s calls for help: %(names)s",
                # sudo: res.users: the name only
                who=self.by_id.sudo().name or "",
                names=", ".join(names),
            )
        step = self.step_id | self.search([("joined_into_id", "=", self.id)]).step_id
        acts = [
            each.what_text for each in step if each.action not in ("notify", "todo")
        ]
        if not names:
            return ", ".join(acts) or self.about_text
        told = ", ".join(names)
        if self.state == "waiting":
            text = self.env._("%s will be told in the morning", told)
        elif len(names) == 1:
            text = self.env._("%s was told", told)
        else:
            text = self.env._("%s were told", told)
        return "; ".join([text, *acts])

    @api.model
    def _foresee_told(self, tickets, users):
        """Whom a call for help on these tickets would reach now, and when.

        :param users: chosen people; found by the tickets' teams if empty
        :return: pairs of name and moment in words, which is empty for at once
        """
        now = to_epoch(fields.Datetime.now())
        # sudo: res.users, csp.escalation.list: only who would be told
        self, tickets = self.sudo(), tickets.sudo()
        fallbacks = self._fallbacks_by_ticket(
            [(ticket, ticket._csp_escalation_list()) for ticket in tickets]
        )
        people = self._presence_of(users.union(*fallbacks.values()))
        told = {}
        for ticket in tickets:
            others = (fallbacks[ticket] - self.env.user).ids
            found = escalation.find_told(users.ids or others[:1], people, others, now)
            told.update({each.user: each.at for each in found})
        browse = self.env["res.users"].browse
        return [
            (browse(user).name, self._short(from_epoch(at)) if at > now else "")
            for user, at in told.items()
        ]

    def _about(self):
        """The promise or the matter that the step was taken for."""
        self.ensure_one()
        return self.commitment_id or self.concern_id

    @api.model
    def _short(self, moment):
        return format_datetime(self.env, moment, dt_format="EEE d MMM, HH:mm")

    def action_view_ticket(self):
        """Open the ticket that this is about."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "helpdesk.ticket",
            "res_id": self.ticket_id.id,
            "views": [(False, "form")],
        }
