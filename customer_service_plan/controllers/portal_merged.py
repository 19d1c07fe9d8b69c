from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.helpdesk_mgmt.controllers.myaccount import CustomerPortalHelpdesk


class MergedTicketPortal(CustomerPortalHelpdesk):
    @http.route()
    def portal_my_ticket(self, ticket_id, access_token=None, **kw):
        """Show the ticket, or the one that it was merged into.

        :param int ticket_id: the ticket
        :param str access_token: its token, for visitors without an account
        """
        try:
            ticket_sudo = self._document_check_access(
                "helpdesk.ticket", ticket_id, access_token=access_token
            )
        except (AccessError, MissingError):
            return request.redirect("/my")
        target_sudo = ticket_sudo._csp_goes_on_in()
        if target_sudo != ticket_sudo and ticket_sudo._csp_is_of_customer(target_sudo):
            # What he could read here has moved there.
            return request.redirect(target_sudo.get_portal_url())
        return super().portal_my_ticket(ticket_id, access_token=access_token, **kw)
