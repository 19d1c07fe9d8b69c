from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import clean_context

from ..tools import scoring
from .locking import one_at_a_time
from .protected import BY_ADDON, is_by_addon, unless_uninstalled

#: What whoever begins a review may say; all else follows from it.
GIVEN_AT_CREATION = frozenset(
    {
        "ticket_id",
        "message_id",
        "agent_id",
        "reviewer_id",
        "scorecard_id",
        "due_date",
        "is_blind",
        "comment",
    }
)
#: What the reviewer writes while he works on it.
WRITTEN_BY_REVIEWER = frozenset({"comment", "line_ids"})


class CspQualityReview(models.Model):
    """A colleague's look at how a ticket was handled, marked by a scorecard.

    A review of a whole ticket counts for its assignee, one of a single message for its
    author; nobody reviews himself. Who may do what:

    * the reviewer reads it and marks it until it is done, then never again;
    * the agent reads it once it is done, answers it, and touches no mark;
    * leaders of the ticket's team, and of teams above, read it once it is done;
    * managers read all, name another reviewer while it is to be done, and mark nothing;
    * marks of a calibration are the reviewer's own until it ends, count for nobody, and
      are never shown to the agent.

    Scores are computed from marks; nobody writes them. Moments are naive UTC.
    """

    _name = "csp.quality.review"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Quality Review"
    _order = "is_open desc, due_date, done_at desc, id desc"
    _rec_name = "ticket_id"
    _rec_names_search = ["ticket_id.number", "ticket_id.name"]

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    message_id = fields.Many2one(
        comodel_name="mail.message",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty: the whole ticket is reviewed.",
    )
    is_of_message = fields.Boolean(string="Of one message", readonly=True)
    agent_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        ondelete="restrict",
        help="Whose work it is: the assignee of the ticket, or who wrote the message.",
    )
    reviewer_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        default=lambda self: self.env.user,
    )
    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    # As they were when the review began: figures do not move when a ticket does.
    team_id = fields.Many2one(
        comodel_name="helpdesk.ticket.team",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    channel_id = fields.Many2one(
        comodel_name="helpdesk.ticket.channel",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    policy_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    calibration_id = fields.Many2one(
        comodel_name="csp.quality.calibration",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Marked to compare reviewers: it never counts for the agent.",
    )
    state = fields.Selection(
        selection=[
            ("to_do", "To do"),
            ("done", "Done"),
            ("acknowledged", "Confirmed"),
            ("disputed", "Disputed"),
            ("final", "Final"),
        ],
        default="to_do",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    is_open = fields.Boolean(
        string="To be done", compute="_compute_is_open", store=True
    )
    is_blind = fields.Boolean(
        string="Blind",
        readonly=True,
        help="Until it is done, the reviewer sees neither whose work it is nor what "
        "others have marked.",
    )
    due_date = fields.Date(string="Review by", index="btree_not_null", readonly=True)
    is_late = fields.Boolean(
        string="Overdue", compute="_compute_is_late", search="_search_is_late"
    )
    started_at = fields.Datetime(string="Begun on", readonly=True)
    done_at = fields.Datetime(string="Done on", readonly=True)
    comment = fields.Text(
        string="Overall",
        help="What went well, what to do differently. The agent reads it first.",
    )
    line_ids = fields.One2many(
        comodel_name="csp.quality.review.line",
        inverse_name="review_id",
        string="Marks",
    )
    score = fields.Float(
        digits=(5, 2),
        compute="_compute_score",
        store=True,
        aggregator="avg",
        help="In per cent: the marks, each by its weight. What does not apply does not "
        "count.",
    )
    is_scored = fields.Boolean(
        compute="_compute_score",
        store=True,
        help="Whether anything applied that has a weight.",
    )
    is_failed = fields.Boolean(
        string="Failed",
        compute="_compute_score",
        store=True,
        help="A critical criterion has failed the whole review.",
    )
    section_scores = fields.Json(compute="_compute_score", store=True)
    customer_error_count = fields.Integer(
        string="Errors critical for the customer", compute="_compute_score", store=True
    )
    business_error_count = fields.Integer(
        string="Errors critical for the business", compute="_compute_score", store=True
    )
    compliance_error_count = fields.Integer(
        string="Errors critical for law and rules", compute="_compute_score", store=True
    )
    missing_count = fields.Integer(
        string="Still to mark", compute="_compute_missing_count"
    )

    # What is counted in figures, by the day on which it was done.
    _counted = models.Index(
        "(company_id, done_at, agent_id)"
        " WHERE state <> 'to_do' AND calibration_id IS NULL"
    )
    _once_open = models.UniqueIndex(
        # Of a message that was deleted, a review stays one of its own.
        "(ticket_id, reviewer_id, COALESCE(calibration_id, 0),"
        " COALESCE(message_id, CASE WHEN is_of_message THEN -id ELSE 0 END))"
        " WHERE state = 'to_do'",
        "This reviewer has this review to do already.",
    )
    _not_oneself = models.Constraint(
        "CHECK(agent_id <> reviewer_id)", "Nobody reviews his own work."
    )

    @api.depends("ticket_id.number", "ticket_id.name", "is_of_message")
    def _compute_display_name(self):
        for review in self:
            # sudo: helpdesk.ticket: number and subject, for whoever reads the review
            ticket = review.ticket_id.sudo()
            name = " · ".join(filter(None, [ticket.number, ticket.name]))
            review.display_name = (
                self.env._("%s (one message)", name) if review.is_of_message else name
            )

    @api.model
    def _search_display_name(self, operator, value):
        # Whoever reads a review finds it by its ticket, which he need not read.
        def of_ticket(condition):
            name = condition.field_expr.removeprefix("ticket_id.")
            inner = Domain(name, condition.operator, condition.value)
            return Domain("ticket_id", "any!", inner)

        found = super()._search_display_name(operator, value)
        return found.map_conditions(of_ticket)

    @api.depends("state")
    def _compute_is_open(self):
        for review in self:
            review.is_open = review.state == "to_do"

    @api.depends("due_date", "state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for review in self:
            date = review.due_date
            review.is_late = bool(review.state == "to_do" and date and date < today)

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        late = Domain("state", "=", "to_do") & Domain(
            "due_date", "<", fields.Date.context_today(self)
        )
        if len(value) == 2:
            return Domain.TRUE
        return late if True in value else ~late

    @api.depends("line_ids.step", "line_ids.not_applicable")
    def _compute_score(self):
        self.line_ids.criterion_id.fetch(
            ["weight", "scale", "section_id", "critical", "error_kind"]
        )
        for review in self:
            lines = review.line_ids.filtered(lambda line: line.is_marked)
            marks = {line: line._mark() for line in lines}
            result = scoring.score(marks.values())
            review.is_scored = result.value is not None
            review.score = float(result.value or 0)
            review.is_failed = result.failed
            review.section_scores = {
                str(section): {
                    "score": None if value is None else float(value),
                    "failed": section in result.failed_sections,
                }
                for section, value in result.sections.items()
            }
            errors = [
                line.criterion_id.error_kind
                for line, mark in marks.items()
                if mark.is_bad
            ]
            review.customer_error_count = errors.count("customer")
            review.business_error_count = errors.count("business")
            review.compliance_error_count = errors.count("compliance")

    @api.depends("line_ids.step", "line_ids.not_applicable")
    def _compute_missing_count(self):
        for review in self:
            review.missing_count = sum(not line.is_marked for line in review.line_ids)

    # === Beginning ===

    @api.model_create_multi
    def create(self, vals_list):
        """Begin reviews; the lines to mark follow from the scorecard.

        :raises UserError: where nobody is to be reviewed, the reviewer would review
            himself, or no scorecard fits
        :raises AccessError: for another reviewer than oneself, except by managers
        """
        if not is_by_addon(self.env):
            for vals in vals_list:
                self._refuse_fields(vals.keys() - GIVEN_AT_CREATION)
        prepared = self._prepare_reviews(vals_list)
        clean = self.with_context(clean_context(self.env.context))._by_addon()
        return super(CspQualityReview, clean).create(prepared).with_env(self.env)

    def _prepare_reviews(self, vals_list):
        tickets = self.env["helpdesk.ticket"].browse(
            [vals["ticket_id"] for vals in vals_list if vals.get("ticket_id")]
        )
        if not self.env.su and not self._is_manager():
            self._refuse_foreign_tickets(tickets)
        # sudo: helpdesk.ticket: what the review keeps of a ticket that may be reviewed
        tickets = tickets.sudo()
        fitting = self.env["csp.scorecard"]._for_tickets(tickets)
        prepared = []
        for vals in vals_list:
            if not vals.get("ticket_id"):
                raise UserError(self.env._("Say which ticket is to be reviewed."))
            ticket = tickets.browse(vals["ticket_id"])
            # sudo: mail.message: who wrote the message of that ticket
            message = self.env["mail.message"].sudo().browse(vals.get("message_id"))
            reviewer = vals.get("reviewer_id") or self.env.uid
            agent = self._agent_of(ticket, message, vals.get("agent_id"))
            if reviewer != self.env.uid and not (self.env.su or self._is_manager()):
                raise AccessError(
                    self.env._("Only managers give reviews to somebody else.")
                )
            if agent.id == reviewer:
                raise UserError(self.env._("%s would review his own work.", agent.name))
            if reviewer != self.env.uid and not self.env.su:
                self.env["res.users"].browse(reviewer)._csp_check_reviewer()
            Scorecard = self.env["csp.scorecard"]
            # sudo: csp.scorecard: its criteria become the lines of the review
            scorecard = (
                Scorecard.browse(vals.get("scorecard_id")) or fitting[ticket]
            ).sudo()
            if not scorecard.criterion_ids:
                raise UserError(
                    self.env._(
                        "No scorecard in use fits %(ticket)s. Put one in use, or "
                        "choose one that has criteria.",
                        ticket=ticket.display_name,
                    )
                )
            prepared.append(
                {
                    **vals,
                    "state": "to_do",
                    "agent_id": agent.id,
                    "reviewer_id": reviewer,
                    "scorecard_id": scorecard.id,
                    "is_of_message": bool(message),
                    "company_id": ticket.company_id.id or self.env.company.id,
                    "team_id": ticket.team_id.id,
                    "channel_id": ticket.channel_id.id,
                    "policy_version_id": ticket.csp_policy_version_id.id,
                    "line_ids": [
                        Command.create({"criterion_id": criterion.id})
                        for criterion in scorecard._criteria_in_order()
                    ],
                }
            )
        return prepared

    def _agent_of(self, ticket, message, given):
        """Whose work it is: who wrote the message, else the assignee of the ticket."""
        Users = self.env["res.users"]
        if message:
            if message.model != ticket._name or message.res_id != ticket.id:
                raise UserError(self.env._("The message is not one of this ticket."))
            # sudo: res.users: who of the staff is behind the author
            found = message.author_id.sudo().user_ids.filtered(
                lambda user: not user.share
            )[:1]
        else:
            found = ticket.user_id or Users.sudo().browse(given)
        if not found:
            raise UserError(
                self.env._(
                    "Nobody of the staff has worked on %(ticket)s: there is nothing to "
                    "review.",
                    ticket=ticket.display_name,
                )
            )
        if given and given != found.id:
            raise UserError(
                self.env._(
                    "A review of a whole ticket counts for its assignee, one of a "
                    "message for its author."
                )
            )
        return found

    def _is_manager(self):
        return self.env.user.has_group("customer_service_plan.group_manager")

    def _refuse_foreign_tickets(self, tickets):
        """A reviewer reads any ticket of his companies by reviewing it; no others."""
        if not self.env.user.has_group("customer_service_plan.group_reviewer"):
            raise AccessError(self.env._("Only reviewers review tickets."))
        # sudo: helpdesk.ticket: only their companies are looked at
        foreign = tickets.sudo().filtered(
            lambda ticket: (
                ticket.company_id and ticket.company_id not in self.env.user.company_ids
            )
        )
        if foreign:
            raise AccessError(
                self.env._("Tickets of other companies are reviewed there.")
            )

    # === Writing ===

    def write(self, vals):
        if not is_by_addon(self.env):
            self._refuse_fields(vals.keys() - WRITTEN_BY_REVIEWER)
            self._begin_marking()
        return super().write(vals)

    def unlink(self):
        return super(CspQualityReview, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if not is_by_addon(self.env) and self.filtered(
            lambda review: review.state != "to_do"
        ):
            raise UserError(
                self.env._("A review that is done stays, with all that was said on it.")
            )

    def _refuse_fields(self, names):
        if names:
            field = self._fields.get(min(names))
            raise AccessError(
                self.env._(
                    "“%s” of a review follows from what its people do; it cannot be "
                    "written.",
                    field._description_string(self.env) if field else min(names),
                )
            )

    def _begin_marking(self):
        """Refuse marks by others, and after the review is done.

        :raises AccessError: for everybody but the reviewer
        :raises UserError: once it is done
        """
        if self.filtered(lambda review: review.reviewer_id != self.env.user):
            raise AccessError(self.env._("Only the reviewer marks a review."))
        self._lock()
        if self.filtered(lambda review: review.state != "to_do"):
            raise UserError(
                self.env._(
                    "The review is done: its marks stay. What the agent disputes is "
                    "decided by somebody else."
                )
            )
        begun = self.filtered(lambda review: not review.started_at)
        if begun:
            # sudo: csp.quality.review: only when the reviewer began
            begun.sudo()._by_addon().write({"started_at": fields.Datetime.now()})

    def _lock(self):
        """Make whoever marks or ends these reviews at the same time wait, and begin
        again with what was left to him."""
        self.flush_recordset(["state"])
        one_at_a_time(self)
        self.invalidate_recordset(["state"])

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Life ===

    def action_done(self):
        """Hand the review to the agent: from now on no mark of it changes.

        :raises UserError: where a mark is missing, or a bad one is not explained
        :raises AccessError: for everybody but the reviewer
        """
        self.check_access("read")
        self._begin_marking()
        for review in self:
            # sudo: csp.quality.review: the reviewer's own, checked above
            review.sudo()._check_complete()
        # sudo: csp.quality.review: checked above
        done = self.sudo()._by_addon()
        done.write({"state": "done", "done_at": fields.Datetime.now()})
        done._after_done()
        return True

    def _check_complete(self):
        self.ensure_one()
        open_lines = self.line_ids.filtered(lambda line: not line.is_marked)
        if open_lines:
            raise ValidationError(
                self.env._(
                    "Still to mark: %s",
                    ", ".join(open_lines.criterion_id.mapped("name")),
                )
            )
        bare = self.line_ids.filtered(
            lambda line: (
                line.is_bad
                and not (line.comment or "").strip()
                and (line.criterion_id.critical or not line.cause_ids)
            )
        )
        if bare:
            raise ValidationError(
                self.env._(
                    "Say what was wrong, so that the agent can learn from it: %s",
                    ", ".join(bare.criterion_id.mapped("name")),
                )
            )

    def _after_done(self):
        """What follows when these reviews are done: hook, called with rights of the
        addon."""
