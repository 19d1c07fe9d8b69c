"""Who is given a ticket: the plain rules."""

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from ..tools.distribution import (
    IN_TURN,
    LEAST_LOADED,
    Member,
    Request,
    Round,
    ticket_points,
)

NOW = 1_800_000_000
methods = st.sampled_from([IN_TURN, LEAST_LOADED])
members = st.lists(
    st.builds(
        Member,
        id=st.integers(1, 30),
        there=st.booleans(),
        channels=st.frozensets(st.integers(1, 3), max_size=2),
        languages=st.frozensets(st.sampled_from(["nl", "fr", "de"]), max_size=2),
        ceiling=st.integers(0, 6),
        open=st.integers(0, 8),
        load=st.integers(0, 30),
        given=st.integers(0, 9),
        last=st.integers(0, NOW),
    ),
    max_size=6,
    unique_by=lambda member: member.id,
)
requests = st.lists(
    st.builds(
        Request,
        id=st.integers(1, 10_000),
        channel=st.integers(0, 3),
        language=st.sampled_from(["", "nl", "fr", "el"]),
        points=st.integers(1, 6),
        without=st.frozensets(st.integers(1, 30), max_size=3),
    ),
    max_size=40,
    unique_by=lambda request: request.id,
)


def people(*ids, **kwargs):
    return [Member(number, **kwargs) for number in ids]


class TestRules(BaseCase):
    def _give(self, method, crew, *wanted):
        shared = Round(method, crew, NOW)
        return [shared.give(request) for request in wanted]

    def test_in_turn(self):
        crew = people(1, 2, 3)
        crew[0].given = 1
        wanted = [Request(number) for number in range(10, 15)]
        choices = self._give(IN_TURN, crew, *wanted)
        self.assertEqual([choice.to for choice in choices], [2, 3, 1, 2, 3])
        self.assertEqual(choices[0].counts, ((2, 0), (3, 0), (1, 1)))

    def test_turn_goes_to_who_waits_longest(self):
        crew = people(1, 2, 3, given=2)
        for member, last in zip(crew, (NOW - 5, NOW - 50, NOW - 10), strict=True):
            member.last = last
        self.assertEqual(self._give(IN_TURN, crew, Request(9))[0].to, 2)

    def test_least_loaded(self):
        crew = [Member(1, load=9), Member(2, load=4), Member(3, load=6)]
        wanted = [Request(number, points=3) for number in (10, 11, 12)]
        choices = self._give(LEAST_LOADED, crew, *wanted)
        self.assertEqual([choice.to for choice in choices], [2, 3, 2])
        self.assertEqual(choices[0].counts, ((2, 4), (3, 6), (1, 9)))

    def test_language(self):
        crew = [Member(1, languages=frozenset(["fr"])), Member(2, load=99)]
        choice = self._give(LEAST_LOADED, crew, Request(9, language="nl"))[0]
        self.assertEqual((choice.to, choice.by_language), (2, True))
        crew[1].languages = frozenset(["de"])
        choice = self._give(LEAST_LOADED, crew, Request(9, language="nl"))[0]
        self.assertEqual((choice.to, choice.nobody_speaks), (1, True))
        choice = self._give(LEAST_LOADED, crew, Request(9))[0]
        self.assertFalse(choice.by_language or choice.nobody_speaks)

    def test_who_speaks_it_has_no_room(self):
        crew = [Member(1, languages=frozenset(["nl"]), ceiling=1, open=1)]
        crew.append(Member(2, languages=frozenset(["fr"])))
        choice = self._give(IN_TURN, crew, Request(9, language="nl"))[0]
        self.assertEqual((choice.to, choice.full), (2, (1,)))
        self.assertTrue(choice.nobody_speaks)

    def test_nobody(self):
        self.assertEqual(self._give(IN_TURN, [], Request(9))[0].to, 0)
        crew = people(1, 2, ceiling=1, open=1)
        choice = self._give(IN_TURN, crew, Request(9))[0]
        self.assertEqual((choice.to, choice.full), (0, (1, 2)))
        self.assertFalse(choice.nobody_speaks)
        crew = people(1, channels=frozenset([5]))
        choice = self._give(IN_TURN, crew, Request(9, channel=4))[0]
        self.assertEqual((choice.to, choice.unqualified), (0, (1,)))

    def test_points(self):
        self.assertEqual(
            [ticket_points(str(level)) for level in range(4)], [1, 2, 3, 4]
        )
        self.assertEqual(ticket_points("3", is_waiting=True), 1)
        self.assertEqual(ticket_points("1", is_near=True), 4)
        self.assertEqual(ticket_points(""), 2)

    @given(methods, members, requests)
    def test_rules_hold(self, method, crew, wanted):
        start = {member.id: member.open for member in crew}
        absent = {member.id for member in crew if not member.there}
        by_id = {member.id: member for member in crew}
        shared = Round(method, crew, NOW)
        for request in wanted:
            before = {member.id: member.open for member in crew}
            choice = shared.give(request)
            fit = {
                member.id
                for member in crew
                if member.there
                and member.id not in request.without
                and (not member.channels or request.channel in member.channels)
                and (not member.ceiling or before[member.id] < member.ceiling)
            }
            self.assertEqual(bool(choice.to), bool(fit))
            if not choice.to:
                continue
            self.assertIn(choice.to, fit)
            self.assertNotIn(choice.to, absent)
            ceiling = by_id[choice.to].ceiling
            self.assertTrue(not ceiling or by_id[choice.to].open <= ceiling)
            speaking = {
                one
                for one in fit
                if not request.language
                or not by_id[one].languages
                or request.language in by_id[one].languages
            }
            self.assertTrue(not speaking or choice.to in speaking)
        total = sum(member.open - start[member.id] for member in crew)
        self.assertEqual(total, len(shared.given))

    @given(st.integers(1, 8), st.integers(0, 60))
    def test_a_day_with_all_present_is_even(self, heads, tickets):
        crew = people(*range(1, heads + 1))
        self._give(IN_TURN, crew, *(Request(number) for number in range(tickets)))
        counts = [member.given for member in crew]
        self.assertLessEqual(max(counts) - min(counts), 1)
        self.assertEqual(sum(counts), tickets)

    @given(st.integers(1, 8), st.lists(st.integers(1, 6), max_size=60))
    def test_even_work(self, heads, points):
        """No two differ by more than the heaviest ticket."""
        crew = people(*range(1, heads + 1))
        self._give(
            LEAST_LOADED,
            crew,
            *(Request(number, points=each) for number, each in enumerate(points)),
        )
        loads = [member.load for member in crew]
        self.assertLessEqual(max(loads) - min(loads), max(points, default=0))

    @given(methods, members, requests, st.randoms())
    def test_same_answer_in_any_order_of_members(self, method, crew, wanted, random):
        def copy(source):
            names = Member.__slots__
            return [Member(*(getattr(one, name) for name in names)) for one in source]

        other = copy(crew)
        random.shuffle(other)
        self.assertEqual(
            self._give(method, copy(crew), *wanted), self._give(method, other, *wanted)
        )
