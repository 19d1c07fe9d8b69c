"""A new version of a policy tried on 100,000 past tickets."""

import random
import statistics
from datetime import timedelta

import harness
from harness import Row, say

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

TICKETS = 100_000
REPETITIONS = 3
REACH = 10
#: The youngest of the tickets came in so long ago.
DAYS_AGO = 30
#: What may happen next, letters as in `EVENTS`: the oftener, the likelier. A dot is the
#: end; some tickets are still open.
NEXT = {
    "r": "sssssscpDX.",
    "c": "sssssssccD",
    "s": "cccccppDDD",
    "p": "qqqqqqqqX.",
    "q": "sssssscpDD",
    "D": ".........o",
    "o": "sssscpDDDD",
    "X": ".",
}
EVENTS = {
    "r": ("received", "{}"),
    "c": ("customer_message", "{}"),
    "s": ("staff_reply", "{}"),
    "p": ("paused", '{"waiting_on": "customer", "from_stage": 1}'),
    "q": ("resumed", "{}"),
    "D": ("closed", '{"outcome": "solved", "from_stage": 1}'),
    "X": ("closed", '{"outcome": "cancelled", "from_stage": 1}'),
    "o": ("reopened", '{"within_grace": true}'),
}


def rows(sides):
    """Every promise shorter than the one in force, and one new line."""
    side = sides["ours"]
    fill(side)
    with side.env(commit=True) as env:
        policy = env["csp.policy"].search([("name", "=", "Policy 3")])
        if not policy.draft_version_id:
            policy.action_new_version()
            draft = policy.draft_version_id
            for line in draft.line_ids:
                line.first_response_minutes = 60
                line.resolution_minutes = 960
            category = env["helpdesk.ticket.category"].search(
                [("name", "=", "Bench 4")]
            )
            draft.line_ids = [
                Command.create(
                    {
                        "sequence": -1,
                        "category_ids": category.ids,
                        "first_response_minutes": 30,
                    }
                )
            ]
    times = []
    facts, stories = count_facts(side)
    for _repetition in range(REPETITIONS):
        with side.env() as env:
            policy = env["csp.policy"].search([("name", "=", "Policy 3")])
            # Before the others, it decides for every ticket.
            policy.sequence = -1
            test = env["csp.backtest"].create(
                {
                    "version_id": policy.draft_version_id.id,
                    "company_id": env.company.id,
                    # Without the tickets of the other parts, which came in today.
                    "date_to": fields.Date.today() - timedelta(days=DAYS_AGO - 1),
                }
            )
            env.cr.flush()
            timer = harness.clock(env.cr)
            started = timer.now()
            test.action_run()
            env.cr.flush()
            times.append(timer.now() - started)
            covered, changed = test.covered_count, test.change_count
            count = test.ticket_count
    seconds = statistics.median(times)
    yield Row(
        f"backtest of {count:,} tickets, {covered:,} of them covered",
        "-",
        f"{seconds:.1f} s",
        "-",
        f"{changed / count:.0%} change line",
        f"<= {REACH} s",
        seconds <= REACH and covered == count == TICKETS,
    )
    yield Row(
        f"   each with the promises in force, too; {facts / count:.1f} facts a ticket",
        "-",
        f"{stories:,} stories",
        "-",
        "",
        "",
    )


def count_facts(side):
    """How many facts the past tickets have, and how many differ in what happened."""
    with side.env() as env:
        return env.execute_query(
            SQL(
                """
                SELECT SUM(facts)::int, COUNT(DISTINCT story)
                  FROM (
                        SELECT COUNT(*) AS facts,
                               string_agg(
                                   concat(event.kind, event.data), ''
                                   ORDER BY event.at, event.id
                               ) AS story
                          FROM csp_ticket_event event
                          JOIN helpdesk_ticket ticket ON ticket.id = ticket_id
                         WHERE ticket.name LIKE 'Past%%'
                         GROUP BY ticket_id
                  ) each
                """
            )
        )[0]


def fill(side):
    """Past tickets with what happened to them, in plain SQL."""
    with side.env() as env:
        [[count]] = env.execute_query(
            SQL("SELECT COUNT(*) FROM helpdesk_ticket WHERE name LIKE 'Past%%'")
        )
        if count:
            return
    say(f"Backtest: {TICKETS:,} past tickets")
    lot = random.Random(5)
    with side.env(commit=True) as env:
        like = env["helpdesk.ticket"].search([("name", "=like", "Ticket%")], limit=1)
        categories = env["helpdesk.ticket.category"].search(
            [("name", "=like", "Bench%")]
        )
        tags = env["helpdesk.ticket.tag"].search([("name", "=like", "Bench%")])
        first_id = like.search([], order="id desc", limit=1).id + 1
        env.cr.execute(
            SQL(
                """
                INSERT INTO helpdesk_ticket (
                    id, name, number, description, company_id, team_id, channel_id,
                    partner_id, stage_id, active, category_id, priority,
                    csp_received_at, csp_seen_match, csp_seen_state, csp_waiting_on,
                    csp_is_complaint, rating_status, create_date, write_date
                )
                SELECT %(first)s + i, 'Past ' || i, 'PAST' || i, 'x', company_id,
                       team_id, channel_id, partner_id, stage_id, TRUE,
                       (%(categories)s::int[])[1 + i %% 5], (i %% 4)::text,
                       %(now)s - (i %% 250 + %(days)s) * interval '1 day'
                       - i * interval '0.8 seconds',
                       '-', '-', 'none', FALSE, rating_status, now(), now()
                  FROM helpdesk_ticket, generate_series(0, %(count)s - 1) i
                 WHERE helpdesk_ticket.id = %(like)s
                """,
                first=first_id,
                categories=categories.ids,
                now=fields.Datetime.now(),
                days=DAYS_AGO,
                count=TICKETS,
                like=like.id,
            )
        )
        env.cr.execute(
            SQL(
                """
                INSERT INTO %(table)s (helpdesk_ticket_id, helpdesk_ticket_tag_id)
                SELECT id, (%(tags)s::int[])[1 + id %% 5]
                  FROM helpdesk_ticket
                 WHERE name LIKE 'Past%%' AND id %% 2 = 0
                """,
                table=SQL.identifier(like._fields["tag_ids"].relation),
                tags=tags.ids,
            )
        )
        env.cr.execute(
            "SELECT setval('helpdesk_ticket_id_seq', max(id)) FROM helpdesk_ticket"
        )
        env.cr.execute(
            "SELECT id, date_part('epoch', csp_received_at)::bigint"
            "  FROM helpdesk_ticket WHERE name LIKE 'Past%'"
        )
        tickets, kinds, moments, data = [], [], [], []
        for ticket, at in env.cr.fetchall():
            letter = "r"
            while letter != ".":
                kind, details = EVENTS[letter]
                tickets.append(ticket)
                kinds.append(kind)
                moments.append(at)
                data.append(details)
                at += int(lot.lognormvariate(9, 1.2))
                letter = lot.choice(NEXT[letter])
        env.cr.execute(
            """
            INSERT INTO csp_ticket_event (ticket_id, kind, at, data)
            SELECT ticket, kind, to_timestamp(at) AT TIME ZONE 'UTC', data::jsonb
              FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::text[])
                AS row(ticket, kind, at, data)
            """,
            [tickets, kinds, moments, data],
        )
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE")
