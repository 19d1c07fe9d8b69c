from odoo import fields, models


class CspValue(models.Model):
    """Something that the company stands for, and what that means at work."""

    _name = "csp.value"
    _description = "Value of the Service Plan"
    _order = "plan_id, sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    plan_id = fields.Many2one(
        comodel_name="csp.plan",
        required=True,
        default=lambda self: self._default_plan_id(),
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True, index=True)
    behaviour = fields.Text(
        string="How we behave",
        translate=True,
        help="What somebody sees who watches us: what we do, and what we do not do.",
    )
    need_ids = fields.Many2many(
        comodel_name="csp.need",
        relation="csp_value_csp_need_rel",
        column1="value_id",
        column2="need_id",
        string="Answers the wish for",
        help="What customers want that this value answers, from the catalogue of "
        "needs.",
    )

    def _default_plan_id(self):
        return self.env["csp.plan"]._in_force_for(self.env.company)

    def write(self, vals):
        """Nobody puts a value of his own into a plan that he may not write."""
        result = super().write(vals)
        if "plan_id" in vals:
            self.plan_id.check_access("write")
        return result
