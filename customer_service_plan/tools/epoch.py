"""Odoo's naive UTC datetimes and the UTC epoch seconds that the pure rules use."""

from calendar import timegm
from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)


def to_epoch(moment: datetime) -> int:
    """Epoch seconds of a naive UTC datetime; fractions of a second are dropped."""
    return timegm(moment.timetuple())


def from_epoch(seconds: int) -> datetime:
    """Naive UTC datetime of epoch seconds."""
    return _EPOCH + timedelta(seconds=seconds)
