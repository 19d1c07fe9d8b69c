from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .csp_commitment import COMMITMENT_KINDS
from .plain_words import PlainWords
from .protected import unless_uninstalled

MEASURES = [
    ("kept", "Promises kept"),
    ("median", "Median time until done"),
    ("opinion", "Opinion of the customers (mean mark)"),
    ("complaints", "Complaints"),
    ("comments", "Comments on the trial"),
]
#: Measures that count promises of one kind.
OF_A_KIND = ("kept", "median")
#: Where more is better; of the others, less is.
MORE_IS_BETTER = frozenset({"kept", "opinion", "comments"})
#: Below this number of cases a sample is too small to tell.
MINIMUM_CASES = 30


class CspPilotCriterion(models.Model):
    """What a trial must reach, said before it begins and not changed after.

    `threshold` is in the unit of the measure: per cent, opening minutes, a mark, a
    number per 100 tickets, a number. With `not_worse` it is by how much the trial may
    be worse than the others, in the same unit.
    """

    _name = "csp.pilot.criterion"
    _description = "What a Trial Must Reach"
    _order = "pilot_id, sequence, id"

    pilot_id = fields.Many2one(
        comodel_name="csp.pilot",
        string="Trial",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="pilot_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)
    measure = fields.Selection(selection=MEASURES, required=True, default="kept")
    kind = fields.Selection(
        selection=COMMITMENT_KINDS,
        string="Promise",
        compute="_compute_kind",
        store=True,
        readonly=False,
        precompute=True,
        help="Whose promises are counted: only for promises kept and the median time.",
    )
    comparison = fields.Selection(
        selection=[
            ("at_least", "at least"),
            ("at_most", "at most"),
            ("not_worse", "not worse than the others by more than"),
        ],
        compute="_compute_comparison",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    threshold = fields.Float(
        string="Value",
        required=True,
        aggregator=None,
        help="In the unit of the measure: per cent, opening minutes, a mark, a number.",
    )
    minimum_cases = fields.Integer(
        string="Cases",
        required=True,
        default=MINIMUM_CASES,
        aggregator=None,
        help="With fewer cases on either side nothing is said about this.",
    )
    unit = fields.Char(compute="_compute_unit")
    sentence = fields.Char(string="It is reached if", compute="_compute_sentence")

    _not_negative = models.Constraint(
        "CHECK(threshold >= 0 AND minimum_cases >= 0)",
        "What a trial must reach cannot be negative.",
    )
    _kind_given = models.Constraint(
        "CHECK(measure NOT IN ('kept', 'median') OR kind IS NOT NULL)",
        "Say whose promises are counted: first replies, next replies or resolutions.",
    )

    @api.depends("measure")
    def _compute_kind(self):
        for criterion in self:
            of_a_kind = criterion.measure in OF_A_KIND
            criterion.kind = of_a_kind and (criterion.kind or "first_response") or False

    @api.depends("measure")
    def _compute_comparison(self):
        for criterion in self:
            more = criterion.measure in MORE_IS_BETTER
            criterion.comparison = "at_least" if more else "at_most"

    @api.depends("measure", "comparison")
    @api.depends_context("lang")
    def _compute_unit(self):
        for criterion in self:
            criterion.unit = {
                "kept": self.env._("percentage points")
                if criterion.comparison == "not_worse"
                else self.env._("%"),
                "median": self.env._("opening minutes"),
                "opinion": self.env._("of 5"),
                "complaints": self.env._("per 100 tickets"),
            }.get(criterion.measure, "")

    @api.depends("measure", "kind", "comparison", "threshold", "minimum_cases")
    @api.depends_context("lang")
    def _compute_sentence(self):
        for criterion in self:
            criterion.sentence = self.env._(
                "%(what)s: %(comparison)s %(value)s (from %(cases)s cases on)",
                what=criterion._what_text(),
                comparison=criterion._label("comparison"),
                value=criterion._value_text(),
                cases=criterion.minimum_cases,
            )

    @api.constrains("measure", "comparison")
    def _check_comparison(self):
        for criterion in self:
            if (criterion.measure, criterion.comparison) == ("comments", "not_worse"):
                raise ValidationError(
                    self.env._(
                        "Only who takes part comments on the trial: there is nobody to "
                        "compare the number of comments with."
                    )
                )

    def _label(self, name):
        labels = dict(self._fields[name]._description_selection(self.env))
        return labels.get(self[name], "")

    def _what_text(self):
        self.ensure_one()
        if self.kind:
            return self.env._(
                "%(measure)s, %(kind)s",
                measure=self._label("measure"),
                kind=self._label("kind").lower(),
            )
        return self._label("measure")

    def _value_text(self):
        """The threshold with its unit: “80 %”, “240 opening minutes”, “4 of 5”."""
        self.ensure_one()
        number = PlainWords(self.env).figure(self.threshold)
        return f"{number} {self.unit}".strip()

    # === Locked from the start of the trial on ===

    @api.model_create_multi
    def create(self, vals_list):
        criteria = super().create(vals_list)
        criteria.pilot_id._refuse_unless_draft()
        return criteria

    def write(self, vals):
        self.pilot_id._refuse_unless_draft()
        result = super().write(vals)
        if "pilot_id" in vals:
            self.pilot_id._refuse_unless_draft()
        return result

    def unlink(self):
        return super(CspPilotCriterion, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self.pilot_id._refuse_unless_draft()
