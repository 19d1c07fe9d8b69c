from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

#: A mark that was not made yet.
UNMARKED = {
    "step": 0,
    "not_applicable": False,
    "comment": False,
    "cause_ids": [Command.clear()],
    "quote": False,
    "quote_message_id": False,
}


class CspQualityReview(models.Model):
    """In whose hands a review is, and that it may be taken out of them."""

    _inherit = "csp.quality.review"

    def _open_desk(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [[False, "form"]],
            "name": self.display_name,
        }

    def action_withdraw(self):
        """Take back reviews that are still to be done, with what was marked.

        By managers; by a reviewer where he began it by hand himself. That one drawn by
        lot was taken back is said on the sampling plan.

        :raises AccessError: for everybody else
        :raises UserError: once a review is done, or for one of a calibration
        """
        self.check_access("read")
        self._check_in_hand()
        if not self._is_manager() and self.filtered(
            lambda review: (
                review.reviewer_id != self.env.user
                or review.create_uid != self.env.user
                or review.picked != "by_hand"
            )
        ):
            raise AccessError(
                self.env._("A review that was given to you is withdrawn by a manager.")
            )
        # sudo: csp.quality.sampling: its followers read what became of its draw
        for sampling, reviews in self.sudo().grouped("sampling_id").items():
            if sampling:
                sampling.message_post(
                    body=self.env._(
                        "Withdrawn by %(user)s: %(tickets)s",
                        user=self.env.user.name,
                        tickets=", ".join(reviews.mapped("display_name")),
                    )
                )
        # sudo: csp.quality.review: checked above
        self.sudo()._by_addon().unlink()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_quality_review_to_do_action"
        )
        return {**action, "target": "main"}

    def _give_to(self, reviewer):
        """Let somebody else do these reviews, from the beginning.

        Marks are what one person saw, so those made by now are dropped. The caller has
        checked who may do this.

        :raises UserError: where he is no reviewer, would review himself, may not work
            for the company, has the same review to do already, or one is done by now
        """
        reviewer._csp_check_reviewer()
        reviews = self.filtered(lambda review: review.reviewer_id != reviewer)
        reviews._check_in_hand()
        for review in reviews:
            if review.agent_id == reviewer:
                raise UserError(
                    self.env._("%s would review his own work.", reviewer.name)
                )
            # sudo: res.users: for which companies he works
            if review.company_id not in reviewer.sudo().company_ids:
                raise UserError(
                    self.env._(
                        "%(name)s does not work for %(company)s.",
                        name=reviewer.name,
                        company=review.company_id.name,
                    )
                )
        # sudo: csp.quality.review: what he has to do already
        own = self.sudo().search(
            [
                ("reviewer_id", "=", reviewer.id),
                ("state", "=", "to_do"),
                ("ticket_id", "in", reviews.ticket_id.ids),
                ("calibration_id", "=", False),
            ]
        )
        same = {(review.ticket_id, review.message_id) for review in own}
        twice = reviews.filtered(
            lambda review: (review.ticket_id, review.message_id) in same
        )
        if twice:
            raise UserError(
                self.env._(
                    "%(name)s has this review to do already: %(tickets)s",
                    name=reviewer.name,
                    tickets=", ".join(twice.mapped("display_name")),
                )
            )
        # sudo: csp.quality.review: the caller has checked who hands it on
        reviews = reviews.sudo()._by_addon()
        reviews.line_ids.write(UNMARKED)
        reviews.write(
            {"reviewer_id": reviewer.id, "started_at": False, "comment": False}
        )

    def _after_done(self):
        result = super()._after_done()
        self.activity_unlink(["mail.mail_activity_data_todo"])
        return result

    def _check_in_hand(self):
        """:raises UserError: for reviews that are done, or of a calibration"""
        self._lock()
        if self.filtered(lambda review: review.state != "to_do"):
            raise UserError(
                self.env._("A review that is done stays, with all that was said on it.")
            )
        if self.filtered("calibration_id"):
            raise UserError(
                self.env._("This review belongs to a calibration, which decides on it.")
            )
