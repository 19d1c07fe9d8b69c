from odoo import api, fields, models
from odoo.exceptions import UserError

from .protected import unless_uninstalled


class CspQualityCause(models.Model):
    """Why something went wrong: what a reviewer chooses from for a bad mark.

    One catalogue for all companies. Causes say what to mend: knowledge, tool, process.
    """

    _name = "csp.quality.cause"
    _description = "Cause of a Bad Mark"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    description = fields.Text(
        string="When to choose it",
        translate=True,
        help="So that two reviewers choose the same cause for the same fault.",
    )

    def unlink(self):
        return super(CspQualityCause, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: csp.quality.review.line: only whether there are any, of whatever company
        lines = self.env["csp.quality.review.line"].sudo()
        if lines.search_count([("cause_ids", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "Reviews name this cause. Archive it instead: nobody is offered it "
                    "any more."
                )
            )
        # sudo: csp.scorecard.criterion: the same
        criteria = self.env["csp.scorecard.criterion"].sudo()
        criterion = criteria.search([("cause_ids", "in", self.ids)], limit=1)
        if criterion:
            raise UserError(
                self.env._(
                    "“%(criterion)s” of “%(scorecard)s” offers this cause. Archive it "
                    "instead.",
                    criterion=criterion.name,
                    scorecard=criterion.scorecard_id.display_name,
                )
            )
