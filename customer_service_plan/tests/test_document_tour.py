from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestDocumentTour(HttpCase):
    """The pages of a version in the browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.author, cls.approver = (
            new_test_user(cls.env, login, groups="customer_service_plan.group_manager")
            for login in ("csp_author", "csp_approver")
        )
        cls.policy = cls.env["csp.policy"].create({"name": "Tour policy"})
        cls.policy.draft_version_id.line_ids = [
            Command.create({"complaint": "only", "first_response_minutes": 60}),
            Command.create({"match_all": True, "first_response_minutes": 240}),
        ]
        cls.policy.draft_version_id.action_publish()
        cls.policy.with_user(cls.author).action_new_version()
        cls.draft = cls.policy.draft_version_id.with_user(cls.author)

    def test_who_approves(self):
        first = self.draft.line_ids.sorted("id")[0]
        first.first_response_minutes = 30
        self.draft.action_submit()
        self.start_tour(
            f"/odoo/csp.policy.version/{self.draft.id}",
            "csp_document_tour",
            login=self.approver.login,
        )
        self.assertEqual(self.draft.approved_by_id, self.approver)

    def test_earlier_texts(self):
        self.draft.purpose = "<p>The first words.</p>"
        self.draft.purpose = "<p>Other words.</p>"
        self.start_tour(
            f"/odoo/csp.policy.version/{self.draft.id}",
            "csp_text_history_tour",
            login=self.author.login,
        )
        self.draft.invalidate_recordset()
        self.assertIn("The first words.", self.draft.purpose)
