from odoo import api, fields, models

from ..models.csp_policy_version import BLOCKS


class CspPolicyPublish(models.TransientModel):
    """Last look at a version before it binds the company."""

    _name = "csp.policy.publish"
    _description = "Publish a Policy Version"

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    policy_id = fields.Many2one(related="version_id.policy_id")
    is_editable = fields.Boolean(related="version_id.is_editable")
    replaced_version_id = fields.Many2one(
        related="version_id.policy_id.current_version_id", string="Replaces"
    )
    line_ids = fields.One2many(related="version_id.line_ids")
    effective_date = fields.Date(
        string="In force from",
        compute="_compute_from_version",
        store=True,
        readonly=False,
        required=True,
        help="From the first minute of this day, in the company's time zone; today: "
        "from now on.",
    )
    change_summary = fields.Text(
        string="What changed",
        compute="_compute_from_version",
        store=True,
        readonly=False,
        help="In a sentence or two, for those who know the last version.",
    )
    material_change = fields.Boolean(
        compute="_compute_from_version",
        store=True,
        readonly=False,
        help="Staff are to read it again. Untick for corrections of wording.",
    )
    blocking_text = fields.Text(compute="_compute_findings")
    warning_text = fields.Text(compute="_compute_findings")
    is_past = fields.Boolean(compute="_compute_is_past")

    @api.depends("version_id")
    def _compute_from_version(self):
        for wizard in self:
            version = wizard.version_id
            wizard.effective_date = version.effective_date or version._company_today()
            wizard.change_summary = version.change_summary
            wizard.material_change = version.material_change

    @api.depends("version_id")
    def _compute_findings(self):
        for wizard in self:
            findings = wizard.version_id and wizard.version_id._publishing_findings()
            texts = {True: [], False: []}
            for finding in findings or []:
                texts[finding.severity == BLOCKS].append(finding.text)
            wizard.blocking_text = "\n".join(texts[True])
            wizard.warning_text = "\n".join(texts[False])

    @api.depends("effective_date", "version_id")
    def _compute_is_past(self):
        for wizard in self:
            today = wizard.version_id and wizard.version_id._company_today()
            date = wizard.effective_date
            wizard.is_past = bool(date and today and date < today)

    def action_publish(self):
        """Write date and summary to the version, and put it into force."""
        self.ensure_one()
        version = self.version_id
        if version.is_editable:
            version.write(
                {
                    "effective_date": self.effective_date,
                    "change_summary": self.change_summary,
                    "material_change": self.material_change,
                }
            )
        version.action_publish()
        return version._get_records_action(name=version.policy_id.name, target="main")
