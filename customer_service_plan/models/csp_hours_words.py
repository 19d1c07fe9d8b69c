from datetime import datetime, timedelta

from odoo import models
from odoo.tools import format_date, groupby

# The first of January 2024 was a Monday.
MONDAY = datetime(2024, 1, 1)


class CspHours(models.Model):
    """Moments and spans of a table of hours, in words."""

    _inherit = "csp.hours"

    def _say_moment(self, at):
        """Return a moment as people here say it: “Friday 27 November, 17:00”.

        :param int at: epoch seconds
        """
        self.ensure_one()
        local = self._timeline().get_local(at)
        return self.env._(
            "%(day)s, %(time)s",
            day=format_date(self.env, local.date(), date_format="EEEE d MMMM"),
            time=self._format_minutes(local.hour * 60 + local.minute),
        )

    def _say_span(self, single):
        """Return a part of a day: “Friday 25 December 09:00–17:00”.

        :param single: `tools.honesty.Single`
        """
        day = format_date(self.env, single.day, date_format="EEEE d MMMM")
        return f"{day} {self._say_times([single])}"

    def _say_weekly(self, parts):
        """Return parts of week days: “Monday–Friday 17:00–18:00; Saturday 09:00–13:00”.

        :param parts: `tools.honesty.Weekly`, in the order of the week
        """
        days = [
            (weekday, [(part.start, part.end) for part in of_day], of_day)
            for weekday, of_day in groupby(parts, key=lambda part: part.weekday)
        ]
        texts = []
        while days:
            first = last = days.pop(0)
            while days and days[0][1] == first[1] and days[0][0] == last[0] + 1:
                last = days.pop(0)
            name = self._say_weekday(first[0])
            if last != first:
                name += f"–{self._say_weekday(last[0])}"
            texts.append(f"{name} {self._say_times(first[2])}")
        return "; ".join(texts)

    def _say_weekday(self, weekday):
        day = MONDAY + timedelta(days=weekday)
        return format_date(self.env, day, date_format="EEEE")

    def _say_times(self, parts):
        return ", ".join(
            f"{self._format_minutes(part.start // 60)}–"
            f"{self._format_minutes(part.end // 60)}"
            for part in parts
        )

    def _say_rest(self, rest):
        """Return from when on it is closed for long.

        :param rest: `tools.honesty.Rest`
        """
        self.ensure_one()
        names = {"hours": self.name, "closes": self._say_moment(rest.closes)}
        if rest.opens is None:
            return self.env._(
                "“%(hours)s” are closed from %(closes)s on and never open again.",
                **names,
            )
        opens = self._timeline().get_local(rest.opens).date()
        return self.env._(
            "“%(hours)s” are closed from %(closes)s until %(opens)s.",
            opens=format_date(self.env, opens),
            **names,
        )
