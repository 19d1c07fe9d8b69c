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
from math import ceil, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

#: Below so many cases a sample is too small to tell anything: even with every promise
#: kept, the bounds of 29 cases are more than eleven points apart.
MINIMUM_CASES = 30
#: Below so many cases in a group nothing is said about its median at all.
MINIMUM_FOR_MEDIANS = 5
#: A share times a number of cases may miss a whole number by this much in floats.
ROUNDING = 1e-9
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
    z = quantile(level)
    share = successes / cases
    middle = 2 * successes + z * z
    reach = z * sqrt(z * z + 4 * successes * (1 - share))
    whole = 2 * (cases + z * z)
    # At the ends the bound is the end itself; floats would miss it by a hair.
    low = (middle - reach) / whole if successes else 0.0
    high = (middle + reach) / whole if successes < cases else 1.0
    return Interval(max(0.0, low), min(1.0, high))


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
