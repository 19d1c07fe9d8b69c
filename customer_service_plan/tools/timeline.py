"""Opening time: when is it open, and when have so many open seconds passed?

Moments and durations are integers: UTC epoch seconds and seconds. Local time
appears only in the description of a table (week lines and exceptions) and is
turned into UTC while spans are built. Questions are binary searches.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytz

DAY = 86400
#: End of a span that never ends.
FOREVER = 1 << 62

Span = tuple[int, int]

_DAY_MINUTES = 1440
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
# Nothing is open before 1970. The last days of the year 9999 are left out so that
# neither an offset nor a following day leaves the range of Python's dates.
_FIRST_DAY = 1
_LAST_DAY = date(9999, 12, 25).toordinal() - _EPOCH_ORDINAL
# At least so many days are built at once.
_PIECE = 400
# What is not reached so long after the last exception counts as never: week lines
# repeat, so only absurd durations get that far.
_PATIENCE = 100 * 366 * DAY


class DayException(NamedTuple):
    """Local days on which a table differs from its week lines.

    ``first_day`` and ``last_day`` are both included. ``minute_from`` and
    ``minute_to`` count from midnight of each of these days; ``minute_to`` 0 means
    that whole days are meant.
    """

    first_day: date
    last_day: date
    is_open: bool = False
    minute_from: int = 0
    minute_to: int = 0


class Known(NamedTuple):
    """Spans built so far: all that is open from ``low`` up to ``high``.

    The first span is empty and begins at ``low``, so that a search always finds one.
    ``before`` holds the open seconds from ``low`` to the start of each span, and
    ``total`` those up to ``high``. ``low`` and ``high`` are the beginnings of two local
    days, counted from 1970-01-01.
    """

    starts: list[int]
    ends: list[int]
    before: list[int]
    total: int
    low: int
    high: int
    low_day: int
    high_day: int


_NOTHING = Known([0], [0], [0], 0, FOREVER, -FOREVER, 0, 0)
_ALWAYS = Known(
    [-FOREVER], [FOREVER], [0], 2 * FOREVER, -FOREVER, FOREVER, _FIRST_DAY, _LAST_DAY
)


@cache
def get_zone(name: str) -> tzinfo:
    """Return the time zone from the data of ``pytz``.

    Odoo works with ``pytz``, whose own zones know no summer time after 2037; the same
    files read by ``zoneinfo`` do.
    :raises LookupError: for an unknown name
    """
    if name not in pytz.all_timezones_set:
        raise LookupError(f"Unknown time zone: {name}")
    with pytz.open_resource(name) as stream:
        return ZoneInfo.from_file(stream, key=name)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the union of the spans: in order, apart, none empty or backwards."""
    merged: list[Span] = []
    last_start = last_end = -FOREVER
    for start, end in sorted(spans):
        if end <= start:
            continue
        if start > last_end:
            if last_end > last_start:
                merged.append((last_start, last_end))
            last_start, last_end = start, end
        elif end > last_end:
            last_end = end
    if last_end > last_start:
        merged.append((last_start, last_end))
    return merged


def subtract_spans(spans: list[Span], cuts: list[Span]) -> list[Span]:
    """Return what is left of merged ``spans`` without merged ``cuts``."""
    if not cuts:
        return spans
    left: list[Span] = []
    index, count = 0, len(cuts)
    for start, end in spans:
        while index < count and cuts[index][1] <= start:
            index += 1
        at = index
        while at < count and cuts[at][0] < end:
            if start < cuts[at][0]:
                left.append((start, cuts[at][0]))
            start = max(start, cuts[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left


class Timeline:
    """The opening time of one hours table.

    Open = week lines − closed exceptions − closures + open exceptions. A local time
    that comes twice is the later one, one that does not exist is moved on by the gap
    (``pytz.localize``, which Odoo uses). Whole days run from local midnight to local
    midnight. A span includes its start and not its end.

    Spans are built when they are asked for; a timeline may be shared by threads,
    since what is known is replaced in one step and never changed in place.
    """

    __slots__ = (
        "_known",
        "_week",
        "_exceptions",
        "_closures",
        "_zone",
        "_last_change",
        "revision",
    )

    def __init__(
        self,
        zone: str,
        week: Iterable[tuple[int, int, int]] = (),
        exceptions: Iterable[DayException] = (),
        closures: Iterable[Span] = (),
        always_open: bool = False,
        revision: int = 0,
    ):
        """Describe a table; nothing is built yet.

        :param zone: name of the time zone of week lines and exceptions
        :param week: (weekday 0 = Monday, minute from, minute to); minutes since
            midnight, up to 2880 = the end of the next day
        :param exceptions: local days that differ
        :param closures: closed spans in UTC epoch seconds, such as those of a company
        :param always_open: open without end; everything else is ignored
        :param revision: which state of the table this is, kept for the caller
        :raises LookupError: for an unknown time zone
        """
        self.revision = revision
        self._zone = get_zone(zone)
        self._week: list[list[tuple[int, int]]] = [[] for _weekday in range(7)]
        for weekday, minute_from, minute_to in week:
            if minute_from < minute_to:
                self._week[weekday].append((minute_from, minute_to))
        self._exceptions = sorted(exceptions)
        self._closures = merge_spans(closures)
        self._last_change = self._get_last_change()
        self._known = _ALWAYS if always_open else _NOTHING

    # ------------------------------------------------------------------
    # Questions
    # ------------------------------------------------------------------

    def plan_deadline(self, start: int, seconds: int) -> int | None:
        """Return the moment at which ``seconds`` of opening time have passed.

        One that falls on closing time is closing time. With 0 seconds: ``start`` when
        open, else the next opening.

        :return: ``None`` when there is not so much opening time ever again
        :raises ValueError: when ``seconds`` is negative
        """
        starts, ends, before, total, low, _high, _low_day, _high_day = self._known
        if seconds > 0 and start >= low:
            index = bisect_right(starts, start) - 1
            end = ends[index]
            target = (
                before[index]
                - starts[index]
                + (start if start < end else end)
                + seconds
            )
            if target <= total:
                index = bisect_left(before, target, index) - 1
                return starts[index] + target - before[index]
        return self._plan_deadline_beyond(start, seconds)

    def open_seconds(self, start: int, end: int) -> int:
        """Return the open seconds between two moments, 0 when ``end <= start``."""
        if end <= start:
            return 0
        known = self._cover(start, end)
        return self._count(known, end) - self._count(known, start)

    def is_open(self, at: int) -> bool:
        """Tell whether it is open at that moment."""
        known = self._cover(at, at)
        return at >= known.low and at < known.ends[bisect_right(known.starts, at) - 1]

    def next_opening(self, at: int) -> int | None:
        """Return ``at`` when open, else the next opening, ``None`` if there is none."""
        for start, _end in self.iter_spans(at):
            return max(start, at)
        return None

    def next_closing(self, at: int) -> int | None:
        """Return the end of the span open at that moment, or of the next one.

        :return: ``None`` when it never opens again, or never closes
        """
        for _start, end in self.iter_spans(at):
            return end if end < FOREVER else None
        return None

    def iter_spans(self, start: int) -> Iterator[Span]:
        """Yield the spans that end after ``start``, in order, as long as there are any.

        The first one may begin before ``start``. One that goes on for ever ends at
        :data:`FOREVER`.
        """
        while True:
            known = self._cover(start, start)
            start = max(start, known.low)
            index = bisect_right(known.ends, start)
            if index < len(known.ends) and known.ends[index] < known.high:
                yield known.starts[index], known.ends[index]
                start = known.ends[index]
            elif not self._is_final(known):
                self._extend(known, known.low, known.high + 1)
            else:
                if index < len(known.ends):
                    never_closes = self._never_closes(known)
                    yield known.starts[index], FOREVER if never_closes else known.high
                return

    def get_spans(self, start: int, end: int) -> list[Span]:
        """Return the open spans between two moments, cut to them."""
        if end <= start:
            return []
        known = self._cover(start, end)
        first = bisect_right(known.ends, start)
        last = bisect_left(known.starts, end)
        return merge_spans(
            (max(known.starts[index], start), min(known.ends[index], end))
            for index in range(first, last)
        )

    # ------------------------------------------------------------------
    # Local time
    # ------------------------------------------------------------------

    def get_midnight(self, day: date) -> int:
        """Return the moment at which a local day begins."""
        return self._localize(day.toordinal() - _EPOCH_ORDINAL)

    def get_local(self, at: int) -> datetime:
        """Return a moment as an aware datetime in the zone of the table."""
        return (_EPOCH_UTC + timedelta(seconds=at)).astimezone(self._zone)

    def _localize(self, day: int, minute: int = 0) -> int:
        """Return the moment of a local time given as a day and minutes since then."""
        aware = (_EPOCH + timedelta(days=day, minutes=minute)).replace(
            tzinfo=self._zone
        )
        # The smaller offset is the later moment: the second one of a time that comes
        # twice (fold 1), and the one moved on by the gap (fold 0).
        offset = min(aware.utcoffset(), aware.replace(fold=1).utcoffset())
        return day * DAY + minute * 60 - offset.days * DAY - offset.seconds

    # ------------------------------------------------------------------
    # Building
    # ------------------------------------------------------------------

    def _get_last_change(self) -> int:
        """Return a moment after which only the week lines count."""
        last = self._closures[-1][1] if self._closures else 0
        for exception in self._exceptions:
            day = exception.last_day.toordinal() - _EPOCH_ORDINAL
            last = max(last, (day + 4) * DAY)
        return last

    def _is_final(self, known: Known) -> bool:
        """Tell whether building more would not bring another opening or closing."""
        if known.high_day >= _LAST_DAY:
            return True
        settled = known.high - self._last_change
        if not any(self._week):
            return settled >= 0
        return self._never_closes(known) or settled > _PATIENCE

    def _never_closes(self, known: Known) -> bool:
        """Tell whether the last known span goes on for ever.

        It does when it has lasted for more than a week in which only the week lines
        counted, since they repeat.
        """
        since = max(known.starts[-1], self._last_change)
        return known.ends[-1] == known.high and known.high - since > 9 * DAY

    def _plan_deadline_beyond(self, start: int, seconds: int) -> int | None:
        """Answer what the known spans do not."""
        if seconds < 0:
            raise ValueError("The time to plan must not be negative.")
        if not seconds:
            return self.next_opening(start)
        patience = max(start, self._last_change) + _PATIENCE
        has_week = any(self._week)
        known = self._cover(start, start)
        target = self._count(known, start) + seconds
        while known.total < target:
            if (
                known.high_day >= _LAST_DAY
                or known.high > patience
                or (not has_week and known.high > self._last_change)
            ):
                return None
            known = self._extend(known, known.low, known.high + 1)
        index = bisect_left(known.before, target) - 1
        return known.starts[index] + target - known.before[index]

    @staticmethod
    def _count(known: Known, at: int) -> int:
        """Return the open seconds from the beginning of what is known up to ``at``."""
        if at <= known.low:
            return 0
        index = bisect_right(known.starts, at) - 1
        return known.before[index] + min(at, known.ends[index]) - known.starts[index]

    def _cover(self, start: int, end: int) -> Known:
        """Return what is known, extended so that it reaches beyond both moments."""
        known = self._known
        if known.low <= start and end < known.high:
            return known
        return self._extend(known, start, end)

    def _extend(self, known: Known, start: int, end: int) -> Known:
        """Build what is missing between two moments and as much again as is known."""
        first = min(max(start // DAY - 2, _FIRST_DAY), _LAST_DAY - 1)
        last = min(max(end // DAY + 3, _FIRST_DAY + 1), _LAST_DAY)
        if known is _NOTHING:
            last = min(max(last, first + _PIECE), _LAST_DAY)
            spans = self._build(first, last)
        else:
            more = max(known.high_day - known.low_day, _PIECE)
            spans = list(zip(known.starts[1:], known.ends[1:], strict=True))
            if start < known.low and first < known.low_day:
                first = max(min(first, known.low_day - more), _FIRST_DAY)
                spans = self._build(first, known.low_day) + spans
            else:
                first = known.low_day
            if end >= known.high and last > known.high_day:
                last = min(max(last, known.high_day + more), _LAST_DAY)
                spans += self._build(known.high_day, last)
            else:
                last = known.high_day
            if (first, last) == (known.low_day, known.high_day):
                return known
            spans = merge_spans(spans)
        low = self._localize(first)
        starts = [low, *(span[0] for span in spans)]
        ends = [low, *(span[1] for span in spans)]
        sums = [0, *accumulate(end - start for start, end in spans)]
        known = Known(
            starts,
            ends,
            [0, *sums[:-1]],
            sums[-1],
            low,
            self._localize(last),
            first,
            last,
        )
        self._known = known
        return known

    def _build(self, first: int, last: int) -> list[Span]:
        """Return what is open from the beginning of one day to that of another."""
        low, high = self._localize(first), self._localize(last)
        closed = [span for span in self._closures if span[0] < high and span[1] > low]
        opened: list[Span] = []
        for exception in self._exceptions:
            # A day before the first reaches in when it runs past midnight.
            from_day = max(exception.first_day.toordinal() - _EPOCH_ORDINAL, first - 2)
            to_day = min(exception.last_day.toordinal() - _EPOCH_ORDINAL, last)
            if from_day > to_day:
                continue
            spans = opened if exception.is_open else closed
            if exception.minute_to:
                spans.extend(
                    (
                        self._localize(day, exception.minute_from),
                        self._localize(day, exception.minute_to),
                    )
                    for day in range(from_day, to_day + 1)
                )
            else:
                spans.append((self._localize(from_day), self._localize(to_day + 1)))
        closed = merge_spans(closed)
        spans = merge_spans(self._build_week(first - 1, last, closed))
        spans = subtract_spans(spans, closed)
        if opened:
            spans = merge_spans(spans + opened)
        return [
            (max(start, low), min(end, high))
            for start, end in spans
            if start < high and end > low
        ]

    def _build_week(self, first: int, last: int, closed: list[Span]) -> Iterator[Span]:
        """Yield the spans of the week lines of the days from ``first`` to ``last``.

        Days deep inside a long closure are left out, so that being closed for years
        costs nothing.
        """
        if not any(self._week):
            return
        long_closed = merge_spans(
            (start // DAY + 2, end // DAY - 3) for start, end in closed
        )
        lines = [
            [
                (*divmod(begin, _DAY_MINUTES), *divmod(end, _DAY_MINUTES))
                for begin, end in day
            ]
            for day in self._week
        ]
        for from_day, to_day in subtract_spans([(first, last)], long_closed):
            midnights = [self._localize(day) for day in range(from_day, to_day + 3)]
            for index in range(to_day - from_day):
                for day1, minute1, day2, minute2 in lines[(from_day + index + 3) % 7]:
                    yield (
                        self._add_minutes(midnights, from_day, index + day1, minute1),
                        self._add_minutes(midnights, from_day, index + day2, minute2),
                    )

    def _add_minutes(
        self, midnights: list[int], first: int, index: int, minute: int
    ) -> int:
        """Return a local time, without asking the zone on days of 24 hours."""
        if not minute:
            return midnights[index]
        if midnights[index + 1] - midnights[index] == DAY:
            return midnights[index] + minute * 60
        return self._localize(first + index, minute)
