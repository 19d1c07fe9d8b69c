from collections import defaultdict
from math import inf
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..tools import clock, escalation, matching
from ..tools.epoch import to_epoch
from .csp_policy_version import IN_PREPARATION


class StageMeaning(NamedTuple):
    """What a stage says about a ticket in it."""

    closed_as: str
    waiting_on: str


class Channel(NamedTuple):
    """What a channel says about a ticket that came through it; 0: no hours table."""

    live: bool
    hours: int


class Escalation(NamedTuple):
    """Which escalation list a ticket of one company follows; 0: none.

    `concerns` are those that any of the lists has a step for; `revision` counts the
    changes of what stands here.
    """

    chains: dict[int, escalation.Chain]
    list_of_version: dict[int, int]
    default_list: int
    complaint_list: int
    concerns: frozenset[str]
    revision: int

    def chain_of(self, version, is_complaint):
        """The chain that promises of a policy version follow; None if there is none.

        Complaints follow their own list, where the company has one. A list that is
        archived counts as none.
        """
        chain = is_complaint and self.chains.get(self.complaint_list)
        if not chain:
            chain = self.chains.get(self.list_of_version.get(version, 0))
        return chain or self.chains.get(self.default_list)


class Rules(NamedTuple):
    """All that decides the promise of a ticket of one company, in memory.

    Ids are database ids; `default_hours` is 0 where the company has none.
    """

    policies: tuple[matching.Policy, ...]
    stages: dict[int, StageMeaning]
    channels: dict[int, Channel]
    default_hours: int
    grace_seconds: int
    uses_segments: bool
    escalation: "Escalation"

    def hours_of(self, line, channel):
        """Hours that a promise of `line` runs on for a ticket of `channel`.

        The line's own, else the channel's, else the company's; 0 for always open.
        """
        known = self.channels.get(channel)
        return line.hours or (known and known.hours) or self.default_hours


class CspPolicy(models.Model):
    """A part of the service plan: what is promised to whom, and why.

    The content lives in versions; a published one never changes.
    """

    _name = "csp.policy"
    _inherit = ["csp.rule.source", "mail.thread", "mail.activity.mixin"]
    _description = "Service Policy"
    _order = "sequence, id"
    _check_company_auto = True
    _csp_rule_fields = frozenset({"active", "sequence", "company_id"})

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(
        copy=False, help="A short reference, for instance SP-01. Optional."
    )
    sequence = fields.Integer(
        default=10,
        help="Policies are looked at in this order: the first line that fits a ticket "
        "gives its promise.",
    )
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        default=lambda self: self.env.company,
        # Not "cascade": the database would take published versions along.
        ondelete="restrict",
        index="btree_not_null",
        help="Leave empty to use the policy in every company.",
    )
    owner_id = fields.Many2one(
        comodel_name="res.users",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="restrict",
        tracking=True,
        help="Answers for the policy and is asked to review it.",
    )
    approver_ids = fields.Many2many(
        comodel_name="res.users",
        relation="csp_policy_approver_rel",
        column1="policy_id",
        column2="user_id",
        string="Approved by",
        domain=[("share", "=", False)],
        help="Who may approve new versions. Empty: the group that the settings name, "
        "else any manager of the service plan. Never who has written in a version.",
    )
    objective_ids = fields.Many2many(
        comodel_name="csp.objective",
        relation="csp_objective_csp_policy_rel",
        column1="policy_id",
        column2="objective_id",
        string="Objectives",
        help="What the company wants to reach with this policy.",
    )
    version_ids = fields.One2many(
        comodel_name="csp.policy.version", inverse_name="policy_id", string="Versions"
    )
    version_count = fields.Integer(compute="_compute_version_count")
    current_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Version in force",
        compute="_compute_current_version_id",
        help="The published version that requests received now are promised under.",
    )
    draft_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Version in preparation",
        compute="_compute_current_version_id",
    )
    coming_version_id = fields.Many2one(
        comodel_name="csp.policy.version", compute="_compute_coming_version_id"
    )
    pilot_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Version being tried",
        compute="_compute_current_version_id",
    )
    state_summary = fields.Char(string="State", compute="_compute_state_summary")

    # What the form shows beside the policy itself
    current_purpose = fields.Html(
        string="Purpose in force", compute="_compute_current_document"
    )
    current_line_ids = fields.One2many(
        comodel_name="csp.policy.line",
        string="Promises in force",
        compute="_compute_current_document",
    )
    current_procedure_ids = fields.One2many(
        comodel_name="csp.procedure",
        string="Procedures in force",
        compute="_compute_current_document",
    )
    current_coverage_ids = fields.One2many(
        comodel_name="csp.coverage",
        string="Coverage in force",
        compute="_compute_current_document",
    )
    current_effective_date = fields.Date(
        string="In force since", compute="_compute_current_document"
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

    _code_unique = models.UniqueIndex(
        "(code, COALESCE(company_id, 0)) WHERE code IS NOT NULL",
        "Another policy already has this code.",
    )

    @api.depends("version_ids")
    def _compute_version_count(self):
        counts = dict(
            self.env["csp.policy.version"]._read_group(
                domain=[("policy_id", "in", self.ids)],
                groupby=["policy_id"],
                aggregates=["__count"],
            )
        )
        for policy in self:
            policy.version_count = counts.get(policy._origin, 0)

    @api.depends(
        "version_ids.state", "version_ids.effective_date", "version_ids.published_at"
    )
    def _compute_current_version_id(self):
        now = fields.Datetime.now()
        for policy in self:
            versions = policy.version_ids
            published = versions.filtered(
                lambda version: (
                    version.state == "published"
                    and version.in_force_from
                    and version.in_force_from <= now
                )
            )
            policy.current_version_id = published.sorted("in_force_from")[-1:]
            policy.draft_version_id = versions.filtered(
                lambda version: version.state in IN_PREPARATION
            ).sorted("number")[-1:]
            policy.pilot_version_id = versions.filtered(
                lambda version: version.state == "pilot"
            )

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

    @api.depends("current_version_id", "draft_version_id", "coming_version_id")
    @api.depends("pilot_version_id")
    def _compute_state_summary(self):
        for policy in self:
            if policy.coming_version_id:
                policy.state_summary = self.env._(
                    "Takes effect on %(date)s",
                    date=tools.format_date(
                        self.env, policy.coming_version_id.effective_date
                    ),
                )
            elif policy.pilot_version_id:
                policy.state_summary = (
                    self.env._("In force, another version on trial")
                    if policy.current_version_id
                    else self.env._("On trial")
                )
            elif policy.current_version_id:
                policy.state_summary = self.env._("In force")
            elif policy.draft_version_id:
                policy.state_summary = self.env._("In preparation")
            else:
                policy.state_summary = self.env._("Nothing promised")

    @api.depends("version_ids.state", "version_ids.published_at")
    @api.depends_context("lang")
    def _compute_current_document(self):
        for policy in self:
            version = policy.current_version_id
            policy.current_purpose = version.purpose
            policy.current_line_ids = version.line_ids
            policy.current_procedure_ids = version.procedure_ids
            policy.current_coverage_ids = version.coverage_ids
            policy.current_effective_date = version.effective_date

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

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        without = policies.filtered(lambda policy: not policy.version_ids)
        without.action_new_version()
        return policies

    def write(self, vals):
        if "company_id" in vals:
            moved = self.filtered(
                lambda policy: policy.company_id.id != (vals["company_id"] or False)
            )
            if moved.version_ids.filtered(lambda version: version._was_binding()):
                raise UserError(
                    self.env._(
                        "A policy that was ever published stays with its company: "
                        "tickets were promised under it there. Copy it for another one."
                    )
                )
        result = super().write(vals)
        if "company_id" in vals:
            self.version_ids.line_ids._check_company()
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            dict(vals, name=self.env._("%s (copy)", policy.name))
            for policy, vals in zip(self, vals_list, strict=True)
        ]

    def copy(self, default=None):
        copies = super().copy(default=default)
        for policy, new in zip(self, copies, strict=True):
            source = policy.current_version_id or policy.version_ids[:1]
            if source:
                new.version_ids.write(source._prepare_draft_values())
        return copies

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.version_ids.filtered(lambda version: version._was_binding()):
            raise UserError(
                self.env._(
                    "A policy that was ever published stays: tickets were promised "
                    "under it. Archive it instead."
                )
            )

    # === Actions ===

    def action_new_version(self):
        """Start the next version as a draft: a copy of the latest one.

        A draft that is already there is opened instead of a second one being made.
        """
        self.check_access("write")
        for policy in self:
            if policy.draft_version_id:
                continue
            latest = policy.version_ids.sorted("number")[-1:]
            values = latest._prepare_draft_values() if latest else {}
            policy.version_ids = [Command.create(values)]
        if len(self) == 1:
            return self.draft_version_id._get_records_action(name=self.name)
        return True

    def action_open_current_version(self):
        """Open the version in force, or the one in preparation."""
        self.ensure_one()
        version = self.current_version_id or self.draft_version_id
        return version._get_records_action(name=self.name)

    def action_view_versions(self):
        """List all versions, the newest first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_version_action"
        )
        action["domain"] = [("policy_id", "=", self.id)]
        action["context"] = {"default_policy_id": self.id}
        return action

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

    # === Rules in memory ===

    @api.model
    @tools.ormcache("company_id")
    def _compiled_rules(self, company_id):
        """Rules of one company: `Rules`.

        Holds every version that was ever published, and every trial, because a ticket
        is matched under the one that was in force, or on trial, when it came in.
        """
        # sudo: csp.policy: a ticket gets its promise whoever enters it
        self = self.sudo().with_context(active_test=True)
        company = self.env["res.company"].browse(company_id)
        policies = self.search([("company_id", "in", [False, company_id])])
        versions = policies.version_ids.filtered("published_at")
        compiled = defaultdict(list)
        for version in versions:
            compiled[version.policy_id.id].append(
                matching.Version(
                    id=version.id,
                    begins=to_epoch(version._in_force_from(company)),
                    ends=to_epoch(version.retired_at) if version.retired_at else inf,
                    lines=version._compiled_lines(),
                )
            )
        trials = self.env["csp.pilot"]._compiled_of(company)
        rules = tuple(
            matching.Policy(
                id=policy.id,
                trials=trials.get(policy.id, ()),
                versions=tuple(
                    sorted(
                        compiled[policy.id],
                        key=lambda version: (version.begins, version.id),
                        reverse=True,
                    )
                ),
            )
            for policy in policies
            if compiled[policy.id] or trials.get(policy.id)
        )
        archived_too = self.with_context(active_test=False).env
        stages = archived_too["helpdesk.ticket.stage"].search(Domain.TRUE)
        channels = archived_too["helpdesk.ticket.channel"].search(Domain.TRUE)
        return Rules(
            policies=rules,
            stages={
                stage.id: StageMeaning(
                    closed_as=(stage.csp_outcome or clock.SOLVED)
                    if stage.closed
                    else "",
                    waiting_on=stage.csp_waiting_on or clock.NOT_WAITING,
                )
                for stage in stages
            },
            channels={
                channel.id: Channel(
                    live=channel.csp_live, hours=channel.csp_hours_id.id or 0
                )
                for channel in channels
            },
            default_hours=company.csp_hours_id.id or 0,
            grace_seconds=company.csp_reopen_grace_days * clock.DAY,
            uses_segments=bool(
                self.env["csp.segment"].search_count(
                    Domain("company_id", "in", [False, company_id]), limit=1
                )
            ),
            escalation=self._compiled_escalation(company),
        )

    @api.model
    def _compiled_escalation(self, company):
        lists = self.env["csp.escalation.list"].search(
            [("company_id", "in", [False, company.id])]
        )
        chains = {each.id: each._compiled() for each in lists}
        versions = self.env["csp.policy.version"].search(
            [("escalation_list_id", "in", lists.ids)]
        )
        return Escalation(
            chains=chains,
            list_of_version={each.id: each.escalation_list_id.id for each in versions},
            default_list=company.csp_escalation_list_id.id or 0,
            complaint_list=company.csp_complaint_list_id.id or 0,
            concerns=frozenset().union(*(each.concerns for each in chains.values())),
            revision=company.csp_escalation_revision,
        )
