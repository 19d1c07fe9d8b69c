from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, MissingError, UserError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .quality import QualityCommon

REFUSED = (AccessError, UserError, ValidationError, MissingError)
#: What a program may send along, to be taken for somebody else.
HOSTILE = (
    {},
    {"csp_by_addon": True},
    {"csp_by_addon": "1"},
    {"install_mode": True, "_force_unlink": True, "import_file": True},
    {
        "default_state": "final",
        "default_score": 100,
        "default_picked": "random",
        "default_step": 5,
        "tracking_disable": True,
        "active_test": False,
    },
)
REVIEW = "csp.quality.review"
LINE = "csp.quality.review.line"


class QualityDoorsCommon(QualityCommon):
    """Two agents with a review each, and people who have nothing to do with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.name, cls.colleague.name = "Aaron Agent", "Zoe Colleague"
        cls.other_ticket = cls._create_ticket(
            user_id=cls.colleague.id, team_id=cls.team.id
        )
        cls.other_reviewer = new_test_user(
            cls.env, "csp_reviewer_2", groups="customer_service_plan.group_reviewer"
        )
        cls.employee = new_test_user(cls.env, "csp_employee", groups="base.group_user")
        cls.portal = new_test_user(cls.env, "csp_portal", groups="base.group_portal")
        company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.foreign_manager = new_test_user(
            cls.env,
            "csp_foreign",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        cls.strangers = (
            cls.colleague
            | cls.other_reviewer
            | cls.employee
            | cls.portal
            | cls.foreign_manager
        )

    def _call(self, user, model, method, *args, context=None, **kwargs):
        """As a program calls it."""
        self.env.flush_all()
        self.env.invalidate_all()
        context = {
            "lang": "en_US",
            "allowed_company_ids": user.company_ids.ids,
            **(context or {}),
        }
        result = call_kw(
            self.env(user=user, context={})[model],
            method,
            list(args),
            {**kwargs, "context": context},
        )
        self.env.flush_all()
        return result

    def _refused(self, user, model, method, *args, **kwargs):
        with (
            self.subTest(user=user.login, method=method, args=args, **kwargs),
            mute_logger("odoo.addons.base.models.ir_rule", "odoo.sql_db"),
        ):
            try:
                with self.env.cr.savepoint():
                    self._call(user, model, method, *args, **kwargs)
            except REFUSED:
                return
            self.fail("It was let in")


class TestBlindDoors(QualityDoorsCommon):
    """While a blind review is to be done, its reviewer learns nowhere whose it is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reviewer.group_ids += cls.env.ref("base.group_allow_export")
        cls.review = cls._begin(is_blind=True)
        cls.other = cls._begin(ticket=cls.other_ticket, is_blind=True)
        cls.both = cls.review | cls.other

    def _told(self, answer):
        answer = str(answer)
        for user in (self.agent, self.colleague):
            self.assertNotIn(user.name, answer)
            self.assertNotIn(user.login, answer)

    def _by_reviewer(self, method, *args, **kwargs):
        return self._call(self.reviewer, REVIEW, method, *args, **kwargs)

    def test_search_tells_nothing(self):
        agent = self.agent.id
        for domain in (
            [("agent_id", "=", agent)],
            [("agent_id", "in", [agent])],
            [("agent_id.name", "ilike", "Aaron")],
            [("agent_id", "ilike", "Aaron")],
            [("agent_id", "any", [("login", "=", self.agent.login)])],
            [("agent_id", "child_of", [agent])],
            [("agent_id.id", "=", agent)],
        ):
            with self.subTest(domain):
                self.assertFalse(self._by_reviewer("search", domain))
                lines = [
                    (f"review_id.{domain[0][0]}", *domain[0][1:]),
                ]
                self.assertFalse(self._call(self.reviewer, LINE, "search", lines))
        found = self._by_reviewer("search", [("agent_id", "!=", agent)])
        self.assertIn(set(found), (set(), set(self.both.ids)), "All or none")

    def test_order_and_groups_tell_nothing(self):
        ids = sorted(self.both.ids)
        for order in ("agent_id, id", "agent_id desc, id", "agent_id.id desc, id"):
            with self.subTest(order):
                self.assertEqual(self._by_reviewer("search", [], order=order), ids)
        for group in ("agent_id", "agent_id.login"):
            with self.subTest(group):
                try:
                    rows = self._by_reviewer(
                        "formatted_read_group", [], [group], ["__count"]
                    )
                except ValueError:
                    continue
                self.assertEqual([row[group] for row in rows], [False])
        rows = self._by_reviewer(
            "formatted_read_group", [], ["ticket_id"], ["agent_id:array_agg"]
        )
        self.assertFalse(any(any(row["agent_id:array_agg"]) for row in rows))
        self._told(
            self._by_reviewer(
                "web_read_group", [], ["agent_id"], aggregates=["__count"]
            )
        )

    def test_reading_tells_nothing(self):
        ids = self.both.ids
        spec = {"agent_id": {"fields": {"display_name": {}, "login": {}}}}
        for answer in (
            self._by_reviewer("read", ids, ["agent_id", "shown_agent_id"]),
            self._by_reviewer("web_read", ids, spec),
            self._by_reviewer("web_search_read", [], spec),
            self._by_reviewer("search_read", [], ["agent_id"]),
            self._by_reviewer(
                "export_data", ids, ["agent_id", "agent_id/name", "agent_id/login"]
            ),
            self._call(
                self.reviewer,
                LINE,
                "export_data",
                self.both.line_ids.ids,
                ["review_id/agent_id/name"],
            ),
            self._by_reviewer("get_desk", ids[:1]),
        ):
            self._told(answer)
        for values in self._by_reviewer("copy_data", ids):
            self.assertNotIn("agent_id", values)
        exported = self._by_reviewer("export_data", ids, ["agent_id/.id"])
        self.assertFalse(any(row[0] for row in exported["datas"]))
        for message in self.both.message_ids:
            self._told(message.body)

    def test_a_form_tells_nothing(self):
        spec = {
            "is_blind": {},
            "state": {},
            "agent_id": {"fields": {"display_name": {}}},
            "shown_agent_id": {"fields": {"display_name": {}}},
        }
        for values in (
            {},
            {"is_blind": False},
            {"state": "done"},
            {"is_blind": False, "state": "done"},
        ):
            for names in (list(values), []):
                with self.subTest(values=values, names=names):
                    self._told(
                        self._by_reviewer(
                            "onchange", self.review.ids, dict(values), names, spec
                        )
                    )

    def test_messages_of_errors_tell_nothing(self):
        for values in (
            {"ticket_id": self.ticket.id, "agent_id": self.colleague.id},
            {"ticket_id": self.ticket.id, "agent_id": self.reviewer.id},
        ):
            with self.assertRaises(UserError) as caught:
                self._by_reviewer("create", [values])
            self._told(caught.exception)

    def test_once_done_it_is_said(self):
        self._mark(self.review, 2, 5, 5)
        self.review.action_done()
        found = self._by_reviewer("search", [("agent_id", "=", self.agent.id)])
        self.assertEqual(found, self.review.ids)
        [row] = self._by_reviewer("read", found, ["agent_id"])
        self.assertEqual(row["agent_id"][0], self.agent.id)
        exported = self._by_reviewer("export_data", found, ["agent_id/name"])
        self.assertEqual(exported["datas"], [[self.agent.name]])
        self.assertEqual(self.review.sudo().agent_id, self.agent)

    def test_whose_work_it_is_stays_known_to_the_addon(self):
        """What a reviewer was not told is not lost to whoever comes after him."""
        self.env.invalidate_all()
        self.review.with_user(self.reviewer).fetch(["agent_id"])
        self.assertEqual(self.review.sudo().agent_id, self.agent)
        found = self._call(
            self.manager, REVIEW, "search", [("agent_id", "=", self.agent.id)]
        )
        self.assertEqual(found, self.review.ids)


class TestReviewDoors(QualityDoorsCommon):
    """Others neither read nor touch a review, by whatever door."""

    def test_nobody_writes_marks_or_facts(self):
        done = self._reviewed(1, 2, 3)
        line = done.line_ids.sorted("id")[0]
        other = self._begin(ticket=self.other_ticket)
        people = self.strangers | self.agent | self.lead | self.reviewer | self.manager
        for user in people:
            for context in HOSTILE:
                for model, method, args in (
                    (LINE, "write", [line.ids, {"step": 2}]),
                    (LINE, "write", [line.ids, {"review_id": other.id}]),
                    (LINE, "unlink", [line.ids]),
                    (LINE, "create", [[{"review_id": done.id, "step": 2}]]),
                    (REVIEW, "write", [done.ids, {"comment": "Fine"}]),
                    (REVIEW, "write", [done.ids, {"score": 100}]),
                    (REVIEW, "write", [done.ids, {"state": "to_do"}]),
                    (REVIEW, "write", [done.ids, {"line_ids": [[5, 0, 0]]}]),
                    (REVIEW, "unlink", [done.ids]),
                    (REVIEW, "copy", [done.ids]),
                    (REVIEW, "action_done", [done.ids]),
                    (REVIEW, "action_withdraw", [done.ids]),
                    (REVIEW, "save_mark", [done.ids, line.id, {"step": 2}]),
                    (REVIEW, "save_comment", [done.ids, "Fine"]),
                ):
                    self._refused(user, model, method, *args, context=context)
        self.assertEqual(done.line_ids.sorted("id").mapped("step"), [1, 2, 3])
        self.assertEqual(done.state, "done")

    def test_lines_of_others_by_ones_own_review(self):
        mine = self._begin()
        done = self._reviewed(1, 2, 3, ticket=self.other_ticket)
        line, own = done.line_ids[0], mine.line_ids[0]
        criterion = own.criterion_id.id
        for command in (
            [1, line.id, {"step": 2}],
            [2, line.id, 0],
            [4, line.id, 0],
            [3, own.id, 0],
            [5, 0, 0],
            [6, 0, line.ids],
            [0, 0, {"criterion_id": criterion, "step": 2}],
            [1, own.id, {"points": 100}],
            [1, own.id, {"criterion_id": criterion}],
            [1, own.id, {"cause_ids": [[0, 0, {"name": "Bad luck"}]]}],
        ):
            for context in HOSTILE:
                self._refused(
                    self.reviewer,
                    REVIEW,
                    "write",
                    mine.ids,
                    {"line_ids": [command]},
                    context=context,
                )
        self.assertEqual(done.line_ids.sorted("id").mapped("step"), [1, 2, 3])

    def test_a_review_begins_as_reviews_begin(self):
        for context in HOSTILE:
            ticket = self._create_ticket(user_id=self.agent.id)
            found = self._call(
                self.reviewer,
                REVIEW,
                "create",
                [{"ticket_id": ticket.id}],
                context=context,
            )
            review = self.env[REVIEW].browse(found)
            self.assertEqual((review.state, review.picked), ("to_do", "by_hand"))
            self.assertEqual(review.line_ids.mapped("step"), [0, 0, 0])
            self.assertFalse(review.score)
            self.assertEqual(review.reviewer_id, self.reviewer)
            for name, value in (
                ("state", "done"),
                ("score", 100),
                ("picked", "random"),
                ("calibration_id", False),
                ("line_ids", []),
                ("company_id", self.env.company.id),
                ("answer_until", "2030-01-01"),
                ("reviewer_id", self.other_reviewer.id),
            ):
                self._refused(
                    self.reviewer,
                    REVIEW,
                    "create",
                    [{"ticket_id": self.other_ticket.id, name: value}],
                    context=context,
                )
        for user in self.strangers - self.other_reviewer:
            self._refused(user, REVIEW, "create", [{"ticket_id": self.ticket.id}])
        result = self._call(
            self.manager,
            REVIEW,
            "load",
            ["ticket_id/.id", "state", "score"],
            [[str(self.ticket.id), "done", "100"]],
        )
        self.assertFalse(result["ids"])

    def test_strangers_read_nothing(self):
        self._reviewed(1, 2, 3)
        todo = self._begin(ticket=self._create_ticket(user_id=self.agent.id))
        done = self.env[REVIEW].search([("state", "=", "done")])
        both = done | todo
        for user in self.strangers:
            for model, domain in (
                (REVIEW, []),
                (REVIEW, [("score", "<", 100)]),
                (REVIEW, [("agent_id", "=", self.agent.id)]),
                (LINE, [("step", ">", 0)]),
                (LINE, [("review_id.agent_id", "=", self.agent.id)]),
                ("mail.message", [("model", "=", REVIEW)]),
                ("mail.activity", [("res_model", "=", REVIEW)]),
                ("csp.quality.dispute", []),
                ("csp.quality.dispute.line", []),
                ("csp.scorecard", [("review_count", ">", 0)]),
            ):
                with self.subTest(user=user.login, model=model, domain=domain):
                    try:
                        found = self._call(
                            user, model, "search", domain, context={"active_test": 0}
                        )
                    except (AccessError, ValueError, UserError):
                        continue
                    self.assertFalse(found)
            for method, args in (
                ("read", [both.ids, ["score"]]),
                ("web_read", [both.ids, {"score": {}}]),
                ("get_desk", [done.ids[:1]]),
                ("get_marks", [done.ids[:1]]),
                ("get_answer", [done.ids[:1]]),
                ("action_acknowledge", [done.ids[:1]]),
                ("action_dispute", [done.ids[:1], "No"]),
            ):
                self._refused(user, REVIEW, method, *args)

    def test_who_reviews_finds_his_tickets(self):
        """Searching works for reviewers who have no right on tickets."""
        review = self._begin()
        number = self.ticket.number
        found = self._call(self.reviewer, REVIEW, "name_search", number)
        self.assertEqual([row[0] for row in found], review.ids)
        found = self._call(
            self.reviewer, REVIEW, "search", [("display_name", "ilike", number)]
        )
        self.assertEqual(found, review.ids)

    def test_figures_are_ones_own(self):
        self._reviewed(1, 2, 3)
        self._reviewed(ticket=self.other_ticket)
        self.env.flush_all()
        Figures = "csp.quality.figures"
        for filters in (
            {"scope": "all"},
            {"scope": "teams"},
            {"scope": ["mine"]},
            {"picks": "hers"},
            {"period": "own", "date_from": "now()", "date_to": "x"},
            {"channel_id": "1 OR 1=1"},
            [],
        ):
            for user in (self.agent, self.reviewer):
                if filters:
                    self._refused(user, Figures, "csp_figures_data", filters)
        for filters in (
            {},
            {"team_id": self.team.id},
            {"scope": "mine", "team_id": self.team.id, "picks": "all"},
        ):
            data = self._call(self.agent, Figures, "csp_figures_data", filters)
            self.assertEqual((data["count"], data["scopes"]), (1, ["mine"]))
            self.assertNotIn(self.colleague.name, str(data))
            self.assertNotIn("agent", data["by"])
            self.assertTrue(all(row["few"] for row in data["team_averages"]))
        for user in (self.employee, self.portal):
            self._refused(user, Figures, "csp_figures_data", {})
            self._refused(user, Figures, "csp_figures_reviews", {})

    def test_a_plan_is_started_by_its_button(self):
        Sampling = "csp.quality.sampling"
        found = self._call(
            self.manager,
            Sampling,
            "create",
            [{"name": "Every week"}],
            context={
                "default_state": "running",
                "default_seed": "mine",
                "default_next_from": "2020-01-01",
            },
        )
        plan = self.env[Sampling].browse(found)
        self.assertEqual((plan.state, plan.next_from), ("draft", False))
        self.assertNotEqual(plan.seed, "mine")
        for model in (
            Sampling,
            "csp.quality.sampling.run",
            "csp.quality.sampling.share",
        ):
            for user in (self.agent, self.lead, self.reviewer, self.employee):
                self._refused(user, model, "search", [])

    def test_of_another_company(self):
        self._reviewed(1, 2, 3)
        with self.assertRaises(AccessError):
            self._call(
                self.foreign_manager,
                REVIEW,
                "search",
                [],
                context={"allowed_company_ids": self.env.company.ids},
            )


class TestMarksOfOthers(QualityDoorsCommon):
    """What is marked in a calibration stays with who marked it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calibration = (
            cls.env["csp.quality.calibration"]
            .with_user(cls.manager)
            .create(
                {
                    "name": "Together",
                    "scorecard_id": cls.scorecard.id,
                    "ticket_ids": [Command.set(cls.ticket.ids)],
                    "reviewer_ids": [
                        Command.set((cls.reviewer | cls.other_reviewer).ids)
                    ],
                    "due_date": "2100-01-01",
                }
            )
        )
        cls.calibration.action_start()
        cls.mine, cls.others = (
            cls.calibration.sudo().review_ids.filtered(
                lambda review, user=user: review.reviewer_id == user
            )
            for user in (cls.reviewer, cls.other_reviewer)
        )
        others = cls.others.with_user(cls.other_reviewer)
        cls._mark(others, 1, 2, 3)
        others.action_done()

    def test_nobody_else_learns_them(self):
        ids = self.others.ids
        for user in (
            self.reviewer,
            self.manager,
            self.agent,
            self.lead,
            self.colleague,
        ):
            for model, domain in (
                (REVIEW, [("id", "in", ids)]),
                (REVIEW, [("calibration_id", "!=", False), ("score", ">", 0)]),
                (LINE, [("review_id", "in", ids)]),
                (LINE, [("review_id.calibration_id", "!=", False), ("step", ">", 0)]),
                ("csp.quality.calibration", [("review_ids.score", ">", 0)]),
                ("csp.quality.calibration", [("review_ids.line_ids.step", ">", 0)]),
                ("mail.message", [("model", "=", REVIEW), ("res_id", "in", ids)]),
                ("mail.activity", [("res_model", "=", REVIEW), ("res_id", "in", ids)]),
            ):
                with self.subTest(user=user.login, model=model, domain=domain):
                    try:
                        found = self._call(user, model, "search", domain)
                    except AccessError:
                        continue
                    self.assertFalse(found)
            for method, args in (
                ("read", [ids, ["score"]]),
                ("get_desk", [ids]),
                ("get_marks", [ids]),
                ("get_answer", [ids]),
            ):
                self._refused(user, REVIEW, method, *args)
        for method in ("unlink", "action_withdraw"):
            for user in (self.manager, self.reviewer, self.other_reviewer):
                self._refused(user, REVIEW, method, ids)
                self._refused(user, REVIEW, method, self.mine.ids)

    def test_they_count_for_nobody(self):
        review = self.mine.with_user(self.reviewer)
        self._mark(review, 1, 1, 1)
        review.action_done()
        self.assertEqual(self.calibration.state, "compared")
        for user in (self.agent, self.lead):
            self.assertFalse(self._call(user, REVIEW, "search", []))
            self.assertFalse(self._call(user, LINE, "search", []))
            data = self._call(user, "csp.quality.figures", "csp_figures_data", {})
            self.assertEqual(data["count"], 0)
        data = self._call(self.manager, "csp.quality.figures", "csp_figures_data", {})
        self.assertEqual(data["count"], 0)
        self._refused(self.agent, REVIEW, "action_dispute", self.mine.ids, "No")
        self.assertFalse(self.mine.activity_ids)


class TestWhatGoes(QualityDoorsCommon):
    """Tickets and messages that are deleted or merged."""

    def test_ticket_is_deleted(self):
        message = self._reply(self.ticket, self.at(hours=1), user=self.agent)
        done = self._reviewed(1, 2, 3)
        self.env.flush_all()
        self._begin()
        self._begin(message_id=message.id)
        ids = self.env[REVIEW].search([("ticket_id", "=", self.ticket.id)]).ids
        self.assertEqual(len(ids), 3)
        done.with_user(self.agent).action_dispute("No")
        disputes = done.dispute_id.ids
        self._call(self.manager, "helpdesk.ticket", "unlink", self.ticket.ids)
        self.assertFalse(self.env[REVIEW].browse(ids).exists())
        for model, gone in ((REVIEW, ids), ("csp.quality.dispute", disputes)):
            left = self.env["mail.activity"].search(
                [("res_model", "=", model), ("res_id", "in", gone)]
            )
            self.assertFalse(left, "Nobody has to do what is no more")

    def test_message_is_deleted(self):
        """Reviewers may have the ticket to do and its messages, too."""
        for _each in range(2):
            message = self._reply(self.ticket, self.at(hours=1), user=self.agent)
            self._begin(message_id=message.id)
        whole = self._begin()
        whole.line_ids[0].write({"quote_message_id": message.id, "quote": "So"})
        messages = self.env[REVIEW].search([]).message_id
        try:
            messages.unlink()
        except IntegrityError as error:
            self.fail(error)
        self.assertEqual(whole.line_ids[0].quote, "So")

    def test_conversation_of_a_merged_ticket(self):
        said = self._reply(self.ticket, self.at(hours=1), user=self.agent)
        review = self._begin()
        both = self.ticket | self.other_ticket
        wizard = self.env["helpdesk.ticket.merge"].with_context(active_ids=both.ids)
        wizard.create({"dst_ticket_id": self.other_ticket.id}).merge_tickets()
        self.assertEqual(said.res_id, self.other_ticket.id)
        desk = self._call(self.reviewer, REVIEW, "get_desk", review.ids)
        self.assertIn(said.id, [message["id"] for message in desk["messages"]])
        line = review.line_ids[0]
        marks = self._call(
            self.reviewer,
            REVIEW,
            "save_mark",
            review.ids,
            line.id,
            {"quote": "So", "quote_message_id": said.id},
        )
        self.assertEqual(marks["lines"][line.id]["quote"], "So")


class TestCoachingDoors(QualityDoorsCommon):
    """A coaching opens no review, and what is agreed on is what was read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.done = cls._reviewed(1, 2, 3)
        cls.second = cls._reviewed(
            ticket=cls._create_ticket(user_id=cls.agent.id, team_id=cls.team.id)
        )

    def _plan(self, **vals):
        return (
            self.env["csp.coaching"]
            .with_user(self.lead)
            .create(
                {
                    "agent_id": self.agent.id,
                    "review_ids": [Command.set(self.done.ids)],
                    "action_ids": [
                        Command.create({"what": "Greet", "due_date": "2100-01-01"})
                    ],
                    **vals,
                }
            )
        )

    def test_nobody_reads_by_naming(self):
        Coaching = "csp.coaching"
        for user in (self.other_reviewer, self.colleague, self.employee):
            for commands in (
                [[6, 0, self.done.ids]],
                [[4, self.done.id]],
                [[1, self.done.id, {}]],
                self.done.ids,
            ):
                self._refused(
                    user,
                    Coaching,
                    "create",
                    [{"agent_id": self.agent.id, "review_ids": commands}],
                    context={"csp_by_addon": True},
                )
            self._refused(user, REVIEW, "read", self.done.ids, ["score"])
        # Who coaches on one review does not help himself to another.
        coaching = self._plan(coach_id=self.colleague.id)
        found = self._call(self.colleague, REVIEW, "search", [])
        self.assertEqual(found, self.done.ids)
        for commands in (
            [[4, self.second.id]],
            [[6, 0, (self.done | self.second).ids]],
        ):
            self._refused(
                self.colleague,
                Coaching,
                "write",
                coaching.ids,
                {"review_ids": commands},
            )
        self._refused(
            self.colleague,
            REVIEW,
            "write",
            self.second.ids,
            {"coaching_ids": [[4, coaching.id]]},
        )
        self.assertEqual(self._call(self.colleague, REVIEW, "search", []), found)

    def test_others_do_not_learn_of_a_coaching(self):
        coaching = self._plan(coach_id=self.colleague.id)
        for user in (self.reviewer, self.manager, self.other_reviewer):
            for domain in (
                [("coaching_ids", "!=", False)],
                [("coaching_ids", "in", coaching.ids)],
                [("coaching_ids.notes", "=", False)],
                [("coaching_ids.state", "=", "planned")],
            ):
                self._refused(user, REVIEW, "search", domain)
            self._refused(user, REVIEW, "read", self.done.ids, ["coaching_ids"])
        for user in (self.reviewer, self.manager):
            self._refused(user, "csp.coaching", "read", coaching.ids, ["notes"])
            self._refused(user, "csp.coaching", "get_effect", coaching.ids)

    def test_the_coach_reads_a_dispute_and_decides_nothing(self):
        self._plan(coach_id=self.colleague.id)
        self._call(self.agent, REVIEW, "action_dispute", self.done.ids, "It was not so")
        answer = self._call(self.colleague, REVIEW, "get_answer", self.done.ids)
        self.assertFalse(answer["dispute"]["may_decide"])
        self.assertFalse(answer["may_answer"])
        self._refused(
            self.colleague,
            "csp.quality.dispute",
            "action_decide",
            self.done.dispute_id.ids,
            "Fine",
            {},
        )

    def test_forms_do_not_tell_whose_work_it_is(self):
        todo = self._begin(
            ticket=self._create_ticket(user_id=self.agent.id), is_blind=True
        )
        answers = [
            self._call(
                self.reviewer,
                "csp.coaching",
                "onchange",
                [],
                {"agent_id": user.id, "review_ids": [[6, 0, todo.ids]]},
                ["agent_id"],
                {"agent_id": {}, "review_ids": {}},
            )
            .get("value", {})
            .get("review_ids")
            for user in (self.agent, self.colleague)
        ]
        self.assertEqual(*answers)

    def test_a_tick_is_a_click(self):
        coaching = self._plan()
        for context in ({"default_done_at": "2026-03-01 10:00:00"},):
            for model, method, args in (
                (
                    "csp.coaching.action",
                    "create",
                    [[{"coaching_id": coaching.id, "what": "Smile"}]],
                ),
                (
                    "csp.coaching",
                    "write",
                    [
                        coaching.ids,
                        {"action_ids": [[0, 0, {"what": "Listen"}]]},
                    ],
                ),
            ):
                self._call(self.lead, model, method, *args, context=context)
        self.assertFalse(coaching.action_ids.filtered("done_at"))

    def test_what_is_agreed_was_read(self):
        coaching = self._plan()
        mine = coaching.with_user(self.agent)
        for change in (
            lambda: coaching.action_ids.write({"what": "Work on Sundays"}),
            lambda: coaching.write({"notes": "Last warning"}),
            lambda: coaching.write(
                {
                    "action_ids": [
                        Command.create({"what": "More", "due_date": "2100-1-1"})
                    ]
                }
            ),
        ):
            coaching.action_show()
            change()
            self.assertFalse(coaching.shown_at)
            with self.assertRaises(AccessError):
                mine.action_agree()
        coaching.action_show()
        mine.action_agree()
        self.assertEqual(coaching.state, "agreed")
