from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from odoo.addons.base.tests.common import BaseCommon

from ..models.protected import BY_ADDON
from .helpdesk import HelpdeskMixin


class TestMerge(HelpdeskMixin, BaseCommon):
    """helpdesk_mgmt_merge, as repaired here. No upstream thread known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.other_customer = cls.env["res.partner"].create(
            {"name": "Stranger", "email": "stranger@other.example"}
        )
        cls.colleague = cls.env["res.partner"].create(
            {
                "name": "Rasa",
                "email": "rasa@kalnas.example",
                "parent_id": cls.customer.id,
            }
        )
        with freeze_time("2026-11-02 08:00:00"):
            cls.publish_promise(
                first_response_minutes=120,
                next_response_minutes=60,
                resolution_minutes=600,
            )
        with freeze_time("2026-11-02 09:00:00"):
            cls.old = cls.create_ticket(name="Old", priority="3")
        with freeze_time("2026-11-02 10:00:00"):
            cls.new = cls.create_ticket(name="New", partner_id=cls.colleague.id)

    def merge(self, tickets, user=None, **values):
        wizard = (
            self.env["helpdesk.ticket.merge"]
            .with_user(user or self.agent)
            .with_context(active_ids=tickets.ids)
            .create(values)
        )
        wizard.merge_tickets()
        return wizard

    @freeze_time("2026-11-02 10:30:00")
    def test_agent_merges(self):
        message = self.old.message_post(
            body="Here is a photo",
            message_type="email",
            subtype_xmlid="mail.mt_comment",
            author_id=self.customer.id,
            attachments=[("photo.png", b"picture")],
        )
        activity = self.old.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.agent.id
        )
        self.merge(self.new + self.old)
        self.assertFalse(self.old.active)
        self.assertTrue(self.new.active)
        self.assertEqual(self.old.duplicate_id, self.new)
        self.assertIn(message, self.new.message_ids)
        self.assertIn("photo.png", self.new.attachment_ids.mapped("name"))
        self.assertEqual(activity.res_id, self.new.id)
        self.assertIn("Since Monday", self.new.description)

    @freeze_time("2026-11-02 10:30:00")
    def test_merging_answers_nobody(self):
        self.merge(self.new + self.old)
        for ticket in self.new + self.old:
            self.assertFalse(ticket.csp_first_response_at)
            self.assertNotIn("staff_reply", self.kinds(ticket))
            notes = ticket.message_ids.filtered(lambda note: "erged into" in note.body)
            self.assertEqual(len(notes), 1)
            self.assertTrue(notes.subtype_id.internal)
            self.assertIn("href=", notes.body)
            self.assertFalse(notes.notified_partner_ids)

    @freeze_time("2026-11-02 10:30:00")
    def test_earliest_receipt_counts(self):
        self.merge(self.new + self.old)
        self.assertIn("merged", self.kinds(self.old))
        self.assertIn("merged", self.kinds(self.new))
        self.assertEqual(
            set(self.old.csp_commitment_ids.mapped("state")), {"cancelled"}
        )
        self.assertEqual(
            self.row(self.new, "first_response").deadline,
            fields.Datetime.from_string("2026-11-02 11:00:00"),
        )

    @freeze_time("2026-11-02 10:30:00")
    def test_second_click(self):
        wizard = self.merge(self.new + self.old)
        messages = self.new.message_ids
        description = self.new.description
        wizard.invalidate_recordset()
        action = wizard.merge_tickets()
        self.assertEqual(action["res_id"], self.new.id)
        self.assertEqual(self.new.message_ids, messages)
        self.assertEqual(self.new.description, description)

    @freeze_time("2026-11-02 10:30:00")
    def test_new_ticket(self):
        wizard = self.merge(
            self.new + self.old,
            create_new_ticket=True,
            dst_ticket_name="Both",
            dst_helpdesk_team_id=self.team.id,
        )
        target = wizard.dst_ticket_id
        self.assertEqual(target.name, "Both")
        self.assertEqual(target.priority, "3")
        self.assertEqual(target.partner_id, self.customer)
        self.assertEqual((self.old + self.new).duplicate_id, target)
        self.assertIn("Since Monday", target.description)
        self.assertEqual(
            self.row(target, "first_response").deadline,
            fields.Datetime.from_string("2026-11-02 11:00:00"),
        )
        with freeze_time("2026-11-02 10:30:05"):
            wizard.invalidate_recordset()
            self.assertEqual(wizard.merge_tickets()["res_id"], target.id)

    def test_two_customers(self):
        stranger = self.create_ticket(partner_id=self.other_customer.id)
        with self.assertRaisesRegex(UserError, "different customers"):
            self.merge(self.old + stranger)
        self.assertTrue(stranger.active)
        with self.assertRaisesRegex(UserError, "different customers"):
            self.merge(
                self.old + stranger,
                user=self.manager,
                create_new_ticket=True,
                dst_ticket_name="Both",
                dst_helpdesk_team_id=self.team.id,
            )

    def test_unknown_sender(self):
        stranger = self.create_ticket(
            partner_id=False, partner_email="somebody@else.example"
        )
        with self.assertRaisesRegex(UserError, "somebody@else.example"):
            self.merge(self.old + stranger)
        same = self.create_ticket(
            partner_id=False, partner_email='"Office" <Office@Kalnas.example>'
        )
        self.merge(self.old + same)
        self.assertEqual(same.duplicate_id, self.old)

    def test_followers(self):
        """A stranger in copy of one request does not get to read the other."""
        self.new.message_subscribe(
            (self.other_customer + self.colleague + self.agent.partner_id).ids
        )
        self.merge(self.old + self.new)
        followers = self.old.message_partner_ids
        self.assertIn(self.colleague, followers)
        self.assertIn(self.agent.partner_id, followers)
        self.assertNotIn(self.other_customer, followers)

    def test_target_must_be_open(self):
        self.old.stage_id = self.stage_done
        with self.assertRaisesRegex(UserError, "closed or archived"):
            self.merge(self.old + self.new, dst_ticket_id=self.old.id)
        wizard = self.merge(self.old + self.new)
        self.assertEqual(wizard.dst_ticket_id, self.new, "the open one is proposed")

    def test_archived_are_gone(self):
        third = self.create_ticket()
        self.merge(self.old + self.new)
        with self.assertRaisesRegex(UserError, "Archived or merged already"):
            self.merge(third + self.new)

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Branch abroad"})
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Abroad", "company_id": company.id}
        )
        self.agent.company_ids += company
        foreign = self.create_ticket(team_id=team.id)
        self.assertEqual(foreign.company_id, company)
        tickets = (self.old + foreign).with_context(
            allowed_company_ids=(self.env.company + company).ids
        )
        with self.assertRaisesRegex(UserError, "different companies"):
            self.merge(tickets)

    def test_needs_two(self):
        with self.assertRaisesRegex(UserError, "nothing to merge"):
            self.merge(self.old)
        with self.assertRaisesRegex(UserError, "Select the tickets"):
            self.merge(self.old.browse())

    def test_only_tickets_one_may_write(self):
        newcomer = new_test_user(
            self.env,
            login="csp-newcomer",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
        )
        self.team.user_ids += newcomer
        self.old.user_id = self.agent
        with self.assertRaises(AccessError):
            self.merge(self.old + self.new, user=newcomer)
        self.assertTrue(self.new.active)
        self.old.user_id = newcomer
        self.merge(self.old + self.new, user=newcomer)
        self.assertEqual(self.new.duplicate_id, self.old)
        # Handing over what one merges ends one's own access, after the merge.
        third = self.create_ticket()
        self.merge(self.old + third, user=newcomer, user_id=self.agent.id)
        self.assertEqual(self.old.user_id, self.agent)

    @freeze_time("2026-11-02 11:30:00")
    def test_late_at_the_merge(self):
        """The old request is past its time: the target's promise is missed now."""
        self.merge(self.new + self.old)
        row = self.row(self.new, "first_response")
        self.assertEqual(row.state, "missed")
        self.assertEqual(row.missed_at, fields.Datetime.now())
        self.assertEqual(row.deadline + timedelta(minutes=30), row.missed_at)

    @freeze_time("2026-11-02 10:30:00")
    def test_complaint_goes_along(self):
        self.old.csp_is_complaint = True
        self.merge(self.new + self.old)
        self.assertTrue(self.new.csp_is_complaint)

    @freeze_time("2026-11-02 10:30:00")
    def test_owner_of_the_first_complaint(self):
        (self.old + self.new).csp_is_complaint = True
        self.old.with_context(csp_by_addon=BY_ADDON).csp_complaint_owner_id = self.agent
        self.merge(self.new + self.old)
        self.assertEqual(self.new.csp_complaint_owner_id, self.agent)

    @freeze_time("2026-11-02 10:30:00")
    def test_follow_ups_go_along(self):
        third = self.create_ticket(csp_previous_id=self.old.id)
        self.merge(self.new + self.old)
        self.assertEqual(third.csp_previous_id, self.new)

    @freeze_time("2026-11-02 10:30:00")
    def test_into_its_own_follow_up(self):
        self.old.stage_id = self.stage_done
        self.new.csp_previous_id = self.old
        self.merge(self.new + self.old)
        self.assertEqual(self.new.csp_previous_id, self.old, "not itself")

    @freeze_time("2026-11-02 10:30:00")
    def test_nobody_is_told_of_the_merged(self):
        self.old.csp_is_complaint = True
        concerns = self.env["csp.escalation.concern"].search(
            [("ticket_id", "=", self.old.id)]
        )
        self.merge(self.new + self.old)
        self.assertTrue(all(concerns.mapped("ended_at")))
