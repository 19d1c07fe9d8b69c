from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    csp_profile_ids = fields.One2many(
        comodel_name="csp.customer.profile",
        inverse_name="partner_id",
        string="Customer Profile",
        groups="customer_service_plan.group_profile",
        help="What is known of the customer as a person. At most one.",
    )

    def action_csp_open_profile(self):
        """Open the customer's profile, or an empty one to fill in."""
        self.ensure_one()
        self.check_access("read")
        Profile = self.env["csp.customer.profile"]
        Profile.check_access("read")
        profile = Profile.search([("partner_id", "=", self.id)], limit=1)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customer Profile"),
            "res_model": "csp.customer.profile",
            "res_id": profile.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "context": {"default_partner_id": self.id, "csp_of_contact": True},
        }

    # === Demo data ===

    @api.model
    def _csp_fill_demo(self):
        """Create the customers of the demo company. Called by its data file only."""
        # Read only where demo data is installed.
        from ..demo import customers

        customers.fill(self.env)
