from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..models.protected import BY_ADDON
from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestTours(HelpdeskMixin, HttpCase):
    """What a manager and an agent do in the browser, with the least rights for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        # Day and night: else it would depend on the time of day what the tour sees.
        cls.env.company.csp_hours_id = False
        cls.env["helpdesk.ticket.channel"].search([]).csp_hours_id = False
        cls.env["csp.policy"].search([]).active = False

    def _publish(self):
        policy = self.env["csp.policy"].create({"name": "For everybody"})
        policy.version_ids.line_ids = [
            Command.create(
                {
                    "sequence": 1,
                    "priority_from": "2",
                    "first_response_minutes": 15,
                    "resolution_minutes": 240,
                }
            ),
            Command.create(
                {
                    "sequence": 2,
                    "match_all": True,
                    "first_response_minutes": 240,
                    "resolution_minutes": 960,
                }
            ),
        ]
        policy.version_ids.action_publish()
        since = fields.Datetime.now() - timedelta(days=9)
        policy.version_ids.with_context(csp_by_addon=BY_ADDON).write(
            {"published_at": since, "effective_date": since.date()}
        )
        return policy

    def test_policy(self):
        """In a company of one person: nobody else has to approve."""
        self.env.company.csp_approval_required = False
        self.start_tour(
            "/odoo/service-policies", "csp_policy_tour", login=self.manager.login
        )
        policy = self.env["csp.policy"].search([("name", "=", "Tour Policy")])
        version = policy.version_ids
        self.assertEqual(version.state, "published")
        self.assertEqual(version.change_summary, "The first one")
        self.assertEqual(version.line_ids.first_response_minutes, 30)
        self.assertEqual(version.line_ids.resolution_minutes, 150)

    def test_ticket(self):
        self._publish()
        ticket = self.create_ticket(user_id=self.agent.id)
        self.start_tour(
            f"/odoo/helpdesk-tickets/{ticket.id}",
            "csp_ticket_tour",
            login=self.agent.login,
        )
        ticket.invalidate_recordset()
        self.assertTrue(ticket.csp_is_complaint)
        self.assertEqual(ticket.csp_waiting_on, "customer")

    def test_excuse(self):
        self._publish()
        five_hours_ago = fields.Datetime.now() - timedelta(hours=5)
        ticket = self.create_ticket(
            user_id=self.agent.id, csp_received_at=five_hours_ago
        )
        self.start_tour(
            f"/odoo/helpdesk-tickets/{ticket.id}",
            "csp_excuse_tour",
            login=self.manager.login,
        )
        ticket.invalidate_recordset()
        self.assertEqual(self.row(ticket, "first_response").state, "excused")
