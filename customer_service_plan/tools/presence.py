"""Who is at work, who is away, and when may somebody be told something?

Moments are UTC epoch seconds. Working time comes as a `Schedule`: a `Timeline`, or
one made of the two weeks of a schedule that changes from week to week.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from .timeline import DAY, FOREVER, Span, Timeline, merge_spans, subtract_spans

#: Lines of a week: (weekday 0 = Monday, minute from, minute to).
Week = tuple[tuple[int, int, int], ...]

WEEKDAYS = range(5)
EVERY_DAY = range(7)
# A schedule of two weeks that is not open for so long never is.
_WEEKS_OF_PATIENCE = 5


class Presence(NamedTuple):
    """What is known about one person at one moment.

    :param active: False for who is archived
    :param away: on leave, or marked as away
    :param working: at work now, by the person's hours
    :param decent: not the person's night; always so at work
    :param works_at: when the person works next, now's own moment when already
        working, None when never again or not known, as for who is away until further
        notice
    :param decent_at: the same for `decent`
    :param deputy: id of who stands in, 0 for nobody
    """

    active: bool = True
    away: bool = False
    working: bool = False
    decent: bool = False
    works_at: int | None = None
    decent_at: int | None = None
    deputy: int = 0


class Schedule(Protocol):
    """When somebody works."""

    def next_opening(self, at: int) -> int | None:
        """Return `at` during work, else the next beginning, None when there is none."""

    def get_spans(self, start: int, end: int) -> list[Span]:
        """Return the working time between two moments, cut to them."""


@lru_cache(maxsize=1024)
def get_week_timeline(zone: str, week: Week) -> Timeline:
    """Return the timeline of a week; it is shared, so do not change it.

    :raises LookupError: for an unknown time zone
    """
    return Timeline(zone, week)


def get_daily_timeline(
    zone: str, minute_from: int, minute_to: int, weekdays: Iterable[int] = EVERY_DAY
) -> Timeline:
    """Return the timeline of the same hours on several days of the week.

    Hours that end before they begin go on after midnight; equal ones are day and night.
    """
    if minute_to <= minute_from:
        minute_to += DAY // 60
    return get_week_timeline(
        zone, tuple((weekday, minute_from, minute_to) for weekday in weekdays)
    )


class TwoWeeks:
    """A schedule whose weeks alternate.

    Weeks are counted as Odoo does: days since the year 1, by seven, first week when
    that is even (`resource.calendar.attendance.get_week_type`).
    """

    __slots__ = ("_weeks",)

    def __init__(self, zone: str, first: Week, second: Week):
        """:raises LookupError: for an unknown time zone"""
        self._weeks = (get_week_timeline(zone, first), get_week_timeline(zone, second))

    def next_opening(self, at: int) -> int | None:
        """Return `at` during work, else the next beginning, None when there is none."""
        clock = self._weeks[0]
        day = clock.get_local(at).date()
        monday = day - timedelta(days=day.weekday())
        for _week in range(_WEEKS_OF_PATIENCE):
            next_monday = monday + timedelta(days=7)
            timeline = self._weeks[(monday.toordinal() - 1) // 7 % 2]
            opening = timeline.next_opening(max(at, clock.get_midnight(monday)))
            if opening is not None and opening < clock.get_midnight(next_monday):
                return opening
            monday = next_monday
        return None

    def get_spans(self, start: int, end: int) -> list[Span]:
        """Return the working time between two moments, cut to them."""
        clock = self._weeks[0]
        day = clock.get_local(start).date()
        monday = day - timedelta(days=day.weekday())
        spans: list[Span] = []
        while clock.get_midnight(monday) < end:
            next_monday = monday + timedelta(days=7)
            timeline = self._weeks[(monday.toordinal() - 1) // 7 % 2]
            spans += timeline.get_spans(
                max(start, clock.get_midnight(monday)),
                min(end, clock.get_midnight(next_monday)),
            )
            monday = next_monday
        return merge_spans(spans)


def get_schedule(zone: str, weeks: tuple[Week, Week]) -> Schedule:
    """Return the schedule of a first and a second week, which may be equal.

    :raises LookupError: for an unknown time zone
    """
    first, second = weeks
    if first == second:
        return get_week_timeline(zone, first)
    return TwoWeeks(zone, first, second)


def next_work(schedule: Schedule, absences: list[Span], at: int) -> int | None:
    """Return when somebody works who is not there during `absences`.

    :param absences: merged spans
    :return: `at` when working then, None when never again
    """
    starts = [start for start, _end in absences]
    opening = schedule.next_opening(at)
    while opening is not None:
        index = bisect_right(starts, opening) - 1
        if index < 0 or absences[index][1] <= opening:
            return opening
        back = absences[index][1]
        if back >= FOREVER:
            return None
        opening = schedule.next_opening(back)
    return None


def get_work_spans(
    schedule: Schedule, absences: Iterable[Span], start: int, end: int
) -> list[Span]:
    """Return when somebody works between two moments who is away during `absences`."""
    return subtract_spans(schedule.get_spans(start, end), merge_spans(absences))


def get_presence(
    at: int,
    work: Schedule,
    day: Schedule,
    leaves: Iterable[Span] = (),
    closures: Iterable[Span] = (),
    deputy: int = 0,
) -> Presence:
    """Return what is known about an active person at a moment.

    :param work: working time, without leaves and closures
    :param day: when the person may be told things though not at work
    :param leaves: spans in which the person is away; without a known end up to
        :data:`timeline.FOREVER`
    :param closures: spans in which nobody works, such as public holidays: not at work
        then, but not away either
    """
    away = merge_spans(leaves)
    works_at = next_work(work, merge_spans([*away, *closures]), at)
    daylight = day.next_opening(at)
    moments = [moment for moment in (works_at, daylight) if moment is not None]
    decent_at = min(moments, default=None)
    return Presence(
        active=True,
        away=any(start <= at < end for start, end in away),
        working=works_at == at,
        decent=decent_at == at,
        works_at=works_at,
        decent_at=decent_at,
        deputy=deputy,
    )
