"""Says when the facts behind a rule are old."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from guards.facts import dated
from guards.rule import Rule

MAX_AGE_DAYS = 180


def stale_data(rules: Iterable[Rule], today: date | None = None) -> Iterator[str]:
    """Yield one notice per data file that is older than 180 days.

    Args:
        rules: rules that ran.
        today: day to compare with; the current one (UTC) when not given.
    """
    now = today or datetime.now(UTC).date()
    for name in sorted({rule.data for rule in rules if rule.data}):
        age = (now - dated(name)).days
        if age > MAX_AGE_DAYS:
            yield f"facts in data/{name}.json are {age} days old: refresh them with `python -m guards.refresh`"
