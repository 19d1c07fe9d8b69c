from odoo import api, fields, models

from ..models.csp_commitment import COMMITMENT_KINDS


class CspPromiseApplyLine(models.TransientModel):
    """What became of one kind of promise of one line of the policy."""

    _name = "csp.promise.apply.line"
    _description = "Figures of a Policy on Past Tickets"
    _order = "id"

    apply_id = fields.Many2one(
        comodel_name="csp.promise.apply",
        required=True,
        index=True,
        ondelete="cascade",
    )
    kind = fields.Selection(selection=COMMITMENT_KINDS, string="Promise", required=True)
    policy_line_id = fields.Many2one(
        comodel_name="csp.policy.line", string="For", ondelete="cascade"
    )
    case_count = fields.Integer(string="Cases")
    kept_count = fields.Integer(string="Kept")
    missed_count = fields.Integer(string="Missed")
    excused_count = fields.Integer(string="Excused")
    cancelled_count = fields.Integer(
        string="Cancelled",
        help="The ticket was closed without a solution, or the promise no longer held.",
    )
    open_count = fields.Integer(string="Open")
    kept_percent = fields.Float(
        string="Kept (%)",
        compute="_compute_kept_percent",
        aggregator="avg",
        help="Of those kept or missed.",
    )
    goal_percent = fields.Float(
        string="Goal (%)", related="policy_line_id.goal_percent", aggregator="avg"
    )
    median_hours = fields.Float(
        string="Median",
        aggregator=None,
        help="Opening time that half of the cases took at most, in hours and minutes.",
    )
    p90_hours = fields.Float(
        string="90 % within",
        aggregator=None,
        help="Opening time that nine of ten cases took at most, in hours and minutes.",
    )

    @api.depends("kept_count", "missed_count")
    def _compute_kept_percent(self):
        for line in self:
            decided = line.kept_count + line.missed_count
            line.kept_percent = 100.0 * line.kept_count / decided if decided else 0.0
