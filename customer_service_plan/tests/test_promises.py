from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, users
from odoo.tools import mute_logger

from .common import CspCommon


class TestPromises(CspCommon):
    """What happens to a ticket moves its promises, whatever the door."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(
            [
                {
                    "priority_from": "3",
                    "first_response_minutes": 15,
                    "next_response_minutes": 30,
                    "resolution_minutes": 240,
                },
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "next_response_minutes": 120,
                    "resolution_minutes": 960,
                },
            ]
        )
        cls.version = cls.policy.current_version_id
        cls.urgent, cls.normal = cls.version.line_ids

    def test_received(self):
        ticket = self._create_ticket()
        self.assertEqual(self._kinds(ticket), ["received", "promised"])
        self.assertEqual(ticket.csp_received_at, self.at())
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self.assertEqual(ticket.csp_policy_version_id, self.version)
        self.assertRecordValues(
            ticket.csp_commitment_ids.sorted("kind"),
            [
                {
                    "kind": "first_response",
                    "state": "running",
                    "target_seconds": 3600,
                    "deadline": self.at(hours=1),
                    "running_since": self.at(),
                    "next_step_at": self.at(hours=1),
                    "hours_id": self.hours.id,
                    "company_id": self.env.company.id,
                },
                {
                    "kind": "resolution",
                    "state": "running",
                    "target_seconds": 57600,
                    # 16 opening hours: Monday and Tuesday
                    "deadline": self.at(days=1, hours=8),
                    "running_since": self.at(),
                    "next_step_at": self.at(days=1, hours=8),
                    "hours_id": self.hours.id,
                    "company_id": self.env.company.id,
                },
            ],
        )
        self.assertEqual(ticket.csp_next_deadline, self.at(hours=1))
        self.assertEqual(ticket.csp_next_kind, "first_response")

    def test_reply_and_solution(self):
        ticket = self._create_ticket()
        self._reply(ticket, self.at(minutes=20))
        first = self._row(ticket, "first_response")
        self.assertEqual((first.state, first.consumed_seconds), ("met", 1200))
        self.assertEqual(ticket.csp_first_response_at, self.at(minutes=20))
        self.assertEqual(ticket.csp_next_kind, "resolution")
        self._ask(ticket, self.at(hours=2))
        self._ask(ticket, self.at(hours=3))
        following = self._row(ticket, "next_response")
        self.assertEqual(following.started_at, self.at(hours=2))
        self.assertEqual(ticket.csp_next_deadline, self.at(hours=4))
        self._reply(ticket, self.at(hours=4))
        self.assertEqual(following.state, "met")
        self._move(ticket, self.at(hours=5), self.stage_done)
        self.assertEqual(self._row(ticket, "resolution").state, "met")
        self.assertFalse(ticket.csp_next_deadline)
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_what_is_no_reply(self):
        ticket = self._create_ticket()
        now = self.at(minutes=10)
        partner = self.agent.partner_id
        robot = self.env.ref("base.partner_root")
        self._post(ticket, now, partner, subtype_xmlid="mail.mt_note")
        self._post(ticket, now, partner, message_type="auto_comment")
        self._post(ticket, now, partner, message_type="notification")
        self._post(ticket, now, partner, message_type="out_of_office")
        self._post(ticket, now, robot)
        self._post(ticket.with_context(csp_silent=True), now, partner)
        self._post(ticket.with_context(csp_automatic_mail=True), now, partner)
        self.assertEqual(self._kinds(ticket), ["received", "promised"])

    def test_employee_as_customer_gives_no_reply(self):
        ticket = self._create_ticket(partner_id=self.agent.partner_id.id)
        self._reply(ticket, self.at(minutes=10))
        self.assertEqual(self._kinds(ticket)[-1], "customer_message")
        self.assertFalse(ticket.csp_first_response_at)

    def test_missed_does_not_depend_on_the_sweep(self):
        swept, unswept = self._create_ticket(), self._create_ticket()
        self._sweep(self.at(hours=1))
        self.assertEqual(self._row(swept, "first_response").state, "running")
        with freeze_time(self.at(hours=3)):
            self.env["csp.commitment"]._bring_up_to_date(swept.ids)
        row = self._row(swept, "first_response")
        self.assertEqual((row.state, row.missed_at), ("missed", self.at(hours=1)))
        self.assertFalse(row.next_step_at)
        self.assertFalse(row.ended_at)
        self.assertEqual(swept.csp_next_deadline, self.at(hours=1))
        for ticket in swept + unswept:
            self._reply(ticket, self.at(hours=4))
        self.assertEqual(self._snapshot(swept), self._snapshot(unswept))
        self.assertEqual(self._row(unswept, "first_response").overrun_seconds, 10800)
        self.assertEqual(self._kinds(swept), self._kinds(unswept))

    def test_sweep_by_cron(self):
        ticket = self._create_ticket()
        other = self._create_ticket(at=self.at(hours=3))
        self._sweep(self.at(hours=3))
        self.assertEqual(self._row(ticket, "first_response").state, "missed")
        self.assertEqual(self._row(other, "first_response").state, "running")
        before = self._snapshot(ticket)
        self._sweep(self.at(hours=3, minutes=30))
        self.assertEqual(self._snapshot(ticket), before)
        self.assertEqual(self._kinds(ticket).count("missed"), 1)

    def test_pause(self):
        ticket = self._create_ticket()
        self._reply(ticket, self.at(minutes=30))
        self._move(ticket, self.at(hours=1), self.stage_waiting)
        row = self._row(ticket, "resolution")
        self.assertRecordValues(
            row,
            [
                {
                    "state": "paused",
                    "deadline": False,
                    "running_since": False,
                    "consumed_seconds": 3600,
                    "next_step_at": False,
                }
            ],
        )
        self.assertEqual(ticket.csp_waiting_on, "customer")
        self.assertFalse(ticket.csp_next_deadline)
        self._move(ticket, self.at(days=1), self.stage_progress)
        self.assertEqual(row.deadline, self.at(days=2, hours=7))

    def test_customer_answer_resumes(self):
        ticket = self._create_ticket()
        self._move(ticket, self.at(minutes=5), self.stage_progress)
        self._reply(ticket, self.at(minutes=30))
        self._move(ticket, self.at(hours=1), self.stage_waiting)
        self._ask(ticket, self.at(hours=2))
        self.assertEqual(ticket.stage_id, self.stage_progress)
        self.assertEqual(self._row(ticket, "resolution").state, "running")
        self.assertEqual(self._kinds(ticket)[-2:], ["customer_message", "resumed"])

    def test_priority_change_measures_again(self):
        ticket = self._create_ticket()
        self._move(ticket, self.at(hours=0, minutes=10), self.stage_waiting)
        self._move(ticket, self.at(hours=0, minutes=20), self.stage_progress)
        with freeze_time(self.at(minutes=30)):
            ticket.priority = "3"
        first, solution = (
            self._row(ticket, "first_response"),
            self._row(ticket, "resolution"),
        )
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
        self.assertRecordValues(
            first + solution,
            [
                {
                    "state": "missed",
                    "target_seconds": 900,
                    "deadline": self.at(minutes=15),
                    "missed_at": self.at(minutes=30),
                    "policy_line_id": self.urgent.id,
                },
                {
                    "state": "running",
                    "target_seconds": 14400,
                    "deadline": self.at(hours=4, minutes=10),
                    "missed_at": False,
                    "policy_line_id": self.urgent.id,
                },
            ],
        )
        with freeze_time(self.at(minutes=40)):
            ticket.priority = "1"
        self.assertEqual(first.target_seconds, 900)
        self.assertEqual(solution.target_seconds, 57600)
        self.assertEqual(self._kinds(ticket).count("promised"), 3)

    def test_closing_and_reopening(self):
        ticket = self._create_ticket()
        self._move(ticket, self.at(hours=2), self.stage_done)
        first = self._row(ticket, "first_response")
        # Missed at its deadline, an hour before it was closed
        self.assertEqual((first.state, first.missed_at), ("missed", self.at(hours=1)))
        self.assertEqual(ticket.closed_date, self.at(hours=2))
        self._move(ticket, self.at(days=1), self.stage_progress)
        self.assertFalse(ticket.closed_date)
        solution = self._row(ticket, "resolution")
        self.assertEqual(solution.state, "running")
        self.assertEqual(solution.deadline, self.at(days=2, hours=6))
        self._move(ticket, self.at(days=1, hours=1), self.stage_done)
        self._move(ticket, self.at(days=14), self.stage_progress)
        again = self._row(ticket, "resolution")
        self.assertNotEqual(again, solution)
        self.assertEqual(again.started_at, self.at(days=14))
        self.assertEqual(ticket.csp_reopen_count, 2)

    def test_cancelled_never_counts_as_met(self):
        for values in ({"stage_id": self.stage_cancelled.id}, {"active": False}):
            ticket = self._create_ticket()
            with freeze_time(self.at(minutes=30)):
                ticket.write(values)
            states = set(ticket.csp_commitment_ids.mapped("state"))
            self.assertEqual(states, {"cancelled"})

    def test_duplicate_closed_as_done_is_cancelled(self):
        original, ticket = self._create_ticket(), self._create_ticket()
        with freeze_time(self.at(minutes=30)):
            ticket.write({"duplicate_id": original.id, "stage_id": self.stage_done.id})
        self.assertEqual(ticket.csp_closed_as, "cancelled")

    def test_created_closed_and_created_waiting(self):
        closed = self._create_ticket(stage_id=self.stage_done.id)
        self.assertEqual(self._kinds(closed), ["received", "closed"])
        self.assertFalse(closed.csp_commitment_ids)
        self.assertEqual(closed.closed_date, self.at())
        waiting = self._create_ticket(stage_id=self.stage_waiting.id)
        self.assertEqual(self._row(waiting, "resolution").state, "paused")

    def test_live_channel_is_answered_at_receipt(self):
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        self.assertTrue(phone.csp_live)
        ticket = self._create_ticket(user=self.agent, channel_id=phone.id)
        self.assertEqual(self._kinds(ticket), ["received", "promised", "staff_reply"])
        self.assertEqual(self._row(ticket, "first_response").state, "met")
        mail = self._create_ticket(user=self.agent)
        self.assertEqual(self._row(mail, "first_response").state, "running")

    def test_no_answer_needed(self):
        ticket = self._create_ticket()
        self._reply(ticket, self.at(minutes=5))
        self._ask(ticket, self.at(minutes=10))
        with freeze_time(self.at(minutes=15)):
            ticket.with_user(self.agent).action_csp_no_answer_needed()
        self.assertEqual(self._row(ticket, "next_response").state, "cancelled")
        with self.assertRaises(UserError):
            ticket.action_csp_no_answer_needed()

    def test_live_rows_equal_replayed_rows(self):
        ticket = self._create_ticket()
        self._reply(ticket, self.at(minutes=70))
        self._ask(ticket, self.at(minutes=80))
        self._move(ticket, self.at(minutes=90), self.stage_waiting)
        with freeze_time(self.at(minutes=100)):
            ticket.priority = "3"
        self._move(ticket, self.at(days=1), self.stage_progress)
        self._move(ticket, self.at(days=1, hours=3), self.stage_done)
        self._move(ticket, self.at(days=2), self.stage_progress)
        live = self._snapshot(ticket)
        with freeze_time(self.at(days=2)):
            ticket._csp_replay()
        self.assertEqual(self._snapshot(ticket), live)

    def test_hours_changed(self):
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=10)):
            self.hours.line_ids.filtered(lambda line: line.weekday == "0").unlink()
            # Before the replanning has run, a reply plans it anew first.
            self.assertEqual(
                self._row(ticket, "first_response").deadline, self.at(hours=1)
            )
        with freeze_time(self.at(hours=2)), self.enter_registry_test_mode():
            self.env.ref("customer_service_plan.ir_cron_replan").method_direct_trigger()
        self.env.invalidate_all()
        row = self._row(ticket, "first_response")
        self.assertEqual((row.state, row.deadline), ("running", self.at(1, 1)))
        self._reply(ticket, self.at(hours=3))
        self.assertEqual(row.state, "met")

    def test_no_old_plan_is_missed(self):
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=10)):
            self.hours.line_ids.filtered(lambda line: line.weekday == "0").unlink()
        self._reply(ticket, self.at(hours=3))
        self.assertEqual(self._row(ticket, "first_response").state, "met")

    def test_hours_that_never_open(self):
        with freeze_time(self.at(days=-1)):
            self.hours.line_ids.unlink()
        ticket = self._create_ticket()
        row = self._row(ticket, "first_response")
        self.assertEqual((row.state, row.deadline), ("running", False))
        with freeze_time(self.at(days=400)):
            self.hours.line_ids = [
                (0, 0, {"weekday": "0", "minute_from": 540, "minute_to": 1020})
            ]
            self.env["csp.commitment"]._bring_up_to_date(ticket.ids)
        self.assertEqual(row.deadline, self.at(hours=1))
        self.assertEqual(row.state, "missed")
        self.assertEqual(row.missed_at, self.at(days=400))

    def test_excuse(self):
        ticket = self._create_ticket()
        row = self._row(ticket, "first_response")
        with self.assertRaises(UserError):
            row.with_user(self.manager).action_excuse("Power cut")
        self._sweep(self.at(hours=2))
        with self.assertRaises(AccessError):
            row.with_user(self.agent).action_excuse("Power cut")
        with self.assertRaises(UserError):
            row.with_user(self.manager).action_excuse("  ")
        with freeze_time(self.at(hours=3)):
            row.with_user(self.manager).action_excuse("Power cut")
        self.assertEqual((row.state, row.missed_at), ("excused", self.at(hours=1)))
        self.assertEqual(row.excuse_reason, "Power cut")
        self._reply(ticket, self.at(hours=5))
        self.assertEqual((row.state, row.overrun_seconds), ("excused", 14400))
        live = self._snapshot(ticket)
        with freeze_time(self.at(hours=5)):
            ticket._csp_replay()
        self.assertEqual(self._snapshot(ticket), live)

    @users("csp_agent", "csp_manager")
    def test_facts_cannot_be_written(self):
        ticket = self._create_ticket().with_user(self.env.user)
        row = ticket.csp_commitment_ids[0]
        event = ticket.csp_event_ids[0]
        for record, values in (
            (ticket, {"csp_next_deadline": "2030-01-01 00:00:00"}),
            (ticket, {"csp_received_at": "2020-01-01 00:00:00"}),
            (ticket, {"csp_commitment_ids": [(5,)]}),
            (row, {"deadline": "2030-01-01 00:00:00"}),
            (event, {"at": "2030-01-01 00:00:00"}),
        ):
            with self.assertRaises(AccessError):
                record.write(values)
            with self.assertRaises(AccessError):
                record.with_context(csp_by_addon=True).write(values)
        with self.assertRaises(AccessError):
            row.sudo().write({"state": "met"})
        with self.assertRaises(AccessError):
            event.sudo().unlink()
        with self.assertRaises(AccessError):
            self.env["csp.ticket.event"].sudo().create(
                {"ticket_id": ticket.id, "kind": "staff_reply", "at": self.at()}
            )

    def test_defaults_cannot_smuggle_facts(self):
        Ticket = self.env["helpdesk.ticket"].with_user(self.agent)
        with freeze_time(self.at()):
            ticket = Ticket.with_context(
                default_csp_next_deadline="2030-01-01 00:00:00",
                default_csp_seen_state="1|1|0|0",
                default_csp_received_at="2020-01-01 00:00:00",
            ).create({"name": "x", "description": "x"})
        self.assertEqual(ticket.csp_received_at, self.at())
        self.assertEqual(ticket.csp_next_deadline, self.at(hours=1))

    def test_received_earlier(self):
        with self.assertRaises(AccessError):
            self._create_ticket(user=self.agent, csp_received_at=self.at(days=-1))
        with self.assertRaises(ValidationError):
            self._create_ticket(user=self.manager, csp_received_at=self.at(days=1))
        ticket = self._create_ticket(
            at=self.at(days=1), user=self.manager, csp_received_at=self.at()
        )
        row = self._row(ticket, "first_response")
        self.assertEqual((row.state, row.missed_at), ("missed", self.at(hours=1)))
        event = ticket.csp_event_ids.filtered(lambda event: event.kind == "promised")
        self.assertEqual(event.at, self.at())

    def test_no_promise_for_what_no_line_holds_for(self):
        self.policy.active = False
        ticket = self._create_ticket()
        self.assertFalse(ticket.csp_policy_line_id)
        self.assertFalse(ticket.csp_commitment_ids)
        self.assertEqual(self._kinds(ticket), ["received"])
        self.policy.active = True
        with freeze_time(self.at(hours=2)):
            ticket.priority = "2"
        row = self._row(ticket, "first_response")
        # Promised only now: missed now, not before it was promised.
        self.assertEqual((row.state, row.missed_at), ("missed", self.at(hours=2)))
        self.assertEqual(row.deadline, self.at(hours=1))

    @mute_logger("odoo.addons.customer_service_plan.models.helpdesk_ticket")
    def test_broken_rules_never_keep_a_request_out(self):
        def explode(*args, **kwargs):
            raise ZeroDivisionError

        self.patch(type(self.env["helpdesk.ticket"]), "_csp_find_promise", explode)
        ticket = self._create_ticket()
        self.assertEqual(self._kinds(ticket), ["received"])

    def test_match_again_is_a_managers_act(self):
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=10)):
            self.policy.action_new_version()
            draft = self.policy.draft_version_id
            draft.line_ids[-1].resolution_minutes = 480
            draft.action_publish()
        with freeze_time(self.at(minutes=20)):
            ticket.priority = "2"
            self.assertEqual(ticket.csp_policy_version_id, self.version)
            with self.assertRaises(AccessError):
                ticket.with_user(self.agent).action_csp_match_again()
            ticket.with_user(self.manager).action_csp_match_again()
        self.assertEqual(ticket.csp_policy_version_id, draft)
        self.assertEqual(self._row(ticket, "resolution").deadline, self.at(hours=8))
        with freeze_time(self.at(minutes=30)):
            ticket.priority = "1"
        self.assertEqual(ticket.csp_policy_version_id, draft)

    def test_handovers_are_counted(self):
        ticket = self._create_ticket(user_id=False)
        with freeze_time(self.at(minutes=10)):
            ticket.user_id = self.agent
        self.assertEqual(ticket.csp_handover_count, 0)
        with freeze_time(self.at(minutes=20)):
            ticket.user_id = self.manager
        self.assertEqual(ticket.csp_handover_count, 1)
        self.assertEqual(self._kinds(ticket).count("handover"), 2)

    def test_copy_starts_anew(self):
        ticket = self._create_ticket()
        self._reply(ticket, self.at(minutes=10))
        with freeze_time(self.at(hours=5)):
            copy = ticket.copy()
        self.assertEqual(copy.csp_received_at, self.at(hours=5))
        self.assertEqual(self._kinds(copy), ["received", "promised"])

    def test_deleting_a_ticket(self):
        ticket = self._create_ticket()
        rows, events = ticket.csp_commitment_ids, ticket.csp_event_ids
        ticket.unlink()
        self.assertFalse(rows.exists() or events.exists())

    def test_ticket_from_a_form(self):
        with freeze_time(self.at()):
            form = Form(self.env["helpdesk.ticket"].with_user(self.agent))
            form.name = "From the form"
            form.description = "text"
            ticket = form.save()
            self.assertEqual(ticket.csp_policy_line_id, self.normal)
            form.priority = "3"
            form.save()
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
