"""Which policy line gives a ticket its promise.

Policies in their order, of each the version in force when the request came in, or the
one that was then tried on this customer, of that its lines in their order: the first
line of which every filled condition holds.
An empty condition holds for any ticket; a line without any condition holds only where
it says so (`match_all`), so that a forgotten condition never becomes a promise to
everybody.

Rules are compiled once; a ticket is then matched in memory. Instants are UTC epoch
seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import inf

NOBODY: frozenset[int] = frozenset()

ANY = "any"
ONLY = "only"

#: Which customers take part in a trial.
EVERYBODY = "everybody"
LIST = "list"
SEGMENTS = "segments"
SHARE = "share"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a line or a trial may ask about a ticket: database ids, 0 for none.

    The last three only trials ask about: `customer` is the company, or the person
    without one, that the contact belongs to; `user` the assignee; `promised` the
    version that the ticket is already promised under.
    """

    channel: int = 0
    category: int = 0
    team: int = 0
    tags: frozenset[int] = NOBODY
    priority: str = ""
    segments: frozenset[int] = NOBODY
    complaint: bool = False
    customer: int = 0
    user: int = 0
    promised: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One compiled policy line. Empty sets and empty bounds are no condition.

    Sets of categories and teams already hold their sub-categories and sub-teams.
    `targets` has opening seconds by kind of promise, without the kinds not promised;
    `hours` is the hours table that the line names, 0 for none.
    """

    id: int
    match_all: bool = False
    segments: frozenset[int] = NOBODY
    channels: frozenset[int] = NOBODY
    categories: frozenset[int] = NOBODY
    teams: frozenset[int] = NOBODY
    tags: frozenset[int] = NOBODY
    priority_from: str = ""
    priority_to: str = ""
    complaint: str = ANY
    hours: int = 0
    targets: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_condition(self) -> bool:
        return bool(
            self.segments
            or self.channels
            or self.categories
            or self.teams
            or self.tags
            or self.priority_from
            or self.priority_to
            or self.complaint != ANY
        )

    def first_failure(self, facts: Facts) -> str:
        """Name of the first condition that does not hold, empty if all hold.

        One of match_all, channel, category, team, priority, complaint, segment, tag.
        """
        if not self.match_all and not self.has_condition:
            return "match_all"
        if self.channels and facts.channel not in self.channels:
            return "channel"
        if self.categories and facts.category not in self.categories:
            return "category"
        if self.teams and facts.team not in self.teams:
            return "team"
        if self.priority_from and facts.priority < self.priority_from:
            return "priority"
        if self.priority_to and not "" < facts.priority <= self.priority_to:
            return "priority"
        if self.complaint != ANY and facts.complaint != (self.complaint == ONLY):
            return "complaint"
        if self.segments and self.segments.isdisjoint(facts.segments):
            return "segment"
        if self.tags and self.tags.isdisjoint(facts.tags):
            return "tag"
        return ""

    def covers(self, other: Line) -> bool:
        """Whether every ticket that `other` holds for is one this line holds for."""

        def wider(mine: frozenset[int], its: frozenset[int]) -> bool:
            return not mine or bool(its) and its <= mine

        if not self.match_all and not self.has_condition:
            return False
        return (
            wider(self.segments, other.segments)
            and wider(self.channels, other.channels)
            and wider(self.categories, other.categories)
            and wider(self.teams, other.teams)
            and wider(self.tags, other.tags)
            and (self.complaint in (ANY, other.complaint))
            and self.priority_from <= other.priority_from
            and (
                not self.priority_to
                or bool(other.priority_to)
                and other.priority_to <= self.priority_to
            )
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A published version: in force for requests received in `[begins, ends)`."""

    id: int
    begins: int
    lines: tuple[Line, ...] = ()
    ends: float = inf


def position(salt: str, customer: int) -> float:
    """Where a customer stands between 0 (included) and 1, as if drawn by lot.

    Always the same for the same customer and salt, and evenly spread: the first eight
    bytes of a SHA-256.
    """
    digest = sha256(f"{salt}:{customer}".encode()).digest()
    # Eight bytes have more digits than a float: the very last would round up to 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that is tried on some, in place of the one in force for them.

    It holds for requests received in `[version.begins, version.ends)`. Customers take
    part by `mode`: everybody, those in `customers`, those in one of `segments`, or a
    share (0 to 1) that `salt` draws. Where staff were chosen, theirs must the ticket
    be, too: of one of `teams`, given to one of `users`, or, while it is given to
    nobody, in one of `user_teams`, the teams of those users.
    """

    id: int
    version: Version
    mode: str = EVERYBODY
    customers: frozenset[int] = NOBODY
    segments: frozenset[int] = NOBODY
    share: float = 0.0
    salt: str = ""
    teams: frozenset[int] = NOBODY
    users: frozenset[int] = NOBODY
    user_teams: frozenset[int] = NOBODY

    def runs_at(self, at: int) -> bool:
        """Whether a request received at `at` may take part."""
        return self.version.begins <= at < self.version.ends

    def takes_part(self, facts: Facts) -> bool:
        """Whether a ticket is of customers and staff that take part."""
        return self.has_customer(facts) and self.has_staff(facts)

    def has_customer(self, facts: Facts) -> bool:
        """Whether the customer takes part; nobody unknown does, unless everybody."""
        if self.mode == EVERYBODY:
            return True
        if not facts.customer:
            return False
        if self.mode == LIST:
            return facts.customer in self.customers
        if self.mode == SEGMENTS:
            return not self.segments.isdisjoint(facts.segments)
        return position(self.salt, facts.customer) < self.share

    def has_staff(self, facts: Facts) -> bool:
        """Whether the ticket is with staff who take part.

        A ticket that came in while nobody had it, and then was given to a colleague
        who does not take part, keeps what it was promised.
        """
        if not self.teams and not self.users:
            return True
        if facts.team and facts.team in self.teams:
            return True
        if facts.user and facts.user in self.users:
            return True
        loose = not facts.user or facts.promised == self.version.id
        return loose and bool(facts.team) and facts.team in self.user_teams


@dataclass(frozen=True, slots=True)
class Policy:
    """All versions of one policy that were ever published, the latest begin first,
    and all its trials that ever began."""

    id: int
    versions: tuple[Version, ...] = ()
    trials: tuple[Trial, ...] = ()

    def trial_of(self, facts: Facts, at: int) -> Trial | None:
        """The trial that a ticket received at `at` takes part in, if any."""
        for trial in self.trials:
            if trial.runs_at(at) and trial.takes_part(facts):
                return trial
        return None

    def applies(self, facts: Facts, at: int) -> Version | None:
        """The version that decides for a ticket received at `at`, if any."""
        trial = self.trial_of(facts, at) if self.trials else None
        return trial.version if trial else self.in_force(at)

    def in_force(self, at: int) -> Version | None:
        """The version with the latest beginning not after `at`, unless it was retired
        by then; None before the first one.

        A version retired before its beginning never was in force, and replaced none.
        """
        for version in self.versions:
            if version.begins <= at and version.begins < version.ends:
                return version if at < version.ends else None
        return None


def tried(policies: tuple[Policy, ...], at: int) -> bool:
    """Whether any version was on trial at `at`: only then is a ticket asked about its
    customer and its assignee."""
    return any(trial.runs_at(at) for policy in policies for trial in policy.trials)


def without_trials(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    """The same policies as they are for those who take part in no trial."""
    return tuple(
        replace(policy, trials=()) if policy.trials else policy for policy in policies
    )


def considered(
    policies: tuple[Policy, ...], facts: Facts, at: int
) -> Iterator[tuple[Policy, Version, Line, str]]:
    """Every line that is looked at, with the first condition that failed, up to and
    with the line that holds (its failure is empty)."""
    for policy in policies:
        version = policy.applies(facts, at)
        if version is None:
            continue
        for line in version.lines:
            failure = line.first_failure(facts)
            yield policy, version, line, failure
            if not failure:
                return


def match(
    policies: tuple[Policy, ...], facts: Facts, at: int
) -> tuple[Version, Line] | None:
    """The line that gives the promise for a ticket received at `at`, if any."""
    for policy in policies:
        version = policy.applies(facts, at)
        if version is None:
            continue
        for line in version.lines:
            if not line.first_failure(facts):
                return version, line
    return None
