from odoo import api, fields, models
from odoo.exceptions import AccessError


class CspQualityReviewAssign(models.TransientModel):
    """Ask who does reviews instead, for instance while somebody is away."""

    _name = "csp.quality.review.assign"
    _description = "Give Reviews to Somebody Else"

    review_ids = fields.Many2many(
        comodel_name="csp.quality.review",
        relation="csp_quality_review_assign_rel",
        column1="wizard_id",
        column2="review_id",
        string="Reviews",
        required=True,
    )
    reviewer_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        domain="[('id', 'in', possible_ids)]",
        ondelete="cascade",
    )
    possible_ids = fields.Many2many(
        comodel_name="res.users", compute="_compute_possible_ids"
    )
    due_date = fields.Date(string="Review by", help="Empty: as it was.")
    has_marks = fields.Boolean(compute="_compute_has_marks")

    @api.model
    def default_get(self, fields):
        """Take the review, or those chosen in the list that are still to be done."""
        values = super().default_get(fields)
        context = self.env.context
        if context.get("active_model") == "csp.quality.review":
            reviews = self.env["csp.quality.review"].browse(
                context.get("active_ids") or [context.get("active_id")]
            )
            open_ones = reviews.filtered(lambda review: review.state == "to_do")
            values["review_ids"] = [(6, 0, open_ones.ids)]
        return values

    @api.depends("review_ids")
    def _compute_possible_ids(self):
        # sudo: res.groups: who reviews at all
        group = self.env.ref("customer_service_plan.group_reviewer").sudo()
        for wizard in self:
            agents = wizard.review_ids.agent_id
            companies = wizard.review_ids.company_id
            wizard.possible_ids = group.all_user_ids.filtered(
                lambda user, agents=agents, companies=companies: (
                    user.active
                    and not user.share
                    and user not in agents
                    and companies <= user.company_ids
                )
            )

    @api.depends("review_ids")
    def _compute_has_marks(self):
        for wizard in self:
            wizard.has_marks = any(wizard.review_ids.mapped("started_at"))

    def action_assign(self):
        """Give them away, with a to-do for who has them now.

        :raises AccessError: for everybody but managers
        :raises UserError: where he cannot do one of them
        """
        self.ensure_one()
        reviews = self.review_ids
        if not reviews._is_manager():
            raise AccessError(
                self.env._("Only managers give reviews to somebody else.")
            )
        reviews.check_access("write")
        reviews = reviews.filtered(
            lambda review: review.reviewer_id != self.reviewer_id
        )
        reviews._give_to(self.reviewer_id)
        # sudo: csp.quality.review: checked above
        reviews = reviews.sudo()._by_addon()
        if self.due_date:
            reviews.write({"due_date": self.due_date})
        reviews.activity_unlink(["mail.mail_activity_data_todo"])
        for due_date, group in reviews.grouped("due_date").items():
            group.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=due_date or fields.Date.context_today(self),
                summary=self.env._("Review a ticket"),
                user_id=self.reviewer_id.id,
            )
        return {"type": "ir.actions.act_window_close"}
