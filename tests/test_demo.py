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


LIFE = """
from odoo import fields

versions = env["csp.policy.version"].search([])
pilot = env["csp.pilot"].search([])
tickets = env["helpdesk.ticket"].search([])
tried = tickets.filtered(
    lambda ticket: ticket.csp_policy_version_id == pilot.version_id
)
decided = ("met", "missed")
asked = env["csp.acknowledgement"].search([])
reviews = env["csp.policy.review"].search([("state", "=", "to_do")])
result = {
    "states": sorted(versions.mapped("state")),
    "coming": len(env["csp.policy"].search([]).coming_version_id),
    "four eyes": all(
        version.approved_by_id not in version.author_ids
        for version in versions
        if version.approved_by_id
    ),
    "plan": env["csp.plan"].search([]).mapped("state"),
    "pilot": pilot.state,
    "tried": len(tried),
    "others": len(tickets) - len(tried),
    "decided": [
        len(some.csp_commitment_ids.filtered(
            lambda row: row.kind == "first_response" and row.state in decided
        ))
        for some in (tried, tickets - tried)
    ],
    "signed": len(asked.filtered(lambda each: each.state == "signed")),
    "to sign": len(asked.filtered(lambda each: each.state == "to_read")),
    "overdue": len(reviews.filtered(
        lambda review: review.date_due < fields.Date.today()
    )),
    "backtests": env["csp.backtest"].search([]).mapped("state"),
}
"""


QUALITY = """
reviews = env["csp.quality.review"].search([])
counted = reviews.filtered(
    lambda review: review.state != "to_do" and not review.calibration_id
)
luc = counted.filtered(
    lambda review: (
        review.agent_id == env.ref("customer_service_plan.res_users_agent2_demo")
    )
).sorted("done_at")

def average(some):
    return sum(some.mapped("score")) / len(some)

result = {
    "states": sorted(set(reviews.mapped("state"))),
    "counted": len(counted),
    "luc": [average(luc[:12]), average(luc[-12:])],
    "draws": len(env["csp.quality.sampling.run"].search([])),
    "compared": env["csp.quality.calibration"].search([]).mapped("state"),
    "disputes": sorted(env["csp.quality.dispute"].search([]).mapped("state")),
    "outcomes": env["csp.quality.dispute"].search(
        [("state", "=", "decided")]
    ).mapped("outcome"),
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
        self.check_life(self.shell(LIFE))
        self.check_quality(self.shell(QUALITY))

    def check_life(self, found):
        """Policies at every point of their life."""
        with self.subTest("three policies in different states"):
            self.assertEqual(
                found["states"],
                ["in_review", "pilot", "published", "published", "published"],
            )
            self.assertEqual(found["coming"], 1)
            self.assertTrue(found["four eyes"])
            self.assertEqual(found["plan"], ["in_force"])
        with self.subTest("a running trial with figures on both sides"):
            self.assertEqual(found["pilot"], "running")
            self.assertGreaterEqual(min(found["decided"]), 30)
            self.assertEqual(set(found["backtests"]), {"done"})
        with self.subTest("half of the team has signed, one review is overdue"):
            self.assertGreaterEqual(found["signed"], 3)
            self.assertGreaterEqual(found["to sign"], 3)
            self.assertEqual(found["overdue"], 1)

    def check_quality(self, found):
        """Two months of reviews that tell a story."""
        with self.subTest("a sample of each week, the last not done yet"):
            self.assertEqual(found["draws"], 8)
            self.assertGreater(found["counted"], 40)
            self.assertLessEqual({"to_do", "done", "acknowledged"}, {*found["states"]})
        with self.subTest("Luc learns"):
            before, after = found["luc"]
            self.assertGreater(after, before + 5)
        with self.subTest("reviewers compared, disputes are decided and open"):
            self.assertEqual(found["compared"], ["compared"])
            self.assertEqual(found["disputes"], ["decided", "open"])
            self.assertEqual(found["outcomes"], ["partly"])
