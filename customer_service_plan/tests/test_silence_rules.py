from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import silence
from ..tools.epoch import to_epoch
from ..tools.silence import Plan, Rule
from ..tools.timeline import Timeline

OFFICE = Timeline("UTC", [(weekday, 540, 1020) for weekday in range(5)])
ALWAYS = Timeline("UTC", always_open=True)
NEVER = Timeline("UTC")
HOUR = 3600
KINDS = st.sampled_from(silence.KINDS)
#: A busy machine is no fault of what is tested.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def at(day, hour, minute=0):
    """An instant of March 2026, which begins on a Sunday."""
    return to_epoch(datetime(2026, 3, day, hour, minute))


class TestWhoseTurn(BaseCase):
    def since(self, *events):
        """Of events (kind, moment) in their order; the last contact is theirs."""
        latest = {kind: (at, number) for number, (kind, at) in enumerate(events)}
        spoken = [
            at for kind, at in events if kind in ("customer_message", "staff_reply")
        ]
        return silence.get_since(latest, max(spoken, default=0))

    def test_question_then_wait(self):
        self.assertEqual(self.since(("staff_reply", 5), ("paused", 7)), 7)
        self.assertEqual(self.since(("paused", 7), ("staff_reply", 9)), 9)

    def test_customer_had_the_last_word(self):
        self.assertIsNone(self.since(("paused", 7), ("customer_message", 9)))
        self.assertIsNone(
            self.since(("paused", 7), ("staff_reply", 9), ("customer_message", 9)),
            "within a second the order of the events counts",
        )

    def test_he_wrote_before_we_began_to_wait(self):
        self.assertEqual(self.since(("customer_message", 5), ("paused", 7)), 7)

    def test_no_answer_needed(self):
        self.assertEqual(
            self.since(
                ("paused", 7), ("customer_message", 9), ("no_answer_needed", 11)
            ),
            9,
        )

    def test_reopened_into_the_wait(self):
        self.assertEqual(self.since(("paused", 7), ("reopened", 20)), 20)

    def test_never_waited(self):
        self.assertIsNone(self.since(("staff_reply", 5)))

    @patiently
    @given(st.lists(st.tuples(KINDS, st.integers(0, 9)), max_size=12))
    def test_never_before_the_wait(self, events):
        events.sort(key=lambda event: event[1])
        since = self.since(*events)
        waits = [at for kind, at in events if kind in silence.WAITING_KINDS]
        if since is None:
            wrote = [at for kind, at in events if kind == silence.CUSTOMER_KIND]
            self.assertTrue(not waits or max(wrote) >= max(waits))
        else:
            self.assertGreaterEqual(since, max(waits))


class TestPlan(BaseCase):
    def test_reminder_then_closing(self):
        rule = Rule(16 * HOUR, 8 * HOUR)
        # Friday 15:00: two hours that day, eight on Monday, six on Tuesday.
        self.assertEqual(
            silence.plan(rule, at(6, 15), None, OFFICE), Plan(at(10, 15), at(11, 15))
        )

    def test_second_span_begins_with_the_real_reminder(self):
        plan = silence.plan(Rule(HOUR, 8 * HOUR), at(2, 9), at(6, 12), OFFICE)
        self.assertEqual(plan, Plan(None, at(9, 12)))

    def test_not_at_closing_time(self):
        plan = silence.plan(Rule(0, 8 * HOUR), at(2, 9), None, OFFICE)
        self.assertEqual(plan, Plan(None, at(3, 9)), "no longer on Monday at 17:00")

    def test_one_without_the_other(self):
        self.assertEqual(
            silence.plan(Rule(HOUR, 0), at(2, 9), None, OFFICE), Plan(at(2, 10), None)
        )
        self.assertEqual(
            silence.plan(Rule(HOUR, 0), at(2, 9), at(2, 10), OFFICE), Plan(None, None)
        )
        self.assertEqual(
            silence.plan(Rule(0, 0), at(2, 9), None, OFFICE), Plan(None, None)
        )

    def test_never_open(self):
        plan = silence.plan(Rule(HOUR, HOUR), at(2, 9), None, NEVER)
        self.assertEqual(plan, Plan(None, None))

    @patiently
    @given(
        st.integers(0, 100) | st.none(),
        st.integers(1, 40),
        st.integers(1, 40),
        st.integers(0, 200),
        st.sampled_from([OFFICE, ALWAYS]),
    )
    def test_whole_spans(self, late, remind, close, start, hours):
        """Both spans pass in full, and it is closed in opening time."""
        rule = Rule(remind * HOUR, close * HOUR)
        since = at(2, 0) + start * HOUR
        first = silence.plan(rule, since, None, hours)
        self.assertEqual(hours.open_seconds(since, first.remind_at), rule.remind)
        reminded_at = first.remind_at + (late or 0) * HOUR
        second = silence.plan(rule, since, reminded_at, hours)
        self.assertEqual(hours.open_seconds(reminded_at, second.close_at), rule.close)
        self.assertTrue(hours.is_open(second.close_at))
        self.assertGreaterEqual(second.close_at, first.close_at)
