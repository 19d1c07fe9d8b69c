from odoo import api, fields, models
from odoo.exceptions import ValidationError


class HelpdeskTicketTeam(models.Model):
    _inherit = "helpdesk.ticket.team"

    csp_complaint_rule = fields.Selection(
        selection=[
            ("leader", "The team leader"),
            ("person", "Always the same person"),
            ("assignee", "Whoever works on the ticket"),
            ("in_turn", "In turn among chosen people"),
        ],
        string="Who answers for complaints",
        default="leader",
        required=True,
        groups="base.group_user",
        help="He stays the owner of the complaint until it is closed, also when the "
        "ticket goes to somebody else. If there is nobody by this rule, the team "
        "leader is the owner, then the leader of the team above.",
    )
    csp_complaint_owner_id = fields.Many2one(
        comodel_name="res.users",
        string="Person for complaints",
        ondelete="set null",
        domain="[('share', '=', False)]",
        groups="base.group_user",
    )
    csp_complaint_user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="helpdesk_ticket_team_csp_complaint_rel",
        column1="team_id",
        column2="user_id",
        string="People for complaints",
        domain="[('share', '=', False)]",
        groups="base.group_user",
    )

    @api.constrains(
        "csp_complaint_rule", "csp_complaint_owner_id", "csp_complaint_user_ids"
    )
    def _check_csp_complaint_rule(self):
        for team in self:
            if team.csp_complaint_rule == "person" and not team.csp_complaint_owner_id:
                raise ValidationError(
                    self.env._("%s: name the person for complaints.", team.name)
                )
            if team.csp_complaint_rule == "in_turn" and not team.csp_complaint_user_ids:
                raise ValidationError(
                    self.env._("%s: name the people for complaints.", team.name)
                )

    def _csp_complaint_candidates(self, assignee):
        """Who may own a complaint of this team, the first first; perhaps nobody."""
        candidates = self.env["res.users"]
        if self.csp_complaint_rule == "person":
            candidates |= self.csp_complaint_owner_id
        elif self.csp_complaint_rule == "assignee":
            candidates |= assignee
        return candidates | self._csp_leaders()

    def _csp_leaders(self):
        """The leader of this team, and of each team above it."""
        leaders, team, seen = self.env["res.users"], self, self.browse()
        while team and team not in seen:
            leaders |= team.user_id
            seen |= team
            team = team.parent_id
        return leaders
