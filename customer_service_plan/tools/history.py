"""Past tickets from a file: rows of an event log become the events of cases.

The file is a CSV (plain or gzip; any usual encoding and separator) or an XLSX. It has
either a row per event (case, activity, time), as process logs do, or a row per case
with a column for each moment (received, answered, closed), as most help desks export
it.

What a row means is said by a `Plan`. A case is taken as a whole or not at all: if one
of its rows cannot be read, none of them counts, since a case without one of its rows
would be measured wrongly. Every row that does not count is named with its line and the
reason. The events that come out are those the running system would have written, in
the same normal form; how a case is brought into it is told by `_Normaliser`.

Nothing is kept of a row but its instant, event and who did it, so that a large file
fits; the rejected rows are read a second time for the list the user downloads.

Instants are UTC epoch seconds (`int`); fractions of a second are cut off.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

#: A file that unpacks to more than this is refused: it would not fit into memory.
MAX_BYTES = 1 << 30
#: Rows that guesses look at.
SAMPLE_ROWS = 200

# What a column says. Those in `MOMENTS` hold the time of an event themselves.
CASE = "case"
ACTIVITY = "activity"
TIME = "time"
WHO = "who"
ATTRIBUTES = ("subject", "customer", "team", "category", "priority", "channel", "tag")
MOMENTS = {
    "received_at": "received",
    "answered_at": "staff_reply",
    "closed_at": "closed",
}

# What an activity means.
RECEIVED = "received"
CUSTOMER_MESSAGE = "customer_message"
STAFF_REPLY = "staff_reply"
#: Staff did something, without answering: it ends a wait, and may reopen.
WORK = "work"
WAITS_FOR_CUSTOMER = "waits_for_customer"
WAITS_FOR_THIRD_PARTY = "waits_for_third_party"
RESUMED = "resumed"
CLOSED = "closed"
CANCELLED = "cancelled"
REOPENED = "reopened"
IGNORE = "ignore"

_WAITS = {WAITS_FOR_CUSTOMER: "customer", WAITS_FOR_THIRD_PARTY: "third_party"}

#: What to do with a case that has not ended in the file.
LEAVE_OUT = "leave_out"
END_UNSOLVED = "end_unsolved"

# Order of the parts of a date.
YEAR_FIRST = "ymd"
DAY_FIRST = "dmy"
MONTH_FIRST = "mdy"


class HistoryError(Exception):
    """The file as a whole cannot be used. `code` says why, `line` where, if known.

    Codes: empty, too_large, damaged, no_table, not_text.
    """

    def __init__(self, code: str, line: int = 0):
        super().__init__(code)
        self.code = code
        self.line = line


# --------------------------------------------------------------------------- reading


class Row(NamedTuple):
    """A row of the file: the line it begins at (the header is line 1) and its cells,
    which are texts or, from a spreadsheet, numbers and dates."""

    line: int
    cells: Sequence[object]


@dataclass(frozen=True)
class Table:
    """A file whose header is known; `rows()` reads it from the beginning each time.

    Names that come twice in the header are told apart: "Variant", "Variant (2)"; an
    empty one is "Column 5".
    """

    header: list[str]
    rows: Callable[[], Iterator[Row]]
    #: How the file was understood: xlsx, or encoding and separator.
    encoding: str = ""
    separator: str = ""


def read_table(content: bytes) -> Table:
    """Recognise a file by its content, never by its name.

    :raises HistoryError: when it is not a table that can be read
    """
    if content[:2] == b"\x1f\x8b":
        content = _unzip(content)
    if not content.strip():
        raise HistoryError("empty")
    if len(content) > MAX_BYTES:
        raise HistoryError("too_large")
    if content[:4] == b"PK\x03\x04":
        return _read_xlsx(content)
    return _read_csv(content)


def _unzip(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            # One more than is allowed tells that there is more.
            return packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise HistoryError("damaged") from error


def _decode(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        # Windows' code page last but one: nearly everything can be read with it.
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text[:10_000]:
            break
        return text, encoding
    raise HistoryError("not_text")


def _read_csv(content: bytes) -> Table:
    text, encoding = _decode(content)
    separator = _guess_separator(text)

    def rows() -> Iterator[Row]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise HistoryError("damaged", reader.line_num) from error
            if any(cells):
                yield Row(line, cells)
            line = reader.line_num + 1

    return _table(rows, encoding, separator)


def _guess_separator(text: str) -> str:
    """The separator that cuts the first rows into the most equal columns."""

    def score(separator: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text[:50_000], newline=""), delimiter=separator)
        widths: Counter[int] = Counter()
        try:
            for _number, cells in zip(range(50), reader, strict=False):
                widths[len(cells)] += 1
        except csv.Error:
            return 0, 0
        widths.pop(1, None)
        if not widths:
            return 0, 0
        width, times = widths.most_common(1)[0]
        return times, width

    return max(",;\t|", key=score)


def _read_xlsx(content: bytes) -> Table:
    # Only who reads a spreadsheet needs the package.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    unreadable = (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        OSError,
        SyntaxError,
    )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_BYTES:
                raise HistoryError("too_large")
        load_workbook(io.BytesIO(content), read_only=True, data_only=True).close()
    except unreadable as error:
        raise HistoryError("damaged") from error

    def rows() -> Iterator[Row]:
        line = 0
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = workbook.worksheets[0]
            # Some programs write a wrong size of the sheet, which would cut it off.
            sheet.reset_dimensions()
            for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                if any(cell not in (None, "") for cell in cells):
                    yield Row(line, cells)
        except unreadable as error:
            raise HistoryError("damaged", line + 1) from error
        finally:
            workbook.close()

    return _table(rows, "xlsx", "")


def _table(rows: Callable[[], Iterator[Row]], encoding: str, separator: str) -> Table:
    first = next(rows(), None)
    if first is None:
        raise HistoryError("empty")
    header = unique_names([to_text(cell) for cell in first.cells])
    if len(header) < 2:
        raise HistoryError("no_table")

    def body() -> Iterator[Row]:
        everything = rows()
        next(everything)
        return everything

    return Table(header, body, encoding, separator)


def unique_names(names: Sequence[str]) -> list[str]:
    """Names of columns that can be told apart."""
    seen: set[str] = set()
    unique = []
    for number, name in enumerate(names, 1):
        name = base = name or f"Column {number}"
        count = 1
        while name in seen:
            count += 1
            name = f"{base} ({count})"
        seen.add(name)
        unique.append(name)
    return unique


def to_text(cell: object) -> str:
    """A cell as a text without spaces around it; whole numbers without decimals."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def fold(text: str) -> str:
    """A text as it is compared: without regard to case and runs of spaces."""
    return " ".join(text.split()).casefold()


# ----------------------------------------------------------------------------- dates

_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), 1
    )
}
_DATE = re.compile(
    r"(\d{1,4})[-/. ](\d{1,2}|[A-Za-z]{3})[A-Za-z]*[-/. ](\d{1,4})"
    r"(?:,?[T ]\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)


class DateReader:
    """Reads the dates of a file, local times of one zone unless they say otherwise.

    A local time that comes twice, when summer time ends, is the later one, and one
    that does not exist is moved on by the gap: the rule of the opening hours.
    """

    def __init__(self, order: str, zone: str):
        self._order = order
        self._zone = ZoneInfo(zone)

    def __call__(self, cell: object) -> int | None:
        """The instant, or None if that is no date with these settings."""
        if isinstance(cell, datetime):
            # Spreadsheets keep fractions of a day: 14:59:59.999999 is 15:00.
            local = (cell + timedelta(milliseconds=500)).replace(microsecond=0)
            return self._to_epoch(local)
        match = _DATE.fullmatch(to_text(cell))
        if not match:
            return None
        one, two, three, hour, minute, second, half, offset = match.groups()
        if two.isalpha():
            month = _MONTHS.get(two.lower(), 0)
            year, day = (one, three) if len(one) == 4 else (three, one)
        elif self._order == YEAR_FIRST:
            year, month, day = one, two, three
        elif self._order == DAY_FIRST:
            year, month, day = three, two, one
        else:
            year, month, day = three, one, two
        if len(year) not in (2, 4):
            return None
        hours = int(hour or 0)
        if half:
            if not 1 <= hours <= 12:
                return None
            hours = hours % 12 + (12 if half in ("PM", "pm", "Pm", "pM") else 0)
        try:
            local = datetime(
                int(year) + (2000 if len(year) == 2 else 0),
                int(month),
                int(day),
                hours,
                int(minute or 0),
                int(second or 0),
            )
        except ValueError:
            return None
        if offset:
            return self._with_offset(local, offset)
        return self._to_epoch(local)

    @staticmethod
    def _with_offset(local: datetime, offset: str) -> int:
        at = int(local.replace(tzinfo=UTC).timestamp())
        if offset not in ("Z", "UTC"):
            digits = offset[1:].replace(":", "")
            shift = int(digits[:2]) * 3600 + int(digits[2:]) * 60
            at -= shift if offset[0] == "+" else -shift
        return at

    def _to_epoch(self, local: datetime) -> int | None:
        if local.year < 1970:
            return None
        if local.tzinfo is not None:
            return int(local.timestamp())
        aware = local.replace(tzinfo=self._zone)
        # The smaller offset is the later moment.
        offset = min(aware.utcoffset(), aware.replace(fold=1).utcoffset())
        return int((local.replace(tzinfo=UTC) - offset).timestamp())


def guess_date_order(cells: Iterable[object]) -> str:
    """The order of the parts of dates; empty when these are no dates.

    Where days and months cannot be told apart, the day comes first.
    """
    found = False
    order = DAY_FIRST
    for cell in cells:
        if isinstance(cell, datetime):
            found = True
            continue
        match = _DATE.fullmatch(to_text(cell))
        if not match:
            return ""
        found = True
        if len(match[1]) == 4:
            return YEAR_FIRST
        if match[2].isdigit() and int(match[2]) > 12:
            order = MONTH_FIRST
    return order if found else ""


# --------------------------------------------------------------------------- guessing

_COLUMN_WORDS = (
    (CASE, r"(case|ticket|incident|issue|request)( ?(id|number|no|nr|key|ref))?"),
    (CASE, r"(case:)?concept:name_case|id|number|key|numero|caso"),
    (ACTIVITY, r"activity|activities|event|action|concept:name|attivita|status"),
    ("received_at", r"(created|received|opened|submitted)( (at|on|date|time))?"),
    ("received_at", r"(creation|receipt|opening) (date|time)"),
    ("answered_at", r"(first (response|reply|answer)|answered)( (at|on|date|time))?"),
    ("closed_at", r"(closed|resolved|solved|completed)( (at|on|date|time))?"),
    ("closed_at", r"(closing|resolution|close) (date|time)"),
    (TIME, r"((complete|end|event) )?(timestamp|time|date|date ?time|when|data|ora)"),
    (TIME, r"time:timestamp"),
    (WHO, r"resource|user|agent|operator|author|assignee|org:resource"),
    ("subject", r"subject|title|summary|name|oggetto"),
    ("customer", r"customer|client|account|contact|company|cliente"),
    ("team", r"team|group|workgroup|work group|department"),
    ("category", r"category|categoria|service ?type|product|type"),
    ("priority", r"priority|severity|seriousness|urgency|priorita"),
    ("channel", r"channel|origin|source|canale"),
    ("tag", r"tags?|labels?|service ?level"),
)
_THING = r"(( the)? (ticket|case|request|incident|call|issue))?"
_ACTIVITY_WORDS = (
    (REOPENED, r"re-?open(ed)?.*|riapert\w*|wiedereröffnet|rouvert|reabiert\w*"),
    (
        CANCELLED,
        rf"(cancel|reject|discard|annul)\w*{_THING}|rifiutat\w*|storniert|spam",
    ),
    (CLOSED, rf"((re)?solved?|closed?|complet\w*|finish\w*|done){_THING}"),
    (CLOSED, r"chius\w*|risolt\w*|gelöst|geschlossen|fermé|résolu|cerrado|resuelto"),
    (
        WAITS_FOR_THIRD_PARTY,
        r"(wait\w*|pending|on hold)\b.*\b(third|vendor|supplier|provider|partner).*",
    ),
    (WAITS_FOR_CUSTOMER, r"(a?wait\w*|pending|on[- ]hold|suspend\w*)( .*)?"),
    (WAITS_FOR_CUSTOMER, r"(in )?attesa.*|sospes\w*|wartend?|en attente|en espera"),
    (RESUMED, r"resum\w*|continued?|ripres\w*|fortgesetzt|repris\w*|reanudad\w*"),
    (CUSTOMER_MESSAGE, r"(customer|client|requester)\b.*(repl|messag|answer|respon).*"),
    (STAFF_REPLY, r"(first )?(staff |agent )?(repl|respon|answer)\w*( .*)?"),
    (STAFF_REPLY, rf"take in charge{_THING}|acknowledg\w*|pres[ao] in carico"),
    (STAFF_REPLY, r"rispost\w*|antwort|beantwortet|réponse|respuesta"),
    (RECEIVED, rf"(creat|insert|open|receiv|submit|regist|new)\w*{_THING}"),
    (RECEIVED, r"inserit\w*|apert\w*|ricevut\w*|eröffnet|créé|creado|abierto"),
    (
        WORK,
        r"(assign|categori|priorit|escalat|work|in progress|analy|triage|forward).*",
    ),
)


def guess_columns(header: Sequence[str], rows: Sequence[Row]) -> dict[int, str]:
    """What the columns of a file say, by their names and first rows.

    A column with moments is only taken for one when all its cells are dates.
    """

    def has_dates(index: int) -> bool:
        cells = [row.cells[index] for row in rows if index < len(row.cells)]
        return bool(guess_date_order(cell for cell in cells if to_text(cell)))

    guess: dict[int, str] = {}
    dated = {index for index in range(len(header)) if has_dates(index)}
    for role, words in _COLUMN_WORDS:
        is_moment = role == TIME or role in MOMENTS
        for index, name in enumerate(header):
            name = fold(name.replace("_", " "))
            if (
                index not in guess
                and role not in guess.values()
                and re.fullmatch(words, name)
                and is_moment == (index in dated)
            ):
                guess[index] = role
    roles = set(guess.values())
    if TIME not in roles and not roles & set(MOMENTS) and dated - guess.keys():
        guess[min(dated - guess.keys())] = TIME
    if ACTIVITY in roles:
        # One row per event: dates of the case itself would be events in each row.
        return {at: role for at, role in guess.items() if role not in MOMENTS}
    return guess


def guess_event(activity: str) -> str:
    """What an activity means by its name; empty when only a person can tell."""
    text = fold(activity.replace("_", " "))
    for event, words in _ACTIVITY_WORDS:
        if re.fullmatch(words, text):
            return event
    return ""


# --------------------------------------------------------------------------- building


@dataclass(frozen=True, slots=True)
class Plan:
    """What the file means.

    `columns` says what a column says by its index, `events` what an activity means by
    its folded name. An activity that is missing there is unknown: its row, and with it
    the case, is rejected.
    """

    columns: Mapping[int, str]
    events: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    date_order: str = YEAR_FIRST
    #: A case without a row for its receipt was received with its first row; otherwise
    #: it is rejected.
    first_row_is_receipt: bool = True
    #: A wait ends with the next event of the case, for files that only tell its start.
    next_ends_wait: bool = True
    #: Work on a closed case reopens it, for files that do not tell reopenings.
    work_reopens: bool = True
    unfinished: str = LEAVE_OUT
    #: A case reopened within that time after its closing goes on, rather than anew.
    grace_seconds: int = 7 * 86_400
    #: Rows after this instant are rejected.
    now: int | None = None


class Step(NamedTuple):
    """An event of a case and the line it comes from (of a wait that the next row ends:
    the line of that row)."""

    kind: str
    at: int
    data: dict[str, str | bool]
    line: int


@dataclass(slots=True)
class PastCase:
    """A case that can be imported."""

    ref: str
    steps: list[Step]
    #: First filled cell of each attribute column: what was known first, which is what
    #: a promise is made on.
    attributes: dict[str, str]

    @property
    def received_at(self) -> int:
        return self.steps[0].at


class Rejected(NamedTuple):
    """A row that does not count. `value` is what the reason is about.

    Reasons: too_many_cells, no_case, no_activity, unknown_activity, no_time, bad_date,
    future, no_receipt, before_receipt, not_ended; other_row (`value` is the line of the
    row that is to blame for the rejection of the whole case).
    """

    line: int
    reason: str
    value: str = ""
    case: str = ""


@dataclass(slots=True)
class History:
    """What a file holds. `notes` counts what was put in order:

    - cases: assumed_receipt, answered_at_receipt (begins with a reply or a closing, so
      that nothing is known of the time before), ended_unsolved;
    - rows: closed_again, received_again, wait_goes_on, wait_ended, reopened_by_work,
      nothing_to_resume, nothing_to_reopen, wait_while_closed.
    """

    cases: list[PastCase] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    row_count: int = 0
    case_count: int = 0


@dataclass(slots=True)
class _Raw:
    """What was read of a case so far: (instant, line, order in the row, event, who)."""

    rows: list[tuple[int, int, int, str, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    #: Lines of its rows that were rejected.
    faults: list[int] = field(default_factory=list)


def build(table: Table, plan: Plan) -> History:
    """Make cases of the rows of a file, which need not stand together.

    :raises HistoryError: when the file is damaged further down
    """
    history = History()
    raws: dict[str, _Raw] = {}
    read = _RowReader(plan, len(table.header))
    for row in table.rows():
        ref = read.get_ref(row)
        history.row_count += 1
        if not ref:
            history.rejected.append(Rejected(row.line, "no_case"))
            continue
        raw = raws.get(ref)
        if raw is None:
            raw = raws[ref] = _Raw()
        raw.lines.append(row.line)
        fault = read(row, raw)
        if fault:
            reason, value = fault
            history.rejected.append(Rejected(row.line, reason, value, ref))
            raw.faults.append(row.line)
    history.case_count = len(raws)
    for ref, raw in raws.items():
        _finish(history, ref, raw, plan)
    history.rejected.sort()
    return history


class _RowReader:
    """Reads the cells of a row into what is known of its case."""

    def __init__(self, plan: Plan, width: int):
        index = {role: at for at, role in plan.columns.items()}
        self._plan = plan
        self._width = width
        self._case = index.get(CASE)
        self._activity = index.get(ACTIVITY)
        self._time = index.get(TIME)
        self._who = index.get(WHO)
        self._moments = [
            (index[role], event) for role, event in MOMENTS.items() if role in index
        ]
        self._attributes = [(role, index[role]) for role in ATTRIBUTES if role in index]
        self._to_epoch = DateReader(plan.date_order, plan.zone)

    def get_ref(self, row: Row) -> str:
        return self._text(row, self._case)

    def __call__(self, row: Row, raw: _Raw) -> tuple[str, str] | None:
        """Add a row to its case, or give the reason why that cannot be done."""
        for cell in row.cells[self._width :]:
            if to_text(cell):
                return "too_many_cells", ""
        for role, index in self._attributes:
            if not raw.attributes.get(role):
                raw.attributes[role] = self._text(row, index)
        who = self._text(row, self._who)
        if self._activity is None:
            return self._read_moments(row, raw, who)
        activity = self._text(row, self._activity)
        if not activity:
            return "no_activity", ""
        event = self._plan.events.get(fold(activity))
        if not event:
            return "unknown_activity", activity
        return self._add(row, raw, self._time, 0, event, who)

    def _read_moments(self, row: Row, raw: _Raw, who: str) -> tuple[str, str] | None:
        filled = False
        for order, (index, event) in enumerate(self._moments):
            if self._text(row, index):
                filled = True
                fault = self._add(row, raw, index, order, event, who)
                if fault:
                    return fault
        return None if filled else ("no_time", "")

    def _add(
        self,
        row: Row,
        raw: _Raw,
        index: int | None,
        order: int,
        event: str,
        who: str,
    ) -> tuple[str, str] | None:
        text = self._text(row, index)
        if not text:
            return "no_time", ""
        at = self._to_epoch(row.cells[index])
        if at is None:
            return "bad_date", text
        if self._plan.now is not None and at > self._plan.now:
            return "future", text
        raw.rows.append((at, row.line, order, event, who))
        return None

    @staticmethod
    def _text(row: Row, index: int | None) -> str:
        if index is None or index >= len(row.cells):
            return ""
        return to_text(row.cells[index])


def _finish(history: History, ref: str, raw: _Raw, plan: Plan) -> None:
    """Add a case, or the reason why each of its rows is rejected."""
    if not raw.faults:
        normaliser = _Normaliser(plan)
        fault = normaliser.run(sorted(raw.rows))
        if not fault:
            history.notes.update(normaliser.notes)
            attributes = {key: text for key, text in raw.attributes.items() if text}
            history.cases.append(PastCase(ref, normaliser.steps, attributes))
            return
        line, reason = fault
        history.rejected.append(Rejected(line, reason, "", ref))
        raw.faults.append(line)
    history.rejected.extend(
        Rejected(line, "other_row", str(raw.faults[0]), ref)
        for line in raw.lines
        if line not in raw.faults
    )


class _Normaliser:
    """Brings the rows of a case, in the order of time, into events.

    - Received is the first row that says so, and no row may be older; where none says
      so it is the first row of all, which counts for itself as well: a case that begins
      with an answer was answered at receipt.
    - The first closing ends the case. A closing of what is closed, such as the
      automatic one weeks after the solution, changes nothing.
    - Work, a wait, a resumption, and a reply on a closed case reopen it, if the plan
      says so; otherwise the reply stands by itself, and the others change nothing.
    - A wait ends with the next event that is not ignored, if the plan says so, with
      "resumed", "reopened", or with the closing, which needs no resumption. Waiting
      for the same party again goes on.
    - A case that is open at its end is rejected, or ended as not solved at its last
      row: that never counts as kept, and what was late by then is missed.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._waiting = ""
        self._closed_at: int | None = None
        self.steps: list[Step] = []
        self.notes: Counter[str] = Counter()

    def run(self, rows: list[tuple[int, int, int, str, str]]) -> tuple[int, str] | None:
        """Fill `steps`; give line and reason if that cannot be done."""
        at, line, _order, event, who = rows[0]
        receipt = next((row for row in rows if row[3] == RECEIVED), None)
        if receipt is None:
            if not self._plan.first_row_is_receipt:
                return line, "no_receipt"
            self._emit(RECEIVED, at, line, who)
            self.notes["assumed_receipt"] += 1
            self.notes["answered_at_receipt"] += event in (STAFF_REPLY, CLOSED)
        elif at < receipt[0]:
            return line, "before_receipt"
        else:
            self._emit(RECEIVED, receipt[0], receipt[1], receipt[4])
        for row in rows:
            if row is not receipt and row[3] != IGNORE:
                self._take(*row)
        if self._closed_at is None:
            at, line, _order, event, who = rows[-1]
            if self._plan.unfinished == LEAVE_OUT:
                return line, "not_ended"
            self._emit(CLOSED, at, line, outcome="cancelled")
            self.notes["ended_unsolved"] += 1
        return None

    def _take(self, at: int, line: int, _order: int, event: str, who: str) -> None:
        if event == RECEIVED:
            self.notes["received_again"] += 1
            event = WORK
        if event in _WAITS:
            self._wait(at, line, who, _WAITS[event])
        elif event in (CLOSED, CANCELLED):
            self._close(at, line, who, event)
        elif event == RESUMED:
            self._resume(at, line, who)
        elif event == REOPENED:
            self._reopen(at, line, who)
        elif event == CUSTOMER_MESSAGE:
            if self._plan.next_ends_wait:
                self._end_wait(at, line)
            self._emit(CUSTOMER_MESSAGE, at, line)
        else:
            self._work(at, line, who)
            if event == STAFF_REPLY:
                self._emit(STAFF_REPLY, at, line, who)

    def _work(self, at: int, line: int, who: str) -> None:
        if self._closed_at is not None:
            if self._plan.work_reopens:
                self._go_on(at, line, who)
                self.notes["reopened_by_work"] += 1
        elif self._plan.next_ends_wait:
            self._end_wait(at, line)

    def _wait(self, at: int, line: int, who: str, party: str) -> None:
        if self._closed_at is not None:
            if not self._plan.work_reopens:
                self.notes["wait_while_closed"] += 1
                return
            self._go_on(at, line, who)
            self.notes["reopened_by_work"] += 1
        if self._waiting == party:
            self.notes["wait_goes_on"] += 1
            return
        self._waiting = party
        self._emit("paused", at, line, who, waiting_on=party)

    def _resume(self, at: int, line: int, who: str) -> None:
        if self._waiting:
            self._waiting = ""
            self._emit(RESUMED, at, line, who)
        elif self._closed_at is not None and self._plan.work_reopens:
            self._go_on(at, line, who)
            self.notes["reopened_by_work"] += 1
        else:
            self.notes["nothing_to_resume"] += 1

    def _close(self, at: int, line: int, who: str, event: str) -> None:
        if self._closed_at is not None:
            self.notes["closed_again"] += 1
            return
        self._waiting = ""
        self._closed_at = at
        outcome = "solved" if event == CLOSED else "cancelled"
        self._emit(CLOSED, at, line, who, outcome=outcome)

    def _reopen(self, at: int, line: int, who: str) -> None:
        if self._closed_at is not None:
            self._go_on(at, line, who)
        else:
            self.notes["nothing_to_reopen"] += 1
            self._end_wait(at, line)

    def _go_on(self, at: int, line: int, who: str) -> None:
        within_grace = at - self._closed_at <= self._plan.grace_seconds
        self._closed_at = None
        self._emit(REOPENED, at, line, who, within_grace=within_grace)

    def _end_wait(self, at: int, line: int) -> None:
        if self._waiting:
            self._waiting = ""
            self._emit(RESUMED, at, line)
            self.notes["wait_ended"] += 1

    def _emit(
        self, kind: str, at: int, line: int, who: str = "", **data: str | bool
    ) -> None:
        if who:
            data["by"] = who
        self.steps.append(Step(kind, at, data, line))
