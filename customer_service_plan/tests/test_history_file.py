"""Past tickets from a file: reading, dates, guesses, and the events of a case."""

import csv
import gzip
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from odoo.tests.common import BaseCase

from ..tools import clock, history
from ..tools.timeline import Timeline

EVENTS = {
    "opened": history.RECEIVED,
    "answered": history.STAFF_REPLY,
    "asked": history.CUSTOMER_MESSAGE,
    "worked": history.WORK,
    "waits": history.WAITS_FOR_CUSTOMER,
    "waits for parts": history.WAITS_FOR_THIRD_PARTY,
    "goes on": history.RESUMED,
    "solved": history.CLOSED,
    "given up": history.CANCELLED,
    "reopened": history.REOPENED,
    "printed": history.IGNORE,
}
PLAN = history.Plan(columns={0: "case", 1: "activity", 2: "time"}, events=EVENTS)
DAY = 86_400


def to_csv(rows, separator=",", encoding="utf-8"):
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode(encoding)


def log(*rows, header=("Case", "Activity", "Time")):
    """A file of rows (case, activity, time)."""
    return history.read_table(to_csv([header, *rows]))


def case(*rows):
    """A file with one case: rows of an activity and a time on 2 March 2026."""
    return log(*(("A", activity, f"2026-03-02 {at}") for activity, at in rows))


class TestReading(BaseCase):
    def test_encodings_and_separators(self):
        rows = [["Case", "Activité"], ["1", "réponse"], ["2", "fermé; fini, clos"]]
        for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
            for separator in ",;\t|":
                with self.subTest(encoding=encoding, separator=separator):
                    table = history.read_table(to_csv(rows, separator, encoding))
                    self.assertEqual(table.separator, separator)
                    self.assertEqual(table.header, rows[0])
                    self.assertEqual([r.cells for r in table.rows()], rows[1:])

    def test_gzip(self):
        content = gzip.compress(to_csv([["Case", "Activity"], ["1", "x"]]))
        self.assertEqual(history.read_table(content).header, ["Case", "Activity"])

    def test_rows_can_be_read_twice(self):
        table = log(["1", "opened", "2026-03-02"])
        self.assertEqual(list(table.rows()), list(table.rows()))

    def test_same_name_twice_and_none(self):
        table = history.read_table(b"Variant,Variant,,Variant (2)\n1,2,3,4\n")
        self.assertEqual(
            table.header, ["Variant", "Variant (2)", "Column 3", "Variant (2) (2)"]
        )

    def test_line_numbers_count_lines_of_the_file(self):
        table = history.read_table(b'a,b\n1,"two\nlines"\n\n3,4\n')
        self.assertEqual([row.line for row in table.rows()], [2, 5])

    def test_xlsx(self):
        book = Workbook()
        book.active.append(["Case", "Activity", "Time"])
        book.active.append([7, "opened", datetime(2026, 3, 2, 9, 0)])
        book.active.append([None, None, None])
        book.active.append([7.0, "solved", "2026-03-02 10:00"])
        out = io.BytesIO()
        book.save(out)
        table = history.read_table(out.getvalue())
        past = history.build(table, PLAN)
        self.assertFalse(past.rejected)
        self.assertEqual([step.line for step in past.cases[0].steps], [2, 4])
        self.assertEqual(past.cases[0].ref, "7")
        at = int(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp())
        self.assertEqual([step.at for step in past.cases[0].steps], [at, at + 3600])

    def test_what_is_no_table(self):
        cases = {
            b"": "empty",
            b"  \n": "empty",
            b"one column\n1\n": "no_table",
            b"\x89PNG\x00\x00\x00\x0d": "not_text",
            b"PK\x03\x04 no zip": "damaged",
            b"\x1f\x8b no gzip": "damaged",
            gzip.compress(b"a,b\n1,2\n")[:-12]: "damaged",
        }
        for content, code in cases.items():
            with self.subTest(content=content):
                with self.assertRaises(history.HistoryError) as caught:
                    history.read_table(content)
                self.assertEqual(caught.exception.code, code)

    def test_too_large_once_unpacked(self):
        limit = history.MAX_BYTES
        self.addCleanup(setattr, history, "MAX_BYTES", limit)
        history.MAX_BYTES = 1000
        with self.assertRaises(history.HistoryError) as caught:
            history.read_table(gzip.compress(b"a,b\n" * 1000))
        self.assertEqual(caught.exception.code, "too_large")

    def test_a_cell_beyond_all_bounds(self):
        self.addCleanup(csv.field_size_limit, csv.field_size_limit(1000))
        content = b"a,b\n1,2\n3,%s\n" % (b"x" * 2000)
        with self.assertRaises(history.HistoryError) as caught:
            list(history.read_table(content).rows())
        self.assertEqual((caught.exception.code, caught.exception.line), ("damaged", 3))

    @given(st.binary(max_size=300))
    def test_no_content_raises_anything_else(self, content):
        try:
            table = history.read_table(content)
            history.build(table, replace(PLAN, columns={0: "case", 1: "time"}))
        except history.HistoryError:
            return


class TestDates(BaseCase):
    def instant(self, text, order="ymd", zone="UTC"):
        at = history.DateReader(order, zone)(text)
        return at if at is None else datetime.fromtimestamp(at, UTC).isoformat(" ")[:19]

    def test_orders(self):
        expected = "2026-03-02 14:05:00"
        for text, order in (
            ("2026/03/02 14:05:00.000", "ymd"),
            ("2026-03-02T14:05", "ymd"),
            ("2.3.2026 14:05", "dmy"),
            ("02/03/26, 14.05", "dmy"),
            ("3/2/2026 2:05 PM", "mdy"),
            ("2 Mar 2026 14:05", "dmy"),
            ("2-march-2026 14:05", "mdy"),
            ("2026-03-02T14:05:00Z", "ymd"),
            ("2026-03-02 16:05:00+02:00", "ymd"),
            ("2026-03-02 08:35:00-0530", "ymd"),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.instant(text, order), expected)

    def test_what_is_no_date(self):
        for text, order in (
            ("", "ymd"),
            ("yesterday", "ymd"),
            ("2026-13-01", "ymd"),
            ("2026-02-30", "ymd"),
            ("12/31/2026", "dmy"),
            ("2026-03-02 25:00", "ymd"),
            ("2026-03-02 13:00 PM", "ymd"),
            ("02/03/2026", "ymd"),
            ("1899-12-31", "ymd"),
            ("2 Foo 2026", "dmy"),
        ):
            with self.subTest(text=text):
                self.assertIsNone(self.instant(text, order))

    def test_rome_in_winter_and_summer(self):
        self.assertEqual(
            self.instant("2012-01-10 09:00", zone="Europe/Rome"), "2012-01-10 08:00:00"
        )
        self.assertEqual(
            self.instant("2012-07-10 09:00", zone="Europe/Rome"), "2012-07-10 07:00:00"
        )

    def test_time_that_comes_twice_is_the_later_one(self):
        # On 28 October 2012 the clocks of Rome went back from 3:00 to 2:00.
        self.assertEqual(
            self.instant("2012-10-28 02:30", zone="Europe/Rome"), "2012-10-28 01:30:00"
        )

    def test_time_that_does_not_exist_is_moved_on_by_the_gap(self):
        # On 25 March 2012 they went on from 2:00 to 3:00.
        self.assertEqual(
            self.instant("2012-03-25 02:30", zone="Europe/Rome"), "2012-03-25 01:30:00"
        )

    def test_offset_in_the_text_wins_over_the_zone(self):
        self.assertEqual(
            self.instant("2012-07-10 09:00Z", zone="Europe/Rome"), "2012-07-10 09:00:00"
        )

    def test_spreadsheet_fractions_are_rounded(self):
        cell = datetime(2026, 3, 2, 14, 59, 59, 999_999)
        self.assertEqual(self.instant(cell), "2026-03-02 15:00:00")

    @settings(max_examples=300)
    @given(
        st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)),
        st.sampled_from(
            ["Europe/Rome", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]
        ),
    )
    def test_same_rule_as_the_opening_hours(self, moment, zone):
        moment = moment.replace(second=0, microsecond=0)
        day = moment.replace(hour=0, minute=0)
        minute = int((moment - day).total_seconds() // 60)
        expected = Timeline(zone)._localize((day - datetime(1970, 1, 1)).days, minute)
        text = moment.strftime("%Y-%m-%d %H:%M")
        self.assertEqual(history.DateReader("ymd", zone)(text), expected)

    def test_guess_the_order(self):
        for cells, order in (
            (["2026-03-02", "2026/3/4"], "ymd"),
            (["02.03.2026 10:00", "31.03.2026"], "dmy"),
            (["03/02/2026", "03/31/2026"], "mdy"),
            (["03/02/2026"], "dmy"),
            ([datetime(2026, 1, 1)], "dmy"),
            (["03/02/2026", "soon"], ""),
            ([], ""),
        ):
            with self.subTest(cells=cells):
                self.assertEqual(history.guess_date_order(cells), order)


class TestGuesses(BaseCase):
    def guess(self, header, *rows):
        rows = [history.Row(at, cells) for at, cells in enumerate(rows, 2)]
        found = history.guess_columns(header, rows)
        return {header[index]: role for index, role in found.items()}

    def test_event_log(self):
        self.assertEqual(
            self.guess(
                ["Case ID", "Activity", "Resource", "Complete Timestamp", "Variant"],
                ["Case 1", "Closed", "Ann", "2012/10/09 14:50:17.000", "Variant 12"],
            ),
            {
                "Case ID": "case",
                "Activity": "activity",
                "Resource": "who",
                "Complete Timestamp": "time",
            },
        )

    def test_a_row_per_case(self):
        self.assertEqual(
            self.guess(
                [
                    "Ticket ID",
                    "Created at",
                    "First response",
                    "Resolved at",
                    "Priority",
                ],
                ["1", "2026-03-02", "", "2026-03-03", "High"],
                ["2", "2026-03-02", "2026-03-02", "", "Low"],
            ),
            {
                "Ticket ID": "case",
                "Created at": "received_at",
                "First response": "answered_at",
                "Resolved at": "closed_at",
                "Priority": "priority",
            },
        )

    def test_unknown_name_of_the_only_column_with_dates(self):
        self.assertEqual(
            self.guess(["id", "action", "moment"], ["1", "x", "2026-03-02"])["moment"],
            "time",
        )

    def test_a_time_is_a_date_and_nothing_else_is(self):
        self.assertEqual(
            self.guess(
                ["id", "action", "time", "customer"],
                ["1", "x", "5 minutes", "2026-03-02"],
            ),
            {"id": "case", "action": "activity", "customer": "time"},
        )

    def test_events(self):
        for activity, event in (
            ("Insert ticket", history.RECEIVED),
            ("Take in charge ticket", history.STAFF_REPLY),
            ("Wait", history.WAITS_FOR_CUSTOMER),
            ("Waiting for the supplier", history.WAITS_FOR_THIRD_PARTY),
            ("Resolve ticket", history.CLOSED),
            ("Closed", history.CLOSED),
            ("RE-OPENED", history.REOPENED),
            ("Chiuso", history.CLOSED),
            ("Cancelled", history.CANCELLED),
            ("Customer replied", history.CUSTOMER_MESSAGE),
            ("Assign seriousness", history.WORK),
            # Only a person can tell.
            ("Create SW anomaly", ""),
            ("Resolve SW anomaly", ""),
            ("DUPLICATE", ""),
        ):
            with self.subTest(activity=activity):
                self.assertEqual(history.guess_event(activity), event)


class TestRejecting(BaseCase):
    """A broken row is named, and its case is not imported without it."""

    good = ["B", "opened", "2026-03-02 09:00"], ["B", "solved", "2026-03-02 10:00"]

    def build(self, *rows, **changes):
        return history.build(log(*rows), replace(PLAN, **changes))

    def test_broken_rows(self):
        for row, reason, value in (
            (["A", "solved", "2026-02-30"], "bad_date", "2026-02-30"),
            (["A", "solved", ""], "no_time", ""),
            (["A", "", "2026-03-02"], "no_activity", ""),
            (["A", "exploded", "2026-03-02"], "unknown_activity", "exploded"),
            (["A", "solved", "2026-03-02", "", "x"], "too_many_cells", ""),
            (["A", "solved"], "no_time", ""),
            (["A"], "no_activity", ""),
            (["A", "solved", "2026-03-09"], "future", "2026-03-09"),
        ):
            with self.subTest(row=row):
                now = int(datetime(2026, 3, 8, tzinfo=UTC).timestamp())
                past = self.build(
                    ["A", "opened", "2026-03-02 09:00"], row, *self.good, now=now
                )
                self.assertEqual([case.ref for case in past.cases], ["B"])
                self.assertEqual(
                    past.rejected,
                    [(2, "other_row", "3", "A"), (3, reason, value, "A")],
                )

    def test_a_row_of_no_case(self):
        past = self.build(["", "opened", "2026-03-02"], *self.good)
        self.assertEqual(past.rejected, [(2, "no_case", "", "")])
        self.assertEqual(len(past.cases), 1)

    def test_rows_need_not_stand_together(self):
        past = self.build(
            ["A", "opened", "2026-03-02"],
            *self.good,
            ["A", "exploded", "2026-03-02"],
        )
        self.assertEqual(
            past.rejected,
            [(2, "other_row", "5", "A"), (5, "unknown_activity", "exploded", "A")],
        )

    def test_older_than_the_receipt(self):
        past = self.build(
            ["A", "answered", "2026-03-01"],
            ["A", "opened", "2026-03-02"],
            ["A", "solved", "2026-03-03"],
        )
        self.assertEqual(
            past.rejected,
            [
                (2, "before_receipt", "", "A"),
                (3, "other_row", "2", "A"),
                (4, "other_row", "2", "A"),
            ],
        )

    def test_no_receipt(self):
        rows = ["A", "answered", "2026-03-01"], ["A", "solved", "2026-03-03"]
        past = self.build(*rows, first_row_is_receipt=False)
        self.assertEqual(past.rejected[0], (2, "no_receipt", "", "A"))
        self.assertFalse(past.cases)
        self.assertEqual(len(self.build(*rows).cases), 1)

    def test_no_end(self):
        rows = ["A", "opened", "2026-03-01"], ["A", "waits", "2026-03-03"]
        past = self.build(*rows)
        self.assertEqual(past.rejected[1], (3, "not_ended", "", "A"))
        past = self.build(*rows, unfinished=history.END_UNSOLVED)
        self.assertFalse(past.rejected)
        self.assertEqual(past.cases[0].steps[-1].kind, "closed")
        self.assertEqual(past.cases[0].steps[-1].data, {"outcome": "cancelled"})
        self.assertEqual(past.notes["ended_unsolved"], 1)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["", "A", "B", "C"]),
                st.sampled_from([*EVENTS, "exploded", ""]),
                st.sampled_from(["2026-03-02", "2026-03-03 10:00", "soon", ""]),
            ),
            max_size=25,
        )
    )
    def test_each_row_counts_or_is_named_once(self, rows):
        if not any(map(any, rows)):
            return
        past = history.build(log(*rows), PLAN)
        lines = Counter(row.line for row in past.rejected)
        refs = {case.ref for case in past.cases}
        for line, row in enumerate(rows, 2):
            if any(row):
                self.assertEqual(lines[line], 0 if row[0] in refs else 1)
        self.assertFalse(refs & {row.case for row in past.rejected})


class TestNormalising(BaseCase):
    """What the rows of a case become: kind, hour of the day, and their data."""

    def steps(self, *rows, **changes):
        past = history.build(case(*rows), replace(PLAN, **changes))
        self.assertFalse(past.rejected)
        self.notes = past.notes
        zero = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
        return [
            (step.kind, (step.at - zero) // 3600, *step.data.values())
            for step in past.cases[0].steps
        ]

    def test_plain_case(self):
        self.assertEqual(
            self.steps(("opened", "09:00"), ("answered", "10:00"), ("solved", "11:00")),
            [("received", 9), ("staff_reply", 10), ("closed", 11, "solved")],
        )

    def test_order_of_time_not_of_the_file(self):
        self.assertEqual(
            self.steps(("solved", "11:00"), ("opened", "09:00"), ("answered", "10:00")),
            [("received", 9), ("staff_reply", 10), ("closed", 11, "solved")],
        )

    def test_first_row_is_receipt_and_counts_for_itself(self):
        self.assertEqual(
            self.steps(("answered", "09:00"), ("solved", "11:00")),
            [("received", 9), ("staff_reply", 9), ("closed", 11, "solved")],
        )
        self.assertEqual(self.notes["answered_at_receipt"], 1)
        self.assertEqual(
            self.steps(("worked", "09:00"), ("solved", "11:00")),
            [("received", 9), ("closed", 11, "solved")],
        )
        self.assertEqual(self.notes["answered_at_receipt"], 0)

    def test_wait_ends_with_the_next_row(self):
        self.assertEqual(
            self.steps(
                ("opened", "09:00"),
                ("waits", "10:00"),
                ("printed", "10:30"),
                ("worked", "11:00"),
                ("solved", "12:00"),
            ),
            [
                ("received", 9),
                ("paused", 10, "customer"),
                ("resumed", 11),
                ("closed", 12, "solved"),
            ],
        )

    def test_wait_ends_only_when_told(self):
        rows = (
            ("opened", "09:00"),
            ("waits", "10:00"),
            ("answered", "11:00"),
            ("goes on", "12:00"),
            ("solved", "13:00"),
        )
        self.assertEqual(
            [step[:2] for step in self.steps(*rows, next_ends_wait=False)],
            [
                ("received", 9),
                ("paused", 10),
                ("staff_reply", 11),
                ("resumed", 12),
                ("closed", 13),
            ],
        )

    def test_wait_after_wait_goes_on(self):
        self.assertEqual(
            self.steps(
                ("opened", "09:00"),
                ("waits", "10:00"),
                ("waits", "11:00"),
                ("waits for parts", "12:00"),
                ("solved", "13:00"),
            ),
            [
                ("received", 9),
                ("paused", 10, "customer"),
                ("paused", 12, "third_party"),
                ("closed", 13, "solved"),
            ],
        )

    def test_first_closing_counts(self):
        # "Closed" follows "Resolve ticket" weeks later by itself.
        self.assertEqual(
            self.steps(("opened", "09:00"), ("solved", "10:00"), ("given up", "20:00")),
            [("received", 9), ("closed", 10, "solved")],
        )
        self.assertEqual(self.notes["closed_again"], 1)

    def test_work_reopens(self):
        rows = (
            ("opened", "09:00"),
            ("solved", "10:00"),
            ("answered", "11:00"),
            ("solved", "12:00"),
        )
        self.assertEqual(
            self.steps(*rows),
            [
                ("received", 9),
                ("closed", 10, "solved"),
                ("reopened", 11, True),
                ("staff_reply", 11),
                ("closed", 12, "solved"),
            ],
        )
        self.assertEqual(
            self.steps(*rows, work_reopens=False),
            [("received", 9), ("closed", 10, "solved"), ("staff_reply", 11)],
        )

    def test_reopened_after_the_grace_time(self):
        rows = (
            ("opened", "09:00"),
            ("given up", "10:00"),
            ("reopened", "11:00"),
            ("solved", "12:00"),
        )
        self.assertIn(("reopened", 11, True), self.steps(*rows, grace_seconds=3600))
        self.assertIn(("reopened", 11, False), self.steps(*rows, grace_seconds=3599))

    def test_customer_writes(self):
        self.assertEqual(
            self.steps(
                ("opened", "09:00"),
                ("waits", "10:00"),
                ("asked", "11:00"),
                ("solved", "12:00"),
                ("asked", "13:00"),
            ),
            [
                ("received", 9),
                ("paused", 10, "customer"),
                ("resumed", 11),
                ("customer_message", 11),
                ("closed", 12, "solved"),
                ("customer_message", 13),
            ],
        )

    def test_who_did_it_is_kept_with_the_event(self):
        table = log(
            ["A", "opened", "2026-03-02", "Ann"],
            ["A", "solved", "2026-03-03", "Bob"],
            header=("Case", "Activity", "Time", "Agent"),
        )
        columns = {**PLAN.columns, 3: "who"}
        past = history.build(table, replace(PLAN, columns=columns))
        self.assertEqual(
            [step.data.get("by") for step in past.cases[0].steps], ["Ann", "Bob"]
        )

    def test_attributes_are_those_known_first(self):
        table = log(
            ["A", "opened", "2026-03-02", ""],
            ["A", "answered", "2026-03-02", "High"],
            ["A", "solved", "2026-03-03", "Low"],
            header=("Case", "Activity", "Time", "Priority"),
        )
        columns = {**PLAN.columns, 3: "priority"}
        past = history.build(table, replace(PLAN, columns=columns))
        self.assertEqual(past.cases[0].attributes, {"priority": "High"})

    def test_a_row_per_case(self):
        table = log(
            ["1", "2026-03-02 09:00", "", "2026-03-02 11:00"],
            ["2", "2026-03-02 09:00", "2026-03-02 09:00", "2026-03-02 09:00"],
            ["3", "2026-03-02 09:00", "2026-03-02 08:00", "2026-03-02 11:00"],
            ["4", "", "", ""],
            ["5", "2026-03-02 09:00", "soon", ""],
            header=("Ticket", "Created", "Answered", "Closed"),
        )
        columns = {0: "case", 1: "received_at", 2: "answered_at", 3: "closed_at"}
        past = history.build(table, history.Plan(columns=columns))
        kinds = {case.ref: [step.kind for step in case.steps] for case in past.cases}
        self.assertEqual(
            kinds,
            {
                "1": ["received", "closed"],
                "2": ["received", "staff_reply", "closed"],
            },
        )
        self.assertEqual(
            [row.reason for row in past.rejected],
            ["before_receipt", "no_time", "bad_date"],
        )

    activities = st.lists(
        st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 30 * DAY)),
        min_size=1,
        max_size=12,
    )

    @settings(max_examples=300)
    @given(activities, st.booleans(), st.booleans())
    def test_always_a_history_the_clock_can_follow(self, rows, ends_wait, reopens):
        zero = datetime(2026, 3, 2, tzinfo=ZoneInfo("UTC"))
        table = log(
            *(
                ["A", activity, (zero + timedelta(seconds=at)).isoformat()[:19]]
                for activity, at in rows
            )
        )
        plan = replace(
            PLAN,
            next_ends_wait=ends_wait,
            work_reopens=reopens,
            unfinished=history.END_UNSOLVED,
        )
        past = history.build(table, plan)
        self.assertEqual(past.cases, history.build(table, plan).cases)
        for found in past.cases:
            steps = found.steps
            self.assertEqual(steps[0].kind, "received")
            self.assertEqual([s.at for s in steps], sorted(s.at for s in steps))
            closed, waiting = False, ""
            for step in steps[1:]:
                self.assertNotEqual(step.kind, "received")
                if step.kind == "closed":
                    self.assertFalse(closed)
                    closed, waiting = True, ""
                elif step.kind == "reopened":
                    self.assertTrue(closed)
                    closed = False
                elif step.kind == "paused":
                    self.assertFalse(closed)
                    self.assertNotEqual(waiting, step.data["waiting_on"])
                    waiting = step.data["waiting_on"]
                elif step.kind == "resumed":
                    self.assertTrue(waiting)
                    waiting = ""
            self.assertTrue(closed)
            promise = clock.Promise({clock.FIRST_RESPONSE: DAY, clock.RESOLUTION: DAY})
            events = [clock.Event(s.kind, s.at, s.data) for s in steps]
            data = {**promise.to_data(), "from_receipt": True}
            events.append(clock.Event("promised", steps[0].at, data))
            replayed = clock.replay(
                events, lambda _id: Timeline("UTC", always_open=True)
            )
            self.assertTrue(replayed.closed_as)
            self.assertTrue(all(row.ended_at is not None for row in replayed.rows))
