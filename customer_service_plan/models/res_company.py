from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

#: What the promises of the company's tickets depend on.
RULE_FIELDS = {
    "csp_hours_id",
    "csp_escalation_list_id",
    "csp_complaint_list_id",
    "csp_reopen_grace_days",
    "partner_id",
    "resource_calendar_id",
}
#: What decides which list the company's tickets follow.
ESCALATION_FIELDS = {"csp_escalation_list_id", "csp_complaint_list_id"}


class ResCompany(models.Model):
    _inherit = "res.company"

    csp_hours_id = fields.Many2one(
        comodel_name="csp.hours",
        string="Default Service Hours",
        domain="[('company_id', 'in', [id, False])]",
        ondelete="restrict",
        groups="base.group_user",
        help="For channels and promises without hours of their own. Empty: day and "
        "night.",
    )
    csp_reopen_grace_days = fields.Integer(
        string="Days to reopen",
        default=7,
        groups="base.group_user",
        help="A ticket reopened at most this many days after it was closed goes on "
        "under its promise. Later, a new promise begins.",
    )
    csp_resume_on_reply = fields.Boolean(
        string="Resume when the customer answers",
        default=True,
        groups="base.group_user",
        help="A ticket that waits for the customer goes back to the stage it came "
        "from as soon as the customer writes.",
    )
    csp_closed_reply = fields.Selection(
        selection=[
            ("nothing", "Nothing: the ticket stays closed"),
            ("reopen", "Reopen; after the time to reopen, open a new ticket"),
        ],
        string="Answer on a closed ticket",
        default="nothing",
        required=True,
        groups="base.group_user",
        help="What happens when a customer writes on a ticket that is closed.",
    )
    csp_profile_keep_months = fields.Integer(
        string="Months to keep customer profiles",
        default=36,
        groups="base.group_user",
        help="A profile is deleted by itself so many months after the customer's "
        "consent, or after it was made if there is none. 0: it is kept until somebody "
        "deletes it.",
    )

    csp_call_from = fields.Integer(
        string="Calls from",
        default=540,
        groups="base.group_user",
        help="Minutes since midnight of the customer's day.",
    )
    csp_call_to = fields.Integer(
        string="Calls until",
        default=1200,
        groups="base.group_user",
        help="Minutes since midnight of the customer's day.",
    )

    csp_notify_from = fields.Integer(
        string="Told from",
        default=420,
        groups="base.group_user",
        help="Minutes since midnight of the person's day. Escalations wait for the "
        "morning for people without working hours of their own.",
    )
    csp_notify_to = fields.Integer(
        string="Told until",
        default=1200,
        groups="base.group_user",
        help="Minutes since midnight of the person's day.",
    )
    csp_escalation_list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list",
        domain="[('company_id', 'in', [id, False])]",
        ondelete="restrict",
        groups="base.group_user",
        help="For tickets whose policy names none, and for those without a policy.",
    )
    csp_escalation_revision = fields.Integer(
        readonly=True,
        groups="base.group_user",
        help="Counts the changes of escalation lists. Promises planned under an older "
        "state are planned anew.",
    )
    csp_complaint_list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list for complaints",
        domain="[('company_id', 'in', [id, False])]",
        ondelete="restrict",
        groups="base.group_user",
        help="Takes the place of the policy's list on complaints. Empty: complaints "
        "escalate like other tickets.",
    )

    csp_backtest_days = fields.Integer(
        string="Days that a backtest counts",
        default=30,
        groups="base.group_user",
        help="A policy is published on the strength of a look at past tickets that is "
        "no older than this.",
    )

    _csp_backtest_days_positive = models.Constraint(
        "CHECK(csp_backtest_days > 0)",
        "A backtest counts for one day at least.",
    )
    _csp_notify_times_in_order = models.Constraint(
        "CHECK(csp_notify_from >= 0 AND csp_notify_from < csp_notify_to"
        " AND csp_notify_to <= 1440)",
        "The hours in which people are told end after they begin, on the same day.",
    )
    _csp_call_times_in_order = models.Constraint(
        "CHECK(csp_call_from >= 0 AND csp_call_from < csp_call_to"
        " AND csp_call_to <= 1440)",
        "Calls end after they begin, on the same day.",
    )
    _csp_reopen_grace_days_positive = models.Constraint(
        "CHECK(csp_reopen_grace_days >= 0)",
        "The days to reopen a ticket cannot be negative.",
    )
    _csp_profile_keep_months_positive = models.Constraint(
        "CHECK(csp_profile_keep_months >= 0)",
        "The months to keep customer profiles cannot be negative.",
    )

    @api.constrains("csp_hours_id")
    def _check_csp_hours_id(self):
        for company in self:
            hours = company.csp_hours_id
            if hours.company_id not in (hours.company_id.browse(), company):
                raise ValidationError(
                    self.env._(
                        "%(hours)s are the hours of another company, %(company)s.",
                        hours=hours.name,
                        company=hours.company_id.name,
                    )
                )

    @api.constrains("csp_escalation_list_id", "csp_complaint_list_id")
    def _check_csp_escalation_lists(self):
        for company in self:
            for chosen in (
                company.csp_escalation_list_id,
                company.csp_complaint_list_id,
            ):
                if chosen.company_id not in (chosen.company_id.browse(), company):
                    raise ValidationError(
                        self.env._(
                            "%(list)s is the escalation list of another company, "
                            "%(company)s.",
                            list=chosen.name,
                            company=chosen.company_id.name,
                        )
                    )

    @api.model_create_multi
    def create(self, vals_list):
        """Tell the shared hours tables that one company has become several."""
        companies = super().create(vals_list)
        companies._csp_hours_follow()
        return companies

    def write(self, vals):
        """Tell the hours tables whose company's closures are others now."""
        result = super().write(vals)
        if "resource_calendar_id" in vals:
            self._csp_hours_follow()
        if vals.keys() & ESCALATION_FIELDS:
            self._csp_escalation_changed(self)
        if vals.keys() & RULE_FIELDS:
            self.env["csp.policy"]._csp_rules_changed()
        return result

    @api.model
    def _csp_escalation_changed(self, companies):
        """Have the open promises of these companies (none: of all) planned anew."""
        # sudo: res.company: a manager changed a list; only a counter is moved
        companies = (companies or self.sudo().search(Domain.TRUE)).sudo()
        for company in companies:
            company.csp_escalation_revision += 1
        self.env["csp.policy"]._csp_rules_changed()
        self.env["csp.commitment"]._trigger_replan()

    def _csp_tz(self):
        """Name of the company's time zone: of its address, else of its schedule."""
        self.ensure_one()
        # sudo: res.company: only the name of a time zone is read
        company = self.sudo()
        return company.partner_id.tz or company.resource_calendar_id.tz or "UTC"

    def _csp_hours_follow(self):
        """Drop what was built of the tables that follow closures of these companies."""
        # sudo: csp.hours: they are only told that they changed.
        hours = self.env["csp.hours"].sudo().with_context(active_test=False)
        hours.search(
            [
                ("follow_company_closures", "=", True),
                ("company_id", "in", [*self.ids, False]),
            ]
        )._hours_changed()
