"""What was promised on one ticket, and how far it is kept, in opening time.

A ticket is a list of events, written once. From them, and from nothing else, follow
its commitments: the first response, the next responses and the resolution, each with
a target in opening seconds. `Case` holds this state. Live, a case is loaded from the
stored rows and one event is applied; in a replay (`replay`) all events are applied in
their order. Both give the same rows: that is what makes the figures of the reports,
of a simulation and of the ticket in front of the agent one and the same.

All instants are UTC epoch seconds (`int`), all durations are seconds of opening time.
What happens in the second of the deadline is in time; missed means later than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Protocol

FIRST_RESPONSE = "first_response"
NEXT_RESPONSE = "next_response"
RESOLUTION = "resolution"
KINDS = (FIRST_RESPONSE, NEXT_RESPONSE, RESOLUTION)

RUNNING = "running"
PAUSED = "paused"
MET = "met"
MISSED = "missed"
EXCUSED = "excused"
CANCELLED = "cancelled"
#: Kinds of event by which customer and company speak with each other.
CONTACTS = frozenset({"received", "customer_message", "staff_reply"})
#: States of a commitment whose outcome is still open.
UNDECIDED = (RUNNING, PAUSED)

#: An escalation chain that has come so far has no step before the deadline left.
NOTHING_BEFORE = -1
#: An escalation chain that has come so far is over.
OVER = 2**31 - 1

NOT_WAITING = "none"
SOLVED = "solved"

DAY = 86_400


class OpeningTime(Protocol):
    """What a case must be able to ask of the hours of a promise."""

    def plan_deadline(self, start: int, seconds: int) -> int | None:
        """Instant at which `seconds` of opening time have passed since `start`."""

    def open_seconds(self, start: int, end: int) -> int:
        """Opening seconds in `[start, end)`; 0 when `end <= start`."""


#: Gives the opening time of an hours table by its id; 0 stands for "always open".
HoursById = Callable[[int], OpeningTime]


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about a ticket. `data` depends on the kind:

    - `promised`: see `Promise.to_data`, and `from_receipt` for the promise that the
      customer got when the request came in;
    - `paused`: `waiting_on`; `closed`: `outcome` (solved or cancelled);
    - `reopened`: `within_grace`;
    - `escalated`: `commitment` and `started_at` of the promise, `upto`: how far its
      chain has come; nothing of these where no promise is meant;
    - `taken_charge`: `user`, who looks after the ticket from now on;
    - `missed`, `excused`: `commitment` (the kind), `started_at`, and `missed_at`;
    - `merged`: `role` (source or target) and, on the target, what the joined tickets
      have in common: `received_at`, `first_response_at`, `unanswered_since`,
      `last_reply_at`.
    """

    kind: str
    at: int
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    """The targets of one policy line, in opening seconds of one hours table.

    A kind that is missing in `targets` is not promised. `line`, `version` and `hours`
    are database ids, 0 where there is none.
    """

    targets: Mapping[str, int]
    hours: int = 0
    line: int = 0
    version: int = 0

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Promise:
        return cls(
            targets=data.get("targets") or {},
            hours=data.get("hours") or 0,
            line=data.get("line") or 0,
            version=data.get("version") or 0,
        )

    def to_data(self) -> dict[str, Any]:
        return {
            "targets": dict(self.targets),
            "hours": self.hours,
            "line": self.line,
            "version": self.version,
        }


@dataclass(slots=True)
class Commitment:
    """One promise on one ticket.

    `consumed` counts the opening seconds up to `running_since`; while that is set, the
    clock goes on from there. `deadline` is empty while paused, and when the hours never
    open again. `ended_at` empty with state missed: still open, and late.
    """

    kind: str
    target: int
    hours: int
    line: int
    version: int
    started_at: int
    state: str = RUNNING
    consumed: int = 0
    running_since: int | None = None
    deadline: int | None = None
    ended_at: int | None = None
    missed_at: int | None = None
    overrun: int = 0
    #: How far its escalation chain has come: opening seconds from the deadline.
    escalated_to: int | None = None
    id: int = 0


@dataclass(slots=True)
class Case:
    """The promises on one ticket at one moment, and the rules that move them."""

    hours: HoursById
    received_at: int = 0
    first_response_at: int | None = None
    #: The oldest message of the customer, after the first response, without an answer.
    unanswered_since: int | None = None
    #: The latest of receipt, messages of the customer and our replies on this ticket.
    #: A merge does not change it: what was said stays with the ticket it was said on.
    last_contact_at: int | None = None
    waiting_on: str = NOT_WAITING
    closed_as: str = ""
    closed_at: int | None = None
    reopen_count: int = 0
    #: Who took charge, and when: chains stand still until a promise is missed after it.
    taken_by: int = 0
    taken_at: int | None = None
    #: The last time that somebody was told.
    escalated_at: int | None = None
    promise: Promise | None = None
    rows: list[Commitment] = field(default_factory=list)
    #: Events so far. A live case needs them only when something is measured again.
    history: list[Event] = field(default_factory=list)

    # ------------------------------------------------------------------ questions

    def live(self, kind: str) -> Commitment | None:
        """The commitment of that kind that has not ended; there is at most one."""
        for row in self.rows:
            if row.kind == kind and row.ended_at is None:
                return row
        return None

    def next_due(self) -> Commitment | None:
        """The commitment with the earliest deadline among those whose clock runs.

        A missed one stays on top until it ends.
        """
        due = [
            row
            for row in self.rows
            if row.running_since is not None and row.deadline is not None
        ]
        return min(due, key=attrgetter("deadline"), default=None)

    # --------------------------------------------------------------------- events

    def apply(self, event: Event) -> None:
        """Take in one event. Events come in the order of `in_order`."""
        if not event.data.get("from_receipt"):
            self.lapse(event.at)
        self.history.append(event)
        if event.kind in CONTACTS:
            self.last_contact_at = max(event.at, self.last_contact_at or event.at)
        handler = _HANDLERS.get(event.kind)
        if handler:
            handler(self, event)

    def lapse(self, now: int) -> list[Commitment]:
        """Mark as missed what is past its deadline; give the rows newly missed.

        The outcome does not depend on who looks first or when: missed at the deadline.
        """
        late = [
            row
            for row in self.rows
            if row.state == RUNNING and row.deadline is not None and now > row.deadline
        ]
        for row in late:
            self._miss(row, row.deadline)
        return late

    def _miss(self, row: Commitment, at: int) -> None:
        """Mark a row as missed. Who took charge before that has not kept it."""
        row.state = MISSED
        row.missed_at = at
        if self.taken_at is not None and at > self.taken_at:
            self.taken_by, self.taken_at = 0, None

    def _received(self, event: Event) -> None:
        self.received_at = event.at

    def _promised(self, event: Event) -> None:
        self.promise = Promise.from_data(event.data)
        if event.data.get("from_receipt"):
            for kind in (FIRST_RESPONSE, RESOLUTION):
                self._start(kind, event.at)
            return
        for kind in KINDS:
            row = self.live(kind)
            if row is None:
                self._start_newly_promised(kind, event.at)
            elif row.state in UNDECIDED:
                self._change_promise(row, event.at)

    def _customer_message(self, event: Event) -> None:
        # Before the first response, the first response answers it.
        if self.first_response_at is None or self.unanswered_since is not None:
            return
        self.unanswered_since = event.at
        if not self.closed_as:
            self._start(NEXT_RESPONSE, event.at)

    def _staff_reply(self, event: Event) -> None:
        if self.first_response_at is None:
            self.first_response_at = event.at
        self.unanswered_since = None
        for kind in (FIRST_RESPONSE, NEXT_RESPONSE):
            self._end(kind, event.at, MET)

    def _no_answer_needed(self, event: Event) -> None:
        self.unanswered_since = None
        self._end(NEXT_RESPONSE, event.at, CANCELLED)

    def _paused(self, event: Event) -> None:
        if self.closed_as:
            return
        self.waiting_on = event.data.get("waiting_on") or "customer"
        row = self.live(RESOLUTION)
        if row is None or row.running_since is None:
            return
        self._stop_counting(row, event.at)
        if row.state == RUNNING:
            row.state = PAUSED
            row.deadline = None

    def _resumed(self, event: Event) -> None:
        self.waiting_on = NOT_WAITING
        row = self.live(RESOLUTION)
        if row is not None and row.running_since is None:
            self._go_on(row, event.at)

    def _closed(self, event: Event) -> None:
        self.waiting_on = NOT_WAITING
        if self.closed_as:
            return
        self.taken_by, self.taken_at = 0, None
        self.closed_as = event.data.get("outcome") or SOLVED
        self.closed_at = event.at
        if self.closed_as == SOLVED:
            if self.first_response_at is None:
                self.first_response_at = event.at
            self.unanswered_since = None
        outcome = MET if self.closed_as == SOLVED else CANCELLED
        for kind in KINDS:
            self._end(kind, event.at, outcome)

    def _reopened(self, event: Event) -> None:
        if not self.closed_as:
            return
        closed_as, closed_at = self.closed_as, self.closed_at
        self.closed_as, self.closed_at = "", None
        self.reopen_count += 1
        within_grace = event.data.get("within_grace")
        if within_grace:
            # The last row of a kind is the one that the closing may have ended.
            ended = {row.kind: row for row in self.rows if row.ended_at == closed_at}
            for row in ended.values():
                if self._goes_on(row, closed_as):
                    self._reopen(row, event.at)
        else:
            self._start(RESOLUTION, event.at)
            if self.first_response_at is None:
                self._start(FIRST_RESPONSE, event.at)
        since = self.unanswered_since
        if since is not None and self.live(NEXT_RESPONSE) is None:
            if not within_grace or since >= closed_at:
                # It came while nobody owed an answer: the time before does not count.
                self.unanswered_since = event.at
            self._start(NEXT_RESPONSE, event.at)

    def _goes_on(self, row: Commitment, closed_as: str) -> bool:
        """Whether a row that ended at the moment of a closing was ended by it, and
        has to go on when the ticket is reopened within the grace time.

        In that moment a reply or a change of the promise may have ended it, too.
        """
        if row.state == CANCELLED and not self._get_target(row.kind):
            return False
        if row.kind == RESOLUTION:
            # A solution that did not hold was none.
            return True
        if closed_as == SOLVED or row.state == MET:
            return False
        if row.kind == FIRST_RESPONSE:
            return self.first_response_at is None
        since = self.unanswered_since
        return since is not None and since <= row.started_at

    def _missed(self, event: Event) -> None:
        # A fact: it stands even where the hours of today would give another deadline.
        row = self.live(event.data.get("commitment", ""))
        if row is None or row.started_at != event.data.get(
            "started_at", row.started_at
        ):
            return
        if row.state in UNDECIDED:
            self._miss(row, event.data.get("missed_at") or event.at)

    def _escalated(self, event: Event) -> None:
        self.escalated_at = event.at
        come_to = event.data.get("upto")
        if come_to is None:
            return
        # A promise taken back and made again has begun at the same moment as before.
        row = self.live(event.data.get("commitment", ""))
        if row is None or row.started_at != event.data.get("started_at"):
            return
        if row.escalated_to is None or row.escalated_to < come_to:
            row.escalated_to = come_to

    def _taken_charge(self, event: Event) -> None:
        if self.closed_as:
            return
        self.taken_by, self.taken_at = event.data.get("user") or 0, event.at
        for row in self.rows:
            if row.ended_at is None:
                done = NOTHING_BEFORE if row.state in UNDECIDED else OVER
                if row.escalated_to is None or row.escalated_to < done:
                    row.escalated_to = done

    def _excused(self, event: Event) -> None:
        for row in self.rows:
            if (
                row.state == MISSED
                and row.kind == event.data.get("commitment")
                and row.started_at == event.data.get("started_at")
            ):
                row.state = EXCUSED

    def _merged(self, event: Event) -> None:
        if event.data.get("role") == "source":
            self._closed(Event("closed", event.at, {"outcome": CANCELLED}))
            return
        received_at = event.data.get("received_at")
        if received_at is None:
            return
        answered_at = event.data.get("first_response_at")
        self.unanswered_since = event.data.get("unanswered_since")
        if self.closed_as:
            if self.first_response_at is None:
                self.first_response_at = answered_at
            return
        newly_answered = self.first_response_at is None and answered_at is not None
        for kind in (FIRST_RESPONSE, RESOLUTION):
            row = self.live(kind)
            if row is not None and row.state in UNDECIDED:
                row.started_at = min(row.started_at, received_at)
                if kind == RESOLUTION or not newly_answered:
                    self._measure(row, event.at)
        if newly_answered:
            self.first_response_at = answered_at
            self._end_answered(FIRST_RESPONSE, answered_at, event.at)
        row = self.live(NEXT_RESPONSE)
        replied_at = event.data.get("last_reply_at") or event.at
        since = self.unanswered_since
        if row is not None and (since is None or row.started_at < replied_at <= since):
            self._end_answered(NEXT_RESPONSE, replied_at, event.at)
            row = None
        if since is None:
            return
        if row is None:
            self._start_newly_promised(NEXT_RESPONSE, event.at)
        elif row.state in UNDECIDED:
            row.started_at = since
            self._measure(row, event.at)

    def _end_answered(self, kind: str, replied_at: int, merged_at: int) -> None:
        """End a row by a reply that was given on a ticket now joined to this one.

        A row missed before the merge ends at the merge.
        """
        row = self.live(kind)
        if row is None:
            return
        if row.state in UNDECIDED:
            self._measure(row, merged_at, until=replied_at)
            self._end(kind, replied_at, MET)
        else:
            self._end(kind, merged_at, MET)

    # ------------------------------------------------------------------ the clock

    def _get_target(self, kind: str) -> int:
        return self.promise and self.promise.targets.get(kind) or 0

    def _start(self, kind: str, at: int) -> Commitment | None:
        """Begin a commitment of the present promise at `at`, with its full target."""
        target = self._get_target(kind)
        if not target or self.live(kind) is not None:
            return None
        row = Commitment(
            kind=kind,
            target=target,
            hours=self.promise.hours,
            line=self.promise.line,
            version=self.promise.version,
            started_at=at,
            escalated_to=None if self.taken_at is None else NOTHING_BEFORE,
        )
        self.rows.append(row)
        self._go_on(row, at)
        return row

    def _start_newly_promised(self, kind: str, at: int) -> None:
        """A kind that was not promised before starts where it would have started."""
        if self.closed_as:
            return
        if kind == NEXT_RESPONSE:
            start = self.unanswered_since
        elif kind == FIRST_RESPONSE and self.first_response_at is not None:
            start = None
        else:
            start = self.cycle_start()
        if start is not None:
            row = self._start(kind, start)
            if row is not None:
                self._measure(row, at)

    def _change_promise(self, row: Commitment, at: int) -> None:
        target = self._get_target(row.kind)
        if not target:
            self._end(row.kind, at, CANCELLED)
            return
        row.target = target
        row.hours = self.promise.hours
        row.line = self.promise.line
        row.version = self.promise.version
        self._measure(row, at)

    def _go_on(self, row: Commitment, at: int) -> None:
        """Let the clock of a row run from `at` with what is left of its target."""
        row.running_since = at
        if row.state in (MISSED, EXCUSED):
            return
        row.state = RUNNING
        row.deadline = self.hours(row.hours).plan_deadline(
            at, row.target - row.consumed
        )

    def _stop_counting(self, row: Commitment, at: int) -> None:
        if row.running_since is not None:
            row.consumed += self.hours(row.hours).open_seconds(row.running_since, at)
            row.running_since = None

    def _end(self, kind: str, at: int, outcome: str) -> None:
        row = self.live(kind)
        if row is None:
            return
        self._stop_counting(row, at)
        row.ended_at = at
        if row.state in UNDECIDED:
            row.state = outcome
        else:
            row.overrun = row.consumed - row.target

    def _reopen(self, row: Commitment, at: int) -> None:
        row.ended_at = None
        row.overrun = 0
        self._go_on(row, at)

    def _measure(self, row: Commitment, at: int, until: int | None = None) -> None:
        """Measure a row again from the events; what is then past is missed at `at`.

        Used when the target, the hours or the start changed. The time that counts is
        the same as before: that in which the ticket was open and, for the resolution,
        did not wait for others. Nothing after `until` (default: `at`) is looked at.
        """
        hours = self.hours(row.hours)
        if until is None:
            until = at
        row.consumed, row.running_since, row.deadline = 0, None, None
        row.state = PAUSED
        for start, end in self._counted_spans(row):
            if start > until:
                break
            left = row.target - row.consumed
            if end is None or end > until:
                row.running_since = start
                row.state = RUNNING
                if row.deadline is None:
                    row.deadline = hours.plan_deadline(start, left)
                break
            seconds = hours.open_seconds(start, end)
            if row.deadline is None and seconds >= left:
                deadline = hours.plan_deadline(start, left)
                # In the second of the deadline a pause or a closing is in time.
                if deadline is not None and deadline < end:
                    row.deadline = deadline
            row.consumed += seconds
        if row.deadline is not None and row.deadline < until:
            self._miss(row, at)

    def measure_again(self, now: int, stale: Iterable[Commitment]) -> list[Commitment]:
        """Plan rows anew after a change of their hours; give those thereby missed.

        What was decided before stays decided.
        """
        missed = []
        for row in stale:
            if row.ended_at is None and row.state in UNDECIDED:
                self._measure(row, now)
                if row.state == MISSED:
                    missed.append(row)
        return missed

    def _counted_spans(self, row: Commitment) -> list[tuple[int, int | None]]:
        """Spans since the start of a row in which its clock counts, oldest first."""
        spans: list[tuple[int, int | None]] = []
        for start, end in self._active_spans(pauses=row.kind == RESOLUTION):
            if end is None or end > row.started_at:
                spans.append((max(start, row.started_at), end))
        return spans

    def _active_spans(self, pauses: bool) -> list[tuple[int, int | None]]:
        """Spans in which the ticket was open and, with `pauses`, did not wait."""
        spans: list[tuple[int, int | None]] = []
        since: int | None = None
        waiting = closed = False
        for event in self.history:
            data = event.data
            if event.kind == "received":
                since = event.at
            elif event.kind == "paused":
                waiting = not closed
            elif event.kind == "resumed":
                waiting = False
            elif event.kind == "closed":
                closed, waiting = True, False
            elif event.kind == "reopened":
                closed = False
            elif event.kind == "merged" and data.get("role") == "source":
                closed, waiting = True, False
            elif event.kind == "merged" and data.get("received_at") is not None:
                earliest = data["received_at"]
                if spans and earliest < spans[0][0]:
                    spans[0] = (earliest, spans[0][1])
                elif not spans and since is not None:
                    since = min(since, earliest)
            active = not closed and not (pauses and waiting)
            if active and since is None:
                since = event.at
            elif not active and since is not None:
                spans.append((since, event.at))
                since = None
        if since is not None:
            spans.append((since, None))
        return spans

    def cycle_start(self) -> int:
        """Receipt or, once reopened after the grace time, that reopening."""
        start = self.received_at
        closed = False
        for event in self.history:
            data = event.data
            if event.kind == "closed" or data.get("role") == "source":
                closed = True
            elif event.kind == "reopened":
                if closed and not data.get("within_grace"):
                    start = event.at
                closed = False
            elif event.kind == "merged" and data.get("received_at") is not None:
                start = min(start, data["received_at"])
        return start


_HANDLERS = {
    "received": Case._received,
    "promised": Case._promised,
    "customer_message": Case._customer_message,
    "staff_reply": Case._staff_reply,
    "no_answer_needed": Case._no_answer_needed,
    "paused": Case._paused,
    "resumed": Case._resumed,
    "closed": Case._closed,
    "reopened": Case._reopened,
    "missed": Case._missed,
    "excused": Case._excused,
    "merged": Case._merged,
    "escalated": Case._escalated,
    "taken_charge": Case._taken_charge,
}


def in_order(events: Iterable[Event]) -> list[Event]:
    """Events by their instant; those of one instant stay in the given order.

    The promise that belongs to the receipt comes right after it, whenever it was
    written down.
    """

    def key(event: Event) -> tuple[int, int]:
        if event.kind == "received":
            return event.at, 0
        return event.at, 1 if event.data.get("from_receipt") else 2

    return sorted(events, key=key)


def replay(events: Iterable[Event], hours: HoursById, until: int | None = None) -> Case:
    """Derive the whole case from its events, looked at from `until` (default: the
    last event)."""
    case = Case(hours=hours)
    for event in in_order(events):
        case.apply(event)
    if until is not None:
        case.lapse(until)
    return case
