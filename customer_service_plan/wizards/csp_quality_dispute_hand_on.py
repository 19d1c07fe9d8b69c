from odoo import api, fields, models


class CspQualityDisputeHandOn(models.TransientModel):
    """Let somebody else decide a dispute."""

    _name = "csp.quality.dispute.hand.on"
    _description = "Hand on a Dispute"

    dispute_id = fields.Many2one(
        comodel_name="csp.quality.dispute",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    candidate_ids = fields.Many2many(
        comodel_name="res.users", compute="_compute_candidate_ids"
    )
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Who decides",
        required=True,
        domain="[('id', 'in', candidate_ids)]",
        ondelete="cascade",
        help="A leader of the team or a manager, and neither the agent nor the "
        "reviewer.",
    )
    note = fields.Char(string="Why", help="It is kept with the dispute.")

    @api.depends("dispute_id")
    def _compute_candidate_ids(self):
        for wizard in self:
            dispute = wizard.dispute_id
            # A program can name any dispute.
            if not dispute.has_access("read"):
                wizard.candidate_ids = False
                continue
            # sudo: csp.quality.review: who may decide about it, of what the user reads
            dispute = dispute.sudo()
            people = dispute._who_may_decide(dispute.review_id) - dispute.decider_id
            wizard.candidate_ids = people.sudo(False)

    def action_hand_on(self):
        """Hand it on, and go back to the list: it is nothing to do any more."""
        self.ensure_one()
        self.dispute_id.action_hand_on(self.user_id.id, self.note)
        return {"type": "ir.actions.act_window_close"}
