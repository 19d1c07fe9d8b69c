from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, html2plaintext

from ..tools.statistics import (
    MINIMUM_CASES,
    difference_of_proportions,
    proportion_interval,
)

#: How a promise can have ended, for the figures.
OUTCOMES = ("met", "missed", "excused")
#: So much is quoted; the rest is a click away.
QUOTES = 10
QUOTE_LENGTH = 400
KIND_ORDER = {"first_response": 0, "next_response": 1, "resolution": 2}


class CspPolicyReview(models.Model):
    """What happened since the last review, gathered for who decides.

    All figures are of one period and of the one of the same length before it. They are
    facts in plain values; the client says them in the reader's language. Durations are
    opening seconds, moments ISO texts in UTC.
    """

    _inherit = "csp.policy.review"

    evidence_data = fields.Json(
        string="What happened",
        compute="_compute_evidence_data",
        # It counts what not every owner of a policy sees one by one.
        compute_sudo=True,
        help="As it was at the decision; before it, as it is now.",
    )

    @api.depends("state", "evidence")
    @api.depends_context("lang", "uid")
    def _compute_evidence_data(self):
        now = fields.Datetime.now()
        for review in self:
            if review.state == "done":
                review.evidence_data = review.evidence
            elif review._origin:
                review.evidence_data = review._origin._gather_evidence(now)
            else:
                review.evidence_data = False

    def _gather_evidence(self, until):
        """All that this review has to look at, up to a moment.

        The number of queries does not depend on the number of tickets.

        :param until: naive UTC
        :return: dict of plain values, see the class
        """
        self.ensure_one()
        since = self.period_from
        before = since - (until - since)
        target = self._target()
        versions = target.with_context(active_test=False)._reviewed_versions()
        self.env.flush_all()
        tickets = self._gather_tickets(versions, before, since, until)
        hours = self.env["csp.hours"].browse(tickets.pop("hours"))
        data = {
            "of": target._name,
            "name": target.name,
            "from": _iso(since),
            "to": _iso(until),
            "before": _iso(before),
            "versions": versions.ids,
            "tickets": tickets,
            "promises": self._gather_promises(versions, before, since, until),
            "escalations": self._gather_escalations(versions, before, since, until),
            "opinions": self._gather_opinions(versions, before, since, until),
            "comments": self._gather_comments(target, versions, since, until),
            "changes": self._gather_changes(versions, since, until),
            "hours": self._gather_hours(versions, hours, since, until),
            "signatures": self._gather_signatures(versions),
            "findings": self._gather_findings(target),
            "backtest": self._gather_backtest(),
        }
        if self.plan_id:
            data["missing"] = target._find_missing()
        return data

    # === Promises ===

    @api.model
    def _gather_promises(self, versions, before, since, until):
        """Kept, missed and excused, and how long it took, by kind of promise.

        Of a policy also for each of its promises, of a plan for each of its policies. A
        promise counts in the period in which it was missed, else in that in which it
        ended.
        """
        if self.plan_id:
            part = SQL("v.policy_id")
        else:
            part = SQL("c.policy_line_id")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT kind, part, is_now, GROUPING(part) = 1 AS is_total,
                       count(*) FILTER (WHERE state = 'met') AS met,
                       count(*) FILTER (WHERE state = 'missed') AS missed,
                       count(*) FILTER (WHERE state = 'excused') AS excused,
                       count(*) FILTER (WHERE state = 'missed' AND ended_at IS NULL),
                       percentile_cont(ARRAY[0.5, 0.9])
                           WITHIN GROUP (ORDER BY consumed_seconds)
                           FILTER (WHERE ended_at IS NOT NULL)
                  FROM (
                    SELECT array_position(%(kinds)s, c.kind::text) AS kind,
                           %(part)s AS part, c.state, c.ended_at,
                           c.consumed_seconds,
                           COALESCE(c.missed_at, c.ended_at) >= %(since)s AS is_now
                      FROM csp_commitment c
                      JOIN csp_policy_version v ON v.id = c.policy_version_id
                     WHERE c.policy_version_id = ANY(%(versions)s)
                       AND c.state = ANY(%(outcomes)s)
                       AND COALESCE(c.missed_at, c.ended_at) >= %(before)s
                       AND COALESCE(c.missed_at, c.ended_at) < %(until)s
                  ) AS promise
                 GROUP BY GROUPING SETS ((kind, is_now), (kind, part, is_now))
                """,
                # Numbers are sorted faster than words.
                kinds=list(KIND_ORDER),
                part=part,
                versions=versions.ids,
                outcomes=list(OUTCOMES),
                before=before,
                since=since,
                until=until,
            )
        )
        figures = {}
        kinds = list(KIND_ORDER)
        for place, part_id, is_now, is_total, *counts, spread in rows:
            kind = kinds[place - 1]
            key = (kind, None if is_total else part_id or 0)
            figures.setdefault(key, {})[is_now] = _figures(*counts, spread)
        parts = self._parts({part for _kind, part in figures if part})
        found = []
        for (kind, part_id), periods in figures.items():
            now = periods.get(True) or _figures(0, 0, 0, 0, None)
            then = periods.get(False)
            row = {"kind": kind, "part": None, **now, "before": then}
            if part_id is not None:
                row["part"] = parts.get(part_id, {"id": 0, "name": "", "goal": 0})
                row["part"] = {**row["part"], **_target(row["part"], kind)}
                row["verdict"] = _verdict(now, row["part"].get("goal"))
            row["change"] = _change(now, then)
            found.append(row)
        return sorted(
            found,
            key=lambda row: (
                KIND_ORDER[row["kind"]],
                row["part"] is not None,
                row["part"] and row["part"].get("order", 0),
            ),
        )

    def _parts(self, ids):
        """What figures are told apart by: promises of a policy, policies of a plan."""
        if self.plan_id:
            policies = self.env["csp.policy"].with_context(active_test=False)
            return {
                policy.id: {
                    "id": policy.id,
                    "name": policy.name,
                    "model": "csp.policy",
                    "order": number,
                }
                for number, policy in enumerate(policies.search([("id", "in", ids)]))
            }
        lines = self.env["csp.policy.line"].browse(ids)
        lines = lines.sorted(
            lambda line: (-line.version_id.number, line.sequence, line.id)
        )
        return {
            line.id: {
                "id": line.id,
                "name": line.condition_text,
                # Of one version alone all know which it is.
                "version": len(lines.version_id) > 1 and line.version_id.number,
                "goal": line.goal_percent,
                "targets": {kind: 60 * line[f"{kind}_minutes"] for kind in KIND_ORDER},
                "order": number,
            }
            for number, line in enumerate(lines)
        }

    # === Tickets, escalations, opinions ===

    @api.model
    def _gather_tickets(self, versions, before, since, until):
        """Requests, complaints and reopened ones, and the hours they counted in."""
        counted = SQL(
            """
            count(*) FILTER (WHERE csp_received_at >= %(start)s
                AND csp_received_at < %(end)s),
            count(*) FILTER (WHERE csp_received_at >= %(start)s
                AND csp_received_at < %(end)s AND csp_reopen_count > 0),
            count(*) FILTER (WHERE csp_is_complaint AND complained_at >= %(start)s
                AND complained_at < %(end)s),
            count(*) FILTER (WHERE csp_is_complaint AND complained_at >= %(start)s
                AND complained_at < %(end)s
                AND csp_complaint_outcome IN ('justified', 'partly'))
            """,
            start=since,
            end=until,
        )
        counted_before = SQL(
            """
            count(*) FILTER (WHERE csp_received_at >= %(start)s
                AND csp_received_at < %(end)s),
            count(*) FILTER (WHERE csp_is_complaint AND complained_at >= %(start)s
                AND complained_at < %(end)s)
            """,
            start=before,
            end=since,
        )
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT %(counted)s, %(counted_before)s,
                       array_agg(DISTINCT csp_hours_id) FILTER (
                           WHERE csp_hours_id IS NOT NULL)
                  FROM (
                    SELECT csp_received_at, csp_reopen_count, csp_is_complaint,
                           csp_complaint_outcome, csp_hours_id,
                           COALESCE(csp_complaint_at, csp_received_at) AS complained_at
                      FROM helpdesk_ticket
                     WHERE csp_policy_version_id = ANY(%(versions)s)
                  ) AS ticket
                 WHERE csp_received_at >= %(before)s OR complained_at >= %(before)s
                """,
                counted=counted,
                counted_before=counted_before,
                versions=versions.ids,
                before=before,
            )
        )
        count, reopened, complaints, justified, *earlier, hours = row
        return {
            "count": count,
            "reopened": reopened,
            "complaints": complaints,
            "justified": justified,
            "before": {"count": earlier[0], "complaints": earlier[1]},
            "hours": hours or [],
        }

    @api.model
    def _gather_escalations(self, versions, before, since, until):
        """Steps that were taken and calls for help, without those joined to others."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT escalation.trigger,
                       count(*) FILTER (WHERE escalation.at >= %(since)s),
                       count(*) FILTER (WHERE escalation.at < %(since)s)
                  FROM csp_escalation escalation
                  JOIN helpdesk_ticket ticket ON ticket.id = escalation.ticket_id
                 WHERE ticket.csp_policy_version_id = ANY(%(versions)s)
                   AND escalation.at >= %(before)s
                   AND escalation.at < %(until)s
                   AND escalation.joined_into_id IS NULL
                 GROUP BY escalation.trigger
                 ORDER BY 2 DESC, 1
                """,
                versions=versions.ids,
                before=before,
                since=since,
                until=until,
            )
        )
        trigger = self.env["csp.escalation"]._fields["trigger"]
        labels = dict(trigger._description_selection(self.env))
        return {
            "count": sum(now for _trigger, now, _then in rows),
            "before": sum(then for _trigger, _now, then in rows),
            "by": [
                {"trigger": name, "label": labels.get(name, name), "count": now}
                for name, now, _then in rows
                if now
            ],
        }

    @api.model
    def _gather_opinions(self, versions, before, since, until):
        """How customers rated tickets of these versions, and what they wrote."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT rating.rating_text, rating.rated_at >= %(since)s, count(*)
                  FROM (
                    SELECT res_id, rating_text,
                           COALESCE(rated_on, write_date) AS rated_at
                      FROM rating_rating
                     WHERE res_model = 'helpdesk.ticket'
                       AND consumed
                       AND write_date >= %(before)s
                  ) AS rating
                  JOIN helpdesk_ticket ticket ON ticket.id = rating.res_id
                 WHERE ticket.csp_policy_version_id = ANY(%(versions)s)
                   AND rating.rated_at >= %(before)s
                   AND rating.rated_at < %(until)s
                   AND rating.rating_text <> 'none'
                 GROUP BY 1, 2
                """,
                versions=versions.ids,
                before=before,
                since=since,
                until=until,
            )
        )
        counts = {(text, is_now): count for text, is_now, count in rows}
        now = _satisfied(counts, True)
        return {
            **now,
            "before": _satisfied(counts, False),
            "quotes": self._gather_quotes(versions, since, until),
        }

    @api.model
    def _gather_quotes(self, versions, since, until):
        """The latest words of customers, the unhappy ones first."""
        if not self.company_id and self.env["res.company"].search_count([]) > 1:
            # Words of customers are for those who work for the company they wrote to.
            return []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT ticket.id, ticket.number, rating.rating_text, rating.feedback,
                       COALESCE(rating.rated_on, rating.write_date) AS rated_at
                  FROM rating_rating rating
                  JOIN helpdesk_ticket ticket ON ticket.id = rating.res_id
                 WHERE rating.res_model = 'helpdesk.ticket'
                   AND rating.consumed
                   AND rating.write_date >= %(since)s
                   AND rating.feedback > ''
                   AND COALESCE(rating.rated_on, rating.write_date) >= %(since)s
                   AND COALESCE(rating.rated_on, rating.write_date) < %(until)s
                   AND ticket.csp_policy_version_id = ANY(%(versions)s)
                 ORDER BY rating.rating, rated_at DESC
                 LIMIT %(quotes)s
                """,
                versions=versions.ids,
                since=since,
                until=until,
                quotes=QUOTES,
            )
        )
        return [
            {
                "ticket": ticket,
                "number": number,
                "rating": rating,
                "text": _shortened(text),
                "at": _iso(at),
            }
            for ticket, number, rating, text, at in rows
        ]

    # === What people said and did ===

    @api.model
    def _gather_comments(self, target, versions, since, until):
        """What staff wrote about the policy, and people who took part in a trial."""
        documents = Domain("model", "=", "csp.policy.version") & Domain(
            "res_id", "in", versions.ids
        )
        documents |= Domain("model", "=", "csp.policy") & Domain(
            "res_id", "in", versions.policy_id.ids
        )
        documents |= Domain("model", "=", target._name) & Domain(
            "res_id", "=", target.id
        )
        messages = self.env["mail.message"].search(
            documents
            & Domain("message_type", "in", ("comment", "email"))
            & Domain("date", ">=", since)
            & Domain("date", "<", until),
            order="date desc, id desc",
        )
        found = [
            {
                "who": message.author_id.name or message.email_from or "",
                "at": _iso(message.date),
                "text": _shortened(html2plaintext(message.body or "")),
                "about": message.record_name or "",
                "model": message.model,
                "id": message.res_id,
            }
            for message in messages
        ]
        trial = self.env["csp.pilot.comment"].search(
            Domain("pilot_id.version_id", "in", versions.ids)
            & Domain("date", ">=", since)
            & Domain("date", "<", until)
        )
        found += [
            {
                "who": comment.author_name or "",
                "at": _iso(comment.date),
                "text": _shortened(comment.text),
                "about": comment.pilot_id.name or "",
                "model": "csp.pilot",
                "id": comment.pilot_id.id,
            }
            for comment in trial
        ]
        found = [comment for comment in found if comment["text"]]
        found.sort(key=lambda comment: comment["at"], reverse=True)
        return {"count": len(found), "latest": found[:QUOTES]}

    @api.model
    def _gather_changes(self, versions, since, until):
        """Versions that came into force or went out of it."""
        found = []
        for version in versions:
            for moment, what in (
                (version.published_at, "published"),
                (version.retired_at, "retired"),
            ):
                if moment and since <= moment < until:
                    found.append(
                        {
                            "id": version.id,
                            "name": version.display_name,
                            "what": what,
                            "at": _iso(moment),
                            "who": version.published_by_id.name or ""
                            if what == "published"
                            else "",
                            "summary": (version.change_summary or "").strip()
                            if what == "published"
                            else "",
                            "in_spite": (version.publish_reason or "").strip()
                            if what == "published"
                            else "",
                        }
                    )
        return sorted(found, key=lambda change: change["at"], reverse=True)

    @api.model
    def _gather_hours(self, versions, hours, since, until):
        """Changes of the hours that the promises run on: week, holidays, closures."""
        hours |= versions.line_ids.hours_id
        # Of a table that is new as a whole nobody asks for each holiday.
        exceptions = hours.exception_ids.filtered(
            lambda each: (
                since <= each.create_date < until
                and each.hours_id.create_date < since
                and each.date_to >= since.date()
            )
        )
        weeks = {
            table
            for table in hours
            for line in table.line_ids
            if since <= line.write_date < until
        }
        found = [
            {
                "id": table.id,
                "name": table.name,
                "is_new": since <= table.create_date < until,
                "week": table in weeks,
                "exceptions": [
                    {
                        "name": each.name or "",
                        "from": fields.Date.to_string(each.date_from),
                        "to": fields.Date.to_string(each.date_to),
                        "kind": each.kind,
                    }
                    for each in exceptions.filtered(
                        lambda each, table=table: each.hours_id == table
                    )[:QUOTES]
                ],
                # Also of what was taken away, of which no row is left
                "at": _iso(table.write_date),
            }
            for table in hours
            if since <= table.write_date < until
            or table in weeks
            or table in exceptions.hours_id
        ]
        return sorted(found, key=lambda each: each["name"])

    @api.model
    def _gather_signatures(self, versions):
        """Who has signed the versions in force, in numbers; None: nobody is asked."""
        in_force = versions.policy_id.current_version_id
        today = fields.Date.context_today(self)
        counts = {}
        overdue = 0
        for state, due, count in self.env["csp.acknowledgement"]._read_group(
            [("version_id", "in", in_force.ids)], ["state", "due_date:day"], ["__count"]
        ):
            counts[state] = counts.get(state, 0) + count
            if due and due < today and state in ("to_read", "opened", "read"):
                overdue += count
        counts.pop("released", None)
        if not counts:
            return None
        return {
            "versions": in_force.ids,
            "asked": sum(counts.values()),
            "signed": counts.get("signed", 0),
            "overdue": overdue,
        }

    def _gather_findings(self, target):
        """What the coverage check says about this policy; of a plan all it says."""
        company = self.company_id or self.env.company
        about = {
            ("csp.policy", policy_id)
            for policy_id in self._reviewed_policies(target).ids
        } | {
            ("csp.policy.version", version_id)
            for version_id in target._reviewed_versions().ids
        }
        found = []
        for finding in self.env["csp.plan.check"]._findings(company):
            action = finding["action"]
            by_name = isinstance(action, str)
            opens = not by_name and (action.get("res_model"), action.get("res_id"))
            if self.policy_id and finding["key"] == "review":
                # That it is to be reviewed is no news here.
                continue
            if self.plan_id or opens in about:
                found.append(
                    {
                        "severity": finding["severity"],
                        "text": finding["text"],
                        "action": action if by_name else "",
                        "model": opens[0] if opens else "",
                        "id": opens[1] if opens else 0,
                    }
                )
        return found

    def _reviewed_policies(self, target):
        return self.policy_id or target.with_context(active_test=False).policy_ids

    def _gather_backtest(self):
        """The latest look at past tickets with the present text, if it is fresh."""
        if self.plan_id:
            return None
        version = self._version_to_try()
        found = version and version._fresh_backtest()
        if not found:
            return {"version": version.display_name or "", "id": 0, "lines": []}
        return {
            "version": version.display_name,
            "id": found.id,
            "at": _iso(found.run_at),
            "period": found.period_text or "",
            "tickets": found.ticket_count,
            "covered": found.covered_count,
            "lines": [
                {
                    "name": line.label or "",
                    "kind": line.kind,
                    "cases": line.case_count,
                    "kept_percent": line.kept_percent,
                    "low": line.kept_low,
                    "high": line.kept_high,
                    "median": line.median_seconds,
                    "p90": line.p90_seconds,
                    "goal": line.goal_percent,
                    "target": line.target_seconds,
                    "verdict": line.verdict,
                }
                for line in found.line_ids
            ],
        }


def _iso(moment):
    """A naive UTC moment as text that the client reads; empty stays empty."""
    return fields.Datetime.to_string(moment) if moment else ""


def _shortened(text):
    text = " ".join((text or "").split())
    if len(text) <= QUOTE_LENGTH:
        return text
    return f"{text[: QUOTE_LENGTH - 1].rstrip()}…"


def _figures(met, missed, excused, open_late, spread):
    """Kept promises in per cent, of kept and missed ones, with their bounds."""
    cases = met + missed
    bounds = proportion_interval(met, cases)
    return {
        "kept": met,
        "missed": missed,
        "excused": excused,
        "open_late": open_late,
        "cases": cases,
        "percent": 100 * met / cases if cases else None,
        "low": 100 * bounds.low,
        "high": 100 * bounds.high,
        "median": spread and spread[0],
        "p90": spread and spread[1],
        "too_few": cases < MINIMUM_CASES,
    }


def _target(part, kind):
    targets = part.get("targets") or {}
    return {"target": targets.get(kind, 0), "targets": None}


def _verdict(figures, goal):
    """Whether the goal of a promise is reached, as far as so many cases can tell."""
    if not goal or not figures["cases"]:
        return ""
    if figures["too_few"]:
        return "too_few"
    if figures["low"] >= goal:
        return "reached"
    if figures["high"] < goal:
        return "missed"
    return "unsure"


def _change(now, then):
    """Kept promises now minus then, in points; None where one of them has no case."""
    if not then:
        return None
    change = difference_of_proportions(
        now["kept"], now["cases"], then["kept"], then["cases"]
    )
    if change is None:
        return None
    return {
        "value": 100 * change.value,
        "low": 100 * change.low,
        "high": 100 * change.high,
        "sure": not change.low <= 0 <= change.high,
    }


def _satisfied(counts, is_now):
    """Happy answers among all, with bounds; Odoo's own three steps."""
    happy, fair, unhappy = (
        counts.get((text, is_now), 0) for text in ("top", "ok", "ko")
    )
    answers = happy + fair + unhappy
    bounds = proportion_interval(happy, answers)
    return {
        "answers": answers,
        "happy": happy,
        "fair": fair,
        "unhappy": unhappy,
        "percent": 100 * happy / answers if answers else None,
        "low": 100 * bounds.low,
        "high": 100 * bounds.high,
    }
