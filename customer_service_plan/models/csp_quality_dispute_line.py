from odoo import fields, models
from odoo.exceptions import UserError


class CspQualityDisputeLine(models.Model):
    """A mark that an agent objects to: as it was, why, and what became of it."""

    _name = "csp.quality.dispute.line"
    _inherit = "csp.protected"
    _description = "Disputed Mark"
    _order = "dispute_id, id"
    _rec_name = "criterion_id"

    dispute_id = fields.Many2one(
        comodel_name="csp.quality.dispute",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="dispute_id.company_id")
    review_line_id = fields.Many2one(
        comodel_name="csp.quality.review.line",
        string="Mark",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    criterion_id = fields.Many2one(related="review_line_id.criterion_id")
    reason = fields.Text(
        readonly=True, help="Why this mark; empty: the reason for the whole dispute."
    )
    step_before = fields.Integer(string="Mark before", readonly=True, aggregator=None)
    na_before = fields.Boolean(string="Did not apply before", readonly=True)
    accepted = fields.Boolean(string="Agreed to", readonly=True)
    step_after = fields.Integer(string="Mark after", readonly=True, aggregator=None)
    na_after = fields.Boolean(string="Does not apply after", readonly=True)
    answer = fields.Text(readonly=True, help="What the decider says of this mark.")

    _once = models.UniqueIndex(
        "(dispute_id, review_line_id)", "A mark is disputed once."
    )

    def _decide(self, decision):
        """Keep the decision on this mark: the old one stays beside it.

        :param dict decision: see `csp.quality.dispute.action_decide`
        """
        self.ensure_one()
        name = self.criterion_id.name
        if not isinstance(decision, dict) or not isinstance(
            decision.get("accepted"), bool
        ):
            raise UserError(self.env._("Decide on each disputed mark: %s", name))
        step, na = self.step_before, self.na_before
        if decision["accepted"]:
            step, na = self._checked_mark(decision)
        answer = decision.get("answer")
        self.write(
            {
                "accepted": decision["accepted"],
                "step_after": step,
                "na_after": na,
                "answer": answer.strip() or False if isinstance(answer, str) else False,
            }
        )

    def _checked_mark(self, decision):
        """The new mark: a step of the scale and whether it does not apply."""
        criterion = self.criterion_id
        if decision.get("not_applicable") is True:
            if not criterion.allow_na or self.na_before:
                raise UserError(
                    self.env._("Say which mark it gets: %s", criterion.name)
                )
            return 0, True
        step = decision.get("step")
        # Booleans count as numbers in Python.
        is_step = isinstance(step, int) and not isinstance(step, bool)
        if not is_step or not 1 <= step <= criterion._step_count():
            raise UserError(self.env._("Say which mark it gets: %s", criterion.name))
        if not self.na_before and step <= self.step_before:
            raise UserError(
                self.env._(
                    "“%s”: a mark that you agree to change becomes better than it was.",
                    criterion.name,
                )
            )
        return step, False

    # === The page ===

    def _answer_data(self, with_steps):
        """This mark before and after, what was said of it, and what it may become."""
        self.ensure_one()
        mark, criterion = self.review_line_id, self.criterion_id
        decided = self.dispute_id.state == "decided"
        return {
            "id": self.id,
            "line_id": mark.id,
            "name": criterion.name,
            "section": criterion.section_id.name or "",
            "reason": self.reason or "",
            "before": mark._mark_text(self.step_before, self.na_before),
            "said": mark.comment or "",
            "quote": mark.quote or "",
            "accepted": self.accepted,
            "after": decided and mark._mark_text(self.step_after, self.na_after),
            "answer": self.answer or "",
            "may_be_na": criterion.allow_na and not self.na_before,
            "steps": self._possible_steps() if with_steps else [],
        }

    def _possible_steps(self):
        """Marks better than the one before, from the next one on."""
        criterion = self.criterion_id
        names = criterion._step_names()[criterion.scale]
        lowest = 0 if self.na_before else self.step_before
        return [
            {
                "step": step,
                "name": names[step - 1],
                "text": criterion[f"step_{step}"] or "",
            }
            for step in range(lowest + 1, criterion._step_count() + 1)
        ]
