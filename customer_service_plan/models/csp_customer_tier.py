from odoo import fields, models


class CspCustomerTier(models.Model):
    """How much a customer means to the company, in its own steps."""

    _name = "csp.customer.tier"
    _description = "Customer Tier"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer(aggregator=None)
