import json

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import clock
from ..tools.sql_array import int_array, text_array

EVENT_KINDS = [
    ("received", "Received"),
    ("customer_message", "Customer wrote"),
    ("staff_reply", "We answered"),
    ("paused", "Waiting"),
    ("resumed", "Work resumed"),
    ("promised", "Promised"),
    ("taken_back", "Promise taken back"),
    ("handover", "Handed over"),
    ("closed", "Closed"),
    ("reopened", "Reopened"),
    ("missed", "Promise missed"),
    ("excused", "Excused"),
    ("no_answer_needed", "No answer needed"),
    ("escalated", "Escalated"),
    ("taken_charge", "Taken charge of"),
    ("merged", "Merged"),
]


class CspTicketEvent(models.Model):
    """A fact about a ticket, written once, at the moment it became known.

    Promises are derived from these alone: a message that is moved or deleted later
    does not change what happened.
    """

    _name = "csp.ticket.event"
    _inherit = ["csp.protected"]
    _description = "Ticket Event"
    # `at` and `user_id` say when and by whom; nothing is ever written over.
    _log_access = False
    _order = "at desc, id desc"
    _rec_name = "kind"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    kind = fields.Selection(selection=EVENT_KINDS, required=True, readonly=True)
    at = fields.Datetime(string="When", required=True, readonly=True, index=True)
    user_id = fields.Many2one(
        comodel_name="res.users", string="By", readonly=True, ondelete="set null"
    )
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Contact",
        readonly=True,
        ondelete="set null",
    )
    data = fields.Json(string="Details", readonly=True)
    summary = fields.Char(compute="_compute_summary")

    _ticket_order = models.Index("(ticket_id, at, id)")

    @api.depends_context("lang")
    @api.depends("kind", "data")
    def _compute_summary(self):
        for event in self:
            describe = getattr(self, f"_describe_{event.kind}", None)
            event.summary = describe(event.data or {}) if describe else ""

    def _describe_promised(self, data):
        line = self.env["csp.policy.line"].browse(data.get("line") or [])
        if not line.exists():
            return self.env._("Nothing is promised")
        return f"{line.version_id.display_name}: {line.promise_text}"

    def _describe_taken_back(self, data):
        return self._describe_promised(data)

    def _describe_paused(self, data):
        if data.get("waiting_on") == "third_party":
            return self.env._("Waiting for a third party")
        return self.env._("Waiting for the customer")

    def _describe_closed(self, data):
        if data.get("outcome") == clock.SOLVED:
            return self.env._("Solved")
        return self.env._("Cancelled")

    def _describe_reopened(self, data):
        if data.get("within_grace"):
            return self.env._("The promise goes on")
        return self.env._("A new promise begins")

    def _describe_missed(self, data):
        return self._kind_label(data.get("commitment"))

    def _describe_excused(self, data):
        kind, reason = self._kind_label(data.get("commitment")), data.get("reason")
        return f"{kind}: {reason}" if reason else kind

    def _describe_handover(self, data):
        # sudo: res.users: names of colleagues, also of those who left
        users = self.env["res.users"].sudo().browse
        nobody = self.env._("nobody")
        before = users(data["from"]).exists().name if data.get("from") else nobody
        after = users(data["to"]).exists().name if data.get("to") else nobody
        return self.env._("from %(before)s to %(after)s", before=before, after=after)

    def _describe_merged(self, data):
        numbers = ", ".join(data.get("numbers") or [])
        if data.get("role") == "source":
            return self.env._("Joined into %s", numbers)
        return self.env._("Joined with %s", numbers)

    def _describe_escalated(self, data):
        if data.get("reason"):
            return data["reason"]
        Step = self.env["csp.escalation.step"]
        steps = Step.browse(data.get("steps") or []).exists()
        what = self._kind_label(data.get("commitment"))
        return ": ".join(
            text for text in (what, "; ".join(steps.mapped("what_text"))) if text
        )

    def _describe_taken_charge(self, data):
        # sudo: res.users: names of colleagues, also of those who left
        return self.env["res.users"].sudo().browse(data.get("user") or []).exists().name

    def _kind_label(self, kind):
        selection = self.env["csp.commitment"]._fields["kind"]
        return dict(selection._description_selection(self.env)).get(kind, "")

    # === Writing and reading in bulk ===

    @api.model
    def _insert(self, rows):
        """Write events, in the order given.

        :param rows: tuples (ticket id, kind, epoch seconds, user id or None, partner id
            or None, data dict or None)
        """
        if not rows:
            return
        tickets, kinds, moments, users, partners, data = zip(*rows, strict=True)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO csp_ticket_event (
                    ticket_id, kind, at, user_id, partner_id, data
                )
                SELECT ticket_id, kind, to_timestamp(at) AT TIME ZONE 'UTC',
                       user_id, partner_id, data::jsonb
                  FROM unnest(
                      %(tickets)s::int[], %(kinds)s::text[], %(moments)s::bigint[],
                      %(users)s::int[], %(partners)s::int[], %(data)s::text[]
                  ) WITH ORDINALITY
                    AS row(ticket_id, kind, at, user_id, partner_id, data, position)
                 ORDER BY position
                """,
                tickets=int_array(tickets),
                kinds=text_array(kinds),
                moments=int_array(moments),
                users=int_array(user or None for user in users),
                partners=int_array(partner or None for partner in partners),
                data=text_array(
                    json.dumps(values) if values else None for values in data
                ),
            )
        )

    @api.model
    def _promise_events(self, tickets):
        """What was promised on tickets and became of it, without what was taken back.

        :return: dict of ticket to a dict of kind (promised, missed, excused, merged) to
            events, in the order in which they were written
        """
        kinds = ("promised", "missed", "excused", "merged")
        found = self.search(
            [("ticket_id", "in", tickets.ids), ("kind", "in", [*kinds, "taken_back"])],
            order="id",
        )
        void = {
            event_id
            for event in found
            if event.kind == "taken_back"
            for event_id in event.data["events"]
        }
        counting = found.filtered(lambda event: event.id not in void)
        return {
            ticket: {
                kind: events.filtered(lambda event, kind=kind: event.kind == kind)
                for kind in kinds
            }
            for ticket, events in counting.grouped("ticket_id").items()
        }

    @api.model
    def _history(self, ticket_ids):
        """Events of tickets as the clock wants them, without what was taken back.

        :return: dict of ticket id to a list of `clock.Event`, oldest first
        """
        self.env.cr.execute(
            SQL(
                """
                SELECT id, ticket_id, kind, date_part('epoch', at)::bigint, data
                  FROM csp_ticket_event
                 WHERE ticket_id = ANY(%s)
                 ORDER BY ticket_id, at, id
                """,
                list(ticket_ids),
            )
        )
        rows = self.env.cr.fetchall()
        taken_back = {
            event_id
            for _id, _ticket_id, kind, _at, data in rows
            if kind == "taken_back"
            for event_id in data["events"]
        }
        history = {ticket_id: [] for ticket_id in ticket_ids}
        for event_id, ticket_id, kind, at, data in rows:
            if event_id not in taken_back:
                history[ticket_id].append(clock.Event(kind, at, data or {}))
        return {
            ticket_id: clock.in_order(events) for ticket_id, events in history.items()
        }
