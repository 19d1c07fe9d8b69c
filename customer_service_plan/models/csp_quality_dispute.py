from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain

from .locking import one_at_a_time
from .protected import BY_ADDON

TODO_TYPE = "customer_service_plan.mail_activity_type_decide_dispute"
AGENTS = "customer_service_plan.group_agent"
MANAGERS = "customer_service_plan.group_manager"


class CspQualityDispute(models.Model):
    """An agent's objection to a review of his work, and the decision on it.

    Decided by a third person, neither the agent nor the reviewer: a leader of the
    team, else a manager. Marks change by this decision only, and never to the worse;
    both marks and both scores stay. Written by the addon only. Moments are naive UTC.
    """

    _name = "csp.quality.dispute"
    _inherit = ["csp.protected", "mail.thread", "mail.activity.mixin"]
    _description = "Dispute"
    _order = "state desc, due_date, id desc"
    _rec_name = "review_id"
    _rec_names_search = ["review_id"]
    # Whoever reads it may say what he thinks, the reviewer first of all.
    _mail_post_access = "read"

    review_id = fields.Many2one(
        comodel_name="csp.quality.review",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="review_id.company_id", store=True, index=True, precompute=True
    )
    agent_id = fields.Many2one(
        related="review_id.agent_id", store=True, index=True, precompute=True
    )
    reviewer_id = fields.Many2one(
        related="review_id.reviewer_id", store=True, index=True, precompute=True
    )
    team_id = fields.Many2one(
        related="review_id.team_id",
        store=True,
        index="btree_not_null",
        precompute=True,
    )
    ticket_id = fields.Many2one(related="review_id.ticket_id")
    scorecard_id = fields.Many2one(related="review_id.scorecard_id")
    reason = fields.Text(string="Why the agent objects", required=True, readonly=True)
    disputed_at = fields.Datetime(string="Disputed on", required=True, readonly=True)
    due_date = fields.Date(string="Decide by", readonly=True)
    is_late = fields.Boolean(
        string="Overdue", compute="_compute_is_late", search="_search_is_late"
    )
    state = fields.Selection(
        selection=[("open", "To be decided"), ("decided", "Decided")],
        default="open",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    decider_id = fields.Many2one(
        comodel_name="res.users",
        string="To be decided by",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        tracking=True,
        help="A leader of the team, else a manager; neither the agent nor the "
        "reviewer.",
    )
    may_decide = fields.Boolean(compute="_compute_may_decide")
    outcome = fields.Selection(
        selection=[
            ("full", "Agreed to"),
            ("partly", "Agreed to in part"),
            ("none", "Not agreed to"),
        ],
        readonly=True,
    )
    decided_at = fields.Datetime(string="Decided on", readonly=True)
    decision = fields.Text(string="Why it was decided so", readonly=True)
    line_ids = fields.One2many(
        comodel_name="csp.quality.dispute.line",
        inverse_name="dispute_id",
        string="Disputed marks",
        readonly=True,
    )
    line_count = fields.Integer(string="Marks", compute="_compute_line_count")
    score_before = fields.Float(
        string="Score before", digits=(5, 2), readonly=True, aggregator="avg"
    )
    was_failed = fields.Boolean(string="Failed before", readonly=True)
    score_after = fields.Float(
        string="Score after",
        digits=(5, 2),
        readonly=True,
        aggregator="avg",
    )
    is_rescored = fields.Boolean(string="Score changed", readonly=True)

    _once = models.UniqueIndex("(review_id)", "A review is disputed once.")
    _decided = models.Constraint(
        "CHECK(state = 'open' OR num_nonnulls(outcome, decision, decided_at,"
        " decider_id) = 4)",
        "A dispute ends with a decision, its reason, and who made it.",
    )

    @api.depends("review_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for dispute in self:
            # sudo: csp.quality.review: number and subject of the ticket
            name = dispute.sudo().review_id.display_name or ""
            dispute.display_name = self.env._("Dispute: %s", name)

    @api.depends("due_date", "state")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for dispute in self:
            date = dispute.due_date
            dispute.is_late = bool(dispute.state == "open" and date and date < today)

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        late = Domain("state", "=", "open") & Domain(
            "due_date", "<", fields.Date.context_today(self)
        )
        if len(value) == 2:
            return Domain.TRUE
        return late if True in value else ~late

    @api.depends("state", "decider_id", "agent_id", "reviewer_id")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        user = self.env.user
        is_manager = user.has_group(MANAGERS)
        for dispute in self:
            dispute.may_decide = (
                dispute.state == "open"
                and user not in dispute.agent_id | dispute.reviewer_id
                and (is_manager or dispute.decider_id == user)
            )

    @api.depends("line_ids")
    def _compute_line_count(self):
        for dispute in self:
            dispute.line_count = len(dispute.line_ids)

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Beginning ===

    @api.model
    def _open(self, review, reason, disputed):
        """Keep an objection with the marks as they are.

        :param review: the review, which its agent may answer now
        :param str reason: of the whole
        :param dict disputed: ``{line of the review: reason}``
        """
        now = fields.Datetime.now()
        days = review.company_id.csp_quality_answer_days
        return self._by_addon().create(
            {
                "review_id": review.id,
                "reason": reason,
                "disputed_at": now,
                "due_date": fields.Date.context_today(self) + timedelta(days=days),
                "decider_id": self._find_decider(review).id,
                "score_before": review.score,
                "was_failed": review.is_failed,
                "line_ids": [
                    Command.create(
                        {
                            "review_line_id": line.id,
                            "reason": why,
                            "step_before": line.step,
                            "na_before": line.not_applicable,
                        }
                    )
                    for line, why in disputed.items()
                ],
            }
        )

    # === Who decides ===

    @api.model
    def _find_decider(self, review):
        """A third person: a leader of the team, else a manager of the company.

        Somebody who is there before somebody away; nobody where nobody is left.
        """
        found = self._who_may_decide(review)
        there = found._csp_presence()
        return found.sorted(lambda user: there[user.id].away)[:1]

    @api.model
    def _who_may_decide(self, review):
        """Leaders of the team and of those above, then managers, in this order."""
        managers = self.env.ref(MANAGERS).all_user_ids.sorted("id")
        # The robot and the administrator only where nobody else is left
        system = self.env.ref("base.user_root") | self.env.ref("base.user_admin")
        people = review.team_id._csp_leaders() | (managers - system)
        people |= managers & system
        people -= review.agent_id | review.reviewer_id
        return people.filtered(
            lambda user: (
                user.active
                and not user.share
                and review.company_id in user.company_ids
                and user.has_group(AGENTS)
            )
        )

    def _ask_decider(self):
        """Give these to who decides, as a to-do in his language."""
        for dispute in self.filtered("decider_id"):
            decider = dispute.decider_id
            told = dispute.with_context(lang=decider.lang or self.env.lang)
            told.activity_schedule(
                TODO_TYPE,
                date_deadline=dispute.due_date,
                user_id=decider.id,
                summary=told.env._("Decide on a dispute"),
                note=told.env._(
                    "Look at the ticket, at what the reviewer says and at what the "
                    "agent says. Then decide on each mark, and say why."
                ),
            )

    def _tell_reviewer(self):
        for dispute in self:
            reviewer = dispute.reviewer_id
            told = dispute.with_context(lang=reviewer.lang or self.env.lang)
            dispute.review_id._notify_people(
                reviewer,
                told.env._("Disputed: %s", dispute.review_id.display_name),
                "customer_service_plan.quality_dispute_begun",
                {"dispute": told},
            )

    @api.model
    def _follow(self):
        """Let open disputes find somebody else where who was asked has left."""
        for dispute in self.search([("state", "=", "open")]):
            people = dispute._who_may_decide(dispute.review_id)
            if dispute.decider_id in people or not (people or dispute.decider_id):
                continue
            dispute.activity_unlink([TODO_TYPE])
            dispute._by_addon().write(
                {"decider_id": self._find_decider(dispute.review_id).id}
            )
            dispute._ask_decider()

    def action_hand_on(self, user_id, note=None):
        """Let somebody else decide.

        :param int user_id: a manager, or a leader of the team
        :param str note: why, for whoever gets it
        :raises AccessError: for everybody but who may decide
        :raises UserError: for somebody who may not decide, or when it is decided
        """
        self.ensure_one()
        dispute = self._check_decider()
        user = dispute._who_may_decide(dispute.review_id).filtered(
            lambda each: each.id == user_id
        )
        if not user:
            raise UserError(
                self.env._(
                    "It is decided by a leader of the team or a manager, and neither "
                    "by the agent nor by the reviewer."
                )
            )
        dispute.activity_unlink([TODO_TYPE])
        dispute._by_addon().write({"decider_id": user.id})
        dispute._ask_decider()
        note = note.strip() if isinstance(note, str) else ""
        if note:
            dispute._message_log(body=note)
        return True

    def _check_decider(self):
        """Make sure that the user may decide now.

        :return: the dispute with rights of the addon
        """
        self.check_access("read")
        # sudo: csp.quality.dispute: who may decide it is checked here
        dispute = self.sudo()
        one_at_a_time(dispute)
        dispute.invalidate_recordset(["state", "decider_id", "may_decide"])
        if dispute.state != "open":
            raise UserError(self.env._("This dispute is decided already."))
        if not self.may_decide:
            raise AccessError(
                self.env._(
                    "A dispute is decided by who was asked or by a manager, and "
                    "neither by the agent nor by the reviewer."
                )
            )
        return dispute

    # === Deciding ===

    def action_decide(self, text, decisions):
        """Decide on each disputed mark; the score is counted again, and all is final.

        :param str text: why, for the agent and the reviewer
        :param dict decisions: for each disputed mark ``{id of the dispute's line:
            {"accepted": bool, "step": int, "not_applicable": bool, "answer": str}}``;
            step or not_applicable say the new mark of what is agreed to
        :raises AccessError: for everybody but who may decide
        :raises UserError: without a reason, with a mark left out or a worse one than
            before, or when it is decided already
        """
        self.ensure_one()
        dispute = self._check_decider()._by_addon()
        text = text.strip() if isinstance(text, str) else ""
        if not text:
            raise UserError(
                self.env._("Say why you decide so: the agent and the reviewer read it.")
            )
        given = decisions if isinstance(decisions, dict) else {}
        given = {str(key): value for key, value in given.items()}
        if given.keys() - {str(line.id) for line in dispute.line_ids}:
            raise UserError(self.env._("This mark is not one of the dispute."))
        for line in dispute.line_ids:
            line._decide(given.get(str(line.id)))
        accepted = dispute.line_ids.filtered("accepted")
        review = dispute.review_id
        for line in accepted:
            line.review_line_id.write(
                {"step": line.step_after, "not_applicable": line.na_after}
            )
        dispute._check_not_worse()
        dispute.write(
            {
                "state": "decided",
                "outcome": "none"
                if not accepted
                else "full"
                if accepted == dispute.line_ids
                else "partly",
                "decider_id": self.env.uid,
                "decided_at": fields.Datetime.now(),
                "decision": text,
                "score_after": review.score,
                "is_rescored": (review.score, review.is_failed)
                != (dispute.score_before, dispute.was_failed),
            }
        )
        review.write({"state": "final"})
        dispute.activity_unlink([TODO_TYPE])
        dispute._tell_decision()
        return True

    def _check_not_worse(self):
        review = self.review_id
        if review.score < self.score_before or (review.is_failed > self.was_failed):
            raise UserError(
                self.env._(
                    "With these marks the score would be %(after)s instead of "
                    "%(before)s. Nobody is worse off for having objected: choose "
                    "other marks.",
                    after=review.score,
                    before=self.score_before,
                )
            )

    def _tell_decision(self):
        for person in self.agent_id | self.reviewer_id:
            told = self.with_context(lang=person.lang or self.env.lang)
            if not person.active or not person.has_group(AGENTS):
                continue
            self.review_id._notify_people(
                person,
                told.env._("Decided: %s", self.review_id.display_name),
                "customer_service_plan.quality_dispute_decided",
                {"dispute": told},
            )

    # === Actions ===

    def action_open_review(self):
        """Open the review with the ticket's conversation, where it is decided."""
        self.ensure_one()
        self.check_access("read")
        return self.review_id._get_records_action(name=self.review_id.display_name)
