from odoo import api, fields, models


class CspPolicy(models.Model):
    """What the form of a policy shows beside the policy itself."""

    _inherit = "csp.policy"

    current_purpose = fields.Html(
        string="Purpose in force", compute="_compute_current_document"
    )
    current_line_ids = fields.One2many(
        comodel_name="csp.policy.line",
        string="Promises in force",
        compute="_compute_current_document",
    )
    current_effective_date = fields.Date(
        string="In force since", compute="_compute_current_document"
    )
    coming_version_id = fields.Many2one(
        comodel_name="csp.policy.version", compute="_compute_coming_version_id"
    )
    ticket_count = fields.Integer(string="Tickets", compute="_compute_figures")
    kept_count = fields.Integer(string="Promises kept", compute="_compute_figures")
    missed_count = fields.Integer(string="Promises missed", compute="_compute_figures")
    kept_percent = fields.Float(
        string="Kept (%)",
        compute="_compute_figures",
        aggregator=None,
        help="Kept promises of all kept and missed ones; excused ones do not count.",
    )

    @api.depends("version_ids.state", "version_ids.published_at")
    @api.depends_context("lang")
    def _compute_current_document(self):
        for policy in self:
            version = policy.current_version_id
            policy.current_purpose = version.purpose
            policy.current_line_ids = version.line_ids
            policy.current_effective_date = version.effective_date

    @api.depends("version_ids.state", "version_ids.in_force_from")
    def _compute_coming_version_id(self):
        now = fields.Datetime.now()
        for policy in self:
            policy.coming_version_id = policy.version_ids.filtered(
                lambda version: (
                    version.state == "published"
                    and version.in_force_from
                    and version.in_force_from > now
                )
            ).sorted("in_force_from")[:1]

    @api.depends("version_ids")
    def _compute_figures(self):
        tickets = self.env["helpdesk.ticket"].with_context(active_test=False)
        by_policy = {policy.id: [0, {}] for policy in self._origin}
        policy_of = {
            version.id: policy.id
            for policy in self._origin
            for version in policy.version_ids
        }
        versions = list(policy_of)
        for version, count in tickets._read_group(
            domain=[("csp_policy_version_id", "in", versions)],
            groupby=["csp_policy_version_id"],
            aggregates=["__count"],
        ):
            by_policy[policy_of[version.id]][0] += count
        for version, state, count in self.env["csp.commitment"]._read_group(
            domain=[
                ("policy_version_id", "in", versions),
                ("state", "in", ["met", "missed"]),
            ],
            groupby=["policy_version_id", "state"],
            aggregates=["__count"],
        ):
            figures = by_policy[policy_of[version.id]][1]
            figures[state] = figures.get(state, 0) + count
        for policy in self:
            ticket_count, figures = by_policy.get(policy._origin.id, (0, {}))
            kept, missed = figures.get("met", 0), figures.get("missed", 0)
            policy.ticket_count = ticket_count
            policy.kept_count = kept
            policy.missed_count = missed
            policy.kept_percent = 100 * kept / (kept + missed) if kept + missed else 0

    def action_open_coming_version(self):
        """Open the version that is published and not in force yet."""
        self.ensure_one()
        return self.coming_version_id._get_records_action(name=self.name)

    def action_open_draft(self):
        """Open the version in preparation."""
        self.ensure_one()
        return self.draft_version_id._get_records_action(name=self.name)

    def action_view_tickets(self):
        """List the tickets that are promised something under this policy."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Promised under %s", self.name),
                "domain": [("csp_policy_version_id", "in", self.version_ids.ids)],
                "context": {"active_test": False},
            }
        )
        return action

    def action_view_promises(self):
        """Show how far the promises of this policy are kept."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_commitment_action"
        )
        action.update(
            {
                "display_name": self.env._("Promises under %s", self.name),
                "domain": [("policy_version_id", "in", self.version_ids.ids)],
                "context": {
                    "search_default_group_kind": 1,
                    "search_default_group_state": 1,
                },
            }
        )
        return action
