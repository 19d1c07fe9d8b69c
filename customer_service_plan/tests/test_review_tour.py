from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestReviewTour(HelpdeskMixin, HttpCase):
    """A manager writes a plan, and decides a review that is overdue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.env["csp.policy"].search([]).active = False
        cls.env["csp.plan"].search([("state", "=", "in_force")]).action_end()

    def test_plan(self):
        self.start_tour(
            "/odoo/service-plans", "csp_plan_tour", login=self.manager.login
        )
        plan = self.env["csp.plan"].search([("name", "=", "Tour Plan")])
        self.assertEqual(plan.state, "in_force")
        self.assertEqual(plan.value_ids.name, "We keep our word")

    def test_review(self):
        policy = self.env["csp.policy"].create(
            {"name": "Tour Policy", "owner_id": self.manager.id}
        )
        policy.version_ids.line_ids = [
            Command.create({"match_all": True, "first_response_minutes": 240})
        ]
        policy.version_ids.action_publish()
        policy.next_review_date = fields.Date.today() - timedelta(days=9)
        self.env["csp.policy.review"]._cron_open()
        self.start_tour(
            "/odoo/service-reviews", "csp_review_tour", login=self.manager.login
        )
        policy.invalidate_recordset()
        review = policy.last_review_id
        self.assertEqual(review.decision, "change")
        self.assertEqual(review.reason, "Mondays are too much.")
        self.assertEqual(review.decided_by_id, self.manager)
        draft = policy.draft_version_id
        self.assertEqual(draft.change_summary, "Mondays are too much.")
