from collections import defaultdict

from odoo import fields, models
from odoo.fields import Command

from ..tools import clock
from ..tools.epoch import from_epoch, to_epoch
from .protected import BY_ADDON


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

    def _csp_take_back_promise(self, version):
        """Undo `_csp_promise_from_receipt` where it gave a promise of `version`.

        Nothing is deleted: an event says that the promise, and what was missed of it,
        do not count. A ticket keeps its promise if that was given at its receipt, or if
        it was changed, excused or joined with that of another ticket since.

        :return: the tickets that have no promise any more
        """
        # sudo: helpdesk.ticket, csp.ticket.event: a manager's act, see the caller
        tickets = self.sudo().with_context(active_test=False, csp_by_addon=BY_ADDON)
        Event = tickets.env["csp.ticket.event"]
        now = to_epoch(fields.Datetime.now())
        rows, unfollowed, guessed = [], tickets.browse(), tickets.browse()
        by_as_of = defaultdict(tickets.browse)
        for ticket, events in Event._promise_events(tickets).items():
            promised, missed = events["promised"], events["missed"]
            before = promised.data.get("afterwards") if len(promised) == 1 else None
            if (
                not before
                or promised.data["version"] != version.id
                or events["excused"]
                or events["merged"]
            ):
                continue
            data = {
                "events": (promised | missed).ids,
                "version": promised.data["version"],
                "line": promised.data["line"],
            }
            rows.append((ticket.id, "taken_back", now, self.env.uid, None, data))
            by_as_of[before["as_of"]] |= ticket
            if not before["followed"]:
                unfollowed |= ticket
            if before["guessed_segments"]:
                guessed |= ticket
        Event._insert(rows)
        unfollowed.write({"csp_seen_match": False})
        guessed.write({"csp_segment_ids": [Command.clear()], "csp_segment_id": False})
        for as_of, same in by_as_of.items():
            as_of = as_of is not None and from_epoch(as_of)
            same.write({"csp_promised_as_of": as_of})
        result = self.browse(row[0] for row in rows)
        self.env.flush_all()
        result._csp_replay()
        return result

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
