from odoo import api, fields, models
from odoo.fields import Domain


class CspSegment(models.Model):
    """What the form of a segment shows of tickets and policies."""

    _inherit = "csp.segment"

    ticket_count = fields.Integer(
        string="Open tickets",
        compute="_compute_ticket_count",
        help="Open tickets whose customer was in the segment when they came in.",
    )
    policy_count = fields.Integer(
        string="Policies",
        compute="_compute_policy_count",
        help="Policies that promise something to the segment, or will.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_ticket_count(self):
        self.ticket_count = 0
        Ticket = self.env["helpdesk.ticket"]
        if not Ticket.has_access("read"):
            return
        counts = dict(
            Ticket._read_group(
                domain=self._open_tickets(),
                groupby=["csp_segment_ids"],
                aggregates=["__count"],
            )
        )
        for segment in self:
            segment.ticket_count = counts.get(segment._origin, 0)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_policy_count(self):
        self.policy_count = 0
        if not self.env["csp.policy.line"].has_access("read"):
            return
        lines = self._lines_that_name_it()
        for segment in self:
            naming = lines.filtered(
                lambda line, segment=segment: segment._origin in line.segment_ids
            )
            segment.policy_count = len(naming.version_id.policy_id)

    def _open_tickets(self):
        return Domain("csp_segment_ids", "in", self._origin.ids) & Domain(
            "stage_id.closed", "=", False
        )

    def _lines_that_name_it(self):
        """Lines with these segments, of versions in force, coming, or being written."""
        lines = self.env["csp.policy.line"].search(
            [("segment_ids", "in", self._origin.ids)]
        )
        policies = lines.version_id.policy_id
        past = lines.version_id - (
            policies.current_version_id
            | policies.coming_version_id
            | policies.draft_version_id
        )
        return lines.filtered(lambda line: line.version_id not in past)

    def action_view_tickets(self):
        """List the open tickets that came in from customers of this segment."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Open tickets of %s", self.name),
                "domain": list(self._open_tickets()),
                "context": {},
            }
        )
        return action

    def action_view_policies(self):
        """List the policies that promise something to this segment."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_action"
        )
        policies = self._lines_that_name_it().version_id.policy_id
        action.update(
            {
                "display_name": self.env._("Policies for %s", self.name),
                "domain": [("id", "in", policies.ids)],
            }
        )
        return action
