"""The evidence of a run: a folder with `report.json`, `report.md`, `timeline.png` and their checksums."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ops.drill import timeline
from ops.drill.measure import Latency, Recovery
from ops.drill.run import Result
from ops.drill.target import Target

_SUMS: Final = "SHA256SUMS"


def write(folder: Path, result: Result, target: Target) -> Path:
    """Write the evidence.

    Args:
        folder: where the run's own folder is made.
        result: of the run.
        target: the deployed stack.

    Returns:
        The run's folder.
    """
    began = datetime.fromtimestamp(result.fault, UTC)
    place = folder / f"{result.drill}-{began:%Y%m%dT%H%M%SZ}-{result.run}"
    place.mkdir(parents=True)
    (place / "report.json").write_text(json.dumps(as_json(result, target), indent=2) + "\n", encoding="utf-8")
    (place / "report.md").write_text("\n".join(as_markdown(result, target)) + "\n", encoding="utf-8")
    timeline.draw(place / "timeline.png", result)
    sums = [f"{sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(place.iterdir())]
    (place / _SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    return place


def as_json(result: Result, target: Target) -> dict[str, Any]:
    """Return everything, for programs: durations in seconds, times in seconds since 1970."""
    recovery = target.settings.recovery
    misses = result.misses(recovery.rto_seconds, recovery.rpo_seconds)
    return {
        **_head(result, target),
        "objectives": {"rto_seconds": recovery.rto_seconds, "rpo_seconds": recovery.rpo_seconds},
        "measured": {
            "rto_seconds": result.rto_seconds,
            "rpo_seconds": None if result.unread else result.rpo_seconds,
            "acknowledged_writes_lost": None if result.unread else result.lost,
        },
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
        "fault_at": datetime.fromtimestamp(result.fault, UTC).isoformat(timespec="milliseconds"),
        "boto3": version("boto3"),
    }


def as_markdown(result: Result, target: Target) -> Iterator[str]:
    """Yield the lines of the report for people."""
    recovery = target.settings.recovery
    misses = result.misses(recovery.rto_seconds, recovery.rpo_seconds)
    where = "the embedded AWS on one machine: **no figure here is one of AWS**" if target.emulated else "AWS"
    head = _head(result, target)
    rpo = "unknown" if result.unread else _seconds(result.rpo_seconds)
    yield f"# Drill: {result.drill}"
    yield f"\n{head['fault_at']}, stack {target.stack} ({target.environment}, {target.region}), in {where}.\n"
    yield from _table(
        ("", "Objective", "Measured", "Met"),
        [
            ("RTO", f"{recovery.rto_seconds} s", _seconds(result.rto_seconds), _yes(not _about(misses, "RTO", "not"))),
            ("RPO", f"{recovery.rpo_seconds} s", rpo, _yes(not _about(misses, "RPO"))),
        ],
    )
    yield from (f"\n**Missed:** {miss}." for miss in misses)
    yield "\n![Availability, latency and events](timeline.png)\n\n## What a client saw\n"
    heads = ("", "Requests", "Errors", "Detected after", "Recovered after", "p50 / p99 before", "during", "after")
    yield from _table(heads, [_row(each) for each in result.recoveries])
    yield "\nDetected: the end of the first request that failed. Recovered: the first success after the last failure."
    yield "Times count from the fault; `0.0 s` without an error means that no request failed."
    yield "\n## Acknowledged writes\n"
    yield from _table(
        ("", "Acknowledged", "Lost", "Found without acknowledgment", "RPO"),
        [
            (
                each.name,
                str(each.acknowledged),
                str(each.lost),
                str(each.unacknowledged_found),
                _seconds(each.rpo_seconds),
            )
            for each in result.losses
        ],
    )
    if result.unread:
        yield f"\nThe stores could not be read: {result.unread}"
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


def _about(misses: Sequence[str], *beginnings: str) -> bool:
    return any(miss.startswith(beginnings) for miss in misses)


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def _row(each: Recovery) -> tuple[str, ...]:
    phases = [_latency(each.latency.get(phase)) for phase in ("before", "during", "after")]
    detected = "" if each.detection_seconds is None else _seconds(each.detection_seconds)
    counts = (str(each.requests), str(each.errors)) if each.requests else ("", "")
    return (each.name, *counts, detected, _seconds(each.rto_seconds) if each.judged else "not judged", *phases)


def _latency(each: Latency | None) -> str:
    if each is None or each.p50 is None or each.p99 is None:
        return ""
    return f"{each.p50 * 1000:.0f} / {each.p99 * 1000:.0f} ms"


def _seconds(value: float | None) -> str:
    return "not recovered" if value is None else f"{value:.1f} s"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
