import logging

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .locking import one_at_a_time
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

TODO_TYPE = "customer_service_plan.mail_activity_type_review"
MANAGERS = "customer_service_plan.group_manager"
#: Who may be asked for a review: he has to be able to read what it is about.
READERS = "helpdesk_mgmt.group_helpdesk_user_own"
KEEP, CHANGE, RETIRE = "keep", "change", "retire"
DECISIONS = [(KEEP, "Keep"), (CHANGE, "Change"), (RETIRE, "Retire")]
#: Days ahead for what belongs to every company.
LEAD_DAYS = 14


class CspPolicyReview(models.Model):
    """A second look at a policy or a plan: with evidence, and with a decision.

    Opened ahead of its date, decided by a named person with a reason, and never changed
    after that. Written by the addon only: moments and persons are facts.
    """

    _name = "csp.policy.review"
    _inherit = ["csp.protected", "mail.thread", "mail.activity.mixin"]
    _description = "Review"
    _order = "state desc, date_due, id desc"
    _rec_names_search = ["policy_id", "plan_id"]
    # Whoever reads it may say what he thinks.
    _mail_post_access = "read"

    policy_id = fields.Many2one(
        comodel_name="csp.policy",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    plan_id = fields.Many2one(
        comodel_name="csp.plan",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    subject = fields.Char(string="What", compute="_compute_subject")
    company_id = fields.Many2one(
        comodel_name="res.company",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
    )
    owner_id = fields.Many2one(
        comodel_name="res.users",
        string="To be done by",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The owner of the policy; where he has left or there is none, the owner "
        "of the plan, else a manager.",
    )
    date_due = fields.Date(string="Due", required=True, readonly=True)
    period_from = fields.Datetime(
        string="Looks back to",
        required=True,
        readonly=True,
        help="The last review, else the first publication.",
    )
    period_to = fields.Datetime(
        string="Looks back from",
        readonly=True,
        help="The moment of the decision; empty: now.",
    )
    state = fields.Selection(
        selection=[("to_do", "To do"), ("done", "Done")],
        default="to_do",
        required=True,
        readonly=True,
        index=True,
    )
    is_overdue = fields.Boolean(
        string="Overdue", compute="_compute_is_overdue", search="_search_is_overdue"
    )
    may_decide = fields.Boolean(compute="_compute_may_decide")
    decision = fields.Selection(selection=DECISIONS, readonly=True)
    reason = fields.Text(string="Why", readonly=True)
    decided_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Decided by",
        readonly=True,
        ondelete="restrict",
    )
    decided_at = fields.Datetime(string="Decided on", readonly=True)
    next_date = fields.Date(string="Next review", readonly=True)
    evidence = fields.Json(
        readonly=True, help="The figures as they were at the decision."
    )
    earlier_ids = fields.Many2many(
        comodel_name="csp.policy.review",
        string="Earlier reviews",
        compute="_compute_earlier_ids",
    )

    _one_target = models.Constraint(
        "CHECK(num_nonnulls(policy_id, plan_id) = 1)",
        "A review is of a policy or of a plan.",
    )
    _one_open_per_policy = models.UniqueIndex(
        "(policy_id) WHERE state = 'to_do'",
        "This policy is being reviewed already.",
    )
    _one_open_per_plan = models.UniqueIndex(
        "(plan_id) WHERE state = 'to_do'", "This plan is being reviewed already."
    )
    _decided = models.Constraint(
        "CHECK(state = 'to_do' OR num_nonnulls(decision, reason, decided_by_id,"
        " decided_at, period_to, evidence) = 6)",
        "A review ends with a decision, its reason and its evidence.",
    )

    @api.depends("policy_id.name", "plan_id.name")
    @api.depends_context("lang")
    def _compute_subject(self):
        for review in self:
            # sudo: csp.policy, csp.plan: the name of what the reader is asked about
            review.subject = review.sudo()._target().name

    @api.depends("subject")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for review in self:
            review.display_name = self.env._("Review: %s", review.subject or "")

    @api.depends("state", "date_due")
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for review in self:
            review.is_overdue = bool(
                review.state == "to_do" and review.date_due and review.date_due < today
            )

    @api.model
    def _search_is_overdue(self, operator, value):
        if operator != "in":
            return NotImplemented
        overdue = Domain("state", "=", "to_do") & Domain(
            "date_due", "<", fields.Date.context_today(self)
        )
        if len(value) == 2:
            return Domain.TRUE
        return overdue if True in value else ~overdue

    @api.depends("state", "owner_id")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        is_manager = self.env.user.has_group(MANAGERS)
        for review in self:
            review.may_decide = review.state == "to_do" and (
                is_manager or review.owner_id == self.env.user
            )

    @api.depends("state", "decided_at")
    def _compute_earlier_ids(self):
        done = self.search(
            Domain("state", "=", "done")
            & (
                Domain("policy_id", "in", self.policy_id.ids)
                | Domain("plan_id", "in", self.plan_id.ids)
            ),
            order="decided_at desc, id desc",
        )
        for review in self:
            review.earlier_ids = done.filtered(
                lambda other, review=review: (
                    other.policy_id == review.policy_id
                    and other.plan_id == review.plan_id
                    and other != review._origin
                    and (not review.decided_at or other.decided_at < review.decided_at)
                )
            )

    def _target(self):
        """The policy or the plan that is looked at."""
        self.ensure_one()
        return self.policy_id or self.plan_id

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Becoming due ===

    @api.model
    def _cron_open(self):
        """Open the reviews that come near, and let the open ones follow their owner.

        May run twice or late: what has an open review gets no second one.
        """
        # sudo: res.company: how many days ahead each of them wants to know
        leads = {
            company.id: company.csp_review_lead_days
            for company in self.env["res.company"].sudo().search(Domain.TRUE)
        }
        leads[False] = LEAD_DAYS
        today = fields.Date.context_today(self)
        horizon = fields.Date.add(today, days=max(leads.values()))
        failed = None
        for model in ("csp.policy", "csp.plan"):
            link = self.env[model]._csp_review_link
            reviewed = self._search([("state", "=", "to_do"), (link, "!=", False)])
            coming = self.env[model].search(
                Domain("next_review_date", "<=", horizon)
                & Domain("id", "not in", reviewed.subselect(link))
            )
            coming = coming._is_to_be_reviewed().filtered(
                lambda target: (
                    target.next_review_date
                    <= fields.Date.add(today, days=leads[target.company_id.id])
                )
            )
            failed = self._try_open_for(coming) or failed
        self.search([("state", "=", "to_do")])._follow()
        if failed:
            raise failed

    @api.model
    def _try_open_for(self, targets):
        """Open reviews of these, and of all others where it fails for one.

        :return: what went wrong last, if anything
        """
        try:
            with self.env.cr.savepoint():
                self._open_for(targets)
            return None
        except Exception as error:  # pylint: disable=broad-except
            if len(targets) < 2:
                # Somebody has begun it by hand a moment ago: nothing is wrong.
                if isinstance(error, IntegrityError):
                    return None
                _logger.exception("%s: its review could not be opened", targets)
                return error
        failed = None
        for target in targets:
            failed = self._try_open_for(target) or failed
        return failed

    @api.model
    def _open_for(self, targets):
        """Begin a review of each of these policies or plans, with a to-do.

        :return: the reviews
        """
        if not targets:
            return self.browse()
        link = targets._csp_review_link
        today = fields.Date.context_today(self)
        since = self._looked_at_until(targets)
        responsible = self._find_responsible(targets)
        reviews = self._by_addon().create(
            [
                {
                    link: target.id,
                    "company_id": target.company_id.id,
                    "owner_id": responsible[target].id,
                    "date_due": target.next_review_date or today,
                    "period_from": since[target],
                }
                for target in targets
            ]
        )
        reviews = reviews.with_env(self.env)
        # What the database refuses is to be known before anybody is told.
        reviews.flush_recordset()
        reviews._ask()
        targets.invalidate_recordset(["open_review_id", "review_count"])
        return reviews

    @api.model
    def _looked_at_until(self, targets):
        """Where the next review of these begins: dict of target to naive UTC."""
        link = targets._csp_review_link
        last = dict(
            self._read_group(
                [(link, "in", targets.ids), ("state", "=", "done")],
                groupby=[link],
                aggregates=["period_to:max"],
            )
        )
        versions = targets._reviewed_versions()
        published = {}
        for version in versions.filtered("published_at"):
            for target in targets._reviewed_by(version):
                at = version.published_at
                published[target] = min(published.get(target, at), at)
        return {
            target: last.get(target) or published.get(target) or target.create_date
            for target in targets
        }

    @api.model
    def _find_responsible(self, targets):
        """Who is asked for a review of each of these: the owner, if he is still there.

        Else the owner of the plan, else a manager of the company.

        :return: dict of target to a user, or to nobody where nobody is left
        """
        managers = self.env.ref(MANAGERS).all_user_ids.sorted("id")
        # The robot and the administrator only where nobody else is left
        system = self.env.ref("base.user_root") | self.env.ref("base.user_admin")
        managers = (managers - system) | (managers & system)
        found = {}
        for target in targets:
            wanted = target.owner_id | target._plan_reviewed_with().owner_id | managers
            company = target.company_id
            found[target] = wanted.filtered(
                lambda user, company=company: (
                    user.active
                    and not user.share
                    and (not company or company in user.company_ids)
                    and user.has_group(READERS)
                )
            )[:1]
        return found

    def _ask(self):
        """Give each of these to its owner as a to-do, in his language."""
        for (owner, date_due), reviews in self.grouped(
            lambda review: (review.owner_id, review.date_due)
        ).items():
            if not owner:
                continue
            told = reviews.with_context(lang=owner.lang)
            told.activity_schedule(
                TODO_TYPE,
                date_deadline=date_due,
                user_id=owner.id,
                summary=told.env._("Look at it again, and decide"),
                note=told.env._(
                    "The page has gathered what happened since the last time. Keep it, "
                    "change it or retire it, and say why."
                ),
            )

    def _follow(self):
        """Let these open reviews follow the date and the owner of what they look at.

        One whose policy or plan is put away is withdrawn; a to-do that somebody has
        ticked off without deciding comes back.
        """
        gone = self.filtered(lambda review: not review._target()._is_to_be_reviewed())
        gone._withdraw()
        left = self - gone
        for link in ("policy_id", "plan_id"):
            reviews = left.filtered(link)
            responsible = self._find_responsible(reviews[link])
            changed = {}
            for review in reviews:
                target = review[link]
                owner = responsible[target]
                key = (
                    target.company_id.id,
                    owner.id,
                    target.next_review_date or review.date_due,
                )
                if key != (review.company_id.id, review.owner_id.id, review.date_due):
                    changed.setdefault(key, []).append(review.id)
            for (company_id, owner_id, date_due), ids in changed.items():
                self._by_addon().browse(ids).write(
                    {
                        "company_id": company_id,
                        "owner_id": owner_id,
                        "date_due": date_due,
                    }
                )
        todos = left.activity_search([TODO_TYPE])
        wrong = todos.filtered(
            lambda todo: (
                todo.user_id != left.browse(todo.res_id).owner_id
                or todo.date_deadline != left.browse(todo.res_id).date_due
            )
        )
        right = left.browse((todos - wrong).mapped("res_id"))
        wrong.unlink()
        (left - right)._ask()

    def _withdraw(self):
        """Take reviews back that were never decided."""
        if self:
            self._by_addon().unlink()

    # === Deciding ===

    def action_decide(self, decision, reason, next_date=None):
        """End a review: what becomes of the policy or the plan, and when to look again.

        :param str decision: keep, change (the next version is begun, with the reason in
            it) or retire (it goes out of force at once)
        :param str reason: why; kept for good
        :param next_date: day of the next review; empty: by the interval. After
            "retire" there is none.
        :return: action that opens what comes next
        :raises AccessError: for anybody but the owner and managers
        :raises UserError: without a reason, for a day that is past, or if it is decided
        """
        self.ensure_one()
        self.check_access("read")
        is_manager = self.env.user.has_group(MANAGERS)
        # sudo: csp.policy.review: he may decide it, and nobody writes it otherwise
        review = self.sudo()
        if not is_manager and review.owner_id != self.env.user:
            raise AccessError(
                self.env._("A review is decided by its owner or by a manager.")
            )
        one_at_a_time(self)
        if review.state != "to_do":
            raise UserError(
                self.env._("This review is decided already, and stays as it is.")
            )
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Say why you decide so: it is kept, and read next time.")
            )
        if decision not in dict(DECISIONS):
            raise UserError(self.env._("Choose: keep, change or retire."))
        target = review._target()
        next_date = review._checked_next_date(decision, next_date)
        now = fields.Datetime.now()
        evidence = review._gather_evidence(now)
        review._by_addon().write(
            {
                "state": "done",
                "decision": decision,
                "reason": reason,
                "decided_by_id": self.env.uid,
                "decided_at": now,
                "period_to": now,
                "next_date": next_date,
                "evidence": evidence,
            }
        )
        outcome = getattr(review, f"_carry_out_{decision}")(target, reason)
        target.next_review_date = next_date
        # The to-do of whoever was asked is done, whoever decided.
        review.activity_feedback([TODO_TYPE])
        review._tell_decision(target)
        return outcome or self._get_records_action(name=self.display_name)

    def _checked_next_date(self, decision, next_date):
        if decision == RETIRE:
            return False
        today = fields.Date.context_today(self)
        if not next_date:
            return self._proposed_next_date()
        next_date = fields.Date.to_date(next_date)
        if next_date <= today:
            raise UserError(
                self.env._("The next review is on a day to come, not before tomorrow.")
            )
        return next_date

    def _proposed_next_date(self):
        """The day of the next review by the interval; False without an interval."""
        months = self._target().review_interval_months
        today = fields.Date.context_today(self)
        return bool(months) and fields.Date.add(today, months=months)

    def _carry_out_keep(self, target, reason):
        """Nothing changes."""

    def _carry_out_change(self, target, reason):
        return target._begin_change(reason)

    def _carry_out_retire(self, target, reason):
        target._retire_reviewed()

    def _tell_decision(self, target):
        labels = dict(self._fields["decision"]._description_selection(self.env))
        target._message_log(
            body=self.env._(
                "Reviewed by %(who)s: %(decision)s. %(reason)s",
                who=self.decided_by_id.name,
                decision=labels[self.decision],
                reason=self.reason,
            )
        )

    # === Actions ===

    def action_open_decision(self):
        """Ask for the decision, its reason and the next date."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Decide"),
            "res_model": "csp.policy.review.decide",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_review_id": self.id, "dialog_size": "medium"},
        }

    def action_open_target(self):
        """Open the policy or the plan that is looked at."""
        self.ensure_one()
        self.check_access("read")
        target = self._target()
        return target._get_records_action(name=target.display_name)

    def action_try_on_past(self):
        """Try the present text on past tickets, as part of the evidence."""
        self.ensure_one()
        self.check_access("read")
        return self._version_to_try().action_backtest()

    def _version_to_try(self):
        policy = self.policy_id
        return policy.current_version_id or policy.draft_version_id
