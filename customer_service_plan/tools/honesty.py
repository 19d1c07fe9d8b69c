"""Can this promise be kept at all? What opening hours and staff say about it.

A promise is counted on one timeline, its own; the people who keep it are there when
another one, that of the channel, is open. Where the two are the same nothing can go
wrong: the clock rests while nobody is there. Where they differ, a request that comes in
at closing time shows how far.

Moments are UTC epoch seconds, durations seconds; days and times of day are local ones
of a timeline.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain
from typing import NamedTuple

from .timeline import DAY, Span, Timeline, merge_spans, subtract_spans

#: So far ahead one looks: far enough for the holidays that come up, near enough that
#: the tables of hours are kept for it.
HORIZON = 60 * DAY
#: What is shorter is nothing to tell people about: Odoo's closures end a second early.
SHORTEST = 60
#: A table that stays closed for so long has ended, as far as customers are concerned.
LONG_CLOSED = 90 * DAY


class Gap(NamedTuple):
    """A closed span of a channel, and how much of it a promise counts."""

    closes: int
    opens: int
    counted: int


class Worst(NamedTuple):
    """The request that waits longest by the clock, and by when it is answered."""

    received: int
    due: int

    @property
    def waits(self) -> int:
        return self.due - self.received


class Weekly(NamedTuple):
    """A part of a week day, 0 is Monday; times of day that clocks show, in seconds."""

    weekday: int
    start: int
    end: int


class Single(NamedTuple):
    """A part of one day, in the same way."""

    day: date
    start: int
    end: int


class Uncovered(NamedTuple):
    """Opening time in which nobody works: every week, or only on single days."""

    weekly: list[Weekly]
    single: list[Single]


class Rest(NamedTuple):
    """From when on a table is closed for long, and until when; None: for ever."""

    closes: int
    opens: int | None


def get_gaps(channel: Timeline, promise: Timeline, start: int, end: int) -> list[Gap]:
    """Return the closed spans of a channel that begin in `[start, end)`.

    The one in which `start` lies counts from `start` on. A span that never ends is left
    out: :func:`get_rest` tells of it.
    """
    gaps = []
    closes = start
    for begin, stop in channel.iter_spans(start):
        if begin > closes:
            gaps.append(Gap(closes, begin, promise.open_seconds(closes, begin)))
        closes = stop
        if closes >= end:
            break
    return gaps


def get_unkept(gaps: Iterable[Gap], target: int) -> list[Gap]:
    """Return the gaps after which a promise of `target` seconds is already missed.

    A request at closing time is due before anybody is there again. What is due in the
    very second of the opening can still be kept.
    """
    return [gap for gap in gaps if target < gap.counted]


def get_worst(hours: Timeline, seconds: int, start: int, end: int) -> Worst | None:
    """Return the request received in `[start, end)` that waits longest by the clock.

    Within a span that is open a later request never waits less, and while it is closed
    a later one waits less: so it is one at a closing time, or the first of all.

    :param seconds: the target, in opening time
    :return: None where nothing is ever due
    """
    worst: Worst | None = None
    moments = chain([start], (stop for _begin, stop in hours.get_spans(start, end)))
    for received in moments:
        due = hours.plan_deadline(received, seconds)
        if due is None:
            continue
        if worst is None or due - received > worst.waits:
            worst = Worst(received, due)
    return worst


def get_rest(hours: Timeline, start: int, within: int = 366 * DAY) -> Rest | None:
    """Return the first long time without any opening that begins soon, if there is one.

    :param within: so many seconds from `start` on it must begin
    """
    closes = start
    for begin, stop in hours.iter_spans(start):
        if begin - closes > LONG_CLOSED:
            return Rest(closes, begin)
        closes = stop
        if closes >= start + within:
            return None
    return Rest(closes, None)


def get_uncovered(
    channel: Timeline, work: Iterable[Iterable[Span]], start: int, end: int
) -> Uncovered:
    """Return the opening time of a channel in which nobody works.

    What is uncovered on every such week day in `[start, end)` is told once, as weekly.

    :param work: for each person the spans in which he works
    """
    opened = channel.get_spans(start, end)
    alone = subtract_spans(opened, merge_spans(chain.from_iterable(work)))
    if not alone:
        return Uncovered([], [])
    free = defaultdict(list)
    for day, spans in _by_day(channel, alone).items():
        free[day] = spans
    open_on: dict[int, list[Span]] = defaultdict(list)
    covered_on: dict[int, list[Span]] = defaultdict(list)
    for day, spans in _by_day(channel, opened).items():
        open_on[day.weekday()] += spans
        covered_on[day.weekday()] += subtract_spans(spans, free[day])
    always = {
        weekday: [
            span
            for span in subtract_spans(
                merge_spans(spans), merge_spans(covered_on[weekday])
            )
            if span[1] - span[0] >= SHORTEST
        ]
        for weekday, spans in open_on.items()
    }
    single = [
        Single(day, begin, stop)
        for day, spans in sorted(free.items())
        for begin, stop in subtract_spans(spans, always[day.weekday()])
        if stop - begin >= SHORTEST
    ]
    return Uncovered(
        [
            Weekly(weekday, begin, stop)
            for weekday in sorted(always)
            for begin, stop in always[weekday]
        ],
        single,
    )


def _by_day(hours: Timeline, spans: Iterable[Span]) -> dict[date, list[Span]]:
    """Return what lies on each local day, by the time that clocks show, merged."""
    days = defaultdict(list)
    for start, end in spans:
        for day, begin, stop in _split_days(hours, start, end):
            days[day].append((begin, stop))
    return {day: merge_spans(parts) for day, parts in days.items()}


def _split_days(
    hours: Timeline, start: int, end: int
) -> Iterator[tuple[date, int, int]]:
    day = hours.get_local(start).date()
    midnight = hours.get_midnight(day)
    while midnight < end:
        following = hours.get_midnight(day + timedelta(days=1))
        begin = 0 if start <= midnight else _clock_time(hours, start)
        stop = DAY if end >= following else _clock_time(hours, end)
        if begin < stop:
            yield day, begin, stop
        day, midnight = day + timedelta(days=1), following


def _clock_time(hours: Timeline, at: int) -> int:
    local = hours.get_local(at)
    return local.hour * 3600 + local.minute * 60 + local.second
