from contextlib import contextmanager
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, RedirectWarning, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from ..models import helpdesk_ticket_complaint
from ..tools import complaint
from .common import CspCommon

OWN = "helpdesk_mgmt.group_helpdesk_user_own"


class ComplaintCommon(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leader, cls.head, cls.anna, cls.luc = (
            new_test_user(cls.env, login, name=login.title(), groups=OWN)
            for login in ("leader", "head", "anna", "luc")
        )
        Team = cls.env["helpdesk.ticket.team"]
        cls.upper_team = Team.create({"name": "Everything", "user_id": cls.head.id})
        cls.team = Team.create(
            {
                "name": "Service",
                "user_id": cls.leader.id,
                "parent_id": cls.upper_team.id,
                "user_ids": (cls.leader + cls.anna + cls.luc).ids,
            }
        )
        Category = cls.env["helpdesk.ticket.category"]
        cls.category = Category.create(
            {"name": "Not content", "csp_is_complaint": True}
        )
        cls.sub_category = Category.create(
            {"name": "With delivery", "parent_id": cls.category.id}
        )
        cls.other_category = Category.create({"name": "Questions"})

    @classmethod
    def _ticket(cls, **vals):
        vals = {"team_id": cls.team.id, "user_id": cls.anna.id, **vals}
        return cls._create_ticket(**vals)

    @classmethod
    def _complaint(cls, **vals):
        return cls._ticket(csp_is_complaint=True, **vals)

    def _steps(self, ticket):
        events = ticket.csp_event_ids.filtered(lambda event: event.kind == "complaint")
        return [event.data["step"] for event in events.sorted(lambda e: (e.at, e.id))]

    def _step(self, ticket, step, user=None, **vals):
        wizard = self.env["csp.complaint.step"].with_user(user or self.anna)
        wizard = wizard.create({"ticket_id": ticket.id, "step": step, **vals})
        return wizard.action_confirm()

    def _settle(self, ticket, user=None, **vals):
        vals = {"outcome": "justified", "told_by": "phone", **vals}
        return self._step(ticket, complaint.CLOSED, user, **vals)

    @contextmanager
    def _automation(self, ticket, code):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Night shift",
                "model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "state": "code",
                "code": code,
            }
        )
        yield (
            action.with_user(self.agent)
            .with_context(
                active_model="helpdesk.ticket",
                active_id=ticket.id,
                active_ids=ticket.ids,
            )
            .sudo(False)
        )


class TestMarking(ComplaintCommon):
    def test_by_an_agent(self):
        ticket = self._ticket()
        self.assertFalse(ticket.csp_complaint_owner_id)
        with freeze_time(self.at(0, 1)):
            ticket.with_user(self.anna).csp_is_complaint = True
        self.assertEqual(ticket.csp_complaint_owner_id, self.leader)
        self.assertEqual(ticket.csp_complaint_state, "received")
        self.assertEqual(ticket.csp_complaint_at, self.at(0, 1))
        self.assertEqual(ticket.csp_complaint_source, "agent")
        self.assertEqual(self._steps(ticket), ["marked"])
        # Who owns it can see it, however few rights he has.
        self.assertTrue(ticket.with_user(self.leader).has_access("write"))

    def test_many_at_once(self):
        tickets = self._ticket() + self._complaint() + self._ticket()
        tickets.with_user(self.anna).action_csp_mark_complaint()
        self.assertEqual(tickets.csp_complaint_owner_id, self.leader)
        self.assertEqual([self._steps(each) for each in tickets], [["marked"]] * 3)

    def test_mark_needs_the_right_to_write(self):
        ticket = self._ticket(user_id=self.luc.id)
        with self.assertRaises(AccessError):
            ticket.with_user(self.anna).action_csp_mark_complaint()

    def test_by_category(self):
        for category in self.category + self.sub_category:
            ticket = self._ticket(category_id=category.id)
            self.assertTrue(ticket.csp_is_complaint)
            self.assertEqual(ticket.csp_complaint_source, "category")
            self.assertEqual(ticket.csp_complaint_owner_id, self.leader)
        self.assertFalse(
            self._ticket(category_id=self.other_category.id).csp_is_complaint
        )

    def test_category_changes_later(self):
        tickets = self._ticket() + self._complaint() + self._ticket()
        tickets[2].category_id = self.category
        tickets[2].csp_is_complaint = False
        tickets.write({"category_id": self.sub_category.id})
        self.assertEqual(tickets.mapped("csp_is_complaint"), [True, True, False])
        self.assertEqual(tickets[:2].csp_complaint_owner_id, self.leader)
        tickets[2].category_id = self.other_category
        self.assertFalse(tickets[2].csp_is_complaint)
        tickets[2].category_id = self.category
        self.assertTrue(tickets[2].csp_is_complaint)

    def test_one_promise_for_category_and_mark(self):
        """The category and what follows from it are one change of the ticket."""
        self._create_policy(
            [
                {"complaint": "only", "first_response_minutes": 30},
                {"match_all": True, "first_response_minutes": 60},
            ]
        )
        ticket = self._ticket()
        with freeze_time(self.at(minutes=5)):
            ticket.category_id = self.category
        self.assertEqual(self._kinds(ticket).count("promised"), 2)
        self.assertEqual(self._row(ticket, "first_response").target_seconds, 30 * 60)

    def test_unticked_by_hand(self):
        ticket = self._ticket(category_id=self.category.id)
        ticket.with_user(self.anna).csp_is_complaint = False
        self.assertEqual(self._steps(ticket), ["marked", "unmarked"])
        ticket.priority = "3"
        ticket.stage_id = self.stage_done
        self.assertFalse(ticket.csp_is_complaint)
        said_no = self._ticket(category_id=self.category.id, csp_is_complaint=False)
        self.assertFalse(said_no.csp_is_complaint)

    def test_in_the_form(self):
        form = Form(self.env["helpdesk.ticket"].with_user(self.agent))
        form.name, form.description = "x", "x"
        self.assertFalse(form.csp_is_complaint)
        form.category_id = self.sub_category
        self.assertTrue(form.csp_is_complaint)
        form.csp_is_complaint = False
        self.assertFalse(form.save().csp_is_complaint)

    def test_flag_of_a_category_changes(self):
        Category = self.env["helpdesk.ticket.category"]
        self.assertIn(self.sub_category.id, Category._csp_complaint_ids())
        self.category.csp_is_complaint = False
        self.assertFalse(Category._csp_complaint_ids())
        self.assertFalse(
            self._ticket(category_id=self.sub_category.id).csp_is_complaint
        )

    def test_decided_stays_on_record(self):
        ticket = self._complaint()
        self._step(ticket, "decided", outcome="partly")
        with self.assertRaisesRegex(UserError, "stays on record"):
            ticket.with_user(self.anna).csp_is_complaint = False

    def test_a_copy_has_an_owner_of_its_own(self):
        ticket = self._complaint()
        self._settle(ticket)
        copy = ticket.copy()
        self.assertEqual(copy.csp_complaint_state, "received")
        self.assertEqual(copy.csp_complaint_owner_id, self.leader)

    def test_answered_while_it_is_taken_down(self):
        """By phone the customer hears that his complaint has arrived."""
        channel = self.env["helpdesk.ticket.channel"].create(
            {"name": "Phone", "csp_kind": "phone", "csp_live": True}
        )
        ticket = self._complaint(
            user=self.agent, channel_id=channel.id, user_id=self.agent.id
        )
        self.assertEqual(ticket.csp_complaint_state, "acknowledged")

    def test_intake_never_fails(self):
        Ticket = type(self.env["helpdesk.ticket"])
        with (
            patch.object(Ticket, "_csp_complaint_find_owners", side_effect=KeyError),
            mute_logger(
                "odoo.addons.customer_service_plan.models.helpdesk_ticket_complaint"
            ),
        ):
            ticket = self._complaint()
        self.assertTrue(ticket.csp_is_complaint)
        self.assertFalse(ticket.csp_complaint_owner_id)
        # The daily look finds it.
        self.env["helpdesk.ticket"]._gc_csp_ownerless_complaints()
        self.assertEqual(ticket.csp_complaint_owner_id, self.leader)
        self.assertEqual(ticket.csp_complaint_state, "received")

    def test_complaints_older_than_their_owners(self):
        tickets = self._ticket() + self._ticket()
        tickets[1].stage_id = self.stage_done
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_is_complaint = TRUE WHERE id = ANY(%s)",
            [tickets.ids],
        )
        self.env.invalidate_all()
        self.env["helpdesk.ticket"]._csp_adopt_complaints()
        self.assertEqual(tickets.mapped("csp_complaint_state"), ["received", "closed"])
        self.assertEqual(tickets[0].csp_complaint_owner_id, self.leader)
        self.assertFalse(tickets[1].csp_complaint_owner_id)


class TestOwner(ComplaintCommon):
    def test_rules(self):
        self.team.write(
            {"csp_complaint_rule": "person", "csp_complaint_owner_id": self.luc.id}
        )
        self.assertEqual(self._complaint().csp_complaint_owner_id, self.luc)
        self.team.csp_complaint_rule = "assignee"
        self.assertEqual(self._complaint().csp_complaint_owner_id, self.anna)
        self.assertEqual(
            self._complaint(user_id=False).csp_complaint_owner_id, self.leader
        )

    def test_in_turn(self):
        self.team.write(
            {
                "csp_complaint_rule": "in_turn",
                "csp_complaint_user_ids": [Command.set((self.anna + self.luc).ids)],
            }
        )
        people = sorted((self.anna + self.luc).ids)
        owners = []
        for minute in range(4):
            ticket = self._complaint(at=self.at(minutes=minute))
            owners.append(ticket.csp_complaint_owner_id.id)
        self.assertEqual(owners, people * 2)
        with freeze_time(self.at(0, 1)):
            batch = self.env["helpdesk.ticket"].create(
                [
                    {
                        "name": "x",
                        "description": "x",
                        "team_id": self.team.id,
                        "csp_is_complaint": True,
                    }
                    for _each in range(5)
                ]
            )
        shares = sorted(
            len(tickets) for tickets in batch.grouped("csp_complaint_owner_id").values()
        )
        self.assertEqual(shares, [2, 3])

    def test_rule_names_somebody(self):
        for rule in ("person", "in_turn"):
            with self.assertRaises(ValidationError):
                self.team.csp_complaint_rule = rule

    def test_never_nobody(self):
        self.leader.active = False
        self.assertEqual(self._complaint().csp_complaint_owner_id, self.head)
        self.head.active = False
        self.env.company.csp_complaint_owner_id = self.luc
        self.assertEqual(self._complaint().csp_complaint_owner_id, self.luc)
        self.assertEqual(
            self._complaint(team_id=False).csp_complaint_owner_id, self.luc
        )
        self.env.company.csp_complaint_owner_id = False
        owner = self._complaint().csp_complaint_owner_id
        self.assertTrue(owner.has_group("customer_service_plan.group_manager"))
        # Even with nobody in the helpdesk but administrators.
        self.env.ref("customer_service_plan.group_manager").user_ids.write(
            {"company_ids": [Command.set(self.env.company.ids)]}
        )
        self.assertTrue(self._complaint(team_id=False).csp_complaint_owner_id)

    def test_teams_above_each_other(self):
        """A loop of teams, which the helpdesk does not refuse by itself."""
        self.leader.active = self.head.active = False
        self.env.cr.execute(
            "UPDATE helpdesk_ticket_team SET parent_id = %s WHERE id = %s",
            [self.team.id, self.upper_team.id],
        )
        self.env.invalidate_all()
        self.assertTrue(self._complaint().csp_complaint_owner_id)

    def test_second_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        boss = new_test_user(
            self.env,
            "boss",
            groups="customer_service_plan.group_manager",
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Branch", "company_id": branch.id}
        )
        # The leader of a team above belongs to the other company.
        team.parent_id = self.team
        ticket = self._create_ticket(
            team_id=team.id, csp_is_complaint=True, user_id=False
        )
        self.assertEqual(ticket.company_id, branch)
        self.assertEqual(ticket.csp_complaint_owner_id, boss)
        ticket = self._complaint()
        ticket.write({"company_id": branch.id, "team_id": team.id})
        self.assertEqual(ticket.csp_complaint_owner_id, boss)

    def test_stays_through_reassignment(self):
        ticket = self._complaint()
        ticket.user_id = self.luc
        ticket.with_user(self.agent)._csp_hand_over_work(self.anna, "Luc is ill")
        self.assertEqual(ticket.csp_complaint_owner_id, self.leader)
        self.assertEqual(ticket.csp_complaint_handover_count, 0)

    def test_owner_leaves(self):
        tickets = self._complaint() + self._complaint() + self._complaint()
        self._settle(tickets[2])
        self.leader.active = False
        self.assertEqual(tickets[:2].csp_complaint_owner_id, self.head)
        self.assertEqual(tickets[2].csp_complaint_owner_id, self.leader)
        self.assertEqual(tickets.mapped("csp_complaint_handover_count"), [1, 1, 0])
        self.assertEqual(self._steps(tickets[0]), ["marked", "owner"])
        # Another company, another job, or gone for good: the same.
        self.head.group_ids -= self.env.ref(OWN)
        self.assertTrue(tickets[0].csp_complaint_owner_id)
        self.assertNotEqual(tickets[0].csp_complaint_owner_id, self.head)

    def test_owner_leaves_said_in_the_chatter(self):
        ticket = self._complaint()
        self.leader.with_context(tracking_disable=False).active = False
        self.assertIn("Head answers for this complaint now", ticket.message_ids[0].body)

    def test_owner_is_deleted(self):
        temp = new_test_user(self.env, "temp", groups=OWN)
        self.team.user_id = temp
        ticket = self._complaint()
        self.assertEqual(ticket.csp_complaint_owner_id, temp)
        self.team.user_id = self.leader
        temp.unlink()
        self.assertEqual(ticket.csp_complaint_owner_id, self.leader)

    def test_archiving_by_somebody_without_helpdesk(self):
        hr = new_test_user(self.env, "hr", groups="base.group_erp_manager")
        ticket = self._complaint()
        self.leader.with_user(hr).active = False
        self.assertEqual(ticket.csp_complaint_owner_id, self.head)

    def test_handover(self):
        ticket = self._complaint()
        wizard = Form(
            self.env["csp.complaint.handover"]
            .with_user(self.anna)
            .with_context(default_ticket_ids=ticket.ids, default_role="owner")
        )
        wizard.user_id = self.luc
        wizard.reason = "He knows the carrier"
        with freeze_time(self.at(1)):
            wizard.save().action_hand_over()
        self.assertEqual(ticket.csp_complaint_owner_id, self.luc)
        self.assertEqual(ticket.csp_complaint_handover_count, 1)
        self.assertEqual(ticket.csp_handover_count, 0)
        event = ticket.csp_event_ids.sorted("id")[-1]
        self.assertEqual(event.data["reason"], "He knows the carrier")
        self.assertEqual(event.at, self.at(1))
        self.assertEqual(event.user_id, self.anna)
        self.assertEqual(
            event.summary, "Owner: from Leader to Luc. He knows the carrier"
        )
        self.assertTrue(ticket.with_user(self.luc).has_access("write"))

    def test_handover_to_nobody_able(self):
        ticket = self._complaint()
        clerk = new_test_user(self.env, "clerk")
        with self.assertRaisesRegex(UserError, "cannot answer for complaints"):
            ticket._csp_complaint_hand_over(clerk, "Why not")
        with self.assertRaisesRegex(UserError, "in a sentence"):
            ticket._csp_complaint_hand_over(self.luc, "  ")


class TestHandover(ComplaintCommon):
    def test_person_to_person_asks(self):
        ticket = self._complaint()
        mine = ticket.with_user(self.anna)
        for value in (self.luc.id, False):
            with self.assertRaisesRegex(UserError, "Hand over"):
                mine.write({"user_id": value})
        self.assertTrue(mine.csp_handover_asks)
        mine.write({"user_id": self.anna.id, "priority": "3"})
        self.assertEqual(ticket.csp_handover_count, 0)

    def test_what_needs_no_sentence(self):
        ticket = self._ticket()
        ticket.with_user(self.agent).user_id = self.luc
        unassigned = self._complaint(user_id=False)
        self.assertFalse(unassigned.csp_handover_asks)
        unassigned.with_user(self.agent).user_id = self.luc
        closed = self._complaint()
        self._settle(closed)
        closed.with_user(self.agent).user_id = self.luc

    def test_with_a_sentence(self):
        ticket = self._complaint()
        wizard = (
            self.env["csp.complaint.handover"]
            .with_user(self.anna)
            .with_context(active_model="helpdesk.ticket", active_ids=ticket.ids)
            .create({"user_id": self.luc.id, "reason": "Luc speaks Italian"})
        )
        self.assertEqual(wizard.ticket_ids, ticket)
        self.assertIs(wizard.warning, False)
        wizard.action_hand_over()
        self.assertEqual(ticket.user_id, self.luc)
        self.assertEqual(ticket.csp_handover_count, 1)
        event = ticket.csp_event_ids.filtered(lambda e: e.kind == "handover")
        self.assertEqual(event.data["reason"], "Luc speaks Italian")
        self.assertEqual(event.summary, "from Anna to Luc. Luc speaks Italian")

    def test_counts_stay_apart_in_a_replay(self):
        ticket = self._complaint()
        ticket._csp_complaint_hand_over(self.luc, "He knows")
        ticket.user_id = self.luc
        ticket._csp_replay()
        self.assertEqual(ticket.csp_handover_count, 1)
        self.assertEqual(ticket.csp_complaint_handover_count, 1)

    def test_automation_gives_its_name(self):
        ticket = self._complaint()
        code = f"record.write({{'user_id': {self.luc.id}}})"
        with self._automation(ticket, code) as action:
            action.run()
        self.assertEqual(ticket.user_id, self.luc)
        event = ticket.csp_event_ids.filtered(lambda e: e.kind == "handover")
        self.assertIn("Night shift", event.data["reason"])
        # And afterwards people are asked again.
        with self.assertRaises(UserError):
            ticket.with_user(self.agent).user_id = self.anna

    def test_more_than_twice_warns(self):
        ticket = self._complaint()
        for user, often in ((self.luc, False), (self.anna, False), (self.luc, True)):
            ticket.user_id = user
            panel = ticket.with_user(self.agent).csp_panel_data()["complaint"]
            self.assertEqual(panel["many_handovers"], often)
        wizard = self.env["csp.complaint.handover"].create(
            {"ticket_ids": ticket.ids, "user_id": self.anna.id, "reason": "x"}
        )
        self.assertIn("3 times", wizard.warning)


class TestSteps(ComplaintCommon):
    def test_from_beginning_to_end(self):
        ticket = self._complaint()
        with freeze_time(self.at(0, 1)):
            ticket.with_user(self.anna).action_csp_complaint_acknowledge()
        with freeze_time(self.at(0, 2)):
            self._step(ticket, "investigated", finding="An old list was used")
        with freeze_time(self.at(0, 3)):
            self._step(
                ticket,
                "decided",
                outcome="justified",
                remedy_kind="replacement",
                remedy_amount=40,
                remedy_note="A new set on Friday",
            )
        with freeze_time(self.at(0, 4)):
            self._step(ticket, "told", told_by="phone", told_outside=True)
        with freeze_time(self.at(0, 5)):
            self._step(ticket, "closed")
        self.assertRecordValues(
            ticket,
            [
                {
                    "csp_complaint_state": "closed",
                    "csp_complaint_acknowledged_at": self.at(0, 1),
                    "csp_complaint_investigated_at": self.at(0, 2),
                    "csp_complaint_decided_at": self.at(0, 3),
                    "csp_complaint_told_at": self.at(0, 4),
                    "csp_complaint_closed_at": self.at(0, 5),
                    "csp_complaint_outcome": "justified",
                    "csp_complaint_remedy_kind": "replacement",
                    "csp_complaint_remedy_amount": 40,
                }
            ],
        )
        data = ticket.with_user(self.anna).csp_complaint_data()
        self.assertEqual({stage["by"] for stage in data["stages"][1:]}, {"Anna"})
        self.assertTrue(all(stage["at"] for stage in data["stages"]))
        self.assertIn("A new set on Friday", data["decision"])

    def test_settled_in_one_dialog(self):
        ticket = self._complaint()
        self._settle(ticket, remedy_kind="apology")
        self.assertEqual(ticket.csp_complaint_state, "closed")
        self.assertEqual(self._steps(ticket), ["marked", "decided", "told", "closed"])
        stages = ticket.csp_complaint_data()["stages"]
        self.assertEqual([bool(s["at"]) for s in stages], [1, 0, 0, 1, 1, 1])

    def test_order(self):
        ticket = self._complaint()
        for step, vals in (
            ("told", {"told_by": "phone"}),
            ("closed", {}),
            ("closed", {"outcome": "justified"}),
            ("decided", {}),
            ("investigated", {"finding": " "}),
            ("reopened", {"note": "x"}),
            ("withdrawn", {}),
        ):
            with self.subTest(step), self.assertRaises(UserError):
                self._step(ticket, step, **vals)
        self._settle(ticket)
        for step, vals in (
            ("decided", {"outcome": "partly"}),
            ("withdrawn", {"note": "x"}),
            ("investigated", {"finding": "x"}),
        ):
            with self.subTest(step), self.assertRaises(UserError):
                self._step(ticket, step, **vals)
        with self.assertRaises(UserError):
            self._step(self._ticket(), "decided", outcome="partly")
        with self.assertRaises(UserError):
            ticket.with_user(self.anna).action_csp_complaint_acknowledge()

    def test_first_reply_acknowledges(self):
        ticket = self._complaint()
        self._ask(ticket, self.at(0, 1))
        self.assertEqual(ticket.csp_complaint_state, "received")
        self._reply(ticket, self.at(0, 2))
        self.assertEqual(ticket.csp_complaint_state, "acknowledged")
        self.assertEqual(ticket.csp_complaint_acknowledged_at, self.at(0, 2))
        self._reply(ticket, self.at(0, 3))
        self.assertEqual(self._steps(ticket), ["marked", "acknowledged"])

    def test_withdrawn(self):
        ticket = self._complaint()
        self._step(ticket, "withdrawn", note="He found the box")
        self.assertEqual(ticket.csp_complaint_state, "closed")
        self.assertEqual(ticket.csp_complaint_outcome, "withdrawn")
        stages = ticket.csp_complaint_data()["stages"]
        self.assertEqual(stages[-1]["by"], "Anna")

    def test_open_again(self):
        ticket = self._complaint()
        self._settle(ticket)
        self._step(ticket, "reopened", note="It came broken again")
        self.assertEqual(ticket.csp_complaint_state, "acknowledged")
        self.assertFalse(ticket.csp_complaint_outcome)
        self._settle(ticket)
        self.assertEqual(ticket.csp_complaint_state, "closed")

    def test_owner_gone_meanwhile(self):
        ticket = self._complaint()
        self._settle(ticket)
        self.leader.active = False
        self._step(ticket, "reopened", note="Again")
        self.assertEqual(ticket.csp_complaint_owner_id, self.head)

    def test_nobody_forges(self):
        ticket = self._complaint()
        mine = ticket.with_user(self.anna)
        for vals in (
            {"csp_complaint_state": "closed"},
            {"csp_complaint_owner_id": self.luc.id},
            {"csp_complaint_decided_at": "2026-01-01 00:00:00"},
            {"csp_complaint_remedy_amount": 1000.0},
            {"csp_complaint_handover_count": 0},
        ):
            for record in (mine, mine.sudo(), mine.with_context(csp_by_addon=True)):
                with self.subTest(vals), self.assertRaises(AccessError):
                    record.write(vals)
        with self.assertRaises(AccessError):
            self.env["csp.complaint.tick"].with_user(self.anna).create(
                {
                    "ticket_id": ticket.id,
                    "point_id": self.env["csp.complaint.point"].search([], limit=1).id,
                }
            )

    def test_only_on_tickets_one_may_write(self):
        ticket = self._complaint(user_id=self.luc.id)
        with self.assertRaises(AccessError):
            self._step(ticket, "decided", outcome="justified")
        with self.assertRaises(AccessError):
            ticket.with_user(self.anna).action_csp_complaint_acknowledge()
        with self.assertRaises(AccessError):
            ticket.with_user(self.anna).csp_complaint_data()

    def test_concern_ends(self):
        ended = []
        Ticket = type(self.env["helpdesk.ticket"])

        def end(records, trigger):
            ended.append((records, trigger))

        with patch.object(Ticket, "_csp_end_concern", end, create=True):
            settled, withdrawn, unmarked = (self._complaint() for _each in range(3))
            self._settle(settled)
            self._step(withdrawn, "withdrawn", note="x")
            unmarked.csp_is_complaint = False
        mine = [records for records, trigger in ended if trigger == "complaint"]
        for ticket in (settled, withdrawn, unmarked):
            self.assertIn(ticket, mine)


class TestClosing(ComplaintCommon):
    def test_asks_people(self):
        ticket = self._complaint()
        with self.assertRaises(RedirectWarning) as caught:
            ticket.with_user(self.anna).stage_id = self.stage_done
        context = caught.exception.args[3]
        self.env["csp.complaint.step"].with_user(self.anna).with_context(
            **context
        ).create({"outcome": "partly", "told_by": "reply"}).action_confirm()
        self.assertEqual(ticket.csp_complaint_state, "closed")
        self.assertEqual(ticket.stage_id, self.stage_done)

    def test_something_else_is_asked_too(self):
        """The complaint is closed, though the ticket may not be yet."""
        ticket = self._complaint()
        Ticket = type(self.env["helpdesk.ticket"])
        refuse = patch.object(Ticket, "_csp_check_closing", side_effect=UserError("No"))
        with refuse:
            self._settle(ticket, stage_id=self.stage_done.id)
        self.assertEqual(ticket.csp_complaint_state, "closed")
        self.assertEqual(ticket.stage_id, self.stage_new)

    def test_asks_for_many(self):
        tickets = self._complaint() + self._complaint()
        with self.assertRaisesRegex(UserError, tickets[0].number):
            tickets.with_user(self.anna).write({"stage_id": self.stage_done.id})
        self._settle(tickets[0])
        self._settle(tickets[1])
        tickets.with_user(self.anna).write({"stage_id": self.stage_done.id})
        self.assertEqual(tickets.stage_id, self.stage_done)

    def test_waiting_and_work_go_on(self):
        ticket = self._complaint()
        for stage in (self.stage_progress, self.stage_waiting):
            ticket.with_user(self.anna).stage_id = stage

    def test_nobody_to_ask(self):
        """The system, automations and customers leave the complaint open."""
        by_system, by_automation, cancelled = (self._complaint() for _each in range(3))
        by_system.stage_id = self.stage_done
        code = f"record.write({{'stage_id': {self.stage_done.id}}})"
        with self._automation(by_automation, code) as action:
            action.run()
        cancelled.with_user(self.anna).stage_id = self.stage_cancelled
        for ticket in (by_system, by_automation, cancelled):
            self.assertTrue(ticket.closed)
            self.assertEqual(ticket.csp_complaint_state, "received")
            todo = ticket.activity_ids
            self.assertEqual(todo.user_id, self.leader)
        # Once, and gone with the complaint.
        by_system.stage_id = self.stage_progress
        by_system.stage_id = self.stage_done
        self.assertEqual(len(by_system.activity_ids), 1)
        self._settle(by_system)
        self.assertFalse(by_system.activity_ids)

    def test_merge_keeps_the_complaint(self):
        ticket, target = self._complaint(), self._ticket()
        ticket._csp_complaint_hand_over(self.luc, "x")
        ticket._csp_merged_into(target)
        self.assertTrue(target.csp_is_complaint)
        self.assertEqual(target.csp_complaint_owner_id, self.luc)
        self.assertEqual(ticket.csp_complaint_state, "closed")


class TestRemedyLimits(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["csp.remedy.limit"].search([]).unlink()
        cls.env["csp.remedy.limit"].create(
            [
                {"group_id": cls.env.ref(OWN).id, "amount": 50},
                {
                    "group_id": cls.env.ref("helpdesk_mgmt.group_helpdesk_user").id,
                    "amount": 200,
                },
                {
                    "group_id": cls.env.ref("customer_service_plan.group_manager").id,
                    "unlimited": True,
                },
            ]
        )

    def test_limits(self):
        limit = self.env["csp.remedy.limit"]._limit_of
        company = self.env.company
        self.assertEqual(limit(self.anna, company), 50)
        self.assertEqual(limit(self.agent, company), 200)
        self.assertIsNone(limit(self.manager, company))
        branch = self.env["res.company"].create({"name": "Branch"})
        self.assertIsNone(limit(self.anna, branch), "without limits all may")

    def test_another_currency(self):
        currency = self.env["res.currency"].create(
            {"name": "TLR", "symbol": "T", "rate_ids": [(0, 0, {"rate": 2.0})]}
        )
        own = self.env["csp.remedy.limit"].search([("amount", "=", 50)])
        own.currency_id = currency
        limit = self.env["csp.remedy.limit"]._limit_of(self.anna, self.env.company)
        self.assertEqual(limit, 25)

    def test_nobody_settles_above(self):
        ticket = self._complaint()
        refund = {"outcome": "justified", "remedy_kind": "refund"}
        with self.assertRaisesRegex(UserError, "You may settle"):
            self._step(ticket, "decided", remedy_amount=50.01, **refund)
        with self.assertRaisesRegex(UserError, "You may settle"):
            self._settle(ticket, remedy_amount=60, remedy_kind="refund")
        self._step(ticket, "decided", remedy_amount=50, **refund)
        with self.assertRaises(ValidationError):
            self._step(ticket, "decided", remedy_amount=-1, **refund)
        self._step(ticket, "decided", self.manager, remedy_amount=5000, **refund)
        self.assertEqual(ticket.csp_complaint_remedy_amount, 5000)

    def test_ask_somebody_who_may(self):
        ticket = self._complaint()
        wizard = Form(
            self.env["csp.complaint.step"]
            .with_user(self.anna)
            .with_context(default_ticket_id=ticket.id, default_step="decided")
        )
        wizard.outcome = "justified"
        wizard.remedy_kind = "refund"
        self.assertFalse(wizard.above_limit)
        wizard.remedy_amount = 120
        self.assertTrue(wizard.above_limit)
        wizard.save().action_ask()
        # Neither the owner nor the leaders may settle 120: the agent with 200 may.
        todo = ticket.activity_ids
        self.assertEqual(todo.user_id, self.agent)
        self.assertIn("120", todo.summary)
        self.assertIn("120", ticket.csp_complaint_data()["asked"])
        answer = Form(
            self.env["csp.complaint.step"]
            .with_user(self.agent)
            .with_context(default_ticket_id=ticket.id, default_step="decided")
        )
        self.assertEqual(answer.remedy_amount, 120)
        answer.save().action_confirm()
        self.assertEqual(ticket.csp_complaint_outcome, "justified")
        self.assertFalse(ticket.csp_complaint_asked)
        self.assertFalse(ticket.activity_ids)

    def test_owner_is_asked_first(self):
        self.leader.group_ids += self.env.ref("customer_service_plan.group_manager")
        ticket = self._complaint()
        wizard = self.env["csp.complaint.step"].with_user(self.anna)
        wizard.create(
            {
                "ticket_id": ticket.id,
                "step": "decided",
                "outcome": "partly",
                "remedy_kind": "credit",
                "remedy_amount": 120,
            }
        ).action_ask()
        self.assertEqual(ticket.activity_ids.user_id, self.leader)

    def test_nobody_may(self):
        self.env["csp.remedy.limit"].search([("unlimited", "=", True)]).unlink()
        wizard = (
            self.env["csp.complaint.step"]
            .with_user(self.anna)
            .create(
                {
                    "ticket_id": self._complaint().id,
                    "step": "decided",
                    "outcome": "partly",
                    "remedy_amount": 9999,
                }
            )
        )
        with self.assertRaisesRegex(UserError, "Nobody"):
            wizard.action_ask()


class TestChecklist(ComplaintCommon):
    def test_ticks(self):
        ticket = self._complaint().with_user(self.anna)
        points = ticket.csp_complaint_data()["points"]
        self.assertGreaterEqual(len(points), 8)
        with freeze_time(self.at(0, 1)):
            ticket.action_csp_complaint_tick(points[0]["id"])
            ticket.action_csp_complaint_tick(points[0]["id"])
        point = ticket.csp_complaint_data()["points"][0]
        self.assertTrue(point["done"])
        self.assertEqual(point["by"], "Anna")
        self.assertEqual(ticket.csp_complaint_tick_ids.at, self.at(0, 1))
        # What was ticked stays visible when the point is given up.
        self.env["csp.complaint.point"].browse(point["id"]).active = False
        self.assertEqual(ticket.csp_complaint_data()["points"][0]["id"], point["id"])
        ticket.action_csp_complaint_tick(point["id"], False)
        self.assertFalse(ticket.csp_complaint_tick_ids)
        self.assertEqual(self._steps(ticket), ["marked", "unticked"])

    def test_points_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        point = self.env["csp.complaint.point"].create(
            {"name": "Theirs", "company_id": branch.id}
        )
        ticket = self._complaint().with_user(self.anna)
        ids = [each["id"] for each in ticket.csp_complaint_data()["points"]]
        self.assertNotIn(point.id, ids)
        with self.assertRaises(AccessError):
            ticket.action_csp_complaint_tick(point.id)

    def test_no_complaint_no_ticks(self):
        ticket = self._ticket().with_user(self.anna)
        point = self.env["csp.complaint.point"].search([], limit=1)
        self.assertFalse(ticket.csp_complaint_data())
        with self.assertRaises(UserError):
            ticket.action_csp_complaint_tick(point.id)


class TestComplaintQueries(ComplaintCommon):
    """What complaints cost: nothing where there are none, the same for 1 and 50."""

    def _count(self, work, records):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        work(records)
        self.env.flush_all()
        return self.cr.sql_log_count - before

    @contextmanager
    def _without_us(self):
        """As if nobody had ever thought of complaints."""
        ours = helpdesk_ticket_complaint.HelpdeskTicket

        def create(records, vals_list):
            return super(ours, records).create(vals_list)

        def write(records, vals):
            return super(ours, records).write(vals)

        create._api_model = True
        with patch.object(ours, "create", create), patch.object(ours, "write", write):
            yield

    def _values(self, count, **vals):
        return [
            {
                "name": f"Ticket {index}",
                "description": "x",
                "team_id": self.team.id,
                "partner_id": self.customer.id,
                "category_id": self.other_category.id,
                **vals,
            }
            for index in range(count)
        ]

    def assertNothingAdded(self, work, many):
        def least():
            counts = []
            for _round in range(3):
                tickets = self.env["helpdesk.ticket"].create(self._values(many))
                counts.append(self._count(work, tickets.with_user(self.agent)))
            return min(counts)

        with_us = least()
        with self._without_us():
            without_us = least()
        self.assertLessEqual(with_us, without_us)

    def test_nothing_where_nobody_complains(self):
        more = self.env["helpdesk.ticket.category"].create({"name": "More"})
        for vals in (
            {"stage_id": self.stage_waiting.id},
            {"stage_id": self.stage_done.id},
            {"user_id": self.luc.id},
            {"category_id": more.id},
            {"priority": "3"},
        ):
            for many in (1, 50):
                with self.subTest(vals, many=many):
                    self.assertNothingAdded(
                        lambda tickets, vals=vals: tickets.write(vals), many
                    )
        for many in (1, 50):
            self.assertNothingAdded(
                lambda tickets: tickets.create(self._values(len(tickets))), many
            )

    def test_steps_of_many(self):
        tickets = self.env["helpdesk.ticket"].create(
            self._values(52, csp_is_complaint=True)
        )
        tickets = tickets.with_user(self.agent)

        def work(some):
            some.action_csp_complaint_acknowledge()

        work(tickets[:1])
        self.assertEqual(
            self._count(work, tickets[1:2]), self._count(work, tickets[2:])
        )

    def test_new_complaints(self):
        Ticket = self.env["helpdesk.ticket"]

        def work(many, **vals):
            return self._count(
                lambda model: model.create(self._values(many, **vals)), Ticket
            )

        work(2, csp_is_complaint=True)
        few, many = (
            work(count, csp_is_complaint=True) - work(count) for count in (2, 50)
        )
        self.assertEqual(few, many)
