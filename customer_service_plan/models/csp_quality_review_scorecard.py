from odoo import models
from odoo.exceptions import UserError


class CspQualityReview(models.Model):
    """By which version of a scorecard a review is marked."""

    _inherit = "csp.quality.review"

    def _prepare_reviews(self, vals_list):
        prepared = super()._prepare_reviews(self._with_current_scorecards(vals_list))
        used = {vals["scorecard_id"] for vals in prepared}
        self.env["csp.scorecard"].browse(list(used))._note_use()
        return prepared

    def _with_current_scorecards(self, vals_list):
        """The values, each with the version of its scorecard that is in use.

        A calibration keeps its own version to its end, since marks are compared.

        :raises UserError: where none is in use, or it is one of another company
        """
        # sudo: helpdesk.ticket, csp.scorecard: only their companies, and which version
        # is in use
        env = self.sudo().env
        tickets = env["helpdesk.ticket"].browse(
            [vals["ticket_id"] for vals in vals_list if vals.get("ticket_id")]
        )
        result = []
        for vals in vals_list:
            if not (vals.get("scorecard_id") and vals.get("ticket_id")):
                result.append(vals)
                continue
            given = env["csp.scorecard"].browse(vals["scorecard_id"])
            ticket = env["helpdesk.ticket"].browse(vals["ticket_id"])
            company = ticket.with_prefetch(tickets.ids).company_id
            if company and given.company_id not in (company, company.browse()):
                raise UserError(
                    self.env._(
                        "“%s” is a scorecard of another company.", given.display_name
                    )
                )
            if vals.get("calibration_id") and given.state != "draft":
                result.append(vals)
                continue
            current = given._current()
            if not current:
                raise UserError(
                    self.env._(
                        "“%s” is not in use: new reviews cannot be begun with it.",
                        given.display_name,
                    )
                )
            result.append({**vals, "scorecard_id": current.id})
        return result
