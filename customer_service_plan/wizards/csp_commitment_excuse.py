from odoo import api, fields, models
from odoo.exceptions import UserError


class CspCommitmentExcuse(models.TransientModel):
    """Ask a manager why missed promises are not held against the staff."""

    _name = "csp.commitment.excuse"
    _description = "Excuse Missed Promises"

    commitment_ids = fields.Many2many(
        comodel_name="csp.commitment",
        relation="csp_commitment_excuse_rel",
        column1="wizard_id",
        column2="commitment_id",
        string="Missed promises",
        domain=[("state", "=", "missed")],
    )
    reason = fields.Text(
        help="Kept for good on the ticket, and seen by everybody who sees the ticket."
    )
    skipped_count = fields.Integer(readonly=True)

    @api.model
    def default_get(self, fields):
        """Take the missed ones of what was chosen in the list or on the ticket."""
        values = super().default_get(fields)
        if self.env.context.get("active_model") == "csp.commitment":
            chosen = self.env["csp.commitment"].browse(
                self.env.context.get("active_ids", [])
            )
            missed = chosen.filtered(lambda row: row.state == "missed")
            values["commitment_ids"] = [(6, 0, missed.ids)]
            values["skipped_count"] = len(chosen) - len(missed)
        return values

    def action_excuse(self):
        """Excuse them all, with one reason."""
        self.ensure_one()
        if not self.commitment_ids:
            raise UserError(self.env._("None of the chosen promises is missed."))
        return self.commitment_ids.action_excuse(self.reason) and {
            "type": "ir.actions.act_window_close"
        }
