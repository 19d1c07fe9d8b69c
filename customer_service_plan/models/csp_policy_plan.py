from odoo import api, fields, models


class CspPolicy(models.Model):
    """The plan that a policy belongs to, and its regular review."""

    _name = "csp.policy"
    _inherit = ["csp.policy", "csp.reviewed"]
    _csp_review_link = "policy_id"
    # Whoever reads a policy may say what he thinks of it: its review gathers that.
    _mail_post_access = "read"

    plan_id = fields.Many2one(
        comodel_name="csp.plan",
        string="Service plan",
        compute="_compute_plan_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        help="The plan whose mission this policy serves.",
    )

    @api.depends("company_id")
    def _compute_plan_id(self):
        Plan = self.env["csp.plan"]
        for company, policies in self.grouped("company_id").items():
            in_force = Plan._in_force_for(company)
            for policy in policies:
                kept = policy.plan_id
                if not kept or kept.company_id not in (Plan.company_id, company):
                    policy.plan_id = in_force
                else:
                    policy.plan_id = kept

    # === Review ===

    def _is_to_be_reviewed(self):
        return self.filtered("active")

    def _plan_reviewed_with(self):
        return self.plan_id or self.env["csp.plan"]._in_force_for(self.company_id)

    def _reviewed_versions(self):
        """All versions of these policies, whatever their state."""
        return self.version_ids

    def _reviewed_by(self, version):
        """Those of these policies whose figures a version counts among."""
        return self & version.policy_id

    def _begin_change(self, reason):
        """Begin the next version, or go on with the one in preparation.

        What the review found is written into it.

        :return: action that opens it
        """
        self.action_new_version()
        self.invalidate_recordset(["draft_version_id"])
        draft = self.draft_version_id
        if draft.is_editable:
            known = (draft.change_summary or "").strip()
            draft.change_summary = f"{known}\n{reason}" if known else reason
        draft.message_post(body=self.env._("To be changed by a review: %s", reason))
        return draft.sudo(False)._get_records_action(name=self.name)

    def _retire_reviewed(self):
        self.current_version_id.action_retire()
