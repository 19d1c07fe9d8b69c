from collections import Counter
from datetime import date
from math import ceil, floor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import sampling
from ..tools.sampling import CONDITION, RANDOM, Pick, Reviewer, Ticket

SEEDS = st.text(max_size=80)
AGENTS = (1, 2, 3)
POTS = st.dictionaries(
    keys=st.integers(1, 500),
    values=st.tuples(st.sampled_from(AGENTS), st.booleans()),
    max_size=60,
).map(lambda pots: [Ticket(key, *rest) for key, rest in pots.items()])
WANTED = st.fixed_dictionaries({agent: st.integers(0, 12) for agent in AGENTS})
PERCENT = st.integers(0, 100)
# The machine may be busy with other things.
FAST = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: Ticket, and how it was drawn.
KNOWN_CHOICE = [
    (9, "random"),
    (8, "condition"),
    (30, "random"),
    (28, "condition"),
]


def _flat(drawn):
    return [pick for picks in drawn.values() for pick in picks]


class TestDrawing(BaseCase):
    """Which tickets are drawn."""

    @FAST
    @given(SEEDS, POTS, WANTED, PERCENT, st.randoms())
    def test_the_order_of_tickets_does_not_matter(
        self, seed, pot, wanted, percent, shuffler
    ):
        first = sampling.draw(seed, pot, wanted, percent)
        other = list(pot)
        shuffler.shuffle(other)
        self.assertEqual(first, sampling.draw(seed, other, wanted, percent))

    @FAST
    @given(SEEDS, POTS, WANTED, PERCENT)
    def test_numbers(self, seed, pot, wanted, percent):
        drawn = sampling.draw(seed, pot, wanted, percent)
        fits = {ticket.id for ticket in pot if ticket.fits}
        agents = {ticket.id: ticket.agent for ticket in pot}
        tickets = [pick.ticket for pick in _flat(drawn)]
        self.assertEqual(len(tickets), len(set(tickets)))
        for agent in AGENTS:
            picks = drawn.get(agent, [])
            own = [ticket for ticket in pot if ticket.agent == agent]
            number = wanted[agent]
            self.assertEqual(len(picks), min(number, len(own)))
            at_random = sum(pick.kind == RANDOM for pick in picks)
            fitting = sum(ticket.fits for ticket in own)
            if len(own) <= number:
                self.assertEqual(at_random, len(own))
            else:
                share = number * percent / 100
                self.assertGreaterEqual(at_random, floor(share))
                # More only where too few fulfil the conditions.
                self.assertLessEqual(
                    at_random, max(ceil(share), number - min(number, fitting))
                )
            for pick in picks:
                self.assertEqual(agents[pick.ticket], agent)
                if pick.kind == CONDITION:
                    self.assertIn(pick.ticket, fits)

    @FAST
    @given(SEEDS, POTS, WANTED)
    def test_conditions_do_not_touch_what_is_drawn_at_random(self, seed, pot, wanted):
        """With the same number of fitting tickets, other ones fit: the same lots."""
        drawn = sampling.draw(seed, pot, wanted, 50)
        turned = []
        for agent in AGENTS:
            own = [ticket for ticket in pot if ticket.agent == agent]
            flags = [ticket.fits for ticket in own]
            turned += [
                ticket._replace(fits=flag)
                for ticket, flag in zip(own, reversed(flags), strict=True)
            ]
        again = sampling.draw(seed, turned, wanted, 50)
        self.assertEqual(
            {pick for pick in _flat(drawn) if pick.kind == RANDOM},
            {pick for pick in _flat(again) if pick.kind == RANDOM},
        )

    @FAST
    @given(SEEDS, POTS)
    def test_a_ticket_more_moves_at_most_one(self, seed, pot):
        wanted = dict.fromkeys(AGENTS, 3)
        before = _flat(sampling.draw(seed, pot, wanted, 100))
        more = [*pot, Ticket(1000, 1, False)]
        after = _flat(sampling.draw(seed, more, wanted, 100))
        self.assertLessEqual(len(set(before) - set(after)), 1)

    def test_every_ticket_has_the_same_chance(self):
        pot = [Ticket(number, 1, number % 3 == 0) for number in range(20)]
        counts = Counter()
        for seed in range(4000):
            drawn = sampling.draw(str(seed), pot, {1: 4}, 50)
            counts.update(pick.ticket for pick in drawn[1] if pick.kind == RANDOM)
        # 2 of 20, 4,000 times: 400 each, standard deviation 19
        for number in range(20):
            self.assertAlmostEqual(counts[number], 400, delta=95)

    def test_a_share_that_is_no_whole_number_holds_over_the_periods(self):
        counts = [
            sampling.count_at_random(f"week {week}", 7, 1, 30) for week in range(2000)
        ]
        self.assertAlmostEqual(sum(counts), 600, delta=100)
        self.assertEqual(set(counts), {0, 1})
        self.assertEqual(sampling.count_at_random("any", 7, 4, 50), 2)

    def test_too_few_fitting_ones_are_made_up_at_random(self):
        pot = [Ticket(number, 1, False) for number in range(20)]
        drawn = sampling.draw("seed", pot, {1: 4}, 0)
        self.assertEqual([pick.kind for pick in drawn[1]], [RANDOM] * 4)

    def test_known_choice(self):
        """The lot is the same on every machine and in every release."""
        pot = [Ticket(number, 1, number % 2 == 0) for number in range(1, 31)]
        drawn = sampling.draw("a seed", pot, {1: 4}, 50)
        self.assertEqual([(pick.ticket, pick.kind) for pick in drawn[1]], KNOWN_CHOICE)


class TestAssigning(BaseCase):
    """Who reviews them."""

    REVIEWERS = st.lists(
        st.builds(
            Reviewer,
            id=st.integers(1, 6),
            capacity=st.integers(0, 8),
            open=st.integers(0, 8),
        ),
        max_size=5,
        unique_by=lambda reviewer: reviewer.id,
    )
    PICKS = st.fixed_dictionaries({agent: st.integers(0, 6) for agent in AGENTS}).map(
        lambda numbers: {
            agent: [Pick(agent * 100 + one, agent, RANDOM) for one in range(number)]
            for agent, number in numbers.items()
        }
    )

    @FAST
    @given(SEEDS, PICKS, REVIEWERS)
    def test_nobody_his_own_and_nobody_too_many(self, seed, picks, reviewers):
        given_to, left = sampling.assign(seed, picks, reviewers)
        agents = {pick.ticket: pick.agent for pick in _flat(picks)}
        self.assertEqual(
            sorted([*given_to, *(pick.ticket for pick in left)]), sorted(agents)
        )
        loads = Counter(given_to.values())
        for ticket, reviewer in given_to.items():
            self.assertNotEqual(agents[ticket], reviewer)
        for person in reviewers:
            self.assertLessEqual(
                loads[person.id], max(0, person.capacity - person.open)
            )

    @FAST
    @given(SEEDS, PICKS, REVIEWERS)
    def test_as_many_as_there_is_room_for(self, seed, picks, reviewers):
        """The greatest number there is, by Hall's theorem: what any agents need."""
        given_to, _left = sampling.assign(seed, picks, reviewers)
        rooms = {one.id: max(0, one.capacity - one.open) for one in reviewers}
        numbers = {agent: len(own) for agent, own in picks.items()}
        lacking = 0
        for subset in range(1 << len(AGENTS)):
            chosen = [
                agent for place, agent in enumerate(AGENTS) if subset >> place & 1
            ]
            room = sum(
                size
                for person, size in rooms.items()
                if any(person != agent for agent in chosen)
            )
            lacking = max(lacking, sum(numbers[agent] for agent in chosen) - room)
        self.assertEqual(len(given_to), sum(numbers.values()) - lacking)

    @FAST
    @given(SEEDS, PICKS, st.integers(0, 12))
    def test_no_agent_is_left_out_for_another(self, seed, picks, capacity):
        given_to, _left = sampling.assign(seed, picks, [Reviewer(99, capacity)])
        got = Counter(ticket // 100 for ticket in given_to)
        for agent in AGENTS:
            for other in AGENTS:
                if got[agent] < len(picks[agent]):
                    self.assertLessEqual(got[other], got[agent] + 1)

    def test_by_capacity_and_by_what_is_open(self):
        picks = {1: [Pick(number, 1, RANDOM) for number in range(12)]}
        given_to, left = sampling.assign(
            "seed", picks, [Reviewer(7, 20), Reviewer(8, 10), Reviewer(9, 10, open=10)]
        )
        self.assertFalse(left)
        self.assertEqual(Counter(given_to.values()), {7: 8, 8: 4})

    def test_the_same_again(self):
        picks = {agent: [Pick(agent, agent, RANDOM)] for agent in range(1, 30)}
        people = [Reviewer(number, 5) for number in range(40, 50)]
        self.assertEqual(
            sampling.assign("seed", picks, people),
            sampling.assign("seed", dict(reversed(picks.items())), reversed(people)),
        )


class TestPeriods(BaseCase):
    """When a period begins, and how many would be needed."""

    def test_periods(self):
        day = date(2026, 1, 31)
        self.assertEqual(sampling.begin_after(day, sampling.WEEK, 31), date(2026, 2, 7))
        self.assertEqual(
            sampling.begin_after(day, sampling.TWO_WEEKS, 31), date(2026, 2, 14)
        )
        days = [day]
        for _month in range(4):
            days.append(sampling.begin_after(days[-1], sampling.MONTH, 31))
        self.assertEqual(
            days[1:],
            [
                date(2026, 2, 28),
                date(2026, 3, 31),
                date(2026, 4, 30),
                date(2026, 5, 31),
            ],
        )
        self.assertEqual(
            sampling.begin_after(date(2026, 12, 5), sampling.MONTH, 5), date(2027, 1, 5)
        )

    def test_needed(self):
        # 1.96 × 20 / 5 = 7.84, squared 61.5: of a large population 62
        self.assertEqual(sampling.count_needed(5, 20, 10_000_000), 62)
        # 61.46 / (1 + 61.46 / 100) = 38.07
        self.assertEqual(sampling.count_needed(5, 20, 100), 39)
        self.assertEqual(sampling.count_needed(5, 0, 100), 0)
        self.assertEqual(sampling.count_needed(5, 20, 0), 0)

    @FAST
    @given(
        st.floats(0.1, 50), st.floats(0, 50), st.integers(0, 10_000), st.integers(0, 99)
    )
    def test_needed_is_never_more_than_there_is(
        self, margin, deviation, population, more
    ):
        needed = sampling.count_needed(margin, deviation, population)
        self.assertTrue(0 <= needed <= population)
        self.assertLessEqual(
            needed, sampling.count_needed(margin, deviation, population + more)
        )
