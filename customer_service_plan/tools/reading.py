"""When has somebody had the time to read a text, and when is he reminded to?

Days are days of the reader's calendar; due dates are included: who signs on that day
is in time.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import IntEnum
from html import unescape
from math import ceil

#: Nobody reads faster: people read some 240 words of plain English a minute (Brysbaert
#: 2019, 190 studies), and skim about four times as many.
WORDS_PER_MINUTE = 1000
#: Longer than this nobody is made to wait (seconds): whoever knows most of a long text
#: already is not to be punished for it.
LONGEST_WAIT = 30
#: Days after the due date on which the lead is told.
LEAD_AFTER = 3
#: Days between the notice that it is late and telling the lead: time to catch up.
TIME_TO_CATCH_UP = 2

_TAGS = re.compile(r"<[^>]*>")
_WORDS = re.compile(r"\w+")


class Stage(IntEnum):
    """What somebody is told about a text that he has not signed; each once."""

    NOT_TOLD = 0
    ASKED = 1
    WEEK = 2
    DAY = 3
    TODAY = 4
    LATE = 5


#: Days before the due date on which a stage begins; ASKED holds before.
_BEGINS = {Stage.WEEK: 7, Stage.DAY: 1, Stage.TODAY: 0, Stage.LATE: -1}


def count_words(html: str) -> int:
    """Return how many words somebody reads in a text with HTML tags."""
    return len(_WORDS.findall(unescape(_TAGS.sub(" ", html))))


def get_shortest_reading(words: int) -> int:
    """Return the seconds before which nobody can have read so many words."""
    return min(LONGEST_WAIT, ceil(words * 60 / WORDS_PER_MINUTE))


def get_stage(due: date, today: date) -> Stage:
    """Return what there is to tell on a day; never `NOT_TOLD`."""
    left = (due - today).days
    reached = [stage for stage, days in _BEGINS.items() if left <= days]
    return max(reached, default=Stage.ASKED)


def get_next_day(due: date, told: Stage) -> date | None:
    """Return the first day on which there is more to tell than what was told.

    :return: None when there is nothing more, `date.min` when nothing was told yet
    """
    if told == Stage.NOT_TOLD:
        return date.min
    later = [
        due - timedelta(days=days) for stage, days in _BEGINS.items() if stage > told
    ]
    return min(later, default=None)


def get_lead_day(due: date, told_late: date) -> date:
    """Return the day on which the lead is told of somebody who is late.

    :param told_late: when the person was told himself that it is late
    """
    return max(
        due + timedelta(days=LEAD_AFTER), told_late + timedelta(days=TIME_TO_CATCH_UP)
    )
