"""Arrays for PostgreSQL as one literal each.

A list with one parameter an element takes the driver and the parser many times as long.
"""

from collections.abc import Iterable


def int_array(values: Iterable[int | None]) -> str:
    """Literal of an array of numbers; None is NULL."""
    texts = ("NULL" if value is None else str(value) for value in values)
    return f"{{{','.join(texts)}}}"


def text_array(values: Iterable[str | None]) -> str:
    """Literal of an array of texts; None is NULL."""
    return f"{{{','.join(map(_quoted, values))}}}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
