"""Marks of one person before and after something was agreed with him.

Points are per cent of the scale that was reached, one number a review.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from .statistics import MINIMUM_FOR_MEANS, Interval, mean_interval, student_quantile

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
    """
    first, second = _side(before, level), _side(after, level)
    if first.mean is None or second.mean is None:
        return Effect(first, second, None, None, "few")
    change = second.mean - first.mean
    if first.is_few or second.is_few:
        return Effect(first, second, change, None, "few")
    reach = _reach(before, after, level)
    bounds = Interval(change - reach, change + reach)
    verdict: Verdict = "open"
    if bounds.low > 0:
        verdict = "better"
    elif bounds.high < 0:
        verdict = "worse"
    return Effect(first, second, change, bounds, verdict)


def _side(points: Sequence[float], level: float) -> Side:
    count = len(points)
    if not count:
        return Side(0, None, None)
    mean = fmean(points)
    if count < MINIMUM_FOR_MEANS:
        return Side(count, mean, None)
    found = mean_interval(mean, stdev(points), count, level)
    bounds = Interval(max(0.0, found.low), min(100.0, found.high)) if found else None
    return Side(count, mean, bounds)


def _reach(first: Sequence[float], second: Sequence[float], level: float) -> float:
    """How far the bounds of the difference of the means are from it."""
    errors = [stdev(points) ** 2 / len(points) for points in (first, second)]
    total = sum(errors)
    if not total:
        return 0.0
    degrees = total**2 / sum(
        error**2 / (len(points) - 1)
        for error, points in zip(errors, (first, second), strict=True)
    )
    return student_quantile(max(1, int(degrees)), level) * sqrt(total)
