from odoo import api, fields, models
from odoo.tools import format_date


class CspHoursHolidayLine(models.TransientModel):
    _name = "csp.hours.holiday.line"
    _description = "Proposed Public Holiday"
    _order = "date, id"

    wizard_id = fields.Many2one(
        comodel_name="csp.hours.holiday", required=True, ondelete="cascade"
    )
    is_selected = fields.Boolean(string="Add")
    is_known = fields.Boolean(string="Closed Already", readonly=True)
    date = fields.Date(required=True)
    weekday = fields.Char(string="Day", compute="_compute_weekday")
    name = fields.Char(required=True)

    @api.depends("date")
    @api.depends_context("lang")
    def _compute_weekday(self):
        for line in self:
            line.weekday = line.date and format_date(
                self.env, line.date, date_format="EEEE"
            )
