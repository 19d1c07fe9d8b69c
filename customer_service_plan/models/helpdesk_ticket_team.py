from odoo import models


class HelpdeskTicketTeam(models.Model):
    _name = "helpdesk.ticket.team"
    _inherit = ["helpdesk.ticket.team", "csp.rule.source"]
    # A line for a team holds for its sub-teams.
    _csp_rule_fields = frozenset({"parent_id", "active"})
