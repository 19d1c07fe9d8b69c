from odoo import fields, models


class CspEducationLevel(models.Model):
    """Highest education that somebody has completed.

    The levels that come with the addon follow UNESCO's International Standard
    Classification of Education, ISCED 2011.
    """

    _name = "csp.education.level"
    _description = "Education Level"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
