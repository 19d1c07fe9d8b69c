"""Deadlines in opening time, beside Odoo's own working calendar."""

import random
import statistics
from datetime import datetime, timedelta

import harness
import pytz
from fixture import closed_days, make_hours
from harness import Row, say

from odoo.fields import Command

from odoo.addons.customer_service_plan.tools.timeline import DayException, Timeline

QUESTIONS = 10_000
CLOSURES = 30
ROUNDS = 10
SECOND = timedelta(seconds=1)


def rows(sides):
    """`resource.calendar.plan_hours` and `csp.hours._plan_deadline` on equal tables."""
    say("Deadlines")
    with sides["ours"].env() as env:
        hours, calendar = make_hours(env, CLOSURES), make_calendar(env)
        env.cr.flush()
        env.cr.cache.pop("csp_timelines_changed", None)
        yield from compare(env, hours, calendar)
        yield build(env, hours)


def make_calendar(env):
    calendar = env["resource.calendar"].create(
        {
            "name": "Office hours",
            "tz": "Europe/Athens",
            "attendance_ids": [Command.clear()]
            + [
                Command.create(
                    {
                        "name": "Office",
                        "dayofweek": str(day),
                        "hour_from": start,
                        "hour_to": end,
                        "day_period": period,
                    }
                )
                for day in range(5)
                for start, end, period in ((8, 12, "morning"), (13, 17, "afternoon"))
            ],
        }
    )
    calendar.global_leave_ids.unlink()
    zone = pytz.timezone("Europe/Athens")

    def midnight(day):
        moment = zone.localize(datetime(day.year, day.month, day.day))
        return moment.astimezone(pytz.utc).replace(tzinfo=None)

    env["resource.calendar.leaves"].create(
        [
            {
                "name": "Closed",
                "calendar_id": calendar.id,
                "resource_id": False,
                "date_from": midnight(day),
                "date_to": midnight(day + timedelta(days=1)),
            }
            for day in closed_days(CLOSURES)
        ]
    )
    return calendar


def compare(env, hours, calendar):
    start = datetime.combine(closed_days(1)[0], datetime.min.time())
    chance = random.Random(19)
    questions = [
        (
            start + timedelta(seconds=chance.randrange(365 * 86_400)),
            chance.randrange(15 * 60, 40 * 3600),
        )
        for _number in range(QUESTIONS)
    ]
    hours._plan_deadline(*questions[0])
    calendar.plan_hours(1, start, compute_leaves=True)
    ours, theirs = [], []
    our_time, their_time = [], []
    timer = harness.clock(env.cr)
    for part in range(ROUNDS):
        started = timer.now()
        ours = [hours._plan_deadline(*question) for question in questions]
        our_time.append((timer.now() - started) / QUESTIONS)
        asked = questions[part * QUESTIONS // ROUNDS :][: QUESTIONS // ROUNDS]
        started = timer.now()
        theirs += [
            calendar.plan_hours(seconds / 3600, at, compute_leaves=True)
            for at, seconds in asked
        ]
        their_time.append((timer.now() - started) / len(asked))
    our_time, their_time = map(statistics.median, (our_time, their_time))
    ratio = their_time / our_time
    yield Row(
        "10,000 deadlines, 30 closures, warm",
        "resource.calendar.plan_hours",
        f"{our_time * QUESTIONS * 1000:.0f} ms",
        f"{their_time * QUESTIONS * 1000:,.0f} ms",
        f"{ratio:,.0f} x faster",
        ">= 500 x",
        ratio >= 500,
    )
    different, slips = 0, 0
    for our, their in zip(ours, map(rounded, theirs), strict=True):
        if our == their:
            continue
        # Odoo's sums of hours drift by microseconds; a deadline that falls on closing
        # time is then carried to the next opening (odoo/odoo#166511).
        closing = our == hours._next_closing(our - SECOND)
        if closing and abs(their - hours._next_opening(our)) <= SECOND:
            slips += 1
        else:
            different += 1
    yield Row(
        "   the same answers, to the second",
        "resource.calendar.plan_hours",
        f"{QUESTIONS:,} asked",
        f"{slips} slips past closing",
        f"{different} different",
        "0 different",
        not different,
    )


def rounded(moment):
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def build(env, hours):
    """A year of timeline: from the database, and the arithmetic alone."""
    cold, pure = [], []
    timer = harness.clock(env.cr)
    begin = int(datetime.combine(closed_days(1)[0], datetime.min.time()).timestamp())
    year = 365 * 86_400
    # A deadline that needs all opening time of the year is at its end.
    open_seconds = hours._timeline().open_seconds(begin, begin + year)
    for _round in range(ROUNDS):
        env.invalidate_all()
        env.registry.clear_cache()
        env.cr.cache.pop("csp_timelines", None)
        started = timer.now()
        timeline = hours._timeline()
        timeline.plan_deadline(begin, open_seconds)
        cold.append(timer.now() - started)
        week = [
            (int(line.weekday), line.minute_from, line.minute_to)
            for line in hours.line_ids
        ]
        closed = [DayException(day, day) for day in closed_days(CLOSURES)]
        started = timer.now()
        Timeline("Europe/Athens", week, closed).plan_deadline(begin, open_seconds)
        pure.append(timer.now() - started)
    cold, pure = (statistics.median(times) * 1000 for times in (cold, pure))
    return Row(
        "   a year of timeline built, cold",
        "-",
        f"{cold:.1f} ms",
        "-",
        f"of it {pure:.1f} ms arithmetic",
        "<= 10 ms",
        cold <= 10,
    )
