from odoo import fields, models


class ResUsersSettings(models.Model):
    _inherit = "res.users.settings"

    csp_intake_channel_id = fields.Many2one(
        comodel_name="helpdesk.ticket.channel",
        string="Last Channel",
        ondelete="set null",
        help="By which the user last took down a contact.",
    )
