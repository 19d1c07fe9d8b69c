from odoo import fields, models

from ..tools import history


class CspHistoryActivity(models.Model):
    _name = "csp.history.activity"
    _description = "Activity in a File of Past Tickets"
    _order = "mapping_id, sequence, id"

    mapping_id = fields.Many2one(
        comodel_name="csp.history.mapping",
        required=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(string="Activity", required=True)
    row_count = fields.Integer(
        string="Rows", readonly=True, copy=False, help="How often the file has it."
    )
    event = fields.Selection(
        selection=[
            (history.RECEIVED, "Received"),
            (history.STAFF_REPLY, "We answered"),
            (history.CUSTOMER_MESSAGE, "Customer wrote"),
            (history.WORK, "Work without an answer"),
            (history.WAITS_FOR_CUSTOMER, "Waiting for the customer"),
            (history.WAITS_FOR_THIRD_PARTY, "Waiting for a third party"),
            (history.RESUMED, "Work resumed"),
            (history.CLOSED, "Closed as solved"),
            (history.CANCELLED, "Closed without a solution"),
            (history.REOPENED, "Reopened"),
            (history.IGNORE, "Means nothing"),
        ],
        string="Means",
        help="The first closing ends the case; a later one, such as an automatic one, "
        "changes nothing. Rows with an activity that is left empty are rejected, and "
        "their cases with them.",
    )
