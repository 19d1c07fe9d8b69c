from odoo import api, fields, models

from ..tools.epoch import to_epoch


class CspCommitment(models.Model):
    """What lists of promises show beside what is stored."""

    _inherit = "csp.commitment"

    late_seconds = fields.Integer(
        string="Late by (now)",
        compute="_compute_late_seconds",
        aggregator=None,
        help="Opening seconds beyond the target, until it ended or until now.",
    )

    @api.depends("state", "overrun_seconds", "running_since", "ended_at")
    def _compute_late_seconds(self):
        now = to_epoch(fields.Datetime.now())
        for row in self:
            if row.ended_at:
                row.late_seconds = max(row.overrun_seconds, 0)
                continue
            used = row.consumed_seconds
            if row.running_since:
                hours = row._opening_time(row.hours_id.id)
                used += hours.open_seconds(to_epoch(row.running_since), now)
            row.late_seconds = max(used - row.target_seconds, 0)
