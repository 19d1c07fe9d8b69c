from odoo import models

from ..tools import clock
from ..tools.epoch import to_epoch


class HelpdeskTicket(models.Model):
    """Tickets from before the addon, once a manager puts them under promise."""

    _inherit = "helpdesk.ticket"

    def _csp_promise_from_receipt(self, version):
        self._csp_note_past()
        return super()._csp_promise_from_receipt(version)

    def action_csp_match_again(self):
        """Promises are measured from what happened: note it where nobody did yet."""
        self._csp_note_past()
        return super().action_csp_match_again()

    def _csp_note_past(self):
        """Write down what is known of tickets that were there before the addon: when
        they came, and how they stood when it was installed."""
        # sudo: helpdesk.ticket, csp.ticket.event: facts; the callers check who asks
        tickets = self.sudo().with_context(active_test=False)
        Event = tickets.env["csp.ticket.event"]
        known = dict(
            Event._read_group(
                domain=[("ticket_id", "in", tickets.ids)],
                groupby=["ticket_id"],
                aggregates=["kind:array_agg"],
            )
        )
        rows = []
        for ticket in tickets:
            kinds = set(known.get(ticket, ()))
            if "received" in kinds:
                continue
            received_at = to_epoch(ticket.csp_received_at or ticket.create_date)
            rows.append((ticket.id, "received", received_at, None, None, None))
            if ticket.csp_closed_as and not kinds & {"closed", "reopened"}:
                closed_at = ticket.csp_closed_at or ticket.write_date
                data = {"outcome": ticket.csp_closed_as}
                at = max(to_epoch(closed_at), received_at)
                rows.append((ticket.id, "closed", at, None, None, data))
            waiting_on = ticket.csp_waiting_on or clock.NOT_WAITING
            if waiting_on != clock.NOT_WAITING and not kinds & {"paused", "resumed"}:
                since = ticket.last_stage_update or ticket.write_date
                at = max(to_epoch(since), received_at)
                rows.append(
                    (ticket.id, "paused", at, None, None, {"waiting_on": waiting_on})
                )
        Event._insert(rows)
