"""Figures over 100,000 reviews, the page of a review, and drawing tickets to review."""

from datetime import timedelta

from harness import Row, in_turn, say

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

#: Reviews that are done, and as many solved tickets that nobody has reviewed.
MANY = 100_000
CRITERIA = 10
AGENTS = 50
MESSAGES = 200
#: What a page may take, in milliseconds.
FIGURES, PAGE, DRAW = 1_000, 500, 10_000
#: Reviews are spread over so many days, all within the last twelve months.
DAYS = 290
MANAGER, REVIEWER = "bench_manager", "bench_reviewer"
TALKATIVE = "Talkative"


def rows(sides):
    side = sides["ours"]
    fill(side)
    yield from figures_rows(side)
    yield page_row(side)
    yield draw_row(side)


def figures_rows(side):
    """All of the page, beside what PostgreSQL needs for the averages alone."""
    chosen = {"period": "twelve_months", "picks": "all"}

    def ours(env, _prepared):
        data = env["csp.quality.figures"].csp_figures_data(chosen)
        assert data["total"]["count"] == MANY, data["total"]

    def plain(env, _prepared):
        for table, column, value in (
            ("csp_quality_review", "agent_id", "score"),
            ("csp_quality_review_line", "criterion_id", "points"),
        ):
            env.cr.execute(
                SQL(
                    "SELECT %s, count(*), avg(%s::float8), stddev_samp(%s::float8)"
                    "  FROM %s GROUP BY 1",
                    SQL.identifier(column),
                    SQL.identifier(value),
                    SQL.identifier(value),
                    SQL.identifier(table),
                )
            )
            env.cr.fetchall()

    mine = measure(side, ours, MANAGER)
    theirs = measure(side, plain, MANAGER)
    yield Row(
        f"figures of {MANY:,} reviews with {MANY * CRITERIA:,} marks, all of the page",
        "two plain GROUP BY",
        f"{mine.ms:.0f} ms, {mine.count} queries",
        f"{theirs.ms:.0f} ms",
        f"{mine.ms / theirs.ms:.1f} x",
        f"<= {FIGURES} ms",
        mine.ms <= FIGURES,
    )
    own = measure(
        side,
        lambda env, _prepared: env["csp.quality.figures"].csp_figures_data(
            {**chosen, "scope": "mine"}
        ),
        "bench_quality_0",
    )
    yield Row(
        "  an agent's own, with the average of his team",
        "",
        f"{own.ms:.0f} ms, {own.count} queries",
        "",
        "",
        f"<= {FIGURES} ms",
        own.ms <= FIGURES,
    )


def page_row(side):
    """What the page of a review asks for when it opens, beside the chatter."""
    from odoo.addons.mail.tools.discuss import Store

    def ours(env, review):
        desk = review.get_desk()
        assert len(desk["messages"]) >= MESSAGES, len(desk["messages"])

    def chatter(env, ticket):
        Message = env["mail.message"]
        found = Message._message_fetch(None, thread=ticket, limit=2 * MESSAGES)
        Store().add(found["messages"]).get_result()

    mine = measure(
        side,
        ours,
        REVIEWER,
        lambda env: env["csp.quality.review"].search([("state", "=", "to_do")]),
    )
    theirs = measure(
        side,
        chatter,
        MANAGER,
        lambda env: env["helpdesk.ticket"].search([("name", "=", TALKATIVE)]),
    )
    return Row(
        f"page of a review of a ticket with {MESSAGES} messages",
        "its messages in the chatter",
        f"{mine.ms:.0f} ms, {mine.count} queries",
        f"{theirs.ms:.0f} ms, {theirs.count} queries",
        f"{mine.ms / theirs.ms:.1f} x",
        f"<= {PAGE} ms",
        mine.ms <= PAGE,
    )


def draw_row(side):
    """A period drawn, its reviews begun and given to reviewers, beside a plain lot."""

    def ours(env, plan):
        run = plan._make_run()
        assert sum(run.share_ids.mapped("ticket_count")) == MANY
        assert len(run.review_ids) == 4 * AGENTS, len(run.review_ids)

    def plain(env, _plan):
        env.cr.execute(
            """
            SELECT id
              FROM (
                SELECT id, row_number() OVER (
                           PARTITION BY user_id ORDER BY random()
                       ) AS place
                  FROM helpdesk_ticket
                 WHERE csp_closed_as = 'solved'
                   AND name LIKE 'Solved %'
              ) AS lot
             WHERE place <= 4
            """
        )
        env.cr.fetchall()

    mine = measure(
        side, ours, MANAGER, lambda env: env["csp.quality.sampling"].search([])
    )
    theirs = measure(side, plain, MANAGER)
    return Row(
        f"drawing {4 * AGENTS} of {MANY:,} tickets, reviews included",
        "ORDER BY random() for each agent",
        f"{mine.ms / 1000:.1f} s, {mine.count} queries",
        f"{theirs.ms / 1000:.1f} s",
        f"{mine.ms / theirs.ms:.1f} x",
        f"<= {DRAW // 1000} s",
        mine.ms <= DRAW,
    )


def measure(side, work, login, prepare=None):
    return in_turn([side], work, 5, prepare, login)[side.name]


def fill(side):
    """Agents in teams, tickets, reviews with their marks; what is many in plain SQL."""
    with side.env() as env:
        if env["res.users"].search_count([("login", "=", MANAGER)]):
            return
    say(f"Quality: {MANY:,} reviews")
    with side.env(commit=True) as env:
        groups = {
            MANAGER: "customer_service_plan.group_manager",
            REVIEWER: "customer_service_plan.group_reviewer",
            **{
                f"bench_quality_{number}": "helpdesk_mgmt.group_helpdesk_user_own"
                for number in range(AGENTS)
            },
        }
        users = env["res.users"].create(
            [
                {
                    "name": login,
                    "login": login,
                    "email": f"{login}@example.com",
                    "group_ids": [
                        Command.link(env.ref("base.group_user").id),
                        Command.link(env.ref(group).id),
                    ],
                }
                for login, group in groups.items()
            ]
        )
        manager, reviewer, agents = users[0], users[1], users[2:]
        teams = env["helpdesk.ticket.team"].create(
            [
                {
                    "name": f"Quality {place}",
                    "user_ids": [Command.set(agents[place::5].ids)],
                }
                for place in range(5)
            ]
        )
        card = env["csp.scorecard"].create(
            {
                "name": "Bench",
                "sequence": -1,
                "criterion_ids": [
                    Command.create({"name": f"Criterion {place}", "scale": "5"})
                    for place in range(CRITERIA)
                ],
            }
        )
        card.action_use()
        add_tickets(env, agents, teams)
        env.flush_all()
        add_reviews(env, reviewer, card)
        add_marks(env, card)
        add_talk(env, agents[0], reviewer, card)
        env["csp.quality.sampling"].with_user(manager).create(
            {
                "name": "Monthly",
                "period": "month",
                "date_start": fields.Date.today() - timedelta(days=35),
                "reviewer_ids": [
                    Command.create({"user_id": reviewer.id, "capacity": 1000})
                ],
            }
        ).action_start()
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE")


def add_tickets(env, agents, teams):
    """Solved ones: half of them reviewed over the year, half in the last month."""
    like = env["helpdesk.ticket"].search([("name", "=like", "Ticket%")], limit=1)
    env.cr.execute(
        SQL(
            """
            INSERT INTO helpdesk_ticket (
                name, number, description, company_id, team_id, channel_id,
                partner_id, stage_id, user_id, active, priority, csp_received_at,
                csp_closed_at, csp_closed_as, csp_seen_match, csp_seen_state,
                csp_waiting_on, csp_is_complaint, rating_status, create_date, write_date
            )
            SELECT kind || ' ' || i, left(kind, 2) || i, 'x', company_id,
                   (%(teams)s::int[])[1 + i %% %(agents)s %% 5], channel_id, partner_id,
                   stage_id, (%(users)s::int[])[1 + i %% %(agents)s], TRUE, '1',
                   at, at, 'solved', '-', '-', 'none', FALSE, rating_status,
                   now(), now()
              FROM helpdesk_ticket,
                   LATERAL (
                       SELECT i, 'Reviewed' AS kind,
                              %(now)s - (40 + i %% %(days)s) * interval '1 day' AS at
                         FROM generate_series(0, %(many)s - 1) i
                        UNION ALL
                       SELECT i, 'Solved',
                              %(now)s - (10 + i %% 15) * interval '1 day'
                         FROM generate_series(0, %(many)s - 1) i
                   ) AS past
             WHERE helpdesk_ticket.id = %(like)s
            """,
            teams=teams.ids,
            users=agents.ids,
            agents=AGENTS,
            days=DAYS,
            many=MANY,
            now=fields.Datetime.now(),
            like=like.id,
        )
    )


def add_reviews(env, reviewer, card):
    """Done ones; a half was drawn at random."""
    env.cr.execute(
        SQL(
            """
            INSERT INTO csp_quality_review (
                ticket_id, agent_id, reviewer_id, scorecard_id, company_id, team_id,
                channel_id, state, is_open, picked, done_at, score, is_scored,
                is_failed, customer_error_count, business_error_count,
                compliance_error_count
            )
            SELECT id, user_id, %(reviewer)s, %(card)s, company_id, team_id,
                   channel_id, 'final', FALSE,
                   CASE WHEN id %% 2 = 0 THEN 'random' ELSE 'condition' END,
                   csp_closed_at, 60 + id %% 41, TRUE, FALSE, 0, 0, 0
              FROM helpdesk_ticket
             WHERE name LIKE 'Reviewed %%'
            """,
            reviewer=reviewer.id,
            card=card.id,
        )
    )


def add_marks(env, card):
    """Steps 2 to 5; the bad ones have a cause."""
    env.cr.execute(
        SQL(
            """
            INSERT INTO csp_quality_review_line (
                review_id, criterion_id, step, points, is_marked, is_counted, is_bad
            )
            SELECT review.id, criterion.id, step, (step - 1) * 25, TRUE, TRUE, step < 3
              FROM csp_quality_review review,
                   csp_scorecard_criterion criterion,
                   LATERAL (
                       SELECT 2 + (review.id * 7 + criterion.id * 3) %% 4 AS step
                   ) AS mark
             WHERE criterion.scorecard_id = %(card)s
            """,
            card=card.id,
        )
    )
    env.cr.execute(
        SQL(
            """
            INSERT INTO csp_quality_review_line_cause_rel (line_id, cause_id)
            SELECT id, (%(causes)s::int[])[1 + id %% 5]
              FROM csp_quality_review_line
             WHERE is_bad AND id %% 2 = 0
            """,
            causes=env["csp.quality.cause"].search([], limit=5).ids,
        )
    )


def add_talk(env, agent, reviewer, card):
    """A ticket with many messages, and a review of it to be done."""
    customer = env["res.partner"].search([("name", "=like", "Bench%")], limit=1)
    ticket = env["helpdesk.ticket"].create(
        {
            "name": TALKATIVE,
            "description": "x",
            "partner_id": customer.id,
            "user_id": agent.id,
        }
    )
    comment = env.ref("mail.mt_comment")
    env["mail.message"].create(
        [
            {
                "model": ticket._name,
                "res_id": ticket.id,
                "message_type": "email" if place % 2 else "comment",
                "subtype_id": comment.id,
                "author_id": (customer if place % 2 else agent.partner_id).id,
                "body": "<p>"
                + "Thank you for looking into it once more. " * 20
                + "</p>",
            }
            for place in range(MESSAGES)
        ]
    )
    env["csp.quality.review"].with_user(reviewer).create(
        {"ticket_id": ticket.id, "scorecard_id": card.id}
    )
