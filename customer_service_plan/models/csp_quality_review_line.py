from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..tools import scoring
from .protected import is_by_addon, unless_uninstalled

#: What the reviewer writes for a criterion while he works on the review.
WRITTEN_BY_REVIEWER = frozenset(
    {"step", "not_applicable", "comment", "cause_ids", "quote_message_id", "quote"}
)


class CspQualityReviewLine(models.Model):
    """The mark for one criterion, with what the reviewer says about it.

    Lines come with their review and stay with it. The reviewer marks them until the
    review is done; after that a mark changes only by the decision on a dispute, which
    keeps the mark before.
    """

    _name = "csp.quality.review.line"
    _description = "Mark of a Quality Review"
    _order = "review_id, id"
    _rec_name = "criterion_id"

    review_id = fields.Many2one(
        comodel_name="csp.quality.review",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    criterion_id = fields.Many2one(
        comodel_name="csp.scorecard.criterion",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="review_id.company_id")
    step = fields.Integer(
        string="Mark",
        aggregator=None,
        help="Step of the scale, 1 the lowest. 0: not marked yet.",
    )
    not_applicable = fields.Boolean(string="Does not apply")
    is_marked = fields.Boolean(compute="_compute_points", store=True)
    points = fields.Float(
        string="Points (%)",
        digits=(5, 2),
        compute="_compute_points",
        store=True,
        aggregator="avg",
        help="Share of the scale reached, in per cent; empty where it does not apply.",
    )
    is_counted = fields.Boolean(
        compute="_compute_points", store=True, help="Marked, and it applies."
    )
    is_bad = fields.Boolean(
        string="Below half",
        compute="_compute_points",
        store=True,
        help="Below half of the scale.",
    )
    cause_ids = fields.Many2many(
        comodel_name="csp.quality.cause",
        relation="csp_quality_review_line_cause_rel",
        column1="line_id",
        column2="cause_id",
        string="Causes",
        context={"active_test": False},
    )
    comment = fields.Text()
    quote_message_id = fields.Many2one(
        comodel_name="mail.message",
        string="Quoted message",
        index="btree_not_null",
        ondelete="set null",
    )
    quote = fields.Text(help="The words that the mark is about, as they were written.")

    _once = models.UniqueIndex(
        "(review_id, criterion_id)", "A criterion is marked once in a review."
    )
    # A million marks are counted without reading what was said on them.
    _counted = models.Index("(review_id) INCLUDE (criterion_id, step) WHERE is_counted")

    @api.depends("step", "not_applicable", "criterion_id")
    def _compute_points(self):
        for line in self:
            mark = line._mark() if line.step or line.not_applicable else None
            line.is_marked = bool(mark)
            line.is_counted = bool(mark and mark.step)
            line.is_bad = bool(mark and mark.is_bad)
            line.points = float(mark.points * 100) if line.is_counted else 0

    @api.constrains("step", "not_applicable")
    def _check_step(self):
        for line in self:
            criterion = line.criterion_id
            if not 0 <= line.step <= criterion._step_count():
                raise ValidationError(
                    self.env._("“%s” has no such step.", criterion.name)
                )
            if line.not_applicable and not criterion.allow_na:
                raise ValidationError(
                    self.env._("“%s” always applies: mark it.", criterion.name)
                )
            if line.not_applicable and line.step:
                raise ValidationError(
                    self.env._(
                        "“%s”: either it does not apply, or it is marked.",
                        criterion.name,
                    )
                )

    @api.constrains("quote_message_id")
    def _check_quote(self):
        for line in self:
            # sudo: mail.message: only to which record it belongs
            message = line.quote_message_id.sudo()
            # sudo: csp.quality.review: which ticket it is about
            tickets = line.review_id.sudo()._tickets_spoken_on()
            if message and (
                message.model != tickets._name or message.res_id not in tickets.ids
            ):
                raise ValidationError(
                    self.env._("The quoted message is not one of this ticket.")
                )

    def _mark(self):
        """This mark as `scoring` counts it."""
        self.ensure_one()
        criterion = self.criterion_id
        return scoring.Mark(
            weight=criterion.weight,
            steps=criterion._step_count(),
            step=None if self.not_applicable else self.step,
            section=criterion.section_id.id or 0,
            critical=criterion.critical or "",
        )

    @api.model_create_multi
    def create(self, vals_list):
        if not is_by_addon(self.env):
            self._refuse()
        return super().create(vals_list)

    def write(self, vals):
        if not is_by_addon(self.env):
            if vals.keys() - WRITTEN_BY_REVIEWER:
                self._refuse()
            self.review_id._begin_marking()
            if vals.get("not_applicable"):
                vals = {"step": 0, **vals}
            elif vals.get("step"):
                vals = {"not_applicable": False, **vals}
        return super().write(vals)

    def unlink(self):
        return super(CspQualityReviewLine, unless_uninstalled(self)).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_review(self):
        if not is_by_addon(self.env):
            raise UserError(
                self.env._(
                    "A criterion stays in the review. Say that it does not apply."
                )
            )

    def _refuse(self):
        raise AccessError(
            self.env._("What is marked follows from the scorecard of the review.")
        )
