from odoo import fields, models


class ResCompany(models.Model):
    """Times of quality reviews, in calendar days of whoever they concern."""

    _inherit = "res.company"

    csp_quality_answer_days = fields.Integer(
        string="Days to answer a quality review",
        default=7,
        groups="base.group_user",
        help="So many days an agent has to confirm or dispute a review of his work. "
        "After that it is final.",
    )
    csp_quality_due_days = fields.Integer(
        string="Days to do a quality review",
        default=7,
        groups="base.group_user",
        help="So many days a reviewer has for a review that he was given.",
    )
    csp_newcomer_days = fields.Integer(
        string="Days that somebody counts as new",
        default=60,
        groups="base.group_user",
        help="So long after his first day an agent counts as new: more of his tickets "
        "may be reviewed.",
    )

    _csp_quality_days_positive = models.Constraint(
        "CHECK(csp_quality_answer_days > 0 AND csp_quality_due_days >= 0"
        " AND csp_newcomer_days >= 0)",
        "An agent has at least one day to answer a review; no other number of days can "
        "be negative.",
    )
