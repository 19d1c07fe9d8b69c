from collections import Counter
from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .quality import QualityCommon

#: Half an hour after the week from Monday, 2 March, has ended in Athens.
OVER = datetime(2026, 3, 8, 22, 30)


class SamplingCommon(QualityCommon):
    """Two agents with solved tickets in the week from 2 March, and two reviewers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.partner_id.tz = "Europe/Athens"
        cls.second = new_test_user(
            cls.env, "csp_second", groups="customer_service_plan.group_reviewer"
        )
        users = cls.agent | cls.colleague | cls.reviewer | cls.second
        users.tz = "Europe/Athens"
        # Nobody here is new, unless a test says so.
        cls.env.cr.execute(
            "UPDATE res_users SET create_date = '2020-01-01' WHERE id = ANY(%s)",
            [users.ids],
        )
        users.invalidate_recordset(["create_date"])
        cls.solved = cls._solve(cls.agent, 12) | cls._solve(cls.colleague, 7)

    @classmethod
    def _solve(cls, agent, count, at=None, **vals):
        """Tickets of an agent, closed as solved on the Tuesday."""
        at = at or cls.at(days=1)
        with freeze_time(at - timedelta(hours=3)):
            tickets = cls.env["helpdesk.ticket"].create(
                [
                    {
                        "name": f"Printer {number}",
                        "description": "It burns.",
                        "partner_id": cls.customer.id,
                        "user_id": agent.id,
                        "team_id": cls.team.id,
                        **vals,
                    }
                    for number in range(count)
                ]
            )
        with freeze_time(at):
            tickets.stage_id = cls.stage_done
        return tickets

    @classmethod
    def _plan(cls, start=True, reviewers=None, **vals):
        rooms = reviewers or {cls.reviewer: 10, cls.second: 10}
        with freeze_time(cls.at()):
            plan = (
                cls.env["csp.quality.sampling"]
                .with_user(cls.manager)
                .create(
                    {
                        "name": "Every week",
                        "reviewer_ids": [
                            Command.create({"user_id": user.id, "capacity": room})
                            for user, room in rooms.items()
                        ],
                        **vals,
                    }
                )
            )
            if start:
                plan.action_start()
        return plan

    def _run(self, at=OVER):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref(
                "customer_service_plan.ir_cron_sampling"
            ).method_direct_trigger()
        self.env.invalidate_all()

    @staticmethod
    def _logins(reviews, field):
        return Counter(review[field].login for review in reviews)

    def _reviews(self, plan):
        return self.env["csp.quality.review"].search(
            [("sampling_id", "=", plan.id)], order="id"
        )


class TestSampling(SamplingCommon):
    """Drawing when a period is over."""

    def test_drawn_when_the_period_is_over(self):
        plan = self._plan()
        self.assertEqual(plan.next_from, date(2026, 3, 2))
        self.assertEqual(plan.next_to, date(2026, 3, 8))
        # Half an hour before midnight in Athens
        self._run(OVER - timedelta(hours=1))
        self.assertFalse(self._reviews(plan))
        self._run()
        reviews = self._reviews(plan)
        self.assertEqual(
            self._logins(reviews, "agent_id"),
            {"csp_agent": 4, "csp_colleague": 4},
        )
        self.assertEqual(set(reviews.mapped("picked")), {"random"})
        self.assertEqual(set(reviews.mapped("due_date")), {date(2026, 3, 16)})
        self.assertEqual(
            self._logins(reviews, "reviewer_id"),
            {"csp_reviewer": 4, "csp_second": 4},
        )
        self.assertEqual(len(reviews.ticket_id), 8)
        self.assertLessEqual(reviews.ticket_id, self.solved)
        run = plan.run_ids
        self.assertRecordValues(
            run, [{"period_from": date(2026, 3, 2), "period_to": date(2026, 3, 8)}]
        )
        self.assertEqual(
            [
                (share.agent_id, share.ticket_count, share.random_count)
                for share in run.share_ids.sorted("ticket_count")
            ],
            [(self.colleague, 7, 4), (self.agent, 12, 4)],
        )

    def test_may_run_twice_and_late(self):
        self._solve(self.agent, 6, at=self.at(days=8))
        plan = self._plan(reviewers={self.reviewer: 100})
        # Two weeks are over, the third one is not.
        late = OVER + timedelta(days=9)
        self._run(late)
        runs = plan.run_ids.sorted("period_from")
        self.assertEqual(
            runs.mapped("period_from"), [date(2026, 3, 2), date(2026, 3, 9)]
        )
        self.assertEqual(runs.mapped("drawn_count"), [8, 4])
        self.assertEqual(plan.next_from, date(2026, 3, 16))
        self._run(late)
        self._run(late + timedelta(hours=1))
        self.assertEqual(plan.run_ids, runs.sorted("period_from", reverse=True))
        self.assertEqual(len(self._reviews(plan)), 12)

    def test_the_same_again(self):
        plan = self._plan(complaint="only", per_agent=3)
        self.solved[::3].csp_is_complaint = True
        begin, end = plan.next_from, plan.next_to
        with freeze_time(OVER):
            first, second = plan._draw(begin, end), plan._draw(begin, end)
        self.assertEqual(first, second)
        preview = self.env["csp.quality.sampling.preview"].with_user(self.manager)
        with freeze_time(OVER):
            form = Form(preview.with_context(default_sampling_id=plan.id))
            self.assertEqual((form.date_from, form.date_to), (begin, end))
            html = str(form.html)
        self._run()
        reviews = self._reviews(plan)
        self.assertEqual(
            {review.ticket_id.id: review.reviewer_id.id for review in reviews},
            first.reviewers,
        )
        self.assertEqual(plan.run_ids.seed, first.seed)
        for review in reviews:
            self.assertIn(review.ticket_id.number, html)
        other = self._plan(complaint="only", per_agent=3)
        self.assertNotEqual(other.sudo().seed, plan.sudo().seed)

    def test_no_ticket_twice(self):
        by_hand = self.solved[:8]
        for ticket in by_hand:
            self._begin(ticket=ticket, reviewer=self.second)
        first = self._plan(per_agent=2)
        second = self._plan(per_agent=2)
        self._run()
        mine, other = self._reviews(first), self._reviews(second)
        self.assertEqual((len(mine), len(other)), (4, 4))
        self.assertFalse(mine.ticket_id & other.ticket_id)
        self.assertFalse((mine | other).ticket_id & by_hand)
        share = first.run_ids.share_ids.filtered(
            lambda share: share.agent_id == self.agent
        )
        self.assertEqual((share.ticket_count, share.taken_count), (12, 8))

    def test_drawn_once_however_many_work(self):
        plan = self._plan()
        self._run()
        review = self._reviews(plan)[0]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(Exception, "drawn_once"),
            self.cr.savepoint(),
        ):
            review.sudo()._by_addon().create(
                {
                    "ticket_id": review.ticket_id.id,
                    "reviewer_id": self.manager.id,
                    "sampling_run_id": plan.run_ids.id,
                }
            )

    def test_random_ones_from_all_the_others_by_conditions(self):
        complaints = self.solved.filtered(lambda ticket: ticket.user_id == self.agent)
        complaints = complaints[:4]
        complaints.csp_is_complaint = True
        plan = self._plan(complaint="only", per_agent=4)
        self._run()
        reviews = self._reviews(plan)
        own = reviews.filtered(lambda review: review.agent_id == self.agent)
        self.assertEqual(Counter(own.mapped("picked"))["random"], 2)
        self.assertEqual(len(own), 4)
        chosen = own.filtered(lambda review: review.picked == "condition")
        self.assertTrue(chosen)
        self.assertLessEqual(chosen.ticket_id, complaints)
        # Without a complaint, his are drawn at random.
        other = reviews - own
        self.assertEqual(Counter(other.mapped("picked")), {"random": 4})

    def test_conditions(self):
        """Each one finds the ticket that fulfils it, and no other."""
        self._create_policy([{"match_all": True, "resolution_minutes": 1}])
        segment = self.env["csp.segment"].create({"name": "All", "country_ids": False})
        channel = self.env["helpdesk.ticket.channel"].create({"name": "Pigeon"})
        ticket = self._create_ticket(
            user_id=self.agent.id, team_id=self.team.id, channel_id=channel.id
        )
        ticket.sudo().with_context(
            csp_by_addon=self._sentinel()
        ).csp_segment_ids = segment
        self._ask(ticket, self.at(hours=1))
        self._reply(ticket, self.at(hours=2))
        self._move(ticket, self.at(hours=3), self.stage_done)
        self.env["rating.rating"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "res_id": ticket.id,
                "rating": 1,
                "consumed": True,
            }
        )
        policy = ticket.csp_policy_version_id.policy_id
        self.assertTrue(policy)
        plan = self._plan(start=False)
        for values in (
            {"channel_ids": channel.ids},
            {"segment_ids": segment.ids},
            {"policy_ids": policy.ids},
            {"bad_opinion": True},
            {"missed_promise": True},
            {"min_messages": 2},
            {"min_messages": 2, "max_messages": 2},
        ):
            self._fulfils(plan, values, ticket)
        self._fulfils(plan, {"min_messages": 3}, ticket.browse())
        self._fulfils(plan, {"max_messages": 1}, self.solved)
        self._fulfils(plan, {"bad_opinion": True, "complaint": "only"}, ticket.browse())

    def _sentinel(self):
        from ..models.protected import BY_ADDON

        return BY_ADDON

    def _fulfils(self, plan, values, expected):
        plan.write(values)
        rows = plan._find_tickets(date(2026, 3, 2), date(2026, 3, 8))
        with self.subTest(**values):
            self.assertEqual(
                {row[0] for row in rows if row[4]}, set(expected.ids), values
            )
        plan.write(
            {
                name: [Command.clear()]
                if plan._fields[name].type == "many2many"
                else False
                for name in values
                if name != "complaint"
            }
            | ({"complaint": "any"} if "complaint" in values else {})
        )

    def test_only_solved_ones_of_the_company_and_its_staff(self):
        other_company = self.env["res.company"].create({"name": "Other"})
        self._solve(self.agent, 1, company_id=other_company.id, team_id=False)
        cancelled = self._create_ticket(user_id=self.agent.id)
        self._move(cancelled, self.at(hours=1), self.stage_cancelled)
        self._create_ticket(user_id=self.agent.id)
        self._solve(self.env["res.users"], 1)
        gone = new_test_user(
            self.env, "csp_gone", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        self._solve(gone, 1)
        gone.active = False
        plan = self._plan(start=False)
        rows = plan._find_tickets(date(2026, 3, 2), date(2026, 3, 8))
        self.assertEqual({row[0] for row in rows}, set(self.solved.ids))

    def test_whose_tickets(self):
        plan = self._plan(user_ids=self.colleague.ids)
        self._run()
        self.assertEqual(self._reviews(plan).agent_id, self.colleague)
        new = new_test_user(
            self.env, "csp_new", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Second line", "user_ids": new.ids}
        )
        self._solve(new, 1)
        by_team = self._plan(team_ids=team.ids, user_ids=self.agent.ids)
        self._run()
        self.assertEqual(self._reviews(by_team).agent_id, self.agent | new)

    def test_more_of_new_agents(self):
        self.env.company.csp_newcomer_days = 30
        self.env.cr.execute(
            "UPDATE res_users SET create_date = '2026-02-20' WHERE id = %s",
            [self.colleague.id],
        )
        self.colleague.invalidate_recordset(["create_date"])
        plan = self._plan(per_agent=2, newcomer_extra=3)
        self._run()
        self.assertEqual(
            self._logins(self._reviews(plan), "agent_id"),
            {"csp_agent": 2, "csp_colleague": 5},
        )

    def test_no_scorecard_fits(self):
        channel = self.env["helpdesk.ticket.channel"].create({"name": "Pigeon"})
        card = self._create_scorecard(name="For pigeons", channel_ids=channel.ids)
        self.scorecard.active = False
        self.solved[:2].channel_id = channel
        plan = self._plan()
        self._run()
        reviews = self._reviews(plan)
        self.assertEqual(reviews.ticket_id, self.solved[:2])
        self.assertEqual(reviews.scorecard_id, card)
        self.assertEqual(plan.run_ids.bare_count, 17)
        self.assertEqual(plan.run_ids.ticket_count, 2)

    def test_reviewers_are_told_once(self):
        self._plan()
        before = self.env["mail.message"].search([])
        self._run()
        told = self.env["mail.message"].search([("id", "not in", before.ids)])
        told = told.filtered(
            lambda message: message.message_type == "user_notification"
        )
        self.assertEqual(
            told.notified_partner_ids, (self.reviewer | self.second).partner_id
        )
        self.assertEqual(len(told), 2)
        self.assertIn("4", told[0].subject)

    def test_a_plan_that_fails_does_not_stop_the_others(self):
        broken = self._plan(scorecard_id=self.scorecard.id)
        good = self._plan(scorecard_id=self._create_scorecard(name="Other").id)
        self.scorecard.with_context(csp_by_addon=self._sentinel()).state = "retired"
        self._run()
        self.assertFalse(broken.run_ids)
        self.assertIn("not in use", broken.failure)
        self.assertEqual(len(self._reviews(good)), 8)
        broken.with_user(self.manager).scorecard_id = False
        self._run(OVER + timedelta(hours=1))
        self.assertFalse(broken.failure)
        self.assertTrue(broken.run_ids)

    def test_pause(self):
        plan = self._plan()
        with self.assertRaises(ValidationError):
            plan.write({"state": "paused"})
        plan.action_pause()
        self._run()
        self.assertFalse(plan.run_ids)
        with freeze_time(OVER + timedelta(days=8)):
            plan.action_start()
        # What lay in the pause is not made up for.
        self.assertEqual(plan.next_from, date(2026, 3, 16))

    def test_without_reviewers_nothing_starts(self):
        plan = self._plan(start=False, reviewers={self.reviewer: 0})
        with self.assertRaises(UserError):
            plan.action_start()

    def test_months(self):
        plan = self._plan(period="month", date_start=date(2026, 1, 31))
        self.assertEqual(plan.next_to, date(2026, 2, 27))
        self._run(datetime(2026, 4, 1, 12))
        self.assertEqual(
            plan.run_ids.sorted("period_from").mapped("period_from"),
            [date(2026, 1, 31), date(2026, 2, 28)],
        )
        self.assertEqual(plan.next_from, date(2026, 3, 31))

    def test_queries_do_not_grow_with_tickets(self):
        plan = self._plan(complaint="only")

        def count():
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            with freeze_time(OVER):
                plan._draw(plan.next_from, plan.next_to)
            return self.cr.sql_log_count - before

        count()
        few = count()
        self._solve(self.agent, 60)
        count()
        self.assertEqual(count(), few)


class TestSamplingReviewers(SamplingCommon):
    """Who gets what was drawn."""

    def test_nobody_his_own(self):
        both = new_test_user(
            self.env,
            "csp_both",
            groups="customer_service_plan.group_reviewer,"
            "helpdesk_mgmt.group_helpdesk_user_own",
        )
        self._solve(both, 5)
        plan = self._plan(reviewers={both: 50})
        self._run()
        self.assertEqual(self._reviews(plan).agent_id, self.agent | self.colleague)
        share = plan.run_ids.share_ids.filtered(lambda share: share.agent_id == both)
        self.assertEqual((share.random_count, share.left_count), (0, 4))
        self.assertEqual(plan.run_ids.left_count, 4)

    def test_room(self):
        """By capacity, less what they have to do already."""
        for ticket in self._solve(self.agent, 2, at=self.at(days=-3)):
            self._begin(ticket=ticket, reviewer=self.second)
        plan = self._plan(reviewers={self.reviewer: 3, self.second: 4})
        self._run()
        reviews = self._reviews(plan)
        self.assertEqual(
            self._logins(reviews, "reviewer_id"),
            {"csp_reviewer": 3, "csp_second": 2},
        )
        # Nobody is left out for the sake of another one.
        counts = self._logins(reviews, "agent_id")
        self.assertEqual(sorted(counts.values()), [2, 3])
        self.assertEqual(plan.run_ids.left_count, 3)

    def test_absent_people_get_none(self):
        self.second.csp_away_from = self.at()
        self.second.csp_away_until = self.at(days=30)
        plan = self._plan()
        self._run()
        self.assertEqual(self._reviews(plan).reviewer_id, self.reviewer)

    def test_a_short_absence_does_not_matter(self):
        self.second.csp_away_from = OVER - timedelta(days=1)
        self.second.csp_away_until = OVER + timedelta(days=2)
        plan = self._plan()
        self._run()
        self.assertEqual(self._reviews(plan).reviewer_id, self.reviewer | self.second)

    def test_waits_for_a_reviewer(self):
        self.reviewer.active = False
        plan = self._plan(reviewers={self.reviewer: 10})
        self._run()
        self.assertFalse(plan.run_ids)
        self.assertTrue(plan.failure)
        self.reviewer.active = True
        self._run(OVER + timedelta(days=1))
        self.assertEqual(len(self._reviews(plan)), 8)
        self.assertFalse(plan.failure)

    def test_what_absent_people_have_is_handed_on(self):
        plan = self._plan()
        self._run()
        begun, *_rest = self._reviews(plan).filtered(
            lambda review: review.reviewer_id == self.second
        )
        with freeze_time(OVER + timedelta(hours=12)):
            begun.with_user(self.second).line_ids[0].step = 2
        self.second.csp_away_from = OVER + timedelta(days=1)
        self.second.csp_away_until = OVER + timedelta(days=30)
        self._run(OVER + timedelta(days=2))
        reviews = self._reviews(plan)
        # What he has begun he keeps.
        self.assertEqual(
            reviews.filtered(lambda review: review.reviewer_id == self.second), begun
        )
        moved = reviews - begun
        self.assertEqual(moved.reviewer_id, self.reviewer)
        self.assertEqual(max(moved.mapped("due_date")), date(2026, 3, 18))
        # Gone for good: what he has marked is marked anew.
        self.second.active = False
        self._run(OVER + timedelta(days=3))
        self.assertEqual(begun.reviewer_id, self.reviewer)
        self.assertFalse(begun.line_ids[0].step)

    def test_handed_on_to_nobody_who_is_the_agent_or_full(self):
        plan = self._plan(reviewers={self.reviewer: 4, self.second: 4})
        self._run()
        before = {review: review.reviewer_id for review in self._reviews(plan)}
        self.second.active = False
        self._run(OVER + timedelta(days=1))
        self.assertEqual(
            {review: review.reviewer_id for review in self._reviews(plan)}, before
        )


class TestSamplingReach(SamplingCommon):
    """What a sample tells of an agent."""

    def test_reach(self):
        plan = self._plan(user_ids=self.agent.ids, per_agent=6)
        self._run()
        reviews = self._reviews(plan)
        share = plan.run_ids.share_ids.with_user(self.manager)
        self.assertFalse(share.is_known)
        self.assertIn("too few", share.reach_text)
        # 100 four times, 50 twice: mean 83.33, deviation 25.82
        for place, review in enumerate(reviews):
            mine = review.with_user(review.reviewer_id)
            self._mark(mine, 1 if place < 2 else 2, 5, 5)
            mine.action_done()
        share.invalidate_recordset()
        self.assertTrue(share.is_known)
        self.assertEqual(share.reviewed_so_far, 6)
        self.assertAlmostEqual(share.average, 83.3, places=1)
        # 2.5706 × 25.82 / √6 × √(1 − 6/12)
        self.assertAlmostEqual(share.margin, 19.16, places=1)
        self.assertIn("64", share.reach_text)
        self.assertIn("100", share.reach_text)

    def test_chosen_ones_do_not_count(self):
        self.solved.csp_is_complaint = True
        plan = self._plan(
            user_ids=self.agent.ids, per_agent=6, complaint="only", random_percent=0
        )
        self._run()
        for review in self._reviews(plan):
            mine = review.with_user(review.reviewer_id)
            self._mark(mine, 2, 5, 5)
            mine.action_done()
        share = plan.run_ids.share_ids.with_user(self.manager)
        self.assertEqual((share.done_count, share.reviewed_so_far), (6, 0))
        self.assertFalse(share.is_known)


class TestSamplingAccess(SamplingCommon):
    """Who may do what."""

    def test_facts(self):
        plan = self._plan()
        self._run()
        run = plan.run_ids.with_user(self.manager)
        with self.assertRaises(AccessError):
            run.seed = "mine"
        with self.assertRaises(AccessError):
            run.share_ids[0].ticket_count = 1
        with self.assertRaises(AccessError):
            run.unlink()
        for values in ({"seed": "mine"}, {"next_from": False}, {"state": "draft"}):
            with self.assertRaises(ValidationError):
                plan.write(values)
        with self.assertRaises(UserError):
            plan.unlink()
        review = self._reviews(plan)[0]
        with self.assertRaises(AccessError):
            review.with_user(review.reviewer_id).picked = "by_hand"
        with self.assertRaises(AccessError):
            self._begin(picked="random")

    def test_only_managers(self):
        plan = self._plan()
        self._run()
        for user in (self.agent, self.reviewer, self.lead):
            for records in (plan, plan.run_ids, plan.run_ids.share_ids):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    records.with_user(user).read(["create_date"])
            for method in ("action_start", "action_pause"):
                with self.assertRaises(AccessError):
                    getattr(plan.with_user(user), method)()
        # Reviewers see that it was drawn, and in which period.
        review = self._reviews(plan)[0]
        [values] = review.with_user(review.reviewer_id).read(
            ["sampling_run_id", "picked"]
        )
        self.assertIn("2026", values["sampling_run_id"][1])

    def test_other_company(self):
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        plan = self._plan()
        self._run()
        for model in ("", ".run", ".share", ".reviewer"):
            found = (
                self.env[f"csp.quality.sampling{model}"].with_user(stranger).search([])
            )
            self.assertFalse(found)
        with self.assertRaises(AccessError):
            plan.with_user(stranger).action_preview()
        Preview = self.env["csp.quality.sampling.preview"].with_user(stranger)
        with self.assertRaises(AccessError):
            Preview.create({"sampling_id": plan.id}).read(["html"])

    def test_other_companys_reviewers_get_none(self):
        company = self.env["res.company"].create({"name": "Other"})
        self.second.write(
            {"company_id": company.id, "company_ids": [Command.set(company.ids)]}
        )
        plan = self._plan()
        self._run()
        self.assertEqual(self._reviews(plan).reviewer_id, self.reviewer)
