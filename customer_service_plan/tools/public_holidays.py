"""Public holidays and weekends by country, from the package `holidays`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays


def get_regions(country_code: str) -> list[tuple[str, str]]:
    """Return the regions with holidays of their own: code and name."""
    try:
        country = holidays.country_holidays(country_code)
    except NotImplementedError:
        return []
    names: dict[str, str] = {}
    for name, code in (country.subdivisions_aliases or {}).items():
        names.setdefault(code, name)
    regions = [(code, names.get(code, code)) for code in country.subdivisions]
    return sorted(regions, key=lambda region: region[1])


def find_region(country_code: str, state_code: str, state_name: str) -> str | None:
    """Return the region of the package that is meant by a state of Odoo."""
    codes = {state_code, state_code.removeprefix(f"{country_code}-")}
    for code, name in get_regions(country_code):
        if code in codes or name.casefold() == state_name.casefold():
            return code
    return None


def get_language(country: holidays.HolidayBase, code: str) -> str | None:
    """Return the language of names: the user's, else English, else the country's."""
    spoken = country.supported_languages or ()
    for wanted in (code, code.split("_")[0], "en_US"):
        for language in spoken:
            if language == wanted or language.split("_")[0] == wanted:
                return language
    return None


@dataclass(frozen=True)
class FreeDays:
    """Days of one year on which people of a country are not at work."""

    weekend: frozenset[date]
    #: Names by day.
    holidays: dict[date, str]


@lru_cache(maxsize=256)
def get_free_days(
    country_code: str, region: str | None, year: int, language: str
) -> FreeDays:
    """Return weekends and public holidays of a year; none where nothing is known.

    :param region: code as in `get_regions`, None for what holds in the whole country
    :param language: code of the language in which to name the holidays
    """
    try:
        country = holidays.country_holidays(country_code, subdiv=region, years=year)
    except NotImplementedError:
        return FreeDays(frozenset(), {})
    spoken = get_language(country, language)
    if spoken and spoken != country.language:
        country = holidays.country_holidays(
            country_code, subdiv=region, years=year, language=spoken
        )
    first = date(year, 1, 1).toordinal()
    days = [
        date.fromordinal(number)
        for number in range(first, date(year, 12, 31).toordinal() + 1)
    ]
    return FreeDays(
        weekend=frozenset(day for day in days if country.is_weekend(day)),
        holidays={day: name for day, name in country.items() if day.year == year},
    )
