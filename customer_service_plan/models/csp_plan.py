from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Whoever holds this in the context moves a plan between its states. An object of its
#: own cannot come in by RPC.
MOVING = object()


class CspPlan(models.Model):
    """The service plan of a company: its mission, and what follows from it.

    Policies say what is promised; the plan says what for. Of the plans of a company one
    is in force at a time; it is what the staff read.
    """

    _name = "csp.plan"
    _inherit = ["csp.reviewed", "mail.thread", "mail.activity.mixin"]
    _description = "Service Plan"
    _order = "date_start desc, id desc"
    _check_company_auto = True
    _csp_review_link = "plan_id"
    # Whoever reads the plan may say what he thinks of it.
    _mail_post_access = "read"

    name = fields.Char(required=True, translate=True, tracking=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        default=lambda self: self.env.company,
        ondelete="cascade",
        index="btree_not_null",
        tracking=True,
        help="Leave empty for a plan of every company. A company's own plan comes "
        "before it.",
    )
    owner_id = fields.Many2one(
        comodel_name="res.users",
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        ondelete="restrict",
        tracking=True,
        help="Answers for the plan and is asked to review it.",
    )
    state = fields.Selection(
        selection=[
            ("draft", "Draft"),
            ("in_force", "In force"),
            ("archived", "Archived"),
        ],
        default="draft",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    date_start = fields.Date(
        string="Valid from",
        copy=False,
        tracking=True,
        help="Empty: from the day on which it is put in force.",
    )
    date_end = fields.Date(
        string="Valid until",
        copy=False,
        tracking=True,
        help="The last day. Empty: until another plan takes its place.",
    )
    mission = fields.Text(
        translate=True,
        tracking=True,
        help="What your service is there for, in a sentence or two that everybody can "
        "remember. All objectives are tied to it.",
    )
    vision = fields.Text(
        translate=True,
        tracking=True,
        help="What it is to be like in some years, if all goes well.",
    )
    value_ids = fields.One2many(
        comodel_name="csp.value", inverse_name="plan_id", string="Values", copy=True
    )
    objective_ids = fields.Many2many(
        comodel_name="csp.objective",
        relation="csp_objective_csp_plan_rel",
        column1="plan_id",
        column2="objective_id",
        string="Objectives",
        check_company=True,
        help="What you want to reach, each tied to the mission by a sentence.",
    )
    policy_ids = fields.One2many(
        comodel_name="csp.policy", inverse_name="plan_id", string="Policies"
    )
    policy_count = fields.Integer(compute="_compute_policy_count")
    is_outdated = fields.Boolean(
        compute="_compute_is_outdated",
        help="In force although its last day has passed.",
    )
    missing_text = fields.Text(
        string="Still missing", compute="_compute_missing_text", help="One a line."
    )

    _one_in_force = models.UniqueIndex(
        "(COALESCE(company_id, 0)) WHERE state = 'in_force'",
        "A company has one plan in force at a time.",
    )
    _dates_in_order = models.Constraint(
        "CHECK(date_end >= date_start)", "A plan cannot end before it begins."
    )

    @api.depends("policy_ids")
    def _compute_policy_count(self):
        counts = dict(
            self.env["csp.policy"]._read_group(
                domain=[("plan_id", "in", self.ids)],
                groupby=["plan_id"],
                aggregates=["__count"],
            )
        )
        for plan in self:
            plan.policy_count = counts.get(plan._origin, 0)

    @api.depends("state", "date_end")
    def _compute_is_outdated(self):
        today = fields.Date.context_today(self)
        for plan in self:
            plan.is_outdated = bool(
                plan.state == "in_force" and plan.date_end and plan.date_end < today
            )

    @api.depends(
        "mission",
        "vision",
        "owner_id.active",
        "value_ids.behaviour",
        "value_ids.need_ids",
        "objective_ids.reason",
        "objective_ids.policy_ids",
        "policy_ids",
    )
    @api.depends_context("lang")
    def _compute_missing_text(self):
        for plan in self:
            plan.missing_text = "\n".join(plan._find_missing())

    def _find_missing(self):
        """What a complete plan has and this one has not, each as one sentence."""
        self.ensure_one()
        texts = []
        if not (self.mission or "").strip():
            texts.append(self.env._("The mission is not written yet."))
        if not (self.vision or "").strip():
            texts.append(self.env._("The vision is not written yet."))
        if not self.owner_id:
            texts.append(self.env._("Nobody answers for the plan: name an owner."))
        elif not self.owner_id.active:
            texts.append(self.env._("The owner has left: name another one."))
        if not self.value_ids:
            texts.append(self.env._("There are no values yet."))
        mute = self.value_ids.filtered(lambda value: not value.behaviour)
        if mute:
            texts.append(
                self.env._("How staff behave by it is not said: %s", _names(mute))
            )
        unasked = self.value_ids.filtered(lambda value: not value.need_ids)
        if unasked:
            texts.append(
                self.env._(
                    "Which wish of customers it answers is not said: %s",
                    _names(unasked),
                )
            )
        if not self.objective_ids:
            texts.append(self.env._("There are no objectives yet."))
        untied = self.objective_ids.filtered(lambda objective: not objective.reason)
        if untied:
            texts.append(
                self.env._("Not tied to the mission by a sentence: %s", _names(untied))
            )
        unserved = self.objective_ids.filtered(
            lambda objective: not objective.policy_ids
        )
        if unserved:
            texts.append(self.env._("No policy serves: %s", _names(unserved)))
        if not self.policy_ids:
            texts.append(self.env._("No policy belongs to the plan yet."))
        return texts

    @api.model
    def _in_force_for(self, company):
        """The plan in force of a company: its own, else that of every company.

        :param company: empty for the plan of every company alone
        """
        found = self.search(
            Domain("state", "=", "in_force")
            & Domain("company_id", "in", [*company.ids, False])
        )
        return found.filtered("company_id")[:1] or found[:1]

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        return [
            {**vals, "name": self.env._("%s (copy)", plan.name)}
            for plan, vals in zip(self, vals_list, strict=True)
        ]

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([{**vals, "state": "draft"} for vals in vals_list])

    def write(self, vals):
        if "state" in vals and self.env.context.get("csp_plan_state") is not MOVING:
            raise UserError(
                self.env._(
                    "A plan is put in force and archived by its buttons: only one of "
                    "a company can be in force."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.filtered(lambda plan: plan.state != "draft")
        if used:
            raise UserError(
                self.env._(
                    "%(plan)s was in force and stays: people worked by it. Archive it "
                    "instead.",
                    plan=used[0].name,
                )
            )

    # === Review ===

    def _is_to_be_reviewed(self):
        return self.filtered(lambda plan: plan.state == "in_force")

    def _plan_reviewed_with(self):
        return self

    def _reviewed_versions(self):
        """All versions of the policies of these plans, whatever their state."""
        return self.with_context(active_test=False).policy_ids.version_ids

    def _reviewed_by(self, version):
        """Those of these plans whose figures a version counts among."""
        return self & version.policy_id.plan_id

    def _begin_change(self, reason):
        """Begin the next plan as a copy, or go on with the one that is a draft.

        :return: action that opens it
        """
        draft = self.search(
            Domain("state", "=", "draft")
            & Domain("company_id", "=", self.company_id.id),
            order="id desc",
            limit=1,
        )
        draft = draft or self.copy()
        draft.message_post(body=self.env._("To be changed by a review: %s", reason))
        return draft.sudo(False)._get_records_action(name=draft.name)

    def _retire_reviewed(self):
        self.action_end()

    # === Actions ===

    def action_put_in_force(self):
        """Make this the plan that staff read; the one before it is archived.

        The policies of the plan before go on under this one.

        :raises UserError: without a mission, or before its first day
        """
        self.check_access("write")
        for plan in self:
            today = fields.Date.context_today(plan)
            if plan.state == "in_force":
                continue
            if not (plan.mission or "").strip():
                raise UserError(
                    self.env._(
                        "Write the mission first: everything else in %(plan)s is "
                        "there for it.",
                        plan=plan.name,
                    )
                )
            if plan.date_start and plan.date_start > today:
                raise UserError(
                    self.env._(
                        "%(plan)s begins on a later day. Put it in force then, or "
                        "change its first day.",
                        plan=plan.name,
                    )
                )
            before = self.search(
                Domain("state", "=", "in_force")
                & Domain("company_id", "=", plan.company_id.id)
            )
            before.action_end()
            # Else two would be in force for a moment, and the database refuses that.
            before.flush_recordset()
            before.with_context(active_test=False).policy_ids.plan_id = plan
            values = {"state": "in_force", "date_start": plan.date_start or today}
            if plan.date_end and plan.date_end < today:
                values["date_end"] = False
            plan.with_context(csp_plan_state=MOVING).write(values)
        return True

    def action_end(self):
        """Archive a plan: it can be read on, and nobody works by it any more."""
        self.check_access("write")
        for plan in self:
            today = fields.Date.context_today(plan)
            values = {"state": "archived"}
            if plan.state == "in_force" and (
                not plan.date_end or plan.date_end > today
            ):
                values["date_end"] = max(today, plan.date_start or today)
            plan.with_context(csp_plan_state=MOVING).write(values)
        return True

    def action_back_to_draft(self):
        """Take a plan that is archived up again, to work on it."""
        self.check_access("write")
        if self.filtered(lambda plan: plan.state == "in_force"):
            raise UserError(
                self.env._(
                    "Staff work by a plan in force. Change it as it is, or make a copy "
                    "and put that in force."
                )
            )
        return self.with_context(csp_plan_state=MOVING).write({"state": "draft"})

    def action_view_policies(self):
        """List the policies of this plan."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_policy_action"
        )
        action["domain"] = [("plan_id", "=", self.id)]
        action["context"] = {"default_plan_id": self.id}
        return action

    @api.model
    def _action_read_in_force(self):
        """Open the plan in force of the company that the user works for."""
        plan = self._in_force_for(self.env.company)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "customer_service_plan.csp_plan_action_in_force"
        )
        if plan:
            form = self.env.ref("customer_service_plan.csp_plan_view_form")
            action.update({"res_id": plan.id, "views": [(form.id, "form")]})
        return action


def _names(records):
    return ", ".join(record.name or "" for record in records)
