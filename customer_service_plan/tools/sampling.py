"""Which tickets of an agent are reviewed, and by whom.

A part is drawn from all tickets of the agent, so that their average tells of all of
them; the rest from those that fulfil conditions. The lot of a ticket follows from a
seed and the number of the ticket alone: neither the order in which tickets come nor
what else is in the pot moves it, and whoever draws again finds the same. How many are
drawn at random never depends on which ones were drawn; else their average would lean.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from heapq import nsmallest
from itertools import zip_longest
from math import ceil
from typing import NamedTuple

from .statistics import quantile

WEEK, TWO_WEEKS, MONTH = "week", "two_weeks", "month"
#: How a ticket was chosen: by lot from all, from those that fulfil the conditions, or
#: to make up the number where too few are left of these.
RANDOM, CONDITION, EXTRA = "random", "condition", "extra"
#: Standard deviation of scores (in points of 100) as long as there is none to measure.
USUAL_DEVIATION = 20.0
_DAYS = {WEEK: 7, TWO_WEEKS: 14}


class Ticket(NamedTuple):
    """A ticket that may be drawn.

    :param fits: whether it fulfils all conditions
    """

    id: int
    agent: int
    fits: bool


class Pick(NamedTuple):
    """A ticket that was drawn, and how."""

    ticket: int
    agent: int
    kind: str


class Reviewer(NamedTuple):
    """Who may be given reviews.

    :param capacity: so many he has to do at a time
    :param open: so many of them he has already
    """

    id: int
    capacity: int
    open: int = 0


def lot(seed: str, purpose: str, number: int) -> int:
    """The lot of a number, evenly spread; the smallest ones win.

    :param purpose: lots of one purpose (at most 16 characters) tell nothing of those of
        another
    """
    digest = blake2b(
        b"%d" % number, digest_size=8, key=seed.encode()[:64], person=purpose.encode()
    )
    return int.from_bytes(digest.digest(), "big")


def count_at_random(seed: str, agent: int, wanted: int, percent: int) -> int:
    """How many of those wanted are drawn at random.

    Where the share is no whole number the lot rounds it up as often as it has to, so
    that it holds over the periods also for one ticket each time.
    """
    whole, rest = divmod(wanted * percent, 100)
    return whole + (lot(seed, "round", agent) % 100 < rest)


def draw(
    seed: str, tickets: Iterable[Ticket], wanted: Mapping[int, int], percent: int
) -> dict[int, list[Pick]]:
    """Draw tickets of each agent.

    Where fewer tickets fulfil the conditions than are wanted, more are drawn at random.
    One that the lot draws at random and that fulfils the conditions, too, counts as
    drawn at random. Should too few fulfilling ones be left after that, others make up
    the number: they count as neither, for they are only drawn when the lot has drawn
    what is special, and would make the average lean.

    :param tickets: each once
    :param wanted: number per agent; tickets of others are left alone
    :param percent: share to be drawn at random, 0 to 100
    :return: picks per agent, as many as are wanted or as there are; their kinds in
        turn, so that whoever takes only the first ones has them in proportion
    """
    pots: dict[int, list[Ticket]] = {}
    for ticket in tickets:
        if wanted.get(ticket.agent, 0) > 0:
            pots.setdefault(ticket.agent, []).append(ticket)
    return {
        agent: _draw_from(seed, pots[agent], wanted[agent], percent)
        for agent in sorted(pots)
    }


def _draw_from(seed: str, pot: list[Ticket], wanted: int, percent: int) -> list[Pick]:
    agent = pot[0].agent
    fitting = [ticket for ticket in pot if ticket.fits]
    by_condition = min(
        wanted - count_at_random(seed, agent, wanted, percent), len(fitting)
    )
    # All of them: nothing is left to choose, and no average of a whole leans.
    at_random = wanted if len(pot) <= wanted else wanted - by_condition
    first = _smallest(seed, "random", pot, at_random)
    drawn = {ticket.id for ticket in first}
    rest = [ticket for ticket in fitting if ticket.id not in drawn]
    second = _smallest(seed, "condition", rest, wanted - at_random)
    drawn.update(ticket.id for ticket in second)
    rest = [ticket for ticket in pot if ticket.id not in drawn]
    third = _smallest(seed, "random", rest, wanted - len(drawn))
    return _in_turn(
        *(
            [Pick(ticket.id, agent, kind) for ticket in tickets]
            for kind, tickets in (
                (RANDOM, first),
                (CONDITION, second),
                (EXTRA, third),
            )
        )
    )


def _smallest(
    seed: str, purpose: str, tickets: Collection[Ticket], number: int
) -> list[Ticket]:
    return nsmallest(
        number, tickets, key=lambda ticket: (lot(seed, purpose, ticket.id), ticket.id)
    )


def _in_turn(*lists: Sequence[Pick]) -> list[Pick]:
    """All lists as one, each spread evenly over it."""
    placed = [
        ((2 * place + 1) / len(picks), rank, pick)
        for rank, picks in enumerate(lists)
        for place, pick in enumerate(picks)
    ]
    return [pick for _place, _rank, pick in sorted(placed)]


def assign(
    seed: str, picks: Mapping[int, Sequence[Pick]], reviewers: Iterable[Reviewer]
) -> tuple[dict[int, int], list[Pick]]:
    """Give picks to reviewers: evenly by capacity, nobody his own.

    The first picks of all agents come before the second ones: where there is too little
    room, no agent is left out for the sake of another one.

    :param picks: per agent, as `draw` returns them
    :return: reviewer per ticket, and the picks for which nobody has room
    """
    people = {person.id: person for person in reviewers if person.capacity > 0}
    load = {person.id: person.open for person in people.values()}
    met: dict[tuple[int, int], int] = {}
    given: dict[int, int] = {}
    left: list[Pick] = []
    done: list[Pick] = []
    agents = sorted(picks, key=lambda agent: (lot(seed, "agent", agent), agent))
    for turn in zip_longest(*(picks[agent] for agent in agents)):
        for pick in turn:
            if pick is None:
                continue
            found = _freest(seed, pick, people, load, met)
            if found is None:
                found = _make_room(pick, done, given, people, load, met)
            if found is None:
                left.append(pick)
                continue
            given[pick.ticket] = found
            done.append(pick)
            load[found] += 1
            met[found, pick.agent] = met.get((found, pick.agent), 0) + 1
    return given, left


def _freest(
    seed: str,
    pick: Pick,
    people: Mapping[int, Reviewer],
    load: Mapping[int, int],
    met: Mapping[tuple[int, int], int],
) -> int | None:
    """Whose load is the smallest; of several, who has had the fewest of this agent."""
    free = [
        person
        for person in people.values()
        if person.id != pick.agent and load[person.id] < person.capacity
    ]
    if not free:
        return None
    return min(
        free,
        key=lambda person: (
            load[person.id] / person.capacity,
            met.get((person.id, pick.agent), 0),
            lot(seed, "reviewer", pick.ticket ^ person.id << 32),
            person.id,
        ),
    ).id


def _make_room(
    pick: Pick,
    done: Iterable[Pick],
    given: dict[int, int],
    people: Mapping[int, Reviewer],
    load: dict[int, int],
    met: dict[tuple[int, int], int],
) -> int | None:
    """Who gets room by handing a pick on to the agent of this one.

    The agent himself is the only one who may have room left for others here.
    """
    free = people.get(pick.agent)
    if free is None or load[free.id] >= free.capacity:
        return None
    for other in done:
        holder = given[other.ticket]
        if other.agent != free.id and holder != free.id:
            given[other.ticket] = free.id
            load[free.id] += 1
            load[holder] -= 1
            met[holder, other.agent] -= 1
            met[free.id, other.agent] = met.get((free.id, other.agent), 0) + 1
            return holder
    return None


def begin_after(begin: date, period: str, day: int) -> date:
    """First day of the period that follows the one which begins at `begin`.

    :param day: of the month, on which months begin; the last one of shorter months
    """
    if period != MONTH:
        return begin + timedelta(days=_DAYS[period])
    year, month = (
        (begin.year, begin.month + 1) if begin.month < 12 else (begin.year + 1, 1)
    )
    return date(year, month, min(day, monthrange(year, month)[1]))


def count_needed(
    margin: float, deviation: float, population: int, level: float = 0.95
) -> int:
    """How many of a population have to be drawn to know its average.

    W. G. Cochran, Sampling Techniques, 3rd edition (1977), section 4.6, equations 4.7
    and 4.8: (z s / d)², corrected for the finite population.

    :param margin: on either side of the average, in the unit of `deviation`
    """
    if not population:
        return 0
    wanted = (quantile(level) * deviation / margin) ** 2
    return min(population, ceil(wanted / (1 + wanted / population)))
