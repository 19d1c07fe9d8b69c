from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .test_hours import OFFICE, HoursCommon


@tagged("post_install", "-at_install")
class TestChannels(HoursCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.csp_hours_id = False
        cls.channel = cls.create_channel("phone", csp_hours_id=cls.hours.id)

    @classmethod
    def create_channel(cls, kind, **values):
        return cls.env["helpdesk.ticket.channel"].create(
            {"name": kind, "csp_kind": kind, "company_id": False, **values}
        )

    def test_live_follows_the_kind_until_changed(self):
        self.assertTrue(self.channel.csp_live)
        mail = self.create_channel("email")
        self.assertFalse(mail.csp_live)
        mail.csp_live = True
        self.assertTrue(mail.csp_live)
        mail.csp_kind = "post"
        self.assertFalse(mail.csp_live)

    def test_hours_that_apply(self):
        default = self.create_hours()
        channel = self.create_channel("email")
        with freeze_time(self.at(20)):
            self.assertFalse(self.channel.csp_is_open)
            self.assertEqual(self.channel.csp_status, "Closed, opens tomorrow at 09:00")
            self.assertTrue(channel.csp_is_open)
            self.assertEqual(channel.csp_status, "Open day and night")
            self.company.csp_hours_id = default
            channel.invalidate_recordset()
            self.assertEqual(channel.csp_status, "Closed until further notice")
        self.assertEqual(self.channel._csp_get_hours(), self.hours)
        self.assertEqual(channel._csp_get_hours(), default)

    def test_search_open_now(self):
        never = self.create_channel("chat", csp_hours_id=self.create_hours().id)
        default = self.create_channel("email")
        channels = self.channel | never | default
        search = channels.search

        def found(*conditions):
            return search([*conditions, ("id", "in", channels.ids)])

        with freeze_time(self.at(10)):
            self.assertEqual(found(("csp_is_open", "=", True)), self.channel | default)
            self.assertEqual(found(("csp_is_open", "=", False)), never)
        with freeze_time(self.at(20)):
            self.company.csp_hours_id = self.hours
            self.assertFalse(found(("csp_is_open", "=", True)))
            self.assertEqual(found(("csp_is_open", "!=", True)), channels)
            for channel in channels:
                channel.invalidate_recordset()
                self.assertFalse(channel.csp_is_open)

    def test_shared_channel_in_each_company(self):
        """A shared channel without hours takes those of the company one works in."""
        channel = self.create_channel("email")
        self.company.csp_hours_id = self.create_hours()
        other = self.env["res.company"].create({"name": "Other"})
        with freeze_time(self.at(10)):
            self.assertFalse(channel.csp_is_open)
            self.assertTrue(channel.with_company(other).csp_is_open)

    def test_no_circle_of_fallbacks(self):
        chat = self.create_channel("chat", csp_fallback_channel_id=self.channel.id)
        with self.assertRaisesRegex(ValidationError, "circle"):
            self.channel.csp_fallback_channel_id = chat
        with self.assertRaisesRegex(ValidationError, "circle"):
            self.channel.csp_fallback_channel_id = self.channel

    def test_hours_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        foreign = self.create_hours(company_id=other.id)
        with self.assertRaises(UserError):
            self.channel.csp_hours_id = foreign
        own = self.create_channel("chat", company_id=self.company.id)
        with self.assertRaises(UserError):
            own.csp_hours_id = foreign

    def test_hours_that_others_keep_stay_shared(self):
        with self.assertRaises(ValidationError) as caught:
            self.hours.company_id = self.company
        self.assertIn("kept by: phone", str(caught.exception))
        self.channel.company_id = self.company
        other = self.env["res.company"].create({"name": "Other"})
        other.csp_hours_id = self.hours
        with self.assertRaises(ValidationError) as caught:
            self.hours.company_id = self.company
        self.assertIn("kept by: Other", str(caught.exception))
        other.csp_hours_id = False
        self.hours.company_id = self.company

    def test_hours_in_use_stay(self):
        with self.assertRaises(UserError):
            self.hours.unlink()

    def test_shipped_channels(self):
        main_company = self.env.ref("base.main_company")
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        web = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_web")
        phone.write(
            {"csp_kind": False, "csp_hours_id": False, "company_id": main_company.id}
        )
        other = self.env["res.company"].create({"name": "Other"})
        web.write({"csp_kind": "chat", "company_id": other.id, "csp_hours_id": False})
        web.csp_fallback_channel_id = False
        phone.csp_fallback_channel_id = False
        self.env["helpdesk.ticket.channel"]._csp_setup()
        self.assertEqual(phone.csp_kind, "phone")
        self.assertTrue(phone.csp_live)
        self.assertFalse(phone.company_id)
        # What somebody chose stays.
        self.assertEqual(web.csp_kind, "chat")
        self.assertEqual(web.company_id, other)

    def test_ready_channels_for_every_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        agent = new_test_user(
            self.env,
            "channel_agent",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        kinds = self.env["helpdesk.ticket.channel"].with_user(agent).search([])
        self.assertLessEqual(
            {"phone", "in_person", "email", "web", "chat", "sms", "social", "post"},
            set(kinds.mapped("csp_kind")),
        )
        self.assertTrue(all(channel.csp_status for channel in kinds))

    def test_access(self):
        agent = new_test_user(
            self.env, "channel_agent", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        manager = new_test_user(
            self.env, "channel_boss", groups="customer_service_plan.group_manager"
        )
        self.assertTrue(self.channel.with_user(agent).csp_status)
        with self.assertRaises(AccessError):
            self.channel.with_user(agent).csp_public = True
        self.channel.with_user(manager).write(
            {"csp_public": True, "csp_contact": "+32 2 555 01 23"}
        )
        with self.assertRaises(AccessError):
            self.channel.with_user(self.env.ref("base.public_user")).read(["name"])

    def test_state_of_hours_one_cannot_read(self):
        """An employee without the help desk sees the state of a channel, too."""
        employee = new_test_user(self.env, "channel_employee", groups="base.group_user")
        with freeze_time(self.at(10)):
            channel = self.channel.with_user(employee)
            self.assertTrue(channel.csp_is_open)
            self.assertTrue(channel.csp_status)

    # -- What is published ---------------------------------------------------------

    def service(self, company=None):
        channel = self.env["helpdesk.ticket.channel"]
        return channel._csp_get_service((company or self.company).id)

    def test_only_what_is_published(self):
        self.env["helpdesk.ticket.channel"].search([]).csp_public = False
        self.assertEqual(self.service()["channels"], [])
        chat = self.create_channel("chat", csp_public=True)
        self.channel.write({"csp_public": True, "csp_fallback_channel_id": chat.id})
        found = {channel["name"]: channel for channel in self.service()["channels"]}
        self.assertEqual(set(found), {"phone", "chat"})
        self.assertEqual(found["phone"]["instead"], "chat")
        self.assertEqual(len(found["phone"]["hours"]["week"]), 10)
        self.assertTrue(found["chat"]["hours"]["always_open"])
        chat.csp_public = False
        self.assertEqual(self.service()["channels"][0]["instead"], "")

    def test_published_per_company(self):
        self.env["helpdesk.ticket.channel"].search([]).csp_public = False
        other = self.env["res.company"].create({"name": "Other"})
        self.create_channel("chat", csp_public=True, company_id=self.company.id)
        self.create_channel("sms", csp_public=True, company_id=other.id)
        self.channel.csp_public = True

        def names(company):
            channels = self.service(company)["channels"]
            return {channel["name"] for channel in channels}

        self.assertEqual(names(self.company), {"phone", "chat"})
        self.assertEqual(names(other), {"phone", "sms"})

    def test_answer_is_kept_for_a_minute(self):
        self.channel.csp_public = True
        self.service()
        with freeze_time(self.at(10)):
            self.service()
        with freeze_time(self.at(10)) as clock, self.assertQueryCount(0):
            self.service()
            clock.tick(59)
            self.service()

    def test_answer_changes_at_closing_time(self):
        self.env["helpdesk.ticket.channel"].search([]).csp_public = False
        self.channel.csp_public = True
        with freeze_time("2026-01-05 11:59:40") as clock:
            self.assertTrue(self.service()["channels"][0]["hours"]["open"])
            clock.tick(20)
            hours = self.service()["channels"][0]["hours"]
            self.assertFalse(hours["open"])
            self.assertEqual(hours["next_change"], "2026-01-05T13:00:00+00:00")

    def test_answer_changes_with_the_hours(self):
        self.env["helpdesk.ticket.channel"].search([]).csp_public = False
        self.channel.csp_public = True
        with freeze_time(self.at(10)):
            self.assertTrue(self.service()["channels"][0]["hours"]["open"])
            self.create_exception(self.hours, "2026-01-05", name="Strike")
            hours = self.service()["channels"][0]["hours"]
            self.assertFalse(hours["open"])
            self.assertEqual(hours["exceptions"][0]["name"], "Strike")
            self.channel.csp_contact = "123"
            self.assertEqual(self.service()["channels"][0]["contact"], "123")
            self.channel.csp_hours_id = False
            self.company.csp_hours_id = self.create_hours(OFFICE, name="Default")
            self.assertTrue(self.service()["channels"][0]["hours"]["open"])
            self.company.csp_hours_id = self.create_hours()
            self.assertFalse(self.service()["channels"][0]["hours"]["open"])
