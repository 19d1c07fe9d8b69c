"""What the rules of a customer segment mean, as far as no database is needed.

Every filled rule must hold, and within one rule any of its values. What is not known
about a customer never fits.
"""

from __future__ import annotations

from datetime import date

from dateutil.relativedelta import relativedelta

#: How a rule stands for one customer.
YES, NO, UNKNOWN = "yes", "no", "unknown"


def birthday_bounds(
    age_min: int, age_max: int, today: date
) -> tuple[date | None, date | None]:
    """Birthdays of those who are at least `age_min` and at most `age_max` years old.

    Somebody turns n on his n-th birthday; who was born on 29 February does so on
    1 March in other years.

    :param age_min: whole years, 0 for no lower limit
    :param age_max: whole years, 0 for no upper limit
    :return: (born after, born on or before), None where there is no limit
    """
    after = today - relativedelta(years=age_max + 1) if age_max else None
    until = today - relativedelta(years=age_min) if age_min else None
    return after, until


def judge_age(
    age_min: int,
    age_max: int,
    born_from: date | None,
    born_to: date | None,
    today: date,
) -> str:
    """Whether somebody born between the two days is of that age: yes, no, unknown.

    Unknown as long as one of the possible birthdays fits and another does not.
    """
    if not born_from or not born_to:
        return UNKNOWN
    after, until = birthday_bounds(age_min, age_max, today)
    if (after and born_to <= after) or (until and born_from > until):
        return NO
    if (after and born_from <= after) or (until and born_to > until):
        return UNKNOWN
    return YES


def split_codes(text: str | None) -> tuple[str, ...]:
    """The codes in `text`, which separates them by commas, each once and in order."""
    codes = (code.strip() for code in (text or "").split(","))
    return tuple(dict.fromkeys(code for code in codes if code))
