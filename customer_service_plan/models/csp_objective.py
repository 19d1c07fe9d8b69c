from odoo import fields, models


class CspObjective(models.Model):
    """What the company wants to reach by its customer service."""

    _name = "csp.objective"
    _description = "Service Objective"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty to use the objective in every company.",
    )
    reason = fields.Text(
        string="Why it matters",
        translate=True,
        help="One sentence that ties the objective to the mission of the company.",
    )
    policy_ids = fields.Many2many(
        comodel_name="csp.policy",
        relation="csp_objective_csp_policy_rel",
        column1="objective_id",
        column2="policy_id",
        string="Policies",
        help="Policies that serve this objective.",
    )
