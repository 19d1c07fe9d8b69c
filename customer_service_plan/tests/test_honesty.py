from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from ..models.csp_policy_version import NEEDS_REASON, WORTH_KNOWING
from ..models.protected import BY_ADDON
from .common import CspCommon

ANY = {"match_all": True, "first_response_minutes": 240}


class HonestyCase(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.csp_approval_required = False
        cls.env["csp.policy"].search([]).active = False
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.mail = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        others = cls.env["helpdesk.ticket.channel"].search([])
        (others - cls.phone - cls.mail).active = False
        # Of the helpdesk only these are here.
        staff = cls.env["csp.staff"].search([]).user_id - cls.manager - cls.agent
        staff.csp_channel_ids = cls.mail
        cls.mine = cls.env["csp.policy.version"].with_user(cls.manager)

    def _draft(self, *lines, **vals):
        policy = self._create_policy(
            lines or [ANY], publish=False, owner_id=self.manager.id, **vals
        )
        return self.mine.browse(policy.draft_version_id.id)

    def _find(self, version, severity=NEEDS_REASON, at=None):
        with freeze_time(at or self.at()):
            found = version._honesty_findings()
        return [each for each in found if each.severity == severity]

    def _texts(self, version, severity=NEEDS_REASON, at=None):
        return "\n".join(each.text for each in self._find(version, severity, at))


class TestCalendar(HonestyCase):
    """Promises that fall due while nobody is there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.around = cls.env["csp.hours"].create(
            {"name": "Around the clock", "tz": "UTC", "always_open": True}
        )

    def _counted(self, minutes, hours=None):
        hours = hours or self.around
        return self._draft(
            {
                "channel_ids": self.mail.ids,
                "hours_id": hours.id,
                "first_response_minutes": minutes,
            }
        )

    def test_longer_than_the_weekend(self):
        """From Friday 17:00 to Monday 9:00 are 64 hours."""
        late = self._counted(64 * 60 - 1)
        (finding,) = self._find(late)
        for part in ("Friday", "5:00 PM", "Monday", "9:00 AM", "64 h", "Email"):
            self.assertIn(part, finding.text)
        self.assertEqual(finding.mend, self.around)
        self.assertFalse(self._find(self._counted(64 * 60)))

    def test_holidays_count(self):
        """Closed on Easter, the longest span is that one."""
        self.hours.exception_ids = [
            Command.create(
                {
                    "name": "Easter",
                    "date_from": date(2026, 4, 10),
                    "date_to": date(2026, 4, 13),
                    "kind": "closed",
                }
            )
        ]
        text = self._texts(self._counted(64 * 60))
        self.assertIn("9 April", text)
        self.assertIn("14 April", text)
        self.assertIn("112 h", text)

    def test_own_hours_never_fail(self):
        self.assertFalse(self._find(self._draft({**ANY, "first_response_minutes": 1})))
        same = self._counted(1, self.hours)
        self.assertFalse(self._find(same))

    def test_longer_hours_than_the_channel(self):
        long = self.hours.copy({"name": "Until eight"})
        long.line_ids.minute_to = 1200
        self.assertIn("Until eight", self._texts(self._counted(179, long)))
        self.assertFalse(self._find(self._counted(180, long)))

    def test_line_that_another_takes_first(self):
        """Who is behind a line for the same channel promises nothing there."""
        version = self._draft(
            {"sequence": 1, "channel_ids": self.mail.ids, "resolution_minutes": 600},
            {
                "sequence": 2,
                "channel_ids": self.mail.ids,
                "hours_id": self.around.id,
                "first_response_minutes": 60,
            },
        )
        self.assertFalse(self._find(version))

    def test_never_opens_again(self):
        closed = self.env["csp.hours"].create({"name": "Never", "tz": "UTC"})
        version = self._draft({**ANY, "hours_id": closed.id})
        (finding,) = self._find(version)
        self.assertIn("never opens again", finding.text)
        self.assertEqual(finding.mend, closed)

    def test_at_worst(self):
        """In words what the unluckiest customer waits; good to know only."""
        text = self._texts(self._draft(), WORTH_KNOWING)
        self.assertIn("Friday 6 March, 5:00 PM", text)
        self.assertIn("Monday 9 March, 1:00 PM", text)
        self.assertIn("68 h", text)


class TestStaff(HonestyCase):
    """Live channels, and who is there."""

    def setUp(self):
        super().setUp()
        self.agent.csp_hours_id = self.hours
        self.manager.csp_hours_id = self.hours

    def _open_on_saturday(self):
        self.phone.csp_hours_id = self.hours.copy({"name": "Phone"})
        self.phone.csp_hours_id.line_ids = [
            Command.create({"weekday": "5", "minute_from": 540, "minute_to": 780})
        ]

    def test_all_are_there(self):
        self.assertFalse(self._find(self._draft()))

    def test_saturday_without_anybody(self):
        self._open_on_saturday()
        version = self._draft()
        (finding,) = self._find(version)
        self.assertIn("Saturday 9:00 AM–1:00 PM", finding.text)
        self.assertIn(self.phone.name, finding.text)
        self.phone.csp_live = False
        self.assertFalse(self._find(version))

    def test_somebody_on_saturday(self):
        self._open_on_saturday()
        self.agent.csp_hours_id = self.phone.csp_hours_id
        version = self._draft()
        self.assertFalse(self._find(version))
        self.agent.csp_channel_ids = self.mail
        self.assertTrue(self._find(version))

    def test_nobody_qualified(self):
        (self.agent | self.manager).csp_channel_ids = self.mail
        (finding,) = self._find(self._draft())
        self.assertIn("nobody is qualified", finding.text)
        self.assertEqual(finding.mend, "customer_service_plan.csp_staff_action")

    def test_hours_that_nobody_entered_prove_nothing(self):
        self._open_on_saturday()
        (self.agent | self.manager).csp_hours_id = False
        version = self._draft()
        self.assertFalse(self._find(version))
        self.assertIn("not entered", self._texts(version, WORTH_KNOWING))

    def test_promise_of_a_team(self):
        """Only its people count, those of its sub-teams too."""
        team = self.env["helpdesk.ticket.team"].create({"name": "Repairs"})
        version = self._draft({"team_ids": team.ids, "first_response_minutes": 60})
        self.assertIn("nobody of “Repairs”", self._texts(version))
        self.env["helpdesk.ticket.team"].create(
            {"name": "Vans", "parent_id": team.id, "user_ids": self.agent.ids}
        )
        self.assertFalse(self._find(version))

    def test_day_off(self):
        """A single day without anybody is good to know, and nobody's name is told."""
        (self.agent | self.manager).write(
            {"csp_away_from": self.at(days=3), "csp_away_until": self.at(days=4)}
        )
        version = self._draft()
        self.assertFalse(self._find(version))
        text = self._texts(version, WORTH_KNOWING)
        self.assertIn("Thursday 5 March 9:00 AM–5:00 PM", text)

    def test_away_until_further_notice(self):
        (self.agent | self.manager).csp_away_from = self.at(days=-1)
        self.assertIn("Monday–Friday", self._texts(self._draft()))

    def test_people_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        (self.agent | self.manager).csp_channel_ids = self.mail
        new_test_user(
            self.env,
            "csp_branch_agent",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            company_id=branch.id,
            company_ids=branch.ids,
        )
        self.assertIn("nobody is qualified", self._texts(self._draft()))

    def test_channel_without_hours_says_nothing(self):
        self.company.csp_hours_id = False
        self.assertFalse(self._find(self._draft()))


class TestPublishing(HonestyCase):
    """What was tried, what needs a reason, and what stays of it."""

    def setUp(self):
        super().setUp()
        (self.agent | self.manager).csp_hours_id = self.hours

    def _backtest(self, version, verdict, **vals):
        """A backtest of a version as it is, with one promise."""
        with freeze_time(self.at()):
            made = self.env["csp.backtest"].with_context(csp_by_addon=BY_ADDON)
            made = made.create({"version_id": version.id})
            made.write(
                {
                    "state": "done",
                    "run_at": self.at(),
                    "fingerprint": version._promise_fingerprint(),
                    "ticket_count": 100,
                    "line_ids": [
                        Command.create(
                            {
                                "policy_line_id": version.line_ids.id,
                                "kind": "first_response",
                                "verdict": verdict,
                                "target_seconds": 240 * 60,
                                "goal_percent": 90,
                                "case_count": 100,
                                "kept_count": 61,
                                "missed_count": 39,
                                "kept_percent": 61,
                                "kept_low": 51,
                                "kept_high": 70,
                                "kept_target_seconds": 8 * 3600,
                                **vals,
                            }
                        )
                    ],
                }
            )
        return made

    def _publish(self, version, reason=None):
        with freeze_time(self.at()):
            return version.action_publish(reason)

    def test_first_policy_of_a_new_company(self):
        """One administrator, the channels that come along, no tickets: no fuss."""
        self.company.csp_hours_id = False
        (self.agent | self.manager).csp_hours_id = False
        self.env["helpdesk.ticket.channel"].with_context(active_test=False).search(
            []
        ).active = True
        version = self._draft()
        self._publish(version)
        self.assertEqual(version.state, "published")
        self.assertFalse(version.publish_reason)
        self.assertIn("no past tickets", version.publish_findings)
        self.assertEqual(len(version.backtest_ids), 1)

    def test_not_supported_by_the_past(self):
        version = self._draft()
        backtest = self._backtest(version, "unsupported")
        (finding,) = self._find(version)
        self.assertIn("first reply in 4 h", finding.text)
        self.assertIn("61 of 100", finding.text)
        self.assertIn("8 h", finding.text)
        self.assertEqual(finding.mend, backtest)
        for nothing in (None, "", "  \n "):
            with self.assertRaisesRegex(UserError, "give a reason"):
                self._publish(version, nothing)
        self.assertEqual(version.state, "draft")
        self._publish(version, " Two colleagues begin in April. ")
        self.assertEqual(version.publish_reason, "Two colleagues begin in April.")
        self.assertIn("61 of 100", version.publish_findings)
        notes = "".join(version.message_ids.mapped("body"))
        self.assertIn("Two colleagues begin in April.", notes)
        self.assertIn("61 of 100", notes)
        with self.assertRaises(UserError):
            version.publish_reason = "I never said so"

    def test_what_the_past_does_not_tell(self):
        version = self._draft()
        self._backtest(version, "supported")
        self.assertNotIn("Past tickets", self._texts(version, WORTH_KNOWING))
        self._backtest(version, "unsure")
        self.assertIn("61 of 100", self._texts(version, WORTH_KNOWING))
        self._backtest(version, "too_few", kept_count=2, missed_count=1)
        self.assertIn("Too few past tickets", self._texts(version, WORTH_KNOWING))
        self.assertFalse(self._find(version))

    def test_tried_without_being_asked(self):
        """Tickets that took a day to solve; four hours are promised."""
        for index in range(40):
            self._create_ticket(at=self.at(days=-14, minutes=index))
        tickets = self.env["helpdesk.ticket"].search(
            [("name", "=", "The printer is on fire")]
        )
        self._move(tickets, self.at(days=-13), self.stage_done)
        version = self._draft({"match_all": True, "resolution_minutes": 240})
        with self.assertRaisesRegex(UserError, "not supported by the past"):
            self._publish(version)
        self._publish(version, "We have twice as many people now.")
        backtest = version.backtest_ids[:1]
        self.assertEqual(backtest.line_ids.kept_count, 0)
        self.assertEqual(backtest.run_by_id, self.manager)

    def test_tried_again_when_it_was_changed(self):
        version = self._draft()
        self._backtest(version, "unsupported")
        version.line_ids.first_response_minutes = 480
        self.assertFalse(self._find(version))
        self._publish(version)
        self.assertEqual(len(version.backtest_ids), 2)

    def test_too_old(self):
        version = self._draft()
        self._backtest(version, "unsupported")
        self.company.csp_backtest_days = 10
        self.assertTrue(self._find(version, at=self.at(days=10)))
        self.env.invalidate_all()
        self.assertFalse(self._find(version, at=self.at(days=11)))

    def test_too_many_tickets_to_wait_for(self):
        version = self._draft()
        nothing = self.env["csp.backtest"]
        with patch.object(type(version), "_backtest_now", lambda *args, **kw: nothing):
            with self.assertRaisesRegex(UserError, "past tickets first"):
                self._publish(version, "Now!")
            dialog = self._dialog(version)
            self.assertTrue(dialog.needs_backtest)
            self.assertTrue(dialog.is_blocked)
            action = dialog.save().action_backtest()
            self.assertEqual(action["res_model"], "csp.backtest")
        self._backtest(version, "supported")
        self._publish(version)

    def test_nothing_promised_needs_no_trial(self):
        version = self._draft({"match_all": True})
        self._publish(version)
        self.assertFalse(version.backtest_ids)

    def test_data_files_are_not_asked(self):
        """The system publishes; what it knew stays on the version."""
        version = self._draft().sudo()
        (self.agent | self.manager).csp_channel_ids = self.mail
        self._publish(version)
        self.assertIn("nobody is qualified", version.publish_findings)

    def test_the_past_binds_the_system_too(self):
        version = self._draft().sudo()
        self._backtest(version, "unsupported")
        with self.assertRaisesRegex(UserError, "give a reason"):
            self._publish(version)

    def test_agents_publish_nothing(self):
        version = self._draft().with_user(self.agent)
        for action in (version.action_open_publish, version.action_publish):
            with self.assertRaises(AccessError):
                action()

    # --- The dialog

    def _dialog(self, version):
        action = version.action_open_publish()
        Wizard = self.env[action["res_model"]].with_user(self.manager)
        return Form(Wizard.with_context(**action["context"]))

    def test_dialog(self):
        """The day on the button, what changes, who approved it, and the reason."""
        before = self._draft()
        self._publish(before)
        with freeze_time(self.at(days=1)):
            before.policy_id.action_new_version()
            version = before.policy_id.draft_version_id
            version.line_ids.first_response_minutes = 120
            (self.agent | self.manager).csp_channel_ids = self.mail
            dialog = self._dialog(version)
            self.assertEqual(dialog.publish_text, "Publish now")
            self.assertTrue(dialog.needs_reason)
            self.assertIn("first reply in 2 h", dialog.change_html)
            self.assertIn("so far: first reply in 4 h", dialog.change_html)
            dialog.effective_date = date(2026, 12, 1)
            self.assertEqual(dialog.publish_text, "Publish, in force from 1 December")
            with self.assertRaisesRegex(AssertionError, "reason"):
                dialog.save()
            dialog.reason = "Somebody is trained for the telephone this week."
            dialog.save().action_publish()
        self.assertEqual(version.state, "published")
        self.assertEqual(version.effective_date, date(2026, 12, 1))
        self.assertIn("trained", version.publish_reason)

    def test_dialog_after_approval(self):
        """Approved words do not change any more; the day may."""
        self.company.csp_approval_required = True
        boss = new_test_user(
            self.env,
            "csp_boss",
            name="Berta Boss",
            groups="customer_service_plan.group_manager",
        )
        version = self._draft()
        with freeze_time(self.at()):
            version.action_submit()
            version.with_user(boss).action_approve()
            dialog = self._dialog(version)
            self.assertIn("Berta Boss", dialog.approval_text)
            dialog.effective_date = date(2026, 4, 1)
            dialog.save().action_publish()
        self.assertEqual(version.effective_date, date(2026, 4, 1))
        self.assertEqual(version.published_by_id, self.manager)

    def test_findings_lead_to_what_mends_them(self):
        (self.agent | self.manager).csp_channel_ids = self.mail
        version = self._draft()
        self._backtest(version, "unsupported")
        with freeze_time(self.at()):
            rows = version.honesty_data
        self.assertEqual(
            [row["severity"] for row in rows][:2], [NEEDS_REASON, NEEDS_REASON]
        )
        self.assertEqual(rows[0]["action"]["res_model"], "csp.backtest")
        self.assertEqual(rows[1]["action"], "customer_service_plan.csp_staff_action")
        self._publish(version, "Because")
        self.assertFalse(version.honesty_data)
