from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.addons.base.tests.common import BaseCommon

from .helpdesk import HelpdeskMixin

RECEIVED = datetime(2026, 11, 2, 8, 0)
HOUR = timedelta(hours=1)


class TestPastTickets(HelpdeskMixin, BaseCommon):
    """Tickets that were there before the addon, put under promise by a manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.env.company.csp_hours_id = False
        cls.channel_email.csp_hours_id = False
        cls.env["csp.policy"].search([]).active = False
        cls.open = cls.forget(cls.receive())
        cls.waiting = cls.receive()
        cls.closed = cls.receive()
        with freeze_time(RECEIVED + HOUR):
            cls.waiting.stage_id = cls.stage_awaiting
        with freeze_time(RECEIVED + 2 * HOUR):
            cls.closed.stage_id = cls.stage_done
        cls.waiting.last_stage_update = RECEIVED + HOUR
        cls.forget(cls.waiting | cls.closed)
        with freeze_time(RECEIVED + 3 * HOUR):
            cls.line = cls.publish_promise(
                first_response_minutes=60, resolution_minutes=600
            )

    @classmethod
    def receive(cls):
        with freeze_time(RECEIVED):
            return cls.create_ticket(channel_id=cls.channel_email.id)

    @classmethod
    def forget(cls, tickets):
        """As if they had been there when the addon was installed."""
        cls.env.flush_all()
        cls.env.cr.execute(
            "DELETE FROM csp_ticket_event WHERE ticket_id = ANY(%s)", (tickets.ids,)
        )
        cls.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = ANY(%s)",
            (tickets.ids,),
        )
        cls.env.invalidate_all()
        return tickets

    def test_promised_from_receipt(self):
        tickets = self.open | self.waiting | self.closed
        with freeze_time(RECEIVED + 5 * HOUR):
            promised = tickets._csp_promise_from_receipt(self.line.version_id)
        self.assertEqual(promised, tickets)
        self.assertEqual(set(tickets.mapped("csp_received_at")), {RECEIVED})
        self.assertEqual(
            self.row(self.open, "resolution").deadline, RECEIVED + 10 * HOUR
        )
        self.assertEqual(self.row(self.open, "first_response").state, "missed")
        paused = self.row(self.waiting, "resolution")
        self.assertEqual((paused.state, paused.consumed_seconds), ("paused", 3600))
        solved = self.row(self.closed, "resolution")
        self.assertEqual((solved.state, solved.ended_at), ("met", RECEIVED + 2 * HOUR))
        self.assertEqual(self.closed.csp_closed_as, "solved")

    def test_matched_again(self):
        tickets = self.open | self.closed
        with freeze_time(RECEIVED + 5 * HOUR):
            changed = tickets.with_user(self.manager).action_csp_match_again()
        self.assertEqual(changed, self.open)
        self.assertEqual(self.open.csp_received_at, RECEIVED)
        self.assertEqual(
            self.row(self.open, "resolution").deadline, RECEIVED + 10 * HOUR
        )

    def test_noted_once(self):
        (self.open | self.closed)._csp_note_past()
        (self.open | self.closed)._csp_note_past()
        self.assertEqual(self.kinds(self.open), ["received"])
        self.assertEqual(self.kinds(self.closed), ["received", "closed"])
