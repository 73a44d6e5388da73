"""The notification about changes of health: what changed, since when, why, and which runbook section helps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from health_monitor.state import HealthChange

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
MAX_SUBJECT_LENGTH = 100
RUNBOOK = "docs/runbook.md#health-of-the-"


def subject(changes: Sequence[HealthChange], stack: str) -> str:
    """Return a subject that SNS accepts: ASCII, one line, at most 100 characters.

    Args:
        changes: Changes to report, at least one.
        stack: Name of the root stack.
    """
    states = ", ".join(f"{change.component} {change.after.label}" for change in changes)
    return f"{stack}: {states}"[:MAX_SUBJECT_LENGTH]


def message(changes: Sequence[HealthChange]) -> str:
    """Return the text of the notification, one paragraph for each change.

    Args:
        changes: Changes to report.
    """
    return "\n\n".join(map(_paragraph, changes))


def _paragraph(change: HealthChange) -> str:
    since = datetime.fromtimestamp(change.since, UTC).isoformat(timespec="seconds")
    before, after = change.before.label, change.after.label
    return "\n".join(
        [
            f"{change.component}: {before} -> {after} ({before} since {since})",
            *(f"  - {reason}" for reason in change.reasons),
            f"  What to do: {RUNBOOK}{change.component}",
        ]
    )
