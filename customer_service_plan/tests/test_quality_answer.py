from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .quality import QualityCommon

#: Wednesday, 10:00 in Athens.
NOW = datetime(2026, 3, 11, 8, 0)
ANSWER = "customer_service_plan.mail_activity_type_answer_review"
DECIDE = "customer_service_plan.mail_activity_type_decide_dispute"


class AnswerCommon(QualityCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        (cls.agent | cls.lead | cls.reviewer | cls.colleague).tz = "Europe/Athens"
        cls.agent.email = "agent@example.com"

    def _answers(self, at=None):
        with freeze_time(at or NOW), self.enter_registry_test_mode():
            cron = self.env.ref("customer_service_plan.ir_cron_quality_answers")
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _dispute(self, *steps, reason="The customer had asked for it.", **disputed):
        """A dispute of a review with these marks (default: all bad but the first)."""
        review = self._reviewed(*(steps or (2, 1, 3)))
        dispute = review.with_user(self.agent).action_dispute(reason, **disputed)
        return dispute.with_env(self.env)

    def _lines(self, record):
        return record.line_ids.sorted("id")


class TestQualityAnswer(AnswerCommon):
    """An agent confirms or disputes a review of his work."""

    def test_agent_is_asked(self):
        self.agent.lang = "en_US"
        review = self._reviewed()
        self.assertEqual(review.answer_until, date(2026, 3, 18))
        todo = review.activity_ids.sudo()
        self.assertEqual(todo.user_id, self.agent)
        self.assertEqual(todo.date_deadline, date(2026, 3, 18))
        self.assertEqual(todo.activity_type_id, self.env.ref(ANSWER))

    def test_days_are_the_companys(self):
        self.env.company.csp_quality_answer_days = 3
        self.assertEqual(self._reviewed().answer_until, date(2026, 3, 14))

    def test_days_count_from_when_the_agent_is_back(self):
        self.agent.write(
            {
                "csp_hours_id": self.hours.id,
                "csp_away_from": NOW - timedelta(days=2),
                # Back on Monday, 16 March
                "csp_away_until": datetime(2026, 3, 15, 22, 0),
            }
        )
        self.assertEqual(self._reviewed().answer_until, date(2026, 3, 23))

    def test_confirms(self):
        review = self._reviewed()
        mine = review.with_user(self.agent)
        self.assertTrue(mine.may_answer)
        self.assertFalse(review.with_user(self.reviewer).may_answer)
        mine.action_acknowledge("  I will do it so. ")
        self.assertEqual(review.state, "acknowledged")
        self.assertEqual(review.remark, "I will do it so.")
        self.assertEqual(review.answered_at, NOW)
        self.assertFalse(review.activity_ids)
        with self.assertRaises(UserError):
            mine.action_acknowledge()
        with self.assertRaises(UserError):
            mine.action_dispute("I have thought about it again.")

    def test_only_the_agent_answers(self):
        review = self._reviewed()
        for user in (self.reviewer, self.lead, self.manager, self.colleague):
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    review.with_user(user).action_acknowledge()
                with self.assertRaises(AccessError):
                    review.with_user(user).action_dispute("No")
        self.assertEqual(review.state, "done")

    def test_not_before_it_is_done(self):
        review = self._begin()
        self.assertFalse(review.get_answer())
        with self.assertRaises(AccessError):
            review.with_user(self.agent).action_acknowledge()

    def test_marks_of_a_calibration_are_never_answered(self):
        calibration = self.env["csp.quality.calibration"].create(
            {"name": "Spring", "scorecard_id": self.scorecard.id}
        )
        Review = self.env["csp.quality.review"]
        review = Review._by_addon().create(
            {
                "ticket_id": self.ticket.id,
                "reviewer_id": self.reviewer.id,
                "calibration_id": calibration.id,
            }
        )
        review = review.with_env(self.env).with_user(self.reviewer)
        self._mark(review, 1, 1, 1)
        review.action_done()
        self.assertFalse(review.answer_until)
        self.assertFalse(review.sudo().activity_ids)
        self.assertFalse(review.get_answer())
        with self.assertRaises(AccessError):
            review.with_user(self.agent).action_acknowledge()
        self._answers(NOW + timedelta(days=30))
        self.assertEqual(review.state, "done")

    def test_final_without_an_answer(self):
        review = self._reviewed()
        # Athens: Wednesday, 23:30; the last day
        self._answers(datetime(2026, 3, 18, 21, 30))
        self.assertEqual(review.state, "done")
        self._answers(datetime(2026, 3, 18, 22, 30))
        self.assertEqual(review.state, "final")
        self.assertFalse(review.answered_at)
        self.assertFalse(review.activity_ids)

    def test_too_late_even_where_nobody_has_noticed_yet(self):
        review = self._reviewed().with_user(self.agent)
        with freeze_time(datetime(2026, 3, 18, 22, 30)):
            self.env.invalidate_all()
            self.assertFalse(review.may_answer)
            with self.assertRaises(UserError):
                review.action_dispute("Late")
            with self.assertRaises(UserError):
                review.action_acknowledge()

    def test_whoever_is_away_at_the_end_has_the_time_again(self):
        review = self._reviewed()
        self.agent.write(
            {
                "csp_hours_id": self.hours.id,
                "csp_away_from": datetime(2026, 3, 12, 8, 0),
                # Back on Monday, 30 March
                "csp_away_until": datetime(2026, 3, 29, 22, 0),
            }
        )
        self._answers(datetime(2026, 3, 19, 8, 0))
        self.assertEqual(review.state, "done")
        self.assertEqual(review.answer_until, date(2026, 4, 6))
        self.assertEqual(review.activity_ids.sudo().date_deadline, date(2026, 4, 6))
        self._answers(datetime(2026, 4, 7, 8, 0))
        self.assertEqual(review.state, "final")

    def test_reminded_once_of_all(self):
        first = self._reviewed()
        other = self._create_ticket(
            user_id=self.agent.id, team_id=self.team.id, name="No paper"
        )
        second = self._reviewed(ticket=other)

        def told():
            return self.env["mail.message"].search(
                [
                    ("partner_ids", "in", self.agent.partner_id.ids),
                    ("message_type", "=", "user_notification"),
                ]
            )

        self._answers(datetime(2026, 3, 15, 8, 0))
        self.assertFalse(told())
        # Three in the morning: not now
        self._answers(datetime(2026, 3, 17, 1, 0))
        self.assertFalse(told())
        for _again in range(3):
            self._answers(datetime(2026, 3, 17, 8, 0))
        self.assertEqual(len(told()), 1)
        self.assertEqual(told().subject, "Please answer 2 reviews of your work")
        self.assertIn(f"/odoo/my-quality-reviews/{first.id}", told().body)
        self.assertIn(f"/odoo/my-quality-reviews/{second.id}", told().body)

    def test_one_agent_who_cannot_be_told_stops_nobody(self):
        self._reviewed()
        other = self._create_ticket(user_id=self.colleague.id, team_id=self.team.id)
        second = self._reviewed(ticket=other)
        Review = self.env.registry["csp.quality.review"]
        send = Review._send_reminder

        def fail_for_one(reviews, agent):
            if agent == self.agent:
                raise ValueError("No way")
            return send(reviews, agent)

        self.patch(Review, "_send_reminder", fail_for_one)
        with mute_logger(
            "odoo.addons.customer_service_plan.models.csp_quality_review_answer"
        ):
            self._answers(datetime(2026, 3, 17, 8, 0))
        self.assertTrue(second.reminded_at)

    def test_an_agent_without_helpdesk_is_not_asked_in_vain(self):
        outsider = new_test_user(self.env, "csp_outsider", groups="base.group_user")
        message = self._reply(self.ticket, NOW, user=outsider)
        review = self._begin(message_id=message.id)
        self._mark(review, 2, 5, 5)
        review.action_done()
        self.assertFalse(review.sudo().activity_ids)
        self._answers(datetime(2026, 3, 17, 8, 0))
        self._answers(datetime(2026, 3, 20, 8, 0))
        self.assertEqual(review.state, "final")

    def test_number_of_queries_does_not_grow(self):
        def done(count):
            tickets = self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
            for _number in range(count - 1):
                tickets |= self._create_ticket(
                    user_id=self.agent.id, team_id=self.team.id
                )
            reviews = self.env["csp.quality.review"]
            for ticket in tickets:
                review = self._begin(ticket=ticket)
                self._mark(review, 2, 5, 5)
                reviews |= review
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            reviews.sudo()._ask_agent()
            self.env.flush_all()
            return self.env.cr.sql_log_count - start

        done(1)
        self.assertLessEqual(done(8), done(2) + 8)


class TestQualityDispute(AnswerCommon):
    """Somebody else decides, and everything stays readable."""

    def test_all_that_is_not_the_best(self):
        dispute = self._dispute(2, None, 3)
        self.assertEqual(self._lines(dispute).criterion_id.name, "Plain words")
        self.assertEqual(self._lines(dispute).step_before, 3)
        review = dispute.review_id
        self.assertEqual(review.state, "disputed")
        self.assertEqual(review.answered_at, NOW)
        self.assertEqual(review.dispute_id, dispute)
        self.assertEqual(dispute.score_before, review.score)

    def test_chosen_marks_with_reasons(self):
        review = self._reviewed(2, 1, 3)
        line = self._lines(review)[1]
        dispute = review.with_user(self.agent).action_dispute(
            "See the phone call.", {str(line.id): "I was friendly"}
        )
        self.assertEqual(dispute.line_ids.review_line_id, line)
        self.assertEqual(dispute.line_ids.reason, "I was friendly")

    def test_refused(self):
        review = self._reviewed(2, 1, 3)
        other = self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
        foreign = self._lines(self._reviewed(2, 1, 3, ticket=other))[1]
        mine = review.with_user(self.agent)
        for reason, lines in (
            ("", None),
            ("  ", None),
            (None, None),
            ("Why", {foreign.id: "Not mine"}),
            ("Why", {"nonsense": "Not mine"}),
            ("Why", [foreign.id]),
        ):
            with self.subTest(reason=reason, lines=lines):
                with self.assertRaises(UserError):
                    mine.action_dispute(reason, lines)
        self.assertEqual(review.state, "done")

    def test_nothing_to_object_to(self):
        review = self._reviewed(2, 5, 5).with_user(self.agent)
        with self.assertRaises(UserError):
            review.action_dispute("On principle")
        # A comment may be wrong where the mark is not.
        line = self._lines(review)[0]
        review.action_dispute("What he says is not so.", {line.id: ""})
        self.assertEqual(review.state, "disputed")

    def test_who_decides(self):
        dispute = self._dispute()
        self.assertEqual(dispute.decider_id, self.lead)
        todo = dispute.sudo().activity_ids
        self.assertEqual(todo.user_id, self.lead)
        self.assertEqual(todo.activity_type_id, self.env.ref(DECIDE))

    def test_never_the_agent_or_the_reviewer(self):
        self.lead.group_ids += self.env.ref("customer_service_plan.group_reviewer")
        above = new_test_user(
            self.env, "csp_above", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        self.team.parent_id = self.env["helpdesk.ticket.team"].create(
            {"name": "Service", "user_id": above.id}
        )
        review = self._reviewed(2, 1, 3, reviewer=self.lead)
        dispute = review.with_user(self.agent).action_dispute("Why")
        self.assertEqual(dispute.decider_id, above)
        # The lead's own work
        ticket = self._create_ticket(user_id=self.lead.id, team_id=self.team.id)
        review = self._reviewed(2, 1, 3, ticket=ticket)
        dispute = review.with_user(self.lead).action_dispute("Why")
        self.assertEqual(dispute.decider_id, above)
        for user in (self.lead, self.reviewer):
            self.assertFalse(dispute.with_user(user).may_decide)

    def test_a_manager_where_there_is_no_leader(self):
        self.team.user_id = False
        self.assertNotIn(
            self._dispute().decider_id, self.agent | self.reviewer | self.lead
        )

    def test_who_is_there_before_who_is_away(self):
        self.lead.write(
            {
                "csp_away_from": NOW - timedelta(days=1),
                "csp_away_until": NOW + timedelta(days=9),
            }
        )
        decider = self._dispute().decider_id
        self.assertTrue(decider.has_group("customer_service_plan.group_manager"))

    def _decide(self, dispute, *marks, text="I have listened to the call.", user=None):
        """Decide on the lines in their order: a step, "na", or None for no."""
        decisions = {}
        for line, mark in zip(self._lines(dispute), marks, strict=True):
            decisions[line.id] = {
                "accepted": mark is not None,
                "step": mark if isinstance(mark, int) else None,
                "not_applicable": mark == "na",
                "answer": "So it is.",
            }
        return dispute.with_user(user or self.lead).action_decide(text, decisions)

    def test_agreed_to(self):
        dispute = self._dispute(2, 1, 3)
        review = dispute.review_id
        # 50 of 50, 0 of 30, 10 of 20
        self.assertEqual(review.score, 60)
        self._decide(dispute, 5, 5)
        self.assertEqual(review.state, "final")
        self.assertEqual(review.score, 100)
        self.assertEqual(review.score_before, 60)
        self.assertTrue(review.is_rescored)
        self.assertRecordValues(
            dispute,
            [
                {
                    "state": "decided",
                    "outcome": "full",
                    "decider_id": self.lead.id,
                    "decided_at": NOW,
                    "score_before": 60,
                    "score_after": 100,
                }
            ],
        )
        self.assertRecordValues(
            self._lines(dispute),
            [
                {"step_before": 1, "step_after": 5, "accepted": True},
                {"step_before": 3, "step_after": 5, "accepted": True},
            ],
        )
        self.assertFalse(dispute.sudo().activity_ids)
        with self.assertRaises(UserError):
            self._decide(dispute, 5, 5)

    def test_in_part(self):
        dispute = self._dispute(2, 1, 3)
        self._decide(dispute, "na", None)
        # 50 of 50, 10 of 20
        self.assertEqual(dispute.outcome, "partly")
        self.assertEqual(dispute.review_id.score, 85.71)
        first, second = self._lines(dispute.review_id)[1:]
        self.assertTrue(first.not_applicable)
        self.assertEqual(second.step, 3)

    def test_not_agreed_to(self):
        dispute = self._dispute(2, 1, 3)
        self._decide(dispute, None, None)
        self.assertEqual(dispute.outcome, "none")
        self.assertEqual(dispute.review_id.state, "final")
        self.assertEqual(dispute.review_id.score, 60)
        self.assertFalse(dispute.review_id.is_rescored)

    def test_a_failed_review_is_no_more(self):
        self.scorecard = self._create_scorecard(
            [
                {"name": "Privacy", "weight": 0, "critical": "all"},
                {"name": "Solved", "weight": 50},
            ],
            name="Strict",
        )
        review = self._reviewed(1, 2, scorecard_id=self.scorecard.id)
        self.assertTrue(review.is_failed)
        dispute = review.with_user(self.agent).action_dispute("It was his wife.")
        self.assertTrue(dispute.was_failed)
        self._decide(dispute, 2)
        self.assertFalse(review.is_failed)
        self.assertEqual(review.score, 100)
        self.assertTrue(dispute.is_rescored)

    def test_never_worse(self):
        dispute = self._dispute(1, 3, 5)
        # 0 of 50, 15 of 30, 20 of 20; without the 30 it would be 20 of 70
        self.assertEqual(dispute.score_before, 35)
        with self.assertRaises(UserError) as caught:
            self._decide(dispute, None, "na")
        self.assertIn("worse off", str(caught.exception))
        with self.assertRaises(UserError):
            self._decide(dispute, None, 2)
        with self.assertRaises(UserError):
            self._decide(dispute, None, 3)
        self.assertEqual(dispute.review_id.score, 35)
        self.assertEqual(dispute.state, "open")

    def test_each_mark_and_a_reason(self):
        dispute = self._dispute(2, 1, 3).with_user(self.lead)
        first, second = self._lines(dispute)
        yes = {"accepted": True, "step": 5}
        for text, decisions in (
            ("", {first.id: yes, second.id: yes}),
            ("Why", {}),
            ("Why", None),
            ("Why", {first.id: yes}),
            ("Why", {first.id: yes, second.id: {"accepted": None}}),
            ("Why", {first.id: yes, second.id: {"accepted": True}}),
            ("Why", {first.id: yes, second.id: {"accepted": True, "step": True}}),
            ("Why", {first.id: yes, second.id: {"accepted": True, "step": 6}}),
            ("Why", {first.id: yes, second.id: yes, 0: yes}),
        ):
            with self.subTest(text=text, decisions=decisions):
                with self.assertRaises(UserError):
                    dispute.action_decide(text, decisions)
        self.assertEqual(dispute.state, "open")

    def test_what_must_apply(self):
        criteria = [
            {"name": "Solved", "weight": 50},
            {"name": "Greeting", "weight": 50, "allow_na": False},
        ]
        scorecard = self._create_scorecard(criteria, name="Must")
        review = self._reviewed(2, 1, scorecard_id=scorecard.id)
        dispute = review.with_user(self.agent).action_dispute("Why")
        with self.assertRaises(UserError):
            self._decide(dispute, "na")

    def test_by_nobody_else(self):
        dispute = self._dispute(2, 1, 3)
        for user in (self.agent, self.reviewer, self.colleague):
            with self.subTest(user=user.login):
                self.assertFalse(
                    dispute.with_user(user).has_access("read")
                    and dispute.with_user(user).may_decide
                )
                with self.assertRaises(AccessError):
                    self._decide(dispute, 5, 5, user=user)
                with self.assertRaises(AccessError):
                    dispute.with_user(user).action_hand_on(self.manager.id)
        self._decide(dispute, 5, None, user=self.manager)
        self.assertEqual(dispute.decider_id, self.manager)

    def test_marks_change_by_nothing_else(self):
        dispute = self._dispute(2, 1, 3)
        line = self._lines(dispute)[0]
        for user in (self.agent, self.reviewer, self.lead, self.manager):
            for record, values in (
                (dispute, {"outcome": "full"}),
                (dispute, {"decider_id": user.id}),
                (line, {"accepted": True, "step_after": 5}),
                (line.review_line_id, {"step": 5}),
                (dispute.review_id, {"dispute_id": False}),
                (dispute.review_id, {"answer_until": "2030-01-01"}),
                (dispute.review_id, {"line_ids": [(1, line.id, {"step": 5})]}),
            ):
                with self.subTest(user=user.login, values=values):
                    with self.assertRaises(UserError):
                        record.with_user(user).write(values)
            with self.assertRaises(AccessError):
                dispute.with_user(user).unlink()
            with self.assertRaises(AccessError):
                self.env["csp.quality.dispute"].with_user(user).create(
                    {"review_id": dispute.review_id.id, "reason": "Why"}
                )

    def test_handed_on(self):
        dispute = self._dispute(2, 1, 3)
        wizard = self.env["csp.quality.dispute.hand.on"].with_user(self.lead)
        form = Form(wizard.with_context(default_dispute_id=dispute.id))
        form.user_id = self.manager
        form.note = "I was at that counter."
        form.save().action_hand_on()
        self.assertEqual(dispute.decider_id, self.manager)
        self.assertEqual(dispute.sudo().activity_ids.user_id, self.manager)
        with self.assertRaises(AccessError):
            self._decide(dispute, 5, 5)
        mine = dispute.with_user(self.manager)
        for user in (self.agent, self.reviewer, self.colleague):
            with self.assertRaises(UserError):
                mine.action_hand_on(user.id)
        self._decide(dispute, 5, 5, user=self.manager)

    def test_the_dialog_tells_nothing_of_foreign_disputes(self):
        dispute = self._dispute(2, 1, 3)
        wizard = self.env["csp.quality.dispute.hand.on"].with_user(self.colleague)
        wizard = wizard.new({"dispute_id": dispute.id})
        self.assertFalse(wizard.candidate_ids)

    def test_somebody_else_where_the_decider_has_left(self):
        dispute = self._dispute(2, 1, 3)
        self._answers()
        self.assertEqual(dispute.decider_id, self.lead)
        self.team.user_id = False
        self._answers()
        self.assertNotEqual(dispute.decider_id, self.lead)
        self.assertEqual(dispute.sudo().activity_ids.user_id, dispute.decider_id)

    def test_who_reads_it(self):
        dispute = self._dispute(2, 1, 3)
        stranger = new_test_user(
            self.env, "csp_stranger", groups="customer_service_plan.group_reviewer"
        )
        for user in (self.agent, self.reviewer, self.lead, self.manager):
            with self.subTest(user=user.login):
                mine = dispute.with_user(user)
                self.assertEqual(mine.search([]), dispute)
                self.assertEqual(mine.line_ids.search_count([]), 2)
                data = dispute.review_id.with_user(user).get_answer()
                self.assertEqual(data["dispute"]["reason"], dispute.reason)
        for user in (self.colleague, stranger):
            with self.subTest(user=user.login):
                mine = dispute.with_user(user)
                self.assertFalse(mine.search([]))
                Line = self.env["csp.quality.dispute.line"].with_user(user)
                self.assertFalse(Line.search([]))
                with self.assertRaises(AccessError):
                    dispute.review_id.with_user(user).get_answer()

    def test_another_company(self):
        dispute = self._dispute(2, 1, 3)
        company = self.env["res.company"].create({"name": "Other"})
        other = new_test_user(
            self.env,
            "csp_other_manager",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        self.assertFalse(self.env["csp.quality.dispute"].with_user(other).search([]))
        with self.assertRaises(AccessError):
            self._decide(dispute, 5, 5, user=other)
        self.assertNotIn(other, dispute._who_may_decide(dispute.review_id))

    def test_all_are_told(self):
        dispute = self._dispute(2, 1, 3)

        def told(user):
            return (
                self.env["mail.message"]
                .search(
                    [
                        ("partner_ids", "in", user.partner_id.ids),
                        ("message_type", "=", "user_notification"),
                        ("subject", "like", "isputed" if user == self.reviewer else ""),
                    ],
                    order="id",
                )
                .mapped("subject")
            )

        self.assertEqual(
            told(self.reviewer), [f"Disputed: {dispute.review_id.display_name}"]
        )
        self._decide(dispute, 5, None)
        self.assertIn(f"Decided: {dispute.review_id.display_name}", told(self.agent))

    def test_the_page(self):
        dispute = self._dispute(2, 1, 3)
        review = dispute.review_id
        data = review.with_user(self.lead).get_answer()["dispute"]
        self.assertTrue(data["may_decide"])
        first, second = data["lines"]
        self.assertEqual(first["before"], "1 of 5")
        self.assertEqual([step["step"] for step in first["steps"]], [2, 3, 4, 5])
        self.assertEqual([step["step"] for step in second["steps"]], [4, 5])
        self._decide(dispute, 5, None)
        data = review.with_user(self.agent).get_answer()
        self.assertFalse(data["may_answer"])
        self.assertEqual(data["dispute"]["outcome_label"], "Agreed to in part")
        self.assertEqual(
            [line["after"] for line in data["dispute"]["lines"]], ["5 of 5", "3 of 5"]
        )

    def test_number_of_queries_of_the_page_does_not_grow(self):
        def queries(criteria):
            scorecard = self._create_scorecard(
                [{"name": f"Point {number}"} for number in range(criteria)],
                name=f"With {criteria}",
            )
            ticket = self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
            review = self._reviewed(
                *[1] * criteria, ticket=ticket, scorecard_id=scorecard.id
            )
            review.with_user(self.agent).action_dispute("Why")
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            review.with_user(self.lead).get_answer()
            return self.env.cr.sql_log_count - start

        queries(2)
        self.assertEqual(queries(2), queries(20))
