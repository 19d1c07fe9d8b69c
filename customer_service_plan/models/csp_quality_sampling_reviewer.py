from odoo import api, fields, models


class CspQualitySamplingReviewer(models.Model):
    """Who reviews what a plan draws, and how many of them at a time."""

    _name = "csp.quality.sampling.reviewer"
    _description = "Reviewer of a Sampling Plan"
    _order = "sampling_id, sequence, id"
    _rec_name = "user_id"

    sampling_id = fields.Many2one(
        comodel_name="csp.quality.sampling",
        string="Plan",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="sampling_id.company_id", store=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(default=10)
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Reviewer",
        required=True,
        domain=lambda self: self._domain_user_id(),
        index=True,
        ondelete="cascade",
    )
    capacity = fields.Integer(
        string="At a time",
        default=10,
        help="So many reviews he has to do at a time, those from before included. 0: "
        "he gets none.",
    )
    open_count = fields.Integer(
        string="To do now",
        compute="_compute_open_count",
        help="Reviews that he has to do at the moment, from wherever they come.",
    )
    hint = fields.Char(string="Remark", compute="_compute_hint")

    _once = models.UniqueIndex(
        "(sampling_id, user_id)", "A reviewer is named once in a plan."
    )
    _capacity_possible = models.Constraint(
        "CHECK(capacity BETWEEN 0 AND 1000)", "Nobody does fewer reviews than none."
    )

    @api.model
    def _domain_user_id(self):
        group = self.env.ref("customer_service_plan.group_reviewer")
        return [("all_group_ids", "in", group.ids), ("share", "=", False)]

    @api.depends("user_id")
    def _compute_open_count(self):
        counts = self._open_counts(self.user_id)
        for row in self:
            row.open_count = counts.get(row.user_id.id, 0)

    @api.depends("user_id", "company_id")
    @api.depends_context("lang")
    def _compute_hint(self):
        now = fields.Datetime.now()
        presence = self.user_id._csp_presence(now)
        for row in self:
            there = presence.get(row.user_id.id)
            if not there or not there.active:
                row.hint = there and self.env._("Archived")
            elif not row._may_review():
                row.hint = self.env._("No reviewer of this company")
            else:
                row.hint = there.away and self.env._("Away")

    @api.model
    def _open_counts(self, users):
        """How many reviews these users have to do, whatever they come from."""
        # sudo: csp.quality.review: only a number
        groups = (
            self.env["csp.quality.review"]
            .sudo()
            ._read_group(
                [("reviewer_id", "in", users.ids), ("state", "=", "to_do")],
                ["reviewer_id"],
                ["__count"],
            )
        )
        return {user.id: count for user, count in groups}

    def _may_review(self):
        """Whether he is a reviewer, and of the company of the plan."""
        self.ensure_one()
        # sudo: res.users: what a colleague may do
        user = self.user_id.sudo()
        return (
            user.active
            and not user.share
            and self.company_id in user.company_ids
            and user.has_group("customer_service_plan.group_reviewer")
        )
