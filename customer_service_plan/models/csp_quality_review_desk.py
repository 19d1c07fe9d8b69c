from odoo import api, fields, models


class CspQualityReview(models.Model):
    """What the page of a review shows, and what it keeps."""

    _inherit = "csp.quality.review"

    shown_agent_id = fields.Many2one(
        comodel_name="res.users",
        string="Whose work",
        compute="_compute_shown_agent_id",
        store=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Empty while a blind review is to be done.",
    )

    @api.depends("agent_id", "is_blind", "state")
    def _compute_shown_agent_id(self):
        for review in self:
            hidden = review.is_blind and review.state == "to_do"
            review.shown_agent_id = review.agent_id if not hidden else False
