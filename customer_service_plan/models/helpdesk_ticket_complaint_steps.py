from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError, ValidationError
from odoo.tools import format_amount

from ..tools import complaint
from ..tools.epoch import to_epoch
from .helpdesk_ticket_complaint import (
    COMPLAINT_OUTCOMES,
    COMPLAINT_REMEDIES,
    COMPLAINT_STATES,
    TODO_TYPE,
    UNDECIDED,
)
from .protected import BY_ADDON

#: How the customer can be told a decision.
TOLD_BY = [
    ("reply", "By a reply on the ticket"),
    ("phone", "By phone"),
    ("in_person", "In person"),
    ("letter", "By letter"),
]


class HelpdeskTicket(models.Model):
    """The way of a complaint: acknowledged, investigated, decided, told, closed."""

    _inherit = "helpdesk.ticket"

    # === Closing the ticket ===

    @api.model
    def _csp_check_closing(self, complaints, vals):
        """Ask what became of the complaint before somebody calls its ticket solved."""
        if not vals.get("stage_id"):
            return
        still_open = complaints.filtered(
            lambda ticket: ticket._csp_is_open_complaint() and not ticket.closed
        )
        if not still_open:
            return
        # sudo: helpdesk.ticket.stage: what the stage means
        stage = self.env["helpdesk.ticket.stage"].sudo().browse(vals["stage_id"])
        if not stage.closed or stage.csp_outcome == "cancelled":
            return
        if len(still_open) > 1:
            raise UserError(
                self.env._(
                    "These tickets are complaints that are not closed yet: "
                    "%(tickets)s. Close each complaint on its page Complaint first: "
                    "what was decided, and that the customer was told.",
                    tickets=", ".join(still_open.mapped("number")),
                )
            )
        action = self.env.ref("customer_service_plan.csp_complaint_step_action")
        raise RedirectWarning(
            self.env._(
                "%(ticket)s is a complaint that is not closed yet. Say what was "
                "decided, and that the customer was told; then the ticket goes to "
                "%(stage)s.",
                ticket=still_open.number,
                stage=stage.name,
            ),
            action.id,
            self.env._("Close the complaint"),
            {
                "default_ticket_id": still_open.id,
                "default_step": complaint.CLOSED,
                "default_stage_id": stage.id,
            },
        )

    def _csp_complaint_left_open(self):
        """Remind the owners of complaints whose tickets were closed without them."""
        left = self.filtered(
            lambda ticket: (
                ticket.closed
                and ticket._csp_is_open_complaint()
                and not ticket.activity_search([TODO_TYPE])
            )
        )
        for owner, tickets in left.grouped("csp_complaint_owner_id").items():
            tickets.with_context(mail_activity_quick_update=True).activity_schedule(
                TODO_TYPE,
                user_id=owner.id,
                summary=self.env._("The ticket is closed, its complaint is not"),
                note=self.env._(
                    "Close the complaint, too: what was decided, and that the customer "
                    "was told."
                ),
            )

    # === What follows from what happens ===

    def _csp_record(self, kind, data=None, partner=None):
        """The first answer of ours to a complaint acknowledges it."""
        result = super()._csp_record(kind, data, partner)
        if kind == "staff_reply":
            # sudo: helpdesk.ticket: facts are recorded whoever acts
            waiting = self.sudo().filtered(
                lambda ticket: (
                    ticket.csp_is_complaint
                    and ticket.csp_complaint_state == complaint.RECEIVED
                )
            )
            waiting._csp_complaint_move(complaint.ACKNOWLEDGED, by="reply")
        return result

    def _csp_merged_into(self, target):
        """A complaint stays one when its ticket is joined into another."""
        result = super()._csp_merged_into(target)
        # sudo: helpdesk.ticket: the merge was allowed; facts are recorded for all
        target, sources = target.sudo(), (self - target).sudo()
        still_open = sources.filtered(lambda ticket: ticket._csp_is_open_complaint())
        if not still_open:
            return result
        if not target.csp_is_complaint:
            owner = still_open[:1].csp_complaint_owner_id
            target._csp_write_complaint({"csp_complaint_owner_id": owner.id})
            target.csp_is_complaint = True
        elif not target._csp_is_open_complaint():
            target._csp_complaint_reopen(self.env._("Another complaint joined it."))
        still_open._csp_write_complaint(
            {
                "csp_complaint_state": complaint.CLOSED,
                "csp_complaint_closed_at": fields.Datetime.now(),
            }
        )
        still_open._csp_complaint_note(
            {
                ticket: {"step": "merged", "number": target.number}
                for ticket in still_open
            }
        )
        still_open._csp_complaint_over()
        return result

    # === The steps ===

    def _csp_complaint_move(self, to, facts=None, **details):
        """Let these complaints reach a stage, now and by the user who acts.

        :param str to: the stage
        :param facts: what else becomes known of them
        :param details: what is recorded with the step
        :raises UserError: when a complaint cannot go there from where it is
        """
        if not self:
            return
        labels = dict(
            self._fields["csp_complaint_state"]._description_selection(self.env)
        )
        for ticket in self:
            state = ticket.csp_complaint_state
            if not ticket.csp_is_complaint or not state:
                raise UserError(
                    self.env._("%s is not a complaint.", ticket.display_name)
                )
            if not complaint.may_move(state, to):
                raise UserError(
                    self.env._(
                        "%(ticket)s: the complaint is at “%(state)s” and cannot go to "
                        "“%(to)s” from there.",
                        ticket=ticket.number,
                        state=labels[state],
                        to=labels[to],
                    )
                )
        self._csp_write_complaint(
            {
                **(facts or {}),
                "csp_complaint_state": to,
                f"csp_complaint_{to}_at": fields.Datetime.now(),
            }
        )
        said = {key: value for key, value in details.items() if value}
        self._csp_complaint_note({ticket: {"step": to, **said} for ticket in self})
        words = said.get("text") or said.get("note") or ""
        body = self.env._("Complaint: %s", labels[to].lower())
        if words:
            body = f"{body}. {words}"
        self._csp_log_each(dict.fromkeys(self, body))

    def _csp_complaint_decide(self, outcome, kind=False, amount=0.0, note=""):
        """Decide these complaints, within what the user may settle.

        :param str outcome: justified, partly, not_justified
        :param kind: the remedy, or nothing
        :param float amount: what it is worth, in the currency of the company
        :raises UserError: above the limit of the user
        """
        if outcome not in dict(COMPLAINT_OUTCOMES) or outcome == complaint.WITHDRAWN:
            raise UserError(self.env._("Say whether the complaint is justified."))
        if kind and kind not in dict(COMPLAINT_REMEDIES):
            raise ValidationError(self.env._("There is no such remedy."))
        amount = amount or 0.0
        if amount < 0:
            raise ValidationError(
                self.env._("What a remedy is worth cannot be negative.")
            )
        for ticket in self:
            self.env["csp.remedy.limit"]._check_within(
                self.env.user, ticket.company_id, amount
            )
            text = ticket._csp_decision_text(outcome, kind, amount, note)
            ticket._csp_complaint_move(
                complaint.DECIDED,
                {
                    "csp_complaint_outcome": outcome,
                    "csp_complaint_remedy_kind": kind or False,
                    "csp_complaint_remedy_amount": amount,
                    "csp_complaint_remedy_note": note or False,
                    "csp_complaint_asked": False,
                },
                outcome=outcome,
                text=text,
            )
        self.activity_unlink([TODO_TYPE])

    def _csp_decision_text(self, outcome, kind, amount, note):
        """A decision in words."""
        self.ensure_one()

        def label(name, value):
            field = self._fields[name]
            return dict(field._description_selection(self.env)).get(value, "")

        parts = [label("csp_complaint_outcome", outcome)]
        remedy = label("csp_complaint_remedy_kind", kind)
        if amount:
            worth = format_amount(self.env, amount, self.company_id.currency_id)
            remedy = f"{remedy} {worth}" if remedy else worth
        if remedy:
            parts.append(remedy)
        if note:
            parts.append(note.strip())
        return " · ".join(parts)

    def _csp_complaint_close(self):
        """Close complaints that were decided, and whose customers were told."""
        for ticket in self:
            if not ticket.csp_complaint_outcome or not ticket.csp_complaint_told_at:
                raise UserError(
                    self.env._(
                        "%s: a complaint is closed when it was decided and the "
                        "customer was told.",
                        ticket.number,
                    )
                )
        self._csp_complaint_move(complaint.CLOSED)
        self._csp_complaint_over()

    def _csp_complaint_withdraw(self, note):
        """The customer takes his complaint back."""
        self._csp_write_complaint(
            {
                "csp_complaint_outcome": complaint.WITHDRAWN,
                "csp_complaint_state": complaint.CLOSED,
                "csp_complaint_closed_at": fields.Datetime.now(),
                "csp_complaint_asked": False,
            }
        )
        self._csp_complaint_note(
            {ticket: {"step": complaint.WITHDRAWN, "text": note} for ticket in self}
        )
        body = self.env._("The customer withdraws the complaint. %s", note)
        self._csp_log_each(dict.fromkeys(self, body))
        self._csp_complaint_over()

    def _csp_complaint_reopen(self, reason):
        """Look into closed complaints again; what was decided stays in the events."""
        self._csp_write_complaint(
            {"csp_complaint_state": complaint.ACKNOWLEDGED, **UNDECIDED}
        )
        self._csp_complaint_note(
            {ticket: {"step": "reopened", "text": reason} for ticket in self}
        )
        body = self.env._("The complaint is open again. %s", reason)
        self._csp_log_each(dict.fromkeys(self, body))
        if hasattr(self, "_csp_open_concern"):
            self._csp_open_concern("complaint")
        self._csp_complaint_keep_owned()

    def _csp_complaint_ask(self, values):
        """Ask somebody whose limit suffices to decide as proposed.

        :param values: dict with outcome, kind, amount, note
        :return: the user who was asked
        """
        self.ensure_one()
        text = self._csp_decision_text(
            values["outcome"], values["kind"], values["amount"], values["note"]
        )
        approver = self.env["csp.remedy.limit"]._who_may_settle(self, values["amount"])
        if not approver:
            raise UserError(
                self.env._(
                    "Nobody in %(company)s may settle that much. A service plan "
                    "manager says who may under Configuration / Remedy limits.",
                    company=self.company_id.name,
                )
            )
        self._csp_write_complaint(
            {
                "csp_complaint_asked": {
                    **values,
                    "text": text,
                    "by": self.env.uid,
                    "to": approver.id,
                }
            }
        )
        self._csp_complaint_note(
            {self: {"step": "asked", "to": approver.id, "text": text}}
        )
        # Whoever follows a ticket may see it and work on it.
        self.message_subscribe(partner_ids=approver.partner_id.ids)
        self.activity_unlink([TODO_TYPE])
        self.activity_schedule(
            TODO_TYPE,
            user_id=approver.id,
            summary=self.env._("Decide on a complaint: %s", text),
            note=self.env._(
                "%(agent)s asks you to decide: it is above the limit.",
                agent=self.env.user.name,
            ),
        )
        return approver

    # === Doors for agents ===

    def action_csp_mark_complaint(self):
        """Call these tickets complaints; each gets its owner at once."""
        self.check_access("write")
        self.filtered(lambda ticket: not ticket.csp_is_complaint).write(
            {"csp_is_complaint": True}
        )
        return True

    def action_csp_complaint_acknowledge(self):
        """The customers were told, outside these tickets, that we look into it."""
        self.check_access("write")
        # sudo: helpdesk.ticket: checked above; facts are written by nobody
        self.sudo()._csp_complaint_move(complaint.ACKNOWLEDGED, by="hand")
        return True

    def action_csp_complaint_tick(self, point_id, done=True):
        """Tick a point of the checklist, or take the tick back.

        :param int point_id: the point, of the company of the ticket or of all
        """
        self.ensure_one()
        self.check_access("write")
        point = self.env["csp.complaint.point"].browse(int(point_id))
        point.check_access("read")
        if not self.csp_is_complaint:
            raise UserError(self.env._("%s is not a complaint.", self.display_name))
        if point.company_id and point.company_id != self.company_id:
            raise UserError(self.env._("This point is of another company."))
        # sudo: helpdesk.ticket: checked above; facts are written by nobody
        self.sudo()._csp_complaint_tick(point, bool(done))
        return self.csp_complaint_data()

    def _csp_complaint_tick(self, point, done):
        Tick = self.env["csp.complaint.tick"].with_context(csp_by_addon=BY_ADDON)
        tick = Tick.search(
            [("ticket_id", "=", self.id), ("point_id", "=", point.id)], limit=1
        )
        if done == bool(tick):
            return
        if done:
            Tick.create(
                {"ticket_id": self.id, "point_id": point.id, "user_id": self.env.uid}
            )
        else:
            tick.unlink()
            self._csp_complaint_note({self: {"step": "unticked", "text": point.name}})
        self.invalidate_recordset(["csp_complaint_tick_ids"])

    def csp_complaint_data(self):
        """All that the page Complaint of this ticket shows.

        Moments are UTC epoch seconds.

        :return: dict; empty for a ticket that is no complaint
        :raises AccessError: when the user may not read the ticket, and for customers
        """
        self.ensure_one()
        self.check_access("read")
        # Customers read their tickets, too, but not who decided what about them.
        self.env["csp.complaint.tick"].check_access("read")
        # sudo: helpdesk.ticket: the user may read it; names of colleagues, too
        ticket = self.sudo()
        if not ticket.csp_is_complaint:
            return {}
        return {
            "ticket": ticket.id,
            "owner": ticket.csp_complaint_owner_id.name or False,
            "is_mine": ticket.csp_complaint_owner_id == self.env.user,
            "state": ticket.csp_complaint_state or False,
            "stages": ticket._csp_complaint_stages(),
            "decision": ticket.csp_complaint_outcome
            and ticket._csp_decision_text(
                ticket.csp_complaint_outcome,
                ticket.csp_complaint_remedy_kind,
                ticket.csp_complaint_remedy_amount,
                ticket.csp_complaint_remedy_note,
            ),
            "finding": ticket.csp_complaint_finding or False,
            "asked": ticket._csp_complaint_asked_text(),
            "points": ticket._csp_complaint_points(),
            "handovers": ticket._csp_complaint_handovers(),
            "many_handovers": ticket._csp_complaint_handed_over_often(),
            "can_write": self.has_access("write"),
        }

    def _csp_complaint_stages(self):
        """The stages with who and when, as far as they were reached."""
        self.ensure_one()
        reached = {}
        for event in self.env["csp.ticket.event"].search(
            [("ticket_id", "=", self.id), ("kind", "=", "complaint")],
            order="at, id",
        ):
            step = event.data.get("step")
            if step in ("marked", "reopened"):
                # What came before it does not count any more.
                reached = {complaint.RECEIVED: event, **_only(reached, step)}
            elif step == complaint.WITHDRAWN:
                reached[complaint.CLOSED] = event
            elif step in complaint.STATES:
                reached[step] = event
        state = self.csp_complaint_state
        at_now = complaint.STATES.index(state) if state else -1
        return [
            {
                "key": key,
                "label": label,
                "reached": complaint.STATES.index(key) <= at_now,
                "current": key == state,
                "at": _seconds(self[_AT_FIELDS[key]]),
                "by": reached[key].user_id.name or False if key in reached else False,
            }
            for key, label in self._fields[
                "csp_complaint_state"
            ]._description_selection(self.env)
        ]

    def _csp_complaint_asked_text(self):
        asked = self.csp_complaint_asked
        if not asked:
            return False
        users = self.env["res.users"].browse
        return self.env._(
            "%(agent)s asks %(approver)s to decide: %(proposal)s",
            agent=users(asked.get("by") or []).exists().name or "",
            approver=users(asked.get("to") or []).exists().name or "",
            proposal=asked.get("text") or "",
        )

    def _csp_complaint_points(self):
        self.ensure_one()
        ticked = {tick.point_id: tick for tick in self.csp_complaint_tick_ids}
        points = self.env["csp.complaint.point"].search(
            [("company_id", "in", [False, self.company_id.id])]
        )
        # Archived ones stay where they were ticked.
        points |= self.env["csp.complaint.point"].concat(*ticked)
        return [
            {
                "id": point.id,
                "name": point.name,
                "help": point.description or False,
                "stage": point.stage,
                "done": point in ticked,
                "by": ticked[point].user_id.name if point in ticked else False,
                "at": _seconds(ticked[point].at) if point in ticked else False,
            }
            for point in points.sorted()
        ]

    def _csp_complaint_handovers(self):
        """How often the complaint changed hands: who works on it, and who owns it."""
        return self.csp_handover_count + self.csp_complaint_handover_count

    def _csp_complaint_handed_over_often(self):
        most = max(self.csp_handover_count, self.csp_complaint_handover_count)
        return most >= complaint.MANY_HANDOVERS

    def csp_panel_data(self):
        """The panel says, too, who answers for the complaint."""
        data = super().csp_panel_data()
        if data["is_complaint"]:
            # sudo: helpdesk.ticket: names of colleagues, on a ticket that was read
            ticket = self.sudo()
            states = ticket._fields["csp_complaint_state"]
            labels = dict(states._description_selection(self.env))
            data["complaint"] = {
                "owner": ticket.csp_complaint_owner_id.name or False,
                "state": labels.get(ticket.csp_complaint_state, False),
                "is_closed": ticket.csp_complaint_state == complaint.CLOSED,
                "handovers": ticket._csp_complaint_handovers(),
                "many_handovers": ticket._csp_complaint_handed_over_often(),
            }
        return data


_AT_FIELDS = {
    state: f"csp_complaint_{'' if state == complaint.RECEIVED else state + '_'}at"
    for state, _label in COMPLAINT_STATES
}


def _only(reached, step):
    """What of the stages reached still counts after a complaint began anew."""
    kept = (complaint.ACKNOWLEDGED,) if step == "reopened" else ()
    return {key: event for key, event in reached.items() if key in kept}


def _seconds(moment):
    return to_epoch(moment) if moment else False
