from odoo import fields, models


class CspScorecardSection(models.Model):
    """A part of a scorecard, with the criteria that belong together."""

    _name = "csp.scorecard.section"
    _inherit = ["csp.scorecard.part"]
    _description = "Section of a Scorecard"
    _order = "scorecard_id, sequence, id"

    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="scorecard_id.company_id")
    # What is added comes last.
    sequence = fields.Integer(default=1000)
    name = fields.Char(required=True, translate=True)
