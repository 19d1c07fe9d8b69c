from datetime import date, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger
from odoo.tools.translate import code_translations

from ..models.csp_policy_review import TODO_TYPE
from .common import CspCommon

TODAY = "2026-03-02 10:00:00"
#: In these tests promises are made from a week before Monday, 2 March 2026 on.
FIRST_REVIEW = date(2027, 2, 23)


class ReviewCommon(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["csp.policy"].search([]).active = False
        cls.env["res.lang"]._activate_lang("it_IT")
        groups = "helpdesk_mgmt.group_helpdesk_user_own"
        cls.owner = new_test_user(cls.env, "csp_owner", groups=groups)
        cls.stranger = new_test_user(cls.env, "csp_stranger", groups=groups)
        cls.Review = cls.env["csp.policy.review"]
        cls.policy = cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "goal_percent": 90,
                }
            ],
            owner_id=cls.owner.id,
        )

    def _open(self):
        with freeze_time(TODAY):
            return self.Review._open_for(self.policy)

    def _decide(self, review, decision="keep", reason="Because", user=None, **kwargs):
        return review.with_user(user or self.manager).action_decide(
            decision, reason, **kwargs
        )

    def _todos(self, review):
        return review.activity_search([TODO_TYPE])


class TestReviewDue(ReviewCommon):
    """Reviews open by themselves, ahead of their date, once."""

    def test_the_first_review_counts_from_the_publication(self):
        self.assertEqual(self.policy.next_review_date, FIRST_REVIEW)
        with freeze_time("2026-01-01 10:00:00"):
            later = self.env["csp.policy"].create({"name": "Later"})
            self.env.flush_all()
        self.env.cr.execute(
            "UPDATE csp_policy SET create_date = '2026-01-01' WHERE id = %s", [later.id]
        )
        later.invalidate_recordset(["create_date"])
        later.draft_version_id.line_ids = [Command.create({"match_all": True})]
        with freeze_time(TODAY):
            later.draft_version_id.effective_date = "2026-06-01"
            later.draft_version_id.action_publish()
        self.assertEqual(later.next_review_date, date(2027, 6, 1))

    def test_a_date_set_by_hand_stays(self):
        with freeze_time("2026-01-01 10:00:00"):
            policy = self.env["csp.policy"].create({"name": "Early"})
            policy.next_review_date = "2026-03-20"
        policy.draft_version_id.line_ids = [Command.create({"match_all": True})]
        with freeze_time(TODAY):
            policy.draft_version_id.action_publish()
        self.assertEqual(policy.next_review_date, date(2026, 3, 20))

    def test_it_opens_so_many_days_ahead_and_once(self):
        self.env.company.csp_review_lead_days = 10
        ahead = fields.Date.add(FIRST_REVIEW, days=-10)
        with freeze_time(fields.Date.add(ahead, days=-1)):
            self.Review._cron_open()
        self.assertFalse(self.policy.open_review_id)
        with freeze_time(ahead):
            self.Review._cron_open()
            self.Review._cron_open()
        self.policy.invalidate_recordset()
        review = self.policy.open_review_id
        self.assertEqual(self.policy.review_count, 1)
        self.assertEqual(review.date_due, FIRST_REVIEW)
        self.assertEqual(review.period_from, self.at(days=-7))
        todo = self._todos(review)
        self.assertEqual(todo.user_id, self.owner)
        self.assertEqual(todo.date_deadline, FIRST_REVIEW)

    def test_late_is_late(self):
        with freeze_time("2028-01-01 10:00:00"):
            self.Review._cron_open()
            review = self.policy.open_review_id
            self.assertTrue(review.is_overdue)
            self.assertTrue(self.policy.is_review_overdue)
            found = self.Review.search([("is_overdue", "=", True)])
            self.assertEqual(found, review)
            self.assertNotIn(review, self.Review.search([("is_overdue", "=", False)]))
            overdue = self.env["csp.policy"].search([("is_review_overdue", "=", True)])
            self.assertIn(self.policy, overdue)
        with freeze_time(TODAY):
            review.invalidate_recordset()
            self.assertFalse(review.is_overdue)

    def test_the_todo_is_in_the_language_of_its_owner(self):
        module = "customer_service_plan"
        text = "Look at it again, and decide"
        self.owner.lang = "it_IT"
        translated = "Riguardalo, e decidi"
        cache = code_translations._get_code_translations(
            module, "it_IT", lambda _m: True
        )
        cache = {**cache, text: translated}
        key = (module, "it_IT")
        before = dict(code_translations.python_translations)
        self.addCleanup(code_translations.python_translations.update, before)
        code_translations.python_translations[key] = cache
        review = self._open()
        self.assertEqual(self._todos(review).summary, translated)

    def test_who_is_asked(self):
        plan_owner = self.agent
        plan = self.env["csp.plan"].create(
            {"name": "Plan", "mission": "Yes", "owner_id": plan_owner.id}
        )
        self.policy.plan_id = plan
        find = self.Review._find_responsible
        self.assertEqual(find(self.policy)[self.policy], self.owner)
        self.owner.active = False
        self.assertEqual(find(self.policy)[self.policy], plan_owner)
        plan.owner_id = False
        managers = self.env.ref("customer_service_plan.group_manager").all_user_ids
        found = find(self.policy)[self.policy]
        self.assertIn(found, managers)
        self.assertNotEqual(found, self.env.ref("base.user_root"))

    def test_who_cannot_read_it_is_not_asked(self):
        outsider = new_test_user(self.env, "csp_outsider", groups="base.group_user")
        other = self.env["res.company"].create({"name": "Other"})
        elsewhere = new_test_user(
            self.env,
            "csp_elsewhere",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for user in outsider, elsewhere:
            self.policy.owner_id = user
            found = self.Review._find_responsible(self.policy)[self.policy]
            self.assertTrue(found)
            self.assertNotEqual(found, user)

    def test_an_open_review_follows_its_policy(self):
        review = self._open()
        self.policy.owner_id = self.stranger
        self.policy.next_review_date = "2026-03-20"
        self.assertEqual(review.owner_id, self.stranger)
        self.assertEqual(review.date_due, date(2026, 3, 20))
        todo = self._todos(review)
        self.assertEqual(todo.mapped("user_id"), self.stranger)
        self.assertEqual(todo.date_deadline, date(2026, 3, 20))
        self.policy.active = False
        self.assertFalse(review.exists())
        self.assertFalse(todo.exists())

    def test_a_todo_ticked_off_without_a_decision_comes_back(self):
        review = self._open()
        self._todos(review).with_user(self.owner).action_feedback(feedback="Later")
        self.assertFalse(self._todos(review))
        with freeze_time(TODAY):
            self.Review._cron_open()
        self.assertEqual(self._todos(review).user_id, self.owner)

    def test_one_open_review(self):
        self._open()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.env.cr.savepoint():
                self._open()
        action = self.policy.with_user(self.manager).action_review()
        self.assertEqual(action["res_id"], self.policy.open_review_id.id)
        self.assertEqual(self.policy.review_count, 1)

    def test_one_that_fails_does_not_hold_up_the_others(self):
        good = self._create_policy([{"match_all": True}], name="Good")
        self._open()
        # As if somebody had begun it while the cron was running
        with mute_logger("odoo.sql_db"):
            failed = self.Review._try_open_for(self.policy | good)
        self.assertFalse(failed, "that it was begun by hand is no error")
        good.invalidate_recordset()
        self.assertTrue(good.open_review_id)

    def test_no_interval_no_review(self):
        self.policy.review_interval_months = 0
        self.assertFalse(self.policy.next_review_date)
        with freeze_time("2030-01-01 10:00:00"):
            self.Review._cron_open()
        self.assertFalse(self.policy.open_review_id)

    def test_the_plan_is_reviewed_too(self):
        with freeze_time(TODAY):
            plan = self.env["csp.plan"].create(
                {"name": "Plan", "mission": "Yes", "owner_id": self.owner.id}
            )
            plan.next_review_date = "2026-03-10"
            self.Review._cron_open()
            self.assertFalse(plan.open_review_id, "a draft is no plan yet")
            plan.action_put_in_force()
            self.Review._cron_open()
            plan.invalidate_recordset()
            review = plan.open_review_id
            self.assertEqual(review.owner_id, self.owner)
            self._decide(review, "retire")
            self.assertEqual(plan.state, "archived")
            self.assertEqual(review.state, "done")


class TestReviewDecision(ReviewCommon):
    """A review ends with the reasoned decision of a named person, for good."""

    @freeze_time(TODAY)
    def test_keep(self):
        review = self._open()
        self._decide(review, "keep", " It works. ", user=self.owner)
        self.assertRecordValues(
            review,
            [
                {
                    "state": "done",
                    "decision": "keep",
                    "reason": "It works.",
                    "decided_by_id": self.owner.id,
                    "decided_at": fields.Datetime.now(),
                    "period_to": fields.Datetime.now(),
                    "next_date": date(2027, 3, 2),
                }
            ],
        )
        self.assertEqual(self.policy.next_review_date, date(2027, 3, 2))
        self.assertEqual(self.policy.current_version_id.state, "published")
        self.assertFalse(self._todos(review))
        self.assertIn("It works.", self.policy.message_ids[0].body)

    @freeze_time(TODAY)
    def test_change_begins_the_next_version(self):
        review = self._open()
        action = self._decide(review, "change", "Mondays are too much.")
        draft = self.policy.draft_version_id
        self.assertEqual(action["res_id"], draft.id)
        self.assertEqual(draft.change_summary, "Mondays are too much.")
        self.assertIn("Mondays are too much.", draft.message_ids[0].body)
        self.assertEqual(self.policy.current_version_id.state, "published")
        self.assertEqual(draft.line_ids.first_response_minutes, 60)

    @freeze_time(TODAY)
    def test_change_goes_on_with_what_is_in_preparation(self):
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        draft.change_summary = "Shorter."
        review = self._open()
        self._decide(review, "change", "Mondays.", user=self.owner)
        self.assertEqual(self.policy.draft_version_id, draft)
        self.assertEqual(draft.change_summary, "Shorter.\nMondays.")

    @freeze_time(TODAY)
    def test_retire_takes_out_of_force(self):
        version = self.policy.current_version_id
        review = self._open()
        self._decide(review, "retire", next_date="2026-09-01")
        self.assertEqual(version.state, "retired")
        self.assertFalse(self.policy.next_review_date)
        self.assertFalse(review.next_date)

    @freeze_time(TODAY)
    def test_change_of_a_plan_begins_a_copy(self):
        plan = self.env["csp.plan"].create({"name": "Plan", "mission": "Yes"})
        plan.action_put_in_force()
        review = self.Review._open_for(plan)
        action = self._decide(review, "change", "Our customers are others now.")
        draft = plan.browse(action["res_id"])
        self.assertEqual((draft.state, plan.state), ("draft", "in_force"))
        self.assertIn("others now", draft.message_ids[0].body)

    @freeze_time(TODAY)
    def test_next_date_by_hand(self):
        review = self._open()
        for past in ("2026-03-02", "2026-01-01"):
            with self.assertRaises(UserError):
                self._decide(review, next_date=past)
        self._decide(review, next_date="2026-03-03")
        self.assertEqual(self.policy.next_review_date, date(2026, 3, 3))

    @freeze_time(TODAY)
    def test_the_next_review_begins_where_this_one_ended(self):
        self._decide(self._open())
        with freeze_time("2027-02-28 10:00:00"):
            self.Review._cron_open()
            self.policy.invalidate_recordset()
            second = self.policy.open_review_id
            self.assertEqual(second.period_from, fields.Datetime.to_datetime(TODAY))
            self.assertEqual(second.earlier_ids, self.policy.last_review_id)

    @freeze_time(TODAY)
    def test_who_decides(self):
        review = self._open()
        for user in self.stranger, self.agent:
            with self.assertRaises(AccessError):
                self._decide(review, user=user)
        self.assertFalse(review.with_user(self.stranger).search([]))
        for reason in ("", "  ", None, False, 5):
            with self.assertRaises(UserError):
                self._decide(review, reason=reason)
        with self.assertRaises(UserError):
            self._decide(review, decision="forget")
        self._decide(review, user=self.owner)
        with self.assertRaisesRegex(UserError, "decided already"):
            self._decide(review)

    @freeze_time(TODAY)
    def test_nobody_alters_a_review(self):
        review = self._open()
        for decided in (False, True):
            if decided:
                self._decide(review)
            for user in (self.owner, self.manager, self.env.ref("base.user_admin")):
                mine = review.with_user(user)
                with self.assertRaises(AccessError):
                    mine.write({"reason": "Something else"})
                with self.assertRaises(AccessError):
                    mine.with_context(csp_by_addon=True).write({"decision": "retire"})
                with self.assertRaises(AccessError):
                    mine.unlink()
                with self.assertRaises(AccessError):
                    mine.create({"policy_id": self.policy.id})
                loaded = mine.load([".id", "reason"], [[str(review.id), "Else"]])
                self.assertFalse(loaded["ids"])
            with self.assertRaises(AccessError):
                review.sudo().write({"evidence": {}})
        with self.assertRaises(UserError):
            self.policy.with_user(self.manager).unlink()

    @freeze_time(TODAY)
    def test_deleting_a_draft_takes_its_open_review_along(self):
        policy = self._create_policy([{"match_all": True}], publish=False)
        review = self.Review._open_for(policy)
        todo = self._todos(review)
        policy.unlink()
        self.assertFalse(review.exists())
        self.assertFalse(todo.exists())

    @freeze_time(TODAY)
    def test_a_reviewed_draft_stays(self):
        policy = self._create_policy([{"match_all": True}], publish=False)
        self._decide(self.Review._open_for(policy))
        with self.assertRaisesRegex(UserError, "was reviewed"):
            policy.unlink()

    def test_dialog_says_nothing_to_others(self):
        review = self._open()
        Dialog = self.env["csp.policy.review.decide"]
        values = {"review_id": review.id, "decision": "retire", "reason": "Why"}
        self.assertTrue(Dialog.with_user(self.owner).create(values).consequence)
        dialog = Dialog.with_user(self.stranger).create(values)
        self.assertFalse(dialog.consequence)

    @freeze_time(TODAY)
    def test_the_dialog_says_what_follows(self):
        review = self._open().with_user(self.owner)
        Dialog = self.env["csp.policy.review.decide"].with_user(self.owner)
        with Form(Dialog.with_context(default_review_id=review.id)) as form:
            self.assertEqual(form.next_date, date(2027, 3, 2))
            form.decision = "retire"
            self.assertIn("out of force now", form.consequence)
            self.assertFalse(form.next_date)
            form.decision = "change"
            self.assertIn("A new version is begun", form.consequence)
            self.assertEqual(form.next_date, date(2027, 3, 2))
            form.reason = "Mondays."
        action = form.save().action_decide()
        self.assertEqual(action["res_id"], self.policy.draft_version_id.id)
        self.assertEqual(review.decided_by_id, self.owner)

    @freeze_time(TODAY)
    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        review = self._open()
        theirs = new_test_user(
            self.env,
            "csp_their_manager",
            groups="customer_service_plan.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertFalse(review.with_user(theirs).search([]))
        with self.assertRaises(AccessError):
            self._decide(review, user=theirs)


class TestReviewEvidence(ReviewCommon):
    """What a review has to look at, in the right figures of the right time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version = cls.policy.current_version_id

    def _solve(self, ticket, at, user=None):
        self._reply(ticket, at, user=user or self.agent)

    def _tickets(self, kept, missed, days=0):
        """Tickets answered in time and late, `days` after Monday."""
        with freeze_time(self.at(days=days)):
            tickets = self.env["helpdesk.ticket"].create(
                [
                    {
                        "name": f"Request {number}",
                        "description": "Help",
                        "partner_id": self.customer.id,
                    }
                    for number in range(kept + missed)
                ]
            )
        for number, ticket in enumerate(tickets):
            after = 30 if number < kept else 120
            self._reply(ticket, self.at(days=days, minutes=after))
        return tickets

    def _evidence(self, review, at):
        with freeze_time(at):
            review.invalidate_recordset()
            return review.with_user(self.manager).evidence_data

    def test_promises_of_two_periods(self):
        self._tickets(kept=3, missed=1)
        with freeze_time(self.at(days=1)):
            first = self.Review._open_for(self.policy)
            self._decide(first)
        frozen = first.evidence
        self._tickets(kept=1, missed=2, days=2)
        with freeze_time(self.at(days=2, hours=6)):
            second = self.Review._open_for(self.policy)
        data = self._evidence(second, self.at(days=2, hours=7))
        total, line = data["promises"]
        for row in total, line:
            self.assertEqual(
                (row["kind"], row["kept"], row["missed"]), ("first_response", 1, 2)
            )
            self.assertEqual((row["before"]["kept"], row["before"]["missed"]), (3, 1))
            self.assertEqual((row["median"], row["before"]["median"]), (7200, 1800))
        self.assertAlmostEqual(total["percent"], 100 / 3)
        self.assertLess(total["low"], total["percent"])
        self.assertTrue(total["too_few"])
        self.assertFalse(total["change"]["sure"])
        self.assertEqual(line["part"]["goal"], 90)
        self.assertEqual(line["part"]["target"], 3600)
        self.assertEqual(line["verdict"], "too_few")
        self.assertEqual(data["tickets"]["count"], 3)
        self.assertEqual(data["tickets"]["before"]["count"], 4)
        # What was decided keeps its figures, whatever happens later.
        first.invalidate_recordset()
        self.assertEqual(first.evidence, frozen)
        shown = self._evidence(first, self.at(days=3))
        self.assertEqual(shown["promises"][0]["kept"], 3)
        self.assertEqual(shown["promises"][0]["before"], None)

    def test_excused_and_still_open(self):
        late, excused = self._create_ticket(), self._create_ticket()
        self._sweep(self.at(hours=3))
        self._row(excused, "first_response").with_user(self.manager).action_excuse(
            "A flood"
        )
        with freeze_time(self.at(hours=3)):
            review = self.Review._open_for(self.policy)
        row = self._evidence(review, self.at(hours=4))["promises"][0]
        self.assertEqual((row["missed"], row["excused"], row["open_late"]), (1, 1, 1))
        self.assertEqual(row["cases"], 1)
        self.assertIsNone(row["median"], "nothing has ended yet")
        self.assertFalse(late.csp_first_response_at)

    def test_complaints(self):
        tickets = self._tickets(kept=2, missed=0)
        with freeze_time(self.at(minutes=40)):
            tickets[0].with_user(self.agent).action_csp_mark_complaint()
            review = self.Review._open_for(self.policy)
        data = self._evidence(review, self.at(hours=1))
        self.assertEqual(data["tickets"]["complaints"], 1)

    def test_escalations(self):
        ticket = self._create_ticket(user_id=self.agent.id)
        with freeze_time(self.at(minutes=10)):
            self.env["csp.ticket.escalate"].with_user(self.agent).create(
                {"ticket_ids": ticket.ids, "reason": "Help"}
            ).action_escalate()
            review = self.Review._open_for(self.policy)
        data = self._evidence(review, self.at(hours=1))
        self.assertEqual(data["escalations"]["count"], 1)
        self.assertEqual(data["escalations"]["by"][0]["trigger"], "manual")

    def test_opinions_of_customers(self):
        tickets = self._tickets(kept=3, missed=0)
        for ticket, rating, words in zip(
            tickets, (5, 5, 1), ("", "Well done", "Too slow"), strict=True
        ):
            token = ticket._rating_get_access_token()
            ticket.rating_apply(rating, token=token, feedback=words)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE rating_rating SET write_date = %(at)s, rated_on = %(at)s",
            {"at": self.at(hours=1)},
        )
        self.env.invalidate_all()
        with freeze_time(self.at(hours=2)):
            review = self.Review._open_for(self.policy)
        opinions = self._evidence(review, self.at(hours=3))["opinions"]
        self.assertEqual((opinions["answers"], opinions["happy"]), (3, 2))
        self.assertEqual(
            [quote["text"] for quote in opinions["quotes"]], ["Too slow", "Well done"]
        )
        self.env["res.company"].create({"name": "Other"})
        self.policy.company_id = self.policy.company_id
        review.sudo().with_context().invalidate_recordset()
        shared = self._create_policy(
            [{"match_all": True}], company_id=False, publish=False
        )
        theirs = self.Review._open_for(shared)
        self.assertFalse(theirs.evidence_data["opinions"]["quotes"])

    def test_comments(self):
        with freeze_time(self.at()):
            review = self.Review._open_for(self.policy)
        for record, text in (
            (self.policy, "Mondays are too much."),
            (self.version, "The second line is not clear."),
        ):
            message = record.with_user(self.owner).message_post(
                body=text, message_type="comment", subtype_xmlid="mail.mt_note"
            )
            message.sudo().date = self.at(hours=1)
        data = self._evidence(review, self.at(hours=2))
        self.assertEqual(
            {each["text"] for each in data["comments"]["latest"]},
            {"Mondays are too much.", "The second line is not clear."},
        )
        self.assertEqual(data["comments"]["latest"][0]["who"], self.owner.name)

    def test_changes_of_text_and_hours(self):
        with freeze_time(self.at()):
            review = self.Review._open_for(self.policy)
            self.policy.action_new_version()
            draft = self.policy.draft_version_id
            draft.change_summary = "Shorter on Mondays"
            draft.action_publish()
        self._tickets(kept=1, missed=0)
        exception = self.env["csp.hours.exception"].create(
            {
                "hours_id": self.hours.id,
                "name": "Stocktaking",
                "date_from": "2026-03-09",
                "date_to": "2026-03-09",
            }
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE csp_hours_exception SET create_date = %s WHERE id = %s",
            [self.at(minutes=30), exception.id],
        )
        self.env.cr.execute(
            "UPDATE csp_hours SET create_date = %s WHERE id = %s",
            [self.at(days=-30), self.hours.id],
        )
        self.env.invalidate_all()
        data = self._evidence(review, self.at(hours=1))
        what = [(change["what"], change["summary"]) for change in data["changes"]]
        self.assertIn(("published", "Shorter on Mondays"), what)
        self.assertIn("retired", [each for each, _summary in what])
        [hours] = data["hours"]
        self.assertEqual(hours["name"], "Office hours")
        self.assertEqual(
            [each["name"] for each in hours["exceptions"]], ["Stocktaking"]
        )

    def test_a_plan_tells_its_policies_apart(self):
        other = self._create_policy(
            [{"match_all": True, "first_response_minutes": 60}], name="Other"
        )
        plan = self.env["csp.plan"].create({"name": "Plan", "mission": "Yes"})
        (self.policy | other).plan_id = plan
        self._tickets(kept=1, missed=1)
        with freeze_time(self.at(hours=3)):
            review = self.Review._open_for(plan)
        data = self._evidence(review, self.at(hours=4))
        self.assertEqual(data["of"], "csp.plan")
        self.assertEqual(
            [row["part"] and row["part"]["name"] for row in data["promises"]],
            [None, "Standard"],
        )
        self.assertIn("The vision is not written yet.", data["missing"])

    def test_what_other_parts_of_the_plan_say(self):
        policy = self._create_policy(
            [{"match_all": True, "first_response_minutes": 60}],
            name="Asked",
            owner_id=self.owner.id,
            audience_user_ids=[Command.set(self.agent.ids)],
        )
        self.owner.active = False
        with freeze_time(self.at(days=1)):
            review = self.Review._open_for(policy)
            data = self._evidence(review, self.at(days=1))
            self.assertFalse(data["backtest"]["id"])
            backtest = policy.current_version_id._backtest_now()
            data = self._evidence(review, self.at(days=1))
        self.assertEqual(data["backtest"]["id"], backtest.id)
        self.assertEqual(data["backtest"]["lines"][0]["kind"], "first_response")
        self.assertEqual(
            (data["signatures"]["asked"], data["signatures"]["signed"]), (1, 0)
        )
        found = [(each["model"], each["id"]) for each in data["findings"]]
        self.assertIn(("csp.policy", policy.id), found)
        self.assertNotIn(("csp.policy", self.policy.id), found)

    def test_owners_see_it_without_further_rights(self):
        self._tickets(kept=1, missed=0)
        review = self._open()
        data = review.with_user(self.owner).read(["evidence_data"])[0]["evidence_data"]
        self.assertEqual(data["promises"][0]["kept"], 1)
        with self.assertRaises(AccessError):
            review.with_user(self.stranger).read(["evidence_data"])

    def test_queries_do_not_grow_with_the_tickets(self):
        review = self._open()
        counts = []
        for number in (1, 30):
            self._tickets(kept=number, missed=0)
            self.env.flush_all()
            for _round in range(2):
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                review._gather_evidence(self.at(hours=9))
                count = self.env.cr.sql_log_count - before
            counts.append(count)
        self.assertEqual(*counts)

    def test_promises_are_numbers_that_the_lists_show(self):
        """Behind each figure is a list with as many records."""
        self._tickets(kept=2, missed=1)
        with freeze_time(self.at(hours=3)):
            review = self.Review._open_for(self.policy)
        data = self._evidence(review, self.at(hours=4))
        row = data["promises"][0]
        for state, name, count in (
            ("met", "ended_at", row["kept"]),
            ("missed", "missed_at", row["missed"]),
        ):
            found = self.env["csp.commitment"].search_count(
                [
                    ("policy_version_id", "in", data["versions"]),
                    ("kind", "=", row["kind"]),
                    ("state", "=", state),
                    (name, ">=", data["from"]),
                    (name, "<", data["to"]),
                ]
            )
            self.assertEqual(found, count)
        self.assertEqual(
            timedelta(hours=4),
            fields.Datetime.to_datetime(data["to"]) - self.at(),
        )
