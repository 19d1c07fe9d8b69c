#!/usr/bin/env python3
"""The figures of this addon beside those of its peers: make bench

Every figure is measured in one run, on one machine and in one process: databases with
and without the addon (and one with helpdesk_mgmt_sla) are filled alike and take turns,
and the median of the repetitions counts. What is measured is done by an ordinary
agent, without tracking, up to the last query of the transaction; then it is undone.
"alone" has every addon that ours depends on, so that the difference is ours.

    make bench                         all figures, a few minutes
    make bench ARGS="tickets"          a part: deadlines, tickets, ticket_list,
                                       card, segments, intake,
                                       sweep, backtest, quality
    make bench ARGS="--on a,b,c"       on databases that exist: with the addon, without
                                       it, with helpdesk_mgmt_sla instead (kept)
    make bench ARGS="--cpu"            processor time of Odoo and PostgreSQL, for a look
                                       while the machine does other things, too

The machine and what else runs on it make the times; the queries are always the same.
The exit code is 0 even where a target is not reached: the table says so.
"""

import argparse
import contextlib
import datetime
import importlib
import logging
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "dev")]

import databases  # noqa: E402  (found by the line above)

PARTS = (
    "deadlines",
    "tickets",
    "ticket_list",
    "card",
    "segments",
    "intake",
    "sweep",
    "backtest",
    "quality",
)
NAMES = ("ours", "alone", "sla")
SLA_ADDON = "helpdesk_mgmt_sla"


@contextlib.contextmanager
def fresh_databases():
    """Copies of the templates that the tests use, gone afterwards."""
    with (
        databases.scratch(name="scratch_bench_ours") as ours,
        databases.scratch(installed=False, name="scratch_bench_alone") as alone,
        databases.scratch(installed=False, name="scratch_bench_sla") as sla,
    ):
        databases.say(f"Installing {SLA_ADDON} for comparison")
        databases.odoo(
            sla, "-i", SLA_ADDON, "--stop-after-init", "--no-http", log="bench_sla"
        )
        yield [ours, alone, sla]


def open_odoo(names):
    """This process becomes an Odoo with a registry for each database."""
    import odoo
    from odoo.service import server
    from odoo.tools import config

    config.parse_config(["--no-http", "--log-level=error"], setup_logging=True)
    logging.getLogger("odoo").setLevel(logging.ERROR)
    server.load_server_wide_modules()
    from harness import Side

    sides = {
        name: Side(name, database) for name, database in zip(NAMES, names, strict=False)
    }
    if not sides["ours"].has_addon or sides["alone"].has_addon:
        sys.exit("The first database must have the addon, the second must not.")
    return sides, odoo.release.version


def machine(side, odoo_version):
    with side.registry.cursor() as cr:
        cr.execute("SHOW server_version")
        postgres = cr.fetchone()[0].split()[0]
    model = "unknown processor"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (
        f"{datetime.date.today()}, {len(os.sched_getaffinity(0))} cores ({model}), "
        f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        f"PostgreSQL {postgres}, Odoo {odoo_version}"
    )


def run(parts, names, cpu):
    sides, odoo_version = open_odoo(names)
    import harness
    from fixture import fill

    if cpu:
        harness.use_processor_clock()
    for side in sides.values():
        fill(side)
    rows = []
    for part in parts:
        rows += importlib.import_module(part).rows(sides)
    print(f"{machine(sides['ours'], odoo_version)}; {harness.clock.name}, medians")
    print(harness.table(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--on", metavar="OURS,ALONE[,SLA]")
    parser.add_argument("--cpu", action="store_true")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    parts = arguments.parts or PARTS
    started = time.monotonic()
    if arguments.on:
        run(parts, arguments.on.split(","), arguments.cpu)
    else:
        with fresh_databases() as names:
            run(parts, names, arguments.cpu)
    print(f"{time.monotonic() - started:.0f} seconds")


if __name__ == "__main__":
    main()
