import re

from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tests.common import BaseCase
from odoo.tools import mute_logger

from ..models.ir_actions_server import is_automatic
from ..models.protected import BY_ADDON
from ..tools import procedures
from .common import CspCommon
from .helpdesk import HelpdeskMixin

MANY = 50
PROFILE = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
ids = st.integers(min_value=1, max_value=6)
id_sets = st.frozensets(ids, max_size=3)
names = st.sampled_from(["Greet", "greet ", "Ask", "Call back", "Thank"])


@st.composite
def rules(draw):
    """Procedures with steps of ids of their own."""
    found, next_step = [], 1
    for number in range(draw(st.integers(0, 5))):
        steps = []
        for name in draw(st.lists(names, max_size=4)):
            steps.append(procedures.Step(next_step, name, draw(st.booleans())))
            next_step += 1
        found.append(
            procedures.Procedure(number + 1, draw(id_sets), draw(id_sets), tuple(steps))
        )
    return found


class TestProcedureRules(BaseCase):
    """Which procedure fits, and which ticks settle its steps."""

    @PROFILE
    @given(rules(), st.integers(0, 6), st.integers(0, 6))
    def test_most_special_first(self, found, channel, category):
        chosen = procedures.fitting(found, channel, category)
        fits = [one for one in found if one.fits(channel, category)]
        self.assertEqual(chosen is None, not fits)
        if chosen:
            best = max(one.precision() for one in fits)
            same = [one for one in fits if one.precision() == best]
            self.assertEqual(chosen, same[0])

    def test_channel_weighs_more_than_category(self):
        nothing = frozenset()
        general = procedures.Procedure(1, nothing, nothing, ())
        category = procedures.Procedure(2, nothing, frozenset({7}), ())
        channel = procedures.Procedure(3, frozenset({5}), nothing, ())
        both = procedures.Procedure(4, frozenset({5}), frozenset({7}), ())
        found = [general, category, channel, both]
        for expected in (both, channel, category, general):
            self.assertEqual(procedures.fitting(found, 5, 7), expected)
            found.remove(expected)
        self.assertIsNone(procedures.fitting([channel, category], 0, 0))

    @PROFILE
    @given(rules(), st.data())
    def test_ticks(self, found, data):
        """Each tick settles its own step; nothing is lost or done by itself."""
        steps = [step for one in found for step in one.steps]
        ticked = data.draw(st.lists(st.sampled_from(steps or [None]), unique=True))
        ticks = [
            procedures.Tick(index, step.id, step.name)
            for index, step in enumerate(ticked)
            if step
        ]
        for one in found:
            done, former = procedures.settle(one.steps, ticks)
            own = {step.id for step in one.steps}
            for tick in ticks:
                if tick.step in own:
                    self.assertEqual(done[tick.step], tick)
                    self.assertNotIn(tick, former)
            for step in one.steps:
                if step.id in done:
                    self.assertEqual(
                        done[step.id].name.strip().lower(), step.name.strip().lower()
                    )
            missing = procedures.missing(one.steps, ticks)
            self.assertEqual(
                missing,
                [step for step in one.steps if step.required and step.id not in done],
            )
            self.assertEqual(procedures.settle(one.steps, [])[0], {})


class ProcedureCommon(CspCommon):
    """Policies with a procedure for calls and one for everything else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.email = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        cls.appliances, cls.ovens, cls.letters = cls.env[
            "helpdesk.ticket.category"
        ].create([{"name": "Appliances"}, {"name": "Ovens"}, {"name": "Letters"}])
        cls.ovens.parent_id = cls.appliances
        cls.policy = cls._create_policy(
            [{"match_all": True, "first_response_minutes": 60}], publish=False
        )
        cls.version = cls.policy.draft_version_id
        cls.version.write(
            {
                "procedure_ids": [
                    Command.create(
                        {
                            "sequence": 1,
                            "name": "Everything else",
                            "goal": "It is settled.",
                            "step_ids": [
                                Command.create({"name": "Read it all"}),
                                Command.create(
                                    {"name": "Say what is next", "required": True}
                                ),
                            ],
                        }
                    ),
                    Command.create(
                        {
                            "sequence": 2,
                            "name": "Call",
                            "goal": "The caller need not call again.",
                            "channel_ids": [Command.set(cls.phone.ids)],
                            "standard_ids": [
                                Command.set(
                                    cls.env.ref(
                                        "customer_service_plan.csp_standard_greeting"
                                    ).ids
                                )
                            ],
                            "step_ids": [
                                Command.create(
                                    {
                                        "sequence": 20,
                                        "name": "Say what is next",
                                        "required": True,
                                    }
                                ),
                                Command.create(
                                    {
                                        "sequence": 10,
                                        "name": "Ask for the number",
                                        "note": "Read it back.",
                                        "required": True,
                                    }
                                ),
                            ],
                        }
                    ),
                ],
                "coverage_ids": [
                    Command.create(
                        {
                            "name": "Warranty",
                            "duration_months": 24,
                            "duration_from": "delivery",
                            "entitlement": "Repair free of charge.",
                            "category_ids": [Command.set(cls.appliances.ids)],
                        }
                    ),
                    Command.create({"name": "Goodwill", "kind": "other"}),
                ],
            }
        )
        cls.general, cls.call = cls.version.procedure_ids.sorted("sequence")
        cls.number_step, cls.next_step = cls.call.step_ids.sorted("sequence")
        cls.own = new_test_user(
            cls.env, "csp_own", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.colleague = new_test_user(
            cls.env, "csp_colleague", groups="helpdesk_mgmt.group_helpdesk_user"
        )

    @classmethod
    def _publish(cls):
        with freeze_time(cls.at(days=-7)):
            cls.version.action_publish()

    def _call(self, **vals):
        vals = {"channel_id": self.phone.id, "user_id": self.own.id, **vals}
        return self._create_ticket(**vals).with_user(self.own)

    def _tick(self, ticket, step, done=True, user=None, at=None):
        with freeze_time(at or self.at(hours=1)):
            return ticket.with_user(user or self.own).csp_tick_step(step.id, done)

    def _close(self, tickets, stage=None, at=None):
        with freeze_time(at or self.at(hours=2)):
            tickets.write({"stage_id": (stage or self.stage_done).id})

    def _ask(self, tickets, stage=None):
        """The dialog that a refused closing leads to."""
        with self.assertRaises(RedirectWarning) as refused:
            self._close(tickets, stage)
        _text, action, _button, context = refused.exception.args
        self.assertEqual(
            action,
            self.env.ref("customer_service_plan.csp_ticket_close_action").id,
        )
        self.env.invalidate_all()
        Wizard = self.env["csp.ticket.close"].with_user(tickets.env.user)
        return Wizard.with_context(**context).create({})


class TestProcedures(ProcedureCommon):
    """What a version says about how to work, and that it stays as it was published."""

    def test_next_draft_takes_it_along(self):
        self._publish()
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        self.assertEqual(
            draft.procedure_ids.sorted("sequence").mapped("name"),
            ["Everything else", "Call"],
        )
        call = draft.procedure_ids.filtered("channel_ids")
        self.assertEqual(call.channel_ids, self.phone)
        self.assertEqual(call.standard_ids, self.call.standard_ids)
        self.assertEqual(
            call.step_ids.sorted("sequence").mapped("name"),
            ["Ask for the number", "Say what is next"],
        )
        self.assertFalse(call.step_ids & self.call.step_ids)
        self.assertEqual(draft.coverage_ids.mapped("name"), ["Warranty", "Goodwill"])
        self.assertEqual(draft.coverage_ids[0].category_ids, self.appliances)
        # The draft may be changed, the published one stays.
        call.step_ids[0].name = "Another one"
        self.assertEqual(self.number_step.name, "Ask for the number")

    def test_copied_policy(self):
        copy = self.policy.copy()
        self.assertEqual(len(copy.version_ids.procedure_ids.step_ids), 4)
        self.assertEqual(len(copy.version_ids.coverage_ids), 2)

    def test_frozen_through_every_door(self):
        coverage = self.version.coverage_ids[0]
        other = self._create_policy([], name="Other", publish=False).draft_version_id
        mine = other.with_user(self.manager)
        mine.procedure_ids = [Command.create({"name": "Mine"})]
        mine.coverage_ids = [Command.create({"name": "Mine"})]
        self._publish()
        version = self.version.with_user(self.manager)
        env = version.env
        step = self.number_step.with_user(self.manager)
        call = self.call.with_user(self.manager)
        coverage = coverage.with_user(self.manager)
        doors = {
            "version: procedures": lambda: version.write({"procedure_ids": []}),
            "version: new procedure": lambda: version.write(
                {"procedure_ids": [Command.create({"name": "New"})]}
            ),
            "version: coverage": lambda: version.write(
                {"coverage_ids": [Command.clear()]}
            ),
            "procedure: create": lambda: env["csp.procedure"].create(
                {"name": "New", "version_id": version.id}
            ),
            "procedure: write": lambda: call.write({"goal": "Less"}),
            "procedure: standards": lambda: call.write({"standard_ids": []}),
            "procedure: unlink": lambda: call.unlink(),
            "procedure: translate": lambda: call.update_field_translations(
                "goal", {"en_US": "Less"}
            ),
            "procedure: move in": lambda: mine.procedure_ids.write(
                {"version_id": version.id}
            ),
            "procedure: move away": lambda: call.write({"version_id": other.id}),
            "step: create": lambda: env["csp.procedure.step"].create(
                {"name": "New", "procedure_id": call.id}
            ),
            "step: write": lambda: step.write({"required": False}),
            "step: unlink": lambda: step.unlink(),
            "step: move away": lambda: step.write(
                {"procedure_id": mine.procedure_ids.id}
            ),
            "coverage: create": lambda: env["csp.coverage"].create(
                {"name": "New", "version_id": version.id}
            ),
            "coverage: write": lambda: coverage.write({"duration_months": 1}),
            "coverage: unlink": lambda: coverage.unlink(),
            "coverage: move in": lambda: mine.coverage_ids.write(
                {"version_id": version.id}
            ),
            "rpc": lambda: call_kw(
                env["csp.procedure.step"], "write", [step.ids, {"name": "x"}], {}
            ),
        }
        for name, door in doors.items():
            with self.subTest(name), self.assertRaisesRegex(UserError, "no draft"):
                with self.env.cr.savepoint():
                    door()
        self.assertEqual(len(self.version.procedure_ids), 2)

    def test_in_review_is_frozen(self):
        self.version.action_submit()
        with self.assertRaisesRegex(UserError, "no draft"):
            self.number_step.name = "Another"
        self.version.action_back_to_draft()
        self.number_step.name = "Another"

    def test_findings(self):
        self.assertFalse(self.version._procedure_findings())
        self.version.procedure_ids = [
            Command.create({"name": "Second call", "channel_ids": self.phone.ids})
        ]
        text = self.version.finding_text
        self.assertIn("“Second call” has no steps yet.", text)
        self.assertIn("“Second call” is never shown: “Call” stands before it", text)

    def test_form(self):
        with Form(self.version.with_user(self.manager)) as form:
            with form.coverage_ids.new() as coverage:
                coverage.name = "Unit on loan"
                coverage.kind = "loan_unit"
                coverage.duration_months = 6
        self.assertEqual(
            self.version.coverage_ids[-1].duration_text, "Months from the delivery: 6"
        )

    def test_standard_in_use_stays(self):
        # One that no scorecard checks
        standard = self.env["csp.standard"].create({"name": "Own"})
        self.call.standard_ids = standard
        with self.assertRaisesRegex(UserError, "“Call”"):
            standard.unlink()
        standard.active = False
        self.call.invalidate_recordset()
        self.assertEqual(self.call.standard_ids, standard)
        self.env["csp.standard"].create({"name": "New"}).unlink()

    def test_shipped_standards(self):
        standards = self.env["csp.standard"].search([])
        self.assertLessEqual(
            {"Greeting", "Presentation", "Information at hand", "Expression"},
            set(standards.mapped("name")),
        )
        self.assertTrue(all(standards.mapped("description")))

    def test_coverage_duration(self):
        coverage = self.version.coverage_ids[0]
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                coverage.duration_months = -1
                coverage.flush_recordset()
        coverage.duration_months = 0
        self.assertEqual(coverage.duration_text, "")

    def test_document_of_the_policy(self):
        self._publish()
        with freeze_time(self.at()):
            self.policy.invalidate_recordset()
            self.assertEqual(
                self.policy.current_procedure_ids, self.version.procedure_ids
            )
            self.assertEqual(
                self.policy.current_coverage_ids, self.version.coverage_ids
            )

    def test_other_company(self):
        """Neither read nor written by a manager of another company."""
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        for records in (
            self.call,
            self.number_step,
            self.version.coverage_ids[0],
        ):
            theirs = records.with_user(stranger)
            with self.subTest(records._name):
                self.assertNotIn(records, theirs.search([]))
                with self.assertRaises(AccessError):
                    theirs.read(["name"])
                with self.assertRaises(AccessError):
                    theirs.write({"name": "Mine"})


class TestProcedureOnTicket(ProcedureCommon):
    """What the ticket shows, and who ticks what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._publish()

    def test_data(self):
        ticket = self._call(category_id=self.ovens.id)
        data = ticket.csp_procedure_data()
        self.assertEqual(data["procedure"]["name"], "Call")
        self.assertEqual(data["procedure"]["goal"], self.call.goal)
        self.assertEqual(
            [step["name"] for step in data["steps"]],
            ["Ask for the number", "Say what is next"],
        )
        self.assertEqual(data["steps"][0]["note"], "Read it back.")
        self.assertEqual([s["name"] for s in data["standards"]], ["Greeting"])
        self.assertEqual(
            [coverage["name"] for coverage in data["coverages"]],
            ["Warranty", "Goodwill"],
        )
        self.assertEqual(
            data["hint"], {"done": 0, "total": 2, "next": "Ask for the number"}
        )
        self.assertTrue(data["can_tick"])
        self.assertTrue(ticket.csp_has_guidance)
        self.assertEqual(ticket.csp_procedure_hint, data["hint"])

    def test_coverage_by_category(self):
        for category, expected in (
            (self.letters, ["Goodwill"]),
            (self.appliances, ["Warranty", "Goodwill"]),
            (self.letters.browse(), ["Warranty", "Goodwill"]),
        ):
            data = self._call(category_id=category.id).csp_procedure_data()
            with self.subTest(category.name):
                self.assertEqual([row["name"] for row in data["coverages"]], expected)

    def test_ticket_without_guidance(self):
        self.version.with_context(csp_by_addon=BY_ADDON).state = "draft"
        self.version.write({"procedure_ids": [Command.clear()]})
        self.version.write({"coverage_ids": [Command.clear()]})
        ticket = self._call()
        self.assertFalse(ticket.csp_has_guidance)
        self.assertFalse(ticket.csp_procedure_hint)
        self.assertFalse(ticket.csp_procedure_data()["procedure"])
        self._close(ticket)

    def test_tick(self):
        ticket = self._call()
        data = self._tick(ticket, self.number_step)
        step = data["steps"][0]
        self.assertTrue(step["done"])
        self.assertEqual(step["user"], self.own.name)
        self.assertTrue(step["can_untick"])
        self.assertEqual(data["hint"]["done"], 1)
        row = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        self.assertEqual(row.user_id, self.own)
        self.assertEqual(row.at, self.at(hours=1))
        # Again, and by a colleague: nothing changes.
        self._tick(ticket, self.number_step, at=self.at(hours=2))
        self._tick(ticket, self.number_step, user=self.colleague, at=self.at(hours=2))
        again = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        self.assertEqual(again, row)
        self.assertEqual(again.at, self.at(hours=1))

    def test_untick(self):
        ticket = self._call()
        self._tick(ticket, self.number_step, user=self.colleague)
        data = ticket.csp_procedure_data()
        self.assertFalse(data["steps"][0]["can_untick"])
        with self.assertRaisesRegex(UserError, re.escape(self.colleague.name)):
            self._tick(ticket, self.number_step, False)
        data = self._tick(
            ticket, self.number_step, False, user=self.colleague, at=self.at(hours=2)
        )
        self.assertFalse(data["steps"][0]["done"])
        history = data["steps"][0]["history"]
        self.assertEqual(len(history), 1)
        self.assertEqual(history[0]["user"], self.colleague.name)
        self.assertEqual(history[0]["undone_by"], self.colleague.name)
        # Once more is no error, and it can be ticked again.
        self._tick(ticket, self.number_step, False)
        self.assertTrue(self._tick(ticket, self.number_step)["steps"][0]["done"])

    def test_untick_by_leader(self):
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Team", "user_id": self.own.id, "user_ids": self.own.ids}
        )
        ticket = self._call(team_id=team.id)
        self._tick(ticket, self.number_step, user=self.colleague)
        self.assertFalse(
            self._tick(ticket, self.number_step, False)["steps"][0]["done"]
        )
        self._tick(ticket, self.number_step, user=self.colleague)
        self._tick(ticket, self.number_step, False, user=self.manager)
        rows = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        self.assertEqual(len(rows), 2)
        self.assertEqual(rows.undone_by_id, self.own | self.manager)

    def test_nobody_forges(self):
        """Not by RPC, by whatever right; not back-dated; not for other steps."""
        ticket = self._call()
        self._tick(ticket, self.number_step)
        row = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        values = {
            "ticket_id": ticket.id,
            "step_id": self.next_step.id,
            "user_id": self.colleague.id,
            "at": "2020-01-01 00:00:00",
        }
        for user in (self.own, self.manager, self.env.ref("base.user_admin")):
            Step = self.env["csp.ticket.step"].with_user(user)
            mine = row.with_user(user)
            for name, door in {
                "create": lambda Step=Step: Step.create(values),
                "context": lambda Step=Step: Step.with_context(
                    csp_by_addon=True
                ).create(values),
                "load": lambda Step=Step: call_kw(Step, "create", [values], {}),
                "write": lambda mine=mine: mine.write({"at": "2020-01-01"}),
                "unlink": lambda mine=mine: mine.unlink(),
            }.items():
                with self.subTest(f"{user.login}: {name}"):
                    with self.assertRaises(AccessError), self.env.cr.savepoint():
                        door()
        with self.assertRaisesRegex(UserError, "Another procedure"):
            self._tick(ticket, self.general.step_ids[0])
        with self.assertRaisesRegex(UserError, "Another procedure"):
            ticket.csp_tick_step(0)
        for method in ("_tick", "_take_back", "_csp_settle_open_points"):
            model = "helpdesk.ticket" if "settle" in method else "csp.ticket.step"
            with self.assertRaises(AccessError):
                call_kw(self.env[model].with_user(self.own), method, [[]], {})

    def test_not_of_others_tickets(self):
        other = self._call(user_id=self.colleague.id)
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        theirs = self._call(partner_id=portal.partner_id.id)
        for ticket, user in ((other, self.own), (theirs, portal)):
            ticket = ticket.with_user(user)
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    self._tick(ticket, self.number_step, user=user)
                with self.assertRaises(AccessError):
                    ticket.csp_procedure_data()
        self.assertFalse(
            self.env["csp.ticket.step"]
            .with_user(self.own)
            .search([("ticket_id", "=", other.id)])
        )

    def test_other_company(self):
        """A ticket of another company is neither shown nor ticked."""
        ticket = self._call()
        self._tick(ticket, self.number_step)
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="helpdesk_mgmt.group_helpdesk_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.assertFalse(self.env["csp.ticket.step"].with_user(stranger).search([]))
        with self.assertRaises(AccessError):
            self._tick(ticket, self.number_step, user=stranger)

    def test_closed_ticket(self):
        ticket = self._call()
        self._tick(ticket, self.number_step)
        self._tick(ticket, self.next_step)
        self._close(ticket)
        self.assertFalse(ticket.csp_procedure_data()["can_tick"])
        with self.assertRaisesRegex(UserError, "closed"):
            self._tick(ticket, self.number_step, False)

    def test_another_channel(self):
        """What is in both procedures stays done, the rest is told."""
        ticket = self._call()
        self._tick(ticket, self.number_step)
        self._tick(ticket, self.next_step)
        ticket.channel_id = self.email
        data = ticket.csp_procedure_data()
        self.assertEqual(data["procedure"]["name"], "Everything else")
        self.assertEqual(
            {step["name"]: step["done"] for step in data["steps"]},
            {"Read it all": False, "Say what is next": True},
        )
        self.assertEqual(
            [old["name"] for old in data["former"]], ["Ask for the number"]
        )
        ticket.channel_id = self.phone
        self.assertTrue(all(s["done"] for s in ticket.csp_procedure_data()["steps"]))

    def test_another_version(self):
        ticket = self._call()
        self._tick(ticket, self.next_step)
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        with freeze_time(self.at(hours=1)):
            draft.action_publish()
        with freeze_time(self.at(hours=2)):
            ticket.with_user(self.manager).action_csp_match_again()
        self.assertEqual(ticket.csp_policy_version_id, draft)
        data = ticket.csp_procedure_data()
        self.assertEqual([step["done"] for step in data["steps"]], [False, True])
        self.assertFalse(data["former"])


class TestClosing(ProcedureCommon):
    """Required steps ask whoever closes, and hold up nobody else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._publish()

    def test_refused_and_ticked(self):
        ticket = self._call()
        with self.assertRaises(RedirectWarning) as refused:
            self._close(ticket)
        self.assertIn("Ask for the number", refused.exception.args[0])
        wizard = self._ask(ticket)
        self.assertEqual(wizard.ticket_ids, ticket)
        self.assertTrue(wizard.can_tick)
        self.assertIn("Say what is next", wizard.open_points)
        with freeze_time(self.at(hours=3)):
            wizard.action_tick_and_close()
        self.assertEqual(ticket.stage_id, self.stage_done)
        self.assertEqual(ticket.csp_closed_as, "solved")
        rows = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        self.assertEqual(rows.step_id, self.call.step_ids)
        self.assertEqual(rows.user_id, self.own)
        self.assertEqual(set(rows.mapped("at")), {self.at(hours=3)})

    def test_closed_anyway(self):
        ticket = self._call()
        self._tick(ticket, self.number_step)
        wizard = self._ask(ticket)
        self.assertNotIn("Ask for the number", wizard.open_points)
        wizard.reason = "   "
        with self.assertRaisesRegex(UserError, "Say why"):
            wizard.action_close_anyway()
        wizard.reason = "He <b>hung</b> up."
        wizard.action_close_anyway()
        self.assertEqual(ticket.csp_closed_as, "solved")
        message = ticket.message_ids[0]
        self.assertTrue(message.is_internal or not message.subtype_id.default)
        self.assertIn("Say what is next", message.body)
        self.assertIn("He &lt;b&gt;hung", message.body)
        self.assertEqual(message.author_id, self.own.partner_id)
        self.assertFalse(
            self.env["csp.ticket.step"].search([("step_id", "=", self.next_step.id)])
        )

    def test_several_at_once(self):
        mine = self._call()
        done = self._call()
        for step in self.call.step_ids:
            self._tick(done, step)
        mail = self._call(channel_id=self.email.id)
        tickets = mine | done | mail
        wizard = self._ask(tickets)
        self.assertEqual(wizard.ticket_count, 3)
        self.assertIn(mine.number, wizard.open_points)
        self.assertIn(mail.number, wizard.open_points)
        self.assertNotIn(done.number, wizard.open_points)
        wizard.action_tick_and_close()
        self.assertEqual(set(tickets.mapped("csp_closed_as")), {"solved"})

    def test_done_is_not_asked(self):
        ticket = self._call()
        for step in self.call.step_ids:
            self._tick(ticket, step)
        self._close(ticket)
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_other_stages_are_not_asked(self):
        for stage in (self.stage_progress, self.stage_waiting, self.stage_cancelled):
            ticket = self._call()
            self._close(ticket, stage)
            self.assertEqual(ticket.stage_id, stage)

    def test_duplicates_and_archived_are_not_asked(self):
        ticket, other = self._call(), self._call()
        other.write({"duplicate_id": ticket.id, "stage_id": self.stage_done.id})
        self.assertEqual(other.csp_closed_as, "cancelled")
        ticket.action_archive()
        ticket.write({"stage_id": self.stage_done.id})

    def test_rpc_is_asked_whatever_its_context(self):
        ticket = self._call()
        for context in (
            {},
            {"csp_silent": True},
            {"csp_was_asked": True},
            {"csp_by_addon": True},
            {"__action_done": {}},
            {"cron_id": 1},
        ):
            with self.subTest(context), self.assertRaises(RedirectWarning):
                call_kw(
                    ticket.browse(),
                    "write",
                    [ticket.ids, {"stage_id": self.stage_done.id}],
                    {"context": context},
                )

    def test_automations_are_not_asked(self):
        ticket = self._call()
        action = self.env["ir.actions.server"].create(
            {
                "name": "Close",
                "model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "state": "code",
                "code": f"records.write({{'stage_id': {self.stage_done.id}}})",
            }
        )
        action.with_user(self.own).with_context(
            active_model="helpdesk.ticket", active_ids=ticket.ids
        ).sudo(False).run()
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertFalse(is_automatic())

    def test_scheduled_actions_are_not_asked(self):
        """Nor those that run in the name of a person."""
        ticket = self._call()
        cron = self.env["ir.cron"].create(
            {
                "name": "Close",
                "model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "user_id": self.own.id,
                "state": "code",
                "code": f"model.browse({ticket.id}).write("
                f"{{'stage_id': {self.stage_done.id}}})",
            }
        )
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        ticket.invalidate_recordset()
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_customers_and_the_system_are_not_asked(self):
        ticket = self._call()
        self._close(ticket.sudo())
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_dialog_checks_the_right(self):
        """The dialog of an agent closes no ticket of somebody else's."""
        other = self._call(user_id=self.colleague.id)
        Wizard = self.env["csp.ticket.close"].with_user(self.own)
        for action in ("action_tick_and_close", "action_close_anyway"):
            wizard = Wizard.create({"reason": "Because"})
            wizard.sudo().write(
                {"ticket_ids": other.ids, "stage_id": self.stage_done.id}
            )
            with self.subTest(action), self.assertRaises(UserError):
                getattr(wizard, action)()
        self.assertFalse(other.sudo().csp_closed_as)

    def test_stage_is_needed(self):
        ticket = self._call()
        wizard = (
            self.env["csp.ticket.close"]
            .with_user(self.own)
            .create({"ticket_ids": ticket.ids})
        )
        with self.assertRaisesRegex(UserError, "closing stage"):
            wizard.action_tick_and_close()

    def test_no_right_says_so_first(self):
        other = self._call(user_id=self.colleague.id)
        with self.assertRaises(AccessError):
            self._close(other.with_user(self.own))

    def test_intake_is_never_held_up(self):
        """A ticket that is taken in as solved, and one from mail."""
        ticket = self._call(stage_id=self.stage_done.id)
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_left_over_points_are_named(self):
        """What a tick does not settle keeps the ticket open, and is said."""
        ticket = self._call()
        wizard = self._ask(ticket)
        Ticket = type(ticket)
        original = Ticket._csp_open_points

        def with_complaint(tickets):
            points = original(tickets)
            for one in tickets:
                points.setdefault(one, []).append("Tell the customer the decision")
            return points

        self.patch(Ticket, "_csp_open_points", with_complaint)
        with self.assertRaisesRegex(UserError, "Tell the customer the decision"):
            wizard.action_tick_and_close()
        self.assertFalse(ticket.csp_closed_as)


class TestClosingCosts(ProcedureCommon):
    """What the question before closing costs, in queries."""

    def _queries(self, tickets, stage):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        tickets.with_user(self.agent).write({"stage_id": stage.id})
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _least(self, count, prepare=None, off=False):
        """The least of three rounds: the first may fill a cache of the process."""
        Ticket = type(self.env["helpdesk.ticket"])
        if off:
            self.patch(Ticket, "_csp_ask_before_closing", lambda *args: None)
        found = []
        for _round in range(3):
            with freeze_time(self.at()):
                tickets = self.env["helpdesk.ticket"].create(
                    [
                        {
                            "name": str(number),
                            "description": "x",
                            "channel_id": self.phone.id,
                            "partner_id": self.customer.id,
                        }
                        for number in range(count)
                    ]
                )
            if prepare:
                prepare(tickets)
            found.append(self._queries(tickets, self.stage_done))
        return min(found)

    def _settle(self, tickets):
        tickets._csp_settle_open_points()

    def test_nothing_required_costs_nothing(self):
        self.version.procedure_ids.step_ids.required = False
        self._publish()
        one, many = self._least(1), self._least(MANY)
        self.assertEqual((one, many), (self._least(1, off=True),) * 2)

    def test_same_for_many(self):
        self._publish()
        one, many = (self._least(count, self._settle) for count in (1, MANY))
        self.assertEqual(one, many)
        self.assertLessEqual(one - self._least(1, self._settle, off=True), 1)

    def test_dialog_for_many(self):
        self._publish()

        def queries(count):
            tickets = self.env["helpdesk.ticket"].concat(
                *(self._call() for _number in range(count))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            points = tickets._csp_open_points()
            self.assertEqual(len(points), count)
            return self.cr.sql_log_count - before

        queries(1)
        self.assertEqual(queries(1), queries(20))

    def test_data(self):
        """The page costs the same for two steps and for twenty."""

        def queries(ticket):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            ticket.csp_procedure_data()
            return self.cr.sql_log_count - before

        self.call.step_ids = [
            Command.create({"name": f"Step {number}"}) for number in range(18)
        ]
        self._publish()
        ticket, mail = self._call(), self._call(channel_id=self.email.id)
        for step in self.call.step_ids:
            self._tick(ticket, step)
        for step in self.general.step_ids:
            self._tick(mail, step)
        queries(ticket)
        self.assertLessEqual(abs(queries(ticket) - queries(mail)), 1)


@tagged("post_install", "-at_install")
class TestProcedureTour(HelpdeskMixin, HttpCase):
    """An agent ticks and closes in the browser, with the least rights for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.env.company.csp_hours_id = False
        policy = cls.env["csp.policy"].create({"name": "For everybody"})
        policy.version_ids.write(
            {
                "line_ids": [
                    Command.create({"match_all": True, "first_response_minutes": 240})
                ],
                "procedure_ids": [
                    Command.create(
                        {
                            "name": "Every contact",
                            "goal": "It is settled.",
                            "step_ids": [
                                Command.create({"name": "Read it", "required": True}),
                                Command.create({"name": "Tell him", "required": True}),
                                Command.create({"name": "Thank him"}),
                            ],
                        }
                    )
                ],
                "coverage_ids": [
                    Command.create(
                        {"name": "Warranty", "entitlement": "Repair free of charge."}
                    )
                ],
            }
        )
        policy.version_ids.action_publish()

    def test_tick_and_close(self):
        ticket = self.create_ticket(user_id=self.agent.id)
        self.start_tour(
            f"/odoo/helpdesk-tickets/{ticket.id}",
            "csp_procedure_tour",
            login=self.agent.login,
        )
        ticket.invalidate_recordset()
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertEqual(ticket.name, "It leaks a lot")
        rows = self.env["csp.ticket.step"].search([("ticket_id", "=", ticket.id)])
        standing = rows.filtered(lambda row: not row.undone_at)
        self.assertEqual(set(standing.step_id.mapped("name")), {"Read it", "Tell him"})
        self.assertEqual(rows.user_id, self.agent)

    def test_close_from_the_board(self):
        ticket = self.create_ticket(user_id=self.agent.id)
        self.start_tour(
            f"/odoo/helpdesk-tickets/{ticket.id}",
            "csp_close_anyway_tour",
            login=self.agent.login,
        )
        ticket.invalidate_recordset()
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertIn("Nobody answered", "".join(ticket.message_ids.mapped("body")))

    def test_write_a_procedure(self):
        policy = self.env["csp.policy"].create({"name": "Tour Policy"})
        self.start_tour(
            f"/odoo/service-policy-versions/{policy.version_ids.id}",
            "csp_write_procedure_tour",
            login=self.manager.login,
        )
        procedure = policy.version_ids.procedure_ids
        self.assertEqual(procedure.name, "Telephone call")
        self.assertEqual(procedure.goal, "He need not call again.")
        self.assertEqual(
            procedure.step_ids.sorted("sequence").mapped("name"),
            ["Ask for the number", "Agree on what is next"],
        )
        self.assertEqual(
            procedure.step_ids.sorted("sequence").mapped("required"), [False, True]
        )
