from odoo import fields, models


class CspQualitySamplingShare(models.Model):
    """What a draw took of the tickets of one agent."""

    _name = "csp.quality.sampling.share"
    _inherit = ["csp.protected"]
    _description = "Agent in a Draw"
    _order = "run_id desc, id"
    _rec_name = "agent_id"

    run_id = fields.Many2one(
        comodel_name="csp.quality.sampling.run",
        string="Draw",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    sampling_id = fields.Many2one(related="run_id.sampling_id", store=True, index=True)
    company_id = fields.Many2one(related="run_id.company_id", store=True, index=True)
    agent_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    ticket_count = fields.Integer(
        string="Solved tickets",
        readonly=True,
        help="Of this agent, solved in the period: what the lot is drawn from.",
    )
    eligible_count = fields.Integer(
        string="Fulfil the conditions", readonly=True, help="Of the solved tickets."
    )
    wanted_count = fields.Integer(string="To draw", readonly=True)
    random_count = fields.Integer(string="Drawn at random", readonly=True)
    condition_count = fields.Integer(string="Drawn by conditions", readonly=True)
