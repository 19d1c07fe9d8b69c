from itertools import combinations

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import escalation

#: In the context of steps that are saved together with their list. An object of its own
#: cannot come from outside, such as by RPC.
PART_OF_CHANGE = object()


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
    step_count = fields.Integer(string="Number of steps", compute="_compute_step_count")
    policy_count = fields.Integer(
        string="Number of policies", compute="_compute_policy_count"
    )
    escalation_count = fields.Integer(
        string="Steps taken", compute="_compute_escalation_count"
    )

    @api.depends("step_ids")
    def _compute_step_count(self):
        for each in self:
            each.step_count = len(each.step_ids)

    @api.depends("policy_version_ids.state", "policy_version_ids.policy_id")
    def _compute_policy_count(self):
        for each in self:
            each.policy_count = len(each._policies())

    def _compute_escalation_count(self):
        counts = dict(
            self.env["csp.escalation"]._read_group(
                [("list_id", "in", self.ids)], ["list_id"], ["__count"]
            )
        )
        for each in self:
            each.escalation_count = counts.get(each._origin, 0)

    def _policies(self):
        """Policies of which a version that is not retired names one of these lists."""
        return self._versions().policy_id

    def _versions(self):
        return self.policy_version_ids.filtered(lambda row: row.state != "retired")

    # === Rules ===

    @api.constrains("step_ids")
    def _check_steps(self):
        """Refuse chains that cannot be meant: falling delays, twins and loops.

        Which steps are empty is looked at by the steps themselves.
        """
        for each in self:
            steps = each.step_ids.sorted(lambda step: (step.sequence, step.id))
            for one, other in combinations(steps, 2):
                if one._meets(other):
                    one._refuse_twin(other)
                    one._refuse_earlier(other)
            each._refuse_loop(steps.filtered(lambda step: step.action == "reassign"))

    def _refuse_loop(self, steps):
        """Refuse to give a ticket back to whom it was taken from by an earlier step."""
        for first, between, last in combinations(steps, 3):
            if (
                first._meets(between)
                and between._meets(last)
                and first._meets(last)
                and first._people_key() == last._people_key()
                and first._people_key() != between._people_key()
            ):
                raise ValidationError(
                    self.env._(
                        "The ticket goes round in a circle: “%(last)s” gives it back "
                        "to %(who)s, who had it before “%(between)s”. Remove one of "
                        "these steps, or choose somebody else.",
                        last=last.display_name,
                        who=last.who_text,
                        between=between.display_name,
                    )
                )

    def _is_part_of_change(self):
        """Whether steps are saved together with their list."""
        return self.env.context.get("csp_list_change") is PART_OF_CHANGE

    # === Saving ===

    def copy_data(self, default=None):
        """Name copies as such."""
        vals_list = super().copy_data(default=default)
        if "name" in (default or {}):
            return vals_list
        return [
            dict(vals, name=self.env._("%s (copy)", each.name))
            for each, vals in zip(self, vals_list, strict=True)
        ]

    @api.model_create_multi
    def create(self, vals_list):
        part = self.with_context(csp_list_change=PART_OF_CHANGE)
        lists = super(CspEscalationList, part).create(vals_list).with_env(self.env)
        lists._timing_changed()
        return lists

    def write(self, vals):
        part = self
        if "step_ids" in vals:
            part = self.with_context(csp_list_change=PART_OF_CHANGE)
        result = super(CspEscalationList, part).write(vals)
        if not self._csp_rule_fields.isdisjoint(vals):
            self._timing_changed()
        return result

    # === Buttons ===

    def action_try(self):
        """Open the dialog that shows what these steps would do on a ticket."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_escalation_try_action"
        )
        action["display_name"] = self.env._("Try on a ticket: %s", self.name)
        action["context"] = {"default_list_id": self.id}
        return action

    def action_view_policies(self):
        """List the policies that name this list."""
        self.ensure_one()
        policies = self._policies()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_action"
        )
        action.update(
            {
                "display_name": self.env._("Policies with %s", self.name),
                "domain": [("id", "in", policies.ids)],
                "context": {"create": False},
            }
        )
        return action

    def action_view_log(self):
        """List which of these steps were taken, and what followed."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_escalation_action"
        )
        action.update(
            {
                "display_name": self.env._("Steps taken: %s", self.name),
                "domain": [("list_id", "=", self.id)],
                "context": {},
            }
        )
        return action

    # === Timing ===

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
        self.env["csp.escalation.concern"]._plan_anew(self)
