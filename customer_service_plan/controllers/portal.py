from werkzeug.urls import url_encode

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.helpdesk_mgmt.controllers.main import HelpdeskTicketController
from odoo.addons.helpdesk_mgmt.controllers.myaccount import CustomerPortalHelpdesk
from odoo.addons.portal.controllers.portal import CustomerPortal


class ServicePlanTicketController(HelpdeskTicketController):
    # helpdesk_mgmt closes any ticket for any user who opens a link with its number
    # (OCA/helpdesk#1089). Whoever has the link of the ticket may see it without an
    # account, and closes it the same way.
    @http.route(auth="public", methods=["POST"], csrf=True)
    def support_ticket_close(
        self, ticket_id=None, stage_id=None, access_token=None, **kw
    ):
        """Close the ticket of a customer, for whoever may see it.

        :param str ticket_id: the ticket
        :param str stage_id: one of the closing stages that the ticket's page offers
        :param str access_token: the ticket's token, for visitors without an account
        """
        try:
            ticket_id, stage_id = int(ticket_id), int(stage_id)
            CustomerPortal._document_check_access(
                self, "helpdesk.ticket", ticket_id, access_token=access_token
            )
        except (AccessError, MissingError, TypeError, ValueError):
            return request.redirect("/my")
        # sudo: helpdesk.ticket: the visitor may see it (just checked); only its stage
        # is written, and only to one that the company lets customers choose
        ticket_sudo = request.env["helpdesk.ticket"].browse(ticket_id).sudo()
        stage = ticket_sudo._csp_portal_stages().filtered(
            lambda stage: stage.id == stage_id
        )
        if stage and not ticket_sudo.closed:
            ticket_sudo.stage_id = stage
        url = f"/my/ticket/{ticket_id}"
        if access_token:
            url += "?" + url_encode({"access_token": access_token})
        # The browser's own answer to a form, and the code that helpdesk_mgmt gives.
        return request.redirect(url, code=302)


class ServicePlanCustomerPortal(CustomerPortalHelpdesk):
    def _ticket_get_page_view_values(self, ticket, access_token, **kwargs):
        values = super()._ticket_get_page_view_values(ticket, access_token, **kwargs)
        # sudo: helpdesk.ticket: may be seen by this visitor; gives dates and states of
        # his own request only
        values["csp_promises"] = ticket.sudo()._csp_portal_promises()
        return values
