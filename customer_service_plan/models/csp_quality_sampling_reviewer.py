from odoo import fields, models


class CspQualitySamplingReviewer(models.Model):
    """Who reviews what a plan draws, and how many of them in a period."""

    _name = "csp.quality.sampling.reviewer"
    _description = "Reviewer of a Sampling Plan"
    _order = "sampling_id, sequence, id"
    _rec_name = "user_id"
    _check_company_auto = True

    sampling_id = fields.Many2one(
        comodel_name="csp.quality.sampling",
        string="Plan",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="sampling_id.company_id", store=True)
    sequence = fields.Integer(default=10)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Reviewer",
        required=True,
        domain=[("share", "=", False)],
        index=True,
        ondelete="cascade",
    )
    capacity = fields.Integer(
        default=10,
        aggregator="sum",
        help="So many reviews he has to do at a time, those from before included.",
    )

    _once = models.UniqueIndex(
        "(sampling_id, user_id)", "A reviewer is named once in a plan."
    )
