"""Who is at work, who is away, and what a manager may say about it."""

import unittest
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, MissingError, ValidationError
from odoo.tests import Form, new_test_user, users
from odoo.tools import mute_logger

from ..tools import presence
from ..tools.epoch import to_epoch
from ..tools.timeline import FOREVER, merge_spans
from .common import CspCommon

BRUSSELS = "Europe/Brussels"
OFFICE = tuple((day, 540, 1020) for day in range(5))
spans = st.lists(
    st.tuples(st.integers(0, 30 * 86400), st.integers(1, 4 * 86400)).map(
        lambda pair: (NOW + pair[0] - 86400, NOW + pair[0] - 86400 + pair[1])
    ),
    max_size=6,
)


def local(*args, zone=BRUSSELS):
    return int(datetime(*args, tzinfo=ZoneInfo(zone)).timestamp())


#: A Wednesday, 10:00 in Brussels.
NOW = local(2026, 11, 18, 10, 0)


class TestPresenceRules(unittest.TestCase):
    """The pure rules."""

    def _presence(self, at, week=OFFICE, **kwargs):
        return presence.get_presence(
            at,
            presence.get_week_timeline(BRUSSELS, week),
            presence.get_daily_timeline(BRUSSELS, 420, 1200),
            **kwargs,
        )

    def test_at_work(self):
        found = self._presence(NOW, deputy=7)
        self.assertEqual(found, (True, False, True, True, NOW, NOW, 7))

    def test_evening_and_night(self):
        evening = self._presence(local(2026, 11, 18, 18, 0))
        self.assertFalse(evening.working)
        self.assertTrue(evening.decent)
        self.assertEqual(evening.works_at, local(2026, 11, 19, 9, 0))
        night = self._presence(local(2026, 11, 20, 23, 0))
        self.assertFalse(night.decent)
        # Saturday morning is decent, work begins on Monday.
        self.assertEqual(night.decent_at, local(2026, 11, 21, 7, 0))
        self.assertEqual(night.works_at, local(2026, 11, 23, 9, 0))

    def test_leave_and_closure(self):
        until = local(2026, 11, 19, 13, 0)
        leave = self._presence(NOW, leaves=[(NOW - 60, until)])
        self.assertTrue(leave.away)
        self.assertFalse(leave.working)
        self.assertEqual(leave.works_at, until)
        closed = self._presence(NOW, closures=[(NOW - 60, until)])
        self.assertFalse(closed.away)
        self.assertFalse(closed.working)
        self.assertEqual(closed.works_at, until)

    def test_until_further_notice(self):
        found = self._presence(NOW, leaves=[(NOW, FOREVER)])
        self.assertTrue(found.away)
        self.assertIsNone(found.works_at)
        self.assertEqual(found.decent_at, NOW)

    def test_night_work_is_decent(self):
        week = tuple((day, 1320, 1800) for day in range(7))
        at = local(2026, 11, 18, 3, 0)
        self.assertTrue(self._presence(at, week).working)
        self.assertTrue(self._presence(at, week).decent)

    def test_never_works(self):
        found = self._presence(NOW, ())
        self.assertEqual((found.working, found.works_at), (False, None))

    def test_summer_time(self):
        # Clocks go forward on Sunday, 29 March 2026.
        before = self._presence(local(2026, 3, 27, 18, 0))
        self.assertEqual(before.works_at, local(2026, 3, 30, 9, 0))
        self.assertEqual((before.works_at - local(2026, 3, 27, 9, 0)) % 86400, 82800)

    def test_two_weeks(self):
        first = tuple((day, 540, 720) for day in range(5))
        schedule = presence.get_schedule(BRUSSELS, (first, OFFICE))
        monday = datetime(2026, 11, 16).toordinal()
        is_second = (monday - 1) // 7 % 2
        self.assertEqual(
            schedule.next_opening(local(2026, 11, 18, 14, 0)),
            local(2026, 11, 18 if is_second else 19, 14 if is_second else 9, 0),
        )
        self.assertEqual(
            schedule.next_opening(local(2026, 11, 25, 14, 0)),
            local(2026, 11, 26 if is_second else 25, 9 if is_second else 14, 0),
        )
        nothing = presence.get_schedule(BRUSSELS, ((), ((0, 5, 5),)))
        self.assertIsNone(nothing.next_opening(NOW))

    @settings(max_examples=200, deadline=None)
    @given(
        at=st.integers(NOW, NOW + 20 * 86400),
        leaves=spans,
        closures=spans,
    )
    def test_next_moment_is_the_first_one(self, at, leaves, closures):
        found = self._presence(at, leaves=leaves, closures=closures)
        gone = merge_spans([*leaves, *closures])

        def works(moment):
            clock = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(BRUSSELS))
            return (
                clock.weekday() < 5
                and 9 <= clock.hour < 17
                and not any(start <= moment < end for start, end in gone)
            )

        self.assertEqual(found.working, works(at))
        self.assertTrue(works(found.works_at))
        # Nothing begins between but at the end of an absence or on the hour.
        candidates = [end for _start, end in gone]
        candidates += range(at - at % 3600, found.works_at, 3600)
        for moment in candidates:
            if at <= moment < found.works_at:
                self.assertFalse(works(moment))
        self.assertLessEqual(found.decent_at, found.works_at)


class TestPresence(CspCommon):
    """What Odoo and the service plan know about people."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.partner_id.tz = "Europe/Athens"
        cls.agent.tz = "Europe/Athens"
        cls.colleague = new_test_user(
            cls.env,
            "csp_colleague",
            name="Colleague",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            tz="Europe/Athens",
        )
        cls.calendar = cls.env["resource.calendar"].create(
            {
                "name": "Afternoons",
                "tz": "Europe/Athens",
                "attendance_ids": [
                    (
                        0,
                        0,
                        {
                            "name": "Afternoon",
                            "dayofweek": str(day),
                            "hour_from": 13,
                            "hour_to": 18,
                            "day_period": "afternoon",
                        },
                    )
                    for day in range(5)
                ],
            }
        )

    def _resource(self, user, **vals):
        return self.env["resource.resource"].create(
            {
                "name": user.name,
                "user_id": user.id,
                "calendar_id": self.calendar.id,
                "tz": "Europe/Athens",
                "company_id": user.company_id.id,
                **vals,
            }
        )

    def _at(self, user, at):
        return user._csp_presence(at)[user.id]

    def test_own_hours(self):
        self.agent.csp_hours_id = self.hours
        self._resource(self.agent)
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)
        self.assertFalse(self._at(self.agent, self.at(hours=8, minutes=30)).working)

    def test_working_schedule(self):
        self._resource(self.agent)
        morning = self._at(self.agent, self.at(minutes=1))
        self.assertFalse(morning.working)
        self.assertTrue(morning.decent)
        self.assertEqual(morning.works_at, to_epoch(self.at(hours=4)))
        self.assertTrue(self._at(self.agent, self.at(hours=4)).working)

    def test_nothing_known(self):
        """Then weekdays in the hours in which the company tells people things."""
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)
        self.assertFalse(self._at(self.agent, self.at(days=5)).working)
        self.assertTrue(self._at(self.agent, self.at(days=5)).decent)
        self.assertFalse(self._at(self.agent, self.at(hours=15)).decent)
        self.agent.tz = "America/New_York"
        self.assertFalse(self._at(self.agent, self.at(minutes=1)).decent)

    def test_empty_and_flexible_schedules_say_nothing(self):
        resource = self._resource(self.agent)
        self.calendar.attendance_ids.unlink()
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)
        resource.calendar_id = False
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)

    def test_leave(self):
        resource = self._resource(self.agent)
        leave = self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "resource_id": resource.id,
                "calendar_id": self.calendar.id,
                "date_from": self.at(days=-1),
                "date_to": self.at(days=2, hours=5),
                "time_type": "leave",
            }
        )
        found = self._at(self.agent, self.at(hours=5))
        self.assertTrue(found.away)
        self.assertEqual(found.works_at, to_epoch(self.at(days=2, hours=5)))
        self.agent.csp_hours_id = self.hours
        self.assertTrue(self._at(self.agent, self.at(hours=5)).away)
        leave.time_type = "other"
        self.assertFalse(self._at(self.agent, self.at(hours=5)).away)

    def test_closures(self):
        """Those of the company count, of another one not."""
        other = self.env["res.company"].create({"name": "Branch"})
        Leaves = self.env["resource.calendar.leaves"]
        closure = Leaves.with_company(other).create(
            {
                "name": "Public holiday",
                "company_id": other.id,
                "calendar_id": False,
                "date_from": self.at(hours=-9),
                "date_to": self.at(hours=14, minutes=59, seconds=59),
            }
        )
        self.env.flush_all()
        closure.company_id = other
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)
        closure.company_id = self.env.company
        found = self._at(self.agent, self.at(minutes=1))
        self.assertFalse(found.working)
        self.assertFalse(found.away)
        self.assertEqual(found.works_at, to_epoch(self.at(days=1, hours=-2)))
        # Hours of our own decide for themselves.
        self.agent.csp_hours_id = self.hours
        self.assertTrue(self._at(self.agent, self.at(minutes=1)).working)

    def test_marks(self):
        self.agent.csp_away_from = self.at(hours=2)
        self.assertFalse(self._at(self.agent, self.at(hours=1)).away)
        found = self._at(self.agent, self.at(hours=2))
        self.assertTrue(found.away)
        self.assertIsNone(found.works_at)
        self.agent.csp_away_until = self.at(hours=3)
        found = self._at(self.agent, self.at(hours=2))
        self.assertEqual(found.works_at, to_epoch(self.at(hours=3)))
        self.agent.csp_away_from = False
        self.assertTrue(self._at(self.agent, self.at()).away)
        self.agent.csp_away_until = False
        self.agent.out_of_office_from = self.at()
        self.assertTrue(self._at(self.agent, self.at(hours=1)).away)

    def test_archived(self):
        self.agent.csp_deputy_id = self.colleague
        self.agent.active = False
        found = self._at(self.agent, self.at(minutes=1))
        self.assertEqual(
            found, (False, False, False, False, None, None, self.colleague.id)
        )

    def test_users_without_rights_may_ask(self):
        found = self.manager.with_user(self.colleague)._csp_presence(self.at())
        self.assertEqual(set(found), {self.manager.id})

    def test_queries_do_not_grow(self):
        more = self.env["res.users"].browse(
            new_test_user(self.env, f"csp_many_{number}", groups="base.group_user").id
            for number in range(20)
        )
        people = more[:2]
        for user in more:
            self._resource(user)
        counts = []
        for group in (people, more, people, more):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            group._csp_presence(self.at())
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[2], counts[3])
        self.assertLess(counts[3], 12)


class TestDeputies(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna, cls.luc, cls.eva = (
            new_test_user(
                cls.env,
                f"csp_{name.lower()}",
                name=name,
                groups="helpdesk_mgmt.group_helpdesk_user_own",
            )
            for name in ("Anna", "Luc", "Eva")
        )

    def test_no_loops(self):
        self.anna.csp_deputy_id = self.luc
        self.luc.csp_deputy_id = self.eva
        with self.assertRaisesRegex(ValidationError, "Eva → Anna → Luc → Eva"):
            self.eva.csp_deputy_id = self.anna
        with self.assertRaises(ValidationError):
            self.anna.csp_deputy_id = self.anna

    def test_deputy_sees_the_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.luc.write({"company_ids": [(6, 0, branch.ids)], "company_id": branch.id})
        with self.assertRaisesRegex(ValidationError, "no access"):
            self.anna.csp_deputy_id = self.luc
        self.luc.company_ids += self.env.company
        self.anna.csp_deputy_id = self.luc
        with self.assertRaisesRegex(ValidationError, "no access"):
            self.luc.company_ids = branch

    def test_deputy_is_staff(self):
        portal = new_test_user(self.env, "csp_guest", groups="base.group_portal")
        with self.assertRaises(ValidationError):
            self.anna.csp_deputy_id = portal

    def test_everybody_says_it_himself(self):
        mine = self.anna.with_user(self.anna)
        mine.write({"csp_deputy_id": self.luc.id, "csp_away_from": self.at()})
        mine.csp_away_until = self.at(days=1)
        with self.assertRaises(AccessError):
            mine.csp_ticket_ceiling = 3
        with self.assertRaises(AccessError):
            self.luc.with_user(self.anna).csp_deputy_id = self.eva
        form = Form(
            self.anna.with_user(self.anna), view="base.view_users_form_simple_modif"
        )
        form.csp_deputy_id = self.eva
        form.save()
        self.assertEqual(self.anna.csp_deputy_id, self.eva)

    def test_portal_users_have_no_part_in_it(self):
        portal = new_test_user(self.env, "csp_guest", groups="base.group_portal")
        with self.assertRaises(AccessError):
            portal.with_user(portal).csp_away_from = self.at()
        with self.assertRaises(AccessError):
            portal.with_user(portal).read(["csp_hours_id"])

    @mute_logger("odoo.sql_db")
    def test_back_before_leaving(self):
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.anna.write({"csp_away_from": self.at(1), "csp_away_until": self.at()})
            self.env.flush_all()

    def test_things_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        theirs = self.hours.copy({"company_id": branch.id})
        with self.assertRaises(ValidationError):
            self.anna.csp_hours_id = theirs
        channel = self.env["helpdesk.ticket.channel"].create(
            {"name": "Counter", "company_id": branch.id}
        )
        with self.assertRaises(ValidationError):
            self.anna.csp_channel_ids = channel


class TestStaff(CspCommon):
    """A manager's screen of the people of his helpdesk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.company"].create({"name": "Branch"})
        cls.manager.write({"company_ids": [(6, 0, cls.env.company.ids)]})
        cls.stranger = new_test_user(
            cls.env,
            "csp_stranger",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            company_id=cls.branch.id,
            company_ids=[(6, 0, cls.branch.ids)],
        )
        cls.clerk = new_test_user(cls.env, "csp_clerk", groups="base.group_user")
        cls.env["helpdesk.ticket.team"].create(
            {"name": "Team", "user_ids": cls.agent.ids}
        )

    def _staff(self, user, who=None):
        return self.env["csp.staff"].with_user(who or self.manager).browse(user.id)

    @users("csp_manager")
    def test_who_is_listed(self):
        found = self.env["csp.staff"].search([]).user_id
        self.assertIn(self.agent, found)
        self.assertIn(self.manager, found)
        self.assertNotIn(self.stranger, found)
        self.assertNotIn(self.clerk, found)
        staff = self._staff(self.agent)
        self.assertEqual(staff.team_ids.mapped("name"), ["Team"])
        self.assertEqual(staff.name, self.agent.name)
        self.assertTrue(self.env["csp.staff"].search([("name", "=", staff.name)]))

    def test_manager_saves(self):
        self.assertFalse(self.agent.with_user(self.manager).has_access("write"))
        lang = self.env.ref("base.lang_en")
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        form = Form(self._staff(self.agent))
        form.csp_hours_id = self.hours
        form.csp_deputy_id = self.manager
        form.csp_ticket_ceiling = 12
        form.csp_lang_ids.add(lang)
        form.csp_channel_ids.add(channel)
        form.save()
        self.assertEqual(self.agent.csp_hours_id, self.hours)
        self.assertEqual(self.agent.csp_deputy_id, self.manager)
        self.assertEqual(self.agent.csp_ticket_ceiling, 12)
        self.assertEqual(self.agent.csp_lang_ids, lang)
        self.assertEqual(self.agent.csp_channel_ids, channel)
        self.assertEqual(self._staff(self.agent).csp_ticket_ceiling, 12)

    def test_nothing_else(self):
        for vals in ({"name": "Me"}, {"user_id": self.clerk.id}, {"active": False}):
            with self.subTest(vals), self.assertRaises(AccessError):
                self._staff(self.agent).write(vals)
        with self.assertRaises(AccessError):
            self._staff(self.stranger).write({"csp_ticket_ceiling": 1})
        with self.assertRaises(MissingError):
            self._staff(self.clerk).write({"csp_ticket_ceiling": 1})
        with self.assertRaises(AccessError):
            self._staff(self.agent, self.agent).write({"csp_ticket_ceiling": 1})
        with self.assertRaises(AccessError):
            self._staff(self.agent).unlink()
        with self.assertRaises(AccessError):
            self.env["csp.staff"].with_user(self.manager).create(
                {"user_id": self.clerk.id}
            )

    def test_presence_is_shown(self):
        with freeze_time(self.at(hours=1)):
            self.agent.tz = "Europe/Athens"
            staff = self._staff(self.agent)
            self.assertEqual(staff.presence, "working")
            staff.csp_away_until = self.at(hours=2)
            self.assertEqual(staff.presence, "away")
            self.assertTrue(staff.works_at_text)
            staff.action_back()
            self.assertEqual(staff.presence, "working")
            self.assertFalse(self.agent.csp_away_until)

    def test_queries_do_not_grow(self):
        group = "helpdesk_mgmt.group_helpdesk_user_own"
        many = [
            new_test_user(self.env, f"csp_many_{number}", groups=group).id
            for number in range(10)
        ]
        self.env["helpdesk.ticket.team"].create({"name": "Many", "user_ids": many})
        staff = self.env["csp.staff"].with_user(self.manager).browse(many)
        names = ["name", "presence", "team_ids", "open_ticket_count", "csp_lang_ids"]
        counts = []
        for limit in (2, 10, 2, 10):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            staff[:limit].read(names)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[3], counts[2])
