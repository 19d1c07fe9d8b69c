from odoo import fields, models


class CspQualityCalibration(models.Model):
    """Reviewers mark the same tickets, to learn how alike they mark.

    Until it ends, nobody sees what another has marked. What is marked here never counts
    for an agent.
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
    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard",
        required=True,
        check_company=True,
        ondelete="restrict",
    )
    due_date = fields.Date(string="Mark by")
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
    review_ids = fields.One2many(
        comodel_name="csp.quality.review",
        inverse_name="calibration_id",
        string="Reviews",
    )
