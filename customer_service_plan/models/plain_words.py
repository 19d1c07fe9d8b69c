from odoo.tools import format_date, format_datetime
from odoo.tools.misc import formatLang

from ..tools.epoch import from_epoch
from .csp_policy_line import format_minutes

MINUS = "\N{MINUS SIGN}"


class PlainWords:
    """Figures as people of a language write them: “94 %”, “+12 points”, “1 h 10 min”.

    Differences carry their sign. Numbers that would round to something they are not
    (all kept, none, no difference) get a digit more.
    """

    def __init__(self, env):
        self.env = env

    def whole(self, number):
        return self._number(number, 0)

    def figure(self, number):
        """A number that somebody typed, with no more digits than he gave."""
        digits = next(
            (digits for digits in (0, 1) if number == round(number, digits)), 2
        )
        return self._number(number, digits)

    def percent(self, percent):
        """A share in per cent; “100 %” only if it is all."""
        rounded = round(percent)
        is_rounded_away = rounded in (0, 100) and percent != rounded
        return self.env._("%s %%", self._number(percent, int(is_rounded_away)))

    def points(self, points):
        """A difference of two shares in per cent."""
        return self.env._("%s points", self.bare_points(points))

    def bare_points(self, points):
        """The same without its unit, for the first of two."""
        # “1.0 points” also spares the languages a singular.
        return self._number(points, int(0 < points < 1.95))

    def mark(self, mark):
        """A mean, or a number per 100."""
        return self._number(mark, 1)

    def minutes(self, minutes):
        return self.duration(60 * minutes)

    def duration(self, seconds):
        """Opening time, rounded to minutes."""
        if 0 < seconds < 60:
            return self.env._("less than 1 min")
        return format_minutes(self.env, round(seconds / 60))

    def signed(self, say):
        """The writer of differences, which have a sign, for one of amounts."""

        def say_signed(difference):
            text = say(abs(difference))
            if text == say(0):
                return text
            return f"{'+' if difference > 0 else MINUS}{text}"

        return say_signed

    def bounds(self, low, high, unit):
        """Bounds of a difference; of points only the second one needs its unit.

        :param unit: points, duration or mark
        """
        say = getattr(self, unit)
        first = self.bare_points if unit == "points" else say
        return self.signed(first)(low), self.signed(say)(high)

    def day(self, epoch):
        """The day of a moment, in the user's time zone."""
        # As a text the moment is taken for UTC; a datetime would be cut off.
        return format_date(self.env, str(from_epoch(epoch)))

    def moment(self, epoch):
        return format_datetime(self.env, from_epoch(epoch), dt_format="short")

    def _number(self, number, digits):
        return formatLang(self.env, number, digits=digits)
