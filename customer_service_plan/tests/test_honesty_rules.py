from datetime import date, datetime
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import honesty
from ..tools.epoch import to_epoch
from ..tools.honesty import Single, Weekly
from ..tools.matching import Line
from ..tools.plan_check import find_shadowed
from ..tools.timeline import DAY, DayException, Timeline, merge_spans

HOUR = 3600
OFFICE = Timeline("UTC", [(weekday, 540, 1020) for weekday in range(5)])
ALWAYS = Timeline("UTC", always_open=True)
NEVER = Timeline("UTC")
#: A busy machine is no fault of what is tested.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def at(day, hour=0, minute=0, month=3):
    """An instant of 2026; the first of March is a Sunday."""
    return to_epoch(datetime(2026, month, day, hour, minute))


@st.composite
def weeks(draw):
    """Hours of some days in whole half hours, perhaps past midnight."""
    lines = draw(
        st.lists(
            st.tuples(st.integers(0, 6), st.integers(0, 47), st.integers(1, 30)),
            min_size=1,
            max_size=8,
        )
    )
    return [(day, begin * 30, begin * 30 + length * 30) for day, begin, length in lines]


class TestGaps(BaseCase):
    def test_weekend_counted_day_and_night(self):
        """What comes in on Friday at 17:00 waits for Monday, 9:00."""
        gaps = honesty.get_gaps(OFFICE, ALWAYS, at(2, 9), at(9, 9))
        longest = max(gaps, key=lambda gap: gap.counted)
        self.assertEqual(longest, (at(6, 17), at(9, 9), 64 * HOUR))
        self.assertEqual(len(gaps), 5)
        self.assertEqual(len(honesty.get_unkept(gaps, 64 * HOUR - 1)), 1)
        self.assertEqual(honesty.get_unkept(gaps, 64 * HOUR), [])
        self.assertEqual(len(honesty.get_unkept(gaps, 15 * HOUR)), 5)

    def test_same_hours_never_fail(self):
        gaps = honesty.get_gaps(OFFICE, OFFICE, at(1), at(30))
        self.assertEqual({gap.counted for gap in gaps}, {0})
        self.assertEqual(honesty.get_unkept(gaps, 1), [])

    def test_longer_hours_than_the_channel(self):
        """Counted until 20:00, while the telephone is answered until 17:00."""
        longer = Timeline("UTC", [(weekday, 540, 1200) for weekday in range(5)])
        gaps = honesty.get_gaps(OFFICE, longer, at(2, 9), at(9, 9))
        self.assertEqual({gap.counted for gap in gaps}, {3 * HOUR})
        self.assertTrue(honesty.get_unkept(gaps, 2 * HOUR))
        self.assertFalse(honesty.get_unkept(gaps, 4 * HOUR))

    def test_holidays_are_closed_spans(self):
        """The long weekend counts, not the ordinary one."""
        easter = DayException(date(2026, 4, 3), date(2026, 4, 6))
        hours = Timeline("UTC", [(d, 540, 1020) for d in range(5)], [easter])
        gaps = honesty.get_gaps(hours, ALWAYS, at(2, 9), at(2, 9) + honesty.HORIZON)
        longest = max(gaps, key=lambda gap: gap.counted)
        self.assertEqual(longest.closes, at(2, 17, month=4))
        self.assertEqual(longest.opens, at(7, 9, month=4))
        self.assertEqual(longest.counted, (4 * 24 + 16) * HOUR)

    def test_begins_within(self):
        """The closed span at the end is told whole, the one at the start from now."""
        gaps = honesty.get_gaps(OFFICE, ALWAYS, at(1, 12), at(6, 18))
        self.assertEqual(gaps[0], (at(1, 12), at(2, 9), 21 * HOUR))
        self.assertEqual(gaps[-1], (at(6, 17), at(9, 9), 64 * HOUR))

    def test_never_open(self):
        self.assertEqual(honesty.get_gaps(NEVER, ALWAYS, at(1), at(30)), [])
        self.assertEqual(honesty.get_gaps(ALWAYS, OFFICE, at(1), at(30)), [])

    @patiently
    @given(weeks(), weeks(), st.integers(1, 200))
    def test_unkept_as_by_deadlines(self, channel, promise, quarters):
        """A gap fails exactly if a request at closing time is due before opening."""
        channel, promise = Timeline("UTC", channel), Timeline("UTC", promise)
        target = quarters * 900
        gaps = honesty.get_gaps(channel, promise, at(1), at(20))
        for gap in gaps:
            self.assertFalse(channel.open_seconds(gap.closes, gap.opens))
            self.assertTrue(channel.is_open(gap.opens))
        failing = [
            gap
            for gap in gaps
            if promise.open_seconds(gap.closes, gap.opens) > 0
            and promise.plan_deadline(gap.closes, target + 1) <= gap.opens
        ]
        self.assertEqual(honesty.get_unkept(gaps, target), failing)


class TestWorst(BaseCase):
    def test_over_the_weekend(self):
        worst = honesty.get_worst(OFFICE, 4 * HOUR, at(2, 9), at(16, 9))
        self.assertEqual(worst, (at(6, 17), at(9, 13)))
        self.assertEqual(worst.waits, 68 * HOUR)

    def test_day_and_night(self):
        worst = honesty.get_worst(ALWAYS, 4 * HOUR, at(2, 9), at(16, 9))
        self.assertEqual(worst.waits, 4 * HOUR)

    def test_closed_all_the_time(self):
        """Without any closing in between, who comes first waits longest."""
        worst = honesty.get_worst(OFFICE, HOUR, at(7, 10), at(8, 10))
        self.assertEqual(worst, (at(7, 10), at(9, 10)))

    def test_never_due(self):
        self.assertIsNone(honesty.get_worst(NEVER, HOUR, at(2), at(16)))

    @patiently
    @given(weeks(), st.integers(1, 200))
    def test_nobody_waits_longer(self, week, quarters):
        hours = Timeline("UTC", week)
        start, end, target = at(1), at(12), quarters * 900
        worst = honesty.get_worst(hours, target, start, end)
        waits = [
            hours.plan_deadline(moment, target) - moment
            for moment in range(start, end, 450)
        ]
        self.assertGreaterEqual(worst.waits, max(waits))
        self.assertEqual(hours.plan_deadline(worst.received, target), worst.due)


class TestRest(BaseCase):
    def test_ordinary_hours_go_on(self):
        self.assertIsNone(honesty.get_rest(OFFICE, at(2)))
        self.assertIsNone(honesty.get_rest(ALWAYS, at(2)))

    def test_never_open(self):
        self.assertEqual(honesty.get_rest(NEVER, at(2)), (at(2), None))

    def test_closed_from_a_date_on(self):
        season = DayException(date(2026, 5, 1), date(2026, 9, 30))
        hours = Timeline("UTC", [(d, 540, 1020) for d in range(5)], [season])
        rest = honesty.get_rest(hours, at(2))
        self.assertEqual(rest, (at(30, 17, month=4), at(1, 9, month=10)))

    def test_only_single_openings(self):
        once = DayException(date(2026, 3, 5), date(2026, 3, 5), True, 540, 1020)
        rest = honesty.get_rest(Timeline("UTC", [], [once]), at(2))
        self.assertEqual(rest, (at(5, 17), None))

    def test_far_away(self):
        """What ends in two years is nothing to think of today."""
        end = DayException(date(2028, 5, 1), date(2099, 12, 31))
        hours = Timeline("UTC", [(d, 540, 1020) for d in range(5)], [end])
        self.assertIsNone(honesty.get_rest(hours, at(2)))


class TestUncovered(BaseCase):
    six_days = Timeline("UTC", [(weekday, 540, 1020) for weekday in range(6)])

    def find(self, channel, *work):
        start, end = at(2), at(2) + 28 * DAY
        return honesty.get_uncovered(
            channel, [hours.get_spans(start, end) for hours in work], start, end
        )

    def test_saturday(self):
        found = self.find(self.six_days, OFFICE)
        self.assertEqual(found.weekly, [Weekly(5, 9 * HOUR, 17 * HOUR)])
        self.assertEqual(found.single, [])

    def test_two_people_together(self):
        saturday = Timeline("UTC", [(5, 540, 780)])
        found = self.find(self.six_days, OFFICE, saturday)
        self.assertEqual(found.weekly, [Weekly(5, 13 * HOUR, 17 * HOUR)])

    def test_nobody_at_all(self):
        self.assertEqual(len(self.find(self.six_days).weekly), 6)
        self.assertEqual(len(self.find(ALWAYS).weekly), 7)

    def test_a_day_off(self):
        """One day off is told with its date, what is always free only once."""
        off = DayException(date(2026, 3, 12), date(2026, 3, 12))
        short = Timeline("UTC", [(d, 540, 960) for d in range(5)], [off])
        found = self.find(OFFICE, short)
        self.assertEqual(
            found.weekly, [Weekly(day, 16 * HOUR, 17 * HOUR) for day in range(5)]
        )
        self.assertEqual(found.single, [Single(date(2026, 3, 12), 9 * HOUR, 16 * HOUR)])

    def test_by_the_clock_on_the_wall(self):
        """Summer time begins on the 29th of March: the times of day stay."""
        zone = "Europe/Athens"
        channel = Timeline(zone, [(weekday, 540, 1020) for weekday in range(7)])
        week = [(weekday, 540, 1020) for weekday in range(6)]
        found = self.find(channel, Timeline(zone, week))
        self.assertEqual(found.weekly, [Weekly(6, 9 * HOUR, 17 * HOUR)])
        self.assertEqual(found.single, [])

    def test_past_midnight(self):
        night = Timeline("UTC", [(4, 1320, 1800)])
        found = self.find(night, OFFICE)
        self.assertEqual(
            found.weekly, [Weekly(4, 22 * HOUR, DAY), Weekly(5, 0, 6 * HOUR)]
        )

    @patiently
    @given(weeks(), st.lists(weeks(), max_size=3))
    def test_no_more_and_no_less(self, channel, work):
        """Weekly and single parts together are what is open without anybody."""
        channel = Timeline("UTC", channel)
        start, end = at(2), at(2) + 14 * DAY
        spans = [Timeline("UTC", week).get_spans(start, end) for week in work]
        found = honesty.get_uncovered(channel, spans, start, end)
        told = [
            (start + (week + part.weekday) * DAY + part.start, part.end - part.start)
            for week in (0, 7)
            for part in found.weekly
        ] + [
            (to_epoch(datetime.combine(day, datetime.min.time())) + begin, stop - begin)
            for day, begin, stop in found.single
        ]
        told = merge_spans((begin, begin + length) for begin, length in told)
        here = merge_spans(span for person in spans for span in person)
        for moment in range(start, end, 1800):
            alone = channel.is_open(moment) and not any(
                begin <= moment < stop for begin, stop in here
            )
            is_told = any(begin <= moment < stop for begin, stop in told)
            self.assertEqual(alone, is_told)


SOME = st.frozensets(st.integers(1, 3), max_size=2)
PRIORITY = st.sampled_from(["", "1", "2"])


@st.composite
def lines(draw):
    return Line(
        id=draw(st.integers(1, 99)),
        match_all=False,
        segments=draw(SOME),
        channels=draw(SOME),
        teams=draw(SOME),
        priority_from=draw(PRIORITY),
        complaint=draw(st.sampled_from(["any", "only"])),
    )


class TestShadowed(BaseCase):
    def test_catch_all(self):
        found = find_shadowed(
            [
                Line(1, channels=frozenset([1])),
                Line(2, match_all=True),
                Line(3, channels=frozenset([2])),
                Line(4, match_all=True),
            ]
        )
        self.assertEqual(found, {2: 1, 3: 1})

    @patiently
    @given(st.lists(lines(), max_size=12))
    def test_as_by_comparing_all(self, rules):
        expected = {}
        for first, second in combinations(range(len(rules)), 2):
            if rules[first].covers(rules[second]):
                expected.setdefault(second, first)
        self.assertEqual(find_shadowed(rules), expected)
