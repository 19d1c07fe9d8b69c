from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.sql_array import int_array, text_array

OUTCOMES = [
    ("kept", "Kept"),
    ("missed", "Missed"),
    ("open", "Still open"),
    ("nothing", "Nothing to keep"),
]


class CspBacktestChange(models.Model):
    """A past ticket that another line would decide for than today."""

    _name = "csp.backtest.change"
    _inherit = ["csp.protected"]
    _description = "Ticket That Would Change Line"
    _log_access = False
    _order = "backtest_id desc, ticket_id desc"
    _rec_name = "ticket_id"

    backtest_id = fields.Many2one(
        comodel_name="csp.backtest",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    before_line_id = fields.Many2one(
        comodel_name="csp.policy.line",
        string="Line of today",
        readonly=True,
        ondelete="set null",
    )
    after_line_id = fields.Many2one(
        comodel_name="csp.policy.line",
        string="Line that would decide",
        readonly=True,
        ondelete="set null",
    )
    before_text = fields.Char(string="Promised today", compute="_compute_texts")
    after_text = fields.Char(string="Would be promised", compute="_compute_texts")
    outcome_before = fields.Selection(
        selection=OUTCOMES,
        string="Today's promises",
        readonly=True,
        help="What would have become of the ticket under the promises of today: one "
        "missed is missed.",
    )
    outcome_after = fields.Selection(
        selection=OUTCOMES,
        string="These promises",
        readonly=True,
        help="What would have become of the ticket under the version that was tried.",
    )
    partner_id = fields.Many2one(related="ticket_id.partner_id")
    received_at = fields.Datetime(related="ticket_id.csp_received_at")

    @api.depends_context("lang")
    @api.depends("before_line_id", "after_line_id")
    def _compute_texts(self):
        for change in self:
            change.before_text = change._describe(change.before_line_id)
            change.after_text = change._describe(change.after_line_id)

    def _describe(self, line):
        if not line:
            return self.env._("Nothing")
        return self.env._(
            "%(who)s: %(what)s", who=line.condition_text, what=line.promise_text
        )

    def action_open_ticket(self):
        """Open the ticket itself."""
        self.ensure_one()
        self.check_access("read")
        return self.ticket_id._get_records_action()

    @api.model
    def _insert(self, test, changes):
        """Write what was found, in one statement.

        :param changes: list of `backtest.Change`
        """
        if not changes:
            return
        tickets, before, after, outcomes, later = zip(*changes, strict=True)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO csp_backtest_change (
                    backtest_id, ticket_id, before_line_id, after_line_id,
                    outcome_before, outcome_after
                )
                SELECT %(test)s, * FROM unnest(
                    %(tickets)s::int[], %(before)s::int[], %(after)s::int[],
                    %(outcomes)s::text[], %(later)s::text[]
                )
                """,
                test=test.id,
                tickets=int_array(tickets),
                before=int_array(line or None for line in before),
                after=int_array(line or None for line in after),
                outcomes=text_array(outcomes),
                later=text_array(later),
            )
        )
        self._forget(test)

    @api.model
    def _remove(self, tests):
        """Throw away what was found by backtests that were not brought to their end."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                "DELETE FROM csp_backtest_change WHERE backtest_id = ANY(%s)", tests.ids
            )
        )
        self._forget(tests)

    @api.model
    def _forget(self, tests):
        self.invalidate_model()
        tests.invalidate_recordset(["change_ids"], flush=False)
