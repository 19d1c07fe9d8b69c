"""Whether it is a decent hour to call somebody, by his own clock.

A customer may be called between two times of his day, not on his weekend and not on
his public holidays. Where he lives may be known to the country only; if that has
several time zones, an hour is decent when it is so in all of them.

Instants are naive UTC, as everywhere in Odoo; local times are said to be local.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pytz

GOOD = "good"
TOO_EARLY = "too_early"
TOO_LATE = "too_late"
WEEKEND = "weekend"
HOLIDAY = "holiday"
#: Decent in a part of the country only.
PARTLY = "partly"

DAY = 1440
#: So far ahead the next decent hour is looked for.
HORIZON_DAYS = 15
#: Summer time begins or ends between two of these everywhere.
HALF_A_YEAR = timedelta(days=182)


@dataclass(frozen=True, slots=True)
class CallTimes:
    """When people may be called.

    :param start: minutes since local midnight
    :param end: minutes since local midnight; that minute is too late
    :param weekend: local days that belong to a weekend
    :param holidays: names of public holidays by local day
    """

    start: int
    end: int
    weekend: Container[date]
    holidays: Mapping[date, str]

    def judge(self, local: datetime) -> str:
        """Say what a local date and time is: good, or why not."""
        day = local.date()
        if day in self.holidays:
            return HOLIDAY
        if day in self.weekend:
            return WEEKEND
        minutes = local.hour * 60 + local.minute
        if minutes < self.start:
            return TOO_EARLY
        return GOOD if minutes < self.end else TOO_LATE


@dataclass(frozen=True, slots=True)
class Hour:
    """How an instant stands with a customer.

    :param verdict: one of the constants of this module
    :param zones: names of time zones, one for each local time, the westernmost first
    :param holiday: name of the public holiday, empty where there is none
    :param next_good: the next decent instant, if the present one is none
    :param changes_at: the first instant at which the verdict may be another
    """

    verdict: str
    zones: list[str]
    holiday: str
    next_good: datetime | None
    changes_at: datetime


def find_zones(zone: str, country_code: str, is_own: bool, now: datetime) -> list[str]:
    """Return the names of the time zones in which somebody may live, none if unknown.

    Odoo gives a new contact the time zone of the colleague who enters it. One that no
    part of the contact's country has is taken to be such a leftover, unless the
    customer chose it himself.

    :param zone: time zone noted on the contact, may be empty
    :param country_code: ISO code of his country, may be empty
    :param is_own: whether he has a login, and with it a time zone of his own
    """
    try:
        in_country = list(pytz.country_timezones.get(country_code or "", ()))
    except LookupError:
        in_country = []
    if zone in pytz.all_timezones_set:
        # By offset and not by name: many zones have several names.
        clocks = {_offsets(name, now) for name in in_country}
        if is_own or not clocks or _offsets(zone, now) in clocks:
            return [zone]
    return in_country


def judge(zones: Iterable[str], now: datetime, times: CallTimes) -> Hour:
    """Judge an instant by the clocks of all zones in which the customer may be.

    :param zones: names as in `find_zones`, one at least
    :param now: naive UTC
    """
    # Two zones with the same clock now and for the days looked at are one.
    soon = now + timedelta(days=HORIZON_DAYS)
    by_clock: dict[tuple, str] = {}
    for name in zones:
        by_clock.setdefault((_offset(name, now), _offset(name, soon)), name)
    clocks = [pytz.timezone(by_clock[key]) for key in sorted(by_clock)]
    verdicts = [times.judge(_local(clock, now)) for clock in clocks]
    if len(set(verdicts)) == 1:
        verdict = verdicts[0]
    else:
        # Good nowhere, for various reasons: the first one from the west.
        verdict = PARTLY if GOOD in verdicts else verdicts[0]
    holiday = ""
    for clock in clocks:
        holiday = holiday or times.holidays.get(_local(clock, now).date(), "")
    return Hour(
        verdict=verdict,
        zones=[by_clock[key] for key in sorted(by_clock)],
        holiday=holiday,
        next_good=None if verdict == GOOD else _next_good(clocks, now, times),
        changes_at=min(_next_edge(clock, now, times) for clock in clocks),
    )


def _next_good(clocks, now: datetime, times: CallTimes) -> datetime | None:
    """The next instant that is good by all clocks: where it begins by one of them."""
    begins = set()
    for clock in clocks:
        today = _local(clock, now).date()
        for days in range(HORIZON_DAYS):
            moment = _instant(clock, today + timedelta(days=days), times.start)
            if moment > now:
                begins.add(moment)
    for moment in sorted(begins):
        if all(times.judge(_local(clock, moment)) == GOOD for clock in clocks):
            return moment
    return None


def _next_edge(clock, now: datetime, times: CallTimes) -> datetime:
    today = _local(clock, now).date()
    edges = (
        _instant(clock, today + timedelta(days=days), minutes)
        for days in (0, 1)
        for minutes in (times.start, times.end, DAY)
    )
    return min(edge for edge in edges if edge > now)


def _offset(name: str, at: datetime) -> timedelta:
    return pytz.utc.localize(at).astimezone(pytz.timezone(name)).utcoffset()


def _offsets(name: str, at: datetime) -> tuple[timedelta, timedelta]:
    return _offset(name, at), _offset(name, at + HALF_A_YEAR)


def _local(clock, at: datetime) -> datetime:
    return pytz.utc.localize(at).astimezone(clock).replace(tzinfo=None)


def _instant(clock, day: date, minutes: int) -> datetime:
    """The instant (naive UTC) of a local time: the later one of a time that comes
    twice, and moved on by the gap where there is none."""
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return clock.localize(local).astimezone(pytz.utc).replace(tzinfo=None)
