"""Which policy line gives a ticket its promise.

Policies in their order, of each the version in force when the request came in, of
that its lines in their order: the first line of which every filled condition holds.
An empty condition holds for any ticket; a line without any condition holds only where
it says so (`match_all`), so that a forgotten condition never becomes a promise to
everybody.

Rules are compiled once; a ticket is then matched in memory. Instants are UTC epoch
seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

NOBODY: frozenset[int] = frozenset()

ANY = "any"
ONLY = "only"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a line may ask about a ticket: database ids, 0 for none."""

    channel: int = 0
    category: int = 0
    team: int = 0
    tags: frozenset[int] = NOBODY
    priority: str = ""
    segments: frozenset[int] = NOBODY
    complaint: bool = False


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


@dataclass(frozen=True, slots=True)
class Policy:
    """All versions of one policy that were ever published, the latest begin first."""

    id: int
    versions: tuple[Version, ...] = ()

    def in_force(self, at: int) -> Version | None:
        """The version with the latest beginning not after `at`, unless it was retired
        by then; None before the first one.

        A version retired before its beginning never was in force, and replaced none.
        """
        for version in self.versions:
            if version.begins <= at and version.begins < version.ends:
                return version if at < version.ends else None
        return None


def considered(
    policies: tuple[Policy, ...], facts: Facts, at: int
) -> Iterator[tuple[Policy, Version, Line, str]]:
    """Every line that is looked at, with the first condition that failed, up to and
    with the line that holds (its failure is empty)."""
    for policy in policies:
        version = policy.in_force(at)
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
        version = policy.in_force(at)
        if version is None:
            continue
        for line in version.lines:
            if not line.first_failure(facts):
                return version, line
    return None
