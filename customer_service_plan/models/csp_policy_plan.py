from odoo import api, fields, models


class CspPolicy(models.Model):
    """The plan that a policy belongs to."""

    _inherit = "csp.policy"

    plan_id = fields.Many2one(
        comodel_name="csp.plan",
        string="Service plan",
        compute="_compute_plan_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
        help="The plan whose mission this policy serves.",
    )

    @api.depends("company_id")
    def _compute_plan_id(self):
        Plan = self.env["csp.plan"]
        for company, policies in self.grouped("company_id").items():
            in_force = Plan._in_force_for(company)
            for policy in policies:
                kept = policy.plan_id
                if not kept or kept.company_id not in (Plan.company_id, company):
                    policy.plan_id = in_force
                else:
                    policy.plan_id = kept
