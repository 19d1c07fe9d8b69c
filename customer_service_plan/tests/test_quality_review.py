from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user

from .quality import QualityCommon


class TestQualityReview(QualityCommon):
    """Marking a ticket, and who may."""

    def test_score_of_marks(self):
        review = self._begin()
        self.assertEqual(review.agent_id, self.agent)
        self.assertEqual(review.scorecard_id, self.scorecard)
        self.assertEqual(review.missing_count, 3)
        self._mark(review, 2, 4, 2)
        # 50 of 50, 3/4 of 30, 1/4 of 20
        self.assertEqual(review.score, 77.5)
        review.action_done()
        self.assertEqual(review.state, "done")

    def test_what_does_not_apply_leaves_both_sums(self):
        review = self._begin()
        self._mark(review, None, 3, 5)
        # 15 of 30 and 20 of 20
        self.assertEqual(review.score, 70)

    def test_done_needs_every_mark_and_a_word_on_bad_ones(self):
        review = self._begin()
        with self.assertRaisesRegex(ValidationError, "Solved"):
            review.action_done()
        self._mark(review, 1, 5, 5, explain=False)
        with self.assertRaisesRegex(ValidationError, "Solved"):
            review.action_done()
        review.line_ids.sorted("id")[0].comment = "The printer still burns."
        review.action_done()
        with self.assertRaises(UserError):
            review.line_ids[0].step = 2

    def test_nobody_reviews_himself(self):
        for user in (self.agent, self.colleague):
            with self.assertRaises(AccessError):
                self._begin(reviewer=user)
        reviewing_agent = new_test_user(
            self.env,
            "csp_both",
            groups="customer_service_plan.group_reviewer,"
            "helpdesk_mgmt.group_helpdesk_user_own",
        )
        ticket = self._create_ticket(user_id=reviewing_agent.id)
        with self.assertRaises(UserError):
            self._begin(ticket=ticket, reviewer=reviewing_agent)

    def test_counts_for_the_author_of_a_message(self):
        message = self._reply(self.ticket, self.at(hours=1), user=self.colleague)
        review = self._begin(message_id=message.id)
        self.assertEqual(review.agent_id, self.colleague)
        question = self._ask(self.ticket, self.at(hours=2))
        with self.assertRaises(UserError):
            self._begin(message_id=question.id)

    def test_marks_are_the_reviewers(self):
        review = self._begin()
        line = review.line_ids[0]
        people = (self.agent, self.colleague, self.lead, self.manager)
        for user in people:
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                line.with_user(user).write({"step": 2})
        self._mark(review, 2, 5, 5)
        review.action_done()
        for user in people:
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                line.with_user(user).write({"step": 1})
        for values in ({"score": 100}, {"state": "to_do"}, {"agent_id": 1}):
            for user in (*people, self.reviewer):
                with self.assertRaises(AccessError):
                    review.with_user(user).write(values)

    def test_who_reads_what(self):
        review = self._begin()
        readers = {self.reviewer, self.manager}
        for user in (
            self.agent,
            self.colleague,
            self.lead,
            self.reviewer,
            self.manager,
        ):
            found = self.env["csp.quality.review"].with_user(user).search([])
            self.assertEqual(review in found, user in readers, user.login)
        self._mark(review, 2, 5, 5)
        review.action_done()
        readers |= {self.agent, self.lead}
        for user in (
            self.agent,
            self.colleague,
            self.lead,
            self.reviewer,
            self.manager,
        ):
            found = self.env["csp.quality.review"].with_user(user).search([])
            self.assertEqual(review in found, user in readers, user.login)
            lines = self.env["csp.quality.review.line"].with_user(user).search([])
            self.assertEqual(bool(lines), user in readers, user.login)
