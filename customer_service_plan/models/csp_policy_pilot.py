from odoo import models
from odoo.exceptions import UserError


class CspPolicy(models.Model):
    """A policy of which a version is on trial."""

    _inherit = "csp.policy"

    def write(self, vals):
        if not vals.get("active", True):
            self._refuse_while_tried()
        return super().write(vals)

    def _refuse_while_tried(self):
        """Customers were told until when the trial lasts: first it is decided on."""
        # sudo: csp.pilot: a trial in another company counts, too
        undecided = (
            self.env["csp.pilot"]
            .sudo()
            .search(
                [("policy_id", "in", self.ids), ("state", "in", ["running", "ended"])],
                limit=1,
            )
        )
        if undecided:
            raise UserError(
                self.env._(
                    "“%s” is running or waits for its decision. Decide on it, then "
                    "archive the policy.",
                    undecided.name,
                )
            )
