from odoo import api, models


class HelpdeskTicketCategory(models.Model):
    _name = "helpdesk.ticket.category"
    _inherit = ["helpdesk.ticket.category", "csp.rule.source"]
    # A line for a category holds for its sub-categories.
    _csp_rule_fields = frozenset({"parent_id", "active"})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("category_ids", self)
