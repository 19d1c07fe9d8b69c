from odoo import api, fields, models
from odoo.exceptions import AccessError

#: What a manager must not decide for himself: on Odoo's settings page only.
ADMIN_SETTINGS = ("csp_approval_required", "csp_approver_group_id")
#: What a manager decides for the company. Odoo's settings page has the same.
SETTINGS = (
    "csp_hours_id",
    "csp_call_from",
    "csp_call_to",
    "csp_escalation_list_id",
    "csp_complaint_list_id",
    "csp_complaint_owner_id",
    "csp_notify_from",
    "csp_notify_to",
    "csp_resume_on_reply",
    "csp_closed_reply",
    "csp_reopen_grace_days",
    "csp_profile_keep_months",
    "csp_backtest_days",
    "csp_review_lead_days",
    "csp_quality_answer_days",
    "csp_quality_due_days",
    "csp_newcomer_days",
)


class CspSettings(models.TransientModel):
    """Settings of the service plan, for managers.

    Odoo's own settings page can be saved by administrators only.
    """

    _name = "csp.settings"
    _description = "Settings of the Service Plan"

    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        domain="[('id', 'in', allowed_company_ids)]",
        ondelete="cascade",
    )
    csp_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Default Service Hours",
        compute="_compute_settings",
        store=True,
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
        ondelete="cascade",
    )
    csp_call_from = fields.Integer(
        string="Calls from",
        compute="_compute_settings",
        store=True,
        readonly=False,
        help="Minutes since midnight of the customer's day.",
    )
    csp_call_to = fields.Integer(
        string="Calls until",
        compute="_compute_settings",
        store=True,
        readonly=False,
        help="Minutes since midnight of the customer's day.",
    )
    csp_escalation_list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list",
        compute="_compute_settings",
        store=True,
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
        ondelete="cascade",
    )
    csp_complaint_list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list for complaints",
        compute="_compute_settings",
        store=True,
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
        ondelete="cascade",
    )
    csp_notify_from = fields.Integer(
        string="Told from",
        compute="_compute_settings",
        store=True,
        readonly=False,
        help="Minutes since midnight of the person's day.",
    )
    csp_notify_to = fields.Integer(
        string="Told until",
        compute="_compute_settings",
        store=True,
        readonly=False,
        help="Minutes since midnight of the person's day.",
    )
    csp_complaint_owner_id = fields.Many2one(
        comodel_name="res.users",
        string="Person for complaints",
        compute="_compute_settings",
        store=True,
        readonly=False,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        ondelete="cascade",
    )
    csp_resume_on_reply = fields.Boolean(
        string="Resume when the customer answers",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )
    csp_closed_reply = fields.Selection(
        selection=lambda self: self._selection_closed_reply(),
        string="Answer on a closed ticket",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )
    csp_reopen_grace_days = fields.Integer(
        string="Days to reopen",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )

    csp_profile_keep_months = fields.Integer(
        string="Months to keep customer profiles",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )

    csp_backtest_days = fields.Integer(
        string="Days that a backtest counts",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )

    csp_review_lead_days = fields.Integer(
        string="Days to prepare a review",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )

    csp_quality_answer_days = fields.Integer(
        string="Days to answer a quality review",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )
    csp_quality_due_days = fields.Integer(
        string="Days to do a quality review",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )
    csp_newcomer_days = fields.Integer(
        string="Days that somebody counts as new",
        compute="_compute_settings",
        store=True,
        readonly=False,
    )

    @api.model
    def _selection_closed_reply(self):
        field = self.env["res.company"]._fields["csp_closed_reply"]
        return field._description_selection(self.env)

    @api.depends("company_id")
    def _compute_settings(self):
        for settings in self:
            for name in SETTINGS:
                settings[name] = settings.company_id[name]

    def action_save(self):
        """Save these settings in the company, if it is one of the user's."""
        self.ensure_one()
        self.check_access("write")
        company = self.company_id
        if company not in self.env.user.company_ids:
            raise AccessError(
                self.env._(
                    "%s is none of your companies: you cannot change its settings.",
                    # sudo: res.company: the name of the company that was asked for
                    company.sudo().name,
                )
            )
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in SETTINGS
        }
        # sudo: res.company: exactly these settings, of a company of this manager
        company.sudo().write(values)
        return {"type": "ir.actions.act_window_close"}
