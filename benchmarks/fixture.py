"""The same help desk on every side; with the addon, promises to its customers too."""

from datetime import timedelta

from harness import AGENT, say

from odoo import fields
from odoo.fields import Command

TICKETS = 1_000
#: How often the tickets are copied, to have a list to search in.
COPIES = 19
#: Between the ids of a ticket and of its copy.
ID_STEP = 1_000_000


def fill(side):
    """A team, an agent, customers, 20,000 tickets; policies and hours where there are
    any, or rules of helpdesk_mgmt_sla."""
    with side.env() as env:
        if env["res.users"].search_count([("login", "=", AGENT)]):
            return
    say(f"Filling the database of {side.name}")
    with side.env(commit=True) as env:
        calendar = env["resource.calendar"].create(
            {"name": "Office", "tz": "Europe/Athens"}
        )
        agent = env["res.users"].create(
            {
                "name": "Agent",
                "login": AGENT,
                "email": "agent@example.com",
                "group_ids": [
                    Command.link(env.ref("base.group_user").id),
                    Command.link(env.ref("helpdesk_mgmt.group_helpdesk_user").id),
                ],
            }
        )
        team = env["helpdesk.ticket.team"].create(
            {"name": "Support", "user_ids": [Command.link(agent.id)]}
        )
        if "use_sla" in team._fields:
            team.write({"use_sla": True, "resource_calendar_id": calendar.id})
            done = env.ref("helpdesk_mgmt.helpdesk_ticket_stage_done")
            env["helpdesk.sla"].create(
                [
                    {"name": "First", "hours": 4, "stage_id": done.id},
                    {"name": "Second", "days": 3, "stage_id": done.id},
                ]
            )
        env["res.partner"].create(
            [
                {"name": f"Bench {index}", "email": f"bench{index}@example.com"}
                for index in range(50)
            ]
        )
        env["helpdesk.ticket.category"].create(
            [{"name": f"Bench {index}"} for index in range(5)]
        )
        env["helpdesk.ticket.tag"].create(
            [{"name": f"Bench {index}"} for index in range(5)]
        )
        if side.has_addon:
            promise(env, team)
    with side.env(AGENT, commit=True) as env:
        env["helpdesk.ticket"].create(ticket_values(env, TICKETS))
    with side.env(commit=True) as env:
        multiply(env)
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE")


def promise(env, team):
    """Office hours with thirty closures, and policies of twelve lines in all.

    Each line promises a first reply, further replies and a solution.
    """
    hours = make_hours(env, 30)
    env.company.csp_hours_id = hours
    categories = env["helpdesk.ticket.category"].search([("name", "like", "Bench%")])
    tags = env["helpdesk.ticket.tag"].search([("name", "like", "Bench%")])
    times = {
        "first_response_minutes": 240,
        "next_response_minutes": 480,
        "resolution_minutes": 1440,
    }
    lines = [
        [
            {"priority_from": "3", "category_ids": categories[:1].ids},
            {"priority_from": "3", "tag_ids": tags[:1].ids},
            {"priority_from": "3", "tag_ids": tags[1:2].ids},
            {"priority_from": "3"},
        ],
        [{"category_ids": category.ids} for category in categories[:3]]
        + [{"complaint": "only"}],
        [
            {"tag_ids": tags[2:3].ids, "priority_from": "2"},
            {"team_ids": team.ids, "priority_from": "2"},
            {"team_ids": team.ids, "tag_ids": tags[:1].ids},
            {"match_all": True},
        ],
    ]
    for number, conditions in enumerate(lines, 1):
        policy = env["csp.policy"].create({"name": f"Policy {number}"})
        policy.draft_version_id.line_ids = [
            Command.create({**times, "sequence": sequence, **condition})
            for sequence, condition in enumerate(conditions)
        ]
        policy.draft_version_id.action_publish()


def make_hours(env, closures):
    """Monday to Friday 8–12 and 13–17 in Athens, closed on so many days of a year."""
    return env["csp.hours"].create(
        {
            "name": "Office hours",
            "tz": "Europe/Athens",
            "follow_company_closures": False,
            "line_ids": [
                Command.create(
                    {"weekday": str(day), "minute_from": start, "minute_to": end}
                )
                for day in range(5)
                for start, end in ((480, 720), (780, 1020))
            ],
            "exception_ids": [
                Command.create({"name": "Closed", "date_from": day, "date_to": day})
                for day in closed_days(closures)
            ],
        }
    )


def closed_days(count):
    """Days spread over this year and the next, the same for every table."""
    first = fields.Date.today().replace(month=1, day=5)
    return [first + timedelta(days=24 * index) for index in range(count)]


def ticket_values(env, count):
    """Values of tickets as they come: other customers, categories, priorities, tags."""
    partners = env["res.partner"].search([("name", "like", "Bench%")]).ids
    categories = (
        env["helpdesk.ticket.category"].search([("name", "like", "Bench%")]).ids
    )
    tags = env["helpdesk.ticket.tag"].search([("name", "like", "Bench%")]).ids
    team = env["helpdesk.ticket.team"].search([("name", "=", "Support")])
    channel = env.ref("helpdesk_mgmt.helpdesk_ticket_channel_email")
    return [
        {
            "name": f"Ticket {index}",
            "description": "<p>It does not work any more.</p>",
            "partner_id": partners[index % len(partners)],
            "team_id": team.id,
            "channel_id": channel.id,
            "category_id": categories[index % len(categories)],
            "priority": str(index % 4),
            "tag_ids": [Command.link(tags[index % len(tags)])] if index % 2 else [],
        }
        for index in range(count)
    ]


def multiply(env):
    """Copy the tickets and what hangs on them, later by minutes, in plain SQL."""
    for table, key in (
        ("helpdesk_ticket", "id"),
        ("helpdesk_ticket_helpdesk_ticket_tag_rel", "helpdesk_ticket_id"),
        ("csp_commitment", "ticket_id"),
        ("csp_ticket_event", "ticket_id"),
    ):
        env.cr.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name = %s",
            [table],
        )
        columns = dict(env.cr.fetchall())
        if not columns:
            continue
        if key != "id":
            columns.pop("id", None)
        values = {name: f'source."{name}"' for name in columns}
        for name, data_type in columns.items():
            if data_type == "timestamp without time zone":
                values[name] += " + copy * interval '7 minutes'"
        values[key] += f" + copy * {ID_STEP}"
        if table == "helpdesk_ticket":
            values["number"] += " || '-' || copy"
        names = ", ".join(f'"{name}"' for name in columns)
        env.cr.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} "
            f"FROM {table} source, generate_series(1, {COPIES}) copy"
        )
