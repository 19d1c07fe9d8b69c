from odoo import models


class CspPolicy(models.Model):
    """A policy as the page that staff read: its version in force."""

    _inherit = "csp.policy"

    def action_read_document(self):
        """Open the version in force, else the one in preparation, as a page."""
        self.ensure_one()
        version = self.current_version_id or self.draft_version_id
        return version.action_read_document()
