from datetime import timedelta

from freezegun import freeze_time

from odoo import http
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.helpdesk_mgmt.models.helpdesk_ticket import (
    HelpdeskTicket as UpstreamTicket,
)

from .common import CspCommon


class DoorsCommon(CspCommon):
    """One policy: urgent tickets, those of the night team, and all others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.night = cls.env["helpdesk.ticket.team"].create(
            {"name": "Night", "user_ids": cls.agent.ids}
        )
        cls.day = cls.env["helpdesk.ticket.team"].create({"name": "Day"})
        cls.policy = cls._create_policy(
            [
                {
                    "priority_from": "3",
                    "first_response_minutes": 15,
                    "resolution_minutes": 240,
                },
                {
                    "team_ids": cls.night.ids,
                    "first_response_minutes": 30,
                    "resolution_minutes": 480,
                },
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "next_response_minutes": 60,
                    "resolution_minutes": 960,
                },
            ]
        )
        cls.urgent, cls.nightly, cls.normal = cls.policy.version_ids.line_ids

    def _assert_consistent(self, tickets):
        """What is stored is what a replay of the events gives."""
        self.env.flush_all()
        live = [self._snapshot(ticket) for ticket in tickets]
        tickets._csp_replay()
        self.assertEqual([self._snapshot(ticket) for ticket in tickets], live)


class TestDoors(DoorsCommon):
    """Through whatever door tickets come and change, their promises follow."""

    # --- Coming in

    def test_batch(self):
        with freeze_time(self.at()):
            tickets = self.env["helpdesk.ticket"].create(
                [
                    {"name": "a", "description": "a"},
                    {"name": "b", "description": "b", "priority": "3"},
                    {"name": "c", "description": "c", "team_id": self.night.id},
                    {"name": "d", "description": "d", "stage_id": self.stage_done.id},
                    {"name": "e", "description": "e", "active": False},
                    {
                        "name": "f",
                        "description": "f",
                        "csp_received_at": self.at(days=-3),
                    },
                ]
            )
            self.assertEqual(
                tickets.mapped("csp_policy_line_id"),
                self.normal + self.urgent + self.nightly,
            )
            self.assertEqual(
                [len(ticket.csp_commitment_ids) for ticket in tickets],
                [2, 2, 2, 0, 0, 2],
            )
            self.assertEqual(tickets[4].csp_closed_as, "cancelled")
            self.assertEqual(
                self._row(tickets[5], "first_response").deadline,
                self.at(days=-3, hours=1),
            )
            self._assert_consistent(tickets)

    def test_import_of_a_thousand(self):
        # Rows of a file, as the import dialog hands them over
        fields = ["name", "description", "priority", "team_id/.id", "partner_id/.id"]
        rows = [
            [
                f"Request {number}",
                "<p>x</p>",
                ("Low", "Medium", "High", "Very High")[number % 4],
                str(self.night.id) if number % 3 == 0 else "",
                str(self.customer.id),
            ]
            for number in range(1000)
        ]
        with freeze_time(self.at()):
            result = (
                self.env["helpdesk.ticket"].with_user(self.agent).load(fields, rows)
            )
        self.assertFalse(result["messages"])
        tickets = self.env["helpdesk.ticket"].browse(result["ids"])
        self.assertEqual(len(tickets), 1000)
        self.assertEqual(set(tickets.mapped("csp_received_at")), {self.at()})
        lines = [ticket.csp_policy_line_id for ticket in tickets]
        self.assertEqual(lines.count(self.urgent), 250)
        self.assertEqual(lines.count(self.nightly), 250)
        self.assertEqual(lines.count(self.normal), 500)
        self.assertEqual(len(tickets.csp_commitment_ids), 2000)
        self.assertEqual(len(tickets.csp_event_ids), 2000)
        with freeze_time(self.at(minutes=1)):
            self._assert_consistent(tickets[:20])

    def test_with_nothing_set(self):
        """No contact, no team, no channel, no priority, nobody to answer it."""
        with freeze_time(self.at()):
            ticket = self.env["helpdesk.ticket"].create(
                {
                    "name": "x",
                    "description": "x",
                    "priority": False,
                    "user_id": False,
                    "partner_id": False,
                    "team_id": False,
                }
            )
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self._post(ticket, self.at(minutes=5), self.env["res.partner"])
        self._reply(ticket, self.at(minutes=10))
        self.assertEqual(self._row(ticket, "first_response").state, "met")
        with freeze_time(self.at(minutes=15)):
            self._assert_consistent(ticket)

    def test_no_stage_at_all(self):
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=5)):
            ticket.stage_id = False
        self.assertEqual(self._row(ticket, "resolution").state, "running")
        self._move(ticket, self.at(minutes=10), self.stage_done)
        self.assertEqual(ticket.csp_closed_as, "solved")

    def test_user_far_away(self):
        """Deadlines do not depend on whose time zone and language it is."""
        self.env["res.lang"]._activate_lang("fr_FR")
        texts = []
        for login, tz, lang in (
            ("csp_np", "Asia/Kathmandu", "en_US"),
            ("csp_nf", "America/St_Johns", "fr_FR"),
        ):
            user = new_test_user(
                self.env,
                login,
                groups="helpdesk_mgmt.group_helpdesk_user",
                tz=tz,
                lang=lang,
            )
            ticket = self._create_ticket(user=user)
            mine = ticket.with_user(user).with_context(
                tz=tz, lang=lang, tracking_disable=False
            )
            self.assertEqual(mine.csp_next_deadline, self.at(hours=1))
            with freeze_time(self.at(minutes=5)):
                mine.priority = "3"
            self.assertEqual(ticket.csp_next_deadline, self.at(minutes=15))
            texts.append(ticket.message_ids[:1].body)
        self.assertIn("first reply in 15 min", texts[0])

    def test_mail(self):
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Service", "alias_name": "service-of-the-doors"}
        )
        domain = self.env["mail.alias.domain"].create({"name": "doors.example.com"})
        team.alias_domain_id = domain
        raw = (
            "From: Dimitra <dimitra@example.com>\n"
            "To: service-of-the-doors@doors.example.com\n"
            "Subject: It leaks\nMessage-ID: <1@doors>\n"
            "Content-Type: text/plain\n\nSince Monday.\n"
        )
        root = self.env.ref("base.user_root")
        with freeze_time(self.at()), mute_logger("odoo.addons.mail.models.mail_thread"):
            ticket_id = (
                self.env["mail.thread"].with_user(root).message_process(None, raw)
            )
        ticket = self.env["helpdesk.ticket"].browse(ticket_id)
        self.assertEqual(ticket.team_id, team)
        self.assertEqual(ticket.partner_id, self.customer)
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self.assertEqual(ticket.csp_next_deadline, self.at(hours=1))
        self.assertNotIn("staff_reply", self._kinds(ticket))

    def test_other_addon_writes_while_creating(self):
        """Another addon's create changes the new ticket, more than once."""
        create = UpstreamTicket.create
        stage = self.stage_progress

        def create_and_write(self, vals_list):
            tickets = create(self, vals_list)
            for ticket in tickets:
                ticket.write({"priority": "3"})
                ticket.write({"stage_id": stage.id, "user_id": self.env.uid})
            return tickets

        create_and_write._api_model = True
        self.patch(UpstreamTicket, "create", create_and_write)
        tickets = self._create_ticket() + self._create_ticket(user=self.agent)
        for ticket in tickets:
            self.assertEqual(self._kinds(ticket), ["received", "promised"])
            self.assertEqual(ticket.csp_policy_line_id, self.urgent)
            self.assertEqual(len(ticket.csp_commitment_ids), 2)
        with freeze_time(self.at(minutes=1)):
            self._assert_consistent(tickets)

    def test_other_addon_closes_while_creating(self):
        create = UpstreamTicket.create
        done = self.stage_done

        def create_and_close(self, vals_list):
            tickets = create(self, vals_list)
            tickets.write({"priority": "3"})
            tickets.message_post(
                body="Welcome",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
            tickets.write({"stage_id": done.id})
            return tickets

        create_and_close._api_model = True
        self.patch(UpstreamTicket, "create", create_and_close)
        ticket = self._create_ticket(user=self.agent)
        self.assertEqual(self._kinds(ticket), ["received", "closed"])
        self.assertFalse(ticket.csp_commitment_ids)
        with freeze_time(self.at(minutes=1)):
            self._assert_consistent(ticket)

    # --- Changing

    def test_other_addon_writes_twice(self):
        """A write that becomes several inside: each state is seen, none twice."""
        ticket = self._create_ticket()
        write = UpstreamTicket.write
        waiting = self.stage_waiting

        def write_more(self, vals):
            result = write(self, vals)
            if vals.get("color") == 1:
                self.write({"stage_id": waiting.id})
                self.write({"priority": "3", "color": 2})
            elif vals.get("priority") == "3":
                self.write({"tag_ids": [Command.create({"name": "Hot"})]})
                write(self, vals)
            return result

        self.patch(UpstreamTicket, "write", write_more)
        with freeze_time(self.at(minutes=5)):
            ticket.color = 1
        self.assertEqual(
            self._kinds(ticket), ["received", "promised", "paused", "promised"]
        )
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
        with freeze_time(self.at(minutes=6)):
            ticket._csp_sync()
            self.assertEqual(len(ticket.csp_event_ids), 4)
            self._assert_consistent(ticket)

    def test_many_tickets_in_different_states(self):
        running, waiting, closed, archived, late = (
            self._create_ticket() for _number in range(5)
        )
        self._move(waiting, self.at(minutes=1), self.stage_waiting)
        self._move(closed, self.at(minutes=1), self.stage_cancelled)
        with freeze_time(self.at(minutes=1)):
            archived.active = False
            self._create_ticket()
        self._reply(running, self.at(minutes=2))
        self._reply(waiting, self.at(minutes=2))
        everything = running + waiting + closed + archived + late
        with freeze_time(self.at(hours=2)):
            everything.write({"stage_id": self.stage_done.id, "priority": "3"})
            self.assertEqual(
                [self._kinds(ticket)[-1] for ticket in everything],
                ["closed", "closed", "closed", "closed", "closed"],
            )
            self.assertEqual(
                everything.mapped("csp_closed_as"),
                ["solved", "solved", "cancelled", "cancelled", "solved"],
            )
            self.assertEqual(self._row(running, "resolution").state, "met")
            self.assertEqual(self._row(waiting, "resolution").state, "met")
            self.assertEqual(self._row(closed, "resolution").state, "cancelled")
            self.assertEqual(self._row(late, "first_response").state, "missed")
            # Under the old promise (rule 23)
            self.assertEqual(everything.csp_policy_line_id, self.normal)
            self._assert_consistent(everything)

    def test_assigning_brings_team_and_promise(self):
        """The user brings his team, the team its promise, all in one save."""
        ticket = self._create_ticket(user_id=False, team_id=False)
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        with freeze_time(self.at(minutes=5)):
            ticket.user_id = self.agent
        self.assertEqual(ticket.team_id, self.night)
        self.assertEqual(ticket.csp_policy_line_id, self.nightly)
        self.assertEqual(ticket.csp_handover_count, 0)
        with freeze_time(self.at(minutes=6)):
            ticket.team_id = self.day
        # Not in that team: the helpdesk drops the assignee.
        self.assertFalse(ticket.user_id)
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self.assertEqual(ticket.csp_handover_count, 1)
        self.assertEqual(
            self._kinds(ticket),
            ["received", "promised", "handover", "promised", "handover", "promised"],
        )
        with freeze_time(self.at(minutes=7)):
            self._assert_consistent(ticket)

    def test_team_brings_another_stage(self):
        """A stage that the new team does not have is exchanged, here for a closing
        one."""
        team = self.env["helpdesk.ticket.team"].create({"name": "Odd"})
        special = self.env["helpdesk.ticket.stage"].create(
            {"name": "Special", "team_ids": self.day.ids}
        )
        archive = self.env["helpdesk.ticket.stage"].create(
            {"name": "Filed", "closed": True, "team_ids": team.ids, "sequence": -5}
        )
        ticket = self._create_ticket(team_id=self.day.id, stage_id=special.id)
        with freeze_time(self.at(minutes=5)):
            ticket.team_id = team
        self.assertEqual(ticket.stage_id, archive)
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertEqual(ticket.closed_date, self.at(minutes=5))
        self.assertEqual(self._row(ticket, "resolution").state, "met")

    def test_computed_by_another_addon(self):
        """A change that comes by recomputing, outside of any write."""
        ticket, other = self._create_ticket(), self._create_ticket()
        field = ticket._fields["priority"]

        def compute(tickets):
            for each in tickets:
                each.priority = "3"

        self.patch(field, "compute", compute)
        self.patch(field, "compute_sudo", True)
        self.env.registry.field_computed[field] = [field]
        self.addCleanup(self.env.registry.field_computed.pop, field)
        with freeze_time(self.at(minutes=5)):
            self.env.add_to_compute(field, ticket)
            self.env.flush_all()
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
        self.assertEqual(other.csp_policy_line_id, self.normal)
        self.assertEqual(self._kinds(ticket), ["received", "promised", "promised"])
        # Recomputed while something else is written: followed before it is saved
        with freeze_time(self.at(minutes=6)):
            self.env.add_to_compute(field, other)
            ticket.write({"stage_id": self.stage_waiting.id})
            self.env.cr.flush()
        self.assertEqual(other.csp_policy_line_id, self.urgent)
        with freeze_time(self.at(minutes=7)):
            self._assert_consistent(ticket + other)

    def test_kanban(self):
        tickets = self._create_ticket() + self._create_ticket()
        ticket = tickets[0].with_user(self.agent)
        with freeze_time(self.at(minutes=5)):
            ticket.web_save({"stage_id": self.stage_waiting.id}, {"stage_id": {}})
            tickets.with_user(self.agent).web_resequence({}, field_name="sequence")
        self.assertEqual(self._row(ticket, "resolution").state, "paused")
        self.assertEqual(self._kinds(tickets[1]), ["received", "promised"])

    def test_form(self):
        ticket = self._create_ticket(team_id=self.day.id, user_id=False)
        with freeze_time(self.at(minutes=5)):
            form = Form(ticket.with_user(self.agent))
            form.team_id = self.night
            form.priority = "3"
            # Nothing happens before it is saved.
            self.assertEqual(self._kinds(ticket), ["received", "promised"])
            self.assertEqual(ticket.csp_policy_line_id, self.normal)
            form.save()
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
        self.assertEqual(self._kinds(ticket), ["received", "promised", "promised"])
        event = ticket.csp_event_ids[:1]
        self.assertEqual(set(event.data["because"]), {"team_id", "priority"})

    def test_line_in_the_chatter(self):
        """One for each change of promise, and none else; tracking or not decides
        nothing about the promise."""
        ticket = self._create_ticket()
        loud = ticket.with_context(tracking_disable=False)

        def notes():
            return len(
                ticket.message_ids.filtered(lambda note: "Promise now" in note.body)
            )

        with freeze_time(self.at(minutes=1)):
            loud.priority = "3"
            self.assertEqual(notes(), 1)
            loud.priority = "3"
            loud.stage_id = self.stage_progress
            self.assertEqual(notes(), 1)
        with freeze_time(self.at(minutes=2)):
            ticket.with_context(tracking_disable=True).priority = "1"
            self.assertEqual(notes(), 1)
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self.assertEqual(self._kinds(ticket).count("promised"), 3)
        note = ticket.message_ids.filtered(lambda note: "Promise now" in note.body)
        self.assertTrue(note.is_internal or note.subtype_id.internal)

    def test_archived_and_back(self):
        grace = self.env.company.csp_reopen_grace_days
        for days, target_left in ((grace, 57600 - 1800), (grace + 1, 57600)):
            with self.subTest(days=days):
                ticket = self._create_ticket()
                with freeze_time(self.at(minutes=30)):
                    ticket.action_archive()
                self.assertEqual(ticket.csp_closed_as, "cancelled")
                self.assertEqual(
                    set(ticket.csp_commitment_ids.mapped("state")), {"cancelled"}
                )
                with freeze_time(self.at(days=days, minutes=30)):
                    ticket.action_unarchive()
                self.assertFalse(ticket.csp_closed_as)
                self.assertEqual(ticket.csp_reopen_count, 1)
                row = self._row(ticket, "resolution")
                self.assertEqual(row.state, "running")
                self.assertEqual(row.target_seconds - row.consumed_seconds, target_left)
                # The customer still has no answer.
                self.assertEqual(self._row(ticket, "first_response").state, "running")
                with freeze_time(self.at(days=days, minutes=40)):
                    self._assert_consistent(ticket)

    def test_archiving_what_is_solved(self):
        """Tidying up takes nothing back, neither does bringing it out again."""
        ticket = self._create_ticket()
        self._move(ticket, self.at(minutes=30), self.stage_done)
        before = self._snapshot(ticket)
        for moment in (self.at(days=1), self.at(days=2)):
            with freeze_time(moment):
                ticket.active = not ticket.active
        self.assertEqual(self._snapshot(ticket), before)
        self.assertEqual(self._kinds(ticket), ["received", "promised", "closed"])

    def test_duplicate_wizard(self):
        original, double = self._create_ticket(), self._create_ticket()
        with freeze_time(self.at(minutes=5)):
            self.env["helpdesk.ticket.duplicate.wizard"].with_user(self.agent).create(
                {
                    "ticket_id": double.id,
                    "duplicate_of_id": original.id,
                    "target_stage_id": self.stage_done.id,
                }
            ).action_confirm()
        self.assertEqual(double.csp_closed_as, "cancelled")
        self.assertEqual(set(double.csp_commitment_ids.mapped("state")), {"cancelled"})
        self.assertEqual(self._kinds(original), ["received", "promised"])

    def test_change_of_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        hours = self.env["csp.hours"].create(
            {"name": "Branch", "tz": "UTC", "always_open": True}
        )
        branch.csp_hours_id = hours
        policy = self._create_policy(
            [{"match_all": True, "first_response_minutes": 90}], company_id=branch.id
        )
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=30)):
            ticket.company_id = branch
        self.assertEqual(ticket.csp_policy_version_id, policy.version_ids)
        self.assertEqual(ticket.csp_hours_id, hours)
        first, solution = (
            self._row(ticket, "first_response"),
            self._row(ticket, "resolution"),
        )
        self.assertEqual(first.deadline, self.at(minutes=90))
        self.assertEqual(solution.state, "cancelled")
        self.env.flush_all()
        self.assertEqual((first + solution).company_id, branch)
        with freeze_time(self.at(minutes=40)):
            self._assert_consistent(ticket)

    def test_change_of_channel_and_contact(self):
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        ticket = self._create_ticket()
        with freeze_time(self.at(minutes=5)):
            ticket.write(
                {"channel_id": phone.id, "partner_id": self.agent.partner_id.id}
            )
        # Same line, same hours: nothing new is promised. Entered as live only now,
        # it was not answered at receipt.
        self.assertEqual(self._kinds(ticket), ["received", "promised"])
        self._reply(ticket, self.at(minutes=10))
        # Whoever is the contact now is the customer.
        self.assertEqual(
            self._kinds(ticket), ["received", "promised", "customer_message"]
        )

    def test_nothing_happens_while_closed(self):
        ticket = self._create_ticket()
        self._move(ticket, self.at(minutes=10), self.stage_done)
        with freeze_time(self.at(minutes=20)):
            ticket.priority = "3"
        self.assertEqual(ticket.csp_policy_line_id, self.normal)
        self._move(ticket, self.at(minutes=30), self.stage_progress)
        self.assertEqual(ticket.csp_policy_line_id, self.urgent)
        self.assertEqual(self._kinds(ticket)[-2:], ["reopened", "promised"])
        with freeze_time(self.at(minutes=40)):
            self._assert_consistent(ticket)

    def test_sync_twice_changes_nothing(self):
        ticket = self._create_ticket()
        self._move(ticket, self.at(minutes=10), self.stage_waiting)
        before = self._snapshot(ticket), self._kinds(ticket)
        for moment in (self.at(minutes=10), self.at(hours=5)):
            with freeze_time(moment):
                ticket._csp_sync()
                ticket.write({"stage_id": self.stage_waiting.id, "priority": "1"})
        self.assertEqual((self._snapshot(ticket), self._kinds(ticket)), before)


class TestJoined(DoorsCommon):
    """Clocks of tickets that become one (rule 24)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = cls._create_ticket()
        cls.new = cls._create_ticket(at=cls.at(minutes=40))

    def _join(self, sources, target, at):
        with freeze_time(at):
            (sources)._csp_merged_into(target)

    def _assert_joined(self, at):
        with freeze_time(at):
            self._assert_consistent(self.old + self.new)

    def test_earliest_receipt(self):
        self._join(self.old, self.new, self.at(minutes=50))
        first, solution = (
            self._row(self.new, "first_response"),
            self._row(self.new, "resolution"),
        )
        self.assertEqual(first.started_at, self.at())
        self.assertEqual(first.deadline, self.at(hours=1))
        self.assertEqual(solution.deadline, self.at(days=1, hours=8))
        self.assertEqual(self.new.csp_next_deadline, self.at(hours=1))
        rows = self.old.csp_commitment_ids
        self.assertEqual(set(rows.mapped("state")), {"cancelled"})
        self.assertEqual(set(rows.mapped("ended_at")), {self.at(minutes=50)})
        self.assertFalse(self.old.csp_next_deadline)
        self.assertEqual(self._kinds(self.old)[-1], "merged")
        self.assertEqual(self._kinds(self.new)[-1], "merged")
        self._assert_joined(self.at(minutes=55))

    def test_missed_at_the_merge(self):
        """The target was in time by itself, and is late with the older request."""
        self._join(self.old, self.new, self.at(minutes=70))
        first = self._row(self.new, "first_response")
        self.assertEqual(
            (first.state, first.deadline, first.missed_at),
            ("missed", self.at(hours=1), self.at(minutes=70)),
        )
        # What was missed before stays missed, and ends.
        old = self._row(self.old, "first_response")
        self.assertEqual(
            (old.state, old.missed_at, old.ended_at, old.overrun_seconds),
            ("missed", self.at(hours=1), self.at(minutes=70), 600),
        )
        self.assertEqual(self._row(self.old, "resolution").state, "cancelled")
        self._assert_joined(self.at(minutes=75))

    def test_reply_on_a_source_counts(self):
        self._reply(self.old, self.at(minutes=45))
        self._join(self.old, self.new, self.at(minutes=50))
        self.assertEqual(self.new.csp_first_response_at, self.at(minutes=45))
        self.assertEqual(self._row(self.new, "first_response").state, "met")
        self._assert_joined(self.at(minutes=55))

    def test_unanswered_message_of_a_source(self):
        self._reply(self.new, self.at(minutes=41))
        self._reply(self.old, self.at(minutes=42))
        self._ask(self.old, self.at(minutes=43))
        self._join(self.old, self.new, self.at(minutes=50))
        following = self._row(self.new, "next_response")
        self.assertEqual(
            (following.state, following.started_at, following.deadline),
            ("running", self.at(minutes=43), self.at(minutes=103)),
        )
        self._reply(self.new, self.at(minutes=60))
        self.assertEqual(following.state, "met")
        self._assert_joined(self.at(minutes=65))

    def test_other_customer(self):
        """Nothing is taken over from a stranger's ticket."""
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        foreign = self._create_ticket(at=self.at(days=-3), partner_id=stranger.id)
        self._reply(foreign, self.at(days=-3, minutes=5))
        before = self._snapshot(self.new)
        self._join(foreign, self.new, self.at(minutes=50))
        self.assertEqual(self._snapshot(self.new), before)
        self.assertEqual(self._row(foreign, "resolution").state, "cancelled")
        self.assertEqual(self._kinds(self.new)[-1], "merged")

    def test_colleagues_are_one_customer(self):
        company = self.env["res.partner"].create({"name": "Ltd", "is_company": True})
        one, two = self.env["res.partner"].create(
            [{"name": "One", "parent_id": company.id},
             {"name": "Two", "parent_id": company.id}]
        )  # fmt: skip
        with freeze_time(self.at(minutes=45)):
            self.old.partner_id, self.new.partner_id = one, two
        self._join(self.old, self.new, self.at(minutes=50))
        self.assertEqual(self._row(self.new, "first_response").started_at, self.at())

    def test_several_and_twice(self):
        third = self._create_ticket(at=self.at(minutes=-30))
        self._join(self.old + third, self.new, self.at(minutes=50))
        self.assertEqual(
            self._row(self.new, "first_response").started_at, self.at(minutes=-30)
        )
        events = self.new.csp_event_ids.filtered(lambda event: event.kind == "merged")
        self.assertEqual(set(events.data["numbers"]), {self.old.number, third.number})
        before = self._snapshot(self.new)
        self._join(self.new, self.new, self.at(minutes=55))
        self.assertEqual(self._snapshot(self.new), before)

    def test_by_the_wizard(self):
        wizard = (
            self.env["helpdesk.ticket.merge"]
            .with_user(self.agent)
            .with_context(active_ids=(self.new + self.old).ids)
        )
        with freeze_time(self.at(minutes=50)):
            wizard.create({"dst_ticket_id": self.new.id}).merge_tickets()
        self.assertFalse(self.old.active)
        self.assertEqual(self.old.csp_closed_as, "cancelled")
        self.assertEqual(self._kinds(self.old)[-1], "merged")
        self.assertEqual(self._row(self.new, "first_response").started_at, self.at())
        self.assertFalse(self.new.csp_first_response_at)
        self._assert_joined(self.at(minutes=55))


@tagged("post_install", "-at_install")
class TestRequests(HttpCase):
    """The doors that lead in from outside."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.env["csp.policy"].create({"name": "For everybody"})
        version = cls.policy.version_ids
        version.line_ids = [
            Command.create(
                {
                    "match_all": True,
                    "first_response_minutes": 120,
                    "resolution_minutes": 480,
                }
            )
        ]
        version.action_publish()
        cls.line = version.line_ids
        cls.portal = new_test_user(
            cls.env, "csp-door", password="csp-door", groups="base.group_portal"
        )
        cls.agent = new_test_user(
            cls.env,
            "csp-desk",
            password="csp-desk",
            groups="helpdesk_mgmt.group_helpdesk_user",
        )

    def _call(self, model, method, args, kwargs=None):
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs or {}},
        )

    def _new_ticket(self, before):
        ticket = self.env["helpdesk.ticket"].search([]) - before
        self.assertEqual(len(ticket), 1)
        return ticket

    def test_portal_form(self):
        before = self.env["helpdesk.ticket"].search([])
        self.authenticate("csp-door", "csp-door")
        response = self.url_open(
            "/submitted/ticket",
            data={
                "subject": "The lift stands still",
                "description": "Between two floors",
                "csp_received_at": "2020-01-01 00:00:00",
                "csp_next_deadline": "2099-01-01 00:00:00",
                "csrf_token": http.Request.csrf_token(self),
            },
        )
        self.assertEqual(response.status_code, 200)
        ticket = self._new_ticket(before)
        self.assertEqual(ticket.csp_policy_line_id, self.line)
        self.assertGreater(ticket.csp_received_at.year, 2020)
        self.assertEqual(
            ticket.csp_event_ids.sorted("id").mapped("kind"), ["received", "promised"]
        )
        self.assertEqual(
            ticket.csp_next_deadline, ticket.csp_received_at + timedelta(hours=2)
        )
        self.assertEqual(ticket.csp_event_ids.user_id, self.portal)

    def test_portal_message(self):
        ticket = self.env["helpdesk.ticket"].create(
            {
                "name": "x",
                "description": "x",
                "partner_id": self.portal.partner_id.id,
            }
        )
        ticket.message_post(
            body="On our way",
            author_id=self.agent.partner_id.id,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
        )
        self.authenticate("csp-door", "csp-door")
        self.make_jsonrpc_request(
            "/mail/message/post",
            {
                "thread_model": "helpdesk.ticket",
                "thread_id": ticket.id,
                "post_data": {
                    "body": "Where are you?",
                    "message_type": "comment",
                    "subtype_xmlid": "mail.mt_comment",
                },
            },
        )
        self.assertEqual(
            ticket.csp_event_ids.sorted("id").mapped("kind"),
            ["received", "promised", "staff_reply", "customer_message"],
        )
        self.assertEqual(
            ticket.csp_event_ids.sorted("id")[-1].partner_id, self.portal.partner_id
        )

    def test_rpc(self):
        self.authenticate("csp-desk", "csp-desk")
        ids = self._call(
            "helpdesk.ticket",
            "create",
            [[{"name": "By a program", "description": "x"}, {
                "name": "And another", "description": "x"}]],
        )  # fmt: skip
        tickets = self.env["helpdesk.ticket"].browse(ids)
        self.assertEqual(len(tickets), 2)
        self.assertEqual(tickets.csp_policy_line_id, self.line)
        row = tickets[0].csp_commitment_ids[0]
        refused = [
            ("helpdesk.ticket", "write", [ids, {"csp_next_deadline": "2099-01-01"}]),
            (
                "helpdesk.ticket",
                "create",
                [{"name": "x", "description": "x", "csp_received_at": "2020-01-01"}],
            ),
            ("helpdesk.ticket", "_csp_record", [ids, "staff_reply"]),
            ("helpdesk.ticket", "_csp_sync", [ids]),
            ("helpdesk.ticket", "action_csp_match_again", [ids]),
            ("csp.commitment", "write", [row.ids, {"state": "met"}]),
            ("csp.commitment", "action_excuse", [row.ids, "x"]),
            ("csp.commitment", "unlink", [row.ids]),
            ("csp.commitment", "_cron_sweep", []),
            (
                "csp.ticket.event",
                "create",
                [{"ticket_id": ids[0], "kind": "staff_reply", "at": "2026-01-01"}],
            ),
            ("csp.ticket.event", "_insert", [[]]),
        ]
        for context in ({}, {"csp_by_addon": True, "csp_history": True}):
            for model, method, args in refused:
                with self.subTest(method=f"{model}.{method}", context=context):
                    with mute_logger("odoo.http"):
                        with self.assertRaises(JsonRpcException) as caught:
                            self._call(model, method, args, {"context": context})
                    self.assertIn("AccessError", str(caught.exception))
        self.assertEqual(row.state, "running")

    def test_customer_changes_nothing_by_rpc(self):
        ticket = self.env["helpdesk.ticket"].create(
            {
                "name": "x",
                "description": "x",
                "partner_id": self.portal.partner_id.id,
            }
        )
        self.authenticate("csp-door", "csp-door")
        found = self._call("helpdesk.ticket", "read", [ticket.ids, ["name"]])
        self.assertEqual(found[0]["name"], "x")
        for model, method, args in (
            ("helpdesk.ticket", "write", [ticket.ids, {"csp_is_complaint": True}]),
            ("helpdesk.ticket", "read", [ticket.ids, ["csp_next_deadline"]]),
            ("helpdesk.ticket", "csp_panel_data", [ticket.ids]),
            ("helpdesk.ticket", "action_csp_why", [ticket.ids]),
            ("helpdesk.ticket", "action_csp_no_answer_needed", [ticket.ids]),
            ("helpdesk.ticket", "action_csp_match_again", [ticket.ids]),
            ("csp.commitment", "search_read", [[]]),
            ("csp.ticket.event", "search_read", [[]]),
            ("csp.policy", "search_read", [[]]),
            ("csp.policy.line", "search_read", [[]]),
        ):
            with self.subTest(method=f"{model}.{method}"):
                with mute_logger("odoo.http"):
                    with self.assertRaises(JsonRpcException) as caught:
                        self._call(model, method, args)
                self.assertIn("AccessError", str(caught.exception))
        with self.assertRaises(AccessError):
            ticket.with_user(self.portal).write({"priority": "3"})
