import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

from ..tools import escalation
from ..tools.epoch import from_epoch, to_epoch
from .csp_commitment import CONFLICTS
from .csp_escalation_step import ACTIONS, TRIGGERS
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: Actions by which people are told something.
TELLING = ("notify", "todo")


class CspEscalation(models.Model):
    """One step that was taken: for what, why, by which way, and what followed."""

    _name = "csp.escalation"
    _inherit = ["csp.protected"]
    _description = "Escalation"
    _log_access = False
    _order = "at desc, id desc"

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
    commitment_id = fields.Many2one(
        comodel_name="csp.commitment",
        string="Promise",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    concern_id = fields.Many2one(
        comodel_name="csp.escalation.concern",
        string="Matter",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    step_id = fields.Many2one(
        comodel_name="csp.escalation.step",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    trigger = fields.Selection(
        selection=[*TRIGGERS, ("manual", "By hand")],
        string="Why",
        required=True,
        readonly=True,
    )
    action = fields.Selection(
        selection=ACTIONS, string="What", required=True, readonly=True
    )
    state = fields.Selection(
        selection=[
            ("waiting", "Waiting for the morning"),
            ("told", "Carried out"),
            ("taken", "Taken charge of"),
            ("settled", "Settled"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        index=True,
        group_expand=True,
    )
    due_at = fields.Datetime(
        string="Due",
        readonly=True,
        help="When the step was due. Steps found late were joined to the last one.",
    )
    at = fields.Datetime(string="When", required=True, readonly=True, index=True)
    reason = fields.Char(readonly=True)
    is_manual = fields.Boolean(string="By hand", readonly=True)
    by_id = fields.Many2one(
        comodel_name="res.users",
        string="Escalated by",
        readonly=True,
        ondelete="set null",
    )
    joined_into_id = fields.Many2one(
        comodel_name="csp.escalation",
        string="Joined into",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Found late together with the steps after it: one message told all.",
    )
    joined_ids = fields.One2many(
        comodel_name="csp.escalation",
        inverse_name="joined_into_id",
        string="Steps",
        readonly=True,
    )
    notice_ids = fields.One2many(
        comodel_name="csp.escalation.notice",
        inverse_name="escalation_id",
        string="Who was told",
        readonly=True,
    )
    taken_by_id = fields.Many2one(
        comodel_name="res.users",
        string="Taken charge of by",
        readonly=True,
        ondelete="set null",
    )
    taken_at = fields.Datetime(string="Taken charge of", readonly=True)
    settled_at = fields.Datetime(string="Settled", readonly=True)
    error = fields.Char(string="What went wrong", readonly=True)

    _once_per_promise = models.UniqueIndex(
        "(commitment_id, step_id)", "A step is taken once for a promise."
    )
    _once_per_concern = models.UniqueIndex(
        "(concern_id, step_id)", "A step is taken once for a matter."
    )

    @api.depends("ticket_id", "trigger")
    def _compute_display_name(self):
        labels = dict(self._fields["trigger"]._description_selection(self.env))
        for each in self:
            each.display_name = f"{each.ticket_id.number}: {labels.get(each.trigger)}"

    # === Carrying out what is due ===

    @api.model
    def _carry_out(self, due):
        """Take the steps that are due, and write down who is to be told.

        Steps found late together are joined: their people are told once, the ticket is
        given away once, the customer gets the last text only. A step that fails is
        written down as failed and does not hold up the others.

        :param due: list of `DueSteps`
        """
        due = self._not_yet_taken(due)
        if not due:
            return
        now = fields.Datetime.now()
        values, jobs = [], []
        Step = self.env["csp.escalation.step"]
        # Read together, whatever list and ticket they belong to
        steps = Step.browse({step.id for each in due for step in each.steps})
        steps = steps.exists().grouped("id")
        tickets = self.env["helpdesk.ticket"].browse({each.ticket for each in due})
        tickets = tickets.with_context(active_test=False).grouped("id")
        for each in due:
            taken = Step.concat(*(steps.get(step.id, Step) for step in each.steps))
            if taken:
                jobs.append((tickets[each.ticket], taken))
                values += [
                    {
                        "ticket_id": each.ticket,
                        "commitment_id": each.commitment or False,
                        "concern_id": each.concern or False,
                        "list_id": each.chain,
                        "step_id": step.id,
                        "trigger": step.trigger,
                        "action": step.action,
                        "state": "told",
                        "due_at": now,
                        "at": now,
                    }
                    for step in taken
                ]
        logs = self.with_context(csp_by_addon=BY_ADDON).create(values)
        work, at = [], 0
        for ticket, taken in jobs:
            work.append((ticket, taken, logs[at : at + len(taken)]))
            at += len(taken)
        for _ticket, _taken, entries in work:
            entries[:-1].joined_into_id = entries[-1]
        self._tell_people(work)
        for ticket, taken, entries in work:
            self._act(ticket, taken, entries)

    @api.model
    def _not_yet_taken(self, due):
        """The same without steps that were already taken for that promise."""
        if not due:
            return due
        known = self.search(
            Domain("commitment_id", "in", [each.commitment for each in due])
            | Domain("concern_id", "in", [each.concern for each in due if each.concern])
        )
        taken = {
            (entry.commitment_id.id or 0, entry.concern_id.id or 0, entry.step_id.id)
            for entry in known
        }
        left = []
        for each in due:
            steps = tuple(
                step
                for step in each.steps
                if (each.commitment, each.concern, step.id) not in taken
            )
            if steps:
                left.append(each._replace(steps=steps))
        return left

    @api.model
    def _tell_people(self, work):
        """Write down who is to be told by these steps, and when.

        :param work: list of (ticket, steps, their entries)
        """
        work = [
            (ticket, steps.filtered(lambda step: step.action in TELLING), entries)
            for ticket, steps, entries in work
        ]
        fallbacks = self._fallbacks_by_ticket(
            [(ticket, steps[0].list_id) for ticket, steps, _entries in work if steps]
        )
        people = self._presence_of(
            self.env["res.users"].union(
                *fallbacks.values(),
                *(
                    step._wanted(ticket)
                    for ticket, steps, _entries in work
                    for step in steps
                ),
            )
        )
        notices = []
        for ticket, steps, entries in work:
            if not steps:
                continue
            entry = entries[-1]
            told = self._find_told(ticket, steps, people, fallbacks[ticket].ids)
            notices += [
                {
                    "escalation_id": entry.id,
                    "user_id": each.user,
                    "instead_of_id": each.instead_of or False,
                    "way": way,
                    "due_at": from_epoch(each.at),
                    "state": "waiting",
                }
                for each, way in told
            ]
            if not told:
                entry.write(
                    {"state": "failed", "error": self.env._("There is nobody to tell.")}
                )
        self.env["csp.escalation.notice"].with_context(csp_by_addon=BY_ADDON).create(
            notices
        )
        now = fields.Datetime.now()
        held = {each["escalation_id"] for each in notices if each["due_at"] > now}
        at_once = {each["escalation_id"] for each in notices if each["due_at"] <= now}
        waiting = self.browse(held - at_once)
        if waiting:
            waiting |= self.search([("joined_into_id", "in", waiting.ids)])
            waiting.with_context(csp_by_addon=BY_ADDON).state = "waiting"

    @api.model
    def _find_told(self, ticket, steps, people, fallbacks):
        """Who is told by steps found due together on one ticket.

        :return: list of (`escalation.Told`, way), each person once
        """
        now = to_epoch(fields.Datetime.now())
        gone = frozenset(ticket._csp_gone_from_team().ids)
        told = {}
        # A to-do says all that a message would; the last step knows best how.
        for step in steps.sorted(lambda step: step.action == "todo"):
            way = "todo" if step.action == "todo" else step.notify_by
            for each in escalation.find_told(
                step._wanted(ticket).ids,
                people,
                fallbacks,
                now,
                step.at_night,
                gone.difference(step.user_ids.ids),
            ):
                before = told.get(each.user)
                if before is None or each.at < before[0].at:
                    told[each.user] = (each, way)
                else:
                    told[each.user] = (before[0], way)
        return list(told.values())

    @api.model
    def _presence_of(self, users):
        """Where these people and their deputies are at the moment.

        :return: dict of user id to `presence.Presence`
        """
        people = {}
        while users:
            people.update(users._csp_presence())
            deputies = {person.deputy for person in people.values()} - {0}
            users = users.browse(deputies - people.keys())
        return people

    @api.model
    def _fallbacks_by_ticket(self, asked):
        """Whom to tell when nobody who is meant can be, the nearest first.

        :param asked: list of (ticket, escalation list)
        :return: dict of ticket to users
        """
        # sudo: res.groups: who manages the plan of a company
        group = self.env.ref("customer_service_plan.group_manager").sudo()
        managers = group.all_user_ids.sorted("id")
        of_company = {
            company: managers._csp_working_for(company)
            for company in {ticket.company_id for ticket, _list in asked}
        }
        fallbacks = {}
        for ticket, escalation_list in asked:
            # sudo: res.users, csp.policy: only who they are
            known = ticket.sudo()
            near = (
                known.team_id.user_id
                | known.team_id.parent_id.user_id
                | known.csp_policy_version_id.policy_id.owner_id
                | escalation_list.sudo().last_resort_id
            )
            fallbacks[ticket] = (
                near._csp_working_for(ticket.company_id) | of_company[ticket.company_id]
            )
        return fallbacks

    def _act(self, ticket, steps, entries):
        """Carry out what these steps do to a ticket, apart from telling people."""
        by_action = {}
        for step, entry in zip(steps, entries, strict=True):
            by_action.setdefault(step.action, []).append((step, entry))
        for action in ("priority", "reassign", "customer"):
            for step, entry in by_action.get(action, [])[-1:]:
                entry._try(getattr(self, f"_act_{action}"), ticket, step, entry)
        seen = set()
        for step, entry in by_action.get("server_action", []):
            if step.server_action_id.id not in seen:
                seen.add(step.server_action_id.id)
                entry._try(self._act_server_action, ticket, step, entry)

    def _try(self, act, *args):
        """Call `act`; what goes wrong is written down here and stops nothing else."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                act(*args)
        except CONFLICTS:
            raise
        except Exception as error:  # pylint: disable=broad-except
            _logger.warning(
                "Ticket %s: the escalation step %s failed: %s",
                self.ticket_id.number,
                self.step_id.id,
                error,
            )
            self.write({"state": "failed", "error": str(error) or repr(error)})

    @api.model
    def _act_priority(self, ticket, step, _entry):
        if (ticket.priority or "0") < step.priority:
            ticket.priority = step.priority

    @api.model
    def _act_reassign(self, ticket, step, entry):
        wanted = step._wanted(ticket)
        fallbacks = self._fallbacks_by_ticket([(ticket, step.list_id)])[ticket]
        people = self._presence_of(wanted | fallbacks)
        now = to_epoch(fields.Datetime.now())
        told = escalation.find_told(wanted.ids, people, fallbacks.ids, now)
        # Whoever works at the moment rather than who comes first
        found = next((each for each in told if people[each.user].working), None)
        found = found or (told and told[0])
        if not found or found.user == ticket.user_id.id:
            return
        ticket.user_id = found.user
        self.env["csp.escalation.notice"].with_context(csp_by_addon=BY_ADDON).create(
            {
                "escalation_id": entry.id,
                "user_id": found.user,
                "instead_of_id": found.instead_of or False,
                "way": "assigned",
                "due_at": fields.Datetime.now(),
                "sent_at": fields.Datetime.now(),
                "state": "sent",
            }
        )

    @api.model
    def _act_customer(self, ticket, step, _entry):
        template = step.mail_template_id
        if not (ticket.partner_id.email or ticket.partner_email):
            raise UserError(self.env._("The customer has no e-mail address."))
        if not ticket.partner_id:
            template.send_mail(ticket.id, force_send=False)
            return
        ticket.with_context(
            csp_silent=True, mail_notify_force_send=False
        ).message_post_with_source(
            template,
            message_type="auto_comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=ticket.partner_id.ids,
        )

    @api.model
    def _act_server_action(self, ticket, step, _entry):
        # sudo: ir.actions.server: chosen by a manager of the plan among those that
        # Odoo's administrators made for tickets
        step.server_action_id.sudo().with_context(
            active_model=ticket._name, active_id=ticket.id, active_ids=ticket.ids
        ).run()

    # === What happened then ===

    @api.model
    def _promises_of(self, tickets):
        """To which promises the entries of tickets belong, before these are derived
        anew; see `_belong_to`."""
        self.flush_model(["commitment_id"])
        self.env.cr.execute(
            SQL(
                """
                SELECT e.id, c.ticket_id, c.kind, c.started_at
                  FROM csp_escalation e
                  JOIN csp_commitment c ON c.id = e.commitment_id
                 WHERE e.ticket_id = ANY(%s)
              ORDER BY e.id
                """,
                tickets.ids,
            )
        )
        return self.env.cr.fetchall()

    @api.model
    def _belong_to(self, promises):
        """Give entries their promises back, which have other ids now.

        :param promises: what `_promises_of` gave
        """
        if not promises:
            return
        entries, tickets, kinds, starts = zip(*promises, strict=True)
        self.env.cr.execute(
            SQL(
                """
                WITH found AS (
                    SELECT DISTINCT ON (c.id, e.step_id) e.id, c.id AS commitment
                      FROM unnest(%s, %s, %s, %s::timestamp[])
                        AS row(entry, ticket, kind, start)
                      JOIN csp_escalation e ON e.id = row.entry
                      JOIN csp_commitment c
                        ON c.ticket_id = row.ticket AND c.kind = row.kind
                       AND c.started_at = row.start
                  ORDER BY c.id, e.step_id, e.id DESC
                )
                UPDATE csp_escalation e SET commitment_id = found.commitment
                  FROM found WHERE e.id = found.id
                """,
                list(entries),
                list(tickets),
                list(kinds),
                list(starts),
            )
        )
        self.invalidate_model(["commitment_id"], flush=False)

    @api.model
    def _settle(self, ids, column="commitment_id"):
        """What was late has ended: nobody needs to be told any more."""
        if not ids:
            return
        self.env.cr.execute(
            SQL(
                """
                WITH settled AS (
                    UPDATE csp_escalation
                       SET state = CASE WHEN state = 'failed' THEN state
                                        ELSE 'settled' END,
                           settled_at = %(now)s
                     WHERE %(column)s = ANY(%(ids)s) AND settled_at IS NULL
                 RETURNING id
                )
                UPDATE csp_escalation_notice
                   SET state = 'dropped'
                 WHERE state = 'waiting'
                   AND escalation_id IN (SELECT id FROM settled)
                """,
                now=fields.Datetime.now(),
                column=SQL.identifier(column),
                ids=list(ids),
            ),
            log_exceptions=False,
        )
        self.invalidate_model(flush=False)
        self.env["csp.escalation.notice"].invalidate_model(flush=False)

    @api.model
    def _taken_charge(self, tickets):
        """Somebody looks after these tickets: nobody else needs to be told."""
        # sudo: csp.escalation: written by the addon, for who may change the tickets
        entries = self.sudo().search(
            [
                ("ticket_id", "in", tickets.ids),
                ("state", "in", ["waiting", "told", "failed"]),
            ]
        )
        entries.with_context(csp_by_addon=BY_ADDON).write(
            {
                "state": "taken",
                "taken_by_id": self.env.uid,
                "taken_at": fields.Datetime.now(),
            }
        )
        entries.notice_ids.filtered(
            lambda notice: notice.state == "waiting"
        ).with_context(csp_by_addon=BY_ADDON).write({"state": "dropped"})

    @api.model
    def _escalate_by_hand(self, tickets, reason, users):
        """Write down that the user calls for help, and have the people told.

        :param users: whom to tell; found by the tickets' teams if empty
        """
        # sudo: csp.escalation: written by the addon, for who may change the tickets
        self = self.sudo().with_context(csp_by_addon=BY_ADDON)
        tickets = tickets.sudo()
        now = fields.Datetime.now()
        author = self.env.user
        rules = self.env["csp.policy"]._compiled_rules
        entries = self.create(
            [
                {
                    "ticket_id": ticket.id,
                    "list_id": ticket._csp_escalation_list(
                        rules(ticket.company_id.id).escalation
                    ).id,
                    "trigger": "manual",
                    "action": "notify",
                    "state": "told",
                    "due_at": now,
                    "at": now,
                    "reason": reason,
                    "is_manual": True,
                    "by_id": author.id,
                }
                for ticket in tickets
            ]
        )
        fallbacks = self._fallbacks_by_ticket(
            [(entry.ticket_id, entry.list_id) for entry in entries]
        )
        people = self._presence_of(users.union(*fallbacks.values()))
        notices = []
        for ticket, entry in zip(tickets, entries, strict=True):
            others = (fallbacks[ticket] - author).ids
            for each in escalation.find_told(
                users.ids or others[:1], people, others, to_epoch(now)
            ):
                notices.append(
                    {
                        "escalation_id": entry.id,
                        "user_id": each.user,
                        "instead_of_id": each.instead_of or False,
                        "way": "preference",
                        "due_at": from_epoch(each.at),
                        "state": "waiting",
                    }
                )
        notices = self.env["csp.escalation.notice"].create(notices)
        for ticket, entry in zip(tickets, entries, strict=True):
            told = notices.filtered(
                lambda notice, entry=entry: notice.escalation_id == entry
            )
            data = {"manual": True, "reason": reason, "users": told.user_id.ids}
            ticket._csp_record("escalated", data)
            if told and all(notice.due_at > now for notice in told):
                entry.state = "waiting"
        self.env["csp.commitment"]._wake_sweep_after_commit(to_epoch(now))
        return entries

    # === In words ===

    def _what_text(self):
        """What is the matter, in a few words, for a subject."""
        self.ensure_one()
        row = self.commitment_id
        if self.is_manual:
            return self.env._("%s calls for help", self.by_id.sudo().name or "")
        if row:
            kinds = dict(row._fields["kind"]._description_selection(self.env))
            kind = kinds[row.kind]
            if row.missed_at:
                return self.env._("%s is late", kind)
            return self.env._("%s is due soon", kind)
        labels = dict(
            self.concern_id._fields["trigger"]._description_selection(self.env)
        )
        return labels.get(self.concern_id.trigger or self.trigger, "")

    def _lines(self):
        """What is the matter and what to do, a line each, in the reader's time zone."""
        self.ensure_one()
        lines = []
        row = self.commitment_id
        if row and row.missed_at:
            lines.append(
                self.env._(
                    "%(what)s: it was due %(when)s.",
                    what=self._what_text(),
                    when=self._moment(row.deadline or row.missed_at),
                )
            )
        elif row and row.deadline:
            lines.append(
                self.env._(
                    "%(what)s: by %(when)s.",
                    what=self._what_text(),
                    when=self._moment(row.deadline),
                )
            )
        elif self.concern_id:
            lines.append(
                self.env._(
                    "%(what)s, since %(when)s.",
                    what=self._what_text(),
                    when=self._moment(self.concern_id.started_at),
                )
            )
        else:
            lines.append(self._what_text())
        if self.reason:
            lines.append(self.reason)
        lines += [
            step.note for step in self.step_id | self._joined().step_id if step.note
        ]
        return lines

    def _joined(self):
        """Entries of steps that were found late together with this one."""
        return self.joined_ids.sorted("id")

    def _moment(self, at):
        return format_datetime(self.env, at, dt_format="EEE d MMM, HH:mm")
