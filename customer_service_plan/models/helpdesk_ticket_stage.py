from odoo import api, fields, models

#: Meaning of the stages that come with the helpdesk, where nobody set one.
SHIPPED_MEANINGS = {
    "helpdesk_ticket_stage_awaiting": {"csp_waiting_on": "customer"},
    "helpdesk_ticket_stage_done": {"csp_outcome": "solved"},
    "helpdesk_ticket_stage_cancelled": {"csp_outcome": "cancelled"},
    "helpdesk_ticket_stage_rejected": {"csp_outcome": "cancelled"},
}


class HelpdeskTicketStage(models.Model):
    _name = "helpdesk.ticket.stage"
    _inherit = ["helpdesk.ticket.stage", "csp.rule.source"]
    _csp_rule_fields = frozenset({"closed", "csp_waiting_on", "csp_outcome"})

    csp_waiting_on = fields.Selection(
        selection=[
            ("none", "Nobody: we work on it"),
            ("customer", "The customer"),
            ("third_party", "A third party"),
        ],
        string="Waits for",
        default="none",
        required=True,
        groups="base.group_user",
        help="While a ticket waits for somebody else, the time to solve it stands "
        "still. The time to answer never does.",
    )
    csp_outcome = fields.Selection(
        selection=[("solved", "Solved"), ("cancelled", "Cancelled")],
        string="Closes as",
        groups="base.group_user",
        help="Solved keeps the promise of a solution; cancelled ends the promises "
        "without counting them. Empty on a closing stage means solved.",
    )

    @api.model
    def _csp_set_shipped_meanings(self):
        """Give the stages of the helpdesk their meaning, where none is set."""
        for name, meaning in SHIPPED_MEANINGS.items():
            stage = self.env.ref(f"helpdesk_mgmt.{name}", raise_if_not_found=False)
            if not stage:
                continue
            if "csp_outcome" in meaning and stage.closed and not stage.csp_outcome:
                stage.csp_outcome = meaning["csp_outcome"]
            if "csp_waiting_on" in meaning and stage.csp_waiting_on == "none":
                stage.csp_waiting_on = meaning["csp_waiting_on"]
