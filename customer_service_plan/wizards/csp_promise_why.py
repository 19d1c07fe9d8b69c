from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date, format_time

from ..tools import matching
from ..tools.epoch import from_epoch, to_epoch


class CspPromiseWhy(models.TransientModel):
    """Why a ticket has its promise: each line looked at, and what did not fit.

    Worked out with the rules and the facts that the promise itself comes from, as the
    user: policies that he may not see are not told.
    """

    _name = "csp.promise.why"
    _description = "Why This Promise?"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket", readonly=True, ondelete="cascade"
    )
    policy_version_id = fields.Many2one(
        comodel_name="csp.policy.version", readonly=True, ondelete="cascade"
    )
    answer = fields.Char(readonly=True)
    moment_text = fields.Char(string="Matched as of", readonly=True)
    hours_text = fields.Char(string="Counted in", readonly=True)
    segment_text = fields.Char(string="Customer", readonly=True)
    note = fields.Char(readonly=True)
    trial_text = fields.Char(string="Trial", readonly=True)
    line_ids = fields.One2many(
        comodel_name="csp.promise.why.line",
        inverse_name="why_id",
        string="Looked at, in this order",
        readonly=True,
    )

    @api.model
    def _open_for(self, ticket):
        """Action that opens the explanation for a ticket, in a dialog."""
        ticket.ensure_one()
        ticket.check_access("read")
        why = self.create(self._prepare_values(ticket))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Why this promise? %s", ticket.number),
            "res_model": self._name,
            "res_id": why.id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _prepare_values(self, ticket):
        line = ticket.csp_policy_line_id
        at = ticket.csp_promised_as_of or ticket.csp_received_at or ticket.create_date
        rules = self.env["csp.policy"]._compiled_rules(ticket.company_id.id)
        applied = self._is_applied_later(ticket, rules)
        policies = self._only(line.version_id) if applied else rules.policies
        facts = ticket._csp_match_facts(rules, at=to_epoch(at))
        looked_at = list(matching.considered(policies, facts, to_epoch(at)))
        holds = looked_at[-1][2].id if looked_at and not looked_at[-1][3] else 0
        under_promise = bool(ticket.csp_seen_match or line)
        values = {
            "ticket_id": ticket.id,
            "policy_version_id": ticket.csp_policy_version_id.id,
            "answer": self._answer(ticket, under_promise),
            "moment_text": False if applied else self._moment_text(ticket, at),
            "segment_text": self._segment_text(ticket, rules),
            "hours_text": self._hours_text(ticket) if line else False,
            "note": self._note(ticket, under_promise, applied, holds),
            "trial_text": self._trial_text(ticket, policies, facts, to_epoch(at)),
        }
        if under_promise:
            values["line_ids"] = [
                Command.create(line_values)
                for line_values in self._line_values(
                    ticket, policies, facts, to_epoch(at), looked_at
                )
            ]
        return values

    @api.model
    def _is_applied_later(self, ticket, rules):
        """Whether a manager applied a version that was neither in force nor on trial
        at receipt."""
        version = ticket.csp_policy_version_id
        if not version or ticket.csp_promised_as_of:
            return False
        at = to_epoch(ticket.csp_received_at)
        if any(
            trial.version.id == version.id and trial.runs_at(at)
            for policy in rules.policies
            for trial in policy.trials
        ):
            return False
        return (
            not version.published_at
            or version._in_force_from(ticket.company_id) > ticket.csp_received_at
        )

    @api.model
    def _only(self, version):
        """Policies that consist of one version, in force at any time."""
        lines = version._compiled_lines()
        compiled = matching.Version(version.id, begins=-(1 << 62), lines=lines)
        return (matching.Policy(version.policy_id.id, (compiled,)),)

    # === Texts about the ticket ===

    @api.model
    def _answer(self, ticket, under_promise):
        line = ticket.csp_policy_line_id
        if line:
            return self.env._(
                "%(promise)s. By %(policy)s, for: %(condition)s.",
                promise=_capital(line.promise_text),
                policy=line.version_id.display_name,
                condition=line.condition_text,
            )
        if under_promise and not ticket.csp_closed_as:
            return self.env._("Nothing is promised: none of the lines below fits.")
        return ticket._csp_no_promise_text()

    @api.model
    def _moment_text(self, ticket, at):
        text = self._format_moment(at)
        if ticket.csp_promised_as_of:
            return self.env._(
                "%s, when a manager had it matched again under the policies of then",
                text,
            )
        return self.env._("%s, when the request was received", text)

    @api.model
    def _format_moment(self, moment):
        """A moment (naive UTC) in the user's language and time zone, to the minute."""
        local = fields.Datetime.context_timestamp(self, moment)
        return " ".join(
            (
                format_date(self.env, local.date()),
                format_time(self.env, local.time(), time_format="short"),
            )
        )

    @api.model
    def _segment_text(self, ticket, rules):
        names = ", ".join(ticket.csp_segment_ids.mapped("name"))
        partner = ticket.partner_id.display_name or self.env._("nobody known")
        if names:
            return self.env._(
                "%(partner)s, at receipt in: %(segments)s",
                partner=partner,
                segments=names,
            )
        if rules.uses_segments:
            return self.env._("%s, at receipt in no segment", partner)
        return partner

    @api.model
    def _hours_text(self, ticket):
        hours = ticket.csp_hours_id
        if not hours:
            return self.env._(
                "Day and night: neither the line, nor the channel, nor the company has "
                "opening hours."
            )
        line = ticket.csp_policy_line_id
        if line.hours_id == hours:
            return self.env._("%s: the hours that the line names", hours.name)
        if ticket.channel_id.csp_hours_id == hours:
            return self.env._(
                "%(hours)s: the hours of the channel %(channel)s",
                hours=hours.name,
                channel=ticket.channel_id.name,
            )
        if ticket.company_id.csp_hours_id == hours:
            return self.env._("%s: the default hours of the company", hours.name)
        return hours.name

    @api.model
    def _note(self, ticket, under_promise, applied, holds):
        line = ticket.csp_policy_line_id
        if applied:
            return self.env._(
                "A manager applied this version to past tickets. Nothing was promised "
                "when the request came in."
            )
        if not under_promise or holds == line.id:
            return False
        if ticket.csp_closed_as:
            if line:
                return self.env._(
                    "The ticket is closed: it keeps what was promised until then."
                )
            return self.env._(
                "It was closed when it was entered, or no policy was in force: nothing "
                "was promised."
            )
        return self.env._(
            "Policies, stages or hours were arranged differently when this ticket was "
            "matched. It keeps what was promised."
        )

    # === Trials ===

    @api.model
    def _trial_text(self, ticket, policies, facts, at):
        """That the ticket takes part in a trial and why, or which it does not."""
        version = ticket.csp_policy_version_id
        texts = []
        for policy in policies:
            # sudo: csp.pilot: an agent sees the trial of a ticket that he may see
            Trial = self.env["csp.pilot"].sudo()
            taking_part = policy.trial_of(facts, at)
            if taking_part:
                texts.append(Trial.browse(taking_part.id)._why_in(facts))
            texts += [
                Trial.browse(trial.id)._why_out(trial, facts)
                for trial in policy.trials
                if trial.runs_at(at) and trial != taking_part
            ]
            if version and version.policy_id.id == policy.id:
                break
        return " ".join(texts) or False

    # === Lines ===

    @api.model
    def _line_values(self, ticket, policies, facts, at, looked_at):
        """Values of the lines looked at, and of policies with none in force then."""
        Policy, Line = self.env["csp.policy"], self.env["csp.policy.line"]
        visible = set(
            Policy.with_context(active_test=False)
            .search([("id", "in", [policy.id for policy in policies])])
            .ids
        )
        found = bool(looked_at and not looked_at[-1][3])
        last_policy = looked_at[-1][0].id if found else 0
        values = []
        for policy in policies:
            if policy.id not in visible:
                continue
            if policy.applies(facts, at) is None:
                values.append(self._not_in_force_values(policy, at))
            for considered, _version, rule, failure in looked_at:
                if considered.id != policy.id:
                    continue
                line = Line.browse(rule.id)
                values.append(
                    {
                        "policy_text": line.version_id.display_name,
                        "condition_text": line.condition_text,
                        "promise_text": line.promise_text,
                        "holds": not failure,
                        "reason": self._failure_text(failure, ticket, line)
                        if failure
                        else self.env._("All of it fits"),
                    }
                )
            if policy.id == last_policy:
                break
        return [{**row, "sequence": number} for number, row in enumerate(values, 1)]

    @api.model
    def _not_in_force_values(self, policy, at):
        begins = min((version.begins for version in policy.versions), default=None)
        if begins is None:
            reason = self.env._("Not in force then: only on trial, for others")
        elif begins > at:
            reason = self.env._(
                "Not in force then: begins on %s",
                self._format_moment(from_epoch(begins)),
            )
        else:
            reason = self.env._("Out of force then")
        return {
            "policy_text": self.env["csp.policy"].browse(policy.id).display_name,
            "reason": reason,
        }

    @api.model
    def _failure_text(self, failure, ticket, line):
        """The condition that failed: what the ticket has, and what the line wants."""
        describe = getattr(self, f"_failed_{failure}")
        return describe(ticket, line)

    def _failed_match_all(self, ticket, line):
        return self.env._("The line has no condition, so that it fits no ticket")

    def _failed_channel(self, ticket, line):
        return self._wants(
            ticket, "channel_id", ticket.channel_id.name, line.channel_ids
        )

    def _failed_category(self, ticket, line):
        return self._wants(
            ticket, "category_id", ticket.category_id.display_name, line.category_ids
        )

    def _failed_team(self, ticket, line):
        return self._wants(ticket, "team_id", ticket.team_id.name, line.team_ids)

    def _failed_tag(self, ticket, line):
        return self._wants(
            ticket, "tag_ids", ", ".join(ticket.tag_ids.mapped("name")), line.tag_ids
        )

    def _failed_segment(self, ticket, line):
        names = ", ".join(ticket.csp_segment_ids.mapped("name"))
        return self._wants(ticket, "csp_segment_id", names, line.segment_ids)

    def _failed_priority(self, ticket, line):
        labels = dict(line._fields["priority_from"]._description_selection(self.env))
        # The helpdesk's own labels may be others than ours.
        labels.update(ticket._fields["priority"]._description_selection(self.env))
        lowest, highest = line.priority_from, line.priority_to
        if lowest and highest and lowest != highest:
            wanted = self.env._(
                "%(lowest)s to %(highest)s",
                lowest=labels[lowest],
                highest=labels[highest],
            )
        elif lowest == highest:
            wanted = labels[lowest]
        elif lowest:
            wanted = self.env._("%s and above", labels[lowest])
        else:
            wanted = self.env._("%s and below", labels[highest])
        return self._has_and_wants(
            ticket, "priority", labels.get(ticket.priority), wanted
        )

    def _failed_complaint(self, ticket, line):
        if line.complaint == matching.ONLY:
            return self.env._(
                "Complaint: the line is for complaints only, this is none"
            )
        return self.env._("Complaint: the line is not for complaints; this is one")

    def _wants(self, ticket, field, value, wanted):
        return self._has_and_wants(
            ticket, field, value, " / ".join(wanted.mapped("display_name"))
        )

    def _has_and_wants(self, ticket, field, value, wanted):
        return self.env._(
            "%(what)s: the ticket has %(value)s, the line wants %(wanted)s",
            what=ticket._fields[field]._description_string(self.env),
            value=value or self.env._("none"),
            wanted=wanted,
        )


def _capital(text):
    return text[:1].upper() + text[1:]
