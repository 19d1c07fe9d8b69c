"""The rules of a backtest, without a database."""

from dataclasses import replace
from datetime import datetime
from math import inf

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests.common import BaseCase

from odoo.addons.customer_service_plan.tools import backtest, clock, matching
from odoo.addons.customer_service_plan.tools.backtest import Past, Row, Sample
from odoo.addons.customer_service_plan.tools.clock import Event, Promise
from odoo.addons.customer_service_plan.tools.timeline import Timeline

from .test_clock_histories import START, UNCHANGED, History, any_promise

#: What is never looked at again: it says what was promised, and what came of it.
NO_FACTS = {"promised", "missed", "excused"}
OFFICE = Timeline("UTC", [(day, 9 * 60, 17 * 60) for day in range(5)])
MONDAY = int((datetime(2026, 3, 2, 9) - datetime(1970, 1, 1)).total_seconds())
HOUR = 3600


#: Letters by what they stand for; details that change nothing are left out.
LETTERS = {
    (kind, *data.values()): code
    for code, (kind, data) in reversed(backtest.CODES.items())
}
DETAILS = {"closed": "outcome", "reopened": "within_grace"}


def past_of(events, **kwargs):
    """A ticket with what a backtest reads of these events, which are in their order."""
    events = [event for event in events if event.kind in backtest.KINDS]
    codes = [
        LETTERS[event.kind, event.data[DETAILS[event.kind]]]
        if event.kind in DETAILS
        else LETTERS[(event.kind,)]
        for event in events
    ]
    merges = [event.data for event in events if event.kind == "merged"]
    moments = [event.at for event in events]
    return Past(7, matching.Facts(), "".join(codes), moments, merges, **kwargs)


def comparison_of(hours, until, version=1, lines=(), base=(), **kwargs):
    def promises(id_, its):
        policy = backtest.always(1, matching.Version(id_, 0, tuple(its)))
        return backtest.Promises([policy], lambda line, channel: line.hours)

    return backtest.Comparison(
        version,
        promises(version, lines),
        promises(2, base) if base else backtest.Promises([], None),
        hours,
        until,
        backtest.pair_lines(base, lines),
        **kwargs,
    )


class TestBacktestReplay(BaseCase):
    @settings(
        max_examples=400,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.integers(min_value=0))
    def test_same_as_event_by_event(self, seed):
        """Measured once and judged by each target gives what the clock gives, also on
        tickets of which another has the same story."""
        story = History(seed, kinds=UNCHANGED)
        events = [event for event in story.events if event.kind not in NO_FACTS]
        others = [replace(event, at=2 * event.at - START) for event in events]
        until = 2 * story.until - START
        promises = [any_promise(story.random) for _number in range(4)]
        comparison = comparison_of(
            story.hours,
            until,
            lines=[matching.Line(1, targets=dict.fromkeys(clock.KINDS, 1))],
        )
        for facts in (events, others):
            past = past_of(facts)
            for pair in zip(promises, promises[1:], strict=False):
                found = comparison._outcomes(past, *pair)
                for promise, rows in zip(pair, found, strict=True):
                    receipt = {**promise.to_data(), "from_receipt": True}
                    whole = [*facts, Event("promised", START, receipt)]
                    case = clock.replay(whole, story.hours, until)
                    self.assertCountEqual(
                        [(row.kind, row.state, row.seconds) for row in rows],
                        [(row.kind, row.state, _time_of(row)) for row in case.rows],
                    )
        if not past.merges:
            self.assertEqual(len(comparison._courses), 1)

    def test_time_that_counts_by_places(self):
        """Waiting from place 2 to 4, closed at 5 and reopened in the same second, and
        looked at from place 6: the solution's clock stands still between 2 and 4."""
        story = backtest.Story("rsspcqDo", (0, 1, 1, 2, 3, 4, 5, 5))
        courses = backtest.follow(story, ["resolution", "first_response"])
        self.assertEqual(
            courses,
            [
                backtest.Course("first_response", clock.MET, ((0, 1),), False),
                backtest.Course("resolution", clock.RUNNING, ((0, 2), (4, 6)), True),
            ],
        )
        times = [MONDAY + at * HOUR for at in (0, 1, 2, 3, 4, 5, 6)]
        self.assertEqual(
            [each.seconds for each in backtest.measure(courses, times, OFFICE)],
            [HOUR, 4 * HOUR],
        )

    def test_after_closing_time_is_too_late(self):
        """All of the target is used up at 17:00; an answer at 20:00 comes after it."""
        for answered, state in ((8 * HOUR, clock.MET), (11 * HOUR, clock.MISSED)):
            past = Past(1, matching.Facts(), "rs", (MONDAY, MONDAY + answered))
            [rows] = comparison_of(
                lambda _id: OFFICE,
                MONDAY + 30 * HOUR,
                lines=[matching.Line(1, targets={"first_response": 1})],
            )._outcomes(past, Promise({"first_response": 8 * HOUR}, hours=1))
            self.assertEqual(rows, [Row("first_response", state, 8 * HOUR)])

    def test_created_closed_is_promised_nothing_before_it_is_reopened(self):
        later = MONDAY + 2 * HOUR
        comparison = comparison_of(
            {1: OFFICE}.__getitem__,
            later + HOUR,
            lines=[matching.Line(1, targets={"resolution": 1})],
        )
        past = Past(1, matching.Facts(), "rd", (MONDAY, MONDAY), created_closed=True)
        reopened = past._replace(
            codes="rdoD", moments=(MONDAY, MONDAY, later, later + HOUR // 2)
        )
        # Half an hour to the second: the clock itself decides.
        for target in (HOUR, HOUR // 2):
            promise = Promise({"resolution": target}, hours=1)
            self.assertEqual(comparison._outcomes(past, promise), [[]])
            self.assertEqual(
                comparison._outcomes(reopened, promise),
                [[Row("resolution", clock.MET, HOUR // 2)]],
            )

    def test_older_than_the_plan_only_the_solution(self):
        closed = ("solved", MONDAY + HOUR)
        codes, moments = backtest.complete("", (), MONDAY, closed, None)
        past = Past(1, matching.Facts(), codes, moments, is_older=True)
        for target in (2 * HOUR, HOUR):
            promise = Promise({"first_response": 1, "resolution": target}, hours=1)
            [rows] = comparison_of(
                {1: OFFICE}.__getitem__,
                MONDAY + HOUR,
                lines=[matching.Line(1, targets=promise.targets)],
            )._outcomes(past, promise)
            self.assertEqual(rows, [Row("resolution", clock.MET, HOUR)])

    def test_what_stood_when_the_plan_came(self):
        def complete(codes, moments, closed=None, waits_since=None):
            return backtest.complete(codes, moments, MONDAY, closed, waits_since)

        later = MONDAY + HOUR
        self.assertEqual(complete("", (), waits_since=later), ("rp", [MONDAY, later]))
        self.assertEqual(
            complete("", (), ("cancelled", later)), ("rX", [MONDAY, later])
        )
        # What was noted since is not guessed.
        self.assertEqual(complete("q", [later], waits_since=later)[0], "rq")
        self.assertEqual(complete("O", [later], ("solved", later))[0], "rO")
        # All in the order in which it happened.
        self.assertEqual(
            complete("DoD", [later, later + 2, later + 3], waits_since=later + 1),
            ("rDpoD", [MONDAY, later, later + 1, later + 2, later + 3]),
        )
        # A moment before the receipt is that of the receipt.
        early = complete("", (), ("solved", MONDAY - HOUR))
        self.assertEqual(early, ("rD", [MONDAY, MONDAY]))

    def test_decode(self):
        events = backtest.decode("rpmqXO", range(6), [{"role": "target"}])
        self.assertEqual(
            [(event.kind, event.at, dict(event.data)) for event in events],
            [
                ("received", 0, {}),
                ("paused", 1, {}),
                ("merged", 2, {"role": "target"}),
                ("resumed", 3, {}),
                ("closed", 4, {"outcome": "cancelled"}),
                ("reopened", 5, {"within_grace": False}),
            ],
        )
        self.assertFalse(backtest.is_created_closed("rD"))
        self.assertTrue(backtest.is_created_closed("rdO"))


class TestBacktestComparison(BaseCase):
    def _lines(self, first, minutes):
        """VIPs in a tenth of the time, everybody else in all of it."""
        return [
            matching.Line(
                first,
                segments=frozenset({1}),
                targets={"first_response": minutes * 6},
                hours=1,
            ),
            matching.Line(
                first + 1,
                match_all=True,
                targets={"first_response": minutes * 60},
                hours=1,
            ),
        ]

    def _past(self, ticket, answered=None, **facts):
        asked = matching.Facts(**facts)
        if answered is None:
            return Past(ticket, asked, "r", (MONDAY,))
        return Past(ticket, asked, "rs", (MONDAY, MONDAY + answered))

    def test_copies_of_lines_are_the_same_lines(self):
        before, after = self._lines(1, 60), self._lines(11, 30)
        self.assertEqual(backtest.pair_lines(before, after), {11: 1, 12: 2})
        # Other conditions: the line that promises the same.
        other = matching.Line(13, channels=frozenset({4}), hours=1, targets={"x": 5})
        moved = matching.Line(3, teams=frozenset({4}), hours=1, targets={"x": 5})
        self.assertEqual(
            backtest.pair_lines([*before, moved], [other, *after]),
            {11: 1, 12: 2, 13: 3},
        )

    def test_who_would_change_line(self):
        hours = {1: OFFICE}.__getitem__
        before, after = self._lines(1, 60), self._lines(11, 30)
        special = matching.Line(
            20, priority_from="3", targets={"first_response": HOUR // 4}, hours=1
        )
        found = comparison_of(
            hours, MONDAY + HOUR * 3, lines=[special, *after], base=before
        )
        found.take(self._past(1, 20 * 60))
        found.take(self._past(2, 20 * 60, priority="3"))
        found.take(self._past(3, None, priority="3", segments=frozenset({1})))
        self.assertEqual((found.tickets, found.covered), (3, 3))
        self.assertEqual(
            found.changes,
            [
                backtest.Change(2, 2, 20, backtest.KEPT, backtest.LATE),
                backtest.Change(3, 1, 20, backtest.LATE, backtest.LATE),
            ],
        )
        sample = found.samples[20, "first_response"]
        self.assertEqual((sample.kept, sample.missed, sample.late_open), (0, 2, 1))
        base = found.base[20, "first_response"]
        self.assertEqual((base.kept, base.missed), (1, 1))

    def test_nothing_in_force_yet(self):
        hours = {1: OFFICE}.__getitem__
        found = comparison_of(hours, MONDAY + HOUR, lines=self._lines(11, 30))
        found.take(self._past(1, 60))
        self.assertFalse(found.base)
        self.assertEqual(
            found.changes, [backtest.Change(1, 0, 12, backtest.NOTHING, backtest.KEPT)]
        )

    def test_parts_put_together_are_the_whole(self):
        hours = {1: OFFICE}.__getitem__
        lines, base = self._lines(11, 30), self._lines(1, 60)
        pasts = [
            self._past(number, number * 100, segments=frozenset({number % 2}))
            for number in range(40)
        ]
        whole = comparison_of(hours, MONDAY + 9 * HOUR, lines=lines, base=base)
        joined = comparison_of(hours, MONDAY + 9 * HOUR, lines=lines, base=base)
        for past in pasts:
            whole.take(past)
        for first in range(0, 40, 10):
            part = comparison_of(hours, MONDAY + 9 * HOUR, lines=lines, base=base)
            for past in pasts[first : first + 10]:
                part.take(past)
            joined.join_data(part.to_data())
        self.assertEqual(joined.to_data(), whole.to_data())


class TestBacktestFigures(BaseCase):
    def _sample(self, kept, missed=0, late_open=0):
        sample = Sample()
        for seconds in kept:
            sample.add(Row("resolution", clock.MET, seconds))
        for seconds in missed or ():
            sample.add(Row("resolution", clock.MISSED, seconds))
        for _number in range(late_open):
            sample.add(Row("resolution", clock.MISSED, inf))
        return sample

    def test_verdicts(self):
        for kept, missed, goal, verdict in (
            (99, 1, 0.9, backtest.SUPPORTED),
            (91, 9, 0.9, backtest.UNSURE),
            (412, 88, 0.9, backtest.UNSUPPORTED),
            (29, 0, 0.5, backtest.TOO_FEW),
            (30, 0, 0.5, backtest.SUPPORTED),
            (0, 0, 0.9, backtest.TOO_FEW),
        ):
            sample = self._sample([60] * kept, [9000] * missed)
            self.assertEqual(backtest.figures(sample, goal).verdict, verdict)

    def test_undecided_ones_count_neither_way(self):
        sample = self._sample([60] * 10)
        for state in (clock.RUNNING, clock.PAUSED, clock.CANCELLED):
            sample.add(Row("resolution", state, None))
        found = backtest.figures(sample, 0.9)
        self.assertEqual((sample.cases, sample.decided), (13, 10))
        self.assertEqual((found.kept_share, found.median), (1.0, 60))

    def test_target_that_would_have_been_kept(self):
        sample = self._sample(range(60, 660, 60), range(660, 1260, 60))
        self.assertEqual(backtest.figures(sample, 0.9).reached, 18 * 60)
        # Late and still open: nobody knows how long that takes.
        sample = self._sample([60] * 8, late_open=2)
        self.assertEqual(backtest.figures(sample, 0.8).reached, 60)
        self.assertIsNone(backtest.figures(sample, 0.9).reached)

    def test_picture_without_any_case(self):
        found = backtest.distribution(Sample(), HOUR)
        self.assertFalse(any(found["counts"]) or found["beyond"])

    @given(
        st.lists(st.integers(0, 10**7), max_size=60),
        st.integers(60, 10**6),
        st.integers(0, 3),
    )
    @settings(deadline=None)
    def test_picture(self, times, target, late_open):
        """No case is lost, and the target is the edge of a bar."""
        sample = self._sample(times, late_open=late_open)
        found = backtest.distribution(sample, target)
        counts, width = found["counts"], found["width"]
        self.assertEqual(sum(counts) + found["beyond"], len(times) + late_open)
        self.assertLessEqual(len(counts), backtest.BARS + 1)
        parts = target / width
        self.assertAlmostEqual(parts, round(parts))
        self.assertLessEqual(round(parts), len(counts))
        in_time = sum(seconds <= target for seconds in times)
        self.assertEqual(sum(counts[: round(parts)]), in_time)


def _time_of(row):
    if row.state == clock.MET:
        return row.consumed
    if row.state == clock.MISSED:
        return inf if row.ended_at is None else row.consumed
    return None
