from odoo import api, fields, models

COVERAGE_KINDS = [
    ("warranty", "Warranty"),
    ("replacement", "Replacement"),
    ("loan_unit", "Loan unit"),
    ("repair", "Repair"),
    ("refund", "Refund"),
    ("other", "Other"),
]


class CspCoverage(models.Model):
    """What a customer is entitled to when a product fails, and how he gets it."""

    _name = "csp.coverage"
    _inherit = ["csp.version.part"]
    _description = "Coverage"
    _order = "version_id, sequence, id"

    version_id = fields.Many2one(
        comodel_name="csp.policy.version",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="version_id.company_id")
    version_state = fields.Selection(related="version_id.state")
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    kind = fields.Selection(selection=COVERAGE_KINDS, default="warranty", required=True)
    category_ids = fields.Many2many(
        comodel_name="helpdesk.ticket.category",
        relation="csp_coverage_category_rel",
        column1="coverage_id",
        column2="category_id",
        context={"active_test": False},
        ondelete="restrict",
        string="Categories",
        help="Shown on tickets of these categories and their sub-categories. Empty: on "
        "every ticket.",
    )
    product = fields.Char(
        string="Products",
        translate=True,
        help="What it holds for, in the words customers use.",
    )
    duration_months = fields.Integer(
        string="For how long (months)",
        aggregator=None,
        help="0: without a limit.",
    )
    duration_from = fields.Selection(
        selection=[
            ("purchase", "the purchase"),
            ("delivery", "the delivery"),
            ("installation", "the installation"),
            ("report", "the customer's report"),
        ],
        string="Counted from",
        default="delivery",
    )
    duration_text = fields.Char(string="How long", compute="_compute_duration_text")
    entitlement = fields.Text(
        string="The customer is entitled to",
        translate=True,
        help="What he gets, and within which time.",
    )
    how_to = fields.Text(
        string="How he gets it",
        translate=True,
        help="Who does what, with which papers.",
    )
    condition = fields.Text(
        string="Only if",
        translate=True,
        help="What must be given, and what is excluded.",
    )

    _duration_not_negative = models.Constraint(
        "CHECK(duration_months >= 0)",
        "A duration cannot be negative. Leave it empty where there is no limit.",
    )

    @api.depends_context("lang")
    @api.depends("duration_months", "duration_from")
    def _compute_duration_text(self):
        for coverage in self:
            coverage.duration_text = coverage._describe_duration()

    def _describe_duration(self):
        """How long it holds, in words; empty where there is no limit."""
        months = self.duration_months
        if not months:
            return ""
        # One sentence for each moment: the words around it differ between languages.
        texts = {
            "purchase": self.env._("Months from the purchase: %s", months),
            "delivery": self.env._("Months from the delivery: %s", months),
            "installation": self.env._("Months from the installation: %s", months),
            "report": self.env._("Months from the customer's report: %s", months),
        }
        return texts.get(self.duration_from) or self.env._("Months: %s", months)

    def _panel_data(self):
        """What the page of a ticket shows of it."""
        self.ensure_one()
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "kind_label": kinds[self.kind],
            "product": self.product or "",
            "duration": self.duration_text or "",
            "entitlement": self.entitlement or "",
            "how_to": self.how_to or "",
            "condition": self.condition or "",
        }
