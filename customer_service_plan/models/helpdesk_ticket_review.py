from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError


class HelpdeskTicket(models.Model):
    """From a ticket to the review of how it was handled."""

    _inherit = "helpdesk.ticket"

    def unlink(self):
        self.check_access("unlink")
        # sudo: csp.quality.review: goes along with its ticket, and so do its to-dos,
        # which the database alone would leave
        Review = self.env["csp.quality.review"].sudo()._by_addon()
        reviews = Review.search([("ticket_id", "in", self.ids)])
        reviews.dispute_id.unlink()
        reviews.unlink()
        return super().unlink()

    def action_csp_review(self, message_id=None):
        """Open the review of this ticket that the user has to do, or begin one.

        :param message_id: review this message, which counts for its author
        :raises AccessError: for those who are no reviewers
        :raises UserError: where nobody is to be reviewed, it would be the user himself,
            or no scorecard fits
        """
        self.ensure_one()
        if not self.env.user.has_group("customer_service_plan.group_reviewer"):
            raise AccessError(self.env._("Only reviewers review tickets."))
        Review = self.env["csp.quality.review"]
        review = Review.search(
            [
                ("ticket_id", "=", self.id),
                ("reviewer_id", "=", self.env.uid),
                ("message_id", "=", message_id or False),
                ("state", "=", "to_do"),
                ("calibration_id", "=", False),
            ],
            limit=1,
        )
        if not review:
            days = (self.company_id or self.env.company).csp_quality_due_days
            today = fields.Date.context_today(self)
            review = Review.create(
                {
                    "ticket_id": self.id,
                    "message_id": message_id or False,
                    "due_date": today + timedelta(days=days),
                }
            )
        return review._open_desk()
