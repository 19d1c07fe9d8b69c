from odoo import models


class CspQualityReviewLine(models.Model):
    _inherit = "csp.quality.review.line"

    def _mark_text(self, step, not_applicable):
        """A mark of this criterion in words: yes, 3 of 5, or that it does not apply."""
        self.ensure_one()
        criterion = self.criterion_id
        if not_applicable:
            return self.env._("Does not apply")
        if not step:
            return self.env._("Not marked")
        name = criterion._step_names()[criterion.scale][step - 1]
        if criterion.scale == "yes_no":
            return name
        return self.env._(
            "%(step)s of %(steps)s", step=name, steps=criterion._step_count()
        )
