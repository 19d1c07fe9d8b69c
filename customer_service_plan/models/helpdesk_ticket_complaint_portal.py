from odoo import models
from odoo.tools import plaintext2html

from ..tools import complaint

#: The longest text that a customer's complaint from the portal may have.
LONGEST_TEXT = 20_000


class HelpdeskTicket(models.Model):
    """What a customer does and sees of his complaint.

    He sees how it stands, in plain words. Who owns it, what a remedy is worth and what
    was written down meanwhile is for the company; people tell him what was decided.
    """

    _inherit = "helpdesk.ticket"

    def _csp_portal_complaint(self):
        """How the complaint stands, or whether the customer can complain.

        :return: dict with ``is_complaint``, ``can_complain``, ``state`` (in words) and
            ``since`` (naive UTC); empty where neither applies
        """
        self.ensure_one()
        if not self.csp_is_complaint or not self.csp_complaint_state:
            can_complain = self.active and not self.duplicate_id
            return {"can_complain": True} if can_complain else {}
        words = {
            complaint.RECEIVED: self.env._(
                "We received your complaint. Somebody is responsible for it."
            ),
            complaint.ACKNOWLEDGED: self.env._("We are looking into your complaint."),
            complaint.INVESTIGATED: self.env._(
                "We looked into your complaint and are deciding about it."
            ),
            complaint.DECIDED: self.env._(
                "We decided about your complaint and will tell you."
            ),
            complaint.TOLD: self.env._("We told you what we decided."),
            complaint.CLOSED: self.env._(
                "Your complaint is settled. If you are not content, write to us here."
            ),
        }
        if self.csp_complaint_outcome == complaint.WITHDRAWN:
            words[complaint.CLOSED] = self.env._("You withdrew your complaint.")
        return {
            "is_complaint": True,
            "state": words[self.csp_complaint_state],
            "since": self.csp_complaint_at,
        }

    def _csp_complain(self, text, by_token=False):
        """The customer says that his request is a complaint, in his words if he likes.

        :param bool by_token: he came by the link of the ticket, without an account
        """
        self.ensure_one()
        if not self._csp_portal_complaint().get("can_complain"):
            return
        self.csp_is_complaint = True
        text = (text or "").strip()[:LONGEST_TEXT]
        if not text:
            return
        user = self.env.user
        author = user.partner_id
        if by_token and user._is_public():
            author = self.partner_id
        self.message_post(
            body=plaintext2html(text),
            author_id=author.id or None,
            email_from=None if author else self.partner_email,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )
