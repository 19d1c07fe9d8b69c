from collections import defaultdict

from odoo import models
from odoo.exceptions import UserError


class HelpdeskTicket(models.Model):
    """What agents do all day, on one ticket or many: from the form, card and list."""

    _inherit = "helpdesk.ticket"

    def action_csp_assign_to_me(self):
        """Take over these tickets.

        :raises AccessError: for who may not change the tickets
        :raises UserError: for a ticket of a team that the user is not in
        """
        self.check_access("write")
        user = self.env.user
        foreign = self.filtered(
            lambda ticket: ticket.team_id and user not in ticket.team_id.user_ids
        )
        if foreign:
            raise UserError(
                self.env._(
                    "You are not in the team of these tickets: %(tickets)s",
                    tickets=", ".join(foreign.mapped("display_name")),
                )
            )
        others = self.filtered(lambda ticket: ticket.user_id != user)
        if others:
            others.write({"user_id": user.id})
        return True

    def action_csp_wait_for_customer(self):
        """Let these open tickets wait for their customers' answers.

        :raises AccessError: for who may not change the tickets
        :raises UserError: when a team has no stage that waits for the customer
        """
        self.check_access("write")
        by_stage = defaultdict(self.browse)
        for ticket in self:
            if ticket.csp_waiting_on == "customer" and not ticket.csp_closed_as:
                continue
            if ticket.stage_id.closed:
                raise UserError(
                    self.env._(
                        "%(ticket)s is closed and waits for nobody.",
                        ticket=ticket.display_name,
                    )
                )
            stages = ticket.with_company(
                ticket.company_id
            ).team_id._get_applicable_stages()
            waiting = stages.filtered(
                lambda stage: not stage.closed and stage.csp_waiting_on == "customer"
            )
            if not waiting:
                raise UserError(
                    self.env._(
                        "No stage of %(ticket)s waits for the customer. Say so on one "
                        "under Configuration → Stages.",
                        ticket=ticket.display_name,
                    )
                )
            by_stage[waiting[0]] |= ticket
        for stage, tickets in by_stage.items():
            tickets.write({"stage_id": stage.id})
        return True
