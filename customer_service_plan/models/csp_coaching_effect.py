from datetime import timedelta

from odoo import models
from odoo.fields import Domain

from ..tools.effect import effect
from ..tools.statistics import MINIMUM_FOR_MEANS

#: So many days before and after the agreement are compared: work of long ago tells
#: little of somebody's habits.
DAYS_COMPARED = 182


class CspCoaching(models.Model):
    """Marks of the agent before and after he agreed.

    What counts is when the work was done (the message written or the ticket closed),
    not when it was reviewed: a review after the agreement of work from before it tells
    nothing of its effect. A criterion is the same in all versions of its scorecard.
    Reviews by hand look for what is bad; where both sides have enough reviews drawn at
    random, only these are compared.
    """

    _inherit = "csp.coaching"

    def get_effect(self):
        """How marks on the criteria concerned were before and after the agreement.

        Without criteria, the scores of whole reviews are compared.

        :return: dict of plain values: `agreed_at` (UTC, or None), `days`, `is_random`,
            `rows` with the `name` of the criterion, `before` and `after` (`count`,
            `few`, `mean`, `low`, `high`, `points` by time), `change`, `verdict` (few,
            better, worse, open). Points are per cent of the scale.
        """
        self.ensure_one()
        self.check_access("read")
        # sudo: csp.coaching: marks of the agent, for who reads what he agreed on; which
        # review they are of is not told
        return self.sudo()._effect_data()

    def _effect_data(self):
        reviews = self._reviews_compared()
        before = reviews.filtered(lambda review: not self._is_after(review))
        after = reviews - before
        drawn = [
            side.filtered(lambda review: review.picked == "random")
            for side in (before, after)
        ]
        is_random = all(len(side) >= MINIMUM_FOR_MEANS for side in drawn)
        sides = drawn if is_random else [before, after]
        rows = []
        if not self.criterion_ids:
            rows.append(
                self._effect_row(
                    self.env._("Score of the review"),
                    *(
                        [
                            (self._work_at(review), review.score)
                            for review in side
                            if review.is_scored
                        ]
                        for side in sides
                    ),
                )
            )
        else:
            marks = self._marks_compared(sides[0] | sides[1])
            names = {one._first(): one.name for one in self.criterion_ids}
            for criterion, name in names.items():
                rows.append(
                    self._effect_row(
                        name,
                        *(
                            [
                                (self._work_at(review), marks[review, criterion])
                                for review in side
                                if (review, criterion) in marks
                            ]
                            for side in sides
                        ),
                    )
                )
        return {
            "agreed_at": self.agreed_at and self.agreed_at.isoformat(),
            "days": DAYS_COMPARED,
            "is_random": is_random,
            "rows": rows,
        }

    def _reviews_compared(self):
        """Reviews of the agent's work around the agreement."""
        Review = self.env["csp.quality.review"]
        if not self.shown_at:
            # The agent does not know of it yet: only what the reader sees anyway.
            Review = Review.sudo(False)
        domain = Domain(
            [
                ("agent_id", "=", self.agent_id.id),
                ("company_id", "=", self.company_id.id),
                ("calibration_id", "=", False),
                ("state", "!=", "to_do"),
            ]
        )
        middle = self.agreed_at or self.create_date
        span = timedelta(days=DAYS_COMPARED)
        # Work is reviewed after it was done, never before.
        reviews = Review.search(domain & Domain("done_at", ">=", middle - span))
        # sudo: csp.quality.review: when the work was done, also of foreign tickets
        reviews = reviews.sudo()
        reviews.message_id.fetch(["date"])
        reviews.ticket_id.fetch(["csp_closed_at"])
        return reviews.filtered(
            lambda review: middle - span <= self._work_at(review) <= middle + span
        )

    def _work_at(self, review):
        """When the work that was reviewed was done."""
        done = review.done_at
        return min(
            done, review.message_id.date or review.ticket_id.csp_closed_at or done
        )

    def _is_after(self, review):
        return bool(self.agreed_at and self._work_at(review) >= self.agreed_at)

    def _marks_compared(self, reviews):
        """Points by review and criterion, for the criteria concerned in any version."""
        first = {one._first().id for one in self.criterion_ids}
        lines = self.env["csp.quality.review.line"].search(
            Domain("review_id", "in", reviews.ids)
            & Domain("is_counted", "=", True)
            & (
                Domain("criterion_id", "in", sorted(first))
                | Domain("criterion_id.origin_id", "in", sorted(first))
            )
        )
        return {
            (line.review_id, line.criterion_id._first()): line.points for line in lines
        }

    def _effect_row(self, name, before, after):
        found = effect([p for _at, p in before], [p for _at, p in after])
        return {
            "name": name,
            "before": self._effect_side(found.before, before),
            "after": self._effect_side(found.after, after),
            "change": found.change,
            "verdict": found.verdict,
        }

    def _effect_side(self, side, marks):
        low, high = side.bounds or (None, None)
        return {
            "count": side.count,
            "few": side.is_few,
            "mean": side.mean,
            "low": low,
            "high": high,
            "points": [points for _at, points in sorted(marks)],
        }
