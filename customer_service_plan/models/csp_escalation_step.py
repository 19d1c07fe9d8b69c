from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import escalation
from ..tools.segmenting import split_codes
from .csp_commitment import COMMITMENT_KINDS
from .csp_policy_line import PRIORITIES

TRIGGERS = [
    (escalation.BEFORE, "Before a promise is missed"),
    (escalation.AFTER, "After a promise was missed"),
    (escalation.COMPLAINT, "After a complaint"),
    (escalation.BAD_RATING, "After a bad rating"),
    (escalation.REOPENED, "After repeated reopening"),
    (escalation.UNASSIGNED, "While nobody took the ticket"),
]
ACTIONS = [
    ("notify", "Tell people"),
    ("todo", "Give people a to-do"),
    ("reassign", "Give the ticket to somebody else"),
    ("priority", "Raise the priority"),
    ("customer", "Write to the customer"),
    ("server_action", "Run a server action"),
]
#: Actions that need people.
FOR_PEOPLE = frozenset({"notify", "todo", "reassign"})
ROLES = [
    ("assignee", "Assignee"),
    ("team_leader", "Team leader"),
    ("parent_team_leader", "Leader of the parent team"),
    ("complaint_owner", "Owner of the complaint"),
    ("policy_owner", "Owner of the policy"),
]
#: Where a ticket says who has a role.
ROLE_PATHS = {
    "assignee": "user_id",
    "team_leader": "team_id.user_id",
    "parent_team_leader": "team_id.parent_id.user_id",
    "complaint_owner": "csp_complaint_owner_id",
    "policy_owner": "csp_policy_version_id.policy_id.owner_id",
}
WAYS = [
    ("preference", "As each one prefers"),
    ("inbox", "In Odoo's inbox"),
    ("email", "By e-mail"),
]
#: What decides when a step is due, and for which promises.
TIMING_FIELDS = frozenset(
    {
        "list_id",
        "sequence",
        "active",
        "trigger",
        "kinds",
        "offset_minutes",
        "offset_percent",
    }
)


class CspEscalationStep(models.Model):
    """One step of an escalation list: when, what, and to whom."""

    _name = "csp.escalation.step"
    _inherit = ["csp.rule.source"]
    _description = "Escalation Step"
    _order = "list_id, sequence, id"
    _rec_name = "what_text"
    _csp_rule_fields = TIMING_FIELDS
    _check_company_auto = True

    list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="list_id.company_id")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    trigger = fields.Selection(
        selection=TRIGGERS, string="When", required=True, default=escalation.AFTER
    )
    kinds = fields.Char(
        string="Promises",
        help="Kinds of promises that the step is for. None chosen: all.",
    )
    offset_minutes = fields.Integer(
        string="Time",
        help="Opening time before or after, in minutes, counted in the hours of the "
        "promise.",
    )
    offset_percent = fields.Integer(
        string="Or per cent of the target",
        help="For instance 25: when a quarter of the promised time is left. Takes the "
        "place of the time.",
    )
    action = fields.Selection(
        selection=ACTIONS, string="What", required=True, default="notify"
    )
    recipients = fields.Char(
        string="Who",
        help="People by what they have to do with the ticket.",
    )
    user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_escalation_step_res_users_rel",
        string="People",
        domain=[("share", "=", False)],
    )
    group_ids = fields.Many2many(
        comodel_name="res.groups",
        relation="csp_escalation_step_res_groups_rel",
        string="Groups",
        help="Everybody in these groups who works for the ticket's company.",
    )
    notify_by = fields.Selection(
        selection=WAYS, string="By", required=True, default="preference"
    )
    at_night = fields.Boolean(
        string="Also at night",
        help="Do not wait for the morning of whoever is told.",
    )
    note = fields.Text(
        string="What to do",
        translate=True,
        help="Goes into the message or the to-do: what you expect of who reads it.",
    )
    priority = fields.Selection(selection=PRIORITIES, string="Priority at least")
    mail_template_id = fields.Many2one(
        comodel_name="mail.template",
        string="Text to the customer",
        domain=[("model", "=", "helpdesk.ticket")],
        ondelete="restrict",
    )
    server_action_id = fields.Many2one(
        comodel_name="ir.actions.server",
        domain=[("model_id.model", "=", "helpdesk.ticket")],
        ondelete="restrict",
    )
    when_text = fields.Char(string="When (in words)", compute="_compute_texts")
    who_text = fields.Char(string="Who (in words)", compute="_compute_texts")
    what_text = fields.Char(string="What (in words)", compute="_compute_texts")

    _offset_not_negative = models.Constraint(
        "CHECK(offset_minutes >= 0 AND offset_percent >= 0)",
        "Times are not negative: choose before or after instead.",
    )
    _offset_in_bounds = models.Constraint(
        "CHECK(offset_minutes <= 5256000 AND offset_percent <= 1000)",
        "A step lies at most ten years, or ten times the target, away.",
    )

    @api.constrains("action", "recipients", "user_ids", "group_ids")
    def _check_people(self):
        for step in self:
            if step.action in FOR_PEOPLE and not step._names_people():
                raise ValidationError(
                    self.env._(
                        "“%(step)s” reaches nobody: choose people, groups, or whom of "
                        "the ticket's people it is for.",
                        step=step.display_name,
                    )
                )

    @api.constrains("action", "mail_template_id", "server_action_id", "priority")
    def _check_action_is_complete(self):
        wanted = {
            "customer": "mail_template_id",
            "server_action": "server_action_id",
            "priority": "priority",
        }
        for step in self:
            name = wanted.get(step.action)
            if name and not step[name]:
                raise ValidationError(
                    self.env._(
                        "“%(step)s” does nothing yet: fill in “%(field)s”.",
                        step=step.display_name,
                        field=self._fields[name]._description_string(self.env),
                    )
                )

    @api.constrains("trigger", "offset_minutes", "offset_percent")
    def _check_offset(self):
        for step in self:
            if step.trigger == escalation.BEFORE:
                if not (step.offset_minutes or step.offset_percent):
                    raise ValidationError(
                        self.env._("Say how long before the promise is missed.")
                    )
                if step.offset_percent >= 100:
                    raise ValidationError(
                        self.env._(
                            "100 %% of the target before the end is when the promise "
                            "begins: choose less."
                        )
                    )
            if step.offset_percent and step.trigger in escalation.CONCERNS:
                raise ValidationError(
                    self.env._(
                        "Per cent of the target need a promise: give the time instead."
                    )
                )

    @api.constrains("kinds", "recipients")
    def _check_codes(self):
        for step in self:
            for name, choices in (("kinds", COMMITMENT_KINDS), ("recipients", ROLES)):
                unknown = set(split_codes(step[name])) - dict(choices).keys()
                if unknown:
                    raise ValidationError(
                        self.env._(
                            "%(field)s: “%(value)s” is not known.",
                            field=self._fields[name]._description_string(self.env),
                            value=", ".join(sorted(unknown)),
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        steps = super().create(vals_list)
        steps.list_id._timing_changed()
        return steps

    def write(self, vals):
        is_timing = not TIMING_FIELDS.isdisjoint(vals)
        before = self.list_id if is_timing else self.list_id.browse()
        result = super().write(vals)
        if is_timing:
            (before | self.list_id)._timing_changed()
        return result

    def unlink(self):
        lists = self.list_id
        result = super().unlink()
        lists.exists()._timing_changed()
        return result

    def _names_people(self):
        """Whether the step says to whom."""
        self.ensure_one()
        return bool(split_codes(self.recipients) or self.user_ids or self.group_ids)

    def _wanted(self, ticket):
        """Whom this step is for on a ticket, whether they are there or not."""
        self.ensure_one()
        # sudo: res.users, csp.policy: only who they are
        ticket = ticket.sudo()
        users = self.env["res.users"].sudo()
        for role in split_codes(self.recipients):
            users |= ticket.mapped(ROLE_PATHS[role])
        users |= self.sudo().user_ids
        if self.group_ids:
            users |= self.sudo().group_ids.all_user_ids.filtered(
                lambda user: ticket.company_id in user.company_ids and not user.share
            )
        return users

    def _compiled(self):
        """The step as `tools/escalation.py` works with it."""
        self.ensure_one()
        return escalation.Step(
            id=self.id,
            trigger=self.trigger,
            offset=self.offset_minutes * 60,
            percent=self.offset_percent,
            kinds=frozenset(split_codes(self.kinds)),
            sequence=self.sequence,
        )

    @api.depends("trigger", "action", "recipients", "user_ids", "group_ids")
    @api.depends_context("lang")
    def _compute_texts(self):
        for step in self:
            step.when_text = step.who_text = step.what_text = ""
