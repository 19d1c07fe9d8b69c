"""Sides that are compared, measuring them in turn, and the table of figures."""

import contextlib
import gc
import statistics
import sys
import time
from dataclasses import dataclass, field

from odoo import api
from odoo.modules.registry import Registry

#: Login of the person who does what is measured: an ordinary agent.
AGENT = "bench_agent"


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


class Side:
    """One database, with or without the addon, in this process."""

    def __init__(self, name, database):
        self.name = name
        self.registry = Registry(database)
        self.has_addon = "csp.commitment" in self.registry

    @contextlib.contextmanager
    def env(self, login=None, commit=False):
        """An environment on a cursor of its own: what it does is undone, unless it is
        to be committed. Nothing of records is in its cache; the registry is warm."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, api.SUPERUSER_ID, {"tracking_disable": True})
            if login:
                user = env["res.users"].search([("login", "=", login)])
                env = api.Environment(
                    cr,
                    user.id,
                    {
                        "tracking_disable": True,
                        "allowed_company_ids": user.company_ids.ids,
                    },
                )
                env.invalidate_all()
            yield env
            if commit:
                env.cr.flush()
                cr.commit()
            else:
                env.transaction.clear()
                cr.rollback()


class WallClock:
    """What passes for who waits."""

    name = "time"

    def __init__(self, cr):
        pass

    def now(self):
        """Seconds since some moment."""
        return time.perf_counter()


class ProcessorClock:
    """What this process and its PostgreSQL have worked, whatever else runs (Linux)."""

    name = "processor time"

    def __init__(self, cr):
        cr.execute("SELECT pg_backend_pid()")
        self._path = f"/proc/{cr.fetchone()[0]}/schedstat"

    def now(self):
        """Seconds since some moment."""
        with open(self._path) as file:
            return time.process_time() + int(file.read().split()[0]) / 1e9


#: How `in_turn` measures.
clock = WallClock


def use_processor_clock():
    global clock
    clock = ProcessorClock


@dataclass
class Measured:
    """Milliseconds of each repetition, and how many queries one takes."""

    times: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)

    @property
    def ms(self):
        return statistics.median(self.times)

    @property
    def count(self):
        return statistics.mode(self.queries)


def in_turn(sides, work, repetitions=7, prepare=None, login=AGENT):
    """Do the same on each side, in turn, and measure it.

    `prepare(env)` gives what `work(env, prepared)` takes; only the latter is measured,
    up to and including what is written when the transaction ends. One round before the
    measured ones fills the caches of the process.

    :return: dict of a side's name to `Measured`
    """
    results = {side.name: Measured() for side in sides}
    for repetition in range(repetitions + 1):
        # Whoever comes second finds the processor's caches warm: change places.
        for side in sides if repetition % 2 else reversed(sides):
            with side.env(login) as env:
                prepared = prepare(env) if prepare else None
                env.cr.flush()
                env.invalidate_all()
                timer = clock(env.cr)
                gc.collect()
                queries, started = env.cr.sql_log_count, timer.now()
                work(env, prepared)
                env.cr.flush()
                elapsed = timer.now() - started
                queries = env.cr.sql_log_count - queries
            if repetition:
                results[side.name].times.append(elapsed * 1000)
                results[side.name].queries.append(queries)
    return results


@dataclass
class Row:
    """One line of the table. `good` is None for figures without a target."""

    what: str
    peer: str
    ours: str
    theirs: str
    difference: str
    target: str
    good: bool | None = None

    @property
    def verdict(self):
        return {True: "ok", False: "falls short", None: ""}[self.good]


HEADINGS = ("what", "peer", "ours", "peer's", "ratio / difference", "target", "")


def table(rows):
    """The rows as aligned text."""
    cells = [
        HEADINGS,
        *(
            (
                row.what,
                row.peer,
                row.ours,
                row.theirs,
                row.difference,
                row.target,
                row.verdict,
            )
            for row in rows
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        " | ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(lines)
