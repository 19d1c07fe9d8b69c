from odoo import models
from odoo.tools import format_date, format_datetime


class CspQualityReview(models.Model):
    """The agent's answer, and the decision on it, as the page of a review shows it."""

    _inherit = "csp.quality.review"

    def get_answer(self):
        """What was answered to a review that is done, and what the user may answer.

        Texts are in the user's language, moments in his time zone.

        :return: False while there is nothing to answer: before the review is done, and
            for marks of a calibration
        :rtype: dict
        :raises AccessError: for who may not read the review
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: csp.quality.review: of one that the user reads, in his language
        review = self.sudo()
        if review.state == "to_do" or review.calibration_id:
            return False
        user = self.env.user
        may_answer = self.may_answer
        return {
            "id": self.id,
            "state": review.state,
            "state_label": _label(review, "state"),
            "is_mine": review.agent_id == user,
            "agent": review.agent_id.name,
            "reviewer": review.reviewer_id.name,
            "score": review.score if review.is_scored else False,
            "is_failed": review.is_failed,
            "answer_until": review._day_text(review.answer_until),
            "days_left": (
                (review.answer_until - user._csp_today()).days
                if review.answer_until
                else False
            ),
            "answered_at": review._moment_text(review.answered_at),
            "remark": review.remark or "",
            "may_answer": may_answer,
            "lines": review._answer_lines() if may_answer else [],
            "dispute": self._dispute_data(),
        }

    def _answer_lines(self):
        """The marks to choose from when something is disputed."""
        return [
            {
                "id": line.id,
                "name": line.criterion_id.name,
                "mark": line._mark_text(line.step, line.not_applicable),
                "is_best": line.is_counted and line.points >= 100,
                "is_bad": line.is_bad,
                "comment": line.comment or "",
            }
            for line in self.line_ids.sorted("id")
        ]

    def _dispute_data(self):
        # sudo: csp.quality.dispute: of a review that the user reads
        dispute = self.sudo().dispute_id
        if not dispute:
            return False
        mine = dispute.sudo(False)
        # A coach reads of it here only.
        may_decide = mine.has_access("read") and mine.may_decide
        return {
            "id": dispute.id,
            "state": dispute.state,
            "reason": dispute.reason,
            "disputed_at": self._moment_text(dispute.disputed_at),
            "decider": dispute.decider_id.name or "",
            "due_date": self._day_text(dispute.due_date),
            "is_late": dispute.is_late,
            "may_decide": may_decide,
            "outcome": dispute.outcome or "",
            "outcome_label": dispute.outcome and _label(dispute, "outcome"),
            "decided_at": self._moment_text(dispute.decided_at),
            "decision": dispute.decision or "",
            "score_before": dispute.score_before,
            "score_after": dispute.score_after,
            "was_failed": dispute.was_failed,
            "is_rescored": dispute.is_rescored,
            "lines": [
                line._answer_data(may_decide) for line in dispute.line_ids.sorted("id")
            ],
        }

    def _day_text(self, day):
        return format_date(self.env, day) if day else ""

    def _moment_text(self, moment):
        return format_datetime(self.env, moment, dt_format="short") if moment else ""


def _label(record, name):
    """What a selection says, in the language of the record's environment."""
    return dict(record._fields[name]._description_selection(record.env))[record[name]]
