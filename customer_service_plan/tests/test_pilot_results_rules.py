"""What was asked of a trial, and what its figures say: the plain rules."""

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.statistics import Interval
from ..tools.trial import (
    AT_LEAST,
    AT_MOST,
    NOT_REACHED,
    NOT_WORSE,
    REACHED,
    TOO_FEW,
    Verdict,
    bar,
    judge,
    wants_more,
)

numbers = st.floats(-1000, 1000)


class TestVerdicts(BaseCase):
    def test_figure_decides_and_bounds_say_how_sure(self):
        for value, bounds, expected in (
            (94, Interval(90, 97), Verdict(REACHED, True)),
            (94, Interval(85, 97), Verdict(REACHED, False)),
            (88, Interval(80, 92), Verdict(NOT_REACHED, False)),
            (80, Interval(75, 85), Verdict(NOT_REACHED, True)),
            (90, Interval(90, 90), Verdict(REACHED, True)),
            (90, None, Verdict(REACHED, None)),
        ):
            with self.subTest(value=value, bounds=bounds):
                found = judge(value, bounds, 90, upwards=True, cases=40, minimum=30)
                self.assertEqual(found, expected)

    def test_too_few_to_tell(self):
        self.assertEqual(judge(100, None, 90, True, 29, 30), Verdict(TOO_FEW))
        self.assertEqual(judge(None, None, 90, True, 90, 30), Verdict(TOO_FEW))
        self.assertEqual(judge(100, None, 90, True, 30, 30).verdict, REACHED)

    def test_quotients_on_the_threshold_reach_it(self):
        # 100 * 0.57 is a little less than 57 in floats, 3 * 0.1 a little more than 0.3.
        self.assertEqual(judge(100 * 0.57, None, 57, True, 100).verdict, REACHED)
        self.assertEqual(judge(3 * 0.1, None, 0.3, False, 100).verdict, REACHED)

    def test_what_is_held_against_what(self):
        for comparison, more_is_better, against, upwards in (
            (AT_LEAST, True, 5, True),
            (AT_MOST, False, 5, False),
            (AT_LEAST, False, 5, True),
            (AT_MOST, True, 5, False),
            # No more than 5 points less kept; no more than 5 minutes longer.
            (NOT_WORSE, True, -5, True),
            (NOT_WORSE, False, 5, False),
        ):
            with self.subTest(comparison=comparison, more_is_better=more_is_better):
                self.assertEqual(bar(comparison, 5, more_is_better), against)
                self.assertEqual(wants_more(comparison, more_is_better), upwards)

    @given(numbers, st.floats(0, 100), st.floats(0, 100), numbers)
    def test_turned_round(self, value, below, above, against):
        there = judge(value, Interval(value - below, value + above), against, True, 1)
        back = judge(
            -value, Interval(-value - above, below - value), -against, False, 1
        )
        self.assertEqual(there, back)
