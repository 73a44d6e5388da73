"""Several runs as a distribution (p50, p99, maximum), and whether it is worse than that of an earlier release."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from breakwater_drills.errors import DrillError
from breakwater_drills.measure import percentile
from breakwater_drills.result import Result
from breakwater_drills.target import Target

_SECONDS, _COUNT = "s", ""
# A figure may be so many times that of the earlier release, and so much more: what machines and chance make of it.
_TIMES: Final = 1.5
_MORE: Final = {_SECONDS: 0.25, _COUNT: 2.0}
_FILE: Final = "distribution.json"


@dataclass(frozen=True)
class Spread:
    """One figure over several runs.

    Attributes:
        unit: of the values: `s` for seconds, empty for a number of requests.
        p50: median; None when the figure is unknown in a run.
        p99: 99th percentile, by the nearest rank.
        max: the worst.
    """

    unit: str
    p50: float | None
    p99: float | None
    max: float | None


def _client(result: Result, name: str) -> float | None:
    """Return a figure of the client that the headline tells of."""
    return getattr(result.clients[0], name) if result.clients else None


_FIGURES: Final[Mapping[str, tuple[str, Callable[[Result], float | None]]]] = {
    "failed requests": (_COUNT, lambda result: sum(each.failed for each in result.clients)),
    "request p50": (_SECONDS, lambda result: _client(result, "p50")),
    "request p99": (_SECONDS, lambda result: _client(result, "p99")),
    "slowest request": (_SECONDS, lambda result: _client(result, "slowest")),
    "longest gap": (_SECONDS, lambda result: _client(result, "longest_gap")),
    "RTO": (_SECONDS, lambda result: result.rto_seconds),
    "RPO": (_SECONDS, lambda result: result.rpo_seconds),
    "lost writes": (_COUNT, lambda result: None if result.unread else result.lost),
}


def spreads(results: Sequence[Result]) -> dict[str, Spread]:
    """Return each figure of several runs; one that a run does not know is not known of all."""
    found = {}
    for name, (unit, figure) in _FIGURES.items():
        values = [figure(result) for result in results]
        known = [value for value in values if value is not None]
        whole = known if len(known) == len(values) else []
        found[name] = Spread(unit, percentile(whole, 50), percentile(whole, 99), max(whole, default=None))
    return found


def write(folder: Path, results: Sequence[Result], target: Target) -> Path:
    """Write the distribution of several runs of one drill, beside their own evidence.

    Args:
        folder: where the folder of the runs is made.
        results: of the runs, at least one.
        target: the deployed stack.

    Returns:
        The file.

    Raises:
        DrillError: it cannot be written.
    """
    began = datetime.fromtimestamp(results[0].fault, UTC)
    place = folder / f"{results[0].drill}-{began:%Y%m%dT%H%M%SZ}-{results[0].run}-{len(results)}-runs"
    try:
        place.mkdir(parents=True)
        (place / _FILE).write_text(json.dumps(as_json(results, target), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DrillError(f"the distribution cannot be written to {place}: {error.strerror}") from None
    return place / _FILE


def as_json(results: Sequence[Result], target: Target) -> dict[str, Any]:
    """Return the distribution for programs, with what it was measured on."""
    return {
        "drill": results[0].drill,
        "runs": [result.run for result in results],
        "embedded_aws": target.emulated,
        "requests_per_run": [sum(each.requests for each in result.clients) for result in results],
        "figures": {name: asdict(spread) for name, spread in spreads(results).items()},
    }


def record(file: Path, results: Sequence[Result], target: Target) -> None:
    """Keep the distribution in a file of the distributions of all drills, in place of an older one of this drill.

    Raises:
        DrillError: the file cannot be read or written.
    """
    kept = _read(file) if file.exists() else {}
    kept[results[0].drill] = as_json(results, target)
    try:
        file.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DrillError(f"{file} cannot be written: {error.strerror}") from None


def worse(results: Sequence[Result], file: Path) -> list[str]:
    """Return which figures are worse than those kept in a file, one sentence each.

    Args:
        results: of the runs.
        file: that `record` wrote for an earlier release.

    Raises:
        DrillError: it cannot be read, or has nothing of this drill.
    """
    kept = _read(file).get(results[0].drill)
    if kept is None:
        raise DrillError(f"{file} has no figures of {results[0].drill}: record some with --record {file}")
    found = []
    for name, now in spreads(results).items():
        for rank in ("p50", "p99", "max"):
            value, before = getattr(now, rank), kept["figures"].get(name, {}).get(rank)
            if before is None:
                continue
            most = before * _TIMES + _MORE[now.unit] if name != "lost writes" else before
            if value is None or value > most:
                told = "unknown" if value is None else f"{value:.3g} {now.unit}".rstrip()
                found.append(f"{name}, {rank}: {told}, was {before:.3g}, at most {most:.3g} is allowed")
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DrillError(f"the figures in {file} cannot be read: {error}") from None
    return found
