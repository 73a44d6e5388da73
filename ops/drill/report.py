"""What a drill prints: a table for one run, and one for several runs in a row."""

from collections.abc import Sequence

from rich.table import Table

from ops.console import new_table
from ops.drill.run import Result
from ops.drill.target import Target


def table(result: Result, target: Target) -> Table:
    """Return the recoveries and losses of one run, beside the objectives."""
    objectives = target.settings.recovery
    heads = ("Errors", "Detected", "Recovered", "Lost writes", "RPO")
    made = new_table(f"Drill {result.drill}, {target.stack}", "", *heads, right=heads)
    for each in result.recoveries:
        detected = "" if each.detection_seconds is None else f"{each.detection_seconds:.2f} s"
        errors = f"{each.errors} of {each.requests}" if each.requests else ""
        made.add_row(each.name, errors, detected, _recovered(each.rto_seconds) if each.judged else "", "", "")
    for loss in result.losses:
        made.add_row(loss.name, "", "", "", f"{loss.lost} of {loss.acknowledged}", f"{loss.rpo_seconds:.2f} s")
    made.add_section()
    made.add_row("measured", "", "", _recovered(result.rto_seconds), *_lost(result))
    made.add_row("objective", "", "", f"{objectives.rto_seconds} s", "", f"{objectives.rpo_seconds} s")
    return made


def summary(results: Sequence[Result], target: Target) -> Table:
    """Return several runs, one on each line."""
    heads = ("Errors", "RTO", "Acknowledged", "Lost", "Found unacknowledged", "RPO")
    made = new_table(f"{len(results)} runs, {target.stack}", "Run", *heads, right=heads)
    for number, result in enumerate(results, start=1):
        lost, rpo = _lost(result)
        made.add_row(
            str(number),
            str(sum(each.errors for each in result.recoveries)),
            _recovered(result.rto_seconds),
            str(sum(each.acknowledged for each in result.losses)),
            lost,
            str(sum(each.unacknowledged_found for each in result.losses)),
            rpo,
        )
    made.add_section()
    acknowledged = sum(each.acknowledged for result in results for each in result.losses)
    worst = max((result.rto_seconds for result in results if result.rto_seconds is not None), default=None)
    lost_in_all = sum(result.lost for result in results)
    made.add_row("all", "", f"worst {_recovered(worst)}", str(acknowledged), str(lost_in_all), "", "")
    return made


def _lost(result: Result) -> tuple[str, str]:
    """Return the number of lost writes, and the RPO."""
    return ("unknown", "unknown") if result.unread else (str(result.lost), f"{result.rpo_seconds:.2f} s")


def _recovered(seconds: float | None) -> str:
    return "not recovered" if seconds is None else f"{seconds:.2f} s"
