from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.rating.models import rating_data

from ..tools import escalation
from .helpdesk_ticket import MATCH_FIELDS

#: Where the key of what policies ask about says whether it is a complaint.
COMPLAINT = MATCH_FIELDS.index("csp_is_complaint")


class HelpdeskTicket(models.Model):
    """Who was told that something is late or goes wrong, and who looks after it."""

    _inherit = "helpdesk.ticket"

    csp_taken_by_id = fields.Many2one(
        comodel_name="res.users",
        string="In charge",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
        help="Looks after the ticket: nobody else is told until the next missed "
        "promise.",
    )
    csp_taken_at = fields.Datetime(
        string="Taken charge of",
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    csp_escalated_at = fields.Datetime(
        string="Last escalated",
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="base.group_user",
        help="When somebody was last told that this ticket needs attention.",
    )
    csp_escalation_ids = fields.One2many(
        comodel_name="csp.escalation",
        inverse_name="ticket_id",
        string="Escalations",
        readonly=True,
        copy=False,
        groups="helpdesk_mgmt.group_helpdesk_user_own",
    )

    def action_csp_take_charge(self):
        """Look after these tickets: nobody else is told until a promise is missed.

        A ticket that nobody works on becomes the user's own.

        :raises AccessError: for who may not change the tickets
        :raises UserError: for a closed ticket
        """
        self.check_access("write")
        closed = self.filtered("csp_closed_as")
        if closed:
            raise UserError(
                self.env._(
                    "%(ticket)s is closed: there is nothing left to take charge of.",
                    ticket=closed[0].display_name,
                )
            )
        self._csp_record("taken_charge", {"user": self.env.uid})
        self.env["csp.escalation.concern"]._stand_still(self)
        self.env["csp.escalation"]._taken_charge(self)
        for ticket in self:
            ticket._message_log(
                body=self.env._("%s takes charge of this ticket.", self.env.user.name)
            )
        unassigned = self.filtered(
            lambda ticket: (
                not ticket.user_id
                and (not ticket.team_id or self.env.user in ticket.team_id.user_ids)
            )
        )
        if unassigned:
            unassigned.write({"user_id": self.env.uid})
        return True

    def action_csp_escalate(self, reason, user_ids=None):
        """Call for help on these tickets, whatever the clock says.

        :param str reason: why; goes to whoever is told, and is kept
        :param list user_ids: whom to tell; the team leader if not given, or the leader
            of the parent team, or else the last resort of the escalation list
        :raises AccessError: for who may not change the tickets
        :raises UserError: without a reason
        """
        self.check_access("write")
        reason = (reason or "").strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Say why you need help: whoever is told reads it.")
            )
        users = self.env["res.users"].browse(user_ids or [])
        # sudo: res.users: only whether they are colleagues
        known = users.sudo().exists()
        if known != users or any(
            known._csp_working_for(company) != known for company in self.company_id
        ):
            raise UserError(self.env._("Only colleagues can be told."))
        self.env["csp.escalation"]._escalate_by_hand(self, reason, users)
        for ticket in self:
            ticket._message_log(
                body=self.env._(
                    "%(who)s calls for help: %(reason)s",
                    who=self.env.user.name,
                    reason=reason,
                )
            )
        return True

    def _csp_escalation_list(self, lists=None):
        """The escalation list that this ticket follows; empty if there is none.

        :param lists: `Escalation` of the ticket's company, where that is known
        """
        self.ensure_one()
        if lists is None:
            rules = self.env["csp.policy"]._compiled_rules(self.company_id.id)
            lists = rules.escalation
        version = self.csp_policy_version_id.id or 0
        chain = lists.chain_of(version, self.csp_is_complaint)
        return self.env["csp.escalation.list"].browse(chain.id if chain else [])

    def _csp_gone_from_team(self):
        """The assignee, if he is no longer in the team of the ticket."""
        self.ensure_one()
        team, user = self.team_id, self.user_id
        if not team.user_ids or user in team.user_ids or user == team.user_id:
            return user.browse()
        return user

    # === Matters to look after though no promise runs out ===

    def _csp_open_concern(self, trigger):
        """Begin to look after a matter: complaint, bad_rating, reopened, unassigned.

        Nothing happens where it is looked after already, or where the ticket's
        escalation list has no step for it.
        """
        self._csp_change_concern(trigger, True)

    def _csp_end_concern(self, trigger):
        """The matter is settled: no further steps. Nothing to do where none is open."""
        self._csp_change_concern(trigger, False)

    def _csp_change_concern(self, trigger, is_open):
        # sudo: helpdesk.ticket: what must be looked after is noted whoever acts
        tickets = self.sudo()
        rules = tickets.env["csp.policy"]._compiled_rules
        tickets = tickets.filtered(
            lambda ticket: trigger in rules(ticket.company_id.id).escalation.concerns
        )
        if not tickets:
            return
        Commitment = tickets.env["csp.commitment"]
        dossiers = list(Commitment._open_dossiers(tickets.ids).values())
        for dossier in dossiers:
            dossier.concerns[trigger] = is_open
        tickets.env["csp.escalation.concern"]._keep(dossiers)
        tickets._csp_wake_sweep(dossiers)

    def _csp_note_concerns(self, dossier, seen_state, seen_match, reopened=False):
        """See which matters begin or end by what has just changed on this ticket.

        :param seen_state: what was seen of its state before, empty for a new ticket
        :param seen_match: what was seen of what policies ask about; None for a ticket
            that is older than the service plan
        """
        lists = self.env["csp.policy"]._compiled_rules(dossier.company).escalation
        dossier.is_complaint = self.csp_is_complaint
        if not lists.chains:
            return
        case = dossier.case
        is_open = not case.closed_as
        changed = {}
        if escalation.UNASSIGNED in lists.concerns:
            was_nobody = seen_state.endswith("|0")
            is_nobody = is_open and not self.user_id
            if was_nobody != is_nobody or reopened:
                changed[escalation.UNASSIGNED] = is_nobody
        if escalation.REOPENED in lists.concerns:
            promise = case.promise
            chain = lists.chain_of(
                promise.version if promise else 0, dossier.is_complaint
            )
            if not is_open:
                changed[escalation.REOPENED] = False
            elif reopened and chain and case.reopen_count >= chain.reopen_times:
                changed[escalation.REOPENED] = True
        if seen_match is not None:
            was_complaint = bool(seen_match) and seen_match.split("|")[COMPLAINT] == "1"
            if dossier.is_complaint != was_complaint:
                dossier.plan_anew = True
                changed[escalation.COMPLAINT] = dossier.is_complaint
        dossier.concerns = {
            trigger: begins
            for trigger, begins in changed.items()
            # A new ticket has nothing that could end.
            if seen_state or begins
        }

    def rating_apply(self, rate, *args, **kwargs):
        """Have somebody look after a bad rating; a better one settles it."""
        rating = super().rating_apply(rate, *args, **kwargs)
        if rating_data.RATING_LIMIT_MIN <= rate < rating_data.RATING_LIMIT_OK:
            self._csp_open_concern(escalation.BAD_RATING)
        elif rate >= rating_data.RATING_LIMIT_OK:
            self._csp_end_concern(escalation.BAD_RATING)
        return rating

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        way = self.env.context.get("csp_notify_by")
        if way in ("inbox", "email"):
            for recipient in recipients:
                if recipient["uid"] and not recipient["share"]:
                    recipient["notif"] = way
        return recipients
