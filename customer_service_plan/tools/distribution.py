"""Who is given a ticket that nobody has yet?

Plain rules over what is known of the people of a team, so that they can be explained
and tried out: who is there, is qualified for the channel, and has room; of these who
speaks the customer's language, if somebody does; of these whose turn it is, or who has
the least work. Ties go to who was given something longest ago, then to the lowest id,
so that the same question always has the same answer.

Moments are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

IN_TURN = "in_turn"
LEAST_LOADED = "least_loaded"

#: Work that an open ticket means, by its priority. A medium one counts double a low
#: one, a very high one four times.
PRIORITY_POINTS = {"0": 1, "1": 2, "2": 3, "3": 4}
DEFAULT_POINTS = 2
#: More for a promise that is late or ends within `NEAR_SECONDS`.
NEAR_POINTS = 2
NEAR_SECONDS = 4 * 3600
#: A ticket that waits for the customer or a third party, whatever its priority.
WAITING_POINTS = 1


def ticket_points(
    priority: str, is_waiting: bool = False, is_near: bool = False
) -> int:
    """Work that one open ticket means for who has it.

    :param is_near: a promise on it is late, or ends within `NEAR_SECONDS`
    """
    points = PRIORITY_POINTS.get(priority, DEFAULT_POINTS)
    if is_waiting:
        points = WAITING_POINTS
    return points + (NEAR_POINTS if is_near else 0)


@dataclass(slots=True)
class Member:
    """One person of a team, as far as it matters now. Ids are database ids.

    :param there: at work now, or about to be (where that counts)
    :param channels: what the person is qualified for; empty for everything
    :param languages: codes such as "nl" that the person speaks; empty for any
    :param ceiling: open tickets from which on nothing more is given, 0 for no limit
    :param open: open tickets
    :param load: points of these tickets, see `ticket_points`
    :param given: tickets given automatically today
    :param last: when the latest of them was given, 0 for none today
    """

    id: int
    there: bool = True
    channels: frozenset[int] = frozenset()
    languages: frozenset[str] = frozenset()
    ceiling: int = 0
    open: int = 0
    load: int = 0
    given: int = 0
    last: int = 0

    @property
    def has_room(self) -> bool:
        return not self.ceiling or self.open < self.ceiling

    def take(self, points: int, at: int) -> None:
        """Count a ticket of so many points that is given now."""
        self.open += 1
        self.load += points
        self.given += 1
        self.last = max(self.last, at)


class Request(NamedTuple):
    """A ticket to be given; 0 and "" for no channel and for an unknown language."""

    id: int
    channel: int = 0
    language: str = ""
    points: int = DEFAULT_POINTS
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is given a ticket, and why.

    :param to: the person, 0 for nobody
    :param counts: (person, work or turns before this ticket) of all who were considered
        in the end, the lowest first
    :param full: who is there but has no room
    :param unqualified: who is there but does not take tickets of this channel
    :param nobody_speaks: the customer's language did not count, since nobody who is
        there and has room speaks it
    :param by_language: it did count, and left somebody out
    """

    to: int = 0
    counts: tuple[tuple[int, int], ...] = ()
    full: tuple[int, ...] = ()
    unqualified: tuple[int, ...] = ()
    nobody_speaks: bool = False
    by_language: bool = False


@dataclass(slots=True)
class Round:
    """Shares out tickets among the members of one team; counts what it gives."""

    method: str
    members: list[Member]
    at: int
    given: dict[int, int] = field(default_factory=dict)

    def _order(self, member: Member) -> tuple[int, int, int, int]:
        first, second = member.given, member.load
        if self.method == LEAST_LOADED:
            first, second = second, first
        # In turn, the work does not count.
        if self.method == IN_TURN:
            second = 0
        return first, second, member.last, member.id

    def give(self, request: Request) -> Choice:
        """Choose who gets a ticket, and count it as his."""
        there = [
            member
            for member in self.members
            if member.there and member.id not in request.without
        ]
        qualified, unqualified = _split(
            there, lambda one: not one.channels or request.channel in one.channels
        )
        with_room, full = _split(qualified, lambda one: one.has_room)
        speaking = [
            one
            for one in with_room
            if not request.language
            or not one.languages
            or request.language in one.languages
        ]
        nobody_speaks = bool(with_room) and not speaking
        candidates = sorted(speaking or with_room, key=self._order)
        chosen = candidates[0] if candidates else None
        in_turn = self.method == IN_TURN
        choice = Choice(
            to=chosen.id if chosen else 0,
            counts=tuple(
                (one.id, one.given if in_turn else one.load) for one in candidates
            ),
            full=tuple(sorted(one.id for one in full)),
            unqualified=tuple(sorted(one.id for one in unqualified)),
            nobody_speaks=nobody_speaks,
            by_language=0 < len(speaking) < len(with_room),
        )
        if chosen:
            chosen.take(request.points, self.at)
            self.given[request.id] = chosen.id
        return choice


def _split(members: Iterable[Member], condition) -> tuple[list[Member], list[Member]]:
    """Those for whom the condition holds, and the others."""
    yes: list[Member] = []
    no: list[Member] = []
    for member in members:
        (yes if condition(member) else no).append(member)
    return yes, no
