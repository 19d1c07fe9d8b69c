import json
from datetime import date, datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

from ..models import csp_segment_membership
from .common import CspCommon

TODAY = "2026-03-02 09:00:00"
CRON = "customer_service_plan.ir_cron_segments"


@freeze_time(TODAY)
class SegmentCase(CspCommon):
    """Customers in two countries, and segments that managers make."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.greece, cls.italy = cls.env.ref("base.gr"), cls.env.ref("base.it")
        cls.reader = new_test_user(
            cls.env,
            "csp_reader",
            groups="customer_service_plan.group_manager,"
            "customer_service_plan.group_profile",
        )
        # Managers of the plan are not by that allowed to write contacts.
        cls.clerk = new_test_user(
            cls.env,
            "csp_clerk",
            groups="customer_service_plan.group_manager,base.group_partner_manager",
        )
        cls.customer.country_id = cls.greece
        cls.gold = cls.env.ref("customer_service_plan.csp_customer_tier_gold")
        cls.silver = cls.env.ref("customer_service_plan.csp_customer_tier_silver")

    @classmethod
    def _create_segment(cls, name="Segment", user=None, **vals):
        Segment = cls.env["csp.segment"].with_user(user or cls.manager)
        return Segment.create({"name": name, **vals})

    @classmethod
    def _create_partner(cls, name="Somebody", profile=None, **vals):
        partner = cls.env["res.partner"].create({"name": name, **vals})
        if profile:
            cls.env["csp.customer.profile"].create(
                {"partner_id": partner.id, **profile}
            )
        return partner

    def _is_in(self, partner, segment):
        return segment.sudo() in partner.sudo().csp_segment_ids

    def _stored(self, segment):
        """Who is in a segment by the database, past every cache."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT partner_id FROM csp_segment_res_partner_rel WHERE segment_id = %s",
            [segment.id],
        )
        return {id_ for (id_,) in self.env.cr.fetchall()}

    def _break(self, segment, condition="[('gone', '=', 1)]"):
        """Let a condition become wrong, as when the addon of its field goes."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE csp_segment SET partner_domain = %s WHERE id = %s",
            [condition, segment.id],
        )
        self.env.invalidate_all()
        segment._csp_rules_changed()

    def _run_cron(self, at=TODAY):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref(CRON).method_direct_trigger()
        self.env.invalidate_all()


@freeze_time(TODAY)
class TestRules(SegmentCase):
    """Each rule by itself, together, and with what is not known."""

    def test_each_rule(self):
        levels = self.env["csp.education.level"].search([], limit=2)
        criterion = self.env["csp.customer.criterion"].create({"name": "Has a boat"})
        attica = self.env["res.country.state"].create(
            {"name": "Attica", "code": "ATX", "country_id": self.greece.id}
        )
        everything = {
            "gender": "female",
            "education_level_id": levels[0].id,
            "purchasing_power": "high",
            "tier_id": self.gold.id,
            "criterion_ids": criterion.ids,
            "birthdate": "1960-05-05",
        }
        fits = self._create_partner(
            "Fits",
            everything,
            country_id=self.greece.id,
            state_id=attica.id,
            ref="VIP 7",
        )
        other = self._create_partner(
            "Other",
            {
                "gender": "male",
                "education_level_id": levels[1].id,
                "purchasing_power": "low",
                "tier_id": self.silver.id,
                "birthdate": "1990-05-05",
            },
            country_id=self.italy.id,
        )
        unknown = self._create_partner("Unknown")
        unsaid = self._create_partner("Nothing stated", {"source": "By telephone"})
        rules = [
            {"country_ids": self.greece.ids},
            {"state_ids": attica.ids},
            {"age_min": 60},
            {"age_min": 65, "age_max": 65},
            {"genders": "other,female"},
            {"education_level_ids": levels[0].ids},
            {"purchasing_powers": "medium,high"},
            {"tier_ids": self.gold.ids},
            {"criterion_ids": criterion.ids},
            {"partner_domain": "[('ref', '=like', 'VIP%')]"},
            {"country_ids": self.greece.ids, "genders": "female", "age_max": 70},
        ]
        for rule in rules:
            segment = self._create_segment(**rule)
            with self.subTest(rule=rule):
                self.assertTrue(self._is_in(fits, segment))
                self.assertFalse(self._is_in(other, segment))
                self.assertFalse(self._is_in(unknown, segment))
                self.assertFalse(self._is_in(unsaid, segment))

    def test_several_values_of_one_rule(self):
        segment = self._create_segment(country_ids=(self.greece | self.italy).ids)
        for country in self.greece | self.italy:
            self.assertTrue(
                self._is_in(self._create_partner(country_id=country.id), segment)
            )

    def test_age_known_by_the_year_only(self):
        """Born in 1966 he turns 60 this year; nobody knows whether he has."""
        segment = self._create_segment(age_min=60)
        partner = self._create_partner(profile={"birth_year": 1966})
        self.assertFalse(self._is_in(partner, segment))
        partner.csp_profile_ids.birth_year = 1965
        self.assertTrue(self._is_in(partner, segment))
        segment.write({"age_min": 0, "age_max": 60})
        self.assertFalse(self._is_in(partner, segment), "he may be 61 by now")

    def test_without_rules_it_is_by_hand(self):
        segment = self._create_segment()
        self.assertFalse(segment.has_rules)
        segment.partner_ids = [Command.link(self.customer.id)]
        segment._update_membership()
        self.env["csp.segment"]._update_membership()
        self._run_cron()
        self.assertTrue(self._is_in(self.customer, segment))
        self.assertEqual(segment.member_count, 1)

    def test_rules_decide_alone(self):
        """Once there is a rule nobody is in it by hand, by no door."""
        segment = self._create_segment()
        stranger = self._create_partner(country_id=self.italy.id)
        segment.partner_ids = [Command.link(stranger.id)]
        segment.country_ids = self.greece
        self.assertFalse(self._is_in(stranger, segment))
        self.assertTrue(self._is_in(self.customer, segment))
        attempts = [
            lambda: segment.write({"partner_ids": [Command.link(stranger.id)]}),
            lambda: stranger.with_user(self.clerk).write(
                {"csp_segment_ids": [Command.link(segment.id)]}
            ),
            lambda: self.customer.with_user(self.clerk).write(
                {"csp_segment_ids": [Command.clear()]}
            ),
            lambda: (
                self.env["res.partner"]
                .with_user(self.clerk)
                .create({"name": "New", "csp_segment_ids": [Command.link(segment.id)]})
            ),
        ]
        for attempt in attempts:
            with (
                self.assertRaisesRegex(UserError, "has rules"),
                self.env.cr.savepoint(),
            ):
                attempt()
        self.env.invalidate_all()
        self.assertTrue(self._is_in(self.customer, segment))

    def test_by_hand_beside_rules(self):
        """A manager's hand and the rules of others do not meet."""
        ruled = self._create_segment("Greece", country_ids=self.greece.ids)
        by_hand = self._create_segment("By hand")
        customer = self.customer.with_user(self.clerk)
        customer.csp_segment_ids = [Command.link(by_hand.id)]
        self.customer.country_id = self.italy
        self.assertEqual(self.customer.csp_segment_ids, by_hand.sudo())
        self.customer.country_id = self.greece
        self.assertEqual(self.customer.csp_segment_ids, (by_hand | ruled).sudo())

    def test_last_rule_taken_away(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        segment.country_ids = False
        self.assertFalse(segment.has_rules)
        self.assertTrue(self._is_in(self.customer, segment), "they stay, by hand now")

    def test_an_empty_condition_is_none(self):
        for text in ("[]", " [ ] ", "", False):
            self.assertFalse(self._create_segment(partner_domain=text).has_rules)

    def test_codes(self):
        segment = self._create_segment(genders=" female , other")
        self.assertEqual(segment.genders, "female,other")
        segment.purchasing_powers = ["low", "high"]
        self.assertEqual(segment.purchasing_powers, "low,high")
        with self.assertRaisesRegex(ValidationError, "“women” is not known"):
            segment.genders = "women"

    def test_relative_dates(self):
        segment = self._create_segment(
            partner_domain="[('create_date', '>=', 'today -30d')]"
        )
        by_words = self._create_segment(
            partner_domain="[('create_date', '>=', "
            "(context_today() - relativedelta(days=30)).strftime('%Y-%m-%d'))]"
        )
        partner = self._create_partner()
        for moment, expected in (("2026-02-20", True), ("2026-01-01", False)):
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE res_partner SET create_date = %s WHERE id = %s",
                [moment, partner.id],
            )
            self._run_cron("2026-03-03 01:10:00")
            for tried in (segment, by_words):
                # The cron looks at everybody once a day.
                tried.sudo()._update_membership()
                self.assertEqual(self._is_in(partner, tried), expected)

    def test_values_in_use_stay(self):
        segment = self._create_segment(tier_ids=self.gold.ids)
        partner = self._create_partner(profile={"tier_id": self.gold.id})
        self.gold.active = False
        segment.sudo()._update_membership()
        self.env.invalidate_all()
        self.assertTrue(self._is_in(partner, segment))
        self.assertTrue(segment.has_rules)

    def test_in_words(self):
        segment = self._create_segment(
            user=self.reader,
            country_ids=(self.greece | self.italy).ids,
            age_min=60,
            genders="female",
            partner_domain="[('ref', '!=', False)]",
        )
        self.assertEqual(
            segment.rule_text,
            "Greece, Italy · 60 years and older · Female · more conditions",
        )
        self.assertEqual(
            segment.with_user(self.agent).rule_text,
            "Greece, Italy · private profile · more conditions",
        )

    def test_condition_in_words(self):
        tags = self.env["res.partner.category"].create(
            [{"name": "Shop"}, {"name": "Workshop"}]
        )
        hidden = self.env["res.company"].create({"name": "Elsewhere"})
        for condition, words in (
            (f"[('category_id', 'in', {tags.ids})]", "Tags: Shop, Workshop"),
            (f"[('country_id', '=', {self.italy.id})]", "Country: Italy"),
            # Whoever may not read it does not learn its name.
            (f"[('company_id', 'in', {hidden.ids})]", "more conditions"),
            (f"['!', ('category_id', 'in', {tags.ids})]", "more conditions"),
            (f"[('category_id', 'not in', {tags.ids})]", "more conditions"),
            ("[('category_id', '=', False)]", "more conditions"),
            ("[('category_id', 'in', ['Shop'])]", "more conditions"),
            ("[('gone', '=', 1)]", "more conditions"),
            ("[('ref', '=', 1.5)]", "more conditions"),
            ("broken", "more conditions"),
        ):
            with self.subTest(condition=condition):
                segment = self._create_segment(
                    user=self.env.user, partner_domain=condition
                )
                self.assertEqual(segment.with_user(self.agent).rule_text, words)
        tags.unlink()
        self.assertEqual(
            self.env["csp.segment"]._describe_condition(
                f"[('category_id', 'in', {tags.ids})]"
            ),
            "more conditions",
        )


@freeze_time(TODAY)
class TestAtOnce(SegmentCase):
    """Changed contacts are in the right segments before anybody asks."""

    def test_contact_and_profile(self):
        segment = self._create_segment(country_ids=self.greece.ids, age_min=60)
        partner = self._create_partner(country_id=self.greece.id)
        self.assertFalse(self._is_in(partner, segment))
        profile = self.env["csp.customer.profile"].create(
            {"partner_id": partner.id, "birthdate": "1950-01-01"}
        )
        self.assertTrue(self._is_in(partner, segment))
        self.assertEqual(segment.member_count, 1)
        self.assertEqual(self._stored(segment), {partner.id})
        profile.birthdate = "2000-01-01"
        self.assertFalse(self._is_in(partner, segment))
        profile.birthdate = "1950-01-01"
        self.assertTrue(self._is_in(partner, segment))
        profile.unlink()
        self.assertFalse(self._is_in(partner, segment))

    def test_by_an_agent(self):
        """Whoever may write the contact, though he may not choose segments."""
        segment = self._create_segment(country_ids=self.italy.ids)
        agent = new_test_user(
            self.env,
            "csp_writer",
            groups="helpdesk_mgmt.group_helpdesk_user,base.group_partner_manager",
        )
        self.customer.with_user(agent).country_id = self.italy
        self.assertTrue(self._is_in(self.customer, segment))

    def test_found_by_search(self):
        segment = self._create_segment(country_ids=self.italy.ids)
        partner = self._create_partner(country_id=self.italy.id)
        found = self.env["res.partner"].search([("csp_segment_ids", "in", segment.ids)])
        self.assertIn(partner, found)
        self.assertIn(
            segment.sudo(),
            self.env["csp.segment"].search([("partner_ids", "in", partner.ids)]),
        )

    def test_what_follows_from_other_fields(self):
        """A condition may ask for a field that is computed."""
        segment = self._create_segment(
            partner_domain="[('email_normalized', '=', 'vip@example.com')]"
        )
        partner = self._create_partner()
        partner.email = "VIP <vip@example.com>"
        self.assertTrue(self._is_in(partner, segment))
        partner.email = "other@example.com"
        self.assertFalse(self._is_in(partner, segment))

    def test_archived(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        self.customer.active = False
        self.assertFalse(self._is_in(self.customer, segment))
        segment.sudo()._update_membership()
        self.assertFalse(self._is_in(self.customer, segment))
        self.customer.active = True
        self.assertTrue(self._is_in(self.customer, segment))

    def test_archived_segment(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        segment.active = False
        self.assertFalse(self._stored(segment))
        segment.active = True
        self.assertIn(self.customer.id, self._stored(segment))

    def test_contacts_of_companies(self):
        condition = "[('function', '=', 'VIP')]"
        segment = self._create_segment(partner_domain=condition)
        without = self._create_segment(
            partner_domain=condition, inherit_from_company=False
        )
        company = self._create_partner("Company", is_company=True, function="VIP")
        contact = self._create_partner("Contact", parent_id=company.id)
        self.assertTrue(self._is_in(contact, segment))
        self.assertFalse(self._is_in(contact, without))
        for update in (
            lambda: segment.sudo()._update_membership(),
            lambda: self._run_cron("2026-03-05 01:10:00"),
        ):
            update()
            self.assertIn(contact.id, self._stored(segment))
            self.assertNotIn(contact.id, self._stored(without))
        company.function = "Plain"
        self.assertFalse(self._is_in(contact, segment))
        company.function = "VIP"
        self.assertTrue(self._is_in(contact, segment))
        contact.active = False
        self.assertFalse(self._is_in(contact, segment))
        segment.sudo()._update_membership()
        self.assertNotIn(contact.id, self._stored(segment))

    def test_children_of_persons(self):
        """An address of a private person is not sorted by what he is."""
        segment = self._create_segment(partner_domain="[('function', '=', 'VIP')]")
        person = self._create_partner("Person", function="VIP")
        address = self._create_partner("Summer", parent_id=person.id, type="other")
        self.assertTrue(self._is_in(person, segment))
        self.assertFalse(self._is_in(address, segment))

    def test_contact_moves_to_another_company(self):
        segment = self._create_segment(partner_domain="[('ref', '=', 'VIP')]")
        vip, plain = (
            self._create_partner(name, is_company=True, ref=ref)
            for name, ref in (("VIP", "VIP"), ("Plain", ""))
        )
        contact = self._create_partner("Contact", parent_id=vip.id)
        self.assertTrue(self._is_in(contact, segment))
        contact.parent_id = plain
        self.assertFalse(self._is_in(contact, segment))
        plain.ref = "VIP"
        self.assertTrue(self._is_in(contact, segment))

    def test_deleted(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        partner = self._create_partner(country_id=self.greece.id)
        self.assertIn(partner.id, self._stored(segment))
        partner.unlink()
        self.assertNotIn(partner.id, self._stored(segment))
        ids = segment.ids
        segment.unlink()
        self.env.cr.execute(
            "SELECT 1 FROM csp_segment_res_partner_rel WHERE segment_id = ANY(%s)",
            [ids],
        )
        self.assertFalse(self.env.cr.fetchall())

    def test_leftovers_are_cleaned_up(self):
        segment = self._create_segment()
        segment.partner_ids = [Command.link(self.customer.id)]
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO csp_segment_res_partner_rel (partner_id, segment_id) "
            "VALUES (%s, 987654321), (987654321, %s)",
            [self.customer.id, segment.id],
        )
        self.env["res.partner"]._gc_csp_memberships()
        self.assertEqual(self._stored(segment), {self.customer.id})

    def test_queries_do_not_grow(self):
        levels = self.env["csp.education.level"].search([], limit=1)
        for rules in (
            {"country_ids": self.greece.ids, "age_min": 60},
            {"genders": "female", "education_level_ids": levels.ids},
            {"partner_domain": "[('ref', 'ilike', 'vip')]"},
        ):
            self._create_segment(**rules)
        counts = []
        for count in (1, 50):
            partners = self.env["res.partner"].create(
                [{"name": f"Customer {index}"} for index in range(count)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            partners._csp_segments_outdated(inheriting=True)
            partners.flush_recordset(["csp_segment_ids"])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)
        self.assertLessEqual(counts[0], 7)

    def test_nothing_to_do_costs_nothing(self):
        """Fields that no rule asks for, and companies without segments by rule."""
        self._create_segment(country_ids=self.greece.ids)
        self.env.flush_all()
        with patch.object(
            self.env.registry["csp.segment"],
            "_sort_partners",
            side_effect=AssertionError("nobody asked"),
        ):
            self.customer.comment = "A remark"
            self.customer.color = 3
            self.env.flush_all()


@freeze_time(TODAY)
class TestInTheBackground(SegmentCase):
    """Many contacts are sorted in parts, once a day, and after rules changed."""

    def setUp(self):
        super().setUp()
        self.patch(csp_segment_membership, "AT_ONCE_LIMIT", 0)

    def test_changed_rules(self):
        segment = self._create_segment(country_ids=self.greece.ids)
        self.assertTrue(segment.is_pending)
        self.assertFalse(self._stored(segment))
        trigger = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref(CRON).id)], limit=1
        )
        self.assertTrue(trigger)
        self._run_cron()
        self.assertIn(self.customer.id, self._stored(segment))
        self.assertRecordValues(
            segment,
            [
                {
                    "is_pending": False,
                    "progress": 100,
                    "checked_at": datetime(2026, 3, 2, 9),
                }
            ],
        )

    def test_in_parts(self):
        """As if the process were killed after each part: the next one goes on."""
        partners = self.env["res.partner"].create(
            [{"name": str(i), "country_id": self.italy.id} for i in range(25)]
        )
        segment = self._create_segment(country_ids=self.italy.ids).sudo()
        rounds, seen = 0, []
        more = True
        while more:
            more = segment._sort_part(10)
            seen.append((segment.progress, len(self._stored(segment))))
            rounds += 1
            self.assertLess(rounds, 200)
        self.assertGreater(rounds, 2)
        self.assertEqual(seen, sorted(seen))
        self.assertLessEqual(set(partners.ids), self._stored(segment))
        self.assertFalse(segment.is_pending)

    def test_parts_say_the_same_as_all_at_once(self):
        company = self._create_partner("Company", is_company=True, function="VIP")
        contact = self._create_partner("Contact", parent_id=company.id)
        segment = self._create_segment(
            partner_domain="[('function', '=', 'VIP')]"
        ).sudo()
        segment._update_membership()
        at_once = self._stored(segment)
        self.assertIn(contact.id, at_once)
        self.env.cr.execute(
            "DELETE FROM csp_segment_res_partner_rel WHERE segment_id = %s",
            [segment.id],
        )
        segment._set_standing(is_pending=True, sorted_to=0)
        while segment._sort_part(3):
            pass
        self.assertEqual(self._stored(segment), at_once)

    def test_changed_meanwhile(self):
        """Who is changed while others are sorted is looked at again at the end.

        The transaction that sorted him could not see the change of another one.
        """
        segment = self._create_segment(country_ids=self.italy.ids).sudo()
        self.assertTrue(segment._sort_part(1))
        partner = self._create_partner(country_id=self.greece.id)
        self.env.flush_all()
        segment._set_standing(sorted_to=partner.id)
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO csp_segment_res_partner_rel (partner_id, segment_id) "
            "VALUES (%s, %s)",
            [partner.id, segment.id],
        )
        self.env.cr.execute(
            "UPDATE res_partner SET country_id = %s, write_date = %s WHERE id = %s",
            [self.greece.id, "2026-03-02 09:00:30", partner.id],
        )
        self.env.invalidate_all()
        while segment._sort_part(100):
            pass
        self.assertNotIn(partner.id, self._stored(segment))

    def test_nightly(self):
        """A birthday needs nobody to write anything; a second run changes nothing."""
        partner = self._create_partner(profile={"birthdate": "1966-03-03"})
        segment = self._create_segment(age_min=60)
        self._run_cron("2026-03-02 09:00:00")
        self.assertNotIn(partner.id, self._stored(segment))
        self._run_cron("2026-03-02 23:00:00")
        self.assertNotIn(partner.id, self._stored(segment))
        for _run in range(2):
            self._run_cron("2026-03-03 01:10:00")
            self.assertIn(partner.id, self._stored(segment))
        self.assertEqual(segment.checked_at, datetime(2026, 3, 3, 1, 10))

    def test_a_week_late(self):
        partner = self._create_partner(profile={"birthdate": "1966-03-03"})
        segment = self._create_segment(age_min=60)
        self._run_cron("2026-03-10 05:00:00")
        self.assertIn(partner.id, self._stored(segment))

    def test_a_broken_one_holds_up_nobody(self):
        broken = self._create_segment("Broken", partner_domain="[('ref', '=', 'A')]")
        good = self._create_segment("Good", country_ids=self.greece.ids)
        self._break(broken)
        self._run_cron()
        self.assertTrue(broken.is_broken)
        self.assertIn(self.customer.id, self._stored(good))
        self.assertFalse(good.is_pending)


@freeze_time(TODAY)
class TestBroken(SegmentCase):
    """A condition that cannot be used is shown, and nothing else suffers."""

    CONDITIONS = (
        "[('no_such_field', '=', 1)]",
        "[('country_id.no_such_field', '=', 1)]",
        "[('ref', 'no such operator', 1)]",
        "[('ref', '=', uid)]",
        "not a domain",
        "[('ref', '=',",
        "[('id', 'in', [1, 2], 3)]",
        "'text'",
        "[('csp_segment_ids', '!=', False)]",
    )

    def test_saved_and_shown(self):
        """Nothing that was typed is lost."""
        for condition in self.CONDITIONS:
            with self.subTest(condition=condition):
                segment = self._create_segment(partner_domain=condition)
                self.assertEqual(segment.partner_domain, condition)
                self.assertTrue(segment.is_broken)
                self.assertTrue(segment.broken_reason)
                self.assertTrue(segment.preview["error"])
                todo = segment.activity_ids
                self.assertEqual(todo.user_id, self.manager)
                self.assertIn(segment.broken_reason, todo.note)
                partner = self._create_partner(country_id=self.greece.id)
                self.env.flush_all()
                partner.country_id = self.italy
                self.env.flush_all()

    def test_mended(self):
        segment = self._create_segment(partner_domain="[('nothing', '=', 1)]")
        segment.partner_domain = f"[('id', '=', {self.customer.id})]"
        self.assertFalse(segment.is_broken)
        self.assertFalse(segment.broken_reason)
        self.assertFalse(segment.activity_ids)
        self.assertTrue(self._is_in(self.customer, segment))

    def test_broken_later(self):
        """Saving a contact comes first; the segment keeps its members, others go on."""
        segment = self._create_segment("Later", partner_domain="[('ref', '=', 'A')]")
        good = self._create_segment("Good", country_ids=self.italy.ids)
        self.customer.ref = "A"
        self.assertTrue(self._is_in(self.customer, segment))
        self._break(segment)
        for _again in range(2):
            self.customer.with_user(self.reader).sudo().write(
                {"ref": "B", "country_id": self.italy.id}
            )
            self.env.flush_all()
            self.assertTrue(self._is_in(self.customer, segment))
            self.assertTrue(self._is_in(self.customer, good))
            self.env.cr.precommit.run()
        self.assertTrue(segment.is_broken)
        self.assertEqual(len(segment.activity_ids), 1)
        # The night tries again: the addon of the field may be back.
        self.env.cr.execute(
            "UPDATE csp_segment SET partner_domain = %s WHERE id = %s",
            ["[('ref', '=', 'B')]", segment.id],
        )
        self.env.invalidate_all()
        self._run_cron("2026-03-04 01:10:00")
        self.assertFalse(segment.is_broken)
        self.assertFalse(segment.activity_ids)

    def test_refused_by_the_database(self):
        """The one to blame is found, and the transaction goes on."""
        bad = self._create_segment(
            "Bad", partner_domain="[('category_id.name', '=', 'A')]"
        )
        good = self._create_segment("Good", country_ids=self.italy.ids)
        fitting = type(bad)._fitting

        def divide(segment, rules, extra=None):
            query = fitting(segment, rules, extra)
            if rules.id == bad.id:
                query.add_where("1 / (res_partner.id - res_partner.id) = 1")
            return query

        with patch.object(self.env.registry["csp.segment"], "_fitting", divide):
            self.customer.write(
                {
                    "country_id": self.italy.id,
                    "category_id": [Command.create({"name": "A"})],
                }
            )
            self.assertTrue(self._is_in(self.customer, good))
            self.env.cr.precommit.run()
        self.assertTrue(bad.is_broken)
        self.assertIn("division by zero", bad.broken_reason)
        self.assertFalse(good.is_broken)

    def test_whom_to_tell(self):
        """An owner who left cannot mend anything."""
        segment = self._create_segment(partner_domain="[('ref', '=', 'A')]")
        segment.owner_id = new_test_user(
            self.env, "csp_gone", groups="customer_service_plan.group_manager"
        )
        segment.owner_id.sudo().active = False
        segment.partner_domain = "[('nothing', '=', 1)]"
        self.assertTrue(segment.activity_ids.user_id.active)

    def test_conditions_on_what_one_may_not_read(self):
        """Members of a segment would tell what the field says."""
        segment = self._create_segment()
        condition = "[('csp_profile_ids.gender', '=', 'male')]"
        with self.assertRaises(AccessError):
            self._create_segment(partner_domain=condition)
        with self.assertRaises(AccessError):
            segment.partner_domain = condition
        segment.with_user(self.reader).partner_domain = condition
        self.assertFalse(segment.is_broken)


@freeze_time(TODAY)
class TestCompanies(SegmentCase):
    """Two companies with segments of their own over the same customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create({"name": "Other Company"})
        cls.shared = cls._create_segment("Shared", country_ids=cls.greece.ids)
        cls.ours = cls._create_segment(
            "Ours", country_ids=cls.greece.ids, company_id=cls.env.company.id
        )
        cls.theirs = (
            cls.env["csp.segment"]
            .sudo()
            .create(
                {
                    "name": "Theirs",
                    "country_ids": cls.greece.ids,
                    "company_id": cls.other.id,
                }
            )
        )

    def test_shared_and_own_customers(self):
        mine = self._create_partner(
            country_id=self.greece.id, company_id=self.env.company.id
        )
        segments = (self.shared | self.ours).sudo()
        self.assertEqual(self.customer.csp_segment_ids, segments | self.theirs)
        self.assertEqual(mine.csp_segment_ids, segments)
        mine.company_id = self.other
        self.assertEqual(mine.csp_segment_ids, (self.shared | self.theirs).sudo())
        self.env["csp.segment"].sudo()._update_membership()
        self.assertNotIn(mine.id, self._stored(self.ours))
        self.assertIn(mine.id, self._stored(self.theirs))

    def test_contacts_of_a_company_kept_for_another(self):
        for segment in (self.ours, self.theirs):
            segment.country_ids = False
            segment.partner_domain = "[('function', '=', 'VIP')]"
        company = self._create_partner("Company", is_company=True, function="VIP")
        contact = self._create_partner(parent_id=company.id)
        contact.company_id = self.other
        self.assertFalse(self._is_in(contact, self.ours))
        self.assertTrue(self._is_in(contact, self.theirs))
        self.ours.sudo()._update_membership()
        self.assertNotIn(contact.id, self._stored(self.ours))

    def test_others_are_not_shown(self):
        self.env.flush_all()
        self.env.invalidate_all()
        seen = self.customer.with_user(self.agent).csp_segment_ids
        self.assertEqual(seen.mapped("name"), ["Shared", "Ours"])
        why = self.customer.with_user(self.agent).csp_segments_why()
        self.assertEqual(
            [segment["name"] for segment in why["segments"]], ["Shared", "Ours"]
        )

    def test_other_values_in_each_company(self):
        """Fields that differ by company are asked in that of the segment."""
        field = self.env["ir.model.fields"].search(
            [
                ("model", "=", "res.partner"),
                ("company_dependent", "=", True),
                ("ttype", "in", ("char", "boolean", "integer")),
                ("store", "=", True),
            ],
            limit=1,
        )
        if not field:
            self.assertFalse(field, "no such field in these addons")
            return
        condition = f"[('{field.name}', '!=', False)]"
        self.theirs.write({"country_ids": False, "partner_domain": condition})
        value = {"char": "x", "boolean": True, "integer": 7}[field.ttype]
        self.customer.with_company(self.other)[field.name] = value
        self.assertTrue(self._is_in(self.customer, self.theirs))


@freeze_time(TODAY)
class TestWhy(SegmentCase):
    """Why somebody is in a segment or not, for whoever may know."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.segment = cls._create_segment(
            "Seniors",
            country_ids=cls.greece.ids,
            age_min=60,
            genders="female",
            partner_domain="[('ref', '!=', False), ('email', 'ilike', 'example')]",
        )
        cls.env["csp.customer.profile"].create(
            {"partner_id": cls.customer.id, "birth_year": 1966}
        )

    def _why(self, user, partner=None, segment=None):
        result = (
            (partner or self.customer)
            .with_user(user)
            .csp_segments_why((segment or self.segment).ids)
        )
        [told] = result["segments"]
        return told, [(rule["label"], rule["verdict"]) for rule in told["rules"]]

    def test_rule_by_rule(self):
        told, rules = self._why(self.reader)
        self.assertFalse(told["member"])
        self.assertEqual(
            rules,
            [
                ("Countries", "yes"),
                ("Gender", "unknown"),
                ("Age", "unknown"),
                ("More conditions", "no"),
                ("More conditions", "yes"),
            ],
        )
        self.assertEqual(told["rules"][0]["actual"], "Greece")
        self.assertEqual(told["rules"][2]["wanted"], "60 years and older")
        self.assertEqual(told["rules"][2]["actual"], "59 or 60")
        self.assertIn("ref", told["rules"][3]["domain"])

    def test_nothing_private_for_others(self):
        """Managers know the rules, agents not even those."""
        self.customer.csp_profile_ids.gender = "male"
        told, rules = self._why(self.manager)
        self.assertIn(("Gender", "hidden"), rules)
        self.assertIn(("Age", "hidden"), rules)
        self.assertNotIn("Male", json.dumps(told))
        told, rules = self._why(self.agent)
        self.assertEqual(
            rules,
            [
                ("Countries", "yes"),
                ("Private profile", "hidden"),
                ("More conditions", "no"),
                ("More conditions", "yes"),
            ],
        )
        for word in ("60", "Female", "Male", "1966"):
            self.assertNotIn(word, json.dumps(told))

    def test_rules_on_profiles_are_for_managers(self):
        segment = self.segment.with_user(self.agent)
        self.assertEqual(segment.name, "Seniors")
        for name in ("age_min", "genders", "tier_ids"):
            with self.assertRaises(AccessError):
                segment.read([name])
            with self.assertRaises(AccessError):
                segment.search([(name, "!=", False)])

    def test_through_the_company(self):
        company = self._create_partner("Company", is_company=True, function="VIP")
        contact = self._create_partner("Contact", parent_id=company.id)
        segment = self._create_segment(partner_domain="[('function', '=', 'VIP')]")
        told, rules = self._why(self.reader, contact, segment)
        self.assertTrue(told["member"])
        self.assertTrue(told["through_company"])
        self.assertEqual(rules, [("More conditions", "yes")])

    def test_archived_and_other_company(self):
        other = self.env["res.company"].create({"name": "Other Company"})
        segment = self._create_segment(
            country_ids=self.greece.ids, company_id=self.env.company.id
        )
        self.customer.write({"active": False, "company_id": other.id})
        told = segment.sudo()._explain(self.customer)
        self.assertEqual(
            [(rule["rule"], rule["verdict"]) for rule in told[0]["rules"]],
            [("active", "no"), ("company_id", "no"), ("country_ids", "yes")],
        )

    def test_agrees_with_membership(self):
        """For everybody and every segment, what is told and what is stored."""
        partners = self.customer
        for index in range(6):
            partners |= self._create_partner(
                str(index),
                {"birthdate": f"19{50 + 5 * index}-01-01", "gender": "female"}
                if index % 2
                else None,
                country_id=(self.greece, self.italy)[index % 3 == 0].id,
                ref="A" if index % 4 else False,
                email=f"{index}@example.com",
            )
        segments = self.segment.sudo() | self._create_segment(age_max=50).sudo()
        members = 0
        for partner in partners:
            for told in segments._explain(partner):
                fits = all(rule["verdict"] == "yes" for rule in told["rules"])
                members += fits
                with self.subTest(partner=partner.name, segment=told["name"]):
                    segment = segments.browse(told["id"])
                    rules = segment._explain_rules(partner)
                    self.assertEqual(
                        told["member"], all(rule["fits"] for rule in rules)
                    )
        self.assertTrue(segments[0].member_count)

    def test_not_for_customers(self):
        portal = new_test_user(self.env, "csp_portal_why", groups="base.group_portal")
        with self.assertRaises(AccessError):
            portal.partner_id.with_user(portal).csp_segments_why()

    def test_other_language(self):
        self.env["res.lang"]._activate_lang("it_IT")
        self.italy.with_context(lang="it_IT").name = "Italia"
        segment = self._create_segment(country_ids=self.italy.ids)
        self.assertEqual(segment.with_context(lang="it_IT").rule_text, "Italia")


@freeze_time(TODAY)
class TestWhileEditing(SegmentCase):
    """The live count, with what others may not know by it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.partner"].search([]).country_id = False
        cls.partners = cls.env["res.partner"].create(
            [
                {
                    "name": f"Greek {index}",
                    "country_id": cls.greece.id,
                    "city": "Athens",
                }
                for index in range(8)
            ]
        )
        cls.known = cls.partners[:4]
        for partner in cls.known:
            cls.env["csp.customer.profile"].create(
                {"partner_id": partner.id, "gender": "female"}
            )
        cls.women = cls._create_segment("Women", genders="female")

    def test_counts_change(self):
        with Form(self.env["csp.segment"].with_user(self.reader)) as form:
            form.name = "Greece"
            self.assertTrue(form.preview["by_hand"])
            form.country_ids.add(self.greece)
            self.assertEqual(form.preview["count"], 8)
            self.assertEqual(len(form.preview["sample"]), 5)
            self.assertEqual(form.preview["sample"][0]["place"], "Athens, Greece")
            self.assertEqual(
                form.preview["overlaps"],
                [{"id": self.women.id, "name": "Women", "count": 4, "share": 50}],
            )
            form.genders = "female"
            self.assertEqual(form.preview["count"], 4)
            form.partner_domain = "[('nothing', '=', 1)]"
            self.assertTrue(form.preview["error"])
            form.partner_domain = "[]"
            self.assertFalse(form.preview["error"])
            form.age_min, form.age_max = 50, 30
            self.assertIn("lower one first", form.preview["error"])
            form.age_min = form.age_max = 0
        self.assertEqual(form.record.member_count, 4)

    def test_names_for_those_who_may_read_profiles(self):
        preview = self.women.with_user(self.manager).preview
        self.assertEqual(preview["count"], 4)
        self.assertTrue(preview["names_hidden"])
        self.assertFalse(preview["sample"])
        self.assertTrue(self.women.with_user(self.reader).preview["sample"])
        greece = self._create_segment(country_ids=self.greece.ids)
        self.assertTrue(greece.preview["sample"])

    def test_more_than_can_be_counted(self):
        from ..models import csp_segment_rules

        self.patch(csp_segment_rules, "PREVIEW_LIMIT", 3)
        preview = self._create_segment(country_ids=self.greece.ids).preview
        self.assertEqual((preview["count"], preview["capped"]), (3, True))

    def test_staff_see_no_preview(self):
        preview = self.women.with_user(self.agent).preview
        self.assertEqual((preview["count"], preview["sample"]), (0, []))

    def test_copied(self):
        copy = self.women.copy()
        self.assertEqual(copy.name, "Women (copy)")
        self.assertEqual(copy.member_count, 4)
        self.assertFalse(copy.is_broken)

    def test_how_it_stands_is_nobodys_to_write(self):
        for name, value in (
            ("is_broken", True),
            ("broken_reason", "So"),
            ("is_pending", True),
            ("progress", 50),
            ("checked_at", TODAY),
        ):
            with self.assertRaises(AccessError):
                self.women.write({name: value})
            with self.assertRaises(AccessError):
                self._create_segment(**{name: value})

    def test_sort_again(self):
        self.env.cr.execute("DELETE FROM csp_segment_res_partner_rel")
        self.env.invalidate_all()
        self.women.action_recompute()
        self.assertEqual(self.women.member_count, 4)
        with self.assertRaises(AccessError):
            self.women.with_user(self.agent).action_recompute()


@freeze_time(TODAY)
class TestTickets(SegmentCase):
    """Segments by rule decide promises, as they are when the ticket comes in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.segment = cls._create_segment("Greece", country_ids=cls.greece.ids)
        cls.second = cls._create_segment("Italy", country_ids=cls.italy.ids)
        cls._create_policy(
            [
                {"segment_ids": cls.segment.ids, "first_response_minutes": 30},
                {"segment_ids": cls.second.ids, "first_response_minutes": 60},
                {"match_all": True, "first_response_minutes": 480},
            ]
        )

    def _target(self, ticket):
        return self._row(ticket, "first_response").target_seconds / 60

    def test_kept_as_at_receipt(self):
        ticket = self._create_ticket(user=self.agent)
        self.assertEqual(ticket.csp_segment_id, self.segment.sudo())
        self.assertEqual(self._target(ticket), 30)
        self.customer.country_id = self.italy
        with freeze_time(self.at(minutes=10)):
            ticket.priority = "2"
            self.assertEqual(ticket.csp_segment_ids, self.segment.sudo())
            self.assertEqual(self._target(ticket), 30)
            ticket.with_user(self.manager).action_csp_match_again()
        self.assertEqual(ticket.csp_segment_ids, self.second.sudo())
        self.assertEqual(self._target(ticket), 60)

    def test_new_contact_of_a_mail(self):
        """Contact and ticket come in one transaction."""
        partner = self._create_partner(country_id=self.italy.id)
        ticket = self._create_ticket(partner_id=partner.id)
        self.assertEqual(self._target(ticket), 60)

    def test_order_names_the_promise(self):
        both = self._create_segment(
            "All", partner_domain="[('id', '>', 0)]", sequence=1
        )
        ticket = self._create_ticket()
        self.assertEqual(ticket.csp_segment_id, both.sudo())
        self.assertEqual(ticket.csp_segment_ids, (both | self.segment).sudo())
        self.assertEqual(self._target(ticket), 30)

    def test_merged_contacts(self):
        """Odoo's merge of contacts: one customer, and what was promised stays."""
        by_hand = self._create_segment("By hand")
        twin = self._create_partner("Twin", country_id=self.italy.id)
        by_hand.partner_ids = [Command.link(twin.id)]
        ticket = self._create_ticket(partner_id=twin.id)
        self.assertEqual(self._target(ticket), 60)
        events = len(ticket.csp_event_ids)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        with freeze_time(self.at(minutes=10)):
            wizard._merge((twin | self.customer).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual(ticket.partner_id, self.customer)
        self.assertEqual(self.customer.csp_segment_ids, (self.segment | by_hand).sudo())
        with freeze_time(self.at(minutes=20)):
            ticket.priority = "3"
        self.assertEqual(ticket.csp_segment_ids, (self.second | by_hand).sudo())
        self.assertEqual(self._target(ticket), 60)
        self.assertEqual(len(ticket.csp_event_ids), events)
        self.assertEqual(self._stored(self.second), set())

    def test_contacts_of_a_merged_company(self):
        companies = [
            self._create_partner(name, is_company=True, country_id=country.id)
            for name, country in (("One", self.greece), ("Two", self.italy))
        ]
        contact = self._create_partner("Contact", parent_id=companies[1].id)
        contact.country_id = self.italy
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([company.id for company in companies], companies[0])
        self.env.invalidate_all()
        self.assertEqual(contact.commercial_partner_id, companies[0])
        self.assertTrue(self._is_in(contact, self.segment))

    def test_portal(self):
        """A customer with a login is sorted like any other, and sees nothing of it."""
        portal = new_test_user(
            self.env,
            "csp_portal_segment",
            groups="base.group_portal",
            country_id=self.greece.id,
        )
        portal.partner_id.country_id = self.greece
        ticket = (
            self.env["helpdesk.ticket"]
            .sudo()
            .create(
                {
                    "name": "From the portal",
                    "description": "Help",
                    "partner_id": portal.partner_id.id,
                }
            )
        )
        self.assertEqual(self._target(ticket), 30)
        with self.assertRaises(AccessError):
            portal.partner_id.with_user(portal).read(["csp_segment_ids"])

    def test_deleting_a_segment_that_a_promise_names(self):
        with self.assertRaisesRegex(UserError, "names it"):
            self.segment.unlink()


class TestDates(SegmentCase):
    def test_compiled_rules_are_of_one_day(self):
        """Members change at midnight though no process was told anything."""
        segment = self._create_segment(age_min=60)
        partner = self._create_partner(profile={"birthdate": date(1966, 3, 3)})
        with freeze_time("2026-03-02 23:59:00"):
            partner._csp_segments_outdated()
            self.assertFalse(self._is_in(partner, segment))
        with freeze_time("2026-03-03 00:01:00"):
            partner._csp_segments_outdated()
            self.assertTrue(self._is_in(partner, segment))
