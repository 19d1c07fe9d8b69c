from odoo.tests import HttpCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestPlanCheckTour(HttpCase):
    def test_manager_gives_a_channel_its_hours(self):
        """What is found is opened, mended, and gone when one comes back."""
        channels = self.env["helpdesk.ticket.channel"].search([])
        phone = self.env.ref("helpdesk_mgmt.helpdesk_ticket_channel_phone")
        hours = self.env["csp.hours"].create(
            {"name": "Tour Hours", "tz": "UTC", "always_open": True}
        )
        self.env.company.csp_hours_id = False
        (channels - phone).csp_hours_id = hours
        phone.write({"csp_hours_id": False, "name": "Tour Phone"})
        user = new_test_user(
            self.env, "csp_checker", groups="customer_service_plan.group_manager"
        )
        self.start_tour("/odoo/service-check", "csp_plan_check_tour", login=user.login)
        self.assertEqual(phone.csp_hours_id, hours)
