from datetime import datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import users
from odoo.tools import mute_logger

from .common import CspCommon

ANY = {"match_all": True, "first_response_minutes": 60}


class TestVersionLife(CspCommon):
    """Draft, published, replaced, retired: what is promised when."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.partner_id.tz = "Europe/Athens"
        cls.policy = cls._create_policy([ANY])
        cls.first = cls.policy.current_version_id

    def _draft(self, policy=None, minutes=30):
        policy = policy or self.policy
        policy.action_new_version()
        draft = policy.draft_version_id
        draft.line_ids.first_response_minutes = minutes
        return draft

    def _publish(self, at, date=False, policy=None, minutes=30):
        with freeze_time(at):
            draft = self._draft(policy, minutes)
            draft.effective_date = date
            draft.with_user(self.manager).action_publish()
        return draft

    def _version(self, received_at, **vals):
        """The version that a ticket received then gets its promise from."""
        return self._create_ticket(at=received_at, **vals).csp_policy_version_id

    def _states(self):
        return self.policy.version_ids.sorted("number").mapped("state")

    # --- Numbers and drafts

    def test_numbers(self):
        self.assertEqual(self.first.number, 1)
        second = self._publish(self.at())
        self.assertEqual(second.number, 2)
        draft = self._draft()
        draft.unlink()
        self.assertEqual(self._draft().number, 3)
        other = self._create_policy([ANY], name="Other")
        self.assertEqual(other.version_ids.number, 1)
        with self.assertRaises(UserError):
            self.policy.draft_version_id.number = 9
        with self.assertRaises(UserError):
            self.env["csp.policy.version"].create({"policy_id": other.id, "number": 7})

    def test_one_draft_at_a_time(self):
        draft = self._draft()
        action = self.policy.with_user(self.manager).action_new_version()
        self.assertEqual(action["res_id"], draft.id)
        for state in ("draft", "in_review", "approved"):
            with self.subTest(state=state):
                self.assertEqual(draft.state, state)
                for make in (
                    lambda: self.env["csp.policy.version"].create(
                        {"policy_id": self.policy.id}
                    ),
                    lambda: self.first.copy(),
                    lambda: self.policy.write({"version_ids": [Command.create({})]}),
                ):
                    with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
                        make()
            if state == "draft":
                draft.action_submit()
            elif state == "in_review":
                draft.action_approve()
        draft.action_publish()
        self.assertEqual(draft.approved_by_id, self.env.user)
        self.assertTrue(self._draft())

    def test_draft_starts_as_a_copy(self):
        segment = self.env["csp.segment"].create({"name": "VIP"})
        policy = self._create_policy(
            [
                {"segment_ids": [Command.link(segment.id)], "resolution_minutes": 60},
                {**ANY, "hours_id": self.hours.id, "goal_percent": 75.0},
            ],
            name="Rich",
        )
        segment.active = False
        policy.action_new_version()
        lines = policy.draft_version_id.line_ids.with_context(active_test=False)
        self.assertEqual(lines[0].segment_ids, segment)
        self.assertRecordValues(
            lines[1],
            [{"match_all": True, "hours_id": self.hours.id, "goal_percent": 75.0}],
        )
        self.assertFalse(lines & policy.current_version_id.line_ids)

    def test_default_state_publishes_nothing(self):
        policy = (
            self.env["csp.policy"]
            .with_user(self.manager)
            .with_context(default_state="published", default_published_at=self.at(-9))
            .create({"name": "Sneaked in"})
        )
        self.assertEqual(policy.version_ids.state, "draft")
        self.assertFalse(policy.version_ids.published_at)

    # --- Frozen

    @users("csp_manager")
    def test_frozen_through_any_door(self):
        draft = self._draft()
        other = self._create_policy([ANY], name="Other", publish=False)
        versions = {
            "published": self.first,
            "in review": other.version_ids,
            "retired": self._create_policy([ANY], name="Gone").version_ids,
        }
        versions["in review"].action_submit()
        versions["retired"].action_retire()
        for name, record in versions.items():
            version = record.with_user(self.env.user)
            policy, line = version.policy_id, version.line_ids
            new_line = {**ANY, "version_id": version.id}
            attempts = {
                "write": lambda v=version: v.write({"purpose": "<p>x</p>"}),
                "date": lambda v=version: v.write({"effective_date": "2030-01-01"}),
                "policy": lambda v=version: v.write({"policy_id": other.id}),
                "state": lambda v=version: v.write({"state": "draft"}),
                "web_save": lambda v=version: v.web_save({"purpose": "<p>x</p>"}, {}),
                "line write": lambda li=line: li.write({"first_response_minutes": 1}),
                "line web_save": lambda li=line: li.web_save({"sequence": 3}, {}),
                "line create": lambda li=line, vals=new_line: li.create([vals]),
                "line moved in": lambda v=version: draft.with_user(
                    self.env.user
                ).line_ids.write({"version_id": v.id}),
                "line moved out": lambda li=line: li.write({"version_id": draft.id}),
                "line unlink": lambda li=line: li.unlink(),
                "line copy": lambda li=line: li.copy(),
                "lines of the version": lambda v=version, li=line: v.write(
                    {"line_ids": [Command.update(li.id, {"sequence": 3})]}
                ),
                "new line of the version": lambda v=version: v.write(
                    {"line_ids": [Command.create(ANY)]}
                ),
                "no lines": lambda v=version: v.write({"line_ids": [Command.clear()]}),
                "version of the policy": lambda p=policy, v=version: p.write(
                    {"version_ids": [Command.update(v.id, {"purpose": "<p>x</p>"})]}
                ),
                "line by the policy": lambda p=policy, v=version, li=line: p.write(
                    {
                        "version_ids": [
                            Command.update(
                                v.id,
                                {
                                    "line_ids": [
                                        Command.update(li.id, {"match_all": False})
                                    ]
                                },
                            )
                        ]
                    }
                ),
            }
            if name != "in review":
                attempts.update(
                    {
                        "unlink": lambda v=version: v.unlink(),
                        "policy unlink": lambda p=policy: p.unlink(),
                        "removed from the policy": lambda p=policy, v=version: p.write(
                            {"version_ids": [Command.delete(v.id)]}
                        ),
                        "all removed": lambda p=policy: p.write(
                            {"version_ids": [Command.clear()]}
                        ),
                        "company": lambda p=policy: p.write({"company_id": False}),
                    }
                )
            for door, attempt in attempts.items():
                with self.subTest(version=name, door=door):
                    with self.assertRaises(UserError):
                        attempt()
            for fields, row in (
                ([".id", "purpose"], [str(version.id), "x"]),
                ([".id", "line_ids/sequence"], [str(version.id), "1"]),
                (
                    [".id", "line_ids/.id", "line_ids/sequence"],
                    [str(version.id), str(line.id), "3"],
                ),
            ):
                result = self.env["csp.policy.version"].load(fields, [row])
                self.assertFalse(result["ids"], fields)
            result = self.env["csp.policy.line"].load(
                [".id", "first_response_minutes"], [[str(line.id), "1"]]
            )
            self.assertFalse(result["ids"])
        self.env.flush_all()
        self.env.invalidate_all()
        for record in versions.values():
            self.assertRecordValues(
                record.line_ids,
                [{"match_all": True, "first_response_minutes": 60, "sequence": 10}],
            )

    def test_what_a_policy_may_still_change(self):
        """Name, owner and order say nothing of what is promised."""
        self.policy.with_user(self.manager).write(
            {"name": "Renamed", "sequence": 5, "code": "SP-01"}
        )
        self.assertEqual(self.first.display_name, "Renamed, version 1")

    @users("csp_manager")
    def test_nothing_in_use_is_deleted(self):
        """What a promise names stays, and the message says which one does."""
        segment = self.env["csp.segment"].create({"name": "VIP"})
        channel = self.env["helpdesk.ticket.channel"].create({"name": "Pigeon"})
        category = self.env["helpdesk.ticket.category"].create({"name": "Printers"})
        team = self.env["helpdesk.ticket.team"].create({"name": "Night"})
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Urgent"})
        hours = self.env["csp.hours"].create({"name": "Nights", "tz": "UTC"})
        self._create_policy(
            [
                {
                    "segment_ids": segment.ids,
                    "channel_ids": channel.ids,
                    "category_ids": category.ids,
                    "team_ids": team.ids,
                    "tag_ids": tag.ids,
                    "hours_id": hours.id,
                    "resolution_minutes": 60,
                }
            ],
            name="Of the few",
        )
        for record in (segment, channel, category, team, tag, hours):
            with self.subTest(model=record._name):
                with mute_logger("odoo.sql_db", "odoo.models.unlink"):
                    with self.assertRaisesRegex(UserError, "Of the few, version 1"):
                        record.with_user(self.env.user).unlink()
                self.assertTrue(record.exists())
                if "active" in record._fields:
                    record.active = False

    def test_unused_things_can_be_deleted(self):
        for model in ("csp.segment", "helpdesk.ticket.tag", "helpdesk.ticket.category"):
            record = self.env[model].create({"name": "Unused"})
            record.with_user(self.manager).unlink()
            self.assertFalse(record.exists())

    # --- Beginning

    def _beginning(self, tz, date="2026-03-10"):
        company = self.env["res.company"].create({"name": tz})
        company.partner_id.tz = tz
        self.manager.company_ids += company
        policy = self._create_policy([ANY], name=tz, company_id=company.id)
        return policy, company, self._publish(self.at(), date, policy=policy)

    def test_effective_date_in_the_companys_zone(self):
        for tz, begins in (
            ("Asia/Kathmandu", datetime(2026, 3, 9, 18, 15)),
            ("America/St_Johns", datetime(2026, 3, 10, 2, 30)),
            ("Europe/Athens", datetime(2026, 3, 9, 22, 0)),
        ):
            with self.subTest(tz=tz):
                policy, company, version = self._beginning(tz)
                self.assertEqual(version.in_force_from, begins)
                before, at = begins - timedelta(seconds=1), begins
                vals = {"company_id": company.id}
                first = policy.version_ids - version
                self.assertEqual(self._version(before, **vals), first)
                self.assertEqual(self._version(at, **vals), version)

    def test_midnight_that_does_not_exist(self):
        """In Beirut clocks go from 00:00 to 01:00 in the last night of March."""
        policy, company, version = self._beginning("Asia/Beirut", "2026-03-29")
        self.assertEqual(version.in_force_from, datetime(2026, 3, 28, 22, 0))

    def test_zone_of_the_company_changes(self):
        """What was compiled for another zone is dropped."""
        policy, company, version = self._beginning("Asia/Kathmandu")
        moment = datetime(2026, 3, 9, 20, 0)
        vals = {"company_id": company.id}
        self.assertEqual(self._version(moment, **vals), version)
        company.partner_id.tz = "America/St_Johns"
        self.assertEqual(self._version(moment, **vals), policy.version_ids - version)
        company.partner_id.tz = False
        company.resource_calendar_id.tz = "Asia/Kathmandu"
        self.assertEqual(self._version(moment, **vals), version)

    def test_date_in_the_past_begins_when_published(self):
        version = self._publish(self.at(hours=1), "2026-01-01")
        self.assertEqual(version.in_force_from, self.at(hours=1))
        self.assertEqual(self._version(self.at(minutes=59)), self.first)
        self.assertEqual(self._version(self.at(hours=1)), version)

    def test_without_date_begins_at_once(self):
        version = self._publish(self.at(hours=1))
        self.assertEqual(version.effective_date, self.at().date())
        self.assertEqual(version.in_force_from, self.at(hours=1))

    def test_future_version_takes_over_by_itself(self):
        """Not because the scheduler was in time, but because the day has come."""
        version = self._publish(self.at(), "2026-03-10")
        begins = version.in_force_from
        with freeze_time(self.at(hours=1)):
            self.env.invalidate_all()
            self.assertEqual(self.policy.current_version_id, self.first)
            self.assertIn("Takes effect", self.policy.state_summary)
        before = self._create_ticket(at=begins - timedelta(seconds=1))
        after = self._create_ticket(at=begins)
        self.assertEqual(before.csp_policy_version_id, self.first)
        self.assertEqual(after.csp_policy_version_id, version)
        with freeze_time(begins):
            self.env.invalidate_all()
            self.assertEqual(self.policy.current_version_id, version)
        # Changes of an old ticket keep to the version of its receipt.
        with freeze_time(begins + timedelta(days=1)):
            before.priority = "3"
            self.assertEqual(before.csp_policy_version_id, self.first)
        self.assertEqual(self._states(), ["published", "published"])

    def test_take_over_twice_and_late(self):
        version = self._publish(self.at(), "2026-03-10")
        late = version.in_force_from + timedelta(days=3)
        cron = self.env.ref("customer_service_plan.ir_cron_policy_versions")
        for moment in (self.at(hours=5), late, late + timedelta(days=9)):
            with freeze_time(moment), self.enter_registry_test_mode():
                cron.method_direct_trigger()
            self.env.invalidate_all()
            if moment < late:
                self.assertEqual(self._states(), ["published", "published"])
        self.assertEqual(self._states(), ["retired", "published"])
        self.assertEqual(self.first.retired_at, version.in_force_from)
        # Received just before, entered later: the version of then.
        with freeze_time(late):
            ticket = self._create_ticket(
                at=late,
                csp_received_at=version.in_force_from - timedelta(seconds=1),
            )
        self.assertEqual(ticket.csp_policy_version_id, self.first)

    def test_shared_policy_takes_over_company_by_company(self):
        """The same date begins at different moments, and leaves no gap."""
        east, west = self.env["res.company"].create(
            [{"name": "Kathmandu"}, {"name": "St. John's"}]
        )
        east.partner_id.tz = "Asia/Kathmandu"
        west.partner_id.tz = "America/St_Johns"
        policy = self._create_policy([ANY], name="Everywhere", company_id=False)
        first = policy.version_ids
        second = self._publish(self.at(), "2026-03-10", policy=policy)
        for moment in (
            datetime(2026, 3, 9, 18, 14, 59),
            datetime(2026, 3, 9, 18, 15),
            # Athens, the company of whoever runs the scheduler
            datetime(2026, 3, 9, 22, 0, 1),
            datetime(2026, 3, 10, 2, 29, 59),
            datetime(2026, 3, 10, 2, 30),
        ):
            with freeze_time(moment):
                self.env["csp.policy.version"]._cron_take_over()
            for company, begins in (
                (east, datetime(2026, 3, 9, 18, 15)),
                (west, datetime(2026, 3, 10, 2, 30)),
            ):
                self.assertEqual(
                    self._version(moment, company_id=company.id),
                    second if moment >= begins else first,
                    (company.name, moment),
                )
        self.assertEqual((first.state, second.state), ("retired", "published"))
        for company, begins in (
            (east, datetime(2026, 3, 9, 18, 15)),
            (west, datetime(2026, 3, 10, 2, 30)),
        ):
            ticket = self._create_ticket(
                at=self.at(days=30),
                csp_received_at=begins - timedelta(seconds=1),
                company_id=company.id,
            )
            self.assertEqual(ticket.csp_policy_version_id, first)

    # --- The end

    def test_retired(self):
        ticket = self._create_ticket(at=self.at(hours=1))
        with freeze_time(self.at(hours=2)):
            self.first.with_user(self.manager).action_retire()
        self.assertEqual(self._version(self.at(hours=1, minutes=59)), self.first)
        self.assertFalse(self._version(self.at(hours=2)))
        self.assertEqual(ticket.csp_policy_version_id, self.first)
        with freeze_time(self.at(hours=3)):
            ticket.priority = "3"
        self.assertEqual(ticket.csp_policy_version_id, self.first)
        with self.assertRaises(UserError):
            self.first.action_retire()
        with self.assertRaises(UserError):
            self.first.action_publish()

    def test_coming_version_called_off(self):
        """A version that is retired before it begins leaves the other in force."""
        coming = self._publish(self.at(), "2026-03-10")
        with freeze_time(self.at(hours=1)):
            coming.with_user(self.manager).action_retire()
        with freeze_time(self.at(days=30)):
            self.env["csp.policy.version"]._cron_take_over()
            self.env.invalidate_all()
            self.assertEqual(self.policy.current_version_id, self.first)
        self.assertEqual(self._states(), ["published", "retired"])
        self.assertEqual(self._version(self.at(days=30)), self.first)

    def test_correction_of_a_coming_version(self):
        """Of two versions with one beginning the later one holds."""
        coming = self._publish(self.at(), "2026-03-10")
        corrected = self._publish(self.at(hours=1), "2026-03-10", minutes=20)
        self.assertEqual(self._states(), ["published", "retired", "published"])
        self.assertEqual(self._version(coming.in_force_from), corrected)
        with freeze_time(self.at(days=20)):
            self.env["csp.policy.version"]._cron_take_over()
        self.assertEqual(self._states(), ["retired", "retired", "published"])
        self.assertEqual(self._version(coming.in_force_from), corrected)
        before = coming.in_force_from - timedelta(seconds=1)
        self.assertEqual(self._version(before), self.first)

    def test_older_version_does_not_follow_a_newer_one(self):
        """Published for next week, then thought better of: the newer one stays."""
        coming = self._publish(self.at(), "2026-03-10")
        newer = self._publish(self.at(hours=1), minutes=20)
        self.assertEqual(coming.state, "retired")
        self.assertEqual(self._version(self.at(hours=1)), newer)
        self.assertEqual(self._version(self.at(days=30)), newer)

    def test_archived_policy(self):
        ticket = self._create_ticket()
        self.policy.with_user(self.manager).active = False
        self.assertFalse(self._version(self.at()))
        self.assertEqual(ticket.csp_policy_version_id, self.first)
        self.assertTrue(ticket.csp_commitment_ids)
        self.policy.active = True
        self.assertEqual(self._version(self.at()), self.first)

    # --- Order, companies, "No promise"

    def test_order_by_sequence(self):
        other = self._create_policy([ANY], name="Before", sequence=5)
        self.assertEqual(self._version(self.at()), other.current_version_id)
        other.with_user(self.manager).sequence = 50
        self.assertEqual(self._version(self.at()), self.first)

    def test_order_of_lines(self):
        policy = self._create_policy(
            [
                {**ANY, "sequence": 20},
                {"priority_from": "2", "resolution_minutes": 60, "sequence": 10},
            ],
            name="Before",
            sequence=1,
        )
        urgent = self._create_ticket(priority="2")
        line = urgent.csp_policy_line_id
        self.assertEqual((line.version_id.policy_id, line.sequence), (policy, 10))
        self.assertEqual(self._create_ticket().csp_policy_line_id.sequence, 20)

    def test_company_of_a_policy(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.assertFalse(self._version(self.at(), company_id=branch.id))
        shared = self._create_policy([ANY], name="Shared", company_id=False)
        own = self._create_policy([ANY], name="Own", company_id=branch.id, sequence=1)
        self.assertEqual(
            self._version(self.at(), company_id=branch.id), own.version_ids
        )
        own.active = False
        self.assertEqual(
            self._version(self.at(), company_id=branch.id), shared.version_ids
        )
        self.assertEqual(self._version(self.at()), self.first)
        self.policy.active = False
        self.assertEqual(self._version(self.at()), shared.version_ids)

    def test_no_promise_is_a_statement(self):
        """A line without times takes the ticket, so that no later line does."""
        policy = self._create_policy(
            [{"priority_to": "0"}, ANY], name="Frank", sequence=1
        )
        nothing = policy.current_version_id.line_ids[0]
        self.assertEqual(nothing.promise_text, "Nothing promised")
        ticket = self._create_ticket(priority="0")
        self.assertEqual(ticket.csp_policy_line_id, nothing)
        self.assertFalse(ticket.csp_commitment_ids)
        self.assertFalse(ticket.csp_next_deadline)
        self.assertEqual(self._kinds(ticket), ["received", "promised"])
        with freeze_time(self.at(minutes=5)):
            ticket.priority = "1"
        self.assertEqual(self._row(ticket, "first_response").started_at, self.at())
        with freeze_time(self.at(minutes=6)):
            ticket.priority = "0"
        self.assertEqual(self._row(ticket, "first_response").state, "cancelled")

    # --- Publishing

    def test_nothing_to_publish(self):
        policy = self._create_policy([], publish=False)
        with self.assertRaisesRegex(UserError, "no promise in it"):
            policy.version_ids.action_publish()
        self.assertEqual(policy.version_ids.state, "draft")

    def test_warnings(self):
        closed = self.env["csp.hours"].create({"name": "Never", "tz": "UTC"})
        policy = self._create_policy(
            [
                {**ANY, "hours_id": closed.id},
                {"priority_from": "3", "resolution_minutes": 60},
            ],
            publish=False,
            owner_id=False,
        )
        texts = policy.version_ids.finding_text
        for part in ("no owner", "can never apply", "“Never” never opens again"):
            self.assertIn(part, texts)
        with freeze_time(self.at()):
            with self.assertRaisesRegex(UserError, "give a reason"):
                policy.version_ids.with_user(self.manager).action_publish()
            policy.version_ids.with_user(self.manager).action_publish("A test")
        notes = policy.version_ids.message_ids.mapped("body")
        self.assertTrue([body for body in notes if "Published in spite of" in body])
        self.env.company.csp_hours_id = False
        other = self._create_policy([ANY], publish=False)
        self.assertIn("No opening hours for", other.version_ids.finding_text)

    def test_two_managers_publish(self):
        draft = self._draft()
        with freeze_time(self.at()):
            draft.with_user(self.manager).action_publish()
        self.assertEqual(draft.published_by_id, self.manager)
        with self.assertRaisesRegex(UserError, "already published"):
            draft.action_publish()
        self.assertEqual(draft.published_by_id, self.manager)

    def test_copy_of_a_policy(self):
        self._draft()
        copy = self.policy.with_user(self.manager).copy()
        self.assertEqual(copy.name, "Standard (copy)")
        self.assertEqual(copy.version_ids.state, "draft")
        self.assertEqual(copy.version_ids.number, 1)
        # Of the version in force, not of the draft
        self.assertEqual(copy.version_ids.line_ids.first_response_minutes, 60)
        self.assertFalse(copy.version_ids.line_ids & self.policy.version_ids.line_ids)

    def test_policy_in_one_call(self):
        """As a program or an import makes one: with its promises."""
        policy = (
            self.env["csp.policy"]
            .with_user(self.manager)
            .create(
                {
                    "name": "In one go",
                    "version_ids": [
                        Command.create({"line_ids": [Command.create(ANY)]})
                    ],
                }
            )
        )
        self.assertEqual(policy.version_ids.number, 1)
        policy.version_ids.action_publish()
        self.assertEqual(policy.version_ids.state, "published")


class TestLines(CspCommon):
    """What a line asks for, in words and in effect."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vip = cls.env["csp.segment"].create({"name": "VIP"})
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.mail = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")

    def _line(self, **vals):
        policy = self._create_policy([vals], publish=False)
        return policy.version_ids.line_ids

    def _promised(self, ticket_vals, **line):
        """Whether a ticket gets the promise of such a line."""
        policy = self._create_policy([{"resolution_minutes": 60, **line}], sequence=1)
        ticket = self._create_ticket(**ticket_vals)
        found = ticket.csp_policy_line_id
        policy.active = False
        return found == policy.version_ids.line_ids

    # --- In words

    def test_texts(self):
        line = self._line(
            segment_ids=self.vip.ids,
            channel_ids=self.phone.ids,
            priority_from="3",
            complaint="only",
            first_response_minutes=15,
            next_response_minutes=90,
            resolution_minutes=240,
        )
        self.assertEqual(line.condition_text, "VIP, Phone, Very High, Complaints only")
        self.assertEqual(
            line.promise_text,
            "first reply in 15 min, further replies in 1 h 30 min, solved in 4 h, 90 %",
        )
        for vals, text in (
            ({"match_all": True}, "Any ticket"),
            ({"priority_from": "2", "priority_to": "2"}, "High"),
            ({"priority_from": "1", "priority_to": "2"}, "Medium to High"),
            ({"priority_to": "1"}, "Medium and below"),
            ({"complaint": "never"}, "No complaints"),
            ({"channel_ids": (self.phone + self.mail).ids}, "Phone / Email"),
        ):
            names = self._line(**vals).condition_text
            if "channel_ids" in vals:
                self.assertEqual(set(names.split(" / ")), set(text.split(" / ")))
            else:
                self.assertEqual(names, text)

    def test_texts_in_another_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.vip.with_context(lang="fr_FR").name = "Grands comptes"
        line = self._line(segment_ids=self.vip.ids, first_response_minutes=15)
        self.assertEqual(line.condition_text, "VIP")
        self.assertEqual(
            line.with_context(lang="fr_FR").condition_text, "Grands comptes"
        )
        self.assertEqual(line.condition_text, "VIP")

    # --- Rules of a line

    def test_a_line_needs_a_condition(self):
        with self.assertRaisesRegex(ValidationError, "Any"):
            self._line(resolution_minutes=60)
        line = self._line(match_all=True)
        with self.assertRaises(ValidationError):
            line.match_all = False

    def test_bounds(self):
        with self.assertRaises(ValidationError):
            self._line(priority_from="2", priority_to="1")
        for vals in ({"resolution_minutes": -1}, {"goal_percent": 0}):
            with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
                self._line(match_all=True, **vals)

    def test_hours_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        hours = self.env["csp.hours"].create(
            {"name": "Branch", "tz": "UTC", "company_id": branch.id}
        )
        shared = self.env["csp.hours"].create(
            {"name": "Shared", "tz": "UTC", "company_id": False}
        )
        line = self._line(match_all=True, hours_id=shared.id)
        with self.assertRaises(ValidationError) as caught:
            shared.company_id = branch
        self.assertIn(line.version_id.display_name, str(caught.exception))
        with self.assertRaises(UserError):
            self._line(match_all=True, hours_id=hours.id)
        line = self._line(match_all=True)
        with self.assertRaises(UserError):
            line.hours_id = hours
        with self.assertRaisesRegex(ValidationError, "Branch"):
            self.env.company.csp_hours_id = hours
        branch.csp_hours_id = hours

    # --- In effect

    def test_segments_at_receipt(self):
        self.customer.csp_segment_ids = self.vip
        policy = self._create_policy(
            [{"segment_ids": self.vip.ids, "resolution_minutes": 60}]
        )
        line = policy.version_ids.line_ids
        ticket = self._create_ticket()
        self.assertEqual(ticket.csp_policy_line_id, line)
        self.assertEqual(ticket.csp_segment_id, self.vip)
        # Leaving the segment does not matter any more ...
        self.customer.csp_segment_ids = False
        with freeze_time(self.at(minutes=1)):
            ticket.priority = "3"
        self.assertEqual(ticket.csp_policy_line_id, line)
        self.assertEqual(ticket.csp_segment_ids, self.vip)
        # ... another contact does.
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        with freeze_time(self.at(minutes=2)):
            ticket.partner_id = stranger
        self.assertFalse(ticket.csp_policy_line_id)
        self.assertFalse(ticket.csp_segment_ids)
        self.assertFalse(ticket.csp_segment_id)
        stranger.csp_segment_ids = self.vip
        with freeze_time(self.at(minutes=3)):
            ticket.priority = "1"
        self.assertFalse(ticket.csp_policy_line_id)

    def test_several_segments(self):
        schools = self.env["csp.segment"].create({"name": "Schools", "sequence": 1})
        self.customer.csp_segment_ids = self.vip + schools
        ticket = self._create_ticket()
        self.assertEqual(ticket.csp_segment_id, schools)
        self.assertEqual(ticket.csp_segment_ids, self.vip + schools)
        self.assertTrue(self._promised({}, segment_ids=self.vip.ids))
        branch = self.env["res.company"].create({"name": "Branch"})
        schools.company_id = branch
        self.assertEqual(self._create_ticket().csp_segment_ids, self.vip)

    def test_segment_given_to_this_company(self):
        """The first segment of a company has its tickets look for segments."""
        branch = self.env["res.company"].create({"name": "Branch"})
        self.vip.company_id = branch
        self.customer.csp_segment_ids = self.vip
        self.assertFalse(self._create_ticket().csp_segment_ids)
        self.vip.company_id = False
        self.assertEqual(self._create_ticket().csp_segment_ids, self.vip)

    def test_archived_conditions_still_hold(self):
        """A published line never comes to hold for more tickets than it did."""
        category = self.env["helpdesk.ticket.category"].create({"name": "Printers"})
        team = self.env["helpdesk.ticket.team"].create({"name": "Night"})
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Urgent"})
        channel = self.env["helpdesk.ticket.channel"].create({"name": "Pigeon"})
        for field, record in (
            ("segment_ids", self.vip),
            ("category_ids", category),
            ("team_ids", team),
            ("tag_ids", tag),
            ("channel_ids", channel),
        ):
            with self.subTest(field=field):
                policy = self._create_policy(
                    [
                        {
                            field: record.ids,
                            "priority_from": "1",
                            "resolution_minutes": 60,
                        }
                    ]
                )
                line = policy.version_ids.line_ids
                text = line.condition_text
                self.assertFalse(self._create_ticket().csp_policy_line_id)
                record.active = False
                self.env.invalidate_all()
                self.assertFalse(self._create_ticket().csp_policy_line_id)
                self.assertEqual(line.condition_text, text)
                policy.active = False

    def test_complaint(self):
        self.assertTrue(self._promised({"csp_is_complaint": True}, complaint="only"))
        self.assertFalse(self._promised({}, complaint="only"))
        self.assertTrue(self._promised({}, complaint="never"))
        self.assertFalse(self._promised({"csp_is_complaint": True}, complaint="never"))
        policy = self._create_policy([{"complaint": "only", "resolution_minutes": 60}])
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=5)):
            ticket.with_user(self.agent).csp_is_complaint = True
        self.assertEqual(ticket.csp_policy_line_id, policy.version_ids.line_ids)
        event = ticket.csp_event_ids.filtered(lambda event: event.kind == "promised")
        self.assertEqual(event.data["because"], ["csp_is_complaint"])

    def test_sub_categories_and_sub_teams(self):
        for model, field, condition in (
            ("helpdesk.ticket.category", "category_id", "category_ids"),
            ("helpdesk.ticket.team", "team_id", "team_ids"),
        ):
            top, other = self.env[model].create([{"name": "Top"}, {"name": "Other"}])
            below = self.env[model].create({"name": "Below", "parent_id": top.id})
            deep = self.env[model].create({"name": "Deep", "parent_id": below.id})
            policy = self._create_policy(
                [{condition: top.ids, "resolution_minutes": 60}]
            )
            line = policy.version_ids.line_ids
            for record, fits in ((top, True), (deep, True), (other, False)):
                ticket = self._create_ticket(**{field: record.id})
                self.assertEqual(ticket.csp_policy_line_id == line, fits, record.name)
            # A part added or moved later belongs to it from then on.
            late = self.env[model].create({"name": "Late", "parent_id": deep.id})
            self.assertEqual(
                self._create_ticket(**{field: late.id}).csp_policy_line_id, line
            )
            deep.parent_id = other
            self.assertFalse(self._create_ticket(**{field: late.id}).csp_policy_line_id)
            policy.active = False

    def test_hours_of_a_ticket(self):
        """The line's, else the channel's, else the company's, else day and night."""
        line_hours, channel_hours = self.env["csp.hours"].create(
            [{"name": "Line", "tz": "UTC"}, {"name": "Channel", "tz": "UTC"}]
        )
        policy = self._create_policy(
            [
                {"priority_from": "3", "hours_id": line_hours.id,
                 "resolution_minutes": 60},
                {"match_all": True, "resolution_minutes": 60},
            ]
        )  # fmt: skip
        self.assertTrue(policy)
        self.phone.csp_hours_id = channel_hours

        def hours(**vals):
            return self._create_ticket(**vals).csp_hours_id

        self.assertEqual(hours(priority="3", channel_id=self.phone.id), line_hours)
        self.assertEqual(hours(channel_id=self.phone.id), channel_hours)
        self.assertEqual(hours(channel_id=self.mail.id), self.hours)
        self.assertEqual(hours(), self.hours)
        self.env.company.csp_hours_id = False
        ticket = self._create_ticket(at=self.at(days=5))
        self.assertFalse(ticket.csp_hours_id)
        self.assertEqual(ticket.csp_next_deadline, self.at(days=5, hours=1))
        self.phone.csp_hours_id = False
        self.assertFalse(hours(channel_id=self.phone.id))

    def test_other_hours_count_as_a_change(self):
        """Another channel with the same line, but hours of its own (rule 19)."""
        day_and_night = self.env["csp.hours"].create(
            {"name": "Always", "tz": "UTC", "always_open": True}
        )
        self.mail.csp_hours_id = day_and_night
        self._create_policy([{"match_all": True, "resolution_minutes": 600}])
        ticket = self._create_ticket()
        self.assertEqual(ticket.csp_next_deadline, self.at(days=1, hours=2))
        with freeze_time(self.at(hours=1)):
            ticket.channel_id = self.mail
        self.assertEqual(ticket.csp_hours_id, day_and_night)
        self.assertEqual(ticket.csp_next_deadline, self.at(hours=10))
        self.assertEqual(self._kinds(ticket).count("promised"), 2)

    def test_priority_bounds(self):
        for low, high, fits in (
            ("", "", "0123"),
            ("2", "", "23"),
            ("", "1", "01"),
            ("1", "2", "12"),
        ):
            vals = {"priority_from": low or False, "priority_to": high or False}
            if not low and not high:
                vals["match_all"] = True
            found = [p for p in "0123" if self._promised({"priority": p}, **vals)]
            self.assertEqual("".join(found), fits)
        self.assertFalse(self._promised({"priority": False}, priority_to="1"))
