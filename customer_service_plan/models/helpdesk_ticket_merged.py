from odoo import api, models
from odoo.fields import Command
from odoo.tools import email_normalize

from ..tools.escalation import CONCERNS
from .protected import BY_ADDON


class HelpdeskTicket(models.Model):
    """What goes along when tickets are merged, and who still writes to the old ones."""

    _inherit = "helpdesk.ticket"

    def _csp_merged_into(self, target):
        result = super()._csp_merged_into(target)
        sources = self - target
        if sources:
            sources._csp_join_complaints(target)
            for trigger in CONCERNS:
                sources._csp_end_concern(trigger)
            sources._csp_join_follow_ups(target)
        return result

    def _csp_join_complaints(self, target):
        """Make the target the complaint that one of these tickets is.

        It began with the first of them, and whoever answers for that one goes on.
        """
        # sudo: helpdesk.ticket: the merge was allowed, and is all that happens here
        tickets = (self | target).sudo()
        complaints = tickets.filtered("csp_is_complaint")
        if not complaints - target:
            return
        target = target.sudo().with_context(csp_by_addon=BY_ADDON)
        target.csp_is_complaint = True
        first = complaints.sorted(
            lambda ticket: (ticket.csp_complaint_at or ticket.create_date, ticket.id)
        )[0]
        if first != target:
            owner = first.csp_complaint_owner_id or target.csp_complaint_owner_id
            target.write(
                {
                    "csp_complaint_at": first.csp_complaint_at,
                    "csp_complaint_owner_id": owner.id,
                }
            )

    def _csp_join_follow_ups(self, target):
        """What followed up on these tickets follows up on the target now."""
        # sudo: helpdesk.ticket: only the link between tickets that the merge joins
        following = self.sudo().csp_following_ids - target - self
        if following:
            target.sudo().csp_following_ids = [
                Command.link(ticket.id) for ticket in following
            ]

    def _csp_goes_on_in(self):
        """The ticket that this one was merged into, at the end of several merges.

        :return: the ticket itself if it was not merged
        """
        self.ensure_one()
        ticket, seen = self, self
        while not ticket.active and ticket.duplicate_id:
            ticket = ticket.duplicate_id
            if ticket in seen:
                return self
            seen |= ticket
        return ticket

    def _csp_is_of_customer(self, other):
        """Whether both tickets are known to be of the same customer.

        Without a contact only the address that wrote them can tell.
        """
        customer = self.commercial_partner_id
        if customer or other.commercial_partner_id:
            return customer == other.commercial_partner_id
        address = email_normalize(self.partner_email)
        return bool(address) and address == email_normalize(other.partner_email)

    def _csp_hand_on_reply(self, message):
        """Let what was written on this merged ticket be read where it goes on.

        Mails never get here, see below; a page of the portal that was still open does.
        """
        self.ensure_one()
        target = self._csp_goes_on_in()
        if message and target != self and self._csp_is_of_customer(target):
            target.message_post(**self._prepare_csp_repeated_message(message))

    @api.model
    def _csp_routes_after_merge(self, routes):
        """Where mails to merged tickets go: to the ticket that took them in.

        helpdesk_mgmt_merge leaves them on the archived ticket, where nobody looks (no
        upstream thread known).

        :param list routes: (model, ticket id, values, user id, alias), as Odoo found
            them for a mail
        """
        redirected = []
        for route in routes or ():
            model, thread_id, *rest = route
            if model == self._name and thread_id:
                # sudo: helpdesk.ticket: the sender sees nothing; his mail is filed
                ticket = self.sudo().browse(thread_id).exists()
                target = ticket and ticket._csp_goes_on_in()
                # What one customer writes is not for the followers of another one.
                if target and (target == ticket or ticket._csp_is_of_customer(target)):
                    route = (model, target.id, *rest)
            redirected.append(route)
        return redirected
