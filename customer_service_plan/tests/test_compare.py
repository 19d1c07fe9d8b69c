from lxml import html

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, new_test_user

from .test_document import DocumentCommon


class TestCompare(DocumentCommon):
    """What is different between two versions, for who approves and who reads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.version.action_publish()
        cls.policy.action_new_version()
        cls.draft = cls.policy.draft_version_id

    def _rendered(self, version=None, base=None):
        version, base = version or self.draft, base or self.version
        return version.with_user(self.agent)._render_comparison(base)

    def _read(self, version=None, base=None):
        root = html.fromstring(str(self._rendered(version, base)))
        return " ".join(root.text_content().split())

    def test_nothing_has_changed(self):
        words = self._read()
        self.assertIn("Both versions say the same.", words)
        self.assertNotIn("What is not named here", words)

    def test_promises(self):
        phone, others = self.draft.line_ids.sorted("sequence")
        phone.write({"first_response_minutes": 30, "goal_percent": 90})
        self.draft.line_ids = [
            Command.create(
                {"sequence": 1, "complaint": "only", "first_response_minutes": 60}
            )
        ]
        words = self._read()
        self.assertIn("+ New Complaints only First reply within: 1 h", words)
        self.assertIn(
            f"~ Changed {self.phone.name} First reply within: before: 15 min → after: "
            "30 min",
            words,
        )
        self.assertIn("Goal: before: 95 % → after: 90 %", words)
        self.assertIn("Unchanged promises: 1", words)
        self.assertIn("− Removed Complaints only", self._read(self.version, self.draft))
        others.unlink()
        self.assertIn("− Removed Any ticket", self._read())

    def test_moved(self):
        phone, others = self.draft.line_ids.sorted("sequence")
        phone.sequence = 9
        words = self._read()
        self.assertIn(f"↕ Moved from place 1 to 2 {self.phone.name}", words)
        self.assertIn("↕ Moved from place 2 to 1 Any ticket", words)

    def test_texts_word_by_word(self):
        self.draft.purpose = "<p>In the <b>harvest</b> every minute counts.</p>"
        root = html.fromstring(str(self._rendered()))
        gone, new = root.xpath("//del"), root.xpath("//ins")
        self.assertEqual([each.text_content() for each in gone], ["−removed: hour"])
        self.assertEqual([each.text_content() for each in new], ["+new: minute"])

    def test_only_formats(self):
        self.draft.purpose = "<p>In the harvest every hour counts.</p>"
        self.assertIn("only formats are different", self._read())

    def test_procedures_and_steps(self):
        procedure = self.draft.procedure_ids
        procedure.goal = "It runs again."
        procedure.step_ids.write({"name": "Ask for its serial number", "note": False})
        procedure.step_ids = [Command.create({"name": "Thank the caller"})]
        words = self._read()
        self.assertIn("~ Changed A machine stands still", words)
        self.assertIn(
            "~ Changed before: Ask for the serial number → after: Ask for its serial "
            "number",
            words,
        )
        self.assertIn("How: before: Below the seat. → after: –", words)
        self.assertIn("+ New Thank the caller", words)
        procedure.unlink()
        self.assertIn("− Removed A machine stands still", self._read())

    def test_only_a_step_has_changed(self):
        self.draft.procedure_ids.step_ids.required = False
        words = self._read()
        self.assertIn("~ Changed A machine stands still", words)
        self.assertIn("Required: before: Yes → after: –", words)

    def test_coverage(self):
        self.draft.coverage_ids.entitlement = "A new one, for half the price."
        words = self._read()
        self.assertIn("~ Changed Wear parts", words)
        self.assertIn("half the price", words)

    def test_late_and_silent(self):
        self.draft.write({"escalation_list_id": False, "close_after_minutes": 0})
        words = self._read()
        self.assertIn(
            "Escalation List: before: Late replies → after: The list of the company",
            words,
        )
        self.assertIn("Then close after: before: 8 h → after: –", words)
        self.assertNotIn("Remind the customer after", words)

    def test_markup_stays_text(self):
        evil = '<img src="x" onerror="alert(1)">'
        self.draft.procedure_ids.goal = evil
        self.draft.procedure_ids.step_ids.name = evil
        self.draft.change_summary = evil
        self.draft.purpose = "<p>&lt;img src=x onerror=alert(1)&gt;</p>"
        root = html.fromstring(str(self._rendered()))
        self.assertFalse(root.xpath("//img"))
        self.assertIn(evil, root.text_content())

    def test_names_of_today_make_no_change(self):
        self.phone.name = "Hotline"
        self.assertIn("Both versions say the same.", self._read())

    def test_what_it_is_compared_with_at_first(self):
        self.assertEqual(self.draft._compared_by_default(), self.version)
        self.assertFalse(self.version._compared_by_default())
        self.draft.action_publish()
        self.policy.action_new_version()
        third = self.policy.draft_version_id
        self.assertEqual(third._compared_by_default(), self.draft)
        self.assertEqual(
            self.draft._compared_by_default(), self.version, "in force itself"
        )

    def test_dialog(self):
        wizard = Form(
            self.env["csp.policy.compare"]
            .with_user(self.agent)
            .with_context(default_version_id=self.draft.id)
        )
        self.assertEqual(wizard.base_version_id, self.version)
        self.assertIn("Both versions say the same.", wizard.comparison)
        other = self._create_policy([{"match_all": True}], name="Other")
        wizard.version_id = other.version_ids
        self.assertFalse(wizard.base_version_id, "there is none before it")
        self.assertFalse(wizard.comparison)

    def test_who_approves_sees_it_first(self):
        self.draft.line_ids[0].first_response_minutes = 30
        self.assertFalse(self.draft.comparison)
        self.draft.action_submit()
        self.assertIn("30 min", self.draft.comparison)
        first = self._create_policy(
            [{"match_all": True}], name="First", publish=False
        ).draft_version_id
        first.action_submit()
        self.assertFalse(first.comparison, "there is nothing before it")

    def test_other_companies_do_not_read_it(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = new_test_user(
            self.env,
            "csp_stranger",
            groups="customer_service_plan.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        with self.assertRaises(AccessError):
            self.draft.with_user(stranger)._render_comparison(self.version)
        own = self.env["csp.policy"].with_user(stranger).create({"name": "Theirs"})
        with self.assertRaises(AccessError):
            own.draft_version_id._render_comparison(self.version)
