from datetime import timedelta
from itertools import count
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from odoo.addons.mail.tests.common import MailCommon

from .helpdesk import HelpdeskMixin

HEADERS = """\
Return-Path: <{sender}>
To: {to}
From: {sender}
Subject: {subject}
Message-ID: {message_id}
Date: Mon, 2 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
{extra}
{body}
"""


@tagged("mail_gateway")
class GatewayCase(HelpdeskMixin, MailCommon):
    numbers = count(1)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        with freeze_time("2026-11-01 08:00:00"):
            cls.line = cls.publish_promise(
                first_response_minutes=120,
                next_response_minutes=60,
                resolution_minutes=600,
            )

    def receive(self, raw):
        """Take in a raw mail as the mail server hands it over; gives its ticket."""
        gateway = self.env["mail.thread"].with_user(self.user_root)
        with (
            self.mock_mail_gateway(),
            mute_logger("odoo.addons.mail.models.mail_thread"),
        ):
            ticket_id = gateway.message_process(None, raw)
        return self.env["helpdesk.ticket"].browse(ticket_id or [])

    def receive_file(self, name):
        with file_open(f"customer_service_plan/tests/mails/{name}", "rb") as mail:
            return self.receive(mail.read())

    def receive_mail(self, sender, parent=None, **values):
        values = {
            "sender": sender,
            "to": "service@test.mycompany.com",
            "subject": "Help",
            "message_id": f"<{next(self.numbers)}@{self.id()}>",
            "extra": f"In-Reply-To: {parent.message_id}\n" if parent else "",
            "body": "It leaks.",
            **values,
        }
        return self.receive(HEADERS.format(**values))

    def answer(self, ticket):
        """An agent answers; gives the message."""
        with self.mock_mail_gateway():
            return ticket.with_user(self.agent).message_post(
                body="Which model?",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )


class TestMailGateway(GatewayCase):
    @freeze_time("2026-11-02 07:12:44")
    def test_plain_greek(self):
        ticket = self.receive_file("plain_greek.eml")
        self.assertEqual(ticket.name, "Το ψυγείο δεν κρυώνει - επείγον")
        self.assertIn("το ψυγείο που αγοράσαμε τον Μάρτιο", ticket.description)
        self.assertEqual(ticket.team_id, self.team)
        self.assertEqual(ticket.channel_id, self.channel_email)
        self.assertFalse(ticket.user_id)
        self.assertFalse(ticket.assigned_date)
        self.assertEqual(ticket.partner_email, "nikos@platanos.example")
        self.assertEqual(ticket.partner_name, "Νίκος Παπαδόπουλος")
        partner = ticket.partner_id
        self.assertEqual(partner.name, "Νίκος Παπαδόπουλος")
        self.assertEqual(partner.email, "nikos@platanos.example")
        self.assertEqual(ticket.message_ids.filtered("body").author_id, partner)
        self.assertEqual(
            self.kinds(ticket), ["received", "promised", "customer_message"]
        )
        now = fields.Datetime.now()
        self.assertEqual(ticket.csp_received_at, now, "never the mail's own Date")
        self.assertEqual(ticket.csp_policy_line_id, self.line)
        self.assertRecordValues(
            ticket.csp_commitment_ids.sorted("kind"),
            [
                {"kind": "first_response", "deadline": now + timedelta(minutes=120)},
                {"kind": "resolution", "deadline": now + timedelta(minutes=600)},
            ],
        )

    def test_html_lithuanian_and_russian_reply(self):
        with freeze_time("2026-11-02 11:40:02"):
            ticket = self.receive_file("html_lithuanian.eml")
        self.assertEqual(
            ticket.name, "Kavos aparatas rodo klaidą E17 ir nebešildo vandens"
        )
        self.assertIn("mūsų kavos aparatas rodo klaidą", ticket.description)
        self.assertNotIn("<script", ticket.description)
        self.assertEqual(ticket.channel_id, self.channel_email)
        self.assertEqual(ticket.partner_id.name, "Ona Petraitienė")
        self.assertEqual(ticket.attachment_ids.name, "klaida šildant.png")
        self.assertEqual(ticket.attachment_ids.mimetype, "image/png")
        self.assertTrue(ticket.csp_next_deadline)
        with freeze_time("2026-11-02 12:00:00"):
            self.answer(ticket)
        self.assertEqual(self.row(ticket, "first_response").state, "met")
        with freeze_time("2026-11-02 13:05:31"):
            same = self.receive_file("reply_russian.eml")
        self.assertEqual(same, ticket)
        message = ticket.message_ids.filtered(lambda m: "Серийный номер" in m.body)
        self.assertEqual(len(message), 1)
        self.assertEqual(
            message.email_from, '"Сергей Иванов" <sergej@baltaskiemas.example>'
        )
        self.assertEqual(
            self.kinds(ticket),
            ["received", "promised"]
            + ["customer_message", "staff_reply", "customer_message"],
        )
        self.assertEqual(self.row(ticket, "next_response").state, "running")
        self.assertEqual(ticket.partner_id.name, "Ona Petraitienė")

    def test_out_of_office(self):
        """odoo/odoo#834 and odoo/odoo#180156: Odoo takes it for a letter."""
        with freeze_time("2026-11-02 11:40:02"):
            ticket = self.receive_file("html_lithuanian.eml")
        with freeze_time("2026-11-02 12:00:00"):
            self.answer(ticket)
        ticket.stage_id = self.stage_awaiting
        with freeze_time("2026-11-02 14:20:09"):
            same = self.receive_file("out_of_office.eml")
        self.assertEqual(same, ticket)
        self.assertTrue(ticket.message_ids.filtered(lambda m: "atostogauju" in m.body))
        self.assertEqual(self.kinds(ticket).count("customer_message"), 1)
        self.assertFalse(self.row(ticket, "next_response"))
        self.assertEqual(ticket.stage_id, self.stage_awaiting)

    def test_out_of_office_of_an_agent(self):
        ticket = self.receive_file("plain_greek.eml")
        message = ticket.message_ids.filtered("body")
        same = self.receive_mail(
            self.agent.email_formatted,
            parent=message,
            extra=f"In-Reply-To: {message.message_id}\nAuto-Submitted: auto-replied\n",
        )
        self.assertEqual(same, ticket)
        self.assertFalse(ticket.csp_first_response_at)

    def test_answer_of_an_agent_by_mail(self):
        ticket = self.receive_file("plain_greek.eml")
        message = ticket.message_ids.filtered("body")
        self.receive_mail(
            self.agent.email_formatted,
            parent=message,
            extra=f"In-Reply-To: {message.message_id}\nAuto-Submitted: No (human)\n",
        )
        self.assertTrue(ticket.csp_first_response_at)

    def test_automatic_mail_makes_a_ticket(self):
        """A machine's mail is a request too; it just makes no new contact."""
        partners = self.env["res.partner"].search_count([])
        ticket = self.receive_mail(
            "Printer <printer@kalnas.example>", extra="Auto-Submitted: auto-generated\n"
        )
        self.assertEqual(ticket.partner_email, "printer@kalnas.example")
        self.assertEqual(ticket.partner_name, "Printer")
        self.assertFalse(ticket.partner_id)
        self.assertTrue(ticket.csp_next_deadline)
        self.assertEqual(self.env["res.partner"].search_count([]), partners)


class TestSenders(GatewayCase):
    """Whoever writes, there is a ticket."""

    def test_known_sender(self):
        ticket = self.receive_mail('"The Office" <OFFICE@kalnas.example>')
        self.assertEqual(ticket.partner_id, self.customer)
        self.assertEqual(ticket.partner_name, "Bakery Kalnas")
        self.assertEqual(ticket.partner_email, "office@kalnas.example")

    def test_two_contacts_with_the_address(self):
        """OCA/helpdesk#67: the one who has a user."""
        second = self.customer.copy()
        portal = new_test_user(
            self.env, login="csp-twin", groups="base.group_portal", partner_id=second.id
        )
        portal.email = self.customer.email
        ticket = self.receive_mail(self.customer.email_formatted)
        self.assertEqual(ticket.partner_id, second)
        self.assertFalse(ticket.user_id, "OCA/helpdesk#889: no customer is assignee")

    def test_contact_of_another_company(self):
        """Nobody here could open the ticket with that contact."""
        self.customer.company_id = self.env["res.company"].create({"name": "Abroad"})
        ticket = self.receive_mail(self.customer.email_formatted)
        self.assertTrue(ticket.partner_id)
        self.assertNotEqual(ticket.partner_id, self.customer)

    def test_employee_as_customer(self):
        ticket = self.receive_mail(self.agent.email_formatted)
        self.assertEqual(ticket.partner_id, self.agent.partner_id)
        self.assertFalse(ticket.user_id)
        self.assertFalse(ticket.csp_first_response_at)

    def test_own_alias(self):
        ticket = self.receive_mail("Service <service@test.mycompany.com>")
        self.assertFalse(ticket.partner_id)
        self.assertEqual(ticket.partner_email, "service@test.mycompany.com")

    def test_wrong_address(self):
        partners = self.env["res.partner"].search_count([])
        for sender in ("nobody", "@", "a@b@c", '"A, B" <broken@>', "x@localhost"):
            with self.subTest(sender=sender):
                ticket = self.receive_mail(sender, subject=f"From {sender}")
                self.assertTrue(ticket.exists())
                self.assertFalse(ticket.user_id)
        self.assertLessEqual(self.env["res.partner"].search_count([]), partners + 2)

    def test_no_sender_no_subject_no_body(self):
        ticket = self.receive_mail("", subject="", body="")
        self.assertTrue(ticket.exists())
        self.assertFalse(ticket.partner_id)
        self.assertEqual(ticket.channel_id, self.channel_email)

    def test_contact_cannot_be_made(self):
        def refuse(*args, **kwargs):
            raise ValidationError(self.env._("A contact needs a tax number."))

        Partner = self.env.registry["res.partner"]
        with (
            patch.object(Partner, "create", refuse),
            self.assertLogs(
                "odoo.addons.customer_service_plan.models.helpdesk_ticket_gateway",
                "WARNING",
            ),
        ):
            ticket = self.receive_mail("New <new@customer.example>")
        self.assertFalse(ticket.partner_id)
        self.assertEqual(ticket.partner_email, "new@customer.example")
        self.assertEqual(ticket.partner_name, "New")

    def test_alias_without_team(self):
        """OCA/helpdesk#737, #643: neither robot nor missing channel there."""
        self.env.ref("helpdesk_mgmt.mail_alias_lead_info_helpdesk").write(
            {"alias_domain_id": self.mail_alias_domain.id}
        )
        ticket = self.receive_mail(
            "New <new@customer.example>", to="help@test.mycompany.com"
        )
        self.assertFalse(ticket.team_id)
        self.assertFalse(ticket.user_id)
        self.assertEqual(ticket.channel_id, self.channel_email)

    def test_defaults_of_the_alias_win(self):
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_other")
        self.team.alias_defaults = repr(
            {
                "team_id": self.team.id,
                "channel_id": channel.id,
                "user_id": self.agent.id,
                "partner_id": self.customer.id,
            }
        )
        ticket = self.receive_mail("New <new@customer.example>")
        self.assertEqual(ticket.channel_id, channel)
        self.assertEqual(ticket.user_id, self.agent)
        self.assertEqual(ticket.partner_id, self.customer)

    def test_no_channel_for_mail(self):
        self.channel_email.active = False
        ticket = self.receive_mail("New <new@customer.example>")
        self.assertFalse(ticket.channel_id)


class TestCustomerReplies(GatewayCase):
    """What the customer's answer does to a ticket that waits or is closed."""

    def setUp(self):
        super().setUp()
        with freeze_time("2026-11-02 09:00:00"):
            self.ticket = self.receive_mail("Jonas <jonas@kalnas.example>")
            self.ticket.with_user(self.agent).stage_id = self.stage_in_progress
        with freeze_time("2026-11-02 10:00:00"):
            self.sent = self.answer(self.ticket)
            self.ticket.with_user(self.agent).stage_id = self.stage_awaiting
            self.env.flush_all()

    def reply(self, at, **values):
        with freeze_time(at):
            ticket = self.receive_mail(
                "Jonas <jonas@kalnas.example>", parent=self.sent, **values
            )
            self.env.flush_all()
        self.assertEqual(ticket, self.ticket)

    def test_resumes(self):
        self.assertEqual(self.row(self.ticket, "resolution").state, "paused")
        self.reply("2026-11-02 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_in_progress)
        row = self.row(self.ticket, "resolution")
        self.assertEqual(row.state, "running")
        self.assertEqual(row.consumed_seconds, 3600)
        self.assertEqual(self.kinds(self.ticket)[-2:], ["customer_message", "resumed"])

    def test_company_does_not_want_it(self):
        self.env.company.csp_resume_on_reply = False
        self.reply("2026-11-02 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_awaiting)

    def test_third_party(self):
        self.stage_awaiting.csp_waiting_on = "third_party"
        self.ticket.stage_id = self.stage_in_progress
        self.ticket.stage_id = self.stage_awaiting
        self.reply("2026-11-02 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_awaiting)

    def test_stage_is_gone(self):
        """The stage it came from is not the team's any more."""
        self.stage_in_progress.active = False
        self.reply("2026-11-02 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_new)

    def test_portal_customer(self):
        portal = new_test_user(
            self.env,
            login="csp-jonas",
            groups="base.group_portal",
            partner_id=self.ticket.partner_id.id,
        )
        with self.mock_mail_gateway():
            self.ticket.with_user(portal).message_post(
                body="It is a KM-2",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
        self.assertEqual(self.ticket.stage_id, self.stage_in_progress)

    def close(self):
        with freeze_time("2026-11-02 11:00:00"):
            self.ticket.with_user(self.agent).stage_id = self.stage_done
            self.env.flush_all()

    def test_closed_stays_closed(self):
        self.close()
        self.reply("2026-11-03 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        self.assertFalse(self.ticket.csp_following_ids)

    def test_closed_is_reopened(self):
        self.env.company.csp_closed_reply = "reopen"
        self.close()
        self.reply("2026-11-03 12:00:00")
        # It was closed while it waited for the customer, who has answered now.
        self.assertEqual(self.ticket.stage_id, self.stage_in_progress)
        self.assertEqual(self.ticket.csp_waiting_on, "none")
        self.assertEqual(self.ticket.csp_reopen_count, 1)
        self.assertEqual(self.row(self.ticket, "next_response").state, "running")

    def test_reopened_where_it_was_closed(self):
        self.env.company.csp_closed_reply = "reopen"
        with freeze_time("2026-11-02 10:30:00"):
            self.ticket.with_user(self.agent).stage_id = self.stage_new
        self.close()
        self.reply("2026-11-03 12:00:00")
        self.assertEqual(self.ticket.stage_id, self.stage_new)

    def test_too_late_to_reopen(self):
        self.env.company.csp_closed_reply = "reopen"
        self.close()
        self.reply("2026-11-12 12:00:00", body="It leaks again.")
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        following = self.ticket.csp_following_ids
        self.assertEqual(len(following), 1)
        self.assertEqual(following.partner_id, self.ticket.partner_id)
        self.assertEqual(following.team_id, self.team)
        self.assertIn("It leaks again.", following.description)
        self.assertFalse(following.user_id)
        self.assertEqual(self.kinds(following), ["received", "promised"])
        self.assertEqual(
            following.csp_received_at,
            fields.Datetime.from_string("2026-11-12 12:00:00"),
        )
        # The customer answers the same old mail once more: still one new ticket.
        self.reply("2026-11-12 13:00:00", body="And it smells.")
        self.assertEqual(self.ticket.csp_following_ids, following)
        self.assertIn("And it smells.", "".join(following.message_ids.mapped("body")))
        self.assertIn(following.number, "".join(self.ticket.message_ids.mapped("body")))
        self.assertIn("customer_message", self.kinds(following))

    def test_too_late_with_attachments(self):
        self.env.company.csp_closed_reply = "reopen"
        self.close()
        with freeze_time("2026-11-12 12:00:00"), self.mock_mail_gateway():
            for name in ("first.txt", "second.txt"):
                self.ticket.message_post(
                    body="Look",
                    message_type="email",
                    subtype_xmlid="mail.mt_comment",
                    author_id=self.ticket.partner_id.id,
                    attachments=[(name, b"It is broken")],
                )
        following = self.ticket.csp_following_ids
        self.assertEqual(len(following), 1)
        names = ["first.txt", "second.txt"]
        self.assertEqual(sorted(self.ticket.attachment_ids.mapped("name")), names)
        following.invalidate_recordset()
        self.assertEqual(sorted(following.attachment_ids.mapped("name")), names)

    def test_duplicates_stay_closed(self):
        self.env.company.csp_closed_reply = "reopen"
        target = self.create_ticket()
        self.ticket.duplicate_id = target
        self.close()
        self.reply("2026-11-03 12:00:00")
        self.assertTrue(self.ticket.closed)
