import logging
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from psycopg2 import errors

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import clock, escalation
from ..tools.dossier import ROW_FIELDS, Dossier, get_content
from ..tools.epoch import from_epoch, to_epoch
from ..tools.sql_array import int_array, text_array
from ..tools.timeline import Timeline
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

COMMITMENT_KINDS = [
    ("first_response", "First reply"),
    ("next_response", "Further reply"),
    ("resolution", "Solution"),
]
COMMITMENT_STATES = [
    ("running", "Running"),
    ("paused", "Paused"),
    ("met", "Kept"),
    ("missed", "Missed"),
    ("excused", "Excused"),
    ("cancelled", "Cancelled"),
]
#: What is promised on a ticket without any hours table runs day and night.
ALWAYS_OPEN = Timeline("UTC", always_open=True)
#: A record that fails is looked at again after so long; the others go on.
RETRY_AFTER = timedelta(hours=1)
#: How often a batch is taken again when another worker was faster.
MAX_CONFLICTS = 20
#: Somebody else has changed, or is changing, what we want to.
CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)

#: First half of the keys of advisory locks: the other one is the id of a user who is
#: being told of escalations, or 0, shared by those who find out what is due.
LOCK_SPACE = 0x6373706E

#: By database, the deadline (epoch seconds) for which this process knows the sweep to
#: be planned. Not knowing better only costs a query.
_SWEEP_PLANNED_AT: dict[str, int] = {}

#: Columns of a ticket that are written from its dossier, in the order of
#: `_ticket_values`, with their kinds of value. Ids are 0 for none, moments are epoch
#: seconds.
TICKET_COLUMNS = {
    "csp_received_at": "moment",
    "csp_first_response_at": "moment",
    "csp_unanswered_since": "moment",
    "csp_last_contact_at": "moment",
    "csp_waiting_on": "text",
    "csp_closed_as": "text",
    "csp_closed_at": "moment",
    "csp_reopen_count": "number",
    "csp_handover_count": "number",
    "csp_policy_version_id": "id",
    "csp_policy_line_id": "id",
    "csp_hours_id": "id",
    "csp_segment_id": "id",
    "csp_next_deadline": "moment",
    "csp_next_kind": "text",
    "csp_promised_as_of": "moment",
    "csp_taken_by_id": "id",
    "csp_taken_at": "moment",
    "csp_escalated_at": "moment",
    "csp_seen_state": "text",
    "csp_seen_match": "text",
}
#: Columns of a commitment, with their kinds of value, by what its row calls them.
ROW_COLUMNS = {
    "version": ("policy_version_id", "id"),
    "line": ("policy_line_id", "id"),
    "hours": ("hours_id", "id"),
    "target": ("target_seconds", "number"),
    "started_at": ("started_at", "moment"),
    "consumed": ("consumed_seconds", "number"),
    "running_since": ("running_since", "moment"),
    "deadline": ("deadline", "moment"),
    "state": ("state", "text"),
    "ended_at": ("ended_at", "moment"),
    "missed_at": ("missed_at", "moment"),
    "overrun": ("overrun_seconds", "number"),
    "escalated_to": ("escalated_to", "number"),
}


class DueSteps(NamedTuple):
    """Steps of one escalation list that are due on a promise or a concern, oldest
    first. Several at once were found late."""

    ticket: int
    chain: int
    steps: tuple[escalation.Step, ...]
    commitment: int = 0
    concern: int = 0


class CspCommitment(models.Model):
    """One promise on one ticket: its target, its clock, and how it ended.

    Derived from the events of the ticket by `tools/clock.py`, live and in replay alike;
    written by the addon only.
    """

    _name = "csp.commitment"
    _inherit = ["csp.protected"]
    _description = "Promise on a Ticket"
    # The events say who did what and when; this only follows from them.
    _log_access = False
    _order = "deadline, id"
    _rec_name = "kind"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="ticket_id.company_id", store=True, string="Company"
    )
    kind = fields.Selection(selection=COMMITMENT_KINDS, required=True, readonly=True)
    policy_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Policy",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    policy_line_id = fields.Many2one(
        comodel_name="csp.policy.line",
        string="Promised to",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Counted in",
        readonly=True,
        ondelete="restrict",
        help="Opening hours in which the times run; empty: day and night.",
    )
    hours_revision = fields.Integer(
        readonly=True,
        aggregator=None,
        help="The state of the hours that the deadline was planned with.",
    )
    target_seconds = fields.Integer(
        string="Target (s)",
        readonly=True,
        aggregator="avg",
        help="Promised opening time in seconds.",
    )
    started_at = fields.Datetime(string="Since", required=True, readonly=True)
    consumed_seconds = fields.Integer(
        string="Used (s)",
        readonly=True,
        aggregator="avg",
        help="Opening seconds used up to the moment the clock last started.",
    )
    running_since = fields.Datetime(readonly=True)
    deadline = fields.Datetime(
        string="Due",
        readonly=True,
        help="Empty while paused, and when the hours never open again.",
    )
    state = fields.Selection(
        selection=COMMITMENT_STATES, required=True, readonly=True, index=True
    )
    ended_at = fields.Datetime(
        string="Ended", readonly=True, help="Empty and missed: still open, and late."
    )
    missed_at = fields.Datetime(string="Missed on", readonly=True)
    overrun_seconds = fields.Integer(
        string="Late by (s)",
        readonly=True,
        aggregator="avg",
        help="Opening seconds beyond the target when it ended.",
    )
    next_step_at = fields.Datetime(
        readonly=True, help="When the service plan looks at this promise next."
    )
    escalated_to = fields.Integer(
        readonly=True,
        aggregator=None,
        help="How far its escalation has come: opening seconds from the deadline.",
    )
    escalation_revision = fields.Integer(
        readonly=True,
        aggregator=None,
        help="The state of the escalation lists that the next step was planned with.",
    )
    # For lists and groupings
    partner_id = fields.Many2one(related="ticket_id.partner_id")
    team_id = fields.Many2one(related="ticket_id.team_id")
    user_id = fields.Many2one(related="ticket_id.user_id")
    channel_id = fields.Many2one(related="ticket_id.channel_id")
    late_seconds = fields.Integer(
        string="Late by (now)",
        compute="_compute_late_seconds",
        aggregator=None,
        help="Opening seconds beyond the target, until it ended or until now.",
    )
    excuse_reason = fields.Char(compute="_compute_excuse_reason")

    _due = models.Index("(next_step_at) WHERE next_step_at IS NOT NULL")
    _open_by_hours = models.Index(
        "(hours_id, hours_revision) WHERE state IN ('running', 'paused')"
    )
    _open_by_escalation = models.Index(
        "(company_id, escalation_revision) WHERE ended_at IS NULL"
    )
    _one_open_per_kind = models.UniqueIndex(
        "(ticket_id, kind) WHERE ended_at IS NULL",
        "A ticket has one open promise of a kind at most.",
    )

    def _compute_excuse_reason(self):
        excused = self.filtered(lambda row: row.state == "excused")
        reasons = {}
        events = self.env["csp.ticket.event"].search(
            [("ticket_id", "in", excused.ticket_id.ids), ("kind", "=", "excused")]
        )
        for event in events:
            data = event.data or {}
            key = event.ticket_id.id, data.get("commitment"), data.get("started_at")
            reasons[key] = data.get("reason")
        for row in self:
            key = row.ticket_id.id, row.kind, to_epoch(row.started_at)
            row.excuse_reason = row.state == "excused" and reasons.get(key)

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

    @api.depends("kind", "ticket_id")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for row in self:
            row.display_name = f"{labels.get(row.kind, '')} · {row.ticket_id.number}"

    # === Excusing ===

    def action_excuse(self, reason):
        """Excuse missed promises: they are counted apart from then on.

        :param str reason: why the miss is not held against the staff; kept for good
        :raises AccessError: for anyone but a service plan manager
        :raises UserError: without a reason, or when a promise is not missed
        """
        if not self.env.user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._("Only a service plan manager can excuse a missed promise.")
            )
        self.check_access("read")
        self.ticket_id.check_access("write")
        reason = (reason or "").strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Say why the promise could not be kept: it is recorded.")
            )
        if self.filtered(lambda row: row.state != clock.MISSED):
            raise UserError(self.env._("Only a missed promise can be excused."))
        now = to_epoch(fields.Datetime.now())
        # sudo: csp.commitment: the manager was checked above, nobody writes these
        self.sudo().with_context(csp_by_addon=BY_ADDON).write({"state": clock.EXCUSED})
        self.flush_recordset(["state"])
        self.env["csp.ticket.event"]._insert(
            [
                (
                    row.ticket_id.id,
                    "excused",
                    now,
                    self.env.uid,
                    None,
                    {
                        "commitment": row.kind,
                        "started_at": to_epoch(row.started_at),
                        "reason": reason,
                    },
                )
                for row in self
            ]
        )
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for row in self:
            row.ticket_id._message_log(
                body=self.env._(
                    "%(kind)s excused: %(reason)s", kind=labels[row.kind], reason=reason
                )
            )
        # sudo: csp.escalation: whoever waits for the morning need not be told any more
        self.env["csp.escalation"].sudo()._settle(self.ids)
        self.ticket_id._csp_facts_written()
        return True

    # === From the database and back ===

    @api.model
    def _opening_time(self, hours_id):
        """Opening time of a table by its id, for the clock; 0 is always open."""
        if not hours_id:
            return ALWAYS_OPEN
        # sudo: csp.hours: a clock runs whoever touches the ticket
        return self.env["csp.hours"].sudo().browse(hours_id)._timeline()

    @api.model
    def _open_dossiers(self, ticket_ids):
        """Read what is stored about tickets, in one query.

        Of the commitments those that can still change: the ones that have not ended,
        and the ones that the last closing ended.

        The tickets are locked: of two who change a ticket at the same time the second
        one waits, and begins again with what the first one did.

        :return: dict of ticket id to `Dossier`
        """
        Ticket = self.env["helpdesk.ticket"]
        Ticket.flush_model(TICKET_COLUMNS)
        self.env.cr.execute(
            SQL(
                """
                SELECT t.id, t.company_id,
                       date_part('epoch', COALESCE(t.csp_received_at, t.create_date))
                           ::bigint,
                       date_part('epoch', t.csp_first_response_at)::bigint,
                       date_part('epoch', t.csp_unanswered_since)::bigint,
                       t.csp_waiting_on, t.csp_closed_as,
                       date_part('epoch', t.csp_closed_at)::bigint,
                       t.csp_reopen_count, t.csp_handover_count,
                       t.csp_policy_version_id, t.csp_policy_line_id, t.csp_hours_id,
                       l.first_response_minutes, l.next_response_minutes,
                       l.resolution_minutes,
                       t.csp_segment_id, t.csp_seen_state, t.csp_seen_match,
                       date_part('epoch', t.csp_promised_as_of)::bigint,
                       c.id, c.kind, c.target_seconds, c.hours_id,
                       c.policy_line_id, c.policy_version_id,
                       date_part('epoch', c.started_at)::bigint,
                       c.state, c.consumed_seconds,
                       date_part('epoch', c.running_since)::bigint,
                       date_part('epoch', c.deadline)::bigint,
                       date_part('epoch', c.ended_at)::bigint,
                       date_part('epoch', c.missed_at)::bigint,
                       c.overrun_seconds,
                       c.hours_revision, COALESCE(h.revision, 0),
                       ARRAY(
                           SELECT helpdesk_ticket_tag_id FROM %(tags)s
                            WHERE helpdesk_ticket_id = t.id
                       ),
                       date_part('epoch', t.csp_last_contact_at)::bigint,
                       t.csp_taken_by_id,
                       date_part('epoch', t.csp_taken_at)::bigint,
                       date_part('epoch', t.csp_escalated_at)::bigint,
                       t.csp_is_complaint, c.escalated_to
                  FROM helpdesk_ticket t
             LEFT JOIN csp_policy_line l ON l.id = t.csp_policy_line_id
             LEFT JOIN csp_commitment c
                    ON c.ticket_id = t.id
                   AND (c.ended_at IS NULL OR c.ended_at = t.csp_closed_at)
             LEFT JOIN csp_hours h ON h.id = c.hours_id
                 WHERE t.id = ANY(%(tickets)s)
              ORDER BY t.id, c.started_at, c.id
                   FOR NO KEY UPDATE OF t
                """,
                tags=SQL.identifier(Ticket._fields["tag_ids"].relation),
                tickets=list(ticket_ids),
            ),
            # Somebody else changes the ticket: the server runs the request again.
            log_exceptions=False,
        )
        dossiers = {}
        fetched = self.env.cr.fetchall()
        for hours_id, revision in {(row[23], row[35]) for row in fetched if row[23]}:
            if self._opening_time(hours_id).revision != revision:
                # sudo: csp.hours: as in `_opening_time`
                self.env["csp.hours"].sudo().browse(hours_id)._reread_timeline()
        for row in fetched:
            dossier = dossiers.get(row[0])
            if dossier is None:
                dossier = dossiers[row[0]] = self._new_dossier(row)
            if row[20]:
                dossier.add_stored_row(
                    clock.Commitment(
                        id=row[20],
                        kind=row[21],
                        target=row[22],
                        hours=row[23] or 0,
                        line=row[24] or 0,
                        version=row[25] or 0,
                        started_at=row[26],
                        state=row[27],
                        consumed=row[28] or 0,
                        running_since=row[29],
                        deadline=row[30],
                        ended_at=row[31],
                        missed_at=row[32],
                        overrun=row[33] or 0,
                        escalated_to=row[42],
                    ),
                    stale=row[23] and row[34] != row[35],
                )
        for dossier in dossiers.values():
            # What never was looked at may be empty in the database.
            if dossier.seen_state:
                dossier.stored_facts = _ticket_values(dossier)
        return dossiers

    def _blank_dossier(self, ticket):
        """The dossier of a ticket that was just created."""
        received_at = to_epoch(ticket.csp_received_at or ticket.create_date)
        dossier = Dossier(
            ticket=ticket.id,
            company=ticket.company_id.id,
            case=clock.Case(
                hours=self._opening_time,
                received_at=received_at,
                last_contact_at=received_at,
            ),
            is_complaint=ticket.csp_is_complaint,
        )
        if ticket.csp_waiting_on:
            # It was created with the facts of such a dossier, and not with none at all.
            dossier.stored_facts = _ticket_values(dossier)
        return dossier

    def _new_dossier(self, row):
        promise = None
        if row[11]:
            minutes = dict(zip(clock.KINDS, row[13:16], strict=True))
            promise = clock.Promise(
                targets={kind: value * 60 for kind, value in minutes.items() if value},
                hours=row[12] or 0,
                line=row[11],
                version=row[10] or 0,
            )
        return Dossier(
            ticket=row[0],
            company=row[1],
            case=clock.Case(
                hours=self._opening_time,
                received_at=row[2],
                first_response_at=row[3],
                unanswered_since=row[4],
                last_contact_at=row[37],
                waiting_on=row[5] or clock.NOT_WAITING,
                closed_as=row[6] or "",
                closed_at=row[7],
                reopen_count=row[8] or 0,
                taken_by=row[38] or 0,
                taken_at=row[39],
                escalated_at=row[40],
                promise=promise,
            ),
            is_complaint=bool(row[41]),
            handovers=row[9] or 0,
            segment=row[16] or 0,
            seen_state=row[17] or "",
            seen_match=row[18],
            as_of=row[19],
            tags=row[36],
        )

    @api.model
    def _add_histories(self, dossiers):
        """Give dossiers the events written so far, in one query."""
        without = [dossier for dossier in dossiers if not dossier.has_history]
        if without:
            history = self.env["csp.ticket.event"]._history(
                [dossier.ticket for dossier in without]
            )
            for dossier in without:
                dossier.add_history(history[dossier.ticket])

    @api.model
    def _renew_stale(self, dossiers, now):
        """Plan anew what waits for it since its hours changed.

        Whoever touches a ticket does this first, so that no promise is missed by an
        old plan.
        """
        stale = [dossier for dossier in dossiers if dossier.stale]
        self._add_histories(stale)
        for dossier in stale:
            dossier.measure_stale(now)
        return stale

    @api.model
    def _close_dossiers(self, dossiers, saved_tickets=None):
        """Write events, commitments and ticket facts: one statement a table.

        :param saved_tickets: tickets that are being saved anyhow; their facts are saved
            with the rest of them then, and need no statement
        """
        dossiers = list(dossiers)
        self.env["csp.ticket.event"]._insert(
            [
                (dossier.ticket, noted.kind, noted.at, noted.user, noted.partner, data)
                for dossier in dossiers
                for noted in dossier.noted
                for data in (dict(noted.data),)
            ]
        )
        changed = [
            (dossier, row, before)
            for dossier in dossiers
            for row, before in dossier.changed_rows()
        ]
        if changed:
            self._update_rows(changed)
        new = [(dossier, row) for dossier in dossiers for row in dossier.new_rows()]
        if new:
            self._insert_rows(new)
        facts = self._changed_facts(dossiers)
        ids = [dossier.ticket for dossier in dossiers]
        if saved_tickets is not None:
            saved_tickets._csp_keep_facts(ids, facts)
        elif facts:
            columns = {name: (TICKET_COLUMNS[name], facts[name]) for name in facts}
            self._update_from("helpdesk_ticket", ids, columns)
        written = self.browse(row.id for _dossier, row, _before in changed)
        written.invalidate_recordset(flush=False)
        self.env["csp.escalation.concern"]._keep(dossiers)
        self.env["csp.escalation"]._settle(
            [
                row
                for dossier in dossiers
                if dossier.case.escalated_at is not None
                for row in dossier.ended_rows()
            ]
        )

    @api.model
    def _changed_facts(self, dossiers):
        """Columns in which a ticket is to say something else than is stored.

        :return: dict of column to its values for all tickets, in the order of dossiers
        """
        after = zip(*map(_ticket_values, dossiers), strict=True)
        if not all(dossier.stored_facts for dossier in dossiers):
            return dict(zip(TICKET_COLUMNS, after, strict=True))
        before = zip(*(dossier.stored_facts for dossier in dossiers), strict=True)
        return {
            column: new
            for column, old, new in zip(TICKET_COLUMNS, before, after, strict=False)
            if new != old
        }

    @api.model
    def _planned_values(self, planned):
        """Columns that follow from the rest of a row, its hours and escalation list.

        :param planned: list of (dossier, row)
        """
        rows = [row for _dossier, row in planned]
        revisions = {
            hours: self._opening_time(hours).revision
            for hours in {row.hours for row in rows}
        }
        escalations = self._escalations(dossier for dossier, _row in planned)
        now = to_epoch(fields.Datetime.now())
        moments = []
        for dossier, row in planned:
            moment = self._next_step_of(
                row, escalations[dossier.company], dossier.is_complaint, now
            )
            moments.append(moment)
            if moment is not None:
                dossier.wake_up_at(moment)
        return {
            "hours_revision": ("number", [revisions[row.hours] for row in rows]),
            "escalation_revision": (
                "number",
                [escalations[dossier.company].revision for dossier, _row in planned],
            ),
            "next_step_at": ("moment", moments),
        }

    @api.model
    def _escalations(self, dossiers):
        """By company of these dossiers, which escalation lists its tickets follow."""
        rules = self.env["csp.policy"]._compiled_rules
        return {
            company: rules(company).escalation
            for company in {dossier.company for dossier in dossiers}
        }

    @api.model
    def _next_step_of(self, row, lists, is_complaint, now):
        """When a promise must be looked at next, in epoch seconds, or None."""
        deadline = row.deadline if row.state == clock.RUNNING else None
        chain = lists.chain_of(row.version, is_complaint)
        if chain is None or row.running_since is None:
            return deadline
        hours = self._opening_time(row.hours)
        plan = escalation.plan_promise(row, chain, hours, now)
        step = now if plan.due else plan.next_at
        if step is None or deadline is None:
            return deadline if step is None else step
        return min(step, deadline)

    @api.model
    def _update_rows(self, changed):
        rows = [row for _dossier, row, _before in changed]
        after = zip(*map(get_content, rows), strict=True)
        before = zip(*(before for _dossier, _row, before in changed), strict=True)
        columns = {
            ROW_COLUMNS[name][0]: (ROW_COLUMNS[name][1], new)
            for name, old, new in zip(ROW_FIELDS, before, after, strict=True)
            if new != old
        }
        columns.update(
            self._planned_values([(dossier, row) for dossier, row, _before in changed])
        )
        self._update_from("csp_commitment", [row.id for row in rows], columns)

    @api.model
    def _insert_rows(self, new):
        rows = [row for _dossier, row in new]
        columns = {
            "ticket_id": ("id", [dossier.ticket for dossier, _row in new]),
            "company_id": ("id", [dossier.company for dossier, _row in new]),
            "kind": ("text", [row.kind for row in rows]),
            **{
                column: (kind, [getattr(row, name) for row in rows])
                for name, (column, kind) in ROW_COLUMNS.items()
            },
            **self._planned_values(new),
        }
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO csp_commitment (%(columns)s)
                SELECT %(values)s FROM unnest(%(arrays)s) AS row(%(columns)s)
                """,
                columns=_names(columns),
                values=_values(columns),
                arrays=_arrays(columns),
            )
        )

    @api.model
    def _update_from(self, table, ids, columns):
        """`UPDATE` many rows, each with its own values, in one statement.

        :param columns: dict of column to its kind of value, and the values in the order
            of `ids`
        """
        if not ids:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE %(table)s AS target
                   SET (%(names)s) = ROW(%(values)s)
                  FROM unnest(%(ids)s::int[], %(arrays)s) AS row(id, %(names)s)
                 WHERE target.id = row.id
                """,
                table=SQL.identifier(table),
                values=_values(columns),
                ids=int_array(ids),
                arrays=_arrays(columns),
                names=_names(columns),
            ),
            # Where two meet, the second one begins again: that is nothing to report.
            log_exceptions=False,
        )

    # === Sweep ===

    @api.model
    def _cron_sweep(self, batch_size=200):
        """Mark what has become late, take the escalation steps that are due, and tell
        whoever is to be told, in batches that several workers may share.

        Run twice or late, it comes to the same: a promise is missed at its deadline, a
        step is taken once.
        """
        Concern = self.env["csp.escalation.concern"]
        Notice = self.env["csp.escalation.notice"]
        for model, take in (
            (self, self._take_due),
            (Concern, Concern._take_due),
        ):
            domain = model._due_domain()
            while True:
                done = self._work_batch(take, batch_size)
                remaining = done and model.search_count(domain, limit=10 * batch_size)
                left = self.env["ir.cron"]._commit_progress(done, remaining=remaining)
                if not done or not left:
                    break
        Notice._send_due()
        self._wake_up_in_time()

    @api.model
    def _cron_replan(self, batch_size=200):
        """Plan anew the running promises whose hours or escalation lists changed."""
        # What fails stays as it is: taken again at once, it would keep this busy.
        failed = set()
        for take in (self._take_stale, self._take_by_other_list):
            take = partial(take, without=failed)
            while True:
                done = self._work_batch(take, batch_size, failed)
                left = self.env["ir.cron"]._commit_progress(done)
                if not done:
                    break
                if not left:
                    self._trigger_replan()
                    return
        self._wake_up_in_time()

    @api.model
    def _replan_hours(self, hours):
        """Have the running promises on these hours planned again, in the background.

        Until then whoever touches one of them plans it first (`_renew_stale`).
        """
        if hours:
            self._trigger_replan()

    @api.model
    def _trigger_replan(self):
        cron = self.env.ref(
            "customer_service_plan.ir_cron_replan", raise_if_not_found=False
        )
        if cron:
            # sudo: ir.cron: whoever may change hours has their promises replanned
            cron.sudo()._trigger()

    @api.model
    def _due_domain(self):
        return Domain("next_step_at", "<", fields.Datetime.now())

    @api.model
    def _take_due(self, limit):
        return take_due(self, limit)

    @api.model
    def _take_stale(self, limit, without=()):
        """Lock tickets whose running promises were planned with other hours."""
        return SQL(
            """
            SELECT t.id
              FROM csp_hours h
              JOIN csp_commitment c
                ON c.hours_id = h.id AND c.hours_revision <> h.revision
              JOIN helpdesk_ticket t ON t.id = c.ticket_id
             WHERE c.state IN ('running', 'paused')
               AND t.id <> ALL (%s)
             LIMIT %s
               FOR NO KEY UPDATE OF t, c SKIP LOCKED
            """,
            list(without),
            limit,
        )

    @api.model
    def _take_by_other_list(self, limit, without=()):
        """Lock tickets whose next step was planned with escalation lists that are not
        those of today."""
        return SQL(
            """
            SELECT t.id
              FROM res_company o
              JOIN csp_commitment c
                ON c.company_id = o.id AND c.ended_at IS NULL
               AND (c.escalation_revision < o.csp_escalation_revision
                    OR c.escalation_revision IS NULL AND o.csp_escalation_revision > 0)
              JOIN helpdesk_ticket t ON t.id = c.ticket_id
             WHERE t.id <> ALL (%s)
             LIMIT %s
               FOR NO KEY UPDATE OF t, c SKIP LOCKED
            """,
            list(without),
            limit,
        )

    @api.model
    def _work_batch(self, take, limit, failed=None):
        """Bring one batch of tickets up to date and give its size.

        The tickets and their promises are locked by the first statements of the
        transaction: under REPEATABLE READ it fails where another worker has changed
        one since, and then the batch is taken again on a new snapshot. The batch is one
        savepoint; only where that fails each ticket gets its own.

        :param set failed: gets the ids of tickets that could not be brought up to date
        """
        for _attempt in range(MAX_CONFLICTS):
            try:
                # Nobody is told while others still find out what there is to tell.
                self.env.cr.execute(
                    "SELECT pg_advisory_xact_lock_shared(%s, 0)", [LOCK_SPACE]
                )
                # Another worker was faster: that is nothing to report.
                self.env.cr.execute(take(limit), log_exceptions=False)
                ids = list(dict.fromkeys(row[0] for row in self.env.cr.fetchall()))
                if ids:
                    self._bring_batch_up_to_date(ids, failed)
                return len(ids)
            except CONFLICTS:
                self.env.cr.rollback()
        return 0

    @api.model
    def _bring_batch_up_to_date(self, ids, failed=None):
        try:
            # Flushing: what fails leaves nothing behind in memory either.
            with self.env.cr.savepoint():
                self._bring_up_to_date(ids)
        except CONFLICTS:
            raise
        except Exception:  # pylint: disable=broad-except
            # One bad record must not stop the others; it is found one by one.
            for ticket_id in ids:
                if not self._bring_one_up_to_date(ticket_id) and failed is not None:
                    failed.add(ticket_id)

    @api.model
    def _bring_one_up_to_date(self, ticket_id):
        try:
            with self.env.cr.savepoint():
                self._bring_up_to_date([ticket_id])
            return True
        except CONFLICTS:
            raise
        except Exception:  # pylint: disable=broad-except
            _logger.exception(
                "Ticket %s: its promises could not be brought up to date; "
                "tried again in %s",
                ticket_id,
                RETRY_AFTER,
            )
            now = fields.Datetime.now()
            for table in ("csp_commitment", "csp_escalation_concern"):
                self.env.cr.execute(
                    SQL(
                        """
                        UPDATE %s SET next_step_at = %s
                         WHERE ticket_id = %s AND next_step_at < %s
                        """,
                        SQL.identifier(table),
                        now + RETRY_AFTER,
                        ticket_id,
                        now,
                    )
                )
            return False

    @api.model
    def _bring_up_to_date(self, ticket_ids):
        """Plan anew what is stale, mark what is late, and take the steps that are due.

        Every open promise gets its next step planned, also where nothing was due: what
        was taken because it seemed due is not taken again at once.
        """
        now = to_epoch(fields.Datetime.now())
        dossiers = self._open_dossiers(ticket_ids).values()
        self._renew_stale(dossiers, now)
        for dossier in dossiers:
            dossier.plan_anew = True
            dossier.lapse(now)
        due = self._take_steps(dossiers, now)
        due += self.env["csp.escalation.concern"]._take_steps(dossiers, now)
        self._close_dossiers(dossiers)
        self.env["helpdesk.ticket"].browse(ticket_ids)._csp_facts_written()
        self.env["csp.escalation"]._carry_out(due)

    @api.model
    def _take_steps(self, dossiers, now):
        """Note the steps that are due on the promises of these dossiers.

        :return: list of `DueSteps`, one for each promise that has any
        """
        escalations = self._escalations(dossiers)
        due = []
        for dossier in dossiers:
            lists = escalations[dossier.company]
            for row in list(dossier.case.rows):
                chain = lists.chain_of(row.version, dossier.is_complaint)
                if chain is None or not row.id:
                    continue
                hours = self._opening_time(row.hours)
                plan = escalation.plan_promise(row, chain, hours, now)
                if not plan.due:
                    continue
                data = {
                    "commitment": row.kind,
                    "started_at": row.started_at,
                    "steps": [step.id for step in plan.due],
                    "upto": plan.come_to,
                }
                dossier.note("escalated", now, data)
                due.append(
                    DueSteps(dossier.ticket, chain.id, plan.due, commitment=row.id)
                )
        return due

    @api.model
    def _wake_up_in_time(self):
        """Let the sweep run when something becomes due next."""
        self.env.cr.execute(
            """
            SELECT least(
                (SELECT min(next_step_at) FROM csp_commitment
                  WHERE next_step_at IS NOT NULL),
                (SELECT min(next_step_at) FROM csp_escalation_concern
                  WHERE next_step_at IS NOT NULL),
                (SELECT min(due_at) FROM csp_escalation_notice
                  WHERE state = 'waiting')
            )
            """
        )
        next_step_at = self.env.cr.fetchone()[0]
        if next_step_at:
            self._wake_sweep_at(next_step_at)

    @api.model
    def _wake_sweep_after_commit(self, deadline):
        """Plan the sweep for a deadline (epoch seconds) that may be the next one."""
        cr = self.env.cr
        planned = _SWEEP_PLANNED_AT.get(cr.dbname, 0)
        if to_epoch(fields.Datetime.now()) < planned <= deadline:
            return
        # The cache of the cursor is emptied before what comes after the commit.
        asked = cr.postcommit.data.get("csp_sweep_asked_at")
        if asked is None:
            cr.postcommit.add(self._wake_sweep_as_asked)
        cr.postcommit.data["csp_sweep_asked_at"] = min(deadline, asked or deadline)

    @api.model
    def _wake_sweep_as_asked(self):
        deadline = self.env.cr.postcommit.data.pop("csp_sweep_asked_at", None)
        if deadline is None:
            return
        try:
            with self.env.registry.cursor() as cr:
                self.with_env(self.env(cr=cr))._wake_sweep_at(from_epoch(deadline))
        except Exception:  # pylint: disable=broad-except
            # What the user did is saved; the regular run of the sweep comes anyhow.
            _logger.warning("The sweep could not be planned", exc_info=True)
        else:
            _SWEEP_PLANNED_AT[self.env.cr.dbname] = deadline

    @api.model
    def _wake_sweep_at(self, moment):
        """Schedule the sweep at the first whole second after a deadline."""
        cron = self.env.ref(
            "customer_service_plan.ir_cron_sweep", raise_if_not_found=False
        )
        if not cron:
            return
        # sudo: ir.cron: the clock of a ticket needs the scheduler, whoever moved it
        cron = cron.sudo()
        at = max(moment + timedelta(seconds=1), fields.Datetime.now())
        planned = self.env["ir.cron.trigger"].sudo()
        now = fields.Datetime.now()
        if not planned.search_count(
            [("cron_id", "=", cron.id), ("call_at", ">=", now), ("call_at", "<=", at)],
            limit=1,
        ):
            cron._trigger(at)


#: How a kind of value comes into the database: its type in PostgreSQL, its array.
_KINDS = {
    "id": ("int", lambda values: int_array(value or None for value in values)),
    "number": ("int", int_array),
    "moment": ("bigint", int_array),
    "text": ("text", lambda values: text_array(value or None for value in values)),
}


def take_due(model, limit):
    """Lock tickets with a record of `model` that is due and that no worker holds."""
    return SQL(
        """
        SELECT t.id
          FROM %s c
          JOIN helpdesk_ticket t ON t.id = c.ticket_id
         WHERE c.next_step_at < %s
         ORDER BY c.next_step_at
         LIMIT %s
           FOR NO KEY UPDATE OF t, c SKIP LOCKED
        """,
        SQL.identifier(model._table),
        fields.Datetime.now(),
        limit,
    )


def _ticket_values(dossier):
    """What a ticket keeps of its dossier, in the order of `TICKET_COLUMNS`."""
    case, promise, due = dossier.case, dossier.case.promise, dossier.case.next_due()
    return (
        case.received_at,
        case.first_response_at,
        case.unanswered_since,
        case.last_contact_at,
        case.waiting_on,
        case.closed_as,
        case.closed_at,
        case.reopen_count,
        dossier.handovers,
        promise.version if promise else 0,
        promise.line if promise else 0,
        promise.hours if promise else 0,
        dossier.segment,
        due.deadline if due else None,
        due.kind if due else None,
        dossier.as_of,
        case.taken_by,
        case.taken_at,
        case.escalated_at,
        dossier.seen_state,
        dossier.seen_match,
    )


def _names(columns):
    return SQL(", ").join(SQL.identifier(column) for column in columns)


def _arrays(columns):
    """Arrays for `unnest`, one a column, each with its SQL type."""
    arrays = []
    for kind, values in columns.values():
        sql_type, literal = _KINDS[kind]
        arrays.append(SQL("%s::%s[]", literal(values), SQL(sql_type)))
    return SQL(", ").join(arrays)


def _values(columns):
    """What comes out of `_arrays`, as the columns have it."""
    return SQL(", ").join(
        SQL("to_timestamp(%s) AT TIME ZONE 'UTC'", SQL.identifier("row", column))
        if kind == "moment"
        else SQL.identifier("row", column)
        for column, (kind, _values) in columns.items()
    )
