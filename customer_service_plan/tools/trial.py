"""What the figures of a trial say about what was asked of it before it began.

Plain rules, so that nobody can argue with them afterwards: a figure is held against a
threshold, and with it the bounds between which the real figure lies.
"""

from __future__ import annotations

from typing import NamedTuple

from .statistics import Interval

AT_LEAST = "at_least"
AT_MOST = "at_most"
NOT_WORSE = "not_worse"

REACHED = "reached"
NOT_REACHED = "not_reached"
TOO_FEW = "too_few"

#: Figures are quotients in floats: what misses a threshold by less is on it.
ROUNDING = 1e-9


class Verdict(NamedTuple):
    """Whether a criterion is met.

    :param verdict: reached, not_reached or too_few (to tell)
    :param sure: whether the bounds of the figure all say the same; None where none
        are known
    """

    verdict: str
    sure: bool | None = None


def bar(comparison: str, threshold: float, more_is_better: bool) -> float:
    """What the figure, or with `NOT_WORSE` the difference of trial minus others, is
    held against, in the same unit."""
    if comparison == NOT_WORSE:
        return -threshold if more_is_better else threshold
    return threshold


def wants_more(comparison: str, more_is_better: bool) -> bool:
    """Whether the figure has to be at least what it is held against, or at most."""
    if comparison == NOT_WORSE:
        return more_is_better
    return comparison == AT_LEAST


def judge(
    value: float | None,
    bounds: Interval | None,
    against: float,
    upwards: bool,
    cases: int,
    minimum: int = 0,
) -> Verdict:
    """Hold a figure against a threshold.

    The figure itself decides, as it was said before the trial; how sure that is, the
    bounds say.

    :param value: None where there is none
    :param bounds: of the real figure, in the same unit; None where they are not known
    :param against: what has to be reached; exactly that is enough
    :param upwards: whether the figure has to be at least that, or at most
    :param cases: of the group that has the fewest, if two are compared
    :param minimum: with fewer cases nothing is said
    """
    if value is None or cases < minimum:
        return Verdict(TOO_FEW)

    def holds(figure: float) -> bool:
        if upwards:
            return figure >= against - ROUNDING
        return figure <= against + ROUNDING

    reached = holds(value)
    sure = None
    if bounds is not None:
        sure = holds(bounds.low) == reached == holds(bounds.high)
    return Verdict(REACHED if reached else NOT_REACHED, sure)
