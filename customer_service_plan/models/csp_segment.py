from odoo import api, fields, models


class CspSegment(models.Model):
    """A group of customers who want something alike, so that it can be promised."""

    _name = "csp.segment"
    _inherit = ["csp.rule.source"]
    _description = "Customer Segment"
    _order = "sequence, id"
    # Whether a segment exists at all decides if tickets look for their customer's.
    _csp_rule_fields = frozenset({"active", "sequence", "company_id"})

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(
        default=10,
        help="A customer may be in several segments: the first one names the promise.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty to use the segment in every company.",
    )
    description = fields.Text(translate=True)
    partner_ids = fields.Many2many(
        comodel_name="res.partner",
        relation="csp_segment_res_partner_rel",
        column1="segment_id",
        column2="partner_id",
        string="Customers",
    )
    member_count = fields.Integer(string="Members", compute="_compute_member_count")

    @api.depends("partner_ids")
    def _compute_member_count(self):
        counts = dict(
            self.env["res.partner"]._read_group(
                domain=[("csp_segment_ids", "in", self.ids)],
                groupby=["csp_segment_ids"],
                aggregates=["__count"],
            )
        )
        for segment in self:
            segment.member_count = counts.get(segment._origin, 0)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_named(self):
        self.env["csp.policy.line"]._refuse_if_named("segment_ids", self)

    def action_view_members(self):
        """Open the customers of this segment."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "res.partner",
            "view_mode": "list,kanban,form",
            "domain": [("csp_segment_ids", "in", self.ids)],
        }
