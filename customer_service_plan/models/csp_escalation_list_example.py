from odoo import api, fields, models

from ..tools import clock, escalation, foresight
from ..tools.epoch import from_epoch, to_epoch
from .csp_commitment import ALWAYS_OPEN, COMMITMENT_KINDS
from .csp_escalation_concern import CONCERN_TRIGGERS
from .csp_policy_line import TARGET_FIELDS

#: What an example is about when no policy that names the list promises it.
USUAL_MINUTES = 240
#: What an example looks like depends on these of its steps.
STEP_FIELDS = (
    "active",
    "sequence",
    "trigger",
    "kinds",
    "offset_minutes",
    "offset_percent",
    "when_text",
    "what_text",
    "who_text",
)


class CspEscalationList(models.Model):
    """The chain of a list on a promise of next week, while the list is being written.

    Worked out by the same functions that plan the steps of tickets.
    """

    _inherit = "csp.escalation.list"

    example_kind = fields.Selection(
        selection=[*COMMITMENT_KINDS, *CONCERN_TRIGGERS],
        string="Example for",
        compute="_compute_example_kind",
        store=False,
        readonly=False,
    )
    example_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Counted in",
        compute="_compute_example_hours_id",
        store=False,
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
    )
    example_target_minutes = fields.Integer(
        string="Promised within",
        compute="_compute_example_target_minutes",
        store=False,
        readonly=False,
        help="Opening time in minutes.",
    )
    example_start = fields.Datetime(
        string="Request comes in",
        compute="_compute_example_start",
        store=False,
        readonly=False,
    )
    example = fields.Json(compute="_compute_example")

    @api.depends("company_id")
    def _compute_example_kind(self):
        kinds = [kind for kind, _label in COMMITMENT_KINDS]
        concerns = [trigger for trigger, _label in CONCERN_TRIGGERS]
        for each in self:
            chain, _steps = each._example_chain()
            each.example_kind = next(
                (kind for kind in kinds + concerns if chain.positions(kind, clock.DAY)),
                kinds[0],
            )

    @api.depends("company_id")
    def _compute_example_hours_id(self):
        for each in self:
            company = each.company_id or self.env.company
            each.example_hours_id = company.csp_hours_id

    @api.depends("company_id", "example_kind")
    def _compute_example_target_minutes(self):
        for each in self:
            targets = each._targets(each.example_kind)
            each.example_target_minutes = targets[0] if targets else USUAL_MINUTES

    @api.depends("example_hours_id")
    def _compute_example_start(self):
        now = to_epoch(fields.Datetime.now())
        for each in self:
            hours = each._example_hours()
            each.example_start = from_epoch(foresight.get_example_start(hours, now))

    def _example_hours(self):
        self.ensure_one()
        hours = self.example_hours_id
        return hours._timeline() if hours else ALWAYS_OPEN

    def _targets(self, kind):
        """Minutes that policies with this list promise for a kind, longest first."""
        name = TARGET_FIELDS.get(kind)
        if not name:
            return []
        minutes = self._versions().line_ids.mapped(name)
        return sorted(filter(None, minutes), reverse=True)

    def _example_chain(self):
        """The list with its steps as they are on the screen, saved or not.

        :return: the chain, and the steps by their number from 1, which stands for the
            id of steps that have none yet
        """
        self.ensure_one()
        # New steps stand below the others of the same sequence, as on the screen.
        steps = self.step_ids.filtered("active").sorted("sequence")
        numbered = dict(enumerate(steps, 1))
        chain = escalation.Chain(
            0,
            [
                step._compiled(number, sequence=number)
                for number, step in numbered.items()
            ],
            self.reopen_times,
        )
        return chain, numbered

    @api.depends(
        "step_ids",
        *(f"step_ids.{name}" for name in STEP_FIELDS),
        "example_hours_id",
        "example_kind",
        "example_target_minutes",
        "example_start",
        "problem_text",
    )
    @api.depends_context("lang")
    def _compute_example(self):
        for each in self:
            each.example = each._example()

    def _example(self):
        self.ensure_one()
        chain, steps = self._example_chain()
        hours = self._example_hours()
        start = to_epoch(self.example_start or fields.Datetime.now())
        kind = self.example_kind or clock.FIRST_RESPONSE
        labels = dict(self._fields["example_kind"]._description_selection(self.env))
        deadline = None
        if kind in escalation.CONCERNS:
            received = labels[kind]
            foreseen = foresight.foresee_concern(kind, start, None, chain, hours, start)
        else:
            received = self.env._("The request comes in")
            target = max(self.example_target_minutes, 0) * 60
            deadline = hours.plan_deadline(start, target)
            row = clock.Commitment(
                kind=kind,
                target=target,
                hours=0,
                line=0,
                version=0,
                started_at=start,
                running_since=start,
                deadline=deadline,
            )
            foreseen = foresight.foresee_promise(row, chain, hours, start)
        rows = [self._example_row(start, "received", received, early=True)]
        for at, step in foreseen:
            rows.append(
                self._example_row(
                    at,
                    "step",
                    steps[step.id].when_text,
                    steps[step.id],
                    number=step.id,
                    early=step.trigger == escalation.BEFORE,
                )
            )
        if deadline is not None:
            early = sum(row["early"] for row in rows)
            text = self.env._("%s is due", labels[kind])
            rows.insert(early, self._example_row(deadline, "deadline", text))
        for before, row in zip(rows, rows[1:], strict=False):
            row["closed"] = foresight.get_closed_spans(hours, before["at"], row["at"])
        company = self.company_id or self.env.company
        return {
            "start": start,
            "deadline": deadline,
            "tz": self.example_hours_id.tz or company._csp_tz(),
            "hours": self.example_hours_id.display_name or False,
            "rows": rows,
            "problems": (self.problem_text or "").splitlines(),
        }

    @api.model
    def _example_row(self, at, kind, label, step=None, number=False, early=False):
        return {
            "at": at,
            "kind": kind,
            "label": label,
            "what": step.what_text if step else "",
            "who": step.who_text if step else "",
            "sequence": number,
            "early": early,
            "closed": [],
        }
