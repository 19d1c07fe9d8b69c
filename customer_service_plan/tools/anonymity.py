"""Takes names of people out of the text of messages.

A full name or an address is taken out wherever it stands. A first name alone may be an
ordinary word, too ("Will", "May"), so it is taken out only where people greet and sign:
before a comma, or at the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree, html

#: Attributes that name a record or an address.
NAMING = ("data-oe-id", "data-oe-model", "href", "title", "alt", "src")
#: Parts of a name that are shorter are initials and particles.
SHORTEST_PART = 3
#: Elements within a line.
INLINE = frozenset({"a", "b", "code", "em", "font", "i", "s", "span", "strong", "u"})

Patterns = list[tuple[re.Pattern[str], str]]


def hide_people(text: str, people: Iterable[tuple[str, str]], keep: str = "") -> str:
    """The same text, plain or HTML, with each name or address replaced.

    :param people: pairs of a name or an address, and what to write in its place
    :param keep: a name whose parts stay where they stand alone
    """
    people = [(name.strip(), role) for name, role in people if name.strip()]
    if not text or not people:
        return text
    whole, alone = _patterns(people, keep)

    def hide(part: str | None, is_line: bool = True) -> str | None:
        if not part:
            return part
        for pattern, role in [*whole, *(alone if is_line else [])]:
            part = pattern.sub(role, part)
        return part

    if "<" not in text:
        return hide(text)
    root = html.fragment_fromstring(text, create_parent="div")
    for element in root.iter():
        if isinstance(element.tag, str):
            first = next(iter(element), None)
            element.text = hide(element.text, not _runs_on(first))
            _hide_attributes(element, whole)
        element.tail = hide(element.tail, not _runs_on(element.getnext()))
    inner = html.tostring(root, encoding="unicode")
    return inner[len("<div>") : -len("</div>")]


def _runs_on(element: etree._Element | None) -> bool:
    """Whether the line goes on with this element: no name stands alone there."""
    return element is not None and element.tag in INLINE


def _hide_attributes(element: etree._Element, whole: Patterns) -> None:
    for attribute in NAMING:
        value = element.get(attribute)
        if value and any(pattern.search(value) for pattern, _role in whole):
            del element.attrib[attribute]
    if element.get("data-oe-model"):
        for attribute in ("data-oe-id", "data-oe-model", "href"):
            element.attrib.pop(attribute, None)


def _patterns(people: list[tuple[str, str]], keep: str) -> tuple[Patterns, Patterns]:
    """Patterns for whole names, the longest first, and for parts that stand alone."""
    whole, alone = [], []
    kept = set(keep.split())
    for name, role in sorted(people, key=lambda pair: -len(pair[0])):
        escaped = r"\s+".join(re.escape(part) for part in name.split())
        whole.append((re.compile(rf"(?<!\w){escaped}(?!\w)", re.IGNORECASE), role))
        if "@" in name:
            continue
        alone += [
            (re.compile(rf"(?<!\w){re.escape(part)}(?=,|[\s.!]*$)", re.MULTILINE), role)
            for part in name.split()
            if len(part) >= SHORTEST_PART and part not in kept
        ]
    return whole, alone
