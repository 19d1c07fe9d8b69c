"""The demo company tells something on every screen of customers."""

from .common import ProcessCase

FILL = """
from odoo.modules.loading import force_demo

force_demo(env)
"""
LOOK = """
countries = env["res.country"].search([("code", "in", ["BE", "GR", "IT"])])
customers = env["res.partner"].search([("country_id", "in", countries.ids)])
segments = env["csp.segment"].search([])
tickets = env["helpdesk.ticket"].search([("csp_policy_line_id", "!=", False)])
moved = tickets.filtered(
    lambda ticket: (
        not ticket.csp_closed_as
        and ticket.csp_segment_ids != ticket.partner_id.csp_segment_ids
    )
)
ratings = env["rating.rating"].search([("consumed", "=", True)])
result = {
    "countries": {
        country.code: len(same)
        for country, same in customers.grouped("country_id").items()
    },
    "persons": len(customers.filtered(lambda customer: not customer.is_company)),
    "companies": len(customers.filtered("is_company")),
    "profiles": len(customers.csp_profile_ids),
    "segments": {segment.name: segment.member_count for segment in segments},
    "by rules": segments.mapped("has_rules"),
    "broken": segments.filtered("is_broken").mapped("name"),
    "overlaps": max(len(customer.csp_segment_ids) for customer in customers),
    "gaps": segments.need_ids.mapped("gap"),
    "known": segments.need_ids.mapped("is_known"),
    "promised by segment": sorted(set(
        tickets.csp_policy_line_id.segment_ids.mapped("name")
    )),
    "tickets": len(tickets),
    "late": len(tickets.filtered(
        lambda ticket: "missed" in ticket.csp_commitment_ids.mapped("state")
    )),
    "moved": moved.mapped("name"),
    "rated": len(ratings),
    "profiles expire": len(customers.csp_profile_ids.filtered("keeping_ends_soon")),
}
"""


class TestDemo(ProcessCase):
    def test_demo_company(self):
        self.shell(FILL)
        found = self.shell(LOOK)
        with self.subTest("200 customers in three countries"):
            self.assertEqual(sum(found["countries"].values()), 200)
            self.assertEqual(set(found["countries"]), {"BE", "GR", "IT"})
            self.assertGreater(min(found["countries"].values()), 40)
            self.assertEqual(found["companies"], 30)
            share = found["profiles"] / found["persons"]
            self.assertAlmostEqual(share, 2 / 3, delta=0.07)
            self.assertGreater(found["profiles expire"], 2)
        with self.subTest("five segments kept by rules"):
            self.assertEqual(len(found["segments"]), 5)
            self.assertGreater(min(found["segments"].values()), 5)
            self.assertTrue(all(found["by rules"]))
            self.assertEqual(found["broken"], [])
            self.assertGreater(found["overlaps"], 1)
        with self.subTest("the matrix of needs tells a story"):
            self.assertGreaterEqual(max(found["gaps"]), 3)
            self.assertEqual(set(found["known"]), {True, False})
        with self.subTest("tickets of these customers"):
            self.assertGreater(found["tickets"], 50)
            self.assertEqual(
                found["promised by segment"], ["Contract Customers", "Older Customers"]
            )
            self.assertGreater(found["late"], 5)
            self.assertEqual(found["moved"], ["Till drawer jams"])
            self.assertGreater(found["rated"], 8)
