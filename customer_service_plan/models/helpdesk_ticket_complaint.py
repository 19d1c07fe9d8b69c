import logging
from collections import defaultdict

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..tools import complaint
from ..tools.epoch import to_epoch
from .protected import BY_ADDON, is_by_addon

_logger = logging.getLogger(__name__)

COMPLAINT_STATES = [
    (complaint.RECEIVED, "Received"),
    (complaint.ACKNOWLEDGED, "Acknowledged"),
    (complaint.INVESTIGATED, "Investigated"),
    (complaint.DECIDED, "Decided"),
    (complaint.TOLD, "Customer told"),
    (complaint.CLOSED, "Closed"),
]
COMPLAINT_OUTCOMES = [
    ("justified", "Justified"),
    ("partly", "Partly justified"),
    ("not_justified", "Not justified"),
    (complaint.WITHDRAWN, "Withdrawn"),
]
COMPLAINT_REMEDIES = [
    ("apology", "Apology"),
    ("repair", "Repair"),
    ("replacement", "Replacement"),
    ("refund", "Refund"),
    ("credit", "Credit note"),
    ("other", "Something else"),
]
TODO_TYPE = "customer_service_plan.mail_activity_type_complaint"
#: What a write may change that concerns a complaint.
CONCERNED_FIELDS = frozenset(
    {"csp_is_complaint", "category_id", "user_id", "stage_id", "company_id"}
)
#: What a complaint that begins, or begins anew, knows nothing of.
UNDECIDED = dict.fromkeys(
    (
        "csp_complaint_investigated_at",
        "csp_complaint_decided_at",
        "csp_complaint_told_at",
        "csp_complaint_closed_at",
        "csp_complaint_finding",
        "csp_complaint_outcome",
        "csp_complaint_remedy_kind",
        "csp_complaint_remedy_amount",
        "csp_complaint_remedy_note",
        "csp_complaint_asked",
    ),
    False,
)
OPEN_COMPLAINT = Domain("csp_is_complaint", "=", True) & Domain(
    "csp_complaint_state", "!=", complaint.CLOSED
)


class HelpdeskTicket(models.Model):
    """A ticket by which a customer complains: who answers for it, and how it stands.

    All of it except the mark itself are facts: they follow from what people do by the
    buttons, each with who and when (events of kind "complaint"), never by a write.
    """

    _inherit = "helpdesk.ticket"

    csp_complaint_owner_id = fields.Many2one(
        comodel_name="res.users",
        string="Complaint owner",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        help="Answers for the complaint until it is closed, whoever works on the "
        "ticket.",
    )
    csp_complaint_state = fields.Selection(
        selection=COMPLAINT_STATES,
        string="Complaint stage",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_source = fields.Selection(
        selection=[
            ("agent", "An agent"),
            ("category", "The category"),
            ("customer", "The customer"),
        ],
        string="Called a complaint by",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_at = fields.Datetime(
        string="Complaint since",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_acknowledged_at = fields.Datetime(
        string="Complaint acknowledged",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="When the customer was told that his complaint has arrived.",
    )
    csp_complaint_investigated_at = fields.Datetime(
        string="Complaint investigated",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_decided_at = fields.Datetime(
        string="Complaint decided",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_told_at = fields.Datetime(
        string="Decision told",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_closed_at = fields.Datetime(
        string="Complaint closed",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_finding = fields.Text(
        string="What happened",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_outcome = fields.Selection(
        selection=COMPLAINT_OUTCOMES,
        string="Outcome of the complaint",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_remedy_kind = fields.Selection(
        selection=COMPLAINT_REMEDIES,
        string="Remedy",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_currency_id = fields.Many2one(
        comodel_name="res.currency",
        string="Currency of the remedy",
        compute="_compute_csp_complaint_currency_id",
        groups="base.group_user",
    )
    csp_complaint_remedy_amount = fields.Monetary(
        string="Worth of the remedy",
        currency_field="csp_complaint_currency_id",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_remedy_note = fields.Text(
        string="Remedy in words",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_asked = fields.Json(
        string="Decision asked for",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_complaint_handover_count = fields.Integer(
        string="Owner changed (times)",
        readonly=True,
        copy=False,
        groups="base.group_user",
        help="How often the complaint went from one owner to another.",
    )
    csp_complaint_tick_ids = fields.One2many(
        comodel_name="csp.complaint.tick",
        inverse_name="ticket_id",
        string="Points ticked",
        readonly=True,
        copy=False,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )
    csp_handover_asks = fields.Boolean(
        compute="_compute_csp_handover_asks",
        groups="base.group_user",
        help="Another person may take over only with a sentence that says why.",
    )

    _csp_open_complaints = models.Index(
        "(csp_complaint_owner_id) WHERE csp_is_complaint IS TRUE"
        " AND csp_complaint_state <> 'closed'"
    )

    @api.depends("company_id")
    def _compute_csp_complaint_currency_id(self):
        for ticket in self:
            ticket.csp_complaint_currency_id = ticket.company_id.currency_id

    @api.depends("csp_is_complaint", "csp_complaint_state")
    def _compute_csp_handover_asks(self):
        # Not of the assignee in the form: he may be about to be chosen.
        for ticket in self:
            saved = ticket._origin
            ticket.csp_handover_asks = bool(
                saved.user_id and saved._csp_is_open_complaint()
            )

    def _csp_is_open_complaint(self):
        """Whether somebody has to answer for this ticket as a complaint still."""
        self.ensure_one()
        return self.csp_is_complaint and self.csp_complaint_state != complaint.CLOSED

    # === Marking ===

    @api.onchange("category_id")
    def _onchange_category_id_complaint(self):
        # sudo: helpdesk.ticket.category: which ones are for complaints is no secret
        complaints = self.env["helpdesk.ticket.category"].sudo()._csp_complaint_ids()
        if (
            self.category_id.id in complaints
            and self._origin.category_id.id not in complaints
        ):
            self.csp_is_complaint = True

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("csp_history") is BY_ADDON:
            return super().create(vals_list)
        tickets = super().create([self._csp_mark_by_category(v) for v in vals_list])
        # sudo: helpdesk.ticket: whether it is a complaint, whoever wrote it
        complaints = tickets.sudo().filtered("csp_is_complaint")
        complaints._csp_complaint_begin(new=True)
        return tickets

    def write(self, vals):
        history = self.env.context.get("csp_history") is BY_ADDON
        if history or CONCERNED_FIELDS.isdisjoint(vals):
            return super().write(vals)
        if "category_id" in vals and "csp_is_complaint" not in vals:
            marked = self._csp_moved_to_complaints(vals["category_id"])
            if marked:
                rest = self - marked
                if rest:
                    rest.write(vals)
                return marked.write({**vals, "csp_is_complaint": True})
        # sudo: helpdesk.ticket: how the complaint stands, whoever writes
        tickets = self.sudo()
        before = tickets.filtered("csp_is_complaint")
        if before and not self._csp_acts_by_itself():
            self._csp_check_handover(before, vals)
            self._csp_check_closing(before, vals)
            self._csp_check_unmarking(before, vals)
        result = super().write(vals)
        if "csp_is_complaint" in vals:
            after = tickets.filtered("csp_is_complaint")
            (after - before)._csp_complaint_begin()
            (before - after)._csp_complaint_unmarked()
        if before and "company_id" in vals:
            before._csp_complaint_keep_owned()
        if before and vals.get("stage_id"):
            before._csp_complaint_left_open()
        return result

    @api.model
    def _csp_mark_by_category(self, vals):
        """Values for `create`, marked where the category is one of complaints."""
        if vals.get("category_id") and "csp_is_complaint" not in vals:
            # sudo: helpdesk.ticket.category: which ones are for complaints is no secret
            Category = self.env["helpdesk.ticket.category"].sudo()
            if vals["category_id"] in Category._csp_complaint_ids():
                return {**vals, "csp_is_complaint": True}
        return vals

    def _csp_moved_to_complaints(self, category_id):
        """Those of these tickets that become complaints by their new category.

        Moving between categories for complaints marks nothing: who said before that it
        is none meant it.
        """
        # sudo: helpdesk.ticket.category: which ones are for complaints is no secret
        complaints = self.env["helpdesk.ticket.category"].sudo()._csp_complaint_ids()
        if category_id not in complaints:
            return self.browse()
        return self.filtered(
            lambda ticket: (
                not ticket.csp_is_complaint and ticket.category_id.id not in complaints
            )
        )

    @api.model
    def _csp_adopt_complaints(self):
        """Give complaints that are older than their owners one, telling nobody.

        Those whose ticket is closed count as settled: nobody knows how. Called once,
        when the addon is updated.
        """
        # sudo: helpdesk.ticket: an update concerns all companies
        quiet = {"tracking_disable": True, "csp_complaint_quiet": BY_ADDON}
        complaints = (
            self.sudo()
            .with_context(active_test=False, **quiet)
            .search(
                [("csp_is_complaint", "=", True), ("csp_complaint_state", "=", False)]
            )
        )
        settled = complaints.filtered(lambda each: each.closed or not each.active)
        settled._csp_write_complaint({"csp_complaint_state": complaint.CLOSED})
        (complaints - settled)._csp_complaint_begin()

    def _csp_complaint_begin(self, new=False):
        """Give complaints that were just marked an owner, and tell him.

        Taking in a request never fails because of it: the daily look after complaints
        finds what could not be done.
        """
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                self._csp_complaint_take_in(new)
        except OperationalError:
            # Two transactions met: the server runs the request again.
            raise
        except Exception:
            _logger.exception("Complaints %s have no owner yet", self.ids)

    def _csp_complaint_take_in(self, new=False):
        now = fields.Datetime.now()
        owners = self._csp_complaint_find_owners()
        sources = self._csp_complaint_sources()
        by_facts = defaultdict(self.browse)
        for ticket in self:
            facts = {"csp_complaint_owner_id": owners[ticket].id}
            if ticket.csp_complaint_state in (False, complaint.CLOSED):
                answered = new and ticket.csp_first_response_at
                facts.update(
                    csp_complaint_state=complaint.ACKNOWLEDGED
                    if answered
                    else complaint.RECEIVED,
                    csp_complaint_acknowledged_at=answered or False,
                    csp_complaint_at=now,
                    csp_complaint_source=sources[ticket],
                    **UNDECIDED,
                )
            by_facts[tuple(facts.items())] += ticket
        for facts, tickets in by_facts.items():
            tickets._csp_write_complaint(dict(facts))
        self._csp_complaint_note(
            {
                ticket: {
                    "step": "marked",
                    "source": sources[ticket],
                    "owner": owners[ticket].id,
                }
                for ticket in self
            }
        )
        self._csp_log_each(
            {
                ticket: self.env._(
                    "This is a complaint. %(owner)s answers for it.",
                    owner=owners[ticket].name,
                )
                for ticket in self
            }
        )
        self._csp_tell_owners(
            owners,
            self.env._(
                "This is a complaint, and you answer for it until it is closed, "
                "whoever works on the ticket."
            ),
        )

    def _csp_complaint_sources(self):
        """Who called these tickets complaints, by ticket."""
        if not self.env.user._is_internal():
            return dict.fromkeys(self, "customer")
        complaints = self.env["helpdesk.ticket.category"]._csp_complaint_ids()
        return {
            ticket: "category" if ticket.category_id.id in complaints else "agent"
            for ticket in self
        }

    @api.model
    def _csp_check_unmarking(self, complaints, vals):
        """A decision stays on record: nobody makes it unseen by removing the mark."""
        if vals.get("csp_is_complaint", True):
            return
        decided = complaints.filtered("csp_complaint_outcome")
        if decided:
            raise UserError(
                self.env._(
                    "%(tickets)s: the complaint was decided, and stays on record. "
                    "If the customer takes it back, use “Customer withdraws” on the "
                    "page Complaint.",
                    tickets=", ".join(decided.mapped("number")),
                )
            )

    def _csp_complaint_unmarked(self):
        if not self:
            return
        self._csp_complaint_note({ticket: {"step": "unmarked"} for ticket in self})
        self._csp_log_each(
            dict.fromkeys(self, self.env._("This is no complaint any more."))
        )
        self._csp_complaint_over()

    def _csp_complaint_over(self):
        """Nobody has to look after these complaints any more."""
        if hasattr(self, "_csp_end_concern"):
            self._csp_end_concern("complaint")
        self.activity_unlink([TODO_TYPE])

    # === Who answers for it ===

    def _csp_complaint_find_owners(self):
        """Who answers for these complaints, by ticket: never nobody.

        The owner that a ticket has stays, as long as he can. Else by the rule of the
        team, then the leaders of the team and of the teams above it, the company's
        person for complaints, a manager.
        """
        owners, queues = {}, defaultdict(self.browse)
        can = self.env["res.users"]._csp_can_own_complaints
        for ticket in self:
            company, owner = ticket.company_id, ticket.csp_complaint_owner_id
            if owner and can(owner, company):
                owners[ticket] = owner
                continue
            team = ticket.team_id
            if team.csp_complaint_rule == "in_turn":
                queues[team, company] += ticket
            choice = team._csp_complaint_candidates(ticket.user_id)
            owners[ticket] = choice.filtered(lambda user, of=company: can(user, of))[:1]
        for (team, company), tickets in queues.items():
            people = can(team.csp_complaint_user_ids.sorted("id"), company)
            turns = tickets._csp_complaint_turns(team, people)
            owners.update(zip(tickets, turns, strict=False))
        last_resorts = {}
        for ticket in self:
            if not owners[ticket]:
                company = ticket.company_id
                if company not in last_resorts:
                    last_resorts[company] = company._csp_complaint_last_resort()
                owners[ticket] = last_resorts[company]
        return owners

    def _csp_complaint_turns(self, team, people):
        """Whose turn it is on these new complaints of a team, those away left out."""
        if hasattr(people, "_csp_presence"):
            presence = people._csp_presence()
            here = people.filtered(
                lambda user: user.id not in presence or not presence[user.id].away
            )
            people = here or people
        last_at = {
            user.id: to_epoch(at)
            for user, at in self.with_context(active_test=False)._read_group(
                [
                    ("team_id", "=", team.id),
                    ("csp_is_complaint", "=", True),
                    ("csp_complaint_owner_id", "in", people.ids),
                    ("csp_complaint_at", "!=", False),
                ],
                groupby=["csp_complaint_owner_id"],
                aggregates=["csp_complaint_at:max"],
            )
        }
        turns = complaint.take_turns(people.ids, last_at, len(self))
        return [people.browse(user_id) for user_id in turns]

    def _csp_complaint_keep_owned(self, leaving=None):
        """Give open complaints whose owner cannot answer for them any more another one.

        :param leaving: users who are about to be deleted
        """
        can = self.env["res.users"]._csp_can_own_complaints
        orphans = self.filtered(
            lambda ticket: (
                ticket._csp_is_open_complaint()
                and (
                    not can(ticket.csp_complaint_owner_id, ticket.company_id)
                    or (leaving and ticket.csp_complaint_owner_id in leaving)
                )
            )
        )
        if not orphans:
            return
        before = {ticket: ticket.csp_complaint_owner_id for ticket in orphans}
        orphans._csp_write_complaint({"csp_complaint_owner_id": False})
        owners = orphans._csp_complaint_find_owners()
        reason = self.env._("The owner is not there any more.")
        orphans._csp_complaint_change_owner(before, owners, reason)

    def _csp_complaint_change_owner(self, before, owners, reason):
        """Record new owners, and tell them.

        :param before: the owner until now, by ticket
        :param owners: the owner from now on, by ticket
        """
        by_facts = defaultdict(self.browse)
        for ticket in self:
            count = ticket.csp_complaint_handover_count + bool(before[ticket])
            by_facts[owners[ticket].id, count] += ticket
        for (owner_id, count), tickets in by_facts.items():
            tickets._csp_write_complaint(
                {
                    "csp_complaint_owner_id": owner_id,
                    "csp_complaint_handover_count": count,
                }
            )
        self._csp_complaint_note(
            {
                ticket: {
                    "step": "owner",
                    "role": "complaint_owner",
                    "from": before[ticket].id,
                    "to": owners[ticket].id,
                    "reason": reason,
                }
                for ticket in self
            }
        )
        self._csp_log_each(
            {
                ticket: self.env._(
                    "%(after)s answers for this complaint now, before it was "
                    "%(before)s. %(reason)s",
                    after=owners[ticket].name,
                    before=before[ticket].name or self.env._("nobody"),
                    reason=reason,
                )
                for ticket in self
            }
        )
        self._csp_tell_owners(
            owners,
            self.env._("You answer for this complaint now. %(why)s", why=reason),
        )
        for owner, tickets in _by_value(owners).items():
            todos = tickets.activity_ids.filtered(
                lambda todo: todo.activity_type_id == self.env.ref(TODO_TYPE)
            )
            (todos.filtered(lambda todo, to=owner: todo.user_id != to)).user_id = owner

    def _csp_complaint_hand_over(self, user, reason):
        """Hand these complaints over to another owner.

        :raises UserError: without a reason, or when the user cannot answer for them
        """
        reason = self._csp_handover_sentence(reason)
        # sudo: helpdesk.ticket: the caller checked; facts are written by nobody
        tickets = self.sudo().filtered(
            lambda ticket: (
                ticket._csp_is_open_complaint()
                and ticket.csp_complaint_owner_id != user
            )
        )
        for company in tickets.company_id:
            if not user._csp_can_own_complaints(user, company):
                raise UserError(
                    self.env._(
                        "%(user)s cannot answer for complaints in %(company)s: nobody "
                        "can who does not work in its helpdesk.",
                        user=user.name,
                        company=company.name,
                    )
                )
        before = {ticket: ticket.csp_complaint_owner_id for ticket in tickets}
        tickets._csp_complaint_change_owner(
            before, dict.fromkeys(tickets, user.sudo()), reason
        )

    def _csp_tell_owners(self, owners, text):
        """Let the owners see their tickets, and tell them; a failure stops nothing."""
        try:
            with self.env.cr.savepoint():
                for owner, tickets in _by_value(owners).items():
                    partner = owner.partner_id
                    # Whoever follows a ticket may see it and work on it.
                    tickets.message_subscribe(partner_ids=partner.ids)
                    quiet = self.env.context.get("csp_complaint_quiet") is BY_ADDON
                    if quiet or owner == self.env.user:
                        continue
                    tickets._csp_tell_owner(partner, text)
        except OperationalError:
            raise
        except Exception:
            _logger.exception("Owners of complaints %s could not be told", self.ids)

    def _csp_tell_owner(self, partner, text):
        """Tell an owner of one or many complaints, by one message."""
        if len(self) == 1:
            self.message_notify(
                partner_ids=partner.ids,
                subject=self.env._("Complaint: %s", self.display_name),
                body=text,
            )
            return
        links = Markup("").join(
            Markup("<li>%s</li>") % ticket._get_html_link() for ticket in self
        )
        self.env["mail.thread"].message_notify(
            partner_ids=partner.ids,
            subject=self.env._("%s complaints", len(self)),
            body=Markup("<p>%s</p><ul>%s</ul>") % (text, links),
        )

    @api.autovacuum
    def _gc_csp_ownerless_complaints(self):
        """Look after complaints that have no owner, or one who is gone."""
        limit = 100
        # What was archived or brought in by other ways than ours is found, too.
        found = self.search(
            OPEN_COMPLAINT
            & (
                Domain("csp_complaint_owner_id", "=", False)
                | Domain("csp_complaint_owner_id.active", "=", False)
            ),
            limit=limit,
        )
        unknown = found.filtered(lambda ticket: not ticket.csp_complaint_state)
        unknown._csp_complaint_begin()
        (found - unknown)._csp_complaint_keep_owned()
        return len(found), len(found) == limit

    # === Handing over the work ===

    def _csp_acts_by_itself(self):
        """Whether no person is at work here: the system, or an automation."""
        return (
            self.env.su
            or is_by_addon(self.env)
            or bool(self.env.cr.cache.get("csp_automation"))
        )

    @api.model
    def _csp_check_handover(self, complaints, vals):
        """Ask for a sentence when a complaint goes from one person to another."""
        reason = self.env.context.get("csp_handover_reason")
        if "user_id" not in vals or (isinstance(reason, str) and reason.strip()):
            return
        left = complaints.filtered(
            lambda ticket: (
                ticket._csp_is_open_complaint()
                and ticket.user_id
                and ticket.user_id.id != vals["user_id"]
            )
        )
        if left:
            raise UserError(
                self.env._(
                    "%(tickets)s: a complaint goes to another person only with a "
                    "sentence that says why. Use “Hand over” on the ticket, or in the "
                    "actions of the list.",
                    tickets=", ".join(left.mapped("number")),
                )
            )

    @api.model
    def _csp_handover_sentence(self, reason):
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Say in a sentence why you hand it over: it is recorded.")
            )
        return reason

    def _csp_hand_over_work(self, user, reason):
        """Let another person work on these tickets, with the reason on record."""
        reason = self._csp_handover_sentence(reason)
        tickets = self.filtered(lambda ticket: ticket.user_id != user)
        if not tickets:
            return
        tickets.with_context(csp_handover_reason=reason).write({"user_id": user.id})
        # sudo: helpdesk.ticket: who handed it over may not see it any more
        tickets.sudo()._csp_log_each(
            dict.fromkeys(
                tickets,
                self.env._(
                    "Handed over to %(user)s. %(reason)s", user=user.name, reason=reason
                ),
            )
        )

    def _csp_follow_state(self, dossier, now):
        result = super()._csp_follow_state(dossier, now)
        reason = self.env.context.get("csp_handover_reason")
        reason = reason or self.env.cr.cache.get("csp_automation")
        if reason and isinstance(reason, str):
            for noted in dossier.noted:
                if noted.kind == "handover" and noted.data.get("from"):
                    noted.data.setdefault("reason", reason[:1000])
        return result

    # === Keeping facts ===

    def _csp_write_complaint(self, facts):
        """Write facts about these complaints."""
        self.with_context(csp_by_addon=BY_ADDON).write(facts)

    def _csp_complaint_note(self, data):
        """Record what happened to complaints, now and by the user who acts.

        :param data: dict of ticket to what happened; `step` says what
        """
        now = to_epoch(fields.Datetime.now())
        self.env["csp.ticket.event"]._insert(
            [
                (ticket.id, "complaint", now, self.env.uid, None, details)
                for ticket, details in data.items()
            ]
        )
        self.invalidate_recordset(["csp_event_ids"], flush=False)

    def _csp_log_each(self, bodies):
        """One line in the chatter of each ticket, where lines are wanted."""
        if bodies and not self.env.context.get("tracking_disable"):
            self._message_log_batch(
                bodies={ticket.id: body for ticket, body in bodies.items()}
            )


def _by_value(owners):
    """Tickets by owner, of a dict of ticket to owner."""
    result = {}
    for ticket, owner in owners.items():
        result[owner] = result.get(owner, ticket.browse()) | ticket
    return result
