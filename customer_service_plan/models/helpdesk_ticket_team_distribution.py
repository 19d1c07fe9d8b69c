from typing import NamedTuple

from odoo import api, fields, models, tools

from ..tools.distribution import IN_TURN, LEAST_LOADED


class Distribution(NamedTuple):
    """How a team shares out its tickets."""

    method: str
    ceiling: int
    hand_back_seconds: int


class HelpdeskTicketTeam(models.Model):
    """How a team shares out tickets that nobody has yet."""

    _inherit = "helpdesk.ticket.team"
    _csp_rule_fields = frozenset(
        {
            "parent_id",
            "active",
            "csp_distribution",
            "csp_ticket_ceiling",
            "csp_hand_back_minutes",
        }
    )

    csp_distribution = fields.Selection(
        selection=[
            ("off", "By hand"),
            (IN_TURN, "In turn"),
            (LEAST_LOADED, "To who has the least work"),
        ],
        string="New tickets are given",
        default="off",
        required=True,
        groups="base.group_user",
        help="In turn: who was given the fewest today comes next. Least work: open "
        "tickets count by their priority, and more when a promise on them is near its "
        "end.",
    )
    csp_ticket_ceiling = fields.Integer(
        string="Open tickets per person",
        groups="base.group_user",
        aggregator=None,
        help="Who has so many open tickets is given no more automatically, unless a "
        "number of his own is set. 0: no limit.",
    )
    csp_hand_back_minutes = fields.Integer(
        string="Given to somebody else",
        default=60,
        groups="base.group_user",
        aggregator=None,
        help="Opening minutes before a promise ends at which a ticket of somebody who "
        "is away or has left is given to a colleague. 0: never.",
    )

    _csp_ticket_ceiling_positive = models.Constraint(
        "CHECK(csp_ticket_ceiling >= 0)",
        "The number of open tickets cannot be negative.",
    )
    _csp_hand_back_minutes_positive = models.Constraint(
        "CHECK(csp_hand_back_minutes >= 0)",
        "The minutes before a promise ends cannot be negative.",
    )

    @api.model
    @tools.ormcache()
    def _csp_distributions(self):
        """Return how the teams share out their tickets: those that do, by their id.

        Kept in memory, so that a ticket costs nothing where no team does.
        """
        # sudo: helpdesk.ticket.team: tickets are given whoever enters them
        teams = self.sudo().search_fetch(
            [("csp_distribution", "!=", "off")],
            ["csp_distribution", "csp_ticket_ceiling", "csp_hand_back_minutes"],
        )
        return {team.id: team._csp_get_distribution() for team in teams}

    def _csp_get_distribution(self):
        self.ensure_one()
        return Distribution(
            # Whoever shares out by hand the tickets of a team that does not do so
            # itself wants the work to be even.
            LEAST_LOADED if self.csp_distribution == "off" else self.csp_distribution,
            self.csp_ticket_ceiling,
            self.csp_hand_back_minutes * 60,
        )

    @api.model_create_multi
    def create(self, vals_list):
        teams = super().create(vals_list)
        if any(vals.get("csp_distribution", "off") != "off" for vals in vals_list):
            self.env["helpdesk.ticket"]._csp_wake_distribution()
        return teams

    def write(self, vals):
        result = super().write(vals)
        if not vals.keys().isdisjoint(
            {"csp_distribution", "csp_ticket_ceiling", "user_ids"}
        ) and not self._csp_distributions().keys().isdisjoint(self.ids):
            self.env["helpdesk.ticket"]._csp_wake_distribution()
        return result
