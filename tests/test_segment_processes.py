"""Several processes that sort customers into segments, and change them meanwhile."""

import textwrap

from .common import ProcessCase

#: Four thousand customers in two countries, and segments that are still to be sorted.
PREPARE = """
from odoo.addons.customer_service_plan.models import csp_segment_membership
csp_segment_membership.AT_ONCE_LIMIT = 0
countries = env.ref("base.gr") + env.ref("base.it")
env["res.partner"].create([
    {"name": f"Customer {number}", "country_id": countries[number % 2].id}
    for number in range(4000)
])
env.flush_all()
result = env["csp.segment"].create([
    {"name": f"Segment {number}", "country_ids": countries[number % 2].ids}
    for number in range(4)
]).ids
"""
SORT = 'env["csp.segment"]._cron_update_membership(batch_size=200)\n'
#: Customers move from one country to the other and back, each in a transaction.
MOVE = """
from odoo.service.model import retrying
countries = env.ref("base.gr") + env.ref("base.it")
customers = env["res.partner"].search([("name", "like", "Customer %")], limit=60)
for customer in customers:
    def move():
        customer.country_id = countries - customer.country_id
    retrying(move, env)
    env.cr.commit()
"""


class TestSorting(ProcessCase):
    """Nobody is forgotten, nobody is left where he does not belong."""

    def setUp(self):
        super().setUp()
        self.segments = self.shell(PREPARE)

    def wrong(self):
        """Customers and segments that do not fit, and fitting ones left out."""
        return self.count(
            """
            (SELECT partner.id AS partner_id, rule.csp_segment_id AS segment_id
               FROM res_partner partner
               JOIN csp_segment_res_country_rel rule
                 ON rule.res_country_id = partner.country_id
              WHERE partner.active
            ) fitting
            FULL JOIN csp_segment_res_partner_rel stored
                USING (partner_id, segment_id)
            """,
            "fitting.partner_id IS NULL OR stored.partner_id IS NULL",
        )

    def assertSorted(self):
        self.assertEqual(self.count("csp_segment", "is_pending"), 0)
        self.assertEqual(self.wrong(), 0)
        self.assertGreater(self.count("csp_segment_res_partner_rel", "TRUE"), 7000)

    def test_two_at_once_while_customers_move(self):
        self.assertGreater(self.wrong(), 7000)
        self.together([SORT * 3, SORT * 3, MOVE])
        self.shell(SORT)
        self.assertSorted()

    def test_killed_in_the_middle(self):
        """What was committed stays, and the next process goes on from there."""
        reached = self.folder / "reached"
        process = self.start_shell(
            textwrap.dedent(f"""
                import pathlib, time
                Segment = type(env["csp.segment"])
                move = Segment._move_members
                parts = []
                def move_and_wait(self, *args):
                    moved = move(self, *args)
                    parts.append(1)
                    if len(parts) == 8:
                        pathlib.Path({str(reached)!r}).touch()
                        time.sleep(600)
                    return moved
                Segment._move_members = move_and_wait
                env["csp.segment"]._cron_update_membership(batch_size=200)
            """)
        )
        self.wait_for_file(reached, process)
        process.kill()
        process.wait()
        before = self.count("csp_segment_res_partner_rel", "TRUE")
        self.assertGreater(before, 0)
        self.assertGreater(self.count("csp_segment", "is_pending AND sorted_to > 0"), 0)
        self.shell(SORT)
        self.assertSorted()
