import datetime

import pytz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.fields import Command, Domain
from odoo.tests import tagged

from odoo.addons.base.tests.common import BaseCommon

ZONES = [
    "Europe/Athens",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "UTC",
]
# First days of windows that hold changes to and from summer time, and quiet weeks.
ANCHORS = [
    datetime.date(2026, 3, 2),
    datetime.date(2026, 3, 23),
    datetime.date(2026, 3, 30),
    datetime.date(2026, 7, 6),
    datetime.date(2026, 9, 28),
    datetime.date(2026, 10, 19),
    datetime.date(2026, 10, 26),
    datetime.date(2027, 12, 20),
]
SECOND = datetime.timedelta(seconds=1)
# Odoo tries a hundred times fourteen days.
GIVES_UP = datetime.timedelta(days=1385)


@st.composite
def tables(draw):
    """Draw a week without overlaps, closures, and questions about it."""
    week = {}
    for weekday in draw(st.sets(st.integers(0, 6), max_size=7)):
        marks = draw(
            st.lists(
                st.one_of(
                    st.integers(0, 1440), st.sampled_from([0, 120, 150, 180, 1440])
                ),
                min_size=2,
                max_size=6,
                unique=True,
            ).map(sorted)
        )
        week[weekday] = list(zip(marks[::2], marks[1::2], strict=False))
    anchor = draw(st.sampled_from(ANCHORS))
    midnight = datetime.datetime.combine(anchor, datetime.time())
    seconds = st.integers(0, 20 * 86400)
    moment = seconds.map(lambda value: midnight + datetime.timedelta(seconds=value))
    closures = draw(
        st.lists(st.tuples(moment, moment).map(sorted), min_size=0, max_size=4)
    )
    days_off = draw(
        st.lists(
            st.integers(0, 20).map(lambda days: anchor + datetime.timedelta(days=days)),
            max_size=2,
            unique=True,
        )
    )
    questions = draw(
        st.lists(
            st.tuples(moment, moment, st.integers(1, 60 * 3600)), min_size=4, max_size=8
        )
    )
    return draw(st.sampled_from(ZONES)), week, closures, days_off, questions


@tagged("post_install", "-at_install")
class TestHoursOdoo(BaseCommon):
    """The same answers as Odoo's own calendar, to the second.

    Where Odoo itself slips, and what the comparison does about it:

    * An end at 24:00 means 23:59:59.999999 to Odoo, and sums are floats. Its answers
      are rounded to seconds.
    * Such drift may carry a deadline that falls on closing time to the next opening
      (odoo/odoo#166511). Then ours must be a closing time, and Odoo's within a second
      of the next opening.
    * It gives up after 1,400 days; ours must then be later than that, or none.
    * It knows no summer time after 2037; the questions stay within years.
    * It knows no line past midnight and no extra opening; ``test_timeline`` has these.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Compared"})
        cls.env = cls.env(
            context=dict(cls.env.context, allowed_company_ids=cls.company.ids)
        )
        cls.company = cls.company.with_env(cls.env)
        cls.domain = Domain("company_id", "in", [False, cls.company.id]) & Domain(
            "time_type", "=", "leave"
        )

    def make(self, zone, week, closures, days_off):
        """Return the same table as Odoo's calendar and as ours, closures followed."""
        spans = [(day, *span) for day, lines in week.items() for span in lines]
        calendar = self.env["resource.calendar"].create(
            {
                "name": "Calendar",
                "tz": zone,
                "company_id": self.company.id,
                "attendance_ids": [
                    Command.create(
                        {
                            "name": "Line",
                            "dayofweek": str(day),
                            "hour_from": start / 60,
                            "hour_to": end / 60,
                            "day_period": "morning",
                        }
                    )
                    for day, start, end in spans
                ],
            }
        )
        if not spans:
            calendar.attendance_ids.unlink()
        calendar.global_leave_ids.unlink()
        self.company.resource_calendar_id = calendar
        hours = self.env["csp.hours"].create(
            {
                "name": "Hours",
                "tz": zone,
                "company_id": self.company.id,
                "follow_company_closures": True,
                "line_ids": [
                    Command.create(
                        {"weekday": str(day), "minute_from": start, "minute_to": end}
                    )
                    for day, start, end in spans
                ],
                "exception_ids": [
                    Command.create({"date_from": day}) for day in days_off
                ],
            }
        )
        self.env["resource.calendar.leaves"].create(
            [
                {
                    "name": "Closure",
                    "date_from": start,
                    "date_to": end,
                    "calendar_id": calendar.id,
                }
                for start, end in closures
            ]
            + [
                {
                    "name": "Day off",
                    "date_from": self.localize(zone, day),
                    "date_to": self.localize(zone, day + datetime.timedelta(days=1)),
                    "calendar_id": calendar.id,
                    # Ours has it as an exception of its own.
                    "resource_id": False,
                }
                for day in days_off
            ]
        )
        return calendar, hours

    def localize(self, zone, day):
        moment = datetime.datetime.combine(day, datetime.time())
        aware = pytz.timezone(zone).localize(moment)
        return aware.astimezone(pytz.utc).replace(tzinfo=None)

    def round(self, moment):
        """Return a moment without the parts of a second that Odoo's sums leave."""
        half = datetime.timedelta(microseconds=500000)
        return moment and (moment + half).replace(microsecond=0)

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(tables())
    def test_same_as_resource_calendar(self, table):
        zone, week, closures, days_off, questions = table
        calendar, hours = self.make(zone, week, closures, days_off)
        for start, end, seconds in questions:
            asked = f"{start}, {end}, {seconds} s"
            theirs = self.round(
                calendar.plan_hours(
                    seconds / 3600, start, compute_leaves=True, domain=self.domain
                )
            )
            ours = hours._plan_deadline(start, seconds)
            if not theirs:
                self.assertTrue(not ours or ours - start > GIVES_UP, asked)
            elif ours != theirs:
                self.assertEqual(ours, hours._next_closing(ours - SECOND), asked)
                self.assertLessEqual(
                    abs(theirs - hours._next_opening(ours)), SECOND, asked
                )
            begin, finish = sorted((start, end))
            count = calendar.get_work_hours_count(
                begin, finish, compute_leaves=True, domain=self.domain
            )
            self.assertEqual(
                hours._open_seconds(begin, finish), round(count * 3600), asked
            )

    def test_year_of_deadlines(self):
        """One table over a year and both changes of the clock, on the half hour."""
        week = {day: [(480, 720), (780, 1020)] for day in range(5)}
        holidays = [datetime.date(2026, 1, 1), datetime.date(2026, 12, 25)]
        for zone in ZONES:
            calendar, hours = self.make(zone, week, [], holidays)
            start = datetime.datetime(2026, 1, 1, 0, 30)
            for step in range(60):
                at = start + datetime.timedelta(hours=step * 146)
                self.assertEqual(
                    hours._plan_deadline(at, 36001),
                    self.round(
                        calendar.plan_hours(
                            36001 / 3600, at, compute_leaves=True, domain=self.domain
                        )
                    ),
                )
