"""Times a synth of the whole platform against an empty app, as `cdk init` writes it.

The runs alternate, so that a busy machine slows all of them; the interval comes from resampling whole rounds. The
targets are about wall time; processor time is printed beside it because other work on the machine moves it less.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RESAMPLES = 2000
PLATFORM = "Breakwater, dev"
EMPTY = "empty app"
EMPTY_UNVALIDATED = "empty, validation off"
# A platform may cost a little more than an empty app that CDK validates, and a few times one that it does not.
TARGETS = {EMPTY: 1.3, EMPTY_UNVALIDATED: 3.5}


class Sample(NamedTuple):
    """One run: wall and processor time in seconds, Python and Node together."""

    wall: float
    processor: float


class BenchError(Exception):
    """A synth failed, so there is nothing to compare."""


def cli_context(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Adds to the context of a `cdk.json` what the CDK CLI adds before it calls the app."""
    return {
        **configuration["context"],
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
        "aws:cdk:version-reporting": configuration.get("versionReporting", True),
        "aws:cdk:bundling-stacks": ["**"],
    }


@dataclass(frozen=True)
class Candidate:
    """One way to run an app.

    Attributes:
        folder: Where `app.py` and `cdk.json` are.
        variables: Environment variables on top of those of the CDK CLI.
    """

    folder: Path
    variables: Mapping[str, str]

    def run(self) -> Sample:
        """Synthesizes once, the way the CDK CLI calls the app, into a fresh folder.

        Returns:
            What the run took.

        Raises:
            BenchError: The app failed.
        """
        context = cli_context(json.loads((self.folder / "cdk.json").read_text(encoding="utf-8")))
        with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as out:
            variables = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": out, **self.variables}
            used, started = _processor_seconds(), time.perf_counter()
            done = subprocess.run(
                [sys.executable, "app.py"],
                cwd=self.folder,
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=False,
            )
            sample = Sample(time.perf_counter() - started, _processor_seconds() - used)
        if done.returncode != 0:
            raise BenchError(f"app.py in {self.folder.name} failed:\n{done.stderr.strip()[-2000:]}")
        return sample


def _processor_seconds() -> float:
    """What all finished child processes have used so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True)
class Ratio:
    """How much longer one app takes than another.

    Attributes:
        middle: Ratio of the medians.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
    """

    middle: float
    low: float
    high: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compares the medians of two series that were measured in the same rounds.

    Args:
        ours: Seconds of each round.
        theirs: Seconds of the other app in the same rounds.

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


def make_empty_app(folder: Path) -> None:
    """Lets the pinned CDK CLI write a new Python app, offline.

    Raises:
        BenchError: The CLI failed.
    """
    folder.mkdir()
    command = ["cdk", "init", "app", "--language", "python", "--generate-only", "--no-notices"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-2000:]}")


def measure(console: Console, candidates: Mapping[str, Candidate], rounds: int) -> dict[str, list[Sample]]:
    """Runs all candidates in turn: once unmeasured to fill the caches, then in every round.

    Returns:
        Samples by candidate, one a round.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    console.print("columns: " + ", ".join(candidates))
    for number in range(rounds + 1):
        measured = {name: candidate.run() for name, candidate in candidates.items()}
        line = "  ".join(f"{sample.wall:5.2f} s" for sample in measured.values())
        console.print(f"{f'round {number:2d} of {rounds:2d}' if number else 'warm-up       '} {line}")
        if number:
            for name, sample in measured.items():
                samples[name].append(sample)
    return samples


def report(console: Console, samples: Mapping[str, Sequence[Sample]]) -> bool:
    """Prints medians, ratios and targets.

    Returns:
        Whether every ratio of wall times keeps its target.
    """
    wall = {name: [sample.wall for sample in column] for name, column in samples.items()}
    processor = {name: [sample.processor for sample in column] for name, column in samples.items()}
    table = Table(title=f"python app.py, {len(wall[PLATFORM])} alternating rounds, {os.cpu_count()} cores")
    for heading in ("app", "wall", "ratio (95 %)", "target", "", "processor", "ratio"):
        table.add_column(heading)
    medians = [f"{statistics.median(column[PLATFORM]):.2f} s" for column in (wall, processor)]
    table.add_row(PLATFORM, medians[0], "", "", "", medians[1], "")
    kept = True
    for name, target in TARGETS.items():
        found = ratio(wall[PLATFORM], wall[name])
        kept = kept and found.middle <= target
        table.add_row(
            name,
            f"{statistics.median(wall[name]):.2f} s",
            f"{found.middle:.2f} ({found.low:.2f} to {found.high:.2f})",
            f"<= {target}",
            "kept" if found.middle <= target else "missed",
            f"{statistics.median(processor[name]):.2f} s",
            f"{ratio(processor[PLATFORM], processor[name]).middle:.2f}",
        )
    console.print(table)
    busy, cores = os.getloadavg()[0], os.cpu_count() or 1
    if busy > cores + 0.5:
        console.print(f"The machine is busy (load {busy:.1f} on {cores} cores): wall times say little, measure again.")
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints.

    Args:
        arguments: Command line; `--rounds N`.

    Returns:
        The exit code: 0 when the targets are kept, 1 when one is missed or an app fails.
    """
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="measured rounds (default 8, at least 3)")
    rounds = parser.parse_args(arguments).rounds
    if rounds < 3:
        parser.error(f"--rounds {rounds}: at least 3 are needed for an interval")
    console = Console()
    try:
        with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as folder:
            empty = Path(folder, "empty")
            make_empty_app(empty)
            candidates = {
                PLATFORM: Candidate(ROOT, {}),
                EMPTY: Candidate(empty, {}),
                EMPTY_UNVALIDATED: Candidate(
                    empty, {"CDK_VALIDATION": "false"}
                ),  # what `cdk synth --no-validation` sets
            }
            samples = measure(console, candidates, rounds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0 if report(console, samples) else 1


if __name__ == "__main__":
    sys.exit(main())
