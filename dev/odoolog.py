"""Reads Odoo's log: what counts as a fault in it, and the runner's figures."""

import re
from typing import NamedTuple

MODULE = "customer_service_plan"
LINE = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?P<level>[A-Z]+) \S+ "
    r"(?P<logger>[\w.\-]+): (?P<message>.*)$"
)
FIGURES = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")
FAILED_TEST = re.compile(r"^(FAIL|ERROR): (?:Subtest )?(?P<name>.+)$")

# Warnings that are not about this addon, each with the reason why it is let pass.
# Whatever the dependencies log without us is let pass too (see databases.Baseline).
ALLOWED = [
    # (logger, start of the message)
]


class Record(NamedTuple):
    level: str
    logger: str
    message: str  # with the lines that follow, such as a traceback

    def key(self):
        """Equal for messages that differ in numbers, names of databases or times."""
        first = self.message.split("\n")[0]
        return f"{self.logger}: {re.sub(r'[0-9a-f]*[0-9][0-9a-f]*', 'N', first)}"

    def is_ours(self):
        return (
            self.logger.startswith(f"odoo.addons.{MODULE}")
            or MODULE in self.message
            or re.search(r"\bcsp[._]\w", self.message) is not None
        )

    def __str__(self):
        return f"{self.level} {self.logger}: {self.message}"


def records(text):
    current = None
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            if current:
                yield Record(*current)
            current = [match["level"], match["logger"], match["message"]]
        elif current:
            current[2] += "\n" + line
    if current:
        yield Record(*current)


def complaints(text):
    """Records of level WARNING and above."""
    return [r for r in records(text) if r.level in ("WARNING", "ERROR", "CRITICAL")]


def faults(text, baseline=()):
    """What must not be in a log: anything of ours, and anything new to the others."""
    return [
        record
        for record in complaints(text)
        if not any(
            record.logger == logger and record.message.startswith(start)
            for logger, start in ALLOWED
        )
        and (record.is_ours() or record.key() not in baseline)
    ]


class Outcome(NamedTuple):
    run: int
    failed: list  # names of tests
    skipped: list  # "name : reason"
    errors: int  # the runner's own count, larger with subtests

    @property
    def passed(self):
        return max(0, self.run - self.errors - len(self.skipped))


def outcome(text):
    """The figures of Odoo's test runner, or None if it never got to its end."""
    failed, skipped, figures = [], [], None
    for record in records(text):
        first = record.message.split("\n")[0]
        if match := FIGURES.search(first):
            figures = [int(number) for number in match.groups()]
        elif record.level == "ERROR" and (match := FAILED_TEST.match(first)):
            failed.append(
                f"{record.logger.removeprefix('odoo.addons.')}: {match['name']}"
            )
        elif first.startswith("skipped "):
            module = record.logger.removeprefix("odoo.addons.")
            skipped.append(f"{module}: {first.removeprefix('skipped ')}")
    if figures is None:
        return None
    return Outcome(figures[2], failed, skipped, figures[0] + figures[1])
