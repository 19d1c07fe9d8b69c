"""Base of the tests that need several processes or a running server.

They run by plain unittest inside the private environment: `make test T=test_lifecycle`.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "dev"))

import databases  # noqa: E402  (from dev/, which is no package)
import odoolog  # noqa: E402
from common import PYTHON, free_port  # noqa: E402

MARK = "RESULT OF THE SCRIPT: "
ADDON = databases.MODULE


class ProcessCase(unittest.TestCase):
    """Each test gets its own copy of a template database, as `self.database`."""

    # False: a database with the dependencies only.
    installed = True

    def setUp(self):
        super().setUp()
        if "PGHOST" not in os.environ:
            self.skipTest("Start it by `make test` or below `dev/env`.")
        self.database = self.enterContext(databases.scratch(self.installed))
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def assertCleanLog(self, text):
        faults = odoolog.faults(text, databases.baseline()["logged"])
        self.assertFalse(faults, "\n".join(map(str, faults)))

    def odoo(self, *arguments, script=None, program=("-m", "odoo")):
        """Run Odoo to its end on the database, demand a clean log, return the log."""
        log = f"{self._testMethodName}"
        arguments = [*arguments, "--no-http"]
        if script is None:
            arguments += ["--stop-after-init"]
        code, text = databases.odoo(
            self.database, *arguments, log=log, script=script, program=program
        )
        self.assertCleanLog(text)
        self.assertEqual(code, 0, text[-3000:])
        return text

    def shell(self, script):
        """Run Python with `env`; what it puts into `result` comes back, as JSON."""
        text = self.odoo(
            program=("-m", "odoo", "shell"),
            script=(
                "import json\nresult = None\n"
                # One statement, because an error must not let the next lines run.
                f"exec({script!r})\n"
                "env.cr.commit()\n"
                f"print({MARK!r} + json.dumps(result, default=str))\n"
            ),
        )
        for line in text.splitlines():
            if MARK in line:
                return json.loads(line.partition(MARK)[2])
        raise AssertionError(f"The script failed:\n{text[-3000:]}")

    def start_shell(self, script):
        """Like shell(), but at the same time as others: returns its Popen."""
        process = subprocess.Popen(
            [str(PYTHON), "-m", "odoo", "shell", "-d", self.database, "--no-http"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(self._end, process)
        process.stdin.write(f"exec({script!r})\nenv.cr.commit()\n")
        process.stdin.close()
        process.stdin = None  # communicate() would write to it again
        return process

    def count(self, table, condition):
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])

    def together(self, scripts):
        """Run scripts in processes of their own that begin at the same moment."""
        go = self.folder / "go"
        go.unlink(missing_ok=True)
        processes = []
        for number, script in enumerate(scripts):
            ready = self.folder / f"ready{number}"
            ready.unlink(missing_ok=True)
            wait = (
                "import pathlib, time\n"
                "env['csp.commitment'].search([], limit=1)\nenv.cr.rollback()\n"
                f"pathlib.Path({str(ready)!r}).touch()\n"
                f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
            )
            processes.append((self.start_shell(wait + script), ready))
        for process, ready in processes:
            self.wait_for_file(ready, process)
        go.touch()
        texts = []
        for process, _ready in processes:
            text, _errors = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, text[-3000:])
            self.assertNotIn("Traceback", text, text[-3000:])
            self.assertCleanLog(text)
            texts.append(text)
        return texts

    def wait_for_file(self, path, process):
        for _attempt in range(1200):
            if path.exists():
                return
            if process.poll() is not None:
                self.fail(process.communicate()[0][-3000:])
            time.sleep(0.1)
        self.fail(f"{path.name} did not come")

    def _end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def sql(self, query):
        return databases.sql(self.database, query)

    @contextlib.contextmanager
    def server(self, *arguments, clean=True):
        """A running server; gives its address. Its log is checked at the end."""
        port = free_port(8270)
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [
                    *(str(PYTHON), "-m", "odoo", "-d", self.database),
                    *(f"--db-filter=^{self.database}$", f"--http-port={port}"),
                    *(f"--gevent-port={free_port(port + 1)}", *arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                self._wait_for(f"http://127.0.0.1:{port}/web/login", process)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                log.seek(0)
                text = log.read()
            if clean:
                self.assertCleanLog(text)

    def _wait_for(self, address, process):
        for _attempt in range(240):
            try:
                with urllib.request.urlopen(address, timeout=60):
                    return
            except OSError:
                if process.poll() is not None:
                    raise AssertionError("The server ended at once.") from None
                time.sleep(0.25)
        raise AssertionError("The server does not answer.")
