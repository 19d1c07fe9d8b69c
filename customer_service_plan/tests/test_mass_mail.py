from freezegun import freeze_time

from .common import CspCommon


class TestMassMail(CspCommon):
    """Mail to the contacts of many tickets at once, by people and by itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._create_policy([{"match_all": True, "first_response_minutes": 60}])
        cls.tickets = cls._create_ticket() | cls._create_ticket()

    def _kinds_of_all(self):
        self.env.invalidate_all()
        return [self._kinds(ticket) for ticket in self.tickets]

    def test_mail_of_a_person_is_a_reply(self):
        with freeze_time(self.at(minutes=30)):
            composer = self.env["mail.compose.message"].with_user(self.agent)
            composer.with_context(
                default_composition_mode="mass_mail",
                default_model="helpdesk.ticket",
                default_res_ids=self.tickets.ids,
            ).create(
                {"subject": "News", "body": "<p>We are on it.</p>", "auto_delete": True}
            )._action_send_mail()
        for kinds in self._kinds_of_all():
            self.assertEqual(kinds, ["received", "promised", "staff_reply"])
        self.assertEqual(
            set(self.tickets.mapped("csp_first_response_at")), {self.at(minutes=30)}
        )

    def test_mail_by_itself_is_none(self):
        template = self.env["mail.template"].create(
            {
                "name": "Received",
                "model_id": self.env["ir.model"]._get_id("helpdesk.ticket"),
                "subject": "Received",
                "body_html": "<p>We have received your request.</p>",
                "email_to": "somebody@example.com",
            }
        )
        with freeze_time(self.at(minutes=30)):
            self.tickets.with_user(self.agent).message_mail_with_source(template)
        for kinds in self._kinds_of_all():
            self.assertEqual(kinds, ["received", "promised"])
