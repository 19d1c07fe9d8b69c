"""Chains of escalation steps without a database: once, in order, whoever looks when."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from odoo.addons.customer_service_plan.tools import clock, escalation
from odoo.addons.customer_service_plan.tools.clock import (
    FIRST_RESPONSE,
    KINDS,
    MISSED,
    NOTHING_BEFORE,
    OVER,
    RESOLUTION,
    Case,
    Event,
    Promise,
)
from odoo.addons.customer_service_plan.tools.dossier import Dossier
from odoo.addons.customer_service_plan.tools.escalation import (
    AFTER,
    BEFORE,
    COMPLAINT,
    UNASSIGNED,
    Chain,
    Step,
    Told,
    find_told,
    plan_concern,
    plan_promise,
)
from odoo.addons.customer_service_plan.tools.presence import Presence

from .test_clock_histories import END, START, Seconds, for_random_histories

PROFILE = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: Seconds that are open: every seven of ten, with a long night in the middle.
HOURS = Seconds({at for at in range(END) if at % 10 < 7 and not 120 <= at < 170})
TABLES = {0: Seconds(), 1: HOURS, 2: Seconds(set(range(30, END, 2)))}
STEPS = [
    Step(1, BEFORE, offset=10),
    Step(2, BEFORE, percent=50),
    Step(3, AFTER, sequence=1),
    Step(4, AFTER, sequence=0),
    Step(5, AFTER, offset=5, kinds=frozenset({RESOLUTION})),
    Step(6, AFTER, percent=100),
    Step(7, UNASSIGNED, offset=4),
    Step(8, COMPLAINT),
]
TIMED = [replace(step, percent=0, offset=step.offset or 4) for step in STEPS]

steps = st.builds(
    Step,
    id=st.integers(1, 99),
    trigger=st.sampled_from([BEFORE, BEFORE, AFTER, AFTER, UNASSIGNED, COMPLAINT]),
    offset=st.sampled_from([0, 0, 1, 3, 10, 25, 60]),
    percent=st.sampled_from([0, 0, 0, 1, 25, 50, 99, 200]),
    kinds=st.frozensets(st.sampled_from(KINDS), max_size=2),
    sequence=st.integers(0, 3),
)
chains = st.lists(steps, max_size=8, unique_by=lambda step: step.id).map(
    lambda found: Chain(1, found)
)

#: Steps of opening time: one in per cent lies elsewhere when the target changes, and
#: only the log knows then that it was taken.
timed_chains = chains.map(
    lambda chain: Chain(1, [replace(step, percent=0) for step in chain.steps])
)


class Sweeps:
    """A ticket whose steps are taken by sweeps at given moments.

    `taken`: per promise, the ids of its steps in the order in which they were taken;
    `joined`: the same, as each sweep found them together.
    """

    def __init__(self, chain, hours=TABLES.__getitem__):
        self.chain = chain
        self.case = Case(hours=hours)
        self.taken = {}
        self.joined = []
        self.events = []

    def take(self, kind, at, **data):
        event = Event(kind, at, data)
        self.case.apply(event)
        self.events.append(event)

    def sweep(self, now):
        """Look at the ticket; give when it wants to be looked at next."""
        self.case.lapse(now)
        moments = []
        for row in list(self.case.rows):
            plan = plan_promise(row, self.chain, self.case.hours(row.hours), now)
            if plan.due:
                found = [step.id for step in plan.due]
                self.taken.setdefault((row.kind, row.started_at), []).extend(found)
                self.joined.append((now, found))
                self.take(
                    "escalated",
                    now,
                    commitment=row.kind,
                    started_at=row.started_at,
                    upto=plan.come_to,
                )
            if row.ended_at is None and row.state == clock.RUNNING:
                moments.append(row.deadline)
            moments.append(plan.next_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def receive(self, target=40, hours=0, kinds=(FIRST_RESPONSE, RESOLUTION)):
        self.take("received", START)
        promise = Promise({kind: target for kind in kinds}, hours=hours)
        self.take("promised", START, from_receipt=True, **promise.to_data())
        return self


def sweep_second_by_second(sweeps, until):
    for now in range(START, until + 1):
        sweeps.sweep(now)


class TestChain(BaseCase):
    def test_positions(self):
        chain = Chain(1, STEPS)

        def ids(kind, target=0):
            return [(at, step.id) for at, step in chain.positions(kind, target)]

        self.assertEqual(
            ids(FIRST_RESPONSE, 40), [(-20, 2), (-10, 1), (0, 4), (0, 3), (40, 6)]
        )
        self.assertEqual(ids(RESOLUTION, 8), [(-4, 2), (0, 4), (0, 3), (5, 5), (8, 6)])
        self.assertEqual(ids(UNASSIGNED), [(4, 7)])
        self.assertEqual(ids(COMPLAINT), [(0, 8)])
        self.assertEqual(chain.concerns, {UNASSIGNED, COMPLAINT})

    @PROFILE
    @given(chains, st.sampled_from(KINDS), st.integers(1, 300))
    def test_positions_rise_and_before_is_before(self, chain, kind, target):
        placed = chain.positions(kind, target)
        self.assertEqual([at for at, _s in placed], sorted(at for at, _s in placed))
        for position, step in placed:
            if step.trigger == BEFORE:
                self.assertTrue(-target < position <= NOTHING_BEFORE)
            else:
                self.assertTrue(0 <= position < OVER)

    @PROFILE
    @given(
        chains,
        st.integers(1, 60),
        st.sampled_from(sorted(TABLES)),
        st.lists(st.integers(START, END - 1)),
    )
    def test_whenever_somebody_looks(self, chain, target, hours, moments):
        """The same steps in the same order as when looked at every second."""
        punctual = Sweeps(chain).receive(target, hours)
        sweep_second_by_second(punctual, END)
        seldom = Sweeps(chain).receive(target, hours)
        for now in [*sorted(moments), END]:
            seldom.sweep(now)
            seldom.sweep(now)
        self.assertEqual(seldom.taken, punctual.taken)
        for found in seldom.taken.values():
            self.assertEqual(len(found), len(set(found)))
        self.assertEqual(strip(seldom.case), strip(punctual.case))

    @PROFILE
    @given(chains, st.integers(1, 60), st.sampled_from(sorted(TABLES)))
    def test_each_at_its_moment(self, chain, target, hours):
        """Punctually: a second after its opening seconds are over, by counting them."""
        sweeps = Sweeps(chain).receive(target, hours, kinds=[RESOLUTION])
        sweep_second_by_second(sweeps, END)
        for now, found in sweeps.joined:
            positions = {
                step.id: at for at, step in chain.positions(RESOLUTION, target)
            }
            used = TABLES[hours].open_seconds(START, now - 1)
            for step in found:
                self.assertEqual(used, target + positions[step])

    @PROFILE
    @given(chains, st.integers(1, 60), st.sampled_from(sorted(TABLES)))
    def test_looked_at_when_it_asks_for_it(self, chain, target, hours):
        """Nothing is lost and nothing late if looked at one second after `next_at`."""
        punctual = Sweeps(chain).receive(target, hours)
        sweep_second_by_second(punctual, END)
        woken, now = Sweeps(chain).receive(target, hours), START
        for _number in range(200):
            moment = woken.sweep(now)
            if moment is None or moment >= END:
                break
            self.assertGreaterEqual(moment, now)
            now = moment + 1
        else:
            self.fail("It asks to be looked at again and again.")
        self.assertEqual(
            [(at, found) for at, found in woken.joined if at < END],
            [(at, found) for at, found in punctual.joined if at < END],
        )

    @PROFILE
    @given(
        timed_chains,
        st.lists(
            st.tuples(
                st.integers(0, 25),
                st.sampled_from(
                    ["paused", "resumed", "promised", "closed", "reopened", "sweep"]
                ),
                st.sampled_from([5, 20, 60]),
                st.sampled_from(sorted(TABLES)),
            ),
            max_size=15,
        ),
    )
    def test_never_again(self, chain, story):
        """Pauses, other targets, other hours, closing for a moment: no step repeats."""
        sweeps = Sweeps(chain).receive(20, 1)
        now = START
        for gap, kind, target, hours in story:
            now += gap
            if kind == "sweep":
                sweeps.sweep(now)
                continue
            data = {}
            if kind == "promised":
                if sweeps.case.closed_as:
                    continue
                targets = dict.fromkeys((FIRST_RESPONSE, RESOLUTION), target)
                data = Promise(targets, hours=hours).to_data()
            elif kind == "closed":
                data = {"outcome": "cancelled"}
            elif kind == "reopened":
                data = {"within_grace": True}
            come = {row.kind: row.escalated_to for row in sweeps.case.rows}
            sweeps.take(kind, now, **data)
            for row in sweeps.case.rows:
                if come.get(row.kind) is not None:
                    self.assertGreaterEqual(row.escalated_to, come[row.kind])
            sweeps.sweep(now)
        for found in sweeps.taken.values():
            self.assertEqual(len(found), len(set(found)))

    def test_nothing_while_the_clock_stands(self):
        sweeps = Sweeps(Chain(1, STEPS)).receive(40)
        sweeps.sweep(START + 21)
        self.assertEqual(sweeps.joined[0][1], [2])
        sweeps.take("paused", START + 22)
        sweeps.take("staff_reply", START + 22)
        sweeps.sweep(END)
        self.assertEqual(len(sweeps.taken), 2)
        self.assertEqual({len(found) for found in sweeps.taken.values()}, {1})
        sweeps.take("resumed", 200)
        self.assertEqual(sweeps.sweep(201), 208)
        sweeps.sweep(209)
        self.assertEqual(sweeps.taken[RESOLUTION, START], [2, 1])

    def test_late_steps_are_joined(self):
        sweeps = Sweeps(Chain(1, STEPS)).receive(40, kinds=[RESOLUTION])
        sweeps.sweep(END)
        self.assertEqual(sweeps.joined, [(END, [2, 1, 4, 3, 5, 6])])

    def test_no_step_for_what_ended_or_is_excused(self):
        for kind, data in (
            ("staff_reply", {}),
            ("excused", {"commitment": FIRST_RESPONSE, "started_at": START}),
        ):
            sweeps = Sweeps(Chain(1, STEPS)).receive(40, kinds=[FIRST_RESPONSE])
            sweeps.take(kind, START + 41, **data)
            self.assertIsNone(sweeps.sweep(END))
            self.assertFalse(sweeps.taken)

    def test_charge_stops_the_chain_until_the_next_miss(self):
        sweeps = Sweeps(Chain(1, STEPS)).receive(40)
        sweeps.sweep(START + 21)
        sweeps.take("taken_charge", START + 22, user=5)
        self.assertEqual(sweeps.sweep(START + 39), START + 40)
        self.assertEqual(sweeps.case.taken_by, 5)
        # Missed all the same: the steps after the deadline are taken.
        sweeps.sweep(START + 41)
        self.assertEqual(sweeps.taken[FIRST_RESPONSE, START], [2, 4, 3])
        self.assertEqual((sweeps.case.taken_by, sweeps.case.taken_at), (0, None))
        # Of what is missed already, nothing more once somebody looks after it.
        sweeps.take("taken_charge", START + 42, user=6)
        self.assertEqual({row.escalated_to for row in sweeps.case.rows}, {OVER})
        self.assertIsNone(sweeps.sweep(END))
        self.assertEqual(sweeps.case.taken_by, 6)
        self.assertEqual(sweeps.taken[FIRST_RESPONSE, START], [2, 4, 3])

    @PROFILE
    @given(chains, st.integers(1, 60), st.integers(START, 200), st.integers(0, 150))
    def test_no_step_before_the_deadline_after_charge(self, chain, target, at, gap):
        sweeps = Sweeps(chain).receive(target, 1)
        sweeps.sweep(at)
        so_far = {key: list(found) for key, found in sweeps.taken.items()}
        missed = {row.kind for row in sweeps.case.rows if row.state == MISSED}
        sweeps.take("taken_charge", at, user=1)
        sweeps.sweep(at + gap)
        for (kind, start), found in sweeps.taken.items():
            new = found[len(so_far.get((kind, start), ())) :]
            triggers = {step.trigger for step in chain.steps if step.id in new}
            self.assertLessEqual(triggers, {AFTER})
            if kind in missed:
                self.assertFalse(new)

    @PROFILE
    @given(
        chains,
        st.sampled_from(escalation.CONCERNS),
        st.sampled_from(sorted(TABLES)),
        st.lists(st.integers(START, END - 1)),
    )
    def test_concerns_whenever_somebody_looks(self, chain, trigger, hours, moments):
        def taken(moments):
            done, found = None, []
            for now in moments:
                plan = plan_concern(trigger, START, done, chain, TABLES[hours], now)
                found += [step.id for step in plan.due]
                if plan.due:
                    self.assertTrue(done is None or plan.come_to > done)
                    done = plan.come_to
                if plan.next_at is not None:
                    self.assertGreaterEqual(plan.next_at, now)
            return found

        punctual = taken(range(START, END + 1))
        self.assertEqual(taken([*sorted(moments), END]), punctual)
        self.assertEqual(len(punctual), len(set(punctual)))


def strip(case):
    """The rows without what only tells how they were found."""
    return [replace(row, id=0) for row in case.rows]


class TestReplay(BaseCase):
    """What is stored of charge and of chains is what a replay of the events gives."""

    @for_random_histories(500)
    def test_live_is_replay(self, history):
        """One dossier after the other, as the database is read, and all in one go."""
        random, chain = history.random, Chain(1, TIMED)
        store = Store(history.hours)
        last = START
        for event in history.events:
            if event.kind == "missed":
                continue
            for now in sorted(random.randint(last, event.at) for _n in range(2)):
                if random.randrange(2) and store.events:
                    store.sweep(now, chain)
                    if not random.randrange(4):
                        store.take(Event("taken_charge", now, {"user": now}))
            store.take(event)
            last = event.at
        store.sweep(history.until, chain)
        case = clock.replay(store.events, history.hours, history.until)
        self.assertEqual(strip(case), [replace(row, id=0) for row in store.rows])
        for name in ("taken_by", "taken_at", "escalated_at"):
            self.assertEqual(getattr(case, name), store.facts[name], name)
        for steps in store.taken.values():
            self.assertEqual(len(steps), len(set(steps)))


class Store:
    """A ticket in a database, of which each step reads what a dossier reads."""

    def __init__(self, hours):
        self.hours = hours
        self.rows = []
        self.events = []
        self.taken = {}
        self.facts = self._facts(Case(hours=hours))

    def _facts(self, case):
        return {
            name: getattr(case, name)
            for name in (
                "received_at",
                "first_response_at",
                "unanswered_since",
                "last_contact_at",
                "waiting_on",
                "closed_as",
                "closed_at",
                "reopen_count",
                "promise",
                "taken_by",
                "taken_at",
                "escalated_at",
            )
        }

    def open(self, event=None):
        closed_at = self.facts["closed_at"]
        dossier = Dossier(
            ticket=1, company=1, case=Case(hours=self.hours, **self.facts)
        )
        for row in self.rows:
            if row.ended_at is None or row.ended_at == closed_at:
                dossier.add_stored_row(replace(row))
        if event and event.kind == "excused":
            for row in self.rows:
                if row.ended_at is not None and row.ended_at != closed_at:
                    dossier.add_stored_row(replace(row))
        dossier.add_history(list(self.events))
        return dossier

    def close(self, dossier):
        known = {row.id: number for number, row in enumerate(self.rows)}
        for row in dossier.case.rows:
            if row.id:
                self.rows[known[row.id]] = replace(row)
            else:
                self.rows.append(replace(row, id=len(self.rows) + 1))
        self.facts = self._facts(dossier.case)
        self.events += [Event(each.kind, each.at, each.data) for each in dossier.noted]

    def take(self, event):
        dossier = self.open(event)
        dossier.note(event.kind, event.at, event.data)
        self.close(dossier)

    def sweep(self, now, chain):
        dossier = self.open()
        dossier.lapse(now)
        for row in list(dossier.case.rows):
            plan = plan_promise(row, chain, self.hours(row.hours), now)
            if plan.due:
                steps = self.taken.setdefault(row.id, [])
                steps += [step.id for step in plan.due]
                data = {
                    "commitment": row.kind,
                    "started_at": row.started_at,
                    "upto": plan.come_to,
                }
                dossier.note("escalated", now, data)
        self.close(dossier)


NOW = 1_000_000
users = st.integers(1, 6)
people = st.dictionaries(
    users,
    st.builds(
        lambda active, away, working, wakes, deputy: Presence(
            active=active,
            away=away,
            working=working and active and not away,
            decent=wakes == 0 or (working and active and not away),
            works_at=None if wakes is None else NOW + wakes,
            decent_at=None if wakes is None else NOW + wakes,
            deputy=deputy,
        ),
        active=st.booleans(),
        away=st.booleans(),
        working=st.booleans(),
        wakes=st.sampled_from([0, 3600, 50000, None]),
        deputy=st.integers(0, 7),
    ),
)
some = st.lists(users, max_size=4)


def is_there(person):
    return person.active and not person.away


class TestFindTold(BaseCase):
    def line(self, user, staff):
        """Whoever may stand in for a user, himself first."""
        line = []
        while user in staff and user not in line:
            line.append(user)
            user = staff[user].deputy
        return line

    @PROFILE
    @given(some, people, some, st.booleans(), st.frozensets(users, max_size=2))
    def test_who_is_told(self, wanted, staff, fallbacks, at_night, gone):
        told = find_told(wanted, staff, fallbacks, NOW, at_night, gone)
        found = [each.user for each in told]
        self.assertEqual(len(found), len(set(found)), "nobody twice")
        self.assertTrue(all(staff[user].active for user in found))
        if any(staff[user].active for user in fallbacks if user in staff):
            self.assertTrue(told, "never nobody")
        present = {
            user: [
                each
                for each in self.line(user, staff)
                if is_there(staff[each]) and each not in gone
            ]
            for user in wanted
        }
        for user, line in present.items():
            if line:
                self.assertTrue(set(line) & set(found), f"{user} was passed over")
        if any(present.values()):
            for each in told:
                self.assertTrue(is_there(staff[each.user]))
                self.assertNotIn(each.user, gone)
                origin = each.instead_of or each.user
                self.assertIn(origin, wanted)
                working = [one for one in present[origin] if staff[one].working]
                expected = (working or present[origin])[0]
                self.assertEqual(each.user, expected)
        elif any(
            is_there(staff[one]) for user in fallbacks for one in self.line(user, staff)
        ):
            self.assertEqual(len(told), 1)
            self.assertTrue(is_there(staff[found[0]]), "absent though one is there")
        for each in told:
            person = staff[each.user]
            self.assertGreaterEqual(each.at, NOW)
            if at_night or person.decent:
                self.assertEqual(each.at, NOW)
            elif person.decent_at is not None:
                self.assertEqual(each.at, person.decent_at, "not in his night")

    def test_deputies_in_a_circle(self):
        gone = Presence(away=True, deputy=2)
        staff = {1: gone, 2: gone._replace(deputy=3), 3: gone._replace(deputy=1)}
        self.assertEqual(find_told([1], staff, [], NOW), [])
        staff[4] = Presence(working=True, decent=True)
        self.assertEqual(find_told([1], staff, [2, 4], NOW), [Told(4, NOW, 1)])

    def test_deputy_of_a_deputy(self):
        staff = {
            1: Presence(active=False, deputy=2),
            2: Presence(away=True, deputy=3),
            3: Presence(decent=False, decent_at=NOW + 60),
        }
        self.assertEqual(find_told([1], staff, [], NOW), [Told(3, NOW + 60, 1)])
        self.assertEqual(find_told([1], staff, [], NOW, True), [Told(3, NOW, 1)])
