from odoo.tests import HttpCase, new_test_user, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestQualityAnswerTour(HelpdeskMixin, HttpCase):
    """An agent disputes a mark, and his team leader decides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.lead = new_test_user(
            cls.env, "csp-lead", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        cls.reviewer = new_test_user(
            cls.env, "csp-reviewer", groups="customer_service_plan.group_reviewer"
        )
        cls.team.user_id = cls.lead
        scorecard = cls.env["csp.scorecard"].create(
            {
                "name": "Tour",
                "state": "in_use",
                "criterion_ids": [
                    (0, 0, {"name": "Solved", "weight": 50, "sequence": 1}),
                    (0, 0, {"name": "Friendly", "weight": 30, "scale": "5"}),
                    (0, 0, {"name": "Plain words", "weight": 20, "scale": "5"}),
                ],
            }
        )
        ticket = cls.env["helpdesk.ticket"].create(
            {
                "name": "The printer is on fire",
                "description": "Smoke, too.",
                "user_id": cls.agent.id,
                "team_id": cls.team.id,
            }
        )
        cls.review = (
            cls.env["csp.quality.review"]
            .with_user(cls.reviewer)
            .create({"ticket_id": ticket.id, "scorecard_id": scorecard.id})
        )
        lines = cls.review.line_ids.sorted("id")
        for line, step in zip(lines, (2, 1, 3), strict=True):
            line.step = step
            line.comment = "It was so."
        cls.review.action_done()

    def test_dispute(self):
        self.start_tour(
            "/odoo/my-quality-reviews",
            "csp_quality_dispute_tour",
            login=self.agent.login,
        )
        self.assertEqual(self.review.state, "disputed")
        self.start_tour(
            "/odoo/quality-disputes", "csp_quality_decision_tour", login=self.lead.login
        )
        self.review.invalidate_recordset()
        self.assertEqual(self.review.state, "final")
        self.assertEqual(self.review.score, 82.5)
        self.assertEqual(self.review.score_before, 60)
