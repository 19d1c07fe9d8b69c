from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.mail.tests.common import MailCommon

from ..models.protected import BY_ADDON
from .common import CspCommon

LOGGER = "odoo.addons.customer_service_plan.models.csp_ticket_silence"


class SilenceCase(CspCommon, MailCommon):
    """Reminded after 16 opening hours, closed 8 later; hours are 9–17 in Athens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["csp.policy"].search([]).active = False
        cls.own = new_test_user(
            cls.env,
            "csp_own_agent",
            email="own@test.mycompany.com",
            groups="helpdesk_mgmt.group_helpdesk_user_own",
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Service", "user_ids": cls.own.ids, "alias_name": "service"}
        )
        cls.customer.write({"lang": "en_US", "tz": "Asia/Tokyo"})
        cls.policy = cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 2400,
                }
            ],
            publish=False,
        )
        cls.version = cls.policy.draft_version_id
        cls.version.write({"remind_after_minutes": 960, "close_after_minutes": 480})
        with freeze_time(cls.at(days=-7)):
            cls.version.action_publish()

    def setUp(self):
        super().setUp()
        # Monday 10:00 asked, 11:00 answered, and from then on waiting.
        self.ticket = self._waiting_ticket()

    def _waiting_ticket(self, **values):
        ticket = self._create_ticket(
            at=self.at(hours=1),
            **{"team_id": self.team.id, "user_id": self.own.id, **values},
        )
        ticket.partner_email = ticket.partner_email or ticket.partner_id.email
        with self.mock_mail_gateway():
            self._reply(ticket, self.at(hours=2), self.own)
        self._move(ticket.with_user(self.own), self.at(hours=2), self.stage_waiting)
        self.env.flush_all()
        return ticket

    def _run(self, at):
        cron = self.env.ref("customer_service_plan.ir_cron_silence")
        with freeze_time(at), self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _notices(self, ticket=None):
        """What was queued for the customer, oldest first."""
        ticket = ticket or self.ticket
        return self.env["mail.mail"].search(
            [("model", "=", ticket._name), ("res_id", "=", ticket.id)], order="id"
        ) - self._own_replies(ticket)

    def _own_replies(self, ticket):
        mails = self.env["mail.mail"].search([("res_id", "=", ticket.id)])
        return mails.filtered(lambda mail: mail.body == "<p>Hello</p>")

    def _send(self, at):
        with freeze_time(at), self.mock_mail_gateway():
            self.env["mail.mail"].search([("state", "=", "outgoing")]).send()

    def _row_of(self, ticket):
        return self.env["csp.ticket.silence"].search([("ticket_id", "=", ticket.id)])

    def _remind(self):
        """Let the customer be reminded at the earliest moment, Wednesday 11:00."""
        at = self.at(days=2, hours=2)
        self._run(at)
        self._send(at)
        self._run(self.at(days=2, hours=2, minutes=10))

    def _close(self):
        self._remind()
        self._run(self.at(days=3, hours=2, minutes=10))
        self.assertEqual(self.ticket.stage_id, self.stage_cancelled)


class TestSilence(SilenceCase):
    def test_reminded_and_closed(self):
        self._run(self.at(hours=3))
        self.assertFalse(self._notices())
        self._run(self.at(days=2, hours=1, minutes=59))
        self.assertFalse(self._notices())
        self._run(self.at(days=2, hours=2))
        mail = self._notices()
        self.assertEqual(mail.recipient_ids, self.customer)
        self.assertIn("We wait for your answer", mail.subject)
        # Thursday 11:00 in Athens, for somebody in Tokyo.
        self.assertIn("Thursday, March 5, 2026, 6:00", mail.body_html)
        self._send(self.at(days=2, hours=2))
        self._run(self.at(days=2, hours=2, minutes=10))
        self.assertEqual(self._notices(), mail, "reminded once")
        self._run(self.at(days=3, hours=2, minutes=9))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._run(self.at(days=3, hours=2, minutes=10))
        self.assertEqual(self.ticket.stage_id, self.stage_cancelled)
        self.assertEqual(self.ticket.csp_closed_as, "cancelled")
        notice = self._notices() - mail
        self.assertEqual(len(notice), 1, "ours, and not that of the stage, too")
        self.assertIn("open again", notice.body_html)
        self._run(self.at(days=9))
        self.assertEqual(self._notices(), mail + notice)

    def test_nobody_spoke(self):
        """Automatic mails are no replies, and do not begin the wait anew."""
        contact = self.ticket.csp_last_contact_at
        self._close()
        self.assertEqual(self.ticket.csp_last_contact_at, contact)
        self.assertEqual(self._kinds(self.ticket).count("staff_reply"), 1)
        self.assertNotIn("customer_message", self._kinds(self.ticket))

    def test_customer_reads_it_on_the_portal(self):
        self._remind()
        comment = self.env.ref("mail.mt_comment")
        self.assertEqual(self._notices().mail_message_id.subtype_id, comment)
        self.assertIn("<service@test.mycompany.com>", self._notices().reply_to)
        self.assertNotIn("OdooBot", self._notices().reply_to)

    def test_a_weekend_asleep(self):
        """First the reminder, and the whole second span after it."""
        self._run(self.at(days=7, hours=14))
        self.assertEqual(len(self._notices()), 1)
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._send(self.at(days=7, hours=14))
        self._run(self.at(days=7, hours=15))
        self._run(self.at(days=8, hours=7, minutes=59))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        # Eight hours from Tuesday 9:00 end at closing time: closed on Wednesday.
        self._run(self.at(days=8, hours=10))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._run(self.at(days=9))
        self.assertEqual(self.ticket.stage_id, self.stage_cancelled)

    def test_closed_in_opening_time_only(self):
        self._remind()
        self._run(self.at(days=3, hours=12))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting, "at night")
        self._run(self.at(days=4))
        self.assertEqual(self.ticket.stage_id, self.stage_cancelled)

    def test_answer_begins_anew(self):
        self._remind()
        self._ask(self.ticket, self.at(days=2, hours=5))
        self.assertEqual(self.ticket.csp_waiting_on, "none")
        self._run(self.at(days=8))
        self.assertEqual(self.ticket.csp_waiting_on, "none")
        with self.mock_mail_gateway():
            self._reply(self.ticket, self.at(days=8), self.own)
        self._move(self.ticket, self.at(days=8), self.stage_waiting)
        self._run(self.at(days=9, hours=1))
        self.assertEqual(len(self._notices()), 1)
        self._run(self.at(days=10))
        self.assertEqual(len(self._notices()), 2, "reminded once in each wait")
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)

    def test_we_wrote_again(self):
        """Who wrote to the customer on Tuesday waits from Tuesday on."""
        with self.mock_mail_gateway():
            self._reply(self.ticket, self.at(days=1, hours=2), self.own)
        self._run(self.at(days=2, hours=2))
        self.assertFalse(self._notices())
        self._run(self.at(days=3, hours=2))
        self.assertEqual(len(self._notices()), 1)

    def test_stage_left_and_taken_again(self):
        """Without a message: he was called and promised to answer tomorrow."""
        self._remind()
        agent = self.ticket.with_user(self.own)
        self._move(agent, self.at(days=2, hours=4), self.stage_progress)
        self._move(agent, self.at(days=2, hours=4), self.stage_waiting)
        self._run(self.at(days=3, hours=3))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._run(self.at(days=4, hours=4))
        self.assertEqual(len(self._notices()), 2)

    def test_the_turn_is_ours(self):
        """An answer that does not resume: nobody is reminded of what he did."""
        self.env.company.csp_resume_on_reply = False
        self._ask(self.ticket, self.at(hours=5))
        self._run(self.at(days=20))
        self.assertFalse(self._notices())
        self.assertFalse(self.ticket.csp_silence_text)
        with freeze_time(self.at(days=20)):
            self.ticket.with_user(self.own).action_csp_no_answer_needed()
        self._run(self.at(days=22, hours=1))
        self.assertEqual(len(self._notices()), 1)

    def test_third_party(self):
        self.stage_waiting.csp_waiting_on = "third_party"
        ticket = self._waiting_ticket()
        self._run(self.at(days=20))
        self.assertFalse(self._notices(ticket))

    def test_agent_keeps_it_open(self):
        self._run(self.at(hours=3))
        self.ticket.with_user(self.own).csp_keep_waiting = True
        self._run(self.at(days=20))
        self.assertFalse(self._notices())
        self.assertIn("not closed", self.ticket.csp_silence_text)
        self.ticket.with_user(self.own).csp_keep_waiting = False
        self._run(self.at(days=21, hours=1))
        self.assertEqual(len(self._notices()), 1)
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)

    def test_only_reminder_only_closing(self):
        self._change(close_after_minutes=0)
        self._run(self.at(days=2, hours=2))
        self.assertNotIn("close", self._notices().body_html)
        self._send(self.at(days=2, hours=2))
        self._run(self.at(days=20))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._change(remind_after_minutes=0, close_after_minutes=60)
        second = self._waiting_ticket()
        self._run(self.at(hours=3))
        self.assertEqual(second.stage_id, self.stage_cancelled)

    def _change(self, **values):
        self.version.with_context(csp_by_addon=BY_ADDON).write(values)

    def test_stage_of_the_policy(self):
        self._change(close_stage_id=self.stage_done.id)
        self._remind()
        self._run(self.at(days=3, hours=2, minutes=10))
        self.assertEqual(self.ticket.stage_id, self.stage_done)
        self.assertEqual(self.ticket.csp_closed_as, "solved")

    def test_team_with_stages_of_its_own(self):
        stages = self.env["helpdesk.ticket.stage"].search([])
        other = self.env["helpdesk.ticket.team"].create({"name": "Other"})
        stages.filtered("closed").team_ids = other
        closing = self.stage_done.copy(
            {"name": "Given up", "team_ids": self.team.ids, "csp_outcome": "cancelled"}
        )
        self._remind()
        self._run(self.at(days=3, hours=2, minutes=10))
        self.assertEqual(self.ticket.stage_id, closing)

    def test_no_stage_to_close_in(self):
        self.env["helpdesk.ticket.stage"].search([("closed", "=", True)]).active = False
        self._remind()
        with self.assertLogs(LOGGER.replace("csp_", "helpdesk_"), "WARNING"):
            self._run(self.at(days=3, hours=2, minutes=10))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)


class TestSilenceMails(SilenceCase):
    def test_mail_server_is_down(self):
        """What was not sent has not reminded anybody."""
        self._run(self.at(days=2, hours=2))
        mail = self._notices()
        self.assertEqual(mail.state, "outgoing", "queued")
        self._run(self.at(days=6))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        with (
            freeze_time(self.at(days=7)),
            patch.object(IrMail_Server, "_connect__", side_effect=OSError("down")),
            mute_logger("odoo.addons.mail.models.mail_mail"),
        ):
            mail.send()
        self.assertEqual(mail.state, "exception")
        self._run(self.at(days=7, hours=1))
        self.assertEqual(mail.state, "outgoing", "tried again")
        self._send(self.at(days=7, hours=1))
        self._run(self.at(days=7, hours=2))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._run(self.at(days=8, hours=1, minutes=59))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        self._run(self.at(days=8, hours=2))
        self.assertEqual(self.ticket.stage_id, self.stage_cancelled)
        self.assertEqual(len(self._notices()), 2)

    def test_customer_without_address(self):
        self.customer.email = False
        self.ticket.partner_email = False
        self._run(self.at(days=2, hours=2))
        self._send(self.at(days=2, hours=2))
        self._run(self.at(days=2, hours=3))
        self._run(self.at(days=20))
        self.assertEqual(self.ticket.stage_id, self.stage_waiting)
        notes = [m.body for m in self.ticket.message_ids if "another way" in m.body]
        self.assertEqual(len(notes), 1)
        self.assertIn("could not be reminded", self.ticket.csp_silence_text)

    def test_unknown_sender(self):
        """Somebody who is only an e-mail address is reminded there."""
        ticket = self._waiting_ticket(
            partner_id=False, partner_email="stranger@other.example"
        )
        self._run(self.at(days=2, hours=2))
        mail = self._notices(ticket)
        addresses = [mail.email_to or "", *mail.recipient_ids.mapped("email")]
        self.assertIn("stranger@other.example", "".join(addresses))

    def test_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("el_GR")
        self.customer.lang = "el_GR"
        template = self.version.remind_template_id
        template.with_context(lang="el_GR").subject = "Περιμένουμε {{ object.number }}"
        template.with_context(
            lang="el_GR"
        ).body_html = '<p>Κλείνει <t t-out="object.csp_close_text"/></p>'
        self._run(self.at(days=2, hours=2))
        mail = self._notices()
        self.assertEqual(mail.subject, f"Περιμένουμε {self.ticket.number}")
        self.assertIn("Πέμπτη 5 Μαρτίου 2026", mail.body_html)

    def test_template_of_the_policy_stays(self):
        """A published version names it: it cannot be deleted."""
        own = self.version.remind_template_id.copy({"subject": "Own"})
        self.version.with_context(csp_by_addon=BY_ADDON).remind_template_id = own
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.env.cr.savepoint():
                own.unlink()
        self._run(self.at(days=2, hours=2))
        self.assertEqual(self._notices().subject, "Own")


class TestReopening(SilenceCase):
    def test_reply_opens_it_again(self):
        """Also where the company leaves closed tickets closed."""
        self.assertEqual(self.env.company.csp_closed_reply, "nothing")
        self._close()
        self.assertIn("did not answer", self.ticket.csp_silence_text)
        self._ask(self.ticket, self.at(days=4))
        self.assertEqual(self.ticket.stage_id, self.stage_new, "where it came from")
        row = self._row(self.ticket, "resolution")
        self.assertEqual(row.state, "running")
        self.assertLess(row.started_at, self.at(days=1), "the promise goes on")
        self.assertEqual(self.ticket.csp_reopen_count, 1)

    def test_long_after(self):
        self._close()
        self._ask(self.ticket, self.at(days=40))
        self.assertEqual(self.ticket.stage_id, self.stage_new)
        self.assertFalse(self.ticket.csp_following_ids)

    def test_closed_by_hand_later(self):
        """Once it has gone on, the company's setting counts again."""
        self._close()
        self._ask(self.ticket, self.at(days=4))
        self._move(self.ticket, self.at(days=4, hours=1), self.stage_done)
        self._ask(self.ticket, self.at(days=4, hours=2))
        self.assertEqual(self.ticket.stage_id, self.stage_done)

    def test_waits_again(self):
        self._close()
        self._ask(self.ticket, self.at(days=4))
        self._move(self.ticket, self.at(days=4), self.stage_waiting)
        self._run(self.at(days=7, hours=7))
        self.assertEqual(len(self._notices()), 2)
        self._run(self.at(days=8))
        self.assertEqual(len(self._notices()), 3)


class TestSilenceRobust(SilenceCase):
    def test_bad_ticket_stops_nobody(self):
        second = self._waiting_ticket(name="Poisoned")
        Ticket = type(self.env["helpdesk.ticket"])
        send = Ticket._csp_send_reminder

        def poisoned(ticket):
            if ticket == second:
                raise ValueError("poison")
            return send(ticket)

        with patch.object(Ticket, "_csp_send_reminder", poisoned):
            with self.assertLogs(LOGGER, "ERROR"):
                self._run(self.at(days=2, hours=2))
            self.assertEqual(len(self._notices()), 1)
            self.assertFalse(self._notices(second))
            self._run(self.at(days=2, hours=2, minutes=30))
        self._run(self.at(days=2, hours=3))
        self.assertEqual(len(self._notices(second)), 1, "tried again an hour later")
        self.assertEqual(len(self._notices()), 1)

    def test_batches(self):
        tickets = self.ticket
        for _number in range(4):
            tickets += self._waiting_ticket()
        silence = self.env["csp.ticket.silence"].with_user(self.user_root)
        with freeze_time(self.at(days=2, hours=2)):
            done = [silence._work_batch(2) for _batch in range(4)]
        self.assertEqual(done, [2, 2, 1, 0])
        for ticket in tickets:
            self.assertEqual(len(self._notices(ticket)), 1)

    def test_wakes_itself(self):
        cron = self.env.ref("customer_service_plan.ir_cron_silence")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        self._run(self.at(hours=3))
        self._run(self.at(hours=3, minutes=15))
        calls = triggers.search([("cron_id", "=", cron.id)]).mapped("call_at")
        self.assertEqual(calls, [self.at(days=2, hours=2)])

    def test_changed_hours(self):
        self._run(self.at(hours=3))
        self.hours.line_ids.filtered(lambda line: line.weekday == "1").unlink()
        self.env.flush_all()
        self._run(self.at(days=2, hours=2))
        self.assertFalse(self._notices())
        self._run(self.at(days=3, hours=2))
        self.assertEqual(len(self._notices()), 1)

    def test_costs_no_query_where_it_is_not_used(self):
        self.ticket.csp_policy_version_id.invalidate_recordset()
        ticket = self._create_ticket()
        tickets = ticket.with_user(self.own).sudo()
        tickets.mapped("csp_policy_version_id.remind_after_minutes")
        tickets.mapped("csp_waiting_on")
        with self.assertQueryCount(0):
            self.assertFalse(tickets.csp_silence_text)

    def test_queries_do_not_grow(self):
        many = self.ticket
        for _number in range(5):
            many += self._waiting_ticket()
        self._run(self.at(hours=3))

        def count(tickets):
            self.env.invalidate_all()
            tickets.mapped("csp_waiting_on")
            tickets.csp_policy_version_id.mapped("remind_after_minutes")
            before = self.cr.sql_log_count
            tickets.mapped("csp_silence_text")
            return self.cr.sql_log_count - before

        count(many)
        with freeze_time(self.at(hours=4)):
            self.assertEqual(count(many[:1]), count(many))

    def test_nobody_writes_it(self):
        self._run(self.at(hours=3))
        row = self._row_of(self.ticket)
        for user in (self.own, self.manager):
            with self.assertRaises(AccessError):
                row.with_user(user).write({"reminded_at": self.at()})


class TestSilenceOfVersions(SilenceCase):
    def test_frozen_after_draft(self):
        for name, value in {
            "remind_after_minutes": 1,
            "close_after_minutes": 1,
            "close_stage_id": self.stage_done.id,
            "remind_template_id": False,
            "close_template_id": False,
        }.items():
            with self.subTest(field=name), self.assertRaises(UserError):
                self.version.with_user(self.manager).write({name: value})

    def test_next_version_says_the_same(self):
        self.policy.with_user(self.manager).action_new_version()
        draft = self.policy.draft_version_id
        for name in ("remind_after_minutes", "close_after_minutes"):
            self.assertEqual(draft[name], self.version[name])
        self.assertEqual(draft.remind_template_id, self.version.remind_template_id)

    def test_stage_must_close(self):
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        with self.assertRaises(ValidationError):
            draft.close_stage_id = self.stage_progress
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            with self.cr.savepoint():
                draft.remind_after_minutes = -1
                self.env.flush_all()

    def test_warning_without_reminder(self):
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        self.assertNotIn("without a reminder", draft.finding_text or "")
        draft.remind_after_minutes = 0
        draft.invalidate_recordset()
        self.assertIn("without a reminder", draft.finding_text)

    def test_agent_reads_what_is_to_come(self):
        with freeze_time(self.at(hours=3)):
            ticket = self.ticket.with_user(self.own).with_context(tz="Europe/Athens")
            ticket.invalidate_recordset()
            self.assertEqual(
                ticket.csp_silence_text.replace("\u202f", " "),
                "Reminder to the customer on Wed, Mar 4, 11:00 AM; without an answer "
                "closed on Thu, Mar 5, 11:00 AM.",
            )
            self.assertEqual(ticket.csp_remind_at, datetime(2026, 3, 4, 9))
