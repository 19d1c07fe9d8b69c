from odoo import fields, models


class CspQualityReview(models.Model):
    """How the ticket of a review was chosen."""

    _inherit = "csp.quality.review"

    sampling_id = fields.Many2one(
        comodel_name="csp.quality.sampling",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    sampling_run_id = fields.Many2one(
        comodel_name="csp.quality.sampling.run",
        string="Drawn in",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    picked = fields.Selection(
        selection=[
            ("random", "At random"),
            ("condition", "By conditions"),
            ("extra", "To make up the number"),
            ("by_hand", "By hand"),
        ],
        string="Chosen",
        default="by_hand",
        required=True,
        readonly=True,
        help="Averages of those chosen at random tell of all tickets of an agent; "
        "others were chosen for what is special about them.",
    )

    # However many work at the same time, a ticket is drawn once.
    _drawn_once = models.UniqueIndex(
        "(ticket_id) WHERE sampling_run_id IS NOT NULL",
        "This ticket was drawn for a review already.",
    )
