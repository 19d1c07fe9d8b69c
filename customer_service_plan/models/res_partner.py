from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    csp_segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="csp_segment_res_partner_rel",
        column1="partner_id",
        column2="segment_id",
        string="Customer Segments",
        groups="base.group_user",
        help="What is promised to a customer may depend on these.",
    )
