"""A policy applied to past tickets, and its figures."""

from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError

from .common import CspCommon
from .test_history_import import HistoryCommon, rows_of, to_csv

#: Hours are Monday to Friday 9–17 in Athens, the file is in Rome's time: 8–16 there.
CASES = [
    # Answered after 1 h, solved after 2 h of opening time.
    *rows_of(
        "1",
        ("Insert ticket", "2012/01/10 09:00:00.000"),
        ("Take in charge ticket", "2012/01/10 10:00:00.000"),
        ("Resolve ticket", "2012/01/10 11:00:00.000"),
    ),
    # Never answered before it was solved: 7 + 8 + 2 = 17 h.
    *rows_of(
        "2",
        ("Insert ticket", "2012/01/10 09:00:00.000"),
        ("Resolve ticket", "2012/01/12 10:00:00.000"),
    ),
    # Answered after 30 min; solved after 10 h, of which 8 h waited.
    *rows_of(
        "3",
        ("Insert ticket", "2012/01/10 09:00:00.000"),
        ("Take in charge ticket", "2012/01/10 09:30:00.000"),
        ("Wait", "2012/01/10 10:00:00.000"),
        ("Assign seriousness", "2012/01/11 10:00:00.000"),
        ("Resolve ticket", "2012/01/11 11:00:00.000"),
    ),
    # Given up after 1 h.
    *rows_of(
        "4",
        ("Insert ticket", "2012/01/10 09:00:00.000"),
        ("Cancel ticket", "2012/01/10 10:00:00.000"),
    ),
]


class TestPromiseApply(HistoryCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version = cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 8 * 60,
                    "goal_percent": 90,
                }
            ]
        ).current_version_id

    def _wizard(self, user=None, **vals):
        Apply = self.env["csp.promise.apply"].with_user(user or self.manager)
        return Apply.create({"version_id": self.version.id, **vals})

    def _apply(self, **vals):
        wizard = self._wizard(**vals)
        wizard.action_apply()
        while wizard.action_run_chunk():
            self.env.invalidate_all()
        return wizard

    def test_figures(self):
        batch = self._import(to_csv(CASES))
        wizard = self._apply(import_id=batch.id)
        self.assertEqual((wizard.state, wizard.promised_count), ("done", 4))
        self.assertRecordValues(
            wizard.line_ids,
            [
                {
                    "kind": "first_response",
                    "case_count": 4,
                    "kept_count": 2,
                    "missed_count": 1,
                    "cancelled_count": 1,
                    "open_count": 0,
                    "goal_percent": 90,
                    # 0.5, 1 and 17 h.
                    "median_hours": 1,
                },
                {
                    "kind": "resolution",
                    "case_count": 4,
                    "kept_count": 2,
                    "missed_count": 1,
                    "cancelled_count": 1,
                    "open_count": 0,
                    "goal_percent": 90,
                    # 2, 2 and 17 h.
                    "median_hours": 2,
                },
            ],
        )
        self.assertAlmostEqual(wizard.line_ids[0].kept_percent, 200 / 3)
        self.assertAlmostEqual(wizard.line_ids[1].p90_hours, 2 + 0.8 * 15)

    def test_rows_of_the_tickets(self):
        batch = self._import(to_csv(CASES))
        self._apply(import_id=batch.id)
        ticket = self._ticket(batch, "2")
        self.assertEqual(ticket.csp_policy_version_id, self.version)
        row = self._row(ticket, "resolution")
        self.assertEqual(
            (row.state, row.missed_at, row.ended_at, row.overrun_seconds),
            ("missed", datetime(2012, 1, 11, 8), datetime(2012, 1, 12, 9), 9 * 3600),
        )
        before = self._snapshot(ticket)
        ticket._csp_replay()
        self.assertEqual(self._snapshot(ticket), before)

    def test_what_was_promised_stays(self):
        batch = self._import(to_csv(CASES))
        self._apply(import_id=batch.id)
        stricter = self._create_policy(
            [{"match_all": True, "resolution_minutes": 1}], name="Stricter"
        ).current_version_id
        wizard = self._wizard(import_id=batch.id, version_id=stricter.id)
        self.assertFalse(wizard.candidate_count)
        with self.assertRaises(UserError):
            wizard.action_apply()
        self.assertEqual(batch.ticket_ids.csp_policy_version_id, self.version)

    def test_only_the_period_and_the_chosen(self):
        batch = self._import(to_csv(CASES))
        wizard = self._wizard(import_id=batch.id, date_to=date(2012, 1, 9))
        self.assertFalse(wizard.candidate_count)
        wizard = self._wizard(date_from=date(2012, 1, 10), date_to=date(2012, 1, 10))
        self.assertEqual(wizard.candidate_count, 4)
        chosen = self._ticket(batch, "1")
        wizard = (
            self.env["csp.promise.apply"]
            .with_user(self.manager)
            .with_context(active_model="helpdesk.ticket", active_ids=chosen.ids)
            .create({"version_id": self.version.id})
        )
        wizard.action_apply()
        while wizard.action_run_chunk():
            self.env.invalidate_all()
        self.assertEqual(batch.ticket_ids.filtered("csp_policy_version_id"), chosen)
        self.assertEqual(sum(wizard.line_ids.mapped("case_count")), 2)

    def test_tickets_that_no_line_fits(self):
        version = self._create_policy(
            [{"priority_from": "3", "resolution_minutes": 60}], name="Urgent"
        ).current_version_id
        batch = self._import(to_csv(CASES))
        wizard = self._apply(import_id=batch.id, version_id=version.id)
        self.assertEqual((wizard.state, wizard.promised_count), ("done", 0))
        self.assertFalse(wizard.line_ids)

    def test_figures_again(self):
        batch = self._import(to_csv(CASES))
        first = self._apply(import_id=batch.id)
        wizard = self._wizard(import_id=batch.id)
        wizard.action_show()
        self.assertEqual(
            wizard.line_ids.mapped("kept_count"), first.line_ids.mapped("kept_count")
        )

    def test_a_draft_is_refused(self):
        batch = self._import(to_csv(CASES))
        draft = self._create_policy(
            [{"match_all": True, "resolution_minutes": 60}], name="Draft", publish=False
        ).draft_version_id
        with self.assertRaises(UserError):
            self._wizard(import_id=batch.id, version_id=draft.id).action_apply()

    def test_only_the_company_of_the_policy(self):
        company = self.env["res.company"].create({"name": "Branch"})
        self.manager.company_ids += company
        theirs = self._create_policy(
            [{"match_all": True, "resolution_minutes": 60}],
            name="Of the branch",
            company_id=company.id,
        ).current_version_id
        Apply = (
            self.env["csp.promise.apply"]
            .with_user(self.manager)
            .with_context(allowed_company_ids=(self.env.company + company).ids)
        )
        with self.assertRaisesRegex(ValidationError, "Branch"):
            Apply.create({"version_id": theirs.id})
        wizard = Apply.create({"version_id": theirs.id, "company_id": company.id})
        with self.assertRaisesRegex(ValidationError, "Branch"):
            wizard.company_id = self.env.company
        self.assertTrue(Apply.create({"version_id": self.version.id}))

    def test_only_managers(self):
        with self.assertRaises(AccessError):
            self._wizard(user=self.agent)
        wizard = self._wizard().with_user(self.agent)
        for step in (
            "action_apply",
            "action_run_chunk",
            "action_show",
            "action_take_back",
        ):
            with self.subTest(step=step), self.assertRaises(AccessError):
                getattr(wizard, step)()

    def _take_back(self, **vals):
        wizard = self._wizard(**vals)
        wizard.action_take_back()
        while wizard.action_run_chunk():
            self.env.invalidate_all()
        self.env.invalidate_all()
        return wizard

    def test_taken_back(self):
        batch = self._import(to_csv(CASES))
        tickets = batch.ticket_ids
        before = [self._snapshot(ticket) for ticket in tickets]
        self._apply(import_id=batch.id)
        events = tickets.csp_event_ids
        wizard = self._take_back(import_id=batch.id)
        self.assertEqual((wizard.state, wizard.taken_back_count), ("taken_back", 4))
        self.assertFalse(tickets.csp_commitment_ids)
        self.assertFalse(tickets.csp_policy_version_id)
        self.assertFalse(tickets.csp_hours_id)
        self.assertEqual([self._snapshot(ticket) for ticket in tickets], before)
        self.assertFalse(events - tickets.csp_event_ids, "facts are never deleted")
        added = tickets.csp_event_ids - events
        self.assertEqual(set(added.mapped("kind")), {"taken_back"})
        self.assertEqual(added.user_id, self.manager)
        self.assertIn(self.version.display_name, added[0].summary)
        tickets._csp_replay()
        self.assertEqual([self._snapshot(ticket) for ticket in tickets], before)

    def test_another_policy_after_taking_back(self):
        batch = self._import(to_csv(CASES))
        self._apply(import_id=batch.id)
        self._take_back(import_id=batch.id)
        right = self._create_policy(
            [{"match_all": True, "resolution_minutes": 24 * 60}], name="The right one"
        ).current_version_id
        wizard = self._apply(import_id=batch.id, version_id=right.id)
        self.assertEqual(wizard.promised_count, 4)
        self.assertEqual(wizard.line_ids.mapped("missed_count"), [0])
        self.assertEqual(batch.ticket_ids.csp_policy_version_id, right)
        wizard = self._take_back(import_id=batch.id, version_id=right.id)
        self.assertEqual(wizard.taken_back_count, 4)
        self.assertFalse(batch.ticket_ids.csp_policy_version_id)
        with self.assertRaises(UserError):
            self._wizard(import_id=batch.id).action_take_back()

    def test_excused_is_not_taken_back(self):
        batch = self._import(to_csv(CASES))
        self._apply(import_id=batch.id)
        ticket = self._ticket(batch, "2")
        missed = ticket.csp_commitment_ids.filtered(lambda row: row.state == "missed")
        missed[0].with_user(self.manager).action_excuse("The road was closed")
        wizard = self._take_back(import_id=batch.id)
        self.assertEqual((wizard.total_count, wizard.taken_back_count), (4, 3))
        self.assertEqual(batch.ticket_ids.filtered("csp_policy_version_id"), ticket)
        self.assertEqual(missed[0].state, "excused")

    def test_no_message_and_nothing_due(self):
        batch = self._import(to_csv(CASES))
        self._apply(import_id=batch.id)
        tickets = batch.ticket_ids
        self.assertFalse(tickets.message_ids)
        self.assertFalse(tickets.activity_ids)
        self.assertFalse(any(tickets.mapped("csp_next_deadline")))
        self.assertFalse(any(tickets.csp_commitment_ids.mapped("next_step_at")))


class TestPromiseOnRequest(CspCommon):
    """Open tickets from before the policy, put under promise by a manager."""

    def test_open_ticket_follows_changes_from_then_on(self):
        segment = self.env["csp.segment"].create({"name": "Contract customers"})
        ticket = self._create_ticket()
        self._move(ticket, self.at(minutes=30), self.stage_waiting)
        # As a ticket from before the addon: it was never looked at by any rule.
        ticket._csp_replay()
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = %s",
            [ticket.id],
        )
        self.customer.csp_segment_ids = segment
        version = self._create_policy(
            [
                {"segment_ids": [(6, 0, segment.ids)], "resolution_minutes": 480},
                {"match_all": True, "resolution_minutes": 60},
            ]
        ).current_version_id
        with freeze_time(self.at(hours=1)):
            ticket.priority = "2"
            self.assertFalse(ticket.csp_commitment_ids)
            ticket._csp_promise_from_receipt(version)
        row = self._row(ticket, "resolution")
        self.assertEqual((row.state, row.consumed_seconds), ("paused", 1800))
        self.assertEqual(row.target_seconds, 28800)
        self.assertEqual(ticket.csp_segment_id, segment)
        with freeze_time(self.at(hours=2)):
            ticket.partner_id = False
        self.assertEqual(row.target_seconds, 3600)
        self.assertEqual(row.state, "paused")

    def test_open_ticket_taken_back_is_as_before(self):
        segment = self.env["csp.segment"].create({"name": "Contract customers"})
        old, unmatched = self._create_ticket(), self._create_ticket()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = %s", [old.id]
        )
        self.env.invalidate_all()
        seen = unmatched.csp_seen_match
        self.customer.csp_segment_ids = segment
        version = self._create_policy(
            [{"match_all": True, "resolution_minutes": 60}]
        ).current_version_id
        tickets = old + unmatched
        with freeze_time(self.at(hours=1)):
            tickets._csp_promise_from_receipt(version)
        self._sweep(self.at(hours=2))
        self.assertEqual(tickets.csp_segment_ids, segment)
        self.assertEqual(set(tickets.csp_commitment_ids.mapped("state")), {"missed"})
        with freeze_time(self.at(hours=3)):
            self.assertEqual(tickets._csp_take_back_promise(version), tickets)
        self.env.invalidate_all()
        self.assertFalse(tickets.csp_commitment_ids)
        self.assertFalse(tickets.csp_policy_version_id)
        self.assertFalse(tickets.csp_segment_ids | tickets.csp_segment_id)
        self.assertFalse(any(tickets.mapped("csp_promised_as_of")))
        self.assertFalse(any(tickets.mapped("csp_next_deadline")))
        self.assertEqual(tickets.mapped("csp_seen_match"), [False, seen])
        with freeze_time(self.at(hours=4)):
            tickets._csp_promise_from_receipt(version)
        self.assertEqual(set(tickets.csp_commitment_ids.mapped("state")), {"missed"})

    def test_promised_at_receipt_or_changed_since_stays(self):
        version = self._create_policy(
            [
                {"priority_from": "3", "resolution_minutes": 30},
                {"match_all": True, "resolution_minutes": 60},
            ]
        ).current_version_id
        at_receipt = self._create_ticket()
        self.assertEqual(at_receipt.csp_policy_version_id, version)
        changed = self._create_ticket(at=self.at(days=-30))
        self.assertFalse(changed.csp_policy_version_id)
        with freeze_time(self.at(minutes=10)):
            changed._csp_promise_from_receipt(version)
        with freeze_time(self.at(minutes=20)):
            changed.priority = "3"
        tickets = at_receipt + changed
        with freeze_time(self.at(minutes=30)):
            self.assertFalse(tickets._csp_take_back_promise(version))
        self.assertEqual(tickets.csp_policy_version_id, version)
        self.assertEqual(len(tickets.csp_commitment_ids), 2)
