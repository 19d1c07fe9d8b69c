"""What a quality review is worth: marks, weights, and what fails everything.

A mark is a step of a scale, from 1, the worst, to the number of steps. Marks are
brought to the same measure, (step - 1) / (steps - 1), so that a "yes" is worth as much
as five of five; the score is their mean, each counted by its weight, in per cent. What
does not apply leaves both sums. This is how the quality tools of the field count
(Zendesk QA, "How scores are calculated").

All is counted in fractions and rounded once, half up, to two decimals: the order of the
marks makes no difference, and the same marks give the same score everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

#: Marks below this share of their scale are bad: they ask for a cause, count as an
#: error of the criterion's kind, and fail what a critical criterion can fail.
BAD_BELOW = Fraction(1, 2)

ZERO = Decimal("0.00")


class Mark(NamedTuple):
    """What was marked for one criterion.

    `step` is None where the criterion does not apply. `critical` says what a bad mark
    fails: nothing (""), the criteria of the same `section`, or "all".
    """

    weight: int
    steps: int
    step: int | None
    section: int = 0
    critical: Literal["", "section", "all"] = ""

    @property
    def points(self) -> Fraction | None:
        """Share of the scale reached, from 0 to 1."""
        return None if self.step is None else points(self.step, self.steps)

    @property
    def is_bad(self) -> bool:
        """Whether it falls short of half of its scale."""
        return self.step is not None and points(self.step, self.steps) < BAD_BELOW


class Score(NamedTuple):
    """Score of a review, and of each section, in per cent with two decimals.

    None where nothing applies that has a weight. `failed` says that a critical
    criterion failed the whole, `failed_sections` which sections one has failed.
    """

    value: Decimal | None
    sections: dict[int, Decimal | None]
    failed: bool
    failed_sections: frozenset[int]


def points(step: int, steps: int) -> Fraction:
    """Share of a scale of `steps` steps that `step` reaches, from 0 to 1.

    :raise ValueError: for a step that the scale does not have
    """
    if not 1 <= step <= steps or steps < 2:
        raise ValueError(f"A scale of {steps} steps has no step {step}")
    return Fraction(step - 1, steps - 1)


def score(marks: Iterable[Mark]) -> Score:
    """Score of these marks.

    A section that a critical criterion has failed counts 0 for all of its criteria that
    apply; a failed whole counts 0.

    :raise ValueError: for a negative weight, or a step that a scale does not have
    """
    applying = [mark for mark in marks if mark.step is not None]
    if any(mark.weight < 0 for mark in applying):
        raise ValueError("A criterion cannot weigh less than nothing")
    fatal = [mark for mark in applying if mark.critical and mark.is_bad]
    failed = any(mark.critical == "all" for mark in fatal)
    failed_sections = frozenset(
        mark.section for mark in fatal if mark.critical == "section"
    )
    by_section: dict[int, list[Mark]] = {}
    for mark in applying:
        by_section.setdefault(mark.section, []).append(mark)
    sections = {
        section: ZERO if section in failed_sections else _per_cent(_sums(own))
        for section, own in by_section.items()
    }
    weights = sum(mark.weight for mark in applying)
    reached = sum(
        (
            mark.weight * points(mark.step, mark.steps)
            for mark in applying
            if mark.section not in failed_sections
        ),
        Fraction(0),
    )
    value = ZERO if failed else _per_cent((reached, weights))
    return Score(value, sections, failed, failed_sections)


def _sums(marks: list[Mark]) -> tuple[Fraction, int]:
    reached = sum((mark.weight * mark.points for mark in marks), Fraction(0))
    return reached, sum(mark.weight for mark in marks)


def _per_cent(sums: tuple[Fraction, int]) -> Decimal | None:
    reached, weights = sums
    if not weights:
        return None
    share = reached * 10000 / weights
    hundredths = (2 * share.numerator + share.denominator) // (2 * share.denominator)
    return Decimal(hundredths).scaleb(-2)
