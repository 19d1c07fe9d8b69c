from odoo import fields, models


class CspProcedureStep(models.Model):
    """One thing to do in a contact, at its place in the order."""

    _name = "csp.procedure.step"
    _inherit = ["csp.version.part"]
    _description = "Step of a Procedure"
    _order = "procedure_id, sequence, id"
    _csp_version_path = "procedure_id.version_id"

    procedure_id = fields.Many2one(
        comodel_name="csp.procedure",
        required=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(string="Step", required=True, translate=True)
    note = fields.Text(
        string="How",
        translate=True,
        help="What a new colleague has to know for it. Optional.",
    )
    required = fields.Boolean(
        help="Whoever closes a ticket as solved is asked for it while it is open."
    )
