"""What has changed between two wordings: lists of rules, and texts word by word.

Plain values in, plain values out; nothing here knows of a database. Whatever is said of
the way from A to B is said the other way round of the way from B to A.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from lxml import etree, html

#: Two items with other conditions are one changed item from this likeness on (0 to 1).
ALIKE = 0.5
#: So much of the likeness is given by the conditions; the rest by the other cells.
WEIGHT_OF_CONDITIONS = 0.75

SAME = "same"
ADDED = "added"
REMOVED = "removed"
MOVED = "moved"
CHANGED = "changed"

_OPPOSITE = {SAME: SAME, ADDED: REMOVED, REMOVED: ADDED}
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_BLOCKS = frozenset(
    "address article blockquote dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr "
    "li main ol p pre section table td th tr ul".split()
)


class Item(NamedTuple):
    """One entry of a list: what it holds for, and what it says."""

    #: What it holds for; two items with equal conditions are the same item.
    conditions: frozenset[Hashable]
    #: What it says, by the name of the cell.
    cells: Mapping[str, Hashable]
    #: What else it is known by, such as the words of its name.
    words: frozenset[Hashable] = frozenset()


class Row(NamedTuple):
    """What became of one entry: its place in either list, None where it is not."""

    before: int | None
    after: int | None
    #: Whether it stands at another place among those that are in both lists.
    moved: bool = False
    #: Names of the cells that say something else.
    changed: tuple[str, ...] = ()
    #: Whether it holds for something else.
    other_conditions: bool = False

    @property
    def kind(self) -> str:
        """The one word for it: added, removed, changed, moved or same."""
        if self.before is None:
            return ADDED
        if self.after is None:
            return REMOVED
        if self.changed or self.other_conditions:
            return CHANGED
        return MOVED if self.moved else SAME


class Piece(NamedTuple):
    """A part of a text that is the same in both, was added, or was removed."""

    kind: str
    text: str


# === Lists ===


def compare(before: Sequence[Item], after: Sequence[Item]) -> list[Row]:
    """What became of each item, in the order of the new list.

    Items are the same if their conditions are, then if they are much alike. What is
    gone stands behind what it used to follow.
    """
    pairs = _pairs(before, after)
    moved = _moved(sorted(pairs))
    rows = {}
    for i, j in pairs:
        old, new = before[i], after[j]
        names = [*old.cells, *(name for name in new.cells if name not in old.cells)]
        rows[j] = Row(
            before=i,
            after=j,
            moved=(i, j) in moved,
            changed=tuple(
                name for name in names if old.cells.get(name) != new.cells.get(name)
            ),
            other_conditions=old.conditions != new.conditions,
        )
    place_of = dict(pairs)
    gone = defaultdict(list)
    place = -1
    for i in range(len(before)):
        if i in place_of:
            place = place_of[i]
        else:
            gone[place].append(Row(before=i, after=None))
    result = list(gone[-1])
    for j in range(len(after)):
        result.append(rows.get(j) or Row(before=None, after=j))
        result += gone[j]
    return result


def _pairs(before, after):
    """Places of the items that are in both lists."""
    waiting = defaultdict(list)
    for j, item in enumerate(after):
        waiting[item.conditions].append(j)
    pairs = []
    for i, item in enumerate(before):
        if waiting[item.conditions]:
            pairs.append((i, waiting[item.conditions].pop(0)))
    olds = set(range(len(before))) - {i for i, _j in pairs}
    news = set(range(len(after))) - {j for _i, j in pairs}
    candidates = []
    for i in olds:
        for j in news:
            likeness = _likeness(before[i], after[j])
            if likeness >= ALIKE:
                # The same order from either side: two candidates with equal ranks
                # never want the same item.
                candidates.append((-likeness, abs(i - j), min(i, j), i, j))
    for *_rank, i, j in sorted(candidates):
        if i in olds and j in news:
            olds.remove(i)
            news.remove(j)
            pairs.append((i, j))
    return pairs


def _likeness(one, other):
    """How much two items have in common, from 0 to 1 (Dice's coefficient)."""
    ones, others = one.conditions | one.words, other.conditions | other.words
    either = len(ones) + len(others)
    known = 2 * len(ones & others) / either if either else 1.0
    names = {*one.cells, *other.cells}
    equal = sum(one.cells.get(name) == other.cells.get(name) for name in names)
    cells = equal / len(names) if names else 1.0
    return WEIGHT_OF_CONDITIONS * known + (1 - WEIGHT_OF_CONDITIONS) * cells


def _moved(pairs):
    """Pairs that left their order: those that not every longest row in order holds.

    Of two items that changed places both have moved, since neither can be said to stay.
    """
    ending, starting = _longest(pairs), {}
    flipped = [(-i, -j) for i, j in reversed(pairs)]
    for (i, j), length in _longest(flipped).items():
        starting[-i, -j] = length
    longest = max(ending.values(), default=0)
    at_place = defaultdict(list)
    for pair in pairs:
        if ending[pair] + starting[pair] - 1 == longest:
            at_place[ending[pair]].append(pair)
    staying = {found[0] for found in at_place.values() if len(found) == 1}
    return set(pairs) - staying


def _longest(pairs):
    """Length of the longest rising row of places that ends with each pair."""
    lengths = {}
    for number, (i, j) in enumerate(pairs):
        lengths[i, j] = 1 + max(
            (lengths[k, m] for k, m in pairs[:number] if m < j), default=0
        )
    return lengths


# === Texts ===


def compare_texts(before: str, after: str) -> list[Piece]:
    """Both texts in one, as pieces that are the same, added or removed.

    Without the added pieces it is the first text, without the removed ones the second.
    """
    if before > after:
        # The search for what is the same is not the same from either side.
        pieces = compare_texts(after, before)
        return _joined(Piece(_OPPOSITE[kind], text) for kind, text in pieces)
    pieces = []
    for old, new in _blocks(_lines(before), _lines(after)):
        if old == new:
            pieces.append(Piece(SAME, "".join(new)))
            continue
        words = _TOKEN.findall("".join(old)), _TOKEN.findall("".join(new))
        for few, many in _blocks(*words):
            if few == many:
                pieces.append(Piece(SAME, "".join(few)))
            else:
                pieces.append(Piece(REMOVED, "".join(few)))
                pieces.append(Piece(ADDED, "".join(many)))
    return _joined(pieces)


def _lines(text):
    return text.splitlines(keepends=True)


def _blocks(before, after):
    """Pairs of stretches of both sequences, equal ones and others in turn."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for _tag, a, b, c, d in matcher.get_opcodes():
        yield before[a:b], after[c:d]


def _joined(pieces):
    """The same with neighbours of one kind made one, what is gone before what is new,
    and a blank between two changes counted as a part of them."""
    pieces = [piece for piece in pieces if piece.text]
    result = []
    old, new = "", ""
    for number, (kind, text) in enumerate(pieces):
        if kind == SAME:
            is_between = old or new
            if is_between and text.isspace() and "\n" not in text:
                following = pieces[number + 1 : number + 3]
                if {piece.kind for piece in following[:1]} & {ADDED, REMOVED}:
                    old, new = old + text, new + text
                    continue
            result += _change(old, new)
            old, new = "", ""
            result.append(Piece(SAME, text))
        elif kind == REMOVED:
            old += text
        else:
            new += text
    return result + _change(old, new)


def _change(old, new):
    if old == new:
        return [Piece(SAME, old)] if old else []
    return [piece for piece in (Piece(REMOVED, old), Piece(ADDED, new)) if piece.text]


def words(text: str) -> frozenset[str]:
    """The words of a text, by which another one is found to be like it."""
    return frozenset(re.findall(r"\w+", (text or "").casefold()))


def plain_text(markup: str) -> str:
    """The words of HTML, a line for each paragraph, with a dot before points of lists.

    Formats are left out; nothing in the result is markup.
    """
    if not (markup or "").strip():
        return ""
    try:
        root = html.fragment_fromstring(markup, create_parent="div")
    except (etree.ParserError, ValueError):
        return ""
    parts = []
    _collect(root, parts)
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _collect(element, parts):
    if not isinstance(element.tag, str):
        return
    is_block = element.tag in _BLOCKS
    if is_block or element.tag == "br":
        parts.append("\n")
    if element.tag == "li":
        parts.append("• ")
    parts.append((element.text or "").replace("\n", " "))
    for child in element:
        _collect(child, parts)
        parts.append((child.tail or "").replace("\n", " "))
    if is_block:
        parts.append("\n")
