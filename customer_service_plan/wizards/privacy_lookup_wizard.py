from odoo import models
from odoo.tools import SQL


class PrivacyLookupWizard(models.TransientModel):
    _inherit = "privacy.lookup.wizard"

    def _get_query(self):
        """Add the profiles of the contacts that are found.

        Odoo leaves out what is deleted together with a contact. A profile is to be seen
        here, and can be erased while the contact stays.
        """
        return SQL(
            """
            %s
            UNION ALL
            SELECT
                %s AS res_model_id,
                id AS res_id,
                TRUE AS is_active
            FROM csp_customer_profile
            WHERE partner_id IN (SELECT id FROM indirect_references)
            """,
            super()._get_query(),
            self.env["ir.model"]._get_id("csp.customer.profile"),
        )
