import logging
from typing import NamedTuple

import babel.dates

from odoo import api, fields, models
from odoo.tools import format_date, format_time
from odoo.tools.misc import babel_locale_parse, get_lang

from ..tools import silence
from ..tools.epoch import from_epoch, to_epoch
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)


class Outlook(NamedTuple):
    """What is to come on a ticket whose customer is silent.

    `row` is what was done so far; `since` is None while the turn is ours.
    """

    row: models.Model
    since: int | None
    plan: silence.Plan
    hours: silence.OpeningTime


class HelpdeskTicket(models.Model):
    """Tickets that wait for an answer of the customer, and what comes of it."""

    _inherit = "helpdesk.ticket"

    csp_keep_waiting = fields.Boolean(
        string="Do not close by itself",
        copy=False,
        tracking=True,
        groups="base.group_user",
        help="The customer is not reminded, and the ticket stays open however long he "
        "does not answer.",
    )
    csp_remind_at = fields.Datetime(
        string="Reminder to the customer",
        compute="_compute_csp_silence",
        compute_sudo=True,
        groups="base.group_user",
    )
    csp_close_at = fields.Datetime(
        string="Closes by itself",
        compute="_compute_csp_silence",
        compute_sudo=True,
        groups="base.group_user",
        help="When the ticket is closed if the customer does not answer.",
    )
    csp_silence_text = fields.Char(
        string="Without an answer",
        compute="_compute_csp_silence",
        compute_sudo=True,
        groups="base.group_user",
        help="What happens if the customer does not answer.",
    )
    csp_close_text = fields.Char(
        string="Closing, in the customer's words",
        compute="_compute_csp_close_text",
        compute_sudo=True,
        groups="base.group_user",
        help="When the ticket closes by itself, in the customer's time zone and in the "
        "language of the mail. Empty: it does not.",
    )

    # What waits for the customer, found without looking at all tickets.
    _csp_waiting_for_customer = models.Index(
        "(id) WHERE csp_waiting_on = 'customer' AND csp_closed_as IS NULL"
    )

    # === For people ===

    @api.depends(
        "csp_waiting_on",
        "csp_closed_as",
        "csp_keep_waiting",
        "csp_last_contact_at",
        "csp_policy_version_id",
    )
    @api.depends_context("lang", "tz")
    def _compute_csp_silence(self):
        self.csp_remind_at = False
        self.csp_close_at = False
        self.csp_silence_text = False
        concerned = self._origin.filtered(
            lambda ticket: (
                ticket.csp_policy_version_id.remind_after_minutes
                or ticket.csp_policy_version_id.close_after_minutes
            )
        )
        closed = concerned.filtered("csp_closed_as")._csp_closed_by_silence()
        waiting = concerned.filtered(
            lambda ticket: (
                ticket.csp_waiting_on == "customer" and not ticket.csp_closed_as
            )
        )
        kept = waiting.filtered("csp_keep_waiting")
        outlooks = (waiting - kept)._csp_silence_outlooks()
        for ticket in self:
            origin = ticket._origin
            if origin in closed:
                ticket.csp_silence_text = self.env._(
                    "Closed because the customer did not answer. A reply opens it "
                    "again."
                )
            elif origin in kept:
                ticket.csp_silence_text = self.env._("It is not closed by itself.")
            elif origin in outlooks:
                outlook = outlooks[origin]
                if outlook.since is None:
                    continue
                if not outlook.row.is_unreachable:
                    remind_at, close_at = outlook.plan
                    ticket.csp_remind_at = remind_at and from_epoch(remind_at)
                    ticket.csp_close_at = close_at and from_epoch(close_at)
                ticket.csp_silence_text = ticket._csp_silence_sentence(outlook)

    def _csp_silence_sentence(self, outlook):
        """What happens to this ticket if the customer stays silent, in a sentence."""
        if outlook.row.is_unreachable:
            return self.env._(
                "The customer could not be reminded, so it is not closed by itself."
            )
        at = {
            "reminder": self._csp_short_moment(self.csp_remind_at),
            "reminded": self._csp_short_moment(outlook.row.reminded_at),
            "closing": self._csp_short_moment(self.csp_close_at),
        }
        if at["reminder"] and at["closing"]:
            return self.env._(
                "Reminder to the customer on %(reminder)s; without an answer closed on "
                "%(closing)s.",
                **at,
            )
        if at["reminder"]:
            return self.env._("Reminder to the customer on %(reminder)s.", **at)
        if outlook.row.reminded_at and at["closing"]:
            return self.env._(
                "Customer reminded on %(reminded)s; without an answer closed on "
                "%(closing)s.",
                **at,
            )
        if at["closing"]:
            return self.env._("Without an answer closed on %(closing)s.", **at)
        if outlook.row.reminded_at:
            return self.env._("Customer reminded on %(reminded)s.", **at)
        return False

    def _csp_short_moment(self, moment):
        """Day and time as this user reads them: “Tue, Nov 24, 10:00”."""
        if not moment:
            return False
        local = fields.Datetime.context_timestamp(self, moment)
        locale = babel_locale_parse(get_lang(self.env).code)
        day = babel.dates.format_skeleton("MMMEd", local, locale=locale)
        clock = format_time(self.env, local.time(), time_format="short")
        return f"{day}, {clock}"

    @api.depends("csp_close_at")
    @api.depends_context("lang")
    def _compute_csp_close_text(self):
        for ticket in self:
            close_at = ticket.csp_close_at
            if not close_at:
                ticket.csp_close_text = False
                continue
            zone = ticket.partner_id.tz or ticket.company_id._csp_tz()
            local = fields.Datetime.context_timestamp(
                ticket.with_context(tz=zone), close_at
            )
            day = format_date(self.env, local.date(), date_format="full")
            clock = format_time(self.env, local.time(), time_format="short")
            ticket.csp_close_text = f"{day}, {clock}"

    # === What is to come ===

    def _csp_silence_outlooks(self, keep=False):
        """What comes of the silence of these tickets' customers.

        :param bool keep: also write down what was found, for the scheduled action
        :return: dict of ticket to `Outlook`
        """
        if not self:
            return {}
        # sudo: csp.ticket.silence: who sees the ticket sees what becomes of it
        Silence = self.env["csp.ticket.silence"].sudo()._by_addon()
        rows = {
            row.ticket_id.id: row
            for row in Silence.search([("ticket_id", "in", self.ids)])
        }
        latest = Silence._latest_events(self.ids)
        known, new = {}, []
        for ticket in self:
            events, last_id = latest.get(ticket.id, ({}, 0))
            contact = ticket.csp_last_contact_at or ticket.create_date
            since = silence.get_since(events, to_epoch(contact))
            values = {
                "since": from_epoch(since) if since is not None else False,
                "seen_event": last_id,
                "hours_revision": ticket.csp_hours_id.sudo().revision,
            }
            known[ticket] = since
            row = rows.get(ticket.id, Silence)
            if row and row.since != values["since"]:
                # Another wait: what was done before does not count.
                values.update(
                    reminded_at=False, reminder_mail_id=False, is_unreachable=False
                )
            if keep and row:
                row.write(values)
            elif keep:
                new.append({"ticket_id": ticket.id, **values})
            elif row and "reminded_at" in values:
                rows[ticket.id] = Silence
        for row in Silence.create(new) if new else ():
            rows[row.ticket_id.id] = row
        return {
            ticket: ticket._csp_silence_outlook(rows.get(ticket.id, Silence), since)
            for ticket, since in known.items()
        }

    def _csp_silence_outlook(self, row, since):
        hours = self.env["csp.commitment"]._opening_time(self.csp_hours_id.id)
        plan = silence.Plan(None, None)
        if since is not None:
            # sudo: csp.policy.version: the policy that the ticket was promised under
            version = self.csp_policy_version_id.sudo()
            rule = silence.Rule(
                version.remind_after_minutes * 60, version.close_after_minutes * 60
            )
            reminded_at = to_epoch(row.reminded_at) if row.reminded_at else None
            plan = silence.plan(rule, since, reminded_at, hours)
        return Outlook(row, since, plan, hours)

    # === Reminding and closing ===

    def _csp_send_reminder(self):
        """Queue the reminder to the customer; gives the mail."""
        self.ensure_one()
        version = self.csp_policy_version_id
        template = version.remind_template_id or version._csp_silence_template("remind")
        return self._csp_send_notice(template)

    def _csp_close_by_silence(self):
        """Close this ticket, whose customer has not answered, and tell him.

        :return: whether there was a stage to close it in
        """
        self.ensure_one()
        version = self.csp_policy_version_id
        stage = self._csp_silence_stage()
        if not stage:
            _logger.warning(
                "Ticket %s cannot be closed by itself: its team has no closing stage",
                self.number,
            )
            return False
        template = version.close_template_id or version._csp_silence_template("close")
        # Our notice is sent instead of what the stage would send.
        silent = self.with_context(
            csp_silent=True, csp_closing_by_silence=BY_ADDON if template else False
        )
        silent.stage_id = stage
        silent._message_log(
            body=self.env._("Closed by itself: the customer did not answer.")
        )
        self._csp_send_notice(template)
        return True

    def _csp_silence_stage(self):
        """The stage in which a ticket is closed when its customer does not answer."""
        stages = self.with_company(self.company_id).team_id._get_applicable_stages()
        closing = stages.filtered("closed")
        wanted = self.csp_policy_version_id.close_stage_id
        if wanted in closing:
            return wanted
        # Another team's stages may be others; what they count as is the same.
        outcome = wanted.csp_outcome or ("solved" if wanted else "cancelled")
        alike = closing.filtered(
            lambda stage: (stage.csp_outcome or "solved") == outcome
        )
        return (alike or closing)[:1]

    def _csp_send_notice(self, template):
        """Queue an automatic mail to the customer; he sees it on the portal, too."""
        self.ensure_one()
        ticket = self.with_company(self.company_id).with_context(csp_silent=True)
        # The team's own address, as in answers: mails to many go to the catchall.
        reply_to = ticket._notify_get_reply_to(author_id=self.company_id.partner_id.id)[
            self.id
        ]
        mails = ticket.message_mail_with_source(
            template,
            reply_to=template.reply_to or reply_to,
            force_send=False,
            auto_delete=False,
            email_layout_xmlid="mail.mail_notification_light",
        )
        messages = mails.mail_message_id
        messages.subtype_id = self.env["ir.model.data"]._xmlid_to_res_id(
            "mail.mt_comment"
        )
        return mails

    def _track_template(self, tracking):
        templates = super()._track_template(tracking)
        if self.env.context.get("csp_closing_by_silence") is BY_ADDON:
            templates.pop("stage_id", None)
        return templates

    def _send_ticket_rating_mail(self, force_send=False):
        if self.env.context.get("csp_closing_by_silence") is BY_ADDON:
            # Who does not answer is not asked how he liked it.
            return None
        return super()._send_ticket_rating_mail(force_send=force_send)

    # === Opening again ===

    def _csp_closed_by_silence(self):
        """Those of these tickets that are closed because nobody answered."""
        if not self:
            return self
        # sudo: csp.ticket.silence: who sees the ticket sees why it was closed
        rows = (
            self.env["csp.ticket.silence"]
            .sudo()
            .search([("ticket_id", "in", self.ids), ("closed_at", "!=", False)])
        )
        closed_at = {row.ticket_id.id: row.closed_at for row in rows}
        return self.filtered(
            lambda ticket: (
                ticket.csp_closed_at
                and closed_at.get(ticket.id) == ticket.csp_closed_at
            )
        )
