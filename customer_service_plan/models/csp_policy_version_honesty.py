from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import groupby

from ..tools import honesty
from ..tools.epoch import to_epoch
from ..tools.plan_check import LineIndex
from ..tools.timeline import Timeline
from .csp_policy_line import TARGET_FIELDS, format_minutes
from .csp_policy_version import BLOCKS, NEEDS_REASON, WORTH_KNOWING, Finding

#: Promises without any hours run day and night.
ALWAYS = Timeline("UTC", always_open=True)
#: Where the people of the helpdesk, their hours and channels are entered.
STAFF = "customer_service_plan.csp_staff_action"
#: So many single days are named, the others counted.
DAYS_NAMED = 3
#: So many people are named, the others counted.
PEOPLE_NAMED = 3


class Case(NamedTuple):
    """A line that promises something to requests of a channel, and where it counts.

    `hours` are those in which the promise runs, `channel_hours` those in which somebody
    is there; both may be empty for day and night.
    """

    line: models.BaseModel
    channel: models.BaseModel
    hours: models.BaseModel
    channel_hours: models.BaseModel


class CspPolicyVersion(models.Model):
    """Whether a version promises more than hours, staff and the past bear out."""

    _inherit = "csp.policy.version"

    honesty_data = fields.Json(
        string="Is this honest?",
        compute="_compute_honesty_data",
        help="What speaks against these promises, by opening hours, staff and past "
        "tickets.",
    )

    @api.depends("line_ids", "state")
    @api.depends_context("lang", "uid", "company")
    def _compute_honesty_data(self):
        for version in self:
            version.honesty_data = (
                version.state in ("draft", "in_review")
                and isinstance(version.id, int)
                and version._describe_findings(version._publishing_findings())
            )

    @api.model
    def _describe_findings(self, findings):
        """Findings as plain values for screens, the gravest first.

        :return: list of dicts: severity, text, and where something can be opened: label
            and action
        """
        described = []
        order = (BLOCKS, NEEDS_REASON, WORTH_KNOWING)
        for finding in sorted(findings, key=lambda each: order.index(each.severity)):
            row = {"severity": finding.severity, "text": finding.text}
            described.append(row)
            if isinstance(finding.mend, str):
                action = self.env["ir.actions.actions"]._for_xml_id(finding.mend)
                row.update(label=action["name"], action=finding.mend)
            elif finding.mend:
                label = finding.mend.display_name
                if finding.mend._name == "csp.backtest":
                    label = self.env._("See the backtest")
                row.update(
                    label=label,
                    action={
                        "type": "ir.actions.act_window",
                        "res_model": finding.mend._name,
                        "res_id": finding.mend.id,
                        "views": [(False, "form")],
                    },
                )
        return described

    # === Publishing ===

    def action_open_publish(self):
        """Open the last look before publishing.

        The promises are tried on past tickets first where that is quick.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_approved()
        self._try_if_quick()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_publish_action"
        )
        action["name"] = self.env._("Publish %s", self.display_name)
        action["context"] = {"default_version_id": self.id}
        return action

    def action_publish(self, reason=None, effective_date=None):
        """Publish what was tried on past tickets, see the method of the core.

        :raises UserError: for what was not, and cannot be tried at once
        """
        self.check_access("write")
        # See `_publishing_findings`.
        if not self.env.su:
            for version in self:
                version._check_approved()
                if not version._try_if_quick():
                    raise UserError(version._say_try_first())
        return super().action_publish(reason, effective_date=effective_date)

    def _try_if_quick(self):
        """Whether this very content was tried on past tickets lately.

        It is tried now where that has not been done and takes a moment only.
        """
        self.ensure_one()
        if not self._needs_backtest() or self._fresh_backtest():
            return True
        return bool(self._backtest_now(limit=20000))

    def _needs_backtest(self):
        """Where nothing is promised there is nothing to try."""
        self.ensure_one()
        return any(self.line_ids.mapped("has_promise"))

    def _say_try_first(self):
        return self.env._(
            "Try %(version)s on past tickets first: there are too many of them to do "
            "it while you wait. Then publish it.",
            version=self.display_name,
        )

    # === Findings ===

    def _publishing_findings(self):
        findings = super()._publishing_findings()
        if any(finding.severity == BLOCKS for finding in findings):
            return findings
        honesty_findings = self._honesty_findings()
        if self.env.su:
            # Data files and other programs answer for what they publish, as far as
            # nobody has found out that the past speaks against it.
            honesty_findings = [
                finding
                if getattr(finding.mend, "_name", "") == "csp.backtest"
                else finding._replace(severity=WORTH_KNOWING)
                for finding in honesty_findings
            ]
        return findings + honesty_findings

    def _honesty_findings(self):
        """What past tickets, opening hours and staff say against these promises.

        :return: list of `Finding`; what needs a reason is not borne out by them
        """
        self.ensure_one()
        cases = self._honesty_cases()
        start = to_epoch(fields.Datetime.now())
        return [
            *self._backtest_findings(),
            *self._ending_findings(cases, start),
            *self._unkept_findings(cases, start),
            *self._staff_findings(cases, self.company_id or self.env.company),
            *self._worst_findings(cases, start),
        ]

    def _backtest_findings(self):
        """What would have become of these promises in the past."""
        backtest = self._fresh_backtest()
        if not backtest:
            return []
        if not backtest.ticket_count:
            return [
                Finding(
                    WORTH_KNOWING,
                    self.env._(
                        "There are no past tickets to try it on. Whether these "
                        "promises can be kept will only be seen later."
                    ),
                    backtest,
                )
            ]
        findings = []
        few = []
        for row in backtest.line_ids:
            if row.verdict in ("unsupported", "unsure"):
                severity = WORTH_KNOWING
                if row.verdict == "unsupported":
                    severity = NEEDS_REASON
                text = self.env._(
                    "Past tickets, %(promise)s: %(result)s %(times)s",
                    promise=row.title,
                    result=row.summary,
                    times=row.times_text,
                )
                findings.append(Finding(severity, text.strip(), backtest))
            elif row.verdict == "too_few":
                few.append(row.title)
        if few:
            findings.append(
                Finding(
                    WORTH_KNOWING,
                    self.env._(
                        "Too few past tickets to tell whether it can be kept: %s.",
                        "; ".join(few),
                    ),
                    backtest,
                )
            )
        return findings

    # --- Hours

    def _honesty_cases(self):
        """The lines with a promise, with each channel for whose requests they hold.

        :return: list of `Case`
        """
        self.ensure_one()
        company = self.company_id or self.env.company
        lines = self.line_ids.sorted(lambda line: (line.sequence, line.id))
        rules = {line.id: line._compiled() for line in lines}
        return self._cases_of(lines, rules, company)

    @api.model
    def _cases_of(self, lines, rules, company):
        """See `_honesty_cases`; left out are channels that an earlier line takes.

        :param lines: in the order in which tickets are matched with them
        :param rules: dict of id to the compiled line
        """
        channels = self.env["helpdesk.ticket.channel"].search(
            [("company_id", "in", [False, company.id])]
        )
        here = {channel: frozenset(channel.ids) for channel in channels}
        cases = []
        earlier = LineIndex()
        for line in lines:
            rule = rules[line.id]
            for channel in channels if line.has_promise else ():
                if rule.channels and channel.id not in rule.channels:
                    continue
                if earlier.find(replace(rule, channels=here[channel])) is not None:
                    continue
                channel_hours = channel.csp_hours_id or company.csp_hours_id
                cases.append(
                    Case(line, channel, line.hours_id or channel_hours, channel_hours)
                )
            earlier.add(rule)
        return cases

    @api.model
    def _ending_findings(self, cases, start):
        """Hours that end: what is promised on them is never due."""
        hours_used = self.env["csp.hours"].union(
            *(case.hours | case.channel_hours for case in cases)
        )
        findings = []
        for hours in hours_used:
            rest = honesty.get_rest(hours._timeline(), start)
            if rest is None:
                continue
            if rest == (start, None):
                findings.append(
                    Finding(
                        NEEDS_REASON,
                        self.env._(
                            "“%s” never opens again: what is promised on it has no "
                            "deadline.",
                            hours.name,
                        ),
                        hours,
                    )
                )
            else:
                text = hours._say_rest(rest)
                findings.append(Finding(WORTH_KNOWING, text, hours))
        return findings

    @api.model
    def _unkept_findings(self, cases, start):
        """Promises of which the clock runs while the channel is closed."""
        grouped = defaultdict(list)
        for case in cases:
            if case.hours != case.channel_hours and case.channel_hours:
                grouped[case.line, case.hours, case.channel_hours].append(case.channel)
        gaps_of = {}
        findings = []
        for (line, hours, channel_hours), channels in grouped.items():
            key = hours, channel_hours
            if key not in gaps_of:
                gaps_of[key] = honesty.get_gaps(
                    channel_hours._timeline(),
                    hours._timeline() if hours else ALWAYS,
                    start,
                    start + honesty.HORIZON,
                )
            gaps = gaps_of[key]
            target = min(line[name] for name in TARGET_FIELDS.values() if line[name])
            unkept = honesty.get_unkept(gaps, target * 60)
            if not unkept:
                continue
            worst = max(unkept, key=lambda gap: gap.counted)
            counted = format_minutes(self.env, -(-worst.counted // 60))
            findings.append(
                Finding(
                    NEEDS_REASON,
                    self.env._(
                        "“%(line)s” is promised in %(target)s, counted %(hours)s. "
                        "%(channels)s: closed from %(closes)s to %(opens)s, and "
                        "%(counted)s of that count. What comes in at closing time is "
                        "late before anybody is there. Count it in the hours of the "
                        "channel, or promise %(counted)s.",
                        line=line.condition_text,
                        target=format_minutes(self.env, target),
                        hours=self.env._("in “%s”", hours.name)
                        if hours
                        else self.env._("day and night"),
                        channels=", ".join(
                            self.env._("“%s”", each.name) for each in channels
                        ),
                        closes=channel_hours._say_moment(worst.closes),
                        opens=channel_hours._say_moment(worst.opens),
                        counted=counted,
                    ),
                    hours or channel_hours,
                )
            )
        return findings

    @api.model
    def _worst_findings(self, cases, start):
        """How long the unluckiest customer of each line waits by the clock."""
        findings = []
        for line, of_line in groupby(cases, key=lambda case: case.line):
            name = next(name for name in TARGET_FIELDS.values() if line[name])
            hours = self.env["csp.hours"].union(*(case.hours for case in of_line))
            worst = [
                (found, each)
                for each in hours
                if (
                    found := honesty.get_worst(
                        each._timeline(),
                        line[name] * 60,
                        start,
                        start + honesty.HORIZON,
                    )
                )
            ]
            if not worst:
                continue
            found, hours = max(worst, key=lambda each: each[0].waits)
            if found.waits <= line[name] * 60:
                continue
            names = {
                "line": line.condition_text,
                "received": hours._say_moment(found.received),
                "due": hours._say_moment(found.due),
                "waits": format_minutes(self.env, round(found.waits / 60)),
            }
            findings.append(
                Finding(
                    WORTH_KNOWING,
                    self.env._(
                        "“%(line)s” at worst: what comes in on %(received)s is to be "
                        "solved by %(due)s, %(waits)s later by the clock.",
                        **names,
                    )
                    if name == "resolution_minutes"
                    else self.env._(
                        "“%(line)s” at worst: what comes in on %(received)s is to be "
                        "answered by %(due)s, %(waits)s later by the clock.",
                        **names,
                    ),
                    hours,
                )
            )
        return findings

    # --- Staff

    @api.model
    def _staff_findings(self, cases, company):
        """Channels where customers talk to somebody at once, and who is there."""
        asked = {
            (case.channel, case.channel_hours, case.line.team_ids): case.line
            for case in reversed(cases)
            if case.channel.csp_live
        }
        if not asked:
            return []
        cover = company._csp_cover()
        # What is the same for several channels is said once.
        grouped = defaultdict(list)
        for (channel, hours, teams), line in reversed(asked.items()):
            found = cover.look(channel, hours, teams)
            key = (
                line if teams else line.browse(),
                hours,
                found.people,
                str(found.uncovered),
            )
            grouped[key].append((channel, found))
        findings = []
        for (line, hours, _people, _uncovered), found in grouped.items():
            findings += self._describe_cover(
                found[0][1], [channel.name for channel, _found in found], hours, line
            )
        return findings

    @api.model
    def _describe_cover(self, cover, channels, hours, line):
        """Findings about who is there on live channels.

        :param cover: `res_company_cover.ChannelCover`
        :param list channels: their names
        :param line: the policy line, where it is for certain teams only
        """
        names = {
            "channels": ", ".join(f"“{name}”" for name in channels),
            "line": line.condition_text,
        }
        if not cover.people:
            return [
                Finding(
                    NEEDS_REASON,
                    self.env._(
                        "%(channels)s: customers talk to somebody at once, but nobody "
                        "of “%(line)s” is qualified for it. Name people under Staff.",
                        **names,
                    )
                    if line
                    else self.env._(
                        "%(channels)s: customers talk to somebody at once, but nobody "
                        "is qualified for it. Name people under Staff.",
                        **names,
                    ),
                    STAFF,
                )
            ]
        findings = []
        weekly, single = cover.uncovered
        if weekly:
            names["times"] = hours._say_weekly(weekly)
            if line:
                text = self.env._(
                    "%(channels)s: open on %(times)s, when nobody of “%(line)s” works.",
                    **names,
                )
            else:
                text = self.env._(
                    "%(channels)s: open on %(times)s, when nobody works.", **names
                )
            if cover.unknown:
                people = cover.unknown[:PEOPLE_NAMED].mapped("name")
                more = len(cover.unknown) - PEOPLE_NAMED
                if more > 0:
                    people.append(self.env._("%s others", more))
                text += " " + self.env._(
                    "Working hours are not entered for: %s.", ", ".join(people)
                )
            findings.append(
                Finding(
                    # As long as nobody's hours are known, nothing is proved.
                    NEEDS_REASON if cover.unknown < cover.people else WORTH_KNOWING,
                    text,
                    STAFF if cover.unknown else hours,
                )
            )
        if single:
            days = [hours._say_span(each) for each in single[:DAYS_NAMED]]
            more = len(single) - DAYS_NAMED
            if more > 0:
                days.append(self.env._("%s others", more))
            names["days"] = "; ".join(days)
            text = self.env._(
                "%(channels)s: open on %(days)s, but nobody works then.", **names
            )
            findings.append(Finding(WORTH_KNOWING, text, hours))
        return findings
