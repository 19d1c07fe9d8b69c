from odoo import api, models


class HelpdeskTicketTag(models.Model):
    _inherit = "helpdesk.ticket.tag"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("tag_ids", self)
