"""A version is tried on some, from a start to an end, and decided on by a person."""

from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from .pilots import PilotCommon


class TestPilotMatching(PilotCommon):
    """For who takes part, the version on trial takes the place of the one in force."""

    def test_only_participants_from_start_to_end(self):
        before = self._create_ticket(at=self.at(minutes=-1))
        pilot = self._start()
        inside = self._create_ticket(at=self.at())
        others = self._create_ticket(at=self.at(), partner_id=self.other.id)
        nobody = self._create_ticket(at=self.at(), partner_id=False)
        last = self._create_ticket(at=self.at(days=13, hours=23, minutes=59))
        # The scheduled action has not run: the instants alone decide.
        after = self._create_ticket(at=self.at(days=14))
        self.assertEqual(pilot.state, "running")
        self.assertEqual(self.version.state, "pilot")
        for ticket in (inside, last):
            self.assertEqual(self._promised(ticket), self.version)
        for ticket in (before, others, nobody, after):
            self.assertEqual(self._promised(ticket), self.in_force)
        self.assertEqual(self._row(inside, "first_response").target_seconds, 3600)

    def test_contacts_of_a_company_take_part_with_it(self):
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        person = self.env["res.partner"].create(
            {"name": "Ada", "parent_id": company.id}
        )
        self._start(partner_ids=[Command.set(person.ids)])
        ticket = self._create_ticket(partner_id=company.id)
        self.assertEqual(self._promised(ticket), self.version)

    def test_contact_moves_to_another_company(self):
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        self._start()
        self.customer.parent_id = company
        ticket = self._create_ticket(at=self.at(hours=1))
        self.assertEqual(self._promised(ticket), self.version)

    def test_segments(self):
        segment = self.env["csp.segment"].create(
            {"name": "VIP", "partner_ids": [Command.link(self.customer.id)]}
        )
        self._start(customer_mode="segments", segment_ids=[Command.link(segment.id)])
        self.assertEqual(self._promised(self._create_ticket()), self.version)
        others = self._create_ticket(partner_id=self.other.id)
        self.assertEqual(self._promised(others), self.in_force)

    def test_everybody_means_unknown_senders_too(self):
        self._start(customer_mode="everybody")
        ticket = self._create_ticket(partner_id=False)
        self.assertEqual(self._promised(ticket), self.version)

    def test_share_stays_the_same(self):
        partners = self.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(60)]
        )
        pilot = self._start(customer_mode="share", share_percent=50)
        tried = set()
        for _again in range(2):
            with freeze_time(self.at(hours=1)):
                tickets = self.env["helpdesk.ticket"].create(
                    [
                        {"name": "x", "description": "x", "partner_id": partner.id}
                        for partner in partners
                    ]
                )
            tried.add(
                tickets.filtered(
                    lambda ticket: ticket.csp_policy_version_id == self.version
                ).partner_id
            )
        self.assertEqual(len(tried), 1)
        self.assertTrue(15 < len(tried.pop()) < 45)
        self.assertEqual(pilot.ticket_count % 2, 0)

    def test_staff(self):
        team = self.env["helpdesk.ticket.team"].create({"name": "Trial team"})
        theirs = self.env["helpdesk.ticket.team"].create(
            {"name": "Her team", "user_ids": [Command.link(self.lead.id)]}
        )
        elsewhere = self.env["helpdesk.ticket.team"].create({"name": "Elsewhere"})
        self._start(
            customer_mode="everybody",
            team_ids=[Command.link(team.id)],
            user_ids=[Command.link(self.lead.id)],
        )
        cases = [
            ({"team_id": team.id}, True),
            ({"team_id": team.id, "user_id": self.agent.id}, True),
            ({"team_id": elsewhere.id}, False),
            ({"team_id": elsewhere.id, "user_id": self.lead.id}, True),
            ({"team_id": theirs.id, "user_id": False}, True),
            ({"team_id": theirs.id, "user_id": self.agent.id}, False),
            ({"team_id": False, "user_id": False}, False),
        ]
        for vals, takes_part in cases:
            with self.subTest(vals=vals):
                ticket = self._create_ticket(**vals)
                self.assertEqual(
                    self._promised(ticket),
                    self.version if takes_part else self.in_force,
                )
        ticket = self._create_ticket(team_id=theirs.id, user_id=False)
        with freeze_time(self.at(hours=1)):
            ticket.user_id = self.agent
            ticket.priority = "3"
        # Handed to a colleague who does not take part, it keeps what was promised.
        self.assertEqual(self._promised(ticket), self.version)

    def test_matched_again_as_of_its_receipt(self):
        pilot = self._start()
        ticket, other = (
            self._create_ticket(),
            self._create_ticket(partner_id=self.other.id),
        )
        self._cron(self.at(days=14))
        self._decide(pilot, "stop")
        with freeze_time(self.at(days=20)):
            (ticket | other).write({"priority": "3"})
            self.assertEqual(self._promised(ticket), self.version)
            self.assertEqual(self._promised(other), self.in_force)
            other.partner_id = self.customer
            self.assertEqual(self._promised(other), self.version)

    def test_adopted_version_reaches_no_open_ticket(self):
        pilot = self._start()
        ticket = self._create_ticket(partner_id=self.other.id)
        self._decide(pilot, "adopt", at=self.at(days=2))
        with freeze_time(self.at(days=3)):
            ticket.priority = "3"
        self.assertEqual(self._promised(ticket), self.in_force)
        late = self._create_ticket(at=self.at(days=3), partner_id=self.other.id)
        self.assertEqual(self._promised(late), self.version)

    def test_first_version_of_a_policy(self):
        """Nothing is in force yet: others are promised nothing."""
        policy = self._create_policy(
            [{"match_all": True, "first_response_minutes": 240}],
            publish=False,
            sequence=1,
        )
        version = self._approve_next(policy)
        self._start(version_id=version.id)
        self.assertEqual(self._promised(self._create_ticket()), version)
        other = self._create_ticket(partner_id=self.other.id)
        self.assertEqual(self._promised(other), self.in_force)
        why = self.env["csp.promise.why"].browse(other.action_csp_why()["res_id"])
        self.assertIn("on trial", why.line_ids[0].reason)

    def test_second_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self.manager.company_ids += branch
        shared = self._create_policy(
            [{"match_all": True, "first_response_minutes": 240}],
            company_id=False,
            sequence=1,
        )
        version = self._approve_next(shared)
        pilot = self._create_pilot(version_id=version.id, company_id=branch.id)
        with freeze_time(self.at()), self.assertRaisesRegex(UserError, "who decides"):
            pilot.action_start()
        self.lead.company_ids += branch
        with freeze_time(self.at()):
            pilot.with_user(self.manager).with_context(
                allowed_company_ids=[self.env.company.id, branch.id]
            ).action_start()
        ours = self._create_ticket()
        theirs = self._create_ticket(company_id=branch.id)
        self.assertEqual(self._promised(ours), shared.current_version_id)
        self.assertEqual(self._promised(theirs), version)
        self.assertEqual(pilot.ticket_count, 1)
        self.manager.company_ids = self.env.company
        self.assertFalse(pilot.with_user(self.manager).has_access("read"))
        with self.assertRaises(ValidationError):
            self._create_pilot(company_id=branch.id)

    def test_why(self):
        self._start(partner_ids=[Command.set(self.customer.ids)])
        Why = self.env["csp.promise.why"]
        ticket = self._create_ticket()
        ticket.invalidate_recordset()
        why = Why.browse(ticket.with_user(self.agent).action_csp_why()["res_id"])
        self.assertIn("Takes part", why.trial_text)
        self.assertIn("was chosen", why.trial_text)
        other = self._create_ticket(partner_id=self.other.id)
        why = Why.browse(other.with_user(self.agent).action_csp_why()["res_id"])
        self.assertIn("Does not take part", why.trial_text)
        after = self._create_ticket(at=self.at(days=14))
        why = Why.browse(after.with_user(self.agent).action_csp_why()["res_id"])
        self.assertFalse(why.trial_text)

    def test_taking_in_costs_nothing_without_a_trial(self):
        def count():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._create_ticket(at=self.at(days=20))
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count()
        without = count()
        pilot = self._start()
        self._decide(pilot, "stop")
        count()
        # One that is over costs nothing either.
        self.assertEqual(count(), without)

    def test_running_costs_the_same_for_one_and_for_many(self):
        values = {
            "name": "Help",
            "description": "Please",
            "partner_id": self.customer.id,
        }
        Ticket = self.env["helpdesk.ticket"]

        def count(number, work):
            counts = []
            for _round in range(3):
                tickets = Ticket.create([values] * number) if work else Ticket
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                if work:
                    work(tickets)
                else:
                    tickets.create([values] * number)
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
            return min(counts)

        works = {
            "create": None,
            "stage": lambda tickets: tickets.write(
                {"stage_id": self.stage_progress.id}
            ),
            "priority": lambda tickets: tickets.write({"priority": "3"}),
        }
        sizes = [(name, number) for name in works for number in (1, 12)]
        with freeze_time(self.at(hours=1)):
            before = {size: count(size[1], works[size[0]]) for size in sizes}
        self._start()
        with freeze_time(self.at(hours=1)):
            after = {size: count(size[1], works[size[0]]) for size in sizes}
        for name in works:
            one, many = (after[name, each] - before[name, each] for each in (1, 12))
            self.assertEqual(one, many, f"{name}: queries added by a trial")
            self.assertLessEqual(one, 2, name)


class TestPilotLife(PilotCommon):
    """Said before, locked at the start, and decided on by somebody, with a reason."""

    def test_only_approved_versions(self):
        with freeze_time(self.at(days=-1)):
            self.version.action_back_to_draft()
        with self.assertRaisesRegex(UserError, "not approved"):
            self._start()

    def test_what_is_missing_is_said_at_once(self):
        pilot = self._create_pilot(
            date_end=False, partner_ids=False, criterion_ids=False
        )
        with freeze_time(self.at()), self.assertRaises(UserError) as caught:
            pilot.action_start()
        for text in ("when the trial ends", "the customers", "must be reached"):
            self.assertIn(text, str(caught.exception))
        pilot.date_end = self.at(days=-1)
        with freeze_time(self.at()), self.assertRaisesRegex(UserError, "is past"):
            pilot.action_start()
        self.assertEqual(self.version.state, "approved")

    def test_one_trial_of_a_policy_at_a_time(self):
        self._start()
        with freeze_time(self.at(hours=1)):
            self.policy.action_new_version()
            later = self.policy.draft_version_id
            later.action_submit()
            later.sudo().action_approve()
        with self.assertRaisesRegex(UserError, "decide on it first"):
            self._start(version_id=later.id, at=self.at(hours=2))

    def test_who_waits_begins_again(self):
        """A row that was only locked would let him go on with what he has read."""
        pilot = self._create_pilot()

        def place():
            self.env.cr.execute("SELECT ctid FROM csp_pilot WHERE id = %s", [pilot.id])
            return self.env.cr.fetchone()

        self.env.flush_all()
        before = place()
        pilot.criterion_ids.threshold = 70
        self.assertNotEqual(place(), before)

    def test_locked_by_every_door(self):
        segment = self.env["csp.segment"].create({"name": "VIP"})
        pilot = self._start()
        criterion = pilot.criterion_ids
        mine = pilot.with_user(self.manager)
        attempts = [
            {"date_start": self.at(days=-5)},
            {"date_end": self.at(days=50)},
            {"customer_mode": "everybody"},
            {"share_percent": 99},
            {"partner_ids": [Command.link(self.other.id)]},
            {"partner_ids": [Command.clear()]},
            {"segment_ids": [Command.link(segment.id)]},
            {"user_ids": [Command.link(self.agent.id)]},
            {"version_id": self.in_force.id},
            {"customer_text": "Nothing"},
            {"criterion_ids": [Command.update(criterion.id, {"threshold": 1})]},
            {"criterion_ids": [Command.delete(criterion.id)]},
            {"criterion_ids": [Command.create({"measure": "opinion", "threshold": 1})]},
            {"state": "draft"},
            {"salt": "chosen"},
            {"decision": "adopt"},
            {"ended_at": self.at(days=1)},
            {"decided_by_id": self.agent.id},
            {"staff_team_ids": [Command.clear()]},
        ]
        for vals in attempts:
            with self.subTest(vals=vals), self.assertRaises(UserError):
                mine.write(vals)
        for attempt in (
            lambda: criterion.with_user(self.manager).write({"threshold": 1}),
            lambda: criterion.with_user(self.manager).unlink(),
            lambda: criterion.with_user(self.manager).copy({"threshold": 1}),
            lambda: mine.unlink(),
            lambda: mine.action_start(),
            lambda: mine.update_field_translations(
                "customer_text", {"en_US": "Something else"}
            ),
            lambda: (
                self.env["csp.pilot.criterion"]
                .with_user(self.manager)
                .create({"pilot_id": pilot.id, "measure": "opinion", "threshold": 1})
            ),
            lambda: self.version.action_publish(),
            lambda: self.policy.action_archive(),
        ):
            with self.assertRaises(UserError):
                attempt()
        mine.write({"name": "Another name", "responsible_id": self.manager.id})
        self.assertEqual(criterion.threshold, 80)

    def test_created_in_no_other_state(self):
        for vals in (
            {"state": "running"},
            {"decision": "adopt"},
            {"started_by_id": self.manager.id},
        ):
            with self.assertRaises(UserError):
                self._create_pilot(**vals)
        one, two = self._create_pilot(salt="mine"), self._create_pilot(salt="mine")
        self.assertEqual(len({one.salt, two.salt, "mine"}), 3)
        copied = one.copy()
        self.assertEqual((copied.state, copied.date_end), ("draft", False))
        self.assertNotEqual(copied.salt, one.salt)
        self.assertEqual(copied.criterion_ids.threshold, 80)

    def test_begins_later(self):
        pilot = self._create_pilot(date_start=self.at(days=2))
        self._start(pilot)
        self.assertEqual(pilot.date_start, self.at(days=2))
        early = self._create_ticket(at=self.at(days=1))
        self.assertEqual(self._promised(early), self.in_force)
        inside = self._create_ticket(at=self.at(days=2))
        self.assertEqual(self._promised(inside), self.version)
        self._cron(self.at(days=1))
        self.assertFalse(pilot.participation_ids)

    def test_stopped_before_it_began(self):
        pilot = self._start(self._create_pilot(date_start=self.at(days=2)))
        self._decide(pilot, "stop", at=self.at(days=1))
        ticket = self._create_ticket(at=self.at(days=3))
        self.assertEqual(self._promised(ticket), self.in_force)

    def test_no_start_in_the_past(self):
        pilot = self._start(self._create_pilot(date_start=self.at(days=-3)))
        self.assertEqual(pilot.date_start, self.at())

    def test_ends_by_itself_and_asks_once(self):
        pilot = self._start()
        self._cron(self.at(days=13))
        self.assertEqual(pilot.state, "running")
        self._cron(self.at(days=30))
        self._cron(self.at(days=31))
        self.assertEqual(pilot.state, "ended")
        self.assertEqual(pilot.ended_at, self.at(days=14))
        self.assertEqual(pilot.activity_ids.user_id, self.lead)
        self.assertEqual(len(pilot.activity_ids), 1)
        self._decide(pilot, "stop", at=self.at(days=32))
        self.assertFalse(pilot.activity_ids)
        self.assertEqual(pilot.ended_at, self.at(days=14))

    def test_responsible_who_left(self):
        clerk = new_test_user(self.env, "csp_clerk", groups="base.group_user")
        with self.assertRaisesRegex(UserError, "cannot see trials"):
            self._start(responsible_id=clerk.id)
        pilot = self._start()
        self.lead.active = False
        self.policy.owner_id = self.manager
        self._cron(self.at(days=14))
        self.assertEqual(pilot.activity_ids.user_id, self.manager)

    def test_who_decides(self):
        pilot = self._start()
        other_lead = new_test_user(
            self.env, "csp_lead_2", groups="helpdesk_mgmt.group_helpdesk_manager"
        )
        with self.assertRaises(AccessError):
            self._decide(pilot, "stop", user=other_lead)
        with self.assertRaises(UserError), freeze_time(self.at(days=1)):
            pilot.with_user(self.lead).action_decide("stop", "  ")
        with self.assertRaises(UserError), freeze_time(self.at(days=1)):
            pilot.with_user(self.lead).action_decide("whatever", "Because")
        self._decide(pilot, "stop", user=self.manager)
        self.assertEqual(pilot.decided_by_id, self.manager)
        with self.assertRaises(UserError):
            self._decide(pilot, "adopt")

    def test_adopt(self):
        pilot = self._start()
        self._cron(self.at(days=14))
        self._decide(pilot, "adopt")
        self.assertEqual(pilot.state, "adopted")
        self.assertEqual(self.version.state, "published")
        self.assertEqual(self.version.published_by_id, self.lead)
        self.assertEqual(self.in_force.state, "retired")
        after = self._create_ticket(at=self.at(days=16), partner_id=self.other.id)
        self.assertEqual(self._promised(after), self.version)
        between = self._create_ticket(
            at=self.at(days=16), csp_received_at=self.at(days=14, hours=1)
        )
        self.assertEqual(self._promised(between), self.in_force)

    def _begin_on(self, date):
        """Have the version, which is approved, begin on a day for everybody."""
        with freeze_time(self.at(days=-1)):
            version = self.version.sudo()
            version.action_back_to_draft()
            version.effective_date = date
            version.action_submit()
            version.action_approve()

    def _ask(self, pilot, decision):
        wizard = Form(
            self.env["csp.pilot.decide"]
            .with_user(self.manager)
            .with_context(default_pilot_id=pilot.id)
        )
        wizard.decision = decision
        wizard.reason = "The figures say so"
        return wizard

    def _promised_at(self, moment, partner=None):
        partner = partner or self.customer
        return self._promised(self._create_ticket(at=moment, partner_id=partner.id))

    def test_adopted_for_a_later_day(self):
        self._begin_on("2026-03-25")
        pilot = self._start()
        with freeze_time(self.at(days=5)):
            wizard = self._ask(pilot, "adopt")
            self.assertIn("for everybody from 03/25/2026", wizard.consequence)
            self.assertIn("who take part keep it", wizard.consequence)
            wizard.save().action_decide()
            self.assertIn("keep it until then", pilot.held_text)
        self.assertEqual(self.version.state, "published")
        self.assertEqual(pilot.ended_at, self.at(days=5))
        midnight = self.version._in_force_from(self.env.company)
        last = midnight - timedelta(seconds=1)
        self.assertLess(pilot.date_end, last)
        for moment in (self.at(days=6), pilot.date_end, last, midnight):
            self.assertEqual(self._promised_at(moment), self.version)
        self.assertEqual(self._promised_at(last, self.other), self.in_force)
        self.assertEqual(self._promised_at(midnight, self.other), self.version)
        pilot.invalidate_recordset()
        with freeze_time(midnight):
            self.assertFalse(pilot.held_text)

    def test_adopted_for_a_later_day_after_its_end(self):
        """Those who took part have gone back already, and change once more only."""
        self._begin_on("2026-03-25")
        pilot = self._start()
        with freeze_time(self.at(days=15)):
            wizard = self._ask(pilot, "adopt")
            self.assertIn("what is in force now", wizard.consequence)
            wizard.save().action_decide()
            self.assertFalse(pilot.held_text)
        midnight = self.version._in_force_from(self.env.company)
        self.assertEqual(self._promised_at(self.at(days=13)), self.version)
        self.assertEqual(self._promised_at(self.at(days=16)), self.in_force)
        self.assertEqual(self._promised_at(midnight), self.version)

    def test_adopted_before_it_began(self):
        self._begin_on("2026-03-25")
        pilot = self._start(date_start=self.at(days=3))
        with freeze_time(self.at(days=1)):
            wizard = self._ask(pilot, "adopt")
            self.assertIn("what is in force now", wizard.consequence)
            wizard.save().action_decide()
        self.assertEqual(self._promised_at(self.at(days=4)), self.in_force)

    def test_adopted_and_withdrawn_before_it_began_for_everybody(self):
        self._begin_on("2026-03-25")
        pilot = self._start()
        self._decide(pilot, "adopt", at=self.at(days=5))
        with freeze_time(self.at(days=7)):
            self.version.with_user(self.manager).action_retire()
            pilot.invalidate_recordset()
            self.assertFalse(pilot.held_text)
        self.assertEqual(self._promised_at(self.at(days=6)), self.version)
        self.assertEqual(self._promised_at(self.at(days=8)), self.in_force)
        self.assertEqual(self._promised_at(self.at(days=25)), self.in_force)

    def test_adjust(self):
        pilot = self._start()
        with freeze_time(self.at(days=1)):
            pilot.with_user(self.agent).action_comment("Customers love it")
        self._decide(pilot, "adjust")
        draft = self.policy.draft_version_id
        self.assertEqual(self.version.state, "retired")
        self.assertEqual(draft.state, "draft")
        self.assertEqual(draft.line_ids.first_response_minutes, 60)
        notes = " ".join(draft.message_ids.mapped("body"))
        self.assertIn("Customers love it", notes)
        self.assertIn("The figures say so", notes)
        # All staff read these notes.
        self.assertNotIn(self.agent.name, notes)
        after = self._create_ticket(at=self.at(days=16))
        self.assertEqual(self._promised(after), self.in_force)

    def test_adjust_with_a_draft_begun_already(self):
        pilot = self._start()
        with freeze_time(self.at(days=1)):
            self.policy.action_new_version()
        draft = self.policy.draft_version_id
        self._decide(pilot, "adjust")
        self.assertEqual(self.policy.draft_version_id, draft)
        self.assertIn("The figures say so", draft.message_ids[0].body)

    def test_stop_returns_everybody_at_once(self):
        pilot = self._start()
        ticket = self._create_ticket(at=self.at(hours=1))
        self._decide(pilot, "stop", at=self.at(hours=2))
        self.assertEqual(pilot.ended_at, self.at(hours=2))
        after = self._create_ticket(at=self.at(hours=2))
        self.assertEqual(self._promised(after), self.in_force)
        self.assertEqual(self._promised(ticket), self.version)
        self.assertEqual(self.version.state, "retired")

    def test_stop_and_match_open_tickets_again(self):
        pilot = self._start()
        ticket = self._create_ticket(at=self.at(hours=1))
        closed = self._create_ticket(at=self.at(hours=1))
        self._move(closed, self.at(hours=2), self.stage_done)
        with self.assertRaises(AccessError):
            self._decide(pilot, "stop", at=self.at(hours=3), match_again=True)
        self._decide(
            pilot, "stop", at=self.at(hours=3), user=self.manager, match_again=True
        )
        self.assertEqual(self._promised(ticket), self.in_force)
        self.assertEqual(self._promised(closed), self.version)

    def test_another_version_meanwhile_takes_a_reason(self):
        self._start()
        with freeze_time(self.at(days=1)):
            self.policy.action_new_version()
            draft = self.policy.draft_version_id
            with self.assertRaisesRegex(UserError, "compared with"):
                draft.action_publish()
            draft.action_publish("It cannot wait")
        ticket = self._create_ticket(at=self.at(days=2))
        self.assertEqual(self._promised(ticket), self.version)

    def test_archived_and_deleted(self):
        team = self.env["helpdesk.ticket.team"].create({"name": "Trial team"})
        segment = self.env["csp.segment"].create(
            {"name": "VIP", "partner_ids": [Command.link(self.customer.id)]}
        )
        pilot = self._start(
            team_ids=[Command.link(team.id)],
            partner_ids=[Command.set((self.customer | self.other).ids)],
        )
        self.other.unlink()
        self.customer.active = False
        self.assertEqual(pilot.partner_ids, self.customer)
        self.assertIn("Dimitra", pilot.archived_text)
        team.active = False
        segment.active = False
        pilot.invalidate_recordset()
        self.assertIn("Trial team", pilot.archived_text)
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            team.unlink()
            self.env.flush_all()

    def test_list_emptied_is_nobody(self):
        self._start(partner_ids=[Command.set(self.other.ids)])
        self.other.unlink()
        self.env["csp.policy"]._csp_rules_changed()
        self.assertEqual(self._promised(self._create_ticket()), self.in_force)

    def test_sentences(self):
        pilot = self._create_pilot(
            criterion_ids=[
                Command.create({"measure": "kept", "threshold": 80}),
                Command.create(
                    {"measure": "kept", "comparison": "not_worse", "threshold": 5}
                ),
                Command.create(
                    {"measure": "median", "kind": "resolution", "threshold": 240}
                ),
                Command.create({"measure": "complaints", "threshold": 2.5}),
            ]
        )
        self.assertEqual(
            pilot.criterion_ids.sorted().mapped("sentence"),
            [
                "Promises kept, first reply: at least 80 % (from 30 cases on)",
                "Promises kept, first reply: not worse than the others by more than 5 "
                "percentage points (from 30 cases on)",
                "Median time until done, solution: at most 240 opening minutes "
                "(from 30 cases on)",
                "Complaints: at most 2.5 per 100 tickets (from 30 cases on)",
            ],
        )
        with self.assertRaises(ValidationError):
            self._create_pilot(
                criterion_ids=[
                    Command.create(
                        {
                            "measure": "comments",
                            "comparison": "not_worse",
                            "threshold": 1,
                        }
                    )
                ]
            )

    def test_form(self):
        for _number in range(3):
            self._create_ticket(at=self.at(days=-5))
        self._create_ticket(at=self.at(days=-5), partner_id=self.other.id)
        with freeze_time(self.at()):
            action = self.version.with_user(self.manager).action_try_out()
            Pilot = self.env["csp.pilot"].with_user(self.manager)
            self.assertTrue(Form(Pilot).participants_text)
            form = Form(Pilot.with_context(**action["context"]))
            self.assertEqual(form.version_id, self.version)
            form.customer_mode = "share"
            form.share_percent = 50
            self.assertIn("of 2 customers", form.participants_text)
            form.customer_mode = "list"
            form.partner_ids.add(self.customer)
            self.assertIn("with 3 tickets", form.participants_text)
            form.date_end = self.at(days=14)
            with form.criterion_ids.new() as line:
                line.measure = "kept"
                line.threshold = 80
            pilot = form.save()
            self.assertIn("Standard", pilot.name)
            pilot.action_start()
            wizard = Form(
                self.env["csp.pilot.decide"]
                .with_user(self.manager)
                .with_context(default_pilot_id=pilot.id)
            )
            wizard.decision = "stop"
            wizard.reason = "Nobody noticed"
            self.assertIn("ends with this decision", wizard.consequence)
            wizard.save().action_decide()
        self.assertEqual(pilot.state, "stopped")
        self.assertEqual(pilot.decision_reason, "Nobody noticed")
