from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from .test_hours import HoursCommon


@tagged("post_install", "-at_install")
class TestHoursWizards(HoursCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "hours_wizard_manager",
            groups="customer_service_plan.group_manager",
        )
        cls.empty = cls.create_hours().with_user(cls.manager)

    def form(self, action):
        """Open the dialog of a button."""
        return Form(
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(**action["context"])
        )

    def apply(self, form):
        form.save().action_apply()

    def spans(self, hours):
        return [
            (int(line.weekday), line.minute_from, line.minute_to)
            for line in hours.line_ids
        ]

    # -- The week ------------------------------------------------------------------

    def test_week_of_an_office(self):
        form = self.form(self.empty.action_set_week())
        self.assertEqual(form.summary, "Mon–Fri 09:00–17:00")
        self.apply(form)
        self.assertEqual(self.spans(self.empty), [(day, 540, 1020) for day in range(5)])

    def test_week_with_lunch_break(self):
        form = self.form(self.empty.action_set_week())
        form.preset = "lunch"
        self.assertEqual(form.summary, "Mon–Fri 09:00–12:00, 13:00–18:00")
        form.break_to = 750
        self.apply(form)
        self.assertEqual(self.spans(self.empty)[:2], [(0, 540, 720), (0, 750, 1080)])

    def test_break_outside_of_the_hours(self):
        form = self.form(self.empty.action_set_week())
        form.has_break = True
        form.break_from = 480
        with self.assertRaisesRegex(ValidationError, "between 09:00 and 17:00"):
            self.apply(form)

    def test_night_shift(self):
        form = self.form(self.empty.action_set_week())
        form.preset = "night"
        self.apply(form)
        self.assertEqual(
            self.spans(self.empty), [(day, 1320, 1800) for day in range(7)]
        )
        self.assertEqual(self.empty.summary, "Mon–Sun 22:00–06:00")

    def test_end_before_beginning_is_the_next_day(self):
        form = self.form(self.empty.action_set_week())
        form.minute_from = 1200
        form.minute_to = 120
        self.assertEqual(form.minute_to, 1560)

    def test_day_and_night(self):
        form = self.form(self.empty.action_set_week())
        form.preset = "always"
        self.apply(form)
        self.assertIs(self.empty._next_closing(self.at(9)), False)

    def test_other_days_may_stay(self):
        form = self.form(self.empty.action_set_week())
        self.apply(form)
        form = self.form(self.empty.action_set_week())
        form.preset = "shop"
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday"):
            form[day] = False
        form.others = "keep"
        self.assertEqual(form.summary, "Mon–Fri 09:00–17:00; Sat 09:00–20:00")
        self.apply(form)
        self.assertEqual(len(self.empty.line_ids), 6)

    # -- Public holidays -----------------------------------------------------------

    @freeze_time("2026-01-05")
    def holiday_form(self, country="base.gr", years=(2026, 2026)):
        self.empty.sudo().country_id = self.env.ref(country)
        form = self.form(self.empty.action_add_holidays())
        form.year_from, form.year_to = years
        return form

    def test_holidays_of_years(self):
        form = self.holiday_form(years=(2026, 2028))
        self.assertFalse(form.problem)
        self.apply(form)
        days = self.empty.exception_ids.mapped("date_from")
        self.assertEqual(days, sorted(set(days)))
        self.assertEqual({day.year for day in days}, {2026, 2027, 2028})
        self.assertIn(date(2026, 4, 13), days, "Orthodox Easter Monday")
        self.assertEqual(set(self.empty.exception_ids.mapped("kind")), {"closed"})

    def test_twice_adds_nothing_twice(self):
        self.apply(self.holiday_form())
        count = len(self.empty.exception_ids)
        form = self.holiday_form(years=(2026, 2027))
        self.assertEqual(form.known_count, count)
        self.apply(form)
        days = self.empty.exception_ids.mapped("date_from")
        self.assertEqual(len([day for day in days if day.year == 2026]), count)
        self.assertGreater(len(days), count)
        self.assertEqual(len(days), len(set(days)))

    def test_days_closed_by_hand_are_known(self):
        self.create_exception(
            self.empty.sudo(), "2026-12-24", date_to="2026-12-31", name="Winter"
        )
        self.apply(self.holiday_form())
        christmas = self.empty.exception_ids.filtered(
            lambda row: row.date_from == date(2026, 12, 25)
        )
        self.assertFalse(christmas)

    def test_review_before_adding(self):
        form = self.holiday_form()
        with form.line_ids.edit(0) as line:
            self.assertEqual(line.date, date(2026, 1, 1))
            line.is_selected = False
        with form.line_ids.edit(1) as line:
            line.name = "My Name"
        self.apply(form)
        self.assertNotIn(date(2026, 1, 1), self.empty.exception_ids.mapped("date_from"))
        self.assertIn("My Name", self.empty.exception_ids.mapped("name"))

    def test_names_in_the_language_of_the_user(self):
        for lang, name in (("en_US", "Christmas Day"), ("el_GR", "Χριστούγεννα")):
            self.env["res.lang"]._activate_lang(lang)
            form = self.form_in(lang)
            names = [line["name"] for line in form.line_ids._records]
            self.assertIn(name, names)

    def form_in(self, lang):
        self.manager.lang = lang
        self.empty.sudo().country_id = self.env.ref("base.gr")
        action = self.empty.with_context(lang=lang).action_add_holidays()
        return Form(
            self.env[action["res_model"]]
            .with_user(self.manager)
            .with_context(lang=lang, **action["context"])
        )

    def test_region(self):
        form = self.holiday_form("base.de")
        whole = len(form.line_ids)
        form.region = "BY"
        self.assertGreater(len(form.line_ids), whole)
        days = [line["date"] for line in form.line_ids._records]
        self.assertEqual(len(days), len(set(days)))

    def test_region_from_the_state(self):
        germany = self.env.ref("base.de")
        bavaria = self.env["res.country.state"].search(
            [("country_id", "=", germany.id), ("code", "=", "DE-BY")]
        ) or self.env["res.country.state"].create(
            {"name": "Bayern", "code": "DE-BY", "country_id": germany.id}
        )
        self.empty.sudo().write({"country_id": germany.id, "state_id": bavaria.id})
        form = self.form(self.empty.action_add_holidays())
        self.assertEqual(form.region, "BY")
        form.country_id = self.env.ref("base.gr")
        self.assertFalse(form.region)

    def test_what_cannot_be_proposed(self):
        form = self.holiday_form("base.aq", (2026, 2026))
        form.country_id = self.env.ref("base.gr")
        form.year_to = 2020
        self.assertIn("earlier one first", form.problem)
        self.assertFalse(len(form.line_ids))
        with self.assertRaises(UserError):
            self.apply(form)

    # -- A working schedule --------------------------------------------------------

    def schedule(self, lines, **values):
        return self.env["resource.calendar"].create(
            {
                "name": "Schedule",
                "tz": "Europe/Athens",
                "attendance_ids": [
                    Command.create(
                        {
                            "name": "Line",
                            "dayofweek": str(day),
                            "hour_from": start,
                            "hour_to": end,
                            "day_period": period,
                            "week_type": week,
                        }
                    )
                    for day, start, end, period, week in lines
                ],
                **values,
            }
        )

    def test_copy_schedule(self):
        calendar = self.schedule(
            [
                (0, 8, 12, "morning", False),
                (0, 12, 13, "lunch", False),
                (0, 13, 17.5, "afternoon", False),
                (6, 20, 24, "afternoon", False),
            ]
        )
        form = self.form(self.empty.action_copy_schedule())
        form.calendar_id = calendar
        self.assertEqual(form.summary, "Mon 08:00–12:00, 13:00–17:30; Sun 20:00–24:00")
        self.apply(form)
        self.assertEqual(
            self.spans(self.empty), [(0, 480, 720), (0, 780, 1050), (6, 1200, 1440)]
        )
        self.assertEqual(self.empty.tz, "Europe/Athens")
        self.assertTrue(self.empty.follow_company_closures)

    def test_copy_one_of_two_weeks(self):
        calendar = self.schedule(
            [(0, 8, 12, "morning", "0"), (1, 9, 13, "morning", "1")],
            two_weeks_calendar=True,
        )
        form = self.form(self.empty.action_copy_schedule())
        form.calendar_id = calendar
        self.assertTrue(form.two_weeks)
        form.week_type = "1"
        self.apply(form)
        self.assertEqual(self.spans(self.empty), [(1, 540, 780)])

    def test_schedules_without_times_are_refused(self):
        flexible = self.schedule([], schedule_type="flexible")
        by_duration = self.schedule([(0, 8, 12, "morning", False)], duration_based=True)
        for calendar, words in ((flexible, "not when"), (by_duration, "counts hours")):
            form = self.form(self.empty.action_copy_schedule())
            form.calendar_id = calendar
            self.assertIn(words, form.problem)
            with self.assertRaises(UserError):
                self.apply(form)

    def test_access(self):
        agent = new_test_user(
            self.env,
            "hours_wizard_agent",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
        )
        for model in ("csp.hours.week", "csp.hours.holiday", "csp.hours.schedule"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(agent).create({"hours_id": self.empty.id})
