"""The form of every part of the report."""

from __future__ import annotations

from dataclasses import dataclass

from ops.check.changes import Change
from ops.preflight.check import Status

SETTINGS, SYNTHESIS, GUARDS, LINT, RULES, ACCOUNT, CHANGES = PARTS = (
    "settings", "synthesis", "guards", "cfn-lint", "cdk-preflight", "account", "changes",
)  # fmt: skip


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
    """

    name: str
    summary: str
    lines: tuple[Line, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of its lines."""
        return max((line.status for line in self.lines), key=list(Status).index, default=Status.PASS)


def not_asked(name: str, why: str, fix: str, status: Status = Status.COULD_NOT_ASK) -> Part:
    """Return a part that could not be asked."""
    return Part(name, why, (Line(status, why, fix),))
