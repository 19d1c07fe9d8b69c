"""Customers in segments: a million contacts, ten segments, half a million profiles."""

from unittest.mock import patch

from harness import Row, in_turn, say

from odoo.fields import Command

MANY = 1_000_000
#: Ten segments as companies have them, of 6,000 to 400,000 customers each.
SEGMENTS = [
    {"name": "Two countries", "countries": ("be", "it")},
    {"name": "Seniors", "age_min": 60},
    {
        "name": "Young women",
        "age_min": 18,
        "age_max": 30,
        "genders": "female",
        "countries": ("gr",),
    },
    {"name": "VIP", "partner_domain": "[('ref', '=like', 'VIP%')]"},
    {"name": "High", "purchasing_powers": "high"},
    {"name": "New", "partner_domain": "[('create_date', '>=', 'today -90d')]"},
    {
        "name": "French companies",
        "countries": ("fr",),
        "partner_domain": "[('is_company', '=', True)]",
    },
    {"name": "Young men", "genders": "male", "age_max": 40},
    {"name": "Germany", "countries": ("de",), "inherit_from_company": False},
    {
        "name": "Middle",
        "purchasing_powers": "low,medium",
        "age_min": 30,
        "age_max": 50,
    },
]
REACH, REACH_ONE_MS = 2, 5


def rows(sides):
    """Who is in which segment, beside one search for each of them."""
    say(f"Segments: {MANY:,} contacts (some minutes)")
    side = sides["ours"]
    fill(side)

    def search(env, segments):
        for segment in segments:
            env["res.partner"].search(segment._compiled().domain)

    def update(env, segments):
        segments._update_membership()

    def segments_of(env):
        return env["csp.segment"].search([("has_rules", "=", True)])

    def emptied(env):
        env.cr.execute("TRUNCATE csp_segment_res_partner_rel")
        return segments_of(env)

    def moved(env):
        """As after a day on which one customer in a hundred has changed."""
        env.cr.execute(
            "DELETE FROM csp_segment_res_partner_rel WHERE partner_id % 100 = 0"
        )
        return segments_of(env)

    searched = in_turn([side], search, 5, segments_of, login=None)["ours"]
    for what, prepare, repetitions in (
        ("every night", segments_of, 5),
        ("after 1 % changed", moved, 5),
        ("from nothing", emptied, 3),
    ):
        mine = in_turn([side], update, repetitions, prepare, login=None)["ours"]
        ratio = mine.ms / searched.ms
        yield Row(
            f"{len(SEGMENTS)} segments of {MANY:,} contacts, {what}",
            "one search per segment",
            f"{mine.ms / 1000:.2f} s",
            f"{searched.ms / 1000:.2f} s",
            f"{ratio:.2f} x",
            f"<= {REACH} x",
            ratio <= REACH,
        )
    yield from one_partner(side)


def one_partner(side):
    """What the segments add to a change of one contact."""

    def prepare(env):
        partner = env["res.partner"].search([("name", "=", "Bench 500000")])
        partner.mapped("country_id.name")
        return partner

    def change(env, partner):
        there = env.ref("base.it")
        partner.country_id = (
            there if partner.country_id != there else env.ref("base.de")
        )
        env.cr.flush()

    mine = in_turn([side], change, 25, prepare, login=None)["ours"]
    partners = side.registry["res.partner"]
    with patch.object(partners, "_csp_segments_outdated", lambda *a, **k: None):
        its = in_turn([side], change, 25, prepare, login=None)["ours"]
    added = mine.ms - its.ms
    yield Row(
        f"one changed contact of {MANY:,}, {len(SEGMENTS)} segments",
        "the same change, no segments",
        f"{mine.ms:.1f} ms, {mine.count} queries",
        f"{its.ms:.1f} ms, {its.count} queries",
        f"+{added:.1f} ms, +{mine.count - its.count} queries",
        f"<= +{REACH_ONE_MS} ms",
        added <= REACH_ONE_MS,
    )


def fill(side):
    """Contacts and profiles by plain SQL, and segments sorted once."""
    with side.env(commit=True) as env:
        if env["res.partner"].search_count([("name", "=", "Bench 500000")]):
            return
        countries = [
            env.ref(f"base.{code}").id for code in ("be", "it", "gr", "fr", "de")
        ]
        env.cr.execute(
            """
            INSERT INTO res_partner (
                name, complete_name, active, is_company, type, country_id, lang, email,
                ref, color, partner_share, create_uid, write_uid, create_date,
                write_date
            )
            SELECT 'Bench ' || i, 'Bench ' || i, TRUE, i %% 10 = 0, 'contact',
                   (%s)[1 + i %% 5], 'en_US', 'bench' || i || '@example.com',
                   CASE WHEN i %% 7 = 0 THEN 'VIP' || i END, 0, TRUE, 1, 1,
                   now() - i %% 1000 * interval '1 day', now() - interval '2 days'
              FROM generate_series(1000, %s) i
            """,
            [countries, MANY],
        )
        # One contact in twenty belongs to the company before it.
        env.cr.execute(
            """
            UPDATE res_partner SET commercial_partner_id = id
             WHERE commercial_partner_id IS NULL
            """
        )
        env.cr.execute(
            """
            UPDATE res_partner contact
               SET parent_id = company.id, commercial_partner_id = company.id
              FROM res_partner company
             WHERE company.is_company AND company.name LIKE 'Bench%'
               AND substr(company.name, 7)::int % 20 = 0
               AND contact.id = company.id + 1
            """
        )
        env.cr.execute(
            """
            INSERT INTO csp_customer_profile (
                partner_id, gender, purchasing_power, birthdate, born_from, born_to,
                create_uid, write_uid, create_date, write_date
            )
            SELECT id, (ARRAY['female', 'male', 'other'])[1 + id % 3],
                   (ARRAY['low', 'medium', 'high'])[1 + id % 3], born, born, born,
                   1, 1, now(), now() - interval '2 days'
              FROM res_partner,
                   LATERAL (SELECT date '1940-01-01' + (id * 7 % 25000)::int) day(born)
             WHERE name LIKE 'Bench%' AND id % 2 = 0
            """
        )
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE")
    with side.env(commit=True) as env:
        segments = env["csp.segment"].create(
            [
                {
                    **{
                        key: value for key, value in rules.items() if key != "countries"
                    },
                    "country_ids": [
                        Command.link(env.ref(f"base.{code}").id)
                        for code in rules.get("countries", ())
                    ],
                }
                for rules in SEGMENTS
            ]
        )
        segments._update_membership()
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE csp_segment_res_partner_rel")
