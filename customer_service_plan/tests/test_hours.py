from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon

from ..models.csp_hours import CspHours

OFFICE = [
    (weekday, start, end)
    for weekday in range(5)
    for start, end in ((540, 720), (780, 1020))
]
# A Monday, in winter.
MONDAY = datetime(2026, 1, 5)


class HoursCommon(BaseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.hours = cls.create_hours(OFFICE)
        cls.env["res.lang"].search([("code", "=", "en_US")]).time_format = "%H:%M:%S"

    @classmethod
    def create_hours(cls, lines=(), **values):
        return cls.env["csp.hours"].create(
            {
                "name": "Hours",
                "tz": "UTC",
                "line_ids": [
                    Command.create(
                        {"weekday": str(day), "minute_from": start, "minute_to": end}
                    )
                    for day, start, end in lines
                ],
                **values,
            }
        )

    @classmethod
    def create_exception(cls, hours, day, **values):
        return cls.env["csp.hours.exception"].create(
            {"hours_id": hours.id, "date_from": day, **values}
        )

    def at(self, hour, minute=0, days=0):
        return MONDAY + timedelta(days=days, hours=hour, minutes=minute)


@tagged("post_install", "-at_install")
class TestHours(HoursCommon):
    def test_questions(self):
        hours = self.hours
        self.assertEqual(hours._plan_deadline(self.at(8), 7 * 3600), self.at(17))
        self.assertEqual(hours._plan_deadline(self.at(8), 0), self.at(9))
        self.assertEqual(
            hours._plan_deadline(self.at(16, 30), 3600), self.at(9, 30, days=1)
        )
        self.assertEqual(hours._open_seconds(self.at(0), self.at(0, days=7)), 35 * 3600)
        self.assertEqual(hours._open_seconds(self.at(12), self.at(9)), 0)
        self.assertTrue(hours._is_open(self.at(9)))
        self.assertFalse(hours._is_open(self.at(17)))
        self.assertEqual(hours._next_opening(self.at(17)), self.at(9, days=1))
        self.assertEqual(hours._next_opening(self.at(10)), self.at(10))
        self.assertEqual(hours._next_closing(self.at(0)), self.at(12))

    def test_parts_of_a_second_are_left_out(self):
        start = self.at(9) + timedelta(microseconds=999999)
        self.assertEqual(self.hours._plan_deadline(start, 60), self.at(9, 1))

    def test_no_lines_is_never_open(self):
        hours = self.create_hours()
        self.assertIs(hours._plan_deadline(MONDAY, 60), False)
        self.assertIs(hours._next_opening(MONDAY), False)
        self.assertIs(hours._next_closing(MONDAY), False)
        self.assertFalse(hours._is_open(MONDAY))
        self.assertEqual(hours.summary, "Never open")
        self.assertEqual(hours.status, "Closed until further notice")

    def test_always_open(self):
        hours = self.create_hours(OFFICE, always_open=True)
        self.create_exception(hours, "2026-01-05")
        self.assertEqual(hours._plan_deadline(MONDAY, 90), MONDAY + timedelta(0, 90))
        self.assertIs(hours._next_closing(MONDAY), False)
        self.assertEqual(hours.status, "Open day and night")
        self.assertEqual(hours.summary, "Open day and night")

    def test_local_time(self):
        self.hours.tz = "Asia/Kathmandu"
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(3, 15))

    def test_whole_days_and_minutes(self):
        self.create_exception(self.hours, "2026-01-05", name="Day off")
        self.create_exception(
            self.hours, "2026-01-06", minute_from=600, minute_to=660, name="Meeting"
        )
        self.assertEqual(
            self.hours._plan_deadline(self.at(9), 2 * 3600), self.at(12, days=1)
        )
        self.create_exception(
            self.hours, "2026-01-05", kind="open", minute_from=600, minute_to=630
        )
        self.assertEqual(
            self.hours._plan_deadline(self.at(9), 2 * 3600), self.at(11, 30, days=1)
        )

    def test_unknown_to_the_database(self):
        hours = self.env["csp.hours"].new(
            {
                "tz": "UTC",
                "line_ids": [
                    Command.create(
                        {"weekday": "0", "minute_from": 60, "minute_to": 120}
                    )
                ],
            }
        )
        self.assertEqual(hours._next_opening(MONDAY), self.at(1))

    # -- Rules ---------------------------------------------------------------------

    def test_overlap_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "Monday .* and Monday .* overlap"):
            self.create_hours([(0, 540, 720), (0, 700, 800)])
        with self.assertRaisesRegex(ValidationError, "overlap"):
            # A night shift into the next morning.
            self.create_hours([(0, 1320, 1800), (1, 300, 600)])
        with self.assertRaisesRegex(ValidationError, "overlap"):
            # From Sunday into Monday.
            self.create_hours([(6, 1320, 1800), (0, 300, 600)])
        with self.assertRaisesRegex(ValidationError, "overlap"):
            self.env["csp.hours.line"].create(
                {
                    "hours_id": self.hours.id,
                    "weekday": "0",
                    "minute_from": 600,
                    "minute_to": 610,
                }
            )

    def test_touching_and_moved_lines_are_fine(self):
        hours = self.create_hours([(6, 1320, 1800), (0, 360, 720), (0, 720, 800)])
        first, second = hours.line_ids.sorted("minute_from")[:2]
        # On the way from the old to the new times they would overlap.
        hours.write(
            {
                "line_ids": [
                    Command.update(first.id, {"minute_to": 700}),
                    Command.update(second.id, {"minute_from": 700}),
                ]
            }
        )

    def test_times_that_make_no_sense(self):
        for start, end in ((600, 600), (700, 600), (-1, 60), (1440, 1500), (0, 2881)):
            with self.assertRaises(ValidationError):
                self.create_hours([(0, start, end)])
        for values in (
            {"minute_from": 600, "minute_to": 600},
            {"minute_from": 600},
            {"date_to": "2026-01-01"},
        ):
            with self.assertRaises(ValidationError):
                self.create_exception(self.hours, "2026-01-05", **values)

    def test_region_belongs_to_country(self):
        with self.assertRaises(ValidationError):
            self.create_hours(
                country_id=self.env.ref("base.gr").id,
                state_id=self.env.ref("base.state_us_5").id,
            )

    def test_copy(self):
        self.create_exception(self.hours, "2026-01-05", name="Day off")
        copy = self.hours.copy()
        self.assertEqual(copy.name, "Hours (copy)")
        self.assertEqual(copy.summary, self.hours.summary)
        self.assertEqual(copy.exception_ids.name, "Day off")

    # -- Shown to people -----------------------------------------------------------

    def test_status(self):
        cases = [
            (self.at(9), "Open now, closes at 12:00"),
            (self.at(8), "Closed, opens at 09:00"),
            (self.at(12), "Closed, opens at 13:00"),
            (self.at(17), "Closed, opens tomorrow at 09:00"),
            (self.at(17, days=4), "Closed, opens on Monday at 09:00"),
        ]
        for at, text in cases:
            with freeze_time(at):
                self.hours.invalidate_recordset(["status", "is_open"])
                self.assertEqual(self.hours.status, text)
                self.assertEqual(self.hours.is_open, text.startswith("Open"))
        evening = self.create_hours([(0, 1080, 1440), (1, 0, 120)])
        self.assertEqual(
            evening._get_status_text(self.at(20)),
            "Open now, closes tomorrow at 02:00",
        )
        self.assertEqual(
            self.create_hours([(0, 1080, 1440)])._get_status_text(self.at(20)),
            "Open now, closes at 24:00",
        )
        self.create_exception(self.hours, "2026-01-05", date_to="2026-03-01")
        self.assertEqual(
            self.hours._get_status_text(self.at(9)),
            "Closed, opens on Monday 2 March at 09:00",
        )

    def test_last_second_of_a_closure_is_not_shown(self):
        """Odoo's closures end at 23:59:59; what is left of the day is no news."""
        hours = self.create_hours(
            [(day, 0, 1440) for day in range(7)], follow_company_closures=True
        )
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Closed",
                "calendar_id": False,
                "date_from": MONDAY,
                "date_to": self.at(23, 59) + timedelta(seconds=59),
            }
        )
        if hours._is_open(self.at(12)):
            # More than one company in this database.
            hours.company_id = self.company
        self.assertFalse(hours._is_open(self.at(12)))
        self.assertEqual(
            hours._next_opening(self.at(12)), self.at(23, 59) + timedelta(seconds=59)
        )
        self.assertIn("tomorrow", self.create_status_after_night(hours))

    def create_status_after_night(self, hours):
        """Return the state at noon when the next morning is closed, too."""
        self.create_exception(hours, "2026-01-06", minute_from=1, minute_to=480)
        self.create_exception(hours, "2026-01-05", minute_from=1439, minute_to=1440)
        self.create_exception(hours, "2026-01-06", minute_from=0, minute_to=1)
        return hours._get_status_text(self.at(12))

    def test_time_format_of_the_language(self):
        lang = self.env["res.lang"].search([("code", "=", "en_US")])
        lang.time_format = "%I:%M:%S %p"
        text = self.hours._get_status_text(self.at(13)).replace("\u202f", " ")
        self.assertEqual(text, "Open now, closes at 5:00 PM")

    def test_search_open_now(self):
        closed = self.create_hours()
        both = self.hours | closed
        with freeze_time(self.at(9)):
            for domain, found in (
                ([("is_open", "=", True)], self.hours),
                ([("is_open", "!=", True)], closed),
                ([("is_open", "=", False)], closed),
                ([("is_open", "in", [True, False])], both),
            ):
                self.assertEqual(
                    self.env["csp.hours"].search(domain) & both, found, domain
                )

    def test_coming_days(self):
        self.create_exception(self.hours, "2026-01-06", name="Epiphany")
        self.create_exception(
            self.hours, "2026-01-10", kind="open", minute_from=600, minute_to=1440
        )
        with freeze_time(self.at(12)):
            lines = self.hours.coming_days.splitlines()
            self.assertEqual(len(lines), 14)
            self.assertIn("closed (Epiphany)", lines[1])
            picture = self.hours.week_picture
        self.assertEqual(picture["coming"][5]["spans"], [[600, 1440]])
        self.assertEqual(picture["week"][0]["spans"], [[540, 720], [780, 1020]])
        self.assertEqual(picture["week"][6]["spans"], [])

    def test_days_are_those_of_the_zone(self):
        """A user far away sees the days of the hours, not his own."""
        self.hours.tz = "Australia/Lord_Howe"
        with freeze_time("2026-01-05 20:00:00"):
            first = self.hours.with_context(tz="America/St_Johns").coming_days
        self.assertTrue(first.startswith("Tue 6 Jan"), first)

    def test_night_shift_in_the_picture(self):
        hours = self.create_hours([(6, 1320, 1800)])
        week = hours.week_picture["week"]
        self.assertEqual(week[6]["spans"], [[1320, 1440]])
        self.assertEqual(week[0]["spans"], [[0, 360]])

    def test_night_shift_in_words(self):
        """A night belongs to the day on which it begins; bars end at midnight."""
        hours = self.create_hours([(0, 1320, 1800), (2, 0, 1440), (3, 0, 60)])
        with freeze_time(self.at(12)):
            coming = hours.week_picture["coming"]
        texts = [day["text"] for day in coming[:4]]
        self.assertEqual(
            texts, ["22:00–06:00", "closed", "open day and night", "00:00–01:00"]
        )
        self.assertEqual(coming[1]["spans"], [[0, 360]])
        hours.invalidate_recordset()
        with freeze_time(self.at(3, days=1)):
            self.assertEqual(hours.week_picture["coming"][0]["text"], "00:00–06:00")

    def test_other_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        hours = self.hours.with_context(lang="fr_FR")
        self.assertTrue(hours.summary.startswith("lun."), hours.summary)
        with freeze_time(self.at(0)):
            self.assertTrue(hours.coming_days.startswith("lun."))

    def test_form(self):
        user = new_test_user(
            self.env, "hours_manager", groups="customer_service_plan.group_manager"
        )
        form = Form(self.env["csp.hours"].with_user(user))
        form.name = "Night"
        form.tz = "Europe/Athens"
        with form.line_ids.new() as line:
            line.weekday = "6"
            line.minute_from = 1320
            line.minute_to = 360
            self.assertEqual(line.minute_to, 1800)
        with form.exception_ids.new() as row:
            row.date_from = "2026-01-05"
            row.name = "Closed"
            self.assertTrue(row.whole_day)
            row.whole_day = False
            self.assertEqual((row.minute_from, row.minute_to), (540, 1020))
            row.minute_to = 600
        hours = form.save()
        self.assertEqual(hours.line_ids.minute_to, 1800)
        self.assertEqual(hours.exception_ids.date_to, hours.exception_ids.date_from)
        self.assertEqual(hours.exception_ids.minute_to, 600)

    # -- Changes -------------------------------------------------------------------

    def changes(self):
        """Count the changes that tables are told of."""
        original = CspHours._hours_changed
        calls = []

        def hours_changed(hours):
            if hours:
                calls.append(hours)
            return original(hours)

        self.patch(CspHours, "_hours_changed", hours_changed)
        return calls

    def test_answers_follow_each_change(self):
        hours, line = self.hours, self.hours.line_ids[0]

        def opening():
            return hours._next_opening(MONDAY)

        self.assertEqual(opening(), self.at(9))
        line.minute_from = 480
        self.assertEqual(opening(), self.at(8))
        line.unlink()
        self.assertEqual(opening(), self.at(13))
        row = self.create_exception(hours, "2026-01-05")
        self.assertEqual(opening(), self.at(9, days=1))
        row.write({"date_from": "2026-01-06", "date_to": "2026-01-06"})
        self.assertEqual(opening(), self.at(13))
        row.unlink()
        hours.tz = "America/St_Johns"
        self.assertEqual(opening(), self.at(16, 30))
        hours.always_open = True
        self.assertEqual(opening(), MONDAY)

    def test_one_change_is_told_once(self):
        calls = self.changes()
        line = self.hours.line_ids[0]
        self.hours.write(
            {
                "tz": "Europe/Athens",
                "line_ids": [
                    Command.update(line.id, {"minute_from": 550}),
                    Command.create(
                        {"weekday": "5", "minute_from": 600, "minute_to": 700}
                    ),
                ],
                "exception_ids": [Command.create({"date_from": "2026-01-05"})],
            }
        )
        self.assertEqual(calls, [self.hours])
        calls.clear()
        self.hours.line_ids.unlink()
        self.assertEqual(calls, [self.hours])

    def test_what_is_no_change_is_not_told(self):
        row = self.create_exception(self.hours, "2026-01-05")
        calls = self.changes()
        self.hours.write({"name": "Other", "tz": "UTC", "always_open": False})
        row.name = "Other"
        self.create_hours(OFFICE)
        self.assertEqual(calls, [])

    def test_line_moved_to_another_table(self):
        other = self.create_hours()
        calls = self.changes()
        self.hours.line_ids[0].hours_id = other
        self.assertEqual(calls, [self.hours | other])

    def test_rolled_back_change_leaves_nothing(self):
        class Stop(Exception):
            pass

        try:
            with self.env.cr.savepoint():
                self.hours.line_ids.unlink()
                self.assertFalse(self.hours._next_opening(MONDAY))
                raise Stop()
        except Stop:
            self.assertEqual(self.hours._next_opening(MONDAY), self.at(9))

    def test_known_table_costs_no_query(self):
        self.hours._plan_deadline(MONDAY, 60)
        self.env.invalidate_all()
        with self.assertQueryCount(0):
            for days in range(50):
                self.hours._plan_deadline(self.at(8, days=days), 3600)

    def test_commitments_are_planned_again(self):
        """The rows that run on a table are told of its change, once."""
        commitment = self.env.get("csp.commitment")
        if commitment is None:
            self.skipTest("no commitments in this registry")
        with patch.object(type(commitment), "_replan_hours") as replan:
            self.hours.line_ids[0].minute_from = 500
        replan.assert_called_once_with(self.hours)

    # -- Closures of the company ---------------------------------------------------

    def create_closure(self, **values):
        return self.env["resource.calendar.leaves"].create(
            {
                "name": "Closed",
                "calendar_id": False,
                "date_from": MONDAY,
                "date_to": self.at(0, days=1),
                **values,
            }
        )

    def test_followed_closure(self):
        self.hours.write({"company_id": self.company, "follow_company_closures": True})
        calls = self.changes()
        closure = self.create_closure()
        self.assertEqual(calls, [self.hours])
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9, days=1))
        closure.date_to = self.at(10)
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(10))
        closure.name = "Other"
        closure.unlink()
        self.assertEqual(len(calls), 3)
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9))

    def test_closures_that_do_not_count(self):
        self.hours.write({"company_id": self.company, "follow_company_closures": True})
        other = self.env["res.company"].create({"name": "Other"})
        part_time = self.env["resource.calendar"].create(
            {"name": "Part time", "company_id": self.company.id}
        )
        person = self.env["resource.resource"].create(
            {"name": "Person", "calendar_id": self.company.resource_calendar_id.id}
        )
        calls = self.changes()
        self.create_closure(calendar_id=part_time.id)
        self.create_closure(resource_id=person.id)
        self.create_closure(time_type="other")
        self.env["resource.calendar.leaves"].with_company(other).with_context(
            allowed_company_ids=other.ids
        ).create(
            {
                "name": "Closed",
                "calendar_id": other.resource_calendar_id.id,
                "date_from": MONDAY,
                "date_to": self.at(0, days=1),
            }
        )
        self.assertEqual(calls, [])
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9))
        self.create_closure(calendar_id=self.company.resource_calendar_id.id)
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9, days=1))

    def test_other_default_schedule(self):
        self.hours.write({"company_id": self.company, "follow_company_closures": True})
        schedule = self.env["resource.calendar"].create(
            {"name": "New", "company_id": self.company.id}
        )
        self.create_closure(calendar_id=schedule.id)
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9))
        self.company.resource_calendar_id = schedule
        self.assertEqual(self.hours._next_opening(MONDAY), self.at(9, days=1))

    # -- Access --------------------------------------------------------------------

    def test_access(self):
        agent = new_test_user(
            self.env, "hours_agent", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        manager = new_test_user(
            self.env, "hours_boss", groups="customer_service_plan.group_manager"
        )
        portal = new_test_user(self.env, "hours_portal", groups="base.group_portal")
        hours = self.hours.with_user(agent)
        self.assertEqual(hours.name, "Hours")
        self.assertEqual(len(hours.line_ids), 10)
        self.assertEqual(hours._next_opening(MONDAY), self.at(9))
        for change in (
            lambda: hours.write({"name": "Mine"}),
            lambda: hours.line_ids[0].write({"minute_from": 500}),
            lambda: hours.line_ids[0].unlink(),
            lambda: hours.copy(),
            lambda: (
                self.env["csp.hours.exception"]
                .with_user(agent)
                .create({"hours_id": hours.id, "date_from": "2026-01-05"})
            ),
            lambda: hours.action_set_week(),
            lambda: (
                self.env["csp.hours.week"]
                .with_user(agent)
                .create({"hours_id": hours.id})
            ),
        ):
            with self.assertRaises(AccessError):
                change()
        hours = self.hours.with_user(manager)
        hours.line_ids[0].minute_from = 500
        hours.copy().unlink()
        for user in (portal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self.hours.with_user(user).read(["name"])
            with self.assertRaises(AccessError):
                self.hours.line_ids.with_user(user).read(["weekday"])

    def test_second_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        agent = new_test_user(
            self.env,
            "hours_other_agent",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.create_exception(self.hours, "2026-01-05")
        hours = self.hours.with_user(agent)
        self.assertEqual(hours.name, "Hours")
        self.hours.company_id = self.company
        self.env.invalidate_all()
        for records in (self.hours, self.hours.line_ids, self.hours.exception_ids):
            with self.assertRaises(AccessError):
                records.with_user(agent).read()
        self.assertFalse(hours.search([("id", "=", hours.id)]))
        # A deadline may come from a table that one cannot see.
        self.assertEqual(hours._next_opening(MONDAY), self.at(9, days=1))
