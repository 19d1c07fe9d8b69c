import re

from odoo import api, models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _message_route_process(self, message, message_dict, routes):
        # Odoo looks at Auto-Submitted nowhere: an out-of-office notice comes in as
        # an ordinary e-mail (odoo/odoo#834, odoo/odoo#180156).
        if self._csp_is_automatic_mail(message):
            self = self.with_context(csp_automatic_mail=True)
        routes = self.env["helpdesk.ticket"]._csp_routes_after_merge(routes)
        return super()._message_route_process(message, message_dict, routes)

    @api.model
    def _csp_is_automatic_mail(self, message):
        """Say whether a machine wrote this mail (RFC 3834, section 5).

        :param email.message.EmailMessage message: the mail as it was received
        :return: True if its field Auto-Submitted holds anything but "no"
        """
        value = str(message.get("Auto-Submitted") or "no")
        # Comments in parentheses and parameters after a semicolon may follow.
        keyword = re.sub(r"\([^()]*\)", "", value).split(";")[0].strip().lower()
        return keyword not in ("", "no")
