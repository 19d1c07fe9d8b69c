from odoo.tests import HttpCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestHoursTour(HttpCase):
    def test_shopkeeper(self):
        """A manager enters hours in the browser, with the least rights for it."""
        self.env["res.lang"].search([("code", "=", "en_US")]).time_format = "%H:%M:%S"
        user = new_test_user(
            self.env,
            "shopkeeper",
            groups="customer_service_plan.group_manager",
            tz="Europe/Berlin",
        )
        user.company_id.country_id = self.env.ref("base.de")
        self.start_tour("/odoo/service-hours", "csp_hours_tour", login=user.login)
        hours = self.env["csp.hours"].search([("name", "=", "Tour Hours")])
        self.assertEqual(
            hours.with_context(lang="en_US").summary,
            "Mon–Fri 08:30–12:00, 13:00–18:00; Sat 22:00–06:00",
        )
        self.assertEqual(hours.tz, "Europe/Berlin")
        names = hours.exception_ids.mapped("name")
        self.assertTrue([name for name in names if "Epiphany" in name], names)
