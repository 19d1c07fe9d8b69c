from odoo import api, fields, models
from odoo.exceptions import UserError


class CspTicketEscalate(models.TransientModel):
    """Call for help on tickets, with a reason."""

    _name = "csp.ticket.escalate"
    _description = "Escalate by Hand"

    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        relation="csp_ticket_escalate_rel",
        column1="wizard_id",
        column2="ticket_id",
        string="Tickets",
        default=lambda self: self._default_ticket_ids(),
    )
    ticket_count = fields.Integer(compute="_compute_ticket_count")
    reason = fields.Char(
        string="Why do you need help?",
        required=True,
        help="Whoever is told reads it, and it is kept.",
    )
    user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_ticket_escalate_user_rel",
        column1="wizard_id",
        column2="user_id",
        string="Tell",
        domain=[("share", "=", False)],
    )
    suggestion = fields.Char(string="Who will be told", compute="_compute_suggestion")

    @api.model
    def _default_ticket_ids(self):
        if self.env.context.get("active_model") != "helpdesk.ticket":
            return []
        return self.env.context.get("active_ids") or []

    @api.depends("ticket_ids")
    def _compute_ticket_count(self):
        for each in self:
            each.ticket_count = len(each.ticket_ids)

    @api.depends("ticket_ids", "user_ids")
    def _compute_suggestion(self):
        for each in self:
            each.suggestion = each._suggest()

    def _suggest(self):
        """Who will be told, and when, as far as that is known now."""
        self.ensure_one()
        told = self.env["csp.escalation"]._foresee_told(
            self.ticket_ids._origin, self.user_ids._origin
        )
        return ", ".join(
            self.env._("%(user)s (%(moment)s)", user=name, moment=moment)
            if moment
            else name
            for name, moment in told
        )

    def action_escalate(self):
        """Have the people told."""
        self.ensure_one()
        if not self.ticket_ids:
            raise UserError(self.env._("Choose the tickets first."))
        self.ticket_ids.action_csp_escalate(self.reason, self.user_ids.ids)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Help is called for."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
