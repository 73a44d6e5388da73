"""Ways to print a report: one function per format, by the name that ``--format`` takes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from breakwater_guards.report import Report


def _format(name: str) -> Callable[[Report], str]:
    """Return the function of a format, whose module is imported when a report is printed: a run needs one of them."""

    def write(report: Report) -> str:
        text: str = getattr(import_module(f"{__name__}.{name}"), f"to_{name}")(report)
        return text

    return write


FORMATS: dict[str, Callable[[Report], str]] = {
    name: _format(name) for name in ("text", "json", "sarif", "junit", "github")
}
