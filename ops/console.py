"""How the commands show their progress and their results: numbered steps, and tables of one style."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.errors import OpsError

COLORS: Final = {
    "pass": "green", "healthy": "green", "real": "green",
    "warn": "yellow", "degraded": "yellow", "simulated": "yellow",
    "could-not-ask": "magenta", "unknown": "magenta", "metadata": "magenta",
    "fail": "red", "unhealthy": "red", "broken": "red",
}  # fmt: skip


_UNLIMITED: Final = 10_000  # characters: more than any line has


class Steps:
    """The steps of one command, numbered and timed.

    Args:
        console: where to print.
        total: how many steps there will be.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Print the title, run the body, then print its seconds and whatever the body appended to the list."""
        self._done += 1
        self._console.print(f"[bold]{self._done}/{self._total} {title}[/bold]")
        began, result = time.monotonic(), list[str]()
        yield result
        took = f"[dim]{time.monotonic() - began:.1f} s[/dim]"
        self._console.print("    " + "  ".join([took, *result]))

    def note(self, text: str) -> None:
        """Print an event within the step, and when it happened."""
        self._console.print(f"    [dim]{self.seconds:.1f} s[/dim]  {escape(text)}", highlight=False)

    @property
    def seconds(self) -> float:
        """Seconds since the first step could begin."""
        return time.monotonic() - self._started


def confirm(question: str, word: str) -> None:
    """Ask a person to type a word before something is done.

    Args:
        question: shown before the prompt's end.
        word: what has to be typed.

    Raises:
        OpsError: there is nobody to ask, or something else was typed.
    """
    if not sys.stdin.isatty():
        raise OpsError("there is no terminal to confirm on: add --yes")
    if input(f"{question}: ").strip() != word:
        raise OpsError("not confirmed: nothing was done")


def new_table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table, for `print_table`.

    Args:
        title: above the table; empty for none.
        columns: their heads.
        right: the heads of those that are aligned to the right.
    """
    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table, which breaks no word, and leaves a number and its unit on one line.

    A terminal that is too narrow for that wraps whole lines: a name that is copied from it is still whole.

    Args:
        console: where to print.
        table: from `new_table`.
    """
    unlimited = console.options.update(max_width=_UNLIMITED)
    for column in table.columns:
        measured = [console.measure(each, options=unlimited) for each in (column.header, *column.cells)]
        column.no_wrap = column.justify == "right"
        column.min_width = max(each.maximum if column.no_wrap else each.minimum for each in measured)
    # Each column has a space on both sides and a line beside it.
    least = sum((column.min_width or 0) + 3 for column in table.columns) + 1
    table.width = least if least > console.width else None
    console.print(table, crop=False)


def colored(word: str) -> str:
    """Return a status, a level or a health as markup in its color."""
    return f"[{COLORS[word]}]{word}[/]"
