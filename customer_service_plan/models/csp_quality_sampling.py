from secrets import token_hex

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import clean_context, format_date

from ..tools import sampling
from .protected import BY_ADDON, is_by_addon

#: Only the steps of a plan, and its draws, write these.
LIFE_FIELDS = frozenset({"state", "seed", "next_from", "failure", "run_ids"})
#: What restricts the tickets that are drawn by conditions.
CONDITIONS = (
    "channel_ids",
    "segment_ids",
    "policy_ids",
    "bad_opinion",
    "missed_promise",
    "min_messages",
    "max_messages",
)
CRON = "customer_service_plan.ir_cron_sampling"


class CspQualitySampling(models.Model):
    """Which tickets are reviewed: so many of each agent in each period, drawn by lot.

    When a period is over, tickets that were solved in it are drawn: a part from all
    tickets of the agent, so that averages tell of all of them, the rest from those that
    fulfil the conditions. The lot follows from a seed and the number of the ticket
    alone, so that anybody can draw again and find the same. Nothing that was reviewed
    already is drawn, by whichever plan or person.

    Periods are whole days in the time zone of the company.
    """

    _name = "csp.quality.sampling"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Sampling Plan"
    _order = "state desc, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Being prepared"),
            ("paused", "Paused"),
            ("running", "Running"),
        ],
        default="draft",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    period = fields.Selection(
        selection=[
            (sampling.WEEK, "Every week"),
            (sampling.TWO_WEEKS, "Every two weeks"),
            (sampling.MONTH, "Every month"),
        ],
        string="Draw",
        default=sampling.WEEK,
        required=True,
        tracking=True,
    )
    date_start = fields.Date(
        string="First day",
        required=True,
        default=lambda self: self._default_date_start(),
        help="Tickets that were solved from this day on are drawn; later periods begin "
        "on the same day of the week, or of the month.",
    )
    per_agent = fields.Integer(
        string="Tickets of each agent",
        default=4,
        required=True,
        aggregator=None,
        tracking=True,
        help="In each period.",
    )
    newcomer_extra = fields.Integer(
        string="More of new agents",
        aggregator=None,
        tracking=True,
        help="So many more tickets of whoever is new. How long somebody counts as new "
        "is said in the settings.",
    )

    # Whose tickets
    team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        relation="csp_quality_sampling_team_rel",
        column1="sampling_id",
        column2="team_id",
        string="Members of teams",
        context={"active_test": False},
        check_company=True,
    )
    user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_quality_sampling_user_rel",
        column1="sampling_id",
        column2="user_id",
        string="And these people",
        domain=[("share", "=", False)],
        context={"active_test": False},
    )

    # Which tickets, for those not drawn at random
    random_percent = fields.Integer(
        string="At random",
        default=50,
        required=True,
        aggregator=None,
        tracking=True,
        help="Share of them, in per cent, that is drawn from all tickets of an agent. "
        "Only these tell how he works on average: the others are looked at for what is "
        "special about them.",
    )
    channel_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.channel",
        relation="csp_quality_sampling_channel_rel",
        column1="sampling_id",
        column2="channel_id",
        string="Channels",
        context={"active_test": False},
        check_company=True,
    )
    segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="csp_quality_sampling_segment_rel",
        column1="sampling_id",
        column2="segment_id",
        string="Segments",
        context={"active_test": False},
        check_company=True,
    )
    policy_ids = fields.Many2many(
        comodel_name="csp.policy",
        relation="csp_quality_sampling_policy_rel",
        column1="sampling_id",
        column2="policy_id",
        string="Policies",
        context={"active_test": False},
        check_company=True,
    )
    complaint = fields.Selection(
        selection=[("any", "Any ticket"), ("only", "Complaints only")],
        string="Complaints",
        default="any",
        required=True,
    )
    bad_opinion = fields.Boolean(
        string="The customer was not satisfied",
        help="He rated the ticket badly.",
    )
    missed_promise = fields.Boolean(
        string="A promise was missed", help="And was not excused."
    )
    min_messages = fields.Integer(
        string="Messages at least",
        aggregator=None,
        help="Of both sides, after the request itself.",
    )
    max_messages = fields.Integer(
        string="Messages at most", aggregator=None, help="0: as many as there are."
    )
    has_conditions = fields.Boolean(compute="_compute_has_conditions")

    # How they are reviewed
    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard",
        domain=[("state", "=", "in_use")],
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty: the one that fits each ticket.",
    )
    is_blind = fields.Boolean(
        string="Blind",
        help="Until a review is done, the reviewer sees neither whose work it is nor "
        "what others have marked.",
    )
    due_days = fields.Integer(
        string="To be done within",
        default=lambda self: self.env.company.csp_quality_due_days,
        required=True,
        aggregator=None,
        help="In days, counted from the draw.",
    )
    reviewer_ids = fields.One2many(
        comodel_name="csp.quality.sampling.reviewer",
        inverse_name="sampling_id",
        string="Reviewers",
        copy=True,
    )

    # What became of it
    seed = fields.Char(
        readonly=True,
        copy=False,
        groups="customer_service_plan.group_manager",
        help="Draws the lots; another one would draw others.",
    )
    next_from = fields.Date(
        string="Next period from",
        readonly=True,
        copy=False,
        help="The first day that was not drawn yet.",
    )
    next_to = fields.Date(
        string="Next period until",
        compute="_compute_next_to",
        help="The last day of the next period. It is drawn when this day is over.",
    )
    next_text = fields.Char(compute="_compute_next_text")
    failure = fields.Char(readonly=True, copy=False)
    run_ids = fields.One2many(
        comodel_name="csp.quality.sampling.run",
        inverse_name="sampling_id",
        string="Draws",
        readonly=True,
    )
    run_count = fields.Integer(string="Draws (number)", compute="_compute_counts")
    review_count = fields.Integer(compute="_compute_counts")
    open_count = fields.Integer(string="To do", compute="_compute_counts")
    late_count = fields.Integer(string="Overdue", compute="_compute_counts")
    wanted_text = fields.Char(compute="_compute_wanted_text")
    lacks_room = fields.Boolean(compute="_compute_wanted_text")

    _numbers_possible = models.Constraint(
        "CHECK(per_agent BETWEEN 1 AND 1000 AND newcomer_extra BETWEEN 0 AND 1000"
        " AND random_percent BETWEEN 0 AND 100 AND due_days BETWEEN 0 AND 365"
        " AND min_messages >= 0 AND max_messages >= 0)",
        "At least one ticket of each agent, a share between 0 and 100 %, and no "
        "negative numbers.",
    )
    _messages_possible = models.Constraint(
        "CHECK(max_messages = 0 OR max_messages >= min_messages)",
        "No ticket has more messages at least than at most.",
    )

    @api.model
    def _default_date_start(self):
        """Monday of this week: what is drawn first is what happens now."""
        return fields.Date.start_of(fields.Date.context_today(self), "week")

    @api.depends("complaint", *CONDITIONS)
    def _compute_has_conditions(self):
        for plan in self:
            plan.has_conditions = plan.complaint == "only" or any(
                plan[name] for name in CONDITIONS
            )

    @api.depends("next_from", "date_start", "period")
    def _compute_next_to(self):
        for plan in self:
            begin = plan.next_from or plan.date_start
            plan.next_to = begin and plan._last_day(begin)

    @api.depends("state", "next_to")
    @api.depends_context("lang")
    def _compute_next_text(self):
        for plan in self:
            plan.next_text = plan.state == "running" and self.env._(
                "%(from_day)s to %(to_day)s, drawn when the last day is over",
                from_day=format_date(self.env, plan.next_from),
                to_day=format_date(self.env, plan.next_to),
            )

    def _compute_counts(self):
        Review = self.env["csp.quality.review"]
        runs = dict(
            self.env["csp.quality.sampling.run"]._read_group(
                [("sampling_id", "in", self.ids)], ["sampling_id"], ["__count"]
            )
        )
        mine = Domain("sampling_id", "in", self.ids)

        def count(domain):
            groups = Review._read_group(domain, ["sampling_id"], ["__count"])
            return dict(groups)

        of_all = count(mine)
        of_open = count(mine & Domain("state", "=", "to_do"))
        of_late = count(mine & Domain("is_late", "=", True))
        for plan in self:
            plan.run_count = runs.get(plan, 0)
            plan.review_count = of_all.get(plan, 0)
            plan.open_count = of_open.get(plan, 0)
            plan.late_count = of_late.get(plan, 0)

    @api.depends(
        "per_agent",
        "newcomer_extra",
        "team_ids.user_ids",
        "user_ids",
        "company_id",
        "reviewer_ids.capacity",
        "reviewer_ids.user_id",
    )
    @api.depends_context("lang")
    def _compute_wanted_text(self):
        """What the plan asks of its reviewers, before it is started."""
        for plan in self:
            agents = plan._likely_agents().ids
            room = sum(plan.reviewer_ids.mapped("capacity"))
            if not agents or not plan.reviewer_ids:
                plan.wanted_text = plan.lacks_room = False
                continue
            wanted = sum(plan._wanted(agents, plan._today()).values())
            plan.lacks_room = wanted > room
            plan.wanted_text = self.env._(
                "%(agents)s agents: up to %(tickets)s reviews in each period. The "
                "reviewers have room for %(room)s at a time.",
                agents=len(agents),
                tickets=wanted,
                room=room,
            )

    def _likely_agents(self):
        """Whose tickets may be drawn, as far as it is known beforehand."""
        self.ensure_one()
        chosen = self._chosen_agents()
        if chosen is not None:
            return chosen
        since = fields.Date.subtract(fields.Date.context_today(self), days=30)
        groups = self.env["helpdesk.ticket"]._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("user_id.active", "=", True),
                ("user_id.share", "=", False),
                ("csp_closed_at", ">=", since),
            ],
            [],
            ["user_id:recordset"],
        )
        return groups[0][0]

    def _chosen_agents(self):
        """Whose tickets are drawn, None for everybody's."""
        self.ensure_one()
        if not (self.team_ids or self.user_ids):
            return None
        # sudo: helpdesk.ticket.team: who belongs to the teams that are named here
        people = (self.user_ids | self.team_ids.sudo().user_ids.sudo(False)).sudo()
        return people.filtered(lambda user: user.active and not user.share).sudo(False)

    # === Periods ===

    def _last_day(self, begin):
        """Last day of the period that begins on this day."""
        self.ensure_one()
        following = sampling.begin_after(begin, self.period, self.date_start.day)
        return fields.Date.subtract(following, days=1)

    def _today(self):
        """The day it is now where the company is."""
        self.ensure_one()
        there = self.with_context(tz=self.company_id._csp_tz())
        return fields.Date.context_today(there)

    def _is_due(self):
        self.ensure_one()
        return bool(
            self.active
            and self.state == "running"
            and self.next_from
            and self._last_day(self.next_from) < self._today()
        )

    # === Writing ===

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            for vals in vals_list:
                self._refuse_fields(vals)
        # A context that comes with the request could start a plan by default.
        clean = self.with_context(clean_context(self.env.context))
        plans = super(CspQualitySampling, clean).create(vals_list).with_env(self.env)
        for plan in plans:
            plan._by_addon().seed = token_hex(8)
        return plans

    def write(self, vals):
        if not is_by_addon(self.env):
            self._refuse_fields(vals)
            if "company_id" in vals and self.run_ids:
                raise UserError(
                    self.env._(
                        "The plan has drawn tickets of its company: make another one "
                        "for the other company."
                    )
                )
        result = super().write(vals)
        if vals.keys() & {"period", "active"}:
            self._wake_cron()
        return result

    def _refuse_fields(self, vals):
        """Lots that somebody could choose would be no lots.

        :raises ValidationError: for what follows from the life of the plan
        """
        names = vals.keys() & LIFE_FIELDS
        if names:
            field = self._fields[min(names)]
            raise ValidationError(
                self.env._(
                    "“%s” of a sampling plan follows from its steps; it cannot be "
                    "written.",
                    field._description_string(self.env),
                )
            )

    def copy_data(self, default=None):
        return [
            {
                **vals,
                "name": self.env._("%s (copy)", plan.name),
                "date_start": self._default_date_start(),
                **(default or {}),
            }
            for plan, vals in zip(self, super().copy_data(default), strict=True)
        ]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_drawn(self):
        if self.run_ids:
            raise UserError(
                self.env._("A plan that has drawn tickets stays: archive it.")
            )

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    # === Steps ===

    def action_start(self):
        """Draw from now on: the periods since its first day, or those after a pause.

        :raises UserError: without reviewers
        :raises AccessError: for everybody but managers
        """
        self.check_access("write")
        for plan in self.filtered(lambda plan: plan.state != "running"):
            if not any(plan.reviewer_ids.mapped("capacity")):
                raise UserError(
                    self.env._("Say who reviews, and how many at a time, first.")
                )
            plan._by_addon().write(
                {
                    "state": "running",
                    "next_from": plan._begin_anew(),
                    "failure": False,
                }
            )
        self._wake_cron()
        return True

    def _begin_anew(self):
        """First day of the next period; what lay in a pause is not made up for."""
        self.ensure_one()
        begin = self.next_from or self.date_start
        if self.state == "paused":
            while self._last_day(begin) < self._today():
                begin = fields.Date.add(self._last_day(begin), days=1)
        return begin

    def action_pause(self):
        """Draw nothing more; reviews that were drawn stay to be done.

        :raises AccessError: for everybody but managers
        """
        self.check_access("write")
        running = self.filtered(lambda plan: plan.state == "running")
        running._by_addon().write({"state": "paused", "failure": False})
        return True

    def _wake_cron(self):
        # sudo: ir.cron: only woken
        self.env.ref(CRON).sudo()._trigger()

    def action_view_runs(self):
        """Open the draws of this plan."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "customer_service_plan.csp_quality_sampling_run_action"
            ),
            "domain": [("sampling_id", "=", self.id)],
            "context": {},
        }

    def action_view_reviews(self):
        """Open the reviews of tickets that this plan has drawn."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "customer_service_plan.csp_quality_review_action"
            ),
            "domain": [("sampling_id", "=", self.id)],
            "context": {},
        }

    def action_preview(self):
        """Show what would be drawn, without drawing it.

        :raises AccessError: for everybody but managers
        """
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What would be drawn"),
            "res_model": "csp.quality.sampling.preview",
            "view_mode": "form",
            "target": "new",
            "context": {"default_sampling_id": self.id},
        }
