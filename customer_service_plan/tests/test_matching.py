"""Which line gives the promise: the first one whose every filled condition holds."""

from hashlib import sha256
from itertools import product
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from odoo.addons.customer_service_plan.tools.matching import (
    Facts,
    Line,
    Policy,
    Trial,
    Version,
    considered,
    match,
    position,
    tried,
    without_trials,
)

PROFILE = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PRIORITIES = ["", "0", "1", "2", "3"]

few = st.frozensets(st.integers(1, 3), max_size=2)
lines = st.builds(
    Line,
    id=st.integers(1, 9),
    match_all=st.booleans(),
    segments=few,
    channels=few,
    categories=few,
    teams=few,
    tags=few,
    priority_from=st.sampled_from(PRIORITIES),
    priority_to=st.sampled_from(PRIORITIES),
    complaint=st.sampled_from(["any", "only", "never"]),
)
facts = st.builds(
    Facts,
    channel=st.integers(0, 3),
    category=st.integers(0, 3),
    team=st.integers(0, 3),
    tags=st.frozensets(st.integers(1, 3)),
    priority=st.sampled_from(PRIORITIES),
    segments=st.frozensets(st.integers(1, 3)),
    complaint=st.booleans(),
)
versions = st.builds(
    Version,
    id=st.integers(1, 99),
    begins=st.integers(0, 20),
    lines=st.lists(lines, max_size=4).map(tuple),
    ends=st.just(float("inf")) | st.integers(0, 30),
)
policies = st.lists(
    st.lists(versions, max_size=3).map(
        lambda found: Policy(
            1, tuple(sorted(found, key=lambda version: -version.begins))
        )
    ),
    max_size=3,
).map(tuple)


def any_line(random):
    """A line with few conditions: one with many hardly ever covers another one."""
    values = {
        name: ids(*random.choices([1, 2], k=2))
        for name in ("segments", "channels", "categories", "teams", "tags")
    }
    values |= {
        name: random.choice(PRIORITIES) for name in ("priority_from", "priority_to")
    }
    values["complaint"] = random.choice(["only", "never"])
    chosen = random.sample(sorted(values), random.choice([0, 1, 1, 2]))
    return Line(1, random.random() < 0.5, **{name: values[name] for name in chosen})


def any_trial(random):
    begins = random.randint(0, 20)
    lines_ = (any_line(random),)
    return Trial(
        random.randint(1, 9),
        Version(9, begins, lines_, ends=begins + random.randint(0, 20)),
        mode=random.choice(["everybody", "list", "segments", "share"]),
        customers=ids(*random.sample([1, 2, 3], random.randint(0, 2))),
        segments=ids(*random.sample([1, 2], random.randint(0, 2))),
        share=random.random(),
        salt=random.choice(["one", "other"]),
        teams=ids(*random.choice([(), (), (1,)])),
        users=ids(*random.choice([(), (), (1,)])),
        user_teams=ids(*random.choice([(), (2,)])),
    )


def any_facts(random):
    return Facts(
        channel=random.randint(0, 2),
        category=random.randint(0, 2),
        team=random.randint(0, 2),
        tags=ids(*random.sample([1, 2], random.randint(0, 2))),
        priority=random.choice(PRIORITIES),
        segments=ids(*random.sample([1, 2], random.randint(0, 2))),
        complaint=random.random() < 0.5,
        customer=random.randint(0, 4),
        user=random.randint(0, 2),
        promised=random.choice([0, 1, 9]),
    )


def ids(*numbers):
    return frozenset(numbers)


def holds(line, case):
    """The meaning of a line, condition by condition, as the design words it."""
    wanted_priorities = [
        priority
        for priority in PRIORITIES[1:]
        if (not line.priority_from or int(priority) >= int(line.priority_from))
        and (not line.priority_to or int(priority) <= int(line.priority_to))
    ]
    any_priority = not line.priority_from and not line.priority_to
    conditions = [
        (line.segments, bool(line.segments & case.segments)),
        (line.channels, case.channel in line.channels),
        (line.categories, case.category in line.categories),
        (line.teams, case.team in line.teams),
        (line.tags, bool(line.tags & case.tags)),
        (not any_priority, case.priority in wanted_priorities),
        (line.complaint == "only", case.complaint),
        (line.complaint == "never", not case.complaint),
    ]
    filled = [answer for is_filled, answer in conditions if is_filled]
    return all(filled) and (bool(filled) or line.match_all)


class TestMatching(BaseCase):
    def assertHolds(self, line, *cases):
        for case in cases:
            self.assertEqual(line.first_failure(case), "", case)

    def assertFails(self, reason, line, *cases):
        for case in cases:
            self.assertEqual(line.first_failure(case), reason, case)

    def pick(self, *found, at=0, case=None):
        """The id of the line that matches in one policy with these lines."""
        policy = Policy(1, (Version(1, 0, found),))
        result = match((policy,), case or Facts(), at)
        return result and result[1].id

    # Conditions

    def test_line_without_condition_holds_only_with_match_all(self):
        self.assertFails("match_all", Line(1), Facts(), Facts(channel=1, priority="3"))
        self.assertHolds(Line(1, match_all=True), Facts(), Facts(complaint=True))

    def test_match_all_does_not_switch_conditions_off(self):
        line = Line(1, match_all=True, channels=ids(1))
        self.assertHolds(line, Facts(channel=1))
        self.assertFails("channel", line, Facts(channel=2), Facts())

    def test_one_of_the_named_records(self):
        for name, plural in (
            ("channel", "channels"),
            ("category", "categories"),
            ("team", "teams"),
        ):
            with self.subTest(name):
                line = Line(1, **{plural: ids(1, 2)})
                self.assertHolds(line, Facts(**{name: 1}), Facts(**{name: 2}))
                self.assertFails(name, line, Facts(**{name: 3}), Facts())

    def test_any_of_several_records(self):
        for name, plural in (("segment", "segments"), ("tag", "tags")):
            with self.subTest(name):
                line = Line(1, **{plural: ids(1, 2)})
                self.assertHolds(line, Facts(**{plural: ids(2, 3)}))
                self.assertFails(name, line, Facts(**{plural: ids(3)}), Facts())

    def test_priority_bounds_are_included(self):
        line = Line(1, priority_from="1", priority_to="2")
        self.assertHolds(line, Facts(priority="1"), Facts(priority="2"))
        self.assertFails("priority", line, Facts(priority="0"), Facts(priority="3"))

    def test_priority_with_one_bound(self):
        line = Line(1, priority_from="2")
        self.assertHolds(line, Facts(priority="2"), Facts(priority="3"))
        self.assertFails("priority", line, Facts(priority="1"), Facts(priority="0"))
        line = Line(1, priority_to="1")
        self.assertHolds(line, Facts(priority="0"), Facts(priority="1"))
        self.assertFails("priority", line, Facts(priority="2"))

    def test_lowest_priority_is_a_bound_like_any_other(self):
        self.assertHolds(Line(1, priority_from="0"), Facts(priority="0"))
        self.assertFails("priority", Line(1, priority_to="0"), Facts(priority="1"))

    def test_ticket_without_priority_is_in_no_bounds(self):
        for line in (Line(1, priority_from="0"), Line(1, priority_to="3")):
            self.assertFails("priority", line, Facts())

    def test_complaint(self):
        only, never = Line(1, complaint="only"), Line(1, complaint="never")
        self.assertHolds(only, Facts(complaint=True))
        self.assertFails("complaint", only, Facts())
        self.assertHolds(never, Facts())
        self.assertFails("complaint", never, Facts(complaint=True))

    def test_every_filled_condition_must_hold(self):
        right = {
            "channel": 1,
            "category": 1,
            "team": 1,
            "tags": ids(1),
            "priority": "1",
            "segments": ids(1),
            "complaint": True,
        }
        line = Line(
            1,
            segments=ids(1),
            channels=ids(1),
            categories=ids(1),
            teams=ids(1),
            tags=ids(1),
            priority_from="1",
            priority_to="1",
            complaint="only",
        )
        self.assertHolds(line, Facts(**right))
        wrong = [
            ("channel", {"channel": 2}),
            ("category", {"category": 2}),
            ("team", {"team": 2}),
            ("tag", {"tags": ids(2)}),
            ("priority", {"priority": "2"}),
            ("segment", {"segments": ids(2)}),
            ("complaint", {"complaint": False}),
        ]
        for reason, change in wrong:
            self.assertFails(reason, line, Facts(**{**right, **change}))

    @PROFILE
    @given(lines, facts)
    def test_same_as_the_words(self, line, case):
        self.assertEqual(not line.first_failure(case), holds(line, case))

    # The first line

    def test_first_line_that_holds(self):
        special = Line(1, channels=ids(1))
        general, same = Line(2, match_all=True), Line(3, match_all=True)
        case = Facts(channel=1)
        self.assertEqual(self.pick(special, general, same, case=case), 1)
        self.assertEqual(self.pick(general, special, case=case), 2)
        self.assertEqual(self.pick(special, general, case=Facts(channel=2)), 2)
        self.assertIsNone(self.pick(special, Line(4)))
        self.assertIsNone(self.pick())

    def test_policies_in_their_order(self):
        def policy(number, *found):
            return Policy(number, (Version(number, 0, found),))

        silver = policy(1, Line(1, segments=ids(1)))
        everybody = policy(2, Line(2, match_all=True))
        never = Policy(3)
        order = (never, silver, everybody)
        self.assertEqual(match(order, Facts(segments=ids(1)), 0)[1].id, 1)
        self.assertEqual(match(order, Facts(), 0)[1].id, 2)
        self.assertEqual(match(order[::-1], Facts(segments=ids(1)), 0)[1].id, 2)
        self.assertIsNone(match((never, silver), Facts(), 0))
        self.assertIsNone(match((), Facts(), 0))

    def test_answer_names_version_and_line(self):
        line = Line(7, match_all=True, hours=3, targets={"resolution": 60})
        version = Version(5, 0, (line,))
        self.assertEqual(match((Policy(1, (version,)),), Facts(), 0), (version, line))

    # Versions

    def test_version_in_force_at_receipt(self):
        old, new = Version(1, 10), Version(2, 20)
        policy = Policy(1, (new, old))
        found = [policy.in_force(at) for at in (9, 10, 19, 20, 99)]
        self.assertEqual(found, [None, old, old, new, new])

    def test_retired_version(self):
        old, new = Version(1, 10), Version(2, 20, ends=30)
        policy = Policy(1, (new, old))
        # The one that it had replaced does not come back.
        found = [policy.in_force(at) for at in (19, 20, 29, 30)]
        self.assertEqual(found, [old, new, new, None])

    def test_policy_without_version_in_force_is_passed_over(self):
        later = Policy(1, (Version(1, 50, (Line(1, match_all=True),)),))
        now = Policy(2, (Version(2, 0, (Line(2, match_all=True),)),))
        self.assertEqual(match((later, now), Facts(), 49)[1].id, 2)
        self.assertEqual(match((later, now), Facts(), 50)[1].id, 1)

    def test_lines_of_another_version_are_not_looked_at(self):
        old = Version(1, 0, (Line(1, match_all=True),))
        new = Version(2, 20, (Line(2, channels=ids(1)),))
        self.assertIsNone(match((Policy(1, (new, old)),), Facts(), 20))

    # Why?

    def test_considered_tells_each_line_and_its_first_failure(self):
        lines_ = (
            Line(1),
            Line(2, teams=ids(1), tags=ids(1)),
            Line(3, priority_from="1"),
            Line(4, match_all=True),
        )
        policy = Policy(1, (Version(1, 0, lines_),))
        told = list(considered((policy,), Facts(priority="2"), 0))
        self.assertEqual(
            [(line.id, failure) for _policy, _version, line, failure in told],
            [(1, "match_all"), (2, "team"), (3, "")],
        )

    @PROFILE
    @given(policies, facts, st.integers(0, 30))
    def test_considered_ends_with_the_match(self, found, case, at):
        told = list(considered(found, case, at))
        result = match(found, case, at)
        failures = [failure for _policy, _version, _line, failure in told]
        if result is None:
            self.assertTrue(all(failures))
        else:
            self.assertEqual(told[-1][1:3], result)
            self.assertTrue(all(failures[:-1]))
            self.assertEqual(failures[-1], "")

    # Trials

    def test_trial_takes_the_place_of_the_version_in_force(self):
        old = Version(1, 0, (Line(1, match_all=True),))
        new = Version(2, 10, (Line(2, match_all=True),), ends=20)
        trial = Trial(1, new, mode="list", customers=ids(7))
        policy = Policy(1, (old,), (trial,))
        inside, outside = Facts(customer=7), Facts(customer=8)

        def found(case):
            return [match((policy,), case, at)[1].id for at in (9, 10, 19, 20)]

        self.assertEqual(found(inside), [1, 2, 2, 1])
        self.assertEqual(found(outside), [1, 1, 1, 1])
        self.assertEqual(match((Policy(1, (), (trial,)),), outside, 15), None)
        self.assertTrue(tried((policy,), 10))
        self.assertFalse(tried((policy,), 20))
        self.assertEqual(match(without_trials((policy,)), inside, 15)[1].id, 1)

    def test_trial_without_a_fitting_line_promises_nothing_in_its_place(self):
        old = Version(1, 0, (Line(1, match_all=True),))
        phone = Version(2, 0, (Line(2, channels=ids(1)),))
        policy = Policy(1, (old,), (Trial(1, phone),))
        everybody = Policy(2, (Version(3, 0, (Line(3, match_all=True),)),))
        self.assertEqual(match((policy, everybody), Facts(), 0)[1].id, 3)

    def test_customers_of_a_trial(self):
        version = Version(1, 0)
        vip = Facts(customer=1, segments=ids(1))
        unknown = Facts(segments=ids(1))
        for trial, of_vip, of_unknown in (
            (Trial(1, version), True, True),
            (Trial(1, version, mode="list", customers=ids(1)), True, False),
            (Trial(1, version, mode="list"), False, False),
            (Trial(1, version, mode="segments", segments=ids(1, 2)), True, False),
            (Trial(1, version, mode="segments", segments=ids(2)), False, False),
            (Trial(1, version, mode="share", share=1.0), True, False),
            (Trial(1, version, mode="share", share=0.0), False, False),
        ):
            with self.subTest(trial=trial):
                self.assertEqual(trial.takes_part(vip), of_vip)
                self.assertEqual(trial.takes_part(unknown), of_unknown)

    def test_staff_of_a_trial(self):
        trial = Trial(1, Version(5, 0), teams=ids(1), users=ids(8), user_teams=ids(2))
        for case, takes_part in (
            (Facts(team=1, user=9), True),
            (Facts(team=3, user=8), True),
            (Facts(team=2), True),
            (Facts(team=2, user=9), False),
            (Facts(team=2, user=9, promised=4), False),
            # It came in when nobody had it, and was promised then.
            (Facts(team=2, user=9, promised=5), True),
            (Facts(team=3, user=9, promised=5), False),
            (Facts(), False),
        ):
            with self.subTest(case=case):
                self.assertEqual(trial.takes_part(case), takes_part)

    @PROFILE
    @given(st.sampled_from("ab"), st.integers(1, 1 << 31), st.floats(0, 1))
    def test_share_depends_on_customer_and_salt_only(self, salt, customer, share):
        drawn = position(salt, customer)
        self.assertTrue(0 <= drawn < 1)
        trial = Trial(1, Version(1, 0), mode="share", share=share, salt=salt)
        wider = Trial(2, Version(2, 0), mode="share", share=1.0, salt=salt)
        case = Facts(customer=customer)
        self.assertEqual(trial.takes_part(case), drawn < share)
        other = Facts(customer=customer, team=3, user=4, priority="3", channel=2)
        self.assertEqual(trial.takes_part(other), trial.takes_part(case))
        self.assertTrue(wider.takes_part(case))

    def test_share_is_close_to_what_was_asked_for(self):
        for salt in ("one", "other"):
            for percent in (1, 10, 50, 90):
                trial = Trial(
                    1, Version(1, 0), mode="share", share=percent / 100, salt=salt
                )
                members = sum(
                    trial.takes_part(Facts(customer=customer))
                    for customer in range(1, 20001)
                )
                # Four standard deviations of a fair draw
                spread = 4 * (20000 * percent * (100 - percent)) ** 0.5 / 100
                self.assertLess(abs(members - 200 * percent), spread)

    def test_share_of_known_customers_never_changes(self):
        """What the hash gives now, it has to give in every version of the addon."""
        drawn = [round(position("salt", number), 6) for number in (1, 2, 3)]
        digests = [sha256(f"salt:{number}".encode()).digest() for number in (1, 2, 3)]
        expected = [int.from_bytes(each[:8], "big") / 2**64 for each in digests]
        self.assertEqual(drawn, [round(each, 6) for each in expected])

    def test_only_participants_within_the_span(self):
        random = Random(2)
        taking_part = 0
        for _number in range(4000):
            old = Version(1, 0, (any_line(random),))
            trials = tuple(any_trial(random) for _one in range(random.randint(0, 2)))
            policy = Policy(1, (old,), trials)
            case, at = any_facts(random), random.randint(0, 40)
            trial = policy.trial_of(case, at)
            if trial is None:
                self.assertEqual(
                    match((policy,), case, at), match((Policy(1, (old,)),), case, at)
                )
                continue
            taking_part += 1
            self.assertTrue(tried((policy,), at))
            self.assertTrue(trial.version.begins <= at < trial.version.ends)
            self.assertTrue(trial.has_customer(case) and trial.has_staff(case))
            self.assertEqual(policy.applies(case, at), trial.version)
            told = list(considered((policy,), case, at))
            self.assertTrue(all(each[1] is trial.version for each in told))
        self.assertGreater(taking_part, 300)

    # Covering

    def test_covers_finds_what_can_never_be_reached(self):
        everybody = Line(1, match_all=True)
        phone = Line(2, channels=ids(1))
        phone_or_mail = Line(3, channels=ids(1, 2))
        urgent_phone = Line(4, channels=ids(1), priority_from="2")
        self.assertTrue(everybody.covers(phone))
        self.assertTrue(phone_or_mail.covers(phone))
        self.assertTrue(phone.covers(urgent_phone))
        self.assertTrue(phone.covers(phone))
        self.assertFalse(phone.covers(phone_or_mail))
        self.assertFalse(urgent_phone.covers(phone))
        self.assertFalse(phone.covers(everybody))
        self.assertFalse(Line(5).covers(phone))

    def test_covers_looks_at_every_condition(self):
        names = ["segments", "channels", "categories", "teams", "tags"]
        for mine, its in product(names, names):
            narrow, other = Line(1, **{mine: ids(1)}), Line(2, **{its: ids(1)})
            self.assertEqual(narrow.covers(other), mine == its, (mine, its))
            self.assertFalse(narrow.covers(Line(3, match_all=True)), mine)

    def test_covers_priorities(self):
        low, high = Line(1, priority_to="1"), Line(2, priority_from="2")
        urgent = Line(3, priority_from="3", priority_to="3")
        self.assertTrue(high.covers(urgent))
        self.assertTrue(Line(4, priority_to="2").covers(low))
        self.assertTrue(Line(4, priority_from="1").covers(high))
        self.assertFalse(high.covers(low))
        self.assertFalse(low.covers(high))
        self.assertFalse(low.covers(Line(4, priority_to="2")))
        self.assertFalse(urgent.covers(high))

    def test_covers_complaints(self):
        only, never = Line(1, complaint="only"), Line(2, complaint="never")
        self.assertTrue(Line(3, match_all=True).covers(only))
        self.assertTrue(only.covers(only))
        self.assertFalse(only.covers(never))
        self.assertFalse(never.covers(Line(3, match_all=True)))

    def test_covers_is_sound(self):
        random = Random(1)
        covering = 0
        for _number in range(4000):
            one, other = any_line(random), any_line(random)
            if one.covers(other):
                covering += 1
                for _case in range(40):
                    case = any_facts(random)
                    if holds(other, case):
                        self.assertHolds(one, case)
        self.assertGreater(covering, 200)
