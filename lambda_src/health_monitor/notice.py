"""The notice of a change: what changed, since when, why, and where the runbook says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from health_monitor.state import Change

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
LONGEST_SUBJECT = 100
RUNBOOK = "docs/runbook.md#health-of-the-"


def subject(changes: Sequence[Change], stack: str) -> str:
    """Return a subject that SNS accepts: ASCII, one line, at most 100 characters.

    Args:
        changes: what changed, at least one.
        stack: name of the root stack.
    """
    words = ", ".join(f"{change.component} {change.after.word}" for change in changes)
    return f"{stack}: {words}"[:LONGEST_SUBJECT]


def message(changes: Sequence[Change]) -> str:
    """Return the text of the notice.

    Args:
        changes: what changed.
    """
    return "\n\n".join(map(_paragraph, changes))


def _paragraph(change: Change) -> str:
    since = datetime.fromtimestamp(change.since, UTC).isoformat(timespec="seconds")
    before, after = change.before.word, change.after.word
    return "\n".join(
        [
            f"{change.component}: {before} -> {after} (it was {before} since {since})",
            *(f"  - {reason}" for reason in change.reasons),
            f"  What to do: {RUNBOOK}{change.component}",
        ]
    )
