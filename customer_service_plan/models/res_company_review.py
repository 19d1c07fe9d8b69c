from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    csp_review_lead_days = fields.Integer(
        string="Days to prepare a review",
        default=14,
        groups="base.group_user",
        help="So many days before a policy or the plan is to be reviewed, its owner "
        "gets a to-do, with the evidence.",
    )

    _csp_review_lead_days_positive = models.Constraint(
        "CHECK(csp_review_lead_days >= 0)",
        "The days to prepare a review cannot be negative.",
    )
