from odoo.tests import HttpCase, new_test_user, tagged

from .quality import QualityCommon


@tagged("post_install", "-at_install")
class TestQualityDeskTour(QualityCommon, HttpCase):
    """Reviewing in the browser, with the least rights for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.name = "Berta Brown"
        cls.env["csp.quality.cause"].search([]).active = False
        cls.cause = cls.env["csp.quality.cause"].create({"name": "Haste"})
        cls.ticket.message_post(
            body="Use water.",
            author_id=cls.agent.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )

    def test_with_the_keyboard_alone(self):
        review = self._begin(is_blind=True)
        self.start_tour(
            "/odoo/reviews-to-do",
            "csp_quality_review_tour",
            login=self.reviewer.login,
            timeout=180,
        )
        review.invalidate_recordset()
        self.assertEqual((review.state, review.score), ("done", 37.5))
        self.assertEqual(review.comment, "Kind, but not solved.")
        solved, friendly, plain = review.line_ids.sorted("id")
        self.assertEqual((solved.step, solved.comment), (1, "It burns again."))
        self.assertEqual(solved.cause_ids, self.cause)
        self.assertIn("Smoke", solved.quote)
        self.assertEqual(friendly.step, 5)
        self.assertTrue(plain.not_applicable)

    def test_from_the_ticket_with_the_mouse(self):
        reviewer = new_test_user(
            self.env,
            "csp_review_all",
            groups="customer_service_plan.group_reviewer,"
            "helpdesk_mgmt.group_helpdesk_user",
        )
        self.start_tour(
            f"/odoo/helpdesk.ticket/{self.ticket.id}",
            "csp_quality_ticket_tour",
            login=reviewer.login,
            timeout=180,
        )
        review = self.env["csp.quality.review"].search(
            [("reviewer_id", "=", reviewer.id)]
        )
        self.assertEqual(review.state, "done")
        self.assertEqual(review.line_ids.sorted("id").mapped("step"), [2, 4, 5])
