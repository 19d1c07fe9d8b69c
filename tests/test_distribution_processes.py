"""Several processes that share out the tickets which wait, while others come in."""

import textwrap

from .common import ProcessCase

#: A team of four that is always at work, and tickets from before it shared them out.
PREPARE = """
hours = env["csp.hours"].create({"name": "Always", "tz": "UTC", "always_open": True})
members = env["res.users"].with_context(no_reset_password=True).create([
    {
        "name": f"Agent {number}",
        "login": f"desk{number}",
        "group_ids": env.ref("helpdesk_mgmt.group_helpdesk_user_own").ids,
        "csp_hours_id": hours.id,
    }
    for number in range(4)
])
team = env["helpdesk.ticket.team"].create({"name": "Desk", "user_ids": members.ids})
env["helpdesk.ticket"].with_context(tracking_disable=True).create([
    {
        "name": f"Waiting {number}",
        "description": "?",
        "team_id": team.id,
        "user_id": False,
        "priority": str(number % 4),
    }
    for number in range(600)
])
team.csp_distribution = "in_turn"
env.flush_all()
result = team.id
"""
SHARE = 'env["helpdesk.ticket"]._cron_distribute(batch_size=20)\n'
#: Tickets of customers, each in a transaction.
COME_IN = """
from odoo.service.model import retrying
team = env["helpdesk.ticket.team"].search([("name", "=", "Desk")])
for number in range(40):
    def come_in():
        env["helpdesk.ticket"].create({
            "name": f"New {number}",
            "description": "?",
            "team_id": team.id,
            "user_id": False,
        })
    retrying(come_in, env)
    env.cr.commit()
"""


class TestSharing(ProcessCase):
    """Each ticket is given once, none is forgotten, and the shares are even."""

    def setUp(self):
        super().setUp()
        self.shell(PREPARE)

    def shares(self, condition="TRUE"):
        rows = self.sql(
            "SELECT user_id, count(*) FROM helpdesk_ticket"
            f" WHERE user_id IS NOT NULL AND {condition} GROUP BY user_id"
        )
        return [int(row[1]) for row in rows]

    def assertShared(self, number):
        self.assertEqual(self.count("helpdesk_ticket", "user_id IS NULL"), 0)
        self.assertEqual(sum(self.shares()), number)
        # Who was given one is who still has it, and it never went to a second person.
        self.assertEqual(
            self.count("helpdesk_ticket", "csp_given_to_id IS DISTINCT FROM user_id"), 0
        )
        self.assertEqual(self.count("helpdesk_ticket", "csp_handover_count > 0"), 0)
        waited = "name LIKE 'Waiting %'"
        handovers = self.count(
            "csp_ticket_event e JOIN helpdesk_ticket t ON t.id = e.ticket_id",
            f"e.kind = 'handover' AND t.{waited}",
        )
        self.assertEqual(handovers, self.count("helpdesk_ticket", waited))

    def test_workers_at_once(self):
        self.together([SHARE * 3, SHARE * 3, SHARE * 3])
        self.shell(SHARE)
        self.assertShared(600)
        self.assertEqual(self.shares(), [150] * 4)

    def test_while_tickets_come_in(self):
        self.together([SHARE * 3, SHARE * 3, COME_IN])
        self.shell(SHARE)
        self.assertShared(640)
        # What comes in is given without waiting for the others, so that shares may
        # differ by a little more than one.
        self.assertLess(max(self.shares()) - min(self.shares()), 12)

    def test_killed_in_the_middle(self):
        """What was committed stays, and the next process goes on from there."""
        reached = self.folder / "reached"
        process = self.start_shell(
            textwrap.dedent(f"""
                import pathlib, time
                Ticket = type(env["helpdesk.ticket"])
                hand_out = Ticket._csp_hand_out
                batches = []
                def hand_out_and_wait(self, *args):
                    given = hand_out(self, *args)
                    batches.append(1)
                    if len(batches) == 8:
                        pathlib.Path({str(reached)!r}).touch()
                        time.sleep(600)
                    return given
                Ticket._csp_hand_out = hand_out_and_wait
                env["helpdesk.ticket"]._cron_distribute(batch_size=20)
            """)
        )
        self.wait_for_file(reached, process)
        process.kill()
        process.wait()
        self.assertEqual(self.count("helpdesk_ticket", "user_id IS NOT NULL"), 140)
        self.shell(SHARE)
        self.assertShared(600)
        self.assertEqual(self.shares(), [150] * 4)
