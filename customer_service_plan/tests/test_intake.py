from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import (
    AccessError,
    RedirectWarning,
    UserError,
    ValidationError,
)
from odoo.service.model import call_kw
from odoo.tests import new_test_user

from .common import CspCommon


class IntakeCommon(CspCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = new_test_user(
            cls.env, "csp_own", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        cls.team, cls.other_team = cls.env["helpdesk.ticket.team"].create(
            [{"name": "Ours", "user_ids": cls.own.ids}, {"name": "Theirs"}]
        )
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.email = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        cls.category = cls.env["helpdesk.ticket.category"].create({"name": "Printers"})
        cls.Ticket = cls.env["helpdesk.ticket"]

    def _log(self, user=None, at=None, **values):
        """Save a contact that began four minutes ago."""
        Ticket = self.Ticket.with_user(user or self.own)
        with freeze_time(at or self.at(hours=1)):
            result = Ticket.csp_log_contact(
                {
                    "seconds": 240,
                    "partner_id": self.customer.id,
                    "subject": "No colours",
                    "text": "The printer prints grey only.\n\nSince Monday.",
                    "channel_id": self.phone.id,
                    **values,
                }
            )
        self.env.invalidate_all()
        return result

    def _ticket(self, result):
        return self.Ticket.browse(result["id"])


class TestIntake(IntakeCommon):
    """A contact is taken down by one call, and counts as what it was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "next_response_minutes": 60,
                    "resolution_minutes": 480,
                }
            ]
        )

    def test_what_is_saved(self):
        result = self._log(
            team_id=self.team.id,
            category_id=self.category.id,
            mine=True,
            complaint=True,
        )
        ticket = self._ticket(result)
        self.assertEqual(ticket.name, "No colours")
        self.assertIn("prints grey only", ticket.description)
        self.assertIn("Since Monday", ticket.description)
        self.assertEqual(ticket.partner_id, self.customer)
        self.assertEqual(ticket.partner_email, self.customer.email)
        self.assertEqual(ticket.team_id, self.team)
        self.assertEqual(ticket.category_id, self.category)
        self.assertEqual(ticket.channel_id, self.phone)
        self.assertEqual(ticket.user_id, self.own)
        self.assertEqual(ticket.create_uid, self.own)
        self.assertTrue(ticket.csp_is_complaint)
        end = self.at(hours=1)
        self.assertEqual(ticket.csp_contact_start, end - timedelta(seconds=240))
        self.assertEqual(ticket.csp_contact_end, end)
        self.assertEqual(ticket.csp_contact_seconds, 240)
        self.assertEqual(ticket.csp_received_at, ticket.csp_contact_start)
        self.assertEqual(
            result,
            {
                "id": ticket.id,
                "number": ticket.number,
                "closed": False,
                "visible": True,
                "message": False,
                "next": False,
            },
        )

    def test_live_contact_is_answered(self):
        ticket = self._ticket(self._log(mine=True))
        self.assertEqual(
            self._kinds(ticket)[:3], ["received", "promised", "staff_reply"]
        )
        self.assertEqual(ticket.csp_first_response_at, ticket.csp_contact_start)
        self.assertEqual(self._row(ticket, "first_response").state, "met")
        self.assertEqual(self._row(ticket, "resolution").state, "running")
        letter = self._ticket(self._log(mine=True, channel_id=self.email.id))
        self.assertFalse(letter.csp_first_response_at)

    def test_settled_at_once(self):
        """Answered and solved, with both promises kept and measured."""
        result = self._log(settled=True)
        ticket = self._ticket(result)
        self.assertTrue(result["closed"])
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertEqual(ticket.stage_id, self.stage_done)
        self.assertEqual(ticket.user_id, self.own)
        self.assertEqual(
            self._kinds(ticket), ["received", "promised", "staff_reply", "closed"]
        )
        first, resolution = (
            self._row(ticket, kind) for kind in ("first_response", "resolution")
        )
        self.assertEqual((first.state, resolution.state), ("met", "met"))
        self.assertEqual(first.consumed_seconds, 0)
        self.assertEqual(resolution.consumed_seconds, 240)
        self.assertEqual(ticket.csp_closed_at, ticket.csp_contact_end)
        self.assertEqual(ticket.closed_date, ticket.csp_contact_end)
        self.assertFalse(ticket.csp_next_deadline)

    def test_settled_by_letter(self):
        """Closing as solved counts as the answer."""
        ticket = self._ticket(self._log(settled=True, channel_id=self.email.id))
        self.assertEqual(ticket.csp_first_response_at, ticket.csp_contact_end)
        self.assertEqual(self._row(ticket, "first_response").state, "met")

    def test_who_may_not_close(self):
        """What was taken down stays, whoever refuses to have it closed."""

        def refuse(tickets, vals):
            if "stage_id" in vals:
                raise UserError(tickets.env._("Ask for the serial number first."))
            return write(tickets, vals)

        write = type(self.Ticket).write
        self.patch(type(self.Ticket), "write", refuse)
        result = self._log(settled=True)
        self.assertEqual(result["message"], "Ask for the serial number first.")
        self.assertFalse(result["closed"])
        ticket = self._ticket(result)
        self.assertEqual(ticket.name, "No colours")
        self.assertEqual(ticket.user_id, self.own)
        self.assertEqual(self._row(ticket, "resolution").state, "running")

    def test_what_is_open_before_closing(self):
        """Who refuses may say where to go on."""

        def refuse(tickets, vals):
            if "stage_id" in vals:
                text = tickets.env._("Two steps are open.")
                raise RedirectWarning(text, 7, tickets.env._("See them"), {"a": 1})
            return write(tickets, vals)

        write = type(self.Ticket).write
        self.patch(type(self.Ticket), "write", refuse)
        result = self._log(settled=True)
        self.assertEqual(result["message"], "Two steps are open.")
        self.assertEqual(
            result["next"], {"action": 7, "label": "See them", "context": {"a": 1}}
        )
        self.assertFalse(self._ticket(result).csp_closed_as)

    def test_no_stage_for_it(self):
        closing = self.env["helpdesk.ticket.stage"].search([("closed", "=", True)])
        closing.csp_outcome = "cancelled"
        result = self._log(settled=True)
        self.assertFalse(result["closed"])
        self.assertTrue(result["message"])

    def test_saving_twice_makes_one(self):
        """Two clicks, or a second attempt after the answer to the first was lost."""
        first = self._log(key="one", settled=True)
        again = self._log(key="one", settled=True, at=self.at(hours=1, minutes=2))
        self.assertEqual(first, again)
        self.assertEqual(self.Ticket.search_count([("name", "=", "No colours")]), 1)
        self.assertNotEqual(self._log(key="two")["id"], first["id"])
        added = self._log(key="three", ticket_id=first["id"], user=self.agent)
        notes = len(self._ticket(first).message_ids)
        again = self._log(key="three", ticket_id=first["id"], user=self.agent)
        self.assertEqual(added, again)
        self.assertEqual(len(self._ticket(first).message_ids), notes)

    def test_for_another_team(self):
        """The request reaches its team, of which the agent otherwise sees nothing."""
        with self.assertRaises(AccessError):
            self._create_ticket(
                user=self.own, team_id=self.other_team.id, user_id=False
            )
        result = self._log(team_id=self.other_team.id)
        ticket = self._ticket(result)
        self.assertEqual(ticket.team_id, self.other_team)
        self.assertFalse(ticket.user_id)
        self.assertFalse(result["visible"])
        self.assertFalse(ticket.with_user(self.own).has_access("read"))
        settled = self._log(team_id=self.other_team.id, settled=True)
        self.assertTrue(settled["closed"])

    def test_without_anything(self):
        """No customer, team, category, channel or text."""
        result = self._log(
            partner_id=False, channel_id=False, text=" ", mine=True, subject=" A  b "
        )
        ticket = self._ticket(result)
        self.assertEqual(ticket.name, "A b")
        self.assertFalse(ticket.partner_id or ticket.channel_id or ticket.category_id)
        self.assertTrue(ticket.description)
        with self.assertRaises(UserError):
            self._log(subject="  ")

    def test_text_is_text(self):
        ticket = self._ticket(self._log(mine=True, text="<b>1 < 2</b>\nnext"))
        self.assertIn("&lt;b&gt;1 &lt; 2", ticket.description)

    # === Customers ===

    def test_new_customer(self):
        clerk = new_test_user(
            self.env,
            "csp_clerk",
            groups="helpdesk_mgmt.group_helpdesk_user_own,base.group_partner_manager",
        )
        told = {
            "name": " Nikos  New ",
            "phone": "210 555 4433",
            "email": "nn@x.example",
        }
        ticket = self._ticket(
            self._log(clerk, partner_id=False, customer=told, mine=True)
        )
        partner = ticket.partner_id
        self.assertEqual(partner.name, "Nikos New")
        self.assertEqual(partner.email, "nn@x.example")
        self.assertTrue(partner.phone)
        self.assertEqual(ticket.partner_name, "Nikos New")
        # Somebody else has entered him in the meantime.
        again = self._ticket(
            self._log(
                clerk, partner_id=False, mine=True, customer={"email": "NN@x.example"}
            )
        )
        self.assertEqual(again.partner_id, partner)
        nameless = self._ticket(
            self._log(clerk, partner_id=False, mine=True, customer={"phone": "4711"})
        )
        self.assertEqual(nameless.partner_id.name, "4711")

    def test_who_may_not_create_contacts(self):
        count = self.env["res.partner"].search_count([])
        told = {"name": "Nikos New", "phone": "210 555 4433", "email": "nn@x.example"}
        ticket = self._ticket(self._log(partner_id=False, customer=told, mine=True))
        self.assertFalse(ticket.partner_id)
        self.assertEqual(ticket.partner_name, "Nikos New")
        self.assertEqual(ticket.partner_email, "nn@x.example")
        self.assertIn("210 555 4433", ticket.description)
        self.assertEqual(self.env["res.partner"].search_count([]), count)

    def test_customer_without_email(self):
        self.customer.email = False
        self.assertFalse(self._ticket(self._log(settled=True)).partner_email)

    def test_gone_meanwhile(self):
        gone = self.env["res.partner"].create({"name": "Gone"})
        id_ = gone.id
        gone.unlink()
        with self.assertRaises(UserError):
            self._log(partner_id=id_)
        team = self.other_team.copy()
        team.active = False
        with self.assertRaises(UserError):
            self._log(team_id=team.id)
        ticket = self._create_ticket(user_id=self.own.id, team_id=False)
        id_ = ticket.id
        ticket.unlink()
        with self.assertRaises(UserError):
            self._log(ticket_id=id_)

    # === The same matter again ===

    def test_second_call(self):
        """A note on the ticket, an answered contact, and nobody gets a copy."""
        ticket = self._create_ticket(user_id=self.own.id, team_id=False)
        ticket.message_subscribe(self.customer.ids)
        self._move(ticket, self.at(minutes=5), self.stage_waiting)
        mails = self.env["mail.mail"].search_count([])
        result = self._log(ticket_id=ticket.id, subject="Still grey")
        self.assertEqual(result["id"], ticket.id)
        note = ticket.message_ids.filtered(lambda note: "Still grey" in note.body)
        self.assertEqual(note.subtype_id, self.env.ref("mail.mt_note"))
        self.assertIn("Dimitra Customer", note.body)
        self.assertIn("prints grey only", note.body)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertEqual(ticket.csp_last_contact_at, self.at(hours=1))
        self.assertFalse(ticket.csp_unanswered_since)
        # The customer has come back: nobody waits for him any more.
        self.assertEqual(ticket.csp_waiting_on, "none")
        self.assertFalse(ticket.csp_contact_start)
        kinds = self._kinds(ticket)
        self.assertIn("customer_message", kinds)
        self.assertIn("staff_reply", kinds)

    def test_second_call_tells_the_owner(self):
        ticket = self._create_ticket(user_id=self.agent.id, team_id=self.team.id)
        other = new_test_user(
            self.env, "csp_other", groups="helpdesk_mgmt.group_helpdesk_user"
        )
        self._log(other, ticket_id=ticket.id)
        note = ticket.message_ids[0]
        self.assertEqual(note.notified_partner_ids, self.agent.partner_id)

    def test_second_call_settles(self):
        ticket = self._create_ticket(user_id=self.own.id, team_id=False)
        result = self._log(ticket_id=ticket.id, subject="", settled=True)
        self.assertTrue(result["closed"])
        self.assertEqual(ticket.csp_closed_as, "solved")
        self.assertEqual(self._row(ticket, "resolution").state, "met")

    def test_second_call_by_letter_waits(self):
        ticket = self._create_ticket(user_id=self.own.id, team_id=False)
        self._reply(ticket, self.at(minutes=5), self.own)
        self._log(ticket_id=ticket.id, channel_id=self.email.id)
        self.assertEqual(ticket.csp_unanswered_since, self.at(hours=1))

    # === Options ===

    def test_options(self):
        options = self.Ticket.with_user(self.own).csp_intake_options()
        live = [channel["live"] for channel in options["channels"]]
        self.assertEqual(live, sorted(live, reverse=True))
        self.assertTrue(live[0])
        self.assertEqual(options["teams"][0]["id"], self.team.id)
        self.assertEqual(options["team"], self.team.id)
        self.assertFalse(options["can_create_contact"])
        self.assertEqual(options["channel"], options["channels"][0]["id"])
        self._log(channel_id=self.email.id, mine=True)
        options = self.Ticket.with_user(self.own).csp_intake_options()
        self.assertEqual(options["channel"], self.email.id)
        self.email.active = False
        options = self.Ticket.with_user(self.own).csp_intake_options()
        self.assertEqual(options["channel"], options["channels"][0]["id"])

    def test_queries(self):
        """The same number whatever there is of tickets and contacts."""
        counts = []
        for more in (0, 30):
            self.env["res.partner"].create([{"name": f"More {i}"} for i in range(more)])
            for _i in range(more):
                self._create_ticket()
            self._log(settled=True)
            counts.append(min(self._queries_of_a_contact() for _try in range(3)))
        self.assertEqual(*counts)

    def _queries_of_a_contact(self):
        """Caches of the process that end on their own may cost one now and then."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self._log(settled=True)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before


class TestIntakeDoors(IntakeCommon):
    """Who may do it, and with what."""

    def test_staff_of_the_helpdesk_only(self):
        for login, groups in (
            ("csp_portal", "base.group_portal"),
            ("csp_employee", "base.group_user"),
        ):
            user = new_test_user(self.env, login, groups=groups)
            with self.subTest(user=login):
                for method, args in (
                    ("csp_log_contact", [{"subject": "x"}]),
                    ("csp_intake_options", []),
                ):
                    with self.assertRaises(AccessError):
                        call_kw(self.Ticket.with_user(user), method, args, {})
        public = self.env.ref("base.public_user")
        with self.assertRaises(AccessError):
            call_kw(self.Ticket.with_user(public), "csp_log_contact", [{}], {})

    def test_time_cannot_be_made_up(self):
        for seconds in (-1, 24 * 3600 + 1, "12", None, True, float("nan"), [1]):
            with self.subTest(seconds=seconds), self.assertRaises(ValidationError):
                self._log(seconds=seconds)
        ticket = self._ticket(self._log(mine=True))
        for name, value in (
            ("csp_contact_start", "2020-01-01 00:00:00"),
            ("csp_contact_end", "2030-01-01 00:00:00"),
            ("csp_contact_key", "mine"),
        ):
            with self.subTest(field=name):
                with self.assertRaises(AccessError):
                    ticket.with_user(self.own).write({name: value})
                with self.assertRaises(AccessError):
                    self.Ticket.with_user(self.own).create(
                        {"name": "x", "description": "x", name: value}
                    )
                forged = self.Ticket.with_user(self.own).with_context(
                    **{f"default_{name}": value}
                )
                made = forged.create(
                    {"name": "x", "description": "x", "user_id": self.own.id}
                )
                self.assertFalse(made[name])
        result = self._log(
            mine=True,
            csp_contact_start="2020-01-01 00:00:00",
            csp_received_at="2020-01-01 00:00:00",
            stage_id=self.stage_done.id,
        )
        ticket = self._ticket(result)
        self.assertEqual(ticket.csp_contact_seconds, 240)
        self.assertEqual(ticket.stage_id, self.stage_new)

    def test_only_what_one_may_read(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        theirs = self.env["res.partner"].create(
            {"name": "Theirs", "company_id": branch.id}
        )
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Branch", "company_id": branch.id}
        )
        category = self.env["helpdesk.ticket.category"].create(
            {"name": "Branch", "company_id": branch.id}
        )
        channel = self.phone.copy({"company_id": branch.id})
        other = self._create_ticket(user_id=self.agent.id, team_id=False)
        with self.assertRaises(AccessError):
            self._log(partner_id=theirs.id)
        with self.assertRaises(AccessError):
            self._log(ticket_id=other.id)
        for name, record in (
            ("team_id", team),
            ("category_id", category),
            ("channel_id", channel),
        ):
            with self.subTest(field=name), self.assertRaises(UserError):
                self._log(**{name: record.id})
        # Working in the branch, all of it is there.
        self.own.company_ids += branch
        result = (
            self.Ticket.with_user(self.own)
            .with_context(allowed_company_ids=[branch.id])
            .csp_log_contact(
                {
                    "subject": "There",
                    "seconds": 1,
                    "partner_id": theirs.id,
                    "team_id": team.id,
                    "category_id": category.id,
                    "channel_id": channel.id,
                    "settled": True,
                }
            )
        )
        self.assertEqual(self._ticket(result).company_id, branch)
        self.assertTrue(result["closed"])
        with self.assertRaises(UserError):
            self._log(partner_id=theirs.id)

    def test_keys_of_others_tell_nothing(self):
        """Who guesses another's key learns a number only, and opens nothing."""
        self._log(self.agent, key="secret", team_id=self.other_team.id)
        result = self._log(key="secret")
        self.assertFalse(result["visible"])
