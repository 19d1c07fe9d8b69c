from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .quality import QualityCommon

#: Wednesday, 10:00 in Athens.
NOW = datetime(2026, 3, 11, 8, 0)
AGREE = "customer_service_plan.mail_activity_type_coaching_agree"
ACT = "customer_service_plan.mail_activity_type_coaching_act"
FOLLOW_UP = "customer_service_plan.mail_activity_type_coaching_follow_up"


class CoachingCommon(QualityCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        people = cls.agent | cls.lead | cls.reviewer | cls.colleague | cls.manager
        people.tz = "Europe/Athens"
        cls.agent.email = "agent@example.com"
        # The manager of the tests leads nobody.
        with freeze_time(NOW - timedelta(days=1)):
            cls.review = cls._reviewed(2, 1, 5)

    @classmethod
    def _plan(cls, user=None, actions=None, **vals):
        """A coaching by the leader of the agent, with one action until Friday."""
        user = user or cls.lead
        coaching = (
            cls.env["csp.coaching"]
            .with_user(user)
            .create(
                {
                    "agent_id": cls.agent.id,
                    "review_ids": [Command.set(cls.review.ids)],
                    "action_ids": [
                        Command.create(action)
                        for action in actions
                        or [{"what": "Greet by name", "due_date": "2026-03-13"}]
                    ],
                    **vals,
                }
            )
        )
        return coaching

    @classmethod
    def _agree(cls, **vals):
        coaching = cls._plan(**vals)
        coaching.action_show()
        coaching.with_user(cls.agent).action_agree()
        return coaching

    def _remind(self, at):
        with freeze_time(at), self.enter_registry_test_mode():
            cron = self.env.ref("customer_service_plan.ir_cron_coaching")
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _todos(self, coaching, kind):
        kind = self.env.ref(kind)
        return coaching.sudo().activity_ids.filtered(
            lambda todo: todo.activity_type_id == kind
        )


class TestCoaching(CoachingCommon):
    """From reviews to what is agreed, and what became of it."""

    def test_plan_from_a_review(self):
        action = self.review.with_user(self.reviewer).action_plan_coaching()
        Coaching = self.env["csp.coaching"].with_user(self.reviewer)
        form = Form(Coaching.with_context(**action["context"]))
        self.assertEqual(form.agent_id, self.agent)
        self.assertEqual(form.coach_id, self.reviewer)
        self.assertEqual(form.review_ids[:], self.review)
        self.assertEqual(
            form.criterion_ids[:].mapped("name"), ["Friendly"], "What was marked low"
        )
        coaching = form.save()
        self.assertEqual(coaching.state, "planned")
        self.assertEqual(coaching.company_id, self.env.company)

    def test_plan_from_reviews_of_one_agent(self):
        other = self._reviewed(
            ticket=self._create_ticket(user_id=self.colleague.id, team_id=self.team.id)
        )
        both = (self.review | other).with_user(self.reviewer)
        with self.assertRaises(UserError):
            both.action_plan_coaching()
        todo = self._begin(ticket=self._create_ticket(user_id=self.agent.id))
        with self.assertRaises(UserError):
            todo.with_user(self.reviewer).action_plan_coaching()
        with self.assertRaises(UserError):
            self.review.with_user(self.agent).action_plan_coaching()

    def test_who_may_plan(self):
        stranger = new_test_user(
            self.env, "csp_stranger", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        for user, vals in (
            # Neither a reviewer nor a leader
            (self.colleague, {}),
            (self.colleague, {"review_ids": []}),
            (stranger, {"review_ids": []}),
            (self.agent, {"coach_id": self.lead.id, "review_ids": []}),
            # A reviewer coaches himself, on what he has reviewed.
            (self.reviewer, {"coach_id": self.colleague.id}),
            (self.reviewer, {"review_ids": []}),
            # So does a manager, where others lead the agent.
            (self.manager, {"coach_id": self.colleague.id}),
            (self.manager, {"review_ids": []}),
        ):
            with self.subTest(user=user.login, vals=vals):
                with self.assertRaises(AccessError), mute_logger("odoo.addons.base"):
                    self._plan(user=user, **vals)
        self.assertTrue(self._plan(user=self.reviewer))
        self.assertTrue(self._plan(user=self.manager))
        self.assertTrue(self._plan(review_ids=[], coach_id=self.colleague.id))

    def test_no_facts_at_creation(self):
        for name, value in (
            ("state", "agreed"),
            ("agreed_at", NOW),
            ("agent_remark", "Gladly"),
            ("shown_at", NOW),
        ):
            with self.subTest(name):
                with self.assertRaises(AccessError):
                    self._plan(**{name: value})
        Coaching = self.env["csp.coaching"].with_user(self.lead)
        coaching = Coaching.with_context(
            default_state="agreed", default_agreed_at=NOW, csp_by_addon=True
        ).create({"agent_id": self.agent.id})
        self.assertEqual((coaching.state, coaching.agreed_at), ("planned", False))

    def test_only_reviews_of_this_agent_that_are_done(self):
        other = self._create_ticket(user_id=self.colleague.id, team_id=self.team.id)
        with self.assertRaises(ValidationError):
            self._plan(review_ids=[Command.set(self._reviewed(ticket=other).ids)])
        with self.assertRaises(UserError):
            todo = self._begin(ticket=self._create_ticket(user_id=self.agent.id))
            self._plan(user=self.reviewer, review_ids=[Command.set(todo.ids)])

    def test_nobody_reads_a_review_by_coaching_on_it(self):
        """Not by naming it, neither at once nor later."""
        second = new_test_user(
            self.env, "csp_second", groups="customer_service_plan.group_reviewer"
        )
        own = self._reviewed(
            ticket=self._create_ticket(user_id=self.agent.id, team_id=self.team.id),
            reviewer=second,
        )
        with self.assertRaises(AccessError):
            self._plan(user=second)
        coaching = self._plan(user=second, review_ids=[Command.set(own.ids)])
        with self.assertRaises(AccessError):
            coaching.review_ids = [Command.link(self.review.id)]
        self.env.invalidate_all()
        self.assertFalse(self.review.with_user(second).has_access("read"))

    def test_life(self):
        coaching = self._plan(follow_up_date="2026-04-01", coach_id=self.colleague.id)
        mine = coaching.with_user(self.agent)
        coach = coaching.with_user(self.colleague)
        with self.assertRaises(AccessError):
            mine.action_agree()
        coach.action_show()
        self.assertEqual(self._todos(coaching, AGREE).user_id, self.agent)
        self.assertTrue(mine.may_agree)
        for user in (self.lead, self.colleague):
            with self.assertRaises(AccessError):
                coaching.with_user(user).action_agree()
        mine.action_agree(" I will. ")
        self.assertEqual(
            (coaching.state, coaching.agreed_at, coaching.agent_remark),
            ("agreed", NOW, "I will."),
        )
        with self.assertRaises(UserError):
            mine.action_agree()
        self.assertFalse(self._todos(coaching, AGREE))
        self.assertEqual(self._todos(coaching, ACT).date_deadline, date(2026, 3, 13))
        follow_up = self._todos(coaching, FOLLOW_UP)
        self.assertEqual(follow_up.user_id, self.colleague)
        self.assertEqual(follow_up.date_deadline, date(2026, 4, 1))
        mine.action_ids.action_done()
        self.assertEqual(coaching.action_ids.done_by_id, self.agent)
        self.assertFalse(self._todos(coaching, ACT))
        with self.assertRaises(AccessError):
            mine.action_finish()
        coach.action_finish()
        self.assertEqual((coaching.state, coaching.ended_at), ("done", NOW))
        self.assertFalse(coaching.sudo().activity_ids)

    def test_what_was_agreed_stays(self):
        coaching = self._agree(follow_up_date="2026-04-01")
        action = coaching.action_ids
        for attempt in (
            lambda: coaching.write({"notes": "Something else"}),
            lambda: coaching.write({"criterion_ids": [Command.clear()]}),
            lambda: coaching.write(
                {"action_ids": [Command.update(action.id, {"what": "Else"})]}
            ),
            lambda: action.write({"due_date": "2026-12-01"}),
            lambda: action.unlink(),
            lambda: action.create({"coaching_id": coaching.id, "what": "More"}),
            lambda: coaching.unlink(),
        ):
            with self.assertRaises(UserError):
                attempt()
        for attempt in (
            lambda: coaching.write({"state": "planned"}),
            lambda: coaching.write({"agreed_at": False}),
            lambda: coaching.write({"agent_id": self.colleague.id}),
            lambda: action.write({"done_at": NOW}),
        ):
            with self.assertRaises(AccessError):
                attempt()
        coaching.write({"follow_up_date": "2026-04-08", "coach_remark": "Well begun"})
        self.assertEqual(
            self._todos(coaching, FOLLOW_UP).date_deadline, date(2026, 4, 8)
        )

    def test_an_action_is_not_moved_into_what_was_agreed(self):
        agreed, planned = self._agree(), self._plan()
        with self.assertRaises(UserError):
            planned.action_ids.coaching_id = agreed
        with self.assertRaises(UserError):
            agreed.action_ids.coaching_id = planned

    def test_planned_again(self):
        coaching = self._agree()
        coaching.action_replan()
        self.assertFalse(coaching.agreed_at)
        self.assertFalse(coaching.sudo().activity_ids)
        coaching.action_ids.due_date = "2026-03-20"
        self.assertFalse(coaching.with_user(self.agent).has_access("read"))
        coaching.action_show()
        coaching.with_user(self.agent).action_agree()
        self.assertEqual(self._todos(coaching, ACT).date_deadline, date(2026, 3, 20))

    def test_each_writes_his_own_words(self):
        coaching = self._agree()
        mine = coaching.with_user(self.agent)
        mine.agent_remark = "It helps."
        for attempt in (
            lambda: coaching.write({"agent_remark": "Gladly"}),
            lambda: mine.write({"coach_remark": "Well done"}),
            lambda: mine.write({"follow_up_date": False}),
            lambda: mine.write({"coach_id": self.colleague.id}),
            lambda: mine.action_ids.write({"what": "Nothing"}),
            lambda: mine.action_cancel(),
            lambda: mine.action_replan(),
            lambda: mine.unlink(),
        ):
            with self.assertRaises(AccessError):
                attempt()
        coaching.action_finish()
        with self.assertRaises(UserError):
            mine.agent_remark = "It did not."
        with self.assertRaises(UserError):
            coaching.coach_remark = "It did."
        self.assertEqual(coaching.agent_remark, "It helps.")

    def test_nothing_to_agree_on(self):
        coaching = self._plan(actions=[{"what": "Listen"}])
        with self.assertRaisesRegex(UserError, "Listen"):
            coaching.action_show()
        coaching.action_ids.unlink()
        with self.assertRaises(UserError):
            coaching.action_show()

    def test_next_action(self):
        coaching = self._agree(
            actions=[
                {"what": "Second", "due_date": "2026-03-20"},
                {"what": "First", "due_date": "2026-03-12"},
            ]
        )
        second, first = coaching.action_ids
        self.assertEqual(self._todos(coaching, ACT).summary, "First")
        self.assertEqual(coaching.next_due_date, date(2026, 3, 12))
        first.with_user(self.agent).action_done()
        self.assertEqual(self._todos(coaching, ACT).summary, "Second")
        self.assertEqual((coaching.done_count, coaching.action_count), (1, 2))
        with self.assertRaises(UserError):
            first.action_done()
        first.action_not_done()
        self.assertEqual(self._todos(coaching, ACT).summary, "First")
        with freeze_time(NOW + timedelta(days=2)):
            self.env.invalidate_all()
            self.assertTrue(first.is_late)
            self.assertFalse(second.is_late)
            found = self.env["csp.coaching"].search([("is_late", "=", True)])
            self.assertEqual(found, coaching)

    def test_reminded_once(self):
        coaching = self._agree()
        mails = self.env["mail.mail"].sudo()
        self._remind(NOW)
        self.assertFalse(coaching.action_ids.reminded_at, "It is two days away")
        tomorrow = NOW + timedelta(days=1)
        before = mails.search_count([])
        self._remind(tomorrow)
        self._remind(tomorrow + timedelta(hours=1))
        self.assertEqual(coaching.action_ids.reminded_at, tomorrow)
        self.assertEqual(mails.search_count([]) - before, 1)
        sent = mails.search([], order="id desc", limit=1)
        self.assertEqual(sent.recipient_ids, self.agent.partner_id)
        self.assertIn("Greet by name", sent.body_html)

    def test_not_reminded_at_night_or_away(self):
        coaching = self._agree()
        self._remind(datetime(2026, 3, 12, 1, 0))
        self.assertFalse(coaching.action_ids.reminded_at)
        self.agent.write(
            {"csp_away_from": NOW, "csp_away_until": NOW + timedelta(days=9)}
        )
        self._remind(NOW + timedelta(days=1))
        self.assertFalse(coaching.action_ids.reminded_at)
        self._remind(NOW + timedelta(days=12))
        self.assertTrue(coaching.action_ids.reminded_at)

    def test_another_coach(self):
        coaching = self._agree(follow_up_date="2026-04-01", coach_id=self.colleague.id)
        with self.assertRaises(AccessError):
            coaching.with_user(self.colleague).coach_id = self.lead
        coaching.coach_id = self.lead
        self.assertEqual(self._todos(coaching, FOLLOW_UP).user_id, self.lead)
        self.env.invalidate_all()
        self.assertFalse(coaching.with_user(self.colleague).has_access("read"))

    def test_course(self):
        survey = self.env["survey.survey"].create(
            {"title": "Friendly words", "access_mode": "token"}
        )
        coaching = self._plan()
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base"):
            coaching.action_ids.survey_id = survey
        coaching.sudo().action_ids.survey_id = survey
        coaching.action_show()
        action = coaching.with_user(self.agent).action_ids
        self.assertEqual(action.survey_title, "Friendly words")
        found = action.action_open_survey()
        answer = survey.user_input_ids
        self.assertEqual(answer.partner_id, self.agent.partner_id)
        self.assertIn(answer.access_token, found["url"])
        self.assertNotIn("None", coaching.action_ids.action_open_survey()["url"])


class TestCoachingAccess(CoachingCommon):
    """Private to the agent, the coach and who leads the agent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.head = new_test_user(
            cls.env, "csp_head", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        above = cls.env["helpdesk.ticket.team"].create(
            {"name": "Service", "user_id": cls.head.id}
        )
        cls.team.parent_id = above
        cls.other_lead = new_test_user(
            cls.env, "csp_other", groups="helpdesk_mgmt.group_helpdesk_user_team"
        )
        cls.env["helpdesk.ticket.team"].create(
            {
                "name": "Second line",
                "user_id": cls.other_lead.id,
                "user_ids": [Command.set(cls.colleague.ids)],
            }
        )
        cls.coach = new_test_user(
            cls.env, "csp_coach", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )

    def _readers(self, coaching):
        self.env.invalidate_all()
        people = (
            self.agent
            | self.colleague
            | self.coach
            | self.reviewer
            | self.lead
            | self.head
            | self.other_lead
            | self.manager
        )
        found = self.env["res.users"]
        for user in people:
            mine = coaching.with_user(user)
            searched = mine.search([("id", "=", coaching.id)])
            self.assertEqual(bool(searched), mine.has_access("read"))
            actions = coaching.sudo().action_ids.with_user(user).sudo(False)
            self.assertEqual(bool(searched), actions.has_access("read"))
            self.assertEqual(
                bool(searched), bool(actions.search([("id", "in", actions.ids)]))
            )
            if searched:
                found |= user
            else:
                with self.assertRaises(AccessError), mute_logger("odoo.addons.base"):
                    mine.get_effect()
        return found

    def test_readers(self):
        coaching = self._plan(coach_id=self.coach.id)
        leaders = self.lead | self.head
        self.assertEqual(self._readers(coaching), self.coach | leaders)
        coaching.action_show()
        self.assertEqual(self._readers(coaching), self.agent | self.coach | leaders)
        coaching.with_user(self.agent).action_agree()
        coaching.action_replan()
        self.assertEqual(self._readers(coaching), self.coach | leaders)
        coaching.action_cancel()
        self.assertEqual(self._readers(coaching), self.coach | leaders)

    def test_manager_only_where_nobody_leads(self):
        coaching = self._plan(coach_id=self.coach.id)
        self.assertNotIn(self.manager, self._readers(coaching))
        self.team.user_ids -= self.agent
        self.assertEqual(self._readers(coaching), self.coach | self.manager)
        # A leader without a leader above himself
        self.team.parent_id = False
        own = (
            self.env["csp.coaching"]
            .with_user(self.manager)
            .create(
                {
                    "agent_id": self.lead.id,
                    "coach_id": self.coach.id,
                    "action_ids": [Command.create({"what": "Delegate"})],
                }
            )
        )
        self.team.user_ids += self.lead
        self.assertEqual(self._readers(own), self.coach | self.manager)

    def test_who_has_left_stays_private(self):
        coaching = self._plan(coach_id=self.coach.id)
        self.agent.active = False
        self.assertEqual(self._readers(coaching), self.coach | self.lead | self.head)

    def test_leader_does_not_coach_himself(self):
        self.team.user_ids += self.lead
        self.assertTrue(self.lead.with_user(self.head).csp_is_led_by_me)
        self.assertFalse(self.lead.with_user(self.lead).csp_is_led_by_me)
        self.assertFalse(self.lead.with_user(self.manager).csp_is_led_by_me)
        Users = self.env["res.users"]
        led = Users.with_user(self.lead).search([("csp_is_led_by_me", "=", True)])
        self.assertEqual(led, self.agent | self.colleague)
        others = Users.with_user(self.lead).search([("csp_is_led_by_me", "=", False)])
        self.assertFalse(others & led)
        self.assertIn(self.lead, others)

    def test_coach_reads_what_he_speaks_about(self):
        other = self._reviewed(
            ticket=self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
        )
        self.assertFalse(self.review.with_user(self.coach).has_access("read"))
        coaching = self._plan(coach_id=self.coach.id)
        self.env.invalidate_all()
        review = self.review.with_user(self.coach)
        self.assertTrue(review.has_access("read"))
        self.assertTrue(review.line_ids.read(["step", "comment"]))
        self.assertTrue(review.get_desk())
        self.assertFalse(other.with_user(self.coach).has_access("read"))
        with self.assertRaises(AccessError):
            review.line_ids[0].step = 1
        coaching.action_cancel()
        self.env.invalidate_all()
        self.assertFalse(review.has_access("read"))

    def test_review_does_not_tell_of_coaching(self):
        coaching = self._plan(coach_id=self.coach.id)
        self.env.invalidate_all()
        for user in (self.manager, self.reviewer, self.agent, self.lead):
            review = self.review.with_user(user)
            with self.assertRaises(AccessError):
                review.read(["coaching_ids"])
            with self.assertRaises(AccessError):
                review.search([("coaching_ids", "=", coaching.id)])
            self.assertEqual(review.coaching_count, int(user == self.lead))
            found = review.action_view_coaching()["domain"]
            self.assertEqual(found, [["id", "in", [coaching.id] * (user == self.lead)]])
            self.env.invalidate_all()

    def test_other_company(self):
        coaching = self._plan(coach_id=self.coach.id)
        other = self.env["res.company"].create({"name": "Other"})
        self.lead.write(
            {"company_ids": [Command.link(other.id)], "company_id": other.id}
        )
        mine = coaching.with_user(self.lead).with_company(other)
        self.env.invalidate_all()
        self.assertFalse(
            mine.with_context(allowed_company_ids=other.ids).has_access("read")
        )
        with self.assertRaises(ValidationError):
            self.env["csp.coaching"].with_user(self.lead).with_context(
                allowed_company_ids=other.ids
            ).create({"agent_id": self.agent.id})


class TestCoachingEffect(CoachingCommon):
    """Marks before and after."""

    def _review_work(self, at, *steps, reviewed=None, picked=None, scorecard=None):
        """A review of a ticket that ended at `at`."""
        with freeze_time(at):
            ticket = self._create_ticket(
                at=at - timedelta(hours=1), user_id=self.agent.id, team_id=self.team.id
            )
            ticket.stage_id = self.stage_done
        with freeze_time(reviewed or at):
            review = self._reviewed(
                *steps,
                ticket=ticket,
                **({"scorecard_id": scorecard.id} if scorecard else {}),
            )
        if picked:
            review.sudo()._by_addon().picked = picked
        return review

    def _rows(self, coaching, user=None):
        self.env.invalidate_all()
        data = coaching.with_user(user or self.agent).get_effect()
        return data, {row["name"]: row for row in data["rows"]}

    def _weeks(self, count, start, *steps, **kwargs):
        for week in range(count):
            self._review_work(start + timedelta(days=week), *steps, **kwargs)

    def test_before_and_after(self):
        friendly = self.scorecard.criterion_ids[1]
        self._weeks(4, NOW - timedelta(days=30), 2, 2, 5)
        coaching = self._agree(criterion_ids=[Command.set(friendly.ids)])
        data, rows = self._rows(coaching)
        self.assertEqual(list(rows), ["Friendly"])
        row = rows["Friendly"]
        # Four with step 2 (25) and the one of the agreement with step 1 (0)
        self.assertEqual((row["before"]["count"], row["before"]["mean"]), (5, 20))
        self.assertEqual(row["before"]["points"], [25, 25, 25, 25, 0])
        self.assertEqual((row["after"]["count"], row["verdict"]), (0, "few"))
        self._weeks(5, NOW + timedelta(days=1), 2, 5, 1)
        data, rows = self._rows(coaching, self.lead)
        row = rows["Friendly"]
        self.assertEqual((row["after"]["count"], row["after"]["mean"]), (5, 100))
        self.assertEqual((row["change"], row["verdict"]), (80, "better"))
        self.assertLess(row["before"]["low"], 20)
        self.assertFalse(data["is_random"])
        self.assertEqual(data["agreed_at"], NOW.isoformat())

    def test_what_counts_is_when_the_work_was_done(self):
        coaching = self._agree()
        self._review_work(
            NOW - timedelta(days=3), 1, 1, 1, reviewed=NOW + timedelta(days=3)
        )
        _data, rows = self._rows(coaching)
        row = rows["Score of the review"]
        self.assertEqual((row["before"]["count"], row["after"]["count"]), (2, 0))

    def test_far_away_does_not_count(self):
        self._review_work(NOW - timedelta(days=200), 2, 5, 5)
        coaching = self._agree()
        _data, rows = self._rows(coaching)
        self.assertEqual(rows["Score of the review"]["before"]["count"], 1)

    def test_same_criterion_of_the_next_version(self):
        friendly = self.scorecard.criterion_ids[1]
        coaching = self._agree(criterion_ids=[Command.set(friendly.ids)])
        action = self.scorecard.action_new_version()
        newer = self.env["csp.scorecard"].browse(action["res_id"])
        newer.action_use()
        self._review_work(NOW + timedelta(days=1), 2, 4, 5, scorecard=newer)
        _data, rows = self._rows(coaching)
        self.assertEqual(rows["Friendly"]["after"]["points"], [75])
        # And the other way round
        later = newer.criterion_ids.filtered(lambda one: one.origin_id == friendly)
        coaching = self._agree(criterion_ids=[Command.set(later.ids)])
        _data, rows = self._rows(coaching)
        self.assertEqual(rows["Friendly"]["before"]["points"], [0])

    def test_random_ones_alone_where_there_are_enough(self):
        self._weeks(5, NOW - timedelta(days=30), 2, 4, 5, picked="random")
        coaching = self._agree()
        data, rows = self._rows(coaching)
        self.assertFalse(data["is_random"])
        self.assertEqual(rows["Score of the review"]["before"]["count"], 6)
        self._weeks(5, NOW + timedelta(days=1), 2, 5, 5, picked="random")
        self._review_work(NOW + timedelta(days=9), 1, 1, 1)
        data, rows = self._rows(coaching)
        self.assertTrue(data["is_random"])
        row = rows["Score of the review"]
        self.assertEqual((row["before"]["count"], row["after"]["count"]), (5, 5))
        self.assertEqual(row["after"]["mean"], 100)

    def test_marks_of_a_calibration_never_count(self):
        calibration = self.env["csp.quality.calibration"].create(
            {"name": "Spring", "scorecard_id": self.scorecard.id}
        )
        coaching = self._agree()
        before = self._rows(coaching)
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
        self.assertEqual(self._rows(coaching), before)

    def test_queries_do_not_grow(self):
        friendly = self.scorecard.criterion_ids[1]
        coaching = self._agree(criterion_ids=[Command.set(friendly.ids)])

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            mine = coaching.with_user(self.agent)
            start = self.env.cr.sql_log_count
            mine.get_effect()
            return self.env.cr.sql_log_count - start

        self._review_work(NOW + timedelta(days=1), 2, 5, 5)
        count()
        few = count()
        self._weeks(6, NOW + timedelta(days=2), 2, 5, 5)
        self.assertEqual(count(), few)
