from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .protected import unless_uninstalled

#: What decides when a review is due, and who answers for it.
REVIEW_FIELDS = frozenset(
    {
        "active",
        "company_id",
        "next_review_date",
        "owner_id",
        "plan_id",
        "review_interval_months",
        "state",
    }
)


class CspReviewed(models.AbstractModel):
    """What is looked at again before it grows old: policies, and the plan itself.

    The model names `owner_id`, who is asked.
    """

    _name = "csp.reviewed"
    _description = "Reviewed Regularly"
    #: By which field of a review it is meant.
    _csp_review_link = ""

    review_interval_months = fields.Integer(
        string="Review every (months)",
        default=12,
        help="0: no regular review.",
    )
    next_review_date = fields.Date(
        string="Next review",
        compute="_compute_next_review_date",
        store=True,
        readonly=False,
        copy=False,
        tracking=True,
    )
    review_count = fields.Integer(string="Reviews", compute="_compute_reviews")
    open_review_id = fields.Many2one(
        comodel_name="csp.policy.review",
        string="Review to be done",
        compute="_compute_reviews",
    )
    last_review_id = fields.Many2one(
        comodel_name="csp.policy.review",
        string="Last review",
        compute="_compute_reviews",
    )
    is_review_overdue = fields.Boolean(
        string="Review overdue",
        compute="_compute_is_review_overdue",
        search="_search_is_review_overdue",
    )

    _review_interval_not_negative = models.Constraint(
        "CHECK(review_interval_months >= 0)",
        "The review interval cannot be negative.",
    )

    @api.depends("review_interval_months")
    def _compute_next_review_date(self):
        today = fields.Date.context_today(self)
        for record in self:
            months = record.review_interval_months
            record.next_review_date = months and fields.Date.add(today, months=months)

    @api.depends("next_review_date")
    def _compute_reviews(self):
        link = self._csp_review_link
        # sudo: csp.policy.review: how many there are, and which is the open one; what
        # stands in them follows the rules of the reader.
        reviews = self.env["csp.policy.review"].sudo()
        found = reviews.search_fetch(
            [(link, "in", self.ids)], [link, "state"], order="decided_at, id"
        )
        by_target = found.grouped(link)
        for record in self:
            mine = by_target.get(record._origin, reviews).sudo(False)
            record.review_count = len(mine)
            # sudo: csp.policy.review: as above
            open_ones = mine.sudo().filtered(lambda review: review.state == "to_do")
            record.open_review_id = open_ones.sudo(False)[:1]
            record.last_review_id = (mine - record.open_review_id)[-1:]

    @api.depends("next_review_date")
    def _compute_is_review_overdue(self):
        today = fields.Date.context_today(self)
        for record in self:
            date = record.next_review_date
            record.is_review_overdue = bool(date and date < today)

    def _search_is_review_overdue(self, operator, value):
        if operator != "in":
            return NotImplemented
        overdue = Domain("next_review_date", "<", fields.Date.context_today(self))
        if len(value) == 2:
            return Domain.TRUE
        return overdue if True in value else ~overdue

    def write(self, vals):
        """Let the reviews that are to be done follow."""
        result = super().write(vals)
        if not REVIEW_FIELDS.isdisjoint(vals):
            self._follow_reviews()
        return result

    def _follow_reviews(self):
        # sudo: csp.policy.review: the date and the person were just decided here
        reviews = self.env["csp.policy.review"].sudo()
        reviews.search(
            [(self._csp_review_link, "in", self.ids), ("state", "=", "to_do")]
        )._follow()

    def unlink(self):
        return super(CspReviewed, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_reviewed(self):
        # sudo: csp.policy.review: none that was decided may be lost
        reviews = self.env["csp.policy.review"].sudo()
        reviews = reviews.search([(self._csp_review_link, "in", self.ids)])
        decided = reviews.filtered(lambda review: review.state == "done")
        if decided:
            raise UserError(
                self.env._(
                    "%s was reviewed: the decision stays. Archive it instead.",
                    decided[0]._target().display_name,
                )
            )
        reviews._withdraw()

    def _is_to_be_reviewed(self):
        """Those of these records that are still worked by."""
        return self

    # === Actions ===

    def action_review(self):
        """Open the review that is to be done; begin one where there is none."""
        self.ensure_one()
        self.check_access("write")
        review = self.open_review_id
        if not review:
            # sudo: csp.policy.review: who may change this was checked above
            review = self.env["csp.policy.review"].sudo()._open_for(self).sudo(False)
        return review._get_records_action(name=review.display_name)

    def action_view_reviews(self):
        """List the reviews of this, the latest first."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_review_action"
        )
        action["domain"] = [(self._csp_review_link, "=", self.id)]
        action["context"] = {}
        return action
