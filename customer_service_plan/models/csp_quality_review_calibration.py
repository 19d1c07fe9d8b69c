from odoo import api, models
from odoo.exceptions import UserError

from .protected import is_by_addon


class CspQualityReview(models.Model):
    """Reviews that belong to a calibration: they stay in it, and end it."""

    _inherit = "csp.quality.review"

    def _after_done(self):
        result = super()._after_done()
        for reviewer, reviews in self.grouped("reviewer_id").items():
            reviews.calibration_id._after_marking(reviewer)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_calibration(self):
        if not is_by_addon(self.env) and self.calibration_id:
            raise UserError(
                self.env._("It belongs to a calibration, which needs everybody's mark.")
            )
