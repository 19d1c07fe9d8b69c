from odoo import api, fields, models

from .protected import BY_ADDON


class ResUsers(models.Model):
    """Which teams somebody leads, and what stays of whoever is deleted."""

    _inherit = "res.users"

    csp_led_team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        string="Teams led",
        compute="_compute_csp_led_team_ids",
        compute_sudo=True,
        groups="base.group_user",
        help="Teams whose leader this person is, and all below them.",
    )

    @api.depends_context("uid")
    def _compute_csp_led_team_ids(self):
        Team = self.env["helpdesk.ticket.team"]
        led = Team.search([("user_id", "in", self.ids)])
        below = led and Team.search([("id", "child_of", led.ids)])
        for user in self:
            own = led.filtered(lambda team, user=user: team.user_id == user._origin)
            user.csp_led_team_ids = own and below.filtered(
                lambda team, own=own: any(
                    team.parent_path.startswith(each.parent_path) for each in own
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_forget_what_was_not_signed(self):
        """Whoever has signed nothing can be deleted; a signature stays for good."""
        # sudo: csp.acknowledgement: rows say nothing of people who never signed
        rows = self.env["csp.acknowledgement"].sudo().with_context(active_test=False)
        rows = rows.search([("user_id", "in", self.ids), ("signed_at", "=", False)])
        rows.with_context(csp_by_addon=BY_ADDON).unlink()
