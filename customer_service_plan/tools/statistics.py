"""How far figures of a sample may be trusted.

Kept promises are counted in samples: some weeks of tickets, one group beside another.
These functions say between which bounds the real share, or the real difference, lies
with a given confidence (`level`, 0.95 for "in 19 of 20 samples"). They need neither a
library nor the assumption that times are distributed normally, and are checked against
the examples that their authors published.

Shares are numbers from 0 to 1. Values may have any unit: what comes out has the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import atan, ceil, cos, exp, lgamma, log, pi, sin, sqrt
from statistics import NormalDist
from typing import NamedTuple

#: Below so many cases a sample is too small to tell anything: even with every promise
#: kept, the bounds of 29 cases are more than eleven points apart.
MINIMUM_CASES = 30
#: Below so many cases in a group nothing is said about its median at all.
MINIMUM_FOR_MEDIANS = 5
#: Below so many cases nothing is said about a mean: of two cases the bounds are six
#: times as far from it as of twenty, and a single lucky or unlucky case decides.
MINIMUM_FOR_MEANS = 5
#: A share times a number of cases may miss a whole number by this much in floats.
ROUNDING = 1e-9
#: Above so many degrees of freedom the expansion of the quantile of t is exact to more
#: than eight digits and its series of terms would only cost time.
MANY_DEGREES = 200
#: What a sum of chances can do without.
NEGLIGIBLE = 1e-17


class Interval(NamedTuple):
    """Bounds between which the real share lies, both included."""

    low: float
    high: float


class Difference(NamedTuple):
    """First minus second, and the bounds of the real difference."""

    value: float
    low: float
    high: float


@lru_cache(maxsize=16)
def quantile(level: float) -> float:
    """Standard deviations on either side of the mean that hold a share of `level`."""
    if not 0 < level < 1:
        raise ValueError(f"A level of confidence is between 0 and 1, not {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


@lru_cache(maxsize=1024)
def student_quantile(degrees: int, level: float) -> float:
    """Standard errors on either side of a mean that hold a share of `level`, by t.

    "Student" (W. S. Gosset), The probable error of a mean, Biometrika 6 (1908), 1–25.
    For whole degrees of freedom the share within ±t is a finite sum (M. Abramowitz and
    I. A. Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4), for many of
    them the quantile is the normal one with a few corrections (26.7.5).

    :param degrees: cases less one
    :raise ValueError: without a degree of freedom, or for a level outside of 0 to 1
    """
    if degrees < 1:
        raise ValueError(f"{degrees} degrees of freedom tell nothing")
    z = quantile(level)
    if degrees > MANY_DEGREES:
        return _expanded_student_quantile(degrees, z)
    # The share grows ever slower with t: from the normal quantile, which is too small,
    # each step comes nearer to the solution and none goes beyond it.
    t = z
    scale = exp(lgamma((degrees + 1) / 2) - lgamma(degrees / 2)) / sqrt(degrees * pi)
    for _step in range(200):
        density = 2 * scale * (1 + t * t / degrees) ** (-(degrees + 1) / 2)
        step = (level - _student_share(t, degrees)) / density
        t += step
        if abs(step) <= 1e-12 * t:
            break
    return t


def mean_interval(
    mean: float,
    deviation: float,
    count: int,
    level: float = 0.95,
    population: int | None = None,
) -> Interval | None:
    """Bounds of the mean of all cases, of which `count` were drawn at random.

    Student's t, see `student_quantile`; with the correction for samples that are a good
    part of the whole, W. G. Cochran, Sampling Techniques (3rd edition 1977), section
    2.8: seeing 20 of 25 tickets tells more than seeing 20 of 20,000. Marks are not
    distributed normally, but means of several of them nearly are.

    The bounds may lie outside of what a value can be: whoever shows them cuts them.
    Cases that are all alike give bounds without width; below `MINIMUM_FOR_MEANS` cases
    better say that they are too few to tell.

    :param deviation: standard deviation of the sample (n − 1, `stddev_samp`)
    :param population: number of all cases from which was drawn, None for "far more"
    :return: None where a single case, or none, says nothing about the others
    :raise ValueError: for a negative deviation or number, or more cases than there are
    """
    if count < 0 or deviation < 0:
        raise ValueError(f"A deviation of {deviation} in {count} cases is impossible")
    if population is not None and count > population:
        raise ValueError(f"{count} of {population} is no sample")
    if count and count == population:
        return Interval(mean, mean)
    if count < 2:
        return None
    reach = student_quantile(count - 1, level) * deviation / sqrt(count)
    if population is not None:
        reach *= sqrt(1 - count / population)
    return Interval(mean - reach, mean + reach)


def bounded_mean_interval(
    mean: float, deviation: float, count: int, top: float, level: float = 0.95
) -> Interval | None:
    """Bounds of the mean of values between 0 and `top`, as `mean_interval`, cut there.

    Values that are all alike show no spread: seven times the best mark does not prove
    that every mark is the best. No values between these limits spread wider than those
    that are either 0 or `top`, so that the bounds of a share hold here, too.

    :return: None where a single value, or none, says nothing about the others
    """
    if count > 1 and not deviation:
        low, high = _score_interval(count * mean / top, count, level)
        return Interval(low * top, high * top)
    found = mean_interval(mean, deviation, count, level)
    return found and Interval(max(0.0, found.low), min(float(top), found.high))


def proportion_interval(successes: int, cases: int, level: float = 0.95) -> Interval:
    """Bounds of a share, by the score method without continuity correction.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22 (1927), 209–212; recommended by
    R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics
    in Medicine 17 (1998), 857–872, method 3. It stays within 0 and 1 and keeps its word
    for few cases and for shares near 0 and 1, where promises usually are.

    :return: (0, 1) without any case: nothing is known
    :raise ValueError: for more successes than cases, or less than none
    """
    if not 0 <= successes <= cases:
        raise ValueError(f"{successes} of {cases} is no share")
    if not cases:
        return Interval(0.0, 1.0)
    return _score_interval(successes, cases, level)


def difference_of_proportions(
    k1: int, n1: int, k2: int, n2: int, level: float = 0.95
) -> Difference | None:
    """Share `k1` of `n1` minus share `k2` of `n2`, of two separate groups.

    R. G. Newcombe, Interval estimation for the difference between independent
    proportions: comparison of eleven methods, Statistics in Medicine 17 (1998),
    873–890, method 10 (hybrid score, from the bounds of each share by Wilson).

    :return: None where a group has no case
    :raise ValueError: for more successes than cases, or less than none
    """
    first = proportion_interval(k1, n1, level)
    second = proportion_interval(k2, n2, level)
    if not n1 or not n2:
        return None
    p1, p2 = k1 / n1, k2 / n2
    value = p1 - p2
    below = sqrt((p1 - first.low) ** 2 + (second.high - p2) ** 2)
    above = sqrt((first.high - p1) ** 2 + (p2 - second.low) ** 2)
    return Difference(value, max(-1.0, value - below), min(1.0, value + above))


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Value below which a share of the cases lies, between two of them by proportion.

    The same as `percentile_cont(share) WITHIN GROUP (ORDER BY value)` of PostgreSQL,
    which is method 7 of Hyndman and Fan (1996).

    :param ordered: values in ascending order
    :param share: 0.5 for the median, 0.9 for what nine of ten do not exceed
    :return: None without any case
    """
    if not 0 <= share <= 1:
        raise ValueError(f"A share is between 0 and 1, not {share}")
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    before = int(place)
    low = ordered[before]
    if before == place:
        return float(low)
    high = ordered[before + 1]
    return low + (high - low) * (place - before)


def share_reached(ordered: Sequence[float], goal: float) -> float | None:
    """Smallest value seen that at least a share of `goal` of the cases do not exceed.

    As a target it would have been kept in that share of the cases, which the percentile
    between two cases need not be. The same as `percentile_disc` of PostgreSQL.

    :param ordered: values in ascending order
    :return: None without any case
    """
    if not 0 <= goal <= 1:
        raise ValueError(f"A share is between 0 and 1, not {goal}")
    if not ordered:
        return None
    return ordered[max(0, ceil(goal * len(ordered) - ROUNDING) - 1)]


def difference_of_medians(
    first: Sequence[float], second: Sequence[float], level: float = 0.95
) -> Difference | None:
    """Median of `first` minus median of `second`, of two separate groups.

    R. M. Price and D. G. Bonett, Distribution-free confidence intervals for difference
    and ratio of medians, Journal of Statistical Computation and Simulation 72 (2002),
    119–124. Times of service are skewed, with a long tail: means would follow the few
    worst cases, and nothing is assumed here about the shape or that both are alike.

    Where a good part of a group has the very same value around its median, the group
    adds nothing to the width of the bounds.

    :param first: values in any order, as those of `second`
    :return: None where a group has less than `MINIMUM_FOR_MEDIANS` cases
    """
    if min(len(first), len(second)) < MINIMUM_FOR_MEDIANS:
        return None
    z = quantile(level)
    middle1, error1 = _median_and_error(first)
    middle2, error2 = _median_and_error(second)
    value = middle1 - middle2
    reach = z * sqrt(error1 * error1 + error2 * error2)
    return Difference(value, value - reach, value + reach)


def median_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Bounds of the median of one group, in the same way as `difference_of_medians`.

    :return: None with less than `MINIMUM_FOR_MEDIANS` cases
    """
    if len(values) < MINIMUM_FOR_MEDIANS:
        return None
    middle, error = _median_and_error(values)
    reach = quantile(level) * error
    return Interval(middle - reach, middle + reach)


def difference_of_means(
    mean1: float,
    deviation1: float,
    n1: int,
    mean2: float,
    deviation2: float,
    n2: int,
    level: float = 0.95,
) -> Difference | None:
    """First mean minus second mean, of two separate groups with spreads of their own.

    B. L. Welch, The significance of the difference between two means when the
    population variances are unequal, Biometrika 29 (1938), 350–362, with the quantile
    of the normal distribution: for groups of `MINIMUM_CASES` and more.

    :param deviation1: standard deviation of the sample (n − 1), as is `deviation2`
    :return: None where a group has less than two cases
    """
    if min(n1, n2) < 2:
        return None
    value = mean1 - mean2
    reach = quantile(level) * sqrt(
        deviation1 * deviation1 / n1 + deviation2 * deviation2 / n2
    )
    return Difference(value, value - reach, value + reach)


def _median_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Median and its standard error, from two values at equal ranks around it.

    Equation of Price and Bonett, Estimating the variance of the sample median, Journal
    of Statistical Computation and Simulation 68 (2001), 295–305: the distance of the
    values at ranks c and n − c + 1, c = (n + 1)/2 − √n rounded, over twice the quantile
    that belongs to the chance, by the signs alone, of a median outside of them.
    """
    ordered = sorted(values)
    count = len(ordered)
    rank = max(1, round((count + 1) / 2 - sqrt(count)))
    distance = ordered[count - rank] - ordered[rank - 1]
    return (
        percentile(ordered, 0.5),
        distance / (2 * _sign_quantile(count, rank)),
    )


@lru_cache(maxsize=256)
def _sign_quantile(count: int, rank: int) -> float:
    """Quantile of the chance that fewer than `rank` of `count` tosses show heads."""
    heads = rank - 1
    term = exp(
        lgamma(count + 1)
        - lgamma(heads + 1)
        - lgamma(count - heads + 1)
        - count * log(2)
    )
    chance = 0.0
    # Downwards from the largest term: the rest soon adds nothing to it.
    while heads >= 0 and term > chance * NEGLIGIBLE:
        chance += term
        term *= heads / (count - heads + 1)
        heads -= 1
    return -NormalDist().inv_cdf(chance)


def _score_interval(successes: float, cases: int, level: float) -> Interval:
    z = quantile(level)
    share = successes / cases
    middle = 2 * successes + z * z
    reach = z * sqrt(z * z + 4 * successes * (1 - share))
    whole = 2 * (cases + z * z)
    # At the ends the bound is the end itself; floats would miss it by a hair.
    low = (middle - reach) / whole if successes else 0.0
    high = (middle + reach) / whole if successes < cases else 1.0
    return Interval(max(0.0, low), min(1.0, high))


def _student_share(t: float, degrees: int) -> float:
    """Share of Student's distribution within ±t, for whole degrees of freedom."""
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    square = cos(angle) ** 2
    term = cos(angle) if odd else 1.0
    total = 0.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= square * (power + 1) / (power + 2)
    total *= sin(angle)
    return 2 / pi * (angle + total) if odd else total


def _expanded_student_quantile(degrees: int, z: float) -> float:
    """Quantile of t from that of the normal distribution, for many degrees."""
    square = z * z
    corrections = (
        z * (square + 1) / 4,
        z * ((5 * square + 16) * square + 3) / 96,
        z * (((3 * square + 19) * square + 17) * square - 15) / 384,
        z
        * ((((79 * square + 776) * square + 1482) * square - 1920) * square - 945)
        / 92160,
    )
    return z + sum(
        correction / degrees**power
        for power, correction in enumerate(corrections, start=1)
    )
