from freezegun import freeze_time
from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.protected import BY_ADDON
from .common import CspCommon

REPORT = "customer_service_plan.report_policy_version"


class DocumentCommon(CspCommon):
    """A policy that says something of everything, as a draft."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.name = "Harvest Machines"
        cls.phone = cls.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        cls.phone.csp_hours_id = False
        cls.greeting = cls.env["csp.standard"].create(
            {"name": "Say your name", "description": "First and last."}
        )
        cls.escalation = cls.env["csp.escalation.list"].create(
            {
                "name": "Late replies",
                "step_ids": [
                    Command.create(
                        {
                            "trigger": "after",
                            "action": "notify",
                            "recipients": "team_leader",
                            "note": "Answer at once.",
                        }
                    )
                ],
            }
        )
        objective = cls.env["csp.objective"].create(
            {"name": "Nobody waits overnight", "reason": "Who waits goes elsewhere."}
        )
        cls.policy = cls.env["csp.policy"].create(
            {
                "name": "Harvest",
                "code": "SP-9",
                "owner_id": cls.manager.id,
                "objective_ids": [Command.set(objective.ids)],
            }
        )
        cls.version = cls.policy.draft_version_id
        cls.version.write(
            {
                "purpose": "<p>In the <b>harvest</b> every hour counts.</p>",
                "change_summary": "Telephone calls are answered faster.",
                "escalation_list_id": cls.escalation.id,
                "remind_after_minutes": 960,
                "close_after_minutes": 480,
                "line_ids": [
                    Command.create(
                        {
                            "sequence": 1,
                            "channel_ids": [Command.set(cls.phone.ids)],
                            "first_response_minutes": 15,
                            "resolution_minutes": 240,
                            "goal_percent": 95,
                        }
                    ),
                    Command.create({"sequence": 2, "match_all": True}),
                ],
                "procedure_ids": [
                    Command.create(
                        {
                            "name": "A machine stands still",
                            "goal": "It runs again, or a unit on loan is there.",
                            "standard_ids": [Command.set(cls.greeting.ids)],
                            "step_ids": [
                                Command.create(
                                    {
                                        "name": "Ask for the serial number",
                                        "note": "Below the seat.",
                                        "required": True,
                                    }
                                )
                            ],
                        }
                    )
                ],
                "coverage_ids": [
                    Command.create(
                        {
                            "name": "Wear parts",
                            "duration_months": 24,
                            "entitlement": "A new one, free of charge.",
                            "how_to": "Send the invoice.",
                            "condition": "Not after the season.",
                        }
                    )
                ],
            }
        )

    def _publish(self, version=None):
        with freeze_time(self.at()):
            (version or self.version).action_publish()

    def _words(self, markup):
        return " ".join(html.fromstring(str(markup)).text_content().split())

    def _page(self, version, user=None):
        reports = self.env["ir.actions.report"].with_user(user or self.agent)
        page, kind = reports._render_qweb_html(REPORT, version.ids)
        self.assertEqual(kind, "html")
        return self._words(page.decode())


class TestDocument(DocumentCommon):
    """What staff read and sign is a text that nobody changes afterwards."""

    def test_says_everything(self):
        self._publish()
        words = self._words(self.version.document)
        for text in (
            "Harvest Machines · SP-9",
            "Harvest Version 1",
            "In force from March 2, 2026",
            f"Owner {self.manager.name}",
            "Purpose In the harvest every hour counts.",
            "Nobody waits overnight – Who waits goes elsewhere.",
            f"{self.phone.name} First reply within: 15 min",
            "Solved within: 4 h Goal: 95 % Counted in: Hours of the channel",
            "Any ticket Nothing promised",
            "Office hours:",
            "(Europe/Athens)",
            "A machine stands still For: Every contact",
            "Goal of the contact: It runs again, or a unit on loan is there.",
            "Ask for the serial number (required) Below the seat.",
            "How we behave Say your name – First and last.",
            "Wear parts",
            "The customer is entitled to: A new one, free of charge.",
            "How he gets it: Send the invoice.",
            "Only if: Not after the season.",
            "Escalation list: Late replies",
            "As soon as a promise was missed: Tell people: Answer at once. "
            "(Team leader)",
            "not answered our question for 16 h of opening time is reminded. If there "
            "is no answer for another 8 h, the ticket is closed.",
            "What changed Telephone calls are answered faster.",
        ):
            self.assertIn(text, words)

    def test_who_must_read_it(self):
        self.assertNotIn(
            "Who must read it", self._words(self.version._render_document())
        )
        team = self.env["helpdesk.ticket.team"].create({"name": "Field service"})
        self.policy.write(
            {
                "audience_team_ids": [Command.set(team.ids)],
                "audience_user_ids": [Command.set(self.agent.ids)],
            }
        )
        words = self._words(self.version._render_document())
        self.assertIn("Everybody in the teams Field service", words)
        self.assertIn(self.agent.name, words)

    def test_hours_are_those_that_promises_run_on(self):
        standby = self.env["csp.hours"].create(
            {"name": "Standby", "tz": "UTC", "always_open": True}
        )
        self.version.line_ids[0].hours_id = standby
        words = self._words(self.version._render_document())
        self.assertIn("Standby: Open day and night", words)
        self.assertNotIn("Office hours", words, "nothing is promised in them")

    def test_later_names_change_nothing(self):
        self._publish()
        kept = self.version.document
        self.phone.name = "Hotline"
        self.greeting.write({"name": "Be friendly", "description": "Smile."})
        self.manager.name = "Somebody Else"
        self.hours.name = "Day shift"
        self.escalation.step_ids.note = "Do not hurry."
        self.policy.name = "Mowing"
        self.env.invalidate_all()
        self.assertEqual(self.version.document, kept)
        page = self._page(self.version)
        self.assertIn("Say your name", page)
        self.assertNotIn("Be friendly", page)
        self.assertIn("Be friendly", self._words(self.version._render_document()))

    def test_nobody_writes_it(self):
        mine = self.version.with_user(self.manager)
        text = {"document": "<p>Forged</p>"}
        with self.assertRaises(UserError):
            mine.write(text)
        with self.assertRaises(UserError):
            mine.update_field_translations("document", {"en_US": "<p>Forged</p>"})
        with self.assertRaises(UserError):
            self.policy.with_user(self.manager).version_ids = [
                Command.update(self.version.id, text)
            ]
        policies = self.env["csp.policy"].with_user(self.manager)
        policy = policies.with_context(default_document="<p>Forged</p>").create(
            {"name": "New"}
        )
        self.assertFalse(policy.draft_version_id.document)
        self._publish()
        with self.assertRaises(UserError):
            mine.write(text)
        mine.action_new_version()
        self.assertFalse(self.policy.draft_version_id.document)

    def test_every_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        french = self.version.with_context(lang="fr_FR")
        french.policy_id.name = "La moisson"
        french.procedure_ids.step_ids.name = "Demander le numéro"
        self._publish()
        self.assertIn("Demander le numéro", self._words(french.document))
        self.assertIn("La moisson", self._words(french.document))
        english = self._words(self.version.with_context(lang="en_US").document)
        self.assertIn("Ask for the serial number", english)
        self.agent.lang = "fr_FR"
        reports = self.env["ir.actions.report"].with_user(self.agent)
        page, _kind = reports.with_context(lang="fr_FR")._render_qweb_html(
            REPORT, self.version.ids
        )
        self.assertIn("Demander le numéro", page.decode())

    def test_next_version_keeps_every_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        french = self.version.with_context(lang="fr_FR")
        english = "In the <b>harvest</b> every hour counts."
        self.version.update_field_translations(
            "purpose", {"fr_FR": {english: "Chaque heure compte."}}
        )
        self.version.procedure_ids.step_ids = [
            Command.create({"name": "Greet the caller", "sequence": 1})
        ]
        first, second = french.procedure_ids.step_ids.sorted("sequence")
        first.name = "Saluer"
        second.name = "Demander le numéro"
        french.coverage_ids.name = "Pièces d'usure"
        self._publish()
        self.policy.with_user(self.manager).action_new_version()
        draft = self.policy.draft_version_id.with_context(lang="fr_FR")
        self.assertEqual(draft.purpose, "<p>Chaque heure compte.</p>")
        steps = draft.procedure_ids.step_ids.sorted("sequence")
        self.assertEqual(steps.mapped("name"), ["Saluer", "Demander le numéro"])
        self.assertEqual(draft.coverage_ids.name, "Pièces d'usure")
        english = draft.with_context(lang="en_US")
        self.assertIn("every hour counts", english.purpose)
        self.assertEqual(
            english.procedure_ids.step_ids.sorted("sequence").mapped("name"),
            ["Greet the caller", "Ask for the serial number"],
        )
        self.assertFalse(draft.html_field_history_metadata)

    def test_adopting_what_was_tried_keeps_its_words(self):
        with freeze_time(self.at()):
            self.version.sudo().action_submit()
            self.version.sudo().action_approve()
            self.version._start_pilot()
        self.assertIn("On trial since", self._words(self.version.document))
        self.assertIn("On trial", self._page(self.version))
        self.phone.name = "Hotline"
        with freeze_time(self.at(days=14)):
            decided = self.version.with_context(csp_trial_decided=BY_ADDON)
            decided.action_publish("It went well.")
        words = self._words(self.version.document)
        self.assertIn("In force from March 16, 2026", words)
        self.assertNotIn("On trial", words)
        self.assertNotIn("Hotline", words)
        self.assertEqual(words.count("In force from"), 1)

    def test_page_says_whom_it_binds(self):
        self.assertIn("Draft – binds nobody yet", self._page(self.version))
        with freeze_time(self.at()):
            self.version.effective_date = self.at(days=30).date()
            self.version.action_publish()
            page = self._page(self.version)
        self.assertIn("Comes into force on April 1, 2026", page)
        with freeze_time(self.at(days=31)):
            self.assertNotIn("Comes into force", self._page(self.version))
            self.version.action_retire()
            self.assertIn("Out of force since April 2, 2026", self._page(self.version))

    def test_pages_of_several(self):
        other = self._create_policy([{"match_all": True}], name="Other")
        page = self._page(self.version | other.version_ids)
        self.assertIn("Harvest", page)
        self.assertIn("Other", page)

    def test_button_opens_the_page_itself(self):
        action = self.version.with_user(self.agent).action_read_document()
        self.assertEqual(action["type"], "ir.actions.report")
        self.assertEqual(action["report_type"], "qweb-html")
        self.assertEqual(action["context"]["active_ids"], self.version.ids)

    def test_markup_in_names_stays_text(self):
        evil = "<script>alert(1)</script><b>x</b>"
        self.policy.name = evil
        self.version.change_summary = evil
        self.version.procedure_ids.step_ids.note = evil
        self._publish()
        root = html.fromstring(self.version.document)
        self.assertFalse(root.xpath("//script"))
        self.assertIn(evil, root.text_content())

    def test_other_companies_do_not_read_it(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self._publish()
        theirs = self.version.with_user(stranger)
        with self.assertRaises(AccessError):
            theirs._render_document()
        with mute_logger("odoo.http"), self.assertRaises(AccessError):
            self._page(self.version, user=stranger)


class TestOverview(DocumentCommon):
    """Lists of versions say where each one stands, and what waits for whom."""

    def _waiting(self, user):
        versions = self.env["csp.policy.version"].with_user(user)
        return versions.search([("may_approve", "=", True)])

    def test_words_for_each_state(self):
        self.assertEqual(self.version.state_text, "Draft")
        with freeze_time(self.at()):
            self.version.effective_date = self.at(days=30).date()
            self.version.action_publish()
            self.assertTrue(self.version.is_coming)
            self.assertEqual(self.version.state_text, "From April 1, 2026")
        self.env.invalidate_all()
        with freeze_time(self.at(days=31)):
            self.assertFalse(self.version.is_coming)
            self.assertEqual(self.version.state_text, "In force")

    def test_waiting_for_my_approval(self):
        other = new_test_user(
            self.env, "csp_other", groups="customer_service_plan.group_manager"
        )
        mine = self.version.with_user(self.manager)
        self.assertFalse(self._waiting(other))
        mine.change_summary = "New words."
        mine.action_submit()
        self.assertEqual(self._waiting(other), self.version)
        self.assertFalse(self._waiting(self.manager), "he has written in it")
        none = self.env["csp.policy.version"].with_user(other)
        self.assertNotIn(self.version, none.search([("may_approve", "=", False)]))

    def test_policy_opens_what_is_in_force(self):
        self._publish()
        self.policy.action_new_version()
        action = self.policy.with_user(self.agent).action_read_document()
        self.assertEqual(action["context"]["active_ids"], self.version.ids)


class TestEarlierTexts(DocumentCommon):
    """What the purpose of a draft said before can be read and taken back."""

    def _texts(self, version):
        """The texts that are offered, newest first."""
        version.invalidate_recordset()
        metadata = (version.html_field_history_metadata or {}).get("purpose", [])
        return [
            version.html_field_history_get_content_at_revision(
                "purpose", revision["revision_id"]
            )
            for revision in metadata
        ]

    def test_earlier_texts(self):
        mine = self.version.with_user(self.manager)
        mine.purpose = "<p>Two.</p>"
        mine.purpose = "<p>Three.</p>"
        self.assertEqual(
            self._texts(mine)[:2],
            ["<p>Two.</p>", "<p>In the <b>harvest</b> every hour counts.</p>"],
        )
        newest = mine.html_field_history_metadata["purpose"][0]
        self.assertEqual(newest["create_uid"], self.manager.id)
        mine.purpose = self._texts(mine)[1]
        self.assertEqual(self._texts(mine)[0], "<p>Three.</p>", "nothing is lost")

    def test_each_language_has_its_own(self):
        """Also where an ordinary write in another one changes its text."""
        self.env["res.lang"]._activate_lang("fr_FR")
        english = self.version.with_context(lang="en_US")
        french = self.version.with_context(lang="fr_FR")
        english.purpose = "<p>One.</p>"
        self.version.update_field_translations("purpose", {"fr_FR": {"One.": "Un."}})
        english.purpose = "<p>One.</p><p>Two.</p>"
        self.assertEqual(french.purpose, "<p>Un.</p><p>Two.</p>")
        self.assertEqual(self._texts(english)[0], "<p>One.</p>")
        self.assertEqual(len(self._texts(english)), 3, "with the empty one")
        self.assertEqual(self._texts(french)[:2], ["<p>Un.</p>", "<p>One.</p>"])
        self.assertEqual(len(self._texts(french)), 3)

    def test_nobody_writes_or_forges_it(self):
        mine = self.version.with_user(self.manager)
        forged = {"purpose": [{"revision_id": 1, "patch": "", "create_uid": 1}]}
        for values in (
            {"html_field_history": forged},
            {"purpose_history": {"en_US": forged["purpose"]}},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                mine.write(values)
            with self.subTest(values=values), self.assertRaises(UserError):
                mine.create({"policy_id": self.policy.id, **values})
        policies = self.env["csp.policy"].with_user(self.manager)
        policy = policies.with_context(
            default_html_field_history=forged,
            default_purpose_history={"en_US": forged["purpose"]},
        ).create({"name": "New"})
        self.assertFalse(policy.draft_version_id.html_field_history)

    def test_frozen_with_the_text(self):
        self.version.purpose = "<p>Two.</p>"
        self._publish()
        before = self.version.purpose_history
        mine = self.version.with_user(self.manager)
        with self.assertRaises(UserError):
            mine.purpose = "<p>Three.</p>"
        with self.assertRaises(UserError):
            mine.html_field_history = {}
        self.version.invalidate_recordset()
        self.assertEqual(self.version.purpose_history, before)

    def test_next_version_begins_anew(self):
        self.version.purpose = "<p>Two.</p>"
        self._publish()
        self.policy.action_new_version()
        draft = self.policy.draft_version_id
        self.assertEqual(draft.purpose, "<p>Two.</p>")
        self.assertFalse(draft.html_field_history_metadata)
