from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..tools.epoch import to_epoch
from ..tools.statistics import (
    MINIMUM_CASES,
    difference_of_means,
    difference_of_medians,
    difference_of_proportions,
    median_interval,
    percentile,
    proportion_interval,
)
from .csp_commitment import COMMITMENT_KINDS
from .protected import BY_ADDON

TRIAL, OTHERS = "trial", "others"
GROUPS = (TRIAL, OTHERS)


class CspPilot(models.Model):
    """What came out of a trial: its tickets beside the others of the same weeks.

    The trial's tickets are those promised something under its version; the others came
    in within the same span, in the same company, and were promised something under
    another version of the same policy. Counted are promises that are decided: kept or
    missed. What is late counts as missed before it is answered; what is open and in
    time, cancelled or excused counts neither way. Times are opening seconds of promises
    that have ended.
    """

    _inherit = "csp.pilot"

    frozen_results = fields.Json(
        readonly=True,
        copy=False,
        groups="customer_service_plan.group_manager",
        help="The figures that were known when it was decided.",
    )

    # === For the page ===

    def csp_results_data(self):
        """Results for the page: see `_results`; False for a trial not begun.

        :raises AccessError: for who is neither responsible for it nor a manager
        """
        self.ensure_one()
        self.check_access("read")
        self._check_may_see_results()
        # Not None: programs that call by XML-RPC get an error for that.
        return self._results() or False

    def _check_may_see_results(self):
        user = self.env.user
        if user == self.responsible_id or self.env.su:
            return
        if not user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._(
                    "Only %(who)s or a service plan manager sees the results of this "
                    "trial.",
                    who=self.responsible_id.name,
                )
            )

    def _results(self):
        """Figures of both groups with texts in the user's language.

        Those that were known at the decision, once there is one; until then of now.

        :return: dict of plain values; None for a trial that has not begun. Shares are
            per cent, times opening seconds, `low` and `high` the bounds of the real
            figure at 95 %; differences are trial minus others. `sure` says whether the
            difference is more than chance alone explains.
        """
        self.ensure_one()
        # sudo: csp.pilot: figures of both groups, never of a person or a ticket
        pilot = self.sudo()
        figures = pilot.frozen_results or pilot._measure_results()
        return figures and pilot._with_texts(figures)

    def _freeze_results(self):
        """Keep the figures as they are now: the decision is made on them."""
        for pilot in self:
            # sudo: csp.pilot: who decides need not be able to edit trials
            kept = pilot.sudo().with_context(csp_by_addon=BY_ADDON)
            kept.frozen_results = pilot.sudo()._measure_results() or False
        return super()._freeze_results()

    # === Measuring ===

    def _measure_results(self):
        """Figures without any text, as they are kept with the decision."""
        self.ensure_one()
        now = fields.Datetime.now()
        if self.state == "draft" or not self.date_start or self.date_start > now:
            return None
        begins, ends = self._span()
        for model in (
            "csp.commitment",
            "csp.pilot.comment",
            "csp.ticket.event",
            "helpdesk.ticket",
            "rating.rating",
            "res.partner",
            "res.users",
        ):
            self.env[model].flush_model()
        groups, complaints, customers = self._measure_tickets()
        figures = {
            "measured_at": to_epoch(now),
            "from": to_epoch(begins),
            "to": to_epoch(ends),
            **groups,
            "kinds": self._measure_kinds(),
            "opinions": self._measure_opinions(),
            "complaints": complaints,
            "comments": 0,
            "comments_from": self._measure_comments(),
            "contamination": {**customers, **self._measure_staff()},
        }
        figures["comments"] = sum(figures["comments_from"].values())
        figures["criteria"] = [
            criterion._judge(figures) for criterion in self.criterion_ids
        ]
        return figures

    def _both_groups(self):
        """SQL of the tickets of both groups: id, is_trial, and what is counted."""
        begins, ends = self._span()
        others = self.policy_id.version_ids - self.version_id
        return SQL(
            """
            SELECT id, csp_policy_version_id AS version_id,
                   csp_policy_version_id = %(version)s AS is_trial,
                   partner_id, user_id, COALESCE(csp_is_complaint, FALSE) AS complaint
              FROM helpdesk_ticket
             WHERE csp_policy_version_id = ANY(%(versions)s)
               AND company_id = %(company)s
               AND csp_received_at >= %(begins)s
               AND csp_received_at < %(ends)s
            """,
            version=self.version_id.id,
            versions=[self.version_id.id, *others.ids],
            company=self.company_id.id,
            begins=begins,
            ends=ends,
        )

    def _measure_tickets(self):
        """How many tickets, customers and complaints there are on either side, and
        customers on both."""
        [row] = self.env.execute_query_dict(
            SQL(
                """
                WITH ticket AS (%s),
                customer AS (
                    SELECT p.commercial_partner_id AS id,
                           COUNT(*) FILTER (WHERE is_trial) AS trial,
                           COUNT(*) FILTER (WHERE NOT is_trial) AS others,
                           COUNT(*) FILTER (WHERE is_trial AND complaint)
                               AS trial_complaints,
                           COUNT(*) FILTER (WHERE NOT is_trial AND complaint)
                               AS others_complaints
                      FROM ticket t
                 LEFT JOIN res_partner p ON p.id = t.partner_id
                     GROUP BY p.commercial_partner_id
                )
                SELECT COALESCE(SUM(trial), 0)::int AS trial_tickets,
                       COALESCE(SUM(others), 0)::int AS others_tickets,
                       COALESCE(SUM(trial_complaints), 0)::int AS trial_complaints,
                       COALESCE(SUM(others_complaints), 0)::int AS others_complaints,
                       COUNT(id) FILTER (WHERE trial > 0) AS trial_customers,
                       COUNT(id) FILTER (WHERE others > 0) AS others_customers,
                       COALESCE(MAX(trial) FILTER (WHERE id IS NOT NULL), 0)
                           AS trial_most,
                       COALESCE(MAX(others) FILTER (WHERE id IS NOT NULL), 0)
                           AS others_most,
                       COUNT(id) FILTER (WHERE trial > 0 AND others > 0) AS customers,
                       COALESCE(SUM(trial) FILTER (
                           WHERE id IS NOT NULL AND others > 0
                       ), 0)::int AS tickets
                  FROM customer
                """,
                self._both_groups(),
            )
        )
        groups = {
            group: {
                "tickets": row[f"{group}_tickets"],
                "customers": row[f"{group}_customers"],
                # Of the customer who asked most often
                "most": row[f"{group}_most"],
            }
            for group in GROUPS
        }
        complaints = _compare_shares(
            {
                group: (row[f"{group}_complaints"], row[f"{group}_tickets"])
                for group in GROUPS
            },
            "count",
        )
        both = {
            "customers_in_both": row["customers"],
            "trial_tickets_of_both": row["tickets"],
        }
        return groups, complaints, both

    def _measure_kinds(self):
        """Promises on either side: a dict for each kind that there is any of."""
        rows = self.env.execute_query_dict(
            SQL(
                """
                WITH ticket AS (%(tickets)s),
                promise AS (
                    SELECT c.kind, t.is_trial, c.state, c.ended_at, c.consumed_seconds,
                           c.state = 'missed'
                               OR c.state = 'running' AND c.deadline < %(now)s AS missed
                      FROM ticket t
                      JOIN csp_commitment c
                        ON c.ticket_id = t.id AND c.policy_version_id = t.version_id
                )
                SELECT kind, is_trial,
                       COUNT(*) FILTER (WHERE state = 'met') AS kept,
                       COUNT(*) FILTER (WHERE missed) AS missed,
                       COUNT(*) FILTER (WHERE missed AND ended_at IS NULL) AS late,
                       COUNT(*) FILTER (WHERE state = 'excused') AS excused,
                       COUNT(*) FILTER (
                           WHERE state IN ('running', 'paused') AND NOT missed
                       ) AS open,
                       array_agg(consumed_seconds) FILTER (
                           WHERE state IN ('met', 'missed') AND ended_at IS NOT NULL
                       ) AS times
                  FROM promise
                 GROUP BY kind, is_trial
                """,
                tickets=self._both_groups(),
                now=fields.Datetime.now(),
            )
        )
        found = {
            (row["kind"], TRIAL if row["is_trial"] else OTHERS): row for row in rows
        }
        return [
            self._compare_kind(
                kind, {group: found.get((kind, group)) for group in GROUPS}
            )
            for kind, _label in COMMITMENT_KINDS
            if any((kind, group) in found for group in GROUPS)
        ]

    def _compare_kind(self, kind, rows):
        rows = {group: row or {} for group, row in rows.items()}
        shares = _compare_shares(
            {
                group: (row.get("kept", 0), row.get("kept", 0) + row.get("missed", 0))
                for group, row in rows.items()
            },
            "kept",
        )
        # Sorted here: the database would do it on disk.
        times = {group: sorted(row.get("times") or []) for group, row in rows.items()}
        for group, row in rows.items():
            bounds = median_interval(times[group])
            shares[group].update(
                {name: row.get(name, 0) for name in ("late", "excused", "open")},
                timed=len(times[group]),
                median=percentile(times[group], 0.5),
                median_low=bounds and max(0, bounds.low),
                median_high=bounds and bounds.high,
                p90=percentile(times[group], 0.9),
            )
        apart = difference_of_medians(times[TRIAL], times[OTHERS])
        return {
            "kind": kind,
            **shares,
            "median_difference": _difference(
                apart, [len(each) for each in times.values()]
            ),
        }

    def _measure_opinions(self):
        """Marks that customers gave, 1 to 5: number and mean on either side."""
        rows = self.env.execute_query_dict(
            SQL(
                """
                WITH ticket AS (%s)
                SELECT t.is_trial, COUNT(*) AS cases, AVG(r.rating) AS mean,
                       COALESCE(STDDEV_SAMP(r.rating), 0) AS deviation
                  FROM ticket t
                  JOIN rating_rating r
                    ON r.res_model = 'helpdesk.ticket' AND r.res_id = t.id
                 WHERE r.consumed AND r.rating > 0
                 GROUP BY t.is_trial
                """,
                self._both_groups(),
            )
        )
        found = {TRIAL if row.pop("is_trial") else OTHERS: row for row in rows}
        nothing = {"cases": 0, "mean": None, "deviation": 0}
        both = {group: found.get(group) or dict(nothing) for group in GROUPS}
        apart = None
        if len(found) == len(GROUPS):
            apart = difference_of_means(
                *(
                    both[group][name]
                    for group in GROUPS
                    for name in ("mean", "deviation", "cases")
                )
            )
        sizes = [side["cases"] for side in both.values()]
        return {**both, "difference": _difference(apart, sizes)}

    def _measure_comments(self):
        counts = self.env["csp.pilot.comment"]._read_group(
            domain=[("pilot_id", "=", self.id)],
            groupby=["source"],
            aggregates=["__count"],
        )
        return {"customer": 0, "staff": 0, **dict(counts)}

    def _measure_staff(self):
        """Who worked on which tickets: those who take part, or not.

        Somebody worked on a ticket that he answered, or that is his. Numbers only.
        """
        staff = self.user_ids | self.team_ids.user_ids
        [row] = self.env.execute_query_dict(
            SQL(
                """
                WITH ticket AS (%(tickets)s),
                work AS (
                    SELECT t.id, t.is_trial,
                           COALESCE(e.partner_id, u.partner_id) AS who
                      FROM ticket t
                      JOIN csp_ticket_event e
                        ON e.ticket_id = t.id AND e.kind = 'staff_reply'
                 LEFT JOIN res_users u ON u.id = e.user_id
                     UNION ALL
                    SELECT t.id, t.is_trial, u.partner_id
                      FROM ticket t
                      JOIN res_users u ON u.id = t.user_id
                ),
                worked_on AS (
                    SELECT is_trial,
                           bool_or(who = ANY(%(staff)s)) AS by_staff,
                           bool_or(who <> ALL(%(staff)s)) AS by_outsiders
                      FROM work
                     GROUP BY id, is_trial
                )
                SELECT COUNT(*) FILTER (WHERE is_trial) AS trial_worked_on,
                       COUNT(*) FILTER (WHERE NOT is_trial) AS others_worked_on,
                       COUNT(*) FILTER (WHERE is_trial AND by_outsiders)
                           AS trial_by_outsiders,
                       COUNT(*) FILTER (WHERE NOT is_trial AND by_staff)
                           AS others_by_staff,
                       (SELECT COUNT(*) FROM (
                            SELECT FROM work
                             GROUP BY who
                            HAVING who IS NOT NULL
                               AND bool_or(is_trial) AND bool_or(NOT is_trial)
                       ) AS person) AS people_in_both
                  FROM worked_on
                """,
                tickets=self._both_groups(),
                staff=staff.partner_id.ids,
            )
        )
        if not (self.user_ids or self.team_ids):
            # Anybody may work on either side: there are no outsiders.
            row["trial_by_outsiders"] = row["others_by_staff"] = None
        return row


def _compare_shares(counts, name):
    """Both shares in per cent with their bounds, and their difference in points.

    :param counts: by group (number, cases)
    :param name: what the number is called in the result
    """
    compared = {}
    for group, (number, cases) in counts.items():
        bounds = proportion_interval(number, cases)
        compared[group] = {
            "cases": cases,
            name: number,
            "percent": 100 * number / cases if cases else None,
            "low": 100 * bounds.low,
            "high": 100 * bounds.high,
        }
    apart = difference_of_proportions(*counts[TRIAL], *counts[OTHERS])
    if apart:
        apart = type(apart)(*(100 * value for value in apart))
    sizes = [cases for _number, cases in counts.values()]
    return {**compared, "difference": _difference(apart, sizes)}


def _difference(apart, sizes):
    """A difference for the page, or None where nothing can be said of it.

    :param sizes: cases of either group
    """
    if apart is None:
        return None
    return {
        **apart._asdict(),
        "enough": min(sizes) >= MINIMUM_CASES,
        "sure": min(sizes) >= MINIMUM_CASES and (apart.low > 0 or apart.high < 0),
    }
