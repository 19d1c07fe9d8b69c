from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from ..models import csp_segment_need
from .common import CspCommon

TODAY = date(2026, 3, 2)


@freeze_time("2026-03-02 10:00:00")
class TestNeeds(CspCommon):
    """How important a need is to a segment, and how well it is met."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.speed = cls.env.ref("customer_service_plan.csp_need_speed")
        cls.price = cls.env.ref("customer_service_plan.csp_need_price")
        cls.families, cls.builders = cls.env["csp.segment"].create(
            [{"name": "Families"}, {"name": "Builders"}]
        )
        cls.employee = new_test_user(cls.env, "csp_employee", groups="base.group_user")

    def _create_need(self, **vals):
        Need = self.env["csp.segment.need"].with_user(self.manager)
        return Need.create(
            {"segment_id": self.families.id, "need_id": self.speed.id, **vals}
        )

    def _assert_refused(self, **vals):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.cr.savepoint():
                self._create_need(**vals).flush_recordset()

    # --- One need

    def test_nothing_is_known_at_first(self):
        need = self._create_need()
        self.assertRecordValues(
            need,
            [
                {
                    "importance": 3,
                    "satisfaction": 0,
                    "satisfaction_date": False,
                    "is_known": False,
                    "gap": 0,
                }
            ],
        )

    def test_gap(self):
        need = self._create_need(importance=5, satisfaction=2)
        self.assertTrue(need.is_known)
        self.assertEqual(need.gap, 3)
        need.importance = 2
        self.assertEqual(need.gap, 0)
        self.assertTrue(need.is_known, "a gap of nothing is not the same as unknown")
        need.satisfaction = 5
        self.assertEqual(need.gap, -3)
        need.satisfaction = 0
        self.assertFalse(need.is_known)
        self.assertEqual(need.gap, 0)

    def test_steps(self):
        for importance in (0, 6, -1):
            with self.subTest(importance=importance):
                self._assert_refused(importance=importance)
        for satisfaction in (6, -1):
            with self.subTest(satisfaction=satisfaction):
                self._assert_refused(satisfaction=satisfaction)

    def test_once_in_a_segment(self):
        self._create_need()
        self._assert_refused()
        self._create_need(segment_id=self.builders.id)
        self._create_need(need_id=self.price.id)

    def test_date_of_an_opinion(self):
        need = self._create_need(satisfaction=2)
        self.assertEqual(need.satisfaction_date, TODAY)
        given = self._create_need(
            need_id=self.price.id,
            satisfaction=2,
            satisfaction_date="2026-01-15",
            satisfaction_source="12 visits",
        )
        self.assertEqual(given.satisfaction_date, date(2026, 1, 15))
        self.assertEqual(given.satisfaction_source, "12 visits")
        given.importance = 5
        self.assertEqual(given.satisfaction_date, date(2026, 1, 15))
        with freeze_time("2026-04-01"):
            given.satisfaction = 4
            given.flush_recordset()
        self.assertEqual(given.satisfaction_date, date(2026, 4, 1), "a new opinion")
        with freeze_time("2026-05-01"):
            given.write({"satisfaction": 3, "satisfaction_source": "A letter"})
            given.flush_recordset()
        self.assertEqual(given.satisfaction_date, date(2026, 5, 1))
        with freeze_time("2026-06-01"):
            given.write({"satisfaction": 1, "satisfaction_date": "2026-05-20"})
        self.assertEqual(given.satisfaction_date, date(2026, 5, 20))
        given.satisfaction = 0
        self.assertFalse(given.satisfaction_date)
        self.assertFalse(given.satisfaction_source)

    def test_known_without_a_date(self):
        need = self._create_need(satisfaction=2)
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.cr.savepoint():
                need.satisfaction_date = False
                need.flush_recordset()

    def test_date_to_come(self):
        with self.assertRaisesRegex(ValidationError, "Speed.*2026-03-03"):
            self._create_need(satisfaction=2, satisfaction_date="2026-03-03")

    def test_form(self):
        form = Form(self.env["csp.segment.need"].with_user(self.manager))
        form.segment_id = self.families
        form.need_id = self.speed
        form.importance = 4
        form.satisfaction = 1
        self.assertEqual(form.satisfaction_date, TODAY)
        form.satisfaction_date = date(2026, 2, 1)
        form.satisfaction = 2
        self.assertEqual(form.satisfaction_date, date(2026, 2, 1), "chosen by hand")
        self.assertEqual(form.gap, 2)
        self.assertEqual(form.save().satisfaction_date, date(2026, 2, 1))

    def test_unknown_counts_in_no_average(self):
        self._create_need(importance=5, satisfaction=1)
        self._create_need(need_id=self.price.id, importance=5)
        [(importance, satisfaction, gap)] = self.env["csp.segment.need"]._read_group(
            [("segment_id", "=", self.families.id)],
            aggregates=["importance:avg", "satisfaction:avg", "gap:avg"],
        )
        self.assertEqual((importance, satisfaction, gap), (5, 1, 4))

    # --- Catalogue

    def test_catalogue(self):
        needs = self.env["csp.need"].search([])
        starters = needs.filtered("code")
        self.assertEqual(
            starters.mapped("code"),
            "product staff price durability access speed information fairness".split(),
        )
        self.assertTrue(all(starters.mapped("description")))
        self.assertIn(
            (self.price.id, "Price"), self.env["csp.need"].name_search("price")
        )

    def test_code_is_unique(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            with self.cr.savepoint():
                self.env["csp.need"].create({"name": "Faster", "code": "speed"})
        copy = self.speed.copy()
        self.assertRecordValues(copy, [{"name": "Speed (copy)", "code": False}])
        self.assertTrue(self.price.copy(), "several needs may have no code")

    def test_deletion(self):
        """Refused while a segment wants it, of another company and archived too."""
        company = self.env["res.company"].create({"name": "Branch"})
        theirs = self.env["csp.segment"].create(
            {"name": "Secret", "company_id": company.id, "active": False}
        )
        Catalogue = self.env["csp.need"].with_user(self.manager)
        wanted, unused = Catalogue.create([{"name": "Silence"}, {"name": "Noise"}])
        need = self.env["csp.segment.need"].create(
            {"segment_id": theirs.id, "need_id": wanted.id}
        )
        with self.assertRaisesRegex(UserError, "Silence.*Archive") as refusal:
            (wanted + unused).unlink()
        self.assertNotIn("Secret", str(refusal.exception))
        self.assertNotIn("Noise", str(refusal.exception))
        wanted.active = False
        self.assertTrue(need.exists(), "archiving loses nothing")
        theirs.unlink()
        self.assertFalse(need.exists())
        (wanted + unused).unlink()

    def test_usual_needs(self):
        mine = self._create_need(importance=5, satisfaction=1)
        self.price.active = False
        segments = (self.families + self.builders).with_user(self.manager)
        segments.action_add_usual_needs()
        usual = self.env["csp.need"].search([])
        self.assertNotIn(self.price, usual)
        for segment in segments:
            self.assertEqual(segment.need_ids.need_id, usual)
        added = segments.need_ids - mine
        self.assertEqual(set(added.mapped("importance")), {3})
        self.assertFalse(any(added.mapped("is_known")))
        self.assertEqual(mine.importance, 5)
        count = len(segments.need_ids)
        segments.action_add_usual_needs()
        self.assertEqual(len(segments.need_ids), count, "once is enough")

    # --- Rights

    def test_staff_reads_only(self):
        need = self._create_need(importance=5)
        for user in (self.agent, self.employee):
            theirs = need.with_user(user)
            self.assertEqual(theirs.read(["importance"])[0]["importance"], 5)
            self.assertEqual(theirs.need_id.name, "Speed")
            with self.assertRaises(AccessError):
                theirs.importance = 1
            with self.assertRaises(AccessError):
                theirs.unlink()
            with self.assertRaises(AccessError):
                self.builders.with_user(user).action_add_usual_needs()
            data = theirs.csp_matrix_data(self.families.ids)
            self.assertEqual([row["id"] for row in data["needs"]], need.ids)
            self.assertFalse(data["may_write"])

    def test_portal(self):
        portal = new_test_user(self.env, "csp_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            self.env["csp.segment.need"].with_user(portal).csp_matrix_data()

    def test_other_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.families.company_id = branch
        need = self._create_need_as_admin()
        shared = self._create_need(segment_id=self.builders.id)
        Need = self.env["csp.segment.need"].with_user(self.manager)
        self.assertEqual(Need.search([]) & (need + shared), shared)
        data = Need.csp_matrix_data((self.families + self.builders).ids)
        self.assertEqual([row["id"] for row in data["needs"]], shared.ids)
        with self.assertRaises(AccessError):
            need.with_user(self.manager).importance = 1
        with self.assertRaises(AccessError):
            self._create_need(need_id=self.price.id)
        self.manager.company_ids += branch
        both = self.env.company + branch
        Need = Need.with_context(allowed_company_ids=both.ids)
        self.assertEqual(Need.search([]) & (need + shared), need + shared)

    def _create_need_as_admin(self):
        return self.env["csp.segment.need"].create(
            {"segment_id": self.families.id, "need_id": self.speed.id}
        )

    # --- Matrix

    def test_matrix(self):
        need = self._create_need(importance=4, satisfaction=3)
        wide = self._create_need(need_id=self.price.id, importance=5, satisfaction=1)
        unknown = self._create_need(segment_id=self.builders.id, importance=5)
        Need = self.env["csp.segment.need"].with_user(self.manager)
        segments = self.families + self.builders
        data = Need.csp_matrix_data(segments.ids)
        self.assertEqual(
            data,
            {
                "needs": [
                    {
                        "id": wide.id,
                        "need": "Price",
                        "segment": "Families",
                        "importance": 5,
                        "satisfaction": 1,
                    },
                    {
                        "id": need.id,
                        "need": "Speed",
                        "segment": "Families",
                        "importance": 4,
                        "satisfaction": 3,
                    },
                    {
                        "id": unknown.id,
                        "need": "Speed",
                        "segment": "Builders",
                        "importance": 5,
                        "satisfaction": 0,
                    },
                ],
                "capped": False,
                "may_write": True,
            },
        )

        def ids(**asked):
            found = Need.csp_matrix_data(**asked)["needs"]
            return [row["id"] for row in found if row["id"] in (need + unknown).ids]

        self.assertEqual(ids(segment_ids=self.builders.ids), unknown.ids)
        self.assertEqual(ids(segment_ids=[]), [])
        self.assertEqual(ids(domain=[["is_known", "=", False]]), unknown.ids)
        self.assertEqual(ids(), (need + unknown).ids)
        self.builders.active = False
        self.assertEqual(ids(), need.ids, "archived segments are out of sight")
        self.assertEqual(ids(segment_ids=self.builders.ids), unknown.ids)

    def test_more_than_fit(self):
        self.families.action_add_usual_needs()
        Need = self.env["csp.segment.need"].with_user(self.manager)
        self.patch(csp_segment_need, "MATRIX_LIMIT", 8)
        self.assertFalse(Need.csp_matrix_data(self.families.ids)["capped"])
        self.patch(csp_segment_need, "MATRIX_LIMIT", 7)
        data = Need.csp_matrix_data(self.families.ids)
        self.assertTrue(data["capped"])
        self.assertEqual(len(data["needs"]), 7)

    def test_queries(self):
        segments = self.env["csp.segment"].create(
            [{"name": f"Segment {number}"} for number in range(20)]
        )
        segments.action_add_usual_needs()
        Need = self.env["csp.segment.need"].with_user(self.agent)

        def queries(asked):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            data = Need.csp_matrix_data(asked.ids)
            self.assertEqual(len(data["needs"]), 8 * len(asked))
            return self.cr.sql_log_count - before

        queries(segments)
        one, twenty = queries(segments[0]), queries(segments)
        self.assertEqual(one, twenty)
        self.assertLessEqual(twenty, 6)
