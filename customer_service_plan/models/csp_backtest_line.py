from math import ceil

from odoo import api, fields, models

from ..tools import backtest
from .csp_commitment import COMMITMENT_KINDS
from .csp_policy_line import format_minutes

VERDICTS = [
    ("supported", "Supported by the past"),
    ("unsure", "Not certain"),
    ("unsupported", "Not supported by the past"),
    ("too_few", "Too few cases to tell"),
]


class CspBacktestLine(models.Model):
    """How often one promise of a version would have been kept on past tickets.

    Kept of those kept or missed: cancelled ones, and open ones that are not late, count
    neither way. Times are opening time, of cases that have ended. The bounds are those
    of Wilson (1927) at 95 %, see `tools/statistics.py`. `base_…` says the same of the
    same tickets under the promises of today.
    """

    _name = "csp.backtest.line"
    _inherit = ["csp.protected"]
    _description = "Figures of a Backtest"
    _order = "backtest_id desc, sequence, id"
    _rec_name = "label"

    backtest_id = fields.Many2one(
        comodel_name="csp.backtest",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(readonly=True, aggregator=None)
    policy_line_id = fields.Many2one(
        comodel_name="csp.policy.line",
        string="For",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    label = fields.Char(
        string="Whom it was for",
        readonly=True,
        help="In the words of the day on which it was tried.",
    )
    kind = fields.Selection(
        selection=COMMITMENT_KINDS, string="Promise", required=True, readonly=True
    )
    target_seconds = fields.Integer(
        string="Target (s)", readonly=True, aggregator="avg"
    )
    goal_percent = fields.Float(string="Goal (%)", readonly=True, aggregator="avg")
    case_count = fields.Integer(string="Cases", readonly=True)
    kept_count = fields.Integer(string="Kept", readonly=True)
    missed_count = fields.Integer(string="Missed", readonly=True)
    open_count = fields.Integer(string="Still open", readonly=True)
    cancelled_count = fields.Integer(
        string="Cancelled",
        readonly=True,
        help="The ticket was closed without a solution: they count neither way.",
    )
    kept_percent = fields.Float(
        string="Kept (%)",
        readonly=True,
        aggregator="avg",
        help="Of those kept or missed.",
    )
    kept_low = fields.Float(
        string="At least (%)",
        readonly=True,
        aggregator=None,
        help="With so few cases chance plays a part: 19 times of 20 the real share is "
        "between “at least” and “at most”.",
    )
    kept_high = fields.Float(string="At most (%)", readonly=True, aggregator=None)
    median_seconds = fields.Integer(
        string="Half within (s)",
        readonly=True,
        aggregator=None,
        help="Opening time that half of the cases took at most.",
    )
    p90_seconds = fields.Integer(
        string="90 % within (s)",
        readonly=True,
        aggregator=None,
        help="Opening time that nine of ten cases took at most.",
    )
    kept_target_seconds = fields.Integer(
        string="Would have kept the goal (s)",
        readonly=True,
        aggregator=None,
        help="The shortest promise that would have been kept as often as the goal "
        "wants; 0 where none would have been.",
    )
    too_few = fields.Boolean(string="Too few cases to tell", readonly=True)
    verdict = fields.Selection(selection=VERDICTS, string="Result", readonly=True)
    distribution = fields.Json(string="How long it took", readonly=True)

    base_case_count = fields.Integer(string="Cases today", readonly=True)
    base_kept_count = fields.Integer(string="Kept today", readonly=True)
    base_missed_count = fields.Integer(string="Missed today", readonly=True)
    base_open_count = fields.Integer(string="Still open today", readonly=True)
    base_cancelled_count = fields.Integer(string="Cancelled today", readonly=True)
    base_kept_percent = fields.Float(
        string="Kept today (%)", readonly=True, aggregator="avg"
    )
    base_kept_low = fields.Float(
        string="At least today (%)", readonly=True, aggregator=None
    )
    base_kept_high = fields.Float(
        string="At most today (%)", readonly=True, aggregator=None
    )
    base_median_seconds = fields.Integer(
        string="Half within today (s)", readonly=True, aggregator=None
    )
    base_p90_seconds = fields.Integer(
        string="90 % within today (s)", readonly=True, aggregator=None
    )

    title = fields.Char(compute="_compute_texts")
    summary = fields.Char(string="What the past says", compute="_compute_texts")
    times_text = fields.Char(string="Times", compute="_compute_texts")
    base_text = fields.Char(string="Today", compute="_compute_texts")

    @api.model
    def _sample_values(self, sample, base, goal, target):
        """Values of a line from the cases of its promise and those of today's.

        :param sample: `backtest.Sample` under the version
        :param base: the same tickets under the promises of today
        :param float goal: share of the cases, 0 to 1
        :param int target: opening seconds
        """
        found = backtest.figures(sample, goal)
        today = backtest.figures(base, goal)
        return {
            "case_count": sample.cases,
            "kept_count": sample.kept,
            "missed_count": sample.missed,
            "open_count": sample.running,
            "cancelled_count": sample.cancelled,
            "kept_percent": 100 * found.kept_share,
            "kept_low": 100 * found.low,
            "kept_high": 100 * found.high,
            "median_seconds": round(found.median or 0),
            "p90_seconds": round(found.p90 or 0),
            "kept_target_seconds": found.reached or 0,
            "too_few": found.verdict == backtest.TOO_FEW,
            "verdict": found.verdict,
            "distribution": {
                **backtest.distribution(sample, target),
                "target": target,
                "median": found.median,
                "p90": found.p90,
                "late_open": sample.late_open,
            },
            "base_case_count": base.cases,
            "base_kept_count": base.kept,
            "base_missed_count": base.missed,
            "base_open_count": base.running,
            "base_cancelled_count": base.cancelled,
            "base_kept_percent": 100 * today.kept_share,
            "base_kept_low": 100 * today.low,
            "base_kept_high": 100 * today.high,
            "base_median_seconds": round(today.median or 0),
            "base_p90_seconds": round(today.p90 or 0),
        }

    # === Plain words ===

    @api.depends_context("lang")
    @api.depends("kind", "policy_line_id", "label", "verdict", "distribution")
    def _compute_texts(self):
        for line in self:
            line.title = line._describe_promise()
            line.summary = line._describe_result()
            line.times_text = line._describe_times()
            line.base_text = line._describe_base()

    def _describe_promise(self):
        """Which promise it is: “VIP: first reply in 2 h”."""
        self.ensure_one()
        time = self._format(self.target_seconds)
        texts = {
            "first_response": self.env._("first reply in %s", time),
            "next_response": self.env._("further replies in %s", time),
            "resolution": self.env._("solved in %s", time),
        }
        return self.env._(
            "%(who)s: %(what)s",
            who=self.policy_line_id.condition_text or self.label or "",
            what=texts[self.kind],
        )

    def _describe_result(self):
        """“412 of 500 kept, 82 % (79–85 %), goal 90 %: not supported by the past.”"""
        self.ensure_one()
        decided = self.kept_count + self.missed_count
        if not self.case_count:
            return self.env._("No ticket of the past would have been promised this.")
        if not decided:
            return self.env._("Nothing is decided yet: too few cases to tell.")
        verdicts = {
            "supported": self.env._("supported by the past"),
            "unsure": self.env._("the past does not tell for certain"),
            "unsupported": self.env._("not supported by the past"),
            "too_few": self.env._("too few cases to tell"),
        }
        return self.env._(
            "%(kept)s of %(cases)s kept, %(percent)s %% (%(low)s–%(high)s %%), goal "
            "%(goal)s %%: %(verdict)s.",
            kept=self.kept_count,
            cases=decided,
            percent=f"{self.kept_percent:.0f}",
            low=f"{self.kept_low:.0f}",
            high=f"{self.kept_high:.0f}",
            goal=f"{self.goal_percent:g}",
            verdict=verdicts[self.verdict],
        )

    def _describe_times(self):
        """How long it took, and what could have been promised instead."""
        self.ensure_one()
        if not self.kept_count + self.missed_count:
            return ""
        texts = []
        late_open = (self.distribution or {}).get("late_open") or 0
        if self.kept_count + self.missed_count > late_open:
            times = {
                "half": self._format(self.median_seconds),
                "most": self._format(self.p90_seconds),
            }
            texts.append(
                {
                    "first_response": self.env._(
                        "Half were answered within %(half)s, 90 %% within %(most)s.",
                        **times,
                    ),
                    "next_response": self.env._(
                        "Half of the further questions were answered within %(half)s, "
                        "90 %% within %(most)s.",
                        **times,
                    ),
                    "resolution": self.env._(
                        "Half were solved within %(half)s, 90 %% within %(most)s.",
                        **times,
                    ),
                }[self.kind]
            )
        if late_open:
            texts.append(self.env._("%s are late and still open.", late_open))
        if self.verdict in ("unsure", "unsupported"):
            if self.kept_target_seconds:
                texts.append(
                    self.env._(
                        "A promise of %(time)s would have been kept in %(goal)s %%.",
                        time=self._format(self.kept_target_seconds),
                        goal=f"{self.goal_percent:g}",
                    )
                )
            else:
                texts.append(
                    self.env._(
                        "So many are still open that no time would have been kept in "
                        "%s %%.",
                        f"{self.goal_percent:g}",
                    )
                )
        return " ".join(texts)

    def _describe_base(self):
        """The same tickets under the promises of today."""
        self.ensure_one()
        if not self.case_count:
            return ""
        decided = self.base_kept_count + self.base_missed_count
        if not self.base_case_count:
            return self.env._("Today nothing of the kind is promised for them.")
        if not decided:
            return ""
        return self.env._(
            "With the promises of today, on the same tickets: %(kept)s of %(cases)s "
            "kept, %(percent)s %%.",
            kept=self.base_kept_count,
            cases=decided,
            percent=f"{self.base_kept_percent:.0f}",
        )

    def _format(self, seconds):
        """A duration in words, rounded up to minutes: what is said was kept."""
        return format_minutes(self.env, max(1, ceil(seconds / 60)))
