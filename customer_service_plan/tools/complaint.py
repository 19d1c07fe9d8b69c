"""Rules of complaints that need no database: their stages, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RECEIVED = "received"
ACKNOWLEDGED = "acknowledged"
INVESTIGATED = "investigated"
DECIDED = "decided"
TOLD = "told"
CLOSED = "closed"

#: The stages of a complaint, in order. They only go forward, and may be passed over.
STATES = (RECEIVED, ACKNOWLEDGED, INVESTIGATED, DECIDED, TOLD, CLOSED)

WITHDRAWN = "withdrawn"

#: Handed over so often, a complaint asks whether anybody feels responsible for it.
MANY_HANDOVERS = 3

#: Fields of a ticket that say how its complaint stands: written by the addon only.
FACTS = frozenset(
    {
        "csp_complaint_state",
        "csp_complaint_owner_id",
        "csp_complaint_at",
        "csp_complaint_source",
        "csp_complaint_acknowledged_at",
        "csp_complaint_investigated_at",
        "csp_complaint_decided_at",
        "csp_complaint_told_at",
        "csp_complaint_closed_at",
        "csp_complaint_finding",
        "csp_complaint_outcome",
        "csp_complaint_remedy_kind",
        "csp_complaint_remedy_amount",
        "csp_complaint_remedy_note",
        "csp_complaint_asked",
        "csp_complaint_handover_count",
        "csp_complaint_tick_ids",
    }
)


def may_move(state: str, to: str) -> bool:
    """Whether a complaint in `state` may go to `to`.

    A decision may be changed until the customer was told.
    """
    if state == to == DECIDED:
        return True
    if to == TOLD and state != DECIDED:
        return False
    if to == CLOSED and state != TOLD:
        return False
    return STATES.index(to) > STATES.index(state)


def take_turns(
    people: Sequence[int], last_at: Mapping[int, float], count: int
) -> list[int]:
    """Who gets the next `count` complaints: whoever waited longest, each time.

    :param people: ids in the order in which they begin
    :param last_at: when somebody last got one, in epoch seconds; absent = never
    """
    if not people:
        return []
    queue = sorted(
        range(len(people)), key=lambda at: (last_at.get(people[at], -1.0), at)
    )
    return [people[queue[turn % len(queue)]] for turn in range(count)]
