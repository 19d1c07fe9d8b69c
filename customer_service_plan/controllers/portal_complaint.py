from werkzeug.urls import url_encode

from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.helpdesk_mgmt.controllers.main import HelpdeskTicketController
from odoo.addons.helpdesk_mgmt.controllers.myaccount import CustomerPortalHelpdesk


class ComplaintTicketController(HelpdeskTicketController):
    def _prepare_submit_ticket_vals(self, **kw):
        """A new request says itself whether it is a complaint."""
        values = super()._prepare_submit_ticket_vals(**kw)
        if kw.get("complaint") and request.httprequest.method == "POST":
            values["csp_is_complaint"] = True
        return values


class ComplaintCustomerPortal(CustomerPortalHelpdesk):
    def _ticket_get_page_view_values(self, ticket, access_token, **kwargs):
        values = super()._ticket_get_page_view_values(ticket, access_token, **kwargs)
        # sudo: helpdesk.ticket: may be seen by this visitor; gives the stage of his own
        # complaint, in words for him
        values["csp_complaint"] = ticket.sudo()._csp_portal_complaint()
        return values

    @http.route(
        "/my/ticket/<int:ticket_id>/complaint",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        csrf=True,
    )
    def csp_complain(self, ticket_id, text="", access_token=None, **kw):
        """The customer says that his request is a complaint.

        :param int ticket_id: the ticket, one that the visitor may see
        :param str text: what he complains about
        :param str access_token: the ticket's token, for visitors without an account
        """
        try:
            self._document_check_access(
                "helpdesk.ticket", ticket_id, access_token=access_token
            )
        except (AccessError, MissingError):
            return request.redirect("/my")
        # sudo: helpdesk.ticket: the visitor may see it (just checked); he writes on it
        # as its customer, and calls it a complaint
        ticket_sudo = request.env["helpdesk.ticket"].browse(ticket_id).sudo()
        ticket_sudo._csp_complain(text, by_token=bool(access_token))
        url = f"/my/ticket/{ticket_id}"
        if access_token:
            url += "?" + url_encode({"access_token": access_token})
        return request.redirect(url + "#csp_complaint", code=302)
