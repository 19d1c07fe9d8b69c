from odoo import fields, models

from ..tools import complaint


class CspTicketEvent(models.Model):
    _inherit = "csp.ticket.event"

    kind = fields.Selection(
        selection_add=[("complaint", "Complaint")], ondelete={"complaint": "cascade"}
    )

    def _describe_complaint(self, data):
        step, text = data.get("step"), data.get("text") or ""
        if step in complaint.STATES:
            states = self.env["helpdesk.ticket"]._fields["csp_complaint_state"]
            label = dict(states._description_selection(self.env))[step]
            return f"{label}: {text}" if text else label
        if step == "marked":
            return self.env._(
                "Called a complaint; %(owner)s answers for it",
                owner=self._user_name(data.get("owner")),
            )
        if step == "owner":
            return self.env._(
                "Owner: from %(before)s to %(after)s. %(reason)s",
                before=self._user_name(data.get("from")),
                after=self._user_name(data.get("to")),
                reason=data.get("reason") or "",
            )
        if step == "asked":
            return self.env._(
                "%(user)s was asked to decide: %(proposal)s",
                user=self._user_name(data.get("to")),
                proposal=text,
            )
        if step == "merged":
            return self.env._("Goes on in %s", data.get("number") or "")
        labels = {
            "unmarked": self.env._("No complaint any more"),
            "unticked": self.env._("Tick taken back"),
            "reopened": self.env._("Open again"),
            complaint.WITHDRAWN: self.env._("Withdrawn by the customer"),
        }
        label = labels.get(step, "")
        return f"{label}: {text}" if text else label

    def _describe_handover(self, data):
        text, reason = super()._describe_handover(data), data.get("reason")
        return f"{text}. {reason}" if reason else text

    def _user_name(self, user_id):
        # sudo: res.users: names of colleagues, also of those who left
        user = self.env["res.users"].sudo().browse(user_id or []).exists()
        return user.name or self.env._("nobody")
