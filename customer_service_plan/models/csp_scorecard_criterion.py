from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .protected import is_by_addon

#: How many steps a scale has.
STEPS = {"yes_no": 2, "3": 3, "4": 4, "5": 5}
#: Fields of the sentences for the steps of a scale, from the worst to the best.
STEP_TEXTS = ("step_1", "step_2", "step_3", "step_4", "step_5")


class CspScorecardCriterion(models.Model):
    """One point of a scorecard that is marked, with a sentence for each step.

    It may point to the standard of behaviour that it checks, so that the policy, its
    procedure and the review speak of the same thing.
    """

    _name = "csp.scorecard.criterion"
    _inherit = ["csp.scorecard.part"]
    _description = "Criterion of a Scorecard"
    _order = "scorecard_id, section_sequence, sequence, id"

    scorecard_id = fields.Many2one(
        comodel_name="csp.scorecard", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="scorecard_id.company_id")
    section_id = fields.Many2one(
        comodel_name="csp.scorecard.section",
        domain="[('scorecard_id', '=', scorecard_id)]",
        index="btree_not_null",
        ondelete="cascade",
    )
    section_sequence = fields.Integer(
        related="section_id.sequence", string="Order of the section", store=True
    )
    origin_id = fields.Many2one(
        comodel_name="csp.scorecard.criterion",
        string="First written as",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The same criterion in the version of the scorecard that had it first; "
        "empty there. Marks given by different versions are compared by it.",
    )
    # What is added comes last.
    sequence = fields.Integer(default=1000)
    name = fields.Char(required=True, translate=True)
    description = fields.Text(
        string="What to look at",
        translate=True,
        help="In words that two reviewers understand alike.",
    )
    weight = fields.Integer(
        default=10,
        aggregator=None,
        help="How much it counts beside the others. 0: not at all, but a critical one "
        "still fails the review.",
    )
    scale = fields.Selection(
        selection=[
            ("yes_no", "Yes or no"),
            ("3", "3 steps"),
            ("4", "4 steps"),
            ("5", "5 steps"),
        ],
        default="yes_no",
        required=True,
    )
    step_1 = fields.Text(string="Lowest step", translate=True)
    step_2 = fields.Text(string="Second step", translate=True)
    step_3 = fields.Text(string="Third step", translate=True)
    step_4 = fields.Text(string="Fourth step", translate=True)
    step_5 = fields.Text(string="Fifth step", translate=True)
    allow_na = fields.Boolean(
        string="May not apply",
        default=True,
        help="A reviewer may say that it does not apply to this contact: it then "
        "counts neither for nor against.",
    )
    share = fields.Float(
        string="Counts (%)",
        digits=(5, 1),
        compute="_compute_share",
        help="Its weight among all weights of the scorecard, where all criteria apply.",
    )
    critical = fields.Selection(
        selection=[
            ("section", "Fails its section"),
            ("all", "Fails the whole review"),
        ],
        help="What a mark below half of the scale does. Keep it for what must never "
        "happen: law, safety, privacy.",
    )
    error_kind = fields.Selection(
        selection=[
            ("customer", "Critical for the customer"),
            ("business", "Critical for the business"),
            ("compliance", "Critical for law and rules"),
        ],
        string="Error kind",
        help="Errors of these kinds are counted apart from the score.",
    )
    standard_id = fields.Many2one(
        comodel_name="csp.standard",
        index="btree_not_null",
        ondelete="restrict",
        help="The standard of behaviour that this criterion checks.",
    )
    cause_ids = fields.Many2many(
        comodel_name="csp.quality.cause",
        relation="csp_scorecard_criterion_cause_rel",
        column1="criterion_id",
        column2="cause_id",
        ondelete="restrict",
        string="Causes to choose from",
        context={"active_test": False},
        help="Empty: the whole catalogue.",
    )

    _weight_not_negative = models.Constraint(
        "CHECK(weight >= 0)", "A criterion cannot weigh less than nothing."
    )

    @api.depends("weight", "scorecard_id.criterion_ids.weight")
    def _compute_share(self):
        for criterion in self:
            total = sum(criterion.scorecard_id.criterion_ids.mapped("weight"))
            criterion.share = 100 * criterion.weight / total if total else 0

    @api.constrains("scorecard_id", "section_id")
    def _check_section(self):
        for criterion in self:
            section = criterion.section_id
            if section and section.scorecard_id != criterion.scorecard_id:
                raise ValidationError(
                    self.env._(
                        "“%(criterion)s” cannot belong to “%(section)s”: that is a "
                        "section of another scorecard.",
                        criterion=criterion.name,
                        section=section.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            # Which criterion is the same as an earlier one is not for anybody to say.
            vals_list = [{**vals, "origin_id": False} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if "origin_id" in vals and not is_by_addon(self.env):
            vals = {name: value for name, value in vals.items() if name != "origin_id"}
        return super().write(vals)

    def _first(self):
        """The same criterion in the version that had it first."""
        self.ensure_one()
        return self.origin_id or self

    def _step_count(self):
        """How many steps the scale of this criterion has."""
        self.ensure_one()
        return STEPS[self.scale]

    def _described(self):
        """All that it says beside its name, as pairs of a label and a text."""
        self.ensure_one()
        labels = self.env["csp.scorecard"]._labels()
        texts = {
            "section_id": self.section_id.name,
            "description": self.description,
            "weight": str(self.weight),
            "scale": labels["scale"].get(self.scale),
            **{name: self[name] for name in STEP_TEXTS},
            "allow_na": self.env._("Yes") if self.allow_na else self.env._("No"),
            "critical": labels["critical"].get(self.critical),
            "error_kind": labels["error_kind"].get(self.error_kind),
            "standard_id": self.standard_id.name,
            "cause_ids": ", ".join(self.cause_ids.mapped("name")),
        }
        return [
            (self._fields[name]._description_string(self.env), text or "")
            for name, text in texts.items()
        ]

    def _step_texts(self):
        """What each step of its scale means, from the worst to the best: the sentence
        for it, else its name."""
        self.ensure_one()
        names = self._step_names()[self.scale]
        return [
            self[field] or name for field, name in zip(STEP_TEXTS, names, strict=False)
        ]

    @api.model
    def _step_names(self):
        """What the steps are called where a criterion has no sentence for them."""
        return {
            "yes_no": [self.env._("No"), self.env._("Yes")],
            "3": ["1", "2", "3"],
            "4": ["1", "2", "3", "4"],
            "5": ["1", "2", "3", "4", "5"],
        }
