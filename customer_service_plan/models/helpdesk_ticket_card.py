from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, date_utils

from ..tools.epoch import to_epoch

#: How many of each the card shows.
SHOWN_PROMISES = 3
SHOWN_CONTACTS = 5
SHOWN_OPINIONS = 3
#: Up to here the requests of a customer are counted.
COUNTED_REQUESTS = 1000
#: So much of a comment is shown.
COMMENT_LENGTH = 120


class HelpdeskTicket(models.Model):
    """What tickets tell about a customer, on his card.

    Everything is read with the rights of the user, who learns nothing here of tickets
    that he may not see. A customer may have 100,000 of them: counts and latest ones
    come from the indexes below.
    """

    _inherit = "helpdesk.ticket"

    _csp_card_open = models.Index(
        "(commercial_partner_id, csp_next_deadline) WHERE csp_closed_as IS NULL"
    )
    _csp_card_contacts = models.Index(
        "(commercial_partner_id, csp_last_contact_at DESC, id DESC)"
    )
    _csp_card_complaints = models.Index(
        "(commercial_partner_id, csp_received_at) WHERE csp_is_complaint IS TRUE"
    )

    def csp_card_data(self):
        """All that the customer card beside this ticket shows.

        As `res.partner.csp_card_data` of its contact, with the segments at receipt
        where they differ from those of today. Without a contact only ``sender`` is
        filled.

        :raises AccessError: for anybody but staff, and when the user may not read the
            ticket
        """
        self.ensure_one()
        partner = self.partner_id
        partner._csp_check_may_see_cards()
        self.check_access("read")
        if not partner or not partner.has_access("read"):
            return {
                "partner": False,
                "sender": {
                    "name": self.partner_name or partner.sudo().name or False,
                    "email": self.partner_email or False,
                    "linked": bool(partner),
                },
            }
        card = partner._csp_card(self.company_id)
        card["segments"].update(self._csp_card_segments_at_receipt(partner))
        return card

    def _csp_card_segments_at_receipt(self, partner):
        """The segments that decided the promise, if today they are others."""
        at_receipt = self.with_context(active_test=False).csp_segment_ids.sorted()
        today = partner._csp_segments_in(self.company_id)
        # Nobody noted the segments on a ticket that was never under promise.
        if at_receipt == today or not (at_receipt or self.csp_seen_match):
            return {}
        is_open = not self.csp_closed_as
        is_manager = self.env.user.has_group("customer_service_plan.group_manager")
        return {
            "at_receipt": at_receipt.mapped("name"),
            "can_match_again": is_open and is_manager and self.has_access("write"),
        }

    # === Of all tickets of a customer ===

    @api.model
    def _csp_card_of(self, entity):
        """What the user may know of the tickets of a customer and his whole company.

        :param entity: the commercial partner
        :return: dict, or False for users outside the helpdesk
        """
        if not self.env.user.has_group("helpdesk_mgmt.group_helpdesk_user_own"):
            return False
        of_customer = Domain("commercial_partner_id", "=", entity.id)
        year_ago = date_utils.subtract(fields.Datetime.now(), years=1)
        # What was archived happened all the same.
        tickets = self.with_context(active_test=False)
        total = tickets.search_count(of_customer, limit=COUNTED_REQUESTS + 1)
        return {
            "customer": entity.id,
            "year_ago": fields.Datetime.to_string(year_ago),
            "total": min(total, COUNTED_REQUESTS),
            "is_more": total > COUNTED_REQUESTS,
            "promises": self._csp_card_promises(of_customer),
            "contacts": tickets._csp_card_last_contacts(of_customer),
            "opinions": tickets._csp_card_opinions(of_customer, year_ago),
            "complaints": self._csp_card_complaint_counts(of_customer, year_ago),
        }

    @api.model
    def _csp_card_promises(self, of_customer):
        """Open requests, and the promises that are due first on them."""
        now = fields.Datetime.now()
        is_open = of_customer & Domain("csp_closed_as", "=", False)
        query = self._search(is_open)
        deadline = self._field_to_sql(query.table, "csp_next_deadline", query)
        counts = self.env.execute_query(
            query.select(
                SQL("count(*)"),
                SQL("count(*) FILTER (WHERE %s >= %s)", deadline, now),
                SQL("count(*) FILTER (WHERE %s < %s)", deadline, now),
            )
        )[0]
        due = self.search_fetch(
            is_open & Domain("csp_next_deadline", "!=", False),
            ["number", "name", "csp_next_deadline", "csp_next_kind"],
            order="csp_next_deadline, id",
            limit=SHOWN_PROMISES,
        )
        kinds = dict(self._fields["csp_next_kind"]._description_selection(self.env))
        return {
            "open": counts[0],
            "running": counts[1],
            "late": counts[2],
            "next": [
                {
                    "id": ticket.id,
                    "number": ticket.number,
                    "title": ticket.name,
                    "kind": kinds.get(ticket.csp_next_kind, ""),
                    "deadline": to_epoch(ticket.csp_next_deadline),
                }
                for ticket in due
            ],
        }

    @api.model
    def _csp_card_last_contacts(self, of_customer):
        """The latest requests, messages and replies over all channels, newest first.

        So many latest contacts lie within as many tickets, those spoken on last.
        """
        tickets = self.search_fetch(
            of_customer & Domain("csp_last_contact_at", "!=", False),
            ["number", "name", "channel_id", "partner_id", "csp_received_at"],
            order="csp_last_contact_at desc, id desc",
            limit=SHOWN_CONTACTS,
        )
        # sudo: csp.ticket.event: who spoke when on tickets that the user just found
        messages = self.env["csp.ticket.event"].sudo()
        messages = messages.search_fetch(
            Domain("ticket_id", "in", tickets.ids)
            & Domain("kind", "in", ("customer_message", "staff_reply")),
            ["ticket_id", "kind", "at", "partner_id", "user_id", "data"],
            order="at desc, id desc",
            # A request taken on the phone is answered with it: that is one contact.
            limit=2 * SHOWN_CONTACTS,
        )
        contacts = [
            (ticket.csp_received_at, 0, ticket, "customer", ticket.partner_id)
            for ticket in tickets
            if ticket.csp_received_at
        ]
        contacts += [
            (
                event.at,
                event.id,
                event.ticket_id,
                "we" if event.kind == "staff_reply" else "customer",
                event.partner_id or event.user_id.partner_id,
            )
            for event in messages
            if not (event.data or {}).get("live")
        ]
        contacts.sort(key=lambda contact: (contact[0], contact[1]), reverse=True)
        # sudo: helpdesk.ticket.channel, res.partner: names that stand on the ticket
        return [
            {
                "at": to_epoch(at),
                "by": by,
                "is_request": not event_id,
                "who": who.sudo().name or False,
                "channel": ticket.sudo().channel_id.name or False,
                "channel_kind": ticket.sudo().channel_id.csp_kind or False,
                "id": ticket.id,
                "number": ticket.number,
                "title": ticket.name,
            }
            for at, event_id, ticket, by, who in contacts[:SHOWN_CONTACTS]
        ]

    @api.model
    def _csp_card_opinions(self, of_customer, since):
        """The last ratings, and how many of a year were good."""
        Rating = self.env["rating.rating"]
        rated = (
            Domain("res_model", "=", self._name)
            & Domain("consumed", "=", True)
            & Domain("res_id", "in", self._search(of_customer))
        )
        last = Rating.search_fetch(
            rated,
            ["rating_text", "feedback", "rated_on", "res_id"],
            order="rated_on desc, id desc",
            limit=SHOWN_OPINIONS,
        )
        counts = dict(
            Rating._read_group(
                domain=rated & Domain("rated_on", ">=", since),
                groupby=["rating_text"],
                aggregates=["__count"],
            )
        )
        words = dict(Rating._fields["rating_text"]._description_selection(self.env))
        return {
            "year_total": sum(counts.values()),
            "year_good": counts.get("top", 0),
            "last": [
                {
                    "id": rating.res_id,
                    "grade": rating.rating_text,
                    "word": words.get(rating.rating_text, ""),
                    "comment": _shorten(rating.feedback),
                    "at": rating.rated_on and to_epoch(rating.rated_on),
                }
                for rating in last
            ],
        }

    @api.model
    def _csp_card_complaint_counts(self, of_customer, since):
        query = self._search(of_customer & Domain("csp_is_complaint", "=", True))
        closed_as, received_at = (
            self._field_to_sql(query.table, name, query)
            for name in ("csp_closed_as", "csp_received_at")
        )
        counts = self.env.execute_query(
            query.select(
                SQL("count(*) FILTER (WHERE %s IS NULL)", closed_as),
                SQL("count(*) FILTER (WHERE %s >= %s)", received_at, since),
            )
        )[0]
        return {"open": counts[0], "year": counts[1]}


def _shorten(comment):
    text = " ".join((comment or "").split())
    if len(text) <= COMMENT_LENGTH:
        return text
    return text[: COMMENT_LENGTH - 1].rstrip() + "…"
