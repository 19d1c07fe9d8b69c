from odoo import api, fields, models

from .csp_policy_line import PRIORITIES

#: Field with the meaning, by what the column holds.
TARGETS = {
    "team": "team_id",
    "category": "category_id",
    "channel": "channel_id",
    "tag": "tag_id",
    "priority": "priority",
}


class CspHistoryValue(models.Model):
    """What a text in a column stands for among the teams, categories and so on here."""

    _name = "csp.history.value"
    _description = "Value in a File of Past Tickets"
    _order = "mapping_id, role, sequence, id"

    mapping_id = fields.Many2one(
        comodel_name="csp.history.mapping",
        required=True,
        index=True,
        ondelete="cascade",
    )
    sequence = fields.Integer(default=10)
    role = fields.Selection(
        selection=[
            ("team", "Team"),
            ("category", "Category"),
            ("priority", "Priority"),
            ("channel", "Channel"),
            ("tag", "Tag"),
        ],
        string="Column",
        required=True,
    )
    name = fields.Char(string="Value", required=True)
    row_count = fields.Integer(
        string="Rows", readonly=True, copy=False, help="How often the file has it."
    )
    team_id = fields.Many2one(comodel_name="helpdesk.ticket.team", ondelete="cascade")
    category_id = fields.Many2one(
        comodel_name="helpdesk.ticket.category", ondelete="cascade"
    )
    channel_id = fields.Many2one(
        comodel_name="helpdesk.ticket.channel", ondelete="cascade"
    )
    tag_id = fields.Many2one(comodel_name="helpdesk.ticket.tag", ondelete="cascade")
    priority = fields.Selection(selection=PRIORITIES)
    is_mapped = fields.Boolean(compute="_compute_is_mapped")

    @api.depends("role", *TARGETS.values())
    def _compute_is_mapped(self):
        for value in self:
            value.is_mapped = bool(value._target())

    def _target(self):
        """Value of the ticket's field: an id, a priority, or nothing."""
        self.ensure_one()
        target = self[TARGETS[self.role]]
        return target if self.role == "priority" else target.id
