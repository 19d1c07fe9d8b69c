from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_date

from ..tools import honesty
from ..tools.epoch import to_epoch
from ..tools.matching import Line
from ..tools.plan_check import find_shadowed
from .csp_policy_version import IN_PREPARATION, NEEDS_REASON

#: It does not work as it stands.
WRONG = "wrong"
#: Hardly meant like this, or due.
DOUBTFUL = "doubtful"
#: Good to know.
NOTE = "note"
SEVERITIES = (WRONG, DOUBTFUL, NOTE)
TOPICS = ("plan", "policies", "promises", "channels", "people", "customers")
#: After so many days nobody is working on a draft any more.
DRAFT_DAYS = 30
#: After so many days an approval, or a publication, is overdue.
WAITING_DAYS = 14
#: What a line can name, and what has been put away may be among it.
NAMED_FIELDS = (
    "segment_ids",
    "channel_ids",
    "category_ids",
    "team_ids",
    "tag_ids",
    "hours_id",
)


class Row(NamedTuple):
    """A line of a version in force, in the order in which tickets are matched."""

    policy: models.BaseModel
    line: models.BaseModel
    rule: Line


class Plan(NamedTuple):
    """What is looked at, fetched once."""

    company: models.BaseModel
    policies: models.BaseModel
    versions: models.BaseModel
    rows: list
    shadowed: dict
    channels: models.BaseModel

    def live_rows(self):
        """The lines that can give a promise."""
        return [row for at, row in enumerate(self.rows) if at not in self.shadowed]


class CspPlanCheck(models.AbstractModel):
    """Does the plan of a company hang together?

    Looks at what is in force: policies, promises, hours, channels, people, segments.
    Each finding is a sentence with what to open to put it right. Other parts of the
    service plan extend `_checks`.
    """

    _name = "csp.plan.check"
    _description = "Coverage Check"

    @api.model
    def csp_check_data(self):
        """What the page of the coverage check shows, for the company one works in.

        :return: dict: company (name, only where there are several), topics (list of
            dicts: key, name, findings)
        :raises AccessError: for who is no manager of the service plan
        """
        if not self.env.user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._("The coverage check is for managers of the service plan.")
            )
        company = self.env.company
        findings = self._findings(company)
        names = self._topic_names()
        return {
            "company": len(self.env.user.company_ids) > 1 and company.name,
            "topics": [
                {
                    "key": topic,
                    "name": names[topic],
                    "findings": [each for each in findings if each["topic"] == topic],
                }
                for topic in TOPICS
            ],
        }

    @api.model
    def _topic_names(self):
        return {
            "plan": self.env._("Plan"),
            "policies": self.env._("Policies"),
            "promises": self.env._("Promises"),
            "channels": self.env._("Channels and hours"),
            "people": self.env._("People and escalation"),
            "customers": self.env._("Customers"),
        }

    @api.model
    def _findings(self, company):
        """What does not fit together in the plan of a company, the gravest first.

        :return: list of dicts: topic, severity (wrong, doubtful, note), key (which
            check), text, label (of the button) and action (what it opens)
        """
        check = self.with_company(company)
        plan = check._look(company)
        findings = [each for found in check._checks(plan) for each in found]
        return sorted(
            findings,
            key=lambda each: (
                TOPICS.index(each["topic"]),
                SEVERITIES.index(each["severity"]),
            ),
        )

    @api.model
    def _checks(self, plan):
        """The findings of all checks. For extension.

        :param plan: `Plan`
        :return: list of iterables of findings, see `_finding`
        """
        return [
            self._check_plan(plan),
            self._check_policies(plan),
            self._check_drafts(plan),
            self._check_order(plan),
            self._check_archived(plan),
            self._check_honesty(plan),
            self._check_channels(plan),
            self._check_hours(plan),
            self._check_escalation(plan),
            self._check_teams(plan),
            self._check_segments(plan),
        ]

    @api.model
    def _finding(self, topic, severity, key, text, mend, label=None):
        """One finding.

        :param mend: what to open to put it right: a record, or the external id of an
            action
        """
        if isinstance(mend, str):
            action = mend
        else:
            action = {
                "type": "ir.actions.act_window",
                "res_model": mend._name,
                "res_id": mend.id,
                "views": [(False, "form")],
            }
        return {
            "topic": topic,
            "severity": severity,
            "key": key,
            "text": text,
            "label": label or self.env._("Open"),
            "action": action,
        }

    # === What is looked at ===

    @api.model
    def _look(self, company):
        now = to_epoch(fields.Datetime.now())
        ours = Domain("company_id", "in", [False, company.id])
        Policy = self.env["csp.policy"]
        policies = Policy.search(ours)
        in_force = {}
        for policy in Policy._compiled_rules(company.id).policies:
            version = policy.in_force(now)
            if version is not None:
                in_force[policy.id] = version
        versions = self.env["csp.policy.version"].browse(
            [in_force[policy.id].id for policy in policies if policy.id in in_force]
        )
        rows = [
            Row(policy, self.env["csp.policy.line"].browse(rule.id), rule)
            for policy in policies
            if policy.id in in_force
            for rule in in_force[policy.id].lines
        ]
        # Fetched together, whatever is asked first.
        lines = self.env["csp.policy.line"].browse([row.rule.id for row in rows])
        rows = [row._replace(line=line) for row, line in zip(rows, lines, strict=True)]
        return Plan(
            company=company,
            policies=policies,
            versions=versions,
            rows=rows,
            shadowed=find_shadowed([row.rule for row in rows]),
            channels=self.env["helpdesk.ticket.channel"].search(ours),
        )

    # === Checks ===

    @api.model
    def _check_plan(self, plan):
        Plan = self.env["csp.plan"]
        in_force = Plan._in_force_for(plan.company)
        if not in_force:
            yield self._finding(
                "plan",
                NOTE,
                "no_plan",
                self.env._(
                    "No service plan is in force: nobody can look up the mission that "
                    "all this serves."
                ),
                "customer_service_plan.csp_plan_action",
                self.env._("Plans"),
            )
            return
        missing = (in_force.missing_text or "").split("\n")
        for text in filter(None, missing):
            yield self._finding("plan", NOTE, "plan_missing", text, in_force)
        yield from self._check_review("plan", in_force)
        if in_force.is_outdated:
            yield self._finding(
                "plan",
                DOUBTFUL,
                "plan_outdated",
                self.env._("The last day of “%s” has passed.", in_force.name),
                in_force,
            )

    @api.model
    def _check_owner(self, policies):
        """Whether somebody who is here answers for each policy."""
        root = self.env.ref("base.user_root")
        for policy in policies:
            # sudo: res.users: whether the owner still works here
            owner = policy.owner_id.sudo()
            names = {"name": policy.name, "owner": owner.name}
            company = policy.company_id
            # What programs make belongs to the system, which answers for nothing.
            if not owner or owner == root:
                text = self.env._("Nobody answers for “%(name)s”.", **names)
            elif not owner.active:
                text = self.env._(
                    "“%(name)s” belongs to %(owner)s, who has left.", **names
                )
            elif company and company not in owner.company_ids:
                text = self.env._(
                    "“%(name)s” belongs to %(owner)s, who does not work for "
                    "%(company)s.",
                    company=company.name,
                    **names,
                )
            else:
                text = ""
            if text:
                yield self._finding(
                    "policies",
                    DOUBTFUL,
                    "owner",
                    text,
                    policy,
                    self.env._("Name somebody"),
                )

    @api.model
    def _check_review(self, topic, records):
        """Whether plans or policies are looked at again, and in time."""
        today = fields.Date.context_today(self)
        for record in records:
            names = {"name": record.display_name}
            if not record.next_review_date:
                yield self._finding(
                    topic,
                    NOTE,
                    "review",
                    self.env._("“%(name)s” is never looked at again.", **names),
                    record,
                    self.env._("Set a date"),
                )
            elif record.next_review_date < today:
                yield self._finding(
                    topic,
                    DOUBTFUL,
                    "review",
                    self.env._(
                        "“%(name)s” was to be reviewed by %(date)s.",
                        date=format_date(self.env, record.next_review_date),
                        **names,
                    ),
                    record,
                    self.env._("Review it"),
                )

    @api.model
    def _check_policies(self, plan):
        if not plan.policies:
            yield self._finding(
                "policies",
                WRONG,
                "no_policy",
                self.env._(
                    "There is no policy yet: nothing is promised to anybody. Begin "
                    "with one promise for any ticket."
                ),
                "customer_service_plan.csp_policy_action",
                self.env._("Policies"),
            )
            return
        yield from self._check_owner(plan.policies)
        yield from self._check_review("policies", plan.policies)
        if not any(row.rule.match_all for row in plan.rows):
            yield self._finding(
                "promises",
                NOTE,
                "no_catch_all",
                self.env._(
                    "Tickets that fit no line are promised nothing. A last line for "
                    "any ticket would say so openly, or promise something."
                ),
                "customer_service_plan.csp_policy_action",
                self.env._("Policies"),
            )

    @api.model
    def _check_drafts(self, plan):
        now = fields.Datetime.now()
        in_force = plan.versions.policy_id
        Version = self.env["csp.policy.version"]
        published = Version.search(
            Domain("policy_id", "in", plan.policies.ids)
            & Domain("state", "in", ["published", "pilot"])
        ).policy_id
        drafts = Version.search(
            Domain("policy_id", "in", plan.policies.ids)
            & Domain("state", "in", IN_PREPARATION)
        )
        draft_of = {draft.policy_id: draft for draft in drafts}
        for policy in plan.policies - published - in_force:
            yield self._finding(
                "policies",
                DOUBTFUL,
                "nothing_in_force",
                self.env._(
                    "“%s” promises nothing: no version of it is published.",
                    policy.name,
                ),
                draft_of.get(policy, policy),
            )
        words = {
            "draft": self.env._(
                "%(version)s was begun on %(date)s and never submitted."
            ),
            "in_review": self.env._(
                "%(version)s has been waiting for approval since %(date)s."
            ),
            "approved": self.env._(
                "%(version)s was approved on %(date)s and never published."
            ),
        }
        for draft in drafts:
            since = {
                "draft": draft.create_date,
                "in_review": draft.submitted_at,
                "approved": draft.approved_at,
            }[draft.state]
            days = DRAFT_DAYS if draft.state == "draft" else WAITING_DAYS
            if since and since < now - timedelta(days=days):
                yield self._finding(
                    "policies",
                    NOTE,
                    "draft",
                    words[draft.state]
                    % {
                        "version": draft.display_name,
                        "date": format_date(self.env, since),
                    },
                    draft,
                )

    @api.model
    def _check_order(self, plan):
        """Lines that never apply, since another one stands before them."""
        hidden = defaultdict(list)
        for at, earlier in plan.shadowed.items():
            hidden[plan.rows[at].policy].append((plan.rows[at], plan.rows[earlier]))
        counts = defaultdict(int)
        for row in plan.rows:
            counts[row.policy] += 1
        for policy, pairs in hidden.items():
            others = {earlier.policy for _row, earlier in pairs}
            if (
                len(pairs) == counts[policy]
                and len(others) == 1
                and policy not in others
            ):
                row, earlier = pairs[-1]
                names = {"policy": policy.name, "earlier": earlier.policy.name}
                yield self._finding(
                    "promises",
                    WRONG,
                    "competing",
                    self.env._(
                        "“%(policy)s” is never asked: “%(earlier)s” stands before it, "
                        "and both have a line for any ticket. Change their order, or "
                        "say in the first for whom it is.",
                        **names,
                    )
                    if row.rule.match_all and earlier.rule.match_all
                    else self.env._(
                        "“%(policy)s” is never asked: “%(earlier)s” stands before it "
                        "and takes all of its tickets.",
                        **names,
                    ),
                    policy,
                )
                continue
            for row, earlier in pairs:
                names = {
                    "policy": policy.name,
                    "line": row.line.condition_text,
                    "other": earlier.policy.name,
                    "earlier": earlier.line.condition_text,
                }
                yield self._finding(
                    "promises",
                    WRONG,
                    "shadowed",
                    self.env._(
                        "“%(policy)s”: “%(line)s” can never apply, since "
                        "“%(earlier)s” stands before it.",
                        **names,
                    )
                    if earlier.policy == policy
                    else self.env._(
                        "“%(policy)s”: “%(line)s” can never apply, since “%(other)s” "
                        "comes first with “%(earlier)s”.",
                        **names,
                    ),
                    row.line.version_id,
                )

    @api.model
    def _check_archived(self, plan):
        """What lines and versions in force name although it was put away."""
        for row in plan.rows:
            gone = [
                record.display_name
                for name in NAMED_FIELDS
                for record in row.line[name]
                if not record.active
            ]
            if gone:
                yield self._finding(
                    "promises",
                    DOUBTFUL,
                    "archived",
                    self.env._(
                        "“%(policy)s” names what is archived: %(records)s.",
                        policy=row.policy.name,
                        records=", ".join(gone),
                    ),
                    row.line.version_id,
                )

    @api.model
    def _check_honesty(self, plan):
        """Promises that the calendar cannot keep, and live channels without staff."""
        Version = self.env["csp.policy.version"]
        rows = plan.live_rows()
        lines = self.env["csp.policy.line"].concat(*(row.line for row in rows))
        rules = {row.rule.id: row.rule for row in rows}
        cases = Version._cases_of(lines, rules, plan.company)
        start = to_epoch(fields.Datetime.now())
        by_policy = defaultdict(list)
        for case in cases:
            by_policy[case.line.version_id].append(case)
        for version, of_version in by_policy.items():
            for finding in Version._unkept_findings(of_version, start):
                yield self._finding(
                    "promises",
                    WRONG,
                    "too_short",
                    f"{version.policy_id.name}: {finding.text}",
                    version,
                )
        for finding in Version._staff_findings(cases, plan.company):
            yield self._finding(
                "people",
                WRONG if finding.severity == NEEDS_REASON else NOTE,
                "staff",
                finding.text,
                finding.mend,
                self.env._("Staff") if isinstance(finding.mend, str) else None,
            )

    @api.model
    def _check_channels(self, plan):
        guidance = self.env["csp.procedure"]._guidance().procedures
        procedures = [
            procedure
            for version in plan.versions
            for procedure in guidance.get(version.id, ())
        ]
        for channel in plan.channels:
            if not channel.csp_hours_id and not plan.company.csp_hours_id:
                yield self._finding(
                    "channels",
                    DOUBTFUL,
                    "channel_without_hours",
                    self.env._(
                        "“%s” has no opening hours: what is promised there runs day "
                        "and night.",
                        channel.name,
                    ),
                    channel,
                    self.env._("Give it hours"),
                )
        guided = set()
        for procedure in procedures:
            guided |= procedure.channels or set(plan.channels.ids)
        silent = plan.channels.filtered(lambda channel: channel.id not in guided)
        if silent:
            yield self._finding(
                "channels",
                NOTE,
                "channel_without_procedure",
                self.env._(
                    "Nothing says how to go about a contact through: %s.",
                    self._enumerate(silent.mapped("name")),
                ),
                "customer_service_plan.csp_procedure_action",
                self.env._("Procedures"),
            )

    @api.model
    def _check_hours(self, plan):
        start = to_epoch(fields.Datetime.now())
        used = self.env["csp.hours"].union(
            plan.company.csp_hours_id,
            plan.channels.csp_hours_id,
            *(row.line.hours_id for row in plan.rows),
        )
        for hours in used:
            rest = honesty.get_rest(hours._timeline(), start)
            if rest is None:
                continue
            severity = DOUBTFUL if rest.opens else WRONG
            if rest.closes == start and not rest.opens:
                text = self.env._(
                    "“%s” never open again: what is promised on them is never due.",
                    hours.name,
                )
            else:
                text = hours._say_rest(rest)
            yield self._finding("channels", severity, "hours_end", text, hours)

    @api.model
    def _check_escalation(self, plan):
        """Promises of which nobody is told when they are late."""
        fallback = plan.company.csp_escalation_list_id
        fallback = fallback if fallback.active else fallback.browse()
        promising = {row.policy for row in plan.rows if row.rule.targets}
        without = []
        for version in plan.versions:
            chosen = version.escalation_list_id
            if version.policy_id not in promising:
                continue
            if not (chosen if chosen.active else fallback):
                without.append(version.policy_id.name)
        if without:
            yield self._finding(
                "people",
                DOUBTFUL,
                "no_escalation",
                self.env._(
                    "Nobody is told when a promise of these is late, for want of an "
                    "escalation list: %s.",
                    self._enumerate(without),
                ),
                "customer_service_plan.csp_settings_action",
                self.env._("Choose a list"),
            )
        used = (fallback | plan.versions.escalation_list_id).filtered("active")
        for each in used:
            if not each.step_ids.filtered("active"):
                yield self._finding(
                    "people",
                    DOUBTFUL,
                    "empty_escalation",
                    self.env._("The escalation list “%s” has no steps.", each.name),
                    each,
                )

    @api.model
    def _check_teams(self, plan):
        teams = self.env["helpdesk.ticket.team"].search(
            [("company_id", "in", [False, plan.company.id])]
        )
        named = {team for row in plan.rows for team in row.rule.teams}
        # sudo: helpdesk.ticket.team: how many people are in a team
        for team in teams.sudo():
            if team.user_ids:
                continue
            yield self._finding(
                "people",
                WRONG if team.id in named else DOUBTFUL,
                "empty_team",
                self.env._(
                    "Team “%s” has no members, and promises are made for it.", team.name
                )
                if team.id in named
                else self.env._("Team “%s” has no members.", team.name),
                team,
                self.env._("Add people"),
            )

    @api.model
    def _check_segments(self, plan):
        promised = [row for row in plan.live_rows() if row.rule.targets]
        named = {segment for row in promised for segment in row.rule.segments}
        for_all = any(row.rule.match_all for row in promised)
        segments = self.env["csp.segment"].search(
            [("company_id", "in", [False, plan.company.id])]
        )
        for segment in segments:
            if segment.id in named:
                continue
            if for_all:
                text = self.env._(
                    "“%s”: nothing special is promised, only what everybody gets.",
                    segment.name,
                )
            else:
                text = self.env._(
                    "Customers in “%s” are promised nothing.", segment.name
                )
            yield self._finding(
                "customers",
                NOTE if for_all else DOUBTFUL,
                "segment_without_promise",
                text,
                segment,
            )

    @api.model
    def _enumerate(self, names, most=5):
        """Some names, and how many more there are."""
        texts = [f"“{name}”" for name in names[:most]]
        if len(names) > most:
            texts.append(self.env._("%s others", len(names) - most))
        return ", ".join(texts)
