from odoo import api, fields, models


class CspPolicyCompare(models.TransientModel):
    """Two versions of a policy side by side."""

    _name = "csp.policy.compare"
    _description = "Compare Two Versions of a Policy"

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="After",
        required=True,
        ondelete="cascade",
    )
    base_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Before",
        compute="_compute_base_version_id",
        store=True,
        readonly=False,
        ondelete="cascade",
        help="At first the version in force.",
    )
    policy_id = fields.Many2one(related="version_id.policy_id")
    comparison = fields.Html(compute="_compute_comparison", sanitize=False)

    @api.depends("version_id")
    def _compute_base_version_id(self):
        for wizard in self:
            version = wizard.version_id
            is_other = wizard.base_version_id.policy_id != version.policy_id
            if is_other or wizard.base_version_id == version:
                wizard.base_version_id = version and version._compared_by_default()

    @api.depends("version_id", "base_version_id")
    @api.depends_context("lang")
    def _compute_comparison(self):
        for wizard in self:
            version, base = wizard.version_id, wizard.base_version_id
            wizard.comparison = bool(version and base) and (
                version._render_comparison(base)
            )
