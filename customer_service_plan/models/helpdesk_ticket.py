import logging
from collections import defaultdict
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from ..tools import clock, complaint, matching
from ..tools.epoch import from_epoch, to_epoch
from .csp_commitment import COMMITMENT_KINDS, TICKET_COLUMNS
from .protected import BY_ADDON, is_by_addon

_logger = logging.getLogger(__name__)

#: What decides whether a ticket is being worked on, and by whom.
STATE_FIELDS = frozenset({"stage_id", "active", "duplicate_id", "user_id"})
#: What a policy line may ask about a ticket.
MATCH_FIELDS = (
    "priority",
    "team_id",
    "category_id",
    "channel_id",
    "partner_id",
    "company_id",
    "csp_is_complaint",
    "tag_ids",
)
WATCHED_FIELDS = STATE_FIELDS.union(MATCH_FIELDS)
#: Facts: written by the addon only, whoever asks.
FACT_FIELDS = (
    frozenset(TICKET_COLUMNS)
    | complaint.FACTS
    | {
        "csp_segment_ids",
        "csp_commitment_ids",
        "csp_event_ids",
        "csp_escalation_ids",
        "csp_import_ref",
        "csp_assignment_note",
        "csp_given_to_id",
        "csp_given_at",
        "csp_left_open",
        "csp_contact_start",
        "csp_contact_end",
        "csp_contact_key",
    }
)
#: Facts that a default of somebody's could fill.
DEFAULTED_FACTS = FACT_FIELDS - {
    "csp_commitment_ids",
    "csp_event_ids",
}
#: What a new ticket says before it is taken in, where that is not empty.
INITIAL_FACTS = {
    "csp_waiting_on": clock.NOT_WAITING,
    "csp_reopen_count": 0,
    "csp_handover_count": 0,
}
#: Message types by which people talk to each other.
SPOKEN_TYPES = ("comment", "email", "email_outgoing")


class HelpdeskTicket(models.Model):
    """What was promised on a ticket, what happened, and what is due next.

    The fields below are facts. They follow from what users do to the ticket, through
    whatever door: `_csp_sync` compares the ticket with what was last seen of it and
    records the difference.
    """

    _inherit = "helpdesk.ticket"

    csp_received_at = fields.Datetime(
        string="Received",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="When the request reached us. Promises count from here.",
    )
    csp_is_complaint = fields.Boolean(
        string="Complaint",
        groups="base.group_user",
        help="The customer complains about us. Other promises may apply.",
    )
    csp_segment_ids = fields.Many2many(
        comodel_name="csp.segment",
        relation="helpdesk_ticket_csp_segment_rel",
        string="Customer segments at receipt",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_segment_id = fields.Many2one(
        comodel_name="csp.segment",
        string="Customer segment",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        help="The first segment of the contact when the ticket came in.",
    )
    csp_policy_version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        string="Promised under",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
    )
    csp_policy_line_id = fields.Many2one(
        comodel_name="csp.policy.line",
        string="Promise",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
    )
    csp_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Counted in",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
    )
    csp_promised_as_of = fields.Datetime(
        string="Matched as of",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="Set when a manager had the ticket matched again under the policies of "
        "another day than that of its receipt.",
    )
    csp_commitment_ids = fields.One2many(
        comodel_name="csp.commitment",
        inverse_name="ticket_id",
        string="Promises",
        readonly=True,
        copy=False,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )
    csp_event_ids = fields.One2many(
        comodel_name="csp.ticket.event",
        inverse_name="ticket_id",
        string="Events",
        readonly=True,
        copy=False,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )
    csp_next_deadline = fields.Datetime(
        string="Due",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="The earliest deadline whose clock is running. Late ones stay on top.",
    )
    csp_next_kind = fields.Selection(
        selection=COMMITMENT_KINDS,
        string="Next due",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_first_response_at = fields.Datetime(
        string="First answered",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_unanswered_since = fields.Datetime(
        string="Customer waits since",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="The oldest message of the customer, after our first answer, that nobody "
        "has answered yet.",
    )
    csp_last_contact_at = fields.Datetime(
        string="Last contact",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="The latest of the request itself, the customer's messages and our "
        "replies.",
    )
    csp_waiting_on = fields.Selection(
        selection=[
            ("none", "Nobody"),
            ("customer", "The customer"),
            ("third_party", "A third party"),
        ],
        string="Waiting for",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_closed_as = fields.Selection(
        selection=[("solved", "Solved"), ("cancelled", "Cancelled")],
        string="Outcome",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_closed_at = fields.Datetime(
        string="Ended",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_reopen_count = fields.Integer(
        string="Reopened (times)",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_handover_count = fields.Integer(
        string="Handed over (times)",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="How often the ticket went from one person to another.",
    )
    csp_import_ref = fields.Char(
        string="Reference in the imported file",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_seen_state = fields.Char(readonly=True, copy=False, groups="base.group_user")
    csp_seen_match = fields.Char(readonly=True, copy=False, groups="base.group_user")

    _csp_import_ref_unique = models.UniqueIndex(
        "(company_id, csp_import_ref) WHERE csp_import_ref IS NOT NULL",
        "A ticket with this reference was already imported.",
    )

    # === Taking in and following what happens ===

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("csp_history") is BY_ADDON:
            return super().create(vals_list)
        now = fields.Datetime.now()
        blank = self._csp_blank_facts()
        with self._csp_sync_follows():
            tickets = super().create(
                [self._csp_intake_values(vals, now, blank) for vals in vals_list]
            )
            tickets._csp_sync(new=True)
        return tickets

    def write(self, vals):
        if self.env.context.get("csp_history") is BY_ADDON:
            return super().write(vals)
        self._csp_refuse_facts(vals)
        if WATCHED_FIELDS.isdisjoint(vals):
            return super().write(vals)
        with self._csp_sync_follows():
            result = super().write(vals)
            self._csp_sync()
        return result

    def _compute_field_value(self, field):
        result = super()._compute_field_value(field)
        if field.store and any(
            computed.name in WATCHED_FIELDS
            for computed in self.pool.field_computed[field]
        ):
            self._csp_computed_changed()
        return result

    def _csp_computed_changed(self):
        """Follow changes that come by a computed field, of whatever addon.

        During a write or create of ours `_csp_sync` follows anyhow.
        """
        cache = self.env.cr.cache
        real = self.browse(id_ for id_ in self.ids if isinstance(id_, int))
        if not real or self.env.context.get("csp_history") is BY_ADDON:
            return
        if cache.get("csp_sync_follows"):
            # Unlike the cache of the cursor, this outlives a savepoint rolled back.
            waiting = self.env.cr.precommit.data
            if not waiting.get("csp_sync_pending"):
                self.env.cr.precommit.add(self._csp_sync_pending)
            waiting.setdefault("csp_sync_pending", set()).update(real.ids)
        else:
            real._csp_sync()

    @api.model
    def _csp_sync_pending(self):
        pending = self.env.cr.precommit.data.pop("csp_sync_pending", None)
        if pending:
            self.browse(pending).exists()._csp_sync()

    @contextmanager
    def _csp_sync_follows(self):
        """While tickets are changed in several steps, look at them once at the end."""
        cache = self.env.cr.cache
        outer = cache.get("csp_sync_follows")
        cache["csp_sync_follows"] = True
        try:
            yield
        finally:
            cache["csp_sync_follows"] = outer

    @api.model
    def _csp_blank_facts(self):
        """Facts of a ticket before it is taken in, whatever defaults somebody set."""
        if not (self.env.su or self.env.user._is_internal()):
            # These users may not name such fields, defaults of theirs neither.
            return {}
        defaults = {
            *self.env["ir.default"]._get_model_defaults(self._name),
            *(key.removeprefix("default_") for key in self.env.context),
        }
        return {**dict.fromkeys(defaults & DEFAULTED_FACTS, False), **INITIAL_FACTS}

    @api.model
    def _csp_intake_values(self, vals, now, blank):
        """Values for `create`, where `_csp_blank_facts` gave `blank`."""
        given = FACT_FIELDS.intersection(vals) - {"csp_received_at"}
        if any(vals[name] for name in given):
            self._csp_refuse_facts(dict.fromkeys(given))
        received_at = vals.get("csp_received_at")
        if received_at:
            received_at = self._csp_check_received_at(received_at, now)
        if not blank:
            return vals
        facts = {**dict.fromkeys(given, False), **blank}
        received_at = received_at or now
        facts.update(csp_received_at=received_at, csp_last_contact_at=received_at)
        return {**vals, **facts}

    @api.model
    def _csp_check_received_at(self, received_at, now):
        if not (
            self.env.su
            or is_by_addon(self.env)
            or self.env.user.has_group("customer_service_plan.group_manager")
        ):
            self._csp_refuse_facts({"csp_received_at"})
        received_at = fields.Datetime.to_datetime(received_at)
        if received_at > now:
            raise ValidationError(
                self.env._("A request cannot have been received in the future.")
            )
        return received_at.replace(microsecond=0)

    @api.model
    def _csp_refuse_facts(self, vals):
        refused = FACT_FIELDS.intersection(vals)
        if refused and not is_by_addon(self.env):
            field = self._fields[min(refused)]
            raise AccessError(
                self.env._(
                    "“%(field)s” is a fact that the service plan records by itself; "
                    "it cannot be changed by hand.",
                    field=field._description_string(self.env),
                )
            )

    def _csp_sync(self, new=False):
        """Record what has changed since these tickets were last looked at.

        Compares each ticket with `csp_seen_state` and `csp_seen_match`, writes the
        events that explain the difference, and moves the promises. Calling it again
        changes nothing.

        :param bool new: the tickets were just created, and are taken in
        """
        if not self.ids:
            return
        pending = self.env.cr.precommit.data.get("csp_sync_pending")
        if pending:
            pending.difference_update(self.ids)
        # sudo: helpdesk.ticket: facts are recorded whoever acts, a customer too
        tickets = self.sudo().with_context(active_test=False)
        Commitment = tickets.env["csp.commitment"]
        now = to_epoch(fields.Datetime.now())
        with self._csp_sync_follows():
            # Reading lets pending computed values settle before anything is compared.
            tickets.mapped("stage_id")
            touched = tickets._csp_touched(new)
            if not touched:
                return
            Commitment._renew_stale([dossier for _ticket, dossier in touched], now)
            changed = []
            concerned = []
            for ticket, dossier in touched:
                seen = dossier.seen_state, "" if new else dossier.seen_match
                reopened = False
                if new:
                    ticket._csp_take_in(dossier, now)
                elif dossier.seen_state:
                    reopened = ticket._csp_follow_state(dossier, now)
                    promise = ticket._csp_follow_match(dossier, reopened)
                    if promise:
                        changed.append((ticket, dossier, promise))
                concerned.append((ticket, dossier, *seen, reopened))
                dossier.seen_state = dossier.state_key
            Commitment._add_histories([dossier for _t, dossier, _p in changed])
            for _ticket, dossier, promise in changed:
                dossier.note("promised", now, promise, self.env.uid)
            for ticket, dossier, seen_state, seen_match, reopened in concerned:
                ticket._csp_note_concerns(dossier, seen_state, seen_match, reopened)
            Commitment._close_dossiers(
                [dossier for _ticket, dossier in touched], saved_tickets=tickets
            )
        tickets._csp_follow_dates(touched)
        tickets._csp_tell_changed_promises(changed)
        tickets._csp_wake_sweep([dossier for _ticket, dossier in touched])

    def _csp_touched(self, new):
        """Those of these tickets that are not as they were last seen.

        :return: list of (ticket, its dossier)
        """
        Commitment = self.env["csp.commitment"]
        if new:
            dossiers = {ticket.id: Commitment._blank_dossier(ticket) for ticket in self}
        else:
            dossiers = Commitment._open_dossiers(self.ids)
        touched = []
        for ticket in self:
            dossier = dossiers.get(ticket.id)
            if not dossier:
                continue
            dossier.state_key = ticket._csp_state_key()
            dossier.match_key = ticket._csp_match_key(dossier.tags)
            if dossier.is_as_seen():
                continue
            if new or dossier.seen_state or not ticket._csp_is_being_created():
                touched.append((ticket, dossier))
        return touched

    def _csp_is_being_created(self):
        """Whether another addon changes this ticket before it is taken in."""
        return self.create_date >= self.env.cr.now().replace(microsecond=0)

    def _csp_state_key(self):
        """What was seen of stage, archiving, duplicate and assignee."""
        return (
            f"{self.stage_id.id or 0}|{int(self.active)}|{int(bool(self.duplicate_id))}"
            f"|{self.user_id.id or 0}"
        )

    def _csp_match_key(self, tags=None):
        """What was seen of everything that a policy line may ask about.

        :param tags: ids of the ticket's tags, where they are known
        """
        if tags is None:
            tags = self.tag_ids.ids
        tags = ",".join(map(str, sorted(tags)))
        return (
            f"{self.priority or ''}|{self.team_id.id or 0}|{self.category_id.id or 0}"
            f"|{self.channel_id.id or 0}|{self.partner_id.id or 0}"
            f"|{self.company_id.id}|{int(self.csp_is_complaint)}|{tags}"
        )

    @api.model
    def _csp_contact_merged(self, sources, target):
        """Let the contacts `sources`, merged into `target`, not count as changed.

        It is the same customer: what was promised stays.
        """
        self.flush_model(["csp_seen_match", "partner_id"])
        at = MATCH_FIELDS.index("partner_id") + 1
        self.env.cr.execute(
            SQL(
                """
                UPDATE helpdesk_ticket
                   SET csp_seen_match = array_to_string(
                           keys[:%(at)s - 1] || %(target)s::text || keys[%(at)s + 1:],
                           '|'
                       )
                  FROM (
                        SELECT id, string_to_array(csp_seen_match, '|') AS keys
                          FROM helpdesk_ticket
                         WHERE partner_id = %(target)s
                           AND split_part(csp_seen_match, '|', %(at)s)
                               = ANY(%(sources)s)
                  ) moved
                 WHERE moved.id = helpdesk_ticket.id
                """,
                at=at,
                target=target.id,
                sources=[str(id_) for id_ in sources.ids],
            )
        )
        self.invalidate_model(["csp_seen_match"], flush=False)

    def _csp_closed_as(self, rules):
        """How the ticket counts as closed: solved, cancelled, or empty for open."""
        if not self.active:
            return "cancelled"
        stage = rules.stages.get(self.stage_id.id)
        if not stage or not stage.closed_as:
            return ""
        return "cancelled" if self.duplicate_id else stage.closed_as

    def _csp_waiting(self, rules):
        stage = rules.stages.get(self.stage_id.id)
        return stage.waiting_on if stage else clock.NOT_WAITING

    def _csp_take_in(self, dossier, now):
        """Record a new ticket and give it its promise.

        Nothing here may keep a request out: a ticket whose promise cannot be found is
        taken in without one, and the log tells why.
        """
        rules = self.env["csp.policy"]._compiled_rules(self.company_id.id)
        received_at, user = min(dossier.case.received_at, now), self.env.uid
        dossier.seen_match = dossier.match_key
        dossier.note("received", received_at, user=user, partner=self.partner_id.id)
        closed_as = self._csp_closed_as(rules)
        if closed_as:
            dossier.note("closed", now, {"outcome": closed_as}, user)
            return
        try:
            self._csp_set_segments(dossier, rules)
            promise = self._csp_find_promise(dossier, rules)
            if promise:
                data = {**promise.to_data(), "from_receipt": True}
                dossier.note("promised", received_at, data, user)
        except Exception:  # pylint: disable=broad-except
            _logger.exception("Ticket %s was taken in without a promise", self.number)
        waiting_on = self._csp_waiting(rules)
        if waiting_on != clock.NOT_WAITING:
            dossier.note("paused", received_at, {"waiting_on": waiting_on}, user)
        if self._csp_is_answered_at_receipt(rules):
            dossier.note("staff_reply", received_at, {"live": True}, user)
        dossier.lapse(now)

    def _csp_is_answered_at_receipt(self, rules):
        """Whether somebody of ours talks to the customer while entering the ticket."""
        channel = rules.channels.get(self.channel_id.id)
        if not channel or not channel.live:
            return False
        user = self.env.user
        return user._is_internal() and user.partner_id != self.partner_id

    def _csp_follow_state(self, dossier, now):
        """Record a change of stage, archiving, duplicate or assignee.

        :return: whether the ticket was reopened
        """
        case, user = dossier.case, self.env.uid
        seen, _bar, seen_user = dossier.seen_state.rpartition("|")
        key, _bar, now_user = dossier.state_key.rpartition("|")
        if now_user != seen_user:
            before, after = int(seen_user), int(now_user)
            dossier.handovers += bool(before)
            dossier.note("handover", now, {"from": before, "to": after}, user)
        if key == seen:
            # The meaning of a stage counts from the next change of stage on.
            return False
        rules = self.env["csp.policy"]._compiled_rules(self.company_id.id)
        closed_as, waiting_on = self._csp_closed_as(rules), self._csp_waiting(rules)
        from_stage = int(seen.split("|")[0])
        reopened = bool(case.closed_as and not closed_as)
        if reopened:
            within = now - (case.closed_at or now) <= rules.grace_seconds
            dossier.note("reopened", now, {"within_grace": within}, user)
        if closed_as:
            if not case.closed_as:
                data = {"outcome": closed_as, "from_stage": from_stage}
                dossier.note("closed", now, data, user)
        elif waiting_on != case.waiting_on:
            if waiting_on == clock.NOT_WAITING:
                dossier.note("resumed", now, {}, user)
            else:
                data = {"waiting_on": waiting_on, "from_stage": from_stage}
                dossier.note("paused", now, data, user)
        return reopened

    def _csp_follow_match(self, dossier, reopened):
        """Data of the `promised` event if the ticket is promised something else now.

        While a ticket is closed nothing is matched; reopening matches again.
        """
        if dossier.seen_match is None:
            return None
        before, after = dossier.seen_match, dossier.match_key
        if before == after and not reopened:
            return None
        changed = [
            name
            for name, old, new in zip(
                MATCH_FIELDS, before.split("|"), after.split("|"), strict=True
            )
            if old != new
        ]
        dossier.seen_match = after
        dossier.company = self.company_id.id
        rules = self.env["csp.policy"]._compiled_rules(self.company_id.id)
        if "partner_id" in changed:
            self._csp_set_segments(dossier, rules)
        if dossier.case.closed_as or not (changed or reopened):
            return None
        return self._csp_changed_promise(dossier, rules, changed)

    def _csp_changed_promise(self, dossier, rules, reasons=()):
        promise = self._csp_find_promise(dossier, rules)
        before = dossier.case.promise
        if promise is None and before is None:
            return None
        if promise and before:
            if (promise.line, promise.hours) == (before.line, before.hours):
                return None
        data = promise.to_data() if promise else clock.Promise({}).to_data()
        return {**data, "because": list(reasons)}

    def _csp_find_promise(self, dossier, rules):
        """The promise for this ticket by the rules of its company, if any."""
        at = dossier.case.received_at if dossier.as_of is None else dossier.as_of
        facts = self._csp_match_facts(rules, dossier.tags, at)
        found = matching.match(rules.policies, facts, at)
        if not found:
            return None
        version, line = found
        return clock.Promise(
            targets=line.targets,
            hours=rules.hours_of(line, self.channel_id.id),
            line=line.id,
            version=version.id,
        )

    def _csp_match_facts(self, rules, tags=None, at=None):
        """What policy lines and trials may ask; `tags` as in `_csp_match_key`.

        :param at: receipt in epoch seconds; what only trials ask about is left out
            where no version was on trial then
        """
        segments = self.csp_segment_ids.ids if rules.uses_segments else ()
        for_trials = {}
        if at is not None and matching.tried(rules.policies, at):
            for_trials = {
                "customer": self.commercial_partner_id.id or 0,
                "user": self.user_id.id or 0,
                "promised": self.csp_policy_version_id.id or 0,
            }
        return matching.Facts(
            **for_trials,
            channel=self.channel_id.id or 0,
            category=self.category_id.id or 0,
            team=self.team_id.id or 0,
            tags=frozenset(self.tag_ids.ids if tags is None else tags),
            priority=self.priority or "",
            segments=frozenset(segments),
            complaint=self.csp_is_complaint,
        )

    def _csp_set_segments(self, dossier, rules):
        """Keep the segments that the contact is in now: they decide the promise."""
        if not rules.uses_segments:
            return
        segments = self.partner_id._csp_segments_in(self.company_id)
        dossier.segment = segments[:1].id or 0
        if segments != self.csp_segment_ids:
            self.with_context(csp_by_addon=BY_ADDON).csp_segment_ids = segments

    # === Events of conversations ===

    def _csp_record(self, kind, data=None, partner=None):
        """Record that something happened now on each of these tickets."""
        # sudo: helpdesk.ticket: facts are recorded whoever acts, a customer too
        tickets = self.sudo()
        Commitment = tickets.env["csp.commitment"]
        now = to_epoch(fields.Datetime.now())
        dossiers = [
            dossier
            for dossier in Commitment._open_dossiers(tickets.ids).values()
            if dossier.seen_state
        ]
        Commitment._renew_stale(dossiers, now)
        for dossier in dossiers:
            dossier.note(kind, now, data, self.env.uid, partner.id if partner else 0)
        Commitment._close_dossiers(dossiers)
        tickets._csp_facts_written()
        tickets._csp_wake_sweep(dossiers)

    def _message_post_after_hook(self, message, msg_values):
        result = super()._message_post_after_hook(message, msg_values)
        kind = self._csp_message_kind(message)
        if kind:
            # sudo: mail.message: the author of a message that was just posted
            self._csp_record(kind, partner=message.sudo().author_id)
            if kind == "customer_message":
                self._csp_customer_replied(message)
        return result

    def message_mail_with_source(self, *args, **kwargs):
        # What is sent by itself, for instance when a ticket reaches a stage, looks like
        # the mail of a person otherwise.
        silent = self.with_context(csp_silent=True)
        return super(HelpdeskTicket, silent).message_mail_with_source(*args, **kwargs)

    def _message_mail_after_hook(self, mails):
        result = super()._message_mail_after_hook(mails)
        by_author = {}
        # sudo: mail.mail: the mails that this user is just sending
        for mail in mails.sudo():
            message = mail.mail_message_id
            ticket = self.browse(message.res_id) & self
            if ticket and ticket._csp_message_kind(message) == "staff_reply":
                tickets = by_author.get(message.author_id, self.browse())
                by_author[message.author_id] = tickets | ticket
        for author, tickets in by_author.items():
            tickets._csp_record("staff_reply", partner=author)
        return result

    def _csp_message_kind(self, message):
        """Whether a message is a staff reply, a customer's message, or neither.

        Notes, automatic mails, and messages written by a merge, by an automation or by
        the robot are neither. Staff are partners with an internal user, unless they are
        the ticket's own contact.
        """
        context = self.env.context
        if (
            context.get("csp_silent")
            or context.get("csp_automatic_mail")
            or context.get("__action_done")
        ):
            return ""
        # sudo: mail.message: only kind and author are looked at
        message = message.sudo()
        if message.message_type not in SPOKEN_TYPES or message.is_internal:
            return ""
        if message.subtype_id.internal:
            return ""
        if not message.subtype_id and message.message_type != "email_outgoing":
            # Mail to the contacts of many tickets has none, though they all get it.
            return ""
        author = message.author_id
        robot_id = self.env["ir.model.data"]._xmlid_to_res_id("base.partner_root")
        if author and author.id == robot_id:
            return ""
        # sudo: helpdesk.ticket: a customer may not read every field of the ticket
        is_contact = author == self.sudo().partner_id
        if author and not author.partner_share and not is_contact:
            return "staff_reply"
        return "customer_message"

    # === After the facts were written ===

    def _csp_facts_written(self):
        """Let caches and dependent fields know that the facts changed."""
        names = [*TICKET_COLUMNS, "csp_commitment_ids", "csp_event_ids"]
        self.invalidate_recordset(names)
        self.modified(names)

    def _csp_keep_facts(self, ids, facts):
        """Let facts be saved together with what else is changing on these tickets.

        :param ids: the tickets that the values belong to, in their order
        :param facts: dict of column to its values, as `csp.commitment` has them
        """
        for name, values in facts.items():
            field = self._fields[name]
            is_moment = TICKET_COLUMNS[name] == "moment"
            by_value = defaultdict(list)
            for ticket_id, value in zip(ids, values, strict=True):
                by_value[value].append(ticket_id)
            for value, same in by_value.items():
                tickets = self.browse(same)
                if is_moment and value is not None:
                    value = from_epoch(value)
                # `field.write` would leave out what is known to be equal, so that the
                # tickets would no longer be saved by one statement.
                field._update_cache(
                    tickets, field.convert_to_cache(value or False, tickets), dirty=True
                )
        lines = ["csp_commitment_ids", "csp_event_ids"]
        self.invalidate_recordset(lines, flush=False)
        self.modified([*facts, *lines])

    def _csp_follow_dates(self, touched):
        """Keep the helpdesk's closing date true.

        It is neither cleared on reopening nor set when a ticket reaches a closing stage
        by other ways than a write (no upstream thread known).
        """
        reopened, undated = [], defaultdict(list)
        for ticket, dossier in touched:
            is_closed = bool(dossier.case.closed_as)
            if is_closed == bool(ticket.closed_date):
                continue
            if not is_closed:
                reopened.append(ticket.id)
            elif ticket.stage_id.closed:
                undated[dossier.case.closed_at].append(ticket.id)
        self.browse(reopened).write({"closed_date": False})
        for closed_at, ids in undated.items():
            self.browse(ids).write({"closed_date": from_epoch(closed_at)})

    def _csp_tell_changed_promises(self, changed):
        """One line in the chatter for each change of promise."""
        if not changed or self.env.context.get("tracking_disable"):
            return
        bodies = {}
        nothing = self.env["csp.policy.line"]
        ids = {data["line"] for _ticket, _dossier, data in changed if data["line"]}
        # Named together, they are read together.
        lines = {line.id: line for line in nothing.browse(ids)}
        for ticket, dossier, data in changed:
            line = lines.get(data["line"], nothing)
            labels = ", ".join(
                self._fields[name]._description_string(self.env).lower()
                for name in data["because"]
            )
            text = (
                self.env._(
                    "Promise now: %(promise)s (%(policy)s)",
                    promise=line.promise_text,
                    policy=line.version_id.display_name,
                )
                if line
                else self.env._("Nothing is promised any more")
            )
            if labels:
                text = self.env._("%(text)s. Changed: %(what)s", text=text, what=labels)
            bodies[ticket.id] = text
            if dossier.case.promise and not dossier.case.promise.hours and line:
                bodies[ticket.id] += ". " + self.env._(
                    "No opening hours are set: it counts day and night."
                )
        self.browse(bodies)._message_log_batch(bodies=bodies)

    @api.model
    def _csp_wake_sweep(self, dossiers):
        """Have the sweep run at the earliest deadline, once this is saved.

        Done after the transaction, and only when it is earlier than what this process
        knows to be planned: most tickets cost nothing. Should the process be killed in
        between, the regular run of the sweep finds the deadline.
        """
        moments = [each.wake_at for each in dossiers if each.wake_at is not None]
        if moments:
            self.env["csp.commitment"]._wake_sweep_after_commit(min(moments))

    # === Merge, imports, explicit acts ===

    def _csp_merged_into(self, target):
        """Join the promises of these tickets into those of `target`.

        What runs on the merged tickets is cancelled. The target's running promises are
        measured from the earliest receipt, and what was answered on a merged ticket of
        the same customer counts as answered.
        """
        sources = self - target
        if not sources:
            return
        # sudo: helpdesk.ticket: the merge was allowed; facts are recorded for all
        target, sources = target.sudo(), sources.sudo()
        Commitment = target.env["csp.commitment"]
        now, user = to_epoch(fields.Datetime.now()), self.env.uid
        everybody = sources | target
        dossiers = Commitment._open_dossiers(everybody.ids)
        Commitment._renew_stale(dossiers.values(), now)
        Commitment._add_histories(dossiers.values())
        same_customer = sources.filtered(
            lambda ticket: ticket.commercial_partner_id == target.commercial_partner_id
        )
        joined = [dossiers[ticket.id] for ticket in target | same_customer]
        for source in sources:
            data = {"role": "source", "numbers": [target.number], "ticket": target.id}
            dossiers[source.id].note("merged", now, data, user)
        data = {
            "role": "target",
            "numbers": sources.mapped("number"),
            "tickets": sources.ids,
        }
        if same_customer:
            data.update(_joined_facts(joined))
        dossiers[target.id].note("merged", now, data, user)
        Commitment._close_dossiers(dossiers.values())
        everybody._csp_facts_written()
        self._csp_wake_sweep(dossiers.values())

    def _csp_replay(self, promised=False):
        """Derive promises and facts anew from all events of these tickets.

        :param bool promised: they were just put under promise; open ones follow later
            changes from now on, under the policies of today
        """
        # sudo: helpdesk.ticket: derived from events, which nobody can write
        tickets = self.sudo().with_context(active_test=False)
        Commitment = tickets.env["csp.commitment"]
        now = to_epoch(fields.Datetime.now())
        dossiers = Commitment._open_dossiers(tickets.ids)
        history = tickets.env["csp.ticket.event"]._history(tickets.ids)
        Escalation = tickets.env["csp.escalation"]
        promises = Escalation._promises_of(tickets)
        Commitment.search([("ticket_id", "in", tickets.ids)]).with_context(
            csp_by_addon=BY_ADDON
        ).unlink()
        for ticket in tickets:
            dossier = dossiers[ticket.id]
            dossier.replay(history[ticket.id], now)
            dossier.segment = ticket.csp_segment_ids.sorted()[:1].id or 0
            dossier.seen_state = ticket._csp_state_key()
            if promised and not dossier.case.closed_as:
                dossier.seen_match = ticket._csp_match_key()
                dossier.as_of = now
        Commitment._close_dossiers(dossiers.values())
        Escalation._belong_to(promises)
        tickets._csp_facts_written()
        tickets._csp_wake_sweep(dossiers.values())

    def _csp_promise_from_receipt(self, version):
        """Give tickets that never had a promise the one of a policy version, as if it
        had been made when they came in.

        For imported history and tickets from before the addon, on a manager's request.
        Where the customer's segments of that time are not known, those of today count.

        :return: the tickets that got a promise
        """
        # sudo: helpdesk.ticket: an explicit act of a manager, checked by the caller
        tickets = self.sudo().with_context(active_test=False)
        Commitment = tickets.env["csp.commitment"]
        dossiers = Commitment._open_dossiers(tickets.ids)
        lines = version.sudo()._compiled_lines()
        policy = matching.Policy(
            0, (matching.Version(version.id, begins=-(1 << 62), lines=lines),)
        )
        rows, promised = [], []
        for ticket in tickets:
            dossier = dossiers[ticket.id]
            if dossier.case.promise:
                continue
            rules = self.env["csp.policy"]._compiled_rules(ticket.company_id.id)
            afterwards = {
                "followed": dossier.seen_match is not None,
                "as_of": dossier.as_of,
                "guessed_segments": not ticket.csp_segment_ids,
            }
            if not ticket.csp_segment_ids:
                # Nobody noted them when it came in: today's are the best guess.
                ticket._csp_set_segments(dossier, rules)
            promise = ticket._csp_find_promise(
                dossier, rules._replace(policies=(policy,))
            )
            if promise:
                data = {
                    **promise.to_data(),
                    "from_receipt": True,
                    # What to restore, should the promise be taken back
                    "afterwards": afterwards,
                }
                received_at = dossier.case.received_at
                rows.append(
                    (ticket.id, "promised", received_at, self.env.uid, None, data)
                )
                promised.append(ticket.id)
        tickets.env["csp.ticket.event"]._insert(rows)
        result = self.browse(promised)
        result._csp_replay(promised=True)
        return result

    def action_csp_match_again(self):
        """Promise these open tickets what the policies in force today say.

        A new version never reaches an open ticket by itself; this is the explicit act
        of a manager. Time already used keeps counting.
        """
        if not self.env.user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._("Only a service plan manager can promise again.")
            )
        self.check_access("write")
        # sudo: helpdesk.ticket: the manager was checked above, nobody writes facts
        tickets = self.sudo()
        Commitment = tickets.env["csp.commitment"]
        now = to_epoch(fields.Datetime.now())
        dossiers = Commitment._open_dossiers(tickets.ids)
        touched = []
        for ticket in tickets:
            dossier = dossiers[ticket.id]
            if dossier.case.closed_as:
                continue
            rules = self.env["csp.policy"]._compiled_rules(ticket.company_id.id)
            dossier.as_of = now
            dossier.seen_match = ticket._csp_match_key()
            ticket._csp_set_segments(dossier, rules)
            promise = ticket._csp_changed_promise(dossier, rules)
            if promise:
                touched.append((ticket, dossier, promise))
        Commitment._renew_stale([dossier for _t, dossier, _p in touched], now)
        Commitment._add_histories([dossier for _t, dossier, _p in touched])
        for _ticket, dossier, promise in touched:
            dossier.note("promised", now, promise, self.env.uid)
        Commitment._close_dossiers([dossier for _t, dossier, _p in touched])
        tickets._csp_facts_written()
        tickets._csp_tell_changed_promises(touched)
        tickets._csp_wake_sweep([dossier for _t, dossier, _p in touched])
        return self.browse([ticket.id for ticket, _d, _p in touched])

    def action_csp_no_answer_needed(self):
        """The customer's last message asks for no reply: stop that clock uncounted."""
        self.check_access("write")
        waiting = self.filtered("csp_unanswered_since")
        if not waiting:
            raise UserError(
                self.env._("There is no message of the customer waiting for an answer.")
            )
        waiting._csp_record("no_answer_needed")
        for ticket in waiting:
            ticket._message_log(
                body=self.env._("The customer's last message needs no answer.")
            )
        return True

    def action_csp_why(self):
        """Show which policy lines were looked at, and why this promise applies."""
        self.ensure_one()
        self.check_access("read")
        return self.env["csp.promise.why"]._open_for(self)


def _joined_facts(dossiers):
    """What tickets of one customer have in common once they are one ticket."""
    replies = []
    for dossier in dossiers:
        case = dossier.case
        replies += [event.at for event in case.history if event.kind == "staff_reply"]
        # What was answered on tickets merged earlier
        replies += [
            event.data["last_reply_at"]
            for event in case.history
            if event.kind == "merged" and event.data.get("last_reply_at")
        ]
        if case.first_response_at is not None:
            replies.append(case.first_response_at)
    last_reply = max(replies, default=None)
    waiting = [
        at
        for dossier in dossiers
        for at in _unanswered(dossier.case)
        if last_reply is not None and at > last_reply
    ]
    return {
        # A ticket reopened after the grace time was promised anew from then on.
        "received_at": min(dossier.case.cycle_start() for dossier in dossiers),
        "first_response_at": min(replies, default=None),
        "unanswered_since": min(waiting, default=None),
        "last_reply_at": last_reply,
    }


def _unanswered(case):
    """Moments of the customer's messages on one ticket that may still wait for us.

    Those that closing or "no answer needed" settled do not.
    """
    if case.unanswered_since is not None:
        yield case.unanswered_since
    if case.unanswered_since is not None or case.first_response_at is None:
        for event in case.history:
            if event.kind == "customer_message":
                yield event.at
