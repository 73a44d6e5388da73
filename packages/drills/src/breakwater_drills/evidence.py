"""The evidence of a run: a folder with its report as JSON, text and page, its timeline and their checksums.

Beside the folders of all runs, `index.html` lists them with their trends.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from breakwater_drills import report_page, timeline
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Latency, Recovery
from breakwater_drills.result import Result, counted, recovered, spanned
from breakwater_drills.target import Target

_SUMS: Final = "SHA256SUMS"


def make_folder(folder: Path) -> None:
    """Create the folder for the evidence, before anything is broken.

    Raises:
        DrillError: it cannot be created, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DrillError(f"no evidence can be written to {folder}: {error.strerror}; name another folder") from None


def write(folder: Path, result: Result, target: Target) -> Path:
    """Write the evidence.

    Args:
        folder: where the run's own folder is made.
        result: of the run.
        target: the deployed stack.

    Returns:
        The run's folder.

    Raises:
        DrillError: it cannot be written.
    """
    began = datetime.fromtimestamp(result.fault, UTC)
    place = folder / f"{result.drill}-{began:%Y%m%dT%H%M%SZ}-{result.run}"
    try:
        place.mkdir(parents=True)
        (place / "report.json").write_text(json.dumps(as_json(result, target), indent=2) + "\n", encoding="utf-8")
        (place / "report.md").write_text("\n".join(as_markdown(result, target)) + "\n", encoding="utf-8")
        (place / report_page.REPORT).write_text(report_page.report(as_json(result, target)), encoding="utf-8")
        timeline.draw(place / "timeline.png", result, target.where)
        sums = [f"{sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(place.iterdir())]
        (place / _SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
        report_page.write_index(folder)
    except OSError as error:
        raise DrillError(f"the evidence cannot be written to {place}: {error.strerror}") from None
    return place


def as_json(result: Result, target: Target) -> dict[str, Any]:
    """Return everything, for programs: durations in seconds, times in seconds since 1970."""
    objectives = target.objectives
    misses = result.misses(objectives.rto_seconds, objectives.rpo_seconds)
    return {
        **_head(result, target),
        "objectives": {"rto_seconds": objectives.rto_seconds, "rpo_seconds": objectives.rpo_seconds},
        "measured": {
            "rto_seconds": result.rto_seconds,
            "rpo_seconds": result.rpo_seconds,
            "rpo_is_at_least": result.at_least,
            "acknowledged_writes_lost": None if result.unread else result.lost,
        },
        "headline": result.headline,
        "clients": [asdict(each) for each in result.clients],
        "failures_allowed": result.failures_allowed,
        "late_seconds": result.late_seconds,
        "checks": [asdict(each) for each in result.checks],
        "met": not misses,
        "misses": misses,
        "parts": result.parts,
        "recoveries": [asdict(each) for each in result.recoveries],
        "losses": [asdict(each) for each in result.losses],
        "events": [asdict(each) for each in sorted(result.events, key=lambda each: each.at)],
        "unread": result.unread,
        "not_removed": result.not_removed,
        "samples": [asdict(each) for each in sorted(result.samples, key=lambda each: each.begun)],
    }


def _head(result: Result, target: Target) -> dict[str, Any]:
    return {
        "drill": result.drill,
        "run": result.run,
        "stack": target.stack,
        "environment": target.environment,
        "region": target.region,
        "embedded_aws": target.emulated,
        "where": target.where,
        "fault": result.fault,
        "fault_at": datetime.fromtimestamp(result.fault, UTC).isoformat(timespec="milliseconds"),
        "boto3": version("boto3"),
    }


def as_markdown(result: Result, target: Target) -> Iterator[str]:
    """Yield the lines of the report for people."""
    objectives = target.objectives
    misses = result.misses(objectives.rto_seconds, objectives.rpo_seconds)
    where = "the embedded AWS on one machine: **no figure here is one of AWS**" if target.emulated else "AWS"
    head = _head(result, target)
    yield f"# Drill: {result.drill}"
    yield f"\n{head['fault_at']}, stack {target.stack} ({target.environment}, {target.region}), in {where}.\n"
    yield f"**{result.headline}.**\n"
    yield from _table(
        ("", "Objective", "Measured", "Met"),
        [
            ("RTO", f"{objectives.rto_seconds:g} s", result.rto, _yes(result.rto_misses(objectives.rto_seconds))),
            ("RPO", f"{objectives.rpo_seconds:g} s", result.rpo, _yes(result.rpo_misses(objectives.rpo_seconds))),
        ],
    )
    yield from (f"\n**Missed:** {miss}." for miss in misses)
    yield "\n![Availability, latency and events](timeline.png)\n\n## What a client saw\n"
    heads = ("", "Requests", "Errors", "Detected after", "Recovered after", "p50 / p99 before", "during", "after")
    yield from _table(heads, [_row(each) for each in result.recoveries])
    yield "\nDetected: the end of the first request that failed. Recovered: the first success after the last failure."
    yield "Times count from the fault; `0.00 s` without an error means that no request failed."
    if result.checks:
        yield "\n## Money\n"
        rows = [
            (each.where, each.sentence, f"**no**: {each.broken}" if each.broken else "yes") for each in result.checks
        ]
        yield from _table(("In", "What must hold", "Holds"), rows)
    yield "\n## Acknowledged writes\n"
    yield from _table(
        ("", "Acknowledged", "Lost", "Found without acknowledgment", "RPO"),
        [
            (
                each.name,
                str(each.acknowledged),
                counted(each.lost),
                counted(each.unacknowledged_found),
                spanned(each.rpo_seconds, at_least=each.at_least),
            )
            for each in result.losses
        ],
    )
    if result.unread:
        yield f"\nUnknown: {result.unread}"
    yield "\n## Events\n"
    events = sorted(result.events, key=lambda each: each.at)
    yield from _table(("After the fault", ""), [(f"{each.at - result.fault:+.2f} s", each.what) for each in events])
    yield "\n## What ran where\n"
    yield from _table(("Part", "Where"), list(result.parts.items()))
    if result.not_removed:
        yield "\n## Not removed\n"
        yield from (f"- {line}" for line in result.not_removed)
    yield f"\n## Sign-off\n\nChecksums of this folder: `{_SUMS}`.\n"
    yield from _table(
        ("Role", "Name", "Date", "Signature"), [("Carried out by", "", "", ""), ("Reviewed by", "", "", "")]
    )


def _yes(misses: Sequence[str]) -> str:
    return "**no**" if misses else "yes"


def _row(each: Recovery) -> tuple[str, ...]:
    phases = [_latency(each.latency.get(phase)) for phase in ("before", "during", "after")]
    detected = "" if each.detection_seconds is None else f"{each.detection_seconds:.2f} s"
    counts = (str(each.requests), str(each.errors)) if each.requests else ("", "")
    judged = "" if each.judged else ", not judged"
    return (each.name, *counts, detected, f"{recovered(each.rto_seconds)}{judged}", *phases)


def _latency(each: Latency | None) -> str:
    if each is None or each.p50 is None or each.p99 is None:
        return ""
    return f"{each.p50 * 1000:.0f} / {each.p99 * 1000:.0f} ms"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
