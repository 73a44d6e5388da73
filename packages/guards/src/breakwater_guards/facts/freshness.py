"""Say when the facts behind a rule are old."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from breakwater_guards.facts import dated
from breakwater_guards.facts.clock import today
from breakwater_guards.rule import Rule

MAX_AGE_DAYS = 180


def stale_data(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield one notice per data file that is older than 180 days.

    Args:
        rules: rules that ran.
    """
    for name in sorted({rule.data for rule in rules if rule.data}):
        age = (today() - dated(name)).days
        if age > MAX_AGE_DAYS:
            yield f"facts in facts/data/{name}.json are {age} days old: run `python -m breakwater_guards.facts.refresh`"
