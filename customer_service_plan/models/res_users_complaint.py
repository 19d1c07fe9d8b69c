from odoo import api, models
from odoo.fields import Domain

from .helpdesk_ticket_complaint import OPEN_COMPLAINT

#: What decides whether somebody can answer for complaints.
ABLE_FIELDS = frozenset({"active", "group_ids", "company_ids"})


class ResUsers(models.Model):
    _inherit = "res.users"

    def write(self, vals):
        """Give complaints of people who leave to others, whatever the reason."""
        result = super().write(vals)
        if not ABLE_FIELDS.isdisjoint(vals):
            self._csp_owned_complaints()._csp_complaint_keep_owned()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_hand_over_complaints(self):
        self._csp_owned_complaints()._csp_complaint_keep_owned(leaving=self)

    def _csp_owned_complaints(self):
        """Open complaints that these users answer for, in all companies."""
        # sudo: helpdesk.ticket: an administrator need not be in the helpdesk
        tickets = self.env["helpdesk.ticket"].sudo().with_context(active_test=False)
        return tickets.search(
            OPEN_COMPLAINT & Domain("csp_complaint_owner_id", "in", self.ids)
        )

    @api.model
    def _csp_can_own_complaints(self, users, company):
        """Those of `users` who can answer for complaints of a company.

        They are there, work in the company and in the helpdesk. Whether they are
        absent today does not matter: they stay responsible.
        """
        # sudo: res.users: only whether they work in the helpdesk of the company
        return users.sudo().filtered(
            lambda user: (
                user.active
                and not user.share
                and company in user.company_ids
                and user.has_group("helpdesk_mgmt.group_helpdesk_user_own")
            )
        )
