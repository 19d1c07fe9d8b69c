from odoo import api, fields, models
from odoo.fields import Domain

from ..tools import escalation
from ..tools.segmenting import split_codes
from .csp_commitment import COMMITMENT_KINDS
from .csp_escalation_step import FOR_PEOPLE


class CspEscalationList(models.Model):
    """What is doubtful about a list, though it may be saved."""

    _inherit = "csp.escalation.list"

    problem_text = fields.Text(string="To look at", compute="_compute_problem_text")

    @api.depends(
        "step_ids.active",
        "step_ids.trigger",
        "step_ids.kinds",
        "step_ids.offset_minutes",
        "step_ids.offset_percent",
        "step_ids.action",
        "step_ids.recipients",
        "step_ids.user_ids",
        "step_ids.group_ids",
        "step_ids.at_night",
        "step_ids.mail_template_id",
        "last_resort_id",
        "company_id",
    )
    @api.depends_context("lang")
    def _compute_problem_text(self):
        for each in self:
            each.problem_text = "\n".join(each._find_problems())

    def _find_problems(self):
        """Sentences about what will hardly be meant."""
        self.ensure_one()
        # sudo: res.users, helpdesk.ticket.team, mail.template: only who and what there
        # is, for who may read the list
        list_sudo = self.sudo().with_context(active_test=False)
        problems = list_sudo._last_resort_problems()
        if not list_sudo._active_steps():
            return [self.env._("There are no steps yet: nothing happens."), *problems]
        return [
            *list_sudo._order_problems(),
            *problems,
            *list_sudo._people_problems(),
            *list_sudo._step_problems(),
        ]

    def _active_steps(self):
        return self.step_ids.filtered("active").sorted("sequence")

    def _order_problems(self):
        steps = self._active_steps()
        triggers = set(steps.mapped("trigger"))
        problems = []
        told = steps.filtered(
            lambda step: step.trigger == escalation.AFTER and step.action in FOR_PEOPLE
        )
        if escalation.BEFORE in triggers or escalation.AFTER in triggers:
            covered = set()
            for step in told:
                covered.update(split_codes(step.kinds) or dict(COMMITMENT_KINDS))
            labels = self._fields["example_kind"]._description_selection(self.env)
            missing = [
                label
                for kind, label in labels
                if kind in dict(COMMITMENT_KINDS) and kind not in covered
            ]
            if missing and not told:
                problems.append(
                    self.env._(
                        "Nobody is told once a promise was missed: add a step after it."
                    )
                )
            elif missing:
                problems.append(
                    self.env._(
                        "Nobody is told once this was missed: %s.", ", ".join(missing)
                    )
                )
        elif self._policies():
            problems.append(
                self.env._("Policies name this list, but no step is about a promise.")
            )
        return problems

    def _last_resort_problems(self):
        user = self.last_resort_id
        if not user:
            return [
                self.env._("Name a last resort, so that a step never reaches nobody.")
            ]
        if not user.active:
            return [
                self.env._("The last resort, %s, is archived: name another.", user.name)
            ]
        if self.company_id and self.company_id not in user.company_ids:
            return [
                self.env._(
                    "The last resort, %(user)s, does not work for %(company)s.",
                    user=user.name,
                    company=self.company_id.name,
                )
            ]
        return []

    def _people_problems(self):
        steps = self._active_steps().filtered(lambda step: step.action in FOR_PEOPLE)
        problems = []
        for user in steps.user_ids:
            if not user.active:
                problems.append(
                    self.env._("%s is archived and cannot be told.", user.name)
                )
            elif self.company_id and self.company_id not in user.company_ids:
                problems.append(
                    self.env._(
                        "%(user)s does not work for %(company)s.",
                        user=user.name,
                        company=self.company_id.name,
                    )
                )
        roles = {role for step in steps for role in split_codes(step.recipients)}
        teams = (
            self._teams_here() if {"team_leader", "parent_team_leader"} & roles else []
        )
        if "team_leader" in roles and teams:
            without = teams.filtered(lambda team: not team.user_id)
            if without:
                problems.append(
                    self.env._(
                        "Teams without a leader: %s. The next one who can act is told "
                        "there instead.",
                        ", ".join(without.mapped("name")),
                    )
                )
        if "parent_team_leader" in roles and teams:
            if not teams.filtered(lambda team: team.parent_id.user_id):
                problems.append(self.env._("No team has a parent team with a leader."))
        if "policy_owner" in roles:
            without = self._policies().filtered(lambda policy: not policy.owner_id)
            if without:
                problems.append(
                    self.env._(
                        "Policies without an owner: %s.",
                        ", ".join(without.mapped("name")),
                    )
                )
        return problems

    def _teams_here(self):
        companies = [False, *(self.company_id or self.env["res.company"]).ids]
        domain = Domain("active", "=", True)
        if self.company_id:
            domain &= Domain("company_id", "in", companies)
        return self.env["helpdesk.ticket.team"].search(domain)

    def _step_problems(self):
        problems = []
        for step in self._active_steps():
            name = step.when_text
            if step.action == "customer" and not step.mail_template_id.active:
                problems.append(
                    self.env._(
                        "“%(step)s”: the text %(template)s is archived.",
                        step=name,
                        template=step.mail_template_id.name or "",
                    )
                )
            if step.at_night and step.group_ids and step.action == "notify":
                problems.append(
                    self.env._(
                        "“%(step)s” also wakes everybody in %(groups)s at night.",
                        step=name,
                        groups=", ".join(step.group_ids.mapped("name")),
                    )
                )
            problems += self._never_problems(step)
        return problems

    def _never_problems(self, step):
        """A reminder further ahead than any promise is long is never taken."""
        if step.trigger != escalation.BEFORE or step.offset_percent:
            return []
        kinds = split_codes(step.kinds) or dict(COMMITMENT_KINDS)
        targets = [target for kind in kinds for target in self._targets(kind)]
        if not targets or max(targets) > step.offset_minutes:
            return []
        return [
            self.env._(
                "“%s” is further ahead than what is promised is long: it is left out.",
                step.when_text,
            )
        ]
