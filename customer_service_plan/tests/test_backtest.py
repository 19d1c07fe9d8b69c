"""A version tried on past tickets: the figures are those of the live clock."""

from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command

from ..models import csp_backtest
from .common import CspCommon
from .test_history_import import HistoryCommon, to_csv
from .test_promise_apply import CASES

LINE = {
    "match_all": True,
    "first_response_minutes": 60,
    "next_response_minutes": 120,
    "resolution_minutes": 8 * 60,
    "goal_percent": 90,
}


class BacktestCommon(CspCommon):
    def _backtest(self, version, at=None, user=None, run=True, **vals):
        Backtest = self.env["csp.backtest"].with_user(user or self.manager)
        with freeze_time(at or self.at(days=20)):
            test = Backtest.create({"version_id": version.id, **vals})
            if run:
                test.action_run()
        return test

    def _draft(self, lines, policy=None, **vals):
        """A draft of a policy, or of a new one."""
        if policy is None:
            return self._create_policy(
                lines, name="Draft", publish=False, **vals
            ).draft_version_id
        with freeze_time(self.at(days=10)):
            policy.action_new_version()
            version = policy.draft_version_id
            version.line_ids = [
                Command.clear(),
                *(Command.create(line) for line in lines),
            ]
        return version

    def _figures(self, test):
        return {
            line.kind: (
                line.case_count,
                line.kept_count,
                line.missed_count,
                line.open_count,
                line.cancelled_count,
            )
            for line in test.line_ids
        }


class TestBacktestAndLive(BacktestCommon):
    """What happens to tickets, and what a backtest says of them, is the same."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy([LINE])
        cls.version = cls.policy.current_version_id

    def _live(self):
        """All that can happen to tickets under promise."""
        tickets = [self._create_ticket(self.at(minutes=number)) for number in range(12)]
        answered, late, asked, paused, cancelled, reopened, anew = tickets[:7]
        silent, solved, excused, merged, target = tickets[7:]
        self._reply(answered, self.at(minutes=30))
        self._move(answered, self.at(hours=3), self.stage_done)
        self._reply(late, self.at(hours=2))
        self._move(late, self.at(days=3), self.stage_done)
        self._reply(asked, self.at(minutes=40))
        self._ask(asked, self.at(hours=1))
        self._reply(asked, self.at(hours=5))
        self._ask(asked, self.at(days=1))
        with freeze_time(self.at(days=1, minutes=5)):
            asked.action_csp_no_answer_needed()
        self._reply(paused, self.at(minutes=20))
        self._move(paused, self.at(minutes=30), self.stage_waiting)
        self._move(paused, self.at(days=4), self.stage_progress)
        self._move(paused, self.at(days=4, hours=7, minutes=40), self.stage_done)
        self._move(cancelled, self.at(minutes=50), self.stage_cancelled)
        self._move(reopened, self.at(minutes=50), self.stage_done)
        self._move(reopened, self.at(days=2), self.stage_progress)
        self._move(reopened, self.at(days=3), self.stage_done)
        self._move(anew, self.at(minutes=50), self.stage_done)
        self._move(anew, self.at(days=9), self.stage_progress)
        self._ask(silent, self.at(days=2))
        # All of the target is used up when we close; the answer comes at night.
        self._move(solved, self.at(hours=11), self.stage_done)
        self._sweep(self.at(days=1))
        row = self._row(excused, "first_response")
        with freeze_time(self.at(days=1, hours=1)):
            row.with_user(self.manager).action_excuse("A storm")
        self._reply(merged, self.at(hours=4))
        with freeze_time(self.at(hours=6)):
            merged._csp_merged_into(target)
        # Entered as done, with nothing to promise.
        self._create_ticket(self.at(hours=1), stage_id=self.stage_done.id)
        archived = self._create_ticket(self.at(hours=1))
        with freeze_time(self.at(hours=2)):
            archived.active = False
        self._sweep(self.at(days=20))
        return tickets

    def _live_figures(self, version):
        rows = self.env["csp.commitment"].search(
            [("policy_version_id", "=", version.id)]
        )
        return {
            kind: (
                len(its),
                len(its.filtered(lambda row: row.state == "met")),
                len(its.filtered(lambda row: row.state in ("missed", "excused"))),
                len(its.filtered(lambda row: row.state in ("running", "paused"))),
                len(its.filtered(lambda row: row.state == "cancelled")),
            )
            for kind, its in rows.grouped("kind").items()
        }

    def test_the_same_version(self):
        self._live()
        live = self._live_figures(self.version)
        test = self._backtest(self.version)
        self.assertEqual(self._figures(test), live)
        self.assertEqual((test.state, test.ticket_count), ("done", 14))
        self.assertEqual(test.covered_count, 14)
        self.assertFalse(test.change_count)
        for line in test.line_ids:
            self.assertEqual(line.base_kept_count, line.kept_count)
            self.assertEqual(line.base_missed_count, line.missed_count)
            self.assertEqual(line.base_median_seconds, line.median_seconds)
        self.env.cr.execute(
            """
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY consumed_seconds),
                   percentile_cont(0.9) WITHIN GROUP (ORDER BY consumed_seconds)
              FROM csp_commitment
             WHERE policy_version_id = %s AND kind = 'resolution'
               AND state IN ('met', 'missed') AND ended_at IS NOT NULL
            """,
            [self.version.id],
        )
        median, p90 = self.env.cr.fetchone()
        line = test.line_ids.filtered(lambda line: line.kind == "resolution")
        self.assertEqual(line.median_seconds, round(median))
        self.assertEqual(line.p90_seconds, round(p90))

    def test_a_draft_before_it_is_published(self):
        """What a draft promises on past tickets is what it then gives live."""
        draft = self._draft(
            [{**LINE, "first_response_minutes": 35, "resolution_minutes": 16 * 60}],
            self.policy,
        )
        self._live()
        test = self._backtest(draft)
        self.assertEqual(
            {
                line.kind: (line.base_kept_count, line.base_missed_count)
                for line in test.line_ids
            },
            {
                kind: (kept, missed)
                for kind, (_n, kept, missed, *_r) in self._live_figures(
                    self.version
                ).items()
            },
        )
        tickets = self.env["helpdesk.ticket"].with_context(active_test=False)
        tickets = tickets.search([("csp_policy_version_id", "=", self.version.id)])
        self.env.cr.execute(
            """
            UPDATE csp_ticket_event
               SET data = data || %s
             WHERE kind = 'promised' AND ticket_id = ANY(%s);
            DELETE FROM csp_ticket_event
             WHERE kind IN ('missed', 'excused') AND ticket_id = ANY(%s)
            """,
            [
                '{"targets": {"first_response": 2100, "next_response": 7200, '
                f'"resolution": 57600}}, "version": {draft.id}, '
                f'"line": {draft.line_ids.id}}}',
                tickets.ids,
                tickets.ids,
            ],
        )
        with freeze_time(self.at(days=20)):
            tickets._csp_replay()
        self.assertEqual(self._figures(test), self._live_figures(draft))

    def test_nothing_is_written_on_tickets(self):
        tickets = self._live()
        before = [self._snapshot(ticket) for ticket in tickets]
        kinds = [self._kinds(ticket) for ticket in tickets]
        self._backtest(self._draft([{**LINE, "resolution_minutes": 5}], self.policy))
        self.assertEqual([self._snapshot(ticket) for ticket in tickets], before)
        self.assertEqual([self._kinds(ticket) for ticket in tickets], kinds)

    def test_retired_and_archived(self):
        """A version out of force is looked at as if its policy was there."""
        self._live()
        expected = self._figures(self._backtest(self.version))
        with freeze_time(self.at(days=19)):
            self.version.action_retire()
        self.policy.active = False
        test = self._backtest(self.version)
        self.assertEqual(self._figures(test), expected)
        self.assertFalse(any(test.line_ids.mapped("base_case_count")))
        self.assertEqual(test.change_count, 14)


class TestBacktest(BacktestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy([LINE])
        cls.version = cls.policy.current_version_id

    def _answered(self, minutes, **vals):
        """A ticket answered and solved after so many minutes of a Monday."""
        ticket = self._create_ticket(self.at(), **vals)
        self._reply(ticket, self.at(minutes=minutes))
        self._move(ticket, self.at(minutes=minutes), self.stage_done)
        return ticket

    # === Figures ===

    def test_figures(self):
        for minutes in range(5, 205, 5):
            self._answered(minutes)
        draft = self._draft(
            [{"match_all": True, "first_response_minutes": 90, "goal_percent": 80}],
            self.policy,
        )
        test = self._backtest(draft)
        [line] = test.line_ids
        self.assertEqual(
            (line.case_count, line.kept_count, line.missed_count), (40, 18, 22)
        )
        self.assertAlmostEqual(line.kept_percent, 45)
        self.assertAlmostEqual(line.kept_low, 30.7, 1)
        self.assertAlmostEqual(line.kept_high, 60.2, 1)
        self.assertEqual(line.median_seconds, 6150)
        self.assertEqual(line.p90_seconds, round(180.5 * 60))
        self.assertEqual(line.kept_target_seconds, 160 * 60)
        self.assertEqual((line.verdict, line.too_few), ("unsupported", False))
        self.assertEqual(line.base_kept_count, 12)
        self.assertEqual(line.title, "Any ticket: first reply in 1 h 30 min")
        self.assertEqual(
            line.summary,
            "18 of 40 kept, 45 % (31–60 %), goal 80 %: not supported by the past.",
        )
        self.assertEqual(
            line.times_text,
            "Half were answered within 1 h 43 min, 90 % within 3 h 1 min. "
            "A promise of 2 h 40 min would have been kept in 80 %.",
        )
        self.assertEqual(
            line.base_text,
            "With the promises of today, on the same tickets: 12 of 40 kept, 30 %.",
        )
        picture = line.distribution
        self.assertEqual(sum(picture["counts"]) + picture["beyond"], 40)

    def test_too_few_is_said(self):
        self._answered(5)
        [line] = self._backtest(
            self._draft(
                [{"match_all": True, "first_response_minutes": 60}], self.policy
            )
        ).line_ids
        self.assertEqual((line.verdict, line.too_few), ("too_few", True))
        self.assertIn("too few cases to tell", line.summary)

    def test_no_past_tickets(self):
        test = self._backtest(self.version)
        self.assertEqual((test.state, test.ticket_count), ("done", 0))
        self.assertEqual(len(test.line_ids), 3)
        self.assertEqual(set(test.line_ids.mapped("verdict")), {"too_few"})
        self.assertIn("nothing to look at", test.summary)
        for line in test.line_ids:
            self.assertIn("No ticket", line.summary)
            self.assertFalse(line.times_text or line.base_text)

    def test_no_hours_and_hours_that_never_open(self):
        self._answered(5)
        never = self.env["csp.hours"].create({"name": "Never", "tz": "UTC"})
        draft = self._draft(
            [
                {"channel_ids": self._channel("Chat").ids, **LINE, "match_all": False},
                {**LINE, "hours_id": never.id},
            ]
        )
        draft.policy_id.sequence = 1
        test = self._backtest(draft)
        lines = test.line_ids.filtered("case_count")
        self.assertEqual(set(lines.mapped("kept_count")), {1})
        self.assertEqual(set(lines.mapped("median_seconds")), {0})
        self.env.company.csp_hours_id = False
        test = self._backtest(self._draft([LINE]))
        self.assertEqual(test.line_ids[0].case_count, 0, "another policy comes before")

    def _channel(self, name):
        return self.env["helpdesk.ticket.channel"].create({"name": name})

    def test_never_answered(self):
        for _number in range(30):
            self._create_ticket()
        [line] = self._backtest(
            self._draft(
                [{"match_all": True, "first_response_minutes": 60}], self.policy
            )
        ).line_ids
        self.assertEqual((line.missed_count, line.kept_target_seconds), (30, 0))
        self.assertIn("30 are late and still open", line.times_text)
        self.assertIn("no time would have been kept", line.times_text)
        self.assertEqual(line.distribution["beyond"], 30)

    # === Which line ===

    def test_tickets_that_would_change_line(self):
        """Copies of lines are the same lines; only who moves is listed."""
        low = self._answered(50, priority="0")
        high = self._answered(50, priority="3")
        draft = self._draft(
            [
                {
                    "sequence": 1,
                    "priority_from": "3",
                    "first_response_minutes": 15,
                },
                {**LINE, "sequence": 2},
            ],
            self.policy,
        )
        test = self._backtest(draft)
        self.assertEqual(test.change_count, 1)
        change = test.change_ids
        self.assertEqual(change.ticket_id, high)
        self.assertEqual(change.before_line_id, self.version.line_ids)
        self.assertEqual(change.after_line_id, draft.line_ids[0])
        self.assertEqual(
            (change.outcome_before, change.outcome_after), ("kept", "missed")
        )
        self.assertEqual(change.after_text, "Very High: first reply in 15 min, 90 %")
        self.assertEqual(change.action_open_ticket()["res_id"], high.id)
        self.assertNotIn(low, test.change_ids.ticket_id)
        action = test.action_view_changes()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, change)

    def test_order_of_policies(self):
        """A new policy takes tickets from those after it, not from those before."""
        self._answered(5)
        draft = self._draft([LINE], sequence=99)
        self.assertFalse(self._backtest(draft).covered_count)
        draft.policy_id.sequence = 1
        test = self._backtest(draft)
        self.assertEqual((test.covered_count, test.change_count), (1, 1))

    def test_a_line_that_promises_nothing(self):
        """It takes tickets from the lines after it."""
        ticket = self._answered(5, priority="0")
        draft = self._draft(
            [{"sequence": 1, "priority_to": "0"}, {**LINE, "sequence": 2}], self.policy
        )
        test = self._backtest(draft)
        self.assertFalse(test.covered_count)
        self.assertEqual(test.change_ids.ticket_id, ticket)
        self.assertEqual(test.change_ids.outcome_after, "nothing")

    def test_segments_tags_and_channels(self):
        vip = self.env["csp.segment"].create({"name": "VIP"})
        self.customer.csp_segment_ids = vip
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Printer"})
        channel = self._channel("Chat")
        open_always = self.env["csp.hours"].create(
            {"name": "Always", "tz": "UTC", "always_open": True}
        )
        channel.csp_hours_id = open_always
        noted = self._answered(5)
        self.assertEqual(noted.csp_segment_ids, vip)
        self.customer.csp_segment_ids = False
        tagged = self._answered(5, tag_ids=tag.ids)
        chat = self._create_ticket(self.at(days=5), channel_id=channel.id)
        self._reply(chat, self.at(days=5, hours=2))
        minutes = {"first_response_minutes": 60}
        draft = self._draft(
            [
                {"sequence": 1, "segment_ids": vip.ids, **minutes},
                {"sequence": 2, "tag_ids": tag.ids, **minutes},
                {"sequence": 3, "channel_ids": channel.ids, **minutes},
            ],
            self.policy,
        )
        test = self._backtest(draft)
        self.assertEqual(test.line_ids.mapped("case_count"), [1, 1, 1])
        self.assertEqual(test.line_ids.mapped("median_seconds"), [300, 300, 7200])
        self.assertEqual(
            test.change_ids.sorted("ticket_id").after_line_id, draft.line_ids
        )
        self.assertEqual(test.change_ids.ticket_id, noted | tagged | chat)

    def test_a_segment_made_since(self):
        """Nobody could note it at receipt: who belongs to it today counts."""
        ticket = self._answered(5)
        vip = self.env["csp.segment"].create({"name": "VIP"})
        self.customer.csp_segment_ids = vip
        draft = self._draft(
            [{"segment_ids": vip.ids, "first_response_minutes": 60}], self.policy
        )
        self.assertEqual(self._backtest(draft).covered_count, 1)
        # It was there when the ticket came in, and the customer was not in it.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE csp_segment SET create_date = '2020-01-01' WHERE id = %s", [vip.id]
        )
        self.assertFalse(self._backtest(draft).covered_count)
        # Nobody looked at the ticket then.
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = %s",
            [ticket.id],
        )
        self.assertEqual(self._backtest(draft).covered_count, 1)

    # === Which tickets ===

    def test_days_are_those_of_the_company(self):
        """Half past one on Tuesday in Auckland is Monday noon in UTC."""
        self.env.company.partner_id.tz = "Pacific/Auckland"
        self._create_ticket(datetime(2026, 3, 2, 12, 30))
        for day, count in ((2, 0), (3, 1), (4, 0)):
            chosen = date(2026, 3, day)
            test = self._backtest(self.version, date_from=chosen, date_to=chosen)
            self.assertEqual((test.candidate_count, test.ticket_count), (count, count))
        self.assertFalse(
            self._backtest(self.version, date_from=date(2026, 3, 4)).ticket_count
        )
        self.assertTrue(
            self._backtest(self.version, date_to=date(2026, 3, 4)).ticket_count
        )

    def test_period_upside_down(self):
        with self.assertRaises(ValidationError):
            self._backtest(
                self.version, date_from=date(2026, 3, 4), date_to=date(2026, 3, 3)
            )

    def test_tickets_older_than_the_plan(self):
        ticket = self._answered(30)
        self.env.flush_all()
        self.env.cr.execute(
            """
            DELETE FROM csp_ticket_event WHERE ticket_id = %(ticket)s;
            UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = %(ticket)s
            """,
            {"ticket": ticket.id},
        )
        test = self._backtest(self._draft([LINE], self.policy))
        self.assertEqual(test.older_count, 1)
        self.assertEqual(
            self._figures(test),
            {
                "first_response": (0, 0, 0, 0, 0),
                "next_response": (0, 0, 0, 0, 0),
                "resolution": (1, 1, 0, 0, 0),
            },
        )
        self.assertIn("older than the service plan", test.summary)

    def test_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.manager.company_ids += branch
        self._answered(5)
        theirs = self._create_ticket(company_id=branch.id)
        shared = self._draft([LINE], company_id=False)
        test = self._backtest(shared, company_id=branch.id)
        self.assertEqual(test.ticket_count, 1)
        self.assertEqual(test.change_ids.ticket_id, theirs)
        with self.assertRaises(ValidationError):
            self._backtest(self.version, company_id=branch.id)
        # Seen by who works there only
        other = (
            self.env["res.users"]
            .browse(self.manager.id)
            .copy(
                {
                    "login": "csp_other",
                    "company_ids": [Command.set(self.env.company.ids)],
                }
            )
        )
        for record in (test, test.line_ids, test.change_ids):
            self.assertTrue(record)
            with self.assertRaises(AccessError):
                record.with_user(other).read(["display_name"])
        mine = test.with_user(other)
        with self.assertRaises(AccessError):
            mine.action_run_chunk()
        with self.assertRaises(AccessError):
            self._backtest(shared, user=other, company_id=branch.id)

    # === Running ===

    def _run_chunks(self, test):
        more = True
        while more:
            more = test.action_run_chunk()
            self.env.flush_all()
            self.env.invalidate_all()

    def _started(self, version, **vals):
        test = self._backtest(version, run=False, **vals)
        with freeze_time(self.at(days=20)):
            test.action_start()
        return test

    def test_in_parts(self):
        for minutes in range(5, 155, 10):
            self._answered(minutes, priority=str(minutes % 4))
        draft = self._draft(
            [
                {"sequence": 1, "priority_from": "3", "first_response_minutes": 15},
                {**LINE, "sequence": 2},
            ],
            self.policy,
        )
        whole = self._backtest(draft)
        with patch.object(csp_backtest, "CHUNK", 4):
            test = self._started(draft)
            self.assertEqual((test.state, test.progress), ("running", 0))
            self.assertTrue(test.action_run_chunk())
            self.assertEqual(test.done_count, 4)
            self.assertAlmostEqual(test.progress, 400 / 15)
            self._run_chunks(test)
        self.assertEqual((test.state, test.progress), ("done", 100))
        self.assertFalse(test.part_ids)
        names = [
            name
            for name, field in test.line_ids._fields.items()
            if field.store
            and name not in ("id", "backtest_id", "write_date")
            and not name.startswith("create")
            and not name.startswith("write")
        ]
        self.assertEqual(
            test.line_ids.read(names, load=None),
            [
                {**row, "id": line.id}
                for row, line in zip(
                    whole.line_ids.read(names, load=None), test.line_ids, strict=True
                )
            ],
        )
        self.assertEqual(test.change_ids.ticket_id, whole.change_ids.ticket_id)
        self.assertEqual(test.change_count, whole.change_count)
        for name in ("ticket_count", "covered_count", "older_count"):
            self.assertEqual(test[name], whole[name], name)
        self.assertFalse(test.action_run_chunk())

    def test_killed_in_the_middle(self):
        """What was not saved is done again; nothing counts twice."""
        for minutes in range(5, 65, 5):
            self._answered(minutes)
        with patch.object(csp_backtest, "CHUNK", 5):
            test = self._started(self.version)
            test.action_run_chunk()
            self.env.flush_all()
            with self.assertRaises(KeyboardInterrupt), self.env.cr.savepoint():
                with patch.object(
                    type(test), "_keep_changes", side_effect=KeyboardInterrupt
                ):
                    test.action_run_chunk()
            self.env.invalidate_all()
            self.assertEqual((test.state, test.done_count), ("running", 5))
            self._run_chunks(test)
        self.assertEqual((test.state, test.ticket_count), ("done", 12))
        self.assertEqual(test.line_ids[0].case_count, 12)

    def test_stop(self):
        for minutes in range(5, 65, 5):
            self._answered(minutes)
        with patch.object(csp_backtest, "CHUNK", 5):
            test = self._started(self._draft([LINE], sequence=1))
            test.action_run_chunk()
            test.action_cancel()
            self.assertFalse(test.action_run_chunk())
        self.assertEqual(test.state, "cancelled")
        self.assertFalse(test.line_ids)
        self.assertFalse(test.part_ids or test.change_ids or test.change_count)
        # Once it is done, there is nothing to stop.
        done = self._backtest(self.version)
        done.action_cancel()
        self.assertEqual(done.state, "done")

    def test_rules_that_change_meanwhile(self):
        for minutes in range(5, 65, 5):
            self._answered(minutes)
        for change in (
            lambda draft: draft.line_ids.write({"first_response_minutes": 5}),
            lambda draft: self.hours.line_ids[0].write({"minute_to": 1080}),
            lambda draft: self.env.company.write({"csp_hours_id": False}),
        ):
            draft = self._draft([LINE], sequence=1)
            with patch.object(csp_backtest, "CHUNK", 5):
                test = self._started(draft)
                test.action_run_chunk()
                change(draft)
                self.assertFalse(test.action_run_chunk())
            self.assertEqual(test.state, "failed")
            self.assertIn("changed meanwhile", test.failure)
            self.assertFalse(test.part_ids or test.change_ids)

    def test_nothing_to_try(self):
        empty = self._create_policy([], publish=False).draft_version_id
        with self.assertRaises(UserError):
            self._backtest(empty)
        without_times = self._draft([{"match_all": True}])
        with self.assertRaises(UserError):
            self._backtest(without_times)

    def test_only_once(self):
        test = self._backtest(self.version)
        with self.assertRaises(UserError):
            test.action_run()
        running = self._started(self.version)
        with self.assertRaises(UserError):
            running.action_run()

    def test_again(self):
        test = self._backtest(
            self.version, date_from=date(2026, 3, 2), date_to=date(2026, 3, 12)
        )
        with freeze_time(self.at(days=20)):
            action = test.action_again()
        again = test.browse(action["res_id"])
        self.assertEqual(again.state, "running")
        self.assertEqual(
            (again.date_from, again.date_to), (date(2026, 3, 12), date(2026, 3, 22))
        )

    def test_queries_do_not_grow(self):
        counts = []
        draft = self._draft([{**LINE, "first_response_minutes": 10}], self.policy)
        self._backtest(draft)
        for number in (1, 50):
            for minutes in range(number):
                self._answered(minutes + 1)
            test = self._backtest(draft, run=False)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            test.action_run()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    # === Who may, and what stands ===

    def test_managers_only(self):
        test = self._backtest(self.version)
        theirs = test.with_user(self.agent)
        for call in (
            theirs.action_run,
            theirs.action_start,
            theirs.action_run_chunk,
            theirs.action_cancel,
            theirs.action_again,
            theirs.action_view_changes,
            self.version.with_user(self.agent).action_backtest,
        ):
            with self.assertRaises(AccessError):
                call()
        with self.assertRaises(AccessError):
            self._backtest(self.version, user=self.agent)
        self.version.with_user(self.agent).read(["number"])

    def test_figures_are_not_written_by_hand(self):
        self._answered(5)
        Backtest = self.env["csp.backtest"].with_user(self.manager)
        for name, value in (
            ("state", "done"),
            ("fingerprint", "x"),
            ("run_at", "2030-01-01 00:00:00"),
            ("ticket_count", 5),
            ("line_ids", [Command.create({"kind": "resolution"})]),
        ):
            with self.assertRaises(UserError):
                Backtest.create({"version_id": self.version.id, name: value})
            fake = Backtest.with_context(
                **{f"default_{name}": value, "csp_by_addon": True}
            ).create({"version_id": self.version.id})
            self.assertEqual((fake.state, fake.ticket_count), ("draft", 0), name)
            self.assertFalse(fake.fingerprint or fake.run_at or fake.line_ids)
            with self.assertRaises(UserError):
                fake.write({name: value})
        test = self._backtest(self.version)
        with self.assertRaises(UserError):
            test.write({"date_from": date(2026, 3, 1)})
        for record in (test.line_ids, test.change_ids):
            with self.assertRaises(AccessError):
                record.write({"backtest_id": test.id})
        copy = test.copy()
        self.assertEqual((copy.state, copy.ticket_count), ("draft", 0))
        self.assertFalse(copy.line_ids or copy.fingerprint)

    def test_fresh(self):
        draft = self._draft([LINE], self.policy)
        self.assertFalse(draft._fresh_backtest())
        test = self._backtest(draft)
        with freeze_time(self.at(days=30)):
            test.invalidate_recordset()
            self.assertTrue(test.is_fresh)
            self.assertEqual(draft._fresh_backtest(), test)
            self.assertFalse(self.version._fresh_backtest())
        with freeze_time(self.at(days=51)):
            test.invalidate_recordset()
            self.assertFalse(test.is_fresh)
            self.assertIn("30 days", test.stale_text)
            self.env.company.csp_backtest_days = 60
            test.invalidate_recordset()
            self.assertTrue(test.is_fresh)
        draft.line_ids.first_response_minutes = 61
        with freeze_time(self.at(days=21)):
            test.invalidate_recordset()
            self.assertFalse(test.is_fresh or draft._fresh_backtest())
            self.assertIn("changed since", test.stale_text)
            self.assertTrue(test.action_again())

    def test_a_line_deleted_since(self):
        draft = self._draft([LINE], self.policy)
        test = self._backtest(draft)
        draft.line_ids.unlink()
        test.invalidate_recordset()
        self.assertEqual(len(test.line_ids), 3)
        self.assertEqual(test.line_ids[0].title, "Any ticket: first reply in 1 h")
        self.assertFalse(test.is_fresh)

    def test_deleted_with_its_draft(self):
        draft = self._draft([LINE])
        self._answered(5)
        test = self._backtest(draft)
        draft.policy_id.with_user(self.manager).unlink()
        self.assertFalse(test.exists())
        self._backtest(self.version).with_user(self.manager).unlink()

    # === Beside the version ===

    def test_from_the_version(self):
        with freeze_time(self.at(days=20)):
            action = self.version.with_user(self.manager).action_backtest()
            context = action["context"]
            self.assertEqual(context["default_version_id"], self.version.id)
            self.assertEqual(context["default_date_to"], date(2026, 3, 22))
            self.assertEqual(
                context["default_date_from"], date(2026, 3, 22) - timedelta(days=90)
            )
        self._backtest(self.version)
        self.assertEqual(self.version.backtest_count, 1)
        action = self.version.action_view_backtests()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, self.version.backtest_ids)

    def test_at_once_unless_it_takes_long(self):
        for minutes in (5, 10):
            self._answered(minutes)
        version = self.version.with_user(self.manager)
        with freeze_time(self.at(days=20)):
            self.assertFalse(version._backtest_now(limit=1))
            test = version._backtest_now(limit=2)
        self.assertEqual((test.state, test.ticket_count), ("done", 2))
        empty = self._create_policy([], publish=False).draft_version_id
        self.assertFalse(empty._backtest_now())

    def test_left_behind(self):
        self._answered(5)
        draft = self._draft([LINE], sequence=1)
        first = self._backtest(draft, at=self.at(days=20))
        second = self._backtest(draft, at=self.at(days=21))
        stuck = self._started(draft)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE csp_backtest SET write_date = '2026-03-10' WHERE id = %s",
            [stuck.id],
        )
        self.env.invalidate_all()
        with freeze_time(self.at(days=25)):
            self.env["csp.backtest"]._gc_left_behind()
        self.assertFalse(first.change_ids)
        self.assertTrue(second.change_ids)
        self.assertEqual(stuck.state, "cancelled")
        self.assertTrue(first.line_ids)


class TestBacktestOfImports(HistoryCommon):
    def test_same_figures_as_applying_the_policy(self):
        batch = self._import(to_csv(CASES))
        version = self._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 480,
                }
            ]
        ).current_version_id
        Backtest = self.env["csp.backtest"].with_user(self.manager)
        before = Backtest.create({"version_id": version.id, "import_id": batch.id})
        before.action_run()
        wizard = (
            self.env["csp.promise.apply"]
            .with_user(self.manager)
            .create({"version_id": version.id, "import_id": batch.id})
        )
        wizard.action_apply()
        while wizard.action_run_chunk():
            self.env.invalidate_all()
        after = Backtest.create({"version_id": version.id, "import_id": batch.id})
        after.action_run()
        for test in (before, after):
            for mine, theirs in zip(
                test.line_ids.filtered("case_count"), wizard.line_ids, strict=True
            ):
                for name in (
                    "kind",
                    "case_count",
                    "kept_count",
                    "missed_count",
                    "cancelled_count",
                    "open_count",
                ):
                    self.assertEqual(mine[name], theirs[name], name)
                self.assertAlmostEqual(mine.kept_percent, theirs.kept_percent)
                self.assertEqual(mine.median_seconds, theirs.median_hours * 3600)
                self.assertEqual(mine.p90_seconds, round(theirs.p90_hours * 3600))

    def test_the_import_where_nothing_else_is_there(self):
        batch = self._import(to_csv(CASES))
        version = self._create_policy([LINE], publish=False).draft_version_id
        values = version.with_user(self.manager)._backtest_values()
        self.assertEqual(values["import_id"], batch.id)
        self.assertFalse(values["date_from"] or values["date_to"])
        test = version.with_user(self.manager)._backtest_now()
        self.assertEqual(test.ticket_count, 4)
        self.assertTrue(test.has_import)
        self.assertIn(batch.display_name, test.display_name)
