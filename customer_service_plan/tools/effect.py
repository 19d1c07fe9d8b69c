"""Marks of one person before and after something was agreed with him.

Points are per cent of the scale that was reached, one number a review.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from .statistics import (
    MINIMUM_FOR_MEANS,
    Interval,
    bounded_mean_interval,
    student_quantile,
)

#: "few": too few on one side to tell. "open": the difference may be chance.
Verdict = Literal["few", "better", "worse", "open"]


class Side(NamedTuple):
    """Marks of one side: their mean and its bounds, cut to 0 and 100."""

    count: int
    mean: float | None
    bounds: Interval | None

    @property
    def is_few(self) -> bool:
        """Whether the mean tells nothing yet."""
        return self.count < MINIMUM_FOR_MEANS


class Effect(NamedTuple):
    """Both sides, and after minus before in points with its bounds."""

    before: Side
    after: Side
    change: float | None
    bounds: Interval | None
    verdict: Verdict


def effect(
    before: Sequence[float], after: Sequence[float], level: float = 0.95
) -> Effect:
    """Compare the points of two periods.

    Both are samples of how somebody works: the change is told from chance by Welch's t
    (B. L. Welch, The generalization of "Student's" problem when several different
    population variances are involved, Biometrika 34 (1947), 28–35), with the degrees of
    freedom of F. E. Satterthwaite (Biometrics Bulletin 2 (1946), 110–114) rounded down.
    Where all marks of a side are alike, that shows no spread: there the bounds of both
    sides are put together (G. Y. Zou and A. Donner, Construction of confidence limits
    about effect measures, Statistics in Medicine 27 (2008), 1693–1702).
    """
    first, second = _side(before, level), _side(after, level)
    if first.mean is None or second.mean is None:
        return Effect(first, second, None, None, "few")
    change = second.mean - first.mean
    if first.is_few or second.is_few:
        return Effect(first, second, change, None, "few")
    bounds = _bounds(before, after, level)
    if bounds is None:
        bounds = _bounds_by_sides(first, second)
    verdict: Verdict = "open"
    if bounds and bounds.low > 0:
        verdict = "better"
    elif bounds and bounds.high < 0:
        verdict = "worse"
    return Effect(first, second, change, bounds, verdict)


def _side(points: Sequence[float], level: float) -> Side:
    count = len(points)
    if not count:
        return Side(0, None, None)
    mean = fmean(points)
    if count < MINIMUM_FOR_MEANS:
        return Side(count, mean, None)
    return Side(
        count, mean, bounded_mean_interval(mean, stdev(points), count, 100, level)
    )


def _bounds(
    first: Sequence[float], second: Sequence[float], level: float
) -> Interval | None:
    """Bounds of the change; None where the marks of a side are all alike."""
    errors = [stdev(points) ** 2 / len(points) for points in (first, second)]
    if not all(errors):
        return None
    total = sum(errors)
    degrees = total**2 / sum(
        error**2 / (len(points) - 1)
        for error, points in zip(errors, (first, second), strict=True)
    )
    reach = student_quantile(max(1, int(degrees)), level) * sqrt(total)
    change = fmean(second) - fmean(first)
    return Interval(change - reach, change + reach)


def _bounds_by_sides(first: Side, second: Side) -> Interval | None:
    if first.mean is None or second.mean is None:
        return None
    if first.bounds is None or second.bounds is None:
        return None
    change = second.mean - first.mean
    below = hypot(second.mean - second.bounds.low, first.bounds.high - first.mean)
    above = hypot(second.bounds.high - second.mean, first.mean - first.bounds.low)
    return Interval(change - below, change + above)
