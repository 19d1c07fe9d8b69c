from odoo import api, models


class HelpdeskTicketTeam(models.Model):
    _name = "helpdesk.ticket.team"
    _inherit = ["helpdesk.ticket.team", "csp.rule.source"]
    # A line for a team holds for its sub-teams.
    _csp_rule_fields = frozenset({"parent_id", "active"})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("team_ids", self)
