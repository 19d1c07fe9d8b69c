from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools.effect import effect

# The machine may be busy with other things.
PROFILE = settings(deadline=None, derandomize=True, database=None)
POINTS = st.lists(st.sampled_from([0.0, 25.0, 50.0, 75.0, 100.0]), max_size=30)


class TestEffect(BaseCase):
    """Marks before and after something was agreed."""

    def test_too_few(self):
        found = effect([50, 75, 50, 25], [100] * 10)
        self.assertEqual(found.verdict, "few")
        self.assertEqual(found.change, 50)
        self.assertIsNone(found.bounds)
        self.assertTrue(found.before.is_few)
        self.assertIsNone(found.before.bounds)

    def test_nothing_after(self):
        found = effect([50, 75, 50, 25, 50], [])
        self.assertEqual(found.verdict, "few")
        self.assertIsNone(found.change)
        self.assertIsNone(found.after.mean)
        self.assertEqual(found.before.mean, 50)

    def test_published_example(self):
        """Student's sleep data, as `t.test(extra ~ group, sleep)` of R has it."""
        first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
        second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
        found = effect(first, second)
        self.assertAlmostEqual(found.before.mean, 0.75)
        self.assertAlmostEqual(found.after.mean, 2.33)
        self.assertAlmostEqual(found.change, 1.58)
        # R has bounds of -0.2054832 and 3.3654832, with 17.776 degrees; here 17.
        self.assertAlmostEqual(found.bounds.low, -0.2054832, delta=0.007)
        self.assertAlmostEqual(found.bounds.high, 3.3654832, delta=0.007)
        self.assertGreater(found.bounds.high, 3.3654832)
        self.assertEqual(found.verdict, "open")

    def test_clear(self):
        found = effect([25, 50, 25, 50, 25, 50], [75, 100, 75, 100, 100])
        self.assertEqual(found.verdict, "better")
        self.assertGreater(found.bounds.low, 0)
        self.assertEqual(effect([100] * 9, [25] * 9).verdict, "worse")

    def test_marks_that_are_all_alike_prove_little(self):
        self.assertEqual(effect([50] * 5, [50] * 5).verdict, "open")
        self.assertEqual(effect([75] * 5, [100] * 5).verdict, "open")
        found = effect([50, 75, 50, 75, 50], [100] * 5)
        self.assertLess(found.bounds.low, 40)
        self.assertLess(found.after.bounds.low, 60)

    @PROFILE
    @given(POINTS, POINTS)
    def test_the_other_way_round(self, before, after):
        opposite = {"better": "worse", "worse": "better"}
        there, back = effect(before, after), effect(after, before)
        self.assertEqual(opposite.get(there.verdict, there.verdict), back.verdict)
        self.assertEqual((there.before, there.after), (back.after, back.before))

    @PROFILE
    @given(POINTS, POINTS)
    def test_bounds_hold_the_mean(self, before, after):
        for side in effect(before, after)[:2]:
            if side.bounds:
                self.assertTrue(0 <= side.bounds.low <= side.mean + 1e-9)
                self.assertTrue(side.mean - 1e-9 <= side.bounds.high <= 100)
