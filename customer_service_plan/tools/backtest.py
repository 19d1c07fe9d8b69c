"""What would have become of past tickets under other promises.

The facts of a ticket stay as they are; only what was promised is put in anew, and
`clock.replay`, which also moves the clocks of today's tickets, says what follows. So a
figure from here is the figure that the same promises would have given live.

Instants are UTC epoch seconds, durations are seconds of opening time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, NamedTuple

from . import clock, matching, statistics

#: What happened, one letter a fact: the events of a hundred thousand tickets come from
#: the database as one short text a ticket. Of closings it matters whether the ticket
#: was created closed: then nothing was noted of the stage that it came from.
CODES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "r": ("received", {}),
    "c": ("customer_message", {}),
    "s": ("staff_reply", {}),
    "n": ("no_answer_needed", {}),
    "p": ("paused", {}),
    "q": ("resumed", {}),
    "D": ("closed", {"outcome": clock.SOLVED}),
    "X": ("closed", {"outcome": clock.CANCELLED}),
    "d": ("closed", {"outcome": clock.SOLVED}),
    "x": ("closed", {"outcome": clock.CANCELLED}),
    "o": ("reopened", {"within_grace": True}),
    "O": ("reopened", {"within_grace": False}),
    "m": ("merged", {}),
}
RECEIVED, MERGED = "r", "m"
CREATED_CLOSED = frozenset("dx")
#: Facts that do not say what was promised, or what became of it.
KINDS = tuple(dict.fromkeys(kind for kind, _data in CODES.values()))

#: What became of all promises on one ticket together.
KEPT, LATE, OPEN, NOTHING = "kept", "missed", "open", "nothing"

SUPPORTED, UNSURE, UNSUPPORTED = "supported", "unsure", "unsupported"
TOO_FEW = "too_few"

#: A picture has about so many bars.
BARS = 24


class Past(NamedTuple):
    """What is known of one ticket, its events in their order.

    A ticket that was created closed was never promised anything before it was reopened.
    Of one that is older than the service plan nobody noted the answers (`is_older`).
    """

    ticket: int
    asked: matching.Facts
    events: Sequence[clock.Event]
    created_closed: bool = False
    is_older: bool = False
    is_merged: bool = False


class Row(NamedTuple):
    """What became of one promise; `seconds` is None while that is not decided, and
    infinite for one that is late and still open."""

    kind: str
    state: str
    seconds: float | None


class Change(NamedTuple):
    """A ticket that another line decides for; ids of lines, 0 for none."""

    ticket: int
    before: int
    after: int
    outcome_before: str
    outcome_after: str


def decode(
    codes: str, moments: Iterable[int], merges: Iterable[Mapping[str, Any]] | None
) -> list[clock.Event]:
    """Events from their letters, in their order.

    :param moments: one for each letter
    :param merges: what is known of each merge, in their order
    """
    if not merges:
        return [
            clock.Event(CODES[c][0], at, CODES[c][1])
            for c, at in zip(codes, moments, strict=True)
        ]
    known = iter(merges)
    return [
        clock.Event(CODES[c][0], at, next(known) if c == MERGED else CODES[c][1])
        for c, at in zip(codes, moments, strict=True)
    ]


def is_created_closed(codes: str) -> bool:
    """Whether the ticket was closed before anything else happened to it."""
    return codes[:1] == RECEIVED and codes[1:2] in CREATED_CLOSED


def complete(
    events: list[clock.Event],
    received_at: int,
    closed: tuple[str, int] | None,
    waiting: tuple[str, int] | None,
) -> list[clock.Event]:
    """Events of a ticket that is older than the service plan.

    :param closed: outcome and moment, where the ticket is closed
    :param waiting: for whom it waits, and since when
    """
    kinds = {event.kind for event in events}
    known = [clock.Event("received", received_at)]
    if closed and not kinds & {"closed", "reopened"}:
        at = max(closed[1], received_at)
        known.append(clock.Event("closed", at, {"outcome": closed[0]}))
    if waiting and not kinds & {"paused", "resumed"}:
        at = max(waiting[1], received_at)
        known.append(clock.Event("paused", at, {"waiting_on": waiting[0]}))
    return [*known, *events]


# ---------------------------------------------------------------------- promises


class Promises:
    """Who is promised what by some policies, for tickets received whenever.

    :param policies: in their order, each with the version that decides
    :param hours_of: gives the hours table of a line for a ticket of a channel
    """

    def __init__(
        self,
        policies: Iterable[matching.Policy],
        hours_of: Callable[[matching.Line, int], int],
    ):
        self.policies = tuple(policies)
        self._hours_of = hours_of
        self._known: dict[matching.Facts, clock.Promise | None] = {}

    @property
    def kinds(self) -> set[str]:
        """Kinds that any of the lines promises."""
        return {
            kind
            for policy in self.policies
            for version in policy.versions
            for line in version.lines
            for kind in line.targets
        }

    def of(self, asked: matching.Facts) -> clock.Promise | None:
        """The promise of a ticket; the same object for tickets that are alike."""
        if asked in self._known:
            return self._known[asked]
        found = matching.match(self.policies, asked, 0)
        promise = None
        if found:
            version, line = found
            promise = clock.Promise(
                targets=line.targets,
                hours=self._hours_of(line, asked.channel),
                line=line.id,
                version=version.id,
            )
        self._known[asked] = promise
        return promise


def always(policy: int, version: matching.Version) -> matching.Policy:
    """A policy of which one version decides, whenever a request came in."""
    return matching.Policy(policy, (replace(version, begins=-(1 << 62), ends=inf),))


def same_promise(one: clock.Promise | None, other: clock.Promise | None) -> bool:
    """Whether nobody could tell the difference: same times in the same hours."""
    if one is None or other is None:
        return one is other
    return one.hours == other.hours and one.targets == other.targets


def pair_lines(
    before: Iterable[matching.Line], after: Iterable[matching.Line]
) -> dict[int, int]:
    """Which line of one version is which of the next, ids of `after` to `before`.

    A new version is a copy, so that its lines are other records. The same conditions
    make the same line, whatever it promises; of the others the same promise does.
    """
    left = list(before)
    pairs: dict[int, int] = {}
    lines = list(after)
    for key in (_conditions, _targets):
        for line in lines:
            if line.id in pairs:
                continue
            found = next((each for each in left if key(each) == key(line)), None)
            if found:
                pairs[line.id] = found.id
                left.remove(found)
    return pairs


def _conditions(line: matching.Line) -> matching.Line:
    return replace(line, id=0, hours=0, targets={})


def _targets(line: matching.Line) -> tuple[int, dict[str, int]]:
    return line.hours, dict(line.targets)


# ------------------------------------------------------------------------ replay


class Measured(NamedTuple):
    """How long something that may be promised took, whatever was promised.

    `seconds` are counted up to its end or, `is_open`, up to the moment from which it is
    looked at. `state` is that of a promise without a deadline.
    """

    kind: str
    state: str
    seconds: int
    is_open: bool


class NoDeadlines:
    """Opening time that counts and plans nothing: nothing is ever missed on it."""

    __slots__ = ("open_seconds",)

    def __init__(self, hours: clock.OpeningTime):
        self.open_seconds = hours.open_seconds

    def plan_deadline(self, _start: int, _seconds: int) -> None:
        """No moment is the last one."""
        return None


def measure(
    past: Past, data: Mapping[str, Any], hours: clock.HoursById, until: int
) -> list[Measured]:
    """How long everything took that `data` promises, in hours that plan nothing.

    One measurement serves any number of targets, see `judge`.
    """
    events = _with_promise(past, data)
    if events is None:
        return []
    case = clock.Case(hours=hours)
    for event in events:
        case.apply(event)
    measured = []
    for row in case.rows:
        seconds, is_open = row.consumed, row.ended_at is None
        if row.running_since is not None:
            seconds += hours(row.hours).open_seconds(row.running_since, until)
        measured.append(Measured(row.kind, row.state, seconds, is_open))
    return measured


def judge(measured: Iterable[Measured], targets: Mapping[str, int]) -> list[Row] | None:
    """What becomes of what was measured when so many seconds are promised.

    A promise is missed when more time than its target was counted, whatever else
    happened: the clock stands still while it is paused or ended, and goes on from
    there. Only who needed all of the target, to the second, may have come after the
    deadline when no opening time passes: at night, say. Then the answer is None, and
    `replay` tells.

    It is not for tickets that were merged: a merge measures again what is not missed.
    """
    rows = []
    for kind, state, seconds, is_open in measured:
        target = targets.get(kind)
        if not target:
            continue
        if seconds < target:
            rows.append(Row(kind, state, seconds if state == clock.MET else None))
        elif seconds > target:
            rows.append(Row(kind, clock.MISSED, inf if is_open else seconds))
        else:
            return None
    return rows


def replay(
    past: Past, promise: clock.Promise, hours: clock.HoursById, until: int
) -> list[Row]:
    """What becomes of a promise on a ticket, event by event, looked at from `until`."""
    data = {**promise.to_data(), "targets": measurable(past, promise.targets)}
    events = _with_promise(past, data)
    if events is None:
        return []
    case = clock.replay(events, hours, until)
    return [Row(row.kind, row.state, _seconds(row)) for row in case.rows]


def measurable(past: Past, targets: Mapping[str, int]) -> Mapping[str, int]:
    """Those targets of which it is known how far they were kept on a ticket."""
    if not past.is_older:
        return targets
    return {kind: value for kind, value in targets.items() if kind == clock.RESOLUTION}


def _with_promise(past: Past, data: Mapping[str, Any]) -> list[clock.Event] | None:
    """The events, with a promise where it would have been made; None if nowhere."""
    events = list(past.events)
    if past.created_closed:
        for place, event in enumerate(events, 1):
            if event.kind == "reopened":
                events.insert(place, clock.Event("promised", event.at, data))
                return events
        return None
    if events[0].kind != "received":
        events = clock.in_order(events)
    for place, event in enumerate(events, 1):
        if event.kind == "received":
            receipt = {**data, "from_receipt": True}
            events.insert(place, clock.Event("promised", event.at, receipt))
            return events
    return None


def _seconds(row: clock.Commitment) -> float | None:
    if row.state == clock.MET:
        return row.consumed
    if row.state == clock.MISSED:
        return inf if row.ended_at is None else row.consumed
    return None


def outcome(rows: Iterable[Row]) -> str:
    """What became of a ticket's promises together: one missed is missed."""
    states = {row.state for row in rows}
    if clock.MISSED in states:
        return LATE
    if states & {clock.RUNNING, clock.PAUSED}:
        return OPEN
    return KEPT if clock.MET in states else NOTHING


# ----------------------------------------------------------------------- figures


@dataclass(slots=True)
class Sample:
    """The cases of one promise: how many were kept, and how long each took.

    `seconds` are those of the cases that have ended; `late_open` counts those that are
    missed and still open: how long they take nobody knows yet.
    """

    kept: int = 0
    missed: int = 0
    running: int = 0
    cancelled: int = 0
    late_open: int = 0
    seconds: list[int] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return self.kept + self.missed + self.running + self.cancelled

    @property
    def decided(self) -> int:
        return self.kept + self.missed

    def add(self, row: Row) -> None:
        if row.state == clock.MET:
            self.kept += 1
            self.seconds.append(row.seconds)
        elif row.state == clock.MISSED:
            self.missed += 1
            if row.seconds == inf:
                self.late_open += 1
            else:
                self.seconds.append(row.seconds)
        elif row.state == clock.CANCELLED:
            self.cancelled += 1
        else:
            self.running += 1

    def join(self, other: Sample) -> None:
        """Take in the cases of another sample of the same promise."""
        self.kept += other.kept
        self.missed += other.missed
        self.running += other.running
        self.cancelled += other.cancelled
        self.late_open += other.late_open
        self.seconds += other.seconds

    def to_data(self) -> list[Any]:
        counts = self.kept, self.missed, self.running, self.cancelled, self.late_open
        return [*counts, self.seconds]

    @classmethod
    def from_data(cls, data: Sequence[Any]) -> Sample:
        return cls(*data[:5], seconds=list(data[5]))


class Figures(NamedTuple):
    """What a sample says, for people. Times are None where there is nothing to say;
    shares are from 0 to 1."""

    kept_share: float
    low: float
    high: float
    median: float | None
    p90: float | None
    #: The target that the goal's share of the cases would have kept; None where so many
    #: have not ended.
    reached: float | None
    verdict: str


def figures(sample: Sample, goal: float) -> Figures:
    """Kept of those decided, with bounds; cancelled and undecided cases do not count.

    :param goal: in which share of the cases the promise is to be kept
    """
    ordered = sorted(sample.seconds)
    low, high = statistics.proportion_interval(sample.kept, sample.decided)
    if sample.decided < statistics.MINIMUM_CASES:
        verdict = TOO_FEW
    elif low >= goal:
        verdict = SUPPORTED
    elif high < goal:
        verdict = UNSUPPORTED
    else:
        verdict = UNSURE
    reached = statistics.share_reached([*ordered, *[inf] * sample.late_open], goal)
    return Figures(
        kept_share=sample.kept / sample.decided if sample.decided else 0.0,
        low=low,
        high=high,
        median=statistics.percentile(ordered, 0.5),
        p90=statistics.percentile(ordered, 0.9),
        reached=None if reached == inf else reached,
        verdict=verdict,
    )


def distribution(sample: Sample, target: int) -> dict[str, Any]:
    """Bars of a picture: how many cases took how long.

    The target is the edge of a bar, so that a bar lies on one side of it. `beyond`
    counts what took longer than all bars, and those late that are still open.

    :return: `width` of a bar in seconds, `counts` of the bars from 0 on, `beyond`
    """
    ordered = sorted(sample.seconds)
    # Some single cases take ages; they would press all others to the left.
    most = statistics.percentile(ordered, 0.95) or 0
    reach = min(max(most, 1.2 * target), 12 * target)
    parts = max(1, int(BARS * target / reach))
    bars = max(parts, min(BARS, int(reach * parts / target) + 1))
    counts = [0] * bars
    beyond = sample.late_open
    for seconds in ordered:
        # What took exactly as long as a bar reaches belongs to it: in time is in time.
        at = max(0, -(-seconds * parts // target) - 1)
        if at < bars:
            counts[at] += 1
        else:
            beyond += 1
    return {"width": target / parts, "counts": counts, "beyond": beyond}


class Comparison:
    """Past tickets under the promises of a version, and under those in force.

    `samples` has the cases of the version by line and kind; `base` the same tickets, by
    the same line of the version, under the promises in force.

    :param version: id of the version that is tried
    :param same_lines: which line in force is the same as one of the version, by id
    """

    def __init__(
        self,
        version: int,
        tried: Promises,
        in_force: Promises,
        hours: clock.HoursById,
        until: int,
        same_lines: Mapping[int, int],
    ):
        self._version = version
        self._tried = tried
        self._in_force = in_force
        self._hours = hours
        self._until = until
        self._same_lines = same_lines
        self._kinds = tried.kinds | in_force.kinds
        self._promise_of_all: dict[tuple[int, bool], Mapping[str, Any]] = {}
        self._counters: dict[int, NoDeadlines] = {}
        self.tickets = self.covered = self.older = 0
        self.samples: dict[tuple[int, str], Sample] = {}
        self.base: dict[tuple[int, str], Sample] = {}
        self.changes: list[Change] = []

    def take(self, past: Past) -> None:
        """Look at one ticket under both."""
        self.tickets += 1
        self.older += past.is_older
        now = self._in_force.of(past.asked)
        then = self._tried.of(past.asked)
        covered = then is not None and then.version == self._version
        changed = self._is_changed(now, then)
        if not covered and not changed:
            return
        self.covered += covered and bool(then.targets)
        rows, before = self._outcomes(past, then, now)
        if covered:
            self._count(self.samples, then.line, rows)
            self._count(self.base, then.line, before)
        if changed:
            self.changes.append(
                Change(
                    past.ticket,
                    now.line if now else 0,
                    then.line if then else 0,
                    outcome(before),
                    outcome(rows),
                )
            )

    def _outcomes(self, past: Past, *promises: clock.Promise | None) -> list[list[Row]]:
        """What becomes of each of these promises, without doing anything twice."""
        found: list[list[Row]] = []
        measured: dict[int, list[Measured]] = {}
        for place, promise in enumerate(promises):
            if promise is None or not promise.targets:
                found.append([])
                continue
            if place and same_promise(promise, promises[0]):
                found.append(found[0])
                continue
            rows = None
            if not past.is_merged:
                if promise.hours not in measured:
                    measured[promise.hours] = measure(
                        past,
                        self._all_kinds(promise.hours, past.is_older),
                        self._counting,
                        self._until,
                    )
                targets = measurable(past, promise.targets)
                rows = judge(measured[promise.hours], targets)
            if rows is None:
                rows = replay(past, promise, self._hours, self._until)
            found.append(rows)
        return found

    def _all_kinds(self, hours: int, is_older: bool) -> Mapping[str, Any]:
        """A promise of everything, to measure how long it takes."""
        key = hours, is_older
        if key not in self._promise_of_all:
            kinds = {clock.RESOLUTION} & self._kinds if is_older else self._kinds
            self._promise_of_all[key] = clock.Promise(
                dict.fromkeys(kinds, 1), hours
            ).to_data()
        return self._promise_of_all[key]

    def _counting(self, hours: int) -> NoDeadlines:
        try:
            return self._counters[hours]
        except KeyError:
            self._counters[hours] = NoDeadlines(self._hours(hours))
            return self._counters[hours]

    def _is_changed(
        self, now: clock.Promise | None, then: clock.Promise | None
    ) -> bool:
        if now is None or then is None:
            return now is not then
        return now.line not in (then.line, self._same_lines.get(then.line))

    @staticmethod
    def _count(
        samples: dict[tuple[int, str], Sample], line: int, rows: Iterable[Row]
    ) -> None:
        for row in rows:
            key = line, row.kind
            sample = samples.get(key)
            if sample is None:
                sample = samples[key] = Sample()
            sample.add(row)

    # What one part of a long work hands on to the next

    def to_data(self) -> dict[str, Any]:
        """Plain values of what was found; changes are not among them."""
        return {
            "tickets": self.tickets,
            "covered": self.covered,
            "older": self.older,
            "samples": _samples_to_data(self.samples),
            "base": _samples_to_data(self.base),
        }

    def join_data(self, data: Mapping[str, Any]) -> None:
        """Take in what an earlier part found."""
        self.tickets += data["tickets"]
        self.covered += data["covered"]
        self.older += data["older"]
        for name, samples in (("samples", self.samples), ("base", self.base)):
            for line, kind, values in data[name]:
                sample = samples.setdefault((line, kind), Sample())
                sample.join(Sample.from_data(values))


def _samples_to_data(samples: Mapping[tuple[int, str], Sample]) -> list[list[Any]]:
    return [[line, kind, each.to_data()] for (line, kind), each in samples.items()]
