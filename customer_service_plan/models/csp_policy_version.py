import logging
from datetime import datetime, time
from typing import NamedTuple

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..tools.silence import SILENCE_FIELDS
from .locking import one_at_a_time
from .protected import BY_ADDON, is_by_addon

_logger = logging.getLogger(__name__)

STATES = [
    ("draft", "Draft"),
    ("in_review", "In review"),
    ("approved", "Approved"),
    ("pilot", "On trial"),
    ("published", "Published"),
    ("retired", "Retired"),
]
#: States in which a version is being worked on; a policy has one such at a time.
IN_PREPARATION = ("draft", "in_review", "approved")
#: Fields that only the actions of a version write.
LIFE_FIELDS = frozenset(
    {
        "number",
        "state",
        "author_ids",
        "submitted_by_id",
        "submitted_at",
        "approved_by_id",
        "approved_at",
        "rejected_by_id",
        "rejected_at",
        "rejection_reason",
        "piloted_at",
        "published_by_id",
        "published_at",
        "publish_reason",
        "publish_findings",
        "content_hash",
        "document",
        "retired_at",
    }
)
#: What a version says. Written while it is a draft, never after.
CONTENT_FIELDS = frozenset(
    {
        "policy_id",
        "effective_date",
        "purpose",
        "line_ids",
        "escalation_list_id",
        "procedure_ids",
        "coverage_ids",
        "scorecard_id",
        "material_change",
        "change_summary",
        *SILENCE_FIELDS,
    }
)
#: It prevents publishing.
BLOCKS = "blocks"
#: Publishing in spite of it takes a written reason.
NEEDS_REASON = "reason"
#: Good to know before publishing.
WORTH_KNOWING = "note"


class Finding(NamedTuple):
    """What a manager should know before a version binds the company.

    `mend` is what to open to put it right, where that is not the version itself: a
    record, or the external id of an action.
    """

    severity: str
    text: str
    mend: models.BaseModel | str | None = None


class CspPolicyVersion(models.Model):
    """One wording of a policy, with its promises.

    A draft is written, approved by somebody else, published with a date, and then
    never changes: tickets were promised under it.
    """

    _name = "csp.policy.version"
    _inherit = ["csp.rule.source", "mail.thread", "mail.activity.mixin"]
    _description = "Policy Version"
    _order = "policy_id, number desc, id desc"
    _rec_names_search = ["policy_id.name", "policy_id.code"]
    _csp_rule_fields = frozenset(
        {"state", "published_at", "retired_at", "escalation_list_id"}
    )

    policy_id = fields.Many2one(
        comodel_name="csp.policy",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="policy_id.company_id", store=True, index=True)
    number = fields.Integer(
        string="Version", readonly=True, copy=False, aggregator=None
    )
    state = fields.Selection(
        selection=STATES,
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    effective_date = fields.Date(
        string="In force from",
        copy=False,
        help="From the first minute of this day, in the company's time zone, but not "
        "before it is published. Empty: from its publication on.",
    )
    purpose = fields.Html(
        translate=True,
        help="Why this policy exists, in the words you would say to a new colleague.",
    )
    line_ids = fields.One2many(
        comodel_name="csp.policy.line",
        inverse_name="version_id",
        string="Promises",
        copy=True,
    )
    escalation_list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        domain="[('company_id', 'in', [company_id, False])]",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Who is told, and when, before these promises are missed and after. "
        "Empty: the company's list, see the settings.",
    )
    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard",
        domain="[('company_id', 'in', [company_id, False]), "
        "('state', '!=', 'retired')]",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="By which the quality of these tickets is reviewed, in the version of it "
        "that is in use then. Empty: the first scorecard that fits the channel.",
    )
    material_change = fields.Boolean(
        default=True,
        help="Staff are to read it again. Untick for corrections of wording.",
    )
    change_summary = fields.Text(
        string="What changed", help="In a sentence or two, for those who know the last."
    )
    published_at = fields.Datetime(string="Published on", readonly=True, copy=False)
    piloted_at = fields.Datetime(string="Tried since", readonly=True, copy=False)
    retired_at = fields.Datetime(string="Out of force since", readonly=True, copy=False)
    in_force_from = fields.Datetime(
        string="Begins",
        compute="_compute_in_force_from",
        help="The first moment at which a request is promised under this version.",
    )
    is_editable = fields.Boolean(compute="_compute_is_editable")
    finding_text = fields.Text(
        string="To look at before publishing", compute="_compute_finding_text"
    )
    ticket_count = fields.Integer(string="Tickets", compute="_compute_ticket_count")

    _number_unique = models.UniqueIndex(
        "(policy_id, number)", "This version number is already taken."
    )
    _one_in_preparation = models.UniqueIndex(
        "(policy_id) WHERE state IN ('draft', 'in_review', 'approved')",
        "A version of this policy is already in preparation. Work on that one.",
    )
    _one_pilot = models.UniqueIndex(
        "(policy_id) WHERE state = 'pilot'",
        "Another version of this policy is being tried. End that trial first.",
    )

    @api.depends("policy_id.name", "number")
    def _compute_display_name(self):
        for version in self:
            version.display_name = self.env._(
                "%(policy)s, version %(number)s",
                policy=version.policy_id.name or "",
                number=version.number,
            )

    @api.depends("state")
    def _compute_is_editable(self):
        for version in self:
            version.is_editable = version.state == "draft"

    @api.depends("effective_date", "published_at", "policy_id.company_id")
    def _compute_in_force_from(self):
        for version in self:
            version.in_force_from = version.published_at and version._in_force_from(
                version.company_id or self.env.company
            )

    @api.depends("line_ids", "state")
    def _compute_finding_text(self):
        for version in self:
            version.finding_text = version.state in ("draft", "in_review") and (
                "\n".join(finding.text for finding in version._publishing_findings())
            )

    @api.depends("state")
    def _compute_ticket_count(self):
        tickets = self.env["helpdesk.ticket"].with_context(active_test=False)
        counts = dict(
            tickets._read_group(
                domain=[("csp_policy_version_id", "in", self.ids)],
                groupby=["csp_policy_version_id"],
                aggregates=["__count"],
            )
        )
        for version in self:
            version.ticket_count = counts.get(version._origin, 0)

    def _in_force_from(self, company):
        """When this version begins for a company: naive UTC.

        The later of 00:00 of the effective date in the company's time zone and the
        moment of publishing.
        """
        self.ensure_one()
        if not self.effective_date:
            return self.published_at
        zone = pytz.timezone(company._csp_tz())
        midnight = zone.localize(datetime.combine(self.effective_date, time.min))
        begins = midnight.astimezone(pytz.utc).replace(tzinfo=None)
        return max(begins, self.published_at)

    def _in_force_everywhere_from(self):
        """When this version has begun in each company that the policy is for.

        The same date begins at different moments in companies of different time zones.
        """
        self.ensure_one()
        # sudo: res.company: only the time zones are looked at
        companies = self.company_id or self.env["res.company"].sudo().search(
            Domain.TRUE
        )
        return max(self._in_force_from(company) for company in companies)

    def _compiled_lines(self):
        """The lines in their order, as the pure rules that tickets are matched with."""
        self.ensure_one()
        # A cached One2many has its records in the order of their creation.
        lines = self.line_ids.sorted(lambda line: (line.sequence, line.id))
        return tuple(line._compiled() for line in lines)

    # === Writing, while it is a draft ===

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            for vals in vals_list:
                taken = LIFE_FIELDS.intersection(vals) - {"state"}
                if taken or vals.get("state", "draft") != "draft":
                    self._refuse_life_fields()
        Policy = self.env["csp.policy"]
        by_policy = {}
        numbered = []
        for vals in vals_list:
            policy_id = vals.get("policy_id") or self.env.context.get(
                "default_policy_id"
            )
            if policy_id not in by_policy:
                by_policy[policy_id] = self._last_number(policy_id)
            by_policy[policy_id] += 1
            numbered.append(
                {
                    **dict.fromkeys(LIFE_FIELDS & self._fields.keys(), False),
                    **vals,
                    "state": vals.get("state", "draft"),
                    "number": by_policy[policy_id],
                    "company_id": Policy.browse(policy_id).company_id.id,
                }
            )
        versions = super().create(numbered)
        versions._note_author()
        return versions

    def write(self, vals):
        if not is_by_addon(self.env):
            if not LIFE_FIELDS.isdisjoint(vals):
                self._refuse_life_fields()
            if "company_id" in vals:
                raise UserError(
                    self.env._("A version belongs to the company of its policy.")
                )
            if not CONTENT_FIELDS.isdisjoint(vals):
                self._begin_writing()
        return super().write(vals)

    def _update_field_translations(
        self, field_name, translations, digest=None, source_lang=""
    ):
        if field_name in CONTENT_FIELDS:
            self._begin_writing()
        elif field_name in LIFE_FIELDS and not is_by_addon(self.env):
            self._refuse_life_fields()
        return super()._update_field_translations(
            field_name, translations, digest=digest, source_lang=source_lang
        )

    def _load_records_write(self, values):
        if self._left_as_it_is():
            return None
        return super()._load_records_write(values)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.filtered(lambda version: version._was_binding()):
            raise UserError(
                self.env._(
                    "A version that was ever published stays: tickets were promised "
                    "under it. Retire it instead."
                )
            )

    def _was_binding(self):
        """Whether tickets were promised under it, in a trial or for everybody."""
        self.ensure_one()
        return bool(self.published_at or self.piloted_at)

    def _begin_writing(self):
        """Refuse to change what is no draft; remember who changes a draft."""
        self._refuse_unless_draft()
        self._note_author()

    def _note_author(self):
        """Remember who has written in these drafts: he cannot approve them."""
        writer = self.env.user
        # sudo: csp.policy.version: only who is writing is noted
        for version in self.sudo():
            if writer not in version.author_ids:
                version._by_addon().author_ids += writer

    def _left_as_it_is(self):
        """Those of these versions that the data files of an addon must leave alone.

        They would write over what tickets were promised under. An update of that addon
        goes on without them; an import by somebody is refused.
        """
        if not self.env.context.get("install_mode"):
            return self.browse()
        frozen = self.filtered(lambda version: version.state != "draft")
        for version in frozen:
            _logger.info("%s is no draft: its data are left as they are", version)
        return frozen

    def _refuse_life_fields(self):
        raise UserError(
            self.env._(
                "The state of a version changes by its buttons only: submit, approve, "
                "publish, retire."
            )
        )

    def _refuse_unless_draft(self):
        one_at_a_time(self)
        frozen = self.filtered(lambda version: version.state != "draft")
        if frozen:
            raise UserError(
                self.env._(
                    "%(version)s is no draft any more and cannot be changed. Make a "
                    "new version of the policy and change that.",
                    version=frozen[0].display_name,
                )
            )

    @api.model
    def _last_number(self, policy_id):
        last = self.search(
            [("policy_id", "=", policy_id)], order="number desc", limit=1
        )
        return last.number

    def _prepare_draft_values(self):
        """Content of this version, for the draft that follows it."""
        self.ensure_one()
        return {
            "purpose": self.purpose,
            "escalation_list_id": self.escalation_list_id.id,
            "scorecard_id": self.scorecard_id.id,
            "line_ids": [
                Command.create(vals)
                for vals in self.line_ids.with_context(active_test=False).copy_data()
            ],
        }

    def _by_addon(self):
        return self.with_context(csp_by_addon=BY_ADDON)

    def _company_today(self):
        company = self.company_id or self.env.company
        return fields.Date.context_today(self.with_context(tz=company._csp_tz()))

    # === Screens ===

    def action_view_tickets(self):
        """List the tickets that are promised something under this version."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Promised under %s", self.display_name),
                "domain": [("csp_policy_version_id", "in", self.ids)],
                "context": {"active_test": False},
            }
        )
        return action

    def action_new_version(self):
        """Start the next version of the policy, or open the one already begun."""
        self.ensure_one()
        return self.policy_id.action_new_version()

    # === Checks before publishing ===

    def _publishing_findings(self):
        """What a manager should know before this version binds the company.

        :return: list of `Finding`
        """
        self.ensure_one()
        if not self.line_ids:
            return [
                Finding(
                    BLOCKS,
                    self.env._(
                        "There is no promise in it. Add a line; a line without times "
                        "says openly that nothing is promised."
                    ),
                )
            ]
        findings = []
        if not self.policy_id.owner_id:
            findings.append(
                Finding(WORTH_KNOWING, self.env._("The policy has no owner."))
            )
        texts = self._shadowed_lines() + self._hours_findings()
        return findings + [Finding(WORTH_KNOWING, text) for text in texts]

    def _shadowed_lines(self):
        """Texts on lines that can never match because an earlier one covers them."""
        texts = []
        lines = self.line_ids.sorted(lambda line: (line.sequence, line.id or 0))
        compiled = [(line, line._compiled()) for line in lines]
        for index, (line, rule) in enumerate(compiled):
            for earlier, earlier_rule in compiled[:index]:
                if earlier_rule.covers(rule):
                    texts.append(
                        self.env._(
                            "“%(line)s” can never apply: “%(earlier)s” stands before "
                            "it and holds for the same tickets.",
                            line=line.condition_text,
                            earlier=earlier.condition_text,
                        )
                    )
                    break
        return texts

    def _hours_findings(self):
        """Texts on channels without hours."""
        texts = []
        company = self.company_id or self.env.company
        channels = self.env["helpdesk.ticket.channel"].search(
            [("company_id", "in", [False, company.id])]
        )
        if not company.csp_hours_id:
            loose = self.line_ids.filtered(
                lambda line: line.has_promise and not line.hours_id
            )
            open_ended = (loose.channel_ids or channels).filtered(
                lambda channel: not channel.csp_hours_id
            )
            if loose and open_ended:
                texts.append(
                    self.env._(
                        "No opening hours for %(channels)s: these promises run day and "
                        "night. Give the channel or the company its hours.",
                        channels=", ".join(open_ended.mapped("name")),
                    )
                )
        return texts
