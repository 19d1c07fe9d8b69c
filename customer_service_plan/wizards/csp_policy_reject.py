from odoo import fields, models


class CspPolicyReject(models.TransientModel):
    """Give a version back to its author, with the reason."""

    _name = "csp.policy.reject"
    _description = "Reject a Policy Version"

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    reason = fields.Text(
        string="What has to change?",
        required=True,
        help="The author reads it, and it stays in the history of the version.",
    )

    def action_reject(self):
        """Give the version back."""
        self.ensure_one()
        self.version_id.action_reject(self.reason)
        return {"type": "ir.actions.act_window_close"}
