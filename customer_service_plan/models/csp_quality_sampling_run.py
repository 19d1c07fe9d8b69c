from odoo import fields, models


class CspQualitySamplingRun(models.Model):
    """One draw of a sampling plan, for one period.

    `period_from` and `period_to` are the first and the last day of it.
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
        related="sampling_id.company_id", store=True, index=True
    )
    period_from = fields.Date(string="First day", required=True, readonly=True)
    period_to = fields.Date(string="Last day", required=True, readonly=True)
    seed = fields.Char(required=True, readonly=True)
    made_at = fields.Datetime(string="Drawn on", required=True, readonly=True)
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

    _once = models.UniqueIndex(
        "(sampling_id, period_from)", "This period was drawn already."
    )
