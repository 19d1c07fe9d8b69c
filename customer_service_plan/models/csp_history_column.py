from odoo import fields, models

from ..tools import history


class CspHistoryColumn(models.Model):
    _name = "csp.history.column"
    _description = "Column of a File of Past Tickets"
    _order = "mapping_id, sequence, id"

    mapping_id = fields.Many2one(
        comodel_name="csp.history.mapping",
        required=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(string="Column", required=True)
    sample = fields.Char(
        string="For example",
        readonly=True,
        copy=False,
        help="The first different values in the file.",
    )
    role = fields.Selection(
        selection=[
            (history.CASE, "Number of the case"),
            (history.ACTIVITY, "Activity: what happened"),
            (history.TIME, "Time of the activity"),
            (history.WHO, "Who did it"),
            ("received_at", "Time: received"),
            ("answered_at", "Time: first answered"),
            ("closed_at", "Time: closed"),
            ("subject", "Subject"),
            ("customer", "Customer"),
            ("team", "Team"),
            ("category", "Category"),
            ("priority", "Priority"),
            ("channel", "Channel"),
            ("tag", "Tag"),
        ],
        string="Holds",
        help="Empty: the column is not read. A file has either a row for each "
        "activity, or a row for each case with columns of times.",
    )
