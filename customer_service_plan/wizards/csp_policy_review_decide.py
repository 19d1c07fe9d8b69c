from odoo import api, fields, models

from ..models.csp_policy_review import CHANGE, DECISIONS, KEEP, RETIRE


class CspPolicyReviewDecide(models.TransientModel):
    """The decision that ends a review, with what follows from it."""

    _name = "csp.policy.review.decide"
    _description = "Decide a Review"

    review_id = fields.Many2one(
        comodel_name="csp.policy.review",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    decision = fields.Selection(
        selection=DECISIONS, required=True, default=KEEP, string="What becomes of it?"
    )
    reason = fields.Text(
        string="Why?",
        required=True,
        help="It is kept for good, and read at the next review.",
    )
    next_date = fields.Date(
        string="Look at it again on",
        compute="_compute_next_date",
        store=True,
        readonly=False,
    )
    consequence = fields.Text(compute="_compute_consequence")

    @api.depends("review_id", "decision")
    def _compute_next_date(self):
        for wizard in self:
            # sudo: csp.policy: the interval of what its owner decides about
            review = wizard._review_if_seen().sudo()
            wizard.next_date = (
                review
                and wizard.decision != RETIRE
                and (wizard.next_date or review._proposed_next_date())
            )

    @api.depends("review_id", "decision")
    @api.depends_context("lang")
    def _compute_consequence(self):
        for wizard in self:
            # sudo: csp.policy, csp.plan: what its owner decides about
            review = wizard._review_if_seen().sudo()
            if not review:
                wizard.consequence = False
            elif review.policy_id:
                wizard.consequence = wizard._say_of_policy(review.policy_id)
            else:
                wizard.consequence = wizard._say_of_plan(review.plan_id)

    def _review_if_seen(self):
        """The review, if the user may read it: a program can name any other."""
        review = self.review_id
        return review if review.has_access("read") else review.browse()

    def _say_of_policy(self, policy):
        version = policy.current_version_id
        if self.decision == CHANGE and policy.draft_version_id:
            return self.env._(
                "%s is in preparation already. Your reason is added to it, and what is "
                "in force stays so until it is published.",
                policy.draft_version_id.display_name,
            )
        if self.decision == CHANGE:
            return self.env._(
                "A new version is begun, with your reason in it. What is in force "
                "stays so until the new one is published."
            )
        if self.decision == RETIRE and not version:
            return self.env._("Nothing of this policy is in force. It is noted only.")
        if self.decision == RETIRE and policy.coming_version_id:
            return self.env._(
                "%(version)s goes out of force now, until %(next)s takes over: that "
                "one is published already. Tickets keep what they were promised.",
                version=version.display_name,
                next=policy.coming_version_id.display_name,
            )
        if self.decision == RETIRE:
            return self.env._(
                "%s goes out of force now, and nobody is promised anything under it "
                "any more: new requests go by the other policies. Tickets that it was "
                "promised to keep their promise. There is no next review.",
                version.display_name,
            )
        return self.env._("It stays as it is until the next review.")

    def _say_of_plan(self, plan):
        if self.decision == CHANGE:
            return self.env._(
                "A new plan is begun as a copy, with your reason in it. This one stays "
                "in force until you put the new one in its place."
            )
        if self.decision == RETIRE:
            return self.env._(
                "%s is archived now, and staff have no plan to read until another one "
                "is put in force. Its policies stay in force. There is no next review.",
                plan.name,
            )
        return self.env._("It stays as it is until the next review.")

    def action_decide(self):
        """Record the decision. It cannot be changed afterwards."""
        self.ensure_one()
        return self.review_id.action_decide(self.decision, self.reason, self.next_date)
