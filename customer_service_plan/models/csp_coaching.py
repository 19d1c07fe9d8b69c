import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import clean_context

from .csp_commitment import CONFLICTS
from .locking import one_at_a_time
from .protected import BY_ADDON, is_by_addon, unless_uninstalled

_logger = logging.getLogger(__name__)

AGREE_TYPE = "customer_service_plan.mail_activity_type_coaching_agree"
ACT_TYPE = "customer_service_plan.mail_activity_type_coaching_act"
FOLLOW_UP_TYPE = "customer_service_plan.mail_activity_type_coaching_follow_up"
AGENTS = "customer_service_plan.group_agent"
REVIEWERS = "customer_service_plan.group_reviewer"
#: What whoever plans it may say; the rest follows.
GIVEN_AT_CREATION = frozenset(
    {
        "agent_id",
        "coach_id",
        "review_ids",
        "criterion_ids",
        "action_ids",
        "meeting_at",
        "follow_up_date",
        "notes",
        "coach_remark",
    }
)
#: What coach and leaders write, by state; the agent writes his remark only.
WRITTEN_BY_COACH = {
    "planned": GIVEN_AT_CREATION - {"agent_id"},
    "agreed": frozenset({"coach_id", "meeting_at", "follow_up_date", "coach_remark"}),
}
WRITTEN_BY_AGENT = frozenset({"agent_remark"})
#: What the agent agrees to.
PLAN = WRITTEN_BY_COACH["planned"] - WRITTEN_BY_COACH["agreed"]
#: So many days before its day somebody is reminded of what he agreed on.
REMIND_DAYS = 1


class CspCoaching(models.Model):
    """What an agent and his coach agreed on after reviews of his work.

    The coach plans it, shows it to the agent, and the agent agrees by a click of his
    own; from then on neither can change what was agreed, only do it. Who wants to
    change it begins the plan again, and the agent agrees once more. Private: it is read
    by the agent (from when it is shown to him), the coach, and who leads the agent, see
    `csp_is_led_by_me`. Managers read it only where nobody else leads the agent.

    Moments are naive UTC, days those of whoever acts.
    """

    _name = "csp.coaching"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Coaching"
    _order = "is_open desc, next_due_date, id desc"
    _rec_name = "agent_id"
    _check_company_auto = True
    # The agent may say what he thinks even where he changes nothing.
    _mail_post_access = "read"

    agent_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        index=True,
        ondelete="restrict",
        domain="[('share', '=', False), ('id', '!=', uid)]",
    )
    coach_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        index=True,
        ondelete="restrict",
        default=lambda self: self.env.user,
        domain="[('share', '=', False), ('id', '!=', agent_id)]",
        tracking=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        default=lambda self: self.env.company,
    )
    review_ids = fields.Many2many(
        comodel_name="csp.quality.review",
        relation="csp_coaching_review_rel",
        column1="coaching_id",
        column2="review_id",
        string="Reviews",
        domain="[('agent_id', '=', agent_id), ('state', '!=', 'to_do'),"
        " ('calibration_id', '=', False)]",
    )
    review_count = fields.Integer(compute="_compute_review_count")
    criterion_ids = fields.Many2many(
        comodel_name="csp.scorecard.criterion",
        relation="csp_coaching_criterion_rel",
        column1="coaching_id",
        column2="criterion_id",
        string="Criteria concerned",
        help="What is to become better. Marks on them are compared before and after.",
    )
    action_ids = fields.One2many(
        comodel_name="csp.coaching.action",
        inverse_name="coaching_id",
        string="Actions",
    )
    action_count = fields.Integer(compute="_compute_actions", store=True)
    done_count = fields.Integer(
        string="Actions done", compute="_compute_actions", store=True
    )
    progress = fields.Char(string="Actions done so far", compute="_compute_progress")
    next_due_date = fields.Date(
        string="Next due",
        compute="_compute_actions",
        store=True,
        help="Day of the next action that is still to be done.",
    )
    is_late = fields.Boolean(
        string="Overdue", compute="_compute_is_late", search="_search_is_late"
    )
    state = fields.Selection(
        selection=[
            ("planned", "Planned"),
            ("agreed", "Agreed"),
            ("done", "Done"),
            ("cancelled", "Cancelled"),
        ],
        default="planned",
        required=True,
        readonly=True,
        index=True,
        copy=False,
        tracking=True,
    )
    is_open = fields.Boolean(compute="_compute_is_open", store=True)
    meeting_at = fields.Datetime(string="Meeting")
    follow_up_date = fields.Date(
        string="Follow-up", help="When both look at what has become better."
    )
    notes = fields.Text(
        string="What it is about",
        help="What happened, and what is to become better. The agent reads it.",
    )
    coach_remark = fields.Text(
        string="Remark of the coach", help="The agent and his leaders read it."
    )
    agent_remark = fields.Text(
        string="Remark of the agent",
        readonly=True,
        copy=False,
        help="The coach and the leaders read it.",
    )
    shown_at = fields.Datetime(
        string="Shown to the agent on", readonly=True, copy=False
    )
    agreed_at = fields.Datetime(
        string="Agreed on", readonly=True, copy=False, tracking=True
    )
    ended_at = fields.Datetime(string="Ended on", readonly=True, copy=False)
    scorecard_ids = fields.Many2many(
        comodel_name="csp.scorecard",
        compute="_compute_scorecard_ids",
        help="From which criteria are chosen: those of the reviews, else all in use.",
    )
    is_mine = fields.Boolean(compute="_compute_may")
    may_name_coach = fields.Boolean(compute="_compute_may")
    may_coach = fields.Boolean(compute="_compute_may")
    may_agree = fields.Boolean(compute="_compute_may")

    _not_oneself = models.Constraint(
        "CHECK(agent_id <> coach_id)", "Nobody coaches himself."
    )
    _agreed = models.Constraint(
        "CHECK(state NOT IN ('agreed', 'done') OR agreed_at IS NOT NULL)",
        "It is agreed on by a click of the agent, with its moment.",
    )
    _to_do = models.Index("(next_due_date) WHERE state = 'agreed'")

    @api.depends("agent_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for coaching in self:
            # sudo: res.users: the name, for whoever reads the coaching
            name = coaching.agent_id.sudo().name
            coaching.display_name = (
                self.env._("Coaching: %s", name) if name else self.env._("Coaching")
            )

    @api.depends("review_ids")
    def _compute_review_count(self):
        for coaching in self:
            coaching.review_count = len(coaching.review_ids)

    @api.depends("action_ids.done_at", "action_ids.due_date")
    def _compute_actions(self):
        for coaching in self:
            left = coaching.action_ids.filtered(lambda action: not action.done_at)
            coaching.action_count = len(coaching.action_ids)
            coaching.done_count = len(coaching.action_ids) - len(left)
            days = [day for day in left.mapped("due_date") if day]
            coaching.next_due_date = min(days, default=False)

    @api.depends("action_count", "done_count")
    @api.depends_context("lang")
    def _compute_progress(self):
        for coaching in self:
            coaching.progress = self.env._(
                "%(done)s of %(all)s",
                done=coaching.done_count,
                all=coaching.action_count,
            )

    @api.depends("state", "next_due_date", "follow_up_date")
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for coaching in self:
            days = (coaching.next_due_date, coaching.follow_up_date)
            coaching.is_late = coaching.state == "agreed" and any(
                day and day < today for day in days
            )

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        late = Domain("state", "=", "agreed") & (
            Domain("next_due_date", "<", today) | Domain("follow_up_date", "<", today)
        )
        if len(value) == 2:
            return Domain.TRUE
        return late if True in value else ~late

    @api.depends("state")
    def _compute_is_open(self):
        for coaching in self:
            coaching.is_open = coaching.state in ("planned", "agreed")

    @api.depends("agent_id", "coach_id", "state", "shown_at")
    @api.depends_context("uid")
    def _compute_may(self):
        for coaching in self:
            coaching.is_mine = coaching.agent_id == self.env.user
            coaching.may_name_coach = coaching.agent_id.csp_is_led_by_me
            coaching.may_coach = not coaching.is_mine and (
                coaching.coach_id == self.env.user or coaching.may_name_coach
            )
            coaching.may_agree = bool(
                coaching.is_mine and coaching.state == "planned" and coaching.shown_at
            )

    @api.depends("review_ids")
    def _compute_scorecard_ids(self):
        Scorecard = self.env["csp.scorecard"]
        in_use = Scorecard.search([("state", "=", "in_use")])
        for coaching in self:
            coaching.scorecard_ids = coaching.review_ids.scorecard_id or in_use

    @api.onchange("agent_id")
    def _onchange_agent_id(self):
        self.review_ids = self.review_ids.filtered(
            lambda review: review.shown_agent_id == self.agent_id
        )

    @api.constrains("agent_id", "coach_id", "company_id")
    def _check_people(self):
        for coaching in self:
            for user in coaching.agent_id | coaching.coach_id:
                if user.share or coaching.company_id not in user.company_ids:
                    raise ValidationError(
                        self.env._(
                            "%(name)s does not work for %(company)s.",
                            name=user.name,
                            company=coaching.company_id.name,
                        )
                    )

    @api.constrains("agent_id", "company_id", "review_ids")
    def _check_reviews(self):
        for coaching in self:
            if coaching.review_ids.filtered(
                lambda review, coaching=coaching: (
                    review.agent_id != coaching.agent_id
                    or review.company_id != coaching.company_id
                    or review.state == "to_do"
                    or review.calibration_id
                )
            ):
                raise ValidationError(
                    self.env._(
                        "A coaching is about reviews of this agent that are done, "
                        "never about a calibration."
                    )
                )

    # === Planning ===

    @api.model_create_multi
    def create(self, vals_list):
        """Plan coachings.

        :raises AccessError: for agents whom one does not lead, unless one is the coach
            and has reviewed them
        """
        if is_by_addon(self.env):
            return super().create(vals_list)
        prepared = []
        for vals in vals_list:
            self._refuse_fields(vals.keys() - GIVEN_AT_CREATION)
            about = self._named_reviews(vals)
            self._check_readable(about)
            # sudo: csp.quality.review: of which company it is
            company = about.sudo().company_id[:1] or self.env.company
            prepared.append(
                {"coach_id": self.env.uid, **vals, "company_id": company.id}
            )
        # What is agreed comes by a click, not along with the context.
        clean = self.with_context(clean_context(self.env.context))
        coachings = super(CspCoaching, clean).create(prepared).with_env(self.env)
        coachings._check_planner()
        return coachings

    def _check_planner(self):
        """Who leads an agent plans for whom he likes; a reviewer coaches himself."""
        for coaching in self:
            if self.env.su or coaching.agent_id.csp_is_led_by_me:
                continue
            if (
                coaching.coach_id != self.env.user
                or not self.env.user.has_group(REVIEWERS)
                or not coaching.review_ids
            ):
                raise AccessError(
                    self.env._(
                        "Coaching is planned by who leads the agent, or by who has "
                        "reviewed his work and coaches him himself."
                    )
                )

    def _named_reviews(self, vals):
        """The reviews that are given to a coaching by these values."""
        given = self.browse().new({"review_ids": vals.get("review_ids")})
        return given.review_ids._origin

    def _check_readable(self, reviews):
        """Nobody gets to read reviews by naming them in a coaching.

        Asked before they are named, since a coach reads what he coaches on.
        """
        if not self.env.su:
            reviews.check_access("read")

    def write(self, vals):
        if is_by_addon(self.env):
            return super().write(vals)
        self._lock()
        for coaching in self:
            coaching._check_written(vals)
        if "coach_id" in vals:
            self._check_leads()
        if "review_ids" in vals:
            for coaching in self:
                # sudo: csp.coaching: all reviews it names, readable or not
                known = coaching.sudo().review_ids.sudo(False)
                self._check_readable(self._named_reviews(vals) - known)
        if PLAN & vals.keys():
            self._take_back()
        result = super().write(vals)
        if {"coach_id", "follow_up_date"} & vals.keys():
            # sudo: csp.coaching: its to-dos follow
            self.sudo()._follow_coach()
        return result

    def _check_written(self, vals):
        self.ensure_one()
        names = set(vals)
        if self.agent_id == self.env.user:
            # What is not open any more is read only, see below.
            self._refuse_fields(names - WRITTEN_BY_AGENT)
        else:
            self._check_coaches()
            if names & WRITTEN_BY_AGENT:
                raise AccessError(
                    self.env._("The remark of the agent is written by himself.")
                )
        if self.state not in WRITTEN_BY_COACH:
            raise UserError(
                self.env._("This coaching has ended: what was said stays as it is.")
            )
        names -= WRITTEN_BY_COACH[self.state] | WRITTEN_BY_AGENT
        if names & GIVEN_AT_CREATION - {"agent_id"}:
            raise UserError(
                self.env._(
                    "What was agreed stays as it is. To change it, begin the plan "
                    "again; the agent then agrees once more."
                )
            )
        self._refuse_fields(names)

    def unlink(self):
        return super(CspCoaching, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_shown(self):
        if is_by_addon(self.env):
            return
        self._check_coaches()
        if self.filtered("shown_at"):
            raise UserError(
                self.env._("What was shown to the agent stays. You may cancel it.")
            )

    def _refuse_fields(self, names):
        if names:
            field = self._fields.get(min(names))
            raise AccessError(
                self.env._(
                    "“%s” of a coaching cannot be written by you.",
                    field._description_string(self.env) if field else min(names),
                )
            )

    def _check_coaches(self):
        """:raises AccessError: for everybody but the coach and who leads the agent"""
        if self.filtered(lambda coaching: not coaching.may_coach) and not self.env.su:
            raise AccessError(
                self.env._("Only the coach, or who leads the agent, may do this.")
            )

    def _check_leads(self):
        if not self.env.su and self.filtered(
            lambda coaching: not coaching.agent_id.csp_is_led_by_me
        ):
            raise AccessError(
                self.env._("Who coaches is decided by who leads the agent.")
            )

    def _lock(self):
        """Make whoever works on the same at the same time wait, and begin again."""
        self.flush_recordset(["state"])
        one_at_a_time(self)
        self.invalidate_recordset(["state"])

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Life ===

    def _begin(self, *states):
        """Make sure that coach or leader goes on with what is in one of these states.

        :return: the records with rights of the addon
        """
        self.check_access("write")
        self._check_coaches()
        self._lock()
        if self.filtered(lambda coaching: coaching.state not in states):
            raise UserError(
                self.env._("Somebody else has moved this on already. Look at it again.")
            )
        # sudo: csp.coaching: of coach or leader, checked above
        return self.sudo()._by_addon()

    def action_show(self):
        """Let the agent read it, and ask him to agree.

        :raises UserError: without an action with its day
        :raises AccessError: for everybody but coach and leaders
        """
        coachings = self._begin("planned")
        coachings._check_complete()
        coachings.write({"shown_at": fields.Datetime.now()})
        coachings.activity_unlink([AGREE_TYPE])
        for coaching in coachings:
            day = coaching.agent_id._csp_today() + timedelta(days=2)
            if coaching.meeting_at:
                day = max(day, coaching.agent_id._csp_local_day(coaching.meeting_at))
            coaching._give_todo(AGREE_TYPE, coaching.agent_id, day)
        return True

    def _check_complete(self):
        for coaching in self:
            if not coaching.action_ids:
                raise UserError(self.env._("Put down at least one action to agree on."))
            undated = coaching.action_ids.filtered(lambda action: not action.due_date)
            if undated:
                raise UserError(
                    self.env._("Until when? %s", ", ".join(undated.mapped("what")))
                )

    def _take_back(self):
        """What was shown and is changed now is to be shown again.

        Else the agent would agree to something else than he has read.
        """
        # sudo: csp.coaching: of coach or leader, checked by the caller
        shown = self.sudo().filtered(
            lambda one: one.shown_at and one.state == "planned"
        )
        if shown:
            shown._by_addon().write({"shown_at": False})
            shown.activity_unlink([AGREE_TYPE])

    def action_agree(self, remark=None):
        """Agree to what was planned, with a remark if one likes.

        :param str remark: plain text; without, the remark stays as it is
        :raises AccessError: for everybody but the agent
        :raises UserError: unless it is planned and was shown to him
        """
        self.check_access("read")
        if self.filtered(lambda coaching: not coaching.is_mine):
            raise AccessError(self.env._("The agent himself agrees."))
        self._lock()
        if self.filtered(lambda coaching: not coaching.may_agree):
            raise UserError(self.env._("There is nothing to agree to now."))
        vals = {"state": "agreed", "agreed_at": fields.Datetime.now()}
        if isinstance(remark, str) and remark.strip():
            vals["agent_remark"] = remark.strip()
        # sudo: csp.coaching: of this agent, checked above
        coachings = self.sudo()._by_addon()
        coachings._check_complete()
        coachings.write(vals)
        coachings.activity_unlink([AGREE_TYPE])
        coachings._follow_actions()
        coachings._follow_coach()
        return True

    def action_replan(self):
        """Begin the plan again; the agent agrees once more to what comes of it.

        When he agreed to what stays in the history.
        """
        coachings = self._begin("agreed")
        coachings.write({"state": "planned", "shown_at": False, "agreed_at": False})
        coachings.activity_unlink([ACT_TYPE, FOLLOW_UP_TYPE])
        return True

    def action_finish(self):
        """End it; all that was said stays."""
        return self._begin("agreed")._end("done")

    def action_cancel(self):
        """Drop it; all that was said stays."""
        return self._begin("planned", "agreed")._end("cancelled")

    def _end(self, state):
        self.write({"state": state, "ended_at": fields.Datetime.now()})
        self.activity_unlink([AGREE_TYPE, ACT_TYPE, FOLLOW_UP_TYPE])
        return True

    def action_view_reviews(self):
        """Open the reviews it is about."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_quality_review_action"
        )
        return {
            **action,
            "domain": [("id", "in", self.review_ids.ids)],
            "context": {"create": False},
        }

    # === To-dos ===

    def _give_todo(self, kind, user, day, summary=None):
        """Give one person a to-do, in his language; who cannot read it gets none."""
        self.ensure_one()
        if not user.active or not user.has_group(AGENTS):
            return
        told = self.with_context(lang=user.lang or self.env.lang)
        name = told.env.ref(kind).name
        told.activity_schedule(
            kind, date_deadline=day, user_id=user.id, summary=summary or name
        )

    def _follow_actions(self):
        """The to-do of the agent is the next action that is still to be done."""
        self.activity_unlink([ACT_TYPE])
        for coaching in self:
            left = coaching.action_ids.filtered(lambda action: not action.done_at)
            action = left.sorted(lambda each: (each.due_date, each.id))[:1]
            if action:
                coaching._give_todo(
                    ACT_TYPE, coaching.agent_id, action.due_date, action.what
                )

    def _follow_coach(self):
        """The to-do of the coach is the follow-up, once it is agreed."""
        self.activity_unlink([FOLLOW_UP_TYPE])
        for coaching in self:
            if coaching.state == "agreed" and coaching.follow_up_date:
                coaching._give_todo(
                    FOLLOW_UP_TYPE, coaching.coach_id, coaching.follow_up_date
                )

    @api.model
    def _cron_remind(self):
        """Remind agents of what they agreed on, one message about all of it.

        May run twice or late without harm: each action is told of once.
        """
        Action = self.env["csp.coaching.action"]
        due = Action.search(
            [
                ("coaching_id.state", "=", "agreed"),
                ("done_at", "=", False),
                ("reminded_at", "=", False),
                ("due_date", "<=", fields.Date.today() + timedelta(days=REMIND_DAYS)),
                ("coaching_id.agent_id.active", "=", True),
            ]
        )
        there = due.coaching_id.agent_id._csp_presence()
        for agent, actions in due.grouped(lambda one: one.coaching_id.agent_id).items():
            presence = there[agent.id]
            if presence.away or not presence.decent or not agent.has_group(AGENTS):
                continue
            try:
                with self.env.cr.savepoint():
                    actions = actions.try_lock_for_update().filtered(
                        lambda action: not action.reminded_at
                    )
                    actions.with_context(csp_by_addon=BY_ADDON).write(
                        {"reminded_at": fields.Datetime.now()}
                    )
                    self._send_reminder(agent, actions)
            except CONFLICTS:
                raise
            except Exception:
                # The others are reminded all the same.
                _logger.exception("%s could not be reminded of his coaching", agent)
            if not self.env["ir.cron"]._commit_progress(len(actions)):
                return

    def _send_reminder(self, agent, actions):
        if not actions:
            return
        told = self.with_context(lang=agent.lang or self.env.lang)
        self.env["csp.quality.review"]._notify_people(
            agent,
            told.env._("A reminder of what you agreed on"),
            "customer_service_plan.coaching_reminder",
            {"actions": actions.sorted(lambda action: (action.due_date, action.id))},
        )
