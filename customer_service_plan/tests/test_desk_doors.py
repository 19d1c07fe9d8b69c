from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user

from ..tools import complaint
from .common import CspCommon

OWN = "helpdesk_mgmt.group_helpdesk_user_own"


class TestDeskDoors(CspCommon):
    """What nobody gets at by calls that no screen makes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own, cls.other = (
            new_test_user(cls.env, login, groups=OWN)
            for login in ("door_own", "door_other")
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Doors", "user_ids": (cls.own + cls.other).ids}
        )

    def _ticket(self, **vals):
        return self._create_ticket(
            **{"team_id": self.team.id, "user_id": self.own.id, **vals}
        )

    def test_customers_do_not_read_how_it_was_decided(self):
        portal = new_test_user(self.env, "door_portal", groups="base.group_portal")
        portal.partner_id.parent_id = self.customer
        ticket = self._ticket(csp_is_complaint=True)
        ticket.message_subscribe(partner_ids=portal.partner_id.ids)
        mine = ticket.with_user(portal)
        self.assertTrue(mine.has_access("read"))
        with self.assertRaises(AccessError):
            mine.csp_complaint_data()
        self.assertTrue(ticket.with_user(self.own).csp_complaint_data())

    def test_findings_of_tickets_one_may_not_read(self):
        ticket = self._ticket(csp_is_complaint=True)
        ticket._csp_complaint_move(
            complaint.INVESTIGATED, {"csp_complaint_finding": "Our fault"}
        )
        Step = self.env["csp.complaint.step"]
        values = {"ticket_id": ticket.id, "step": "told"}
        self.assertEqual(Step.with_user(self.own).create(values).finding, "Our fault")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            Step.with_user(self.other).create(values).finding  # noqa: B018 (is read)

    def test_facts_take_no_defaults(self):
        ticket = self._ticket(csp_is_complaint=True)
        point = self.env["csp.complaint.point"].create({"name": "Said sorry"})
        mine = ticket.with_user(self.own)
        with freeze_time(self.at(days=2)):
            mine.with_context(
                default_at="2020-01-01 00:00:00"
            ).action_csp_complaint_tick(point.id)
            mine.with_context(
                default_error="Forged", default_settled_at="2020-01-01 00:00:00"
            ).action_csp_escalate("Please help", self.other.ids)
        self.assertEqual(ticket.csp_complaint_tick_ids.at, self.at(days=2))
        entry = ticket.csp_escalation_ids
        self.assertEqual(len(entry), 1)
        self.assertFalse(entry.error)
        self.assertFalse(entry.settled_at)

    def test_contact_takes_no_defaults(self):
        foreign = self._ticket(user_id=self.other.id)
        secret = self.env["ir.attachment"].create(
            {
                "name": "secret.txt",
                "raw": b"secret",
                "res_model": foreign._name,
                "res_id": foreign.id,
            }
        )
        self.env["helpdesk.ticket"].with_user(self.own).with_context(
            default_attachment_ids=[Command.link(secret.id)],
        ).csp_log_contact(
            {
                "seconds": 60,
                "partner_id": self.customer.id,
                "subject": "Anything",
                "mine": True,
            }
        )
        self.assertEqual(secret.res_id, foreign.id)

    def test_handover_needs_a_real_sentence(self):
        ticket = self._ticket(csp_is_complaint=True)
        for forged in (True, ["x"], "  "):
            mine = ticket.with_user(self.own).with_context(csp_handover_reason=forged)
            with self.subTest(forged=forged), self.assertRaises(UserError):
                mine.write({"user_id": self.other.id})

    def test_staff_changes_no_languages_or_channels(self):
        staff = self.env["csp.staff"].with_user(self.manager).browse(self.own.id)
        channel = self.env["helpdesk.ticket.channel"].create({"name": "Pigeon"})
        lang = self.env.ref("base.lang_en")
        staff.write({"csp_channel_ids": [Command.set(channel.ids)]})
        for vals in (
            {"csp_lang_ids": [Command.update(lang.id, {"name": "Mine"})]},
            {"csp_lang_ids": [Command.create({"name": "Mine", "code": "xx"})]},
            {"csp_channel_ids": [Command.delete(channel.id)]},
        ):
            with self.subTest(vals=vals), self.assertRaises(AccessError):
                staff.write(vals)
        self.assertEqual(self.own.csp_channel_ids, channel)

    def test_steps_run_what_is_made_for_tickets(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "For users",
                "model_id": self.env["ir.model"]._get_id("res.users"),
                "state": "code",
                "code": "pass",
            }
        )
        template = self.env["mail.template"].create(
            {"name": "For users", "model_id": action.model_id.id}
        )
        chain = self.env["csp.escalation.list"].with_user(self.manager)
        for vals in (
            {"action": "server_action", "server_action_id": action.id},
            {"action": "customer", "mail_template_id": template.id},
        ):
            with self.subTest(vals=vals), self.assertRaises(ValidationError):
                chain.create({"name": "Forged", "step_ids": [Command.create(vals)]})

    def test_dialogs_of_others(self):
        ticket = self._ticket()
        for name, vals in (
            ("csp.ticket.bulk", {"ticket_ids": ticket.ids}),
            ("csp.ticket.escalate", {"ticket_ids": ticket.ids, "reason": "x"}),
            ("csp.escalation.try", {"ticket_id": ticket.id}),
        ):
            dialog = self.env[name].with_user(self.own).create(vals)
            self.env.invalidate_all()
            with self.subTest(name=name), self.assertRaises(AccessError):
                dialog.with_user(self.other).read(["create_uid"])

    def test_merged_tickets_of_unknown_people(self):
        """No contact on either is not the same customer."""
        unknown = {"partner_id": False, "partner_name": "Somebody"}
        ann, bob, ann_again = (
            self._ticket(**unknown, partner_email=email)
            for email in ("ann@example.com", "bob@example.com", "Ann@Example.com")
        )
        nobody = self._ticket(**unknown)
        self.assertTrue(ann._csp_is_of_customer(ann_again))
        self.assertFalse(ann._csp_is_of_customer(bob))
        self.assertFalse(ann._csp_is_of_customer(nobody))
        self.assertFalse(nobody._csp_is_of_customer(nobody.copy()))
        known = self._ticket()
        self.assertTrue(known._csp_is_of_customer(self._ticket()))
        self.assertFalse(known._csp_is_of_customer(ann))
