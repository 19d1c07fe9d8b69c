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
from operator import itemgetter
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
RECEIVED, PAUSED, SOLVED, GIVEN_UP, MERGED = "rpDXm"
CREATED_CLOSED = frozenset("dx")
CLOSINGS = frozenset("DXdxoO")
WAITINGS = frozenset("pq")
#: Facts that do not say what was promised, or what became of it.
KINDS = tuple(dict.fromkeys(kind for kind, _data in CODES.values()))

#: What became of all promises on one ticket together.
KEPT, LATE, OPEN, NOTHING = "kept", "missed", "open", "nothing"

SUPPORTED, UNSURE, UNSUPPORTED = "supported", "unsure", "unsupported"
TOO_FEW = "too_few"

#: A picture has about so many bars.
BARS = 24


class Story(NamedTuple):
    """What happened on a ticket, and in which order, but not when.

    Many tickets have the same story. `codes` has a letter for each fact; `order` says
    of each at which of the ticket's different moments it happened, counted from 0.

    A ticket that was created closed was never promised anything before it was reopened.
    Of one that is older than the service plan nobody noted the answers (`is_older`).
    """

    codes: str
    order: Sequence[int]
    created_closed: bool = False
    is_older: bool = False


class Past(NamedTuple):
    """What is known of one ticket: facts as letters of `CODES`, the oldest first, the
    moment of each, and what is known of each merge."""

    ticket: int
    asked: matching.Facts
    codes: str
    moments: Sequence[int]
    merges: Sequence[Mapping[str, Any]] | None = None
    created_closed: bool = False
    is_older: bool = False

    def tell(self) -> tuple[Story, list[int]]:
        """The story, and the different moments of its facts, the earliest first."""
        times = list(dict.fromkeys(self.moments))
        order: Sequence[int] = range(len(times))
        if len(times) < len(self.moments):
            order = tuple(map(times.index, self.moments))
        return Story(self.codes, order, self.created_closed, self.is_older), times


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
    codes: str,
    moments: Iterable[int],
    merges: Iterable[Mapping[str, Any]] | None = None,
) -> list[clock.Event]:
    """Events from their letters, in their order.

    :param moments: one for each letter
    :param merges: what is known of each merge, in their order
    """
    known = iter(merges or ())
    return [
        clock.Event(CODES[c][0], at, next(known) if c == MERGED else CODES[c][1])
        for c, at in zip(codes, moments, strict=True)
    ]


def is_created_closed(codes: str) -> bool:
    """Whether the ticket was closed before anything else happened to it."""
    return codes[:1] == RECEIVED and codes[1:2] in CREATED_CLOSED


def complete(
    codes: str,
    moments: Iterable[int],
    received_at: int,
    closed: tuple[str, int] | None,
    waits_since: int | None,
) -> tuple[str, list[int]]:
    """Facts of a ticket that is older than the service plan, with those not noted.

    :param closed: outcome and moment, where the ticket is closed
    :param waits_since: since when it waits for somebody, where it does
    :return: letters and moments, oldest first
    """
    facts = [(RECEIVED, received_at)]
    if closed and CLOSINGS.isdisjoint(codes):
        outcome, at = closed
        facts.append((SOLVED if outcome == clock.SOLVED else GIVEN_UP, at))
    if waits_since is not None and WAITINGS.isdisjoint(codes):
        facts.append((PAUSED, waits_since))
    # A moment before the receipt is that of the receipt.
    facts = [(code, max(at, received_at)) for code, at in facts]
    facts += zip(codes, moments, strict=True)
    facts.sort(key=itemgetter(1))
    return "".join(code for code, _at in facts), [at for _code, at in facts]


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
        """The promise of a ticket, if any."""
        found = matching.match(self.policies, asked, 0)
        if not found:
            return None
        version, line = found
        return clock.Promise(
            targets=line.targets,
            hours=self._hours_of(line, asked.channel),
            line=line.id,
            version=version.id,
        )


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


class Course(NamedTuple):
    """How a promise goes when it is never late, whatever its hours are.

    `state` is the last one, `spans` are those in which its clock counts: from one of
    the ticket's moments to another, by their places. The place after the last stands
    for the moment from which it is looked at.
    """

    kind: str
    state: str
    spans: tuple[tuple[int, int], ...]
    is_open: bool


class Measured(NamedTuple):
    """How long something that may be promised took, whatever was promised.

    `seconds` are counted up to its end or, `is_open`, up to the moment from which it is
    looked at. `state` is that of a promise without a deadline.
    """

    kind: str
    state: str
    seconds: int
    is_open: bool


class Places:
    """Opening time for facts that happened nobody knows when, only in which order.

    A moment is a place in that order. Time is not counted but noted: a number has one
    bit for each place, set where the time from there to the next place counts. So what
    is noted of several spans adds up, as seconds do. Nothing is ever missed.
    """

    def open_seconds(self, start: int, end: int) -> int:
        """The bits from one place to another."""
        return (1 << end) - (1 << start) if start < end else 0

    def plan_deadline(self, _start: int, _seconds: int) -> None:
        """No place is the last one."""
        return None

    @staticmethod
    def spans(noted: int) -> tuple[tuple[int, int], ...]:
        """Where each run of bits begins and ends."""
        edges = noted ^ noted << 1
        places = [at for at in range(edges.bit_length()) if edges >> at & 1]
        return tuple(zip(places[::2], places[1::2], strict=True))


def follow(story: Story, kinds: Iterable[str]) -> list[Course]:
    """How promises of some kinds go on all tickets with the same story.

    What the clock does depends on the order of the facts alone as long as no deadline
    passes, so that it need not be asked for each of the tickets.
    """
    events = decode(story.codes, story.order)
    promise = clock.Promise(dict.fromkeys(kinds, 1)).to_data()
    promised = _with_promise(events, promise, story.created_closed)
    places = Places()
    case = clock.Case(hours=lambda _hours: places)
    for event in promised:
        case.apply(event)
    now = story.order[-1] + 1
    courses = []
    for row in case.rows:
        noted = row.consumed
        if row.running_since is not None:
            noted += places.open_seconds(row.running_since, now)
        spans = places.spans(noted)
        courses.append(Course(row.kind, row.state, spans, row.ended_at is None))
    return courses


def measure(
    courses: Iterable[Course], times: Sequence[int], hours: clock.OpeningTime
) -> list[Measured]:
    """How long it took on one ticket, in opening time that plans nothing.

    One measurement serves any number of targets, see `judge`.

    :param times: the ticket's moments, and the one from which it is looked at
    """
    measured = []
    for kind, state, spans, is_open in courses:
        seconds = 0
        for start, end in spans:
            seconds += hours.open_seconds(times[start], times[end])
        measured.append(Measured(kind, state, seconds, is_open))
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
    kinds = measurable(promise.targets, past.is_older)
    targets = {kind: promise.targets[kind] for kind in kinds}
    events = _with_promise(
        decode(past.codes, past.moments, past.merges),
        {**promise.to_data(), "targets": targets},
        past.created_closed,
    )
    case = clock.replay(events, hours, until)
    return [Row(row.kind, row.state, _seconds(row)) for row in case.rows]


def measurable(kinds: Iterable[str], is_older: bool) -> set[str]:
    """Those kinds of which it is known how far they were kept on a ticket."""
    return {kind for kind in kinds if not is_older or kind == clock.RESOLUTION}


def _with_promise(
    events: Iterable[clock.Event], data: Mapping[str, Any], created_closed: bool
) -> list[clock.Event]:
    """The events in order, with a promise where it would have been made, if at all."""
    events = clock.in_order(events)
    made_by = "reopened" if created_closed else "received"
    for place, event in enumerate(events, 1):
        if event.kind == made_by:
            receipt = {} if created_closed else {"from_receipt": True}
            promised = clock.Event("promised", event.at, {**data, **receipt})
            return [*events[:place], promised, *events[place:]]
    return events


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


class Decision(NamedTuple):
    """What is promised to tickets that are alike, now and then.

    `covered` by the version that is tried; `changed`: by another line than now.
    """

    now: clock.Promise | None
    then: clock.Promise | None
    covered: bool
    changed: bool


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
        self._decisions: dict[matching.Facts, Decision] = {}
        self._courses: dict[Story, list[Course]] = {}
        self.tickets = self.covered = self.older = 0
        self.samples: dict[tuple[int, str], Sample] = {}
        self.base: dict[tuple[int, str], Sample] = {}
        self.changes: list[Change] = []

    def take(self, past: Past) -> None:
        """Look at one ticket under both."""
        self.tickets += 1
        self.older += past.is_older
        found = self._decisions.get(past.asked)
        if found is None:
            found = self._decisions[past.asked] = self._decide(past.asked)
        now, then, covered, changed = found
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

    def _decide(self, asked: matching.Facts) -> Decision:
        now, then = self._in_force.of(asked), self._tried.of(asked)
        if now is None or then is None:
            changed = now is not then
        else:
            changed = now.line not in (then.line, self._same_lines.get(then.line))
        covered = then is not None and then.version == self._version
        return Decision(now, then, covered, changed)

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
            if not past.merges:
                if promise.hours not in measured:
                    measured[promise.hours] = self._measure(past, promise.hours)
                rows = judge(measured[promise.hours], promise.targets)
            if rows is None:
                rows = replay(past, promise, self._hours, self._until)
            found.append(rows)
        return found

    def _measure(self, past: Past, hours: int) -> list[Measured]:
        """How long everything took that anybody may promise."""
        story, times = past.tell()
        courses = self._courses.get(story)
        if courses is None:
            kinds = measurable(self._kinds, past.is_older)
            courses = self._courses[story] = follow(story, kinds)
        return measure(courses, [*times, self._until], self._hours(hours))

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
