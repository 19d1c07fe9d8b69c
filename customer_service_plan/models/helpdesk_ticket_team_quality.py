from odoo import api, fields, models
from odoo.fields import Domain


class HelpdeskTicketTeam(models.Model):
    """Who leads a team, for access to what is private to agents and their leaders."""

    _inherit = "helpdesk.ticket.team"

    csp_is_led_by_me = fields.Boolean(
        compute="_compute_csp_is_led_by_me",
        search="_search_csp_is_led_by_me",
        groups="base.group_user",
        help="Whether the user leads this team, or one above it.",
    )

    @api.depends("user_id", "parent_id")
    @api.depends_context("uid")
    def _compute_csp_is_led_by_me(self):
        for team in self:
            # sudo: helpdesk.ticket.team: who leads it and the teams above
            team.csp_is_led_by_me = self.env.user in team.sudo()._csp_leaders()

    def _search_csp_is_led_by_me(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: helpdesk.ticket.team: which teams the user himself leads
        teams = self.sudo().with_context(active_test=False)
        led = teams.search([("user_id", "=", self.env.uid)])
        mine = Domain("id", "child_of", led.ids) if led else Domain.FALSE
        if len(value) == 2:
            return Domain.TRUE
        return mine if True in value else ~mine
