"""What a drill prints: one run, and many in a row."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from ops.drill.run import Result
from ops.drill.target import Target


def table(result: Result, target: Target) -> Table:
    """One run: what came back and what was kept, against the objectives."""
    objectives = target.settings.recovery
    made = _table(f"Drill {result.drill}, {target.stack}", "", "Errors", "Detected", "Back", "Lost writes", "RPO")
    for each in result.recoveries:
        detected = "" if each.detection_seconds is None else f"{each.detection_seconds:.2f} s"
        errors = f"{each.errors} of {each.requests}" if each.requests else ""
        made.add_row(each.name, errors, detected, _back(each.rto_seconds) if each.judged else "", "", "")
    for kept in result.losses:
        made.add_row(kept.name, "", "", "", f"{kept.lost} of {kept.acknowledged}", f"{kept.rpo_seconds:.2f} s")
    made.add_section()
    made.add_row("measured", "", "", _back(result.rto_seconds), *_kept(result))
    made.add_row("objective", "", "", f"{objectives.rto_seconds} s", "", f"{objectives.rpo_seconds} s")
    return made


def summary(results: Sequence[Result], target: Target) -> Table:
    """Many runs, one line each."""
    made = _table(
        f"{len(results)} runs, {target.stack}",
        "Run",
        "Errors",
        "RTO",
        "Acknowledged",
        "Lost",
        "Kept unacknowledged",
        "RPO",
    )
    for number, result in enumerate(results, start=1):
        lost, rpo = _kept(result)
        made.add_row(
            str(number),
            str(sum(each.errors for each in result.recoveries)),
            _back(result.rto_seconds),
            str(sum(each.acknowledged for each in result.losses)),
            lost,
            str(sum(each.unacknowledged_found for each in result.losses)),
            rpo,
        )
    made.add_section()
    acknowledged = sum(each.acknowledged for result in results for each in result.losses)
    worst = max((result.rto_seconds for result in results if result.rto_seconds is not None), default=None)
    made.add_row("all", "", f"worst {_back(worst)}", str(acknowledged), str(sum(r.lost for r in results)), "", "")
    return made


def _kept(result: Result) -> tuple[str, str]:
    """Lost writes and RPO."""
    return ("unknown", "unknown") if result.unread else (str(result.lost), f"{result.rpo_seconds:.2f} s")


def _table(title: str, *columns: str) -> Table:
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left")
    return made


def _back(seconds: float | None) -> str:
    return "not back" if seconds is None else f"{seconds:.2f} s"
