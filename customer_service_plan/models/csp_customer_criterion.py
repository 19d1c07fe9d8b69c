from random import randint

from odoo import fields, models


class CspCustomerCriterion(models.Model):
    """Whatever else tells customers apart, such as "has a garden"."""

    _name = "csp.customer.criterion"
    _description = "Customer Criterion"
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    color = fields.Integer(
        aggregator=None, default=lambda self: self._default_color(), copy=False
    )

    def _default_color(self):
        """One of the colours of tags, so that two of them rarely look alike."""
        return randint(1, 11)
