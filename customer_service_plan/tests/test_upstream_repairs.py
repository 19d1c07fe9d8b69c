"""Faults of helpdesk_mgmt that break promises or safety, and are repaired here."""

from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

from .helpdesk import HelpdeskMixin


class TestUpstreamRepairs(HelpdeskMixin, BaseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()

    def test_public_cannot_write_stages(self):
        """No upstream thread known."""
        public = self.env.ref("base.public_user")
        stage = self.stage_new.with_user(public)
        self.assertEqual(stage.name, self.stage_new.name)
        with self.assertRaises(AccessError):
            stage.name = "Hacked"

    def test_reopening_empties_closed_date(self):
        """No upstream thread known; the portal hides its buttons by this date."""
        ticket = self.create_ticket()
        ticket.with_user(self.agent).stage_id = self.stage_done
        self.assertTrue(ticket.closed_date)
        ticket.with_user(self.agent).stage_id = self.stage_in_progress
        self.env.flush_all()
        ticket.invalidate_recordset()
        self.assertFalse(ticket.closed_date)

    def test_created_closed_has_closed_date(self):
        """No upstream thread known."""
        ticket = self.create_ticket(stage_id=self.stage_done.id)
        self.env.flush_all()
        ticket.invalidate_recordset()
        self.assertTrue(ticket.closed_date)
        self.assertFalse(ticket.csp_commitment_ids)

    def test_closing_dates_of_many(self):
        tickets = self.create_ticket() + self.create_ticket(stage_id=self.stage_done.id)
        tickets.stage_id = self.stage_cancelled
        self.assertTrue(all(tickets.mapped("closed_date")))
        tickets.stage_id = self.stage_new
        self.assertFalse(any(tickets.mapped("closed_date")))


class TestAutomations(HelpdeskMixin, BaseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.publish_promise(first_response_minutes=60)
        # A server action posts for its user only what he may post himself.
        cls.admin = new_test_user(
            cls.env,
            login="csp-automation",
            email="automation@test.mycompany.com",
            groups="base.group_system,helpdesk_mgmt.group_helpdesk_manager",
        )

    def post_by_action(self, **values):
        ticket = self.create_ticket()
        action = self.env["ir.actions.server"].create(
            {
                "name": "We got it",
                "model_id": self.env.ref("helpdesk_mgmt.model_helpdesk_ticket").id,
                "state": "code",
                "code": f"env['helpdesk.ticket'].browse({ticket.id})"
                ".message_post(body='We got it', message_type='comment',"
                " subtype_xmlid='mail.mt_comment')\n",
                **values,
            }
        )
        action.with_user(self.admin).with_context(
            active_model="helpdesk.ticket", active_id=ticket.id
        ).run()
        self.assertEqual(len(ticket.message_ids.filtered("body")), 1)
        return ticket

    def test_automation_is_no_reply(self):
        """A server action answers within a second; that is no answer."""
        ticket = self.post_by_action()
        self.assertFalse(ticket.csp_first_response_at)
        self.assertEqual(self.row(ticket, "first_response").state, "running")

    def test_scheduled_action_may_reply(self):
        """The scheduled action that fetches mails must not be deaf."""
        ticket = self.post_by_action(usage="ir_cron")
        self.assertTrue(ticket.csp_first_response_at)

    def test_window_opened_by_an_action(self):
        """What an agent writes in a window that an action opened is an answer."""
        action = self.env["ir.actions.server"].create(
            {
                "name": "Open the composer",
                "model_id": self.env.ref("helpdesk_mgmt.model_helpdesk_ticket").id,
                "state": "code",
                "code": "action = {'type': 'ir.actions.act_window',"
                " 'context': dict(env.context, default_body='Hello')}",
            }
        )
        context = action.with_context(active_model="helpdesk.ticket").run()["context"]
        self.assertEqual(context["default_body"], "Hello")
        self.assertNotIn("csp_silent", context)
