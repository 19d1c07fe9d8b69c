from odoo import api, fields, models


class CspEscalationTry(models.TransientModel):
    """What the steps of an escalation list did, and would do, on one ticket."""

    _name = "csp.escalation.try"
    _description = "What Happens If We Are Late?"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket", ondelete="cascade", required=True
    )
    list_id = fields.Many2one(
        comodel_name="csp.escalation.list",
        string="Escalation list",
        compute="_compute_list_id",
        compute_sudo=False,
        store=True,
        readonly=False,
        ondelete="cascade",
    )
    is_own = fields.Boolean(
        compute="_compute_plan", help="The ticket follows this list."
    )
    plan = fields.Json(compute="_compute_plan")

    @api.depends("ticket_id")
    def _compute_list_id(self):
        for each in self:
            if not each.list_id and each.ticket_id:
                each.list_id = each.ticket_id._csp_escalation_list()

    @api.depends("ticket_id", "list_id")
    def _compute_plan(self):
        for each in self:
            each.plan = []
            each.is_own = False
            if each.ticket_id and each.list_id:
                each.plan = each.list_id._origin.action_dry_run(each.ticket_id._origin)
                own = each.ticket_id._csp_escalation_list()
                each.is_own = own == each.list_id._origin
