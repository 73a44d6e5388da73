"""The figures of the drills of a release: as a table for people, and in the page that keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from breakwater_drills import distribution
from breakwater_drills.distribution import LOST
from breakwater_guards.formats import markdown
from ops.console import new_table, print_table
from ops.errors import OpsError

HEADS: Final = ("Runs", "Requests", "Failed", "Slowest request: p50 / p99 / max", "RTO: p50 / p99 / max", "Lost")
BEGIN: Final = "<!-- Written by `make drill-series`: do not edit. -->"
END: Final = "<!-- End of what `make drill-series` writes. -->"


def show(console: Console, kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the figures as a table.

    Args:
        console: where to print.
        kept: distributions by drill, as `distribution.read` returns them.
    """
    made = new_table("Series", "Drill", *HEADS, right=HEADS)
    for row in _rows(kept):
        made.add_row(*row)
    print_table(console, made)


def table(kept: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of the recorded figures, as Markdown.

    Args:
        kept: distributions by drill, as `distribution.read` returns them.
    """
    yield markdown.row("Drill", *HEADS)
    yield markdown.row(*["---"] * (len(HEADS) + 1))
    yield from (markdown.row(*row) for row in _rows(kept))


def _rows(kept: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for label, each in kept.items():
        spreads = {name: distribution.Spread(**spread) for name, spread in each["figures"].items()}
        yield (
            label,
            str(len(each["runs"])),
            str(sum(each["requests_per_run"])),
            f"{sum(each['failed_per_run'])}",
            " / ".join(spreads["slowest request"].words),
            " / ".join(spreads["RTO"].words),
            spreads[LOST].words[-1],
        )


def write(page: Path, kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the figures into a page, between its two marks.

    Args:
        page: which has both.
        kept: as above.

    Raises:
        OpsError: it has not.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise OpsError(f"{page} lacks the lines {BEGIN} and {END}, where the figures belong")
    text = "\n".join(table(kept))
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
