from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools.scoring import Mark, points, score

# The machine may be busy with other things.
PROFILE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@st.composite
def marks(draw):
    steps = draw(st.sampled_from([2, 3, 4, 5]))
    return Mark(
        weight=draw(st.integers(0, 100)),
        steps=steps,
        step=draw(st.none() | st.integers(1, steps)),
        section=draw(st.integers(0, 3)),
        critical=draw(st.sampled_from(["", "", "", "section", "all"])),
    )


class TestScoring(BaseCase):
    """The score of marks, by examples counted by hand and by what always holds."""

    def test_weighted_mean(self):
        result = score([Mark(50, 2, 2), Mark(30, 5, 4), Mark(20, 5, 2)])
        self.assertEqual(result.value, Decimal("77.50"))

    def test_rounded_half_up_to_two_decimals(self):
        self.assertEqual(score([Mark(1, 2, 2), Mark(2, 2, 1)]).value, Decimal("33.33"))
        self.assertEqual(score([Mark(2, 2, 2), Mark(1, 2, 1)]).value, Decimal("66.67"))
        # 1/800 is 0.125 %
        self.assertEqual(score([Mark(1, 2, 2), Mark(799, 2, 1)]).value, Decimal("0.13"))

    def test_scales_are_brought_to_one_measure(self):
        for steps in (2, 3, 4, 5):
            self.assertEqual(score([Mark(7, steps, steps)]).value, 100)
            self.assertEqual(score([Mark(7, steps, 1)]).value, 0)
        self.assertEqual(score([Mark(7, 4, 2)]).value, Decimal("33.33"))

    def test_does_not_apply(self):
        self.assertEqual(score([Mark(10, 2, 2), Mark(90, 2, None)]).value, 100)
        self.assertIsNone(score([Mark(10, 2, None)]).value)
        self.assertIsNone(score([]).value)
        fatal = Mark(10, 2, None, critical="all")
        self.assertFalse(score([fatal]).failed)

    def test_critical_fails_the_whole(self):
        result = score([Mark(90, 2, 2), Mark(10, 2, 1, critical="all")])
        self.assertEqual(result.value, 0)
        self.assertTrue(result.failed)
        # Half of a scale is no failure.
        result = score([Mark(50, 2, 2), Mark(50, 3, 2, critical="all")])
        self.assertEqual(result.value, 75)

    def test_critical_without_weight_still_fails(self):
        result = score([Mark(90, 2, 2), Mark(0, 2, 1, critical="all")])
        self.assertEqual(result.value, 0)

    def test_critical_fails_its_section_only(self):
        result = score(
            [
                Mark(30, 2, 2, section=1),
                Mark(20, 2, 1, section=1, critical="section"),
                Mark(50, 2, 2, section=2),
            ]
        )
        self.assertEqual(result.value, 50)
        self.assertEqual(result.sections, {1: 0, 2: 100})
        self.assertEqual(result.failed_sections, {1})

    def test_unknown_steps_are_refused(self):
        for step, steps in ((0, 2), (3, 2), (1, 1), (-1, 5)):
            with self.assertRaises(ValueError):
                points(step, steps)
        with self.assertRaises(ValueError):
            score([Mark(-1, 2, 2)])

    @PROFILE
    @given(st.lists(marks(), max_size=12), st.randoms())
    def test_order_makes_no_difference(self, some, random):
        shuffled = list(some)
        random.shuffle(shuffled)
        self.assertEqual(score(shuffled), score(some))

    @PROFILE
    @given(st.lists(marks(), max_size=12))
    def test_between_0_and_100(self, some):
        result = score(some)
        for value in (result.value, *result.sections.values()):
            if value is not None:
                self.assertTrue(0 <= value <= 100)
                self.assertEqual(value, round(value, 2))

    @PROFILE
    @given(st.lists(marks(), min_size=1, max_size=12), st.data())
    def test_a_better_mark_never_lowers_the_score(self, some, data):
        before = score(some).value
        place = data.draw(st.integers(0, len(some) - 1))
        mark = some[place]
        if mark.step is None or mark.step == mark.steps:
            return
        better = mark._replace(step=data.draw(st.integers(mark.step + 1, mark.steps)))
        after = score([*some[:place], better, *some[place + 1 :]]).value
        if after is not None:
            self.assertGreaterEqual(after, before)

    @PROFILE
    @given(st.lists(marks(), max_size=12), st.integers(1, 50))
    def test_weights_count_by_their_proportion(self, some, factor):
        grown = [mark._replace(weight=mark.weight * factor) for mark in some]
        self.assertEqual(score(grown), score(some))
