from odoo import models

from ..tools.epoch import to_epoch

#: So many of the last steps are told on the ticket; the log has them all.
SHOWN_STEPS = 5


class HelpdeskTicket(models.Model):
    """What the service panel says of the escalation of a ticket."""

    _inherit = "helpdesk.ticket"

    def csp_panel_data(self):
        data = super().csp_panel_data()
        data["escalation"] = self._csp_panel_escalation(data)
        return data

    def _csp_panel_escalation(self, data):
        """Who was told, who is in charge, and what the user may do about it.

        Looks into the log only where something was escalated.
        """
        is_open = not self.csp_closed_as
        taken_by = self.csp_taken_by_id
        may_act = data["can_write"] and is_open
        is_late = self.csp_is_late
        return {
            "at": _seconds(self.csp_escalated_at),
            "steps": self._csp_panel_steps() if self.csp_escalated_at else [],
            "taken_at": _seconds(self.csp_taken_at) if taken_by else False,
            # sudo: res.users: the colleague's name only
            "taken_by": taken_by.sudo().name or False,
            "is_mine": bool(taken_by) and taken_by == self.env.user,
            "can_take": may_act
            and taken_by != self.env.user
            and bool(is_late or self.csp_escalated_at),
            "can_escalate": may_act,
            "has_list": is_open and bool(self._csp_escalation_list()),
        }

    def _csp_panel_steps(self):
        entries = self.env["csp.escalation"].search(
            [("ticket_id", "=", self.id), ("joined_into_id", "=", False)],
            limit=SHOWN_STEPS,
        )
        return [
            {
                "id": entry.id,
                "at": to_epoch(entry.at),
                "text": entry._panel_text(),
                "reason": entry.reason or False,
                "outcome": entry.outcome_text or False,
                "failed": entry.state == "failed",
                "settled": bool(entry.settled_at),
            }
            for entry in entries
        ]

    def action_csp_try_escalation(self):
        """Open what will happen on this ticket if nobody acts, in a dialog."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_escalation_try_action"
        )
        action["context"] = {
            "default_ticket_id": self.id,
            "default_list_id": self._csp_escalation_list().id,
            "csp_fixed_ticket": True,
        }
        return action

    def action_csp_view_escalations(self):
        """List all steps that were taken on this ticket."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_escalation_action"
        )
        action.update(
            {
                "display_name": self.env._("Escalations on %s", self.number),
                "domain": [("ticket_id", "=", self.id)],
                "context": {},
            }
        )
        return action


def _seconds(moment):
    return to_epoch(moment) if moment else False
