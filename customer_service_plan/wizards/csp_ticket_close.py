from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class CspTicketClose(models.TransientModel):
    """Ask whoever closes tickets as solved what becomes of what is still open."""

    _name = "csp.ticket.close"
    _description = "Close Tickets with Open Points"

    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        relation="csp_ticket_close_rel",
        column1="wizard_id",
        column2="ticket_id",
        string="Tickets",
    )
    stage_id = fields.Many2one(
        comodel_name="helpdesk.ticket.stage", ondelete="cascade", readonly=True
    )
    open_points = fields.Html(string="Still to be done", compute="_compute_open_points")
    ticket_count = fields.Integer(compute="_compute_open_points")
    can_tick = fields.Boolean(compute="_compute_open_points")
    reason = fields.Text(
        help="Why it is closed without that. Kept in the conversation of each ticket, "
        "for colleagues only."
    )

    @api.model
    def default_get(self, fields):
        """Take the tickets and the stage of the write that led here."""
        values = super().default_get(fields)
        asked = self.env.context.get("csp_closing")
        if isinstance(asked, dict):
            values["ticket_ids"] = [Command.set(asked.get("tickets") or [])]
            values["stage_id"] = asked.get("stage")
        return values

    @api.depends("ticket_ids")
    def _compute_open_points(self):
        for wizard in self:
            tickets = wizard.ticket_ids._origin
            points = tickets._csp_open_points()
            wizard.can_tick = bool(tickets._csp_open_steps())
            wizard.ticket_count = len(tickets)
            wizard.open_points = Markup("").join(
                Markup("<p class='mb-1'><b>{ticket}</b></p><ul>{texts}</ul>").format(
                    ticket=ticket.display_name,
                    texts=Markup("").join(
                        Markup("<li>{}</li>").format(text) for text in texts
                    ),
                )
                for ticket, texts in points.items()
            )

    def action_tick_and_close(self):
        """Tick what is open in the name of the user, then close.

        What a tick does not settle is named; nothing is closed then.
        """
        self.ensure_one()
        self.ticket_ids._csp_settle_open_points()
        points = self.ticket_ids._csp_open_points()
        if points:
            raise UserError(self.ticket_ids._csp_describe_open_points(points))
        return self._close()

    def action_close_anyway(self):
        """Close in spite of what is open, with the reason in the conversation."""
        self.ensure_one()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why it is closed without that."))
        self.ticket_ids.check_access("write")
        points = self.ticket_ids._csp_open_points()
        action = self._close()
        if points:
            self.env["helpdesk.ticket"].concat(*points)._message_log_batch(
                bodies={
                    ticket.id: self._describe_closing(texts, reason)
                    for ticket, texts in points.items()
                }
            )
        return action

    def _describe_closing(self, texts, reason):
        return Markup("<p>{said}</p><ul>{texts}</ul><p>{why}</p>").format(
            said=self.env._("Closed although this was not done:"),
            texts=Markup("").join(Markup("<li>{}</li>").format(text) for text in texts),
            why=self.env._("Reason: %s", reason),
        )

    def _close(self):
        if not (self.ticket_ids and self.stage_id):
            raise UserError(self.env._("Move the tickets to a closing stage first."))
        self.ticket_ids._csp_closing().write({"stage_id": self.stage_id.id})
        return {"type": "ir.actions.act_window_close", "infos": {"closed": True}}
