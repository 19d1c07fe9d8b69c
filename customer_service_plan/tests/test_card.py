import json
from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user

from ..models.helpdesk_ticket_card import COUNTED_REQUESTS
from .common import CspCommon

#: Private values: none of them may reach an agent by any way.
BIRTHDATE = "1957-08-23"
EDUCATION, TIER, CRITERION = "Shipwright school", "Porphyry", "Collects stamps"
SOURCE = "Questionnaire 77"


class CardCommon(CspCommon):
    """A company with two contacts, and a stranger."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.greece = cls.env.ref("base.gr")
        cls.company_customer = cls.env["res.partner"].create(
            {
                "name": "Aegean Ferries",
                "is_company": True,
                "country_id": cls.greece.id,
                "phone": "+30 210 555",
            }
        )
        cls.customer, cls.colleague = cls.env["res.partner"].create(
            [
                {"name": name, "parent_id": cls.company_customer.id, "tz": False}
                for name in ("Dimitra Customer", "Yannis Customer")
            ]
        )
        cls.stranger = cls.env["res.partner"].create({"name": "Stranger", "tz": False})
        cls.mail = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.mail.csp_kind, cls.phone.csp_kind = "email", "phone"
        cls.phone.csp_live = True
        cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 480,
                }
            ]
        )

    @classmethod
    def setUpProfile(cls):
        education = cls.env["csp.education.level"].create({"name": EDUCATION})
        tier = cls.env["csp.customer.tier"].create({"name": TIER})
        criterion = cls.env["csp.customer.criterion"].create({"name": CRITERION})
        cls.profile = cls.env["csp.customer.profile"].create(
            {
                "partner_id": cls.customer.id,
                "birthdate": BIRTHDATE,
                "gender": "female",
                "education_level_id": education.id,
                "purchasing_power": "high",
                "tier_id": tier.id,
                "criterion_ids": criterion.ids,
                "preferred_channel_id": cls.phone.id,
                "preferred_lang_id": cls.env.ref("base.lang_en").id,
                "source": SOURCE,
            }
        )
        cls.segments = cls.env["csp.segment"].create(
            [
                {"name": "Old hands", "sequence": 1, "age_min": 60},
                {"name": "Best", "sequence": 2, "tier_ids": tier.ids},
                {"name": "Greeks", "sequence": 3, "country_ids": cls.greece.ids},
                {"name": "Friends", "sequence": 4},
            ]
        )
        cls.customer.write({"csp_segment_ids": [Command.link(cls.segments[3].id)]})

    def _card(self, record, user=None, at=None):
        self.env.flush_all()
        self.env.invalidate_all()
        with freeze_time(at or self.at(hours=1)):
            return record.with_user(user or self.agent).csp_card_data()


class TestCard(CardCommon):
    """What the card says."""

    def test_nothing_known_yet(self):
        card = self._card(self.stranger)
        self.assertEqual(card["partner"]["name"], "Stranger")
        self.assertFalse(card["partner"]["company"])
        self.assertEqual(card["needs"], [])
        self.assertEqual(card["segments"]["today"], [])
        self.assertFalse(card["reach"]["clock"])
        tickets = card["tickets"]
        self.assertEqual((tickets["total"], tickets["contacts"]), (0, []))
        self.assertEqual(
            tickets["promises"], {"open": 0, "running": 0, "late": 0, "next": []}
        )
        self.assertEqual(tickets["complaints"], {"open": 0, "year": 0})
        self.assertEqual(
            tickets["opinions"], {"year_total": 0, "year_good": 0, "last": []}
        )

    def test_whole_company(self):
        """Contacts and their company are one customer; others are not."""
        for partner in (self.customer, self.colleague, self.company_customer):
            self._create_ticket(partner_id=partner.id)
        self._create_ticket(partner_id=self.stranger.id)
        for partner in (self.customer, self.colleague, self.company_customer):
            self.assertEqual(self._card(partner)["tickets"]["total"], 3)
        card = self._card(self.customer)
        self.assertEqual(card["partner"]["company"], "Aegean Ferries")
        self.assertEqual(card["partner"]["phone"], "+30 210 555")
        self.assertFalse(self._card(self.company_customer)["partner"]["company"])

    def test_ticket_without_contact(self):
        ticket = self._create_ticket(
            partner_id=False, partner_name="Somebody", partner_email="some@example.com"
        )
        self.assertEqual(
            self._card(ticket),
            {
                "partner": False,
                "sender": {
                    "name": "Somebody",
                    "email": "some@example.com",
                    "linked": False,
                },
            },
        )

    def test_archived_contact(self):
        ticket = self._create_ticket()
        self.customer.active = False
        card = self._card(ticket)
        self.assertTrue(card["partner"]["archived"])
        self.assertEqual(card["tickets"]["total"], 1)

    def test_promises(self):
        """Late ones first; those that are kept or closed are not there."""
        late = self._create_ticket(at=self.at())
        running = self._create_ticket(at=self.at(hours=2))
        closed = self._create_ticket(at=self.at())
        self._move(closed, self.at(minutes=5), self.stage_done)
        promises = self._card(self.customer, at=self.at(hours=2, minutes=30))[
            "tickets"
        ]["promises"]
        self.assertEqual(
            (promises["open"], promises["running"], promises["late"]), (2, 1, 1)
        )
        self.assertEqual([row["id"] for row in promises["next"]], (late + running).ids)
        first = promises["next"][0]
        self.assertEqual(first["kind"], "First reply")
        self.assertEqual(
            datetime.fromtimestamp(first["deadline"]) - datetime.fromtimestamp(0),
            self.at(hours=1) - datetime(1970, 1, 1),
        )

    def test_last_contacts(self):
        """Over all tickets and channels, by when they were and not by ticket."""
        old = self._create_ticket(at=self.at(), channel_id=self.mail.id)
        called = self._create_ticket(
            at=self.at(hours=1),
            user=self.agent,
            channel_id=self.phone.id,
            partner_id=self.colleague.id,
        )
        self._reply(old, self.at(hours=2))
        self._ask(old, self.at(hours=3))
        self._reply(old, self.at(hours=4))
        contacts = self._card(self.customer, at=self.at(hours=5))["tickets"]["contacts"]
        found = [
            (row["id"], row["by"], row["who"], row["is_request"], row["channel_kind"])
            for row in contacts
        ]
        agent, dimitra = self.agent.name, self.customer.name
        self.assertEqual(
            found,
            [
                (old.id, "we", agent, False, "email"),
                (old.id, "customer", dimitra, False, "email"),
                (old.id, "we", agent, False, "email"),
                # Answered while it was taken: one contact
                (called.id, "customer", self.colleague.name, True, "phone"),
                (old.id, "customer", dimitra, True, "email"),
            ],
        )
        self.assertEqual(contacts[0]["number"], old.number)

    def test_last_contacts_of_many_tickets(self):
        """The five latest, whichever of the tickets they are on."""
        tickets = [
            self._create_ticket(at=self.at(minutes=index)) for index in range(12)
        ]
        self._reply(tickets[3], self.at(hours=1))
        self._ask(tickets[0], self.at(hours=2))
        contacts = self._card(self.customer, at=self.at(hours=3))["tickets"]["contacts"]
        self.assertEqual(
            [row["id"] for row in contacts],
            [tickets[index].id for index in (0, 3, 11, 10, 9)],
        )

    def test_when_last_spoken_on(self):
        ticket = self._create_ticket(at=self.at())
        self.assertEqual(ticket.csp_last_contact_at, self.at())
        self._reply(ticket, self.at(hours=1))
        self._ask(ticket, self.at(hours=2))
        self._ask(ticket, self.at(hours=3))
        self._move(ticket, self.at(hours=4), self.stage_done)
        self.assertEqual(ticket.csp_last_contact_at, self.at(hours=3))
        with self.assertRaises(AccessError):
            ticket.with_user(self.manager).csp_last_contact_at = self.at()
        with freeze_time(self.at(hours=5)):
            ticket._csp_replay()
        self.assertEqual(ticket.csp_last_contact_at, self.at(hours=3))

    def test_merged_tickets_keep_their_contacts(self):
        """What was said on the ticket that is gone was said all the same."""
        target = self._create_ticket(at=self.at())
        source = self._create_ticket(at=self.at(minutes=1))
        self._ask(source, self.at(hours=1))
        with freeze_time(self.at(hours=2)):
            source._csp_merged_into(target)
            source.active = False
        contacts = self._card(self.customer, at=self.at(hours=3))["tickets"]["contacts"]
        self.assertEqual(
            [row["id"] for row in contacts], [source.id, source.id, target.id]
        )

    def test_opinions(self):
        ticket = self._create_ticket()
        other = self._create_ticket(partner_id=self.stranger.id)
        for record, value, comment, at in (
            (ticket, 5, "Splendid", self.at(days=-400)),
            (ticket, 5, "Quick", self.at(days=-30)),
            (ticket, 3, "", self.at(days=-20)),
            (ticket, 1, "Nobody called back. " * 20, self.at(days=-10)),
            (other, 1, "Of somebody else", self.at(days=-1)),
        ):
            with freeze_time(at):
                self.env["rating.rating"].create(
                    {
                        "res_model_id": self.env["ir.model"]._get_id(record._name),
                        "res_id": record.id,
                        "rating": value,
                        "feedback": comment,
                        "consumed": True,
                        "partner_id": record.partner_id.id,
                    }
                )
        opinions = self._card(self.colleague)["tickets"]["opinions"]
        self.assertEqual((opinions["year_good"], opinions["year_total"]), (1, 3))
        self.assertEqual(
            [(row["grade"], row["word"]) for row in opinions["last"]],
            [("ko", "Unhappy"), ("ok", "Neutral"), ("top", "Happy")],
        )
        self.assertTrue(opinions["last"][0]["comment"].endswith("…"))
        self.assertEqual(opinions["last"][2]["comment"], "Quick")

    def test_complaints(self):
        self._create_ticket(csp_is_complaint=True)
        solved = self._create_ticket(csp_is_complaint=True)
        self._move(solved, self.at(minutes=1), self.stage_done)
        old = self._create_ticket(
            csp_is_complaint=True, csp_received_at=self.at(days=-500)
        )
        self._move(old, self.at(minutes=1), self.stage_done)
        self._create_ticket()
        complaints = self._card(self.customer)["tickets"]["complaints"]
        self.assertEqual(complaints, {"open": 1, "year": 2})

    def test_local_time(self):
        """By the country of the company, since the contact names none."""
        clock = self._card(self.customer, at=self.at(hours=1))["reach"]["clock"]
        self.assertEqual(clock["zones"], ["Europe/Athens"])
        self.assertEqual(clock["verdict"], "good")
        self.env.company.write({"csp_call_from": 660, "csp_call_to": 720})
        clock = self._card(self.customer, at=self.at(hours=1))["reach"]["clock"]
        self.assertEqual(clock["verdict"], "too_early")
        self.assertEqual(clock["next_good"] - clock["now"], 3600)
        self.customer.country_id = self.env.ref("base.us")
        clock = self._card(self.customer, at=self.at(hours=1))["reach"]["clock"]
        self.assertGreater(len(clock["zones"]), 3)
        self.assertEqual(clock["country"], "United States")

    def test_language(self):
        self.customer.lang = "en_US"
        self.assertEqual(self._card(self.customer)["reach"]["language"], "English (US)")

    def test_requests_are_counted_up_to_a_limit(self):
        self._create_ticket()
        self.env.flush_all()
        self._copy_ticket(COUNTED_REQUESTS + 1)
        tickets = self._card(self.customer)["tickets"]
        self.assertEqual(tickets["total"], COUNTED_REQUESTS)
        self.assertTrue(tickets["is_more"])

    def _copy_ticket(self, count):
        """Many tickets of the customer at once."""
        self.env.cr.execute(
            """
            INSERT INTO helpdesk_ticket (
                name, number, description, company_id, partner_id, active, stage_id,
                commercial_partner_id, csp_received_at, csp_last_contact_at,
                csp_waiting_on, csp_seen_state, rating_status
            )
            SELECT name, number || copy, description, company_id, partner_id, active,
                   stage_id, commercial_partner_id, csp_received_at,
                   csp_last_contact_at, csp_waiting_on, csp_seen_state, rating_status
              FROM helpdesk_ticket, generate_series(1, %s) copy
             WHERE partner_id = %s
            """,
            [count, self.customer.id],
        )


class TestCardQueries(CardCommon):
    """The same number of queries, however much there is about a customer."""

    def _queries(self, record):
        """Of three the least: the first one fills caches of the process."""
        counts = []
        for _round in range(3):
            self.env.flush_all()
            self.env.invalidate_all()
            record = record.with_user(self.agent)
            before = self.env.cr.sql_log_count
            record.csp_card_data()
            counts.append(self.env.cr.sql_log_count - before)
        return min(counts)

    def _tickets(self, count):
        return self.env["helpdesk.ticket"].create(
            [
                {
                    "name": f"Request {index}",
                    "description": "x",
                    "partner_id": (self.customer, self.colleague)[index % 2].id,
                    "channel_id": (self.mail, self.phone)[index % 2].id,
                    "csp_is_complaint": not index % 3,
                    "csp_received_at": datetime(2026, 1, 5) + timedelta(hours=index),
                }
                for index in range(count)
            ]
        )

    def test_constant(self):
        ticket = self._tickets(2)[0]
        few = self._queries(ticket), self._queries(self.customer)
        tickets = self._tickets(50)
        for one in tickets[:10]:
            self._reply(one, datetime(2026, 2, 1))
            self.env["rating.rating"].create(
                {
                    "res_model_id": self.env["ir.model"]._get_id(one._name),
                    "res_id": one.id,
                    "rating": 5,
                    "consumed": True,
                }
            )
        self.env["res.partner"].create(
            [
                {"name": f"Contact {index}", "parent_id": self.company_customer.id}
                for index in range(40)
            ]
        )
        many = self._queries(ticket), self._queries(self.customer)
        self.assertLessEqual(many[0] - few[0], 1)
        self.assertLessEqual(many[1] - few[1], 1)
        self.assertLess(max(many), 40)


class TestCardRights(CardCommon):
    """Who learns what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own, cls.team_user, cls.employee, cls.only_agent, cls.portal = (
            new_test_user(cls.env, login, groups=groups)
            for login, groups in (
                ("card_own", "helpdesk_mgmt.group_helpdesk_user_own"),
                ("card_team", "helpdesk_mgmt.group_helpdesk_user_team"),
                ("card_employee", "base.group_user"),
                ("card_agent", "customer_service_plan.group_agent"),
                ("card_portal", "base.group_portal"),
            )
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Ours", "user_ids": (cls.own + cls.team_user).ids}
        )
        cls.other_team = cls.env["helpdesk.ticket.team"].create({"name": "Theirs"})
        vals = {"csp_is_complaint": True, "user_id": False}
        cls.mine = cls._create_ticket(
            **{**vals, "team_id": cls.team.id, "user_id": cls.own.id}
        )
        cls.of_my_team = cls._create_ticket(
            **{**vals, "team_id": cls.team.id, "user_id": cls.team_user.id}
        )
        cls.foreign = cls._create_ticket(
            **vals, team_id=cls.other_team.id, name="Secret matter"
        )
        for ticket in cls.mine + cls.foreign:
            cls.env["rating.rating"].create(
                {
                    "res_model_id": cls.env["ir.model"]._get_id(ticket._name),
                    "res_id": ticket.id,
                    "rating": 1,
                    "feedback": f"About {ticket.number}",
                    "consumed": True,
                }
            )

    def test_only_tickets_of_ones_own(self):
        for user, seen in (
            (self.own, self.mine),
            (self.team_user, self.mine + self.of_my_team),
            (self.agent, self.mine + self.of_my_team + self.foreign),
            (self.manager, self.mine + self.of_my_team + self.foreign),
        ):
            with self.subTest(user=user.login):
                card = self._card(self.customer, user)
                tickets = card["tickets"]
                found = {row["id"] for row in tickets["contacts"]}
                self.assertEqual(found, set(seen.ids))
                self.assertEqual(tickets["total"], len(seen))
                self.assertEqual(tickets["promises"]["open"], len(seen))
                self.assertEqual(tickets["complaints"]["open"], len(seen))
                found = {row["id"] for row in tickets["promises"]["next"]}
                self.assertEqual(found, set(seen.ids))
                rated = {row["id"] for row in tickets["opinions"]["last"]}
                self.assertEqual(rated, set(seen.ids) - set(self.of_my_team.ids))
                if self.foreign not in seen:
                    self.assertNotIn("Secret", json.dumps(card))
                    self.assertNotIn(self.foreign.number, json.dumps(card))

    def test_card_of_a_ticket_one_may_not_see(self):
        with self.assertRaises(AccessError):
            self._card(self.foreign, self.own)
        self.assertTrue(self._card(self.mine, self.own)["partner"])

    def test_outside_the_helpdesk(self):
        """They see a contact, not its tickets."""
        for user in (self.employee, self.only_agent):
            card = self._card(self.customer, user)
            self.assertEqual(card["partner"]["name"], self.customer.name)
            self.assertIs(card["tickets"], False)
            self.assertNotIn(self.mine.number, json.dumps(card))

    def test_customers_see_no_cards(self):
        self.portal.partner_id.parent_id = self.company_customer
        mine = self._create_ticket(partner_id=self.portal.partner_id.id)
        public = self.env.ref("base.public_user")
        for user in (self.portal, public):
            for record in (self.portal.partner_id, mine):
                with self.assertRaises(AccessError):
                    self._card(record, user)

    def test_two_companies(self):
        """Tickets and segments of the company that one is in."""
        branch = self.env["res.company"].create({"name": "Branch"})
        self._create_ticket(
            company_id=branch.id, team_id=False, name="Branch matter", user_id=False
        )
        segments = self.env["csp.segment"].create(
            [
                {"name": "Everywhere", "sequence": 1},
                {"name": "Here", "sequence": 2, "company_id": self.env.company.id},
                {"name": "There", "sequence": 3, "company_id": branch.id},
            ]
        )
        self.customer.csp_segment_ids = segments
        self.manager.company_ids += branch
        for companies, names, count in (
            (self.env.company, ["Everywhere", "Here"], 3),
            (branch, ["Everywhere", "There"], 1),
            (self.env.company + branch, ["Everywhere", "Here"], 4),
        ):
            customer = self.customer.with_context(allowed_company_ids=companies.ids)
            card = self._card(customer, self.manager)
            found = [segment["name"] for segment in card["segments"]["today"]]
            self.assertEqual(found, names)
            self.assertEqual(card["tickets"]["total"], count)
        self.assertNotIn("Branch", json.dumps(self._card(self.customer)))

    def test_contact_one_may_not_see(self):
        """The ticket names its customer; more is not told."""
        branch = self.env["res.company"].create({"name": "Branch"})
        ticket = self._create_ticket(partner_id=self.stranger.id)
        self.stranger.company_id = branch
        card = self._card(ticket)
        self.assertFalse(card["partner"])
        self.assertEqual(card["sender"]["name"], "Stranger")
        self.assertTrue(card["sender"]["linked"])


class TestCardPrivacy(CardCommon):
    """Of the private profile only the wishes how to be reached."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.setUpProfile()
        cls.reader = new_test_user(
            cls.env,
            "card_reader",
            groups="customer_service_plan.group_profile,"
            "helpdesk_mgmt.group_helpdesk_user",
        )
        cls.employee = new_test_user(cls.env, "card_employee", groups="base.group_user")
        cls.ticket = cls._create_ticket()

    def test_nothing_private(self):
        for user in (self.agent, self.employee):
            for record in (self.customer, self.ticket, self.colleague):
                if user == self.employee and record == self.ticket:
                    continue
                told = json.dumps(self._card(record, user))
                for private in (
                    BIRTHDATE,
                    "1957",
                    "60",
                    "female",
                    "Female",
                    "high",
                    "High",
                    EDUCATION,
                    TIER,
                    CRITERION,
                    SOURCE,
                ):
                    with self.subTest(user=user.login, private=private):
                        self.assertNotIn(f'"{private}', told)
                        self.assertNotIn(f" {private}", told)

    def test_wishes_are_told(self):
        reach = self._card(self.ticket)["reach"]
        self.assertEqual(reach["channel"], self.phone.name)
        self.assertEqual(reach["channel_kind"], "phone")
        self.assertEqual(reach["language"], "English (US)")
        self.assertFalse(self._card(self.stranger)["reach"]["channel"])
        # Who does not answer customers need not know.
        reach = self._card(self.customer, self.employee)["reach"]
        self.assertFalse(reach["channel"] or reach["channel_kind"])

    def test_segments_with_reasons(self):
        names = ["Old hands", "Best", "Greeks", "Friends"]
        for user, told in ((self.agent, False), (self.reader, True)):
            today = self._card(self.customer, user)["segments"]["today"]
            self.assertEqual([segment["name"] for segment in today], names)
            reasons = [segment["reason"] for segment in today]
            self.assertEqual(TIER in reasons[1], told)
            self.assertEqual("60" in reasons[0], told)
            self.assertIn("Greece", reasons[2])
            self.assertTrue(reasons[3])

    def test_needs(self):
        """The most important first; the worst is told where segments differ."""
        speed, price = self.env["csp.need"].create(
            [{"name": "Arrives on time", "sequence": 1}, {"name": "Low price"}]
        )
        self.env["csp.segment.need"].create(
            [
                {
                    "segment_id": self.segments[2].id,
                    "need_id": speed.id,
                    "importance": 3,
                    "satisfaction": 4,
                },
                {
                    "segment_id": self.segments[3].id,
                    "need_id": speed.id,
                    "importance": 5,
                    "satisfaction": 2,
                },
                {
                    "segment_id": self.segments[3].id,
                    "need_id": price.id,
                    "importance": 4,
                },
            ]
        )
        needs = self._card(self.ticket)["needs"]
        found = [(row["name"], row["importance"], row["satisfaction"]) for row in needs]
        self.assertEqual(found, [("Arrives on time", 5, 2), ("Low price", 4, False)])
        self.assertEqual(self._card(self.stranger)["needs"], [])

    def test_segments_when_the_ticket_came_in(self):
        self.assertFalse(self._card(self.ticket)["segments"]["at_receipt"])
        friends = self.segments[3].id
        self.customer.write({"csp_segment_ids": [Command.unlink(friends)]})
        for user, can in ((self.agent, False), (self.manager, True)):
            segments = self._card(self.ticket, user)["segments"]
            self.assertEqual(
                segments["at_receipt"], ["Old hands", "Best", "Greeks", "Friends"]
            )
            self.assertEqual(segments["can_match_again"], can)
        with freeze_time(self.at(hours=1)):
            self.ticket.with_user(self.manager).action_csp_match_again()
        self.assertFalse(self._card(self.ticket)["segments"]["at_receipt"])
        self.customer.write({"csp_segment_ids": [Command.link(friends)]})
        self._move(self.ticket, self.at(hours=2), self.stage_done)
        segments = self._card(self.ticket, self.manager)["segments"]
        self.assertEqual(segments["at_receipt"], ["Old hands", "Best", "Greeks"])
        self.assertFalse(segments["can_match_again"])
