from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import complaint


class TestComplaintRules(BaseCase):
    @given(st.sampled_from(complaint.STATES), st.sampled_from(complaint.STATES))
    def test_only_forward(self, state, to):
        if complaint.may_move(state, to):
            forward = complaint.STATES.index(to) - complaint.STATES.index(state)
            self.assertTrue(forward > 0 or state == to == complaint.DECIDED)

    def test_never_closed_untold(self):
        closing = [s for s in complaint.STATES if complaint.may_move(s, "closed")]
        telling = [s for s in complaint.STATES if complaint.may_move(s, "told")]
        self.assertEqual(closing, ["told"])
        self.assertEqual(telling, ["decided"])

    @given(
        st.lists(st.integers(1, 50), unique=True, max_size=8),
        st.dictionaries(st.integers(1, 50), st.integers(0, 10**9)),
        st.integers(0, 40),
    )
    def test_turns_are_fair(self, people, last_at, count):
        turns = complaint.take_turns(people, last_at, count)
        if not people:
            self.assertEqual(turns, [])
            return
        self.assertEqual(len(turns), count)
        shares = [turns.count(person) for person in people]
        self.assertLessEqual(max(shares) - min(shares), 1)

    def test_who_never_had_one_begins(self):
        self.assertEqual(complaint.take_turns([1, 2, 3], {1: 50, 3: 20}, 2), [2, 3])
