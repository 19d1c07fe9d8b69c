"""How alike people mark: the plain functions.

Published examples: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011),
sections A to C; A. F. Hayes and K. Krippendorff, Answering the Call for a Standard
Reliability Measure for Coding Data, Communication Methods and Measures 1 (2007), 77–89,
table 1. Those said to be counted by hand show the sums.
"""

from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools.agreement import alpha, count_pairs, judge, kappa, strictness

# The machine may be busy with other things.
PROFILE = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# One row for each person, one column for each unit; a dot where he gave no value.
TWO_BINARY = ("0100000010", "1110010000")
TWO_NOMINAL = ("aabbdcccedda", "babbbccceddd")
FOUR_MISSING = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
THREE_MISSING = ("*****34121133*3", "1*213343*******", "**21344*21133*4")
# One row for each article, one column for each of five observers.
HAYES_2007 = """
    112.2 1101. 2333. .00.0 000.0 000.0 102.1 1.20. 222.2 2111. .100. 0000. 1222.
    33223 111.1 111.1 212.2 1233. 1101. 000.0 0011. 00.00 2333. 0000. 12.22 0111.
    00010 1212. 1122. 112.2 110.0 2121. 22.22 3222. 222.2 223.2 222.2 22.12 2222.
    111.1
""".split()
LEVELS = ("nominal", "ordinal", "interval")

units = st.lists(st.lists(st.integers(1, 5), max_size=5), max_size=12)


def _units(rows):
    return [
        [ord(value) for value in column if value not in ".*"]
        for column in zip(*rows, strict=True)
    ]


class TestAlpha(BaseCase):
    def _assert_alpha(self, found, expected, digits=3):
        self.assertAlmostEqual(float(found), expected, digits)

    def test_two_people(self):
        self._assert_alpha(alpha(_units(TWO_BINARY)), 0.095)
        self._assert_alpha(alpha(_units(TWO_NOMINAL)), 0.692)

    def test_four_people_with_marks_missing(self):
        for level, expected in zip(LEVELS, (0.743, 0.815, 0.849), strict=True):
            with self.subTest(level=level):
                self._assert_alpha(alpha(_units(FOUR_MISSING), level), expected)

    def test_three_people_with_marks_missing(self):
        self._assert_alpha(alpha(_units(THREE_MISSING)), 0.691)
        self._assert_alpha(alpha(_units(THREE_MISSING), "interval"), 0.811)

    def test_five_people_and_forty_articles(self):
        articles = [[int(mark) for mark in row if mark != "."] for row in HAYES_2007]
        self.assertEqual((len(articles), sum(map(len, articles))), (40, 159))
        self._assert_alpha(alpha(articles, "ordinal"), 0.7598, 4)
        self._assert_alpha(alpha(articles), 0.477)
        self._assert_alpha(alpha(articles, "interval"), 0.757)

    def test_counted_by_hand(self):
        # 3 units, 2 people: 1 1 | 1 2 | 3 3; marks 1: 3, 2: 1, 3: 2, together 6.
        small = [[1, 1], [1, 2], [3, 3]]
        # One pair differs; of all marks 3·1 + 3·2 + 1·2 = 11 pairs differ.
        self.assertEqual(alpha(small), 1 - Fraction(5 * 1, 11))
        # Marks up to a mark, less half its own: 1.5, 3.5, 5; squared differences 4,
        # 12.25 and 2.25; 3·1·4 + 3·2·12.25 + 1·2·2.25 = 90.
        self.assertEqual(alpha(small, "ordinal"), 1 - Fraction(5 * 4, 90))
        # Squared differences 1, 4, 1: 3·1·1 + 3·2·4 + 1·2·1 = 29.
        self.assertEqual(alpha(small, "interval"), 1 - Fraction(5 * 1, 29))
        # A unit that one person alone has marked tells nothing.
        self.assertEqual(alpha([*small, [5], []]), alpha(small))

    def test_nothing_to_tell(self):
        for empty in ([], [[]], [[1], [2]], [[3, 3], [3, 3]]):
            self.assertIsNone(alpha(empty))
        with self.assertRaises(ValueError):
            alpha([[1, 2]], "ratio")

    @PROFILE
    @given(units, st.sampled_from(LEVELS), st.randoms())
    def test_whoever_is_who(self, units, level, random):
        """Neither the order of the people nor that of the units makes a difference."""
        shuffled = [random.sample(values, len(values)) for values in units]
        random.shuffle(shuffled)
        self.assertEqual(alpha(units, level), alpha(shuffled, level))

    @PROFILE
    @given(units, st.sampled_from(LEVELS))
    def test_bounds(self, units, level):
        found = alpha(units, level)
        if found is None:
            return
        self.assertLessEqual(found, 1)
        pairs = count_pairs(units)
        self.assertEqual(found == 1, pairs.alike == pairs.count)

    @PROFILE
    @given(units)
    def test_two_values_have_one_distance(self, units):
        """With two values all levels are the same."""
        binary = [[min(mark, 2) for mark in values] for values in units]
        self.assertEqual(len({alpha(binary, level) for level in LEVELS}), 1)


class TestPairs(BaseCase):
    def test_counted_by_hand(self):
        # Of three people two agree: one pair of three; of two none: none of one.
        pairs = count_pairs([[4, 4, 5], [1, 2], [3]])
        self.assertEqual(pairs, (1, 4))
        self.assertEqual(pairs.share, Fraction(1, 4))
        self.assertIsNone(count_pairs([[1]]).share)


class TestKappa(BaseCase):
    def _said(self, both_yes, only_first, only_second, both_no):
        return [
            *[("yes", "yes")] * both_yes,
            *[("yes", "no")] * only_first,
            *[("no", "yes")] * only_second,
            *[("no", "no")] * both_no,
        ]

    def test_counted_by_hand(self):
        # 35 of 50 alike; by chance 25/50·30/50 + 25/50·20/50 = 1/2.
        self.assertEqual(kappa(self._said(20, 5, 10, 15)), Fraction(2, 5))
        # Alike both times in 60 of 100; by chance 0.54 and 0.46.
        self.assertEqual(kappa(self._said(45, 15, 25, 15)), Fraction(6, 46))
        self.assertEqual(kappa(self._said(25, 35, 5, 35)), Fraction(14, 54))
        self.assertEqual(kappa(self._said(3, 0, 0, 7)), 1)

    def test_nothing_to_tell(self):
        self.assertIsNone(kappa([]))
        self.assertIsNone(kappa([(1, 1), (1, 1)]))


class TestVerdict(BaseCase):
    def test_too_few(self):
        self.assertEqual(judge([[1, 1]] * 4, Fraction(1)), "too_few")
        self.assertEqual(judge([[1]] * 9, None), "too_few")

    def test_by_alpha(self):
        mixed = [[1, 1], [2, 2], [1, 1], [2, 1], [2, 2]]
        self.assertEqual(judge(mixed, Fraction(8, 10)), "good")
        self.assertEqual(judge(mixed, Fraction(667, 1000)), "fair")
        self.assertEqual(judge(mixed, Fraction(666, 1000)), "together")

    def test_nearly_always_the_same_mark(self):
        """One mark of forty differs: alpha is 0, though nothing is amiss."""
        units = [[2, 2]] * 19 + [[1, 2]]
        self.assertEqual(alpha(units), 0)
        self.assertEqual(judge(units, alpha(units)), "good")
        self.assertEqual(judge([[2, 2]] * 5, None), "good")


class TestStrictness(BaseCase):
    def test_counted_by_hand(self):
        quarter, half, whole = Fraction(1, 4), Fraction(1, 2), Fraction(1)
        # Ada, against the mean of the others: 1/4 − 3/4 in the first unit, 1/2 − 1 in
        # the second.
        found = strictness(
            [
                [
                    {"Ada": quarter, "Ben": half, "Cy": whole},
                    {"Ada": half, "Ben": whole},
                    {"Cy": whole},
                ]
            ]
        )
        self.assertEqual(found["Ada"].mean, -0.5)
        # 1/2 − 5/8 and 1 − 1/2
        self.assertEqual(found["Ben"].mean, 0.1875)
        self.assertEqual(found["Cy"].mean, 0.625)
        self.assertEqual({one.leaning for one in found.values()}, {"too_few"})

    def _apart(self, *distances):
        """Ada is higher by these, on one unit of each ticket."""
        return strictness(
            [
                [{"Ada": Fraction(distance, 100), "Ben": Fraction(0)}]
                for distance in distances
            ]
        )

    def test_interval(self):
        """Student's t with three degrees of freedom: 3.182 standard errors."""
        found = self._apart(10, 20, 30, 40)["Ada"]
        reach = 3.182 * 0.12910 / 2
        self.assertAlmostEqual(found.mean, 0.25)
        self.assertAlmostEqual(found.low, 0.25 - reach, 4)
        self.assertAlmostEqual(found.high, 0.25 + reach, 4)

    def test_leaning(self):
        found = self._apart(20, 21, 22, 20)
        self.assertEqual(found["Ada"].leaning, "lenient")
        self.assertEqual(found["Ben"].leaning, "strict")
        self.assertEqual(self._apart(20, -30, 10, 0)["Ada"].leaning, "alike")
        self.assertEqual(self._apart(20, 20)["Ada"].leaning, "too_few")

    @PROFILE
    @given(
        st.lists(
            st.lists(
                st.dictionaries(st.integers(1, 4), st.fractions(0, 1), max_size=4),
                max_size=4,
            ),
            max_size=6,
        )
    )
    def test_two_of_a_pair_mirror_each_other(self, tickets):
        pairs = [
            [dict(sorted(values.items())[:2]) for values in units] for units in tickets
        ]
        only_two = [
            [values for values in units if set(values) == {1, 2}] for units in pairs
        ]
        found = strictness(only_two)
        self.assertIn(set(found), (set(), {1, 2}))
        if found:
            self.assertAlmostEqual(found[1].mean, -found[2].mean)
