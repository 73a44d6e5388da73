"""Times a synth of the whole platform against an empty app, as `cdk init` writes it.

The runs alternate, so that a busy machine slows all of them; the interval comes from resampling whole rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RESAMPLES = 2000
PLATFORM = "Breakwater dev, all stacks"
EMPTY = "empty app, default validation"
EMPTY_UNVALIDATED = "empty app, validation off"
# A platform may cost a little more than an empty app that CDK validates, and a few times one that it does not.
TARGETS = {EMPTY: 1.3, EMPTY_UNVALIDATED: 3.5}


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

    def run(self) -> float:
        """Synthesizes once, the way the CDK CLI calls the app, into a fresh folder.

        Returns:
            Wall time in seconds.

        Raises:
            BenchError: The app failed.
        """
        context = cli_context(json.loads((self.folder / "cdk.json").read_text(encoding="utf-8")))
        with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as out:
            variables = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": out, **self.variables}
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "app.py"],
                cwd=self.folder,
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                check=False,
            )
            elapsed = time.perf_counter() - started
        if done.returncode != 0:
            raise BenchError(f"app.py in {self.folder.name} failed:\n{done.stderr.strip()[-2000:]}")
        return elapsed


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


def measure(console: Console, candidates: Mapping[str, Candidate], rounds: int) -> dict[str, list[float]]:
    """Runs all candidates in turn: once unmeasured to fill the caches, then in every round.

    Returns:
        Seconds by candidate, one entry a round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        measured = {name: candidate.run() for name, candidate in candidates.items()}
        line = "  ".join(f"{value:5.2f} s" for value in measured.values())
        if number == 0:
            console.print(f"warm-up        {line}   ({' | '.join(candidates)})")
            continue
        console.print(f"round {number:2d} of {rounds:2d} {line}")
        for name, value in measured.items():
            seconds[name].append(value)
    return seconds


def report(console: Console, seconds: Mapping[str, Sequence[float]]) -> bool:
    """Prints medians, ratios and targets.

    Returns:
        Whether every ratio keeps its target.
    """
    table = Table(title=f"python app.py, {len(seconds[PLATFORM])} alternating rounds, {os.cpu_count()} cores")
    for heading in ("app", "median", "platform / app", "95 % interval", "target", ""):
        table.add_column(heading)
    table.add_row(PLATFORM, f"{statistics.median(seconds[PLATFORM]):.2f} s", "", "", "", "")
    kept = True
    for name, target in TARGETS.items():
        found = ratio(seconds[PLATFORM], seconds[name])
        verdict = "kept" if found.middle <= target else "missed"
        kept = kept and found.middle <= target
        interval = f"{found.low:.2f} to {found.high:.2f}"
        median = f"{statistics.median(seconds[name]):.2f} s"
        table.add_row(name, median, f"{found.middle:.2f}", interval, f"<= {target}", verdict)
    console.print(table)
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
            seconds = measure(console, candidates, rounds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0 if report(console, seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
