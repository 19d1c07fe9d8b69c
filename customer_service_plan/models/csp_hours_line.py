from datetime import datetime

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date


class CspHoursLine(models.Model):
    _name = "csp.hours.line"
    _inherit = ["csp.hours.part"]
    _description = "Opening Time of a Week Day"
    _order = "hours_id, weekday, minute_from, id"
    _timeline_fields = frozenset({"hours_id", "weekday", "minute_from", "minute_to"})

    weekday = fields.Selection(
        selection=[
            ("0", "Monday"),
            ("1", "Tuesday"),
            ("2", "Wednesday"),
            ("3", "Thursday"),
            ("4", "Friday"),
            ("5", "Saturday"),
            ("6", "Sunday"),
        ],
        string="Day",
        required=True,
    )
    minute_from = fields.Integer(
        string="From",
        required=True,
        default=540,
        aggregator=None,
        help="Local time as minutes since midnight.",
    )
    minute_to = fields.Integer(
        string="To",
        required=True,
        default=1020,
        aggregator=None,
        help="Local time as minutes since midnight; more than 1440 is on the next day.",
    )

    @api.depends("weekday", "minute_from", "minute_to")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for line in self:
            # The first of January 2024 was a Monday.
            day = datetime(2024, 1, int(line.weekday or "0") + 1)
            line.display_name = "{} {}–{}".format(
                format_date(self.env, day, date_format="EEEE"),
                self.env["csp.hours"]._format_minutes(line.minute_from),
                self.env["csp.hours"]._format_minutes(line.minute_to),
            )

    @api.constrains("minute_from", "minute_to")
    def _check_minutes(self):
        for line in self:
            if not 0 <= line.minute_from < 1440:
                raise ValidationError(
                    self.env._("The beginning must be a time from 00:00 to 23:59.")
                )
            if not line.minute_from < line.minute_to <= 2880:
                raise ValidationError(
                    self.env._(
                        "%(line)s: the end must come after the beginning, and not "
                        "after the end of the next day.",
                        line=line.display_name,
                    )
                )

    @api.constrains("hours_id", "weekday", "minute_from", "minute_to")
    def _check_overlap(self):
        # A table that is written as a whole is checked when all its rows are there.
        if not self.hours_id._is_part_of_change():
            self.hours_id._check_lines()

    @api.onchange("minute_from", "minute_to")
    def _onchange_minutes(self):
        """An end that is not after the beginning is meant to be on the next day."""
        if 0 <= self.minute_to <= self.minute_from < 1440:
            self.minute_to += 1440
        elif self.minute_to - self.minute_from > 1440:
            self.minute_to -= 1440
