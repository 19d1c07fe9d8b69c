"""What the steps of an escalation list would do when, before they do it.

Told with `plan_promise` and `plan_concern`, by which the steps are taken in the end, at
the moments at which the sweep would look: what is foretold is what happens, as long as
nobody answers, pauses or takes charge meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from . import clock
from .escalation import Chain, Plan, Step, plan_concern, plan_promise
from .timeline import Span, Timeline


class Foreseen(NamedTuple):
    """A step and the moment at which it will be taken."""

    at: int
    step: Step


def foresee_promise(
    row: clock.Commitment, chain: Chain, hours: clock.OpeningTime, now: int
) -> Iterator[Foreseen]:
    """Steps that will be taken on a promise from `now` on, the next first.

    What is overdue at `now`, since the sweep has not been there yet, is taken at once.
    """
    row = replace(row)
    while True:
        is_due = row.state == clock.RUNNING and row.deadline is not None
        if is_due and now > row.deadline:
            row.state = clock.MISSED
        plan = plan_promise(row, chain, hours, now)
        if plan.due:
            yield from _at_once(plan, now)
            row.escalated_to = plan.come_to
        if plan.next_at is not None:
            now = plan.next_at + 1
        elif row.state == clock.RUNNING and row.deadline is not None:
            now = row.deadline + 1
        else:
            return


def foresee_concern(
    trigger: str,
    started_at: int,
    done: int | None,
    chain: Chain,
    hours: clock.OpeningTime,
    now: int,
) -> Iterator[Foreseen]:
    """The same for a matter that began at `started_at` and has come to `done`."""
    while True:
        plan = plan_concern(trigger, started_at, done, chain, hours, now)
        if plan.due:
            yield from _at_once(plan, now)
            done = plan.come_to
        if plan.next_at is None:
            return
        now = plan.next_at + 1


def _at_once(plan: Plan, now: int) -> Iterator[Foreseen]:
    # The sweep looks a second after the moment at which a step lies.
    return (Foreseen(now - 1, step) for step in plan.due)


def get_closed_spans(hours: Timeline, start: int, end: int) -> list[Span]:
    """Return the closed spans between two moments, the first and the last cut off."""
    closed, at = [], start
    for begin, stop in hours.get_spans(start, end):
        if begin > at:
            closed.append((at, begin))
        at = stop
    if at < end:
        closed.append((at, end))
    return closed


def get_example_start(
    hours: Timeline, now: int, weekday: int = 0, hour: float = 16.5
) -> int:
    """Return a moment late on a day of next week, for an example.

    Half past four on Monday, local time; where it is closed then, the first moment
    after it that is open.
    """
    today = hours.get_local(now).date()
    ahead = (weekday - today.weekday()) % 7 or 7
    start = hours.get_midnight(today + timedelta(days=ahead)) + int(hour * 3600)
    opening = hours.next_opening(start)
    return start if opening is None else opening
