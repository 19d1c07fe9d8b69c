from odoo import models


class CspPolicy(models.Model):
    """A policy as the page that staff read: its version in force."""

    _inherit = "csp.policy"

    def action_new_version(self):
        """Start the next version, with its texts in every language."""
        latest = {
            policy: policy.version_ids.sorted("number")[-1:]
            for policy in self
            if not policy.draft_version_id
        }
        result = super().action_new_version()
        for policy, version in latest.items():
            draft = policy.draft_version_id
            if version and draft and draft != version:
                version._pass_translations(draft)
        return result

    def action_read_document(self):
        """Open the version in force, else the one in preparation, as a page."""
        self.ensure_one()
        version = self.current_version_id or self.draft_version_id
        return version.action_read_document()
