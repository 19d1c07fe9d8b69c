"""What the rules of a customer segment mean, as far as no database is needed.

Every filled rule must hold, and within one rule any of its values. What is not known
about a customer never fits.
"""

from __future__ import annotations

from datetime import date

from .birth import Interval, ages_on, years_before

#: How a rule stands for one customer.
YES, NO, UNKNOWN = "yes", "no", "unknown"


def birthday_bounds(
    youngest: int, oldest: int, today: date
) -> tuple[date | None, date | None]:
    """Birthdays of those who are from `youngest` to `oldest` years old.

    :param youngest: full years, 0 for no lower limit
    :param oldest: full years, this one included; 0 for no upper limit
    :return: (born after, born on or before), None where there is no limit
    """
    after = years_before(today, oldest + 1) if oldest else None
    until = years_before(today, youngest) if youngest else None
    return after, until


def judge_age(youngest: int, oldest: int, born: Interval | None, today: date) -> str:
    """Whether somebody is from `youngest` to `oldest` years old: yes, no, unknown.

    Unknown as long as one of the possible birthdays fits and another does not.
    """
    if born is None:
        return UNKNOWN
    least, greatest = ages_on(born, today)
    if greatest < youngest or (oldest and least > oldest):
        return NO
    if least < youngest or (oldest and greatest > oldest):
        return UNKNOWN
    return YES


def split_codes(text: str | None) -> tuple[str, ...]:
    """The codes in `text`, which separates them by commas, each once and in order."""
    codes = (code.strip() for code in (text or "").split(","))
    return tuple(dict.fromkeys(code for code in codes if code))
