from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import sampling


class CspQualitySamplingPreview(models.TransientModel):
    """Show what a plan would draw from the tickets of some days, without drawing.

    For the next period of the plan it is what will be drawn, as far as tickets and
    reviewers stay as they are.
    """

    _name = "csp.quality.sampling.preview"
    _description = "What a Sampling Plan Would Draw"

    sampling_id = fields.Many2one(
        comodel_name="csp.quality.sampling",
        string="Plan",
        required=True,
        ondelete="cascade",
    )
    date_from = fields.Date(
        string="Solved from",
        required=True,
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    date_to = fields.Date(
        string="Solved until",
        required=True,
        compute="_compute_dates",
        store=True,
        readonly=False,
        precompute=True,
    )
    html = fields.Html(compute="_compute_html", sanitize=False)

    @api.depends("sampling_id")
    def _compute_dates(self):
        """The next period as far as it has come, else as many days up to yesterday."""
        for preview in self:
            plan = preview.sampling_id
            if not plan:
                continue
            today = plan._today()
            if plan.state == "running" and plan.next_from and plan.next_from <= today:
                preview.date_from = plan.next_from
                preview.date_to = plan._last_day(plan.next_from)
                continue
            preview.date_to = today - timedelta(days=1)
            preview.date_from = {
                sampling.WEEK: today - timedelta(days=7),
                sampling.TWO_WEEKS: today - timedelta(days=14),
                sampling.MONTH: fields.Date.subtract(today, months=1),
            }[plan.period]

    @api.depends("sampling_id", "date_from", "date_to")
    @api.depends_context("lang", "uid")
    def _compute_html(self):
        """:raises AccessError: for who does not manage the plan"""
        for preview in self:
            plan, begin, end = preview.sampling_id, preview.date_from, preview.date_to
            if not (plan and begin and end) or begin > end:
                preview.html = False
                continue
            plan.check_access("write")
            try:
                drawn = plan._draw(begin, end)
            except UserError as error:
                preview.html = self.env["ir.qweb"]._render(
                    "customer_service_plan.quality_sampling_preview",
                    {"problem": str(error)},
                    minimal_qcontext=True,
                )
                continue
            preview.html = self.env["ir.qweb"]._render(
                "customer_service_plan.quality_sampling_preview",
                {"problem": False, **preview._describe(drawn)},
                minimal_qcontext=True,
            )

    def _describe(self, drawn):
        """What was drawn, with names, for the page."""
        Users, Tickets = self.env["res.users"], self.env["helpdesk.ticket"]
        kinds = dict(
            self.env["csp.quality.review"]
            ._fields["picked"]
            ._description_selection(self.env)
        )
        picks = [pick for own in drawn.picks.values() for pick in own]
        tickets = Tickets.browse(pick.ticket for pick in picks)
        tickets.fetch(["number", "name"])
        agents = Users.browse(drawn.tickets)
        return {
            "summary": self._summary(drawn, picks),
            "warnings": self._warnings(drawn),
            "agents": [
                {
                    "name": agent.name,
                    "text": self._agent_text(drawn, agent.id),
                    "picks": [
                        {
                            "number": Tickets.browse(pick.ticket).number,
                            "name": Tickets.browse(pick.ticket).name,
                            "kind": kinds[pick.kind],
                            "reviewer": Users.browse(
                                drawn.reviewers.get(pick.ticket)
                            ).name,
                        }
                        for pick in drawn.picks.get(agent.id, [])
                    ],
                }
                for agent in agents.sorted("name")
            ],
        }

    def _summary(self, drawn, picks):
        """How many would be drawn of how many, in a sentence."""
        if not any(drawn.tickets.values()):
            return self.env._("Nobody solved a ticket in these days. Choose others.")
        values = {
            "tickets": sum(drawn.tickets.values()),
            "agents": sum(bool(count) for count in drawn.tickets.values()),
            "drawn": len(picks),
            "random": sum(pick.kind == sampling.RANDOM for pick in picks),
        }
        if self.sampling_id.has_conditions:
            return self.env._(
                "%(tickets)s tickets were solved by %(agents)s agents; %(drawn)s would "
                "be drawn, %(random)s of them at random.",
                **values,
            )
        return self.env._(
            "%(tickets)s tickets were solved by %(agents)s agents; %(drawn)s would be "
            "drawn.",
            **values,
        )

    def _warnings(self, drawn):
        found = []
        if drawn.left:
            found.append(
                self.env._(
                    "No reviewer has room for %s of them: they would not be reviewed.",
                    len(drawn.left),
                )
            )
        if drawn.bare_count:
            found.append(
                self.env._(
                    "Solved tickets that no scorecard in use fits: %s. They cannot be "
                    "drawn.",
                    drawn.bare_count,
                )
            )
        return found

    def _agent_text(self, drawn, agent):
        """What the lot was drawn from for one agent, in a few words."""
        parts = [self.env._("solved: %s", drawn.tickets[agent])]
        if self.sampling_id.has_conditions:
            parts.append(
                self.env._("fulfil the conditions: %s", drawn.fitting.get(agent, 0))
            )
        if drawn.taken.get(agent):
            parts.append(self.env._("reviewed before: %s", drawn.taken[agent]))
        return ", ".join(parts)
