"""Who is told when: steps on the clock of a promise, people who are absent, and what
follows. Times count from Monday 9:00 in Athens; the office is open 9 to 17."""

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.customer_service_plan.models.protected import BY_ADDON

from .common import CspCommon


class EscalationCase(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leader = cls._create_colleague("csp_leader")
        cls.chief = cls._create_colleague("csp_chief")
        Team = cls.env["helpdesk.ticket.team"]
        cls.division = Team.create({"name": "Service", "user_id": cls.chief.id})
        cls.agent.csp_hours_id = cls.hours
        cls.team = Team.create(
            {
                "name": "Printers",
                "parent_id": cls.division.id,
                "user_id": cls.leader.id,
                "user_ids": [(6, 0, (cls.agent | cls.leader).ids)],
            }
        )
        cls.list = cls._create_list(
            [
                {
                    "sequence": 10,
                    "trigger": "before",
                    "offset_minutes": 60,
                    "recipients": "assignee",
                },
                {
                    "sequence": 20,
                    "trigger": "after",
                    "offset_minutes": 0,
                    "recipients": "team_leader",
                },
                {
                    "sequence": 30,
                    "trigger": "after",
                    "offset_minutes": 120,
                    "recipients": "parent_team_leader",
                    "action": "todo",
                    "note": "Call the customer.",
                },
            ]
        )
        cls.policy = cls._create_policy(
            [{"match_all": True, "first_response_minutes": 240}]
        )
        cls.env.company.csp_escalation_list_id = cls.list

    @classmethod
    def _create_colleague(cls, login, **vals):
        user = new_test_user(
            cls.env,
            login,
            groups="helpdesk_mgmt.group_helpdesk_user",
            tz="Europe/Athens",
            notification_type="inbox",
        )
        user.write({"csp_hours_id": cls.hours.id, **vals})
        return user

    @classmethod
    def _create_list(cls, steps, **vals):
        return cls.env["csp.escalation.list"].create(
            {
                "name": "Late",
                "last_resort_id": cls.manager.id,
                "step_ids": [(0, 0, step) for step in steps],
                **vals,
            }
        )

    def _create_ticket_of(self, user=None, **vals):
        return self._create_ticket(
            **{
                "team_id": self.team.id,
                "user_id": (user or self.agent).id,
                **vals,
            }
        )

    def _told(self, ticket):
        """Who was told in which order, by his messages and to-dos on a ticket."""
        notices = ticket.csp_escalation_ids.notice_ids
        sent = notices.filtered(lambda notice: notice.state == "sent")
        return sent.sorted(lambda notice: (notice.sent_at, notice.id)).user_id

    def _messages(self, ticket, user):
        return self.env["mail.message"].search(
            [
                ("model", "=", "helpdesk.ticket"),
                ("res_id", "=", ticket.id),
                ("message_type", "=", "user_notification"),
                ("partner_ids", "in", user.partner_id.ids),
            ]
        )


class TestSteps(EscalationCase):
    def test_steps_follow_the_opening_time(self):
        # Received Monday 15:00: due Tuesday 11:00, an hour before that is 10:00.
        ticket = self._create_ticket_of(at=self.at(hours=6))
        row = self._row(ticket, "first_response")
        self.assertEqual(row.deadline, self.at(days=1, hours=2))
        self.assertEqual(row.next_step_at, self.at(days=1, hours=1))
        self._sweep(self.at(days=1, hours=1))
        self.assertFalse(ticket.csp_escalation_ids, "one second too early")
        self._sweep(self.at(days=1, hours=1, seconds=1))
        self.assertEqual(self._told(ticket), self.agent)
        self.assertEqual(row.next_step_at, self.at(days=1, hours=2))
        self._sweep(self.at(days=1, hours=2, seconds=1))
        self.assertEqual(self._told(ticket), self.agent | self.leader)
        self.assertEqual(row.state, "missed")
        self.assertEqual(row.next_step_at, self.at(days=1, hours=4))
        self._sweep(self.at(days=1, hours=4, seconds=1))
        self.assertEqual(self._told(ticket), self.agent | self.leader | self.chief)
        self.assertFalse(row.next_step_at)
        todo = ticket.activity_ids
        self.assertEqual(todo.user_id, self.chief)
        self.assertIn("Call the customer.", todo.note)
        self.assertEqual(
            ticket.csp_escalation_ids.mapped("state"), ["told", "told", "told"]
        )
        self.assertEqual(self._kinds(ticket).count("escalated"), 3)

    def test_a_second_sweep_changes_nothing(self):
        ticket = self._create_ticket_of()
        at = self.at(hours=3, minutes=30)
        self._sweep(at)
        before = ticket.csp_escalation_ids.ids, self._messages(ticket, self.agent).ids
        self._sweep(at)
        self._sweep(at.replace(second=30))
        after = ticket.csp_escalation_ids.ids, self._messages(ticket, self.agent).ids
        self.assertEqual(before, after)
        self.assertEqual(len(after[1]), 1)

    def test_a_late_sweep_joins_the_steps(self):
        ticket = self._create_ticket_of()
        # Slept from Monday until Wednesday.
        self._sweep(self.at(days=2))
        entries = ticket.csp_escalation_ids.sorted("id")
        self.assertEqual(len(entries), 3, "each step is in the log")
        self.assertEqual(entries[:2].joined_into_id, entries[2])
        self.assertEqual(len(entries.notice_ids), 3)
        for user in (self.agent, self.leader):
            self.assertEqual(len(self._messages(ticket, user)), 1)
        self.assertEqual(ticket.activity_ids.user_id, self.chief)
        row = self._row(ticket, "first_response")
        self.assertEqual(row.missed_at, self.at(hours=4))

    def test_nobody_is_told_once_it_is_answered(self):
        ticket = self._create_ticket_of()
        self._reply(ticket, self.at(hours=1))
        self._sweep(self.at(days=3))
        self.assertFalse(ticket.csp_escalation_ids)

    def test_pausing_stops_the_chain_and_repeats_nothing(self):
        self._create_policy(
            [{"match_all": True, "resolution_minutes": 240}], name="First", sequence=1
        )
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=3, minutes=10))
        self.assertEqual(self._told(ticket), self.agent)
        self._move(ticket, self.at(hours=3, minutes=30), self.stage_waiting)
        self._sweep(self.at(days=1))
        self._move(ticket, self.at(days=1), self.stage_progress)
        self._sweep(self.at(days=1, minutes=20))
        self.assertEqual(self._told(ticket), self.agent)
        self._sweep(self.at(days=1, minutes=31))
        self.assertEqual(self._told(ticket), self.agent | self.leader)

    def test_per_cent_of_the_target(self):
        self.list.step_ids[0].offset_percent = 50
        ticket = self._create_ticket_of()
        self.assertEqual(
            self._row(ticket, "first_response").next_step_at, self.at(hours=2)
        )

    def test_a_reminder_longer_than_the_target_is_left_out(self):
        self.list.step_ids[0].offset_minutes = 240
        ticket = self._create_ticket_of()
        self.assertEqual(
            self._row(ticket, "first_response").next_step_at, self.at(hours=4)
        )

    def test_only_for_some_kinds(self):
        self.list.step_ids[0].kinds = "resolution"
        ticket = self._create_ticket_of()
        self.assertEqual(
            self._row(ticket, "first_response").next_step_at, self.at(hours=4)
        )

    def test_the_list_of_the_policy_comes_first(self):
        other = self._create_list(
            [{"trigger": "before", "offset_minutes": 30, "recipients": "assignee"}]
        )
        draft = self.policy.browse(self.policy.id)
        with freeze_time(self.at(days=-1)):
            draft.action_new_version()
            draft.draft_version_id.escalation_list_id = other
            draft.draft_version_id.action_publish()
        ticket = self._create_ticket_of()
        self.assertEqual(
            self._row(ticket, "first_response").next_step_at,
            self.at(hours=3, minutes=30),
        )

    def test_a_changed_list_plans_open_promises_anew(self):
        ticket = self._create_ticket_of()
        row = self._row(ticket, "first_response")
        self.list.step_ids[0].offset_minutes = 120
        self.env.flush_all()
        with freeze_time(self.at(hours=1)), self.enter_registry_test_mode():
            self.env.ref("customer_service_plan.ir_cron_replan").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(row.next_step_at, self.at(hours=2))

    def test_a_step_is_taken_once_for_a_promise(self):
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=3, minutes=30))
        entry = ticket.csp_escalation_ids
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            entry.with_context(csp_by_addon=BY_ADDON).copy()

    def test_complaints_follow_their_own_list(self):
        own = self._create_list(
            [
                {"trigger": "complaint", "recipients": "team_leader"},
                {
                    "trigger": "complaint",
                    "offset_minutes": 60,
                    "recipients": "parent_team_leader",
                },
                {"trigger": "before", "offset_minutes": 30, "recipients": "assignee"},
            ],
            name="Complaints",
        )
        self.env.company.csp_complaint_list_id = own
        ticket = self._create_ticket_of()
        with freeze_time(self.at(hours=1)):
            ticket.csp_is_complaint = True
        self.assertEqual(
            self._row(ticket, "first_response").next_step_at,
            self.at(hours=3, minutes=30),
        )
        self._sweep(self.at(hours=1, seconds=1))
        self.assertEqual(self._told(ticket), self.leader)
        self._sweep(self.at(hours=2, seconds=1))
        self.assertEqual(self._told(ticket), self.leader | self.chief)
        with freeze_time(self.at(hours=2, minutes=10)):
            ticket._csp_end_concern("complaint")
        self.assertEqual(set(ticket.csp_escalation_ids.mapped("state")), {"settled"})

    def test_nobody_took_the_ticket(self):
        self.env["csp.escalation.step"].create(
            {
                "list_id": self.list.id,
                "sequence": 5,
                "trigger": "unassigned",
                "offset_minutes": 30,
                "recipients": "team_leader",
            }
        )
        taken = self._create_ticket_of(user_id=False)
        left = self._create_ticket_of(user_id=False)
        with freeze_time(self.at(minutes=20)):
            taken.user_id = self.agent
        self._sweep(self.at(minutes=31))
        self.assertFalse(taken.csp_escalation_ids)
        self.assertEqual(self._told(left), self.leader)

    def test_repeated_reopening(self):
        self.env["csp.escalation.step"].create(
            {
                "list_id": self.list.id,
                "trigger": "reopened",
                "recipients": "team_leader",
            }
        )
        ticket = self._create_ticket_of()
        for day in range(2):
            self._move(ticket, self.at(days=day, hours=1), self.stage_done)
            self._move(ticket, self.at(days=day, hours=2), self.stage_progress)
            self._sweep(self.at(days=day, hours=2, seconds=5))
            self.assertEqual(bool(self._told(ticket)), bool(day))
        self.assertEqual(self._told(ticket), self.leader)

    def test_a_bad_rating(self):
        self.env["csp.escalation.step"].create(
            {
                "list_id": self.list.id,
                "trigger": "bad_rating",
                "recipients": "team_leader",
            }
        )
        ticket = self._create_ticket_of()
        self._reply(ticket, self.at(minutes=10))
        with freeze_time(self.at(hours=1)):
            token = ticket._rating_get_access_token()
            ticket.rating_apply(1, token=token, feedback="No")
        self._sweep(self.at(hours=1, seconds=5))
        self.assertEqual(self._told(ticket), self.leader)


class TestPeople(EscalationCase):
    def test_who_is_on_leave_is_passed_over_for_his_deputy(self):
        self.leader.write(
            {
                "csp_deputy_id": self.manager.id,
                "csp_away_from": self.at(days=-1),
                "csp_away_until": self.at(days=5),
            }
        )
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        notice = ticket.csp_escalation_ids.notice_ids.filtered("instead_of_id")
        self.assertEqual(notice.user_id, self.manager)
        self.assertEqual(notice.instead_of_id, self.leader)

    def test_who_left_the_team_does_not_count(self):
        ticket = self._create_ticket_of()
        self.team.user_ids = [(3, self.agent.id)]
        ticket.invalidate_recordset()
        if ticket.user_id != self.agent:
            self.skipTest("The helpdesk itself took him away.")
        self._sweep(self.at(hours=3, minutes=1))
        self.assertEqual(self._told(ticket), self.leader)

    def test_a_step_never_reaches_nobody(self):
        self.team.user_id = False
        self.division.user_id = False
        ticket = self._create_ticket_of()
        self.policy.owner_id = False
        self._sweep(self.at(hours=4, minutes=1))
        self.assertIn(self.manager, self._told(ticket))

    def test_an_archived_leader(self):
        self.leader.active = False
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        self.assertIn(self.chief, self._told(ticket))
        self.assertNotIn(self.leader, self._told(ticket))

    def test_who_does_not_work_for_the_company_is_not_told(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self._create_colleague("csp_stranger")
        stranger.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.list.step_ids[1].user_ids = stranger
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        self.assertIn(self.leader, self._told(ticket))
        self.assertNotIn(stranger, self._told(ticket))
        with freeze_time(self.at(hours=5)), self.assertRaises(UserError):
            ticket.with_user(self.agent).action_csp_escalate("Help", stranger.ids)

    def test_nights_are_respected(self):
        # A promise that runs day and night, missed at Monday 22:00 in Athens.
        always = self.env["csp.hours"].create(
            {"name": "Always", "tz": "Europe/Athens", "always_open": True}
        )
        self._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 240,
                    "hours_id": always.id,
                }
            ],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of(at=self.at(hours=9))
        self._sweep(self.at(hours=13, minutes=1))
        entries = ticket.csp_escalation_ids
        self.assertFalse(self._told(ticket))
        self.assertEqual(set(entries.mapped("state")), {"waiting"})
        self._sweep(self.at(days=1, hours=-3))
        self.assertFalse(self._told(ticket))
        # His decent hours begin at seven.
        self._sweep(self.at(days=1, hours=-1, minutes=-59))
        self.assertIn(self.leader, self._told(ticket))
        self.assertNotIn("waiting", entries.mapped("state"))

    def test_a_step_for_the_night(self):
        self.list.step_ids[1].at_night = True
        always = self.env["csp.hours"].create(
            {"name": "Always", "tz": "Europe/Athens", "always_open": True}
        )
        self._create_policy(
            [{"match_all": True, "first_response_minutes": 240, "hours_id": always.id}],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of(at=self.at(hours=9))
        self._sweep(self.at(hours=13, minutes=1))
        self.assertEqual(self._told(ticket), self.leader)

    def test_what_is_answered_at_night_is_not_told_in_the_morning(self):
        always = self.env["csp.hours"].create(
            {"name": "Always", "tz": "Europe/Athens", "always_open": True}
        )
        self._create_policy(
            [{"match_all": True, "first_response_minutes": 240, "hours_id": always.id}],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of(at=self.at(hours=9))
        self._sweep(self.at(hours=13, minutes=1))
        self._reply(ticket, self.at(hours=14))
        self._sweep(self.at(days=1, hours=2))
        self.assertFalse(self._told(ticket))
        self.assertEqual(
            set(ticket.csp_escalation_ids.notice_ids.mapped("state")), {"dropped"}
        )
        self.assertEqual(set(ticket.csp_escalation_ids.mapped("state")), {"settled"})

    def test_what_is_excused_at_night_is_not_told_in_the_morning(self):
        always = self.env["csp.hours"].create(
            {"name": "Always", "tz": "Europe/Athens", "always_open": True}
        )
        self._create_policy(
            [{"match_all": True, "first_response_minutes": 240, "hours_id": always.id}],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of(at=self.at(hours=9))
        self._sweep(self.at(hours=13, minutes=1))
        with freeze_time(self.at(hours=14)):
            row = self._row(ticket, "first_response").with_user(self.manager)
            row.action_excuse("The line was down.")
        self._sweep(self.at(days=1, hours=2))
        self.assertFalse(self._told(ticket))

    def test_many_at_once_become_one_message(self):
        tickets = self.env["helpdesk.ticket"]
        for _number in range(7):
            tickets |= self._create_ticket_of()
        self._sweep(self.at(hours=3, minutes=1))
        messages = tickets.csp_escalation_ids.notice_ids.message_id
        self.assertEqual(len(messages), 1)
        for ticket in tickets:
            self.assertIn(ticket.number, messages.body)
        self.assertEqual(messages.partner_ids, self.agent.partner_id)

    def test_both_promises_of_a_ticket_are_told_in_one_message(self):
        self._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 240,
                    "resolution_minutes": 240,
                }
            ],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        self.assertEqual(len(self._messages(ticket, self.leader)), 1)
        self.assertIn("First reply", self._messages(ticket, self.leader).body)
        self.assertIn("Solution", self._messages(ticket, self.leader).body)


class TestActions(EscalationCase):
    def _take(self, **step):
        self.list.step_ids.unlink()
        self.list.step_ids = [
            (0, 0, {"trigger": "after", "recipients": "team_leader", **step})
        ]
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        return ticket

    def test_reassign(self):
        ticket = self._take(action="reassign")
        self.assertEqual(ticket.user_id, self.leader)
        self.assertEqual(self._told(ticket), self.leader)
        self.assertEqual(ticket.csp_handover_count, 1)

    def test_raise_the_priority_never_lowers_it(self):
        ticket = self._take(action="priority", priority="2")
        self.assertEqual(ticket.priority, "2")
        ticket = self._create_ticket_of(priority="3")
        self._sweep(self.at(hours=4, minutes=2))
        self.assertEqual(ticket.priority, "3")

    def test_write_to_the_customer(self):
        template = self.env["mail.template"].create(
            {
                "name": "Sorry",
                "model_id": self.env.ref("helpdesk_mgmt.model_helpdesk_ticket").id,
                "subject": "Sorry",
                "body_html": "<p>It takes longer than we said.</p>",
            }
        )
        ticket = self._take(action="customer", mail_template_id=template.id)
        message = ticket.message_ids.filtered(
            lambda message: "longer than we said" in message.body
        )
        self.assertEqual(message.partner_ids, self.customer)
        # It is no answer.
        self.assertFalse(ticket.csp_first_response_at)

    def test_a_server_action_that_fails_stops_nothing(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Broken",
                "model_id": self.env.ref("helpdesk_mgmt.model_helpdesk_ticket").id,
                "state": "code",
                "code": "raise UserError('no')",
            }
        )
        self.list.step_ids = [
            (
                0,
                0,
                {
                    "sequence": 25,
                    "trigger": "after",
                    "offset_minutes": 30,
                    "action": "server_action",
                    "server_action_id": action.id,
                },
            )
        ]
        ticket = self._create_ticket_of()
        with mute_logger(
            "odoo.addons.customer_service_plan.models.csp_escalation",
            "odoo.addons.base.models.ir_actions",
        ):
            self._sweep(self.at(days=2))
        failed = ticket.csp_escalation_ids.filtered(lambda e: e.state == "failed")
        self.assertEqual(failed.action, "server_action")
        self.assertIn("no", failed.error)
        self.assertEqual(ticket.activity_ids.user_id, self.chief)

    def test_a_server_action_runs(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Tag",
                "model_id": self.env.ref("helpdesk_mgmt.model_helpdesk_ticket").id,
                "state": "code",
                "code": "record.write({'color': 4})",
            }
        )
        ticket = self._take(action="server_action", server_action_id=action.id)
        self.assertEqual(ticket.color, 4)


class TestTakingCharge(EscalationCase):
    def test_it_stops_the_chain_until_the_next_missed_promise(self):
        self._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 120,
                    "resolution_minutes": 360,
                }
            ],
            name="First",
            sequence=1,
        )
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=2, minutes=1))
        self.assertEqual(self._told(ticket), self.agent | self.leader)
        with freeze_time(self.at(hours=2, minutes=10)):
            ticket.with_user(self.leader).action_csp_take_charge()
        self.assertEqual(ticket.csp_taken_by_id, self.leader)
        states = ticket.csp_escalation_ids.mapped("state")
        self.assertEqual(set(states), {"taken"})
        # The later steps of the first reply, and the reminder of the solution, are
        # left out.
        self._sweep(self.at(hours=5, minutes=30))
        self.assertEqual(len(ticket.csp_escalation_ids), len(states))
        self._sweep(self.at(hours=6, minutes=1))
        self.assertFalse(ticket.csp_taken_by_id)
        self.assertEqual(
            len(ticket.csp_escalation_ids), len(states) + 1, "the solution is late"
        )

    def test_who_takes_charge_of_a_ticket_without_assignee_gets_it(self):
        ticket = self._create_ticket_of(user_id=False)
        with freeze_time(self.at(hours=1)):
            ticket.with_user(self.agent).action_csp_take_charge()
        self.assertEqual(ticket.user_id, self.agent)

    def test_a_closed_ticket_has_nothing_to_take_charge_of(self):
        ticket = self._create_ticket_of()
        self._move(ticket, self.at(hours=1), self.stage_done)
        with self.assertRaises(UserError):
            ticket.with_user(self.agent).action_csp_take_charge()

    def test_replay_comes_to_the_same(self):
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        with freeze_time(self.at(hours=5)):
            ticket.action_csp_take_charge()
        self._ask(ticket, self.at(hours=6))
        before = self._snapshot(ticket), ticket.csp_taken_at, ticket.csp_escalated_at
        with freeze_time(self.at(hours=6)):
            ticket._csp_replay()
        after = self._snapshot(ticket), ticket.csp_taken_at, ticket.csp_escalated_at
        self.assertEqual(before, after)
        self._sweep(self.at(days=3))
        self.assertEqual(len(ticket.csp_escalation_ids), 2)


class TestByHand(EscalationCase):
    def test_an_agent_calls_for_help(self):
        ticket = self._create_ticket_of()
        with freeze_time(self.at(hours=1)):
            ticket.with_user(self.agent).action_csp_escalate("The customer shouts.")
        entry = ticket.csp_escalation_ids
        self.assertTrue(entry.is_manual)
        self.assertEqual(entry.by_id, self.agent)
        self._sweep(self.at(hours=1, seconds=2))
        self.assertEqual(self._told(ticket), self.leader)
        self.assertIn("shouts", self._messages(ticket, self.leader).body)

    def test_with_a_reason_only(self):
        ticket = self._create_ticket_of()
        for reason in ("", "  ", None, False, 5):
            with self.subTest(reason=reason), self.assertRaises(UserError):
                ticket.with_user(self.agent).action_csp_escalate(reason)

    def test_customers_cannot_be_told(self):
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        ticket = self._create_ticket_of()
        with self.assertRaises(UserError):
            ticket.with_user(self.agent).action_csp_escalate("Help", portal.ids)

    def test_not_on_tickets_of_others(self):
        ticket = self._create_ticket_of(user=self.leader)
        stranger = new_test_user(
            self.env, "csp_own", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        ticket.team_id = self.division
        for call in (
            lambda: ticket.with_user(stranger).action_csp_take_charge(),
            lambda: ticket.with_user(stranger).action_csp_escalate("Help"),
        ):
            with self.assertRaises(AccessError):
                call()


class TestForging(EscalationCase):
    def test_nobody_writes_the_log(self):
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=4, minutes=1))
        entry = ticket.csp_escalation_ids[:1]
        for record in (entry, entry.notice_ids[:1]):
            for user in (self.agent, self.leader, self.manager):
                mine = record.with_user(user)
                with self.assertRaises(AccessError):
                    mine.write({"state": record.state})
                with self.assertRaises(AccessError):
                    mine.unlink()
                with self.assertRaises(AccessError):
                    mine.create({"state": record.state})

    def test_nobody_says_who_took_charge(self):
        ticket = self._create_ticket_of()
        for name in ("csp_taken_by_id", "csp_taken_at", "csp_escalated_at"):
            for user in (self.agent, self.manager):
                with self.subTest(name=name), self.assertRaises(AccessError):
                    ticket.with_user(user).write({name: False})

    def test_agents_change_no_list(self):
        with self.assertRaises(AccessError):
            self.list.with_user(self.agent).write({"name": "Mine"})
        with self.assertRaises(AccessError):
            self.list.step_ids.with_user(self.agent).write({"offset_minutes": 9})


class TestSteady(EscalationCase):
    def test_incomplete_steps_are_refused(self):
        Step = self.env["csp.escalation.step"].with_user(self.manager)
        for vals in (
            {"trigger": "before", "recipients": "assignee"},
            {"trigger": "before", "offset_percent": 100, "recipients": "assignee"},
            {"trigger": "complaint", "offset_percent": 10, "recipients": "assignee"},
            {"action": "notify"},
            {"action": "customer"},
            {"action": "priority"},
            {"action": "server_action"},
            {"recipients": "the_boss"},
            {"recipients": "assignee", "kinds": "chat"},
        ):
            with self.subTest(vals=vals), self.assertRaises(ValidationError):
                Step.create({"list_id": self.list.id, "sequence": 90, **vals})
