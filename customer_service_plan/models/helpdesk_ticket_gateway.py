import logging

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.tools.mail import email_normalize, parse_contact_from_email

_logger = logging.getLogger(__name__)


class HelpdeskTicket(models.Model):
    _inherit = "helpdesk.ticket"

    csp_previous_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        string="Follows up on",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        readonly=True,
        groups="base.group_user",
        help="The closed ticket that the customer answered too late to reopen it.",
    )
    csp_following_ids = fields.One2many(
        comodel_name="helpdesk.ticket",
        inverse_name="csp_previous_id",
        string="Followed Up By",
        groups="base.group_user",
    )

    # ------------------------------------------------------------
    # NEW TICKETS FROM MAIL
    # ------------------------------------------------------------

    @api.model
    def message_new(self, msg, custom_values=None):
        """Give a ticket from mail its channel and sender, and no robot as assignee."""
        values = dict(custom_values or {})
        # "Auto assign tickets" takes the user of the environment: here the robot or
        # the customer himself (OCA/helpdesk#737 mended the alias, OCA/helpdesk#889
        # the portal form, the gateway is still open).
        values.setdefault("user_id", False)
        company = self._csp_mail_company(values)
        # helpdesk_mgmt knows the channel only inside the scheduled fetch, not when
        # the mail server delivers to the alias (OCA/helpdesk#643).
        if not values.get("channel_id"):
            values["channel_id"] = self._csp_mail_channel(company).id
        values.update(
            (name, value)
            for name, value in self._csp_mail_sender(msg, company).items()
            if not values.get(name)
        )
        if not msg.get("body"):
            # An empty description is refused as missing.
            values.setdefault("description", "<p></p>")
        return super().message_new(msg, custom_values=values)

    @api.model
    def _csp_mail_company(self, values):
        """The company that a ticket with these values will belong to."""
        team = self.env["helpdesk.ticket.team"].browse(values.get("team_id") or [])
        company = self.env["res.company"].browse(values.get("company_id") or [])
        return team.company_id or company or self.env.company

    @api.model
    def _csp_mail_channel(self, company):
        """The channel of mails in this company; none if there is no such channel."""
        channels = self.env["helpdesk.ticket.channel"]
        usual = self.env.ref(
            "helpdesk_mgmt.helpdesk_ticket_channel_email", raise_if_not_found=False
        )
        if (
            usual
            and usual.active
            and usual.company_id in (channels.company_id, company)
        ):
            return usual
        return channels.search(
            [
                ("csp_kind", "=", "email"),
                ("company_id", "in", [False, company.id]),
            ],
            limit=1,
        )

    @api.model
    def _csp_mail_sender(self, msg, company):
        """Contact, name and address of who sent a mail.

        A sender who cannot be made a contact never keeps a ticket from being made.

        helpdesk_mgmt stores the whole field From as address and leaves an unknown
        sender without contact, so that nobody can answer from the ticket
        (OCA/helpdesk#1107).

        :param dict msg: the parsed mail; gets the contact as author of the message
        """
        email_from = msg.get("email_from") or msg.get("from") or ""
        name, email = parse_contact_from_email(email_from)
        partner = self.env["res.partner"].browse(msg.get("author_id") or [])
        if partner.company_id and partner.company_id != company:
            partner = partner.browse()
        if not partner and email_from:
            partner = self._csp_mail_partner(email_from, company)
            if partner and not msg.get("author_id"):
                msg["author_id"] = partner.id
        return {
            "partner_id": partner.id,
            "partner_name": partner.name or name,
            "partner_email": email or email_from,
        }

    @api.model
    def _csp_mail_partner(self, email_from, company):
        """Find the contact with this address, or make one for a person's address."""
        # Odoo takes nobody for one of its own aliases, and of several contacts with
        # the address first users, then the oldest (OCA/helpdesk#67).
        # An answering machine needs no contact.
        no_create = not email_normalize(email_from) or bool(
            self.env.context.get("csp_automatic_mail")
        )
        try:
            with self.env.cr.savepoint():
                return self.env["mail.thread"]._partner_find_from_emails_single(
                    [email_from],
                    filter_found=lambda partner: (
                        partner.company_id in (company.browse(), company)
                    ),
                    no_create=no_create,
                )[:1]
        except OperationalError:
            # Two transactions met: the server runs the request again.
            raise
        except Exception:
            _logger.warning(
                "No contact could be made for %s; the ticket is made without.",
                email_from,
                exc_info=True,
            )
            return self.env["res.partner"]

    # ------------------------------------------------------------
    # ANSWERS OF THE CUSTOMER
    # ------------------------------------------------------------

    def _csp_customer_replied(self, message=None):
        """Do what the company wants done when the customer has written.

        A ticket that waits for the customer goes back to the stage it came from
        (``csp_resume_on_reply``); a closed one is reopened within the grace time and
        gets a new ticket later, or nothing happens (``csp_closed_reply``). One that was
        closed because he had not answered is opened again in any case.

        :param mail.message message: what the customer wrote; the newest message of
            the ticket if not given
        """
        # sudo: helpdesk.ticket: customers may not write tickets; what is written is
        # only the stage that the company's settings ask for
        for ticket in self.sudo():
            company = ticket.company_id
            if not ticket.active or ticket.duplicate_id:
                # The conversation goes on elsewhere.
                ticket._csp_hand_on_reply(message)
                continue
            if ticket.stage_id.closed:
                if ticket._csp_closed_by_silence():
                    # He was told so: whatever the company does else, whenever.
                    stage = ticket._csp_stage_before("paused")
                    if stage:
                        ticket.stage_id = stage
                elif company.csp_closed_reply == "reopen":
                    ticket._csp_reply_to_closed(message)
            elif ticket.csp_waiting_on == "customer" and company.csp_resume_on_reply:
                stage = ticket._csp_stage_before("paused")
                if stage:
                    ticket.stage_id = stage

    def _csp_stage_before(self, kind):
        """Where a ticket that waits or is closed goes on: the stage it came from.

        :param str kind: "paused" or "closed", the event that ended the work
        :return: a stage in which the ticket is worked on, empty if there is none
        """
        self.ensure_one()
        stages = self.with_company(self.company_id).team_id._get_applicable_stages()
        stages = stages.filtered(
            lambda stage: not stage.closed and stage.csp_waiting_on != "customer"
        )
        event = self.env["csp.ticket.event"].search(
            [("ticket_id", "=", self.id), ("kind", "=", kind)],
            order="at desc, id desc",
            limit=1,
        )
        before = stages.filtered(
            lambda stage: stage.id == (event.data or {}).get("from_stage")
        )
        working = stages.filtered(
            lambda stage: not stage.unattended and stage.csp_waiting_on == "none"
        )
        return before or working[:1] or stages[:1]

    def _csp_reply_to_closed(self, message):
        """Reopen this ticket, or open a new one if it was closed too long ago."""
        self.ensure_one()
        grace = fields.Datetime.subtract(
            fields.Datetime.now(), days=self.company_id.csp_reopen_grace_days
        )
        if self.csp_closed_at and self.csp_closed_at >= grace:
            stage = self._csp_stage_before("closed")
            if stage:
                self.stage_id = stage
            return
        message = message or self.message_ids[:1]
        following = self.csp_following_ids.filtered(
            lambda ticket: not ticket.stage_id.closed
        )[:1]
        if following:
            following.message_post(**self._prepare_csp_repeated_message(message))
        else:
            following = self.create(self._prepare_csp_following_values(message))
            message.attachment_ids.copy({"res_id": following.id})
            following._message_log(
                body=self.env._(
                    "Follows up on %s, which was answered too late to reopen it.",
                    self._get_html_link(self.number),
                )
            )
            self._message_log(
                body=self.env._(
                    "The customer's answer came too late to reopen this ticket. It "
                    "goes on in %s.",
                    following._get_html_link(following.number),
                )
            )

    def _prepare_csp_repeated_message(self, message):
        """What to post on the following ticket when the old one is answered again."""
        return {
            "body": message.body,
            "subject": message.subject,
            "message_type": "email",
            "subtype_xmlid": "mail.mt_comment",
            "author_id": message.author_id.id,
            "email_from": message.email_from,
            # Posting takes attachments of this model along to the ticket.
            "attachment_ids": message.attachment_ids.copy(
                {"res_model": "mail.compose.message", "res_id": 0}
            ).ids,
        }

    def _prepare_csp_following_values(self, message):
        """Values of the ticket that goes on with what the customer wrote too late."""
        return {
            "name": self.name,
            "description": message.body or "<p></p>",
            "company_id": self.company_id.id,
            "team_id": self.team_id.id,
            "category_id": self.category_id.id,
            "channel_id": self.channel_id.id,
            "partner_id": self.partner_id.id,
            "partner_name": self.partner_name,
            "partner_email": self.partner_email,
            "priority": self.priority,
            "user_id": False,
            "csp_previous_id": self.id,
            "attachment_ids": False,
        }
