from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

#: The matrix shows no more than these, the widest gaps first.
MATRIX_LIMIT = 1000


class CspSegmentNeed(models.Model):
    """How important a need is to a segment, and how well it is met.

    Both are steps from 1 to 5. As long as nobody asked, satisfaction is 0: it is not
    known, which is not the same as bad, so averages leave it out.
    """

    _name = "csp.segment.need"
    _description = "Need of a Segment"
    _order = "importance desc, id"
    _rec_name = "need_id"

    segment_id = fields.Many2one(
        comodel_name="csp.segment", required=True, ondelete="cascade", index=True
    )
    need_id = fields.Many2one(
        comodel_name="csp.need", required=True, ondelete="restrict", index=True
    )
    importance = fields.Integer(
        required=True,
        default=3,
        aggregator="avg",
        help="From 1, hardly matters, to 5, decisive.",
    )
    satisfaction = fields.Integer(
        string="How well met",
        aggregator="avg",
        help="From 1, not at all, to 5, fully; empty as long as it is not known.",
    )
    satisfaction_date = fields.Date(
        string="As of",
        compute="_compute_satisfaction_date",
        store=True,
        readonly=False,
        precompute=True,
        help="The day customers said how well it is met.",
    )
    satisfaction_source = fields.Char(
        string="Known from",
        compute="_compute_satisfaction_source",
        store=True,
        readonly=False,
        precompute=True,
        help="What it was learnt from, for instance 12 visits in May.",
    )
    is_known = fields.Boolean(
        string="Known how well met", compute="_compute_gap", store=True, precompute=True
    )
    gap = fields.Integer(
        compute="_compute_gap",
        store=True,
        precompute=True,
        aggregator="avg",
        help="Importance less how well it is met: from 2 on, something important is"
        " poorly met. It says nothing as long as it is not known how well it is met.",
    )

    _segment_need_unique = models.Constraint(
        "UNIQUE(segment_id, need_id)", "The segment has this need already."
    )
    _importance_step = models.Constraint(
        "CHECK(importance BETWEEN 1 AND 5)", "Importance is a step from 1 to 5."
    )
    _satisfaction_step = models.Constraint(
        "CHECK(satisfaction BETWEEN 0 AND 5)",
        "How well a need is met is a step from 1 to 5, or empty if it is not known.",
    )
    _satisfaction_dated = models.Constraint(
        "CHECK(COALESCE(satisfaction, 0) = 0 OR satisfaction_date IS NOT NULL)",
        "Say as of which day it is known how well the need is met.",
    )

    @api.depends("satisfaction")
    def _compute_satisfaction_date(self):
        """A new opinion is of today, unless a day was given with it."""
        today = fields.Date.context_today(self)
        for need in self:
            if not need.satisfaction:
                need.satisfaction_date = False
                continue
            # In a form, the day may have been chosen before the step.
            chosen = need.satisfaction_date
            if chosen == need._origin.satisfaction_date:
                chosen = False
            need.satisfaction_date = chosen or today

    @api.depends("satisfaction")
    def _compute_satisfaction_source(self):
        for need in self:
            source = need.satisfaction_source
            need.satisfaction_source = source if need.satisfaction else False

    @api.depends("importance", "satisfaction")
    def _compute_gap(self):
        for need in self:
            need.is_known = bool(need.satisfaction)
            known = need.importance - need.satisfaction
            need.gap = known if need.is_known else 0

    @api.constrains("satisfaction_date")
    def _check_satisfaction_date(self):
        today = fields.Date.context_today(self)
        for need in self:
            if need.satisfaction_date and need.satisfaction_date > today:
                raise ValidationError(
                    self.env._(
                        "%(need)s: %(date)s has not come yet, so nobody can know how"
                        " well the need is met on that day.",
                        need=need.need_id.name,
                        date=need.satisfaction_date,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_derived(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._without_derived(vals))

    @api.model
    def _without_derived(self, vals):
        """Leave out what follows from the two steps."""
        return {
            name: value
            for name, value in vals.items()
            if name not in ("gap", "is_known")
        }

    def _read_group_select(self, aggregate_spec, query):
        """Unknown opinions count in no figure, or they would look like bad ones."""
        aggregate = super()._read_group_select(aggregate_spec, query)
        if aggregate_spec.split(":")[0] not in ("gap", "satisfaction"):
            return aggregate
        known = self._field_to_sql(self._table, "is_known", query)
        return SQL("%s FILTER (WHERE %s)", aggregate, known)

    @api.model
    @api.readonly
    def csp_matrix_data(self, segment_ids=None, domain=None):
        """What the matrix of importance and satisfaction shows, widest gap first.

        :param segment_ids: only needs of these; None for all segments that are in use
        :param domain: only needs that match it, in addition
        :return: {"needs": [{"id", "need", "segment", "importance", "satisfaction"
            (0: not known)}], "capped": whether there are more, "may_write": bool}
        """
        wanted = Domain(domain or Domain.TRUE)
        if segment_ids is None:
            wanted &= Domain("segment_id.active", "=", True)
        else:
            wanted &= Domain("segment_id", "in", segment_ids)
        found = self.search_fetch(
            wanted,
            ["need_id", "segment_id", "importance", "satisfaction"],
            order="is_known desc, gap desc, importance desc, id",
            limit=MATRIX_LIMIT + 1,
        )
        return {
            "needs": [
                {
                    "id": need.id,
                    "need": need.need_id.name,
                    "segment": need.segment_id.name,
                    "importance": need.importance,
                    "satisfaction": need.satisfaction,
                }
                for need in found[:MATRIX_LIMIT]
            ],
            "capped": len(found) > MATRIX_LIMIT,
            "may_write": self.has_access("write"),
        }
