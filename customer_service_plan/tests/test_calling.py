from datetime import date, datetime

from odoo.tests import BaseCase

from ..tools import calling
from ..tools.public_holidays import find_region, get_free_days

NINE, EIGHT_PM = 540, 1200
#: A Wednesday.
NOON = datetime(2026, 3, 4, 12, 0)


class TestCalling(BaseCase):
    """Whether it is a decent hour to call somebody, by his own clock."""

    def _times(self, country="", start=NINE, end=EIGHT_PM, region=None):
        years = [
            get_free_days(country, region, year, "en_US") for year in (2025, 2026, 2027)
        ]
        return calling.CallTimes(
            start=start,
            end=end,
            weekend=frozenset().union(*(year.weekend for year in years)),
            holidays={
                day: name for year in years for day, name in year.holidays.items()
            },
        )

    def _judge(self, now, *zones, country="", **kwargs):
        return calling.judge(zones, now, self._times(country, **kwargs))

    def assertHour(self, hour, verdict, next_good=None, changes_at=None):
        self.assertEqual(hour.verdict, verdict)
        self.assertEqual(hour.next_good, next_good)
        if changes_at:
            self.assertEqual(hour.changes_at, changes_at)

    def test_day_in_athens(self):
        """UTC+2 in winter: nine is at 7:00 UTC; the last minute is too late."""
        for hour, minute, verdict in (
            (6, 59, calling.TOO_EARLY),
            (7, 0, calling.GOOD),
            (17, 59, calling.GOOD),
            (18, 0, calling.TOO_LATE),
            (21, 59, calling.TOO_LATE),
            (22, 0, calling.TOO_EARLY),
        ):
            with self.subTest(hour=hour, minute=minute):
                now = datetime(2026, 3, 4, hour, minute)
                found = self._judge(now, "Europe/Athens", country="GR")
                self.assertEqual(found.verdict, verdict)

    def test_next_decent_hour(self):
        thursday = datetime(2026, 3, 5, 7, 0)
        self.assertHour(
            self._judge(datetime(2026, 3, 4, 18, 0), "Europe/Athens", country="GR"),
            calling.TOO_LATE,
            next_good=thursday,
            changes_at=datetime(2026, 3, 4, 22, 0),
        )
        self.assertHour(
            self._judge(datetime(2026, 3, 4, 7, 0), "Europe/Athens", country="GR"),
            calling.GOOD,
            changes_at=datetime(2026, 3, 4, 18, 0),
        )
        # Friday evening: Monday
        self.assertHour(
            self._judge(datetime(2026, 3, 6, 19, 0), "Europe/Athens", country="GR"),
            calling.TOO_LATE,
            next_good=datetime(2026, 3, 9, 7, 0),
        )

    def test_weekend_differs_by_country(self):
        friday, sunday = datetime(2026, 3, 6, 10, 0), datetime(2026, 3, 8, 10, 0)
        for country, zone, on_friday, on_sunday in (
            ("GR", "Europe/Athens", calling.GOOD, calling.WEEKEND),
            ("IL", "Asia/Jerusalem", calling.WEEKEND, calling.GOOD),
            ("IR", "Asia/Tehran", calling.WEEKEND, calling.GOOD),
        ):
            with self.subTest(country):
                found = [
                    self._judge(day, zone, country=country).verdict
                    for day in (friday, sunday)
                ]
                self.assertEqual(found, [on_friday, on_sunday])

    def test_holiday_has_a_name(self):
        """25 March 2026, a Wednesday; the next day is good."""
        found = self._judge(datetime(2026, 3, 25, 10, 0), "Europe/Athens", country="GR")
        self.assertHour(found, calling.HOLIDAY, next_good=datetime(2026, 3, 26, 7, 0))
        self.assertIn("Independence", found.holiday)

    def test_holiday_of_a_region(self):
        epiphany = datetime(2026, 1, 6, 10, 0)
        region = find_region("DE", "BY", "Bavaria")
        self.assertEqual(region, "BY")
        for given, verdict in ((None, calling.GOOD), (region, calling.HOLIDAY)):
            found = self._judge(epiphany, "Europe/Berlin", country="DE", region=given)
            self.assertEqual(found.verdict, verdict)
        self.assertIsNone(find_region("DE", "XX", "Nowhere"))
        self.assertIsNone(find_region("ZZ", "", ""))

    def test_new_year_belongs_to_the_next_year(self):
        """Thursday, 31 December; Friday is a holiday, then comes the weekend."""
        self.assertHour(
            self._judge(datetime(2026, 12, 31, 20, 0), "Europe/Athens", country="GR"),
            calling.TOO_LATE,
            next_good=datetime(2027, 1, 4, 7, 0),
        )

    def test_summer_time(self):
        """Athens is at UTC+3 from 29 March on: Friday evening, then Monday."""
        self.assertHour(
            self._judge(datetime(2026, 3, 27, 18, 30), "Europe/Athens", country="GR"),
            calling.TOO_LATE,
            next_good=datetime(2026, 3, 30, 6, 0),
        )

    def test_odd_offsets(self):
        """Nepal: UTC+5:45; Samoa: UTC+13, where it is tomorrow already."""
        nepal = self._judge(datetime(2026, 3, 4, 3, 14), "Asia/Kathmandu")
        self.assertHour(
            nepal,
            calling.TOO_EARLY,
            next_good=datetime(2026, 3, 4, 3, 15),
            changes_at=datetime(2026, 3, 4, 3, 15),
        )
        # Friday 20:30 UTC is Saturday 9:30 in Samoa.
        samoa = self._judge(datetime(2026, 3, 6, 20, 30), "Pacific/Apia", country="WS")
        self.assertHour(samoa, calling.WEEKEND, next_good=datetime(2026, 3, 8, 20, 0))

    def test_several_zones(self):
        """Good in all of them, in some, in none."""
        lower_48 = ("America/New_York", "America/Chicago", "America/Los_Angeles")
        # 8:00 in New York (UTC-5), 5:00 in Los Angeles
        early = self._judge(datetime(2026, 3, 4, 13, 0), *lower_48, country="US")
        self.assertHour(early, calling.TOO_EARLY, next_good=datetime(2026, 3, 4, 17, 0))
        self.assertEqual(early.zones, list(reversed(lower_48)))
        partly = self._judge(datetime(2026, 3, 4, 14, 0), *lower_48, country="US")
        self.assertHour(
            partly,
            calling.PARTLY,
            next_good=datetime(2026, 3, 4, 17, 0),
            changes_at=datetime(2026, 3, 4, 15, 0),
        )
        good = self._judge(datetime(2026, 3, 4, 17, 0), *lower_48, country="US")
        # Until 20:00 in New York
        self.assertHour(good, calling.GOOD, changes_at=datetime(2026, 3, 5, 1, 0))

    def test_zones_without_a_common_hour(self):
        found = self._judge(
            NOON, "Pacific/Honolulu", "Europe/Athens", "Asia/Tokyo", end=NINE + 60
        )
        self.assertIsNone(found.next_good)

    def test_same_clocks_are_one(self):
        found = self._judge(NOON, "Europe/Berlin", "Europe/Busingen", "Europe/Paris")
        self.assertEqual(found.zones, ["Europe/Berlin"])

    def test_unknown_country_has_no_free_days(self):
        free = get_free_days("ZZ", None, 2026, "en_US")
        self.assertFalse(free.weekend or free.holidays)
        self.assertEqual(self._judge(NOON, "UTC").verdict, calling.GOOD)

    def test_holidays_in_the_language_of_the_user(self):
        day = date(2026, 12, 25)
        self.assertIn(
            "Christmas", get_free_days("GR", None, 2026, "en_GB").holidays[day]
        )
        self.assertIn("Χρ", get_free_days("GR", None, 2026, "el_GR").holidays[day])

    def test_where_he_lives(self):
        for zone, country, is_own, expected in (
            ("Asia/Tokyo", "", False, ["Asia/Tokyo"]),
            ("", "GR", False, ["Europe/Athens"]),
            ("", "", False, []),
            ("", "ZZ", False, []),
            ("Not/AZone", "GR", False, ["Europe/Athens"]),
            ("Not/AZone", "", False, []),
            # The colleague who entered the contact sits in Athens.
            ("Europe/Athens", "JP", False, ["Asia/Tokyo"]),
            # The customer said so himself.
            ("Europe/Athens", "JP", True, ["Europe/Athens"]),
            # Another name of a zone of the country
            ("US/Pacific", "US", False, ["US/Pacific"]),
            ("America/Denver", "US", False, ["America/Denver"]),
        ):
            with self.subTest(zone=zone, country=country, is_own=is_own):
                self.assertEqual(
                    calling.find_zones(zone, country, is_own, NOON), expected
                )
        self.assertGreater(len(calling.find_zones("", "US", False, NOON)), 5)
