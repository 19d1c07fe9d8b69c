import json
from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import BaseCase, new_test_user

from ..models.res_partner_lookup import POOL, fill_lookup
from ..tools import lookup
from .common import CspCommon

# The machine may be busy: neither time nor chance decides.
fixed = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
NUMBER = "+32 2 123.45.67"
NOTATIONS = (
    "+32 2 123.45.67",
    "+3221234567",
    "003221234567",
    "0032 (0)2 123 45 67",
    "+32 (0) 2/123.45.67",
    "021234567",
    "02 123 45 67",
    "02/123.45.67",
    "(02) 123-45-67",
    "tel:+32-2-123-45-67",
)


class TestWhatIsTyped(BaseCase):
    """Names, numbers and addresses, however people write them."""

    def test_one_number_in_all_notations(self):
        for stored, typed in product(NOTATIONS, repeat=2):
            with self.subTest(stored=stored, typed=typed):
                asked = lookup.parse(typed)
                self.assertEqual(asked.name, "")
                self.assertTrue(asked.digits)
                self.assertEqual(
                    lookup.same_number(lookup.phone_digits(stored), asked.digits), 0
                )

    def test_numbers_that_differ(self):
        digits = lookup.phone_digits(NUMBER)
        self.assertEqual(lookup.same_number(digits, "21234568"), 3)
        self.assertEqual(lookup.same_number(digits, "4567"), 1)
        self.assertEqual(lookup.same_number(digits, "1234"), 2)
        self.assertEqual(lookup.same_number(None, "1234"), 3)
        # Another town with the same last seven digits is somebody else.
        self.assertEqual(lookup.same_number("3231234567", "3221234567"), 3)
        self.assertEqual(lookup.same_number("3341234567", "3221234567"), 3)
        self.assertEqual(lookup.same_number("32475111111 3221234567", "21234567"), 0)
        # A zero that does not belong behind the code of a country is a frequent slip.
        self.assertEqual(lookup.same_number(digits, "32021234567"), 0)

    def test_extensions_and_several_numbers(self):
        self.assertEqual(lookup.phone_digits("02 123 ext. 45"), "2123")
        self.assertEqual(lookup.phone_digits("02 123 x45"), "2123")
        self.assertEqual(lookup.phone_digits("02 123, 0475 99"), "2123 47599")
        self.assertEqual(lookup.phone_digits("٠٢ ١٢٣"), "2123")
        self.assertIsNone(lookup.phone_digits("none"))
        self.assertIsNone(lookup.phone_digits(None))

    def test_names(self):
        self.assertEqual(lookup.parse("ΔΗΜΗΤΡΑ").words, lookup.parse("Δήμητρα").words)
        names = lookup.words_of("Æbbe O'Brien-Łoś Großmann")
        self.assertEqual(names, ["aebbe", "o", "brien", "los", "grossmann"])
        self.assertEqual(lookup.words_of("Γιώργος"), lookup.words_of("ΓΙΩΡΓΟΣ"))

    def test_name_and_number_and_address(self):
        asked = lookup.parse("Maria Rossi (+39 06 123456) <Maria.R@Example.com>")
        self.assertEqual(asked.name, "Maria Rossi")
        self.assertEqual(asked.phone, "+39 06 123456")
        self.assertEqual(asked.email, "Maria.R@Example.com")
        self.assertEqual(asked.name_words, ("maria", "rossi"))
        self.assertIn("maria.r@example.com", asked.words)
        # A house number is none.
        self.assertEqual(lookup.parse("Shop 24").digits, "")
        self.assertEqual(lookup.parse("HT00012").digits, "")

    def test_ticket_numbers(self):
        self.assertEqual(lookup.ticket_reference("HT00012"), ("HT", "12"))
        self.assertEqual(lookup.ticket_reference("#12"), ("", "12"))
        self.assertEqual(lookup.ticket_reference(" ht 12 "), ("HT", "12"))
        self.assertIsNone(lookup.ticket_reference("Maria Rossi 3"))
        self.assertIsNone(lookup.ticket_reference(""))

    @fixed
    @given(st.text(), st.text(), st.text())
    def test_any_text(self, name, email, ref):
        """Whatever is typed or stored can be indexed: words, one space between them."""
        for text in (lookup.lookup_text(name, email, ref), lookup.phone_digits(name)):
            if text is not None:
                self.assertLessEqual(len(text), lookup.LONGEST_TEXT)
                self.assertEqual(text, " ".join(text.split(" ")))
                self.assertNotIn("", text.split(" "))
        asked = lookup.parse(name)
        self.assertTrue(asked.digits.isdigit() or not asked.digits)
        self.assertEqual(
            lookup.same_number(asked.digits, asked.digits) == 0, bool(asked.digits)
        )

    @fixed
    @given(st.text(min_size=1))
    def test_folding_twice_changes_nothing(self, text):
        self.assertEqual(lookup.fold(lookup.fold(text)), lookup.fold(text))


class TestLookup(CspCommon):
    """Who is found, in which order, and by whom."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(
            cls.env, "csp_own", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.Partner = cls.env["res.partner"]
        cls.ferries = cls.Partner.create(
            {
                "name": "Aegean Ferries",
                "is_company": True,
                "phone": "+30 210 9999999",
                "email": "office@aegean.example.com",
            }
        )
        cls.yannis = cls.Partner.create(
            {
                "name": "Γιάννης Ωραίος",
                "parent_id": cls.ferries.id,
                "email": "yannis@aegean.example.com",
                "phone": NUMBER,
                "ref": "K-4711",
            }
        )

    def _lookup(self, text, user=None, **kwargs):
        Partner = self.Partner.with_user(user or self.clerk)
        return Partner.csp_lookup(text, **kwargs)

    def _found(self, text, user=None, **kwargs):
        ids = [row["id"] for row in self._lookup(text, user, **kwargs)["customers"]]
        return self.Partner.browse(ids)

    def test_by_number_in_any_notation(self):
        for typed in (*NOTATIONS, "1234567", "34567", "2123", "02 12 34"):
            with self.subTest(typed=typed):
                self.assertEqual(self._found(typed), self.yannis)
        self.assertFalse(self._found("021234568"))
        self.assertFalse(self._found("+33 2 123.45.67"))

    def test_by_number_without_trigrams(self):
        """Without the extension digits are found at the end and at the beginning."""
        self.env.company.country_id = self.env.ref("base.be")
        self.patch(self.env.registry, "has_trigram", False)
        for typed in (*NOTATIONS, "34567", "02123", "+322123"):
            with self.subTest(typed=typed):
                self.assertEqual(self._found(typed), self.yannis)
        self.assertFalse(self._found("2345"))

    def test_by_name(self):
        for typed in (
            "γιαννης",
            "ΓΙΑΝΝΗΣ ωραι",
            "ωραιος",
            "Aegean Ferries, Γιά",
            "k 4711",
        ):
            with self.subTest(typed=typed):
                self.assertEqual(self._found(typed), self.yannis)
        self.assertEqual(self._found("aegean"), self.ferries + self.yannis)
        self.assertEqual(self._found("ferr"), self.ferries + self.yannis)
        self.assertEqual(self._found("dimitra customer"), self.customer)
        # Both words, not one of them.
        self.assertFalse(self._found("dimitra ωραιος"))

    def test_by_address(self):
        self.assertEqual(self._found("Yannis@Aegean.example.com"), self.yannis)
        self.assertEqual(self._found("yannis@ae"), self.yannis)
        self.assertEqual(self._found("Dimitra <dimitra@example.com>"), self.customer)

    def test_by_name_and_number(self):
        self.assertEqual(self._found("γιαννης 1234567"), self.yannis)
        self.assertFalse(self._found("dimitra 1234567"))

    def test_signs_with_a_meaning_elsewhere(self):
        for typed in ("%%%", "__", "\\\\", "'':* & !", "a' | 'b", "\x00ab", "(((+++"):
            with self.subTest(typed=typed):
                self._lookup(typed)
        self.assertFalse(self._found("%%%"))
        self.assertFalse(self._found("a"))
        self.assertFalse(self._found(None))
        odd = self.Partner.create({"name": "100%_'Sure\\ ' & Co:*"})
        self.assertEqual(self._found("100%_'su"), odd)

    def test_best_first(self):
        """The same number, then who begins so, then the latest contact."""
        same, begins, later, earlier = self.Partner.create(
            [
                {"name": "Zeta", "phone": "0030 2310 555555"},
                {"name": "2310555555 Taxi"},
                {"name": "Call of 2310555555"},
                {"name": "Bell of 2310555555"},
            ]
        )
        self._create_ticket(partner_id=earlier.id, at=self.at(days=-3))
        self._create_ticket(partner_id=later.id, at=self.at(days=-2))
        found = self._found("2310555555")
        self.assertEqual(found, same + begins + later + earlier)
        same.active = begins.active = False
        found = self._lookup("2310555555")["customers"]
        ids = [row["id"] for row in found]
        self.assertEqual(ids, (later + earlier + same + begins).ids)
        self.assertTrue(found[2]["archived"])

    def test_who_called_lately_is_found_among_many(self):
        many = self.Partner.create([{"name": f"Maria {i:03}"} for i in range(3 * POOL)])
        self._create_ticket(partner_id=many[-1].id)
        found = self._found("maria")
        self.assertEqual(found[0], many[-1])
        self.assertEqual(len(found), 8)
        self.assertEqual(len(self._found("maria", limit=3)), 3)

    def test_what_is_told(self):
        row = self._lookup("yannis@")["customers"][0]
        self.assertEqual(row["company"], "Aegean Ferries")
        self.assertEqual(row["phone"], NUMBER)
        self.assertEqual(row["by"], "email")
        self.assertNotIn("profile", json.dumps(row))
        new = self._lookup("Nobody Known 0475/12.34.56")["new"]
        self.assertEqual(
            new, {"name": "Nobody Known", "phone": "0475/12.34.56", "email": ""}
        )

    def test_ticket_by_its_number(self):
        mine = self._create_ticket(user_id=self.clerk.id, team_id=False)
        other = self._create_ticket(user_id=self.agent.id, team_id=False)
        self.env.flush_all()
        number = mine.number
        for typed in (number, number.lower(), f"#{int(number[2:])}"):
            found = self._lookup(typed)["tickets"]
            self.assertEqual([row["id"] for row in found], mine.ids, typed)
        self.assertEqual(found[0]["customer"]["id"], self.customer.id)
        self.assertFalse(self._lookup(other.number)["tickets"])
        self.assertTrue(self._lookup(other.number, self.agent)["tickets"])

    def test_companies(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.yannis.parent_id = False
        self.yannis.company_id = branch
        self.assertFalse(self._found(NUMBER))
        self.clerk.company_ids += branch
        there = self.Partner.with_user(self.clerk).with_context(
            allowed_company_ids=branch.ids
        )
        self.assertTrue(there.csp_lookup(NUMBER)["customers"])

    def test_staff_only(self):
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        for user in (portal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self._lookup("dimitra", user)
            with self.assertRaises(AccessError):
                call_kw(self.Partner.with_user(user), "csp_lookup", ["dimitra"], {})
        employee = new_test_user(self.env, "csp_employee", groups="base.group_user")
        self.assertEqual(self._found("dimitra customer", employee), self.customer)

    def test_kept_up_to_date(self):
        self.assertIn("aegean ferries", self.yannis.csp_lookup_text)
        self.ferries.name = "Ionian Lines"
        self.assertEqual(self._found("ionian"), self.ferries + self.yannis)
        self.assertFalse(self._found("aegean ferr"))
        self.yannis.phone = False
        self.assertFalse(self._found(NUMBER))
        result = self.Partner.load(
            ["name", "phone"], [["Imported Person", "+30 697 7777777"]]
        )
        self.assertEqual(self._found("6977777777").ids, result["ids"])

    def test_filled_for_existing_contacts(self):
        """By SQL, as the ORM would: long names and empty ones, too."""
        self.Partner.create(
            [
                {"name": "Ó" * 500, "email": "a@b.example.com, c@d.example.com"},
                {"name": "x", "phone": "1, 2; 3 ext 4"},
                {"type": "invoice", "parent_id": self.ferries.id},
            ]
        )
        everybody = self.Partner.with_context(active_test=False).search([])
        names = ["csp_lookup_text", "csp_phone_digits"]
        before = everybody.read(names)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET csp_lookup_text = NULL, csp_phone_digits = NULL"
        )
        fill_lookup(self.env.cr, packet=7)
        everybody.invalidate_recordset()
        self.assertEqual(everybody.read(names), before)

    def test_queries(self):
        """The same number for one who answers and for many."""
        self.Partner.create([{"name": f"Nikos {i:03}"} for i in range(60)])
        self.Partner.create({"name": "Petros Only"})
        Partner = self.Partner.with_user(self.clerk)
        for text in ("petros", "nikos"):
            Partner.csp_lookup(text)
        counts = []
        for text in ("petros", "nikos"):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertTrue(Partner.csp_lookup(text)["customers"])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(max(counts), 10)
        self.assertLessEqual(counts[1], counts[0])
