"""What people look at after the functions ran: health, failover, restore test."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from ops.local.smoke_test import SmokeTest

_COLOURS = {"healthy": "green", "degraded": "yellow", "unknown": "magenta", "unhealthy": "red"}


def tables(found: SmokeTest) -> Iterator[Table]:
    """One table for each function.

    Args:
        found: what they answered.
    """
    yield _health(found.health)
    yield _failovers(found.failovers)
    yield _restore(found.restore)


def _health(answer: Mapping[str, Any]) -> Table:
    table = _table(f"Health monitor: {answer['overall']}", "Component", "Health", "Reasons")
    for component, found in answer["components"].items():
        health = found["health"]
        table.add_row(component, f"[{_COLOURS[health]}]{health}[/]", escape("\n".join(found["reasons"])))
    return table


def _failovers(answers: list[Mapping[str, Any]]) -> Table:
    table = _table("Failover, twice in a row", "Outcome", "Writer before", "Writer after", "Seconds", "Reason")
    for answer in answers:
        seconds = f"{answer['seconds']:.3f}" if "seconds" in answer else ""
        table.add_row(
            answer["outcome"],
            answer.get("old_writer", ""),
            answer.get("new_writer", ""),
            seconds,
            escape(answer["reason"]),
        )
    return table


def _restore(job: Mapping[str, Any]) -> Table:
    table = _table("Restore test of the table", "Restored as", "Validation", "Found")
    name = str(job["CreatedResourceArn"]).rpartition("/")[2]
    table.add_row(name, job["ValidationStatus"], escape(job["ValidationStatusMessage"]))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
