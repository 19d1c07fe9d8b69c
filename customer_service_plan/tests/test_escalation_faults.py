"""What is taken away, changed or broken while steps of escalation are pending."""

from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.tools import mute_logger

from .test_escalation import EscalationCase


class TestEscalationFaults(EscalationCase):
    def _steps(self, ticket):
        return sorted(ticket.csp_escalation_ids.step_id.mapped("sequence"))

    def _replan(self, at):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref("customer_service_plan.ir_cron_replan").method_direct_trigger()
        self.env.invalidate_all()

    def _late(self, at=None, **vals):
        """A ticket of which the leader was told at 13:00 on Monday."""
        ticket = self._create_ticket_of(**vals)
        self._sweep(at or self.at(hours=4, seconds=1))
        return ticket

    def test_archived_list(self):
        ticket = self._late()
        with freeze_time(self.at(hours=4, minutes=1)):
            self.list.active = False
        self._replan(self.at(hours=4, minutes=2))
        self._sweep(self.at(days=1))
        self.assertEqual(self._steps(ticket), [10, 20])
        self.assertFalse(self._row(ticket, "first_response").next_step_at)
        # Back again: it goes on where it stopped.
        with freeze_time(self.at(days=1)):
            self.list.active = True
        self._replan(self.at(days=1, minutes=1))
        self._sweep(self.at(days=1, minutes=2))
        self.assertEqual(self._steps(ticket), [10, 20, 30])

    def test_archived_before_it_is_planned_anew(self):
        """The sweep comes first: nothing is taken from a list that is gone."""
        ticket = self._late()
        with freeze_time(self.at(hours=4, minutes=1)):
            self.list.active = False
        self._sweep(self.at(days=1))
        self.assertEqual(self._steps(ticket), [10, 20])

    def test_deleted_step_and_list(self):
        ticket = self._late()
        with freeze_time(self.at(hours=4, minutes=1)):
            self.list.step_ids.filtered(lambda step: step.sequence == 30).unlink()
        self._sweep(self.at(days=1))
        self.assertEqual(self._steps(ticket), [10, 20])
        with freeze_time(self.at(days=1)):
            self.env.company.csp_escalation_list_id = False
            self.list.unlink()
        self._sweep(self.at(days=2))
        self.assertEqual(len(ticket.csp_escalation_ids), 2, "the log stays")
        self.assertFalse(ticket.csp_escalation_ids.step_id)

    def test_step_deleted_by_somebody_else_during_the_sweep(self):
        """Compiled rules may still name it."""
        ticket = self._create_ticket_of()
        rules = self.env["csp.policy"]._compiled_rules(self.env.company.id)
        self.env.cr.execute(
            "DELETE FROM csp_escalation_step WHERE list_id = %s AND sequence = 20",
            [self.list.id],
        )
        self.env.invalidate_all()
        compiled = type(self.env["csp.policy"])
        with patch.object(compiled, "_compiled_rules", lambda *args: rules):
            self._sweep(self.at(hours=4, seconds=1))
        self.assertEqual(self._steps(ticket), [10])
        self.assertEqual(self._row(ticket, "first_response").state, "missed")

    def test_leader_who_leaves_over_night(self):
        """Held for his morning; then his deputy is told, or who comes next."""
        for number, change in enumerate(
            (
                {"active": False},
                {"active": False, "csp_deputy_id": self.chief.id},
                {
                    "csp_away_from": self.at(days=14, hours=12),
                    "csp_away_until": self.at(days=30),
                },
            )
        ):
            with self.subTest(change), self.cr.savepoint() as savepoint:
                evening = self.at(days=7 * number, hours=6)
                # Due at 21:30 in Athens, at night.
                self._create_policy(
                    [
                        {
                            "match_all": True,
                            "first_response_minutes": 390,
                            "hours_id": self._always().id,
                        }
                    ],
                    name="Day and night",
                    sequence=-1,
                )
                ticket = self._create_ticket_of(at=evening)
                self.agent.tz = "Europe/Athens"
                self._sweep(self.at(days=7 * number, hours=11, minutes=31))
                self._sweep(self.at(days=7 * number, hours=12, minutes=31))
                entry = ticket.csp_escalation_ids.filtered(
                    lambda entry: entry.step_id.sequence == 20
                )
                self.assertEqual(entry.state, "waiting")
                self.assertEqual(entry.notice_ids.user_id, self.leader)
                self.leader.write(change)
                for minutes in (0, 1, 120):
                    self._sweep(self.at(days=7 * number + 1, minutes=minutes))
                told = entry.notice_ids.filtered(lambda each: each.state == "sent")
                self.assertEqual(told.user_id, self.chief)
                self.assertEqual(told.instead_of_id, self.leader)
                dropped = entry.notice_ids - told
                self.assertEqual(dropped.mapped("state"), ["dropped"])
                self.assertEqual(entry.state, "told")
                self.assertFalse(self._messages(ticket, self.leader))
                savepoint.close(rollback=True)
                self.env.invalidate_all()
                self.env.registry.clear_cache()

    def _always(self):
        return self.env["csp.hours"].create(
            {"name": "Day and night", "tz": "Europe/Athens", "always_open": True}
        )

    def test_customer_without_an_address(self):
        template = self.env["mail.template"].create(
            {
                "name": "Sorry",
                "model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "subject": "Sorry",
                "body_html": "<p>It takes longer.</p>",
            }
        )
        with freeze_time(self.at(days=-1)):
            self.list.step_ids = [
                (
                    0,
                    0,
                    {
                        "sequence": 15,
                        "action": "customer",
                        "mail_template_id": template.id,
                    },
                )
            ]
        self.customer.email = False
        with mute_logger("odoo.addons.customer_service_plan.models.csp_escalation"):
            ticket = self._late()
        entry = ticket.csp_escalation_ids.filtered(
            lambda entry: entry.action == "customer"
        )
        self.assertEqual(entry.state, "failed")
        self.assertIn("e-mail", entry.error)
        self.assertIn(self.leader, self._told(ticket))
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.cr.savepoint():
                template.unlink()

    def test_deleted_ticket(self):
        ticket, other = self._create_ticket_of(), self._create_ticket_of()
        self._sweep(self.at(hours=3, seconds=1))
        entries = ticket.csp_escalation_ids
        ticket.unlink()
        self.assertFalse(entries.exists())
        self._sweep(self.at(hours=4, seconds=1))
        self.assertEqual(self._steps(other), [10, 20])

    def test_replayed_in_the_middle(self):
        """Derived anew, promises have other ids: the log goes with them."""
        ticket = self._late()
        with freeze_time(self.at(hours=4, minutes=5)):
            ticket._csp_replay()
        self.env.invalidate_all()
        self.assertEqual(
            ticket.csp_escalation_ids.commitment_id,
            self._row(ticket, "first_response"),
        )
        messages = self._messages(ticket, self.leader)
        self._sweep(self.at(hours=4, minutes=6))
        self.assertEqual(self._steps(ticket), [10, 20])
        self.assertEqual(self._messages(ticket, self.leader), messages)
        self._sweep(self.at(hours=6, seconds=1))
        self.assertEqual(self._steps(ticket), [10, 20, 30])
        self._reply(ticket, self.at(hours=7))
        self.assertEqual(set(ticket.csp_escalation_ids.mapped("state")), {"settled"})

    def test_per_cent_of_another_target(self):
        """A quarter of the old target was taken: one of the new one is not."""
        with freeze_time(self.at(days=-1)):
            self.list.step_ids[0].write({"offset_minutes": 0, "offset_percent": 50})
        ticket = self._create_ticket_of(at=self.at())
        self._sweep(self.at(hours=2, seconds=1))
        self.assertEqual(self._steps(ticket), [10])
        self._create_policy(
            [{"priority_from": "3", "first_response_minutes": 300}],
            name="Urgent",
            sequence=-1,
            at=self.at(days=-3),
        )
        with freeze_time(self.at(hours=2, minutes=1)):
            ticket.priority = "3"
        self.assertEqual(self._row(ticket, "first_response").target_seconds, 18000)
        self._sweep(self.at(hours=4))
        self.assertEqual(self._steps(ticket), [10])
        self.assertEqual(len(self._messages(ticket, self.agent)), 1)

    def test_list_assigned_to_a_company_with_open_promises(self):
        """In the background, for promises that ran before; what is past is joined."""
        with freeze_time(self.at(days=-2)):
            self.env.company.csp_escalation_list_id = False
        ticket = self._create_ticket_of()
        self._sweep(self.at(hours=3, minutes=30))
        self.assertFalse(ticket.csp_escalation_ids)
        with freeze_time(self.at(hours=3, minutes=31)):
            self.env.company.csp_escalation_list_id = self.list
        self.env["csp.commitment"].search([]).invalidate_recordset()
        self._replan(self.at(hours=3, minutes=32))
        self.assertEqual(self._steps(ticket), [10])
        row = self._row(ticket, "first_response")
        self.assertEqual(row.next_step_at, row.deadline)
        self.assertEqual(
            row.escalation_revision, self.env.company.csp_escalation_revision
        )

    def test_two_lists_at_once(self):
        other = self._create_list(
            [{"sequence": 70, "offset_minutes": 30, "recipients": "team_leader"}],
            name="Other",
        )
        policy = self._create_policy(
            [{"priority_from": "3", "first_response_minutes": 60}],
            name="Urgent",
            sequence=-1,
            publish=False,
        )
        with freeze_time(self.at(days=-6)):
            policy.draft_version_id.escalation_list_id = other
            policy.draft_version_id.action_publish()
        plain = self._create_ticket_of()
        urgent = self._create_ticket_of(priority="3")
        before = self.env.company.csp_escalation_revision
        with freeze_time(self.at(minutes=5)):
            (self.list | other).step_ids.filtered(
                lambda step: step.sequence in (10, 70)
            ).write({"offset_minutes": 120})
            self.env.flush_all()
        self.assertGreater(self.env.company.csp_escalation_revision, before)
        self._replan(self.at(minutes=6))
        self.assertEqual(
            self._row(plain, "first_response").next_step_at, self.at(hours=2)
        )
        self._sweep(self.at(hours=3, seconds=1))
        self.assertEqual((self._steps(plain), self._steps(urgent)), ([10], [70]))

    def test_matter_whose_list_changes(self):
        """Also what runs without a promise follows its list."""
        with freeze_time(self.at(days=-1)):
            self.list.step_ids = [
                (
                    0,
                    0,
                    {
                        "sequence": 80,
                        "trigger": "unassigned",
                        "offset_minutes": 60,
                        "recipients": "team_leader",
                    },
                )
            ]
        ticket = self._create_ticket_of(user_id=False)
        step = self.list.step_ids.filtered(lambda step: step.sequence == 80)
        with freeze_time(self.at(minutes=10)):
            step.offset_minutes = 20
        self._sweep(self.at(minutes=11))
        self.assertFalse(ticket.csp_escalation_ids)
        self._sweep(self.at(minutes=20, seconds=1))
        self.assertEqual(self._steps(ticket), [80])
        with freeze_time(self.at(minutes=25)):
            step.offset_minutes = 40
        self._sweep(self.at(minutes=40, seconds=1))
        self.assertEqual(len(ticket.csp_escalation_ids), 1, "taken once")

    def test_list_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self._create_list(
            [{"offset_minutes": 0, "user_ids": self.chief.ids, "sequence": 90}],
            name="Elsewhere",
            company_id=other.id,
        )
        other.csp_escalation_list_id = foreign
        ticket = self._late()
        self._sweep(self.at(days=1))
        self.assertEqual(self._steps(ticket), [10, 20, 30])
        with freeze_time(self.at(days=1)):
            self.env.company.csp_escalation_list_id = False
        self._sweep(self.at(days=2))
        self.assertNotIn(90, self._steps(ticket))

    def test_one_bad_ticket_in_a_batch(self):
        """What it had begun to write is forgotten, in memory too; tried again."""
        good, bad, other = (self._create_ticket_of() for _number in range(3))
        Escalation = type(self.env["csp.escalation"])
        act = Escalation._act

        def act_or_fail(entries, ticket, *args):
            ticket.priority = "3"
            act(entries, ticket, *args)
            if ticket == bad:
                raise ValueError("Poisoned")

        with (
            patch.object(Escalation, "_act", act_or_fail),
            mute_logger("odoo.addons.customer_service_plan.models.csp_commitment"),
        ):
            self._sweep(self.at(hours=4, seconds=1))
        self.assertEqual((good | other).mapped("priority"), ["3", "3"])
        self.assertEqual(bad.priority, "1")
        for ticket in good, other:
            self.assertEqual(self._steps(ticket), [10, 20])
        self.assertFalse(bad.csp_escalation_ids)
        self.assertFalse(self._messages(bad, self.leader))
        self.assertNotIn("missed", self._kinds(bad))
        row = self._row(bad, "first_response")
        self.assertEqual(row.next_step_at, self.at(hours=5, seconds=1))
        self._sweep(self.at(hours=5, seconds=2))
        self.assertEqual(self._steps(bad), [10, 20])
        self.assertEqual(row.missed_at, row.deadline)
