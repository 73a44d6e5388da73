"""Time a synth of the whole platform against an empty app, as `cdk init` writes it.

The targets are about wall time; processor time is printed beside it because other work on the machine moves it less.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from timing import LEAST_ROUNDS, BenchError, Sample, alternate, ratio, timed, warn_when_busy

ROOT = Path(__file__).resolve().parents[3]
PLATFORM = "Breakwater, dev"
EMPTY = "empty app"
EMPTY_UNVALIDATED = "empty, validation off"
# A platform may cost a little more than an empty app that CDK validates, and a few times one that it does not.
TARGETS = {EMPTY: 1.3, EMPTY_UNVALIDATED: 3.5}


def cli_context(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Add to the context of a `cdk.json` what the CDK CLI adds before it calls the app."""
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
        """Synthesize once, the way the CDK CLI calls the app, into a fresh folder.

        Returns:
            What the run took.

        Raises:
            BenchError: The app failed.
        """
        context = cli_context(json.loads((self.folder / "cdk.json").read_text(encoding="utf-8")))
        with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as out:
            context_variables = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": out}
            return timed([sys.executable, "app.py"], cwd=self.folder, variables={**context_variables, **self.variables})


def make_empty_app(folder: Path) -> None:
    """Let the pinned CDK CLI write a new Python app, offline.

    Raises:
        BenchError: The CLI failed.
    """
    folder.mkdir()
    command = ["cdk", "init", "app", "--language", "python", "--generate-only", "--no-notices"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()[-2000:]}")


def report(console: Console, samples: Mapping[str, Sequence[Sample]]) -> bool:
    """Print medians, ratios and targets.

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
            str(found),
            f"<= {target}",
            "kept" if found.middle <= target else "missed",
            f"{statistics.median(processor[name]):.2f} s",
            f"{ratio(processor[PLATFORM], processor[name]).middle:.2f}",
        )
    console.print(table)
    warn_when_busy(console)
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Args:
        arguments: Command line; `--rounds N`.

    Returns:
        The exit code: 0 when the targets are kept, 1 when one is missed or an app fails.
    """
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="measured rounds (default 8, at least 3)")
    rounds = parser.parse_args(arguments).rounds
    if rounds < LEAST_ROUNDS:
        parser.error(f"--rounds {rounds}: at least {LEAST_ROUNDS} are needed for an interval")
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
            samples = alternate(console, {name: one.run for name, one in candidates.items()}, rounds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0 if report(console, samples) else 1


if __name__ == "__main__":
    sys.exit(main())
