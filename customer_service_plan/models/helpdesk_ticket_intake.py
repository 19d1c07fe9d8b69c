from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, clean_context
from odoo.tools.mail import email_normalize, is_html_empty, plaintext2html

from ..tools import lookup
from .protected import BY_ADDON
from .res_partner_lookup import RECENT_TICKETS

#: A contact cannot have begun earlier.
LONGEST_CONTACT = 24 * 3600
#: What identifies an attempt to save is not longer.
LONGEST_KEY = 64


class HelpdeskTicket(models.Model):
    """Contacts on the phone and at the counter, taken down while they go on.

    One dialog asks who it is and what it is about, and saves by one call. Begin and
    end of the contact are measured, not typed.
    """

    _inherit = "helpdesk.ticket"

    csp_contact_start = fields.Datetime(
        string="Contact Began",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="When the agent began to take down what the customer said.",
    )
    csp_contact_end = fields.Datetime(
        string="Contact Ended", readonly=True, copy=False, groups="base.group_user"
    )
    csp_contact_seconds = fields.Integer(
        string="Length of the Contact (s)",
        compute="_compute_csp_contact_seconds",
        groups="base.group_user",
        aggregator="avg",
    )
    csp_contact_key = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Names the last attempt to save a contact here, so that another attempt "
        "after a lost connection saves nothing twice.",
    )

    _csp_contact_key_unique = models.UniqueIndex(
        "(csp_contact_key) WHERE csp_contact_key IS NOT NULL",
        "This contact was already saved.",
    )
    # Found by its number while the customer reads it out.
    _csp_by_number = models.Index("(number)")

    @api.depends("csp_contact_start", "csp_contact_end")
    def _compute_csp_contact_seconds(self):
        for ticket in self:
            start, end = ticket.csp_contact_start, ticket.csp_contact_end
            seconds = (end - start).total_seconds() if start and end else 0
            ticket.csp_contact_seconds = int(seconds)

    # === What the dialog asks ===

    @api.model
    @api.readonly
    def csp_intake_options(self):
        """What an agent chooses from when he takes down a contact.

        :return: dict with ``channels`` (live ones first), ``channel`` (the one he used
            last), ``teams`` (his own first), ``team``, ``categories`` and
            ``can_create_contact``
        :raises AccessError: for whoever may not enter tickets
        """
        self.browse().check_access("create")
        company = self.env.company
        here = Domain("company_id", "in", [False, company.id])
        channels = (
            self.env["helpdesk.ticket.channel"]
            .search(here)
            .sorted(lambda channel: not channel.csp_live)
        )
        teams = (
            self.env["helpdesk.ticket.team"]
            .search(here)
            .sorted(lambda team: self.env.user not in team.user_ids)
        )
        own = teams.filtered(lambda team: self.env.user in team.user_ids)
        categories = self.env["helpdesk.ticket.category"].search(here)
        # sudo: res.users.settings: the user's own
        last = self.env.user.sudo().res_users_settings_id.csp_intake_channel_id
        channel = channels.filtered(lambda channel: channel == last) or channels[:1]
        return {
            "channels": [
                {
                    "id": channel.id,
                    "name": channel.name,
                    "kind": channel.csp_kind or False,
                    "live": channel.csp_live,
                }
                for channel in channels
            ],
            "channel": channel.id,
            "teams": [
                {"id": team.id, "name": team.complete_name, "mine": team in own}
                for team in teams
            ],
            "team": own[:1].id,
            "categories": [
                {"id": category.id, "name": category.complete_name}
                for category in categories
            ],
            "can_create_contact": self.env["res.partner"].has_access("create"),
        }

    @api.model
    def _csp_lookup_tickets(self, text):
        """The tickets with just this number, as the customer reads it out."""
        reference = lookup.ticket_reference(text)
        if not reference or not self.has_access("read"):
            return []
        letters, digits = reference
        numbers = {text.strip(), f"{letters}{digits}"}
        # sudo: ir.sequence: only how numbers are written
        sequence = self.env["ir.sequence"].sudo()
        for row in sequence.search_fetch(
            [
                ("code", "=", "helpdesk.ticket.sequence"),
                ("company_id", "in", [False, *self.env.companies.ids]),
            ],
            ["prefix", "padding"],
        ):
            prefix = row.prefix or ""
            if not letters or letters == prefix.upper():
                numbers.add(f"{prefix}{digits.zfill(row.padding)}")
        tickets = self.search_fetch(
            [("number", "in", list(numbers))],
            ["number", "name", "partner_id", "partner_name", "csp_closed_as"],
            limit=3,
        )
        return [
            {
                "id": ticket.id,
                "number": ticket.number,
                "title": ticket.name,
                "closed": bool(ticket.csp_closed_as),
                # sudo: res.partner: the name of the contact stands on the ticket
                "who": ticket.partner_id.sudo().name or ticket.partner_name or False,
                "customer": bool(ticket.partner_id)
                and ticket.partner_id.has_access("read")
                and ticket.partner_id._csp_lookup_result("ticket"),
            }
            for ticket in tickets
        ]

    @api.model
    def _csp_recent_contacts(self):
        """Ids of the contacts of the newest tickets, whoever took them."""
        # sudo: helpdesk.ticket: only who comes first among the contacts that the user
        # may read anyhow
        self.flush_model(["partner_id"])
        rows = self.sudo().env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner_id
                  FROM (
                        SELECT partner_id FROM helpdesk_ticket
                         ORDER BY id DESC LIMIT %s
                       ) newest
                 WHERE partner_id IS NOT NULL
                """,
                RECENT_TICKETS,
            )
        )
        return [partner_id for (partner_id,) in rows]

    @api.model
    def _csp_latest_contacts(self, entities):
        """When customers were last spoken to, for the order among contacts only.

        :return: dict of a commercial partner's id to epoch seconds
        """
        if not entities:
            return {}
        self.flush_model(["commercial_partner_id", "csp_last_contact_at"])
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT entity.id, EXTRACT(EPOCH FROM last.at)::bigint
                      FROM unnest(%s) AS entity(id),
                           LATERAL (
                               SELECT csp_last_contact_at AS at FROM helpdesk_ticket
                                WHERE commercial_partner_id = entity.id
                                  AND csp_last_contact_at IS NOT NULL
                                ORDER BY csp_last_contact_at DESC LIMIT 1
                           ) last
                    """,
                    entities.ids,
                )
            )
        )

    # === Saving ===

    @api.model
    def csp_log_contact(self, values):
        """Save a contact: as a new ticket, or on a ticket that is open already.

        Saving again with the same ``key`` saves nothing and tells what was saved.

        :param dict values: ``key`` (any text that names this contact), ``seconds``
            (since it began), ``ticket_id`` (the open ticket it is about; else a new one
            is made), ``partner_id`` or ``customer`` (dict of name, phone, email),
            ``subject``, ``text``, ``channel_id``, ``team_id``, ``category_id``,
            ``complaint``, ``mine`` (the agent looks after it), ``settled`` (close it
            as solved)
        :return: dict with ``id``, ``number``, ``closed``, ``visible`` (whether the
            user may open the ticket), ``message`` (why it was not closed) and ``next``
            (an action that helps: ``action``, ``label``, ``context``)
        :raises AccessError: for whoever may not enter tickets, or names what he may not
            read
        :raises UserError: when something is missing or gone
        """
        self.browse().check_access("create")
        # Defaults that are sent along would be written without asking for rights.
        self = self.with_context(clean_context(self.env.context))
        key = str(values.get("key") or "")[:LONGEST_KEY]
        # sudo: helpdesk.ticket: the user's own attempt, by a key that only he knows
        saved = key and self.sudo().with_context(active_test=False).search(
            [("csp_contact_key", "=", key)], limit=1
        )
        if saved:
            return saved._csp_intake_result()
        end = fields.Datetime.now()
        start = end - timedelta(seconds=self._csp_contact_length(values))
        chosen = self._csp_intake_choices(values)
        if values.get("ticket_id"):
            ticket = self.browse(int(values["ticket_id"])).exists()
            if not ticket:
                raise UserError(self.env._("This ticket was deleted meanwhile."))
            ticket.check_access("write")
            ticket._csp_add_contact(values, chosen, start, end)
        else:
            ticket = self._csp_create_from_contact(values, chosen, start, end)
        # sudo: helpdesk.ticket: facts of this contact, on a ticket the user may change
        # or has just made
        ticket.sudo().with_context(csp_by_addon=BY_ADDON).csp_contact_key = key or False
        self._csp_remember_channel(chosen["channel_id"])
        refusal = ticket._csp_solve_at_once() if values.get("settled") else {}
        return ticket._csp_intake_result(refusal)

    @api.model
    def _csp_contact_length(self, values):
        seconds = values.get("seconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = -1
        if not 0 <= seconds <= LONGEST_CONTACT:
            raise ValidationError(
                self.env._(
                    "A contact begins before it ends, and at most a day ago. Please "
                    "open the dialog anew."
                )
            )
        return int(seconds)

    @api.model
    def _csp_intake_choices(self, values):
        """Channel, team and category, as far as the user may use them here."""
        company = self.env.company
        chosen = {}
        for name, gone in (
            ("channel_id", self.env._("This channel is not available any more.")),
            ("team_id", self.env._("This team is not available any more.")),
            ("category_id", self.env._("This category is not available any more.")),
        ):
            model = self.env[self._fields[name].comodel_name]
            id_ = int(values.get(name) or 0)
            chosen[name] = model.search(
                [("id", "=", id_), ("company_id", "in", [False, company.id])]
            )
            if id_ and not chosen[name]:
                raise UserError(gone)
        return chosen

    @api.model
    def _csp_intake_customer(self, values):
        """The contact, and name, e-mail and telephone number for who is none yet."""
        nobody = self.env["res.partner"]
        if values.get("partner_id"):
            partner = nobody.browse(int(values["partner_id"])).exists()
            if not partner:
                raise UserError(self.env._("This contact was deleted meanwhile."))
            partner.check_access("read")
            if partner.company_id and partner.company_id != self.env.company:
                raise UserError(
                    self.env._("This contact belongs to another of your companies.")
                )
            return partner, partner.name, partner.email, ""
        told = values.get("customer") or {}
        name, phone, email = (
            " ".join(str(told.get(part) or "").split())
            for part in ("name", "phone", "email")
        )
        if not (name or phone or email):
            return nobody, False, False, ""
        known = email_normalize(email)
        if known:
            # Somebody else may have entered him while the dialog was open.
            here = [("company_id", "in", [False, self.env.company.id])]
            partner = nobody.search([("email_normalized", "=", known), *here], limit=1)
            if partner:
                return partner, partner.name, partner.email, ""
        if not nobody.has_access("create"):
            return nobody, name, email, phone
        partner = nobody.create(
            {"name": name or email or phone, "phone": phone, "email": email}
        )
        return partner, partner.name, partner.email, ""

    @api.model
    def _csp_create_from_contact(self, values, chosen, start, end):
        subject = " ".join(str(values.get("subject") or "").split())
        if not subject:
            raise UserError(self.env._("Please say what the contact is about."))
        partner, name, email, phone = self._csp_intake_customer(values)
        text = _to_html(values.get("text"))
        if phone:
            text += plaintext2html(self.env._("Telephone: %s", phone))
        team = chosen["team_id"]
        vals = {
            "name": subject,
            "description": text or plaintext2html(subject),
            "partner_id": partner.id,
            "partner_name": name,
            "partner_email": email,
            "company_id": (team.company_id or self.env.company).id,
            "team_id": team.id,
            "channel_id": chosen["channel_id"].id,
            "category_id": chosen["category_id"].id,
            # The agent has said whether it is his: no default decides.
            "user_id": bool(values.get("mine") or values.get("settled"))
            and self.env.uid,
            # The request reached us when the customer began to speak.
            "csp_received_at": start,
        }
        if values.get("complaint"):
            vals["csp_is_complaint"] = True
        # sudo: helpdesk.ticket: whoever takes a call may leave the request to a team
        # whose tickets he does not see; all that he names he may read
        ticket = self.sudo().create(vals)
        ticket.with_context(csp_by_addon=BY_ADDON).write(
            {"csp_contact_start": start, "csp_contact_end": end}
        )
        return ticket.sudo(False)

    def _csp_add_contact(self, values, chosen, start, end):
        """Note on this ticket that the customer has called again about it.

        The note is internal: whoever else follows the ticket gets no copy of what an
        agent took down. The one who looks after the ticket is told.
        """
        customer = self.partner_id
        channel = chosen["channel_id"] or self.channel_id
        # sudo: res.partner: the name of the contact stands on the ticket
        who = customer.sudo().name or self.partner_name or self.env._("The customer")
        title = self.env._(
            "%(who)s called or came again (%(channel)s, %(minutes)s min)",
            who=who,
            channel=channel.name or self.env._("no channel"),
            minutes=max(1, round((end - start).total_seconds() / 60)),
        )
        subject = " ".join(str(values.get("subject") or "").split())
        body = Markup("<p><b>%s</b></p>") % title
        if subject:
            body += Markup("<p>%s</p>") % subject
        body += _to_html(values.get("text"))
        # sudo: res.users: only the contact of who looks after the ticket
        owner = (self.user_id - self.env.user).sudo().partner_id
        message = self.message_post(
            body=body,
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            partner_ids=owner.ids,
        )
        if values.get("complaint") and not self.csp_is_complaint:
            self.csp_is_complaint = True
        self._csp_record("customer_message", partner=customer)
        if chosen["channel_id"].csp_live:
            self._csp_record(
                "staff_reply", {"live": True}, partner=self.env.user.partner_id
            )
        self._csp_customer_replied(message)

    def _csp_solve_at_once(self):
        """Close a ticket that was settled while the customer was there.

        :return: empty dict, or why that cannot be (``message``) and what there is to
            do (``next``). What was taken down stays, whoever refuses to have it closed
        """
        self.ensure_one()
        # sudo: helpdesk.ticket: the user has just made it, maybe for another team
        may_write = self.has_access("write")
        ticket = self if may_write else self.sudo()
        # sudo: helpdesk.ticket: its company and team decide the stages
        team = self.sudo().team_id.with_company(self.sudo().company_id)
        closing = team._get_applicable_stages().filtered("closed")
        solved = closing.filtered(lambda stage: stage.csp_outcome == "solved")
        stage = (solved or closing.filtered(lambda stage: not stage.csp_outcome))[:1]
        if not stage:
            return {"message": self.env._("No stage says that a ticket is solved.")}
        if not may_write and (points := ticket._csp_open_points()):
            return {"message": ticket._csp_describe_open_points(points)}
        try:
            with self.env.cr.savepoint():
                ticket.write({"stage_id": stage.id})
        except RedirectWarning as error:
            text, action, label, *context = error.args
            self.invalidate_recordset()
            return {
                "message": text,
                "next": {
                    "action": action,
                    "label": label,
                    "context": (context[0] if context else None) or {},
                },
            }
        except UserError as error:
            self.invalidate_recordset()
            return {"message": str(error)}
        return {}

    def _csp_intake_result(self, refusal=None):
        visible = self.sudo(False).has_access("read")
        # sudo: helpdesk.ticket: number and state of what the user has just saved
        ticket = self.sudo()
        return {
            "id": ticket.id,
            "number": ticket.number,
            "closed": bool(ticket.csp_closed_as),
            "visible": visible,
            "message": False,
            "next": False,
            **(refusal or {}),
        }

    @api.model
    def _csp_remember_channel(self, channel):
        Settings = self.env["res.users.settings"]
        # sudo: res.users.settings: the user's own
        settings = Settings._find_or_create_for_user(self.env.user).sudo()
        if channel and settings.csp_intake_channel_id != channel:
            settings.csp_intake_channel_id = channel


def _to_html(text):
    """What was typed, as HTML; empty for nothing."""
    html = plaintext2html(str(text or "").strip())
    return Markup() if is_html_empty(html) else html
