from odoo import api, fields, models
from odoo.exceptions import AccessError


class ResPartner(models.Model):
    _inherit = "res.partner"

    csp_segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="csp_segment_res_partner_rel",
        column1="partner_id",
        column2="segment_id",
        string="Customer Segments",
        copy=False,
        groups="base.group_user",
        help="What is promised to a customer may depend on these.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        if "default_csp_segment_ids" in self.env.context or any(
            vals.get("csp_segment_ids") for vals in vals_list
        ):
            self._csp_check_may_segment()
        return super().create(vals_list)

    def write(self, vals):
        if "csp_segment_ids" in vals:
            self._csp_check_may_segment()
        result = super().write(vals)
        # Policies begin at midnight in the time zone of the company's address.
        if "tz" in vals:
            # sudo: res.company: only whether these are addresses of companies
            companies = self.env["res.company"].sudo()
            if companies.search_count([("partner_id", "in", self.ids)], limit=1):
                self.env["csp.policy"]._csp_rules_changed()
        return result

    @api.model
    def _csp_check_may_segment(self):
        """Whoever may write contacts must not thereby promise them more."""
        user = self.env.user
        if not (self.env.su or user.has_group("customer_service_plan.group_manager")):
            raise AccessError(
                self.env._(
                    "Only a service plan manager says which segments a customer is in."
                )
            )
