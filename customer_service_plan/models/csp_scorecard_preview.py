from odoo import api, fields, models

from ..tools import comparison
from .csp_policy_version_compare import Text
from .csp_scorecard_criterion import STEP_TEXTS


class CspScorecard(models.Model):
    """What a review by a scorecard looks like, and what a new version changes."""

    _inherit = "csp.scorecard"

    preview = fields.Html(compute="_compute_preview", sanitize=False)
    base_id = fields.Many2one(
        comodel_name="csp.scorecard",
        string="Compared with",
        compute="_compute_base_id",
        readonly=False,
        domain="[('id', 'in', family_ids), ('id', '!=', id)]",
        context={"active_test": False},
    )
    family_ids = fields.Many2many(
        comodel_name="csp.scorecard",
        string="All versions",
        compute="_compute_family_ids",
        context={"active_test": False},
    )
    version_count = fields.Integer(string="Versions", compute="_compute_family_ids")
    comparison = fields.Html(
        string="What changes", compute="_compute_comparison", sanitize=False
    )
    review_count = fields.Integer(string="Reviews", compute="_compute_review_count")
    policy_names = fields.Char(
        string="Named by policies",
        compute="_compute_policy_names",
        help="Policies in force whose tickets are reviewed by this scorecard.",
    )
    is_replaced = fields.Boolean(compute="_compute_policy_names")

    @api.depends(
        "section_ids.name",
        "section_ids.sequence",
        "criterion_ids.section_id",
        "criterion_ids.sequence",
        "criterion_ids.name",
        "criterion_ids.description",
        "criterion_ids.weight",
        "criterion_ids.scale",
        *(f"criterion_ids.{field}" for field in STEP_TEXTS),
        "criterion_ids.allow_na",
        "criterion_ids.critical",
        "criterion_ids.error_kind",
        "criterion_ids.standard_id",
    )
    @api.depends_context("lang")
    def _compute_preview(self):
        for scorecard in self:
            scorecard.preview = (
                bool(scorecard.criterion_ids) and scorecard._render_preview()
            )

    @api.depends("first_id")
    def _compute_family_ids(self):
        for scorecard in self:
            family = scorecard._origin and scorecard._origin._family()
            scorecard.family_ids = family or False
            scorecard.version_count = len(family) if family else 0

    @api.depends("first_id", "version")
    def _compute_base_id(self):
        for scorecard in self:
            earlier = scorecard.family_ids.filtered(
                lambda one, scorecard=scorecard: one.version < scorecard.version
            )
            scorecard.base_id = earlier.sorted("version")[-1:]

    @api.depends("base_id", "preview", "criterion_ids.cause_ids", "name", "description")
    @api.depends_context("lang")
    def _compute_comparison(self):
        for scorecard in self:
            base = scorecard.base_id
            scorecard.comparison = bool(base) and scorecard._render_comparison(base)

    @api.depends_context("uid")
    def _compute_review_count(self):
        counts = dict(
            self.env["csp.quality.review"]._read_group(
                domain=[("scorecard_id", "in", self.ids)],
                groupby=["scorecard_id"],
                aggregates=["__count"],
            )
        )
        for scorecard in self:
            scorecard.review_count = counts.get(scorecard._origin, 0)

    @api.depends("state")
    def _compute_policy_names(self):
        for scorecard in self:
            family = scorecard.family_ids
            scorecard.is_replaced = bool(
                family.filtered(lambda one: one.state == "in_use") - scorecard._origin
            )
            versions = self.env["csp.policy.version"].search(
                [
                    ("scorecard_id", "in", family.ids),
                    ("state", "in", ["published", "pilot"]),
                ]
            )
            scorecard.policy_names = ", ".join(versions.policy_id.mapped("name"))

    # === Screens ===

    def action_view_reviews(self):
        """List the reviews that were begun with this version."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_quality_review_action"
        )
        return {**action, "domain": [("scorecard_id", "=", self.id)], "context": {}}

    def action_view_versions(self):
        """List all versions of this scorecard."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_scorecard_action"
        )
        return {
            **action,
            "display_name": self.env._("Versions of %s", self.name),
            "domain": [("id", "in", self._family().ids)],
            "context": {"active_test": False},
        }

    # === What a review looks like ===

    def _in_sections(self):
        """Pairs of a section, empty for none, and its criteria, as they are shown."""
        self.ensure_one()
        pairs = []
        for criterion in self._criteria_in_order():
            if not pairs or pairs[-1][0] != criterion.section_id:
                pairs.append((criterion.section_id, criterion.browse()))
            pairs[-1] = (pairs[-1][0], pairs[-1][1] + criterion)
        return pairs

    def _render_preview(self):
        self.ensure_one()
        return self.env["ir.qweb"]._render(
            "customer_service_plan.scorecard_preview",
            {
                "parts": self._in_sections(),
                "labels": self._labels(),
                "per_cent": self._per_cent,
            },
        )

    @api.model
    def _labels(self):
        """The words for what a criterion may be chosen to be."""
        fields_of = self.env["csp.scorecard.criterion"]._fields
        return {
            name: dict(fields_of[name]._description_selection(self.env))
            for name in ("scale", "critical", "error_kind")
        }

    @api.model
    def _per_cent(self, share):
        return self.env._("%s %%", f"{round(share, 1):g}")

    # === What a version changes ===

    def _render_comparison(self, base):
        """What is different from the version `base`, as a page: HTML."""
        self.ensure_one()
        heads = [
            Text(self._fields[name]._description_string(self.env), *pair)
            for name, pair in (
                ("name", (base.name or "", self.name or "")),
                ("description", (base.description or "", self.description or "")),
            )
        ]
        rows = self._compared_criteria(base)
        return self.env["ir.qweb"]._render(
            "customer_service_plan.scorecard_comparison",
            {
                "heads": [text for text in heads if text.changed],
                "rows": [row for row in rows if row["kind"] != comparison.SAME],
                "same_count": sum(row["kind"] == comparison.SAME for row in rows),
                "words": self.env["csp.policy.version"]._words_of_change(),
                "say": self.env["csp.policy.version"]._value_changed,
            },
        )

    def _compared_criteria(self, base):
        """What became of each criterion: dicts of kind, title, and changed texts."""
        olds = {each._origin._first(): each for each in base._criteria_in_order()}
        rows = []
        for criterion in self._criteria_in_order():
            first = criterion.origin_id or criterion._origin
            old = olds.pop(first, None) if first else None
            if old is None:
                title = Text("", "", criterion.name or "")
                rows.append({"kind": comparison.ADDED, "title": title, "texts": []})
                continue
            texts = [
                Text(label, before, after)
                for (label, before), (_label, after) in zip(
                    old._described(), criterion._described(), strict=True
                )
                if before != after
            ]
            title = Text("", old.name, criterion.name or "")
            changed = texts or title.changed
            kind = comparison.CHANGED if changed else comparison.SAME
            rows.append({"kind": kind, "title": title, "texts": texts})
        for old in olds.values():
            title = Text("", old.name, "")
            rows.append({"kind": comparison.REMOVED, "title": title, "texts": []})
        return rows
