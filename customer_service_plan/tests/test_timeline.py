import datetime

import pytz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.timeline import (
    DAY,
    FOREVER,
    DayException,
    Timeline,
    merge_spans,
    subtract_spans,
)

OFFICE = [
    (weekday, start, end)
    for weekday in range(5)
    for start, end in ((480, 720), (780, 1020))
]
ALL_WEEK = [(weekday, 0, 1440) for weekday in range(7)]
ZONES = [
    "UTC",
    "Europe/Athens",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    # Summer time begins and ends at midnight.
    "America/Havana",
    "Atlantic/Azores",
    # A whole day (2011-12-30) was left out.
    "Pacific/Apia",
]


def utc(*parts):
    """Return the epoch seconds of a UTC date and time."""
    moment = datetime.datetime(*parts, tzinfo=datetime.timezone.utc)
    return int(moment.timestamp())


def local(zone, *parts):
    """Return the epoch seconds of a local time, as Odoo would."""
    moment = pytz.timezone(zone).localize(datetime.datetime(*parts))
    return int(moment.timestamp())


class Reference:
    """Opening time by the words of its definition, slow and without any sums."""

    def __init__(self, zone, week, exceptions, closures, first, last):
        self.zone = pytz.timezone(zone)
        days = [
            first + datetime.timedelta(days=number)
            for number in range((last - first).days + 1)
        ]
        self.lines = [
            self.between(day, minute_from, day, minute_to)
            for day in days
            for weekday, minute_from, minute_to in week
            if day.weekday() == weekday
        ]
        self.closed, self.opened = list(closures), []
        for item in exceptions:
            spans = self.opened if item.is_open else self.closed
            if item.minute_to:
                spans += [
                    self.between(day, item.minute_from, day, item.minute_to)
                    for day in days
                    if item.first_day <= day <= item.last_day
                ]
            else:
                spans.append(self.between(item.first_day, 0, item.last_day, 1440))
        self.marks = sorted(
            {mark for span in self.lines + self.closed + self.opened for mark in span}
        )

    def between(self, day_from, minute_from, day_to, minute_to):
        return self.localize(day_from, minute_from), self.localize(day_to, minute_to)

    def localize(self, day, minute):
        moment = datetime.datetime.combine(day, datetime.time())
        moment += datetime.timedelta(minutes=minute)
        return int(self.zone.localize(moment).timestamp())

    def is_open(self, at):
        def inside(spans):
            return any(start <= at < end for start, end in spans)

        return inside(self.opened) or (inside(self.lines) and not inside(self.closed))

    def pieces(self, start, end):
        if end <= start:
            return
        marks = [start, *(mark for mark in self.marks if start < mark < end), end]
        for begin, finish in zip(marks, marks[1:], strict=False):
            if self.is_open(begin):
                yield begin, finish

    def open_seconds(self, start, end):
        return sum(finish - begin for begin, finish in self.pieces(start, end))

    def plan_deadline(self, start, seconds, end):
        for begin, finish in self.pieces(start, end):
            if not seconds or finish - begin >= seconds:
                return begin + seconds
            seconds -= finish - begin
        return None


@st.composite
def tables(draw):
    """Draw a table of hours around one of the changes to or from summer time."""
    zone = draw(st.sampled_from(ZONES))
    minute = st.one_of(
        st.integers(0, 2880), st.sampled_from([0, 60, 120, 150, 180, 1440, 1500, 2880])
    )
    span = st.tuples(minute, minute).map(sorted).filter(lambda x: x[0] < x[1])
    week = draw(st.lists(st.tuples(st.integers(0, 6), span), max_size=8))
    anchor = draw(
        st.sampled_from(
            [
                datetime.date(2026, 3, 8),
                datetime.date(2026, 3, 29),
                datetime.date(2026, 4, 5),
                datetime.date(2026, 10, 4),
                datetime.date(2026, 10, 25),
                datetime.date(2026, 11, 1),
                datetime.date(2011, 12, 30),
                datetime.date(2040, 3, 25),
            ]
        )
    )
    if zone != "UTC" and anchor.year > 2037:
        # pytz knows no summer time after 2037.
        zone = "Asia/Kathmandu"
    exceptions = []
    for _number in range(draw(st.integers(0, 4))):
        first = anchor + datetime.timedelta(days=draw(st.integers(-6, 6)))
        last = first + datetime.timedelta(days=draw(st.integers(0, 4)))
        minutes = draw(st.one_of(st.just((0, 0)), span))
        exceptions.append(DayException(first, last, draw(st.booleans()), *minutes))
    middle = utc(anchor.year, anchor.month, anchor.day)
    second = st.integers(middle - 8 * DAY, middle + 8 * DAY)
    closures = draw(st.lists(st.tuples(second, second).map(sorted), max_size=3))
    return (
        zone,
        [(weekday, *minutes) for weekday, minutes in week],
        exceptions,
        [tuple(closure) for closure in closures],
        anchor,
        draw(second),
        draw(second),
        draw(st.one_of(st.integers(0, 20 * DAY), st.just(0))),
    )


class TestTimeline(BaseCase):
    def test_spans(self):
        self.assertEqual(
            merge_spans([(5, 6), (1, 3), (3, 4), (9, 8)]), [(1, 4), (5, 6)]
        )
        self.assertEqual(
            subtract_spans([(0, 10), (20, 30)], [(-1, 1), (4, 5), (9, 21), (29, 40)]),
            [(1, 4), (5, 9), (21, 29)],
        )
        self.assertEqual(subtract_spans([(0, 10)], [(0, 10)]), [])

    def test_office_week(self):
        line = Timeline("UTC", OFFICE)
        monday = utc(2026, 1, 5)
        self.assertEqual(
            line.plan_deadline(monday + 8 * 3600, 8 * 3600), monday + 17 * 3600
        )
        self.assertEqual(
            line.plan_deadline(monday + 16 * 3600, 3601), monday + DAY + 8 * 3600 + 1
        )
        self.assertEqual(line.open_seconds(monday, monday + 7 * DAY), 40 * 3600)
        self.assertEqual(line.open_seconds(monday + DAY, monday), 0)
        self.assertTrue(line.is_open(monday + 8 * 3600))
        self.assertFalse(line.is_open(monday + 12 * 3600))
        self.assertEqual(line.next_opening(monday), monday + 8 * 3600)
        self.assertEqual(line.next_closing(monday), monday + 12 * 3600)
        self.assertEqual(line.next_opening(monday + 9 * 3600), monday + 9 * 3600)
        friday_evening = monday + 4 * DAY + 17 * 3600
        self.assertEqual(line.next_opening(friday_evening), monday + 7 * DAY + 8 * 3600)

    def test_deadline_at_closing_time_is_closing_time(self):
        line = Timeline("UTC", OFFICE)
        monday = utc(2026, 1, 5)
        self.assertEqual(
            line.plan_deadline(monday + 9 * 3600, 3 * 3600), monday + 12 * 3600
        )

    def test_zero_seconds(self):
        line = Timeline("UTC", OFFICE)
        monday = utc(2026, 1, 5)
        self.assertEqual(line.plan_deadline(monday, 0), monday + 8 * 3600)
        self.assertEqual(line.plan_deadline(monday + 9 * 3600, 0), monday + 9 * 3600)
        with self.assertRaises(ValueError):
            line.plan_deadline(monday, -1)

    def test_night_shift(self):
        line = Timeline("UTC", [(weekday, 1320, 1800) for weekday in range(7)])
        monday = utc(2026, 1, 5)
        self.assertTrue(line.is_open(monday))
        self.assertEqual(line.next_closing(monday), monday + 6 * 3600)
        self.assertEqual(line.open_seconds(monday, monday + DAY), 8 * 3600)

    def test_day_off_cuts_night_shift_at_midnight(self):
        closed = DayException(datetime.date(2026, 1, 6), datetime.date(2026, 1, 6))
        line = Timeline(
            "UTC", [(weekday, 1320, 1800) for weekday in range(7)], [closed]
        )
        monday = utc(2026, 1, 5)
        self.assertEqual(
            line.get_spans(monday + DAY // 2, monday + 3 * DAY),
            [
                (monday + 22 * 3600, monday + DAY),
                (monday + 2 * DAY, monday + 2 * DAY + 6 * 3600),
                (monday + 2 * DAY + 22 * 3600, monday + 3 * DAY),
            ],
        )

    def test_timed_exception_counts_on_each_of_its_days(self):
        days = datetime.date(2026, 1, 5), datetime.date(2026, 1, 6)
        line = Timeline("UTC", OFFICE, [DayException(*days, False, 540, 600)])
        monday = utc(2026, 1, 5)
        for number, hours in enumerate([7, 7, 8]):
            day = monday + number * DAY
            self.assertEqual(line.open_seconds(day, day + DAY), hours * 3600)

    def test_extra_opening_wins(self):
        day = datetime.date(2026, 1, 10)
        monday = utc(2026, 1, 5)
        line = Timeline(
            "UTC",
            OFFICE,
            [DayException(day, day), DayException(day, day, True, 600, 720)],
            [(monday, monday + 6 * DAY)],
        )
        self.assertEqual(
            line.get_spans(monday, monday + 7 * DAY),
            [(monday + 5 * DAY + 36000, monday + 5 * DAY + 43200)],
        )

    def test_touching_spans_are_one(self):
        line = Timeline("UTC", [(0, 480, 720), (0, 720, 1440), (1, 0, 60)])
        monday = utc(2026, 1, 5)
        self.assertEqual(line.next_closing(monday), monday + DAY + 3600)

    def test_time_that_comes_twice_is_the_later_one(self):
        line = Timeline("Europe/Athens", [(6, 210, 240)])
        self.assertEqual(
            line.get_spans(utc(2026, 10, 25), utc(2026, 10, 26)),
            [(utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 2))],
        )

    def test_time_that_does_not_exist_moves_on(self):
        line = Timeline("Europe/Athens", [(6, 210, 225)])
        self.assertEqual(
            line.get_spans(utc(2026, 3, 29), utc(2026, 3, 30)),
            [(utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 1, 45))],
        )

    def test_summer_time_goes_on_after_2037(self):
        line = Timeline("Europe/Athens", [(6, 600, 660)])
        sunday = utc(2040, 7, 1)
        self.assertEqual(line.next_opening(sunday), sunday + 7 * 3600)

    def test_never_open(self):
        line = Timeline("Europe/Athens")
        now = utc(2026, 1, 5)
        self.assertIsNone(line.plan_deadline(now, 1))
        self.assertIsNone(line.plan_deadline(now, 0))
        self.assertIsNone(line.next_opening(now))
        self.assertIsNone(line.next_closing(now))
        self.assertFalse(line.is_open(now))
        self.assertEqual(line.open_seconds(now, now + 9 * DAY), 0)

    def test_only_extra_openings_left(self):
        day = datetime.date(2026, 3, 2)
        line = Timeline("UTC", exceptions=[DayException(day, day, True, 540, 600)])
        now = utc(2026, 1, 5)
        self.assertEqual(line.plan_deadline(now, 3600), utc(2026, 3, 2, 10))
        self.assertIsNone(line.plan_deadline(now, 3601))
        self.assertEqual(line.next_closing(now), utc(2026, 3, 2, 10))
        self.assertIsNone(line.next_opening(utc(2026, 3, 2, 10)))

    def test_closed_for_years_and_for_ever(self):
        now = utc(2026, 1, 5)
        line = Timeline("UTC", OFFICE, closures=[(now, now + 3653 * DAY)])
        self.assertEqual(line.plan_deadline(now, 60), utc(2036, 1, 7, 8, 1))
        line = Timeline("UTC", OFFICE, closures=[(now, utc(9999, 12, 31))])
        self.assertIsNone(line.plan_deadline(now, 60))
        self.assertIsNone(line.next_opening(now))
        last = datetime.date(9999, 12, 31)
        line = Timeline("UTC", OFFICE, [DayException(datetime.date(2026, 1, 5), last)])
        self.assertIsNone(line.next_closing(now))

    def test_absurd_duration_is_never(self):
        line = Timeline("UTC", OFFICE)
        self.assertIsNone(line.plan_deadline(utc(2026, 1, 5), 2**31 * 60))

    def test_week_without_end(self):
        line = Timeline("Atlantic/Azores", ALL_WEEK)
        now = utc(2026, 1, 5, 12)
        self.assertIsNone(line.next_closing(now))
        self.assertEqual(line.next_opening(now), now)
        self.assertEqual(line.plan_deadline(now, 400 * DAY), now + 400 * DAY)
        self.assertEqual(list(line.iter_spans(now))[-1][1], FOREVER)
        day = datetime.date(2026, 12, 24)
        line = Timeline("UTC", ALL_WEEK, [DayException(day, day)])
        self.assertEqual(line.next_closing(now), utc(2026, 12, 24))
        self.assertIsNone(line.next_closing(utc(2026, 12, 25)))

    def test_always_open(self):
        day = datetime.date(2026, 1, 5)
        line = Timeline("UTC", OFFICE, [DayException(day, day)], always_open=True)
        now = utc(2026, 1, 5)
        self.assertEqual(line.plan_deadline(now, 12345), now + 12345)
        self.assertEqual(line.plan_deadline(now, 0), now)
        self.assertEqual(line.open_seconds(now - DAY, now + DAY), 2 * DAY)
        self.assertTrue(line.is_open(-1))
        self.assertEqual(line.next_opening(now), now)
        self.assertIsNone(line.next_closing(now))

    def test_nights_where_pieces_meet(self):
        """What runs past midnight does so from one piece built to the next, too."""
        nights = [(weekday, 1320, 1800) for weekday in range(7)]
        days = datetime.date(2015, 1, 1), datetime.date(2035, 1, 1)
        late = DayException(*days, False, 1380, 1500)
        noon = utc(2026, 1, 5, 12)
        for exceptions, hours in (([], 8), ([late], 6)):
            line = Timeline("UTC", nights, exceptions)
            line.is_open(noon)
            for count in (600, 1500, -600, -2000):
                start, end = sorted((noon, noon + count * DAY))
                self.assertEqual(
                    line.open_seconds(start, end), abs(count) * hours * 3600
                )

    def test_unknown_zone(self):
        with self.assertRaises(LookupError):
            Timeline("Europe/Atlantis")

    def test_grows_both_ways(self):
        line = Timeline("Europe/Athens", OFFICE)
        asked = [utc(2026, 6, 1), utc(2011, 2, 3), utc(2061, 1, 1), utc(1970, 1, 1), 0]
        for at in asked:
            fresh = Timeline("Europe/Athens", OFFICE)
            self.assertEqual(line.next_opening(at), fresh.next_opening(at))
            self.assertEqual(
                line.plan_deadline(at, 10**7), fresh.plan_deadline(at, 10**7)
            )
        self.assertEqual(
            line.open_seconds(-(10**15), utc(2026, 1, 1)),
            line.open_seconds(0, utc(2026, 1, 1)),
        )

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(tables())
    def test_same_as_reference(self, table):
        zone, week, exceptions, closures, anchor, start, end, seconds = table
        line = Timeline(zone, week, exceptions, closures)
        margin = datetime.timedelta(days=12)
        reference = Reference(
            zone, week, exceptions, closures, anchor - margin, anchor + 3 * margin
        )
        self.assertEqual(line.is_open(start), reference.is_open(start))
        self.assertEqual(
            line.open_seconds(start, end), reference.open_seconds(start, end)
        )
        horizon = utc(anchor.year, anchor.month, anchor.day) + 34 * DAY
        expected = reference.plan_deadline(start, seconds, horizon)
        if expected is None:
            found = line.plan_deadline(start, seconds)
            self.assertTrue(found is None or found > horizon)
        else:
            self.assertEqual(line.plan_deadline(start, seconds), expected)
            self.assertEqual(
                line.next_opening(start), reference.plan_deadline(start, 0, horizon)
            )
