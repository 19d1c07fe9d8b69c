from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import reading
from ..tools.reading import Stage

DUE = date(2026, 3, 20)
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def day(left):
    """The day with so many days left until the due date."""
    return DUE - timedelta(days=left)


class TestReadingTime(BaseCase):
    def test_words(self):
        html = "<h1>Two&nbsp;words</h1><p>and three&amp;four <b>5</b></p><br/>"
        self.assertEqual(reading.count_words(html), 6)
        self.assertEqual(reading.count_words("<p></p>"), 0)
        # A tag between two words parts them.
        self.assertEqual(reading.count_words("<li>one</li><li>two</li>"), 2)

    def test_shortest_reading(self):
        self.assertEqual(reading.get_shortest_reading(0), 0)
        self.assertEqual(reading.get_shortest_reading(1), 1)
        self.assertEqual(reading.get_shortest_reading(200), 12)
        self.assertEqual(reading.get_shortest_reading(100_000), reading.LONGEST_WAIT)

    @given(st.integers(0, 10**6), st.integers(0, 10**6))
    def test_more_words_take_no_less(self, words, more):
        longer = reading.get_shortest_reading(words + more)
        self.assertLessEqual(reading.get_shortest_reading(words), longer)


class TestStages(BaseCase):
    def test_stages(self):
        for left, stage in (
            (30, Stage.ASKED),
            (8, Stage.ASKED),
            (7, Stage.WEEK),
            (2, Stage.WEEK),
            (1, Stage.DAY),
            (0, Stage.TODAY),
            (-1, Stage.LATE),
            (-99, Stage.LATE),
        ):
            with self.subTest(left=left):
                self.assertEqual(reading.get_stage(DUE, day(left)), stage)

    def test_next_day(self):
        self.assertEqual(reading.get_next_day(DUE, Stage.NOT_TOLD), date.min)
        self.assertEqual(reading.get_next_day(DUE, Stage.ASKED), day(7))
        self.assertEqual(reading.get_next_day(DUE, Stage.WEEK), day(1))
        self.assertEqual(reading.get_next_day(DUE, Stage.DAY), day(0))
        self.assertEqual(reading.get_next_day(DUE, Stage.TODAY), day(-1))
        self.assertIsNone(reading.get_next_day(DUE, Stage.LATE))

    @given(DAYS, DAYS)
    def test_next_day_is_when_the_stage_changes(self, due, today):
        """Telling on each next day tells each stage once, and ends."""
        told = []
        while today is not None and len(told) < 10:
            stage = reading.get_stage(due, today)
            told.append(stage)
            following = reading.get_next_day(due, stage)
            if following is not None:
                self.assertGreater(following, today)
                before = following - timedelta(days=1)
                self.assertEqual(reading.get_stage(due, before), stage)
            today = following
        self.assertEqual(told, sorted(set(told)))
        self.assertEqual(told[-1], Stage.LATE)

    def test_lead_has_patience(self):
        # Told in time that it is late: three days after the due date
        self.assertEqual(reading.get_lead_day(DUE, day(-1)), day(-3))
        # Told later, because of a holiday: two days to catch up
        self.assertEqual(reading.get_lead_day(DUE, day(-10)), day(-12))
