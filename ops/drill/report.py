"""What a drill prints: a table for one run, and one for several runs in a row."""

from collections.abc import Sequence

from rich.table import Table

from ops.console import new_table
from ops.drill.result import Result, counted, recovered, spanned
from ops.drill.target import Target


def table(result: Result, target: Target) -> Table:
    """Return the recoveries and losses of one run, beside the objectives."""
    objectives = target.settings.recovery
    heads = ("Errors", "Detected", "Recovered", "Lost writes", "RPO")
    made = new_table(f"Drill {result.drill}, {target.stack}", "", *heads, right=heads)
    for each in result.recoveries:
        detected = "" if each.detection_seconds is None else f"{each.detection_seconds:.2f} s"
        errors = f"{each.errors} of {each.requests}" if each.requests else ""
        made.add_row(each.name, errors, detected, recovered(each.rto_seconds) if each.judged else "", "", "")
    for loss in result.losses:
        lost = f"{counted(loss.lost)} of {loss.acknowledged}"
        made.add_row(loss.name, "", "", "", lost, spanned(loss.rpo_seconds, at_least=loss.at_least))
    made.add_section()
    made.add_row("measured", "", "", result.rto, _lost(result), result.rpo)
    made.add_row("objective", "", "", f"{objectives.rto_seconds} s", "", f"{objectives.rpo_seconds} s")
    return made


def summary(results: Sequence[Result], target: Target) -> Table:
    """Return several runs, one on each line."""
    heads = ("Errors", "RTO", "Acknowledged", "Lost", "Found unacknowledged", "RPO")
    made = new_table(f"{len(results)} runs, {target.stack}", "Run", *heads, right=heads)
    for number, result in enumerate(results, start=1):
        made.add_row(
            str(number),
            str(sum(each.errors for each in result.recoveries)),
            result.rto,
            str(sum(each.acknowledged for each in result.losses)),
            _lost(result),
            str(sum(each.unacknowledged_found or 0 for each in result.losses)),
            result.rpo,
        )
    made.add_section()
    acknowledged = sum(each.acknowledged for result in results for each in result.losses)
    lost = str(sum(result.lost for result in results))
    if any(result.unread for result in results):
        lost = f"{lost} known"
    made.add_row("all", "", f"worst {_worst_rto(results)}", str(acknowledged), lost, "", f"worst {_worst_rpo(results)}")
    return made


def _lost(result: Result) -> str:
    return "unknown" if result.unread else str(result.lost)


def _worst_rto(results: Sequence[Result]) -> str:
    times = [each.rto_seconds for each in results]
    known = [each for each in times if each is not None]
    if len(known) < len(times):
        return f"not recovered in {len(times) - len(known)} of {len(times)}"
    return recovered(max(known))


def _worst_rpo(results: Sequence[Result]) -> str:
    spans = [each.rpo_seconds for each in results]
    known = [each for each in spans if each is not None]
    if len(known) < len(spans):
        return f"unknown in {len(spans) - len(known)} of {len(spans)}"
    return spanned(max(known), at_least=any(each.at_least for each in results))
