import json

from markupsafe import Markup

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user

from ..tools.anonymity import hide_people
from .quality import QualityCommon


class TestQualityDesk(QualityCommon):
    """What the page of a review gets, and keeps."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.write({"name": "Berta Brown", "email": "berta@example.com"})
        cls.colleague.name = "Carl Castle"

    def _desk(self, review, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        return review.with_user(user or self.reviewer).get_desk()

    def _done_by(self, reviewer, *steps):
        """An earlier review of the same agent."""
        ticket = self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
        return self._reviewed(*steps, ticket=ticket, reviewer=reviewer)

    def _say(self, body, author, **vals):
        return self.ticket.message_post(
            body=Markup(body),
            author_id=author.id,
            message_type=vals.pop("message_type", "comment"),
            subtype_xmlid=vals.pop("subtype_xmlid", "mail.mt_comment"),
            **vals,
        )

    def test_conversation(self):
        self._say("It burns.", self.customer)
        self._say("Use water.", self.agent.partner_id)
        self._say("Really?", self.colleague.partner_id, subtype_xmlid="mail.mt_note")
        self.ticket.stage_id = self.stage_done
        desk = self._desk(self._begin())
        self.assertEqual(
            [(one["role"], one["author"], one["is_note"]) for one in desk["messages"]],
            [
                ("customer", "Dimitra Customer", False),
                ("customer", "Dimitra Customer", False),
                ("agent", "Berta Brown", False),
                ("staff", "Carl Castle", True),
            ],
        )
        self.assertIn("Smoke, too.", desk["messages"][0]["body"])
        self.assertIn("Use water.", desk["messages"][2]["body"])
        self.assertIn("closed", [event["kind"] for event in desk["events"]])
        self.assertEqual(desk["review"]["agent"], "Berta Brown")

    def test_reviewer_needs_no_right_on_tickets(self):
        self.assertFalse(self.ticket.with_user(self.reviewer).has_access("read"))
        desk = self._desk(self._begin())
        self.assertEqual(desk["ticket"]["number"], self.ticket.number)
        self.assertFalse(desk["ticket"]["id"])
        done = self._done_by(self.reviewer, 2, 5, 5)
        self.assertTrue(self._desk(done, self.manager)["ticket"]["id"])

    def test_nobody_else_gets_it(self):
        review = self._begin()
        for user in (self.agent, self.colleague, self.lead):
            with self.assertRaises(AccessError):
                self._desk(review, user)
            with self.assertRaises(AccessError):
                review.with_user(user).get_marks()
        self._mark(review, 2, 5, 5)
        review.action_done()
        self.assertTrue(self._desk(review, self.agent)["review"]["is_agent"])
        self.assertTrue(self._desk(review, self.lead))
        with self.assertRaises(AccessError):
            self._desk(review, self.colleague)

    def test_blind_page_names_nobody(self):
        self._done_by(self.reviewer, 1, 1, 1)
        for text in (
            "<p>Hello Berta,</p><p>it burns.</p>",
            "<p>I wrote to berta@example.com and to BERTA BROWN before.</p>",
        ):
            self._say(text, self.customer)
        self._say("<p>Use water.</p><p>Regards, Berta</p>", self.agent.partner_id)
        self._say("Berta Brown is right.", self.colleague.partner_id)
        self.ticket.user_id = self.colleague
        self.ticket.user_id = self.agent
        review = self._begin(is_blind=True)
        desk = self._desk(review)
        text = json.dumps(desk).casefold()
        for name in ("berta", "brown", "carl", "castle"):
            self.assertNotIn(name, text)
        roles = {one["role"]: one["author"] for one in desk["messages"]}
        self.assertEqual(roles["agent"], "Agent")
        self.assertEqual(roles["staff"], "Colleague")
        self.assertEqual(roles["customer"], "Dimitra Customer")
        self.assertFalse(desk["earlier"])

        seen = review.with_user(self.reviewer)
        row = seen.web_read(
            {
                "agent_id": {"fields": {"display_name": {}}},
                "shown_agent_id": {"fields": {"display_name": {}}},
                "display_name": {},
            }
        )[0]
        self.assertFalse(row["agent_id"])
        self.assertFalse(row["shown_agent_id"])
        self.assertNotIn("Berta", json.dumps(row))
        bodies = "".join(map(str, review.message_ids.mapped("body")))
        self.assertNotIn("Berta", bodies)

        self._mark(seen, 2, 5, 5)
        seen.action_done()
        desk = self._desk(review)
        self.assertEqual(desk["review"]["agent"], "Berta Brown")
        self.assertEqual([one["score"] for one in desk["earlier"]], [0])
        self.assertEqual(review.shown_agent_id, self.agent)

    def test_earlier_scores_are_those_one_may_read(self):
        other = new_test_user(
            self.env,
            "csp_second_reviewer",
            groups="customer_service_plan.group_reviewer",
        )
        self._done_by(other, 2, 5, 5)
        self._done_by(self.reviewer, 1, 5, 5)
        self.assertEqual(
            [one["score"] for one in self._desk(self._begin())["earlier"]], [50]
        )

    def test_marks_are_kept_one_by_one(self):
        review = self._begin()
        first, second, _third = review.line_ids.sorted("id")
        cause = self.env["csp.quality.cause"].create({"name": "Haste"})
        answer = review.save_mark(first.id, {"step": 1})
        self.assertTrue(answer["lines"][first.id]["is_bad"])
        self.assertEqual((answer["score"], answer["missing"]), (0, 2))
        review.save_mark(first.id, {"cause_ids": cause.ids, "comment": "Too fast."})
        self.assertEqual(first.cause_ids, cause)
        answer = review.save_mark(first.id, {"step": 2})
        self.assertFalse(first.cause_ids, "A good mark has no cause of a bad one.")
        self.assertEqual(first.comment, "Too fast.")
        answer = review.save_mark(second.id, {"not_applicable": True})
        self.assertEqual((answer["score"], answer["missing"]), (100, 1))
        answer = review.save_comment("Well done.")
        self.assertEqual(answer["comment"], "Well done.")
        self.assertEqual(answer, review.get_marks())
        self.assertTrue(review.started_at)
        self.assertEqual(answer["state"], "to_do")

    def test_marks_go_through_the_ordinary_guards(self):
        review = self._begin()
        line = review.line_ids[0]
        for user in (self.manager, self.lead, self.agent, self.colleague):
            with self.assertRaises(AccessError):
                review.with_user(user).save_mark(line.id, {"step": 2})
            with self.assertRaises(AccessError):
                review.with_user(user).save_comment("Mine.")
        with self.assertRaises(AccessError):
            review.save_mark(line.id, {"points": 100})
        with self.assertRaises(ValidationError):
            review.save_mark(line.id, {"step": 7})
        other = self._begin(ticket=self._create_ticket(user_id=self.agent.id))
        with self.assertRaises(UserError):
            review.save_mark(other.line_ids[0].id, {"step": 2})
        self._mark(review, 2, 5, 5)
        review.action_done()
        with self.assertRaises(UserError):
            review.save_mark(line.id, {"step": 1})
        with self.assertRaises(UserError):
            review.save_comment("Later.")

    def test_two_pages_lose_no_word(self):
        review = self._begin()
        line = review.line_ids[0]
        review.save_mark(line.id, {"comment": "One."}, known="")
        answer = review.save_mark(line.id, {"comment": "Two."}, known="")
        self.assertEqual(answer["conflict"], "One.")
        self.assertEqual(line.comment, "One.")
        answer = review.save_mark(line.id, {"comment": "One. Two."}, known="One.")
        self.assertNotIn("conflict", answer)
        review.save_comment("All in all.", known="")
        answer = review.save_comment("In short.", known="")
        self.assertEqual(answer["conflict"], "All in all.")
        self.assertEqual(review.comment, "All in all.")

    def test_quotes_are_of_this_ticket(self):
        message = self._say("Use water.", self.agent.partner_id)
        review = self._begin()
        line = review.line_ids[0]
        review.save_mark(line.id, {"quote": "water", "quote_message_id": message.id})
        self.assertEqual((line.quote, line.quote_message_id), ("water", message))
        other = self._create_ticket(user_id=self.agent.id)
        foreign = other.message_post(body="Other.", message_type="comment")
        with self.assertRaises(ValidationError):
            review.save_mark(line.id, {"quote_message_id": foreign.id})
        review.save_mark(line.id, {"quote": "x" * 5000})
        self.assertEqual(len(line.quote), 1000)

    def test_as_many_queries_for_long_tickets(self):
        def talk(times):
            for _number in range(times):
                self._say("It burns.", self.customer)
                self._say("Use water.", self.agent.partner_id)

        review = self._begin()
        talk(10)
        self._desk(review)
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        review.get_desk()
        few = self.env.cr.sql_log_count - before
        talk(90)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        desk = review.get_desk()
        many = self.env.cr.sql_log_count - before
        self.assertEqual(len(desk["messages"]), 201)
        self.assertEqual(many, few)
        self.assertLess(many, 45)

    def test_review_from_the_ticket(self):
        reviewer = new_test_user(
            self.env,
            "csp_review_all",
            groups="customer_service_plan.group_reviewer,"
            "helpdesk_mgmt.group_helpdesk_user",
        )
        ticket = self.ticket.with_user(reviewer)
        action = ticket.action_csp_review()
        review = self.env["csp.quality.review"].browse(action["res_id"])
        self.assertEqual((review.reviewer_id, review.agent_id), (reviewer, self.agent))
        self.assertTrue(review.due_date)
        self.assertEqual(ticket.action_csp_review()["res_id"], review.id)
        message = self._say("Sand.", self.colleague.partner_id)
        action = ticket.action_csp_review(message.id)
        of_message = review.browse(action["res_id"])
        self.assertNotEqual(of_message, review)
        self.assertEqual(of_message.agent_id, self.colleague)
        desk = self._desk(of_message, reviewer)
        self.assertEqual(
            [one["id"] for one in desk["messages"] if one["is_reviewed"]], message.ids
        )
        with self.assertRaises(AccessError):
            self.ticket.with_user(self.agent).action_csp_review()

    def test_given_to_somebody_else_begins_anew(self):
        other = new_test_user(
            self.env,
            "csp_second_reviewer",
            groups="customer_service_plan.group_reviewer",
        )
        review = self._begin()
        self._mark(review, 1, 5, None)
        Assign = self.env["csp.quality.review.assign"].with_context(
            active_model=review._name, active_ids=review.ids
        )
        with self.assertRaises(AccessError):
            Assign.with_user(self.reviewer).create({"reviewer_id": other.id})
        wizard = Assign.with_user(self.manager).create({"reviewer_id": other.id})
        self.assertTrue(wizard.has_marks)
        self.assertNotIn(self.agent, wizard.possible_ids)
        wizard.action_assign()
        review = review.with_user(other)
        self.assertEqual(review.reviewer_id, other)
        self.assertEqual(review.missing_count, 3)
        self.assertFalse(review.started_at)
        self.assertEqual(review.activity_ids.user_id, other)
        with self.assertRaises(AccessError):
            review.with_user(self.reviewer).get_desk()
        self._mark(review, 2, 5, 5)
        review.action_done()
        self.assertNotIn(other, review.sudo().activity_ids.user_id)
        with self.assertRaises(UserError):
            Assign.with_user(self.manager).create(
                {"reviewer_id": self.reviewer.id, "review_ids": review.ids}
            ).action_assign()

    def test_nobody_is_given_his_own_or_the_same_twice(self):
        review = self._begin()
        with self.assertRaises(UserError):
            review._give_to(self.agent)
        second = self._begin(reviewer=self.manager)
        with self.assertRaises(UserError):
            review._give_to(self.manager)
        self.assertEqual(second.reviewer_id, self.manager)

    def test_withdrawn(self):
        review = self._begin()
        for user in (self.agent, self.lead):
            with self.assertRaises(AccessError):
                review.with_user(user).action_withdraw()
        review.action_withdraw()
        self.assertFalse(review.exists())
        given = self._begin(reviewer=self.manager, reviewer_id=self.reviewer.id)
        with self.assertRaises(AccessError):
            given.with_user(self.reviewer).action_withdraw()
        given.with_user(self.manager).action_withdraw()
        self.assertFalse(given.exists())
        done = self._reviewed()
        with self.assertRaises(UserError):
            done.with_user(self.manager).action_withdraw()


class TestAnonymity(TransactionCase):
    """Names are taken out where they name somebody."""

    def test_names(self):
        people = [("Will May", "Agent"), ("will@example.com", "Agent")]
        for text, expected in {
            "Will you come in May?": "Will you come in May?",
            "Thank you, Will!": "Thank you, Agent!",
            "Hi Will, it burns.": "Hi Agent, it burns.",
            "I asked Will\nMay today.": "I asked Agent today.",
            "WILL MAY did it.": "Agent did it.",
            "Write to will@example.com now": "Write to Agent now",
            "<p>Regards<br>Will</p>": "<p>Regards<br>Agent</p>",
            "<p>Will <b>you</b>?</p>": "<p>Will <b>you</b>?</p>",
            '<a href="mailto:will@example.com">me</a>': "<a>me</a>",
            "Willy": "Willy",
            "": "",
        }.items():
            with self.subTest(text=text):
                self.assertEqual(hide_people(text, people), expected)

    def test_names_of_the_customer_stay(self):
        people = [("Will May", "Agent")]
        self.assertEqual(hide_people("Dear Will,", people, "Will Smith"), "Dear Will,")
