"""Who takes part in a trial is told once, and what he answers is kept as a comment."""

from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.protected import BY_ADDON
from .pilots import PilotCommon

ANSWER = """From: {sender}
To: {to}
Subject: Re: We are trying out a change
Message-ID: <answer-{number}@example.com>
In-Reply-To: {reference}
References: {reference}
{header}Content-Type: text/plain; charset=utf-8

{text}
"""


class TestPilotTelling(PilotCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Trial team", "user_ids": [Command.link(cls.agent.id)]}
        )
        cls.agent.email = "agent@example.com"

    def _row_of(self, pilot, partner):
        return pilot.participation_ids.filtered(lambda row: row.partner_id == partner)

    def _answer(self, message, text, sender="dimitra@example.com", header="", number=1):
        mail = ANSWER.format(
            sender=sender,
            to="catchall@example.com",
            reference=message.message_id,
            header=header,
            text=text,
            number=number,
        )
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            return self.env["mail.thread"].message_process(
                False, mail, save_original=False
            )

    # === Told ===

    def test_chosen_are_told_at_the_start_and_once(self):
        pilot = self._start(team_ids=[Command.link(self.team.id)])
        for minutes in (1, 2, 30):
            self._cron(self.at(minutes=minutes))
        mails = self._mails(pilot)
        self.assertEqual(mails.recipient_ids, self.customer | self.agent.partner_id)
        self.assertEqual(len(mails), 2)
        self.assertEqual(set(mails.mapped("state")), {"outgoing"})
        row = self._row_of(pilot, self.customer)
        self.assertEqual((row.state, row.told_at), ("told", self.at(minutes=1)))
        self.assertEqual(pilot.told_count, 2)
        body = row.message_id.body
        self.assertIn("This is a test", body)
        self.assertIn("16", body)
        self.assertIn("reply to this e-mail", body)
        self.assertNotIn("/odoo/", body)
        staff = self._row_of(pilot, self.agent.partner_id)
        self.assertIn(f"/odoo/csp.pilot/{pilot.id}", staff.message_id.body)

    def test_others_are_told_with_their_first_ticket(self):
        pilot = self._start(
            customer_mode="everybody", user_ids=[Command.link(self.lead.id)]
        )
        self._cron(self.at(minutes=1))
        self.assertEqual(pilot.participation_ids.partner_id, self.lead.partner_id)
        for hour in (1, 2, 3):
            self._create_ticket(at=self.at(hours=hour), user_id=self.lead.id)
            self._create_ticket(
                at=self.at(hours=hour), user_id=False, partner_id=self.other.id
            )
        for minutes in (5, 10):
            self._cron(self.at(hours=4, minutes=minutes))
        self.assertEqual(
            pilot.participation_ids.partner_id, self.lead.partner_id | self.customer
        )
        self.assertEqual(len(self._mails(pilot)), 2)

    def test_in_their_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        template = self.env.ref("customer_service_plan.mail_template_trial_customer")
        template.with_context(lang="fr_FR").subject = "Un essai"
        pilot = self._create_pilot(customer_text="Faster answers")
        pilot.with_context(lang="fr_FR").customer_text = "Des réponses rapides"
        pilot.partner_ids |= self.other
        self._start(pilot)
        self._cron(self.at(minutes=1))
        french = self._row_of(pilot, self.customer).message_id
        english = self._row_of(pilot, self.other).message_id
        self.assertEqual(french.subject, "Un essai")
        self.assertIn("Des réponses rapides", french.body)
        self.assertIn("Faster answers", english.body)

    def test_who_cannot_be_told_is_listed(self):
        Partner = self.env["res.partner"]
        silent = Partner.create({"name": "No address"})
        unwilling = Partner.create({"name": "No mail", "email": "no@example.com"})
        self.env["mail.blacklist"].create({"email": "no@example.com"})
        bounced = Partner.create(
            {"name": "Bounced", "email": "gone@example.com", "message_bounce": 3}
        )
        twin = Partner.create({"name": "Twin", "email": "Dimitra@Example.com"})
        archived = Partner.create(
            {"name": "Old", "email": "old@example.com", "active": False}
        )
        everyone = self.customer | silent | unwilling | bounced | twin | archived
        pilot = self._start(partner_ids=[Command.set(everyone.ids)])
        self._cron(self.at(minutes=1))
        states = {
            row.partner_id: row.state
            for row in pilot.participation_ids
            if not row.user_id
        }
        self.assertEqual(
            states,
            {
                self.customer: "told",
                silent: "no_email",
                unwilling: "unwanted",
                bounced: "bounced",
                twin: "same_address",
                archived: "archived",
            },
        )
        self.assertEqual(pilot.not_told_count, 4)
        customers = self._mails(pilot).recipient_ids.filtered("partner_share")
        self.assertEqual(customers, self.customer)

    def test_staff_without_address_get_a_to_do(self):
        self.agent.email = False
        pilot = self._start(team_ids=[Command.link(self.team.id)])
        self._cron(self.at(minutes=1))
        self._cron(self.at(minutes=2))
        self.assertEqual(pilot.activity_ids.user_id, self.agent)
        self.assertEqual(len(pilot.activity_ids), 1)
        self.assertTrue(pilot.with_user(self.agent).has_access("read"))

    def test_in_batches_and_resumed(self):
        partners = self.env["res.partner"].create(
            [
                {"name": f"Customer {number}", "email": f"c{number}@example.com"}
                for number in range(7)
            ]
        )
        pilot = self._start(partner_ids=[Command.set(partners.ids)])
        with freeze_time(self.at(minutes=1)):
            pilot._find_participants()
            rows = pilot.participation_ids.filtered(lambda row: not row.user_id)
            rows[:3]._tell()
        self.assertEqual(pilot.told_count, 3)
        commits = []

        def commit_progress(cron, processed=0, *, remaining=None):
            commits.append(processed)
            # After two batches the time is up.
            return len(commits) % 3

        Cron = type(self.env["ir.cron"])
        with patch.object(Cron, "_commit_progress", commit_progress):
            for minutes in (2, 3):
                with freeze_time(self.at(minutes=minutes)):
                    self.env["csp.pilot"]._cron_trials(batch_size=1)
        self.assertEqual(commits, [0, 1, 1] * 2)
        self._cron(self.at(minutes=4))
        rows = pilot.participation_ids.filtered(lambda row: not row.user_id)
        self.assertEqual(set(rows.mapped("state")), {"told"})
        self.assertEqual(len(self._mails(pilot).recipient_ids & partners), 7)

    def test_one_that_fails_keeps_no_other_in_the_dark(self):
        template = self.env.ref("customer_service_plan.mail_template_trial_customer")
        template.subject = "{{ 1 / (object.partner_id.name != 'Otto Other') }}"
        pilot = self._start(partner_ids=[Command.set((self.customer | self.other).ids)])
        with (
            self.assertLogs("odoo.addons.customer_service_plan", "ERROR"),
            mute_logger("odoo.addons.mail.models.mail_render_mixin"),
        ):
            self._cron(self.at(minutes=1))
        self.assertEqual(self._row_of(pilot, self.customer).state, "told")
        self.assertEqual(self._row_of(pilot, self.other).state, "failed")

    def test_nobody_is_told_of_what_is_over(self):
        pilot = self._start()
        with freeze_time(self.at(minutes=1)):
            pilot._find_participants()
        self._decide(pilot, "stop", at=self.at(minutes=2))
        self._cron(self.at(minutes=3))
        self.assertFalse(self._mails(pilot))
        self.assertEqual(set(pilot.participation_ids.mapped("state")), {"too_late"})

    def test_mail_that_comes_back(self):
        pilot = self._start()
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.customer)
        row.sudo()._message_receive_bounce("dimitra@example.com", self.customer)
        self.assertEqual(row.state, "bounced")
        self.assertEqual(pilot.not_told_count, 1)

    # === Comments ===

    def test_answer_becomes_a_comment(self):
        pilot = self._start(team_ids=[Command.link(self.team.id)])
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.customer)
        before = self.env["mail.mail"].search_count([])
        self._answer(row.message_id, "I like it.")
        comment = pilot.comment_ids
        self.assertEqual(comment.text, "I like it.")
        self.assertEqual(
            (comment.source, comment.partner_id, comment.author_name),
            ("customer", self.customer, "Dimitra Customer"),
        )
        # Nobody follows, nobody is written to, and the trial's own notes stay apart.
        self.assertFalse(row.message_partner_ids)
        self.assertNotIn(self.customer, pilot.message_partner_ids)
        self.assertEqual(self.env["mail.mail"].search_count([]), before)
        self.assertNotIn("I like it", " ".join(pilot.message_ids.mapped("body")))
        staff = self._row_of(pilot, self.agent.partner_id)
        self._answer(staff.message_id, "Too much work.", "agent@example.com", number=2)
        self.assertEqual(
            pilot.comment_ids.sorted("id").mapped("source"), ["customer", "staff"]
        )
        self._answer(
            row.message_id,
            "I am on holiday.",
            header="Auto-Submitted: auto-replied\n",
            number=3,
        )
        self.assertEqual(pilot.comment_count, 2)

    def test_quoted_mail_is_no_comment(self):
        pilot = self._start()
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.customer)
        text = "Very good.\n\nOn Monday you wrote:\n> This is a test\n> until Monday"
        self._answer(row.message_id, text)
        self.assertIn("Very good.", pilot.comment_ids.text)
        self.assertNotIn("This is a test", pilot.comment_ids.text)

    def test_deleted_customer_is_known_by_name_no_more(self):
        pilot = self._start(partner_ids=[Command.set(self.other.ids)])
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.other)
        self._answer(row.message_id, "I like it.", "otto@example.com")
        self.other.unlink()
        self.assertEqual((row.name, row.email, row.state), (False, False, "told"))
        self.assertFalse(pilot.comment_ids.author_name)

    def test_answer_of_a_stranger_and_after_the_end(self):
        pilot = self._start()
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.customer)
        self._decide(pilot, "stop", at=self.at(hours=1))
        self._answer(row.message_id, "Forwarded to me.", "stranger@example.org")
        self.assertEqual(pilot.comment_ids.text, "Forwarded to me.")
        self.assertEqual(pilot.comment_ids.source, "customer")
        # It is not the word of the customer whose mail was passed on.
        self.assertFalse(pilot.comment_ids.partner_id)
        self.assertIn("stranger@example.org", pilot.comment_ids.author_name)

    def test_customers_learn_nothing_of_segments(self):
        mine, theirs = self.env["csp.segment"].create(
            [{"name": "Complainers"}, {"name": "Important people"}]
        )
        self.customer.csp_segment_ids = mine
        self.version.with_context(csp_by_addon=BY_ADDON).state = "draft"
        self.version.line_ids = [
            Command.clear(),
            Command.create({"segment_ids": theirs.ids, "first_response_minutes": 5}),
            Command.create({"segment_ids": mine.ids, "first_response_minutes": 45}),
            Command.create({"match_all": True, "first_response_minutes": 90}),
        ]
        self.version.with_context(csp_by_addon=BY_ADDON).state = "approved"
        pilot = self._start(team_ids=[Command.link(self.team.id)])
        self._cron(self.at(minutes=1))
        told = self._row_of(pilot, self.customer).message_id.body
        self.assertIn("45 min", told)
        self.assertIn("1 h 30 min", told)
        for secret in ("Complainers", "Important people", "in 5 min"):
            self.assertNotIn(secret, told)

    def test_one_failing_trial_holds_up_no_other(self):
        pilot = self._start()
        with (
            patch.object(
                self.env.registry["csp.pilot"],
                "_find_participants",
                side_effect=ValueError("broken"),
            ),
            mute_logger("odoo.addons.customer_service_plan.models.csp_pilot_tell"),
        ):
            self._cron(self.at(minutes=1))
        self.assertFalse(pilot.participation_ids)
        self._cron(self.at(minutes=2))
        self.assertTrue(pilot.participation_ids)

    def test_nobody_comments_for_others(self):
        pilot = self._start()
        self._cron(self.at(minutes=1))
        row = self._row_of(pilot, self.customer)
        row.with_user(self.manager).message_post(
            body="I love it",
            message_type="email",
            author_id=self.customer.id,
            subtype_xmlid="mail.mt_comment",
        )
        self.assertFalse(pilot.comment_ids)
        with self.assertRaises(AccessError):
            self.env["csp.pilot.comment"].with_user(self.manager).create(
                {"pilot_id": pilot.id, "body": "x", "source": "customer"}
            )
        with self.assertRaises(AccessError):
            row.with_user(self.manager).write({"state": "told"})
        with self.assertRaises(UserError):
            pilot.with_user(self.agent).action_comment(" ")
        pilot.with_user(self.agent).action_comment("Works")
        comment = pilot.comment_ids
        self.assertEqual((comment.user_id, comment.source), (self.agent, "staff"))
        self.assertTrue(comment.with_user(self.agent).has_access("read"))
        colleague = new_test_user(
            self.env, "csp_colleague", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        self.assertFalse(comment.with_user(colleague).has_access("read"))
        self.assertTrue(comment.with_user(self.lead).has_access("read"))

    def test_customers_reach_nothing_of_it(self):
        portal = new_test_user(self.env, "csp_customer", groups="base.group_portal")
        portal.partner_id.email = "portal@example.com"
        pilot = self._start(partner_ids=[Command.set(portal.partner_id.ids)])
        self._cron(self.at(minutes=1))
        pilot.message_subscribe(portal.partner_id.ids)
        note = pilot.message_post(body="Between us", partner_ids=portal.partner_id.ids)
        self.assertNotIn(portal.partner_id, pilot.message_partner_ids)
        self.assertNotIn(portal.partner_id, note.notified_partner_ids)
        row = self._row_of(pilot, portal.partner_id)
        for record in (pilot, row, pilot.criterion_ids):
            self.assertFalse(record.with_user(portal).has_access("read"))
        messages = self.env["mail.message"].with_user(portal)
        found = messages.search([("model", "=", "csp.pilot")])
        self.assertFalse(found)
