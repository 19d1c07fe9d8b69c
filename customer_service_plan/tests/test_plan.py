from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .common import CspCommon

DAY = "2026-03-02 10:00:00"


class TestPlan(CspCommon):
    """A manager writes the plan, the staff read the one in force."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_agent = new_test_user(
            cls.env, "csp_plan_agent", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.need = cls.env["csp.need"].create({"name": "To rely on a word"})
        cls.Plan = cls.env["csp.plan"].with_user(cls.manager)

    def _plan(self, name="Plan", mission="No day is lost.", **vals):
        return self.Plan.create({"name": name, "mission": mission, **vals})

    def test_a_manager_writes_a_plan_in_the_form(self):
        with Form(self.Plan) as form:
            form.name = "Our plan"
            form.mission = "Nobody is left alone with a machine that stands still."
            with form.value_ids.new() as value:
                value.name = "We keep our word"
                value.behaviour = "We call before a deadline passes."
                value.need_ids.add(self.need)
        plan = form.save()
        self.assertEqual(plan.owner_id, self.manager)
        self.assertEqual(plan.state, "draft")
        self.assertEqual(plan.value_ids.need_ids, self.need)

    def test_missing_is_said_in_words(self):
        plan = self._plan(mission=False)
        self.assertIn("The mission is not written yet.", plan.missing_text)
        plan.mission = "No day is lost."
        objective = self.env["csp.objective"].create({"name": "Quick answers"})
        plan.objective_ids = objective
        self.assertNotIn("mission is not", plan.missing_text)
        self.assertIn(
            "Not tied to the mission by a sentence: Quick answers", plan.missing_text
        )
        objective.reason = "Who waits loses his day."
        self.assertNotIn("Not tied", plan.missing_text)
        self.assertEqual(objective.mission_text, "No day is lost.")

    @freeze_time(DAY)
    def test_one_plan_in_force(self):
        first, second = self._plan("First"), self._plan("Second")
        first.action_put_in_force()
        self.assertEqual(
            (first.state, first.date_start), ("in_force", date(2026, 3, 2))
        )
        policy = self._create_policy([{"match_all": True}], publish=False)
        self.assertEqual(policy.plan_id, first, "a new policy belongs to it")
        archived = self._create_policy([{"match_all": True}], publish=False)
        archived.active = False
        second.action_put_in_force()
        self.assertEqual((first.state, first.date_end), ("archived", date(2026, 3, 2)))
        self.assertEqual(second.state, "in_force")
        self.assertEqual((policy | archived).plan_id, second)

    @freeze_time(DAY)
    def test_the_database_refuses_two_in_force(self):
        first, second = self._plan("First"), self._plan("Second")
        first.action_put_in_force()
        self.env.flush_all()
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.env.cr.execute(
                "UPDATE csp_plan SET state = 'in_force' WHERE id = %s", [second.id]
            )

    @freeze_time(DAY)
    def test_state_by_its_buttons_only(self):
        plan = self._plan()
        with self.assertRaises(UserError):
            plan.state = "in_force"
        with self.assertRaises(UserError):
            plan.with_context(csp_plan_state=True).state = "in_force"
        self.assertEqual(self._plan(state="in_force").state, "draft")
        agents = plan.with_user(self.own_agent)
        for name in ("action_put_in_force", "action_end", "action_back_to_draft"):
            with self.assertRaises(AccessError):
                getattr(agents, name)()
        plan.action_put_in_force()
        with self.assertRaises(UserError):
            plan.action_back_to_draft()
        with self.assertRaises(UserError):
            plan.unlink()
        plan.action_end()
        plan.action_back_to_draft()
        self.assertEqual(plan.state, "draft")

    @freeze_time(DAY)
    def test_what_stands_in_the_way_is_said(self):
        with self.assertRaisesRegex(UserError, "mission"):
            self._plan(mission=" ").action_put_in_force()
        with self.assertRaisesRegex(UserError, "later day"):
            self._plan(date_start="2026-03-03").action_put_in_force()

    @freeze_time(DAY)
    def test_last_day_passed(self):
        plan = self._plan(date_end="2026-03-02")
        plan.action_put_in_force()
        self.assertFalse(plan.is_outdated)
        with freeze_time("2026-03-03 10:00:00"):
            plan.invalidate_recordset()
            self.assertTrue(plan.is_outdated)

    @freeze_time(DAY)
    def test_agents_read_the_plan_in_force_and_no_other(self):
        plan, draft = self._plan("Ours"), self._plan("Not yet")
        for each in plan, draft:
            each.value_ids = [Command.create({"name": f"Value of {each.name}"})]
        plan.action_put_in_force()
        Plan = self.env["csp.plan"].with_user(self.own_agent)
        self.assertEqual(Plan.search([]), plan)
        Value = self.env["csp.value"].with_user(self.own_agent)
        self.assertEqual(Value.search([]), plan.value_ids)
        with self.assertRaises(AccessError):
            draft.with_user(self.own_agent).read(["mission"])
        with self.assertRaises(AccessError):
            plan.with_user(self.own_agent).mission = "Something else"
        action = Plan._action_read_in_force()
        self.assertEqual(action["res_id"], plan.id)
        plan.action_end()
        self.assertFalse(Plan._action_read_in_force().get("res_id"))

    @freeze_time(DAY)
    def test_companies(self):
        other = self.env["res.company"].create({"name": "Other"})
        for_all = self._plan("For all", company_id=False)
        ours = self._plan("Ours")
        theirs = self.env["csp.plan"].create(
            {"name": "Theirs", "mission": "Theirs", "company_id": other.id}
        )
        plans = self.env["csp.plan"]
        for plan in for_all, ours.sudo(), theirs:
            plan.action_put_in_force()
        self.assertEqual(plans._in_force_for(self.env.company), ours)
        self.assertEqual(plans._in_force_for(other), theirs)
        self.assertEqual(plans._in_force_for(other.browse()), for_all)
        self.assertNotIn(theirs, self.Plan.search([]))
        shared = self._create_policy(
            [{"match_all": True}], publish=False, company_id=False
        )
        self.assertEqual(shared.plan_id, for_all)
        with self.assertRaises(UserError):
            shared.plan_id = theirs
        shared.company_id = other
        self.assertEqual(shared.plan_id, for_all, "a plan of every company may stay")
        shared.plan_id = theirs
        shared.company_id = self.env.company
        self.assertEqual(shared.plan_id, ours, "one of another company may not")

    def _assert_refused(self, records, method, *args, error=AccessError):
        with self.assertRaises(error):
            getattr(records, method)(*args)
            self.env.flush_all()

    @freeze_time(DAY)
    def test_doors_of_values_and_objectives(self):
        """By RPC, agents change nothing; customers, and managers of another company,
        do not even see anything."""
        plan = self._plan(value_ids=[Command.create({"name": "We keep our word"})])
        company = self.env.company
        plan.objective_ids = self.env["csp.objective"].create(
            {"name": "Quick", "company_id": company.id}
        )
        plan.action_put_in_force()
        other = self.env["res.company"].create({"name": "Other"})
        portal = new_test_user(self.env, "csp_plan_portal", groups="base.group_portal")
        stranger = new_test_user(
            self.env,
            "csp_plan_stranger",
            groups="customer_service_plan.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        forged = {"name": "Forged"}
        for user in self.own_agent, portal, stranger:
            theirs = plan.with_user(user)
            for records in plan.value_ids, plan.objective_ids:
                records = records.with_user(user)
                with self.subTest(user=user.login, model=records._name):
                    self.assertEqual(records.has_access("read"), user == self.own_agent)
                    if user != self.own_agent:
                        self._assert_refused(records, "read", ["name"])
                    self._assert_refused(records, "write", forged)
                    self._assert_refused(records, "web_save", forged, {})
                    self._assert_refused(records, "copy")
                    self._assert_refused(records, "unlink")
            with self.subTest(user=user.login):
                created = {"value_ids": [Command.create(forged)]}
                self._assert_refused(theirs, "write", created)
                cleared = {"objective_ids": [Command.clear()]}
                self._assert_refused(theirs, "write", cleared)
                Value = self.env["csp.value"].with_user(user)
                self._assert_refused(Value, "create", {**forged, "plan_id": plan.id})
                by_default = Value.with_context(default_plan_id=plan.id)
                self._assert_refused(by_default, "create", forged)

    @freeze_time(DAY)
    def test_nothing_is_put_into_a_plan_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.env["csp.plan"].create({"name": "Theirs", "company_id": other.id})
        self.assertNotIn(other, self.manager.company_ids)
        plan = self._plan(value_ids=[Command.create({"name": "Ours"})])
        put = {"plan_id": theirs.id}
        self._assert_refused(plan.value_ids, "write", put)
        self._assert_refused(plan.value_ids, "create", {"name": "Ours", **put})
        Objective = self.env["csp.objective"].with_user(self.manager)
        objective = Objective.create({"name": "Quick"})
        policy = self._create_policy([], publish=False, company_id=other.id)
        for link in (
            {"plan_ids": [Command.link(theirs.id)]},
            {"plan_ids": theirs.ids},
            {"policy_ids": [Command.set(policy.ids)]},
        ):
            self._assert_refused(objective, "write", link)
            self._assert_refused(Objective, "create", {"name": "Quick", **link})
        theirs.objective_ids = objective
        objective.plan_ids = [Command.link(plan.id), Command.unlink(plan.id)]
        self.assertEqual(theirs.objective_ids, objective)

    def test_copy_takes_values_and_objectives(self):
        plan = self._plan(value_ids=[Command.create({"name": "We keep our word"})])
        plan.objective_ids = self.env["csp.objective"].create({"name": "Quick"})
        copy = plan.copy()
        self.assertEqual(copy.name, "Plan (copy)")
        self.assertEqual(copy.value_ids.mapped("name"), ["We keep our word"])
        self.assertEqual(copy.objective_ids, plan.objective_ids)
        self.assertFalse(copy.policy_ids)
