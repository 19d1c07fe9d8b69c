from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, new_test_user, tagged

from odoo.addons.base.tests.common import BaseCommon

from .helpdesk import HelpdeskMixin


class SegmentScreensCase(HelpdeskMixin):
    """A country with three customers, one of them certainly old."""

    @classmethod
    def set_up_customers(cls):
        cls.set_up_helpdesk()
        cls.env["csp.segment"].search([]).active = False
        cls.country = cls.env["res.country"].create({"name": "Tourland", "code": "Ü"})
        cls.olga, cls.yannis, cls.unknown = cls.env["res.partner"].create(
            [
                {"name": name, "country_id": cls.country.id}
                for name in ("Old Olga", "Young Yannis", "Unknown Uta")
            ]
        )
        cls.env["csp.customer.profile"].create(
            [
                {"partner_id": cls.olga.id, "birth_year": 1930, "gender": "female"},
                {
                    "partner_id": cls.yannis.id,
                    "birth_year": fields.Date.today().year - 20,
                },
            ]
        )


class TestSegmentScreens(SegmentScreensCase, BaseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_customers()
        cls.segment = cls.env["csp.segment"].create({"name": "Friends"})

    def test_conversation_says_that_private_rules_changed(self):
        """Who may not see their values would else read of a deleted message."""
        segment = (
            self.segment.with_user(self.manager)
            .with_context(tracking_disable=False, mail_notrack=False)
            .browse(self.segment.id)
        )
        self.env.flush_all()
        self.cr.precommit.run()
        for values, told in (({"age_min": 40}, True), ({"name": "Pals"}, False)):
            segment.write(values)
            self.env.flush_all()
            self.cr.precommit.run()
            body = self.segment.message_ids.sorted("id")[-1:].body
            self.assertEqual("Rules on customer profiles changed" in body, told)

    def test_new_segment_comes_last(self):
        """Those that there are go on naming the promises of their customers."""
        self.segment.sequence = 400
        Segment = self.env["csp.segment"].with_user(self.manager)
        added = Segment.create({"name": "Added"})
        self.assertEqual(Segment.search([])[-1:], added)
        archived = Segment.create({"name": "Archived", "active": False})
        self.assertGreater(archived.sequence, added.sequence)

    def test_form_of_a_manager(self):
        form = Form(self.env["csp.segment"].with_user(self.manager))
        form.name = "Seniors"
        self.assertTrue(form.preview["by_hand"])
        form.country_ids.add(self.country)
        self.assertEqual(form.preview["count"], 3)
        self.assertEqual(
            {customer["name"] for customer in form.preview["sample"]},
            {"Old Olga", "Young Yannis", "Unknown Uta"},
        )
        form.age_min = 65
        self.assertEqual(form.preview["count"], 1)
        self.assertTrue(form.preview["names_hidden"])
        self.assertFalse(form.preview["sample"])
        segment = form.save()
        self.assertEqual(segment.member_count, 1)
        self.assertEqual(segment.owner_id, self.manager)

    def test_customers_put_in_by_hand(self):
        """By a manager who may not change contacts otherwise."""
        self.assertFalse(self.olga.with_user(self.manager).has_access("write"))
        with Form(self.segment.with_user(self.manager)) as form:
            form.partner_ids.add(self.olga)
        self.assertEqual(self.olga.csp_segment_ids, self.segment)
        self.assertEqual(self.segment.member_count, 1)
        with Form(self.segment.with_user(self.manager)) as form:
            form.partner_ids.clear()
        self.assertFalse(self.olga.csp_segment_ids)

    def test_by_hand_none_that_the_manager_does_not_see(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.olga.company_id = other
        with self.assertRaises(AccessError):
            self.segment.with_user(self.manager).partner_ids = self.olga

    def test_by_hand_those_that_the_manager_does_not_see_stay(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.segment.partner_ids = self.olga | self.yannis
        self.olga.company_id = other
        self.env.invalidate_all()
        segment = self.segment.with_user(self.manager)
        self.assertEqual(segment.partner_ids, self.yannis)
        segment.partner_ids = self.unknown
        self.env.invalidate_all()
        self.assertEqual(self.segment.partner_ids, self.olga | self.unknown)

    def test_by_hand_while_others_wait_to_be_sorted(self):
        """What is put in is not forgotten when others are worked out meanwhile."""
        self.env["csp.segment"].create(
            {"name": "Tourists", "country_ids": self.country.ids}
        )
        self.env.flush_all()
        waiting = self.env["res.partner"].create(
            {"name": "New", "country_id": self.country.id}
        )
        self.segment.partner_ids = self.olga | waiting
        self.env.flush_all()
        self.assertIn(self.segment, self.olga.csp_segment_ids)
        self.assertEqual(self.segment.partner_ids, self.olga | waiting)
        self.assertEqual(len(waiting.csp_segment_ids), 2)

    def test_contact_of_a_manager(self):
        self.manager.group_ids += self.env.ref("base.group_partner_manager")
        partner = self.olga.with_user(self.manager)
        with Form(partner) as form:
            form.csp_segment_ids.add(self.segment)
        self.assertEqual(self.segment.partner_ids, self.olga)
        ruled = self.env["csp.segment"].create(
            {"name": "Tourists", "country_ids": self.country.ids}
        )
        with self.assertRaisesRegex(UserError, "has rules"):
            with Form(partner) as form:
                form.csp_segment_ids.remove(id=ruled.id)

    def test_contact_of_an_agent(self):
        """He sees the segments and why, and changes neither."""
        arch = self._contact_form(self.agent)
        [field] = arch.xpath("//field[@name='csp_segment_ids']")
        self.assertEqual(field.get("readonly"), "1")
        action = self.env.ref("customer_service_plan.csp_segments_why_action")
        self.assertTrue(arch.xpath(f"//button[@name='{action.id}']"))

    def test_contact_of_other_staff(self):
        """The names of segments are for everybody, the reasons for the helpdesk."""
        clerk = new_test_user(
            self.env, "csp_clerk", groups="base.group_user,base.group_partner_manager"
        )
        arch = self._contact_form(clerk)
        self.assertTrue(arch.xpath("//field[@name='csp_segment_ids']"))
        self.assertFalse(arch.xpath("//div[@name='csp_segments']/button"))

    def _contact_form(self, user):
        partners = self.env["res.partner"].with_user(user)
        view = partners.get_view(self.env.ref("base.view_partner_form").id, "form")
        return etree.fromstring(view["arch"])

    def test_form_of_others_tells_no_private_rules(self):
        self.segment.write({"genders": "female", "country_ids": self.country.ids})
        view = self.env["csp.segment"].with_user(self.agent).get_view(view_type="form")
        arch = etree.fromstring(view["arch"])
        names = {field.get("name") for field in arch.iter("field")}
        self.assertFalse(names & {"genders", "age_min", "tier_ids", "preview"})
        self.assertIn("rule_text", names)

    def test_list_of_contacts_by_segment(self):
        self.segment.partner_ids = self.olga | self.yannis
        groups = (
            self.env["res.partner"]
            .with_user(self.agent)
            .formatted_read_group(
                [("country_id", "=", self.country.id)],
                ["csp_segment_ids"],
                ["__count"],
            )
        )
        self.assertEqual(
            [(group["csp_segment_ids"], group["__count"]) for group in groups],
            [((self.segment.id, "Friends"), 2), (False, 1)],
        )

    def test_tickets_and_policies_of_a_segment(self):
        self.segment.partner_ids = self.olga
        policy = self.env["csp.policy"].create({"name": "For friends"})
        policy.version_ids.line_ids = [
            Command.create(
                {"segment_ids": self.segment.ids, "first_response_minutes": 5}
            )
        ]
        self.assertEqual(self.segment.policy_count, 1)
        policy.version_ids.action_publish()
        ticket = self.create_ticket(partner_id=self.olga.id)
        self.create_ticket(partner_id=self.yannis.id)
        self.create_ticket(partner_id=self.olga.id, stage_id=self.stage_done.id)
        segment = self.segment.with_user(self.manager)
        segment.invalidate_recordset()
        self.assertEqual(segment.ticket_count, 1)
        self.assertEqual(segment.policy_count, 1)
        action = segment.action_view_tickets()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), ticket)
        action = segment.action_view_policies()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), policy)
        policy.action_new_version()
        policy.draft_version_id.line_ids = [
            Command.clear(),
            Command.create({"match_all": True, "first_response_minutes": 5}),
        ]
        policy.draft_version_id.action_publish()
        segment.invalidate_recordset()
        self.assertEqual(segment.policy_count, 0)

    def test_counts_for_staff_without_helpdesk(self):
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        segment = self.segment.with_user(clerk)
        self.assertEqual(segment.ticket_count, 0)
        self.assertEqual(segment.policy_count, 0)


@tagged("post_install", "-at_install")
class TestSegmentTours(SegmentScreensCase, HttpCase):
    """What managers and agents do with segments in the browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_customers()

    def test_segment(self):
        self.start_tour(
            "/odoo/service-segments", "csp_segment_tour", login=self.manager.login
        )
        segment = self.env["csp.segment"].search([("name", "=", "Tour Seniors")])
        self.assertRecordValues(
            segment,
            [
                {
                    "country_ids": self.country.ids,
                    "age_min": 65,
                    "age_max": 0,
                    "genders": "female",
                    "owner_id": self.manager.id,
                }
            ],
        )
        self.assertEqual(self.olga.csp_segment_ids, segment)

    def test_why(self):
        self.env["csp.segment"].create(
            {"name": "Tourists", "country_ids": self.country.ids}
        )
        self.start_tour(
            f"/odoo/res.partner/{self.olga.id}",
            "csp_segment_why_tour",
            login=self.agent.login,
        )
