from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    csp_approval_required = fields.Boolean(
        related="company_id.csp_approval_required", readonly=False
    )
    csp_approver_group_id = fields.Many2one(
        related="company_id.csp_approver_group_id", readonly=False
    )
    csp_hours_id = fields.Many2one(related="company_id.csp_hours_id", readonly=False)
    csp_reopen_grace_days = fields.Integer(
        related="company_id.csp_reopen_grace_days", readonly=False
    )
    csp_call_from = fields.Integer(related="company_id.csp_call_from", readonly=False)
    csp_call_to = fields.Integer(related="company_id.csp_call_to", readonly=False)
    csp_notify_from = fields.Integer(
        related="company_id.csp_notify_from", readonly=False
    )
    csp_notify_to = fields.Integer(related="company_id.csp_notify_to", readonly=False)
    csp_escalation_list_id = fields.Many2one(
        related="company_id.csp_escalation_list_id", readonly=False
    )
    csp_complaint_list_id = fields.Many2one(
        related="company_id.csp_complaint_list_id", readonly=False
    )
    csp_complaint_owner_id = fields.Many2one(
        related="company_id.csp_complaint_owner_id", readonly=False
    )
    csp_resume_on_reply = fields.Boolean(
        related="company_id.csp_resume_on_reply", readonly=False
    )
    csp_closed_reply = fields.Selection(
        related="company_id.csp_closed_reply", readonly=False
    )
    csp_review_lead_days = fields.Integer(
        related="company_id.csp_review_lead_days", readonly=False
    )
    csp_profile_keep_months = fields.Integer(
        related="company_id.csp_profile_keep_months", readonly=False
    )
    csp_backtest_days = fields.Integer(
        related="company_id.csp_backtest_days", readonly=False
    )
    csp_quality_answer_days = fields.Integer(
        related="company_id.csp_quality_answer_days", readonly=False
    )
    csp_quality_due_days = fields.Integer(
        related="company_id.csp_quality_due_days", readonly=False
    )
    csp_newcomer_days = fields.Integer(
        related="company_id.csp_newcomer_days", readonly=False
    )
