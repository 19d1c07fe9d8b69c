from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import complaint


class CspComplaintHandover(models.TransientModel):
    """Ask who takes over, and why: each time the customer has to start again."""

    _name = "csp.complaint.handover"
    _description = "Hand Over"

    ticket_ids = fields.Many2many(
        comodel_name="helpdesk.ticket",
        relation="csp_complaint_handover_rel",
        column1="wizard_id",
        column2="ticket_id",
        string="Tickets",
        required=True,
    )
    has_complaints = fields.Boolean(compute="_compute_has_complaints")
    role = fields.Selection(
        selection=[
            ("worker", "The work: who is assigned"),
            ("owner", "The responsibility: who owns the complaint"),
        ],
        string="What is handed over",
        required=True,
        default="worker",
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="To",
        required=True,
        domain="[('id', 'in', possible_ids)]",
        ondelete="cascade",
    )
    possible_ids = fields.Many2many(
        comodel_name="res.users", compute="_compute_possible_ids"
    )
    reason = fields.Text(
        string="Why",
        required=True,
        help="Kept for good on the ticket, and read by whoever takes over.",
    )
    warning = fields.Char(compute="_compute_warning")

    @api.model
    def default_get(self, fields):
        """Take the ticket, or those chosen in the list."""
        values = super().default_get(fields)
        context = self.env.context
        if (
            context.get("active_model") == "helpdesk.ticket"
            and "ticket_ids" not in values
        ):
            ids = context.get("active_ids") or [context.get("active_id")]
            values["ticket_ids"] = [(6, 0, ids)]
        return values

    @api.depends("ticket_ids")
    def _compute_has_complaints(self):
        for wizard in self:
            wizard.has_complaints = any(
                ticket._csp_is_open_complaint() for ticket in wizard.ticket_ids
            )

    @api.depends("ticket_ids", "role")
    def _compute_possible_ids(self):
        Users = self.env["res.users"]
        # sudo: res.groups: who works in the helpdesk
        group = self.env.ref("helpdesk_mgmt.group_helpdesk_user_own").sudo()
        for wizard in self:
            people = group.all_user_ids
            for company in wizard.ticket_ids.company_id:
                people = Users._csp_can_own_complaints(people, company)
            teams = wizard.ticket_ids.team_id
            if wizard.role == "worker" and len(teams) == 1 and teams.user_ids:
                # Somebody of another team would be taken off again.
                people &= teams.user_ids
            wizard.possible_ids = people

    @api.depends("ticket_ids", "role")
    def _compute_warning(self):
        name = "csp_complaint_handover_count"
        for wizard in self:
            counter = name if wizard.role == "owner" else "csp_handover_count"
            often = wizard.ticket_ids.filtered(
                lambda ticket, counter=counter: (
                    ticket[counter] >= complaint.MANY_HANDOVERS - 1
                )
            )
            wizard.warning = bool(often) and self.env._(
                "Handed over %(times)s times already: %(tickets)s. Could you settle it "
                "yourself?",
                times=max(often.mapped(counter)),
                tickets=", ".join(often.mapped("number")),
            )

    def action_hand_over(self):
        """Hand them over, and keep the sentence."""
        self.ensure_one()
        tickets = self.ticket_ids
        tickets.check_access("write")
        if self.role == "owner":
            complaints = tickets.filtered(
                lambda ticket: ticket._csp_is_open_complaint()
            )
            if not complaints:
                raise UserError(
                    self.env._("None of these tickets is an open complaint.")
                )
            complaints._csp_complaint_hand_over(self.user_id, self.reason)
        else:
            tickets._csp_hand_over_work(self.user_id, self.reason)
        return {"type": "ir.actions.act_window_close"}
