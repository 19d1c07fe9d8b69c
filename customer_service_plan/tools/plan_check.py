"""Which lines of a plan never give a promise, since another one stands before them?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .matching import Line

#: Conditions by which lines are looked up: a line that has one covers only lines that
#: have it, too, with nothing beyond it.
_SETS = ("segments", "channels", "categories", "teams", "tags")


class LineIndex:
    """Lines in the order in which tickets are matched with them.

    Finds the first one that takes all tickets of another without comparing with each.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = []
        # Positions under one of the conditions of each line, by its elements; those of
        # lines without such a condition under none.
        self._places: dict[tuple[str, int], list[int]] = defaultdict(list)

    def add(self, line: Line) -> None:
        """Put a line behind the others."""
        name = next((name for name in _SETS if getattr(line, name)), "")
        for element in getattr(line, name) if name else (0,):
            self._places[name, element].append(len(self._lines))
        self._lines.append(line)

    def find(self, line: Line) -> int | None:
        """Return the position of the first line that covers another one, if any."""
        keys = [("", 0)]
        # Who covers it has all that one condition names: any one finds it.
        for name in _SETS:
            if wanted := getattr(line, name):
                keys.append((name, min(wanted)))
        lines = self._lines
        found = [
            next((at for at in self._places.get(key, ()) if lines[at].covers(line)), -1)
            for key in keys
        ]
        return min((at for at in found if at >= 0), default=None)


def find_shadowed(lines: Sequence[Line]) -> dict[int, int]:
    """Return the lines that can never match, with the first one that covers each.

    :param lines: in the order in which tickets are matched with them
    :return: dict of position to the position of the line before it
    """
    index = LineIndex()
    shadowed = {}
    for position, line in enumerate(lines):
        earlier = index.find(line)
        if earlier is not None:
            shadowed[position] = earlier
        index.add(line)
    return shadowed
