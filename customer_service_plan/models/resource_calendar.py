from odoo import api, models

from ..tools.timeline import merge_spans


class ResourceCalendar(models.Model):
    _inherit = "resource.calendar"

    def write(self, vals):
        result = super().write(vals)
        # Where a company's address has no time zone, policies begin in this one.
        if "tz" in vals:
            self.env["csp.policy"]._csp_rules_changed()
        return result

    @api.model
    def _csp_weeks(self, ids):
        """Return when these schedules say that people work, in two queries.

        :return: dict of calendar id to the lines of its first and of its second week:
            (weekday 0 = Monday, minute from, minute to). Left out: schedules without
            times, since these are flexible, count hours only, or are empty
        """
        spans = {
            calendar.id: ([[] for _day in range(7)], [[] for _day in range(7)])
            for calendar in self.browse(ids)
            if calendar.schedule_type != "flexible" and not calendar.duration_based
        }
        rows = self.env["resource.calendar.attendance"].search_fetch(
            [
                ("calendar_id", "in", list(spans)),
                ("display_type", "=", False),
                ("day_period", "!=", "lunch"),
            ],
            ["calendar_id", "dayofweek", "week_type", "hour_from", "hour_to"],
        )
        for row in rows:
            # A week type left over from two weeks does not count in one.
            both = not row.calendar_id.two_weeks_calendar or not row.week_type
            for number in (0, 1) if both else (int(row.week_type),):
                spans[row.calendar_id.id][number][int(row.dayofweek)].append(
                    (round(row.hour_from * 60), round(row.hour_to * 60))
                )
        return {
            calendar_id: tuple(
                tuple(
                    (weekday, start, end)
                    for weekday, day in enumerate(week)
                    for start, end in merge_spans(day)
                )
                for week in weeks
            )
            for calendar_id, weeks in spans.items()
            if any(day for week in weeks for day in week)
        }
