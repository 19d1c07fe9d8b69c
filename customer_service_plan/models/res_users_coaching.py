from odoo import api, fields, models
from odoo.fields import Domain

MANAGERS = "customer_service_plan.group_manager"


class ResUsers(models.Model):
    """Who leads whom, for what is private to a person and his leaders."""

    _inherit = "res.users"

    csp_is_led_by_me = fields.Boolean(
        compute="_compute_csp_is_led_by_me",
        search="_search_csp_is_led_by_me",
        groups="base.group_user",
        help="Whether the present user leads a team in which this person works, or one "
        "above it. Somebody whom nobody leads is led by the managers.",
    )

    @api.depends("helpdesk_team_ids")
    @api.depends_context("uid")
    def _compute_csp_is_led_by_me(self):
        # sudo: res.users: only whether the user leads them
        led = (
            self.sudo()
            .with_context(active_test=False)
            .search(Domain("id", "in", self.ids) & self._csp_led_by(self.env.user))
        )
        for user in self:
            user.csp_is_led_by_me = user._origin in led

    def _search_csp_is_led_by_me(self, operator, value):
        if operator != "in":
            return NotImplemented
        if len(value) == 2:
            return Domain.TRUE
        led = self._csp_led_by(self.env.user)
        return led if True in value else ~led

    @api.model
    def _csp_led_by(self, leader):
        """Domain of the people whom somebody leads; nobody leads himself."""
        # sudo: helpdesk.ticket.team: who leads which people, nothing else of it. Who
        # has left was led, too.
        teams = self.env["helpdesk.ticket.team"].sudo().search([("active", "=", True)])
        led, with_leader = set(), set()
        for team in teams:
            leaders = team._csp_leaders().filtered("active")
            members = team.with_context(active_test=False).user_ids
            if leader in leaders:
                led.update(members.ids)
            if leaders:
                # Nobody leads himself.
                with_leader.update(
                    (members - leaders if len(leaders) < 2 else members).ids
                )
        domain = Domain("id", "in", sorted(led))
        if leader.has_group(MANAGERS):
            domain |= Domain("id", "not in", sorted(with_leader)) & Domain(
                "share", "=", False
            )
        return domain & Domain("id", "!=", leader.id)
