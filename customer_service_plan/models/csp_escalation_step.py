from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.i18n import format_list

from ..tools import clock, escalation
from ..tools.segmenting import split_codes
from .csp_commitment import COMMITMENT_KINDS
from .csp_policy_line import PRIORITIES, format_minutes

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
#: So much of what to do is told in a line about the step.
SHORT = 60
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
    _rec_names_search = ["list_id.name", "note"]
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
    role = fields.Selection(
        selection=ROLES, store=False, help="Names the choices of `recipients`."
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

    @api.constrains("action", "recipients", "user_ids", "group_ids")
    def _check_somebody_else(self):
        for step in self:
            if (
                step.action == "reassign"
                and set(split_codes(step.recipients)) == {"assignee"}
                and not (step.user_ids or step.group_ids)
            ):
                raise ValidationError(
                    self.env._(
                        "“%(step)s” gives the ticket to whoever has it already: choose "
                        "somebody else.",
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
            # sudo: mail.template, ir.actions.server: only what they are made for
            known = step.sudo()
            is_foreign = (
                name == "mail_template_id"
                and known.mail_template_id.model != "helpdesk.ticket"
            ) or (
                name == "server_action_id"
                and known.server_action_id.model_id.model != "helpdesk.ticket"
            )
            if name and (not step[name] or is_foreign):
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

    @api.constrains(
        "list_id",
        "sequence",
        "active",
        "trigger",
        "kinds",
        "offset_minutes",
        "offset_percent",
        "action",
        "recipients",
        "user_ids",
        "group_ids",
        "notify_by",
        "priority",
        "mail_template_id",
        "server_action_id",
    )
    def _check_chain(self):
        # A list that is saved with its steps is looked at when all of them are.
        if not self.list_id._is_part_of_change():
            self.list_id._check_steps()

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
        """Whom this step is for on a ticket, whether they are there or not.

        Only who works for the ticket's company: others could not read it.
        """
        self.ensure_one()
        # sudo: res.users, csp.policy: only who they are
        ticket = ticket.sudo()
        users = self.env["res.users"].sudo()
        for role in split_codes(self.recipients):
            users |= ticket.mapped(ROLE_PATHS[role])
        users |= self.sudo().user_ids | self.sudo().group_ids.all_user_ids
        return users._csp_working_for(ticket.company_id)

    def _compiled(self, id=None, sequence=None):
        """The step as `tools/escalation.py` works with it.

        :param id: stands for the step where it has no id yet
        :param sequence: where it stands on a screen
        """
        self.ensure_one()
        return escalation.Step(
            id=self.id if id is None else id,
            trigger=self.trigger,
            offset=self.offset_minutes * 60,
            percent=self.offset_percent,
            kinds=frozenset(split_codes(self.kinds)),
            sequence=self.sequence if sequence is None else sequence,
        )

    # === Rules among the steps of a list ===

    def _meets(self, other):
        """Whether both steps can be taken for one and the same promise or matter."""
        if {self.trigger, other.trigger} & set(escalation.CONCERNS):
            return self.trigger == other.trigger
        kinds, others = set(split_codes(self.kinds)), set(split_codes(other.kinds))
        return not kinds or not others or bool(kinds & others)

    def _is_about(self, kind):
        """Whether the step is for promises of a kind, or for a kind of matter."""
        self.ensure_one()
        if kind in escalation.CONCERNS:
            return self.trigger == kind
        kinds = split_codes(self.kinds)
        return self.trigger not in escalation.CONCERNS and (not kinds or kind in kinds)

    def _people_key(self):
        """Whom the step is for, for comparing."""
        return (
            frozenset(split_codes(self.recipients)),
            frozenset(self.user_ids.ids),
            frozenset(self.group_ids.ids),
        )

    def _approach_key(self):
        """All that makes a step what it is, apart from the words of its message."""
        is_for_people = self.action in FOR_PEOPLE
        return (
            self.trigger,
            self.offset_percent,
            self.offset_percent or self.offset_minutes,
            self.action,
            is_for_people and self._people_key(),
            self.action == "notify" and self.notify_by,
            self.action == "priority" and self.priority,
            self.action == "customer" and self.mail_template_id.id,
            self.action == "server_action" and self.server_action_id.id,
        )

    def _place(self):
        """Where the step lies, seen from the deadline: unit and signed number."""
        sign = -1 if self.trigger == escalation.BEFORE else 1
        if self.offset_percent:
            return "percent", sign * self.offset_percent
        return "minutes", sign * self.offset_minutes

    def _refuse_twin(self, other):
        if self._approach_key() == other._approach_key():
            raise ValidationError(
                self.env._(
                    "“%(step)s” stands here twice. Remove one of both, or do something "
                    "else the second time: who did not act the first time will hardly "
                    "do so on the same again.",
                    step=self.display_name,
                )
            )

    def _refuse_earlier(self, other):
        """Refuse `other` below this step when it is due before it."""
        (unit, place), (other_unit, other_place) = self._place(), other._place()
        if unit == other_unit:
            is_earlier = other_place < place
        else:
            # Before and after can be told apart whatever the target is.
            is_earlier = other_place < 0 <= place or other_place == 0 < place
        if is_earlier:
            raise ValidationError(
                self.env._(
                    "“%(other)s” is due before “%(step)s”, but stands below it. Drag "
                    "it up, or change its time.",
                    other=other.display_name,
                    step=self.display_name,
                )
            )

    # === In words ===

    @api.depends(
        "trigger",
        "kinds",
        "offset_minutes",
        "offset_percent",
        "action",
        "recipients",
        "user_ids.name",
        "group_ids.name",
        "notify_by",
        "at_night",
        "note",
        "priority",
        "mail_template_id.name",
        "server_action_id.name",
    )
    @api.depends_context("lang")
    def _compute_texts(self):
        for step in self:
            step.when_text = step._when()
            step.who_text = step._who()
            step.what_text = step._what()

    @api.depends("when_text", "what_text")
    def _compute_display_name(self):
        for step in self:
            step.display_name = self.env._(
                "%(when)s: %(what)s", when=step.when_text, what=step.what_text
            )

    def _when(self):
        """When the step is due, in words: “30 min before a first reply is missed”."""
        self.ensure_one()
        if self.trigger in escalation.CONCERNS:
            return self._when_of_concern()
        what = self._promises_text()
        if self.offset_percent:
            values = {"percent": self.offset_percent, "what": what}
            if self.trigger == escalation.BEFORE:
                return self.env._(
                    "%(percent)s %% of the target before %(what)s is missed", **values
                )
            return self.env._(
                "%(percent)s %% of the target after %(what)s was missed", **values
            )
        values = {"time": format_minutes(self.env, self.offset_minutes), "what": what}
        if self.trigger == escalation.BEFORE:
            return self.env._("%(time)s before %(what)s is missed", **values)
        if self.offset_minutes:
            return self.env._("%(time)s after %(what)s was missed", **values)
        return self.env._("As soon as %(what)s was missed", what=what)

    def _promises_text(self):
        names = {
            clock.FIRST_RESPONSE: self.env._("a first reply"),
            clock.NEXT_RESPONSE: self.env._("a further reply"),
            clock.RESOLUTION: self.env._("a solution"),
        }
        kinds = split_codes(self.kinds)
        if not kinds or len(kinds) == len(names):
            return self.env._("a promise")
        return format_list(
            self.env, [names.get(kind, kind) for kind in kinds], style="or"
        )

    def _when_of_concern(self):
        time = self.offset_minutes and format_minutes(self.env, self.offset_minutes)
        match self.trigger:
            case escalation.COMPLAINT:
                if time:
                    return self.env._("%s after a complaint", time)
                return self.env._("As soon as there is a complaint")
            case escalation.BAD_RATING:
                if time:
                    return self.env._("%s after a bad rating", time)
                return self.env._("As soon as there is a bad rating")
            case escalation.REOPENED:
                if time:
                    return self.env._("%s after it was reopened repeatedly", time)
                return self.env._("As soon as it was reopened repeatedly")
        if time:
            return self.env._("When nobody took the ticket for %s", time)
        return self.env._("As soon as nobody has the ticket")

    def _who(self):
        """Whom the step is for, in words: “Assignee, team leader, Eva”."""
        self.ensure_one()
        if self.action == "customer":
            return self.env._("Customer")
        if self.action not in FOR_PEOPLE:
            return ""
        labels = dict(self._roles())
        # sudo: res.users, res.groups: their names only
        step = self.sudo()
        names = [labels.get(role, role) for role in split_codes(self.recipients)]
        names += step.with_context(active_test=False).user_ids.mapped("name")
        names += [self.env._("everybody in %s", group.name) for group in step.group_ids]
        text = ", ".join(name for name in names if name)
        return text[:1].upper() + text[1:]

    @api.model
    def _roles(self):
        """Pairs of role and what it is called within a sentence."""
        return [
            ("assignee", self.env._("assignee")),
            ("team_leader", self.env._("team leader")),
            ("parent_team_leader", self.env._("leader of the parent team")),
            ("complaint_owner", self.env._("owner of the complaint")),
            ("policy_owner", self.env._("owner of the policy")),
        ]

    def _what(self):
        """What the step does, in words: “To-do: call the customer”."""
        self.ensure_one()
        note = _shorten(self.note)
        # sudo: mail.template, ir.actions.server: their names only
        step = self.sudo()
        match self.action:
            case "todo":
                text = self.env._("To-do: %s", note) if note else self.env._("To-do")
            case "reassign":
                return self.env._("Give the ticket to somebody else")
            case "priority":
                labels = dict(self._fields["priority"]._description_selection(self.env))
                priority = labels.get(self.priority)
                if not priority:
                    return self.env._("Raise the priority")
                return self.env._("Priority at least %s", priority)
            case "customer":
                name = step.mail_template_id.name
                if not name:
                    return self.env._("Write to the customer")
                return self.env._("Write to the customer: %s", name)
            case "server_action":
                name = step.server_action_id.name
                if not name:
                    return self.env._("Run a server action")
                return self.env._("Run: %s", name)
            case _:
                if self.notify_by == "email":
                    text = self.env._("Tell people by e-mail")
                else:
                    text = self.env._("Tell people")
                if note:
                    text = self.env._("%(what)s: %(note)s", what=text, note=note)
        return self.env._("%s (also at night)", text) if self.at_night else text


def _shorten(text):
    """The first line of a text, not too long."""
    line = next(iter((text or "").strip().splitlines()), "")
    return line if len(line) <= SHORT else line[: SHORT - 1].rstrip() + "…"
