"""Mail as it travels: in through the gateway, out through a real SMTP server."""

import email
import email.policy

from aiosmtpd.controller import Controller

from .common import ADDON, ROOT, ProcessCase, free_port

MAILS = ROOT / ADDON / "tests" / "mails"

SET_UP = """
env["ir.mail_server"].search([]).active = False
env["ir.mail_server"].create({{
    "name": "Post office", "smtp_host": "127.0.0.1", "smtp_port": {port},
    "smtp_encryption": "none", "smtp_authentication": "login",
}})
domain = env["mail.alias.domain"].create({{"name": "test.mycompany.com"}})
env.company.alias_domain_id = domain
agent = env["res.users"].create({{
    "name": "Anna Agent", "login": "anna", "email": "anna@test.mycompany.com",
    "group_ids": [(4, env.ref("helpdesk_mgmt.group_helpdesk_user").id)],
}})
env["helpdesk.ticket.team"].create({{
    "name": "Service", "user_ids": agent.ids, "alias_name": "service",
    "alias_domain_id": domain.id,
}})
version = env["csp.policy"].create({{"name": "For everybody"}}).version_ids
version.line_ids = [(0, 0, {{
    "match_all": True, "first_response_minutes": 120, "next_response_minutes": 60,
}})]
version.action_publish()
"""
RECEIVE = """
ticket_id = env["mail.thread"].message_process(None, {raw!r})
ticket = env["helpdesk.ticket"].browse(ticket_id)
"""
ANSWER = """
agent = env["res.users"].search([("login", "=", "anna")])
ticket.with_user(agent).message_post(
    body="Our technician comes at noon. Καλημέρα!",
    message_type="comment", subtype_xmlid="mail.mt_comment",
    partner_ids=ticket.partner_id.ids,
)
"""
TELL = """
env.flush_all()
env.invalidate_all()
result = {
    "ticket": ticket.id,
    "answered": bool(ticket.csp_first_response_at),
    "rows": {row.kind: row.state for row in ticket.csp_commitment_ids},
    "events": ticket.csp_event_ids.sorted(lambda e: (e.at, e.id)).mapped("kind"),
}
"""


class PostOffice:
    """Keeps what it is given, as parsed mails."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 OK"


class TestSmtp(ProcessCase):
    def setUp(self):
        super().setUp()
        self.office = PostOffice()
        self.port = free_port(8350)
        controller = Controller(self.office, hostname="127.0.0.1", port=self.port)
        controller.start()
        self.addCleanup(controller.stop)

    def reply(self, mail, text, *headers):
        """A raw answer of the customer to a mail that he got."""
        lines = [
            "From: Nikos <nikos@platanos.example>",
            f"To: {mail['Reply-To'] or mail['From']}",
            f"Subject: Re: {mail['Subject']}".encode("ascii", "replace").decode(),
            f"In-Reply-To: {mail['Message-ID']}",
            f"Message-ID: <{abs(hash(text))}@platanos.example>",
            *headers,
            "Content-Type: text/plain; charset=utf-8",
            "",
            text,
        ]
        return "\n".join(lines)

    def test_answer_leaves_and_stops_the_clock(self):
        raw = (MAILS / "plain_greek.eml").read_bytes()
        before = self.shell(
            SET_UP.format(port=self.port) + RECEIVE.format(raw=raw) + TELL
        )
        self.assertFalse(before["answered"])
        self.assertEqual(before["rows"], {"first_response": "running"})

        ticket = f'ticket = env["helpdesk.ticket"].browse({before["ticket"]})\n'
        answered = self.shell(ticket + ANSWER + TELL)
        self.assertTrue(answered["answered"])
        self.assertEqual(answered["rows"], {"first_response": "met"})
        sent = [
            mail for to, mail in self.office.mails if to == ["nikos@platanos.example"]
        ]
        self.assertEqual(len(sent), 1, self.office.mails)
        body = sent[0].get_body(("html",)).get_content()
        self.assertIn("Our technician comes at noon. Καλημέρα!", body)
        self.assertIn("Anna Agent", sent[0]["From"])
        self.assertIn("service@test.mycompany.com", sent[0]["Reply-To"])

        vacation = self.reply(sent[0], "I am away.", "Auto-Submitted: auto-replied")
        away = self.shell(RECEIVE.format(raw=vacation) + TELL)
        self.assertEqual(away, answered)

        thanks = self.shell(
            RECEIVE.format(raw=self.reply(sent[0], "When exactly?")) + TELL
        )
        self.assertEqual(thanks["ticket"], answered["ticket"])
        self.assertEqual(
            thanks["rows"], {"first_response": "met", "next_response": "running"}
        )
        self.assertEqual(thanks["events"], answered["events"] + ["customer_message"])
