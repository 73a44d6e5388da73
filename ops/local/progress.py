"""Progress of a long command: a line when a step begins, and one with its seconds when it ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Steps:
    """Numbers the steps of one command and times them.

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
        """Print something that happened within the step, and when."""
        self._console.print(f"    [dim]{self.seconds:.1f} s[/dim]  {escape(text)}", highlight=False)

    @property
    def seconds(self) -> float:
        """Seconds since the first step could begin."""
        return time.monotonic() - self._started
