import inspect
from functools import partial

from freezegun import freeze_time

from odoo import models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw, get_public_method
from odoo.tests import Form, new_test_user, users
from odoo.tools import mute_logger

from ..models.helpdesk_ticket import FACT_FIELDS
from ..wizards.csp_settings import ADMIN_SETTINGS, SETTINGS
from .common import CspCommon

OPERATIONS = ("read", "write", "create", "unlink")
#: Who is tested: login and groups, from the least to the most powerful.
USERS = {
    "csp_portal": "base.group_portal",
    "csp_employee": "base.group_user",
    "csp_profile_reader": "customer_service_plan.group_profile",
    "csp_only_agent": "customer_service_plan.group_agent",
    "csp_own": "helpdesk_mgmt.group_helpdesk_user_own",
    "csp_team": "helpdesk_mgmt.group_helpdesk_user_team",
    "csp_all": "helpdesk_mgmt.group_helpdesk_user",
    "csp_reviewer": "customer_service_plan.group_reviewer",
    "csp_head": "helpdesk_mgmt.group_helpdesk_manager",
    "csp_manager": "customer_service_plan.group_manager",
}
HELPDESK = {"csp_own", "csp_team", "csp_all", "csp_head", "csp_manager"}
AGENTS = HELPDESK | {"csp_only_agent", "csp_reviewer"}
STAFF = AGENTS | {"csp_employee", "csp_profile_reader"}
#: Per model, who reads it; the manager alone may do the rest, except where named.
READERS = {
    "csp.acknowledgement": STAFF,
    "csp.backtest": {"csp_manager"},
    "csp.backtest.line": {"csp_manager"},
    "csp.backtest.change": {"csp_manager"},
    "csp.backtest.part": {"csp_manager"},
    "csp.policy": AGENTS,
    "csp.policy.version": AGENTS,
    "csp.policy.line": AGENTS,
    "csp.objective": AGENTS,
    "csp.policy.review": HELPDESK,
    "csp.plan": AGENTS,
    "csp.value": AGENTS,
    "csp.segment": STAFF,
    "csp.need": STAFF,
    "csp.segment.need": STAFF,
    "csp.hours": AGENTS,
    "csp.hours.line": AGENTS,
    "csp.hours.exception": AGENTS,
    "csp.commitment": HELPDESK,
    "csp.escalation": HELPDESK,
    "csp.escalation.concern": HELPDESK,
    "csp.escalation.list": HELPDESK,
    "csp.escalation.notice": HELPDESK,
    "csp.escalation.step": HELPDESK,
    "csp.complaint.point": AGENTS,
    "csp.complaint.tick": HELPDESK,
    "csp.ticket.event": HELPDESK,
    "csp.ticket.silence": {"csp_manager"},
    "csp.ticket.step": HELPDESK,
    "csp.pilot": AGENTS,
    "csp.pilot.comment": AGENTS,
    "csp.pilot.criterion": AGENTS,
    "csp.pilot.participation": {"csp_manager"},
    "csp.procedure": AGENTS,
    "csp.quality.calibration": {"csp_reviewer", "csp_manager"},
    "csp.quality.calibration.mark": {"csp_reviewer", "csp_manager"},
    "csp.quality.cause": AGENTS,
    "csp.quality.dispute": AGENTS,
    "csp.quality.dispute.line": AGENTS,
    "csp.quality.sampling.run": {"csp_manager"},
    "csp.quality.sampling.share": {"csp_manager"},
    "csp.scorecard": AGENTS,
    "csp.scorecard.criterion": AGENTS,
    "csp.scorecard.section": AGENTS,
    "csp.procedure.step": AGENTS,
    "csp.standard": AGENTS,
    "csp.coverage": AGENTS,
    "csp.education.level": {"csp_profile_reader"},
    "csp.customer.tier": {"csp_profile_reader"},
    "csp.customer.criterion": {"csp_profile_reader"},
}
#: Where the manager has no part in it: what those named may do.
PRIVATE = {
    "csp.customer.profile": {"csp_profile_reader": set(OPERATIONS)},
    "csp.customer.statement": {"csp_profile_reader": {"read", "write"}},
    # Rules say of whom: the coach, the agent and who leads him, no manager as such.
    "csp.coaching": dict.fromkeys(AGENTS, set(OPERATIONS)),
    "csp.coaching.action": dict.fromkeys(AGENTS, set(OPERATIONS)),
    # Rules and the models themselves say of which reviews, and when.
    "csp.quality.review": {
        **dict.fromkeys(AGENTS, {"read"}),
        "csp_reviewer": {"read", "write", "create"},
        "csp_manager": set(OPERATIONS),
    },
    "csp.quality.review.line": {
        **dict.fromkeys(AGENTS, {"read"}),
        "csp_reviewer": {"read", "write", "create"},
        "csp_manager": {"read", "write", "create"},
    },
    # Users, of which a manager sees and saves what concerns the service plan.
    "csp.staff": {"csp_manager": {"read", "write"}},
}
#: Nobody changes these, whatever his groups.
FACTS = {
    "csp.acknowledgement",
    "csp.backtest.change",
    "csp.backtest.line",
    "csp.backtest.part",
    "csp.commitment",
    "csp.complaint.tick",
    "csp.escalation",
    "csp.escalation.concern",
    "csp.escalation.notice",
    "csp.pilot.comment",
    "csp.pilot.participation",
    "csp.policy.review",
    "csp.quality.dispute",
    "csp.quality.dispute.line",
    "csp.quality.sampling.run",
    "csp.quality.sampling.share",
    "csp.ticket.event",
    "csp.ticket.silence",
    "csp.ticket.step",
    "csp.quality.calibration.mark",
}
#: Dialogs, and what belongs to an import: managers only, except where named.
AGENTS_DIALOGS = {
    "csp.complaint.handover",
    "csp.complaint.step",
    "csp.escalation.try",
    "csp.pilot.decide",
    "csp.pilot.remark",
    "csp.policy.review.decide",
    "csp.promise.why",
    "csp.promise.why.line",
    "csp.ticket.bulk",
    "csp.ticket.close",
    "csp.ticket.escalate",
}
#: Dialogs of who may be named, whatever else he does.
READERS_DIALOGS = {
    "csp.policy.reject",
    "csp.policy.compare",
    "csp.quality.dispute.hand.on",
}


class TestAccessMatrix(CspCommon):
    """Who may do what with each of our models."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = {"public": cls.env.ref("base.public_user")}
        for login, groups in USERS.items():
            if login == "csp_manager":
                cls.people[login] = cls.manager
            else:
                cls.people[login] = new_test_user(cls.env, login, groups=groups)

    def _ours(self):
        return [
            model
            for name, model in self.env.registry.items()
            if name.startswith("csp.") and not model._abstract
        ]

    def test_matrix(self):
        for model in self._ours():
            name = model._name
            for login, user in self.people.items():
                Model = self.env[name].with_user(user)
                may = {op for op in OPERATIONS if Model.has_access(op)}
                if name in FACTS:
                    expected = {"read"} if login in READERS[name] else set()
                elif name in PRIVATE:
                    expected = PRIVATE[name].get(login, set())
                elif name in READERS_DIALOGS:
                    expected = set(OPERATIONS) if login in AGENTS else set()
                elif name in AGENTS_DIALOGS:
                    expected = set(OPERATIONS) if login in HELPDESK else set()
                elif login == "csp_manager":
                    expected = set(OPERATIONS)
                else:
                    expected = {"read"} if login in READERS.get(name, ()) else set()
                with self.subTest(model=name, user=login):
                    self.assertEqual(may, expected)

    def test_public_and_portal_have_no_part_in_it(self):
        """Neither our models nor our fields on tickets, by reading or by searching."""
        self._create_policy([{"match_all": True, "first_response_minutes": 60}])
        portal = self.people["csp_portal"]
        ticket = self._create_ticket(partner_id=portal.partner_id.id)
        mine = self.env["helpdesk.ticket"].with_user(portal).browse(ticket.id)
        self.assertEqual(mine.read(["name"])[0]["name"], ticket.name)
        for name in mine._fields:
            if not name.startswith("csp_"):
                continue
            with self.subTest(field=name):
                self.assertNotIn(name, mine.fields_get())
                with self.assertRaises(AccessError):
                    mine.read([name])
                with self.assertRaises(AccessError):
                    mine.search([(name, "!=", False)])
        with self.assertRaises(AccessError):
            mine.search([("csp_commitment_ids.state", "=", "running")])
        with self.assertRaises(AccessError):
            mine.search([], order="csp_next_deadline")
        with self.assertRaises(AccessError):
            mine.formatted_read_group([], ["csp_next_kind"], ["__count"])
        for login in ("public", "csp_portal"):
            for model in self._ours():
                with self.subTest(user=login, model=model._name):
                    with self.assertRaises(AccessError):
                        self.env[model._name].with_user(self.people[login]).search([])

    def test_portal_reads_no_settings(self):
        """Stages are read by everybody; what they mean to us is not for everybody."""
        portal = self.people["csp_portal"]
        for model in ("helpdesk.ticket.stage", "res.partner", "res.company"):
            found = self.env[model].with_user(portal).fields_get()
            self.assertFalse([name for name in found if name.startswith("csp_")])

    def test_every_public_method_is_known(self):
        """A new public method is a new door: it has to be looked at, and named here."""
        known = {
            "csp.acknowledgement": {
                "action_acknowledge",
                "action_open",
                "action_read_to_end",
                "action_release",
                "action_remind",
                "action_verify",
            },
            "csp.policy": {
                "action_view_acknowledgements",
                "action_review",
                "action_view_reviews",
                "action_new_version",
                "action_open_current_version",
                "action_read_document",
                "action_view_versions",
                "action_open_draft",
                "action_open_coming_version",
                "action_view_promises",
                "action_view_tickets",
            },
            "csp.policy.review": {
                "action_decide",
                "action_open_decision",
                "action_open_target",
                "action_try_on_past",
            },
            "csp.coaching": {
                "action_agree",
                "action_cancel",
                "action_finish",
                "action_replan",
                "action_show",
                "action_view_reviews",
                "get_effect",
            },
            "csp.coaching.action": {
                "action_done",
                "action_not_done",
                "action_open_survey",
            },
            "csp.quality.calibration": {
                "action_agree",
                "action_agree_where_alike",
                "action_back_to_draft",
                "action_compare",
                "action_draw_tickets",
                "action_mark",
                "action_start",
                "csp_results_data",
            },
            "csp.quality.figures": {"csp_figures_data", "csp_figures_reviews"},
            "csp.quality.sampling": {
                "action_pause",
                "action_preview",
                "action_start",
                "action_view_reviews",
                "action_view_runs",
            },
            "csp.quality.sampling.run": {"action_view_reviews"},
            "csp.quality.sampling.share": {"action_view_reviews"},
            "csp.quality.review": {
                "action_acknowledge",
                "action_dispute",
                "action_plan_coaching",
                "action_view_coaching",
                "get_answer",
                "action_done",
                "action_withdraw",
                "get_desk",
                "get_marks",
                "save_comment",
                "save_mark",
            },
            "csp.scorecard": {
                "action_new_version",
                "action_retire",
                "action_use",
                "action_view_reviews",
                "action_view_versions",
            },
            "csp.policy.version": {
                "action_remind_to_sign",
                "action_view_acknowledgements",
                "action_view_missing",
                "action_backtest",
                "action_view_backtests",
                "action_submit",
                "action_read_document",
                "action_approve",
                "action_reject",
                "action_back_to_draft",
                "action_publish",
                "action_open_publish",
                "action_retire",
                "action_try_out",
                "action_new_version",
                "action_view_tickets",
            },
            "csp.plan": {
                "action_back_to_draft",
                "action_end",
                "action_put_in_force",
                "action_review",
                "action_view_policies",
                "action_view_reviews",
            },
            "csp.pilot": {
                "action_comment",
                "action_decide",
                "action_start",
                "action_view_tickets",
                "csp_results_data",
            },
            "csp.backtest": {
                "action_run",
                "action_start",
                "action_run_chunk",
                "action_cancel",
                "action_again",
                "action_open",
                "action_view_changes",
                "action_view_version",
            },
            "csp.backtest.change": {"action_open_ticket"},
            "csp.plan.check": {"csp_check_data"},
            "csp.segment": {
                "action_add_usual_needs",
                "action_recompute",
                "action_view_members",
                "action_view_policies",
                "action_view_tickets",
            },
            "csp.segment.need": {"csp_matrix_data"},
            "csp.quality.dispute": {
                "action_decide",
                "action_hand_on",
                "action_open_review",
            },
            "csp.commitment": {"action_excuse"},
            "csp.escalation": {"action_view_ticket"},
            "csp.escalation.list": {
                "action_dry_run",
                "action_try",
                "action_view_log",
                "action_view_policies",
            },
            "csp.hours": {
                "action_set_week",
                "action_add_holidays",
                "action_copy_schedule",
            },
            "helpdesk.ticket": {
                "action_csp_assign_to_me",
                "action_csp_wait_for_customer",
                "action_csp_complaint_acknowledge",
                "action_csp_complaint_tick",
                "action_csp_mark_complaint",
                "action_csp_match_again",
                "action_csp_no_answer_needed",
                "action_csp_review",
                "action_csp_distribute",
                "action_csp_why",
                "action_csp_apply_todays_policies",
                "action_csp_view_promises",
                "action_csp_view_events",
                "action_csp_escalate",
                "action_csp_take_charge",
                "action_csp_try_escalation",
                "action_csp_view_escalations",
                "csp_complaint_data",
                "csp_card_data",
                "csp_intake_options",
                "csp_log_contact",
                "csp_panel_data",
                "csp_procedure_data",
                "csp_tick_step",
            },
            "res.partner": {
                "action_csp_open_profile",
                "csp_card_data",
                "csp_lookup",
                "csp_segments_why",
            },
            "csp.staff": {"action_back"},
        }
        for name in (
            *READERS,
            *PRIVATE,
            "csp.plan.check",
            "csp.quality.figures",
            "helpdesk.ticket",
            "helpdesk.ticket.channel",
            "res.partner",
        ):
            found = set()
            for cls in type(self.env[name]).mro():
                if not cls.__module__.startswith("odoo.addons.customer_service_plan"):
                    continue
                for method, function in vars(cls).items():
                    if method.startswith("_") or not inspect.isfunction(function):
                        continue
                    if not hasattr(models.BaseModel, method) and not hasattr(
                        self.env["mail.thread"], method
                    ):
                        found.add(method)
            with self.subTest(model=name):
                self.assertEqual(found, known.get(name, set()))

    def test_private_methods_are_out_of_reach(self):
        for name, methods in {
            "helpdesk.ticket": (
                "_csp_sync",
                "_csp_record",
                "_csp_replay",
                "_csp_promise_from_receipt",
                "_csp_take_back_promise",
                "_csp_merged_into",
                "_cron_distribute",
                "_csp_share_out",
            ),
            "csp.commitment": ("_cron_sweep", "_close_dossiers", "_work_batch"),
            "csp.ticket.event": ("_insert",),
            "csp.policy.version": ("_move", "_by_addon", "_cron_take_over"),
            "csp.hours": ("_hours_changed",),
            "csp.customer.profile": ("_absorb", "_gc_past_keeping"),
        }.items():
            for method in methods:
                self.assertTrue(hasattr(self.env[name], method), method)
                with self.assertRaises(AccessError):
                    get_public_method(self.env[name], method)


class TestSettings(CspCommon):
    """What a manager decides for his company, without being an administrator."""

    def _settings(self, user, **vals):
        return self.env["csp.settings"].with_user(user).create(vals)

    def test_all_settings_are_there(self):
        page = self.env["res.config.settings"]._fields
        self.assertEqual(
            {*SETTINGS, *ADMIN_SETTINGS},
            {name for name in page if name.startswith("csp_")},
        )
        self.assertFalse(set(ADMIN_SETTINGS) & self.env["csp.settings"]._fields.keys())
        company = self.env.company
        settings = self._settings(self.manager)
        for name in SETTINGS:
            self.assertEqual(settings[name], company[name], name)

    def test_manager_saves(self):
        Company = self.env["res.company"].with_user(self.manager)
        self.assertFalse(Company.has_access("write"))
        form = Form(self.env["csp.settings"].with_user(self.manager))
        self.assertEqual(form.csp_reopen_grace_days, 7)
        form.csp_reopen_grace_days = 3
        form.csp_closed_reply = "reopen"
        form.csp_resume_on_reply = False
        form.csp_hours_id = self.env["csp.hours"]
        form.save().action_save()
        company = self.env.company
        self.assertEqual(company.csp_reopen_grace_days, 3)
        self.assertEqual(company.csp_closed_reply, "reopen")
        self.assertFalse(company.csp_resume_on_reply)
        self.assertFalse(company.csp_hours_id)

    def test_no_other_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        settings = self._settings(self.manager)
        settings.sudo().write({"company_id": branch.id, "csp_reopen_grace_days": 3})
        with self.assertRaises(AccessError):
            settings.action_save()
        self.assertEqual(branch.csp_reopen_grace_days, 7)
        self.manager.company_ids += branch
        settings.action_save()
        self.assertEqual(branch.csp_reopen_grace_days, 3)
        self.assertEqual(self.env.company.csp_reopen_grace_days, 7)

    def test_no_hours_of_another_company(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        theirs = self.hours.copy({"company_id": branch.id})
        settings = self._settings(self.manager, csp_hours_id=theirs.id)
        with self.assertRaises(ValidationError):
            settings.action_save()

    def test_managers_only(self):
        settings = self._settings(self.manager, csp_reopen_grace_days=3)
        with self.assertRaises(AccessError):
            settings.with_user(self.agent).action_save()


class TestTicketCut(CspCommon):
    """Whoever sees a ticket sees its promises and events, and nobody else does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids += cls.env.ref("helpdesk_mgmt.group_helpdesk_manager")
        cls._create_policy(
            [{"match_all": True, "first_response_minutes": 60}], company_id=False
        )
        cls.other_company = cls.env["res.company"].create({"name": "Branch"})
        cls.own, cls.team_user, cls.all_user, cls.employee = (
            new_test_user(cls.env, login, groups=USERS[login])
            for login in ("csp_own", "csp_team", "csp_all", "csp_employee")
        )
        Team = cls.env["helpdesk.ticket.team"]
        cls.team = Team.create(
            {"name": "Ours", "user_ids": (cls.own + cls.team_user).ids}
        )
        cls.other_team = Team.create(
            {"name": "Theirs", "user_ids": cls.all_user.ids, "company_id": False}
        )
        cls.branch_team = Team.create(
            {"name": "Branch", "company_id": cls.other_company.id}
        )

        def ticket(**vals):
            return cls._create_ticket(**{"user_id": False, "team_id": False, **vals})

        cls.tickets = {
            "mine": ticket(team_id=cls.team.id, user_id=cls.own.id),
            "of nobody in my team": ticket(team_id=cls.team.id),
            "of my colleague": ticket(team_id=cls.team.id, user_id=cls.team_user.id),
            "of another team": ticket(team_id=cls.other_team.id),
            "without team": ticket(),
            "of another company": ticket(team_id=cls.branch_team.id),
            "I am the customer": ticket(
                team_id=cls.other_team.id, partner_id=cls.own.partner_id.id
            ),
            "followed": ticket(team_id=cls.other_team.id),
        }
        cls.tickets["followed"].message_subscribe(
            (cls.own + cls.team_user + cls.employee).partner_id.ids
        )

    def _seen(self, user, model, companies=None):
        Model = self.env[model].with_user(user)
        if companies:
            Model = Model.with_context(allowed_company_ids=companies.ids)
        found = Model.search([])
        if model != "helpdesk.ticket":
            found = found.ticket_id
        return {name for name, ticket in self.tickets.items() if ticket in found}

    def test_same_cut_as_tickets(self):
        expected = {
            self.own: {
                "mine",
                "of nobody in my team",
                "I am the customer",
                "followed",
            },
            self.team_user: {
                "mine",
                "of nobody in my team",
                "of my colleague",
                "without team",
                "followed",
            },
            self.all_user: set(self.tickets) - {"of another company"},
            self.manager: set(self.tickets) - {"of another company"},
        }
        for user, names in expected.items():
            with self.subTest(user=user.login):
                self.assertEqual(self._seen(user, "helpdesk.ticket"), names)
                self.assertEqual(self._seen(user, "csp.commitment"), names)
                self.assertEqual(self._seen(user, "csp.ticket.event"), names)

    def test_no_reading_by_id(self):
        theirs = self.tickets["of another team"]
        for record in (theirs.csp_commitment_ids, theirs.csp_event_ids):
            self.assertTrue(record)
            with self.assertRaises(AccessError):
                record.with_user(self.own).read(["kind"])

    def test_two_companies(self):
        both = self.env.company + self.other_company
        self.all_user.company_ids = both
        for companies, names in (
            (self.other_company, {"of another company"}),
            (both, set(self.tickets)),
        ):
            for model in ("helpdesk.ticket", "csp.commitment", "csp.ticket.event"):
                self.assertEqual(self._seen(self.all_user, model, companies), names)

    def test_company_of_rows_follows_the_ticket(self):
        ticket = self.tickets["without team"]
        rows = ticket.csp_commitment_ids
        with freeze_time(self.at(minutes=5)):
            ticket.company_id = self.other_company
        self.env.flush_all()
        self.assertEqual(rows.company_id, self.other_company)
        self.assertNotIn("without team", self._seen(self.all_user, "csp.commitment"))
        self.assertNotIn("without team", self._seen(self.all_user, "csp.ticket.event"))

    def test_policies_of_another_company(self):
        self.manager.company_ids = self.env.company
        foreign = self._create_policy(
            [{"match_all": True, "first_response_minutes": 60}],
            name="Of the branch",
            company_id=self.other_company.id,
        )
        shared = self.env["csp.policy"].search([("company_id", "=", False)])
        for user in (self.own, self.manager):
            for record in (foreign, foreign.version_ids, foreign.version_ids.line_ids):
                with self.subTest(user=user.login, model=record._name):
                    theirs = record.with_user(user)
                    self.assertFalse(theirs.has_access("read"))
                    with self.assertRaises(AccessError):
                        theirs.read(["display_name"])
            self.assertTrue(shared.with_user(user).has_access("read"))
        for model, vals in (
            ("csp.segment", {"name": "VIP"}),
            ("csp.objective", {"name": "Keep customers"}),
            ("csp.hours", {"name": "Branch", "tz": "UTC"}),
        ):
            record = self.env[model].create(
                {**vals, "company_id": self.other_company.id}
            )
            self.assertFalse(record.with_user(self.manager).has_access("read"), model)
            self.assertTrue(self.env[model].with_user(self.manager).create(vals))

    def test_form_for_whoever_sees_the_ticket(self):
        """Everything that the ticket's form reads can be read by who may open it."""
        ticket = self.tickets["followed"]
        for user in (self.employee, self.own, self.team_user, self.all_user):
            with self.subTest(user=user.login):
                view = (
                    self.env["helpdesk.ticket"]
                    .with_user(user)
                    .get_views([(False, "form")])
                )
                names = view["models"]["helpdesk.ticket"]["fields"]
                shown = ticket.with_user(user).web_read({name: {} for name in names})
                self.assertEqual(shown[0]["name"], ticket.name)

    def test_why_is_for_who_asked(self):
        theirs = self.tickets["of another team"]
        with self.assertRaises(AccessError):
            theirs.with_user(self.own).action_csp_why()
        action = theirs.with_user(self.all_user).action_csp_why()
        why = self.env["csp.promise.why"].browse(action["res_id"])
        self.assertTrue(why.line_ids)
        why.with_user(self.all_user).read(["answer", "line_ids"])
        for record in (why, why.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(self.own).read()

    def test_panel_needs_the_ticket(self):
        theirs = self.tickets["of another team"]
        self.assertEqual(
            len(theirs.with_user(self.all_user).csp_panel_data()["promises"]), 1
        )
        with self.assertRaises(AccessError):
            theirs.with_user(self.own).csp_panel_data()


class TestFactsStand(CspCommon):
    """No door leads to what happened, and to what was promised."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(
            [
                {
                    "match_all": True,
                    "first_response_minutes": 60,
                    "resolution_minutes": 480,
                }
            ]
        )
        cls.segment = cls.env["csp.segment"].create({"name": "VIP"})
        cls.ticket = cls._create_ticket()
        cls.facts = sorted(FACT_FIELDS)

    def _value(self, name):
        """Some other value than the ticket has."""
        field = self.ticket._fields[name]
        if field.type == "datetime":
            return "2030-01-01 00:00:00"
        if field.type in ("integer", "monetary"):
            return 7
        if field.type == "selection":
            return field.get_values(self.env)[-1]
        if field.type == "many2one":
            return self.env[field.comodel_name].search([], limit=1).id or 1
        if field.type in ("one2many", "many2many"):
            return [Command.clear()]
        return "1|1|0|0"

    def _assert_untouched(self):
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self._snapshot(self.ticket), self.before)
        self.assertEqual(self._kinds(self.ticket), ["received", "promised"])

    def setUp(self):
        super().setUp()
        self.before = self._snapshot(self.ticket)

    def test_every_fact_is_listed(self):
        """Every stored csp field of a ticket is a fact, or known not to be one."""
        no_facts = {
            "csp_is_complaint",
            # What the agent decides
            "csp_keep_waiting",
            # Links of other parts of the addon
            "csp_previous_id",
            "csp_following_ids",
            "csp_import_id",
        }
        stored = {
            name
            for name, field in self.ticket._fields.items()
            if name.startswith("csp_") and (field.store or field.type == "one2many")
        }
        self.assertEqual(stored - no_facts, set(self.facts))

    @users("csp_agent", "csp_manager")
    def test_write_and_web_save(self):
        ticket = self.ticket.with_user(self.env.user)
        for record in (ticket, ticket.sudo()):
            for name in self.facts:
                for write in (
                    record.write,
                    lambda vals, record=record: record.web_save(vals, {}),
                    lambda vals, record=record: record.with_context(
                        csp_by_addon=True, csp_history=True
                    ).write(vals),
                ):
                    with self.subTest(field=name, su=record.env.su):
                        with self.assertRaises(AccessError):
                            write({name: self._value(name)})
        self._assert_untouched()

    @users("csp_agent", "csp_manager")
    def test_creation_takes_no_facts(self):
        Ticket = self.env["helpdesk.ticket"].with_user(self.env.user)
        for name in self.facts:
            if name == "csp_received_at":
                continue
            vals = {"name": "x", "description": "x", name: self._value(name)}
            for model in (Ticket, Ticket.sudo()):
                with self.subTest(field=name, su=model.env.su):
                    with self.assertRaises(AccessError):
                        model.create([vals])
                    with self.assertRaises(AccessError):
                        model.browse().web_save(vals, {})

    @users("csp_agent", "csp_manager")
    def test_defaults_give_no_facts(self):
        """Neither in the context nor as somebody's default values."""
        Ticket = self.env["helpdesk.ticket"].with_user(self.env.user)
        plain = self._snapshot(self._create_ticket(user=self.env.user))
        for name in self.facts:
            field = Ticket._fields[name]
            value = self._value(name)
            if field.type == "one2many":
                value = [Command.create({"kind": "resolution"})]
            elif field.type == "many2many":
                value = [Command.link(self.segment.id)]
            with self.subTest(field=name), freeze_time(self.at()):
                try:
                    ticket = Ticket.with_context(**{f"default_{name}": value}).create(
                        {
                            "name": "x",
                            "description": "x",
                            "partner_id": self.customer.id,
                        }
                    )
                except AccessError:
                    continue
                self.assertEqual(self._snapshot(ticket.sudo()), plain)
                self.assertFalse(ticket.sudo().csp_import_ref)
                self.assertFalse(ticket.sudo().csp_segment_ids)

    def test_stored_defaults_give_no_facts(self):
        plain = self._snapshot(self._create_ticket(user=self.agent))
        for name in self.facts:
            if self.ticket._fields[name].type in ("one2many", "many2many"):
                continue
            self.env["ir.default"].set("helpdesk.ticket", name, self._value(name))
        ticket = self._create_ticket(user=self.agent)
        self.assertEqual(self._snapshot(ticket), plain)
        self.assertFalse(ticket.csp_import_ref)
        self.assertEqual(self._kinds(ticket), ["received", "promised"])

    @users("csp_agent", "csp_manager")
    def test_import_changes_no_facts(self):
        Ticket = self.env["helpdesk.ticket"].with_user(self.env.user)
        for name in ("csp_next_deadline", "csp_first_response_at", "csp_reopen_count"):
            result = Ticket.load([".id", name], [[str(self.ticket.id), "7"]])
            self.assertFalse(result["ids"], name)
            result = Ticket.load(
                [".id", name], [[str(self.ticket.id), "2030-01-01 00:00:00"]]
            )
            self.assertFalse(result["ids"], name)
            self.assertTrue(result["messages"])
        self._assert_untouched()

    @users("csp_agent", "csp_manager")
    def test_import_makes_no_facts(self):
        for model in ("csp.commitment", "csp.ticket.event"):
            Model = self.env[model].with_user(self.env.user)
            result = Model.load(
                ["ticket_id/.id", "kind"], [[str(self.ticket.id), "resolution"]]
            )
            self.assertFalse(result["ids"])
        self._assert_untouched()

    @users("csp_agent", "csp_manager")
    def test_rows_and_events(self):
        user = self.env.user
        ticket = self.ticket.with_user(user)
        for record in (ticket.csp_commitment_ids[0], ticket.csp_event_ids[0]):
            field = "state" if record._name == "csp.commitment" else "kind"
            value = "met" if field == "state" else "staff_reply"
            for door in (record, record.sudo()):
                forged = door.with_context(csp_by_addon=True)
                new = [{"ticket_id": ticket.id, field: value}]
                for act in (
                    partial(door.write, {field: value}),
                    partial(door.web_save, {field: value}, {}),
                    door.copy,
                    door.unlink,
                    forged.unlink,
                    partial(door.create, new),
                ):
                    with self.assertRaises(AccessError):
                        act()
        self._assert_untouched()

    @users("csp_agent", "csp_manager")
    def test_by_way_of_other_records(self):
        """One2many commands on whatever leads to tickets or to their rows."""
        row = self.ticket.csp_commitment_ids[:1]
        user = self.env.user
        change = Command.update(
            self.ticket.id, {"csp_next_deadline": "2030-01-01 00:00:00"}
        )
        original = self._create_ticket(user=user)
        self.ticket.duplicate_id = original
        doors = [
            (self.customer, "helpdesk_ticket_ids", change),
            (original, "duplicate_ids", change),
        ]
        for command in (
            Command.update(row.id, {"state": "met"}),
            Command.delete(row.id),
            Command.unlink(row.id),
            Command.clear(),
            Command.create({"kind": "resolution", "state": "met"}),
            Command.set([]),
        ):
            doors.append((self.ticket, "csp_commitment_ids", command))
        for record, field, command in doors:
            with self.subTest(field=field, command=command):
                with self.assertRaises(AccessError):
                    record.with_user(user).sudo().write({field: [command]})
        self.ticket.duplicate_id = False
        self._assert_untouched()

    def test_copy_of_a_ticket_has_its_own_facts(self):
        self._reply(self.ticket, self.at(minutes=5))
        with freeze_time(self.at(hours=2)):
            copy = self.ticket.with_user(self.agent).copy()
        self.assertEqual(copy.csp_received_at, self.at(hours=2))
        self.assertFalse(copy.csp_first_response_at)
        self.assertEqual(self._row(copy, "first_response").state, "running")

    def test_excusing_is_for_managers(self):
        self._sweep(self.at(hours=2))
        row = self._row(self.ticket, "first_response")
        self.assertEqual(row.state, "missed")
        for login, groups in USERS.items():
            if login in ("csp_manager", "csp_portal"):
                continue
            user = new_test_user(self.env, login, groups=groups)
            with self.subTest(user=login):
                with self.assertRaises(AccessError):
                    row.with_user(user).action_excuse("I was at lunch")
                with self.assertRaises(AccessError):
                    self.env["csp.commitment.excuse"].with_user(user).create(
                        {"commitment_ids": row.ids, "reason": "I was at lunch"}
                    )
        with self.assertRaises(AccessError):
            call_kw(
                self.env["csp.commitment"].with_user(self.agent),
                "action_excuse",
                [row.ids, "I was at lunch"],
                {},
            )
        self.assertEqual(row.state, "missed")
        call_kw(
            self.env["csp.commitment"].with_user(self.manager),
            "action_excuse",
            [row.ids, "Fire in the server room"],
            {},
        )
        self.assertEqual(row.state, "excused")
        with self.assertRaises(UserError):
            row.with_user(self.manager).action_excuse("Twice")

    def test_manager_excuses_only_what_he_sees(self):
        branch = self.env["res.company"].create({"name": "Branch"})
        self._create_policy(
            [{"match_all": True, "first_response_minutes": 60}], company_id=branch.id
        )
        ticket = self._create_ticket(company_id=branch.id)
        with freeze_time(self.at(days=3)):
            self.env["csp.commitment"]._bring_up_to_date(ticket.ids)
        row = ticket.csp_commitment_ids
        self.assertEqual(row.state, "missed")
        self.manager.company_ids = self.env.company
        with self.assertRaises(AccessError):
            row.with_user(self.manager).action_excuse("Not ours")
        with self.assertRaises(AccessError):
            ticket.with_user(self.manager).action_csp_match_again()

    def test_acts_of_managers(self):
        """Each action checks for itself: buttons are no protection."""
        version = self.policy.current_version_id
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        reader = new_test_user(
            self.env, "csp_reader", groups="customer_service_plan.group_reviewer"
        )
        for user in (self.agent, reader):
            for record, method in (
                (self.policy, "action_new_version"),
                (draft, "action_submit"),
                (draft, "action_approve"),
                (draft, "action_back_to_draft"),
                (draft, "action_publish"),
                (version, "action_retire"),
                (self.hours, "action_set_week"),
                (self.hours, "action_add_holidays"),
                (self.hours, "action_copy_schedule"),
            ):
                with self.subTest(method=method, user=user.login):
                    with self.assertRaises(AccessError):
                        getattr(record.with_user(user), method)()
        for method in ("action_csp_match_again", "action_csp_apply_todays_policies"):
            with self.assertRaises(AccessError):
                getattr(self.ticket.with_user(self.agent), method)()
        self.assertEqual((version.state, draft.state), ("published", "draft"))

    def test_agents_change_no_rules(self):
        """What decides a promise is for managers, through whatever record."""
        self.policy.action_new_version()
        line = self.policy.draft_version_id.line_ids
        segment = self.env["csp.segment"].create({"name": "VIP"})
        channel = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
        for record, vals in (
            (self.policy, {"sequence": 1}),
            (self.policy, {"active": False}),
            (line, {"first_response_minutes": 600}),
            (self.hours, {"always_open": True}),
            (self.hours.line_ids[0], {"minute_to": 1200}),
            (segment, {"partner_ids": [Command.link(self.customer.id)]}),
            (channel, {"csp_live": True}),
            (self.stage_new, {"csp_waiting_on": "customer"}),
            (self.env.company, {"csp_hours_id": False}),
        ):
            with self.subTest(model=record._name, vals=vals):
                with self.assertRaises(AccessError):
                    record.with_user(self.agent).write(vals)

    def test_segments_of_a_customer_are_for_managers(self):
        """Whoever keeps the address book does not thereby promise more."""
        clerk = new_test_user(
            self.env,
            "csp_clerk",
            groups="base.group_partner_manager,helpdesk_mgmt.group_helpdesk_user",
        )
        Partner = self.env["res.partner"]
        vip = [Command.link(self.segment.id)]
        theirs = self.customer.with_user(clerk)
        theirs.phone = "123"
        for attempt in (
            lambda: theirs.write({"csp_segment_ids": vip}),
            lambda: Partner.with_user(clerk).create(
                {"name": "x", "csp_segment_ids": vip}
            ),
            lambda: (
                Partner.with_user(clerk)
                .with_context(default_csp_segment_ids=vip)
                .create({"name": "x"})
            ),
        ):
            with self.assertRaises(AccessError):
                attempt()
        self.manager.group_ids += self.env.ref("base.group_partner_manager")
        self.customer.with_user(self.manager).csp_segment_ids = self.segment
        self.assertFalse(theirs.copy().csp_segment_ids)
        self.assertEqual(self.customer.csp_segment_ids, self.segment)
        with self.assertRaises(AccessError):
            theirs.csp_segment_ids = False

    def test_giving_a_ticket_away(self):
        """Who may not see the ticket any more after his change, still changes it."""
        own = new_test_user(
            self.env, "csp_own", groups="helpdesk_mgmt.group_helpdesk_user_own"
        )
        ticket = self._create_ticket(user_id=own.id, team_id=False)
        with freeze_time(self.at(minutes=5)):
            ticket.with_user(own).write(
                {"user_id": self.agent.id, "stage_id": self.stage_waiting.id}
            )
        self.env.invalidate_all()
        self.assertFalse(ticket.with_user(own).has_access("read"))
        self.assertEqual(
            self._kinds(ticket), ["received", "promised", "handover", "paused"]
        )
        self.assertEqual(ticket.csp_handover_count, 1)
        self.assertEqual(self._row(ticket, "resolution").state, "paused")

    def test_received_earlier_is_for_managers(self):
        """By whatever way a ticket is made."""
        earlier = "2026-02-27 08:00:00"
        vals = {"name": "x", "description": "x"}
        with freeze_time(self.at()):
            Ticket = self.env["helpdesk.ticket"]
            with self.assertRaises(AccessError):
                Ticket.with_user(self.agent).create(
                    {**vals, "csp_received_at": earlier}
                )
            form = Form(Ticket.with_user(self.agent))
            form.name = form.description = "x"
            self.assertEqual(form.save().csp_received_at, self.at())
            result = Ticket.with_user(self.agent).load(
                ["name", "description", "csp_received_at"], [["x", "x", earlier]]
            )
            self.assertFalse(result["ids"])
            result = Ticket.with_user(self.manager).load(
                ["name", "description", "csp_received_at"], [["x", "x", earlier]]
            )
            ticket = Ticket.browse(result["ids"])
            self.assertEqual(str(ticket.csp_received_at), earlier)

    @mute_logger("odoo.models.unlink")
    def test_deleting_is_left_to_the_helpdesk(self):
        """A ticket takes its facts with it; nothing else does."""
        with self.assertRaises(AccessError):
            self.ticket.with_user(self.agent).unlink()
        events, rows = self.ticket.csp_event_ids, self.ticket.csp_commitment_ids
        self.ticket.with_user(self.manager).unlink()
        self.assertFalse(events.exists() or rows.exists())
