from datetime import timedelta

from odoo.tests import HttpCase, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestIntakeTour(HelpdeskMixin, HttpCase):
    """An agent takes down a call without touching the mouse."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        # Open steps of somebody's procedures would ask before closing.
        cls.env["csp.policy"].search([]).active = False

    def test_intake(self):
        customer = self.env["res.partner"].create(
            {"name": "Tour Customer", "phone": "+30 (0)210 7776655"}
        )
        self.start_tour(
            "/odoo/helpdesk-tickets", "csp_intake_tour", login=self.agent.login
        )
        ticket = self.env["helpdesk.ticket"].search([("partner_id", "=", customer.id)])
        self.assertEqual(len(ticket), 1)
        self.assertEqual(ticket.name, "Where is my invoice?")
        self.assertIn("Sent again", ticket.description)
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertEqual(ticket.csp_first_response_at, ticket.csp_received_at)
        self.assertTrue(ticket.channel_id.csp_live)
        # It is closed right after the end of the contact, by the clock of the machine.
        self.assertAlmostEqual(
            ticket.csp_contact_end, ticket.csp_closed_at, delta=timedelta(seconds=30)
        )
