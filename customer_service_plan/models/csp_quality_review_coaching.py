from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class CspQualityReview(models.Model):
    """From a review to what is agreed with the agent."""

    _inherit = "csp.quality.review"

    coaching_ids = fields.Many2many(
        comodel_name="csp.coaching",
        relation="csp_coaching_review_rel",
        column1="review_id",
        column2="coaching_id",
        readonly=True,
        copy=False,
        # Record rules look at it: what they found would be in the cache for everybody
        # who reads the review. `coaching_count` tells each reader of his own.
        groups=fields.NO_ACCESS,
    )
    coaching_count = fields.Integer(
        string="Coachings", compute="_compute_coaching_count"
    )
    may_plan_coaching = fields.Boolean(compute="_compute_may_plan_coaching")

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_coaching_count(self):
        counts = dict(
            self.env["csp.coaching"]._read_group(
                [("review_ids", "in", self.ids)], ["review_ids"], ["__count"]
            )
        )
        for review in self:
            review.coaching_count = counts.get(review._origin, 0)

    @api.depends("state", "agent_id", "reviewer_id", "calibration_id")
    @api.depends_context("uid")
    def _compute_may_plan_coaching(self):
        is_reviewer = self.env.user.has_group("customer_service_plan.group_reviewer")
        for review in self:
            review.may_plan_coaching = (
                review.state != "to_do"
                and not review.calibration_id
                and review.agent_id != self.env.user
                and (is_reviewer or review.agent_id.csp_is_led_by_me)
            )

    def action_plan_coaching(self):
        """Open a coaching about these reviews, to be filled in and saved.

        :raises UserError: for reviews of several agents, or such as nobody is coached
            on: still to be done, of oneself, of a calibration
        """
        self.check_access("read")
        # First of all, since nobody is told of whom a blind review is.
        if self.filtered(lambda review: not review.may_plan_coaching):
            raise UserError(
                self.env._(
                    "Coaching follows from reviews of somebody else that are done, "
                    "never from a calibration."
                )
            )
        if len(self.agent_id) != 1:
            raise UserError(
                self.env._(
                    "Choose reviews of one agent: coaching is between two people."
                )
            )
        criteria = self.line_ids.filtered("is_bad").criterion_id
        return {
            "type": "ir.actions.act_window",
            "res_model": "csp.coaching",
            "name": self.env._("Plan coaching"),
            "views": [[False, "form"]],
            "context": {
                "default_agent_id": self.agent_id.id,
                "default_company_id": self.company_id[:1].id,
                "default_review_ids": [Command.set(self.ids)],
                "default_criterion_ids": [Command.set(criteria.ids)],
            },
        }

    def action_view_coaching(self):
        """Open what was agreed on after these reviews, as far as one may read it."""
        self.check_access("read")
        found = self.env["csp.coaching"].search([("review_ids", "in", self.ids)])
        action = {
            "type": "ir.actions.act_window",
            "res_model": "csp.coaching",
            "name": self.env._("Coaching"),
            "domain": [["id", "in", found.ids]],
            "views": [[False, "list"], [False, "form"]],
            "context": {"create": False},
        }
        if len(found) == 1:
            action.update(views=[[False, "form"]], res_id=found.id)
        return action
