"""What a person reads first: the recoveries and losses of one run, or several runs, beside the objectives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from breakwater_drills.distribution import Spread
from breakwater_drills.measure import Recovery
from breakwater_drills.result import Result, counted, recovered, spanned
from breakwater_drills.target import Target


@dataclass(frozen=True)
class Summary:
    """A table in words, for any way of printing it.

    Attributes:
        title: above the table.
        heads: one for each column.
        rows: the cells of each row.
        ends: the rows below the last rule: the sum, and what was demanded.
    """

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    ends: Sequence[tuple[str, ...]]


def of_run(result: Result, target: Target) -> Summary:
    """Return the recoveries and losses of one run, beside the objectives."""
    objectives = target.objectives
    rows = []
    for each in result.recoveries:
        detected = "" if each.detection_seconds is None else f"{each.detection_seconds:.2f} s"
        errors = f"{each.errors} of {each.requests}" if each.requests else ""
        rows.append((each.name, errors, detected, _recovered(each), "", ""))
    for loss in result.losses:
        lost = f"{counted(loss.lost)} of {loss.acknowledged}"
        rows.append((loss.name, "", "", "", lost, spanned(loss.rpo_seconds, at_least=loss.at_least)))
    ends = [
        ("measured", "", "", result.rto, _lost(result), result.rpo),
        ("objective", "", "", f"{objectives.rto_seconds:g} s", "", f"{objectives.rpo_seconds:g} s"),
    ]
    heads = ("", "Errors", "Detected", "Recovered", "Lost writes", "RPO")
    return Summary(f"Drill {result.drill}, {target.stack}", heads, rows, ends)


def of_runs(results: Sequence[Result], target: Target) -> Summary:
    """Return several runs, one on each line, and the worst of them."""
    rows = [
        (
            str(number),
            str(sum(each.errors for each in result.recoveries)),
            result.rto,
            str(sum(each.acknowledged for each in result.losses)),
            _lost(result),
            counted(None if result.unread else sum(each.unacknowledged_found or 0 for each in result.losses)),
            result.rpo,
        )
        for number, result in enumerate(results, start=1)
    ]
    acknowledged = sum(each.acknowledged for result in results for each in result.losses)
    lost = str(sum(result.lost for result in results))
    if any(result.unread for result in results):
        lost = f"{lost} known"
    errors = sum(each.errors for result in results for each in result.recoveries)
    ends = [
        ("all", str(errors), "", str(acknowledged), lost, "", ""),
        ("worst", "", _worst_rto(results), "", "", "", _worst_rpo(results)),
    ]
    heads = ("Run", "Errors", "RTO", "Acknowledged", "Lost", "Also found", "RPO")
    return Summary(f"{len(results)} runs, {target.stack}", heads, rows, ends)


def of_distribution(spreads: Mapping[str, Spread]) -> Summary:
    """Return how the figures of several runs are spread."""
    rows = [(name, *each.words) for name, each in spreads.items()]
    return Summary("Distribution", ("", "p50", "p99", "Max"), rows, [])


def _recovered(each: Recovery) -> str:
    """Return a recovery in words, in brackets when it does not count for the objective."""
    return recovered(each.rto_seconds) if each.judged else f"({recovered(each.rto_seconds)})"


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
