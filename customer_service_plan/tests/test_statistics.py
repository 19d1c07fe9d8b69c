"""How far figures of a sample may be trusted: the plain functions.

The examples are those of R. G. Newcombe (Statistics in Medicine 17, 1998: 857–872,
table I, and 873–890, table II, method 10) and of the R package statpsych by D. G.
Bonett, one of the authors of the method for medians; quantiles of Student's t are those
of the NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2.
"""

from math import sqrt

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.statistics import (
    MANY_DEGREES,
    MINIMUM_FOR_MEDIANS,
    Interval,
    bounded_mean_interval,
    difference_of_means,
    difference_of_medians,
    difference_of_proportions,
    mean_interval,
    median_interval,
    percentile,
    proportion_interval,
    quantile,
    share_reached,
    student_quantile,
)

samples = st.integers(1, 5000).flatmap(
    lambda cases: st.tuples(st.integers(0, cases), st.just(cases))
)
values = st.lists(st.integers(0, 10**7), min_size=MINIMUM_FOR_MEDIANS, max_size=200)


class TestProportions(BaseCase):
    def test_published_intervals(self):
        for successes, cases, low, high in (
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ):
            with self.subTest(share=f"{successes}/{cases}"):
                found = proportion_interval(successes, cases)
                self.assertAlmostEqual(found.low, low, 4)
                self.assertAlmostEqual(found.high, high, 4)

    def test_published_differences(self):
        for case, low, high in (
            ((56, 70, 48, 80), 0.0524, 0.3339),
            ((9, 10, 3, 10), 0.1705, 0.8090),
            ((6, 7, 2, 7), 0.0582, 0.8062),
            ((5, 56, 0, 29), -0.0381, 0.1926),
            ((0, 10, 0, 20), -0.1611, 0.2775),
            ((0, 10, 0, 10), -0.2775, 0.2775),
            ((10, 10, 0, 20), 0.6791, 1.0),
            ((10, 10, 0, 10), 0.6075, 1.0),
        ):
            with self.subTest(case=case):
                found = difference_of_proportions(*case)
                self.assertAlmostEqual(found.low, low, 4)
                self.assertAlmostEqual(found.high, high, 4)
        self.assertAlmostEqual(difference_of_proportions(56, 70, 48, 80).value, 0.2, 12)

    def test_nothing_is_known_without_cases(self):
        self.assertEqual(proportion_interval(0, 0), Interval(0, 1))
        self.assertIsNone(difference_of_proportions(0, 0, 3, 4))
        self.assertIsNone(difference_of_proportions(3, 4, 0, 0))

    def test_impossible_figures_are_refused(self):
        for successes, cases in ((2, 1), (-1, 3), (0, -1)):
            with self.assertRaises(ValueError):
                proportion_interval(successes, cases)
        for level in (0, 1, 95):
            with self.assertRaises(ValueError):
                proportion_interval(1, 2, level)

    @given(samples, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
    def test_bounds_hold_the_share(self, sample, level):
        successes, cases = sample
        low, high = proportion_interval(successes, cases, level)
        self.assertTrue(0 <= low <= successes / cases <= high <= 1)
        self.assertLess(low, high)

    @given(samples)
    def test_kept_and_missed_mirror_each_other(self, sample):
        successes, cases = sample
        kept = proportion_interval(successes, cases)
        missed = proportion_interval(cases - successes, cases)
        self.assertAlmostEqual(kept.low, 1 - missed.high, 12)
        self.assertAlmostEqual(kept.high, 1 - missed.low, 12)

    @given(samples, st.integers(2, 50))
    def test_more_cases_narrow_the_bounds(self, sample, times):
        successes, cases = sample
        few = proportion_interval(successes, cases)
        many = proportion_interval(successes * times, cases * times)
        self.assertLess(many.high - many.low, few.high - few.low)

    @given(samples)
    def test_more_confidence_widens_the_bounds(self, sample):
        less = proportion_interval(*sample, level=0.9)
        more = proportion_interval(*sample, level=0.99)
        self.assertTrue(more.low <= less.low and less.high <= more.high)

    @given(samples, samples)
    def test_exchanged_groups_turn_the_difference(self, first, second):
        there = difference_of_proportions(*first, *second)
        back = difference_of_proportions(*second, *first)
        self.assertAlmostEqual(there.value, -back.value, 12)
        self.assertAlmostEqual(there.low, -back.high, 12)
        self.assertAlmostEqual(there.high, -back.low, 12)

    @given(samples, samples)
    def test_difference_lies_within_its_bounds(self, first, second):
        found = difference_of_proportions(*first, *second)
        self.assertTrue(-1 <= found.low <= found.value <= found.high <= 1)

    @given(samples, samples, st.integers(2, 50))
    def test_more_cases_narrow_the_difference(self, first, second, times):
        few = difference_of_proportions(*first, *second)
        many = difference_of_proportions(
            *(figure * times for figure in (*first, *second))
        )
        self.assertLess(many.high - many.low, few.high - few.low)

    def test_quantile(self):
        self.assertAlmostEqual(quantile(0.95), 1.959963984540054, 12)


class TestPercentiles(BaseCase):
    def test_between_two_cases(self):
        self.assertEqual(percentile([10, 20, 30, 40], 0.5), 25)
        self.assertEqual(percentile([10, 20, 30, 40], 0.9), 37)
        self.assertEqual(percentile([10], 0.9), 10)
        self.assertIsNone(percentile([], 0.5))
        with self.assertRaises(ValueError):
            percentile([1], 90)

    def test_share_reached_is_a_value_seen(self):
        ordered = list(range(1, 101))
        self.assertEqual(share_reached(ordered, 0.9), 90)
        # 0.07 * 100 is a little more than 7 in floats.
        self.assertEqual(share_reached(ordered, 0.07), 7)
        self.assertEqual(share_reached(ordered, 0), 1)
        self.assertEqual(share_reached(ordered, 1), 100)
        self.assertIsNone(share_reached([], 0.9))
        with self.assertRaises(ValueError):
            share_reached([1], 90)

    @given(values, st.integers(0, 100))
    def test_share_reached_keeps_its_word(self, cases, percent):
        ordered = sorted(cases)
        found = share_reached(ordered, percent / 100)
        self.assertIn(found, cases)
        kept = sum(value <= found for value in ordered)
        self.assertGreaterEqual(kept * 100, percent * len(ordered))
        below = sum(value < found for value in ordered)
        self.assertTrue(not below or below * 100 < percent * len(ordered))

    @given(values, st.floats(0, 1))
    def test_percentile_grows_with_the_share(self, cases, share):
        ordered = sorted(cases)
        found = percentile(ordered, share)
        self.assertTrue(ordered[0] <= found <= ordered[-1])
        self.assertLessEqual(percentile(ordered, share / 2), found + 1e-6)


class TestMedians(BaseCase):
    def test_published_differences(self):
        found = difference_of_medians(
            [32, 39, 26, 35, 43, 27, 40, 37, 34, 29],
            [36, 44, 47, 42, 49, 39, 46, 31, 33, 48],
        )
        self.assertEqual(found.value, -8.5)
        self.assertAlmostEqual(found.low, -16.95977, 5)
        self.assertAlmostEqual(found.high, -0.04022524, 8)
        found = difference_of_medians(
            [70, 394, 43, 95, 62, 128, 2, 203, 81, 436]
            + [85, 35, 156, 1, 3, 27, 63, 181, 184, 18],
            [102, 120, 78, 78, 417, 124, 86, 171, 176, 129]
            + [230, 194, 100, 157, 306, 411, 164, 103, 193, 312],
        )
        self.assertEqual(found.value, -85)
        self.assertAlmostEqual(found.low, -157.7441, 4)
        self.assertAlmostEqual(found.high, -12.25589, 4)

    def test_too_few(self):
        few, enough = range(MINIMUM_FOR_MEDIANS - 1), range(MINIMUM_FOR_MEDIANS)
        self.assertIsNone(difference_of_medians(few, enough))
        self.assertIsNone(difference_of_medians(enough, few))
        self.assertIsNotNone(difference_of_medians(enough, enough))

    @given(values, values)
    def test_exchanged_groups_turn_the_difference(self, first, second):
        there = difference_of_medians(first, second)
        back = difference_of_medians(second, first)
        self.assertAlmostEqual(there.value, -back.value, 6)
        self.assertAlmostEqual(there.low, -back.high, 6)
        self.assertAlmostEqual(there.high, -back.low, 6)

    @given(values, values, st.randoms(use_true_random=False))
    def test_order_of_the_cases_does_not_matter(self, first, second, chance):
        found = difference_of_medians(first, second)
        chance.shuffle(first)
        self.assertEqual(difference_of_medians(first, second), found)
        self.assertTrue(found.low <= found.value <= found.high)

    @given(values, st.integers(-(10**6), 10**6))
    def test_moves_with_the_values(self, cases, by):
        same = difference_of_medians(cases, cases)
        moved = difference_of_medians([value + by for value in cases], cases)
        self.assertEqual(same.value, 0)
        self.assertAlmostEqual(moved.value, by, 6)
        self.assertAlmostEqual(moved.high - moved.low, same.high - same.low, 6)

    def test_more_cases_narrow_the_bounds(self):
        few, many = (
            difference_of_medians(range(count), range(count))
            for count in (1000, 100_000)
        )
        # Relative to the spread, which here grows with the number of cases.
        self.assertLess(many.high / 100_000, few.high / 1000)
        self.assertAlmostEqual((many.high / 100_000) / (few.high / 1000), 0.1, 2)

    @given(values)
    def test_median_of_one_group_as_of_two(self, cases):
        # Against a group without any spread only the one has bounds.
        constant = [0] * MINIMUM_FOR_MEDIANS
        found = median_interval(cases)
        both = difference_of_medians(cases, constant)
        self.assertAlmostEqual(found.low, both.low, 6)
        self.assertAlmostEqual(found.high, both.high, 6)
        self.assertIsNone(median_interval(cases[: MINIMUM_FOR_MEDIANS - 1]))


class TestMeans(BaseCase):
    def test_difference(self):
        # Standard errors of 0.3 and 0.4 make 0.5.
        found = difference_of_means(4.5, 3.0, 100, 4.0, 4.0, 100)
        self.assertAlmostEqual(found.value, 0.5)
        self.assertAlmostEqual(found.low, 0.5 - 0.98, 3)
        self.assertAlmostEqual(found.high, 0.5 + 0.98, 3)
        self.assertIsNone(difference_of_means(4.5, 0, 1, 4.0, 4.0, 100))

    def test_published_quantiles_of_t(self):
        # Degrees of freedom; 0.90, 0.95, 0.975, 0.99 and 0.995 below.
        for degrees, *published in (
            (1, 3.078, 6.314, 12.706, 31.821, 63.657),
            (2, 1.886, 2.920, 4.303, 6.965, 9.925),
            (3, 1.638, 2.353, 3.182, 4.541, 5.841),
            (4, 1.533, 2.132, 2.776, 3.747, 4.604),
            (5, 1.476, 2.015, 2.571, 3.365, 4.032),
            (9, 1.383, 1.833, 2.262, 2.821, 3.250),
            (10, 1.372, 1.812, 2.228, 2.764, 3.169),
            (19, 1.328, 1.729, 2.093, 2.539, 2.861),
            (30, 1.310, 1.697, 2.042, 2.457, 2.750),
            (60, 1.296, 1.671, 2.000, 2.390, 2.660),
            (100, 1.290, 1.660, 1.984, 2.364, 2.626),
        ):
            for level, quantile_of_t in zip(
                (0.8, 0.9, 0.95, 0.98, 0.99), published, strict=True
            ):
                with self.subTest(degrees=degrees, level=level):
                    found = student_quantile(degrees, level)
                    self.assertAlmostEqual(found, quantile_of_t, 3)
        self.assertAlmostEqual(student_quantile(10**9, 0.95), quantile(0.95), 8)

    def test_both_ways_to_a_quantile_of_t_agree(self):
        for level in (0.5, 0.8, 0.95, 0.99, 0.999):
            before, after = (
                student_quantile(MANY_DEGREES + step, level) for step in (0, 1)
            )
            self.assertLess(after, before)
            # The distance of neighbours is about (z³ + z) / 4n².
            z = quantile(level)
            expected = (z**3 + z) / 4 / MANY_DEGREES**2
            self.assertAlmostEqual(before - after, expected, delta=expected / 20)

    def test_published_interval_of_a_mean(self):
        # NIST e-Handbook 1.3.5.2, ZARR13.DAT: 195 cases, 9.261460 ± 0.00322.
        found = mean_interval(9.261460, 0.02278881, 195)
        self.assertAlmostEqual(found.low, 9.258242, 5)
        self.assertAlmostEqual(found.high, 9.264679, 5)

    def test_interval_of_a_mean(self):
        found = mean_interval(80, 10, 4)
        self.assertAlmostEqual(found.low, 80 - 3.182446 * 5, 5)
        self.assertAlmostEqual(found.high, 80 + 3.182446 * 5, 5)
        # Three of four cases seen: half of the bounds.
        part = mean_interval(80, 10, 3, population=4)
        whole = mean_interval(80, 10, 3)
        self.assertAlmostEqual(2 * (part.high - 80), whole.high - 80)
        self.assertEqual(mean_interval(80, 10, 4, population=4), Interval(80, 80))
        self.assertEqual(mean_interval(80, 0, 1, population=1), Interval(80, 80))
        self.assertIsNone(mean_interval(80, 0, 1))
        self.assertIsNone(mean_interval(0, 0, 0, population=0))

    def test_interval_of_marks(self):
        self.assertEqual(
            bounded_mean_interval(50, 10, 9, 100), mean_interval(50, 10, 9)
        )
        found = bounded_mean_interval(95, 10, 5, 100)
        self.assertEqual(found.high, 100)
        self.assertEqual(found.low, mean_interval(95, 10, 5).low)
        # All alike: not known better than as many times "yes".
        low, high = proportion_interval(7, 7)
        found = bounded_mean_interval(100, 0, 7, 100)
        self.assertEqual((found.low, found.high), (100 * low, 100 * high))
        self.assertEqual(bounded_mean_interval(0, 0, 7, 100).low, 0)
        self.assertIsNone(bounded_mean_interval(100, 0, 1, 100))
        self.assertIsNone(bounded_mean_interval(0, 0, 0, 100))

    def test_impossible_means_are_refused(self):
        for case in ((80, -1, 5), (80, 1, -1)):
            with self.assertRaises(ValueError):
                mean_interval(*case)
        with self.assertRaises(ValueError):
            mean_interval(80, 1, 5, population=4)
        with self.assertRaises(ValueError):
            student_quantile(0, 0.95)

    @given(
        st.floats(0, 100),
        st.floats(0.01, 50),
        st.integers(2, 2000),
        st.sampled_from([0.5, 0.8, 0.95, 0.99]),
    )
    def test_bounds_of_a_mean(self, mean, deviation, count, level):
        low, high = mean_interval(mean, deviation, count, level)
        self.assertAlmostEqual(mean - low, high - mean, 8)
        normal = quantile(level) * deviation / sqrt(count)
        self.assertGreater(high - mean, normal)
        more = mean_interval(mean, deviation, count + 1, level)
        self.assertLess(more.high, high)
        known = mean_interval(mean, deviation, count, level, population=count * 2)
        self.assertAlmostEqual((known.high - mean) * sqrt(2), high - mean, 6)
        wider = mean_interval(mean, deviation, count, (1 + level) / 2)
        self.assertGreater(wider.high, high)
