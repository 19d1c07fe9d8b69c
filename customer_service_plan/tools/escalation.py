"""Who is told about a promise, and when: the chain of an escalation list.

A step lies before or after the deadline, by seconds of opening time or by a share of
the target. On the clock of a promise it has a *position*: opening seconds from the
deadline, negative before it. A promise keeps how far its chain has come as the position
of the last step that was carried out; so a pause, other hours or another target never
repeat a step, and a step that is added behind that point is not made up for. (A share
of another target may lie ahead once more: who carries steps out keeps a log of them.)

Steps may also follow something that somebody must look after though no promise runs
out, a *concern*: a complaint, a bad rating, repeated reopening, a ticket that nobody
took. Their position counts from the moment at which that began.

All instants are UTC epoch seconds (`int`), all durations are seconds of opening time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import clock
from .presence import Presence

BEFORE = "before"
AFTER = "after"
COMPLAINT = "complaint"
BAD_RATING = "bad_rating"
REOPENED = "reopened"
UNASSIGNED = "unassigned"
#: What somebody must look after though no promise runs out.
CONCERNS = (COMPLAINT, BAD_RATING, REOPENED, UNASSIGNED)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain. `kinds` empty: promises of every kind.

    `percent` of the target takes the place of `offset` where it is not 0; `sequence`
    decides between steps of one position.
    """

    id: int
    trigger: str
    offset: int = 0
    percent: int = 0
    kinds: frozenset[str] = frozenset()
    sequence: int = 0

    def position(self, target: int) -> int | None:
        """Opening seconds from the deadline of a promise with this target.

        None for a step that would lie before the promise began: who has 15 minutes
        for an answer needs no reminder an hour ahead.
        """
        seconds = target * self.percent // 100 if self.percent else self.offset
        if self.trigger != BEFORE:
            return seconds
        return -seconds if 0 < seconds < target else None


class Chain:
    """The steps of one escalation list, in the order in which they are carried out."""

    __slots__ = ("_positions", "id", "reopen_times", "steps")

    def __init__(self, id: int, steps: Iterable[Step], reopen_times: int = 2):
        self.id = id
        self.steps = tuple(steps)
        self.reopen_times = reopen_times
        self._positions: dict[tuple[str, int], tuple[tuple[int, Step], ...]] = {}

    def positions(self, kind: str, target: int = 0) -> tuple[tuple[int, Step], ...]:
        """Steps for promises of a kind, or for a concern, each after its position.

        :param kind: kind of a promise, or one of `CONCERNS`
        :param target: of the promise; nothing for a concern
        """
        key = kind, target
        known = self._positions.get(key)
        if known is None:
            placed = [
                (position, step)
                for step in self.steps
                if _is_for(step, kind)
                and (position := step.position(target)) is not None
            ]
            placed.sort(key=lambda each: (each[0], each[1].sequence, each[1].id))
            known = self._positions[key] = tuple(placed)
        return known

    @property
    def concerns(self) -> frozenset[str]:
        """Concerns that this list has a step for."""
        return frozenset(step.trigger for step in self.steps).intersection(CONCERNS)


def _is_for(step: Step, kind: str) -> bool:
    if kind in CONCERNS:
        return step.trigger == kind
    return step.trigger in (BEFORE, AFTER) and (not step.kinds or kind in step.kinds)


class Plan(NamedTuple):
    """Steps that are due, oldest first, with how far the chain has come with them;
    and the moment of the step after them, None where there is none."""

    due: tuple[Step, ...]
    come_to: int | None
    next_at: int | None


NOTHING = Plan((), None, None)


def plan_promise(
    row: clock.Commitment, chain: Chain, hours: clock.OpeningTime, now: int
) -> Plan:
    """What is due on a promise at `now`, and when the next step follows.

    Several due at once are one late start: who carries them out joins them. Steps after
    the deadline wait until the promise is missed. While the clock stands, when it has
    ended or was excused, there is nothing to do.
    """
    since = row.running_since
    if since is None or row.ended_at is not None:
        return NOTHING
    if row.state not in (clock.RUNNING, clock.MISSED):
        return NOTHING
    is_missed = row.state == clock.MISSED
    done = row.escalated_to
    due: list[Step] = []
    come_to = None
    for position, step in chain.positions(row.kind, row.target):
        if done is not None and position <= done:
            continue
        if position >= 0 and not is_missed:
            break
        left = row.target + position - row.consumed
        moment = hours.plan_deadline(since, left if left > 0 else 0)
        if moment is None or moment >= now:
            return Plan(tuple(due), come_to, moment)
        due.append(step)
        come_to = position
    return Plan(tuple(due), come_to, None)


def plan_concern(
    trigger: str,
    started_at: int,
    done: int | None,
    chain: Chain,
    hours: clock.OpeningTime,
    now: int,
) -> Plan:
    """The same for a concern that began at `started_at` and has come to `done`."""
    due: list[Step] = []
    come_to = None
    for position, step in chain.positions(trigger):
        if done is not None and position <= done:
            continue
        moment = hours.plan_deadline(started_at, position) if position else started_at
        if moment is None or moment >= now:
            return Plan(tuple(due), come_to, moment)
        due.append(step)
        come_to = position
    return Plan(tuple(due), come_to, None)


# ------------------------------------------------------------------------- recipients


class Told(NamedTuple):
    """Somebody to be told at `at`, perhaps instead of somebody who is absent (0: in his
    own right)."""

    user: int
    at: int
    instead_of: int = 0


def find_told(
    wanted: Sequence[int],
    people: Mapping[int, Presence],
    fallbacks: Sequence[int],
    now: int,
    at_night: bool = False,
    gone: frozenset[int] = frozenset(),
) -> list[Told]:
    """Who is told in place of the people wanted, each once, and when.

    Whoever is archived, gone or on leave is passed over for his deputy, or his
    deputy's; whoever is not at work at the moment for a deputy who is. Where nobody of
    them is at work it waits until the first decent hour of the one it is for, unless
    it may be said at night. Where there is nobody at all, the first fallback who is
    there is told, or else the first who exists: a step never reaches nobody.

    :param wanted: ids of users, in the order of the step
    :param people: everybody who may come into question, by id
    :param fallbacks: ids of users to try in this order
    :param gone: users who do not count any more, for instance since they left the team
    :return: in the order of `wanted`; empty only if nobody exists
    """
    told: dict[int, Told] = {}
    for user in wanted:
        found = _reach(user, people, now, at_night, gone)
        if found is not None and found.user not in told:
            told[found.user] = found
    if told:
        return list(told.values())
    absent = wanted[0] if wanted else 0
    for user in fallbacks:
        found = _reach(user, people, now, at_night, frozenset())
        if found is not None:
            return [found._replace(instead_of=found.instead_of or absent)]
    for user in fallbacks:
        person = people.get(user)
        if person and person.active:
            return [Told(user, _moment(person, now, at_night), absent)]
    return []


def _reach(
    user: int,
    people: Mapping[int, Presence],
    now: int,
    at_night: bool,
    gone: frozenset[int],
) -> Told | None:
    """The one to tell instead of `user`: himself, or along the line of deputies."""
    first: Told | None = None
    seen: set[int] = set()
    each = user
    while each and each not in seen:
        seen.add(each)
        person = people.get(each)
        if person is None:
            break
        if person.active and not person.away and each not in gone:
            instead_of = user if each != user else 0
            if person.working:
                return Told(each, now, instead_of)
            if first is None:
                first = Told(each, _moment(person, now, at_night), instead_of)
        each = person.deputy
    return first


def _moment(person: Presence, now: int, at_night: bool) -> int:
    if at_night or person.decent or person.decent_at is None:
        return now
    return person.decent_at
