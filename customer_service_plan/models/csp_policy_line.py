from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools import clock, matching

PRIORITIES = [("0", "Low"), ("1", "Medium"), ("2", "High"), ("3", "Very High")]
#: Fields of a line by the kind of promise whose target they hold, in minutes.
TARGET_FIELDS = {
    clock.FIRST_RESPONSE: "first_response_minutes",
    clock.NEXT_RESPONSE: "next_response_minutes",
    clock.RESOLUTION: "resolution_minutes",
}
#: A condition does not fall away when what it names is archived.
ARCHIVED_TOO = {"active_test": False}
CONDITION_FIELDS = (
    "segment_ids",
    "channel_ids",
    "category_ids",
    "team_ids",
    "tag_ids",
    "priority_from",
    "priority_to",
)


class CspPolicyLine(models.Model):
    """Who is promised what: the conditions on a ticket, and the times."""

    _name = "csp.policy.line"
    _inherit = ["csp.version.part"]
    _description = "Promise"
    _order = "version_id, sequence, id"
    _rec_name = "condition_text"
    _check_company_auto = True

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="version_id.company_id")
    sequence = fields.Integer(default=10)
    match_all = fields.Boolean(
        string="Any ticket",
        help="This line holds for every ticket that no line before it holds for.",
    )
    segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="csp_policy_line_segment_rel",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Customers",
        help="The customer is in one of these segments.",
    )
    channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="csp_policy_line_channel_rel",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Channels",
    )
    category_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.category",
        relation="csp_policy_line_category_rel",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Categories",
        help="With their sub-categories.",
    )
    team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        relation="csp_policy_line_team_rel",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Teams",
        help="With their sub-teams.",
    )
    tag_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.tag",
        relation="csp_policy_line_tag_rel",
        context=ARCHIVED_TOO,
        ondelete="restrict",
        string="Tags",
        help="The ticket has one of these tags.",
    )
    priority_from = fields.Selection(selection=PRIORITIES, string="Priority at least")
    priority_to = fields.Selection(selection=PRIORITIES, string="Priority at most")
    complaint = fields.Selection(
        selection=[
            ("any", "Complaints or not"),
            ("only", "Complaints only"),
            ("never", "No complaints"),
        ],
        string="Complaints",
        default="any",
        required=True,
    )
    hours_id = fields.Many2one(
        comodel_name="csp.hours",
        check_company=True,
        ondelete="restrict",
        string="Counted in",
        help="Opening hours in which the times run. Empty: the hours of the channel, "
        "else those of the company.",
    )
    first_response_minutes = fields.Integer(
        string="First reply within",
        help="Opening time until somebody answers; empty: not promised.",
    )
    next_response_minutes = fields.Integer(
        string="Further replies within",
        help="Opening time from the customer's oldest message without an answer; "
        "empty: not promised.",
    )
    resolution_minutes = fields.Integer(
        string="Solved within",
        help="Opening time until the ticket is solved, without the time that we wait "
        "for the customer or a third party; empty: not promised.",
    )
    goal_percent = fields.Float(
        string="Goal (%)",
        default=90.0,
        aggregator="avg",
        help="In how many of a hundred cases the promise is to be kept.",
    )
    has_promise = fields.Boolean(compute="_compute_texts")
    condition_text = fields.Char(string="For", compute="_compute_texts")
    promise_text = fields.Char(string="Promise", compute="_compute_texts")

    _minutes_not_negative = models.Constraint(
        "CHECK(first_response_minutes >= 0 AND next_response_minutes >= 0"
        " AND resolution_minutes >= 0)",
        "A time cannot be negative. Leave it empty where nothing is promised.",
    )
    _goal_is_percentage = models.Constraint(
        "CHECK(goal_percent > 0 AND goal_percent <= 100)",
        "The goal is a percentage above 0, at most 100.",
    )

    @api.depends_context("lang")
    @api.depends(*CONDITION_FIELDS, *TARGET_FIELDS.values())
    @api.depends("match_all", "complaint", "goal_percent", "hours_id")
    def _compute_texts(self):
        for line in self:
            line.has_promise = any(line[field] for field in TARGET_FIELDS.values())
            line.condition_text = line._describe_conditions()
            line.promise_text = line._describe_promise()

    @api.constrains("match_all", "complaint", *CONDITION_FIELDS)
    def _check_condition(self):
        for line in self:
            if not line.match_all and not line._has_condition():
                raise ValidationError(
                    self.env._(
                        "Say for which tickets this promise holds, or tick “Any "
                        "ticket”: a line without a condition holds for none."
                    )
                )

    @api.constrains("priority_from", "priority_to")
    def _check_priorities(self):
        for line in self:
            bounds = line.priority_from, line.priority_to
            if all(bounds) and bounds[0] > bounds[1]:
                raise ValidationError(
                    self.env._(
                        "“Priority at least” is above “Priority at most”: no ticket "
                        "can be both."
                    )
                )

    @api.model
    def _refuse_if_named(self, field, records):
        """Refuse to delete what promises name, and say which ones do.

        :param str field: the field of a line that holds such records
        """
        # sudo: csp.policy.line: a promise holds, whoever may read it
        line = self.sudo().search([(field, "in", records.ids)], limit=1)
        if line:
            named = line[field] & records
            raise UserError(
                self.env._(
                    "“%(record)s” cannot be deleted: %(version)s names it. Archive it "
                    "instead.",
                    record=named[:1].display_name,
                    version=line.version_id.display_name,
                )
            )

    def _has_condition(self, skipped=()):
        self.ensure_one()
        return self.complaint != matching.ANY or any(
            self[field] for field in CONDITION_FIELDS if field not in skipped
        )

    def _compiled(self):
        """This line as the pure rule that tickets are matched with."""
        self.ensure_one()
        Category = self.env["helpdesk.ticket.category"].with_context(active_test=False)
        Team = self.env["helpdesk.ticket.team"].with_context(active_test=False)
        return matching.Line(
            id=self.id,
            match_all=self.match_all,
            segments=frozenset(self.segment_ids.ids),
            channels=frozenset(self.channel_ids.ids),
            categories=_with_descendants(Category, self.category_ids),
            teams=_with_descendants(Team, self.team_ids),
            tags=frozenset(self.tag_ids.ids),
            priority_from=self.priority_from or "",
            priority_to=self.priority_to or "",
            complaint=self.complaint,
            hours=self.hours_id.id or 0,
            targets={
                kind: self[field] * 60
                for kind, field in TARGET_FIELDS.items()
                if self[field]
            },
        )

    # === Plain words ===

    def _describe_conditions(self, skipped=()):
        """The conditions in words: “VIP, Phone, High and above”.

        :param skipped: fields of which nothing is said
        """
        self.ensure_one()
        if self.match_all:
            return self.env._("Any ticket")
        labels = dict(self._fields["priority_from"]._description_selection(self.env))
        complaints = dict(self._fields["complaint"]._description_selection(self.env))
        parts = [
            " / ".join(self[field].mapped("display_name"))
            for field in CONDITION_FIELDS
            if field.endswith("_ids") and field not in skipped and self[field]
        ]
        lowest, highest = self.priority_from, self.priority_to
        if lowest and lowest in (highest, PRIORITIES[-1][0]):
            parts.append(labels[lowest])
        elif highest and highest == PRIORITIES[0][0]:
            parts.append(labels[highest])
        elif lowest and highest:
            parts.append(
                self.env._(
                    "%(lowest)s to %(highest)s",
                    lowest=labels[lowest],
                    highest=labels[highest],
                )
            )
        elif lowest:
            parts.append(self.env._("%s and above", labels[lowest]))
        elif highest:
            parts.append(self.env._("%s and below", labels[highest]))
        if self.complaint != matching.ANY:
            parts.append(complaints[self.complaint])
        return ", ".join(parts) or self.env._("Nobody yet")

    def _describe_promise(self):
        """The times in words: “first reply in 15 min, solved in 4 h, 90 %”."""
        self.ensure_one()
        words = {
            clock.FIRST_RESPONSE: self.env._("first reply in %s"),
            clock.NEXT_RESPONSE: self.env._("further replies in %s"),
            clock.RESOLUTION: self.env._("solved in %s"),
        }
        parts = [
            words[kind] % format_minutes(self.env, self[field])
            for kind, field in TARGET_FIELDS.items()
            if self[field]
        ]
        if not parts:
            return self.env._("Nothing promised")
        parts.append(self.env._("%s %%", f"{self.goal_percent:g}"))
        return ", ".join(parts)


def format_minutes(env, minutes):
    """A duration for people: “45 min”, “4 h”, “2 h 30 min”."""
    hours, rest = divmod(int(minutes), 60)
    if not hours:
        return env._("%s min", rest)
    if not rest:
        return env._("%s h", hours)
    return env._("%(hours)s h %(minutes)s min", hours=hours, minutes=rest)


def _with_descendants(model, records):
    if not records:
        return frozenset()
    return frozenset(model.search([("id", "child_of", records.ids)]).ids)
