from odoo import models
from odoo.fields import Domain

from .protected import BY_ADDON


class ResPartner(models.Model):
    """Customers who were chosen for a trial of a policy version."""

    _inherit = "res.partner"

    def write(self, vals):
        result = super().write(vals)
        if "parent_id" in vals or "is_company" in vals:
            self._csp_trial_customers_moved()
        return result

    def unlink(self):
        """Whoever is deleted is known by name no more among those of a trial."""
        # sudo: csp.pilot.participation: whoever may delete a contact may not know it
        rows = self.env["csp.pilot.participation"].sudo()
        rows = rows.search([("partner_id", "in", self.ids)])
        # sudo: csp.pilot.comment: the same
        comments = self.env["csp.pilot.comment"].sudo()
        comments = comments.search([("partner_id", "in", self.ids)])
        result = super().unlink()
        rows.with_context(csp_by_addon=BY_ADDON).write({"name": False, "email": False})
        comments.with_context(csp_by_addon=BY_ADDON).write({"author_name": False})
        return result

    def _csp_trial_customers_moved(self):
        """Let a trial follow: who was chosen may be of another company now."""
        # sudo: csp.pilot: whoever keeps the address book need not know of trials
        Pilot = self.env["csp.pilot"].sudo()
        # One that was adopted may still hold for those who took part.
        tried = Domain("state", "=", "running") | (
            Domain("state", "=", "adopted")
            & Domain("version_id.state", "=", "published")
        )
        if self.ids and Pilot.search_count(
            tried
            & Domain("customer_mode", "=", "list")
            & Domain("partner_ids", "child_of", self.ids),
            limit=1,
        ):
            Pilot._csp_rules_changed()
