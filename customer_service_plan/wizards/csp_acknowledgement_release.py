from odoo import fields, models


class CspAcknowledgementRelease(models.TransientModel):
    """Why somebody need not sign a version."""

    _name = "csp.acknowledgement.release"
    _description = "Release from Signing"

    acknowledgement_ids = fields.Many2many(
        comodel_name="csp.acknowledgement",
        relation="csp_acknowledgement_release_rel",
        string="Who",
        required=True,
        default=lambda self: self._default_acknowledgement_ids(),
    )
    reason = fields.Text(required=True)

    def _default_acknowledgement_ids(self):
        return self.env["csp.acknowledgement"].browse(
            self.env.context.get("active_ids")
        )

    def action_release(self):
        """Release them with this reason."""
        self.ensure_one()
        self.acknowledgement_ids.action_release(self.reason)
        return {"type": "ir.actions.act_window_close"}
