from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase

from ..tools import comparison
from ..tools.comparison import (
    ADDED,
    CHANGED,
    MOVED,
    REMOVED,
    SAME,
    Item,
    Piece,
    Row,
    compare,
    compare_texts,
    plain_text,
)

#: A busy machine is no fault of what is tested.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ITEMS = st.lists(
    st.builds(
        Item,
        conditions=st.frozensets(st.integers(0, 4), max_size=3),
        cells=st.fixed_dictionaries(
            {"first": st.integers(0, 2), "solved": st.integers(0, 2)}
        ),
    ),
    max_size=7,
)
WORDS = st.lists(
    st.sampled_from(["we", "answer", "within", "a", "day", ".", " ", "\n", "<b>"]),
    max_size=20,
).map("".join)


def item(*conditions, **cells):
    return Item(frozenset(conditions), cells)


def mirrored(row):
    return row._replace(before=row.after, after=row.before)


class TestListsCompared(BaseCase):
    def kinds(self, before, after):
        return [row.kind for row in compare(before, after)]

    def test_nothing(self):
        self.assertEqual(compare([], []), [])

    def test_same_conditions_other_times(self):
        rows = compare(
            [item("vip", first=15, solved=240)], [item("vip", first=30, solved=240)]
        )
        self.assertEqual(rows, [Row(0, 0, changed=("first",))])
        self.assertEqual(rows[0].kind, CHANGED)

    def test_other_conditions_are_one_changed_line_if_they_are_alike(self):
        rows = compare(
            [item("vip", "phone", first=15)], [item("vip", "mail", first=15)]
        )
        self.assertEqual(rows, [Row(0, 0, other_conditions=True)])
        self.assertEqual(
            self.kinds([item("vip", first=15)], [item("mail", first=15)]),
            [REMOVED, ADDED],
            "equal times alone make no equal line",
        )

    def test_conditions_come_before_likeness(self):
        rows = compare(
            [item("vip", first=1), item("vip", "phone", first=2)],
            [item("vip", "phone", first=1)],
        )
        self.assertEqual(
            rows, [Row(0, None), Row(1, 0, changed=("first",))], "not the first one"
        )

    def test_gone_lines_stay_where_they_were(self):
        before = [item("a"), item("b"), item("c")]
        self.assertEqual(self.kinds(before, before[:1]), [SAME, REMOVED, REMOVED])
        self.assertEqual(self.kinds(before, before[2:]), [REMOVED, REMOVED, SAME])
        rows = compare(before, [item("a"), item("d"), item("c")])
        self.assertEqual([row.kind for row in rows], [SAME, REMOVED, ADDED, SAME])

    def test_one_moves_the_others_stay(self):
        a, b, c, d = (item(name) for name in "abcd")
        self.assertEqual(
            self.kinds([a, b, c, d], [d, a, b, c]), [MOVED, SAME, SAME, SAME]
        )
        self.assertEqual(
            self.kinds([a, b], [b, a]), [MOVED, MOVED], "neither can be said to stay"
        )

    def test_room_made_by_a_new_line_moves_nothing(self):
        a, b = item("a"), item("b")
        self.assertEqual(self.kinds([a, b], [item("new"), a, b]), [ADDED, SAME, SAME])

    def test_moved_and_changed(self):
        rows = compare(
            [item("a", first=1), item("b"), item("c")],
            [item("b"), item("c"), item("a", first=2)],
        )
        self.assertEqual(rows[-1], Row(0, 2, moved=True, changed=("first",)))
        self.assertEqual(rows[-1].kind, CHANGED)

    @patiently
    @given(ITEMS)
    def test_equal_lists_have_no_change(self, items):
        self.assertEqual(
            compare(items, list(items)), [Row(i, i) for i in range(len(items))]
        )

    @patiently
    @given(ITEMS, ITEMS)
    def test_other_way_round(self, before, after):
        there = set(compare(before, after))
        back = {mirrored(row) for row in compare(after, before)}
        self.assertEqual(
            {row._replace(changed=frozenset(row.changed)) for row in there},
            {row._replace(changed=frozenset(row.changed)) for row in back},
        )

    @patiently
    @given(ITEMS, ITEMS)
    def test_everything_is_told_once(self, before, after):
        rows = compare(before, after)
        olds = [row.before for row in rows if row.before is not None]
        self.assertEqual(sorted(olds), list(range(len(before))))
        news = [row.after for row in rows if row.after is not None]
        self.assertEqual(news, list(range(len(after))), "in the order of the new list")


class TestTextsCompared(BaseCase):
    def test_words(self):
        self.assertEqual(
            compare_texts("We answer within a day.", "We answer within two hours."),
            [
                Piece(SAME, "We answer within "),
                Piece(REMOVED, "a day"),
                Piece(ADDED, "two hours"),
                Piece(SAME, "."),
            ],
        )

    def test_words_never_break(self):
        self.assertEqual(
            compare_texts("hour", "hours"),
            [Piece(REMOVED, "hour"), Piece(ADDED, "hours")],
        )

    def test_paragraphs(self):
        self.assertEqual(
            compare_texts("One.\nThree.", "One.\nTwo.\nThree."),
            [Piece(SAME, "One.\n"), Piece(ADDED, "Two.\n"), Piece(SAME, "Three.")],
        )

    def test_long_texts_do_not_take_long(self):
        before = "\n".join(f"Rule {n} of many, which is kept." for n in range(2000))
        after = before.replace("Rule 1000 of", "Rule 1000 out of")
        pieces = compare_texts(before, after)
        self.assertEqual(
            [piece for piece in pieces if piece.kind != SAME], [Piece(ADDED, " out")]
        )

    @patiently
    @given(WORDS)
    def test_equal_texts_have_no_change(self, text):
        self.assertEqual(compare_texts(text, text), [Piece(SAME, text)] if text else [])

    @patiently
    @given(WORDS, WORDS)
    def test_both_texts_can_be_read_out_of_it(self, before, after):
        pieces = compare_texts(before, after)
        self.assertEqual(
            "".join(text for kind, text in pieces if kind != ADDED), before
        )
        self.assertEqual(
            "".join(text for kind, text in pieces if kind != REMOVED), after
        )

    @patiently
    @given(WORDS, WORDS)
    def test_other_way_round(self, before, after):
        there = compare_texts(before, after)
        back = compare_texts(after, before)
        opposite = {SAME: SAME, ADDED: REMOVED, REMOVED: ADDED}
        self.assertEqual(
            sorted(there), sorted(Piece(opposite[kind], text) for kind, text in back)
        )


class TestWordsOfMarkup(BaseCase):
    def test_paragraphs_and_points(self):
        self.assertEqual(
            plain_text(
                "<p>We <b>answer</b> you.</p><ul><li>First\nyou</li><li>then "
                "others</li></ul>Last<br/>line"
            ),
            "We answer you.\n• First you\n• then others\nLast\nline",
        )

    def test_nothing(self):
        for empty in ("", None, False, " ", "<p><br></p>", "<!-- hidden -->"):
            self.assertEqual(plain_text(empty), "", empty)

    def test_no_markup_is_left(self):
        self.assertEqual(plain_text("<p>1 &lt; 2 &amp; &lt;b&gt;</p>"), "1 < 2 & <b>")
        self.assertEqual(plain_text("text only"), "text only")

    @patiently
    @given(st.text(max_size=40))
    def test_anything_can_be_read(self, text):
        self.assertIsInstance(comparison.plain_text(text), str)
