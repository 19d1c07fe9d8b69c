from odoo.tests import HttpCase, tagged

from .helpdesk import HelpdeskMixin


@tagged("post_install", "-at_install")
class TestAcknowledgementTour(HelpdeskMixin, HttpCase):
    """Reading and signing in the browser, with the least rights for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_helpdesk()
        cls.env.company.csp_approval_required = False
        policy = cls.env["csp.policy"].create(
            {"name": "Tour Policy", "audience_team_ids": cls.team.ids}
        )
        cls.version = policy.draft_version_id
        cls.version.write(
            {
                # Longer than a screen
                "purpose": "<p>We answer fast.</p>" * 60,
                "line_ids": [(0, 0, {"match_all": True, "first_response_minutes": 60})],
            }
        )
        cls.version.action_publish()
        cls.row = cls.version.acknowledgement_ids

    def test_read_and_sign(self):
        self.assertEqual(self.row.user_id, self.agent)
        self.start_tour(
            "/odoo/to-read",
            "csp_acknowledgement_tour",
            login=self.agent.login,
            timeout=120,
        )
        self.row.invalidate_recordset()
        self.assertEqual(self.row.state, "signed")
        self.assertTrue(self.row.opened_at <= self.row.read_at <= self.row.signed_at)
        self.assertEqual(self.row.integrity, "intact")

    def test_who_is_missing(self):
        self.start_tour(
            "/odoo/read-and-signed",
            "csp_acknowledgement_manager_tour",
            login=self.manager.login,
            timeout=120,
        )
        self.row.invalidate_recordset()
        self.assertEqual(self.row.state, "released")
        self.assertEqual(self.row.released_by_id, self.manager)
