import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import escalation
from ..tools.epoch import from_epoch, to_epoch
from .csp_commitment import CONFLICTS, LOCK_SPACE, MAX_CONFLICTS, RETRY_AFTER
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: More tickets than these for one person at once become one message.
DIGEST_FROM = 5
#: So long a mail that could not be sent is tried again, once an hour.
KEEP_TRYING = timedelta(days=3)


class CspEscalationNotice(models.Model):
    """One person who is to be told about one escalation, or was."""

    _name = "csp.escalation.notice"
    _inherit = ["csp.protected"]
    _description = "Escalation: Who Was Told"
    _log_access = False
    _order = "due_at desc, id desc"
    _rec_name = "user_id"

    escalation_id = fields.Many2one(
        comodel_name="csp.escalation",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    ticket_id = fields.Many2one(related="escalation_id.ticket_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Who",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    instead_of_id = fields.Many2one(
        comodel_name="res.users",
        string="Instead of",
        readonly=True,
        ondelete="set null",
    )
    way = fields.Selection(
        selection=[
            ("preference", "As each one prefers"),
            ("inbox", "Odoo's inbox"),
            ("email", "E-mail"),
            ("todo", "To-do"),
            ("assigned", "Given the ticket"),
        ],
        string="By",
        required=True,
        readonly=True,
    )
    due_at = fields.Datetime(string="To be told", required=True, readonly=True)
    sent_at = fields.Datetime(string="Told", readonly=True)
    state = fields.Selection(
        selection=[
            ("waiting", "Waiting for the morning"),
            ("sent", "Told"),
            ("failed", "Mail not delivered yet"),
            ("dropped", "No longer needed"),
        ],
        required=True,
        readonly=True,
    )
    error = fields.Char(string="What went wrong", readonly=True)
    message_id = fields.Many2one(
        comodel_name="mail.message",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    _due = models.Index("(due_at) WHERE state = 'waiting'")
    _by_mail = models.Index("(sent_at) WHERE message_id IS NOT NULL")

    # === Telling ===

    @api.model
    def _send_due(self, batch_size=20):
        """Tell people what is due, one transaction for some people at a time.

        What is due for one person at once is told once: everything about a ticket in
        one message, and more than `DIGEST_FROM` tickets in a single one.
        """
        try:
            with self.env.cr.savepoint():
                self._look_after_mails()
        except CONFLICTS:
            # Somebody else does.
            self.env.cr.rollback()
        while True:
            done = self._send_batch(batch_size)
            if not self.env["ir.cron"]._commit_progress(done) or not done:
                return

    @api.model
    def _send_batch(self, batch_size):
        """Tell some people; give how many notices were looked at.

        One worker tells one person at a time, or two would share out what is to be one
        message. While others still find out what is due it is left to the last of them.
        """
        for _attempt in range(MAX_CONFLICTS):
            try:
                self.env.cr.execute(self._take_people(batch_size), log_exceptions=False)
                users = [row[0] for row in self.env.cr.fetchall()]
                if not users:
                    return 0
                return sum(self._tell(user) for user in users)
            except CONFLICTS:
                self.env.cr.rollback()
        return 0

    @api.model
    def _take_people(self, limit):
        return SQL(
            """
            WITH due AS MATERIALIZED (
                SELECT DISTINCT user_id
                  FROM csp_escalation_notice
                 WHERE state = 'waiting' AND due_at <= %s
                 LIMIT %s
            )
            SELECT user_id FROM due
             WHERE NOT EXISTS (
                       SELECT 1 FROM pg_locks l
                         JOIN pg_database d ON d.oid = l.database
                        WHERE l.locktype = 'advisory' AND l.classid = %s
                          AND l.objid = 0 AND l.pid <> pg_backend_pid()
                          AND d.datname = current_database()
                   )
               AND pg_try_advisory_xact_lock(%s, user_id)
            """,
            fields.Datetime.now(),
            limit,
            LOCK_SPACE,
            LOCK_SPACE,
        )

    @api.model
    def _tell(self, user_id):
        """Tell one person what is due for him; give how many notices that were."""
        now = fields.Datetime.now()
        notices = self.search(
            [
                ("user_id", "=", user_id),
                ("state", "=", "waiting"),
                ("due_at", "<=", now),
            ]
        ).with_context(csp_by_addon=BY_ADDON)
        if not notices:
            return 0
        try:
            with self.env.cr.savepoint():
                told = notices - notices._hand_on(now)
                if not told:
                    return len(notices)
                # First, so that another worker who told him fails here, not after.
                told.write({"state": "sent", "sent_at": now, "error": False})
                told.flush_recordset()
                told._deliver()
                # What waited for the morning is told now.
                entries = told.escalation_id.filtered(
                    lambda entry: entry.state == "waiting"
                )
                entries |= entries.search([("joined_into_id", "in", entries.ids)])
                entries.with_context(csp_by_addon=BY_ADDON).write({"state": "told"})
        except CONFLICTS:
            raise
        except Exception as error:  # pylint: disable=broad-except
            _logger.exception(
                "User %s could not be told of escalations; tried again in %s",
                user_id,
                RETRY_AFTER,
            )
            notices.invalidate_recordset()
            notices.write(
                {"due_at": now + RETRY_AFTER, "error": str(error) or repr(error)}
            )
        return len(notices)

    def _hand_on(self, now):
        """Have somebody else told who is there, if the one it is for has left or gone
        on leave while it waited for his morning.

        :return: the notices that are no longer for him
        """
        held = self.filtered(lambda notice: notice.due_at > notice.escalation_id.at)
        user = self.user_id
        if not held and user.active:
            return held
        held = held if user.active else self
        Escalation = self.env["csp.escalation"]
        fallbacks = Escalation._fallbacks_by_ticket(
            [(entry.ticket_id, entry.list_id) for entry in held.escalation_id]
        )
        people = Escalation._presence_of(user.union(*fallbacks.values()))
        if people[user.id].active and not people[user.id].away:
            return held.browse()
        handed_on, values = held.browse(), []
        for notice in held:
            for each in escalation.find_told(
                user.ids, people, fallbacks[notice.ticket_id].ids, to_epoch(now)
            ):
                if each.user == user.id:
                    continue
                handed_on |= notice
                values.append(
                    {
                        "escalation_id": notice.escalation_id.id,
                        "user_id": each.user,
                        "instead_of_id": (notice.instead_of_id or user).id,
                        "way": notice.way,
                        "due_at": from_epoch(each.at),
                        "state": "waiting",
                    }
                )
        handed_on.write({"state": "dropped"})
        handed_on.create(values)
        return handed_on

    def _deliver(self):
        """Write the messages and to-dos of one person."""
        user = self.user_id
        self = self.with_context(
            lang=user.lang or self.env.lang,
            tz=user.tz or self.env.tz,
            # The queue sends them: a mail server that is down holds up nothing.
            mail_notify_force_send=False,
        )
        todos = self.filtered(lambda notice: notice.way == "todo")
        by_ticket = self.grouped("ticket_id")
        is_digest = len(by_ticket) > DIGEST_FROM
        for ticket, notices in todos.grouped("ticket_id").items():
            # Odoo writes a mail of its own about each to-do.
            notices.with_context(mail_activity_quick_update=is_digest)._give_todo(
                ticket
            )
        if is_digest:
            self._send_digest()
        else:
            for ticket, notices in (self - todos).grouped("ticket_id").items():
                notices._send_message(ticket)

    def _give_todo(self, ticket):
        """One to-do on a ticket; what it says is added to one that is still open."""
        user = self.user_id
        note = Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s</li>") % line for line in self._lines()
        )
        kind = self.env.ref("customer_service_plan.mail_activity_type_escalation")
        open_one = ticket.activity_ids.filtered(
            lambda activity: (
                activity.user_id == user and activity.activity_type_id == kind
            )
        )[:1]
        if open_one:
            open_one.note = (open_one.note or Markup()) + note
            return
        ticket.with_env(self.env).activity_schedule(
            activity_type_id=kind.id,
            user_id=user.id,
            date_deadline=fields.Date.context_today(self),
            summary=self._subject(),
            note=note,
        )

    def _send_message(self, ticket):
        message = ticket.with_context(
            csp_notify_by=self._strongest_way(), lang=self.env.lang
        ).message_notify(
            partner_ids=self.user_id.partner_id.ids,
            subject=f"{ticket.number}: {self._subject()}",
            body=self.env["ir.qweb"]._render(
                "customer_service_plan.escalation_message",
                {"lines": self._lines(), "ticket": ticket},
                minimal_qcontext=True,
            ),
            author_id=self.env.ref("base.partner_root").id,
            email_layout_xmlid="mail.mail_notification_layout",
            model_description=self.env._("Ticket"),
        )
        self.message_id = message

    def _send_digest(self):
        tickets = self.ticket_id
        message = (
            self.env["mail.thread"]
            .with_context(csp_notify_by=self._strongest_way())
            .message_notify(
                partner_ids=self.user_id.partner_id.ids,
                subject=self.env._("Tickets that need attention: %s", len(tickets)),
                body=self.env["ir.qweb"]._render(
                    "customer_service_plan.escalation_digest",
                    {
                        "tickets": [
                            (ticket, notices._lines())
                            for ticket, notices in self.grouped("ticket_id").items()
                        ],
                        "base_url": tickets[:1].get_base_url(),
                    },
                    minimal_qcontext=True,
                ),
                author_id=self.env.ref("base.partner_root").id,
                email_layout_xmlid="mail.mail_notification_light",
            )
        )
        self.message_id = message

    def _strongest_way(self):
        ways = set(self.mapped("way"))
        return next((way for way in ("email", "inbox") if way in ways), "preference")

    def _subject(self):
        return self.escalation_id.sorted("id")[-1:]._what_text()

    def _lines(self):
        """What one person is told about one ticket, a line each."""
        lines = []
        for entry in self.escalation_id.sorted("id"):
            lines += entry._lines()
        instead_of = self.instead_of_id
        if instead_of:
            lines.append(
                self.env._(
                    "You are told instead of %s, who is not there.",
                    ", ".join(instead_of.mapped("name")),
                )
            )
        return list(dict.fromkeys(lines))

    # === Mails that did not leave ===

    @api.model
    def _look_after_mails(self):
        """See which mails could not be sent, and have them sent again after a while."""
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """
                SELECT n.id, m.id, m.failure_reason, m.state,
                       m.write_date < %(late)s
                  FROM csp_escalation_notice n
             LEFT JOIN mail_mail m ON m.mail_message_id = n.message_id
                 WHERE n.message_id IS NOT NULL AND n.sent_at > %(since)s
                   AND (m.state = 'exception' OR n.state = 'failed')
                """,
                late=now - RETRY_AFTER,
                since=now - KEEP_TRYING,
            )
        )
        failed, delivered, again = {}, [], []
        for notice, mail, reason, state, is_late in self.env.cr.fetchall():
            if state == "exception":
                failed.setdefault(reason or "", []).append(notice)
                if is_late:
                    again.append(mail)
            elif state is None or state in ("sent", "cancel"):
                delivered.append(notice)
        mine = self.with_context(csp_by_addon=BY_ADDON)
        for reason, ids in failed.items():
            mine.browse(ids).write({"state": "failed", "error": reason})
        mine.browse(delivered).write({"state": "sent", "error": False})
        if again:
            self.env["mail.mail"].browse(again).mark_outgoing()
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
