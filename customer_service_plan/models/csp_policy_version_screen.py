from odoo import api, fields, models


class CspPolicyVersion(models.Model):
    """What the form of a version shows beside the version itself."""

    _inherit = "csp.policy.version"

    ticket_count = fields.Integer(string="Tickets", compute="_compute_ticket_count")

    @api.depends("state")
    def _compute_ticket_count(self):
        tickets = self.env["helpdesk.ticket"].with_context(active_test=False)
        counts = dict(
            tickets._read_group(
                domain=[("csp_policy_version_id", "in", self.ids)],
                groupby=["csp_policy_version_id"],
                aggregates=["__count"],
            )
        )
        for version in self:
            version.ticket_count = counts.get(version._origin, 0)

    def action_view_tickets(self):
        """List the tickets that are promised something under this version."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Promised under %s", self.display_name),
                "domain": [("csp_policy_version_id", "in", self.ids)],
                "context": {"active_test": False},
            }
        )
        return action

    def action_new_version(self):
        """Start the next version of the policy, or open the one already begun."""
        self.ensure_one()
        return self.policy_id.action_new_version()
