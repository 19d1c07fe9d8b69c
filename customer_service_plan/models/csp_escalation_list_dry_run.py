from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

from ..tools import clock, escalation, foresight
from ..tools.epoch import from_epoch, to_epoch
from .csp_escalation_step import FOR_PEOPLE


class Matter(NamedTuple):
    """A promise on a ticket, or something else to look after, that steps are about.

    `record` is empty for a matter that the ticket would have under this list only;
    `done` is how far its chain has come, `moments` when steps are ahead (epoch
    seconds), by their ids.
    """

    label: str
    kind: str
    record: Any
    target: int
    done: int | None
    moments: dict[int, int]


class CspEscalationList(models.Model):
    """What the steps of a list did, and would do when, on a ticket. Nothing is written.

    Told by the functions that carry the steps out; see `tools/foresight.py`.
    """

    _inherit = "csp.escalation.list"

    @api.readonly
    def action_dry_run(self, ticket):
        """Tell what each step would do on a ticket if nobody acted from now on.

        :param ticket: a ticket, or its id
        :return: list of dicts: ``step`` (id), ``sequence`` (its number in the list),
            ``when``, ``what`` in words, ``who`` (names), ``for`` (the promise or
            matter, or False), ``early`` (before the deadline), ``at`` (UTC,
            ``YYYY-mm-dd HH:MM:SS``, or False), ``state``
            (done, planned, skipped, stopped, waiting) and ``why`` (a sentence, or
            False)
        :raises AccessError: for who may not read the list or the ticket
        """
        self.ensure_one()
        self.check_access("read")
        if isinstance(ticket, int):
            ticket = self.env["helpdesk.ticket"].browse(ticket)
        ticket.ensure_one()
        ticket.check_access("read")
        # sudo: csp.commitment, csp.escalation, res.users: what is known of a ticket
        # that the user sees; of colleagues only their names
        return self.sudo()._foretell(ticket.sudo())

    def _foretell(self, ticket):
        chain = self._compiled()
        matters = [
            *self._promises_foretold(ticket, chain),
            *self._concerns_foretold(ticket, chain),
        ]
        log = self.env["csp.escalation"].search([("ticket_id", "=", ticket.id)])
        taken = {(entry.step_id.id, entry._about()): entry for entry in log}
        told = self._foreseen_people(ticket, matters)
        rows = []
        for number, step in enumerate(self.step_ids, 1):
            mine = [matter for matter in matters if step._is_about(matter.kind)]
            rows += [
                self._foretell_step(
                    ticket,
                    step,
                    number,
                    matter,
                    taken.get((step.id, matter.record)),
                    told,
                )
                for matter in mine
            ] or [self._foretell_nothing(ticket, step, number)]
        return rows

    # === What the ticket has that steps are about ===

    def _promises_foretold(self, ticket, chain):
        """The latest promise of each kind, with the moments of the steps ahead."""
        now = to_epoch(fields.Datetime.now())
        rows = ticket._csp_shown_promises()
        kinds = dict(rows._fields["kind"]._description_selection(self.env))
        done = self._come_to(rows)
        matters = []
        for row in rows:
            hours = row._opening_time(row.hours_id.id)
            foreseen = foresight.foresee_promise(
                clock.Commitment(
                    kind=row.kind,
                    target=row.target_seconds,
                    hours=row.hours_id.id,
                    line=0,
                    version=0,
                    started_at=to_epoch(row.started_at),
                    state=row.state,
                    consumed=row.consumed_seconds,
                    running_since=_epoch(row.running_since),
                    deadline=_epoch(row.deadline),
                    ended_at=_epoch(row.ended_at),
                    escalated_to=done[row.id],
                ),
                chain,
                hours,
                now,
            )
            matters.append(
                Matter(
                    label=kinds[row.kind],
                    kind=row.kind,
                    record=row,
                    target=row.target_seconds,
                    done=done[row.id],
                    moments={each.step.id: max(each.at, now) for each in foreseen},
                )
            )
        return matters

    def _concerns_foretold(self, ticket, chain):
        """The latest matter of each kind that somebody must look after."""
        now = to_epoch(fields.Datetime.now())
        Concern = self.env["csp.escalation.concern"]
        found = Concern.search([("ticket_id", "=", ticket.id)], order="started_at, id")
        latest = {row.trigger: row for row in found}
        if ticket._csp_escalation_list() != self:
            # What this list would have to look after, did the ticket follow it.
            latest |= {
                trigger: Concern
                for trigger in self._lasting_concerns(ticket)
                if trigger not in latest or latest[trigger].ended_at
            }
        labels = dict(Concern._fields["trigger"]._description_selection(self.env))
        done = self._come_to(Concern.union(*latest.values()))
        matters = []
        for trigger, row in latest.items():
            foreseen = ()
            if not row.ended_at:
                hours_id = row.hours_id.id if row else ticket.csp_hours_id.id
                foreseen = foresight.foresee_concern(
                    trigger,
                    to_epoch(row.started_at) if row else now,
                    done.get(row.id) if row.list_id == self else None,
                    chain,
                    self.env["csp.commitment"]._opening_time(hours_id),
                    now,
                )
            matters.append(
                Matter(
                    label=labels[trigger],
                    kind=trigger,
                    record=row,
                    target=0,
                    done=done.get(row.id),
                    moments={each.step.id: max(each.at, now) for each in foreseen},
                )
            )
        return matters

    @api.model
    def _lasting_concerns(self, ticket):
        """What is the matter with a ticket at the moment, whatever list it follows."""
        if ticket.csp_closed_as:
            return []
        found = []
        if ticket.csp_is_complaint:
            found.append(escalation.COMPLAINT)
        if not ticket.user_id:
            found.append(escalation.UNASSIGNED)
        return found

    @api.model
    def _come_to(self, records):
        """How far the chains of promises or matters have come, by id.

        None where they are at their beginning, for which the ORM would say 0, the
        deadline.
        """
        if not records:
            return {}
        records.flush_recordset(["escalated_to"])
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT id, escalated_to FROM %s WHERE id = ANY(%s)",
                    SQL.identifier(records._table),
                    records.ids,
                )
            )
        )

    # === People ===

    def _foreseen_people(self, ticket, matters):
        """Who will be told by the steps ahead, as far as leave and hours are known now.

        :return: dict of (step id, moment) to `escalation.Told`
        """
        Escalation = self.env["csp.escalation"]
        steps = {step.id: step for step in self.step_ids}
        fallbacks = Escalation._fallbacks_by_ticket([(ticket, self)])[ticket].ids
        gone = frozenset(ticket._csp_gone_from_team().ids)
        people, told = {}, {}
        for matter in matters:
            for step_id, at in matter.moments.items():
                step = steps[step_id]
                if step.action not in FOR_PEOPLE:
                    continue
                if at not in people:
                    people[at] = self._presence_at(ticket, fallbacks, at)
                wanted = step._wanted(ticket).ids
                if step.action == "reassign":
                    found = escalation.find_told(wanted, people[at], fallbacks, at)
                    found = [
                        *(each for each in found if people[at][each.user].working),
                        *found,
                    ][:1]
                else:
                    found = escalation.find_told(
                        wanted,
                        people[at],
                        fallbacks,
                        at,
                        step.at_night,
                        gone.difference(step.user_ids.ids),
                    )
                told[step_id, at] = found
        return told

    def _presence_at(self, ticket, fallbacks, at):
        """Where everybody who may be told is at a moment, deputies included."""
        users = self.env["res.users"].browse(fallbacks)
        for step in self.step_ids:
            users |= step._wanted(ticket)
        people = {}
        while users:
            people.update(users._csp_presence(from_epoch(at)))
            deputies = {person.deputy for person in people.values()} - {0}
            users = users.browse(deputies - people.keys())
        return people

    # === In words ===

    def _foretell_step(self, ticket, step, number, matter, entry, told):
        """What one step did, or will do, on one promise or matter."""
        row = self._row(step, number, matter.label)
        at = matter.moments.get(step.id)
        if entry:
            row.update(
                state="done",
                at=fields.Datetime.to_string(entry.at),
                who=entry._told_names(),
                why=entry.outcome_text or False,
            )
        elif at is not None:
            people = told.get((step.id, at), [])
            row.update(
                state="planned",
                at=fields.Datetime.to_string(from_epoch(at)),
                who=self._names(people) if step.action in FOR_PEOPLE else row["who"],
                why=self._held_text(people, at),
            )
        else:
            state, why = self._why_not(ticket, step, matter)
            row.update(state=state, why=why)
        if step.action == "customer" and ticket.partner_id:
            row["who"] = [ticket.partner_id.name or ticket.partner_id.display_name]
        return row

    @api.model
    def _row(self, step, number, label):
        return {
            "step": step.id,
            "sequence": number,
            "when": step.when_text,
            "what": step.what_text,
            "who": [step.who_text] if step.who_text else [],
            "for": label,
            "early": step.trigger == escalation.BEFORE,
            "at": False,
            "state": "skipped",
            "why": False,
        }

    @api.model
    def _names(self, people):
        users = self.env["res.users"].browse
        names = []
        for each in people:
            name = users(each.user).name
            if each.instead_of:
                name = self.env._(
                    "%(user)s (instead of %(absent)s)",
                    user=name,
                    absent=users(each.instead_of).name,
                )
            names.append(name)
        return names

    @api.model
    def _held_text(self, people, at):
        """When somebody is told later than the step is due, since it is his night."""
        held = [each.at for each in people if each.at > at]
        if not held:
            return False
        moment = format_datetime(
            self.env, from_epoch(max(held)), dt_format="EEE d MMM, HH:mm"
        )
        return self.env._("Told in the morning: %s", moment)

    def _why_not(self, ticket, step, matter):
        """Why a step that could be taken is not, as a state and a sentence."""
        position = step._compiled().position(matter.target)
        record = matter.record
        if position is None:
            return "skipped", self.env._("The promise is shorter than that.")
        if record.ended_at:
            if ticket.csp_closed_as:
                return "skipped", self.env._("The ticket is closed.")
            return "skipped", self.env._("This has ended.")
        if matter.done is not None and position <= matter.done:
            if ticket.csp_taken_by_id:
                return "stopped", self._in_charge_text(ticket)
            return "skipped", self.env._("Its time has passed.")
        if "state" in record and record.state in (clock.EXCUSED, clock.CANCELLED):
            return "skipped", self.env._("This was excused or does not count any more.")
        if "running_since" in record and not record.running_since:
            return "waiting", self.env._("The clock stands while the ticket waits.")
        return "waiting", self.env._("The opening hours never open again.")

    @api.model
    def _in_charge_text(self, ticket):
        return self.env._(
            "%(user)s takes charge since %(moment)s.",
            user=ticket.csp_taken_by_id.name,
            moment=format_datetime(
                self.env, ticket.csp_taken_at, dt_format="EEE d MMM, HH:mm"
            ),
        )

    @api.model
    def _foretell_nothing(self, ticket, step, number):
        """A step about something that this ticket does not have."""
        row = self._row(step, number, False)
        if ticket.csp_closed_as:
            row["why"] = self.env._("The ticket is closed.")
        elif step.trigger not in escalation.CONCERNS:
            row["why"] = self.env._("Nothing of this kind is promised on the ticket.")
        elif step.trigger == escalation.UNASSIGNED:
            row["why"] = self.env._("Somebody has the ticket.")
        else:
            row["why"] = self.env._("There is nothing of this kind on the ticket.")
        return row


def _epoch(moment):
    return to_epoch(moment) if moment else None
