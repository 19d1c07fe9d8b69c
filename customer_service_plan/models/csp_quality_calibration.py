from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .protected import BY_ADDON, is_by_addon, unless_uninstalled

#: Written while it is prepared only: who marks what, and how.
SETUP = frozenset({"ticket_ids", "reviewer_ids", "scorecard_id", "company_id"})
#: Written by the addon only: what follows from marking and comparing.
FACTS = frozenset(
    {
        "state",
        "started_at",
        "compared_at",
        "is_stalled",
        "alike_percent",
        "score_gap",
        "review_ids",
        "mark_ids",
    }
)


class CspQualityCalibration(models.Model):
    """Reviewers mark the same tickets, to learn how alike they mark.

    Each marks them blind, by a date. Until it is compared, nobody sees what another has
    marked, managers included. What is marked here never counts for an agent, and an
    agent never reads what was marked of his own work.
    """

    _name = "csp.quality.calibration"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Calibration"
    _order = "due_date desc, id desc"
    _check_company_auto = True

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
    )
    responsible_id = fields.Many2one(
        comodel_name="res.users",
        string="Led by",
        required=True,
        default=lambda self: self.env.user,
        domain=lambda self: self._domain_reviewers(),
        ondelete="restrict",
        tracking=True,
        help="Leads the talk about the result, and writes down what was agreed on.",
    )
    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard",
        required=True,
        check_company=True,
        domain="[('state', '=', 'in_use')]",
        ondelete="restrict",
    )
    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        relation="csp_quality_calibration_ticket_rel",
        column1="calibration_id",
        column2="ticket_id",
        string="Tickets",
        check_company=True,
        copy=False,
        groups="customer_service_plan.group_manager",
    )
    reviewer_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_quality_calibration_reviewer_rel",
        column1="calibration_id",
        column2="user_id",
        string="Reviewers",
        domain=lambda self: self._domain_reviewers(),
        context={"active_test": False},
    )
    due_date = fields.Date(string="Mark by", copy=False, tracking=True)
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("running", "Being marked"),
            ("compared", "Compared"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    started_at = fields.Datetime(string="Started on", readonly=True, copy=False)
    compared_at = fields.Datetime(string="Compared on", readonly=True, copy=False)
    is_stalled = fields.Boolean(
        readonly=True,
        copy=False,
        help="The date is past, and too little is marked to compare.",
    )
    alike_percent = fields.Float(
        string="Same mark (%)",
        digits=(5, 1),
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Of all pairs of marks for the same criterion of the same ticket, how "
        "many were the same.",
    )
    score_gap = fields.Float(
        string="Scores apart (points)",
        digits=(5, 1),
        readonly=True,
        copy=False,
        aggregator="avg",
        help="How far two scores of the same ticket were apart, on average.",
    )
    review_ids = fields.One2many(
        comodel_name="csp.quality.review",
        inverse_name="calibration_id",
        string="Reviews",
        readonly=True,
    )
    mark_ids = fields.One2many(
        comodel_name="csp.quality.calibration.mark",
        inverse_name="calibration_id",
        string="Agreed marks",
        readonly=True,
    )
    setup_text = fields.Text(compute="_compute_setup_text")
    progress_text = fields.Text(compute="_compute_progress")
    done_percent = fields.Integer(
        string="Marked (%)", compute="_compute_progress", aggregator=None
    )
    my_open_count = fields.Integer(compute="_compute_progress")
    may_lead = fields.Boolean(compute="_compute_may_lead")

    @api.model
    def _domain_reviewers(self):
        group = self.env.ref("customer_service_plan.group_reviewer")
        return [("all_group_ids", "in", group.ids), ("share", "=", False)]

    @api.depends("ticket_ids.user_id", "reviewer_ids", "state")
    @api.depends_context("lang", "uid")
    def _compute_setup_text(self):
        for calibration in self:
            # sudo: csp.quality.calibration: names and numbers, for who prepares it
            own = calibration.sudo().ticket_ids.grouped("user_id")
            texts = calibration.state == "draft" and calibration._left_out(own)
            calibration.setup_text = "\n".join(texts or []) or False

    @api.depends("review_ids.state")
    @api.depends_context("uid", "lang")
    def _compute_progress(self):
        # sudo: csp.quality.review: how many are done by whom, never a mark
        rows = (
            self.env["csp.quality.review"]
            .sudo()
            ._read_group(
                domain=[("calibration_id", "in", self.ids)],
                groupby=["calibration_id", "reviewer_id", "is_open"],
                aggregates=["__count"],
            )
        )
        counts = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for calibration, reviewer, is_open, count in rows:
            counts[calibration.id][reviewer][int(is_open)] += count
        for calibration in self:
            own = counts[calibration.id]
            done = sum(one[0] for one in own.values())
            total = sum(sum(one) for one in own.values())
            calibration.done_percent = 100 * done // total if total else 0
            calibration.my_open_count = own[self.env.user][1]
            calibration.progress_text = "\n".join(
                self.env._(
                    "%(reviewer)s: %(done)s of %(total)s",
                    reviewer=reviewer.name,
                    done=done,
                    total=done + to_do,
                )
                for reviewer, (done, to_do) in sorted(
                    own.items(), key=lambda item: item[0].name or ""
                )
                if done + to_do
            )

    @api.depends("responsible_id")
    @api.depends_context("uid")
    def _compute_may_lead(self):
        is_manager = self.env.user.has_group("customer_service_plan.group_manager")
        for calibration in self:
            calibration.may_lead = (
                is_manager or calibration.responsible_id == self.env.user
            )

    # === Writing ===

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            for vals in vals_list:
                self._refuse_fields(vals.keys() & FACTS)
        # A context that comes with the request could set by default what is a fact.
        facts = {f"default_{name}" for name in FACTS}
        context = self.env.context
        kept = {key: context[key] for key in context if key not in facts}
        clean = self.with_env(self.env(context=kept))
        return super(CspQualityCalibration, clean).create(vals_list).with_env(self.env)

    def write(self, vals):
        if not is_by_addon(self.env):
            self._refuse_fields(vals.keys() & FACTS)
            begun = self.filtered(lambda one: one.state != "draft")
            if begun and vals.keys() & SETUP:
                raise UserError(
                    self.env._(
                        "“%s” was started: its tickets, reviewers and scorecard stay.",
                        begun[0].name,
                    )
                )
            if "due_date" in vals:
                self._check_new_date(fields.Date.to_date(vals["due_date"]))
        result = super().write(vals)
        if "due_date" in vals:
            self._move_date()
        return result

    def unlink(self):
        return super(CspQualityCalibration, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        begun = self.filtered(lambda calibration: calibration.state != "draft")
        if begun:
            raise UserError(
                self.env._(
                    "“%s” was started: what people have marked stays.", begun[0].name
                )
            )

    def _refuse_fields(self, names):
        if names:
            field = self._fields[min(names)]
            raise AccessError(
                self.env._(
                    "“%s” of a calibration follows from what its people mark; it "
                    "cannot be written.",
                    field._description_string(self.env),
                )
            )

    def _check_new_date(self, date):
        """Refuse to move the date of a comparison that was made, or to the past."""
        for calibration in self:
            if calibration.state == "compared":
                raise UserError(
                    self.env._("“%s” was compared: its date stays.", calibration.name)
                )
            if calibration.state == "running" and (
                not date or date < calibration._today()
            ):
                raise UserError(self.env._("Choose a day that is not over yet."))

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    def _today(self):
        """The present day of whoever leads it."""
        self.ensure_one()
        # sudo: res.users: only the time zone
        zone = self.responsible_id.sudo()._csp_zone()
        return fields.Date.context_today(self.with_context(tz=zone))

    # === What it is about ===

    def _family_domain(self):
        """Calibrations with the same scorecard, whatever its version."""
        self.ensure_one()
        first = self.scorecard_id.first_id or self.scorecard_id
        return Domain("company_id", "=", self.company_id.id) & (
            Domain("scorecard_id", "=", first.id)
            | Domain("scorecard_id.first_id", "=", first.id)
        )

    def _markers(self, ticket):
        """Who of the reviewers marks this ticket: all but whose work it is."""
        self.ensure_one()
        return self.reviewer_ids - ticket.user_id

    def _left_out(self, own):
        """Who does not mark which ticket, as sentences.

        Nobody reads them while it is being marked: they tell whose work a ticket is.

        :param dict own: the tickets of each agent
        """
        self.ensure_one()
        return [
            self.env._(
                "%(reviewer)s does not mark %(tickets)s: nobody marks his own work.",
                reviewer=reviewer.name,
                tickets=", ".join(tickets.mapped(lambda one: one.number or one.name)),
            )
            for reviewer, tickets in own.items()
            if reviewer.id in self.reviewer_ids._origin.ids
        ]
