"""What the rules of a customer segment mean, as far as no database is needed.

Every filled rule must hold, and within one rule any of its values. What is not known
about a customer never fits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date

from .birth import Interval, ages_on, years_before

#: How a rule stands for one customer.
YES, NO, UNKNOWN = "yes", "no", "unknown"


def birthday_bounds(
    youngest: int, oldest: int, today: date
) -> tuple[date | None, date | None]:
    """Birthdays of those who are from `youngest` to `oldest` years old.

    :param youngest: full years, 0 for no lower limit
    :param oldest: full years, this one included; 0 for no upper limit
    :return: (born after, born on or before), None where there is no limit
    """
    after = years_before(today, oldest + 1) if oldest else None
    until = years_before(today, youngest) if youngest else None
    return after, until


def judge_age(youngest: int, oldest: int, born: Interval | None, today: date) -> str:
    """Whether somebody is from `youngest` to `oldest` years old: yes, no, unknown.

    Unknown as long as one of the possible birthdays fits and another does not.
    """
    if born is None:
        return UNKNOWN
    least, greatest = ages_on(born, today)
    if greatest < youngest or (oldest and least > oldest):
        return NO
    if least < youngest or (oldest and greatest > oldest):
        return UNKNOWN
    return YES


def split_codes(text: str | None) -> tuple[str, ...]:
    """The codes in `text`, which separates them by commas, each once and in order."""
    codes = (code.strip() for code in (text or "").split(","))
    return tuple(dict.fromkeys(code for code in codes if code))


def asked_paths(condition: str) -> frozenset[str]:
    """Dotted names of all fields that a written domain asks, also inside `any`.

    Only the values may be worked out when it is used: what is asked has to be written
    plainly, so that it can be judged once and for all.

    :raises ValueError: when it is no list of conditions, or written otherwise
    """
    try:
        return frozenset(_asked(ast.parse(condition.strip(), mode="eval").body, ""))
    except SyntaxError as error:
        raise ValueError(error.msg) from error
    except (RecursionError, MemoryError) as error:
        raise ValueError(type(error).__name__) from error


def _asked(node: ast.expr, prefix: str) -> Iterator[str]:
    if not isinstance(node, (ast.List, ast.Tuple)):
        raise ValueError(f"not a list of conditions: {ast.unparse(node)[:80]}")
    for item in node.elts:
        if isinstance(item, ast.Constant) and item.value in ("&", "|", "!"):
            continue
        if not (isinstance(item, (ast.List, ast.Tuple)) and len(item.elts) == 3):
            raise ValueError(f"not a condition: {ast.unparse(item)[:80]}")
        name, operator, value = item.elts
        if not (isinstance(name, ast.Constant) and isinstance(operator, ast.Constant)):
            raise ValueError(f"not a condition: {ast.unparse(item)[:80]}")
        if not isinstance(name.value, str):
            # The constants (1, "=", 1) and (0, "=", 1)
            continue
        yield prefix + name.value
        if "any" in str(operator.value).lower():
            yield from _asked(value, f"{prefix}{name.value}.")
