from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import clock
from ..tools.epoch import from_epoch, to_epoch

#: A running promise is at risk when less than this part of its time is left.
RISK_SHARE = 4
#: For so long the client counts opening time by itself before it asks again.
SPANS_DAYS = 8
#: Promises that one look at a ticket shows, the latest of each kind.
SHOWN_KINDS = clock.KINDS


class HelpdeskTicket(models.Model):
    """How the promises of tickets stand at this moment, for people.

    All of this depends on now, so that nothing of it is stored.
    """

    _inherit = "helpdesk.ticket"

    csp_is_late = fields.Boolean(
        string="Late",
        compute="_compute_csp_due",
        search="_search_csp_is_late",
        compute_sudo=True,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
        help="Something promised is past its deadline and still open.",
    )
    csp_is_at_risk = fields.Boolean(
        string="At risk",
        compute="_compute_csp_due",
        search="_search_csp_is_at_risk",
        compute_sudo=True,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
        help="Something promised is not late yet, but less than a quarter of its time "
        "is left, counted in opening time.",
    )
    csp_late_seconds = fields.Integer(
        string="Late by (s)",
        compute="_compute_csp_due",
        compute_sudo=True,
        aggregator=None,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
        help="Opening seconds since the earliest deadline that was missed.",
    )

    # The order of the list: what is due first, what has no deadline last.
    _csp_by_due = models.Index("(csp_next_deadline, priority DESC, id DESC)")

    # === Late, at risk ===

    @api.depends("csp_next_deadline")
    def _compute_csp_due(self):
        now = to_epoch(fields.Datetime.now())
        opening_time = self.env["csp.commitment"]._opening_time
        late, at_risk = {}, set()
        for ticket_id, hours_id, target, deadline in self._csp_running_promises():
            hours = opening_time(hours_id)
            if deadline < now:
                seconds = hours.open_seconds(deadline, now)
                late[ticket_id] = max(late.get(ticket_id, 0), seconds)
            elif hours.open_seconds(now, deadline) * RISK_SHARE < target:
                at_risk.add(ticket_id)
        for ticket in self:
            real_id = ticket._origin.id
            ticket.csp_is_late = real_id in late
            ticket.csp_late_seconds = late.get(real_id, 0)
            ticket.csp_is_at_risk = real_id in at_risk and real_id not in late

    def _csp_running_promises(self):
        """Promises of these tickets whose clock runs towards or past a deadline.

        :return: list of (ticket id, hours id, target in seconds, deadline in epoch
            seconds)
        """
        if not self.ids:
            return []
        Commitment = self.env["csp.commitment"]
        Commitment.flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT ticket_id, hours_id, target_seconds,
                       EXTRACT(EPOCH FROM deadline)::bigint
                  FROM csp_commitment
                 WHERE ticket_id = ANY(%s)
                   AND ended_at IS NULL
                   AND running_since IS NOT NULL
                   AND deadline IS NOT NULL
                """,
                self.ids,
            )
        )

    @api.model
    def _search_csp_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        return _either(Domain("csp_next_deadline", "<", fields.Datetime.now()), value)

    @api.model
    def _search_csp_is_at_risk(self, operator, value):
        """Tickets with a promise in the last quarter of its time.

        That quarter is opening time: for each pair of hours and target in use, the
        deadlines before the moment at which so much opening time will have passed.
        """
        if operator != "in":
            return NotImplemented
        now = fields.Datetime.now()
        # sudo: csp.commitment: only which tickets are urgent; the caller's own rules
        # decide which of them he finds
        Commitment = self.env["csp.commitment"].sudo()
        open_now = Domain("state", "=", clock.RUNNING) & Domain("deadline", ">=", now)
        horizons = []
        for hours, target in Commitment._read_group(
            domain=open_now, groupby=["hours_id", "target_seconds"]
        ):
            until = Commitment._opening_time(hours.id).plan_deadline(
                to_epoch(now), -(-target // RISK_SHARE)
            )
            if until is not None:
                horizons.append(
                    Domain("hours_id", "=", hours.id)
                    & Domain("target_seconds", "=", target)
                    & Domain("deadline", "<", from_epoch(until))
                )
        urgent = Commitment._search(open_now & Domain.OR(horizons))
        at_risk = Domain("id", "in", urgent.subselect("ticket_id"))
        return _either(at_risk & ~Domain("csp_next_deadline", "<", now), value)

    # === The panel on the ticket ===

    def csp_panel_data(self):
        """All that the service panel of this ticket shows and counts with.

        Moments are UTC epoch seconds, durations opening seconds. What has been used
        is as of ``now``; from there the client counts on with the open ``spans`` of
        the hours, which reach ``until``.

        :return: dict with ``now``, ``until``, ``promises``, ``hours``, the policy and
            what the user may do
        :raises AccessError: when the user may not read the ticket
        """
        self.ensure_one()
        self.check_access("read")
        now = to_epoch(fields.Datetime.now())
        until = now + SPANS_DAYS * clock.DAY
        rows = self._csp_shown_promises()
        version, line = self.csp_policy_version_id, self.csp_policy_line_id
        user = self.env.user
        is_manager = user.has_group("customer_service_plan.group_manager")
        can_write = self.has_access("write")
        return {
            "ticket": self.id,
            "now": now,
            "until": until,
            "policy": version.display_name or False,
            "policy_version": version.id,
            "condition": line.condition_text or False,
            "segment": self.csp_segment_id.name or False,
            "is_complaint": self.csp_is_complaint,
            "waiting_on": self.csp_waiting_on or "none",
            "closed_as": self.csp_closed_as or False,
            "reopen_count": self.csp_reopen_count,
            "promises": [self._csp_panel_promise(row, now) for row in rows],
            "hours": {
                hours.id: self._csp_panel_hours(hours, now, until)
                for hours in rows.hours_id
            },
            "no_promise": not rows and self._csp_no_promise_text(),
            "can_write": can_write,
            "can_skip_answer": can_write
            and bool(self.csp_unanswered_since)
            and not self.csp_closed_as,
            "can_excuse": is_manager,
        }

    def _csp_shown_promises(self):
        """The latest promise of each kind; a cancelled one only if it is the only."""
        latest = {}
        for row in self.csp_commitment_ids.sorted(lambda row: (row.started_at, row.id)):
            known = latest.get(row.kind)
            if not known or row.state != clock.CANCELLED or not row.ended_at:
                latest[row.kind] = row
            elif known.state == clock.CANCELLED:
                latest[row.kind] = row
        shown = [latest[kind] for kind in SHOWN_KINDS if kind in latest]
        return self.env["csp.commitment"].concat(*shown)

    def _csp_panel_promise(self, row, now):
        kinds = dict(row._fields["kind"]._description_selection(self.env))
        used = row.consumed_seconds
        runs = bool(row.running_since) and not row.ended_at
        if runs:
            hours = row._opening_time(row.hours_id.id)
            used += hours.open_seconds(to_epoch(row.running_since), now)
        return {
            "id": row.id,
            "kind": row.kind,
            "label": kinds[row.kind],
            "state": row.state,
            "hours": row.hours_id.id or 0,
            "target": row.target_seconds,
            "used": used,
            "runs": runs,
            "never_due": runs and not row.deadline,
            "started_at": _seconds(row.started_at),
            "deadline": _seconds(row.deadline or row.missed_at),
            "ended_at": _seconds(row.ended_at),
            "overrun": row.overrun_seconds,
            "excuse": row.excuse_reason or False,
        }

    def _csp_panel_hours(self, hours, now, until):
        # sudo: csp.hours: the table behind a promise that the user sees; only when it
        # is open is told
        timeline = hours.sudo()._timeline()
        return {
            "name": hours.sudo().display_name,
            "spans": timeline.get_spans(now, until),
            "next_opening": timeline.next_opening(now),
        }

    def _csp_no_promise_text(self):
        """Why nothing is promised on this ticket, in one sentence."""
        self.ensure_one()
        if self.csp_import_ref:
            return self.env._("Imported history: nothing was promised.")
        if not self.csp_seen_match:
            return self.env._(
                "This ticket is older than the service plan: nothing was promised."
            )
        if self.csp_closed_as and not self.csp_policy_line_id:
            return self.env._("It ended without a promise.")
        if not self.csp_policy_line_id:
            return self.env._("No promise: no policy fits this ticket.")
        return self.env._("The policy says openly that no times are promised.")

    # === Acts of managers on lists ===

    def action_csp_apply_todays_policies(self):
        """Promise the chosen open tickets what the policies in force today say."""
        changed = self.action_csp_match_again()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if changed else "info",
                "message": self.env._(
                    "%(changed)s of %(chosen)s tickets have another promise now.",
                    changed=len(changed),
                    chosen=len(self),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_csp_view_promises(self):
        """List all promises of this ticket, the ended ones too."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_commitment_action"
        )
        action.update(
            {
                "display_name": self.env._("Promises on %s", self.number),
                "domain": [("ticket_id", "=", self.id)],
                "context": {},
            }
        )
        return action

    def action_csp_view_events(self):
        """List what happened on this ticket, as far as its promises are concerned."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_ticket_event_action"
        )
        action.update(
            {
                "display_name": self.env._("Events on %s", self.number),
                "domain": [("ticket_id", "=", self.id)],
                "context": {},
            }
        )
        return action

    # === Demo data ===

    @api.model
    def _csp_fill_demo(self):
        """Create the tickets of the demo company. Called by its data file only."""
        # Read only where demo data is installed.
        from ..demo import company

        company.fill(self.env)


def _either(domain, wanted):
    """What to search for so that `domain` holds, does not hold, or either."""
    if True in wanted and False in wanted:
        return Domain.TRUE
    return domain if True in wanted else ~domain


def _seconds(moment):
    return to_epoch(moment) if moment else False
