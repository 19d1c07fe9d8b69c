from odoo import fields, models


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    csp_import_id = fields.Many2one(
        comodel_name="csp.history.import",
        string="Imported with",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="customer_service_plan.group_manager",
    )
