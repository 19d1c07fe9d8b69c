import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .csp_commitment import CONFLICTS

_logger = logging.getLogger(__name__)

TODO_TYPE = "customer_service_plan.mail_activity_type_answer_review"
AGENTS = "customer_service_plan.group_agent"
#: So many days before the time to answer ends, the agent is reminded.
REMIND_DAYS = 2


class CspQualityReview(models.Model):
    """What the agent says of a review of his work, and the time he has for it.

    He confirms it, with a remark if he likes, or disputes marks with his reasons; each
    once. Days are days of the agent's time zone, `answer_until` the last one. Who is
    away when a review is done, or when the time ends, has it from the day he is back.
    What nobody has answered by then is final.
    """

    _inherit = "csp.quality.review"

    answer_until = fields.Date(
        readonly=True,
        help="The last day on which the agent may confirm or dispute it.",
    )
    answered_at = fields.Datetime(string="Answered on", readonly=True)
    remark = fields.Text(
        string="Remark of the agent", readonly=True, help="What he said to confirm it."
    )
    reminded_at = fields.Datetime(string="Reminded on", readonly=True)
    dispute_id = fields.Many2one(
        comodel_name="csp.quality.dispute",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    score_before = fields.Float(
        related="dispute_id.score_before", string="Score before the dispute"
    )
    is_rescored = fields.Boolean(
        related="dispute_id.is_rescored", string="Score changed by the dispute"
    )
    may_answer = fields.Boolean(compute="_compute_may_answer")

    _to_answer = models.Index(
        "(answer_until) WHERE state = 'done' AND calibration_id IS NULL"
    )

    @api.depends("state", "answer_until", "agent_id", "calibration_id")
    @api.depends_context("uid")
    def _compute_may_answer(self):
        today = self.env.user._csp_today()
        for review in self:
            review.may_answer = bool(
                review.state == "done"
                and review.agent_id == self.env.user
                and not review.calibration_id
                and (not review.answer_until or today <= review.answer_until)
            )

    # === Asking for it ===

    def _after_done(self):
        result = super()._after_done()
        self.filtered(lambda review: not review.calibration_id)._ask_agent()
        return result

    def _ask_agent(self):
        """Tell the agents that there is something to read, and until when to answer."""
        days = dict.fromkeys(self, False)
        there = self.agent_id._csp_presence()
        for review in self:
            days[review] = review._first_day(there) + timedelta(
                days=review.company_id.csp_quality_answer_days
            )
        for day, same in self.grouped(lambda review: days[review]).items():
            same._by_addon().write({"answer_until": day})
        self._give_todos()

    def _first_day(self, there):
        """From when the time to answer counts: today, or when the agent is back.

        :param there: presence of the agents, by id
        """
        self.ensure_one()
        today = self.agent_id._csp_today()
        presence = there[self.agent_id.id]
        if not presence.active or not presence.away or presence.works_at is None:
            return today
        return max(today, self.agent_id._csp_day_of(presence.works_at))

    def _give_todos(self):
        """Give each agent who may read his review a to-do, in his language."""
        Activity = self.env["mail.activity"]
        kind = self.env.ref(TODO_TYPE, raise_if_not_found=False)
        model = self.env["ir.model"]._get(self._name)
        readers = self.agent_id.filtered(
            lambda user: user.active and user.has_group(AGENTS)
        )
        for lang, reviews in (
            self.filtered(
                lambda review: (
                    review.agent_id in readers
                    and review.company_id in review.agent_id.company_ids
                )
            )
            .grouped(lambda review: review.agent_id.lang)
            .items()
        ):
            told = reviews.with_context(lang=lang or self.env.lang)
            # A to-do in Odoo, no mail for each: a reminder gathers what is left.
            Activity.with_context(
                mail_activity_quick_update=True, lang=lang or self.env.lang
            ).create(
                [
                    {
                        "activity_type_id": kind.id if kind else False,
                        "res_model_id": model.id,
                        "res_id": review.id,
                        "user_id": review.agent_id.id,
                        "date_deadline": review.answer_until,
                        "automated": True,
                        "summary": told.env._("Read your review, and answer it"),
                    }
                    for review in told
                ]
            )

    # === Answering ===

    def action_acknowledge(self, remark=None):
        """Confirm reviews of one's own work, with a remark if one likes.

        :param str remark: plain text
        :raises AccessError: for everybody but the agent
        :raises UserError: when it was answered already, or the time is over
        """
        self._begin_answer()
        remark = remark.strip() if isinstance(remark, str) else ""
        # sudo: csp.quality.review: of this agent, checked above
        self.sudo()._by_addon().write(
            {
                "state": "acknowledged",
                "answered_at": fields.Datetime.now(),
                "remark": remark or False,
            }
        )
        self._end_todos()
        return True

    def action_dispute(self, reason, lines=None):
        """Object to a review of one's own work; a third person decides.

        :param str reason: why, in a sentence or two
        :param dict lines: the disputed marks, ``{id of the mark: reason}``; a mark
            without a reason of its own has the general one. Empty: all marks that are
            not the best of their scale.
        :return: the dispute
        :raises AccessError: for everybody but the agent
        :raises UserError: without a reason, for marks of another review, when it was
            answered already, or the time is over
        """
        self.ensure_one()
        self._begin_answer()
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Say why: whoever decides knows only what you write.")
            )
        # sudo: csp.quality.review: of this agent, checked above
        review = self.sudo()._by_addon()
        disputed = review._disputed_lines(lines)
        # sudo: csp.quality.dispute: written by the addon, for this agent
        Dispute = self.env["csp.quality.dispute"].sudo()
        dispute = Dispute._open(review, reason, disputed)
        review.write(
            {
                "state": "disputed",
                "answered_at": fields.Datetime.now(),
                "dispute_id": dispute.id,
            }
        )
        self._end_todos()
        dispute._ask_decider()
        dispute._tell_reviewer()
        return dispute.sudo(False)

    def _begin_answer(self):
        """Make sure that the agent himself answers, in time, and for the first time."""
        self.check_access("read")
        # sudo: csp.quality.review: whose review it is and how far, of what he reads
        reviews = self.sudo()
        if reviews.filtered(
            lambda review: review.agent_id != self.env.user or review.calibration_id
        ):
            raise AccessError(
                self.env._("A review is answered by whose work it is about.")
            )
        reviews._lock()
        if reviews.filtered(lambda review: review.state != "done"):
            raise UserError(self.env._("This review is answered already, or final."))
        today = self.env.user._csp_today()
        if reviews.filtered(
            lambda review: review.answer_until and review.answer_until < today
        ):
            raise UserError(
                self.env._("The time to answer this review is over: it is final.")
            )

    def _disputed_lines(self, given):
        """Which marks are disputed, and why: ``{line: reason}``."""
        if not given:
            lines = self.line_ids.filtered(
                lambda line: line.is_counted and line.points < 100
            )
            if not lines:
                raise UserError(
                    self.env._(
                        "Every mark is the best there is. Tick what you object to."
                    )
                )
            return dict.fromkeys(lines, "")
        if not isinstance(given, dict):
            raise UserError(self.env._("Say for each mark why you object to it."))
        own = {str(line.id): line for line in self.line_ids}
        disputed = {}
        for key, reason in given.items():
            line = own.get(str(key))
            if not line:
                raise UserError(self.env._("This mark is not one of the review."))
            disputed[line] = reason.strip() if isinstance(reason, str) else ""
        return disputed

    def _end_todos(self):
        # sudo: mail.activity: of the agent whose answer was just kept
        self.sudo().activity_unlink([TODO_TYPE])

    # === In time ===

    @api.model
    def _cron_answers(self, batch_size=100):
        """Remind agents, end the time to answer, and let disputes find who decides.

        May run twice or late without harm: nobody is reminded twice of a review.
        """
        self._remind_agents()
        self._end_time(batch_size)
        self.env["csp.quality.dispute"]._follow()

    @api.model
    def _to_be_answered(self):
        return Domain("state", "=", "done") & Domain("calibration_id", "=", False)

    @api.model
    def _remind_agents(self):
        """Remind each agent once of each review, one message about all of them."""
        horizon = fields.Date.today() + timedelta(days=REMIND_DAYS)
        waiting = self.search(
            self._to_be_answered()
            & Domain("answer_until", "<=", horizon)
            & Domain("reminded_at", "=", False)
            & Domain("agent_id.active", "=", True)
        )
        there = waiting.agent_id._csp_presence()
        for agent, reviews in waiting.grouped("agent_id").items():
            presence = there[agent.id]
            today = agent._csp_today()
            due = reviews.filtered(lambda one, today=today: one.answer_until >= today)
            if not due or presence.away or not presence.decent:
                continue
            try:
                with self.env.cr.savepoint():
                    due = due.try_lock_for_update().filtered(
                        lambda review: not review.reminded_at
                    )
                    due._by_addon().write({"reminded_at": fields.Datetime.now()})
                    due._send_reminder(agent)
            except CONFLICTS:
                raise
            except Exception:
                # The others are reminded all the same.
                _logger.exception("%s could not be reminded of his reviews", agent)
            if not self.env["ir.cron"]._commit_progress(len(due)):
                return

    def _send_reminder(self, agent):
        if not self or not agent.has_group(AGENTS):
            return
        self = self.with_context(lang=agent.lang or self.env.lang)
        subject = (
            self.env._("Please answer: %s", self.display_name)
            if len(self) == 1
            else self.env._("Please answer %s reviews of your work", len(self))
        )
        self._notify_people(
            agent,
            subject,
            "customer_service_plan.quality_answer_reminder",
            {"reviews": self.sorted(lambda review: (review.answer_until, review.id))},
        )

    def _notify_people(self, user, subject, template, values):
        """One message to one person, in his language and by the way he prefers."""
        self = self.with_context(
            lang=user.lang or self.env.lang,
            tz=user.tz or self.env.tz,
            # The queue sends it: a mail server that is down holds up nothing.
            mail_notify_force_send=False,
        )
        self.env["mail.thread"].message_notify(
            partner_ids=user.partner_id.ids,
            subject=subject,
            body=self.env["ir.qweb"]._render(
                template,
                {**values, "user": user, "base_url": self[:1].get_base_url()},
                minimal_qcontext=True,
            ),
            author_id=self.env.ref("base.partner_root").id,
            email_layout_xmlid="mail.mail_notification_light",
        )

    @api.model
    def _end_time(self, batch_size):
        """What nobody has answered in time is final, unless the agent is away."""
        # Where the day begins first it is tomorrow already.
        domain = self._to_be_answered() & Domain(
            "answer_until", "<=", fields.Date.today()
        )
        last_id = 0
        while reviews := self.search(
            domain & Domain("id", ">", last_id), order="id", limit=batch_size
        ):
            last_id = reviews[-1].id
            over = reviews.try_lock_for_update().filtered(
                lambda review: review.answer_until < review.agent_id._csp_today()
            )
            over._let_be_final()
            if not self.env["ir.cron"]._commit_progress(len(over)):
                return

    def _let_be_final(self):
        there = self.agent_id._csp_presence()
        away = self.filtered(
            lambda review: (
                there[review.agent_id.id].active and there[review.agent_id.id].away
            )
        )
        days = {
            review: review._first_day(there)
            + timedelta(days=review.company_id.csp_quality_answer_days)
            for review in away
        }
        for day, same in away.grouped(lambda review: days[review]).items():
            # Who comes back is reminded before the new time ends.
            same._by_addon().write({"answer_until": day, "reminded_at": False})
            same.activity_reschedule([TODO_TYPE], date_deadline=day)
        final = self - away
        final._by_addon().write({"state": "final"})
        final.activity_unlink([TODO_TYPE])
