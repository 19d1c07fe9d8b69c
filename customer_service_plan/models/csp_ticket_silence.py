import logging
from datetime import timedelta

from psycopg2 import errors

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import silence
from ..tools.epoch import from_epoch, to_epoch
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: A ticket that fails, or a mail that could not be sent, is looked at again after.
RETRY_AFTER = timedelta(hours=1)
#: So long after it was handed over, a reminder should have left the house.
LOOK_AFTER = timedelta(minutes=10)
#: How often a batch is taken again when somebody else was faster.
MAX_CONFLICTS = 20
#: Somebody else has changed, or is changing, what we want to.
CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)
#: Failures of a mail that no second attempt mends.
NO_ADDRESS = ("mail_email_invalid", "mail_email_missing")


class CspTicketSilence(models.Model):
    """How far we are with a customer who does not answer: one row a ticket.

    A row is made and kept by the scheduled action alone, which finds tickets that wait
    for the customer through an index and sees by their events what has changed, so
    that nothing is to be done when a ticket is written. What a row says holds for the
    wait that began at `since`.
    """

    _name = "csp.ticket.silence"
    _inherit = ["csp.protected"]
    _description = "Silence of a Customer"
    _log_access = False
    _rec_name = "ticket_id"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    since = fields.Datetime(
        readonly=True,
        help="The later of the beginning of the wait and the last contact. Empty: the "
        "customer had the last word.",
    )
    reminded_at = fields.Datetime(string="Reminded", readonly=True)
    reminder_mail_id = fields.Many2one(
        comodel_name="mail.mail",
        string="Reminder on its way",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty as soon as it was really sent.",
    )
    is_unreachable = fields.Boolean(
        readonly=True, help="The reminder could not be sent, so nothing is closed."
    )
    closed_at = fields.Datetime(
        string="Closed",
        readonly=True,
        help="When the ticket was closed because nobody answered.",
    )
    next_at = fields.Datetime(
        string="Next look",
        readonly=True,
        help="When this is looked at again, if nothing happens before.",
    )
    seen_event = fields.Integer(
        readonly=True,
        aggregator=None,
        help="The last event of the ticket that was taken into account.",
    )
    hours_revision = fields.Integer(
        readonly=True,
        aggregator=None,
        help="The state of the hours that the next look was planned with.",
    )

    _ticket_unique = models.UniqueIndex("(ticket_id)")
    _next_look = models.Index("(next_at) WHERE next_at IS NOT NULL")

    # === Scheduled action ===

    @api.model
    def _cron_silence(self, batch_size=100):
        """Remind customers who do not answer, and close their tickets afterwards.

        Run twice it does nothing more; run late it first reminds, and closes when the
        whole second span has passed since then.
        """
        while True:
            done = self._work_batch(batch_size)
            remaining = batch_size if done == batch_size else 0
            left = self.env["ir.cron"]._commit_progress(done, remaining=remaining)
            if not remaining or not left:
                break
        self._wake_up_in_time()

    @api.model
    def _take_due(self, limit):
        """Lock tickets to look at: new ones, changed ones, and those that are due."""
        return SQL(
            """
            SELECT t.id
              FROM helpdesk_ticket t
              JOIN csp_policy_version v ON v.id = t.csp_policy_version_id
              LEFT JOIN csp_hours h ON h.id = t.csp_hours_id
              LEFT JOIN csp_ticket_silence s ON s.ticket_id = t.id
             WHERE %(waiting)s
               AND (v.remind_after_minutes > 0 OR v.close_after_minutes > 0)
               AND (
                    s.id IS NULL
                    OR s.next_at <= %(now)s
                    OR COALESCE(h.revision, 0) <> s.hours_revision
                    OR EXISTS (
                        SELECT FROM csp_ticket_event e
                         WHERE e.ticket_id = t.id
                           AND e.id > s.seen_event
                    )
               )
             LIMIT %(limit)s
               FOR NO KEY UPDATE OF t SKIP LOCKED
            """,
            waiting=WAITING,
            now=fields.Datetime.now(),
            limit=limit,
        )

    @api.model
    def _work_batch(self, limit):
        """Look at one batch of tickets and give its size.

        They are locked by the first statement of the transaction; where somebody has
        changed one since, the batch is taken again on a new snapshot.
        """
        for _attempt in range(MAX_CONFLICTS):
            try:
                self.env.cr.execute(self._take_due(limit), log_exceptions=False)
                ids = [row[0] for row in self.env.cr.fetchall()]
                if ids:
                    self._look_at(self.env["helpdesk.ticket"].browse(ids))
                    self.env.flush_all()
                return len(ids)
            except CONFLICTS:
                self.env.cr.rollback()
                self.env.invalidate_all(flush=False)
        return 0

    @api.model
    def _look_at(self, tickets):
        """Keep the rows of these tickets, remind and close what is due."""
        now = fields.Datetime.now()
        for ticket, outlook in tickets._csp_silence_outlooks(keep=True).items():
            row = outlook.row
            try:
                with self.env.cr.savepoint():
                    row.next_at = row._carry_out(ticket, outlook, now)
            except CONFLICTS:
                raise
            except Exception:  # pylint: disable=broad-except
                # One bad ticket must not stop the others.
                _logger.exception(
                    "Ticket %s: its silent customer could not be reminded or the "
                    "ticket not be closed; tried again in %s",
                    ticket.number,
                    RETRY_AFTER,
                )
                row.next_at = now + RETRY_AFTER

    def _carry_out(self, ticket, outlook, now):
        """Do what is due on a ticket.

        :return: when to look again, False for not before something happens
        """
        self.ensure_one()
        if outlook.since is None or self.is_unreachable:
            return False
        if self.reminder_mail_id:
            look_at = self._follow_reminder(ticket, now)
            if look_at is not None:
                return look_at
            # It was sent just now: the second span begins.
            outlook = ticket._csp_silence_outlooks()[ticket]
        remind_at, close_at = outlook.plan
        if remind_at is not None:
            if from_epoch(remind_at) > now:
                return from_epoch(remind_at)
            self.write({"reminded_at": now, "is_unreachable": False})
            self.reminder_mail_id = ticket._csp_send_reminder()[:1]
            self._send_mails_soon()
            return now + LOOK_AFTER
        if close_at is None:
            return False
        opening = outlook.hours.next_opening(max(close_at, to_epoch(now)))
        if opening is None or from_epoch(opening) > now:
            return opening is not None and from_epoch(opening)
        if ticket._csp_close_by_silence():
            self.closed_at = ticket.csp_closed_at
            self._send_mails_soon()
        return False

    def _follow_reminder(self, ticket, now):
        """See whether the reminder has been sent: before that nothing is closed.

        :return: when to look again, False for never, None if it has been sent
        """
        mail = self.reminder_mail_id
        if mail.state == "sent":
            self.write({"reminder_mail_id": False, "reminded_at": now})
            return None
        if mail.state == "cancel" or mail.failure_type in NO_ADDRESS:
            self.write({"reminder_mail_id": False, "is_unreachable": True})
            ticket._message_log(
                body=self.env._(
                    "The customer could not be reminded by e-mail, so this ticket is "
                    "not closed by itself. Please try another way."
                )
            )
            return False
        if mail.state == "exception":
            mail.mark_outgoing()
            self._send_mails_soon()
        return now + RETRY_AFTER

    @api.model
    def _send_mails_soon(self):
        """Have Odoo's mail queue run, once this is saved."""
        cron = self.env.ref(
            "mail.ir_cron_mail_scheduler_action", raise_if_not_found=False
        )
        if cron:
            cron._trigger()

    @api.model
    def _wake_up_in_time(self):
        """Have the scheduled action run when the next ticket is due."""
        self.flush_model(["next_at"])
        found = self.env.execute_query(
            SQL(
                """
                SELECT min(s.next_at)
                  FROM csp_ticket_silence s
                  JOIN helpdesk_ticket t ON t.id = s.ticket_id
                 WHERE s.next_at > %(now)s AND %(waiting)s
                """,
                now=fields.Datetime.now(),
                waiting=WAITING,
            )
        )
        next_at = found[0][0]
        cron = self.env.ref(
            "customer_service_plan.ir_cron_silence", raise_if_not_found=False
        )
        if not (next_at and cron):
            return
        # A trigger is exact to the minute.
        at = next_at.replace(second=0) + timedelta(minutes=1 if next_at.second else 0)
        if not self.env["ir.cron.trigger"].search_count(
            [
                ("cron_id", "=", cron.id),
                ("call_at", ">=", next_at),
                ("call_at", "<=", at),
            ],
            limit=1,
        ):
            cron._trigger(at)

    # === What happened on tickets ===

    @api.model
    def _latest_events(self, ticket_ids):
        """Per ticket the last events that decide whose turn it is.

        :return: dict of ticket id to (dict of kind to (epoch seconds, event id), the id
            of the ticket's last event of any kind)
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (ticket_id, kind)
                       ticket_id, kind, date_part('epoch', at)::bigint, id,
                       max(id) OVER (PARTITION BY ticket_id)
                  FROM csp_ticket_event
                 WHERE ticket_id = ANY(%s)
                 ORDER BY ticket_id, kind, at DESC, id DESC
                """,
                list(ticket_ids),
            )
        )
        found = {}
        for ticket_id, kind, at, event_id, last_id in rows:
            latest = found.setdefault(ticket_id, ({}, last_id))[0]
            if kind in silence.KINDS:
                latest[kind] = (at, event_id)
        return found

    @api.model
    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)


#: Tickets, called t, that wait for their customer and that nobody keeps waiting.
WAITING = SQL(
    "t.csp_waiting_on = 'customer' AND t.csp_closed_as IS NULL AND t.active"
    " AND t.csp_keep_waiting IS NOT TRUE"
)
