"""The notification about changes of health: what changed, since when, why, and which runbook section helps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from health_monitor.state import HealthChange

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
MAX_SUBJECT_LENGTH, MAX_MESSAGE_BYTES = 100, 262_144
RUNBOOK = "docs/runbook.md#health-"


def subject(changes: Sequence[HealthChange], stack: str) -> str:
    """Return a subject that SNS accepts: ASCII, one line, at most 100 characters.

    Args:
        changes: Changes to report, at least one.
        stack: Name of the root stack.
    """
    states = ", ".join(f"{change.component} {change.after.label}" for change in changes)
    return f"{stack}: {states}"[:MAX_SUBJECT_LENGTH]


def message(changes: Sequence[HealthChange], dropped: int = 0) -> str:
    """Return a text that SNS accepts: one paragraph for each change, cut after 262,144 bytes.

    Args:
        changes: Changes to report.
        dropped: Number of earlier changes that cannot be reported any more.
    """
    earlier = [f"Not listed, because they could not be sent in time: {dropped} earlier changes."] if dropped else []
    text = "\n\n".join([*earlier, *map(_paragraph, changes)])
    return text.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")


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
