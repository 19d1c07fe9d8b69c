from collections import defaultdict
from statistics import fmean, stdev

from odoo import api, fields, models
from odoo.tools import formatLang

from ..tools.sampling import USUAL_DEVIATION, count_needed
from ..tools.statistics import MINIMUM_FOR_MEANS, mean_interval

#: How exactly one would like to know an average, in points of 100 on either side.
GOOD_MARGIN = 10


class CspQualitySamplingShare(models.Model):
    """What a draw took of the tickets of one agent, and how far that reaches.

    Averages are those of tickets drawn at random, in this draw and all earlier ones of
    the plan: one draw alone hardly tells anything. Bounds hold in 19 of 20 cases.
    """

    _name = "csp.quality.sampling.share"
    _inherit = ["csp.protected"]
    _description = "Agent in a Draw"
    _order = "run_id desc, id"
    _rec_name = "agent_id"

    run_id = fields.Many2one(
        comodel_name="csp.quality.sampling.run",
        string="Draw",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    sampling_id = fields.Many2one(
        related="run_id.sampling_id", store=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="run_id.company_id", store=True, index=True, ondelete="cascade"
    )
    agent_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    ticket_count = fields.Integer(
        string="Solved tickets",
        readonly=True,
        help="Of this agent, solved in the period: what the lot is drawn from.",
    )
    eligible_count = fields.Integer(
        string="Fulfil the conditions", readonly=True, help="Of the solved tickets."
    )
    taken_count = fields.Integer(
        string="Reviewed before",
        readonly=True,
        help="Of the solved tickets: they are not drawn again.",
    )
    wanted_count = fields.Integer(string="To draw", readonly=True)
    random_count = fields.Integer(string="At random", readonly=True)
    condition_count = fields.Integer(
        string="Others",
        readonly=True,
        help="By the conditions; where too few are left that fulfil them, any others "
        "to make up the number.",
    )
    left_count = fields.Integer(
        string="Nobody had room",
        readonly=True,
        help="Drawn, but the reviewers had enough to do already.",
    )
    done_count = fields.Integer(string="Reviewed", compute="_compute_reach")
    reviewed_so_far = fields.Integer(
        string="At random, so far",
        compute="_compute_reach",
        help="Reviews of tickets drawn at random in this draw and earlier ones.",
    )
    average = fields.Float(
        string="Average so far",
        digits=(5, 1),
        compute="_compute_reach",
        aggregator=None,
        help="Of those drawn at random.",
    )
    margin = fields.Float(
        string="± points",
        digits=(5, 1),
        compute="_compute_reach",
        aggregator=None,
        help="In 19 of 20 cases the average of all tickets of the agent is at most so "
        "far from the average so far.",
    )
    is_known = fields.Boolean(
        compute="_compute_reach",
        help="Whether there are enough reviews to tell anything.",
    )
    needed_count = fields.Integer(
        compute="_compute_reach",
        aggregator=None,
        help="So many reviews would tell the average to ten points.",
    )
    reach_text = fields.Char(string="What it tells", compute="_compute_reach")

    @api.depends("run_id.review_ids.state", "run_id.review_ids.score")
    @api.depends_context("lang")
    def _compute_reach(self):
        earlier = self._so_far()
        scores = self._scores()
        done = self._done_counts()
        for share in self:
            agent = share.agent_id
            until = share.run_id.period_from
            key = share.sampling_id, agent
            rows = [row for row in earlier[key] if row.run_id.period_from <= until]
            population = sum(row.ticket_count for row in rows)
            values = [value for begin, value in scores[key] if begin <= until]
            deviation = stdev(values) if len(values) > 1 else 0
            known = len(values) >= MINIMUM_FOR_MEANS
            average = fmean(values) if values else 0
            bounds = known and mean_interval(
                average,
                deviation,
                len(values),
                population=max(population, len(values)),
            )
            share.done_count = done.get((share.run_id, agent), 0)
            share.reviewed_so_far = len(values)
            share.is_known = known
            share.average = average
            share.margin = (bounds.high - bounds.low) / 2 if bounds else 0
            share.needed_count = max(
                MINIMUM_FOR_MEANS,
                count_needed(
                    GOOD_MARGIN, deviation if known else USUAL_DEVIATION, population
                ),
            )
            share.reach_text = share._reach_text(bounds, population)

    def _reach_text(self, bounds, population):
        """What is known about all tickets of the agent, in a sentence."""
        if not population:
            return self.env._("No ticket was solved.")
        if not bounds:
            return self.env._(
                "%(count)s of %(all)s tickets reviewed: too few to tell. To know the "
                "average to ten points, about %(needed)s are needed.",
                count=self.reviewed_so_far,
                all=population,
                needed=min(population, self.needed_count),
            )
        return self.env._(
            "%(count)s of %(all)s tickets reviewed: the average of all of them is "
            "between %(low)s and %(high)s %%.",
            count=self.reviewed_so_far,
            all=population,
            low=formatLang(self.env, max(0, bounds.low), digits=0),
            high=formatLang(self.env, min(100, bounds.high), digits=0),
        )

    def _so_far(self):
        """All rows of these agents in these plans.

        :return: dict of (plan, agent) to rows
        """
        rows = self.search_fetch(
            [
                ("sampling_id", "in", self.sampling_id.ids),
                ("agent_id", "in", self.agent_id.ids),
            ],
            ["sampling_id", "agent_id", "run_id", "ticket_count"],
        )
        rows.run_id.fetch(["period_from"])
        found = defaultdict(list)
        for row in rows | self:
            found[row.sampling_id, row.agent_id].append(row)
        return found

    def _scores(self):
        """Scores of tickets drawn at random, with the first day of their draw.

        :return: dict of (plan, agent) to pairs
        """
        groups = self.env["csp.quality.review"]._read_group(
            [
                ("sampling_id", "in", self.sampling_id.ids),
                ("agent_id", "in", self.agent_id.ids),
                ("picked", "=", "random"),
                ("state", "!=", "to_do"),
                ("is_scored", "=", True),
            ],
            ["sampling_run_id", "agent_id"],
            ["score:array_agg"],
        )
        found = defaultdict(list)
        for run, agent, scores in groups:
            found[run.sampling_id, agent] += [
                (run.period_from, score) for score in scores
            ]
        return found

    def _done_counts(self):
        """Reviews that are done, per draw and agent."""
        groups = self.env["csp.quality.review"]._read_group(
            [
                ("sampling_run_id", "in", self.run_id.ids),
                ("state", "!=", "to_do"),
            ],
            ["sampling_run_id", "agent_id"],
            ["__count"],
        )
        return {(run, agent): count for run, agent, count in groups}

    def action_view_reviews(self):
        """Open the reviews of tickets of this agent in this draw."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "customer_service_plan.csp_quality_review_action"
            ),
            "domain": [
                ("sampling_run_id", "=", self.run_id.id),
                ("agent_id", "=", self.agent_id.id),
            ],
            "context": {},
        }
