from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

from ..models.csp_policy_version import BLOCKS, NEEDS_REASON

#: So many people who are asked to read it are named, the others counted.
NAMED = 3


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
        string="Staff read it again",
        compute="_compute_from_version",
        store=True,
        readonly=False,
        help="Staff are to read it again. Untick for corrections of wording.",
    )
    reason = fields.Text(
        string="Why you publish it all the same",
        help="Stays visible on the version, with your name.",
    )
    finding_data = fields.Json(string="Findings", compute="_compute_findings")
    is_blocked = fields.Boolean(compute="_compute_findings")
    needs_backtest = fields.Boolean(compute="_compute_findings")
    needs_reason = fields.Boolean(compute="_compute_findings")
    change_html = fields.Html(
        string="Promises that change", compute="_compute_change_html"
    )
    audience_text = fields.Char(
        string="Asked to read it", compute="_compute_audience_text"
    )
    approval_text = fields.Char(string="Approved by", compute="_compute_approval_text")
    is_past = fields.Boolean(compute="_compute_publish_text")
    publish_text = fields.Char(compute="_compute_publish_text")

    @api.depends("version_id")
    def _compute_from_version(self):
        for wizard in self:
            version = wizard.version_id
            wizard.effective_date = version.effective_date or version._company_today()
            wizard.change_summary = version.change_summary
            wizard.material_change = version.material_change

    @api.depends("version_id")
    @api.depends_context("lang")
    def _compute_findings(self):
        for wizard in self:
            version = wizard.version_id
            findings = version._publishing_findings() if version else []
            severities = {finding.severity for finding in findings}
            wizard.finding_data = version._describe_findings(findings)
            wizard.needs_backtest = bool(
                version and version._needs_backtest() and not version._fresh_backtest()
            )
            wizard.is_blocked = BLOCKS in severities or wizard.needs_backtest
            wizard.needs_reason = NEEDS_REASON in severities and not wizard.is_blocked

    @api.depends("version_id", "replaced_version_id")
    @api.depends_context("lang")
    def _compute_change_html(self):
        for wizard in self:
            replaces = bool(wizard.replaced_version_id)
            wizard.change_html = replaces and wizard._list_changes()

    def _list_changes(self):
        """What is promised otherwise than in the version in force, as a short list."""
        before = _promises(self.replaced_version_id)
        after = _promises(self.version_id)
        rows = []
        for who in [*before, *(who for who in after if who not in before)]:
            old, new = before.get(who), after.get(who)
            if old == new:
                continue
            if not old:
                text = self.env._("New: %(promise)s", promise=new)
            elif not new:
                text = self.env._("No longer: %(promise)s", promise=old)
            else:
                text = self.env._("%(new)s – so far: %(old)s", new=new, old=old)
            rows.append(Markup("<li><b>%s</b>: %s</li>") % (who, text))
        if not rows:
            return Markup("<p>%s</p>") % self.env._("The promises stay the same.")
        return Markup("<ul>%s</ul>") % Markup().join(rows)

    @api.depends("version_id", "material_change")
    @api.depends_context("lang")
    def _compute_audience_text(self):
        for wizard in self:
            people = wizard.policy_id._audience() if wizard.material_change else ()
            # Nobody is the only one who is counted.
            named = NAMED if len(people) > NAMED + 1 else NAMED + 1
            names = [person.name for person in people[:named]]
            if len(people) > named:
                names.append(self.env._("%s others", len(people) - named))
            wizard.audience_text = ", ".join(names)

    @api.depends("version_id")
    @api.depends_context("lang")
    def _compute_approval_text(self):
        for wizard in self:
            version = wizard.version_id
            # sudo: res.users: the name of the colleague who approved it
            name = version.approved_by_id.sudo().name
            if name and version.approved_at:
                day = fields.Datetime.context_timestamp(self, version.approved_at)
                name = self.env._(
                    "%(name)s, on %(day)s",
                    name=name,
                    day=format_date(self.env, day.date()),
                )
            wizard.approval_text = name

    @api.depends("effective_date", "version_id")
    @api.depends_context("lang")
    def _compute_publish_text(self):
        for wizard in self:
            today = wizard.version_id and wizard.version_id._company_today()
            date = wizard.effective_date
            wizard.is_past = bool(date and today and date < today)
            wizard.publish_text = self.env._("Publish now")
            if date and today and date > today:
                pattern = "d MMMM" if date.year == today.year else "d MMMM y"
                wizard.publish_text = self.env._(
                    "Publish, in force from %s",
                    format_date(self.env, date, date_format=pattern),
                )

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
        version.action_publish(self.reason, effective_date=self.effective_date)
        return version._get_records_action(name=version.policy_id.name, target="main")

    def action_backtest(self):
        """Try the version on past tickets; it is published afterwards."""
        self.ensure_one()
        return self.version_id.action_backtest()


def _promises(version):
    """Who is promised what in a version: dict of conditions to promises, in words."""
    lines = version.line_ids.sorted(lambda line: (line.sequence, line.id))
    promises = {}
    for line in lines:
        # The first of equal lines counts.
        promise = line.promise_text
        if line.hours_id:
            promise += f" ({line.hours_id.name})"
        promises.setdefault(line.condition_text, promise)
    return promises
