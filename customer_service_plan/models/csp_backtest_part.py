from odoo import fields, models


class CspBacktestPart(models.Model):
    """What one part of a long backtest found, until all of it is put together.

    Each part is saved with how far the work has come: whatever is cut off in the
    middle goes on from there, and nothing counts twice.
    """

    _name = "csp.backtest.part"
    _inherit = ["csp.protected"]
    _description = "Part of a Backtest"
    _log_access = False

    backtest_id = fields.Many2one(
        comodel_name="csp.backtest",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    data = fields.Json(readonly=True)
