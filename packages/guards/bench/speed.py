"""Measures how fast the guards are: inside the process, and as a process beside cfn-lint and checkov.

    python packages/guards/bench/speed.py [cdk.out …]     # needs cfn-lint and checkov on PATH

What is given comes first, then generated assemblies of 10 to 10,000 resources. Whole processes run in alternating
rounds, so that a busy machine slows all of them; the first round fills the caches and does not count.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from rich.console import Console

from breakwater_guards import check
from breakwater_guards.model.assembly import Assembly
from synthetic import write_assembly
from timing import BenchError, alternate, timed, warn_when_busy

GUARDS, CFN_LINT, CHECKOV = "guards", "cfn-lint", "checkov"
CELLS = (1, 10, 100, 1000)
# What the guards promise: seconds for an app and for 10,000 resources, and a factor of wall time beside cfn-lint.
APP_SECONDS, LARGEST_SECONDS, LEAST_FACTOR = 0.25, 3.0, 20
# Ten times the resources fill the processor's caches, which costs some; a rule that compares all with all costs 10.
MOST_GROWTH = 2.0
# All three end with a code of their own when they find something; that is a run like any other.
FINDINGS_CODES = {GUARDS: range(2), CFN_LINT: range(32), CHECKOV: range(2)}


@dataclass(frozen=True)
class Subject:
    """A folder of templates with its number of resources."""

    name: str
    folder: Path
    resources: int

    @classmethod
    def load(cls, folder: Path) -> Subject:
        """Count the resources of a folder."""
        templates = Assembly.load(folder).templates.values()
        return cls(folder.name, folder.resolve(), sum(len(template.resources) for template in templates))


@dataclass(frozen=True)
class Inside:
    """Median seconds inside a process: to read and resolve a subject, and to run every rule over it."""

    subject: Subject
    load: float
    rules: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.load + self.rules

    @property
    def each(self) -> float:
        """Microseconds a resource."""
        return self.total / self.subject.resources * 1e6


def inside(subject: Subject, rounds: int, clock: Callable[[], float] = time.perf_counter) -> Inside:
    """Read and check in this process: once unmeasured, then in every round."""
    loads, rules = [], []
    for _ in range(rounds + 1):
        started = clock()
        model = Assembly.load(subject.folder)
        loaded = clock()
        check(model)
        loads.append(loaded - started)
        rules.append(clock() - loaded)
    return Inside(subject, median(loads[1:]), median(rules[1:]))


def commands(subject: Subject) -> dict[str, list[str]]:
    """Return how each tool checks a subject, as a person would call it."""
    files = sorted(map(str, subject.folder.glob("*.template.json")))
    quiet = ["--framework", "cloudformation", "--quiet", "--compact", "--skip-download"]
    return {
        GUARDS: [sys.executable, "-m", "breakwater_guards", "check", str(subject.folder)],
        CFN_LINT: [CFN_LINT, *files],
        CHECKOV: [CHECKOV, *quiet, *(part for file in files for part in ("-f", file))],
    }


def processes(subject: Subject, rounds: int) -> dict[str, list[float]]:
    """Run the tools over one subject in turn, and return the wall time of each round in seconds."""
    # An empty folder keeps the configuration of this project away from the tools.
    with tempfile.TemporaryDirectory() as empty:
        runs = {
            tool: partial(timed, commands(subject)[tool], cwd=Path(empty), variables={}, allowed=allowed)
            for tool, allowed in FINDINGS_CODES.items()
        }
        samples = alternate(Console(stderr=True), runs, rounds)
    return {tool: [sample.wall for sample in column] for tool, column in samples.items()}


def report_inside(measured: Sequence[Inside], apps: int) -> bool:
    """Print the times inside the process, and return whether the targets are met.

    Args:
        measured: What was given, then the generated assemblies by size.
        apps: How many were given.
    """
    targets = dict.fromkeys(range(apps), APP_SECONDS) | {len(measured) - 1: LARGEST_SECONDS}
    print("\n| inside the process | resources | read | rules | together | target | a resource |\n|---|" + "---:|" * 6)
    for number, one in enumerate(measured):
        times = " | ".join(f"{value * 1e3:.0f} ms" for value in (one.load, one.rules, one.total))
        target = f"<= {targets[number] * 1e3:.0f} ms" if number in targets else ""
        print(f"| {one.subject.name} | {one.subject.resources:,} | {times} | {target} | {one.each:.0f} µs |")
    growth = measured[-1].each / measured[-2].each
    print(f"\nA resource of the largest costs {growth:.2f} times one of the second largest (target <= {MOST_GROWTH}).")
    return growth <= MOST_GROWTH and all(measured[number].total <= target for number, target in targets.items())


def report_processes(measured: Mapping[Subject, Mapping[str, Sequence[float]]]) -> bool:
    """Print the wall times of whole processes, and return whether the first subject has the promised factor."""
    print(
        f"\n| whole process, {os.cpu_count()} cores | resources | {GUARDS} | {CFN_LINT} | times | {CHECKOV} | times |"
    )
    print("|---|" + "---:|" * 6)
    for subject, walls in measured.items():
        cells = [f"{median(walls[GUARDS]):.2f} s"]
        for tool in (CFN_LINT, CHECKOV):
            factors = [theirs / ours for theirs, ours in zip(walls[tool], walls[GUARDS], strict=True)]
            cells += [
                f"{median(walls[tool]):.1f} s",
                f"{median(factors):.1f} ({min(factors):.1f} to {max(factors):.1f})",
            ]
        print(f"| {subject.name} | {subject.resources:,} | {' | '.join(cells)} |")
    first = next(iter(measured.values()))
    factor = median(first[CFN_LINT]) / median(first[GUARDS])
    print(f"\nFaster than cfn-lint on the first by a factor of {factor:.1f} (target >= {LEAST_FACTOR}).")
    warn_when_busy(Console())
    return factor >= LEAST_FACTOR


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print.

    Returns:
        0 when the targets are met, 1 when one is missed or a tool fails.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="cloud assemblies to measure beside the generated ones")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds (default 3)")
    parser.add_argument("--all-sizes", action="store_true", help="the largest assembly for cfn-lint and checkov, too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="guards-bench-") as folder:
        subjects = list(map(Subject.load, options.folders))
        for cells in CELLS:
            place = Path(folder, f"{cells} x 10")
            subjects.append(Subject(place.name, place, write_assembly(place, cells)))
        met = report_inside([inside(subject, options.rounds) for subject in subjects], len(options.folders))
        try:
            compared = subjects if options.all_sizes else subjects[:-1]
            met &= report_processes({subject: processes(subject, options.rounds) for subject in compared})
        except (BenchError, FileNotFoundError) as error:
            print(f"bench-guards: {error}", file=sys.stderr)
            return 1
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
