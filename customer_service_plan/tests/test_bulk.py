from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from .common import CspCommon


class TestBulk(CspCommon):
    """Many tickets at once, by an agent of a small team."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["csp.policy"].search([]).active = False
        cls.own, cls.colleague = (
            new_test_user(
                cls.env, login, groups="helpdesk_mgmt.group_helpdesk_user_own"
            )
            for login in ("csp_bulk_own", "csp_bulk_colleague")
        )
        cls.team = cls.env["helpdesk.ticket.team"].create(
            {"name": "Service", "user_ids": (cls.own + cls.colleague).ids}
        )
        cls.other_team = cls.env["helpdesk.ticket.team"].create({"name": "Other"})
        cls.tickets = cls.env["helpdesk.ticket"]
        for number in range(6):
            cls.tickets += cls._create_ticket(
                name=f"Ticket {number}", team_id=cls.team.id, user_id=False
            )

    def _wizard(self, tickets=None, user=None, **values):
        tickets = self.tickets if tickets is None else tickets
        return (
            self.env["csp.ticket.bulk"]
            .with_user(user or self.own)
            .with_context(active_model="helpdesk.ticket", active_ids=tickets.ids)
            .create(values)
        )

    def test_only_what_is_filled_in(self):
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Urgent"})
        self.tickets[0].priority = "3"
        action = self._wizard(
            stage_id=self.stage_progress.id, assign="me"
        ).action_apply()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(self.tickets.stage_id, self.stage_progress)
        self.assertEqual(self.tickets.user_id, self.own)
        self.assertEqual(set(self.tickets.mapped("priority")), {"3", "1"})
        self._wizard(priority="2", tag_ids=tag.ids, complaint="yes").action_apply()
        self.assertEqual(set(self.tickets.mapped("priority")), {"2"})
        self.assertEqual(self.tickets.tag_ids, tag)
        self.assertTrue(all(self.tickets.mapped("csp_is_complaint")))
        self.assertEqual(self.tickets.user_id, self.own)

    def test_hand_back(self):
        self.tickets.user_id = self.own
        self._wizard(assign="nobody").action_apply()
        self.assertFalse(self.tickets.user_id)

    def test_nothing_filled_in(self):
        with self.assertRaisesRegex(UserError, "Fill in"):
            self._wizard().action_apply()

    def test_says_whose_tickets(self):
        baker = self.env["res.partner"].create({"name": "Baker"})
        self.tickets[4:].partner_id = baker
        with Form(
            self.env["csp.ticket.bulk"]
            .with_user(self.own)
            .with_context(active_model="helpdesk.ticket", active_ids=self.tickets.ids)
        ) as form:
            self.assertEqual(
                form.summary, "Tickets: 6. Customers: Dimitra Customer (4), Baker (2)"
            )

    def test_refused_ones_are_named(self):
        """The others are changed all the same."""
        foreign = self._create_ticket(team_id=self.other_team.id, user_id=self.own.id)
        foreign.user_id = self.own
        theirs = self._create_ticket(
            team_id=self.other_team.id, user_id=False, name="Not mine"
        )
        theirs.message_subscribe(self.own.partner_id.ids)
        wizard = self._wizard(self.tickets + foreign + theirs, assign="me")
        action = wizard.action_apply()
        self.assertEqual(action["res_id"], wizard.id)
        self.assertEqual(self.tickets.user_id, self.own)
        self.assertFalse(theirs.user_id)
        self.assertEqual(wizard.changed_count, 6)
        self.assertEqual(wizard.refused_count, 2)
        self.assertIn("Not mine", wizard.sudo().refused_text)
        self.assertIn("is not in its team, Other", wizard.refused_text)

    def test_stage_of_another_team(self):
        stage = self.stage_progress.copy({"team_ids": self.other_team.ids})
        wizard = self._wizard(self.tickets[0], stage_id=stage.id)
        wizard.action_apply()
        self.assertIn("is no stage of its team", wizard.refused_text)
        self.assertEqual(self.tickets[0].stage_id, self.stage_new)

    def test_one_write_for_all(self):
        """What is refused costs halving, what is not costs nothing more."""

        def queries(tickets):
            wizard = self._wizard(tickets, priority="2")
            self.env.flush_all()
            before = self.cr.sql_log_count
            wizard.action_apply()
            self.env.flush_all()
            return self.cr.sql_log_count - before

        queries(self.tickets[0])
        self.tickets.priority = "1"
        self.env.flush_all()
        few = queries(self.tickets[:2])
        self.tickets.priority = "1"
        self.env.flush_all()
        self.assertLessEqual(queries(self.tickets), few)

    def test_assign_to_me(self):
        self.tickets.with_user(self.own).action_csp_assign_to_me()
        self.assertEqual(self.tickets.user_id, self.own)
        foreign = self._create_ticket(team_id=self.other_team.id, user_id=False)
        with self.assertRaisesRegex(UserError, "not in the team"):
            foreign.with_user(self.agent).action_csp_assign_to_me()
        with self.assertRaises(AccessError):
            self.tickets.with_user(self.colleague).action_csp_assign_to_me()

    def test_wait_for_customer(self):
        mine = self.tickets.with_user(self.own)
        mine.action_csp_wait_for_customer()
        self.assertEqual(self.tickets.stage_id, self.stage_waiting)
        self.assertEqual(set(self.tickets.mapped("csp_waiting_on")), {"customer"})
        mine.action_csp_wait_for_customer()
        mine[0].stage_id = self.stage_done
        with self.assertRaisesRegex(UserError, "is closed"):
            mine.action_csp_wait_for_customer()

    def test_no_stage_waits(self):
        self.stage_waiting.csp_waiting_on = "none"
        with self.assertRaisesRegex(UserError, "waits for the customer"):
            self.tickets.with_user(self.own).action_csp_wait_for_customer()

    def test_escaped(self):
        self.tickets[0].write({"name": "<b>bold</b>", "team_id": self.other_team.id})
        self.tickets[0].message_subscribe(self.own.partner_id.ids)
        wizard = self._wizard(self.tickets[0], assign="me")
        wizard.action_apply()
        self.assertNotIn("<b>", wizard.refused_text)
