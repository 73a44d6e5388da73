"""The form of every part of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ops.check.changes import Change
from ops.preflight.check import Status

SETTINGS, SYNTHESIS, GUARDS, LINT, RULES, ACCOUNT, CHANGES = PARTS = (
    "settings", "synthesis", "guards", "cfn-lint", "cdk-preflight", "account", "changes",
)  # fmt: skip
INSTALL: Final = "Run `make install`, or `make check`."


@dataclass(frozen=True)
class Line:
    """One thing that was found.

    Attributes:
        status: what it means for the deployment.
        text: what was found, and where.
        fix: how to correct it, or how to see more; empty where the text says it.
    """

    status: Status
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Part:
    """What one part found.

    Attributes:
        name: one of :data:`PARTS`.
        summary: for the table.
        lines: what was found, the gravest first.
        changes: what would happen to resources; only of the part of that name.
        missing: what is not installed, so that the part could not be asked; empty for nothing.
    """

    name: str
    summary: str
    lines: tuple[Line, ...] = ()
    changes: tuple[Change, ...] = ()
    missing: str = ""

    @property
    def status(self) -> Status:
        """The worst of its lines."""
        return max((line.status for line in self.lines), key=list(Status).index, default=Status.PASS)


def not_asked(name: str, why: str, fix: str, status: Status = Status.COULD_NOT_ASK) -> Part:
    """Return a part that could not be asked."""
    return Part(name, why, (Line(status, why, fix),))


def not_installed(name: str, what: str) -> Part:
    """Return a part that needs what is not installed: whoever wants the whole report must install it."""
    return replace(not_asked(name, f"not asked: {what} is not installed", INSTALL), missing=what)


def counted(statuses: Iterable[Status]) -> str:
    """Return how often each status occurs, in words, the gravest first."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if counts[status])


def worst_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines by how grave they are."""
    return tuple(sorted(lines, key=lambda line: -list(Status).index(line.status)))
