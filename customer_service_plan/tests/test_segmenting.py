from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.birth import age_on
from ..tools.segmenting import (
    NO,
    UNKNOWN,
    YES,
    birthday_bounds,
    judge_age,
    split_codes,
)

TODAY = date(2026, 3, 2)
days = st.dates(date(1920, 1, 1), date(2060, 12, 31))
limits = st.tuples(st.integers(0, 110), st.integers(0, 110)).filter(
    lambda ages: not ages[1] or ages[0] <= ages[1]
)
fixed = settings(max_examples=300, derandomize=True, deadline=None, database=None)


class TestSegmenting(BaseCase):
    """Ages as limits of birthdays, and codes in a text."""

    @fixed
    @given(born=days, lived=st.integers(0, 40_000), limits=limits)
    def test_bounds_are_the_age_in_full_years(self, born, lived, limits):
        today, (low, high) = born + timedelta(days=lived), limits
        age = age_on(born, today)
        expected = (not low or age >= low) and (not high or age <= high)
        after, until = birthday_bounds(low, high, today)
        fits = (not after or born > after) and (not until or born <= until)
        self.assertEqual(fits, expected, (born, today, age))
        verdict = judge_age(low, high, (born, born), today)
        self.assertEqual(verdict, YES if expected else NO)

    @fixed
    @given(
        first=days,
        width=st.integers(0, 4000),
        lived=st.integers(0, 40_000),
        limits=limits,
    )
    def test_unknown_exactly_when_possible_birthdays_disagree(
        self, first, width, lived, limits
    ):
        last = first + timedelta(days=width)
        today = last + timedelta(days=lived)
        # Only the ends and the days around a limit can tell a difference.
        marks = {first, last}
        for limit in filter(None, birthday_bounds(*limits, today)):
            marks |= {limit, limit + timedelta(days=1)}
        verdicts = {
            judge_age(*limits, (day, day), today)
            for day in marks
            if first <= day <= last
        }
        expected = verdicts.pop() if len(verdicts) == 1 else UNKNOWN
        self.assertEqual(judge_age(*limits, (first, last), today), expected)

    def test_the_day_of_the_birthday(self):
        born = (date(1966, 3, 2),) * 2
        self.assertEqual(judge_age(60, 0, born, TODAY), YES)
        self.assertEqual(judge_age(0, 59, born, TODAY), NO)
        self.assertEqual(judge_age(60, 0, born, TODAY - timedelta(days=1)), NO)

    def test_nothing_known(self):
        self.assertEqual(judge_age(1, 0, None, TODAY), UNKNOWN)

    def test_codes(self):
        self.assertEqual(split_codes(" female,, other ,female"), ("female", "other"))
        self.assertEqual(split_codes(None), ())
