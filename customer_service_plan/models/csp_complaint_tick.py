from odoo import fields, models


class CspComplaintTick(models.Model):
    """Who did a point of the checklist on a complaint, and when."""

    _name = "csp.complaint.tick"
    _inherit = ["csp.protected"]
    _description = "Point Done on a Complaint"
    _log_access = False
    _order = "at, id"
    _rec_name = "point_id"

    ticket_id = fields.Many2one(
        comodel_name="helpdesk.ticket",
        required=True,
        readonly=True,
        ondelete="cascade",
    )
    point_id = fields.Many2one(
        comodel_name="csp.complaint.point",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    user_id = fields.Many2one(
        comodel_name="res.users", string="By", readonly=True, ondelete="set null"
    )
    at = fields.Datetime(
        string="When",
        required=True,
        readonly=True,
        default=lambda self: fields.Datetime.now(),
    )

    _once = models.Constraint(
        "UNIQUE(ticket_id, point_id)", "This point is ticked already."
    )
