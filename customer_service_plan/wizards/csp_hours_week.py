from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ..tools.timeline import merge_spans

WEEKDAYS = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
]
PRESETS = {
    "office": {"days": range(5), "minute_from": 540, "minute_to": 1020},
    "lunch": {"days": range(5), "minute_from": 540, "minute_to": 1080, "break": True},
    "shop": {"days": range(6), "minute_from": 540, "minute_to": 1200},
    "night": {"days": range(7), "minute_from": 1320, "minute_to": 1800},
    "always": {"days": range(7), "minute_from": 0, "minute_to": 1440},
}


class CspHoursWeek(models.TransientModel):
    _name = "csp.hours.week"
    _description = "Set the Opening Times of a Week"

    hours_id = fields.Many2one(
        comodel_name="csp.hours", required=True, ondelete="cascade"
    )
    preset = fields.Selection(
        selection=[
            ("office", "Monday to Friday, 9 to 17"),
            ("lunch", "Monday to Friday, with a lunch break"),
            ("shop", "Monday to Saturday, 9 to 20"),
            ("night", "Night shift, 22 to 6"),
            ("always", "Day and night"),
        ],
        string="Start From",
        default="office",
    )
    monday = fields.Boolean(default=True)
    tuesday = fields.Boolean(default=True)
    wednesday = fields.Boolean(default=True)
    thursday = fields.Boolean(default=True)
    friday = fields.Boolean(default=True)
    saturday = fields.Boolean()
    sunday = fields.Boolean()
    minute_from = fields.Integer(string="From", default=540)
    minute_to = fields.Integer(string="To", default=1020)
    has_break = fields.Boolean(string="Closed in Between")
    break_from = fields.Integer(string="Break from", default=720)
    break_to = fields.Integer(string="Break to", default=780)
    others = fields.Selection(
        selection=[
            ("close", "close them"),
            ("keep", "leave them as they are"),
        ],
        string="The Other Days",
        required=True,
        default="close",
    )
    summary = fields.Char(string="Result", compute="_compute_summary")

    @api.onchange("preset")
    def _onchange_preset(self):
        preset = PRESETS.get(self.preset)
        if not preset:
            return
        for number, name in enumerate(WEEKDAYS):
            self[name] = number in preset["days"]
        self.minute_from = preset["minute_from"]
        self.minute_to = preset["minute_to"]
        self.has_break = preset.get("break", False)
        self.break_from, self.break_to = 720, 780

    @api.onchange("minute_from", "minute_to")
    def _onchange_minutes(self):
        """An end that is not after the beginning is meant to be on the next day."""
        if 0 <= self.minute_to <= self.minute_from < 1440:
            self.minute_to += 1440
        elif self.minute_to - self.minute_from > 1440:
            self.minute_to -= 1440

    @api.depends(
        *WEEKDAYS,
        "minute_from",
        "minute_to",
        "has_break",
        "break_from",
        "break_to",
        "others",
        "hours_id.line_ids",
    )
    @api.depends_context("lang")
    def _compute_summary(self):
        for wizard in self:
            wizard.summary = (
                self.env["csp.hours"]
                .new(
                    {
                        "tz": wizard.hours_id.tz,
                        "line_ids": [
                            Command.create(values) for values in wizard._prepare_lines()
                        ],
                    }
                )
                .summary
            )

    def _prepare_lines(self):
        """Return the values of all lines the table is going to have."""
        self.ensure_one()
        days = [number for number, name in enumerate(WEEKDAYS) if self[name]]
        spans = [(self.minute_from, self.minute_to)]
        if self.has_break:
            spans = [
                (self.minute_from, self.break_from),
                (self.break_to, self.minute_to),
            ]
        found = [(day, start, end) for day in days for start, end in spans]
        if self.others == "keep":
            found += [
                (int(line.weekday), line.minute_from, line.minute_to)
                for line in self.hours_id.line_ids
                if int(line.weekday) not in days
            ]
        lines = []
        for weekday in range(7):
            merged = merge_spans(
                (start, end) for day, start, end in found if day == weekday
            )
            lines += [
                {"weekday": str(weekday), "minute_from": start, "minute_to": end}
                for start, end in merged
            ]
        return lines

    def _check_times(self):
        """Refuse times that would be left out without a word."""
        for wizard in self:
            inside = (
                wizard.minute_from
                < wizard.break_from
                < wizard.break_to
                < wizard.minute_to
            )
            if wizard.has_break and not inside:
                raise ValidationError(
                    self.env._(
                        "The break must lie between %(start)s and %(end)s.",
                        start=wizard.hours_id._format_minutes(wizard.minute_from),
                        end=wizard.hours_id._format_minutes(wizard.minute_to),
                    )
                )

    def action_apply(self):
        """Replace the week of the table."""
        self.ensure_one()
        self._check_times()
        self.hours_id.write(
            {
                "always_open": False,
                "line_ids": [
                    Command.clear(),
                    *(Command.create(values) for values in self._prepare_lines()),
                ],
            }
        )
        return {"type": "ir.actions.act_window_close"}
