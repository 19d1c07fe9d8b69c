from freezegun import freeze_time

from odoo.tests import HttpCase, new_test_user, tagged

from .helpdesk import HelpdeskMixin
from .test_mail_gateway import GatewayCase


class RepliesCase(GatewayCase):
    def setUp(self):
        super().setUp()
        self.jonas = self.env["res.partner"].create(
            {
                "name": "Jonas",
                "email": "jonas@kalnas.example",
                "parent_id": self.customer.id,
            }
        )
        with freeze_time("2026-11-02 09:00:00"):
            self.ticket = self.receive_mail("Jonas <jonas@kalnas.example>")
            self.ticket.with_user(self.agent).stage_id = self.stage_in_progress
        with freeze_time("2026-11-02 10:00:00"):
            self.sent = self.answer(self.ticket)
            self.ticket.with_user(self.agent).stage_id = self.stage_awaiting
            self.env.flush_all()

    def reply(self, sender, at="2026-11-02 12:00:00", **values):
        with freeze_time(at):
            ticket = self.receive_mail(sender, parent=self.sent, **values)
            self.env.flush_all()
        return ticket


class TestWhoResumes(RepliesCase):
    """Anybody of the customer's side who answers in the thread."""

    def assertResumed(self):
        self.assertEqual(self.ticket.stage_id, self.stage_in_progress)
        self.assertEqual(self.ticket.csp_waiting_on, "none")
        self.assertEqual(self.row(self.ticket, "resolution").state, "running")

    def test_colleague_with_another_address(self):
        colleague = self.env["res.partner"].create(
            {
                "name": "Rasa",
                "email": "rasa@elsewhere.example",
                "parent_id": self.customer.id,
            }
        )
        self.assertEqual(self.reply("Rasa <rasa@elsewhere.example>"), self.ticket)
        self.assertResumed()
        self.assertEqual(self.ticket.partner_id, self.jonas)
        message = self.ticket.message_ids.filtered(
            lambda message: message.author_id == colleague
        )
        self.assertEqual(len(message), 1)

    def test_unknown_address(self):
        same = self.reply("Jonas at home <jonas.private@mail.example>")
        self.assertEqual(same, self.ticket)
        self.assertResumed()

    def test_colleague_of_ours(self):
        """An internal answer by mail is ours and leaves the ticket waiting."""
        self.reply(self.agent.email_formatted)
        self.assertEqual(self.ticket.stage_id, self.stage_awaiting)

    def test_portal_user_of_the_same_company(self):
        portal = new_test_user(
            self.env,
            login="csp-kalnas-portal",
            email="other@kalnas.example",
            groups="base.group_portal",
        )
        portal.partner_id.parent_id = self.customer
        with self.mock_mail_gateway():
            self.ticket.with_user(portal).message_post(
                body="It is a KM-2",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
        self.assertResumed()


class TestMergedThreads(RepliesCase):
    """Who answers on a merged ticket is read where it goes on."""

    def setUp(self):
        super().setUp()
        with freeze_time("2026-11-02 10:30:00"):
            self.target = self.create_ticket(
                partner_id=self.jonas.id, stage_id=self.stage_awaiting.id
            )
            self.notice = self.ticket.with_context(csp_silent=True).message_post(
                body="We have received it",
                message_type="notification",
                subtype_xmlid="mail.mt_comment",
            )
            self.merge(self.ticket, self.target)

    def merge(self, source, target):
        self.env["helpdesk.ticket.merge"].with_user(self.agent).with_context(
            active_ids=(source + target).ids
        ).create({"dst_ticket_id": target.id}).merge_tickets()

    def test_answer_to_what_has_moved(self):
        self.assertEqual(self.reply("Jonas <jonas@kalnas.example>"), self.target)

    def test_answer_to_what_stayed(self):
        """Automatic messages stay on the archived ticket."""
        self.assertEqual(self.notice.res_id, self.ticket.id)
        self.sent = self.notice
        before = self.ticket.message_ids
        same = self.reply("Jonas <jonas@kalnas.example>", body="It is a KM-2")
        self.assertEqual(self.ticket.message_ids, before)
        bodies = "".join(self.target.message_ids.mapped("body"))
        self.assertEqual(bodies.count("KM-2"), 1)
        self.assertIn("customer_message", self.kinds(self.target))
        self.assertNotEqual(self.target.stage_id, self.stage_awaiting, "goes on")
        self.assertEqual(same, self.target)

    def test_merged_twice(self):
        with freeze_time("2026-11-02 10:40:00"):
            last = self.create_ticket(partner_id=self.jonas.id)
            self.merge(self.target, last)
        self.sent = self.notice
        self.reply("Jonas <jonas@kalnas.example>", body="It is a KM-2")
        self.assertIn("KM-2", "".join(last.message_ids.mapped("body")))

    def test_circle(self):
        """Somebody marked them as duplicates of each other: no end is looked for."""
        (self.ticket + self.target).write({"active": False})
        self.target.duplicate_id = self.ticket
        self.assertEqual(self.ticket._csp_goes_on_in(), self.ticket)

    def test_open_page_of_the_portal(self):
        portal = new_test_user(
            self.env,
            login="csp-jonas",
            groups="base.group_portal",
            partner_id=self.jonas.id,
        )
        with self.mock_mail_gateway():
            self.ticket.with_user(portal).message_post(
                body="It is a KM-3",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
        self.assertIn("KM-3", "".join(self.target.message_ids.mapped("body")))
        self.assertIn("customer_message", self.kinds(self.target))

    def test_duplicate_of_another_customers_ticket(self):
        """What one customer writes is not for the followers of another one."""
        stranger = self.env["res.partner"].create(
            {"name": "Stranger", "email": "stranger@example.com"}
        )
        theirs = self.create_ticket(partner_id=stranger.id)
        alone = self.create_ticket(partner_id=self.jonas.id)
        self.sent = alone.message_post(
            body="?", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        alone.write({"duplicate_id": theirs.id, "active": False})
        self.reply("Jonas <jonas@kalnas.example>", body="My secret")
        self.assertNotIn("My secret", "".join(theirs.message_ids.mapped("body")))

    def test_archived_only(self):
        """Archived without being merged: answers stay with it."""
        alone = self.create_ticket(partner_id=self.jonas.id)
        self.sent = alone.message_post(
            body="?", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        alone.active = False
        self.assertEqual(self.reply("Jonas <jonas@kalnas.example>"), alone)


@tagged("post_install", "-at_install")
class TestMergedPages(HelpdeskMixin, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.old, cls.new = cls.create_ticket(), cls.create_ticket(name="New")
        cls.old.write({"duplicate_id": cls.new.id, "active": False})

    def test_visitor_is_led_on(self):
        token = self.old._portal_ensure_token()
        response = self.url_open(f"/my/ticket/{self.old.id}?access_token={token}")
        self.assertIn(self.new.number, response.text)
        self.assertURLEqual(response.url.split("?")[0], f"/my/ticket/{self.new.id}")

    def test_not_to_another_customer(self):
        self.new.partner_id = self.env["res.partner"].create({"name": "Stranger"})
        token = self.old._portal_ensure_token()
        response = self.url_open(f"/my/ticket/{self.old.id}?access_token={token}")
        self.assertIn(self.old.number, response.text)
        self.assertNotIn(self.new.number, response.text)

    def test_nobody_else(self):
        response = self.url_open(f"/my/ticket/{self.old.id}")
        self.assertNotIn(self.new.number, response.text)
