from odoo import api, fields, models

from ..tools import escalation


class CspEscalationList(models.Model):
    """A chain of who acts next, and how, when something is late or goes wrong."""

    _name = "csp.escalation.list"
    _inherit = ["csp.rule.source", "mail.thread"]
    _description = "Escalation List"
    _order = "name, id"
    _check_company_auto = True
    _csp_rule_fields = frozenset({"active", "company_id", "reopen_times"})

    name = fields.Char(required=True, translate=True, tracking=True)
    description = fields.Text(
        translate=True, help="For which cases this list is, in a sentence or two."
    )
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        default=lambda self: self.env.company,
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty to use the list in every company.",
    )
    step_ids = fields.One2many(
        comodel_name="csp.escalation.step",
        inverse_name="list_id",
        string="Steps",
        copy=True,
    )
    last_resort_id = fields.Many2one(
        comodel_name="res.users",
        string="Last resort",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="restrict",
        tracking=True,
        help="Is told when nobody else can be: a step never reaches nobody.",
    )
    reopen_times = fields.Integer(
        string="Reopened often: times",
        default=2,
        help="From this reopening on, steps for repeated reopening are taken.",
    )

    policy_version_ids = fields.One2many(
        comodel_name="csp.policy.version", inverse_name="escalation_list_id"
    )

    @api.model_create_multi
    def create(self, vals_list):
        lists = super().create(vals_list)
        lists._timing_changed()
        return lists

    def write(self, vals):
        result = super().write(vals)
        if not self._csp_rule_fields.isdisjoint(vals):
            self._timing_changed()
        return result

    def _compiled(self):
        """The list as `tools/escalation.py` works with it."""
        self.ensure_one()
        return escalation.Chain(
            self.id,
            [step._compiled() for step in self.step_ids if step.active],
            self.reopen_times,
        )

    def _timing_changed(self):
        """Have the open promises that follow these lists planned anew.

        Every open promise of the companies concerned is looked at again, in the
        background: which list a ticket follows depends on its policy, its company and
        on whether it is a complaint.
        """
        if not self:
            return
        companies = self.company_id
        if any(not each.company_id for each in self):
            companies = companies.browse()
        self.env["res.company"]._csp_escalation_changed(companies)
