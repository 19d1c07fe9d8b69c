from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestEscalationTour(HelpdeskMixin, HttpCase):
    """A manager writes a list, an agent calls for help and takes charge."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        # Day and night: else it would depend on the time of day what the tour sees.
        cls.env.company.csp_hours_id = False
        cls.env["helpdesk.ticket.channel"].search([]).csp_hours_id = False
        cls.env["csp.policy"].search([]).active = False
        policy = cls.env["csp.policy"].create({"name": "For everybody"})
        policy.version_ids.line_ids = [
            Command.create({"match_all": True, "first_response_minutes": 240})
        ]
        policy.version_ids.effective_date = fields.Date.today()
        policy.version_ids.action_publish()
        cls.ticket = cls.env["helpdesk.ticket"].create(
            {
                "name": "The printer is on fire",
                "description": "Smoke, too.",
                "user_id": cls.agent.id,
            }
        )

    def test_list(self):
        self.start_tour(
            "/odoo/escalation-lists",
            "csp_escalation_list_tour",
            login=self.manager.login,
        )
        made = self.env["csp.escalation.list"].search([("name", "=", "Tour List")])
        self.assertEqual(made.step_ids.recipients, "team_leader")
        self.assertEqual(made.step_ids.note, "Call the customer.")

    def test_ticket(self):
        self.start_tour(
            f"/odoo/helpdesk-tickets/{self.ticket.id}",
            "csp_escalate_tour",
            login=self.agent.login,
        )
        self.ticket.invalidate_recordset()
        self.assertEqual(self.ticket.csp_taken_by_id, self.agent)
        self.assertEqual(self.ticket.csp_escalation_ids.reason, "I need a decision.")
