from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date


class CspHoursException(models.Model):
    _name = "csp.hours.exception"
    _inherit = ["csp.hours.part"]
    _description = "Holiday, Closure or Extra Opening"
    _order = "hours_id, date_from, minute_from, id"
    _timeline_fields = frozenset(
        {"hours_id", "date_from", "date_to", "kind", "minute_from", "minute_to"}
    )

    name = fields.Char(
        string="Reason", translate=True, help="Customers may see it, too."
    )
    date_from = fields.Date(
        string="First Day",
        required=True,
    )
    date_to = fields.Date(
        string="Last Day",
        required=True,
        compute="_compute_date_to",
        store=True,
        readonly=False,
        precompute=True,
    )
    kind = fields.Selection(
        selection=[("closed", "Closed"), ("open", "Open")],
        required=True,
        default="closed",
        help="An extra opening wins over a closure of the same time.",
    )
    whole_day = fields.Boolean(
        compute="_compute_whole_day",
        inverse="_inverse_whole_day",
        help="From midnight to midnight; a night shift is cut there.",
    )
    minute_from = fields.Integer(
        string="From",
        aggregator=None,
        help="On each of the days; local time as minutes since midnight.",
    )
    minute_to = fields.Integer(
        string="To",
        aggregator=None,
        help="Local time as minutes since midnight; more than 1440 is on the next day, "
        "0 means whole days.",
    )

    @api.depends("date_from")
    def _compute_date_to(self):
        for row in self:
            if row.date_from and (not row.date_to or row.date_to < row.date_from):
                row.date_to = row.date_from

    @api.onchange("date_from")
    def _onchange_date_from(self):
        """While a row is entered, one day is meant until another last day is."""
        if not self._origin:
            self.date_to = self.date_from

    @api.depends("minute_to")
    def _compute_whole_day(self):
        for row in self:
            row.whole_day = not row.minute_to

    def _inverse_whole_day(self):
        for row in self:
            if row.whole_day:
                row.write({"minute_from": 0, "minute_to": 0})
            elif not row.minute_to:
                row.write({"minute_from": 540, "minute_to": 1020})

    @api.onchange("whole_day")
    def _onchange_whole_day(self):
        self._inverse_whole_day()

    @api.onchange("minute_from", "minute_to")
    def _onchange_minutes(self):
        """An end that is not after the beginning is meant to be on the next day."""
        if 0 < self.minute_to <= self.minute_from < 1440:
            self.minute_to += 1440
        elif self.minute_to - self.minute_from > 1440:
            self.minute_to -= 1440

    @api.depends("name", "date_from", "date_to")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for row in self:
            days = [format_date(self.env, row.date_from)]
            if row.date_to != row.date_from:
                days.append(format_date(self.env, row.date_to))
            row.display_name = " ".join(filter(None, ["–".join(days), row.name]))

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for row in self:
            if row.date_to < row.date_from:
                raise ValidationError(
                    self.env._(
                        "%(exception)s: the last day lies before the first one.",
                        exception=row.display_name,
                    )
                )

    @api.constrains("minute_from", "minute_to")
    def _check_minutes(self):
        for row in self:
            if not row.minute_to and not row.minute_from:
                continue
            if not 0 <= row.minute_from < 1440:
                raise ValidationError(
                    self.env._("The beginning must be a time from 00:00 to 23:59.")
                )
            if not row.minute_from < row.minute_to <= 2880:
                raise ValidationError(
                    self.env._(
                        "%(exception)s: the end must come after the beginning, and not "
                        "after the end of the next day.",
                        exception=row.display_name,
                    )
                )
