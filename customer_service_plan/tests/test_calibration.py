from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .quality import QualityCommon

MANAGER = "customer_service_plan.group_manager"
REVIEWER = "customer_service_plan.group_reviewer"


class CalibrationCommon(QualityCommon):
    """Three reviewers, one of whom works on tickets, too, and four tickets."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada = new_test_user(cls.env, "csp_ada", name="Ada", groups=REVIEWER)
        cls.ben = new_test_user(cls.env, "csp_ben", name="Ben", groups=REVIEWER)
        cls.cy = new_test_user(
            cls.env,
            "csp_cy",
            name="Cy",
            groups=f"{REVIEWER},helpdesk_mgmt.group_helpdesk_user_own",
        )
        cls.three = cls.ada | cls.ben | cls.cy
        tickets = [
            cls._create_ticket(user_id=cls.agent.id, team_id=cls.team.id)
            for _each in range(3)
        ]
        cls.cys_ticket = cls._create_ticket(user_id=cls.cy.id)
        cls.tickets = cls.env["helpdesk.ticket"].concat(*tickets) | cls.cys_ticket

    def setUp(self):
        super().setUp()
        freezer = freeze_time(self.at(days=1))
        freezer.start()
        self.addCleanup(freezer.stop)

    def _calibration(self, start=True, **vals):
        calibration = (
            self.env["csp.quality.calibration"]
            .with_user(self.manager)
            .create(
                {
                    "name": "March",
                    "scorecard_id": self.scorecard.id,
                    "ticket_ids": [(6, 0, self.tickets.ids)],
                    "reviewer_ids": [(6, 0, self.three.ids)],
                    "due_date": "2026-03-06",
                    **vals,
                }
            )
        )
        if start:
            calibration.action_start()
        return calibration

    def _reviews(self, calibration, user):
        return (
            self.env["csp.quality.review"]
            .with_user(user)
            .search([("calibration_id", "=", calibration.id)], order="ticket_id")
        )

    def _mark_all(self, calibration, user, *steps):
        """Mark everything that the user has to mark, alike."""
        for review in self._reviews(calibration, user):
            self._mark(review, *steps)
            review.action_done()

    def _compared(self):
        """Ada and Ben mark alike, Cy is stricter."""
        calibration = self._calibration()
        self._mark_all(calibration, self.ada, 2, 5, 4)
        self._mark_all(calibration, self.ben, 2, 5, 4)
        self._mark_all(calibration, self.cy, 1, 4, None)
        return calibration


class TestCalibration(CalibrationCommon):
    """From the choice of tickets to the comparison."""

    def test_what_is_missing_is_said(self):
        calibration = self._calibration(
            start=False, ticket_ids=False, reviewer_ids=False, due_date=False
        )
        with self.assertRaises(UserError) as refusal:
            calibration.action_start()
        self.assertEqual(len(str(refusal.exception).splitlines()), 3)
        nobodys = self._create_ticket(user_id=False)
        calibration.write(
            {
                "ticket_ids": [(6, 0, (nobodys | self.cys_ticket).ids)],
                "reviewer_ids": [(6, 0, (self.ada | self.cy).ids)],
                "due_date": "2026-03-01",
            }
        )
        with self.assertRaises(UserError) as refusal:
            calibration.action_start()
        # The date, nobody's ticket, and Cy's, which Ada alone would mark
        self.assertEqual(len(str(refusal.exception).splitlines()), 3)
        self.assertEqual(calibration.state, "draft")

    def test_who_marks_what(self):
        calibration = self._calibration(start=False)
        self.assertIn("Cy", calibration.setup_text)
        calibration.action_start()
        self.assertEqual(calibration.state, "running")
        for user, count in ((self.ada, 4), (self.ben, 4), (self.cy, 3)):
            reviews = self._reviews(calibration, user)
            self.assertEqual(len(reviews), count, user.name)
            self.assertEqual(reviews.reviewer_id, user)
            self.assertTrue(all(reviews.mapped("is_blind")))
            own = calibration.with_user(user)
            self.assertEqual(own.my_open_count, count)
            self.assertEqual(
                own.activity_ids.grouped("user_id")[user].summary,
                f"Mark tickets for the calibration: {count}",
            )
        mine = self._reviews(calibration, self.cy)
        self.assertNotIn(self.cys_ticket, mine.ticket_id)
        own = calibration.with_user(self.cy)
        self.assertEqual(own.action_mark()["res_id"], min(mine.ids))
        self._mark_all(calibration, self.cy, 2, 5, 5)
        self.assertEqual(own.action_mark()["domain"], [("id", "in", mine.ids)])
        # Which would tell whose work it is
        self.assertFalse(calibration.setup_text)
        self.assertNotIn("Cy does not", str(calibration.message_ids.mapped("body")))

    def test_nobody_sees_marks_before_the_end(self):
        calibration = self._calibration()
        review = self._reviews(calibration, self.ada)[0]
        self._mark(review, 2, 5, 4)
        review.action_done()
        Review, Line = (
            self.env["csp.quality.review"],
            self.env["csp.quality.review.line"],
        )
        of_it = [("calibration_id", "=", calibration.id)]
        for user in (self.ben, self.cy, self.manager, self.agent, self.lead):
            with self.subTest(user=user.login):
                found = Review.with_user(user).search(of_it)
                self.assertFalse(
                    found.filtered(lambda one: one.reviewer_id == self.ada)
                )
                lines = Line.with_user(user).search(
                    [("review_id.calibration_id", "=", calibration.id)]
                )
                self.assertLessEqual(lines.review_id, found)
                with self.assertRaises(AccessError):
                    review.with_user(user).read(["score"])
                with self.assertRaises(AccessError):
                    review.line_ids[0].with_user(user).read(["step"])
                self.env.invalidate_all()
        for user in (self.ben, self.manager):
            # Users share what was read in a transaction, requests do not.
            self.env.invalidate_all()
            own = calibration.with_user(user)
            self.assertEqual(set(own.review_ids), set(self._reviews(own, user)))
            self.assertNotIn(review, own.review_ids)
            self.assertFalse(own.csp_results_data())
            # Only how many
            self.assertIn("Ada: 1 of 4", own.progress_text)

    def test_the_last_one_ends_it(self):
        calibration = self._calibration()
        self._mark_all(calibration, self.ada, 2, 5, 5)
        to_dos = calibration.sudo().activity_ids.user_id
        self.assertEqual(to_dos, self.ben | self.cy)
        self._mark_all(calibration, self.ben, 2, 5, 4)
        self.assertEqual(calibration.state, "running")
        self._mark_all(calibration, self.cy, 2, 4, None)
        self.assertEqual(calibration.state, "compared")
        self.assertFalse(calibration.sudo().activity_ids)
        # Of each of three tickets 3 + 1 + 0 pairs of 9, of Cy's 1 + 1 + 0 of 3
        self.assertAlmostEqual(calibration.alike_percent, 100 * 14 / 30, 1)
        # Everybody reads the marks of the others now, but not of his own work.
        self.assertEqual(len(self._reviews(calibration, self.ada)), 11)
        self.assertEqual(len(self._reviews(calibration, self.cy)), 9)
        self.assertEqual(len(self._reviews(calibration, self.manager)), 11)

    def test_gap_of_scores(self):
        calibration = self._calibration(
            ticket_ids=[(6, 0, self.tickets[:1].ids)],
            reviewer_ids=[(6, 0, (self.ada | self.ben).ids)],
        )
        self._mark_all(calibration, self.ada, 2, 5, 5)
        self._mark_all(calibration, self.ben, 2, 3, 5)
        self.assertEqual(calibration.score_gap, 15)
        self.assertAlmostEqual(calibration.alike_percent, 66.7, 1)

    def test_compared_by_its_date(self):
        calibration = self._calibration()
        cron = self.env.ref("customer_service_plan.ir_cron_calibrations")
        self._mark_all(calibration, self.ada, 2, 5, 5)
        begun = self._reviews(calibration, self.ben)
        self._mark(begun[0], 2, 5, 4)
        begun[0].action_done()
        with self.enter_registry_test_mode():
            with freeze_time(self.at(days=4)):
                cron.method_direct_trigger()
            self.assertEqual(calibration.state, "running")
            with freeze_time(self.at(days=5)):
                cron.method_direct_trigger()
                cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(calibration.state, "compared")
        # Ben's three others and Cy's three are gone.
        self.assertEqual(len(calibration.sudo().review_ids), 5)
        self.assertIn("Ben (3)", str(calibration.message_ids.mapped("body")))

    def test_asks_once_where_there_is_nothing_to_compare(self):
        calibration = self._calibration()
        cron = self.env.ref("customer_service_plan.ir_cron_calibrations")
        with self.enter_registry_test_mode(), freeze_time(self.at(days=5)):
            cron.method_direct_trigger()
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(calibration.state, "running")
        asked = calibration.activity_ids.filtered(
            lambda one: one.user_id == self.manager
        )
        self.assertEqual(len(asked), 1)
        with freeze_time(self.at(days=5)):
            with self.assertRaises(UserError):
                calibration.due_date = "2026-03-06"
            calibration.due_date = "2026-03-12"
        self.assertFalse(asked.exists())
        self.assertFalse(calibration.is_stalled)
        self.assertEqual(
            set(map(str, calibration.sudo().review_ids.mapped("due_date"))),
            {"2026-03-12"},
        )
        self.assertEqual(
            set(map(str, calibration.sudo().activity_ids.mapped("date_deadline"))),
            {"2026-03-12"},
        )

    def test_compare_by_hand(self):
        calibration = self._calibration(responsible_id=self.ada.id)
        with self.assertRaises(UserError):
            calibration.action_compare()
        self._mark_all(calibration, self.ada, 2, 5, 5)
        self._mark_all(calibration, self.ben, 2, 5, 5)
        with self.assertRaises(AccessError):
            calibration.with_user(self.ben).action_compare()
        calibration.with_user(self.ada).action_compare()
        self.assertEqual(calibration.state, "compared")
        with self.assertRaises(UserError):
            calibration.action_compare()

    def test_taken_back(self):
        calibration = self._calibration()
        with self.assertRaises(AccessError):
            calibration.with_user(self.ada).action_back_to_draft()
        calibration.action_back_to_draft()
        self.assertEqual(calibration.state, "draft")
        self.assertFalse(calibration.sudo().review_ids)
        self.assertFalse(calibration.activity_ids)
        calibration.action_start()
        self._mark_all(calibration, self.ada, 2, 5, 5)
        with self.assertRaises(UserError):
            calibration.action_back_to_draft()
        with self.assertRaises(UserError):
            calibration.unlink()

    def test_tickets_are_drawn(self):
        for ticket in self.tickets:
            self._move(ticket, self.at(hours=2), self.stage_done)
        reviewed = self.tickets[0]
        self._begin(ticket=reviewed)
        calibration = self._calibration(start=False, ticket_ids=False)
        calibration.action_draw_tickets()
        self.assertEqual(calibration.ticket_ids, self.tickets - reviewed)
        with self.assertRaises(UserError):
            calibration.action_draw_tickets()


class TestCalibrationDoors(CalibrationCommon):
    """What nobody writes, and what never counts."""

    def test_facts_are_not_written(self):
        calibration = self._calibration()
        facts = (
            {"state": "compared"},
            {"alike_percent": 100},
            {"compared_at": "2026-03-03 10:00:00"},
            {"review_ids": [(5, 0, 0)]},
        )
        for vals in facts:
            with self.subTest(vals=vals):
                with self.assertRaises(AccessError):
                    calibration.write(vals)
                with self.assertRaises(AccessError):
                    calibration.create({"name": "x", "scorecard_id": 1, **vals})
        for vals in (
            {"ticket_ids": [(5, 0, 0)]},
            {"reviewer_ids": [(4, self.manager.id)]},
            {"scorecard_id": self.scorecard.copy().id},
        ):
            with self.subTest(vals=vals), self.assertRaises(UserError):
                calibration.write(vals)
        defaulted = self.env["csp.quality.calibration"].with_user(self.manager)
        defaulted = defaulted.with_context(default_state="compared").create(
            {"name": "x", "scorecard_id": self.scorecard.id}
        )
        self.assertEqual(defaulted.state, "draft")
        for vals in ({"name": "y"}, {"due_date": "2026-04-01"}):
            with self.assertRaises(AccessError):
                calibration.with_user(self.ada).write(vals)

    def test_reviews_stay_in_it(self):
        calibration = self._calibration(
            reviewer_ids=[(6, 0, (self.ada | self.manager).ids)]
        )
        for user in (self.ada, self.manager):
            review = self._reviews(calibration, user)[0]
            with self.assertRaises(AccessError):
                review.write({"calibration_id": False})
            with self.assertRaises(UserError if user == self.manager else AccessError):
                review.unlink()
        with self.assertRaises(AccessError):
            self._begin(calibration_id=calibration.id)

    def test_who_sees_a_calibration(self):
        calibration = self._calibration(start=False)
        Calibration = self.env["csp.quality.calibration"]
        outsider = new_test_user(self.env, "csp_outsider", groups=REVIEWER)
        for is_begun in (False, True):
            for user, sees in (
                (self.ada, is_begun),
                (outsider, False),
                (self.manager, True),
            ):
                found = Calibration.with_user(user).search([])
                self.assertEqual(calibration in found, sees, user.login)
            if not is_begun:
                calibration.action_start()
        with self.assertRaises(AccessError):
            calibration.with_user(outsider).csp_results_data()
        with self.assertRaises(AccessError):
            calibration.with_user(self.agent).csp_results_data()
        # Reviewers need no right on tickets for the page.
        self.assertNotIn("ticket_ids", calibration.with_user(self.ada).fields_get())
        calibration.with_user(self.ada).web_read(
            {"name": {}, "progress_text": {}, "reviewer_ids": {}, "review_ids": {}}
        )

    def test_other_company(self):
        calibration = self._compared()
        self.assertEqual(calibration.state, "compared")
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups=MANAGER,
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for model in (
            "csp.quality.calibration",
            "csp.quality.calibration.mark",
            "csp.quality.review",
        ):
            self.assertFalse(self.env[model].with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            calibration.with_user(stranger).csp_results_data()

    def test_never_counts_for_the_agent(self):
        """Not read, not answered, not told, not averaged: not even by himself as
        manager, or as a reviewer who took part."""
        calibration = self._compared()
        Review = self.env["csp.quality.review"]
        self.agent.group_ids |= self.env.ref(MANAGER)
        reviews = calibration.sudo().review_ids
        self.assertEqual(len(reviews), 11)
        for user in (self.agent, self.cy, self.lead, self.colleague):
            with self.subTest(user=user.login):
                own = reviews.filtered(lambda one, user=user: one.agent_id == user)
                self.assertFalse(Review.with_user(user).search([("id", "in", own.ids)]))
                self.assertFalse(
                    self.env["csp.quality.review.line"]
                    .with_user(user)
                    .search([("review_id", "in", own.ids)])
                )
                groups = Review.with_user(user).formatted_read_group(
                    [("id", "in", own.ids)], ["agent_id"], ["score:avg"]
                )
                self.assertFalse(groups)
                for review in own[:1]:
                    with self.assertRaises(AccessError):
                        review.with_user(user).read(["score"])
                    with self.assertRaises(AccessError):
                        review.with_user(user).action_done()
        self.assertFalse(reviews.activity_ids)
        self.assertFalse(
            reviews.message_ids.notified_partner_ids & self.agent.partner_id
        )
        self.assertNotIn(self.agent.partner_id, reviews.message_partner_ids)
        # Nor does he find his tickets on the page of the results.
        results = calibration.with_user(self.agent).csp_results_data()
        self.assertEqual([one["id"] for one in results["tickets"]], self.cys_ticket.ids)
        results = calibration.with_user(self.cy).csp_results_data()
        self.assertNotIn(self.cys_ticket.id, [one["id"] for one in results["tickets"]])


class TestCalibrationResults(CalibrationCommon):
    """The page that shows marks side by side."""

    def test_side_by_side(self):
        calibration = self._compared()
        results = calibration.with_user(self.ada).csp_results_data()
        self.assertEqual(
            [one["name"] for one in results["reviewers"]],
            [
                "Ada",
                "Ben",
                "Cy",
            ],
        )
        solved, friendly, plain = results["criteria"]
        # 3 tickets with one pair of three alike, Cy's own with one of one: 4 of 10
        for criterion in (solved, friendly, plain):
            self.assertEqual(criterion["pairs"], 10)
            self.assertAlmostEqual(criterion["share"], 40)
            # Four tickets only
            self.assertEqual(criterion["verdict"], "too_few")
        # 2 2 1 | 2 2 1 | 2 2 1 | 2 2: 8 of the better, 3 of the worse mark; each of
        # three tickets 2·1/(3 − 1) = 1: 1 − 10·3/24 = −0.25
        self.assertEqual(solved["alpha_text"], "-0.25")
        # All who marked gave the same: no difference to notice.
        self.assertEqual(plain["alpha_text"], "")
        ticket = results["tickets"][0]
        row = ticket["rows"][0]
        self.assertFalse(row["is_alike"])
        self.assertTrue(row["is_far_apart"])
        cell = row["cells"][str(self.cy.id)]
        self.assertEqual((cell["name"], cell["is_bad"]), ("No", True))
        self.assertEqual(cell["comment"], "It was so.")
        self.assertTrue(ticket["rows"][2]["is_far_apart"])
        self.assertFalse(ticket["rows"][1]["is_far_apart"])
        self.assertEqual(len(ticket["scores"]), 3)
        self.assertEqual(len(results["left_out"]), 1)
        # All is plain: programs that call by XML-RPC take no None.
        self.assertNotIn("None", str(results))

    def test_strict_and_lenient(self):
        results = self._compared().csp_results_data()
        ada, ben, cy = results["reviewers"]
        # Against Ada and Ben: −1 of 1, −1/4 of 1; the third does not apply to him.
        self.assertAlmostEqual(cy["mean"], -62.5)
        self.assertEqual(cy["leaning"], "strict")
        self.assertEqual(ada["mean"], ben["mean"])
        self.assertEqual(cy["tickets"], 3)

    def test_agreed_marks(self):
        calibration = self._compared()
        ticket = self.tickets[0]
        solved, friendly, plain = self.scorecard.criterion_ids
        self.assertFalse(calibration.mark_ids)
        for user, error in ((self.ada, AccessError), (self.agent, AccessError)):
            with self.assertRaises(error):
                calibration.with_user(user).action_agree(ticket.id, solved.id, 2)
        for wrong in (
            (ticket.id, solved.id, 3),
            (ticket.id, solved.id, -1),
            (ticket.id, solved.id, True),
            (ticket.id, self.scorecard.copy().criterion_ids[0].id, 1),
            (self.ticket.id, solved.id, 1),
        ):
            with self.subTest(wrong=wrong), self.assertRaises(UserError):
                calibration.action_agree(*wrong)
        calibration.action_agree(ticket.id, solved.id, 2, " It works again. ")
        mark = calibration.mark_ids
        self.assertEqual(
            (mark.step, mark.note, mark.agreed_by_id),
            (2, "It works again.", self.manager),
        )
        self.assertEqual(mark.agreed_at, self.at(days=1))
        calibration.action_agree(ticket.id, solved.id, 1)
        self.assertEqual((mark.step, mark.note), (1, False))
        calibration.action_agree(ticket.id, friendly.id, 5)
        calibration.action_agree(ticket.id, plain.id, 0)
        self.assertTrue(calibration.mark_ids[2].not_applicable)
        results = calibration.csp_results_data()
        # 0 of 50 and 30 of 30
        self.assertIn("38", results["tickets"][0]["agreed_score"])
        self.assertIn("1 of 3", results["reviewers"][0]["agreed_text"])
        calibration.action_agree(ticket.id, solved.id, False)
        self.assertEqual(len(calibration.mark_ids), 2)
        for user in (self.manager, self.ada):
            with self.assertRaises(AccessError):
                mark.create({"calibration_id": calibration.id})
            with self.assertRaises(AccessError):
                calibration.mark_ids[0].with_user(user).write({"step": 1})

    def test_agreed_where_alike(self):
        calibration = self._compared()
        # Cy's own ticket, which Ada and Ben marked alike
        self.assertEqual(calibration.action_agree_where_alike(), 3)
        self.assertEqual(calibration.mark_ids.ticket_id, self.cys_ticket)
        self.assertEqual(calibration.action_agree_where_alike(), 0)
        Mark = self.env["csp.quality.calibration.mark"]
        self.assertEqual(len(Mark.with_user(self.ada).search([])), 3)
        self.assertFalse(Mark.with_user(self.cy).search([]))

    def test_nobody_agrees_on_his_own_work(self):
        calibration = self._compared()
        self.agent.group_ids |= self.env.ref(MANAGER)
        own = calibration.with_user(self.agent)
        with self.assertRaises(AccessError):
            own.action_agree(self.tickets[0].id, self.scorecard.criterion_ids[0].id, 2)
        self.assertEqual(own.action_agree_where_alike(), 3)

    def test_not_before_it_is_compared(self):
        calibration = self._calibration()
        with self.assertRaises(UserError):
            calibration.action_agree(
                self.tickets[0].id, self.scorecard.criterion_ids[0].id, 2
            )

    def test_trend(self):
        first = self._compared()
        with freeze_time(self.at(days=3)):
            second = self._calibration(name="April")
            for user in self.three:
                self._mark_all(second, user, 2, 5, 5)
        self.assertEqual(second.alike_percent, 100)
        trend = second.csp_results_data()["trend"]
        self.assertEqual([one["id"] for one in trend], [first.id, second.id])
        self.assertEqual([one["is_this"] for one in trend], [False, True])
        self.assertEqual(len(first.csp_results_data()["trend"]), 1)

    def test_queries_do_not_grow_with_tickets(self):
        one = self._calibration(ticket_ids=[(6, 0, self.tickets[:1].ids)])
        for user in self.three:
            self._mark_all(one, user, 2, 5, 4)
        counts = []
        for calibration in (one, self._compared()):
            calibration = calibration.with_user(self.ada)
            calibration.csp_results_data()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            calibration.csp_results_data()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
