from odoo import fields, models


class CspPromiseWhyLine(models.TransientModel):
    """One policy line that was looked at for a ticket."""

    _name = "csp.promise.why.line"
    _description = "Policy Line Looked At"
    _order = "sequence, id"

    why_id = fields.Many2one(
        comodel_name="csp.promise.why", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer()
    policy_text = fields.Char(string="Policy")
    condition_text = fields.Char(string="For")
    promise_text = fields.Char(string="Promise")
    holds = fields.Boolean()
    reason = fields.Char(string="Fits?")
