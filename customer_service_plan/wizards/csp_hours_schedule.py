from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..tools.timeline import merge_spans


class CspHoursSchedule(models.TransientModel):
    _name = "csp.hours.schedule"
    _description = "Copy the Week of a Working Schedule"

    hours_id = fields.Many2one(
        comodel_name="csp.hours", required=True, ondelete="cascade"
    )
    calendar_id = fields.Many2one(
        comodel_name="resource.calendar",
        string="Working Schedule",
        required=True,
        ondelete="cascade",
        default=lambda self: self._default_calendar_id(),
    )
    two_weeks = fields.Boolean(related="calendar_id.two_weeks_calendar")
    week_type = fields.Selection(
        selection=[("0", "First"), ("1", "Second")], string="Week to Copy", default="0"
    )
    copy_closures = fields.Boolean(
        string="Follow Company Closures",
        default=True,
        help="The closures of the company stay where they are and count here, too.",
    )
    problem = fields.Char(compute="_compute_problem")
    summary = fields.Char(string="Result", compute="_compute_problem")

    @api.model
    def _default_calendar_id(self):
        return self.env.company.resource_calendar_id

    @api.depends("calendar_id", "week_type")
    @api.depends_context("lang")
    def _compute_problem(self):
        for wizard in self:
            wizard.problem = wizard._get_problem()
            wizard.summary = False
            if wizard.calendar_id and not wizard.problem:
                lines = [Command.create(vals) for vals in wizard._prepare_lines()]
                hours = self.env["csp.hours"].new(
                    {"tz": wizard.calendar_id.tz, "line_ids": lines}
                )
                wizard.summary = hours.summary

    def _get_problem(self):
        """Return why the schedule cannot be copied, empty when it can."""
        calendar = self.calendar_id
        if not calendar:
            return ""
        if calendar.schedule_type == "flexible":
            return self.env._(
                "%s is flexible: it says how many hours are worked, but not when. "
                "Opening hours need times; choose another schedule or set the week.",
                calendar.display_name,
            )
        if calendar.duration_based:
            return self.env._(
                "%s counts hours a day without beginning and end. Opening hours need "
                "times; choose another schedule or set the week.",
                calendar.display_name,
            )
        if not self._prepare_lines():
            return self.env._("%s has no working times.", calendar.display_name)
        return ""

    def _prepare_lines(self):
        """Return the values of the lines; times are rounded to minutes."""
        self.ensure_one()
        days = [[] for _weekday in range(7)]
        for attendance in self.calendar_id.attendance_ids:
            if attendance.display_type or attendance.day_period == "lunch":
                continue
            if self.two_weeks and attendance.week_type != self.week_type:
                continue
            days[int(attendance.dayofweek)].append(
                (round(attendance.hour_from * 60), round(attendance.hour_to * 60))
            )
        return [
            {"weekday": str(weekday), "minute_from": start, "minute_to": end}
            for weekday, spans in enumerate(days)
            for start, end in merge_spans(spans)
        ]

    def action_apply(self):
        """Replace week and time zone of the table by those of the schedule."""
        self.ensure_one()
        problem = self._get_problem()
        if problem:
            raise UserError(problem)
        values = {
            "tz": self.calendar_id.tz,
            "always_open": False,
            "line_ids": [
                Command.clear(),
                *(Command.create(values) for values in self._prepare_lines()),
            ],
        }
        if self.copy_closures:
            values["follow_company_closures"] = True
        self.hours_id.write(values)
        return {"type": "ir.actions.act_window_close"}
