"""Which lines of a plan never give a promise, since another one stands before them?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .matching import Line

#: Conditions by which lines are looked up: a line that has one covers only lines that
#: have it, too, with nothing beyond it.
_SETS = ("segments", "channels", "categories", "teams", "tags")


def find_shadowed(lines: Sequence[Line]) -> dict[int, int]:
    """Return the lines that can never match, with the first one that covers each.

    :param lines: in the order in which tickets are matched with them
    :return: dict of position to the position of the line before it
    """
    shadowed: dict[int, int] = {}
    # Positions of the lines so far, under one of their conditions: by its elements, or
    # under nothing where they have no such condition.
    places: dict[tuple[str, int], list[int]] = defaultdict(list)
    for position, line in enumerate(lines):
        keys = [("", 0)]
        for name in _SETS:
            wanted = getattr(line, name)
            if wanted:
                # Who covers it has all of these: any one finds it.
                keys.append((name, min(wanted)))
        covering = [
            next((at for at in places.get(key, ()) if lines[at].covers(line)), position)
            for key in keys
        ]
        if min(covering) < position:
            shadowed[position] = min(covering)
        name = next((name for name in _SETS if getattr(line, name)), "")
        for element in getattr(line, name) if name else (0,):
            places[name, element].append(position)
    return shadowed
