from odoo import fields, models


class CspQualityCalibrationMark(models.Model):
    """What reviewers agreed on after they compared: the mark that would be right.

    It shows those who come later how a criterion is meant. It belongs to no review and
    counts for nobody.
    """

    _name = "csp.quality.calibration.mark"
    _inherit = ["csp.protected"]
    _description = "Agreed Mark"
    _order = "calibration_id, ticket_id, criterion_id, id"
    _rec_name = "criterion_id"

    calibration_id = fields.Many2one(
        comodel_name="csp.quality.calibration",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="calibration_id.company_id")
    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket", required=True, index=True, ondelete="cascade"
    )
    criterion_id = fields.Many2one(
        comodel_name="csp.scorecard.criterion",
        required=True,
        index=True,
        ondelete="restrict",
    )
    agent_id = fields.Many2one(
        comodel_name="res.users",
        required=True,
        index=True,
        ondelete="restrict",
        help="Whose work it is: the one person who never reads this mark.",
    )
    step = fields.Integer(
        string="Mark",
        aggregator=None,
        help="Step of the scale, 1 the lowest. 0: it does not apply.",
    )
    not_applicable = fields.Boolean(string="Does not apply")
    note = fields.Text(string="Why", help="What tells this mark from the next one.")
    agreed_by_id = fields.Many2one(
        comodel_name="res.users", string="Agreed by", required=True, ondelete="restrict"
    )
    agreed_at = fields.Datetime(string="Agreed on", required=True)

    _once = models.UniqueIndex(
        "(calibration_id, ticket_id, criterion_id)",
        "One mark is agreed on for a criterion of a ticket.",
    )
