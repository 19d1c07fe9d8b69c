"""A change of the opening time reaches every process and every machine."""

import json
import urllib.request

from .common import ProcessCase

PREPARE = """
env["helpdesk.ticket.channel"].search([]).write({"csp_public": False})
hours = env["csp.hours"].create(
    {
        "name": "Always on a Day",
        "tz": "Europe/Athens",
        "follow_company_closures": True,
        "line_ids": [
            (0, 0, {"weekday": str(day), "minute_from": 0, "minute_to": 1440})
            for day in range(7)
        ],
    }
)
env["helpdesk.ticket.channel"].create(
    {
        "name": "Watched",
        "company_id": False,
        "csp_kind": "phone",
        "csp_public": True,
        "csp_hours_id": hours.id,
    }
)
result = hours.id
"""
CLOSE = """
today = fields.Date.context_today(env["csp.hours"])
env["csp.hours.exception"].create(
    {
        "hours_id": HOURS,
        "name": "Closed",
        "date_from": today - relativedelta(days=2),
        "date_to": today + relativedelta(days=2),
    }
)
"""
OPEN = """
env["csp.hours"].browse(HOURS).exception_ids.unlink()
"""
FOLLOW = """
env["resource.calendar.leaves"].create(
    {
        "name": "Inventory",
        "calendar_id": False,
        "date_from": fields.Datetime.now() - relativedelta(hours=2),
        "date_to": fields.Datetime.now() + relativedelta(hours=2),
    }
)
"""
IMPORTS = "from dateutil.relativedelta import relativedelta\nfrom odoo import fields\n"


class TestHoursProcesses(ProcessCase):
    def is_open(self, address):
        with urllib.request.urlopen(f"{address}/service/hours", timeout=60) as answer:
            (channel,) = json.load(answer)["channels"]
        return channel["open"]

    def change(self, script, hours):
        """Change something in a process of its own, which says nothing by itself."""
        self.shell(IMPORTS + script.replace("HOURS", str(hours)))

    def test_answers_of_a_server_follow_changes_made_elsewhere(self):
        hours = self.shell(PREPARE)
        quiet = "--max-cron-threads=0"
        with self.server(quiet) as one, self.server(quiet) as other:
            for address in (one, other):
                self.assertTrue(self.is_open(address))
            for script, expected in ((CLOSE, False), (OPEN, True), (FOLLOW, False)):
                self.change(script, hours)
                for address in (one, other):
                    self.assertIs(self.is_open(address), expected, script)
