"""Random histories: live, replayed, swept at any time, and counted second by second.

`World` follows the written rules by looking at every single second: no sums, no
binary search, no stored rows. It shares nothing with the clock but the events.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from random import Random

import pytz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from odoo.addons.customer_service_plan.tools import clock
from odoo.addons.customer_service_plan.tools.clock import (
    CANCELLED,
    EXCUSED,
    FIRST_RESPONSE,
    KINDS,
    MET,
    MISSED,
    NEXT_RESPONSE,
    PAUSED,
    RESOLUTION,
    RUNNING,
    Case,
    Event,
    Promise,
)
from odoo.addons.customer_service_plan.tools.timeline import Timeline

START = 40
END = 400
#: Facts of a ticket that are stored beside its rows and events.
FACTS = (
    "received_at",
    "first_response_at",
    "unanswered_since",
    "waiting_on",
    "closed_as",
    "closed_at",
    "reopen_count",
    "promise",
)


class Seconds:
    """Opening time as a list of seconds, in the simplest way there is."""

    def __init__(self, opened=None):
        self.opened = opened

    def is_open(self, at):
        return self.opened is None or at in self.opened

    def open_seconds(self, start, end):
        return sum(self.is_open(at) for at in range(start, end))

    def plan_deadline(self, start, seconds):
        if self.opened is None:
            return start + seconds
        for at in range(start, END + 1):
            if self.is_open(at):
                if not seconds:
                    return at
                seconds -= 1
                if not seconds:
                    return at + 1
        return None


class Row:
    def __init__(self, kind, promise, start):
        self.kind = kind
        self.take(promise)
        self.start = start
        self.state = RUNNING
        self.consumed = 0
        self.deadline = None
        self.ended = self.missed = self.ended_by = None
        self.planned = None
        self.overrun = 0

    def take(self, promise):
        self.target = promise.targets[self.kind]
        self.table, self.line = promise.hours, promise.line

    @property
    def undecided(self):
        return self.ended is None and self.state in (RUNNING, PAUSED)


class World:
    """What the rules say about a ticket, one second after the other.

    `log` holds for each past second whether the ticket was open and whether it waited.
    A row has a deadline from the second on in which its target is used up.
    """

    def __init__(self, events, tables, until):
        self.tables = tables
        self.rows = []
        self.log = {}
        self.promise = Promise({})
        self.open = self.waiting = False
        self.answered = self.unanswered = self.closing = self.cycle = None
        self.reopened = 0
        first = min(event.at for event in events)
        for now in range(first, until + 1):
            self.now = now
            for row in self.rows:
                late = row.deadline is not None and now > row.deadline
                if late and row.ended is None and row.state == RUNNING:
                    row.state, row.missed = MISSED, row.deadline
            for event in events:
                if event.at == now:
                    self.handle(event)
            if now < until:
                self.log[now] = (self.open, self.waiting)
                for row in self.rows:
                    if row.ended is None and self.counts(row, now):
                        self.count(row, now)
                    elif row.state == PAUSED:
                        row.deadline = None

    # Seconds

    def counts(self, row, second):
        is_open, waits = self.log.get(second, (self.open, self.waiting))
        return is_open and not (waits and row.kind == RESOLUTION)

    def count(self, row, second):
        if not self.tables[row.table].is_open(second):
            return
        if row.consumed == row.target and row.deadline is None:
            row.deadline = second
        row.consumed += 1
        if row.consumed == row.target:
            row.deadline = second + 1

    def measure(self, row, until=None):
        """Count all over again; tell whether the deadline was past at `until`."""
        row.consumed, row.deadline, past = 0, None, False
        for second in range(row.start, self.now if until is None else until):
            if self.counts(row, second):
                self.count(row, second)
                past = past or row.deadline is not None and second >= row.deadline
            elif not past:
                row.deadline = None
        return past

    def plan(self, row, now):
        """The deadline as it is seen at `now`."""
        if row.deadline is not None or row.state == PAUSED:
            return row.deadline
        left = row.target - row.consumed
        return self.tables[row.table].plan_deadline(now, left)

    # What can happen to a row

    def live(self, kind):
        rows = [row for row in self.rows if row.kind == kind and row.ended is None]
        assert len(rows) < 2
        return rows[0] if rows else None

    def begin(self, kind, start):
        if self.promise.targets.get(kind) and not self.live(kind):
            row = Row(kind, self.promise, start)
            self.rows.append(row)
            self.renew(row)

    def renew(self, row, until=None):
        past = self.measure(row, until)
        row.state = RUNNING if self.counts(row, self.now) else PAUSED
        if past:
            row.state, row.missed = MISSED, self.now
        elif row.state == PAUSED:
            row.deadline = None

    def end(self, kind, outcome, when=None, by=None):
        row = self.live(kind)
        if row:
            row.ended_by = by
            row.planned = self.plan(row, self.now if when is None else when)
            row.ended = self.now if when is None else when
            if row.state in (RUNNING, PAUSED):
                row.state = outcome
            else:
                row.overrun = row.consumed - row.target

    # Events

    def handle(self, event):
        # `missed` needs no telling, and the names of rows and facts are taken.
        handlers = {
            "received": self.receive,
            "promised": self.promise_now,
            "customer_message": self.ask,
            "staff_reply": self.reply,
            "no_answer_needed": self.need_no_answer,
            "paused": self.pause,
            "resumed": self.resume,
            "closed": self.close,
            "reopened": self.reopen,
            "excused": self.excuse,
            "merged": self.merge,
        }
        if event.kind in handlers:
            handlers[event.kind](event.data)

    def receive(self, data):
        self.open, self.cycle = True, self.now

    def promise_now(self, data):
        self.promise = Promise.from_data(data)
        if data.get("from_receipt"):
            self.begin(FIRST_RESPONSE, self.now)
            self.begin(RESOLUTION, self.now)
        elif self.open:
            starts = {
                FIRST_RESPONSE: self.cycle if self.answered is None else None,
                NEXT_RESPONSE: self.unanswered,
                RESOLUTION: self.cycle,
            }
            for kind in KINDS:
                row = self.live(kind)
                if row is None:
                    if starts[kind] is not None:
                        self.begin(kind, starts[kind])
                elif row.undecided and not self.promise.targets.get(kind):
                    self.end(kind, CANCELLED)
                elif row.undecided:
                    row.take(self.promise)
                    self.renew(row)

    def ask(self, data):
        if self.answered is not None and self.unanswered is None:
            self.unanswered = self.now
            if self.open:
                self.begin(NEXT_RESPONSE, self.now)

    def reply(self, data):
        if self.answered is None:
            self.answered = self.now
        self.unanswered = None
        for kind in (FIRST_RESPONSE, NEXT_RESPONSE):
            self.end(kind, MET)
            self.forget(kind)

    def need_no_answer(self, data):
        self.unanswered = None
        self.end(NEXT_RESPONSE, CANCELLED)
        self.forget(NEXT_RESPONSE)

    def forget(self, kind):
        """Answered while closed: nothing of that kind goes on at a reopening."""
        for row in self.rows:
            if row.kind == kind:
                row.ended_by = None

    def pause(self, data):
        if self.open:
            self.waiting = True
            row = self.live(RESOLUTION)
            if row and row.state == RUNNING:
                row.state, row.deadline = PAUSED, None

    def resume(self, data):
        self.waiting = False
        row = self.live(RESOLUTION)
        if row and row.state == PAUSED:
            row.state = RUNNING

    def close(self, data):
        if not self.open:
            return
        self.open = self.waiting = False
        solved = data.get("outcome") != "cancelled"
        self.closing = (self.now, solved, self.reopened)
        for kind in KINDS:
            self.end(kind, MET if solved else CANCELLED, by=self.closing)
        if solved:
            self.unanswered = None
            if self.answered is None:
                self.answered = self.now

    def reopen(self, data):
        if self.open:
            return
        when, solved, _number = self.closing
        self.open = True
        self.reopened += 1
        if data["within_grace"]:
            for row in self.rows:
                goes_on = row.kind == RESOLUTION or not solved
                if row.ended_by == self.closing and goes_on:
                    row.ended, row.ended_by, row.overrun = None, None, 0
                    if row.state in (MET, CANCELLED):
                        row.state = RUNNING
                        row.deadline = None
        else:
            self.cycle = self.now
            self.begin(RESOLUTION, self.now)
            if self.answered is None:
                self.begin(FIRST_RESPONSE, self.now)
        if self.unanswered is not None and not self.live(NEXT_RESPONSE):
            if self.unanswered >= when or not data["within_grace"]:
                self.unanswered = self.now
            self.begin(NEXT_RESPONSE, self.now)

    def excuse(self, data):
        for row in self.rows:
            named = (row.kind, row.start) == (data["commitment"], data["started_at"])
            if named and row.state == MISSED:
                row.state = EXCUSED

    def merge(self, data):
        if data["role"] == "source":
            self.close({"outcome": "cancelled"})
        elif "received_at" in data:
            self.join(**data)

    def join(
        self, role, received_at, first_response_at, unanswered_since, last_reply_at
    ):
        self.cycle = min(self.cycle, received_at)
        for second in range(received_at, min(self.log, default=self.now)):
            self.log[second] = (True, False)
        newly = self.answered is None and first_response_at is not None
        if newly:
            self.answered = first_response_at
            self.forget(FIRST_RESPONSE)
        question = self.live(NEXT_RESPONSE)
        self.unanswered = unanswered_since
        for row in self.rows:
            if row.kind == NEXT_RESPONSE and (
                unanswered_since is None or unanswered_since > row.start
            ):
                row.ended_by = None
        if not self.open:
            return
        for kind in (FIRST_RESPONSE, RESOLUTION):
            row = self.live(kind)
            if row and row.undecided:
                row.start = min(row.start, received_at)
                if not newly or kind == RESOLUTION:
                    self.renew(row)
        if newly:
            self.answer(FIRST_RESPONSE, first_response_at)
        if question and (unanswered_since is None or unanswered_since > question.start):
            self.answer(NEXT_RESPONSE, last_reply_at)
        question = self.live(NEXT_RESPONSE)
        if unanswered_since is not None and not question:
            self.begin(NEXT_RESPONSE, unanswered_since)
        elif unanswered_since is not None and question.undecided:
            question.start = unanswered_since
            self.renew(question)

    def answer(self, kind, when):
        row = self.live(kind)
        if row and row.undecided:
            if self.measure(row, when):
                row.state, row.missed = MISSED, self.now
            else:
                row.state = RUNNING if self.counts(row, when) else PAUSED
            self.end(kind, MET, when)
        elif row:
            self.end(kind, MET)

    def view(self):
        return [
            (
                row.kind,
                row.line,
                row.table,
                row.target,
                row.start,
                row.state,
                row.consumed,
                self.plan(row, self.now) if row.ended is None else row.planned,
                row.ended,
                row.missed,
                row.overrun,
            )
            for row in self.rows
        ]


def view(case, until):
    """The rows of a case in the words of `World.view`."""

    def consumed(row):
        seconds = row.consumed
        if row.running_since is not None:
            hours = case.hours(row.hours)
            seconds += hours.open_seconds(row.running_since, until)
        return seconds

    return [
        (
            row.kind,
            row.line,
            row.hours,
            row.target,
            row.started_at,
            row.state,
            consumed(row),
            row.deadline,
            row.ended_at,
            row.missed_at,
            row.overrun,
        )
        for row in case.rows
    ]


class Ticket:
    """A ticket as a database keeps it: rows, a few facts, and the list of events.

    A case is built anew for each event, from no more than what has to be read then.
    """

    def __init__(self, hours):
        self.hours = hours
        self.facts = {name: getattr(Case(hours=hours), name) for name in FACTS}
        self.rows = {}
        self.events = []
        self.known_missed = set()
        self.answered_until = None

    def load(self, history=(), also=lambda row: False):
        closed_at = self.facts["closed_at"]
        return Case(
            hours=self.hours,
            rows=[
                replace(row)
                for row in self.rows.values()
                if row.ended_at is None
                or closed_at is not None
                and row.ended_at == closed_at
                or also(row)
            ],
            history=list(history),
            **self.facts,
        )

    def store(self, case):
        for row in case.rows:
            row.id = row.id or len(self.rows) + 1
            self.rows[row.id] = replace(row)
        self.facts = {name: getattr(case, name) for name in FACTS}

    def take(self, kind, at, **data):
        event = Event(kind, at, data)
        case = self.load(
            history=self.events if kind in ("promised", "merged") else (),
            also=lambda row: (
                kind == "excused"
                and (row.kind, row.started_at)
                == (data["commitment"], data["started_at"])
            ),
        )
        case.apply(event)
        self.events.append(event)
        self.store(case)

    def sweep(self, now):
        case = self.load()
        late = case.lapse(now)
        self.store(case)
        for row in late:
            self.events.append(
                Event(
                    "missed",
                    now,
                    {
                        "commitment": row.kind,
                        "started_at": row.started_at,
                        "missed_at": row.missed_at,
                    },
                )
            )

    @property
    def all_rows(self):
        return [replace(row, id=0) for row in self.rows.values()]


def any_promise(random):
    targets = {kind: random.choice([0, 1, 3, 8, 20, 45]) for kind in KINDS}
    return Promise(
        {kind: seconds for kind, seconds in targets.items() if seconds},
        hours=random.choice([0, 1, 1, 2, 2, 3]),
        line=random.randint(1, 9),
    )


def any_tables(random):
    """Always open, two tables at random, and one that closes for good."""
    opened = [set(), set(), set(range(START + 25))]
    for seconds in opened[:2]:
        at = 0
        while at < END:
            opening = at + random.randint(1, 15)
            at = opening + random.randint(1, 25)
            seconds.update(range(opening, at))
    return [Seconds(), *map(Seconds, opened)]


STEPS = [
    "customer_message",
    "customer_message",
    "staff_reply",
    "staff_reply",
    "paused",
    "paused",
    "resumed",
    "closed",
    "closed",
    "reopened",
    "reopened",
    "promised",
    "excused",
    "no_answer_needed",
    "merged",
    "handover",
]


#: Without what depends on how often the promise was changed before.
UNCHANGED = [kind for kind in STEPS if kind not in ("promised", "excused")]


class History:
    """A random history, made while it is lived. The same seed gives the same one."""

    def __init__(self, seed, sweeps=True, kinds=None):
        self.random = Random(seed)
        self.tables = any_tables(self.random)
        self.hours = self.tables.__getitem__
        self.ticket = Ticket(self.hours)
        self.sweeps = sweeps
        self.take("received", START)
        if self.random.randrange(6):
            data = any_promise(self.random).to_data()
            self.take("promised", START, from_receipt=True, **data)
        for _number in range(self.random.randint(0, 14)):
            self.step(self.random.choice(kinds or STEPS), self.later())
        self.until = self.later()
        if sweeps and self.random.randrange(2):
            self.ticket.sweep(self.until)

    @property
    def events(self):
        return self.ticket.events

    def take(self, *args, **data):
        self.ticket.take(*args, **data)

    def later(self):
        gap = self.random.choice([0, 0, 1, 2, 3, 5, 8, 13, 21])
        return (self.events[-1].at if self.events else START) + gap

    def step(self, kind, now):
        random, facts, last = self.random, self.ticket.facts, self.events[-1]
        if "closed" in (kind, last.kind) and "customer_message" in (kind, last.kind):
            # Which came first within one second is not stored.
            now = max(now, last.at + 1)
        if self.sweeps and random.randrange(2):
            self.ticket.sweep(random.randint(last.at, now))
        data = {}
        if kind == "paused":
            data["waiting_on"] = random.choice(["customer", "third_party"])
        elif kind == "closed":
            data["outcome"] = random.choice(["solved", "cancelled"])
        elif kind == "reopened":
            data["within_grace"] = random.random() < 0.7
        elif kind == "promised":
            if facts["closed_as"]:
                return
            data = any_promise(random).to_data()
        elif kind == "excused":
            rows = list(self.ticket.rows.values())
            if not rows:
                return
            row = random.choice(rows)
            data = {"commitment": row.kind, "started_at": row.started_at}
        elif kind == "merged":
            data["role"] = random.choice(["source", "target", "target", "target"])
            if data["role"] == "target" and random.randrange(4):
                data |= self.any_joined(now)
        self.take(kind, now, **data)
        if kind in ("staff_reply", "no_answer_needed") or (
            kind == "closed" and not facts["closed_as"] and data["outcome"] == "solved"
        ):
            self.ticket.answered_until = now

    def any_joined(self, now):
        """What two tickets of a customer have in common, as a merge would find it."""
        random, facts = self.random, self.ticket.facts
        received_at = random.randint(START - 30, START)
        replies = [at for at in [self.ticket.answered_until] if at is not None]
        if random.randrange(2):
            replies.append(random.randint(received_at, now))
        last = max(replies, default=None)
        first = facts["first_response_at"]
        if first is None and replies:
            first = random.randint(received_at, last)
        question, unanswered = facts["unanswered_since"], None
        if first is not None and last is not None and last < now:
            if question is not None and question >= last:
                unanswered = random.randint(min(last + 1, question), question)
            elif random.randrange(2):
                unanswered = random.randint(last + 1, now)
        self.ticket.answered_until = last
        return {
            "received_at": received_at,
            "first_response_at": first,
            "unanswered_since": unanswered,
            "last_reply_at": last,
        }


def for_random_histories(number, **keywords):
    """Run a test on so many histories, and name the seed of the one that fails."""

    def decorate(test):
        @wraps(test)
        def run(self):
            for seed in range(number):
                try:
                    test(self, History(seed, **keywords))
                except Exception as error:
                    error.add_note(f"History {seed}")
                    raise

        return run

    return decorate


class TestClockHistories(BaseCase):
    def replay(self, history, events=None):
        events = history.events if events is None else events
        return clock.replay(events, history.hours, history.until)

    @for_random_histories(1500)
    def test_live_is_replay(self, history):
        case = self.replay(history)
        history.ticket.sweep(history.until)
        self.assertEqual(history.ticket.all_rows, case.rows)
        facts = {name: getattr(case, name) for name in FACTS}
        self.assertEqual(history.ticket.facts, facts)

    @for_random_histories(800)
    def test_sweeps_change_nothing(self, history):
        events = [event for event in history.events if event.kind != "missed"]
        expected = self.replay(history, events).rows
        self.assertEqual(self.replay(history).rows, expected)
        case = Case(hours=history.hours)
        for event in events:
            if case.history:
                case.lapse(history.random.randint(case.history[-1].at, event.at))
            case.apply(event)
        case.lapse(history.until)
        self.assertEqual(case.rows, expected)

    @for_random_histories(1500, sweeps=False)
    def test_same_as_the_rules_second_by_second(self, history):
        case, until = self.replay(history), history.until
        world = World(history.events, history.tables, until)
        self.assertEqual(view(case, until), world.view())
        self.assertEqual(case.reopen_count, world.reopened)
        self.assertEqual(case.first_response_at, world.answered)
        self.assertEqual(case.unanswered_since, world.unanswered)
        self.assertEqual(case.waiting_on != "none", world.waiting)
        self.assertEqual(not case.closed_as, world.open)
        deadlines = [
            world.plan(row, until)
            for row in world.rows
            if row.ended is None and world.counts(row, until)
        ]
        due = case.next_due()
        self.assertEqual(
            due and due.deadline, min(filter(None, deadlines), default=None)
        )

    @for_random_histories(500)
    def test_what_always_holds(self, history):
        case = Case(hours=history.hours)
        for event in history.events:
            case.apply(event)
            self.check(case)

    def check(self, case):
        running = [row.kind for row in case.rows if row.ended_at is None]
        self.assertEqual(len(running), len(set(running)))
        for row in case.rows:
            if row.ended_at is None:
                self.assertNotIn(row.state, (MET, CANCELLED))
                self.assertFalse(case.closed_as)
                self.assertEqual(row.overrun, 0)
            else:
                self.assertIsNone(row.running_since)
                self.assertNotIn(row.state, (RUNNING, PAUSED))
            if row.state == PAUSED:
                self.assertEqual((row.deadline, row.running_since), (None, None))
            if row.state == MET:
                self.assertLessEqual(row.consumed, row.target)
            if row.state in (MISSED, EXCUSED):
                self.assertGreaterEqual(row.missed_at, row.deadline)
                if row.ended_at is not None:
                    self.assertEqual(row.overrun, row.consumed - row.target)
                    self.assertGreaterEqual(row.overrun, 0)
            else:
                self.assertIsNone(row.missed_at)

    @for_random_histories(800)
    def test_the_same_promise_again_changes_nothing(self, history):
        place = history.random.randint(1, len(history.events))
        before, after = history.events[:place], history.events[place:]
        promise = clock.replay(before, history.hours).promise
        if promise and before[-1].kind != "received":
            again = Event("promised", before[-1].at, promise.to_data())
            self.assertEqual(
                self.replay(history, [*before, again, *after]).rows,
                self.replay(history).rows,
            )

    @for_random_histories(800, sweeps=False, kinds=UNCHANGED)
    def test_another_promise_and_back(self, history):
        """What the other promise has not decided is as if it had never been there."""
        place = history.random.randint(1, len(history.events))
        before, after = history.events[:place], history.events[place:]
        case = clock.replay(before, history.hours)
        if not case.promise or before[-1].kind == "received":
            return
        other = any_promise(history.random)
        other = replace(
            other, line=99, targets={**case.promise.targets, **other.targets}
        )
        there = Event("promised", before[-1].at, other.to_data())
        back = Event("promised", before[-1].at, case.promise.to_data())
        case.apply(there)
        decided = {
            row.kind for row in case.rows if row.line == 99 and row.state == MISSED
        }
        rows = self.replay(history, [*before, there, back, *after]).rows
        expected = self.replay(history).rows
        self.assertEqual(
            [row for row in rows if row.kind not in decided and row.line != 99],
            [row for row in expected if row.kind not in decided],
        )


ATHENS = pytz.timezone("Europe/Athens")
MONDAY = datetime(2026, 10, 19)


PROFILE = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def office_seconds(start, end):
    """Seconds of Monday to Friday, 9 to 13 and 14 to 17 in Athens, day by day."""
    total = 0
    for number in range(-1, 40):
        day = MONDAY + timedelta(days=number)
        if day.weekday() < 5:
            for opens, closes in ((9, 13), (14, 17)):
                opening = ATHENS.localize(day.replace(hour=opens)).timestamp()
                closing = ATHENS.localize(day.replace(hour=closes)).timestamp()
                total += max(0, min(closing, end) - max(opening, start))
    return int(total)


class TestClockConsumed(BaseCase):
    hours = Timeline(
        "Europe/Athens",
        [
            (weekday, start, end)
            for weekday in range(5)
            for start, end in ((540, 780), (840, 1020))
        ],
    )

    @PROFILE
    @given(
        st.integers(0, 7 * 86400),
        st.lists(
            st.tuples(
                st.integers(0, 2 * 86400),
                st.sampled_from(["pause", "resume", "close", "reopen"]),
            ),
            max_size=12,
        ),
        st.integers(1, 80 * 3600),
    )
    def test_resolution_counts_open_time_with_us(self, received, steps, target):
        now = int(ATHENS.localize(MONDAY).timestamp()) + received
        events = [
            Event("received", now),
            Event(
                "promised",
                now,
                {"targets": {RESOLUTION: target}, "hours": 1, "from_receipt": True},
            ),
        ]
        waits = closed = False
        expected = 0
        for gap, action in steps:
            if not waits and not closed:
                expected += office_seconds(now, now + gap)
            now += gap
            if action == "pause" and not closed:
                waits = True
                events.append(Event("paused", now, {"waiting_on": "customer"}))
            elif action == "resume":
                waits = False
                events.append(Event("resumed", now))
            elif action == "close":
                closed, waits = True, False
                events.append(Event("closed", now, {"outcome": "solved"}))
            elif action == "reopen" and closed:
                closed = False
                events.append(Event("reopened", now, {"within_grace": True}))
        if not closed:
            events.append(Event("closed", now, {"outcome": "solved"}))
        case = clock.replay(events, {1: self.hours}.__getitem__)
        (row,) = case.rows
        self.assertEqual(row.consumed, expected)
        self.assertEqual(row.state == MET, row.missed_at is None)
        if row.state == MET:
            self.assertLessEqual(expected, target)
        else:
            self.assertEqual(row.overrun, expected - target)
