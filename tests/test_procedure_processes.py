"""Colleagues who tick the same steps of a ticket at the same moment."""

from .common import ProcessCase

PREPARE = """
policy = env["csp.policy"].create({"name": "For everybody"})
version = policy.draft_version_id
version.line_ids = [(0, 0, {"match_all": True, "first_response_minutes": 60})]
version.procedure_ids = [(0, 0, {"name": "Call", "step_ids": [
    (0, 0, {"name": f"Step {number}"}) for number in range(20)
]})]
version.action_publish()
ticket = env["helpdesk.ticket"].create({"name": "It leaks", "description": "x"})
result = {"ticket": ticket.id, "steps": version.procedure_ids.step_ids.ids}
"""
# As requests do it: a transaction for each tick, run again where two met.
TICK = """
from odoo.service.model import retrying

ticket = env["helpdesk.ticket"].browse(%(ticket)s)
for step in %(steps)s:
    data = retrying(lambda: ticket.csp_tick_step(step), env)
    assert step in [row["id"] for row in data["steps"] if row["done"]]
assert data["hint"]["done"] == 20
"""
LOOK = """
rows = env["csp.ticket.step"].search([])
result = [len(rows), len(rows.step_id), len(rows.filtered("undone_at"))]
"""


class TestProcedureProcesses(ProcessCase):
    def test_same_steps_at_once(self):
        made = self.shell(PREPARE)
        self.together([TICK % made] * 2)
        self.assertEqual(self.shell(LOOK), [20, 20, 0])
