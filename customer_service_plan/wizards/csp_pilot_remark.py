from odoo import fields, models


class CspPilotRemark(models.TransientModel):
    """What somebody of the staff says about a version on trial."""

    _name = "csp.pilot.remark"
    _description = "Comment on a Trial as Staff"

    pilot_id = fields.Many2one(
        comodel_name="csp.pilot", string="Trial", required=True, ondelete="cascade"
    )
    text = fields.Text(string="Comment", required=True)

    def action_save(self):
        """Keep the comment."""
        self.ensure_one()
        self.pilot_id.action_comment(self.text)
        return {"type": "ir.actions.act_window_close"}
