from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, users

from odoo.addons.base.tests.common import BaseCommon

from ..tools.clock import DAY
from ..tools.epoch import to_epoch
from .helpdesk import HelpdeskMixin

# A Wednesday
PUBLISHED = datetime(2026, 11, 4, 7, 0)
RECEIVED = datetime(2026, 11, 4, 9, 0)


def at(hour, minute=0, day=4):
    return datetime(2026, 11, day, hour, minute)


class ScreensCase(HelpdeskMixin, BaseCommon):
    """Office hours from nine to five in UTC; first reply in 4 h, solved in 16 h."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.hours = cls.env["csp.hours"].create(
            {
                "name": "Office",
                "tz": "UTC",
                "line_ids": [
                    Command.create(
                        {"weekday": day, "minute_from": 540, "minute_to": 1020}
                    )
                    for day in "01234"
                ],
            }
        )
        # Who approves a version has tests of its own.
        cls.env.company.write(
            {"csp_hours_id": cls.hours.id, "csp_approval_required": False}
        )
        cls.channel_email.csp_hours_id = False
        cls.vip = cls.env["csp.segment"].create({"name": "VIP"})
        with freeze_time(PUBLISHED):
            cls.policy = cls.env["csp.policy"].create({"name": "Standard"})
            cls.version = cls.policy.version_ids
            cls.version.line_ids = [
                Command.create(
                    {
                        "sequence": 1,
                        "segment_ids": cls.vip.ids,
                        "priority_from": "2",
                        "first_response_minutes": 15,
                    }
                ),
                Command.create(
                    {
                        "sequence": 2,
                        "match_all": True,
                        "first_response_minutes": 240,
                        "next_response_minutes": 120,
                        "resolution_minutes": 960,
                    }
                ),
            ]
            cls.version.action_publish()

    @classmethod
    def receive(cls, moment=RECEIVED, **values):
        with freeze_time(moment):
            return cls.create_ticket(
                channel_id=cls.channel_email.id, user_id=cls.agent.id, **values
            )

    def reply(self, ticket, moment):
        with freeze_time(moment):
            ticket.with_user(self.agent).message_post(
                body="We look at it",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )

    def ask(self, ticket, moment):
        with freeze_time(moment):
            ticket.message_post(
                body="And?",
                author_id=self.customer.id,
                message_type="email",
                subtype_xmlid="mail.mt_comment",
            )

    def panel(self, ticket, moment, user=None):
        with freeze_time(moment):
            return ticket.with_user(user or self.agent).csp_panel_data()

    @staticmethod
    def promise(panel, kind):
        return next(row for row in panel["promises"] if row["kind"] == kind)


class TestPanel(ScreensCase):
    def test_counts_in_opening_time(self):
        ticket = self.receive()
        panel = self.panel(ticket, at(11))
        first = self.promise(panel, "first_response")
        self.assertEqual(first["target"], 4 * 3600)
        self.assertEqual(first["used"], 2 * 3600)
        self.assertTrue(first["runs"])
        self.assertEqual(first["deadline"], to_epoch(at(13)))
        solution = self.promise(panel, "resolution")
        self.assertEqual(solution["deadline"], to_epoch(at(17, day=5)))
        # At night the clock stands still.
        night = self.panel(ticket, at(23))
        self.assertEqual(self.promise(night, "resolution")["used"], 8 * 3600)
        # Overdue in opening time, before any sweep.
        self.assertEqual(self.promise(night, "first_response")["used"], 8 * 3600)

    def test_spans_let_the_client_count_on(self):
        ticket = self.receive()
        panel = self.panel(ticket, at(11))
        spans = panel["hours"][self.hours.id]["spans"]
        self.assertEqual(spans[0], (to_epoch(at(11)), to_epoch(at(17))))
        self.assertEqual(spans[1], (to_epoch(at(9, day=5)), to_epoch(at(17, day=5))))
        self.assertEqual(panel["until"] - panel["now"], 8 * DAY)
        # What the client would show tomorrow at ten is what the server says then.
        later = to_epoch(at(10, day=5))
        counted = sum(
            max(0, min(end, later) - max(start, panel["now"])) for start, end in spans
        )
        used = self.promise(panel, "resolution")["used"] + counted
        then = self.panel(ticket, at(10, day=5))
        self.assertEqual(self.promise(then, "resolution")["used"], used)

    def test_answered_and_paused(self):
        ticket = self.receive()
        self.reply(ticket, at(10))
        with freeze_time(at(10, 30)):
            ticket.with_user(self.agent).stage_id = self.stage_awaiting
        panel = self.panel(ticket, at(16))
        first = self.promise(panel, "first_response")
        self.assertEqual((first["state"], first["ended_at"]), ("met", to_epoch(at(10))))
        solution = self.promise(panel, "resolution")
        self.assertEqual(solution["state"], "paused")
        self.assertFalse(solution["runs"])
        self.assertEqual(solution["used"], 5400)
        self.assertEqual(panel["waiting_on"], "customer")

    def test_no_answer_needed_only_where_it_applies(self):
        ticket = self.receive()
        self.assertFalse(self.panel(ticket, at(9, 30))["can_skip_answer"])
        self.reply(ticket, at(10))
        self.assertFalse(self.panel(ticket, at(10, 30))["can_skip_answer"])
        self.ask(ticket, at(11))
        self.assertTrue(self.panel(ticket, at(11, 30))["can_skip_answer"])
        with freeze_time(at(12)):
            ticket.with_user(self.agent).action_csp_no_answer_needed()
        panel = self.panel(ticket, at(12, 30))
        self.assertFalse(panel["can_skip_answer"])
        self.assertEqual(self.promise(panel, "next_response")["state"], "cancelled")

    def test_latest_of_each_kind(self):
        ticket = self.receive()
        self.reply(ticket, at(10))
        self.ask(ticket, at(11))
        self.reply(ticket, at(12))
        self.ask(ticket, at(14))
        panel = self.panel(ticket, at(15))
        self.assertEqual(
            [row["kind"] for row in panel["promises"]],
            ["first_response", "next_response", "resolution"],
        )
        second = self.promise(panel, "next_response")
        self.assertEqual(second["started_at"], to_epoch(at(14)))

    def test_day_and_night_and_never(self):
        self.env.company.csp_hours_id = False
        ticket = self.receive()
        first = self.promise(self.panel(ticket, at(10)), "first_response")
        self.assertFalse(first["hours"])
        never = self.env["csp.hours"].create({"name": "Gone", "tz": "UTC"})
        self.env.company.csp_hours_id = never
        other = self.receive()
        first = self.promise(self.panel(other, at(10)), "first_response")
        self.assertTrue(first["never_due"])
        self.assertFalse(first["deadline"])

    def test_why_nothing_is_promised(self):
        before = self.receive(PUBLISHED - timedelta(days=1))
        text = self.panel(before, at(10))["no_promise"]
        self.assertIn("no policy fits", text)
        with freeze_time(RECEIVED):
            closed = self.create_ticket(stage_id=self.stage_done.id)
        self.assertIn("without a promise", self.panel(closed, at(10))["no_promise"])
        self.assertFalse(self.panel(self.receive(), at(10))["no_promise"])

    def test_same_number_of_queries_for_a_long_history(self):
        short, long = self.receive(), self.receive()
        for hour in range(10, 16):
            self.ask(long, at(hour))
            self.reply(long, at(hour, 20))
        self.panel(short, at(16))
        counts = []
        for ticket in (short, long):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.panel(ticket, at(16))
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])

    def test_strangers_are_refused(self):
        ticket = self.receive()
        portal = new_test_user(self.env, login="csp-portal", groups="base.group_portal")
        other_company = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = new_test_user(
            self.env,
            login="csp-foreign",
            groups="helpdesk_mgmt.group_helpdesk_user",
            company_id=other_company.id,
            company_ids=[Command.set(other_company.ids)],
        )
        for user in (portal, foreign):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.panel(ticket, at(10), user)
            with self.subTest(user.login), self.assertRaises(AccessError):
                ticket.with_user(user).action_csp_why()

    def test_only_managers_may_excuse(self):
        ticket = self.receive()
        self.assertFalse(self.panel(ticket, at(15))["can_excuse"])
        self.assertTrue(self.panel(ticket, at(15), self.manager)["can_excuse"])


class TestFilters(ScreensCase):
    def find(self, moment, *domain, tz="UTC"):
        with freeze_time(moment):
            tickets = self.env["helpdesk.ticket"].with_user(self.agent)
            tickets = tickets.with_context(tz=tz)
            return tickets.search([("team_id", "=", self.team.id), *domain])

    def test_late_and_at_risk(self):
        ticket = self.receive()
        late, risk = ("csp_is_late", "=", True), ("csp_is_at_risk", "=", True)
        # A quarter of four hours is one hour.
        self.assertFalse(self.find(at(12), risk))
        self.assertEqual(self.find(at(12, 1), risk), ticket)
        self.assertEqual(self.find(at(13), risk), ticket)
        self.assertFalse(self.find(at(13), late))
        second = at(13) + timedelta(seconds=1)
        self.assertEqual(self.find(second, late), ticket)
        self.assertFalse(self.find(second, risk))
        self.assertFalse(self.find(second, ("csp_is_late", "=", False)))
        without = self.receive(PUBLISHED - timedelta(days=1))
        self.assertEqual(self.find(second, ("csp_is_late", "=", False)), without)
        without.active = False
        self.assertEqual(self.find(at(12), ("csp_is_at_risk", "!=", True)), ticket)
        both = ("csp_is_late", "in", [True, False])
        self.assertEqual(self.find(at(12), both), ticket)

    def test_at_risk_is_opening_time(self):
        """Half an hour of work left is urgent the evening before already."""
        ticket = self.receive(at(13, 30))
        risk = ("csp_is_at_risk", "=", True)
        self.assertFalse(self.find(at(16, 30), risk))
        self.assertEqual(self.find(at(16, 31), risk), ticket)
        self.assertEqual(self.find(at(20), risk), ticket)

    def test_fields_agree_with_filters(self):
        tickets = self.env["helpdesk.ticket"]
        for minutes in range(0, 480, 37):
            tickets |= self.receive(RECEIVED + timedelta(minutes=minutes))
        for moment in (at(12, 30), at(13, 40), at(20), at(10, 15, day=5)):
            with freeze_time(moment):
                tickets.invalidate_recordset()
                mine = tickets.with_user(self.agent)
                for name in ("csp_is_late", "csp_is_at_risk"):
                    self.assertEqual(
                        self.find(moment, (name, "=", True)).sorted("id"),
                        mine.filtered(name).sorted("id"),
                        f"{name} {moment}",
                    )

    def test_late_by_opening_time(self):
        ticket = self.receive()
        with freeze_time(at(10, day=5)):
            ticket.invalidate_recordset()
            self.assertEqual(ticket.with_user(self.agent).csp_late_seconds, 5 * 3600)

    def test_one_query_for_a_list(self):
        tickets = self.env["helpdesk.ticket"]
        for _number in range(20):
            tickets |= self.receive()
        self.env.flush_all()
        self.env.invalidate_all()
        tickets[:1].mapped("csp_is_at_risk")
        self.env.invalidate_all()
        with freeze_time(at(12, 30)), self.assertQueryCount(1):
            self.assertTrue(all(tickets.mapped("csp_is_at_risk")))

    def test_ticket_without_promise_comes_last(self):
        late = self.receive()
        without = self.receive(PUBLISHED - timedelta(days=1))
        later = self.receive(at(10))
        order = "csp_next_deadline, priority desc, id desc"
        found = self.env["helpdesk.ticket"].search(
            [("id", "in", (late | without | later).ids)], order=order
        )
        self.assertEqual(found.ids, [late.id, later.id, without.id])

    def test_due_today_is_the_users_day(self):
        ticket = self.receive(at(16))
        due_today = [
            ("csp_next_deadline", ">=", "today"),
            ("csp_next_deadline", "<", "today +1d"),
        ]
        # Due at noon of the fifth, UTC.
        self.assertFalse(self.find(at(16, 30), *due_today))
        self.assertEqual(self.find(at(8, day=5), *due_today), ticket)
        # Where midnight is at ten, and two o'clock at noon.
        tz = "Pacific/Kiritimati"
        self.assertFalse(self.find(at(9, 30, day=5), *due_today, tz=tz))
        self.assertEqual(self.find(at(10, 30, day=5), *due_today, tz=tz), ticket)

    def test_every_filter_of_the_search_view_works(self):
        ticket = self.receive()
        view = ticket.with_user(self.agent).get_view(view_type="search")
        for name in ("csp_late", "csp_at_risk", "csp_due_today", "csp_reopened"):
            self.assertIn(f'name="{name}"', view["arch"])


class TestViews(ScreensCase):
    def test_whoever_may_read_tickets_can_open_them(self):
        """Fields of the service plan go with the rights of who looks."""
        self.receive()
        plain = new_test_user(self.env, login="csp-plain", groups="base.group_user")
        for user in (plain, self.agent, self.manager):
            tickets = self.env["helpdesk.ticket"].with_user(user)
            views = tickets.get_views(
                [(False, kind) for kind in ("list", "form", "kanban", "search")]
            )
            shown = views["models"]["helpdesk.ticket"]["fields"]
            arch = "".join(view["arch"] for view in views["views"].values())
            is_agent = user != plain
            self.assertEqual("csp_service_panel" in arch, is_agent, user.login)
            self.assertEqual('widget="csp_due"' in arch, is_agent, user.login)
            self.assertEqual("csp_is_late" in shown, is_agent, user.login)
            specification = {name: {} for name in shown if name.startswith("csp_")}
            tickets.web_search_read([], specification)

    def test_actions_open(self):
        """Every action of the app has views that its users can load."""
        for name in (
            "csp_policy_action",
            "csp_policy_version_action",
            "csp_objective_action",
            "csp_segment_action",
            "csp_commitment_action",
            "csp_ticket_event_action",
        ):
            action = self.env.ref(f"customer_service_plan.{name}")
            kinds = [*action.view_mode.split(","), "search"]
            for user in (self.agent, self.manager):
                records = self.env[action.res_model].with_user(user)
                views = records.get_views([(False, kind) for kind in kinds])
                self.assertEqual(set(views["views"]), set(kinds))


class TestWhy(ScreensCase):
    def why(self, ticket, user=None):
        action = ticket.with_user(user or self.agent).action_csp_why()
        why = self.env["csp.promise.why"].with_user(user or self.agent)
        return why.browse(action["res_id"])

    def test_lines_in_order_with_the_reason(self):
        self.customer.csp_segment_ids = self.vip
        ticket = self.receive(priority="1")
        why = self.why(ticket)
        first, second = why.line_ids
        self.assertFalse(first.holds)
        self.assertEqual(
            first.reason,
            "Priority: the ticket has Medium, the line wants High and above",
        )
        self.assertTrue(second.holds)
        self.assertIn("First reply in 4 h", why.answer)
        self.assertIn("Office: the default hours of the company", why.hours_text)
        self.assertIn("VIP", why.segment_text)
        self.assertFalse(why.note)

    def test_reason_of_each_condition(self):
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        category = self.env["helpdesk.ticket.category"].create({"name": "Printers"})
        tag = self.env["helpdesk.ticket.tag"].create({"name": "Gold"})
        team = self.env["helpdesk.ticket.team"].create(
            {"name": "Repair", "alias_name": "repair"}
        )
        wanted = {
            "segment": ({"segment_ids": self.vip.ids}, "none, the line wants VIP"),
            "channel": ({"channel_ids": phone.ids}, "the line wants Phone"),
            "category": (
                {"category_ids": category.ids},
                "none, the line wants Printers",
            ),
            "tag": ({"tag_ids": tag.ids}, "none, the line wants Gold"),
            "team": ({"team_ids": team.ids}, "has Service, the line wants Repair"),
            "low": ({"priority_to": "0"}, "has Medium, the line wants Low and below"),
            "range": (
                {"priority_from": "2", "priority_to": "3"},
                "has Medium, the line wants High to Very High",
            ),
            "same": (
                {"priority_from": "2", "priority_to": "2"},
                "has Medium, the line wants High",
            ),
            "complaint": ({"complaint": "only"}, "for complaints only"),
        }
        with freeze_time(PUBLISHED):
            for name, (values, _text) in wanted.items():
                policy = self.env["csp.policy"].create({"name": name, "sequence": 1})
                policy.version_ids.line_ids = [
                    Command.create({"first_response_minutes": 1, **values})
                ]
                policy.version_ids.action_publish()
        why = self.why(self.receive())
        reasons = {line.policy_text.split(",")[0]: line.reason for line in why.line_ids}
        for name, (_values, text) in wanted.items():
            self.assertIn(text, reasons[name], name)

    def test_not_in_force_yet(self):
        with freeze_time(at(12)):
            policy = self.env["csp.policy"].create({"name": "Later", "sequence": 1})
            policy.version_ids.line_ids = [
                Command.create({"match_all": True, "first_response_minutes": 1})
            ]
            policy.version_ids.action_publish()
        why = self.why(self.receive())
        self.assertIn("Not in force then: begins on", why.line_ids[0].reason)
        self.assertTrue(why.line_ids[-1].holds)

    def test_older_than_the_addon(self):
        ticket = self.receive(PUBLISHED - timedelta(days=2))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE helpdesk_ticket SET csp_seen_match = NULL WHERE id = %s",
            (ticket.id,),
        )
        ticket.invalidate_recordset()
        why = self.why(ticket)
        self.assertIn("older than the service plan", why.answer)
        self.assertFalse(why.line_ids)
        with freeze_time(at(12)):
            ticket._csp_promise_from_receipt(self.version)
        why = self.why(ticket)
        self.assertIn("when a manager had it matched again", why.moment_text)
        self.assertTrue(why.line_ids[-1].holds)
        self.assertFalse(why.note)

    def test_applied_to_past_tickets(self):
        with freeze_time(PUBLISHED - timedelta(days=2)):
            ticket = self.create_ticket(stage_id=self.stage_done.id)
        ticket._csp_promise_from_receipt(self.version)
        why = self.why(ticket)
        self.assertIn("A manager applied this version", why.note)
        self.assertTrue(why.line_ids[-1].holds)

    def test_arranged_differently_since(self):
        ticket = self.receive()
        self.policy.active = False
        why = self.why(ticket)
        self.assertIn("It keeps what was promised", why.note)

    def test_policies_of_other_companies_stay_untold(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        with freeze_time(PUBLISHED):
            policy = self.env["csp.policy"].create(
                {"name": "Secret", "sequence": 1, "company_id": other.id}
            )
            policy.version_ids.line_ids = [
                Command.create({"match_all": True, "first_response_minutes": 1})
            ]
            policy.version_ids.action_publish()
        why = self.why(self.receive())
        self.assertNotIn("Secret", " ".join(why.line_ids.mapped("policy_text")))


class TestWizards(ScreensCase):
    def test_publishing(self):
        manager = self.env["csp.policy"].with_user(self.manager)
        policy = manager.create({"name": "New"})
        version = policy.version_ids
        form = Form(
            self.env["csp.policy.publish"]
            .with_user(self.manager)
            .with_context(default_version_id=version.id)
        )
        self.assertTrue(form.is_blocked)
        self.assertIn("no promise in it", str(form.finding_data))
        version.line_ids = [
            Command.create({"match_all": True, "first_response_minutes": 60}),
            Command.create({"complaint": "only", "first_response_minutes": 30}),
        ]
        version.with_user(self.manager).action_open_publish()
        form = Form(
            self.env["csp.policy.publish"]
            .with_user(self.manager)
            .with_context(default_version_id=version.id)
        )
        self.assertFalse(form.is_blocked)
        self.assertIn("can never apply", str(form.finding_data))
        form.change_summary = "The first one"
        wizard = form.save()
        wizard.action_publish()
        self.assertEqual(version.state, "published")
        self.assertEqual(version.change_summary, "The first one")
        self.assertTrue(version.effective_date)

    def test_agents_do_not_publish(self):
        policy = self.env["csp.policy"].create({"name": "New"})
        with self.assertRaises(AccessError):
            self.env["csp.policy.publish"].with_user(self.agent).create(
                {"version_id": policy.version_ids.id}
            )

    def test_excusing_from_a_list(self):
        late, fine = self.receive(), self.receive(at(12))
        with freeze_time(at(14)):
            self.env["csp.commitment"]._bring_up_to_date([late.id, fine.id])
            rows = (late | fine).csp_commitment_ids
            Excuse = self.env["csp.commitment.excuse"].with_context(
                active_model="csp.commitment", active_ids=rows.ids
            )
            with self.assertRaises(AccessError):
                Excuse.with_user(self.agent).create({"reason": "No"})
            wizard = Excuse.with_user(self.manager).create({"reason": " "})
            self.assertEqual(wizard.commitment_ids, self.row(late, "first_response"))
            self.assertEqual(wizard.skipped_count, 3)
            with self.assertRaises(UserError):
                wizard.action_excuse()
            wizard.reason = "Power cut"
            wizard.action_excuse()
        self.assertEqual(self.row(late, "first_response").state, "excused")
        panel = self.panel(late, at(15))
        self.assertEqual(self.promise(panel, "first_response")["excuse"], "Power cut")
        with self.assertRaises(UserError):
            Excuse.with_user(self.manager).create({"reason": "Again"}).action_excuse()

    def test_late_now_is_told_in_the_list_of_promises(self):
        ticket = self.receive()
        with freeze_time(at(15)):
            self.env["csp.commitment"]._bring_up_to_date(ticket.ids)
            self.assertEqual(self.row(ticket, "first_response").late_seconds, 7200)

    @users("csp-manager")
    def test_todays_policies(self):
        ticket = self.receive()
        policy = self.policy.with_user(self.env.user)
        with freeze_time(at(10)):
            policy.action_new_version()
            draft = policy.draft_version_id
            draft.line_ids.filtered("match_all").first_response_minutes = 60
            draft.action_publish()
        with freeze_time(at(11)):
            action = ticket.with_user(self.env.user).action_csp_apply_todays_policies()
        self.assertIn("1 of 1", action["params"]["message"])
        self.assertEqual(ticket.csp_policy_version_id, draft)


class TestPolicyForm(ScreensCase):
    def test_document_in_force(self):
        policy = self.policy.with_user(self.agent)
        with freeze_time(at(12)):
            self.assertEqual(policy.current_line_ids, self.version.line_ids)
            self.assertFalse(policy.coming_version_id)
            self.policy.action_new_version()
            draft = self.policy.draft_version_id
            draft.effective_date = at(0, day=20).date()
            draft.action_publish()
            policy.invalidate_recordset()
            self.assertEqual(policy.coming_version_id, draft)
            self.assertEqual(policy.current_version_id, self.version)

    def test_figures(self):
        kept, missed = self.receive(), self.receive()
        self.reply(kept, at(10))
        self.reply(missed, at(16))
        self.assertEqual(self.policy.ticket_count, 2)
        self.assertEqual(self.policy.kept_count, 1)
        self.assertEqual(self.policy.missed_count, 1)
        self.assertEqual(self.policy.kept_percent, 50)
        self.assertEqual(self.version.ticket_count, 2)

    def test_writing_a_policy_as_a_manager(self):
        form = Form(self.env["csp.policy"].with_user(self.manager))
        form.name = "Written in the form"
        policy = form.save()
        action = policy.action_open_draft()
        self.assertEqual(action["res_id"], policy.draft_version_id.id)
        with Form(policy.draft_version_id) as draft:
            with draft.line_ids.new() as line:
                line.match_all = True
                line.first_response_minutes = 30
        self.assertEqual(policy.draft_version_id.line_ids.first_response_minutes, 30)
