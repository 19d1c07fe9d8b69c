import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools import format_date, plaintext2html

from .csp_commitment import CONFLICTS
from .locking import one_at_a_time
from .protected import BY_ADDON

_logger = logging.getLogger(__name__)

#: Running or waiting for a decision.
UNDECIDED = ("running", "ended")
STATE_OF_DECISION = {"adopt": "adopted", "adjust": "adjusted", "stop": "stopped"}
DECIDE = "customer_service_plan.mail_activity_type_decide_trial"


class CspPilot(models.Model):
    """How a trial begins and ends, and how it is decided on."""

    _inherit = "csp.pilot"

    def action_start(self):
        """Start trials: from now on, or from their start, the version is tried.

        Who takes part, when, and what must be reached are locked. Customers and staff
        are told by the scheduled action.

        :raises UserError: with what is still missing
        """
        self.check_access("write")
        one_at_a_time(self)
        for pilot in self:
            if pilot.state != "draft":
                raise UserError(
                    self.env._("%(trial)s was already started.", trial=pilot.name)
                )
            missing = pilot._missing_texts()
            if missing:
                raise UserError("\n".join(missing))
            now = fields.Datetime.now()
            pilot.version_id._start_pilot()
            # The next version can be prepared meanwhile: the database has to know.
            pilot.version_id.flush_recordset(["state"])
            pilot._by_addon().write(
                {
                    "state": "running",
                    "date_start": max(pilot.date_start or now, now),
                    "started_by_id": self.env.uid,
                    "staff_team_ids": [Command.set(pilot._teams_of_people().ids)],
                }
            )
        self._wake_cron()
        return True

    def _missing_texts(self):
        """What is to be done before the trial can start: texts for the manager."""
        self.ensure_one()
        now = fields.Datetime.now()
        begins = max(self.date_start or now, now)
        texts = []
        if self.version_id.state != "approved":
            texts.append(
                self.env._(
                    "%s is not approved: only an approved version can be tried.",
                    self.version_id.display_name,
                )
            )
        if not self.policy_id.active:
            texts.append(self.env._("The policy is archived."))
        undecided = self.search(
            [
                ("policy_id", "=", self.policy_id.id),
                ("state", "in", UNDECIDED),
                ("id", "!=", self.id),
            ],
            limit=1,
        )
        if undecided:
            texts.append(
                self.env._(
                    "“%s” is a trial of the same policy: decide on it first.",
                    undecided.name,
                )
            )
        if not self.date_end:
            texts.append(self.env._("Say when the trial ends."))
        elif self.date_end <= begins:
            texts.append(
                self.env._("The end of the trial is past, or before its start.")
            )
        if self.customer_mode == "list" and not self.partner_ids:
            texts.append(self.env._("Choose the customers who take part."))
        if self.customer_mode == "segments" and not self.segment_ids:
            texts.append(self.env._("Choose the segments that take part."))
        if not self.criterion_ids:
            texts.append(
                self.env._(
                    "Say what must be reached, before anybody knows the result: at "
                    "least one line."
                )
            )
        responsible = self.responsible_id
        if not responsible.active:
            texts.append(
                self.env._("%s has left: who decides at the end?", responsible.name)
            )
        elif not self._is_seen_by(responsible):
            texts.append(
                self.env._(
                    "%s cannot see trials of this company: who decides at the end?",
                    responsible.name,
                )
            )
        return texts

    def _is_seen_by(self, user):
        # sudo: res.users: whether he works for the company
        if self.company_id not in user.sudo().company_ids:
            return False
        theirs = self.with_user(user).with_context(
            allowed_company_ids=self.company_id.ids
        )
        return theirs.has_access("read")

    def _teams_of_people(self):
        Team = self.env["helpdesk.ticket.team"]
        return self.user_ids and Team.search([("user_ids", "in", self.user_ids.ids)])

    def _wake_cron(self):
        """Have the scheduled action run when these trials begin and end."""
        # sudo: ir.cron: a manager starts a trial, the scheduler follows it
        cron = self.env.ref("customer_service_plan.ir_cron_trials").sudo()
        moments = {pilot.date_start for pilot in self}
        moments |= {pilot.date_end for pilot in self}
        cron._trigger_list(moments)

    def _span(self):
        """Start and end of the trial, naive UTC; the end may still be to come."""
        self.ensure_one()
        ends = [moment for moment in (self.ended_at, self.date_end) if moment]
        return self.date_start, min(ends)

    def _held_span(self):
        """Start and end of the time in which participants have the version on trial.

        Where it was adopted while it was tried, and begins for everybody on a later
        day, they keep it until then, or until it is withdrawn before.
        """
        begins, ends = self._span()
        version = self.version_id
        adopted = self.decision == "adopt" and version.published_at
        if adopted and begins < ends == self.decided_at:
            holds = version._in_force_from(self.company_id)
            ends = max(ends, min(holds, version.retired_at or holds))
        return begins, ends

    @api.depends("state", "decided_at", "version_id.state", "version_id.effective_date")
    @api.depends_context("lang")
    def _compute_held_text(self):
        now = fields.Datetime.now()
        for pilot in self:
            pilot.held_text = (
                pilot.state == "adopted"
                and pilot._held_span()[1] > now
                and self.env._(
                    "It holds for everybody from %s. Those who took part keep it until "
                    "then.",
                    format_date(self.env, pilot.version_id.effective_date),
                )
            )

    @api.model
    def _end_due(self):
        """End the trials whose time is over, and ask for a decision. May run twice.

        Requests are under the version in force again from the end on, whenever this
        runs.
        """
        due = self.search(
            [("state", "=", "running"), ("date_end", "<=", fields.Datetime.now())]
        )
        one_at_a_time(due)
        for pilot in due:
            pilot._by_addon().write({"state": "ended", "ended_at": pilot.date_end})
            pilot._give_up_telling()
            try:
                with self.env.cr.savepoint():
                    pilot._ask_to_decide()
            except CONFLICTS:
                raise
            except Exception:
                # It is over all the same, and so are the others.
                _logger.exception("Nobody could be asked to decide on %s", pilot)
        return due

    def _ask_to_decide(self):
        self.activity_schedule(
            DECIDE,
            user_id=self._who_decides().id,
            note=self.env._(
                "The trial is over. Look at its results and decide: adopt, adjust "
                "or stop."
            ),
        )

    def _who_decides(self):
        """Who is asked at the end: if the responsible left, the policy's owner, whoever
        started the trial, or a manager who is still there."""
        candidates = (
            self.responsible_id | self.policy_id.owner_id | self.started_by_id
        ).filtered("active")
        if not candidates:
            group = self.env.ref("customer_service_plan.group_manager")
            # sudo: res.groups: who is manager
            candidates = group.sudo().all_user_ids.filtered(
                lambda user: user.active and self.company_id in user.company_ids
            )
        return candidates[:1]

    # === The decision ===

    def action_decide(self, decision, reason, match_again=False):
        """Decide on a trial, also before its end, which then comes now.

        Adopted for a later day, it goes on for those who take part until then.

        :param str decision: adopt, adjust or stop
        :param str reason: why; kept with the trial
        :param bool match_again: promise the trial's open tickets what is in force now,
            instead of what they were promised; managers only
        :raises AccessError: for who is neither responsible for it nor a manager
        :raises UserError: without a reason, or where there is nothing to decide
        """
        self.ensure_one()
        self.check_access("read")
        self._check_may_decide()
        reason = (reason or "").strip() if isinstance(reason, str) else ""
        if decision not in STATE_OF_DECISION:
            raise UserError(self.env._("Decide: adopt, adjust or stop."))
        if not reason:
            raise UserError(self.env._("Say why: it is kept with the trial."))
        one_at_a_time(self)
        if self.state not in UNDECIDED:
            raise UserError(
                self.env._("There is nothing to decide: %s.", self._state_text())
            )
        now = fields.Datetime.now()
        # sudo: csp.pilot: who is responsible decides, though he may not edit trials
        pilot = self.sudo()
        pilot._by_addon().write(
            {
                "state": STATE_OF_DECISION[decision],
                "ended_at": min(pilot.ended_at or now, pilot.date_end, now),
                "decision": decision,
                "decision_reason": reason,
                "decided_by_id": self.env.uid,
                "decided_at": now,
            }
        )
        # Before tickets are matched again, or anything else is based on it.
        pilot._freeze_results()
        pilot._give_up_telling()
        pilot.activity_unlink([DECIDE])
        pilot.message_post(
            author_id=self.env.user.partner_id.id,
            body=self.env._(
                "Decided: %(decision)s. %(reason)s",
                decision=dict(
                    pilot._fields["decision"]._description_selection(self.env)
                )[decision],
                reason=reason,
            ),
        )
        getattr(pilot, f"_decided_to_{decision}")(reason)
        if match_again:
            self._match_open_tickets_again()
        return True

    def _freeze_results(self):
        """Keep what was known at the decision. For extension."""

    def _check_may_decide(self):
        user = self.env.user
        if user == self.responsible_id or self.env.su:
            return
        if not user.has_group("customer_service_plan.group_manager"):
            raise AccessError(
                self.env._(
                    "Only %(who)s or a service plan manager can decide on this trial.",
                    who=self.responsible_id.name,
                )
            )

    def _decided_to_adopt(self, reason):
        self.version_id.with_context(csp_trial_decided=BY_ADDON).action_publish(reason)

    def _decided_to_adjust(self, reason):
        version = self.version_id
        version._end_pilot()
        policy = version.policy_id
        draft = policy.draft_version_id
        if not draft:
            policy.version_ids = [Command.create(version._prepare_draft_values())]
            draft = policy.draft_version_id
        draft.message_post(
            author_id=self.env.user.partner_id.id,
            body=self._comments_html(reason),
        )

    def _decided_to_stop(self, reason):
        self.version_id._end_pilot()

    def _match_open_tickets_again(self):
        """Promise the trial's open tickets what is in force now.

        Those that the user may write to, as everywhere; `action_csp_match_again` checks
        that he is a manager.
        """
        self.env["helpdesk.ticket"].search(
            self._ticket_domain() + [("csp_closed_as", "=", False)]
        ).action_csp_match_again()

    def _ticket_domain(self):
        """Tickets that were promised something under the version on trial."""
        self.ensure_one()
        begins, ends = self._span()
        return [
            ("csp_policy_version_id", "=", self.version_id.id),
            ("company_id", "=", self.company_id.id),
            ("csp_received_at", ">=", begins),
            ("csp_received_at", "<", ends),
        ]

    def _state_text(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _comments_html(self, reason):
        """Why the text is to be adjusted, and what was said about it.

        All staff can read the notes of a version: whose comment it is stays with the
        trial.
        """
        lines = [
            self.env._("From “%(trial)s”: %(reason)s", trial=self.name, reason=reason)
        ]
        lines += [
            self.env._(
                "%(who)s: %(text)s",
                who=comment._source_text(),
                text=comment.text,
            )
            for comment in self.comment_ids.sorted(lambda each: (each.date, each.id))
        ]
        return plaintext2html("\n\n".join(lines))

    # === Screens ===

    def action_view_tickets(self):
        """List the tickets that take part, or took part, in this trial."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "helpdesk_mgmt.helpdesk_ticket_action"
        )
        action.update(
            {
                "display_name": self.env._("Tickets of %s", self.name),
                "domain": self._ticket_domain(),
                "context": {"active_test": False},
            }
        )
        return action
