from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from .common import CspCommon

ANY = {"match_all": True, "first_response_minutes": 240}


class TestPlanCheck(CspCommon):
    """Each thing that does not fit together is found, and nothing else is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["csp.policy"].search([]).active = False
        cls.company = cls.env.company
        cls.channels = cls.env["helpdesk.ticket.channel"].search([])
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.web = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_web")
        cls.env["helpdesk.ticket.team"].search([]).active = False
        cls.env["csp.segment"].search([]).active = False
        plan = cls.env["csp.plan"].search([("state", "=", "in_force")])
        plan.next_review_date = date(2027, 1, 1)
        cls.steps = cls.env["csp.escalation.list"].create(
            {
                "name": "Usual",
                "last_resort_id": cls.manager.id,
                "step_ids": [
                    Command.create(
                        {
                            "trigger": "after",
                            "action": "notify",
                            "recipients": "team_leader",
                        }
                    )
                ],
            }
        )
        cls.company.csp_escalation_list_id = cls.steps
        cls.agent.csp_hours_id = cls.hours
        cls.policy = cls._create_policy([ANY], owner_id=cls.manager.id)
        cls._add_procedure(cls.policy)
        cls.policy.next_review_date = date(2027, 1, 1)

    @classmethod
    def _add_procedure(cls, policy):
        """For every contact, so that each channel has one."""
        with freeze_time(cls.at(days=-6)):
            policy.action_new_version()
            version = policy.draft_version_id
            version.procedure_ids = [
                Command.create(
                    {
                        "name": "Every contact",
                        "step_ids": [Command.create({"name": "Listen"})],
                    }
                )
            ]
            version.action_publish()
        return version

    def _find(self, key=None, user=None, company=None):
        check = self.env["csp.plan.check"].with_user(user or self.manager)
        with freeze_time(self.at()):
            found = check._findings(company or self.company)
        found = [each for each in found if each["topic"] != "plan"]
        if key is None:
            return found
        return [each for each in found if each["key"] == key]

    def _only(self, key):
        found = self._find(key)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def _opens(self, finding):
        action = finding["action"]
        return self.env[action["res_model"]].browse(action["res_id"])

    def test_all_green(self):
        self.assertEqual(self._find(), [])

    def test_nothing_yet(self):
        """A new company is told where to begin."""
        self.policy.active = False
        finding = self._only("no_policy")
        self.assertEqual(finding["severity"], "wrong")
        self.assertEqual(finding["action"], "customer_service_plan.csp_policy_action")

    def test_channel_without_hours(self):
        self.company.csp_hours_id = False
        self.phone.csp_hours_id = self.hours
        found = self._find("channel_without_hours")
        self.assertEqual(
            {self._opens(each) for each in found}, set(self.channels - self.phone)
        )

    def test_channel_without_procedure(self):
        with freeze_time(self.at(days=-5)):
            self.policy.action_new_version()
            draft = self.policy.draft_version_id
            draft.procedure_ids.channel_ids = self.phone
            draft.action_publish()
        text = self._only("channel_without_procedure")["text"]
        self.assertIn(self.web.name, text)
        self.assertNotIn(self.phone.name, text)

    def test_segment_without_promise(self):
        segment = self.env["csp.segment"].create({"name": "Schools"})
        finding = self._only("segment_without_promise")
        self.assertEqual(finding["severity"], "note")
        self.assertEqual(self._opens(finding), segment)
        self.policy.active = False
        self._create_policy([{"priority_from": "3", "first_response_minutes": 60}])
        self.assertEqual(self._only("segment_without_promise")["severity"], "doubtful")
        self._create_policy([{"segment_ids": segment.ids, "resolution_minutes": 60}])
        self.assertFalse(self._find("segment_without_promise"))

    def test_line_behind_a_wider_one(self):
        policy = self._create_policy(
            [
                {"channel_ids": self.phone.ids, "resolution_minutes": 60},
                {
                    "sequence": 20,
                    "channel_ids": self.phone.ids,
                    "priority_from": "3",
                    "resolution_minutes": 30,
                },
            ],
            name="Phone first",
            sequence=5,
        )
        finding = self._only("shadowed")
        self.assertIn("Very High", finding["text"])
        self.assertEqual(self._opens(finding), policy.current_version_id)
        self.assertFalse(self._find("competing"))

    def test_competing_catch_alls(self):
        """The second policy for any ticket is never asked."""
        later = self._create_policy([ANY], name="Later", sequence=20)
        finding = self._only("competing")
        self.assertEqual(finding["severity"], "wrong")
        self.assertIn("both have a line for any ticket", finding["text"])
        self.assertEqual(self._opens(finding), later)
        later.sequence = 1
        self.assertEqual(self._opens(self._only("competing")), self.policy)

    def test_no_catch_all(self):
        self.policy.active = False
        self._create_policy([{"priority_from": "3", "first_response_minutes": 60}])
        self.assertEqual(self._only("no_catch_all")["severity"], "note")

    def test_nobody_is_told(self):
        self.company.csp_escalation_list_id = False
        finding = self._only("no_escalation")
        self.assertIn("Standard", finding["text"])
        self.assertEqual(finding["action"], "customer_service_plan.csp_settings_action")
        self.company.csp_escalation_list_id = self.steps
        self.steps.active = False
        self._only("no_escalation")
        self.steps.active = True
        self.steps.step_ids.active = False
        self.assertEqual(self._opens(self._only("empty_escalation")), self.steps)

    def test_owner(self):
        for nobody in (self.env["res.users"], self.env.ref("base.user_root")):
            self.policy.owner_id = nobody
            self.assertIn("Nobody answers", self._only("owner")["text"])
        leaver = new_test_user(self.env, "csp_leaver", groups="base.group_user")
        self.policy.owner_id = leaver
        self.assertFalse(self._find("owner"))
        leaver.active = False
        self.assertIn("who has left", self._only("owner")["text"])
        branch = self.env["res.company"].create({"name": "Branch"})
        stranger = new_test_user(
            self.env, "csp_stranger", company_id=branch.id, company_ids=branch.ids
        )
        self.policy.owner_id = stranger
        self.assertIn("does not work for", self._only("owner")["text"])

    def test_review(self):
        self.policy.next_review_date = self.at().date() - timedelta(days=1)
        self.assertEqual(self._only("review")["severity"], "doubtful")
        self.policy.next_review_date = self.at().date()
        self.assertFalse(self._find("review"))
        self.policy.next_review_date = False
        self.assertEqual(self._only("review")["severity"], "note")

    def test_hours_that_end(self):
        self.hours.exception_ids = [
            Command.create(
                {
                    "name": "We close",
                    "date_from": date(2026, 4, 1),
                    "date_to": date(2030, 1, 1),
                    "kind": "closed",
                }
            )
        ]
        finding = self._only("hours_end")
        self.assertIn("31 March", finding["text"])
        self.assertEqual(self._opens(finding), self.hours)
        self.hours.exception_ids = False
        self.hours.line_ids = False
        self.assertEqual(self._only("hours_end")["severity"], "wrong")

    def test_team_without_members(self):
        team = self.env["helpdesk.ticket.team"].create({"name": "Nobody's"})
        finding = self._only("empty_team")
        self.assertEqual(finding["severity"], "doubtful")
        self.assertEqual(self._opens(finding), team)
        self._create_policy(
            [{"team_ids": team.ids, "first_response_minutes": 60}], sequence=1
        )
        self.assertEqual(self._only("empty_team")["severity"], "wrong")
        team.user_ids = self.agent
        self.assertFalse(self._find("empty_team"))

    def test_drafts(self):
        """A draft that nobody goes on with, one that waits for approval."""
        with freeze_time(self.at(days=-40)):
            self.policy.action_new_version()
        draft = self.policy.draft_version_id
        self.env.cr.execute(
            "UPDATE csp_policy_version SET create_date = %s WHERE id = %s",
            (self.at(days=-40), draft.id),
        )
        draft.invalidate_recordset()
        self.assertIn("never submitted", self._only("draft")["text"])
        with freeze_time(self.at(days=-20)):
            draft.action_submit()
        self.assertIn("waiting for approval", self._only("draft")["text"])
        with freeze_time(self.at(days=-2)):
            draft.action_approve()
        self.assertFalse(self._find("draft"))

    def test_nothing_published(self):
        fresh = self._create_policy([ANY], name="Fresh", publish=False)
        fresh.next_review_date = date(2027, 1, 1)
        finding = self._only("nothing_in_force")
        self.assertEqual(self._opens(finding), fresh.draft_version_id)

    def test_archived_records_in_lines(self):
        self._create_policy(
            [{"channel_ids": self.web.ids, "resolution_minutes": 60}], sequence=1
        )
        self.assertFalse(self._find("archived"))
        self.web.active = False
        self.assertIn(self.web.name, self._only("archived")["text"])

    def test_promise_shorter_than_the_night(self):
        """Counted day and night, on a channel that closes at 17:00."""
        around = self.env["csp.hours"].create(
            {"name": "Around the clock", "tz": "UTC", "always_open": True}
        )
        policy = self._create_policy(
            [
                {
                    "channel_ids": self.phone.ids,
                    "hours_id": around.id,
                    "first_response_minutes": 63 * 60,
                }
            ],
            sequence=1,
        )
        finding = self._only("too_short")
        self.assertIn("64 h", finding["text"])
        self.assertEqual(self._opens(finding), policy.current_version_id)

    def test_live_channel_without_staff(self):
        self.assertFalse(self._find("staff"))
        self.phone.csp_hours_id = self.hours.copy(
            {
                "name": "Phone",
                "line_ids": [
                    Command.create(
                        {"weekday": "5", "minute_from": 540, "minute_to": 780}
                    )
                ],
            }
        )
        finding = self._only("staff")
        self.assertEqual(finding["severity"], "wrong")
        self.assertIn("Saturday", finding["text"])

    # --- Who, where, how much

    def test_managers_only(self):
        page = self.env["csp.plan.check"]
        data = page.with_user(self.manager).csp_check_data()
        self.assertEqual(
            [topic["key"] for topic in data["topics"]],
            ["plan", "policies", "promises", "channels", "people", "customers"],
        )
        for login in ("csp_nobody", "csp_small_agent"):
            group = (
                "base.group_user"
                if login == "csp_nobody"
                else ("helpdesk_mgmt.group_helpdesk_user_own")
            )
            user = new_test_user(self.env, login, groups=group)
            with self.assertRaises(AccessError):
                page.with_user(user).csp_check_data()

    def test_another_company(self):
        """What belongs to one company is no matter of the other."""
        branch = self.env["res.company"].create({"name": "Branch"})
        self.manager.company_ids += branch
        self.policy.owner_id = False
        self.env["csp.segment"].create({"name": "Ours", "company_id": self.company.id})
        check = self.env["csp.plan.check"].with_user(self.manager)
        both = check.with_context(allowed_company_ids=(branch + self.company).ids)
        with freeze_time(self.at()):
            there = both._findings(branch)
        self.assertEqual({each["key"] for each in there} & {"owner"}, set())
        self.assertFalse([each for each in there if "Ours" in each["text"]])
        self.assertIn("no_policy", {each["key"] for each in there})
        self.assertNotIn("no_policy", {each["key"] for each in self._find()})

    def test_another_language(self):
        self.env["res.lang"]._activate_lang("el_GR")
        self.hours.line_ids = False
        self.hours.exception_ids = [
            Command.create(
                {
                    "name": "Once",
                    "date_from": date(2026, 3, 4),
                    "date_to": date(2026, 3, 4),
                    "kind": "open",
                    "minute_from": 540,
                    "minute_to": 1020,
                }
            )
        ]
        self.manager.lang = "el_GR"
        check = self.env["csp.plan.check"].with_user(self.manager)
        with freeze_time(self.at()):
            found = check.with_context(lang="el_GR")._findings(self.company)
        texts = [each["text"] for each in found if each["key"] == "hours_end"]
        self.assertIn("Τετάρτη", texts[0])

    def test_queries_do_not_grow(self):
        """The same number for 5 and for 101 policies."""

        def count():
            # Rules and hours are kept in memory, as in a running server.
            self._find()
            self.env.invalidate_all()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self._find()
            return self.env.cr.sql_log_count - before

        def add(number):
            self.env["csp.policy"].create(
                [
                    {
                        "name": f"Policy {index}",
                        "sequence": 1,
                        "version_ids": [
                            Command.create(
                                {
                                    "line_ids": [
                                        Command.create(
                                            {
                                                "priority_from": str(index % 4),
                                                "channel_ids": self.phone.ids,
                                                "resolution_minutes": 60 + index,
                                            }
                                        )
                                    ]
                                }
                            )
                        ],
                    }
                    for index in range(number)
                ]
            ).version_ids.action_publish()

        with freeze_time(self.at(days=-3)):
            add(4)
        few = count()
        with freeze_time(self.at(days=-3)):
            add(96)
        # What Odoo itself keeps in memory may be asked for once more.
        self.assertLessEqual(count(), few + 2)
