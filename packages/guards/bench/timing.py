"""Times whole processes in alternating rounds and compares two series.

Runs alternate, so that a busy machine slows all candidates; the interval of a ratio comes from resampling whole rounds.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

RESAMPLES = 2000
LEAST_ROUNDS = 3


class Sample(NamedTuple):
    """One run: wall and processor time in seconds, child processes included."""

    wall: float
    processor: float


class BenchError(Exception):
    """A candidate failed, so there is nothing to compare."""


def timed(
    command: Sequence[str | Path], *, cwd: Path, variables: Mapping[str, str], allowed: Collection[int] = (0,)
) -> Sample:
    """Run a program to its end.

    Args:
        command: Program and arguments.
        cwd: Folder to run it in.
        variables: Environment variables on top of this process's own.
        allowed: Exit codes that count as success.

    Returns:
        What the run took.

    Raises:
        BenchError: The program ended with another exit code.
    """
    used, started = _processor_seconds(), time.perf_counter()
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    sample = Sample(time.perf_counter() - started, _processor_seconds() - used)
    if done.returncode not in allowed:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise BenchError(f"{Path(command[0]).name} in {cwd.name} ended with exit code {done.returncode}:\n{said}")
    return sample


def _processor_seconds() -> float:
    """Return what all finished child processes have used so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def alternate(console: Console, candidates: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Run all candidates in turn: once unmeasured to fill the caches, then in every round.

    Args:
        console: Shows each round as it ends.
        candidates: What runs, by name.
        rounds: Measured rounds.

    Returns:
        Samples by candidate, one a round.

    Raises:
        BenchError: A candidate failed; the message names it.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    console.print("columns: " + ", ".join(candidates))
    for number in range(rounds + 1):
        measured = {name: _named(name, run) for name, run in candidates.items()}
        line = "  ".join(f"{sample.wall:5.2f} s" for sample in measured.values())
        console.print(f"{f'round {number:2d} of {rounds:2d}' if number else 'warm-up       '} {line}")
        if number:
            for name, sample in measured.items():
                samples[name].append(sample)
    return samples


def _named(name: str, run: Callable[[], Sample]) -> Sample:
    try:
        return run()
    except BenchError as error:
        raise BenchError(f"{name}: {error}") from None


@dataclass(frozen=True)
class Ratio:
    """How much longer one candidate takes than another.

    Attributes:
        middle: Ratio of the medians.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
    """

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        """For a table, e.g. ``1.23 (1.10 to 1.31)``."""
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare the medians of two series that were measured in the same rounds.

    Args:
        ours: Seconds of each round.
        theirs: Seconds of the other candidate in the same rounds.

    Returns:
        The ratio with its percentile bootstrap interval; the same series give the same interval.

    Raises:
        ValueError: The series are empty or differ in length.
    """
    rounds = list(zip(ours, theirs, strict=True))
    if not rounds:
        raise ValueError("no rounds were measured")
    source = random.Random(0)  # noqa: S311 - resampling, not a secret
    resampled = sorted(_ratio_of_medians(source.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES))
    low, high = (resampled[round(share * (RESAMPLES - 1))] for share in (0.025, 0.975))
    return Ratio(_ratio_of_medians(rounds), low, high)


def _ratio_of_medians(rounds: Sequence[tuple[float, float]]) -> float:
    return statistics.median(ours for ours, _ in rounds) / statistics.median(theirs for _, theirs in rounds)


def warn_when_busy(console: Console) -> None:
    """Say so when more runs on this machine than it has cores for."""
    busy, cores = os.getloadavg()[0], os.cpu_count() or 1
    if busy > cores + 0.5:
        console.print(f"The machine is busy (load {busy:.1f} on {cores} cores): wall times say little, measure again.")
