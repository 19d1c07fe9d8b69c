"""What happens when the customer does not answer: when he is reminded, when his
ticket is closed.

Moments are UTC epoch seconds, durations opening seconds of the ticket's hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

#: Fields of a policy version that say so.
SILENCE_FIELDS = (
    "remind_after_minutes",
    "close_after_minutes",
    "remind_template_id",
    "close_template_id",
    "close_stage_id",
)
#: Events after which we wait, and those by which we said something ourselves.
WAITING_KINDS = ("paused", "reopened")
OUR_KINDS = ("staff_reply", "no_answer_needed")
CUSTOMER_KIND = "customer_message"
#: All kinds that `get_since` looks at.
KINDS = (*WAITING_KINDS, *OUR_KINDS, CUSTOMER_KIND)


class OpeningTime(Protocol):
    """The part of `timeline.Timeline` that is needed here."""

    def plan_deadline(self, start: int, seconds: int) -> int | None:
        """When so much opening time has passed; None for never."""

    def next_opening(self, at: int) -> int | None:
        """`at` when open, else the next opening; None for never."""


class Rule(NamedTuple):
    """Opening seconds of silence until the reminder, and from there (without reminder
    from the beginning) until closing; 0 for never."""

    remind: int
    close: int


class Plan(NamedTuple):
    """`remind_at` is None once the customer was reminded, or if he never is;
    `close_at` is None if the ticket is never closed by itself."""

    remind_at: int | None
    close_at: int | None


def get_since(latest: Mapping[str, tuple[int, int]], last_contact: int) -> int | None:
    """Since when the customer owes us an answer.

    :param latest: by kind of event, (moment, position) of the last one on the ticket
    :param last_contact: the latest message of either side
    :return: the later of the beginning of the wait and the last contact; None if the
        customer had the last word since we began to wait: then the turn is ours
    """
    waiting = [latest[kind] for kind in WAITING_KINDS if kind in latest]
    if not waiting:
        return None
    ours = max([*waiting, *(latest[kind] for kind in OUR_KINDS if kind in latest)])
    if CUSTOMER_KIND in latest and latest[CUSTOMER_KIND] > ours:
        return None
    return max(max(waiting)[0], last_contact)


def plan(rule: Rule, since: int, reminded_at: int | None, hours: OpeningTime) -> Plan:
    """When to remind and when to close.

    The second span begins when the customer was really reminded: late is late for
    both. A ticket is closed in opening time only, so that somebody is there: what
    would be closed at closing time is closed at the next opening.
    """
    if reminded_at is not None:
        remind_at, begin = None, reminded_at
    elif rule.remind:
        remind_at = begin = hours.plan_deadline(since, rule.remind)
    else:
        remind_at, begin = None, since
    if not rule.close or begin is None:
        return Plan(remind_at, None)
    close_at = hours.plan_deadline(begin, rule.close)
    if close_at is not None:
        close_at = hours.next_opening(close_at)
    return Plan(remind_at, close_at)
