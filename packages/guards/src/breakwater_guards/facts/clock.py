"""The day on which rules judge support dates: today, unless a caller pins another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

_PINNED: ContextVar[date | None] = ContextVar("pinned_day", default=None)


def today() -> date:
    """Return the pinned day, else the current one in UTC."""
    return _PINNED.get() or datetime.now(UTC).date()


@contextmanager
def pinned(day: date) -> Iterator[None]:
    """Judge as of a given day inside a ``with`` block, e.g. the planned day of a deployment.

    Args:
        day: what :func:`today` returns meanwhile.
    """
    token = _PINNED.set(day)
    try:
        yield
    finally:
        _PINNED.reset(token)
