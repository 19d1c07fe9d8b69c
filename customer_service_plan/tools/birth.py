"""What is known of somebody's age, as the interval of possible birthdays.

A birth date, a year of birth and an age band ("was 25 to 34 years old on that day") say
the same with more or less certainty: that the birthday lies between two days. An
interval does not age: whoever was 34 at most in March may be 35 in April, and is found
as such.

Somebody born on 29 February gets older on 1 March in years without that day, as in most
of Europe.
"""

from __future__ import annotations

from datetime import date, timedelta

#: Nobody is taken to be older than this, in years: the end of an open band.
OLDEST = 129
#: Whoever was born before this year is a slip of the keyboard.
FIRST_YEAR = 1890

#: Bands by name: youngest and oldest age, in full years.
BANDS: dict[str, tuple[int, int]] = {
    "0-17": (0, 17),
    "18-24": (18, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65-74": (65, 74),
    "75+": (75, OLDEST),
}

Interval = tuple[date, date]


def age_on(birthday: date, day: date) -> int:
    """Full years of age on a day; negative before birth."""
    before = (day.month, day.day) < (birthday.month, birthday.day)
    return day.year - birthday.year - before


def years_before(day: date, years: int) -> date:
    """Return the last birthday of those who are at least `years` old on `day`."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


def born_between(youngest: int, oldest: int, day: date) -> Interval:
    """First and last birthday of those aged `youngest` to `oldest` on `day`."""
    return (
        years_before(day, oldest + 1) + timedelta(days=1),
        years_before(day, youngest),
    )


def born(
    birthdate: date | None = None,
    year: int | None = None,
    band: str | None = None,
    stated_on: date | None = None,
) -> Interval | None:
    """First and last possible birthday, None if nothing is known.

    A birth date counts more than a year, a year more than a band. A band without the
    day on which it was true says nothing; neither does what `fault` calls too early.
    """
    if birthdate:
        return birthdate, birthdate
    if year:
        known = FIRST_YEAR <= year <= date.max.year
        return (date(year, 1, 1), date(year, 12, 31)) if known else None
    if band and stated_on and stated_on.year >= FIRST_YEAR:
        return born_between(*BANDS[band], stated_on)
    return None


def ages_on(interval: Interval, day: date) -> tuple[int, int]:
    """Least and greatest possible age on a day, in full years, not below 0."""
    first, last = interval
    return max(0, age_on(last, day)), max(0, age_on(first, day))


def fault(
    birthdate: date | None,
    year: int | None,
    band: str | None,
    stated_on: date | None,
    today: date,
) -> str:
    """What cannot be true, as a code; empty if all of it can.

    "too_early", "future" and "other_year" are about birth; "undated", "stated_early"
    and "stated_later" about the day on which somebody was in an age band.
    """
    years = [known.year for known in (birthdate,) if known]
    years += [year] if year else []
    if any(known < FIRST_YEAR for known in years):
        return "too_early"
    if (birthdate and birthdate > today) or any(known > today.year for known in years):
        return "future"
    if birthdate and year and birthdate.year != year:
        return "other_year"
    if band and not stated_on:
        return "undated"
    if stated_on and stated_on.year < FIRST_YEAR:
        return "stated_early"
    if stated_on and stated_on > today:
        return "stated_later"
    return ""
