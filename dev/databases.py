"""Template databases, and copies of them that tests may spoil.

Two templates: one with the addons ours depends on, made again when requirements or
Odoo change; and one with ours installed too, made again when its sources change. A copy
takes half a second, an installation half a minute.

Everything here runs inside common.environment().
"""

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import odoolog
from common import (
    DEV,
    MODULE,
    PYTHON,
    ROOT,
    STATE,
    Failed,
    digest,
    free_port,
    locked,
    odoo_home,
    say,
)

ADDON = ROOT / MODULE
FILESTORE = STATE / "data" / "filestore"
LOGS = STATE / "log"
PEERS = ["helpdesk_mgmt", "helpdesk_mgmt_rating", "helpdesk_mgmt_merge"]
TEMPLATES_KEPT = 3


def sql(database, query):
    """Rows of a query as lists of text."""
    done = subprocess.run(
        ["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database],
        input=query,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Failed(f"PostgreSQL refused:\n{query}\n{done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def exists(name):
    return bool(sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def drop(name):
    sql("postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(FILESTORE / name, ignore_errors=True)


def copy(template, name):
    drop(name)
    sql("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    if (FILESTORE / template).exists():
        # Files in a filestore are only ever added or removed, so links will do.
        shutil.copytree(FILESTORE / template, FILESTORE / name, copy_function=os.link)


def rename(name, new):
    drop(new)
    sql("postgres", f'ALTER DATABASE "{name}" RENAME TO "{new}"')
    if (FILESTORE / name).exists():
        (FILESTORE / name).rename(FILESTORE / new)


def odoo(database, *arguments, log, program=("-m", "odoo"), script=None, show=False):
    """Run Odoo to its end; returns (exit code, its log). `log` names the log file."""
    LOGS.mkdir(exist_ok=True)
    path = LOGS / f"{log}.log"
    command = [PYTHON, *program, *arguments, "-d", database]
    # Returned from memory: another run may write the same file at this moment.
    lines = []
    with open(path, "w") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL if script is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if script is not None:
            process.stdin.write(script)
            process.stdin.close()
        with process:
            try:
                _pass_on(process.stdout, output, lines, show)
            except BaseException:
                process.kill()  # nobody would read what it says, or wait for it
                raise
    return process.returncode, "".join(lines)


def _pass_on(source, output, lines, show):
    shown = False
    for line in source:
        output.write(line)
        lines.append(line)
        if match := odoolog.LINE.match(line):
            shown = match["level"] in ("WARNING", "ERROR", "CRITICAL")
        if show == "all" or (show and shown):
            print(line, end="", flush=True)


def manifest():
    return ast.literal_eval((ADDON / "__manifest__.py").read_text())


def dependencies_key():
    return digest(
        odoo_home(),
        (odoo_home() / "odoo" / "release.py").read_bytes(),
        (DEV / "requirements.txt").read_bytes(),
        (DEV / "requirements-addons.txt").read_bytes(),
        sorted(manifest()["depends"]),
    )


def sources_key(demo=False):
    """Changes with everything of the addon that ends up in a database."""
    parts = [dependencies_key()]
    without = ("tests", "readme") if demo else ("tests", "readme", "demo")
    for path in sorted(ADDON.rglob("*")):
        inside = path.relative_to(ADDON).parts
        if inside[0] in without or "__pycache__" in inside:
            continue
        if path.suffix in (".py", ".xml", ".csv", ".po"):
            parts += [path.relative_to(ADDON), path.read_bytes()]
    return digest(*parts)


class Baseline:
    """What the dependencies log, and which of their tests fail, without our addon."""

    def __init__(self, key):
        self.path = STATE / f"baseline-{key}.json"

    def read(self):
        return json.loads(self.path.read_text())

    def write(self, **facts):
        self.path.write_text(json.dumps(facts, indent=1))


def baseline():
    return Baseline(dependencies_key()).read()


def run_tests(database, tags, *, log, show=False):
    """Odoo's runner on an installed database: (exit code, log)."""
    return odoo(
        database,
        *("--stop-after-init", f"--http-port={free_port(8170 + os.getpid() % 2000)}"),
        *("--test-tags", tags),
        program=[DEV / "late_tests.py"],
        log=log,
        show=show,
    )


def _forget_old(prefix, keep):
    rows = sql("postgres", "SELECT datname FROM pg_database ORDER BY oid DESC")
    names = [name for (name,) in rows if re.fullmatch(prefix + "[0-9a-f]{12}", name)]
    for name in names[keep:]:
        drop(name)


def _dependencies():
    key = dependencies_key()
    name = f"template_dependencies_{key}"
    if exists(name) and Baseline(key).path.exists():
        return name
    work = f"making_{os.getpid()}"
    drop(work)
    say("Making the template database: Odoo with the addons ours needs (a minute)")
    modules = ",".join(manifest()["depends"])
    code, text = odoo(
        work, "-i", modules, "--stop-after-init", "--no-http", log="dependencies"
    )
    if code or "Modules loaded." not in text:
        raise Failed(f"Odoo does not install {modules}: see {LOGS}/dependencies.log")
    logged = [record.key() for record in odoolog.complaints(text)]
    # Compiling the web client takes half a minute: once here instead of in each copy.
    code, text = odoo(
        work,
        "--no-http",
        program=["-m", "odoo", "shell"],
        script='env["ir.qweb"]._pregenerate_assets_bundles()\nenv.cr.commit()\n',
        log="assets",
    )
    if code:
        raise Failed(f"The web client does not compile: see {LOGS}/assets.log")
    logged += [record.key() for record in odoolog.complaints(text)]
    say("Running the helpdesk addons' own tests without ours, to compare with later")
    copy(work, f"scratch_{work}")
    _code, text = run_tests(
        f"scratch_{work}", ",".join(f"/{peer}" for peer in PEERS), log="peers"
    )
    drop(f"scratch_{work}")
    result = odoolog.outcome(text)
    if not result or not result.run:
        raise Failed(f"The helpdesk addons' tests do not run: see {LOGS}/peers.log")
    logged += [record.key() for record in odoolog.complaints(text)]
    rename(work, name)
    Baseline(key).write(
        logged=sorted(set(logged)), failed=result.failed, run=result.run
    )
    _forget_old("template_dependencies_", keep=1)
    return name


def _installed():
    template = _dependencies()
    key = sources_key()
    name = f"template_installed_{key}"
    if exists(name):
        return name
    say(f"Installing {MODULE} on a copy of the template")
    work = f"making_{os.getpid()}"
    copy(template, work)
    code, text = odoo(
        work, "-i", MODULE, "--stop-after-init", "--no-http", log="install"
    )
    found = odoolog.faults(text, baseline()["logged"])
    if code or found or "Modules loaded." not in text:
        drop(work)
        raise Failed(
            f"{MODULE} does not install cleanly; the whole log: {LOGS}/install.log\n"
            + "\n".join(map(str, found))
        )
    rename(work, name)
    _forget_old("template_installed_", keep=TEMPLATES_KEPT)
    return name


def prepare():
    """Makes the templates now, so that nobody waits for them later."""
    with locked("templates"):
        _installed()


@contextlib.contextmanager
def scratch(installed=True, name="scratch"):
    """A copy of a template, dropped at the end (KEEP=1 leaves it for a look)."""
    name = f"{name}_{os.getpid()}"
    with locked("templates"):
        _drop_orphans()
        copy(_installed() if installed else _dependencies(), name)
    try:
        yield name
    finally:
        if os.environ.get("KEEP"):
            say(f"Kept: dev/odoo -d {name}")
        else:
            drop(name)


def _drop_orphans():
    """Copies of runs that were killed."""
    for (name,) in sql("postgres", "SELECT datname FROM pg_database"):
        match = re.fullmatch(r"\w+_(\d+)", name)
        is_copy = match and name.startswith(("scratch", "making"))
        if is_copy and not Path(f"/proc/{match[1]}").exists():
            drop(name)
