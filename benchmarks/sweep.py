"""The sweep: what is due among many running promises, alone and with others."""

import subprocess
import sys
import time

from harness import Row, in_turn, say

from odoo.fields import Command

DUE = 1_000
FEW, MANY = 10_000, 1_000_000
WORKERS = 4
REACH = 1.2
#: Ids of the tickets that are made here begin behind this one.
FIRST = 100_000_000
NO_STEP_TAKEN = "c.escalated_to IS NULL"


def rows(sides):
    """Sweeps of 1,000 due promises among few and many that run, without escalation and
    with a list of three steps; the last ones by several processes at once."""
    side = sides["ours"]
    prepare_database(side)
    timed = {}
    for running in (FEW, MANY):
        say(f"Sweep: {DUE:,} due among {running:,} running")
        fill(side, running)
        for has_list in (False, True):
            use_list(side, has_list)
            measured = in_turn([side], sweep, 5, make_due, login=None)["ours"]
            timed[running, has_list] = measured
    for has_list, text in ((False, "no escalation"), (True, "3 steps")):
        many, few = timed[MANY, has_list], timed[FEW, has_list]
        ratio = many.ms / few.ms
        yield Row(
            f"sweep with {DUE:,} due among {MANY:,} running, {text}",
            f"the same among {FEW:,}",
            f"{many.ms / 1000:.2f} s, {many.count} queries",
            f"{few.ms / 1000:.2f} s, {few.count} queries",
            f"{ratio:.2f} x",
            f"<= {REACH} x",
            ratio <= REACH,
        )
    yield from together(side)
    clean(side)


def sweep(env, _prepared):
    """All that the scheduled action does, in one transaction, to be undone after it."""
    Commitment = env["csp.commitment"]
    Concern = env["csp.escalation.concern"]
    for take in (Commitment._take_due, Concern._take_due):
        while Commitment._work_batch(take, 200):
            pass
    env.cr.flush()
    while env["csp.escalation.notice"]._send_batch(20):
        env.cr.flush()
    Commitment._wake_up_in_time()


def make_due(env):
    """The deadline of some promises was an hour ago."""
    env.cr.execute(
        """
        UPDATE csp_commitment
           SET started_at = started_at - interval '300 days',
               running_since = running_since - interval '300 days',
               deadline = now() AT TIME ZONE 'UTC' - interval '1 hour',
               next_step_at = now() AT TIME ZONE 'UTC' - interval '1 hour'
         WHERE id IN (
             SELECT id FROM csp_commitment
              WHERE ticket_id > %s AND ticket_id <= %s AND kind = 'resolution'
         )
        """,
        [FIRST, FIRST + DUE],
    )


def prepare_database(side):
    """Nothing else is due, and the people of the list are told at any time of day."""
    with side.env(commit=True) as env:
        if env["res.users"].search_count([("login", "=", "bench_leader")]):
            return
        env.cr.execute("UPDATE csp_commitment SET next_step_at = NULL")
        env.company.write({"csp_notify_from": 0, "csp_notify_to": 1440})
        env["csp.escalation.list"].search([]).active = False
        leader = env["res.users"].create(
            {
                "name": "Leader",
                "login": "bench_leader",
                "email": "leader@example.com",
                "notification_type": "inbox",
                "group_ids": [
                    Command.link(env.ref("helpdesk_mgmt.group_helpdesk_manager").id)
                ],
            }
        )
        env["helpdesk.ticket.team"].search([("name", "=", "Support")]).user_id = leader
        step = {"recipients": "team_leader"}
        env["csp.escalation.list"].create(
            {
                "name": "Bench",
                "last_resort_id": leader.id,
                "step_ids": [
                    Command.create({**step, "trigger": "before", "offset_percent": 25}),
                    Command.create({**step, "trigger": "after"}),
                    Command.create(
                        {**step, "trigger": "unassigned", "offset_minutes": 60}
                    ),
                ],
            }
        )


def use_list(side, has_list):
    """Open promises count as planned with it, so that the sweep alone is measured."""
    with side.env(commit=True) as env:
        chain = env["csp.escalation.list"].search([("name", "=", "Bench")])
        env.company.csp_escalation_list_id = chain if has_list else False
        env.cr.flush()
        env.cr.execute(
            "UPDATE csp_commitment SET escalation_revision = %s"
            " WHERE escalation_revision IS DISTINCT FROM %s AND ticket_id <= %s",
            [env.company.csp_escalation_revision] * 2 + [FIRST + DUE],
        )


def fill(side, running):
    """So many tickets with a promise that runs for another year, by plain SQL."""
    with side.env(commit=True) as env:
        env.cr.execute(
            "SELECT COALESCE(max(id), %s) FROM helpdesk_ticket WHERE id > %s",
            [FIRST, FIRST],
        )
        (have,) = env.cr.fetchone()
        source = env["helpdesk.ticket"].search(
            [("csp_policy_line_id", "!=", False), ("id", "<", FIRST)],
            order="id",
            limit=1,
        )
        for table, key, where in (
            ("helpdesk_ticket", "id", f"id = {source.id}"),
            (
                "csp_commitment",
                "ticket_id",
                f"ticket_id = {source.id} AND kind = 'resolution'",
            ),
        ):
            env.cr.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = %s",
                [table],
            )
            values = {name: f'source."{name}"' for (name,) in env.cr.fetchall()}
            if key != "id":
                del values["id"]
            values[key] = "copy"
            if table == "helpdesk_ticket":
                values["number"] = "'S' || copy"
            else:
                ahead = "now() AT TIME ZONE 'UTC' + interval '1 year'"
                ahead += " + copy %% 1000000 * interval '10 seconds'"
                values["deadline"] = values["next_step_at"] = ahead
            names = ", ".join(f'"{name}"' for name in values)
            env.cr.execute(
                f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())}"
                f"  FROM {table} source, generate_series(%s, %s) copy"
                f" WHERE {where}",
                [have + 1, FIRST + running],
            )
    with side.registry.cursor() as cr:
        cr.connection.autocommit = True
        cr.execute("VACUUM ANALYZE helpdesk_ticket, csp_commitment")


# ------------------------------------------------------------- several processes

WORKER = """
import sys, time
from odoo.service import server
from odoo.tools import config
config.parse_config(["--no-http", "--log-level=error"], setup_logging=True)
server.load_server_wide_modules()
from odoo import api
from odoo.modules.registry import Registry
with Registry(sys.argv[1]).cursor() as cr:
    env = api.Environment(cr, api.SUPERUSER_ID, {})
    env["csp.policy"]._compiled_rules(env.company.id)
    env["csp.commitment"].search([("state", "=", "paused")], limit=1)
    cr.rollback()
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    env["csp.commitment"]._cron_sweep(batch_size=50)
    cr.commit()
    print(time.perf_counter() - started, flush=True)
"""


def together(side):
    """One process, then several, with another 1,000 due each time."""
    seconds, whole = {}, True
    for number, workers in enumerate((1, WORKERS)):
        say(f"Sweep: {workers} at once")
        with side.env(commit=True) as env:
            first = FIRST + (number + 1) * DUE
            env.cr.execute(
                """
                UPDATE csp_commitment
                   SET started_at = started_at - interval '300 days',
                       running_since = running_since - interval '300 days',
                       deadline = now() AT TIME ZONE 'UTC' - interval '1 hour',
                       next_step_at = now() AT TIME ZONE 'UTC' - interval '1 hour'
                 WHERE ticket_id > %s AND ticket_id <= %s AND kind = 'resolution'
                """,
                [first, first + DUE],
            )
        seconds[workers] = run_workers(side, workers)
        with side.env() as env:
            env.cr.execute(
                """
                SELECT count(*), count(DISTINCT ticket_id),
                       (SELECT count(*) FROM csp_ticket_event
                         WHERE kind = 'missed' AND ticket_id > %(a)s
                           AND ticket_id <= %(b)s),
                       (SELECT count(*) FROM csp_commitment
                         WHERE state = 'missed' AND ticket_id > %(a)s
                           AND ticket_id <= %(b)s AND kind = 'resolution')
                  FROM csp_escalation
                 WHERE ticket_id > %(a)s AND ticket_id <= %(b)s
                """,
                {"a": first, "b": first + DUE},
            )
            # Two steps of each promise were due, joined.
            whole = whole and env.cr.fetchone() == (2 * DUE, DUE, DUE, DUE)
    one, several = seconds[1], seconds[WORKERS]
    yield Row(
        f"{WORKERS} sweeps at once, {DUE:,} due among {MANY:,}",
        "one sweep",
        f"{several:.2f} s, {'all once' if whole else 'NOT all once'}",
        f"{one:.2f} s",
        f"{several / one:.2f} x",
        "< 1 x, all once",
        whole and several < one,
    )


def run_workers(side, number):
    """Seconds until the last of so many processes has nothing left to do."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, side.registry.db_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _number in range(number)
    ]
    for worker in workers:
        while (line := worker.stdout.readline().strip()) != "ready":
            if worker.poll() is not None:
                sys.exit(f"A worker of the bench ended: {line}")
    started = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        if worker.wait():
            sys.exit("A worker of the bench failed.")
    return time.perf_counter() - started


def clean(side):
    """Other parts find the tickets that the fixture made."""
    with side.env(commit=True) as env:
        env["res.company"].search([]).csp_escalation_list_id = False
