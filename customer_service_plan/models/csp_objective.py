from odoo import api, fields, models


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
    plan_ids = fields.Many2many(
        comodel_name="csp.plan",
        relation="csp_objective_csp_plan_rel",
        column1="objective_id",
        column2="plan_id",
        string="Plans",
        default=lambda self: self._default_plan_ids(),
        help="Plans that set this objective. It may outlive a plan and belong to the "
        "next one, too.",
    )
    mission_text = fields.Text(string="Mission", compute="_compute_mission_text")
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

    def _default_plan_ids(self):
        return self.env["csp.plan"]._in_force_for(self.env.company)

    @api.depends("plan_ids.mission", "plan_ids.state")
    @api.depends_context("lang")
    def _compute_mission_text(self):
        order = ["in_force", "draft", "archived"]
        for objective in self:
            plans = objective.plan_ids.sorted(lambda plan: order.index(plan.state))
            objective.mission_text = plans[:1].mission

    @api.model_create_multi
    def create(self, vals_list):
        objectives = super().create(vals_list)
        for ties in objectives._ties():
            objectives._check_may_write(ties)
        return objectives

    def write(self, vals):
        if {"plan_ids", "policy_ids"}.isdisjoint(vals):
            return super().write(vals)
        before = self._ties()
        result = super().write(vals)
        for old, new in zip(before, self._ties(), strict=True):
            self._check_may_write((old | new) - (old & new))
        return result

    def _ties(self):
        """Plans, then policies, of each of these objectives, whoever sees them."""
        # sudo: csp.objective: only to see which of them somebody changes
        found = self.sudo()
        return [each[name] for name in ("plan_ids", "policy_ids") for each in found]

    def _check_may_write(self, records):
        """Refuse to tie an objective to plans and policies of others.

        Odoo asks for the right to write the objective only.
        """
        records.with_env(self.env).check_access("write")
