"""For people: a table, the fixes below it, and a line with the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from ops.console import COLORS, colored, new_table
from ops.preflight.check import Status
from ops.preflight.engine import CheckResult


def print_text(console: Console, results: Sequence[CheckResult]) -> None:
    """Print what was found; the worst comes last, where people look first.

    Args:
        console: where to print.
        results: of the checks.
    """
    table = new_table("", "Check", "Answer", "What was found")
    for result in results:
        found = escape("\n".join(outcome.message for outcome in result.outcomes))
        table.add_row(result.check.id, colored(result.status), found)
    console.print(table)
    for result in sorted(results, key=lambda result: list(Status).index(result.status)):
        if result.status in (Status.WARN, Status.FAIL):
            title = f"{result.check.id} ({result.status}): {result.check.title}"
            console.print(f"[{COLORS[result.status]}]{escape(title)}[/]", highlight=False)
            for line in (f"Otherwise: {result.check.why}", f"Fix: {result.check.fix}", result.check.source):
                console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    counts = Counter(result.status for result in results)
    console.print(", ".join(f"{counts[status]} {status}" for status in Status), highlight=False)
