"""Which procedure a contact follows, and which of its steps are done.

Plain rules without a database; ids are database ids, 0 stands for none.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """One step. `name` is its wording in the source language."""

    id: int
    name: str
    required: bool


class Procedure(NamedTuple):
    """What to do in a contact of some channels and categories; empty sets: of any.

    `categories` holds the sub-categories, too.
    """

    id: int
    channels: frozenset[int]
    categories: frozenset[int]
    steps: tuple[Step, ...]

    def fits(self, channel: int, category: int) -> bool:
        """Whether it is meant for a contact of this channel and category."""
        return (not self.channels or channel in self.channels) and (
            not self.categories or category in self.categories
        )

    def precision(self) -> int:
        """How special it is: for a channel and a category, a channel, a category, any.

        The channel weighs more, since a procedure says how to talk on it.
        """
        return 2 * bool(self.channels) + bool(self.categories)


class Tick(NamedTuple):
    """A step that somebody did. `name` is the step's wording when it was ticked."""

    id: int
    step: int
    name: str


def fitting(
    procedures: Sequence[Procedure], channel: int, category: int
) -> Procedure | None:
    """The most special procedure that fits; of equal ones the first."""
    fits = [one for one in procedures if one.fits(channel, category)]
    return max(fits, key=Procedure.precision, default=None)


def settle(
    steps: Sequence[Step], ticks: Iterable[Tick]
) -> tuple[dict[int, Tick], list[Tick]]:
    """Which tick settles which step, and the ticks that settle none.

    A tick settles its own step. One of another procedure, where the ticket was before,
    settles the steps of the same wording that have no tick of their own.
    """
    own_ids = {step.id for step in steps}
    done: dict[int, Tick] = {}
    by_name: dict[str, Tick] = {}
    former = []
    for tick in ticks:
        if tick.step in own_ids:
            done[tick.step] = tick
        else:
            by_name.setdefault(_wording(tick.name), tick)
            former.append(tick)
    used = set()
    for step in steps:
        tick = by_name.get(_wording(step.name))
        if tick and step.id not in done:
            done[step.id] = tick
            used.add(_wording(step.name))
    return done, [tick for tick in former if _wording(tick.name) not in used]


def missing(steps: Sequence[Step], ticks: Iterable[Tick]) -> list[Step]:
    """The required steps that nobody did yet, in their order."""
    done, _former = settle(steps, ticks)
    return [step for step in steps if step.required and step.id not in done]


def _wording(name: str) -> str:
    return " ".join(name.split()).casefold()
