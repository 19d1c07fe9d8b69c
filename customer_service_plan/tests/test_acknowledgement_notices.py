from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .acknowledging import AcknowledgementCommon


class TestAcknowledgementNotices(AcknowledgementCommon):
    """To-dos, reminders and the lead. Due is Monday two weeks later."""

    def _messages(self, user):
        return self.env["mail.message"].search(
            [
                ("partner_ids", "in", user.partner_id.ids),
                ("message_type", "=", "user_notification"),
            ],
            order="id",
        )

    def _subjects(self, user):
        return self._messages(user).mapped("subject")

    def test_todo(self):
        todo = self._row(self.anna).activity_ids
        self.assertEqual(todo.user_id, self.anna)
        self.assertEqual(str(todo.date_deadline), "2026-03-16")
        self.assertIn("Standard, version 1", todo.summary)
        # One message about all of it, not one of Odoo's about each
        self.assertFalse(self._messages(self.anna))

    def test_todo_in_the_person_s_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.anna.lang = "fr_FR"
        self.policy.with_context(lang="fr_FR").name = "Politique"
        second = self._next_version(self.at(days=1))
        self.assertIn("Politique", self._row(self.anna, second).activity_ids.summary)
        self.assertIn("Standard", self._row(self.luc, second).activity_ids.summary)

    def test_marking_the_todo_done_signs_nothing(self):
        row = self._row(self.anna)
        row.activity_ids.with_user(self.anna).action_done()
        self.assertEqual(row.state, "to_read")

    def test_reminders(self):
        told = []
        for day in range(25):
            # Twice, and late in the day as well
            for hours in (0, 1, 6):
                self._run(self.at(days=day, hours=hours))
            if len(self._messages(self.anna)) > len(told):
                told.append(day)
        # At once, a week before, a day before, on the day, after it
        self.assertEqual(told, [0, 7, 13, 14, 15])
        subjects = self._subjects(self.anna)
        self.assertEqual(subjects[0], "Please read and sign: Standard, version 1")
        self.assertIn("Overdue", subjects[-1])
        # The lead once, about both
        self.assertEqual(self._subjects(self.chief), ["Not signed in time: 2 people"])
        body = self._messages(self.chief).body
        self.assertIn(self.anna.name, body)
        self.assertIn(self.luc.name, body)
        row = self._row(self.anna)
        self.assertEqual(row.lead_told_id, self.chief)
        self.assertEqual(row.lead_told_at.date(), self.at(days=17).date())

    def test_one_message_for_all_policies(self):
        for name in ("Complaints", "Telephone"):
            self._asking_policy(name=name)
        self._run(self.at())
        message = self._messages(self.anna)
        self.assertEqual(message.subject, "Please read and sign: 3 policies")
        for name in ("Standard", "Complaints", "Telephone"):
            self.assertIn(f"{name}, version 1", message.body)
        self.assertIn("/odoo/to-read/", message.body)

    def test_signed_and_released_are_left_alone(self):
        self._run(self.at())
        self._sign(self.anna, self.at(days=1))
        self._row(self.luc).with_user(self.manager).action_release("On leave")
        for day in range(1, 25):
            self._run(self.at(days=day))
        for user in self.anna | self.luc:
            self.assertEqual(len(self._messages(user)), 1)
        self.assertFalse(self._messages(self.chief))

    def test_nights(self):
        """Nobody is told in his night; it waits for his morning."""
        self.env.company.write({"csp_notify_from": 480, "csp_notify_to": 1200})
        self._run(self.at(hours=15))
        self.assertFalse(self._messages(self.anna))
        row = self._row(self.anna)
        self.assertEqual(row.next_notice_at, self.at(days=1, hours=-1))
        self._run(self.at(days=1, hours=-1))
        self.assertEqual(len(self._messages(self.anna)), 1)

    def test_absence(self):
        """Who is away is told when he is back; his lead waits as long."""
        self._run(self.at())
        with freeze_time(self.at(days=1)):
            self.anna.csp_away_until = self.at(days=30)
        for day in range(2, 30):
            self._run(self.at(days=day))
        self.assertEqual(len(self._messages(self.anna)), 1)
        self.assertEqual(
            self._subjects(self.chief), [f"Not signed in time: {self.luc.name}"]
        )
        self._run(self.at(days=30))
        self.assertEqual(len(self._messages(self.anna)), 2)
        self._run(self.at(days=31))
        self.assertEqual(len(self._messages(self.chief)), 1)
        self._run(self.at(days=33))
        self.assertEqual(
            self._subjects(self.chief)[1:], [f"Not signed in time: {self.anna.name}"]
        )

    def test_who_is_told_where_there_is_no_leader(self):
        """The owner of the policy; of the leader himself, the leader above."""
        self.team.user_id = self.anna
        for day in (0, 15, 17, 18):
            self._run(self.at(days=day))
        self.assertEqual(self._row(self.anna).lead_told_id, self.manager)
        self.assertEqual(self._row(self.luc).lead_told_id, self.anna)

    def test_nobody_to_tell(self):
        self.team.user_id = False
        self.policy.owner_id = self.anna
        for day in (0, 15, 17, 18, 19):
            self._run(self.at(days=day))
        row = self._row(self.anna)
        self.assertFalse(row.lead_told_id)
        self.assertTrue(row.lead_told_at)

    def test_remind_by_hand(self):
        self._run(self.at())
        row = self._row(self.anna).with_user(self.chief)
        with freeze_time(self.at(days=1)):
            row.action_remind()
        self._run(self.at(days=1))
        self.assertEqual(len(self._messages(self.anna)), 2)
        # Not twice a day
        with freeze_time(self.at(days=1, hours=3)):
            row.action_remind()
            self.version.with_user(self.manager).action_remind_to_sign()
        self._run(self.at(days=1, hours=3))
        self.assertEqual(len(self._messages(self.anna)), 2)
        self.assertEqual(len(self._messages(self.luc)), 2)

    def test_one_person_s_fault_stops_nobody(self):
        Rows = self.registry["csp.acknowledgement"]
        send = Rows._send_reminder

        def failing(rows, today):
            if rows.user_id == self.anna:
                raise ValueError("No address")
            return send(rows, today)

        with (
            patch.object(Rows, "_send_reminder", failing),
            mute_logger(
                "odoo.addons.customer_service_plan.models.csp_acknowledgement_notice"
            ),
        ):
            self._run(self.at())
        self.assertFalse(self._messages(self.anna))
        self.assertEqual(len(self._messages(self.luc)), 1)
        row = self._row(self.anna)
        self.assertEqual(row.next_notice_at, self.at() + timedelta(hours=1))
        self._run(self.at(hours=1))
        self.assertEqual(len(self._messages(self.anna)), 1)

    def test_one_policy_s_fault_stops_nobody(self):
        broken = self._asking_policy(name="Broken")
        self.team.user_ids += self.agent
        Policy = self.registry["csp.policy"]
        follow = Policy._follow_roster_of_policy

        def failing(policy, at_publication):
            if policy == broken:
                raise ValueError("Broken")
            return follow(policy, at_publication)

        with (
            patch.object(Policy, "_follow_roster_of_policy", failing),
            mute_logger(
                "odoo.addons.customer_service_plan.models.csp_acknowledgement_notice"
            ),
        ):
            self._run(self.at(days=1))
        self.assertEqual(self._row(self.agent).state, "to_read")
        self.assertFalse(self._row(self.agent, broken.version_ids))

    def test_mail(self):
        """Who prefers e-mail gets one, in his language, by the queue."""
        self.env["res.lang"]._activate_lang("fr_FR")
        clerk = new_test_user(
            self.env,
            "csp_clerk",
            groups="base.group_user",
            email="clerk@example.com",
            notification_type="email",
            tz="Europe/Athens",
        )
        with freeze_time(self.at()):
            self.policy.audience_user_ids = clerk
        self._run(self.at())
        mail = self.env["mail.mail"].search(
            [("recipient_ids", "in", clerk.partner_id.ids)]
        )
        self.assertEqual(len(mail), 1)
        self.assertEqual(mail.state, "outgoing")
        self.assertIn("Standard, version 1", mail.body_html)
