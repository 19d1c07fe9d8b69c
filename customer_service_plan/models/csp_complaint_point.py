from odoo import fields, models

from ..tools import complaint


class CspComplaintPoint(models.Model):
    """A point that whoever handles a complaint should not forget.

    The points that come with the addon follow ISO 10002:2018, clauses 7 and 8.
    """

    _name = "csp.complaint.point"
    _description = "Point of the Complaint Checklist"
    _order = "sequence, id"

    name = fields.Char(string="What to do", required=True, translate=True)
    description = fields.Text(
        string="Why and how", translate=True, help="Shown with the point."
    )
    stage = fields.Selection(
        selection=[
            (complaint.RECEIVED, "When it arrives"),
            (complaint.INVESTIGATED, "While it is looked into"),
            (complaint.DECIDED, "When it is decided"),
            (complaint.CLOSED, "Before it is closed"),
        ],
        string="When",
        required=True,
        default=complaint.RECEIVED,
    )
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        comodel_name="res.company",
        ondelete="cascade",
        help="Empty: in all companies.",
    )
    active = fields.Boolean(default=True)
