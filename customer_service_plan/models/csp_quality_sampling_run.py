from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date


class CspQualitySamplingRun(models.Model):
    """One draw of a sampling plan, for one period.

    `period_from` and `period_to` are the first and the last day of it, in the time zone
    of the company. Seed, settings and the tickets of the period give the same draw at
    any time.
    """

    _name = "csp.quality.sampling.run"
    _inherit = ["csp.protected"]
    _description = "Draw of a Sampling Plan"
    _order = "period_from desc, id desc"

    sampling_id = fields.Many2one(
        comodel_name="csp.quality.sampling",
        string="Plan",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="sampling_id.company_id", store=True, index=True, ondelete="cascade"
    )
    period_from = fields.Date(string="First day", required=True, readonly=True)
    period_to = fields.Date(string="Last day", required=True, readonly=True)
    made_at = fields.Datetime(string="Drawn on", required=True, readonly=True)
    seed = fields.Char(
        required=True, readonly=True, help="Draws the lots of this period."
    )
    settings = fields.Json(readonly=True, help="What the plan said when it was drawn.")
    bare_count = fields.Integer(
        string="Without a scorecard",
        readonly=True,
        help="Solved tickets that no scorecard in use fits: they cannot be reviewed.",
    )
    share_ids = fields.One2many(
        comodel_name="csp.quality.sampling.share",
        inverse_name="run_id",
        string="Agents",
    )
    review_ids = fields.One2many(
        comodel_name="csp.quality.review",
        inverse_name="sampling_run_id",
        string="Reviews",
    )
    ticket_count = fields.Integer(
        string="Solved tickets", compute="_compute_numbers", store=True
    )
    drawn_count = fields.Integer(
        string="Drawn",
        compute="_compute_numbers",
        store=True,
        help="Given to a reviewer.",
    )
    left_count = fields.Integer(
        string="Nobody had room",
        compute="_compute_numbers",
        store=True,
        help="Drawn, but the reviewers had enough to do already.",
    )
    done_count = fields.Integer(string="Reviewed", compute="_compute_done_count")
    has_conditions = fields.Boolean(compute="_compute_has_conditions")

    _once = models.UniqueIndex(
        "(sampling_id, period_from)", "This period was drawn already."
    )

    @api.depends("period_from", "period_to")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "%(from_day)s to %(to_day)s",
                from_day=format_date(self.env, run.period_from),
                to_day=format_date(self.env, run.period_to),
            )

    @api.depends(
        "share_ids.ticket_count",
        "share_ids.random_count",
        "share_ids.condition_count",
        "share_ids.left_count",
    )
    def _compute_numbers(self):
        for run in self:
            shares = run.share_ids
            run.ticket_count = sum(shares.mapped("ticket_count"))
            run.drawn_count = sum(shares.mapped("random_count")) + sum(
                shares.mapped("condition_count")
            )
            run.left_count = sum(shares.mapped("left_count"))

    def _compute_done_count(self):
        groups = self.env["csp.quality.review"]._read_group(
            Domain("sampling_run_id", "in", self.ids) & Domain("state", "!=", "to_do"),
            ["sampling_run_id"],
            ["__count"],
        )
        counts = dict(groups)
        for run in self:
            run.done_count = counts.get(run, 0)

    @api.depends("share_ids.condition_count", "share_ids.eligible_count")
    def _compute_has_conditions(self):
        for run in self:
            run.has_conditions = any(
                share.eligible_count != share.ticket_count for share in run.share_ids
            )

    def action_view_reviews(self):
        """Open the reviews of the tickets that were drawn."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "customer_service_plan.csp_quality_review_action"
            ),
            "domain": [("sampling_run_id", "=", self.id)],
            "context": {},
        }
