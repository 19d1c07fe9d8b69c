import random
from datetime import timedelta

from freezegun import freeze_time

from odoo.tools import mute_logger

from .common import CspCommon

STORIES = 12
STEPS = 18


class TestStories(CspCommon):
    """Random stories, told to two tickets at once: of one the sweep takes care, of the
    other one nobody. Both end the same way, and as a replay of their events does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vip = cls.env["csp.segment"].create({"name": "VIP"})
        cls.always = cls.env["csp.hours"].create(
            {"name": "Always", "tz": "UTC", "always_open": True}
        )
        cls.mail = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        cls.web = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_web")
        cls.mail.csp_hours_id = cls.always
        cls.important = cls.env["res.partner"].create(
            {"name": "Important", "csp_segment_ids": cls.vip.ids}
        )
        cls.third_party = cls.env["helpdesk.ticket.stage"].create(
            {"name": "Supplier", "csp_waiting_on": "third_party"}
        )
        cls._create_policy(
            [
                {
                    "segment_ids": cls.vip.ids,
                    "first_response_minutes": 30,
                    "next_response_minutes": 45,
                    "resolution_minutes": 300,
                    "sequence": 1,
                },
                {
                    "priority_from": "3",
                    "next_response_minutes": 20,
                    "resolution_minutes": 240,
                    "hours_id": cls.always.id,
                    "sequence": 2,
                },
                {"complaint": "only", "first_response_minutes": 10, "sequence": 3},
                {"priority_to": "0", "sequence": 4},
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "next_response_minutes": 90,
                    "resolution_minutes": 960,
                    "sequence": 5,
                },
            ]
        )

    def _steps(self, dice):
        """What may happen to a ticket, each with how often it does."""
        stages = (
            self.stage_new
            + self.stage_progress
            + self.stage_waiting
            + self.third_party
            + self.stage_done
            + self.stage_cancelled
        )
        stage = dice.choice(stages)
        values = dice.choice(
            [
                {"priority": dice.choice("0123")},
                {"csp_is_complaint": dice.random() < 0.5},
                {"channel_id": dice.choice([self.mail.id, self.web.id, False])},
                {"partner_id": dice.choice([self.customer.id, self.important.id])},
                {"user_id": dice.choice([self.agent.id, self.manager.id, False])},
                {"stage_id": stage.id, "priority": dice.choice("0123")},
            ]
        )
        staff = self.agent.partner_id

        def post(author):
            return lambda ticket: ticket.message_post(
                body="Hello",
                author_id=(author or ticket.partner_id).id,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )

        def excuse(ticket):
            missed = ticket.csp_commitment_ids.filtered(lambda r: r.state == "missed")
            missed[:1].with_user(self.manager).action_excuse("It snowed")

        def no_answer(ticket):
            if ticket.csp_unanswered_since:
                ticket.action_csp_no_answer_needed()

        return dice.choices(
            [
                lambda ticket: ticket.write({"stage_id": stage.id}),
                lambda ticket: ticket.write(values),
                post(staff),
                post(None),
                lambda ticket: ticket.write({"active": not ticket.active}),
                excuse,
                no_answer,
            ],
            [5, 5, 3, 4, 1, 1, 1],
        )[0]

    @mute_logger("odoo.addons.mail.models.mail_thread")
    def test_stories(self):
        Commitment = self.env["csp.commitment"]
        for seed in range(STORIES):
            dice = random.Random(seed)
            now = self.at(hours=dice.randrange(12))
            swept, alone = (self._create_ticket(at=now) for _number in range(2))
            tickets = swept + alone
            for _step in range(STEPS):
                step = self._steps(dice)
                now += timedelta(
                    minutes=dice.choice([0, 1, 7, 15, 30, 60, 100, 480, 1440, 9 * 1440])
                )
                with freeze_time(now):
                    if dice.random() < 0.4:
                        Commitment._bring_up_to_date(swept.ids)
                        self.env.invalidate_all()
                    if step.__name__ == "excuse":
                        # Nobody excuses what nobody knows to be missed.
                        Commitment._bring_up_to_date(tickets.ids)
                        self.env.invalidate_all()
                    for ticket in tickets:
                        step(ticket)
            with freeze_time(now), self.subTest(seed=seed):
                Commitment._bring_up_to_date(tickets.ids)
                self.env.invalidate_all()
                live = self._snapshot(swept)
                self.assertEqual(self._snapshot(alone), live)
                kinds = [
                    sorted(ticket.csp_event_ids.mapped("kind")) for ticket in tickets
                ]
                self.assertEqual(kinds[0], kinds[1])
                tickets._csp_replay()
                self.assertEqual(self._snapshot(swept), live)
                self.assertEqual(self._snapshot(alone), live)
