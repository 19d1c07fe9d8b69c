from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

from ..tools.epoch import from_epoch
from .common import CspCommon


class TestEscalationScreens(CspCommon):
    """What a list says of itself is what the sweep then does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leader = new_test_user(
            cls.env,
            "csp_leader",
            groups="helpdesk_mgmt.group_helpdesk_user",
            tz="Europe/Athens",
        )
        cls.agent.tz = "Europe/Athens"
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {
                "name": "Service",
                "user_id": cls.leader.id,
                "user_ids": [Command.set((cls.leader + cls.agent).ids)],
            }
        )
        cls.list = cls._create_list(
            {"trigger": "before", "offset_percent": 25, "recipients": "assignee"},
            {"trigger": "after", "recipients": "team_leader"},
            {
                "trigger": "after",
                "offset_minutes": 120,
                "action": "todo",
                "recipients": "team_leader",
                "note": "Call the customer.",
            },
        )
        cls.env.company.csp_escalation_list_id = cls.list
        cls._create_policy([{"match_all": True, "first_response_minutes": 240}])

    @classmethod
    def _create_list(cls, *steps, **vals):
        return (
            cls.env["csp.escalation.list"]
            .with_user(cls.manager)
            .create(
                {
                    "name": "Late answers",
                    "last_resort_id": cls.manager.id,
                    "step_ids": [
                        Command.create({"sequence": number, **step})
                        for number, step in enumerate(steps, 1)
                    ],
                    **vals,
                }
            )
        )

    def _late_ticket(self, at=None):
        return self._create_ticket(at=at, team_id=self.team.id, user_id=self.agent.id)

    def _taken(self, ticket):
        entries = self.env["csp.escalation"].search(
            [("ticket_id", "=", ticket.id)], order="at, id"
        )
        return [(entry.step_id.id, entry.at) for entry in entries]

    # === In words ===

    def test_texts(self):
        self.assertEqual(
            self.list.step_ids.mapped("when_text"),
            [
                "25 % of the target before a promise is missed",
                "As soon as a promise was missed",
                "2 h after a promise was missed",
            ],
        )
        todo = self.list.step_ids[-1]
        self.assertEqual(todo.what_text, "To-do: Call the customer.")
        self.assertEqual(todo.who_text, "Team leader")
        todo.kinds = "first_response,resolution"
        self.assertEqual(
            todo.when_text, "2 h after a first reply or a solution was missed"
        )
        todo.write({"kinds": False, "trigger": "complaint"})
        self.assertEqual(todo.when_text, "2 h after a complaint")
        self.assertEqual(
            todo.display_name, "2 h after a complaint: To-do: Call the customer."
        )

    # === Rules ===

    def test_falling_delays_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "stands below it"):
            self._create_list(
                {"trigger": "after", "offset_minutes": 60, "recipients": "assignee"},
                {"trigger": "after", "offset_minutes": 30, "recipients": "team_leader"},
            )
        with self.assertRaisesRegex(ValidationError, "stands below it"):
            self.list.step_ids[0].sequence = 9

    def test_other_promises_have_their_own_order(self):
        self._create_list(
            {
                "trigger": "after",
                "kinds": "resolution",
                "offset_minutes": 60,
                "recipients": "assignee",
            },
            {
                "trigger": "after",
                "kinds": "first_response",
                "offset_minutes": 30,
                "recipients": "assignee",
            },
            {"trigger": "complaint", "recipients": "assignee"},
        )

    def test_steps_are_put_into_another_order_at_once(self):
        first, second, _third = self.list.step_ids
        self.list.step_ids = [
            Command.update(first.id, {"sequence": 5, "trigger": "after"}),
            Command.update(second.id, {"sequence": 1}),
            Command.update(_third.id, {"sequence": 9}),
        ]

    def test_twins_are_refused(self):
        step = {"trigger": "after", "recipients": "assignee"}
        with self.assertRaisesRegex(ValidationError, "stands here twice"):
            self._create_list(step, step)

    def test_circles_are_refused(self):
        give = {"trigger": "after", "action": "reassign"}
        with self.assertRaisesRegex(ValidationError, "goes round in a circle"):
            self._create_list(
                {**give, "offset_minutes": 1, "user_ids": self.leader.ids},
                {**give, "offset_minutes": 2, "user_ids": self.agent.ids},
                {**give, "offset_minutes": 3, "user_ids": self.leader.ids},
            )
        with self.assertRaisesRegex(ValidationError, "has it already"):
            self._create_list({**give, "recipients": "assignee"})

    def test_problems(self):
        self.assertFalse(self.list.problem_text)
        self.assertIn("no steps yet", self._create_list().problem_text)
        self.list.step_ids[1:].unlink()
        self.assertIn("Nobody is told once", self.list.problem_text)
        self.team.user_id = False
        self.list.step_ids.recipients = "team_leader"
        self.assertIn("Teams without a leader: Service", self.list.problem_text)
        self.list.last_resort_id = self.leader
        self.leader.active = False
        self.assertIn("is archived", self.list.problem_text)

    # === Example and dry run ===

    def test_example_is_what_the_sweep_does(self):
        with freeze_time(self.at(days=-4)):
            self.list.invalidate_recordset()
            example = self.list.example
        start = from_epoch(example["start"])
        # Monday 16:30 in Athens
        self.assertEqual(start, self.at(hours=7, minutes=30))
        self.assertEqual(example["tz"], "Europe/Athens")
        told = [
            (row["sequence"], from_epoch(row["at"]))
            for row in example["rows"]
            if row["kind"] == "step"
        ]
        ticket = self._late_ticket(start)
        for _number, at in told:
            self._sweep(at.replace(second=1))
        numbers = dict(zip(self.list.step_ids.ids, (1, 2, 3), strict=True))
        taken = [
            (numbers[step], at.replace(second=0)) for step, at in self._taken(ticket)
        ]
        self.assertEqual(taken, told)
        self.assertEqual(
            [row["kind"] for row in example["rows"]],
            ["received", "step", "deadline", "step", "step"],
        )
        closed = example["rows"][1]["closed"]
        self.assertEqual(from_epoch(closed[0][0]), self.at(hours=8))
        self.assertEqual(from_epoch(closed[0][1]), self.at(days=1))

    def test_example_follows_unsaved_steps(self):
        with freeze_time(self.at()), Form(self.list) as form:
            before = len(form.example["rows"])
            with form.step_ids.new() as step:
                step.trigger = "after"
                step.offset_minutes = 300
                step.recipients = "policy_owner"
            self.assertEqual(len(form.example["rows"]), before + 1)
            self.assertEqual(form.example["rows"][-1]["who"], "Owner of the policy")
            form.example_target_minutes = 60
            self.assertEqual(
                from_epoch(form.example["deadline"]), self.at(days=8, minutes=30)
            )

    def test_dry_run_is_what_happens(self):
        ticket = self._late_ticket(self.at())
        with freeze_time(self.at(minutes=1)):
            agents = self.list.with_user(self.agent)
            plan = agents.action_dry_run(ticket.id)
        self.assertEqual({row["state"] for row in plan}, {"planned"})
        self.assertEqual(
            [row["who"] for row in plan],
            [[self.agent.name], [self.leader.name], [self.leader.name]],
        )
        for row in plan:
            at = from_epoch(0).fromisoformat(row["at"])
            self._sweep(at.replace(second=1))
        self.assertEqual(
            [(step, str(at.replace(second=0))) for step, at in self._taken(ticket)],
            [(row["step"], row["at"]) for row in plan],
        )
        with freeze_time(self.at(days=1)):
            done = agents.action_dry_run(ticket)
        self.assertEqual({row["state"] for row in done}, {"done"})
        self.assertEqual([row["who"] for row in done], [row["who"] for row in plan])

    def test_dry_run_tells_why_not(self):
        ticket = self._late_ticket(self.at())
        with freeze_time(self.at(hours=1)):
            ticket.with_user(self.agent).action_csp_take_charge()
            before, *after = self.list.action_dry_run(ticket)
        self.assertEqual(before["state"], "stopped")
        self.assertIn("takes charge since", before["why"])
        self.assertEqual({row["state"] for row in after}, {"planned"})
        self._move(ticket, self.at(hours=2), self.stage_done)
        with freeze_time(self.at(hours=2)):
            plan = self.list.action_dry_run(ticket)
        self.assertEqual({row["state"] for row in plan}, {"skipped"})
        self.assertEqual({row["why"] for row in plan}, {"The ticket is closed."})

    def test_dry_run_asks_for_access(self):
        ticket = self._late_ticket(self.at())
        employee = new_test_user(self.env, "csp_nobody", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.list.with_user(employee).action_dry_run(ticket)

    def test_dry_run_writes_nothing(self):
        ticket = self._late_ticket(self.at())
        self.env.flush_all()
        # The rollback to the test's savepoint takes this back.
        self.env.cr.execute("SET TRANSACTION READ ONLY")
        with freeze_time(self.at(minutes=1)):
            self.assertTrue(self.list.with_user(self.agent).action_dry_run(ticket))

    def test_dry_run_does_not_ask_more_for_more_steps(self):
        ticket = self._late_ticket(self.at())
        steps = [
            {
                "trigger": "after",
                "offset_minutes": minutes,
                "recipients": "assignee,team_leader",
            }
            for minutes in range(10, 100, 10)
        ]
        longer = self._create_list(*steps)
        counts = []
        with freeze_time(self.at(minutes=1)):
            for each in (self.list, longer):
                each.action_dry_run(ticket)
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                each.action_dry_run(ticket)
                counts.append(self.env.cr.sql_log_count - before)
        # Where people are at each moment is asked for each moment.
        self.assertLess(counts[1], 3 * counts[0])

    def test_list_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self._create_list(company_id=False)
        self.env["csp.escalation.list"].browse(theirs.id).company_id = other
        with self.assertRaises(AccessError):
            theirs.with_user(self.agent).action_dry_run(self._late_ticket(self.at()))
        with self.assertRaises(ValidationError):
            self.env.company.csp_escalation_list_id = theirs

    def test_agents_read_only(self):
        mine = self.list.with_user(self.agent)
        self.assertTrue(mine.step_ids.mapped("when_text"))
        with self.assertRaises(AccessError):
            mine.name = "Mine"

    # === On the ticket ===

    def test_panel(self):
        ticket = self._late_ticket(self.at())
        mine = ticket.with_user(self.agent)
        with freeze_time(self.at(minutes=1)):
            panel = mine.csp_panel_data()["escalation"]
            self.assertFalse(panel["at"] or panel["can_take"] or panel["steps"])
            self.assertTrue(panel["has_list"] and panel["can_escalate"])
        self._sweep(self.at(hours=5))
        with freeze_time(self.at(hours=5, minutes=1)):
            panel = mine.csp_panel_data()["escalation"]
            self.assertTrue(panel["can_take"])
            self.assertIn("were told", panel["steps"][0]["text"])
            mine.action_csp_take_charge()
            panel = mine.csp_panel_data()["escalation"]
        self.assertTrue(panel["is_mine"])
        self.assertFalse(panel["can_take"])
        self.assertIn("takes charge since", panel["steps"][0]["outcome"])

    def test_escalate_by_hand(self):
        ticket = self._late_ticket(self.at())
        Wizard = self.env["csp.ticket.escalate"].with_user(self.agent)
        with freeze_time(self.at(minutes=5)):
            wizard = Wizard.with_context(
                active_model="helpdesk.ticket", active_ids=ticket.ids
            ).create({"reason": "I need a decision."})
            self.assertEqual(wizard.suggestion, self.leader.name)
            wizard.action_escalate()
            with self.assertRaises(UserError):
                Wizard.create({"reason": "For nothing"}).action_escalate()
        entry = ticket.csp_escalation_ids
        self.assertEqual(entry.reason, "I need a decision.")
        self.assertEqual(entry.user_ids, self.leader)
        self.assertEqual(
            self.env["csp.escalation"].search([("user_ids", "in", self.leader.ids)]),
            entry,
        )
