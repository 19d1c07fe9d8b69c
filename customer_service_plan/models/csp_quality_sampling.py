from odoo import fields, models


class CspQualitySampling(models.Model):
    """Which tickets are reviewed: so many of each agent in each period, drawn by lot.

    When a period is over, tickets that were solved in it are drawn: a part from all
    tickets of the agent, so that averages tell of all of them, the rest from those that
    fulfil the conditions. The lot follows from a seed and the number of the ticket
    alone, so that anybody can draw again and find the same.

    Periods are whole days in the time zone of the company.
    """

    _name = "csp.quality.sampling"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _description = "Sampling Plan"
    _order = "state desc, name, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
    )
