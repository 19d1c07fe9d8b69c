"""How alike several people mark the same things.

Reviewers who mark the same tickets should reach the same marks. These functions say how
far they do, in exact fractions and without a library:

* the share of pairs of people who gave the same mark;
* Krippendorff's alpha, which takes off what chance alone would bring about, for any
  number of people, with marks missing: K. Krippendorff, Computing Krippendorff's
  Alpha-Reliability (University of Pennsylvania, 2011), and Content Analysis, chapter
  11; 1 is perfect, 0 is what drawing lots would give, below 0 is systematic discord;
* Cohen's kappa for two people: J. Cohen, A coefficient of agreement for nominal scales,
  Educational and Psychological Measurement 20 (1960), 37–46;
* who marks higher or lower than the others.

A unit is one thing that was marked, here a criterion of a ticket, with the values that
people gave to it. Whoever gave none is left out of the unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from statistics import fmean, stdev
from typing import Literal, NamedTuple, TypeVar

from .statistics import mean_interval

Level = Literal["nominal", "ordinal", "interval"]
Verdict = Literal["good", "fair", "together", "too_few"]
Leaning = Literal["strict", "lenient", "alike", "too_few"]
Person = TypeVar("Person", bound=Hashable)

#: Krippendorff relies on data from this alpha on, …
GOOD_FROM = Fraction(800, 1000)
#: … and draws tentative conclusions from this one on (Content Analysis, 11.4.2).
FAIR_FROM = Fraction(667, 1000)
#: Where so many pairs are alike nearly every mark is the same: alpha would then hang on
#: one or two marks, while there is little to talk about.
NEARLY_ALL = Fraction(9, 10)
#: With fewer things marked by two or more, one mark would turn the verdict.
MINIMUM_UNITS = 5
#: With fewer tickets nothing is said about how strict somebody is.
MINIMUM_TICKETS = 3


class Pairs(NamedTuple):
    """How many pairs of values within a unit there are, and how many are alike."""

    alike: int
    count: int

    @property
    def share(self) -> Fraction | None:
        """From 0 to 1; None without any pair."""
        return Fraction(self.alike, self.count) if self.count else None


class Strictness(NamedTuple):
    """By how much somebody's values exceed those of the others, with its bounds.

    Negative: he is stricter. `low` and `high` are None with less than two tickets.
    """

    mean: float
    low: float | None
    high: float | None
    tickets: int

    @property
    def leaning(self) -> Leaning:
        """Strict or lenient only where chance alone does not explain it."""
        if self.tickets < MINIMUM_TICKETS or self.low is None or self.high is None:
            return "too_few"
        if self.high < 0:
            return "strict"
        if self.low > 0:
            return "lenient"
        return "alike"


def count_pairs(units: Iterable[Sequence[Hashable]]) -> Pairs:
    """Pairs of people within each unit, and those who gave the same value."""
    alike = count = 0
    for values in units:
        count += len(values) * (len(values) - 1) // 2
        alike += sum(same * (same - 1) // 2 for same in Counter(values).values())
    return Pairs(alike, count)


def alpha(units: Iterable[Sequence[int]], level: Level = "nominal") -> Fraction | None:
    """Krippendorff's alpha of values given to units.

    :param level: what a difference weighs: the same for all values that differ
        (nominal), the more marks lie between the two (ordinal), or the square of how
        far they are apart (interval)
    :return: at most 1; None where no unit has two values, or all values are the same:
        without any difference nothing tells whether one would have been noticed
    """
    pairable = [Counter(values) for values in units if len(values) > 1]
    totals: Counter[int] = Counter()
    for counts in pairable:
        totals.update(counts)
    if len(totals) < 2:
        return None
    size = totals.total()
    weight = _weights(totals, level)
    observed = sum(
        (
            Fraction(_disagreement(counts, weight), counts.total() - 1)
            for counts in pairable
        ),
        Fraction(0),
    )
    return 1 - (size - 1) * observed / _disagreement(totals, weight)


def _weights(totals: Counter[int], level: Level) -> dict[tuple[int, int], Fraction]:
    """Squared differences of each two values that occur, the lower one first."""
    values = sorted(totals)
    if level == "nominal":
        place = dict.fromkeys(values, Fraction(0))
    elif level == "interval":
        place = {value: Fraction(value) for value in values}
    elif level == "ordinal":
        # Half of the own marks and all those below: differences of these places are
        # the marks between two values with half of their own.
        upto = accumulate(totals[value] for value in values)
        place = {
            value: reached - Fraction(totals[value], 2)
            for value, reached in zip(values, upto, strict=True)
        }
    else:
        raise ValueError(f"No level of measurement is called {level}")
    return {
        (low, high): Fraction(1)
        if level == "nominal"
        else (place[high] - place[low]) ** 2
        for index, low in enumerate(values)
        for high in values[index + 1 :]
    }


def _disagreement(
    counts: Counter[int], weight: dict[tuple[int, int], Fraction]
) -> Fraction:
    """Weight of all pairs of these values that differ."""
    values = sorted(counts)
    return sum(
        (
            counts[low] * counts[high] * weight[low, high]
            for index, low in enumerate(values)
            for high in values[index + 1 :]
        ),
        Fraction(0),
    )


def kappa(pairs: Iterable[tuple[Hashable, Hashable]]) -> Fraction | None:
    """Cohen's kappa of what two people said of the same things.

    :return: None without any pair, or where both said one and the same of everything
    """
    pairs = list(pairs)
    if not pairs:
        return None
    alike = Fraction(sum(one == other for one, other in pairs), len(pairs))
    first = Counter(one for one, _other in pairs)
    second = Counter(other for _one, other in pairs)
    by_chance = Fraction(
        sum(first[value] * second[value] for value in first), len(pairs) ** 2
    )
    return None if by_chance == 1 else (alike - by_chance) / (1 - by_chance)


def judge(units: Iterable[Sequence[Hashable]], value: Fraction | None) -> Verdict:
    """What to make of an alpha.

    :param units: values with what does not apply among them, each a value of its own
    :param value: alpha of those that apply
    """
    pairable = [values for values in units if len(values) > 1]
    share = count_pairs(pairable).share
    if share is None or len(pairable) < MINIMUM_UNITS:
        return "too_few"
    if share >= NEARLY_ALL or (value is not None and value >= GOOD_FROM):
        return "good"
    if value is not None and value >= FAIR_FROM:
        return "fair"
    return "together"


def strictness(
    tickets: Iterable[Iterable[Mapping[Person, Fraction]]],
) -> dict[Person, Strictness]:
    """By how much each person's values exceed the mean of the others' on the same unit.

    Marks of one ticket hang together: each ticket counts as one observation, the mean
    of its units, and the bounds are those of a mean of few observations (95 %).

    :param tickets: for each ticket its units, with the value of each person
    """
    found: dict[Person, list[float]] = {}
    for units in tickets:
        differences: dict[Person, list[Fraction]] = {}
        for values in units:
            if len(values) < 2:
                continue
            total = sum(values.values(), Fraction(0))
            for person, value in values.items():
                others = (total - value) / (len(values) - 1)
                differences.setdefault(person, []).append(value - others)
        for person, own in differences.items():
            mean = sum(own, Fraction(0)) / len(own)
            found.setdefault(person, []).append(float(mean))
    return {person: _strictness(means) for person, means in found.items()}


def _strictness(means: list[float]) -> Strictness:
    mean = fmean(means)
    bounds = None
    if len(means) > 1:
        bounds = mean_interval(mean, stdev(means), len(means))
    return Strictness(
        mean,
        bounds and bounds.low,
        bounds and bounds.high,
        len(means),
    )
