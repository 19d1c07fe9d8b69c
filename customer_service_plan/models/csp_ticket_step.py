from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import procedures
from .protected import BY_ADDON


class CspTicketStep(models.Model):
    """Who ticked a step of a procedure on a ticket, and when.

    A tick that is taken back stays, with who took it back: what happened can be read
    later. Moments are naive UTC.
    """

    _name = "csp.ticket.step"
    _inherit = ["csp.protected"]
    _description = "Step Done on a Ticket"
    # `at` and `user_id` say when and by whom.
    _log_access = False
    _order = "at desc, id desc"
    _rec_name = "step_id"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    step_id = fields.Many2one(
        comodel_name="csp.procedure.step",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    procedure_id = fields.Many2one(related="step_id.procedure_id")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Done by",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    at = fields.Datetime(string="Done on", required=True, readonly=True)
    undone_at = fields.Datetime(string="Taken back on", readonly=True)
    undone_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Taken back by",
        readonly=True,
        ondelete="set null",
    )

    _of_ticket = models.Index("(ticket_id, id)")
    _one_per_step = models.UniqueIndex(
        "(ticket_id, step_id) WHERE undone_at IS NULL",
        "This step is ticked already.",
    )

    @api.model
    def _tick(self, pairs):
        """Tick steps on tickets now, in the name of the user.

        A step that somebody ticked at the same moment stays his: no error for the one
        who came second.

        :param pairs: list of (ticket id, step id)
        """
        if not pairs:
            return
        self.flush_model()
        tickets, steps = zip(*pairs, strict=True)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO csp_ticket_step (ticket_id, step_id, user_id, at)
                SELECT ticket_id, step_id, %(user)s, %(now)s
                  FROM unnest(%(tickets)s::int[], %(steps)s::int[])
                    AS pair(ticket_id, step_id)
                    ON CONFLICT (ticket_id, step_id) WHERE undone_at IS NULL
                    DO NOTHING
                """,
                user=self.env.uid,
                now=fields.Datetime.now().replace(microsecond=0),
                tickets=list(tickets),
                steps=list(steps),
            ),
            # Where two met the server runs the request again: no fault to be logged.
            log_exceptions=False,
        )
        self.invalidate_model()

    def _take_back(self):
        """Take these ticks back now, in the name of the user; they stay to be read."""
        # sudo: csp.ticket.step: facts are written by the addon only; the caller has
        # asked who may take them back
        self.sudo().with_context(csp_by_addon=BY_ADDON).write(
            {
                "undone_at": fields.Datetime.now().replace(microsecond=0),
                "undone_by_id": self.env.uid,
            }
        )

    def _as_ticks(self):
        """Those that stand, as the pure rules want them; oldest first."""
        names = self.env["csp.procedure"]._guidance().names
        return [
            procedures.Tick(row.id, row.step_id.id, names.get(row.step_id.id, ""))
            for row in self.sorted("id")
            if not row.undone_at
        ]
