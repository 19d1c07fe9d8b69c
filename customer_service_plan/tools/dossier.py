"""One ticket while it is being worked on: its case, and what is to be written.

A dossier is filled from the database, takes in events, and knows afterwards which
rows have changed. It is the bridge between the stored rows and `clock.Case`; it needs
no database itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from . import clock

#: What a row says, by name.
ROW_FIELDS = tuple(each.name for each in fields(clock.Commitment))

ENDED_AT = ROW_FIELDS.index("ended_at")

#: The same of one row: a tuple, to find out later what has changed.
get_content = attrgetter(*ROW_FIELDS)


@dataclass(frozen=True, slots=True)
class Noted:
    """An event to be written. `user` and `partner` are database ids, 0 for none."""

    kind: str
    at: int
    data: Mapping[str, Any]
    user: int = 0
    partner: int = 0


@dataclass(slots=True)
class Dossier:
    """`seen_state` and `seen_match` say what the addon last saw of the ticket;
    `state_key` and `match_key` how that reads now, where somebody has looked.

    `seen_match` is None for a ticket that is not under promise: one that existed
    before the addon, or imported history.
    """

    ticket: int
    company: int
    case: clock.Case
    seen_state: str = ""
    seen_match: str | None = None
    state_key: str = ""
    match_key: str = ""
    #: Tags of the ticket, where they were read along with it.
    tags: Iterable[int] | None = None
    #: Under which moment's versions the ticket is matched; receipt where empty.
    as_of: int | None = None
    segment: int = 0
    handovers: int = 0
    is_complaint: bool = False
    #: Whether the open rows are to be planned anew although they have not changed: they
    #: follow another escalation list.
    plan_anew: bool = False
    #: Matters to look after that began (True) or ended, by their trigger.
    concerns: dict[str, bool] = field(default_factory=dict)
    #: The earliest moment at which the ticket must be looked at, of what was planned.
    wake_at: int | None = None
    #: Rows whose hours changed since they were planned.
    stale: list[clock.Commitment] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    has_history: bool = False
    #: What the columns of the ticket say; empty where that is not known.
    stored_facts: tuple = ()
    _stored_rows: dict[int, tuple] = field(default_factory=dict)

    def add_stored_row(self, row: clock.Commitment, stale: bool = False) -> None:
        """Add a row as it stands in the database."""
        self.case.rows.append(row)
        self._stored_rows[row.id] = get_content(row)
        if stale and row.ended_at is None and row.state in clock.UNDECIDED:
            self.stale.append(row)

    def is_as_seen(self) -> bool:
        """Whether the ticket reads as it did when the addon last looked."""
        return self.seen_state == self.state_key and (
            self.seen_match is None or self.seen_match == self.match_key
        )

    def add_history(self, events: Iterable[clock.Event]) -> None:
        """Give the case the events that were written before this dossier was opened."""
        self.case.history[:0] = events
        self.has_history = True

    def note(
        self,
        kind: str,
        at: int,
        data: Mapping[str, Any] | None = None,
        user: int = 0,
        partner: int = 0,
    ) -> None:
        """Take in one event; promises missed before it or by it are noted too."""
        data = data or {}
        if not data.get("from_receipt"):
            self.lapse(at)
        open_before = {
            id(row) for row in self.case.rows if row.state in clock.UNDECIDED
        }
        self.case.apply(clock.Event(kind, at, data))
        self.noted.append(Noted(kind, at, data, user, partner))
        for row in self.case.rows:
            late = row.state == clock.MISSED and row.missed_at is not None
            if late and (id(row) in open_before or not row.id):
                self._note_missed(row, at)

    def lapse(self, now: int) -> None:
        """Note as missed what is past its deadline."""
        for row in self.case.lapse(now):
            self._note_missed(row, now)

    def measure_stale(self, now: int) -> None:
        """Plan rows anew whose hours changed. Needs the history."""
        for row in self.case.measure_again(now, self.stale):
            self._note_missed(row, now)

    def _note_missed(self, row: clock.Commitment, at: int) -> None:
        data = {
            "commitment": row.kind,
            "started_at": row.started_at,
            "missed_at": row.missed_at,
        }
        known = (
            event.data
            for event in (*self.noted, *self.case.history)
            if event.kind == "missed"
        )
        if data in known:
            return
        self.case.history.append(clock.Event("missed", at, data))
        self.noted.append(Noted("missed", at, data))

    def wake_up_at(self, moment: int) -> None:
        """Have the ticket looked at no later than at `moment`."""
        if self.wake_at is None or moment < self.wake_at:
            self.wake_at = moment

    def changed_rows(self) -> list[tuple[clock.Commitment, tuple]]:
        """Stored rows that are not as they were, and all whose plan was renewed.

        Each comes with what it said before, in the order of `ROW_FIELDS`.
        """
        renewed = {row.id for row in self.stale}
        if self.plan_anew:
            renewed.update(row.id for row in self.case.rows if row.ended_at is None)
        changed = []
        for row in self.case.rows:
            before = self._stored_rows.get(row.id)
            if before and (row.id in renewed or get_content(row) != before):
                changed.append((row, before))
        return changed

    def new_rows(self) -> list[clock.Commitment]:
        return [row for row in self.case.rows if not row.id]

    def ended_rows(self) -> list[int]:
        """Ids of the stored rows that have ended since the dossier was opened."""
        return [
            row.id
            for row in self.case.rows
            if row.ended_at is not None
            and row.id in self._stored_rows
            and self._stored_rows[row.id][ENDED_AT] is None
        ]

    def replay(self, history: Iterable[clock.Event], until: int) -> None:
        """Derive the case anew from all events. The stored rows must be gone."""
        self.case = clock.replay(history, self.case.hours, until)
        self.has_history = True
        self.stale, self._stored_rows, self.stored_facts = [], {}, ()
        self.handovers = sum(
            1
            for event in self.case.history
            if event.kind == "handover" and event.data.get("from")
        )
