from odoo.tests import HttpCase, tagged


@tagged("post_install", "-at_install")
class TestUnitsOfTheClient(HttpCase):
    """The unit tests of our client code, in Odoo's own runner for them."""

    def test_units(self):
        suite = self._suite_id("@customer_service_plan")
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            code="",
            ready="",
            login="admin",
            timeout=600,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=lambda message: "[HOOT]" not in message,
        )

    @staticmethod
    def _suite_id(name):
        """The id that Odoo's runner gives a suite: a hash of its name."""
        number = 0
        for char in name:
            number = ((number << 5) - number + ord(char)) & 0xFFFFFFFF
        return f"{number:08x}"
