"""Tickets that nobody has are given to who is there."""

from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user
from odoo.tools import mute_logger

from ..tools.epoch import to_epoch
from .common import CspCommon


class DistributionCommon(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.partner_id.tz = "Europe/Athens"
        cls.eva, cls.jan, cls.piet = cls.crew = cls.env["res.users"].browse(
            new_test_user(
                cls.env,
                f"csp_{name.lower()}",
                name=name,
                groups="helpdesk_mgmt.group_helpdesk_user_own",
                tz="Europe/Athens",
                csp_hours_id=cls.hours.id,
            ).id
            for name in ("Eva", "Jan", "Piet")
        )
        cls.leader = new_test_user(
            cls.env,
            "csp_leader",
            name="Leader",
            groups="helpdesk_mgmt.group_helpdesk_user",
            tz="Europe/Athens",
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {
                "name": "Desk",
                "user_ids": cls.crew.ids,
                "user_id": cls.leader.id,
                "csp_distribution": "in_turn",
            }
        )
        cls.customer.lang = "en_US"

    def _new(self, number=1, at=None, user=None, **vals):
        values = {
            "name": "The printer is on fire",
            "description": "Smoke, too.",
            "partner_id": self.customer.id,
            "team_id": self.team.id,
            # "Auto assign tickets" of the helpdesk takes whoever enters one.
            "user_id": False,
            **vals,
        }
        Ticket = self.env["helpdesk.ticket"].with_user(user or self.env.user)
        with freeze_time(at or self.at(minutes=2)):
            return Ticket.create([dict(values) for _number in range(number)])

    def _cron(self, at, batch_size=200):
        cron = self.env.ref("customer_service_plan.ir_cron_distribute")
        cron.code = f"model._cron_distribute(batch_size={batch_size})"
        with freeze_time(at), self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def _counts(self, tickets):
        return [
            len(tickets.filtered(lambda t, u=user: t.user_id == u))
            for user in self.crew
        ]

    def _text(self, ticket, at=None, user=None, **context):
        with freeze_time(at or self.at(minutes=3)):
            ticket.invalidate_recordset(["csp_assignment_text"])
            reader = ticket.with_user(user or self.manager)
            reader = reader.with_context(tz="Europe/Athens", **context)
            return (reader.csp_assignment_text or "").replace("\u202f", " ")

    def _wakes(self):
        cron = self.env.ref("customer_service_plan.ir_cron_distribute")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        return triggers.mapped("call_at")


class TestNewTickets(DistributionCommon):
    def test_in_turn(self):
        tickets = self._new(7)
        self.assertEqual(sorted(self._counts(tickets)), [2, 2, 3])
        self._new(2, at=self.at(minutes=5))
        everything = self.env["helpdesk.ticket"].search(
            [("team_id", "=", self.team.id)]
        )
        self.assertEqual(self._counts(everything), [3, 3, 3])
        self.assertEqual(everything.mapped("csp_handover_count"), [0] * 9)
        self.assertNotIn("handover", self._kinds(tickets[0]))

    def test_a_new_day_begins_anew(self):
        self._new(1)
        late = self._new(3, at=self.at(days=1, minutes=1))
        self.assertEqual(self._counts(late), [1, 1, 1])

    def test_day_of_the_team_ends_at_its_midnight(self):
        """22:30 and 23:30 UTC are two days in Athens in summer, 01:30 and 02:30."""
        self.crew.csp_hours_id = self.env["csp.hours"].create(
            {"name": "Always", "tz": "Europe/Athens", "always_open": True}
        )
        before = datetime(2026, 3, 28, 21, 30)
        after = datetime(2026, 3, 28, 22, 30)
        first = self._new(1, at=before)
        second = self._new(1, at=before + timedelta(minutes=5))
        self.assertNotEqual(first.user_id, second.user_id)
        # Midnight of the day on which the clocks go forward was at 22:00 UTC.
        given = self.env["helpdesk.ticket"]._csp_given_today(
            self.team, self.crew.ids, to_epoch(after)
        )
        self.assertFalse(given)
        given = self.env["helpdesk.ticket"]._csp_given_today(
            self.team, self.crew.ids, to_epoch(datetime(2026, 3, 28, 21, 59))
        )
        self.assertEqual(len(given), 2)

    def test_least_loaded(self):
        self.team.csp_distribution = "least_loaded"
        self._new(1, user_id=self.eva.id, priority="3")
        self._new(1, user_id=self.jan.id, priority="0")
        ticket = self._new(1)
        self.assertEqual(ticket.user_id, self.piet)
        self.assertIn(
            "least work of 3, in points (Piet 0, Jan 1, Eva 4)", self._text(ticket)
        )
        ticket = self._new(1)
        self.assertEqual(ticket.user_id, self.jan)

    def test_closed_tickets_are_no_work(self):
        self.team.csp_distribution = "least_loaded"
        tickets = self._new(2, user_id=self.eva.id)
        self._new(1, user_id=self.jan.id)
        self._new(1, user_id=self.piet.id)
        tickets[0].stage_id = self.stage_done
        tickets[1].stage_id = self.stage_done
        self.assertEqual(self._new(1).user_id, self.eva)

    def test_who_is_there(self):
        self.eva.csp_away_until = self.at(days=2)
        self.jan.active = False
        ticket = self._new(1)
        self.assertEqual(ticket.user_id, self.piet)
        self.assertEqual(
            self._text(ticket),
            "Given automatically (9:02 AM): nobody else could take it. Away: Eva",
        )

    def test_channel(self):
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        other = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        (self.eva + self.jan).csp_channel_ids = other
        self.assertEqual(self._new(1, channel_id=channel.id).user_id, self.piet)
        self.piet.csp_channel_ids = other
        ticket = self._new(1, channel_id=channel.id)
        self.assertFalse(ticket.user_id)
        self.assertIn("nobody who is there takes tickets", self._text(ticket))

    def test_language(self):
        dutch = self.env["res.lang"]._activate_lang("nl_NL")
        belgian = self.env["res.lang"]._activate_lang("nl_BE")
        english = self.env.ref("base.lang_en")
        self.customer.lang = "nl_BE"
        (self.eva + self.jan).csp_lang_ids = english
        self.piet.csp_lang_ids = dutch
        tickets = self._new(3)
        self.assertEqual(tickets.user_id, self.piet)
        self.assertIn("Speaks Dutch", self._text(tickets[0]))
        self.piet.csp_lang_ids = english
        tickets = self._new(3, at=self.at(days=1, minutes=1))
        self.assertEqual(self._counts(tickets), [1, 1, 1])
        self.assertIn("Nobody there speaks", self._text(tickets[0]))
        self.assertTrue(belgian)

    def test_ceiling(self):
        self.team.csp_ticket_ceiling = 2
        self.eva.csp_ticket_ceiling = 1
        tickets = self._new(7)
        self.assertEqual(self._counts(tickets), [1, 2, 2])
        waiting = tickets.filtered(lambda ticket: not ticket.user_id)
        self.assertEqual(len(waiting), 2)
        self.assertIn("enough open tickets", self._text(waiting[0]))

    def test_manual_choice_stays(self):
        stranger = self.manager
        ticket = self._new(1, user_id=stranger.id)
        self.assertEqual(ticket.user_id, stranger)
        self.assertFalse(ticket.csp_assignment_note)
        ticket = self._new(1)
        before = ticket.user_id
        with freeze_time(self.at(minutes=10)):
            ticket.user_id = False
        self.assertFalse(ticket.user_id)
        self.assertFalse(ticket.csp_assignment_text)
        self._cron(self.at(minutes=20))
        self.assertFalse(ticket.user_id)
        with freeze_time(self.at(minutes=30)):
            ticket.with_user(self.leader).action_csp_distribute()
        self.assertTrue(ticket.user_id)
        self.assertFalse(ticket.csp_left_open)
        self.assertTrue(before)

    def test_chosen_by_hand_afterwards(self):
        ticket = self._new(1)
        ticket.user_id = (self.crew - ticket.user_id)[0]
        self.assertFalse(self._text(ticket))

    def test_off_and_closed(self):
        self.team.csp_distribution = "off"
        self.assertFalse(self._new(1).user_id)
        self.team.csp_distribution = "in_turn"
        self.assertFalse(self._new(1, stage_id=self.stage_done.id).user_id)
        self.assertFalse(self._new(1, team_id=False).user_id)

    def test_bad_data_keeps_nothing_out(self):
        self.team.user_ids = False
        ticket = self._new(1)
        self.assertTrue(ticket.csp_received_at)
        self.assertIn("nobody of the team is there", self._text(ticket))
        self.team.user_ids = self.crew
        self.hours.line_ids.unlink()
        self.crew.partner_id.tz = False
        self.assertFalse(self._new(1).user_id)
        Users = type(self.env["res.users"])
        with (
            patch.object(Users, "_csp_presence", side_effect=ValueError("broken")),
            mute_logger(
                "odoo.addons.customer_service_plan.models.helpdesk_ticket_distribution"
            ),
        ):
            ticket = self._new(1)
        self.assertTrue(ticket.csp_received_at)
        self.assertFalse(ticket.user_id)

    def test_entered_by_an_agent_with_few_rights(self):
        """He keeps seeing what he entered, though a colleague has it."""
        self.eva.csp_away_until = self.at(days=2)
        with freeze_time(self.at(minutes=2)):
            Ticket = self.env["helpdesk.ticket"].with_user(self.eva)
            saved = Ticket.web_save(
                {
                    "name": "By phone",
                    "description": "<p>Help</p>",
                    "team_id": self.team.id,
                    "user_id": False,
                    "partner_id": self.customer.id,
                },
                {"name": {}, "csp_assignment_text": {}, "user_id": {}},
            )
        ticket = Ticket.browse(saved[0]["id"]).sudo()
        self.assertIn(ticket.user_id, self.jan + self.piet)
        self.assertIn("Given automatically", saved[0]["csp_assignment_text"])

    def test_entered_by_a_customer(self):
        portal = new_test_user(self.env, "csp_guest", groups="base.group_portal")
        with freeze_time(self.at(minutes=2)):
            ticket = (
                self.env["helpdesk.ticket"]
                .with_user(portal)
                .sudo()
                .create(
                    {
                        "name": "Help",
                        "description": "?",
                        "team_id": self.team.id,
                        "user_id": False,
                    }
                )
            )
        self.assertTrue(ticket.user_id)
        with self.assertRaises(AccessError):
            ticket.with_user(portal).read(["csp_assignment_text"])

    def test_other_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        shared = self.env["helpdesk.ticket.team"].create(
            {
                "name": "Both",
                "company_id": False,
                "user_ids": (self.eva + self.jan).ids,
                "csp_distribution": "in_turn",
            }
        )
        self.jan.company_ids += branch
        tickets = self._new(3, team_id=shared.id, company_id=branch.id)
        self.assertEqual(tickets.user_id, self.jan)

    def test_queries(self):
        self._new(2)
        counts = []
        for number in (1, 50, 1, 50):
            self.env.flush_all()
            self.env.invalidate_all()
            with freeze_time(self.at(minutes=2)):
                tickets = self.env["helpdesk.ticket"].browse(self._create_plain(number))
                before = self.env.cr.sql_log_count
                tickets._csp_give_new()
                counts.append(self.env.cr.sql_log_count - before)
        # Up to one write a member more
        self.assertLessEqual(counts[3], counts[2] + 3 * 4)

    def _create_plain(self, number):
        self.team.csp_distribution = "off"
        tickets = self._new(number)
        self.env.flush_all()
        self.team.csp_distribution = "in_turn"
        self.env["helpdesk.ticket.team"]._csp_distributions()
        return tickets.ids

    def test_nothing_where_no_team_shares_out(self):
        self.team.csp_distribution = "off"
        ticket = self._new(1)
        self.env.flush_all()
        with self.assertQueryCount(0):
            ticket._csp_give_new()


class TestWaitingTickets(DistributionCommon):
    def setUp(self):
        super().setUp()
        self.env.user.tz = "Europe/Athens"

    def test_mail_of_the_night(self):
        tickets = self._new(6, at=self.at(hours=-6))
        self.assertFalse(tickets.user_id)
        self.assertEqual(
            self._text(tickets[0], at=self.at(hours=-5)),
            "Waits to be given until somebody is at work: 9:00 AM",
        )
        self.assertIn(self.at(), self._wakes())
        # Too early: nobody is there.
        self._cron(self.at(minutes=-10))
        self.assertFalse(tickets.user_id)
        # Jan begins half an hour later, Piet in the afternoon.
        late, afternoon = (
            self.env["csp.hours"].create(
                {
                    "name": f"From {start}",
                    "tz": "Europe/Athens",
                    "line_ids": [
                        Command.create(
                            {"weekday": "0", "minute_from": start, "minute_to": 1200}
                        )
                    ],
                }
            )
            for start in (570, 840)
        )
        self.jan.csp_hours_id, self.piet.csp_hours_id = late, afternoon
        self._cron(self.at(seconds=1))
        self.assertEqual(self._counts(tickets), [3, 3, 0])
        of_jan = tickets.filtered(lambda ticket: ticket.user_id == self.jan)[0]
        text = self._text(of_jan, at=self.at(minutes=1))
        self.assertIn("Begins to work at 9:30 AM", text)
        before = tickets.mapped("user_id.id"), tickets.mapped("csp_given_at")
        for minutes in (2, 300, 3000):
            self._cron(self.at(minutes=minutes))
        self.assertEqual(
            before, (tickets.mapped("user_id.id"), tickets.mapped("csp_given_at"))
        )
        self.assertEqual(self._kinds(of_jan).count("handover"), 1)
        self.assertEqual(of_jan.csp_handover_count, 0)

    def test_late_cron(self):
        tickets = self._new(6, at=self.at(days=-3))
        self._cron(self.at(days=1, hours=2))
        self.assertEqual(self._counts(tickets), [2, 2, 2])

    def test_in_batches(self):
        tickets = self._new(9, at=self.at(hours=-6))
        self._cron(self.at(minutes=1), batch_size=2)
        self.assertEqual(self._counts(tickets), [3, 3, 3])

    def test_who_cannot_be_given_waits_without_going_round(self):
        self.team.csp_ticket_ceiling = 1
        tickets = self._new(9, at=self.at(hours=-6))
        self._cron(self.at(minutes=1), batch_size=2)
        self.assertEqual(self._counts(tickets), [1, 1, 1])
        tickets.filtered("user_id").stage_id = self.stage_done
        self._cron(self.at(minutes=10))
        self.assertEqual(self._counts(tickets), [2, 2, 2])

    def test_the_most_urgent_first(self):
        self.team.csp_ticket_ceiling = 1
        tickets = self._new(3, at=self.at(hours=-6))
        urgent = self._new(3, at=self.at(hours=-5), priority="3")
        self._cron(self.at(minutes=1))
        self.assertFalse(tickets.user_id)
        self.assertEqual(urgent.user_id, self.crew)

    def test_one_bad_ticket(self):
        tickets = self._new(3, at=self.at(hours=-6))
        Ticket = type(self.env["helpdesk.ticket"])
        hand_out, bad = Ticket._csp_hand_out, tickets[1]

        def fail(this, chosen, why, now):
            if bad in chosen:
                raise ValueError("broken")
            return hand_out(this, chosen, why, now)

        with (
            patch.object(Ticket, "_csp_hand_out", fail),
            mute_logger(
                "odoo.addons.customer_service_plan.models.helpdesk_ticket_distribution"
            ),
        ):
            self._cron(self.at(minutes=1))
        self.assertFalse(bad.user_id)
        self.assertTrue((tickets - bad)[0].user_id and (tickets - bad)[1].user_id)

    def test_another_team(self):
        """A ticket that comes to a team which shares out is given, too."""
        ticket = self._new(1, team_id=False, user_id=False)
        with freeze_time(self.at(minutes=5)):
            ticket.write({"team_id": self.team.id, "user_id": False})
            wakes = self._wakes()
        self.assertIn(self.at(minutes=5), wakes)
        self._cron(self.at(minutes=6))
        self.assertTrue(ticket.user_id)

    def test_one_notice_for_many(self):
        (self.jan + self.piet).csp_away_from = self.at(days=-9)
        tickets = self._new(8, at=self.at(hours=-6))
        real = self.env["helpdesk.ticket"].with_context(tracking_disable=False)
        Message = self.env["mail.message"]
        last = Message.search([], limit=1, order="id desc").id
        with freeze_time(self.at(minutes=1)):
            real.browse(tickets.ids)._csp_share_out("shared")
        self.assertEqual(tickets.user_id, self.eva)
        found = Message.search(
            [("id", ">", last), ("message_type", "=", "user_notification")]
        )
        self.assertEqual(len(found), 1)
        self.assertEqual(found.subject, "8 tickets were given to you")


class TestHandingBack(DistributionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_policy(
            [{"match_all": True, "first_response_minutes": 240, "hours_id": False}]
        )

    def test_absent_and_near(self):
        ticket = self._new(1, at=self.at(), user_id=self.eva.id)
        self.eva.csp_away_from = self.at(hours=1)
        self._cron(self.at(hours=2))
        self.assertEqual(ticket.user_id, self.eva)
        self._cron(self.at(hours=3, minutes=1))
        self.assertIn(ticket.user_id, self.jan + self.piet)
        self.assertEqual(ticket.csp_handover_count, 1)
        self.assertIn("Eva is not there", "".join(ticket.message_ids.mapped("body")))
        self.assertIn("since Eva is not there", self._text(ticket, self.at(hours=4)))
        first = ticket.user_id
        self._cron(self.at(hours=3, minutes=30))
        self.assertEqual(ticket.user_id, first)

    def test_gone_home_is_not_absent(self):
        ticket = self._new(1, at=self.at(hours=5), user_id=self.eva.id)
        self._cron(self.at(hours=10))
        self._cron(self.at(days=1, minutes=1))
        self.assertEqual(ticket.user_id, self.eva)

    def test_archived_or_left(self):
        tickets = self._new(1, at=self.at(), user_id=self.eva.id)
        tickets += self._new(1, at=self.at(), user_id=self.jan.id)
        self.eva.active = False
        self.team.user_ids -= self.jan
        self._cron(self.at(hours=3, minutes=30))
        self.assertEqual(tickets.user_id, self.piet)

    def test_never_if_nobody_is_there(self):
        ticket = self._new(1, at=self.at(), user_id=self.eva.id)
        self.crew.csp_away_from = self.at(hours=1)
        self._cron(self.at(hours=3, minutes=30))
        self.assertEqual(ticket.user_id, self.eva)

    def test_switched_off(self):
        self.team.csp_hand_back_minutes = 0
        ticket = self._new(1, at=self.at(), user_id=self.eva.id)
        self.eva.csp_away_from = self.at(hours=1)
        self._cron(self.at(hours=3, minutes=30))
        self.assertEqual(ticket.user_id, self.eva)


class TestSharingByHand(DistributionCommon):
    def test_leader(self):
        self.team.csp_distribution = "off"
        tickets = self._new(6)
        with freeze_time(self.at(minutes=5)):
            action = tickets.with_user(self.leader).action_csp_distribute()
        self.assertEqual(self._counts(tickets), [2, 2, 2])
        self.assertEqual(action["params"]["message"], "Eva 2, Jan 2, Piet 2")
        with self.assertRaises(UserError):
            tickets.with_user(self.leader).action_csp_distribute()

    def test_nobody_else(self):
        self.team.csp_distribution = "off"
        ticket = self._new(1)
        for user in (self.eva, self.agent):
            with self.subTest(user.login), self.assertRaises(AccessError):
                ticket.with_user(user).action_csp_distribute()
        with freeze_time(self.at(minutes=5)):
            ticket.with_user(self.manager).action_csp_distribute()
        self.assertTrue(ticket.user_id)

    def test_nobody_there(self):
        tickets = self._new(2, at=self.at(hours=-6))
        with freeze_time(self.at(hours=-5)):
            action = tickets.with_user(self.leader).action_csp_distribute()
        self.assertFalse(tickets.user_id)
        self.assertEqual(action["params"]["type"], "warning")

    def test_facts_are_not_forged(self):
        ticket = self._new(1)
        for name, value in {
            "csp_assignment_note": {"to": self.eva.id},
            "csp_given_to_id": self.eva.id,
            "csp_given_at": self.at(),
            "csp_left_open": True,
        }.items():
            with self.subTest(name), self.assertRaises(AccessError):
                ticket.with_user(self.manager).write({name: value})
            with self.subTest(name), self.assertRaises(AccessError):
                self._new(1, user=self.manager, **{name: value})

    def test_team_form(self):
        form = Form(self.team.with_user(self.manager))
        form.csp_distribution = "least_loaded"
        form.csp_ticket_ceiling = 20
        form.save()
        found = self.env["helpdesk.ticket.team"]._csp_distributions()
        self.assertEqual(found[self.team.id], ("least_loaded", 20, 3600))
