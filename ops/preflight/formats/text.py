"""For people: a table, the fixes below it, and a line that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.preflight.check import Status
from ops.preflight.engine import CheckResult

COLOURS = {
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.COULD_NOT_ASK: "magenta",
    Status.FAIL: "red",
}


def print_text(console: Console, results: Sequence[CheckResult]) -> None:
    """Print what was found, worst last where people look first.

    Args:
        console: where to print.
        results: of the checks.
    """
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("Check", "Answer", "What was found"):
        table.add_column(column, overflow="fold")
    for result in results:
        found = escape("\n".join(outcome.message for outcome in result.outcomes))
        table.add_row(result.check.id, f"[{COLOURS[result.status]}]{result.status}[/]", found)
    console.print(table)
    for result in sorted(results, key=lambda result: list(Status).index(result.status)):
        if result.status in (Status.WARN, Status.FAIL):
            title = f"{result.check.id} ({result.status}): {result.check.title}"
            console.print(f"[{COLOURS[result.status]}]{escape(title)}[/]", highlight=False)
            for line in (f"Else: {result.check.why}", f"Fix: {result.check.fix}", result.check.source):
                console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    counts = Counter(result.status for result in results)
    console.print(", ".join(f"{counts[status]} {status}" for status in Status), highlight=False)
