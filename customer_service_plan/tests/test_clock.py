"""The meaning of clocks: at least one example per rule, with numbers made by hand."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytz

from odoo.tests.common import BaseCase

from odoo.addons.customer_service_plan.tools import clock
from odoo.addons.customer_service_plan.tools.clock import (
    CANCELLED,
    EXCUSED,
    FIRST_RESPONSE,
    MET,
    MISSED,
    NEXT_RESPONSE,
    PAUSED,
    RESOLUTION,
    RUNNING,
    Event,
    Promise,
)
from odoo.addons.customer_service_plan.tools.timeline import DayException, Timeline

HOUR = 3600
MINUTE = 60
ATHENS = pytz.timezone("Europe/Athens")

ALWAYS, OFFICE, LUNCH, NEVER, HOLIDAY = range(5)
NINE_TO_FIVE = [(weekday, 540, 1020) for weekday in range(5)]
NINE_TO_FIVE_WITH_LUNCH = [
    (weekday, start, end)
    for weekday in range(5)
    for start, end in ((540, 780), (840, 1020))
]
TABLES = {
    ALWAYS: Timeline("UTC", always_open=True),
    OFFICE: Timeline("Europe/Athens", NINE_TO_FIVE),
    LUNCH: Timeline("Europe/Athens", NINE_TO_FIVE_WITH_LUNCH),
    NEVER: Timeline("Europe/Athens"),
    HOLIDAY: Timeline(
        "Europe/Athens",
        NINE_TO_FIVE,
        [DayException(datetime(2026, 11, 3).date(), datetime(2026, 11, 3).date())],
    ),
}


def at(text):
    """Epoch seconds of a local time in Athens: "Mon 9:30", in the week of Monday
    2 November 2026, "Mon+1 9:30" in the one after it."""
    day, time = text.split()
    name, _plus, weeks = day.partition("+")
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(name)
    parts = [int(part) for part in time.split(":")] + [0]
    moment = datetime(2026, 11, 2, *parts[:3])
    moment += timedelta(days=days, weeks=int(weeks or 0))
    return int(ATHENS.localize(moment).timestamp())


def event(kind, when, **data):
    return Event(kind, at(when) if isinstance(when, str) else when, data)


def promised(when, hours=OFFICE, from_receipt=False, line=1, **targets):
    data = Promise(targets, hours=hours, line=line, version=1).to_data()
    if from_receipt:
        data["from_receipt"] = True
    return event("promised", when, **data)


def request(when="Mon 10:00", hours=OFFICE, **targets):
    """A request that gets its promise at receipt."""
    return [event("received", when), promised(when, hours, True, **targets)]


class TestClockRules(BaseCase):
    def play(self, *events, until=None, tables=None):
        until = at(until) if isinstance(until, str) else until
        return clock.replay(events, (tables or TABLES).__getitem__, until)

    def rows(self, case, kind):
        return [row for row in case.rows if row.kind == kind]

    def row(self, case, kind=RESOLUTION):
        (row,) = self.rows(case, kind)
        return row

    def assertRow(self, row, **expected):
        found = {}
        for name, value in expected.items():
            found[name] = getattr(row, name)
            if isinstance(value, str) and " " in value:
                expected[name] = at(value)
        self.assertEqual(found, expected)

    # ------------------------------------------------------------ opening time

    def test_deadline_runs_over_the_night(self):
        case = self.play(*request("Mon 16:00", resolution=2 * HOUR))
        self.assertRow(
            self.row(case), deadline="Tue 10:00", running_since="Mon 16:00", consumed=0
        )

    def test_deadline_leaves_out_lunch(self):
        case = self.play(*request("Mon 12:30", LUNCH, first_response=HOUR))
        self.assertRow(self.row(case, FIRST_RESPONSE), deadline="Mon 14:30")

    def test_deadline_leaves_out_the_weekend(self):
        case = self.play(*request("Fri 16:30", resolution=HOUR))
        self.assertRow(self.row(case), deadline="Mon+1 9:30")

    def test_received_before_opening_counts_from_the_opening(self):
        case = self.play(
            *request("Sat 12:00", first_response=HOUR),
            event("staff_reply", "Mon+1 9:20"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            started_at="Sat 12:00",
            deadline="Mon+1 10:00",
            consumed=20 * MINUTE,
            state=MET,
        )

    def test_always_open_is_plain_addition(self):
        case = self.play(*request("Sat 23:30", ALWAYS, resolution=HOUR))
        self.assertRow(self.row(case), deadline="Sun 0:30")

    def test_deadline_on_closing_time_is_closing_time(self):
        case = self.play(*request("Fri 16:00", resolution=HOUR))
        self.assertRow(self.row(case), deadline="Fri 17:00")

    # -------------------------------------------------- rule 3 and 9: the start

    def test_zero_and_absent_targets_promise_nothing(self):
        case = self.play(*request(first_response=0, resolution=HOUR))
        self.assertEqual([row.kind for row in case.rows], [RESOLUTION])

    def test_without_promise_events_are_facts_only(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("staff_reply", "Mon 11:00"),
            event("customer_message", "Mon 12:00"),
            event("closed", "Mon 13:00", outcome="cancelled"),
        )
        self.assertEqual(case.rows, [])
        self.assertEqual(case.first_response_at, at("Mon 11:00"))
        self.assertEqual(case.unanswered_since, at("Mon 12:00"))
        self.assertEqual(case.closed_as, "cancelled")

    def test_row_names_what_it_was_promised_by(self):
        promise = Promise({RESOLUTION: HOUR}, hours=OFFICE, line=7, version=4)
        data = {**promise.to_data(), "from_receipt": True}
        self.assertEqual(Promise.from_data(data), promise)
        case = self.play(
            event("received", "Mon 10:00"), event("promised", "Mon 10:00", **data)
        )
        self.assertRow(
            self.row(case), hours=OFFICE, line=7, version=4, target=HOUR, overrun=0
        )

    def test_rule_9_live_channel_is_answered_at_receipt(self):
        reply = event("staff_reply", "Mon 10:00")
        received, promise = request(first_response=HOUR, resolution=4 * HOUR)
        case = self.play(received, reply, promise)
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=MET, ended_at="Mon 10:00", consumed=0
        )
        self.assertEqual(case.first_response_at, at("Mon 10:00"))
        self.assertEqual(self.row(case).state, RUNNING)

    # ----------------------------------------------------------- rule 7: missed

    def test_rule_7_in_the_second_of_the_deadline_is_in_time(self):
        case = self.play(
            *request(first_response=HOUR), event("staff_reply", "Mon 11:00")
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MET,
            consumed=HOUR,
            overrun=0,
            missed_at=None,
        )

    def test_rule_7_a_second_later_is_missed_at_the_deadline(self):
        case = self.play(
            *request(first_response=HOUR), event("staff_reply", "Mon 11:00:01")
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MISSED,
            missed_at="Mon 11:00",
            ended_at="Mon 11:00:01",
            overrun=1,
        )

    def test_rule_7_reply_on_the_weekend_after_a_deadline_at_closing_is_late(self):
        case = self.play(
            *request("Fri 16:00", first_response=HOUR),
            event("staff_reply", "Sat 10:00"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MISSED,
            missed_at="Fri 17:00",
            overrun=0,
        )

    def test_rule_7_every_event_marks_what_is_past(self):
        for kind in ("customer_message", "handover", "escalated", "merged"):
            with self.subTest(kind):
                case = self.play(*request(resolution=HOUR), event(kind, "Mon 12:00"))
                self.assertRow(self.row(case), state=MISSED, missed_at="Mon 11:00")

    def test_rule_7_order_of_one_instant_is_the_given_one(self):
        events = [
            event("customer_message", "Mon 11:00"),
            event("staff_reply", "Mon 10:30"),
            *request(first_response=HOUR, next_response=HOUR),
            event("staff_reply", "Mon 11:00"),
        ]
        case = self.play(*events)
        self.assertRow(self.row(case, NEXT_RESPONSE), state=MET, consumed=0)
        case = self.play(
            *events[:1][::-1], *events[1:4], event("handover", "Mon 11:00")
        )
        self.assertRow(self.row(case, NEXT_RESPONSE), state=RUNNING)

    def test_missed_stays_open_and_on_top(self):
        case = self.play(
            *request(first_response=HOUR, resolution=8 * HOUR), until="Tue 9:30"
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=MISSED, ended_at=None, overrun=0
        )
        self.assertEqual(case.next_due().kind, FIRST_RESPONSE)

    def test_sweep_names_only_the_newly_missed(self):
        case = self.play(*request(first_response=HOUR, resolution=8 * HOUR))
        self.assertEqual(case.lapse(at("Mon 11:00")), [])
        self.assertEqual(
            case.lapse(at("Mon 11:00:01")), [self.row(case, FIRST_RESPONSE)]
        )
        self.assertEqual(case.lapse(at("Mon 12:00")), [])

    def test_missed_event_is_a_fact_for_a_replay(self):
        facts = {"commitment": RESOLUTION, "started_at": at("Mon 10:00")}
        case = self.play(
            *request(resolution=8 * HOUR),
            event("missed", "Mon 12:00", missed_at=at("Mon 11:55"), **facts),
        )
        self.assertRow(self.row(case), state=MISSED, missed_at="Mon 11:55")
        case = self.play(
            *request(resolution=8 * HOUR), event("missed", "Mon 12:00", **facts)
        )
        self.assertRow(self.row(case), state=MISSED, missed_at="Mon 12:00")

    def test_missed_event_names_its_commitment(self):
        # Noticed by the very reply that ended it, in the same second as a question.
        missed = event(
            "missed",
            "Mon 14:00",
            commitment=NEXT_RESPONSE,
            started_at=at("Mon 11:00"),
            missed_at=at("Mon 12:00"),
        )
        case = self.play(
            *request(first_response=HOUR, next_response=HOUR),
            event("staff_reply", "Mon 10:30"),
            event("customer_message", "Mon 11:00"),
            event("staff_reply", "Mon 14:00"),
            event("customer_message", "Mon 14:00"),
            missed,
        )
        old, new = self.rows(case, NEXT_RESPONSE)
        self.assertRow(old, state=MISSED, missed_at="Mon 12:00", ended_at="Mon 14:00")
        self.assertRow(new, state=RUNNING, deadline="Mon 15:00")

    # ----------------------------------------- rules 10 and 11: closing, answers

    def test_rule_10_closing_as_solved_is_the_answer(self):
        case = self.play(
            *request(first_response=2 * HOUR, resolution=4 * HOUR),
            event("closed", "Mon 11:00", outcome="solved"),
        )
        self.assertEqual(case.first_response_at, at("Mon 11:00"))
        for kind in (FIRST_RESPONSE, RESOLUTION):
            self.assertRow(
                self.row(case, kind), state=MET, ended_at="Mon 11:00", consumed=HOUR
            )
        self.assertEqual((case.closed_as, case.closed_at), ("solved", at("Mon 11:00")))

    def test_rule_10_closing_late_is_late(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("closed", "Mon 12:30", outcome="solved"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MISSED,
            missed_at="Mon 11:00",
            ended_at="Mon 12:30",
            overrun=90 * MINUTE,
        )

    def test_rule_11_closing_without_outcome_is_solved(self):
        case = self.play(*request(resolution=HOUR), event("closed", "Mon 10:30"))
        self.assertEqual(case.closed_as, "solved")
        self.assertRow(self.row(case), state=MET)

    def test_rule_11_closing_as_cancelled_never_counts_as_met(self):
        case = self.play(
            *request(first_response=2 * HOUR, resolution=4 * HOUR),
            event("closed", "Mon 11:00", outcome="cancelled"),
        )
        for kind in (FIRST_RESPONSE, RESOLUTION):
            self.assertRow(
                self.row(case, kind), state=CANCELLED, ended_at="Mon 11:00", overrun=0
            )
        self.assertIsNone(case.first_response_at)

    def test_rule_11_closed_wins_over_waiting(self):
        case = self.play(
            *request(resolution=4 * HOUR),
            event("closed", "Mon 11:00", outcome="cancelled"),
            event("paused", "Mon 12:00", waiting_on="customer"),
            event("reopened", "Mon 13:00", within_grace=True),
        )
        self.assertEqual(case.waiting_on, "none")
        self.assertRow(self.row(case), state=RUNNING, deadline="Mon 16:00")

    def test_rule_11_the_first_closing_counts(self):
        case = self.play(
            *request(resolution=4 * HOUR),
            event("closed", "Mon 11:00", outcome="solved"),
            event("closed", "Mon 12:00", outcome="cancelled"),
        )
        self.assertEqual(case.closed_at, at("Mon 11:00"))
        self.assertRow(self.row(case), state=MET, ended_at="Mon 11:00")

    def test_rule_12_created_in_a_closing_stage(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("closed", "Mon 10:00", outcome="solved"),
        )
        self.assertEqual(case.rows, [])
        self.assertEqual(case.first_response_at, at("Mon 10:00"))

    def test_rule_12_created_in_a_waiting_stage(self):
        case = self.play(
            *request(first_response=HOUR, resolution=2 * HOUR),
            event("paused", "Mon 10:00", waiting_on="third_party"),
            event("resumed", "Tue 10:00"),
        )
        self.assertRow(self.row(case), state=RUNNING, consumed=0, deadline="Tue 12:00")
        self.assertRow(self.row(case, FIRST_RESPONSE), missed_at="Mon 11:00")

    # --------------------------------------------------- rule 13: next responses

    def conversation(self, *events, **keywords):
        return self.play(
            *request(first_response=HOUR, next_response=2 * HOUR, resolution=40 * HOUR),
            event("staff_reply", "Mon 10:30"),
            *events,
            **keywords,
        )

    def test_rule_13_before_the_first_response_nothing_starts(self):
        case = self.play(
            *request(first_response=2 * HOUR, next_response=HOUR),
            event("customer_message", "Mon 10:30"),
            event("staff_reply", "Mon 11:00"),
        )
        self.assertEqual(self.rows(case, NEXT_RESPONSE), [])
        self.assertIsNone(case.unanswered_since)

    def test_rule_13_starts_at_the_oldest_unanswered_message(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("customer_message", "Mon 12:00"),
        )
        self.assertRow(
            self.row(case, NEXT_RESPONSE), started_at="Mon 11:00", deadline="Mon 13:00"
        )
        self.assertEqual(case.unanswered_since, at("Mon 11:00"))

    def test_rule_13_one_row_for_each_question(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("staff_reply", "Mon 11:10"),
            event("staff_reply", "Mon 11:20"),
            event("customer_message", "Mon 16:00"),
            event("staff_reply", "Tue 10:30"),
        )
        first, second = self.rows(case, NEXT_RESPONSE)
        self.assertRow(first, state=MET, consumed=10 * MINUTE, ended_at="Mon 11:10")
        self.assertRow(second, state=MISSED, missed_at="Tue 10:00", overrun=30 * MINUTE)

    def test_rule_13_responses_never_pause(self):
        case = self.play(
            *request(first_response=HOUR, next_response=HOUR),
            event("paused", "Mon 10:10", waiting_on="customer"),
            event("staff_reply", "Mon 10:40"),
            event("customer_message", "Mon 12:00"),
            event("handover", "Mon 12:30"),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), consumed=40 * MINUTE)
        self.assertRow(
            self.row(case, NEXT_RESPONSE), state=RUNNING, deadline="Mon 13:00"
        )

    def test_rule_13_message_on_a_closed_ticket_counts_from_the_reopening(self):
        for within_grace in (True, False):
            with self.subTest(within_grace=within_grace):
                case = self.conversation(
                    event("closed", "Mon 11:00", outcome="solved"),
                    event("customer_message", "Mon 12:00"),
                    event("reopened", "Tue 10:00", within_grace=within_grace),
                )
                self.assertRow(
                    self.row(case, NEXT_RESPONSE),
                    started_at="Tue 10:00",
                    deadline="Tue 12:00",
                )
                self.assertEqual(case.unanswered_since, at("Tue 10:00"))

    def test_rule_13_message_on_a_closed_ticket_starts_nothing(self):
        case = self.conversation(
            event("closed", "Mon 11:00", outcome="solved"),
            event("customer_message", "Mon 12:00"),
        )
        self.assertEqual(self.rows(case, NEXT_RESPONSE), [])

    def test_rule_13_answered_while_closed(self):
        case = self.conversation(
            event("closed", "Mon 11:00", outcome="solved"),
            event("customer_message", "Mon 12:00"),
            event("staff_reply", "Mon 13:00"),
            event("reopened", "Tue 10:00", within_grace=True),
        )
        self.assertEqual(self.rows(case, NEXT_RESPONSE), [])

    def test_rule_13_closing_ends_it(self):
        for outcome, state in (("solved", MET), ("cancelled", CANCELLED)):
            with self.subTest(outcome):
                case = self.conversation(
                    event("customer_message", "Mon 11:00"),
                    event("closed", "Mon 12:00", outcome=outcome),
                )
                self.assertRow(
                    self.row(case, NEXT_RESPONSE), state=state, ended_at="Mon 12:00"
                )
        self.assertEqual(case.unanswered_since, at("Mon 11:00"))

    def test_rule_13_no_answer_needed(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("no_answer_needed", "Mon 12:00"),
            event("customer_message", "Mon 13:00"),
        )
        first, second = self.rows(case, NEXT_RESPONSE)
        self.assertRow(first, state=CANCELLED, ended_at="Mon 12:00")
        self.assertRow(second, state=RUNNING, started_at="Mon 13:00")

    def test_rule_13_no_answer_needed_keeps_a_missed_one_missed(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("no_answer_needed", "Mon 14:00"),
        )
        self.assertRow(
            self.row(case, NEXT_RESPONSE),
            state=MISSED,
            missed_at="Mon 13:00",
            ended_at="Mon 14:00",
            overrun=HOUR,
        )

    # --------------------------------------------------- rules 14 and 15: pauses

    def test_rule_14_paused_has_no_deadline(self):
        case = self.play(*request(resolution=4 * HOUR), event("paused", "Mon 11:00"))
        self.assertRow(
            self.row(case),
            state=PAUSED,
            deadline=None,
            running_since=None,
            consumed=HOUR,
            ended_at=None,
        )
        self.assertIsNone(case.next_due())
        self.assertEqual(case.waiting_on, "customer")

    def test_rule_14_goes_on_with_what_is_left(self):
        case = self.play(
            *request(resolution=4 * HOUR),
            event("paused", "Mon 11:00", waiting_on="customer"),
            event("paused", "Mon 14:00", waiting_on="third_party"),
            event("resumed", "Mon 16:00"),
        )
        self.assertRow(
            self.row(case),
            state=RUNNING,
            running_since="Mon 16:00",
            deadline="Tue 11:00",
            consumed=HOUR,
        )
        self.assertEqual(case.waiting_on, "none")

    def test_rule_14_paused_in_the_second_of_the_deadline(self):
        case = self.play(
            *request(resolution=HOUR),
            event("paused", "Mon 11:00"),
            event("resumed", "Tue 8:00"),
        )
        self.assertRow(self.row(case), state=RUNNING, deadline="Tue 9:00")

    def test_rule_14_next_deadline_is_the_earliest_of_those_that_run(self):
        case = self.conversation(event("customer_message", "Mon 11:00"))
        self.assertEqual(case.next_due().kind, NEXT_RESPONSE)
        case = self.conversation()
        self.assertEqual(case.next_due().kind, RESOLUTION)
        case = self.conversation(event("closed", "Mon 11:00"))
        self.assertIsNone(case.next_due())

    def test_rule_14_late_ones_stay_on_top_but_not_while_paused(self):
        events = [
            *request(next_response=HOUR, resolution=HOUR),
            event("staff_reply", "Mon 10:30"),
            event("customer_message", "Mon 16:00"),
        ]
        self.assertEqual(self.play(*events).next_due().kind, RESOLUTION)
        case = self.play(*events, event("paused", "Mon 16:10"))
        self.assertEqual(case.next_due().kind, NEXT_RESPONSE)

    def test_rule_15_missed_is_measured_on_pauses_included(self):
        case = self.play(
            *request(resolution=2 * HOUR),
            event("paused", "Mon 13:00"),
            event("resumed", "Mon 15:00"),
            event("closed", "Tue 10:00", outcome="solved"),
        )
        # 10-13, 15-17 and 9-10 are 6 hours, 4 more than promised.
        self.assertRow(
            self.row(case),
            state=MISSED,
            missed_at="Mon 12:00",
            deadline="Mon 12:00",
            consumed=6 * HOUR,
            overrun=4 * HOUR,
            ended_at="Tue 10:00",
        )

    def test_rule_15_missed_keeps_its_state_when_paused(self):
        case = self.play(*request(resolution=HOUR), event("paused", "Mon 13:00"))
        self.assertRow(
            self.row(case), state=MISSED, running_since=None, deadline="Mon 11:00"
        )

    def test_rule_15_cancelling_leaves_missed_missed(self):
        case = self.play(
            *request(resolution=HOUR),
            event("closed", "Mon 13:00", outcome="cancelled"),
        )
        self.assertRow(
            self.row(case), state=MISSED, ended_at="Mon 13:00", overrun=2 * HOUR
        )

    # ----------------------------------------------------------- rule 16: excuse

    def excuse(self, when, kind=RESOLUTION, started="Mon 10:00"):
        return event("excused", when, commitment=kind, started_at=at(started))

    def test_rule_16_excused_keeps_dates_and_ends_like_any_other(self):
        case = self.play(
            *request(resolution=HOUR),
            self.excuse("Mon 12:00"),
            event("closed", "Mon 13:00", outcome="solved"),
        )
        self.assertRow(
            self.row(case),
            state=EXCUSED,
            missed_at="Mon 11:00",
            ended_at="Mon 13:00",
            overrun=2 * HOUR,
        )

    def test_rule_16_excused_after_the_end(self):
        case = self.play(
            *request(resolution=HOUR),
            event("closed", "Mon 13:00", outcome="solved"),
            self.excuse("Mon 14:00"),
        )
        self.assertRow(self.row(case), state=EXCUSED, overrun=2 * HOUR)

    def test_rule_16_only_from_missed_and_only_the_named_one(self):
        case = self.play(
            *request(first_response=HOUR, resolution=2 * HOUR),
            self.excuse("Mon 10:30"),
            self.excuse("Mon 12:30", started="Mon 10:01"),
            self.excuse("Mon 12:30", kind=FIRST_RESPONSE),
        )
        self.assertRow(self.row(case), state=MISSED)
        self.assertRow(self.row(case, FIRST_RESPONSE), state=EXCUSED)

    # -------------------------------------------------------- rule 17: reopening

    def test_rule_17_within_grace_the_resolution_goes_on(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("closed", "Mon 10:30", outcome="solved"),
            event("reopened", "Wed 16:00", within_grace=True),
        )
        # Half an hour is used; 1 on Wednesday, the other 2½ on Thursday.
        self.assertRow(
            self.row(case),
            state=RUNNING,
            consumed=30 * MINUTE,
            ended_at=None,
            deadline="Thu 11:30",
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET, ended_at="Mon 10:30")
        self.assertEqual((case.reopen_count, case.closed_as), (1, ""))
        self.assertIsNone(case.closed_at)

    def test_rule_17_within_grace_missed_and_excused_go_on(self):
        for excuses, state in (([], MISSED), ([self.excuse("Mon 13:00")], EXCUSED)):
            with self.subTest(state):
                case = self.play(
                    *request(resolution=HOUR),
                    event("closed", "Mon 12:00", outcome="solved"),
                    *excuses,
                    event("reopened", "Tue 9:00", within_grace=True),
                )
                self.assertRow(
                    self.row(case),
                    state=state,
                    missed_at="Mon 11:00",
                    ended_at=None,
                    overrun=0,
                    running_since="Tue 9:00",
                )
                case.apply(event("closed", "Tue 10:00", outcome="solved"))
                self.assertRow(self.row(case), state=state, overrun=2 * HOUR)

    def test_rule_17_within_grace_what_a_cancelling_cancelled_goes_on(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("closed", "Mon 10:30", outcome="cancelled"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=RUNNING, deadline="Tue 9:30"
        )
        self.assertRow(self.row(case), state=RUNNING, deadline="Tue 12:30")
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("closed", "Mon 11:30", outcome="cancelled"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        self.assertRow(
            self.row(case, NEXT_RESPONSE),
            state=RUNNING,
            started_at="Mon 11:00",
            deadline="Tue 10:30",
        )
        self.assertEqual(case.unanswered_since, at("Mon 11:00"))

    def test_rule_17_within_grace_what_a_reply_met_stays_met(self):
        # The agent answers and cancels in one save: both have the same instant.
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("staff_reply", "Mon 10:30"),
            event("closed", "Mon 10:30", outcome="cancelled"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET, ended_at="Mon 10:30")
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("staff_reply", "Mon 14:00"),
            event("closed", "Mon 14:00", outcome="cancelled"),
            event("customer_message", "Mon 15:00"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        late, new = self.rows(case, NEXT_RESPONSE)
        self.assertRow(late, state=MISSED, ended_at="Mon 14:00", overrun=HOUR)
        self.assertRow(new, state=RUNNING, started_at="Tue 9:00")

    def test_rule_17_within_grace_all_in_one_second(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            event("staff_reply", "Mon 11:00"),
            event("closed", "Mon 11:00", outcome="cancelled"),
            event("customer_message", "Mon 11:00"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        old, new = self.rows(case, NEXT_RESPONSE)
        self.assertRow(old, state=MET, ended_at="Mon 11:00")
        self.assertRow(new, state=RUNNING, started_at="Tue 9:00")

    def test_rule_17_within_grace_what_a_solution_ended_stays_ended(self):
        # Even where a merge finds that the message is still unanswered.
        for closed, state in (("Mon 12:00", MET), ("Mon 14:00", MISSED)):
            with self.subTest(state):
                case = self.conversation(
                    event("customer_message", "Mon 11:00"),
                    event("closed", closed, outcome="solved"),
                    self.joined(
                        "Mon 15:00",
                        "Mon 10:00",
                        first="Mon 10:30",
                        unanswered="Mon 11:00",
                    ),
                    event("reopened", "Tue 9:00", within_grace=True),
                )
                old, new = self.rows(case, NEXT_RESPONSE)
                self.assertRow(old, state=state, ended_at=closed)
                self.assertRow(new, state=RUNNING, started_at="Tue 9:00")

    def test_rule_17_within_grace_what_was_answered_while_closed_stays_ended(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("closed", "Mon 10:30", outcome="cancelled"),
            event("staff_reply", "Mon 10:45"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=CANCELLED)
        for kind in ("staff_reply", "no_answer_needed"):
            with self.subTest(kind):
                case = self.conversation(
                    event("customer_message", "Mon 11:00"),
                    event("closed", "Mon 11:30", outcome="cancelled"),
                    event(kind, "Mon 12:00"),
                    event("reopened", "Tue 9:00", within_grace=True),
                )
                self.assertRow(self.row(case, NEXT_RESPONSE), state=CANCELLED)

    def test_rule_17_within_grace_what_was_no_longer_promised_stays_cancelled(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            promised("Mon 10:30", first_response=HOUR),
            event("closed", "Mon 10:30", outcome="solved"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        self.assertRow(self.row(case), state=CANCELLED, ended_at="Mon 10:30")

    def test_rule_17_within_grace_one_row_goes_on_not_its_forerunners(self):
        case = self.play(
            *request(resolution=4 * HOUR),
            promised("Mon 10:30", first_response=HOUR),
            promised("Mon 10:30", resolution=4 * HOUR),
            event("closed", "Mon 10:30", outcome="solved"),
            event("reopened", "Tue 9:00", within_grace=True),
        )
        states = [row.state for row in self.rows(case, RESOLUTION)]
        self.assertEqual(states, [CANCELLED, RUNNING])

    def test_rule_17_within_grace_only_the_last_closing_counts(self):
        case = self.play(
            *request(resolution=4 * HOUR),
            event("closed", "Mon 10:30", outcome="solved"),
            event("reopened", "Mon 12:00", within_grace=True),
            event("closed", "Mon 12:30", outcome="solved"),
            event("reopened", "Mon 14:00", within_grace=True),
        )
        self.assertRow(self.row(case), consumed=HOUR, deadline="Mon 17:00")
        self.assertEqual(case.reopen_count, 2)

    def test_rule_17_after_the_grace_a_new_resolution(self):
        case = self.play(
            *request(first_response=HOUR, resolution=4 * HOUR),
            event("staff_reply", "Mon 10:10"),
            event("closed", "Mon 10:30", outcome="cancelled"),
            event("reopened", "Mon+1 10:00", within_grace=False),
        )
        old, new = self.rows(case, RESOLUTION)
        self.assertRow(old, state=CANCELLED, ended_at="Mon 10:30")
        self.assertRow(
            new, state=RUNNING, started_at="Mon+1 10:00", deadline="Mon+1 14:00"
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET)
        self.assertEqual(case.reopen_count, 1)

    def test_rule_17_after_the_grace_a_first_response_if_never_answered(self):
        case = self.play(
            *request(first_response=HOUR),
            event("closed", "Mon 10:30", outcome="cancelled"),
            event("reopened", "Mon+1 10:00", within_grace=False),
        )
        old, new = self.rows(case, FIRST_RESPONSE)
        self.assertRow(old, state=CANCELLED)
        self.assertRow(new, state=RUNNING, deadline="Mon+1 11:00")
        case = self.play(
            *request(first_response=HOUR),
            event("closed", "Mon 10:30", outcome="solved"),
            event("reopened", "Mon+1 10:00", within_grace=False),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET)

    def test_rule_17_reopening_an_open_ticket_is_none(self):
        case = self.play(
            *request(resolution=HOUR), event("reopened", "Mon 10:10", within_grace=True)
        )
        self.assertEqual(case.reopen_count, 0)
        case = self.play(
            event("received", "Mon 10:00"),
            event("reopened", "Mon 10:10", within_grace=False),
            promised("Mon 10:20", resolution=HOUR),
        )
        self.assertRow(self.row(case), started_at="Mon 10:00")

    # -------------------------------------------- rules 19 and 20: other promises

    def test_rule_19_running_rows_are_measured_again_in_place(self):
        case = self.play(
            *request("Mon 12:00", OFFICE, first_response=3 * HOUR, resolution=8 * HOUR),
            promised(
                "Mon 14:00", LUNCH, line=2, first_response=2 * HOUR, resolution=4 * HOUR
            ),
        )
        # 12-13 and 14-15 for the answer, two hours on Tuesday morning for the rest.
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            deadline="Mon 15:00",
            started_at="Mon 12:00",
            line=2,
            hours=LUNCH,
            target=2 * HOUR,
        )
        self.assertRow(
            self.row(case), deadline="Mon 17:00", state=RUNNING, target=4 * HOUR
        )

    def test_rule_19_pauses_before_the_change_do_not_count(self):
        case = self.play(
            *request(resolution=2 * HOUR),
            event("paused", "Mon 11:00"),
            event("resumed", "Mon 14:00"),
            promised("Mon 14:30", resolution=4 * HOUR),
        )
        self.assertRow(self.row(case), deadline="Mon 17:00", state=RUNNING)

    def test_rule_19_paused_rows_are_measured_again_and_stay_paused(self):
        case = self.play(
            *request("Mon 12:00", resolution=8 * HOUR),
            event("paused", "Mon 14:30"),
            promised("Tue 12:00", LUNCH, resolution=4 * HOUR),
        )
        self.assertRow(
            self.row(case),
            state=PAUSED,
            consumed=90 * MINUTE,
            deadline=None,
            running_since=None,
        )

    def test_rule_19_decided_rows_keep_what_was_promised(self):
        case = self.play(
            *request(first_response=HOUR, next_response=HOUR, resolution=4 * HOUR),
            event("staff_reply", "Mon 10:30"),
            event("handover", "Mon 16:00"),
            promised(
                "Mon 16:30",
                line=2,
                first_response=2 * HOUR,
                next_response=HOUR,
                resolution=9 * HOUR,
            ),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), line=1, state=MET)
        self.assertRow(self.row(case), line=1, state=MISSED, target=4 * HOUR)
        self.assertEqual(len(case.rows), 2)

    def test_rule_19_newly_promised_starts_at_receipt(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("customer_message", "Mon 10:20"),
            promised("Mon 11:00", first_response=2 * HOUR, resolution=4 * HOUR),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), started_at="Mon 10:00", deadline="Mon 12:00"
        )
        self.assertRow(self.row(case), started_at="Mon 10:00", deadline="Mon 14:00")

    def test_rule_19_newly_promised_next_response(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("staff_reply", "Mon 10:10"),
            event("customer_message", "Mon 10:20"),
            event("customer_message", "Mon 10:50"),
            promised("Mon 11:00", first_response=HOUR, next_response=2 * HOUR),
        )
        self.assertEqual(self.rows(case, FIRST_RESPONSE), [])
        self.assertRow(
            self.row(case, NEXT_RESPONSE), started_at="Mon 10:20", deadline="Mon 12:20"
        )

    def test_rule_19_newly_promised_next_response_after_a_cancelling(self):
        # The message is older than the closing: it is still the oldest unanswered one.
        case = self.play(
            event("received", "Mon 10:00"),
            promised("Mon 10:00", resolution=4 * HOUR),
            event("staff_reply", "Mon 10:10"),
            event("customer_message", "Mon 10:30"),
            event("closed", "Mon 11:00", outcome="cancelled"),
            event("reopened", "Mon 12:00", within_grace=True),
            promised("Mon 12:00", next_response=2 * HOUR, resolution=4 * HOUR),
        )
        self.assertRow(
            self.row(case, NEXT_RESPONSE), started_at="Mon 10:30", deadline="Mon 13:30"
        )

    def test_rule_19_newly_promised_while_waiting(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("paused", "Mon 11:00"),
            promised("Mon 12:00", resolution=2 * HOUR),
        )
        self.assertRow(self.row(case), state=PAUSED, consumed=HOUR, deadline=None)

    def test_rule_19_newly_promised_after_the_grace_starts_at_the_reopening(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("closed", "Mon 11:00", outcome="cancelled"),
            event("reopened", "Mon+1 11:00", within_grace=False),
            promised("Mon+1 11:00", first_response=HOUR, resolution=2 * HOUR),
        )
        self.assertRow(self.row(case), started_at="Mon+1 11:00")
        self.assertRow(self.row(case, FIRST_RESPONSE), deadline="Mon+1 12:00")

    def test_rule_19_no_longer_promised_is_cancelled(self):
        case = self.play(
            *request(first_response=4 * HOUR, resolution=HOUR),
            promised("Mon 12:00", first_response=0),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=CANCELLED, ended_at="Mon 12:00"
        )
        self.assertRow(self.row(case), state=MISSED, ended_at=None)

    def test_rule_19_going_back_has_no_memory(self):
        case = self.play(
            *request(resolution=8 * HOUR),
            promised("Mon 12:00", first_response=4 * HOUR),
            promised("Mon 13:00", resolution=8 * HOUR),
        )
        old, new = self.rows(case, RESOLUTION)
        self.assertRow(old, state=CANCELLED, ended_at="Mon 12:00")
        self.assertRow(new, state=RUNNING, started_at="Mon 10:00", deadline="Tue 10:00")

    def test_rule_19_nothing_is_matched_while_closed(self):
        case = self.play(
            *request(resolution=HOUR),
            event("closed", "Mon 10:30", outcome="cancelled"),
            promised("Mon 10:40", first_response=HOUR, resolution=2 * HOUR),
        )
        self.assertRow(self.row(case), state=CANCELLED, target=HOUR)
        self.assertEqual(len(case.rows), 1)

    def test_rule_19_reopening_matches_again(self):
        case = self.play(
            event("received", "Mon 10:00"),
            event("closed", "Mon 10:00", outcome="solved"),
            event("reopened", "Mon 12:00", within_grace=True),
            promised("Mon 12:00", first_response=HOUR, resolution=2 * HOUR),
        )
        self.assertRow(
            self.row(case), started_at="Mon 10:00", consumed=0, deadline="Mon 14:00"
        )
        self.assertEqual(self.rows(case, FIRST_RESPONSE), [])

    def test_rule_20_already_past_is_missed_now(self):
        case = self.play(
            *request(resolution=8 * HOUR), promised("Mon 14:00", resolution=2 * HOUR)
        )
        self.assertRow(
            self.row(case),
            state=MISSED,
            deadline="Mon 12:00",
            missed_at="Mon 14:00",
            running_since="Mon 10:00",
        )

    def test_rule_20_past_before_a_pause_is_missed_now(self):
        case = self.play(
            *request(resolution=8 * HOUR),
            event("paused", "Mon 14:00"),
            promised("Mon 15:00", resolution=2 * HOUR),
        )
        self.assertRow(
            self.row(case),
            state=MISSED,
            deadline="Mon 12:00",
            missed_at="Mon 15:00",
            running_since=None,
            consumed=4 * HOUR,
        )

    def test_rule_20_past_at_closing_time_before_a_pause(self):
        # The ticket was still with us at 17:00, and on the following morning.
        case = self.play(
            *request(resolution=12 * HOUR),
            event("paused", "Tue 8:00"),
            promised("Tue 10:00", resolution=7 * HOUR),
        )
        self.assertRow(
            self.row(case), state=MISSED, deadline="Mon 17:00", missed_at="Tue 10:00"
        )

    def test_rule_20_change_in_the_second_of_the_new_deadline(self):
        case = self.play(
            *request(resolution=8 * HOUR), promised("Mon 12:00", resolution=2 * HOUR)
        )
        self.assertRow(self.row(case), state=RUNNING, deadline="Mon 12:00")

    def test_rule_20_past_by_the_old_promise_is_missed_at_its_deadline(self):
        case = self.play(
            *request(resolution=2 * HOUR), promised("Mon 14:00", resolution=8 * HOUR)
        )
        self.assertRow(
            self.row(case), state=MISSED, missed_at="Mon 12:00", target=2 * HOUR
        )

    def test_rule_20_first_promise_is_missed_at_its_deadline(self):
        received, promise = request(first_response=HOUR)
        case = self.play(received, event("handover", "Tue 9:00"), promise)
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=MISSED, missed_at="Mon 11:00"
        )

    # --------------------------------------------- rules 21 and 22: other hours

    def test_rule_21_hours_that_never_open(self):
        case = self.play(
            *request(hours=NEVER, first_response=HOUR, resolution=HOUR),
            event("staff_reply", "Fri 10:00"),
            until="Fri+9 10:00",
        )
        self.assertRow(self.row(case), state=RUNNING, deadline=None, consumed=0)
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET, consumed=0)
        self.assertIsNone(case.next_due())

    def test_rule_21_planned_when_hours_come_back(self):
        case = self.play(*request(hours=NEVER, resolution=HOUR))
        case.hours = {NEVER: TABLES[OFFICE]}.__getitem__
        self.assertEqual(case.measure_again(at("Mon 10:30"), case.rows), [])
        self.assertRow(self.row(case), state=RUNNING, deadline="Mon 11:00")

    def test_rule_22_changed_hours(self):
        case = self.play(
            *request(resolution=8 * HOUR, first_response=HOUR),
            event("staff_reply", "Mon 10:30"),
            event("paused", "Mon 13:00"),
            event("resumed", "Wed 9:00"),
            event("handover", "Wed 9:00"),
        )
        self.assertRow(self.row(case), deadline="Wed 14:00", consumed=3 * HOUR)
        case.hours = {OFFICE: TABLES[LUNCH]}.__getitem__
        case.measure_again(at("Wed 9:00"), case.rows)
        self.assertRow(self.row(case), deadline="Wed 15:00", consumed=3 * HOUR)
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET, deadline="Mon 11:00")

    def test_rule_22_changed_hours_missed_now(self):
        case = self.play(*request(hours=HOLIDAY, resolution=8 * HOUR))
        self.assertRow(self.row(case), deadline="Wed 10:00")
        case.hours = {HOLIDAY: TABLES[OFFICE]}.__getitem__
        self.assertEqual(
            case.measure_again(at("Tue 12:00"), case.rows), [self.row(case)]
        )
        self.assertRow(
            self.row(case), state=MISSED, missed_at="Tue 12:00", deadline="Tue 10:00"
        )

    def test_rule_22_what_was_decided_stays_decided(self):
        case = self.play(
            *request(first_response=HOUR, resolution=2 * HOUR),
            event("paused", "Mon 14:00"),
        )
        before = [replace(row) for row in case.rows]
        case.hours = {OFFICE: TABLES[NEVER]}.__getitem__
        self.assertEqual(case.measure_again(at("Mon 15:00"), case.rows), [])
        self.assertEqual(case.rows, before)

    # ------------------------------------------------ rule 23: one save, one time

    def test_rule_23_closing_ends_under_the_old_promise(self):
        case = self.play(
            *request(first_response=2 * HOUR, resolution=8 * HOUR),
            event("staff_reply", "Mon 14:00"),
            event("closed", "Mon 14:00", outcome="solved"),
            promised("Mon 14:00", line=2, resolution=HOUR),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MISSED)
        self.assertRow(self.row(case), state=MET, line=1, consumed=4 * HOUR)

    # ------------------------------------------------------------ rule 24: merge

    def test_rule_24_merged_ticket_is_cancelled(self):
        case = self.play(
            *request(first_response=HOUR, resolution=8 * HOUR),
            event("merged", "Mon 12:00", role="source"),
            event("closed", "Mon 12:00", outcome="cancelled"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), state=MISSED, ended_at="Mon 12:00"
        )
        self.assertRow(self.row(case), state=CANCELLED, ended_at="Mon 12:00")
        self.assertEqual(case.closed_as, "cancelled")

    def joined(self, when, received, first=None, unanswered=None, last=None):
        return event(
            "merged",
            when,
            role="target",
            received_at=at(received),
            first_response_at=first and at(first),
            unanswered_since=unanswered and at(unanswered),
            last_reply_at=(last or first) and at(last or first),
        )

    def test_rule_24_other_partner_changes_nothing(self):
        case = self.play(
            *request(first_response=HOUR, resolution=8 * HOUR),
            event("merged", "Mon 10:30", role="target"),
        )
        self.assertRow(self.row(case), started_at="Mon 10:00", state=RUNNING)
        self.assertRow(
            self.row(case, FIRST_RESPONSE), deadline="Mon 11:00", state=RUNNING
        )

    def test_rule_24_measured_from_the_earliest_receipt(self):
        case = self.play(
            *request("Tue 10:00", first_response=9 * HOUR, resolution=12 * HOUR),
            self.joined("Tue 11:00", "Mon 10:00"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE), started_at="Mon 10:00", deadline="Tue 11:00"
        )
        self.assertRow(
            self.row(case), started_at="Mon 10:00", deadline="Tue 14:00", state=RUNNING
        )

    def test_rule_24_past_is_missed_at_the_merge(self):
        case = self.play(
            *request("Tue 10:00", resolution=4 * HOUR),
            self.joined("Tue 11:00", "Mon 10:00"),
        )
        self.assertRow(
            self.row(case),
            state=MISSED,
            deadline="Mon 14:00",
            missed_at="Tue 11:00",
            ended_at=None,
        )

    def test_rule_24_paused_target(self):
        case = self.play(
            *request("Tue 10:00", resolution=20 * HOUR),
            event("paused", "Tue 10:00"),
            self.joined("Tue 11:00", "Mon 10:00"),
            event("resumed", "Wed 9:00"),
        )
        # Monday 10-17 and Tuesday 9-10 with the other ticket, then 12 hours more.
        self.assertRow(self.row(case), consumed=8 * HOUR, deadline="Thu 13:00")

    def test_rule_24_reply_on_the_other_ticket_counts(self):
        case = self.play(
            *request("Mon 12:00", first_response=2 * HOUR),
            self.joined("Mon 13:00", "Mon 10:00", first="Mon 11:00"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MET,
            started_at="Mon 10:00",
            ended_at="Mon 11:00",
            consumed=HOUR,
        )
        self.assertEqual(case.first_response_at, at("Mon 11:00"))

    def test_rule_24_late_reply_on_the_other_ticket(self):
        case = self.play(
            *request("Mon 12:00", first_response=2 * HOUR),
            self.joined("Mon 13:30", "Mon 10:00", first="Mon 13:00"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MISSED,
            deadline="Mon 12:00",
            missed_at="Mon 13:30",
            ended_at="Mon 13:00",
            overrun=HOUR,
        )

    def test_rule_24_already_missed_ends_at_the_merge(self):
        case = self.play(
            *request("Mon 10:00", first_response=HOUR),
            self.joined("Mon 13:00", "Mon 10:00", first="Mon 10:30"),
        )
        self.assertRow(
            self.row(case, FIRST_RESPONSE),
            state=MISSED,
            missed_at="Mon 11:00",
            ended_at="Mon 13:00",
            overrun=2 * HOUR,
        )

    def test_rule_24_time_after_the_reply_is_not_counted(self):
        case = self.play(
            *request("Mon 10:00", first_response=4 * HOUR),
            event("closed", "Mon 12:00", outcome="cancelled"),
            event("reopened", "Mon 13:00", within_grace=True),
            self.joined("Mon 14:00", "Mon 10:00", first="Mon 10:30"),
        )
        self.assertRow(self.row(case, FIRST_RESPONSE), state=MET, consumed=30 * MINUTE)

    def test_rule_24_question_answered_on_the_other_ticket(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            self.joined("Mon 12:30", "Mon 10:00", first="Mon 10:30", last="Mon 12:00"),
        )
        self.assertRow(
            self.row(case, NEXT_RESPONSE),
            state=MET,
            ended_at="Mon 12:00",
            consumed=HOUR,
        )
        self.assertIsNone(case.unanswered_since)

    def test_rule_24_answered_there_and_asked_again(self):
        case = self.conversation(
            event("customer_message", "Mon 11:00"),
            self.joined(
                "Mon 12:50",
                "Mon 10:00",
                first="Mon 10:30",
                last="Mon 12:00",
                unanswered="Mon 12:20",
            ),
        )
        answered, new = self.rows(case, NEXT_RESPONSE)
        self.assertRow(answered, state=MET, ended_at="Mon 12:00", consumed=HOUR)
        self.assertRow(new, started_at="Mon 12:20", deadline="Mon 14:20")

    def test_rule_24_older_question_on_the_other_ticket(self):
        for own in ([], [event("customer_message", "Mon 12:00")]):
            with self.subTest(own=own):
                case = self.conversation(
                    *own,
                    self.joined(
                        "Mon 12:30",
                        "Mon 10:00",
                        first="Mon 10:30",
                        unanswered="Mon 11:00",
                    ),
                )
                self.assertRow(
                    self.row(case, NEXT_RESPONSE),
                    state=RUNNING,
                    started_at="Mon 11:00",
                    deadline="Mon 13:00",
                )

    def test_rule_24_closed_target_takes_over_the_facts_only(self):
        case = self.play(
            *request("Mon 10:00", first_response=HOUR, resolution=HOUR),
            event("closed", "Mon 10:30", outcome="cancelled"),
            self.joined("Mon 13:00", "Mon 9:00", first="Mon 9:30"),
        )
        self.assertRow(
            self.row(case), started_at="Mon 10:00", state=CANCELLED, consumed=HOUR / 2
        )
        self.assertEqual(case.first_response_at, at("Mon 9:30"))
