from odoo import models


class HelpdeskTicketCategory(models.Model):
    _name = "helpdesk.ticket.category"
    _inherit = ["helpdesk.ticket.category", "csp.rule.source"]
    # A line for a category holds for its sub-categories.
    _csp_rule_fields = frozenset({"parent_id", "active"})
