from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount


class CspRemedyLimit(models.Model):
    """Up to what a complaint may be settled without asking anybody, by group.

    Of several limits the highest counts. Where a company has no limits at all,
    everybody in the helpdesk may settle any complaint.
    """

    _name = "csp.remedy.limit"
    _description = "Limit of Remedies"
    _order = "company_id, amount, id"
    _rec_name = "group_id"

    group_id = fields.Many2one(
        comodel_name="res.groups",
        string="Who",
        required=True,
        index=True,
        ondelete="cascade",
        help="Everybody in this group.",
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        ondelete="cascade",
    )
    currency_id = fields.Many2one(
        comodel_name="res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        ondelete="restrict",
    )
    amount = fields.Monetary(
        string="Up to", help="What a remedy may be worth on one complaint."
    )
    unlimited = fields.Boolean(
        string="Any amount", help="This group decides about every complaint."
    )

    _group_once = models.Constraint(
        "UNIQUE(group_id, company_id)", "This group has a limit in this company."
    )
    _amount_positive = models.Constraint(
        "CHECK(amount >= 0)", "A limit cannot be negative."
    )

    @api.onchange("company_id")
    def _onchange_company_id(self):
        if self.company_id:
            self.currency_id = self.company_id.currency_id

    @api.model
    def _of_company(self, company):
        """All limits of a company.

        :return: list of (group id, amount in the company's currency, None for any)
        """
        # sudo: csp.remedy.limit: agents are held to limits that they cannot edit
        limits = self.sudo().search([("company_id", "=", company.id)])
        today = fields.Date.context_today(self)
        return [
            (
                limit.group_id.id,
                None
                if limit.unlimited
                else limit.currency_id._convert(
                    limit.amount, company.currency_id, company, today
                ),
            )
            for limit in limits
        ]

    @api.model
    def _limit_of(self, user, company, limits=None):
        """What a user may settle in a company, in its currency; None for anything."""
        limits = self._of_company(company) if limits is None else limits
        if not limits or user.id == SUPERUSER_ID:
            return None
        # sudo: res.users: only which groups the user is in
        groups = set(user.sudo().all_group_ids.ids)
        amounts = [amount for group_id, amount in limits if group_id in groups]
        if None in amounts:
            return None
        return max(amounts, default=0.0)

    @api.model
    def _check_within(self, user, company, amount):
        """Refuse what is above the limit of a user.

        :raises UserError: above it
        """
        limit = self._limit_of(user, company)
        if limit is None or company.currency_id.compare_amounts(amount, limit) <= 0:
            return
        raise UserError(
            self.env._(
                "You may settle complaints up to %(limit)s; this is %(amount)s. Use "
                "“Ask somebody who may”.",
                limit=format_amount(self.env, limit, company.currency_id),
                amount=format_amount(self.env, amount, company.currency_id),
            )
        )

    @api.model
    def _who_may_settle(self, ticket, amount):
        """Who is asked about a remedy on a ticket: owner, leaders, then others.

        :return: one user, or none if nobody may settle so much
        """
        company = ticket.company_id
        limits = self._of_company(company)
        Users = self.env["res.users"]

        def may(user):
            limit = self._limit_of(user, company, limits)
            return (
                user != self.env.user
                and Users._csp_can_own_complaints(user, company)
                and (
                    limit is None
                    or company.currency_id.compare_amounts(amount, limit) <= 0
                )
            )

        near = ticket.csp_complaint_owner_id | ticket.team_id._csp_leaders()
        found = near.filtered(may)[:1]
        if found:
            return found
        # sudo: res.groups: who is in the groups that have limits
        groups = (
            self.env["res.groups"].sudo().browse([group_id for group_id, _a in limits])
        )
        others = groups.all_user_ids.filtered(may)
        # The lowest that suffices: a director is not asked about flowers.
        return others.sorted(
            lambda user: (
                _as_number(self._limit_of(user, company, limits)),
                user.id,
            )
        )[:1]


def _as_number(limit):
    return float("inf") if limit is None else limit
