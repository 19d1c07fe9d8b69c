from odoo import api, models

from .csp_plan_check import DOUBTFUL


class CspPlanCheck(models.AbstractModel):
    """Can the quality of what is promised be reviewed?"""

    _inherit = "csp.plan.check"

    @api.model
    def _checks(self, plan):
        return [*super()._checks(plan), self._check_scorecards(plan)]

    @api.model
    def _check_scorecards(self, plan):
        """Policies in force by whose tickets no review can be begun."""
        in_use = self.env["csp.scorecard"].search([("state", "=", "in_use")])
        families = {scorecard.first_id or scorecard for scorecard in in_use}
        channels_of = {}
        for row in plan.rows:
            named = row.line.channel_ids
            seen = channels_of.get(row.policy, plan.channels.browse())
            channels_of[row.policy] = seen | (named or plan.channels)
        bare = {
            channel
            for channel in plan.channels
            if not any(one._fits_contact(plan.company, channel) for one in in_use)
        }
        without = []
        for version in plan.versions:
            policy = version.policy_id
            named = version.scorecard_id
            if (named.first_id or named) in families:
                continue
            if named:
                yield self._finding(
                    "policies",
                    DOUBTFUL,
                    "scorecard_retired",
                    self.env._(
                        "“%(policy)s” is to be reviewed by “%(scorecard)s”, which is "
                        "not in use.",
                        policy=policy.name,
                        scorecard=named.name,
                    ),
                    named,
                )
            channels = channels_of.get(policy, plan.channels.browse())
            unfit = channels.filtered(lambda channel: channel in bare)
            if not in_use or (channels and unfit == channels):
                without.append(policy.name)
            elif unfit:
                without.append(
                    self.env._(
                        "%(policy)s (%(channels)s)",
                        policy=policy.name,
                        channels=", ".join(unfit.mapped("name")),
                    )
                )
        if without:
            yield self._finding(
                "policies",
                DOUBTFUL,
                "no_scorecard",
                self.env._(
                    "No scorecard fits the tickets of these, so nobody can review "
                    "them: %s.",
                    self._enumerate(without),
                ),
                "customer_service_plan.csp_scorecard_action",
                self.env._("Scorecards"),
            )
