from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.birth import (
    BANDS,
    OLDEST,
    age_on,
    ages_on,
    born,
    born_between,
    fault,
    years_before,
)

birthdays = st.dates(date(1890, 1, 1), date(2030, 12, 31))
days = st.dates(date(2020, 1, 1), date(2060, 12, 31))
#: Days around which ages go wrong.
leap_days = st.sampled_from(
    [
        date(year, month, day)
        for year in (1960, 1999, 2000, 2001, 2024, 2025, 2028)
        for month, day in ((2, 28), (3, 1), (12, 31), (1, 1))
    ]
    + [date(year, 2, 29) for year in (1960, 2000, 2024, 2028)]
)
fixed = settings(max_examples=400, derandomize=True, deadline=None, database=None)


class TestBirth(BaseCase):
    """What is known of an age is the interval of possible birthdays."""

    def test_age(self):
        born_on = date(1990, 5, 17)
        self.assertEqual(age_on(born_on, date(2026, 5, 16)), 35)
        self.assertEqual(age_on(born_on, date(2026, 5, 17)), 36)
        self.assertEqual(age_on(born_on, born_on), 0)

    def test_leap_day(self):
        born_on = date(2000, 2, 29)
        self.assertEqual(age_on(born_on, date(2026, 2, 28)), 25)
        self.assertEqual(age_on(born_on, date(2026, 3, 1)), 26)
        self.assertEqual(age_on(born_on, date(2028, 2, 28)), 27)
        self.assertEqual(age_on(born_on, date(2028, 2, 29)), 28)
        self.assertEqual(years_before(date(2028, 2, 29), 1), date(2027, 2, 28))
        self.assertEqual(years_before(date(2028, 2, 29), 4), date(2024, 2, 29))

    @fixed
    @given(
        birthday=birthdays | leap_days,
        day=days | leap_days,
        band=st.sampled_from(sorted(BANDS)),
    )
    def test_band_holds_exactly_those_of_that_age(self, birthday, day, band):
        """Everybody in the band, and nobody else."""
        youngest, oldest = BANDS[band]
        first, last = born_between(youngest, oldest, day)
        in_band = youngest <= age_on(birthday, day) <= oldest
        self.assertEqual(first <= birthday <= last, in_band)

    @fixed
    @given(day=days | leap_days)
    def test_bands_leave_no_gap(self, day):
        """From today back to the oldest, every birthday lies in one band only."""
        spans = [born_between(*ages, day) for ages in BANDS.values()]
        for (first, _last), (_first, last) in zip(spans, spans[1:], strict=False):
            self.assertEqual(first - timedelta(days=1), last)
        self.assertEqual(spans[0][1], day)
        self.assertLess(spans[-1][0].year, day.year - OLDEST + 1)

    @fixed
    @given(birthday=birthdays | leap_days, day=days | leap_days)
    def test_years_before_is_the_last_such_birthday(self, birthday, day):
        for years in (0, 1, 18, 75):
            self.assertEqual(
                birthday <= years_before(day, years), age_on(birthday, day) >= years
            )

    @fixed
    @given(
        first=birthdays | leap_days,
        length=st.integers(0, 4000),
        inside=st.integers(0, 4000),
        day=days,
    )
    def test_ages_are_those_of_the_ends(self, first, length, inside, day):
        interval = (first, first + timedelta(days=length))
        birthday = first + timedelta(days=min(inside, length))
        least, greatest = ages_on(interval, day)
        self.assertLessEqual(least, greatest)
        self.assertTrue(least <= max(0, age_on(birthday, day)) <= greatest)

    def test_the_surest_statement_counts(self):
        day = date(2026, 3, 2)
        birthdate = date(1990, 5, 17)
        self.assertEqual(born(birthdate, 1990, "75+", day), (birthdate, birthdate))
        self.assertEqual(
            born(None, 1990, "75+", day), (date(1990, 1, 1), date(1990, 12, 31))
        )
        self.assertEqual(
            born(None, 0, "25-34", day), (date(1991, 3, 3), date(2001, 3, 2))
        )

    def test_unknown_stays_unknown(self):
        self.assertIsNone(born())
        self.assertIsNone(born(None, 0, None, date(2026, 3, 2)))
        self.assertIsNone(born(None, None, "25-34", None))
        self.assertIsNone(born(None, 99999))

    def test_faults(self):
        today = date(2026, 3, 2)
        birthday = date(1990, 5, 17)
        for birthdate, year, band, stated_on, expected in (
            (None, 0, None, None, ""),
            (birthday, 1990, "75+", today, ""),
            (today, 2026, None, None, ""),
            (date(2026, 3, 3), 0, None, None, "future"),
            (None, 2027, None, None, "future"),
            (None, 99999, None, None, "future"),
            (date(1889, 12, 31), 0, None, None, "too_early"),
            (None, 1889, None, None, "too_early"),
            (None, -5, None, None, "too_early"),
            (None, 90, None, None, "too_early"),
            (birthday, 1991, None, None, "other_year"),
            (None, 0, "25-34", None, "undated"),
            (None, 0, "25-34", date(26, 3, 2), "stated_early"),
            (None, 0, "25-34", date(2026, 3, 3), "stated_later"),
        ):
            with self.subTest(birthdate=birthdate, year=year, stated_on=stated_on):
                self.assertEqual(
                    fault(birthdate, year, band, stated_on, today), expected
                )
                if expected in {"too_early", "stated_early", "undated"}:
                    known = born(None, year, band, stated_on)
                    self.assertIsNone(known)
