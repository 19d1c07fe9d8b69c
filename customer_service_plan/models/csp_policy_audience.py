from odoo import api, fields, models
from odoo.fields import Domain

from .csp_acknowledgement import OPEN
from .protected import BY_ADDON

#: Fields that decide who is asked to read and sign.
AUDIENCE_FIELDS = frozenset(
    {"audience_team_ids", "audience_group_ids", "audience_user_ids"}
)


class CspPolicy(models.Model):
    """Who has to read and sign a policy, and by when."""

    _inherit = "csp.policy"

    audience_team_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.team",
        relation="csp_policy_audience_team_rel",
        column1="policy_id",
        column2="team_id",
        string="Teams",
        domain="[('company_id', 'in', [company_id, False])]",
        help="The members of these teams and of their sub-teams.",
    )
    audience_group_ids = fields.Many2many(
        comodel_name="res.groups",
        relation="csp_policy_audience_group_rel",
        column1="policy_id",
        column2="group_id",
        string="Groups",
        help="Everybody who has one of these access rights.",
    )
    audience_user_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_policy_audience_user_rel",
        column1="policy_id",
        column2="user_id",
        string="People",
        domain="[('share', '=', False)]",
        help="People by name, besides those of the teams and groups.",
    )
    sign_within_days = fields.Integer(
        string="To be signed within (days)",
        default=14,
        aggregator=None,
        help="Days from publication. When a version begins earlier than that, it is to "
        "be signed by the day on which it begins.",
    )
    newcomer_sign_within_days = fields.Integer(
        string="Newcomers sign within (days)",
        default=7,
        aggregator=None,
        help="Days for whoever joins one of the teams or groups later.",
    )
    audience_count = fields.Integer(
        string="People asked", compute="_compute_audience_count"
    )

    _sign_within_positive = models.Constraint(
        "CHECK(COALESCE(sign_within_days, 0) >= 0"
        " AND COALESCE(newcomer_sign_within_days, 0) >= 0)",
        "The days for signing cannot be negative.",
    )

    @api.depends(
        "audience_team_ids", "audience_group_ids", "audience_user_ids", "company_id"
    )
    def _compute_audience_count(self):
        for policy in self:
            policy.audience_count = len(policy._audience())

    def write(self, vals):
        result = super().write(vals)
        if not AUDIENCE_FIELDS.isdisjoint(vals) or "active" in vals:
            self._follow_roster()
        return result

    # === Who is asked ===

    def _audience(self):
        """Who has to read this policy today: active staff of its company."""
        self.ensure_one()
        # sudo: res.users, res.groups: members, of whom a manager sees the names
        policy = self.sudo()
        # While a form is filled in, records stand for those in the database.
        teams = policy.audience_team_ids._origin
        if teams:
            teams = teams.search([("id", "child_of", teams.ids)])
        users = (
            teams.user_ids
            | policy.audience_group_ids._origin.all_user_ids
            | policy.audience_user_ids._origin
        )
        company = policy.company_id
        return users.filtered(
            lambda user: (
                user.active
                and not user.share
                and (not company or company in user.company_ids)
            )
        )

    def _version_to_sign(self):
        """The version that staff are asked to read: the latest published one, also
        when it begins later, so that they have read it when it begins."""
        self.ensure_one()
        published = self.version_ids.filtered(
            lambda version: version.state == "published"
        )
        latest = published.sorted(lambda version: (version.in_force_from, version.id))
        return latest[-1:] if self.active else latest.browse()

    def _signed_for(self, version):
        """Versions whose signature holds for one: itself, and those before it up to
        the last one that had to be read again."""
        earlier = self.version_ids.filtered(
            lambda each: each.published_at and each.number < version.number
        ).sorted("number", reverse=True)
        valid = version
        for each in earlier:
            if valid[-1:].material_change:
                break
            valid |= each
        return valid

    # === Following the roster ===

    def _follow_roster(self, at_publication=False):
        """Ask who is to be asked and was not; release who is not to be asked any more.

        May run at any time and as often as you like.

        :param bool at_publication: a version was published just now: everybody gets
            the deadline of its publication; who joins later gets that of newcomers
        """
        # sudo: csp.acknowledgement: written by the addon only; csp.policy: the
        # published version, whoever has joined or left a team
        for policy in self.sudo().with_context(csp_by_addon=BY_ADDON):
            policy._follow_roster_of_policy(at_publication)

    def _follow_roster_of_policy(self, at_publication):
        self.ensure_one()
        asked = self._version_to_sign()
        people = self._audience() if asked else self.env["res.users"]
        valid = self._signed_for(asked) if asked else asked
        rows = self.env["csp.acknowledgement"].search(
            Domain("policy_id", "=", self.id)
            & (Domain("state", "in", OPEN) | Domain("version_id", "in", valid.ids))
        )
        signed = rows.filtered(lambda row: row.state == "signed").user_id
        waiting = rows.filtered("is_open")
        if not asked:
            waiting._release("retired")
            return
        gone = waiting.filtered(lambda row: row.user_id not in people)
        gone._release("left")
        (waiting - gone).filtered(lambda row: row.version_id != asked)._release(
            "replaced"
        )
        of_asked = rows.filtered(lambda row: row.version_id == asked)
        again = of_asked.filtered(
            lambda row: (
                row.state == "released"
                and row.release_reason != "manager"
                and row.user_id in people - signed
            )
        )
        missing = people - signed - of_asked.user_id
        is_newcomer = not at_publication and bool(rows)
        team_of = self._team_of(people)
        again._ask_again(self._due_date(asked, not at_publication), team_of)
        missing_due = self._due_date(asked, is_newcomer)
        asked._ask(missing, missing_due, is_newcomer, team_of)
        of_asked.filtered("is_open")._follow_team(team_of)

    def _team_of(self, people):
        """The team by which each person is asked: dict of user to team, or none.

        One of the policy's, else one of his company.
        """
        Team = self.env["helpdesk.ticket.team"]
        teams = Team.search([("user_ids", "in", people.ids)])
        of_policy = self.audience_team_ids
        if of_policy:
            of_policy = Team.search([("id", "child_of", of_policy.ids)])
        found = dict.fromkeys(people, Team)
        ranked = teams.sorted(
            lambda team: (
                team not in of_policy,
                self.company_id != team.company_id,
                team.sequence,
                team.id,
            ),
            reverse=True,
        )
        for team in ranked:
            for user in team.user_ids & people:
                if not team.company_id or team.company_id in user.company_ids:
                    found[user] = team
        return found

    def _due_date(self, version, is_newcomer):
        """Until when somebody who is asked now has time."""
        today = version._company_today()
        if is_newcomer:
            return fields.Date.add(today, days=self.newcomer_sign_within_days)
        due = fields.Date.add(today, days=self.sign_within_days)
        begins = version.effective_date
        if begins and today < begins < due:
            return begins
        return due

    @api.model
    def _with_audience(self):
        """Policies whose roster is to be followed, archived ones too."""
        domain = Domain("version_ids.acknowledgement_ids.is_open", "=", True)
        for name in AUDIENCE_FIELDS:
            domain |= Domain(name, "!=", False)
        return self.with_context(active_test=False).search(domain)

    def action_view_acknowledgements(self):
        """Open who has signed which version of this policy."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_acknowledgement_action"
        )
        action["display_name"] = self.env._("Read and signed: %s", self.name)
        action["domain"] = [("policy_id", "=", self.id)]
        action["context"] = {"search_default_group_version": 1}
        return action
