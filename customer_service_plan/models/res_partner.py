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

    def write(self, vals):
        result = super().write(vals)
        # Policies begin at midnight in the time zone of the company's address.
        if "tz" in vals:
            # sudo: res.company: only whether these are addresses of companies
            companies = self.env["res.company"].sudo()
            if companies.search_count([("partner_id", "in", self.ids)], limit=1):
                self.env["csp.policy"]._csp_rules_changed()
        return result
