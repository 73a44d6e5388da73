"""Several runs as a distribution (p50, p99, maximum), and whether it is worse than that of an earlier release."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from breakwater_drills.errors import DrillError
from breakwater_drills.measure import percentile
from breakwater_drills.result import Result, lasted
from breakwater_drills.target import Target

FAILED: Final = "failed requests"
LOST: Final = "lost writes"
_SECONDS, _COUNT = "s", ""
# A figure may be so many times that of the earlier release, and so much more: what machines and chance make of it.
_TIMES: Final = 1.5
_MORE: Final = {_SECONDS: 0.25, _COUNT: 2.0}
_FILE: Final = "distribution.json"


@dataclass(frozen=True)
class Figures:
    """The figures of one run, which a series keeps until all its runs are done.

    Attributes:
        drill: its label.
        run: its id.
        fault: when the fault was injected, in seconds since 1970.
        emulated: whether an embedded AWS stood in for AWS.
        requests: number of requests of the service from the fault on.
        values: by name, in seconds or a number; None for one that is not known.
    """

    drill: str
    run: str
    fault: float
    emulated: bool
    requests: int
    values: Mapping[str, float | None]


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

    @property
    def words(self) -> tuple[str, ...]:
        """Median, 99th percentile and maximum, with their unit."""
        values = (self.p50, self.p99, self.max)
        return tuple(lasted(each) if self.unit or each is None else f"{each:g}" for each in values)


def _client(result: Result, name: str) -> float | None:
    """Return a figure of the client that the headline tells of."""
    return getattr(result.clients[0], name) if result.clients else None


_FIGURES: Final[Mapping[str, Callable[[Result], float | None]]] = {
    FAILED: lambda result: sum(each.failed for each in result.clients),
    "request p50": lambda result: _client(result, "p50"),
    "request p99": lambda result: _client(result, "p99"),
    "slowest request": lambda result: _client(result, "slowest"),
    "longest gap": lambda result: _client(result, "longest_gap"),
    "RTO": lambda result: result.rto_seconds,
    "RPO": lambda result: result.rpo_seconds,
    LOST: lambda result: None if result.unread else result.lost,
}


def of(result: Result, target: Target) -> Figures:
    """Return the figures of a run, with the recovery of everything that is not asked by a client."""
    values = {name: figure(result) for name, figure in _FIGURES.items()}
    values |= {each.name: each.rto_seconds for each in result.recoveries if not each.latency}
    requests = sum(each.requests for each in result.clients)
    return Figures(result.drill, result.run, result.fault, target.emulated, requests, values)


def spreads(runs: Sequence[Figures]) -> dict[str, Spread]:
    """Return each figure of several runs; one that a run does not know is not known of all."""
    found = {}
    for name in dict.fromkeys(name for run in runs for name in run.values):
        values = [run.values.get(name) for run in runs]
        known = [value for value in values if value is not None]
        whole = known if len(known) == len(values) else []
        unit = _COUNT if name in (FAILED, LOST) else _SECONDS
        found[name] = Spread(unit, percentile(whole, 50), percentile(whole, 99), max(whole, default=None))
    return found


def write(folder: Path, runs: Sequence[Figures]) -> Path:
    """Write the distribution of several runs of one drill, beside their own evidence.

    Args:
        folder: where the folder of the runs is made.
        runs: their figures, of at least one.

    Returns:
        The file.

    Raises:
        DrillError: it cannot be written.
    """
    began = datetime.fromtimestamp(runs[0].fault, UTC)
    place = folder / f"{runs[0].drill}-{began:%Y%m%dT%H%M%SZ}-{runs[0].run}-{len(runs)}-runs"
    try:
        place.mkdir(parents=True)
        (place / _FILE).write_text(json.dumps(as_json(runs), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DrillError(f"the distribution cannot be written to {place}: {error.strerror}") from None
    return place / _FILE


def as_json(runs: Sequence[Figures]) -> dict[str, Any]:
    """Return the distribution for programs, with what it was measured on."""
    return {
        "drill": runs[0].drill,
        "began": datetime.fromtimestamp(runs[0].fault, UTC).isoformat(timespec="seconds"),
        "embedded_aws": runs[0].emulated,
        "processors": os.cpu_count(),
        "runs": [run.run for run in runs],
        "requests_per_run": [run.requests for run in runs],
        "failed_per_run": [run.values[FAILED] for run in runs],
        "figures": {name: asdict(spread) for name, spread in spreads(runs).items()},
    }


def record(file: Path, runs: Sequence[Figures]) -> None:
    """Keep the distribution in a file of the distributions of all drills, in place of an older one of this drill.

    Raises:
        DrillError: the file cannot be read or written.
    """
    kept = read(file) if file.exists() else {}
    kept[runs[0].drill] = as_json(runs)
    try:
        file.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DrillError(f"{file} cannot be written: {error.strerror}") from None


def worse(runs: Sequence[Figures], file: Path) -> list[str]:
    """Return which figures are worse than those kept in a file, one sentence each.

    Args:
        runs: their figures.
        file: that `record` wrote for an earlier release.

    Raises:
        DrillError: it cannot be read, or has nothing of this drill.
    """
    kept = earlier(file, runs[0].drill)
    found = []
    for name, now in spreads(runs).items():
        for rank in ("p50", "p99", "max"):
            value, before = getattr(now, rank), kept["figures"].get(name, {}).get(rank)
            if before is None:
                continue
            most = before * _TIMES + _MORE[now.unit] if name != LOST else before
            if value is None or value > most:
                told = "unknown" if value is None else f"{value:.3g} {now.unit}".rstrip()
                found.append(f"{name}, {rank}: {told}, was {before:.3g}, at most {most:.3g} is allowed")
    return found


def earlier(file: Path, drill: str) -> dict[str, Any]:
    """Return the distribution of a drill that a file keeps.

    Args:
        file: that `record` wrote.
        drill: its label.

    Raises:
        DrillError: the file cannot be read, or has nothing of this drill.
    """
    found: dict[str, Any] | None = read(file).get(drill)
    if found is None:
        raise DrillError(f"{file} has no figures of {drill}: record some with --record {file}")
    return found


def read(file: Path) -> dict[str, Any]:
    """Return what `record` wrote: the distribution of each drill, by its label.

    Raises:
        DrillError: the file cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DrillError(f"the figures in {file} cannot be read: {error}") from None
    return found
