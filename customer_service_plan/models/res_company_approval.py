from odoo import fields, models


class ResCompany(models.Model):
    """Who has to approve what the company promises."""

    _inherit = "res.company"

    csp_approval_required = fields.Boolean(
        string="Policies are approved by somebody else",
        default=True,
        groups="base.group_user",
        help="A new version of a policy is published only after somebody who has not "
        "written in it has approved it.",
    )
    csp_approver_group_id = fields.Many2one(
        comodel_name="res.groups",
        string="Who approves policies",
        ondelete="restrict",
        groups="base.group_user",
        help="Members of this group approve new versions, where the policy names "
        "nobody. Empty: managers of the service plan.",
    )
