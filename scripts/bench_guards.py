"""Times the guards: inside the process, on assemblies up to 10,000 resources, and beside cfn-lint and checkov.

Whole processes run in alternating rounds over the same files. The two others get the largest assembly only with
`--all-sizes`: they need minutes for it, and the smaller ones show how they grow.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from breakwater_guards.engine import check
from breakwater_guards.model.assembly import Assembly
from scripts.bench_guards_assembly import write_assembly
from scripts.lint_templates import synthesize
from scripts.parts import ROOT, InstallError
from scripts.scanners_install import scanners_environment
from scripts.timing import LEAST_ROUNDS, BenchError, Sample, alternate, ratio, timed, warn_when_busy
from stacks.profiles import PROFILES

PLATFORM = "Breakwater, prod"
GUARDS, CFN_LINT, CHECKOV = "guards", "cfn-lint", "checkov"
CELLS = (1, 10, 100, 1000)
WIDTH = 120
# What the project promises: seconds inside the process, and a factor of wall time beside cfn-lint.
PLATFORM_SECONDS, LARGEST_SECONDS, LEAST_FACTOR = 0.1, 2.0, 20
# Ten times the resources fill the processor's caches, which costs some; a rule that compares all with all costs 10.
MOST_GROWTH = 2.0
# All three end with a code of their own when they find something; that is a run like any other.
FINDINGS_CODES = {GUARDS: range(2), CFN_LINT: range(32), CHECKOV: range(2)}


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        name: For the tables.
        folder: Holds the templates, and nothing else that is one.
        resources: Number of resources in all of them.
    """

    name: str
    folder: Path
    resources: int

    def files(self) -> list[str]:
        """Returns the templates."""
        return sorted(map(str, self.folder.glob("*.template.json")))


@dataclass(frozen=True)
class Inside:
    """Medians of one subject inside a process, in seconds: to read and resolve it, and to run every rule."""

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


def subjects(folder: Path) -> list[Subject]:
    """Synthesizes the platform, and writes the assemblies.

    Args:
        folder: An empty folder.

    Returns:
        The platform first, then the assemblies by size.
    """
    synthesize("prod", PROFILES["prod"], folder / "prod")
    model = Assembly.load(folder / "prod")
    found = [Subject(PLATFORM, folder / "prod", sum(len(one.resources) for one in model.templates.values()))]
    for cells in CELLS:
        place = folder / str(cells)
        found.append(Subject(f"{cells} x 10", place, write_assembly(place, cells)))
    return found


def inside(subject: Subject, rounds: int, clock: Callable[[], float] = time.perf_counter) -> Inside:
    """Reads and judges in this process: once unmeasured, then in every round.

    Args:
        subject: What is judged.
        rounds: Measured rounds.
        clock: Tells the time in seconds.

    Returns:
        The medians.
    """
    loads, rules = [], []
    for _ in range(rounds + 1):
        started = clock()
        model = Assembly.load(subject.folder)
        loaded = clock()
        check(model)
        loads.append(loaded - started)
        rules.append(clock() - loaded)
    return Inside(subject, statistics.median(loads[1:]), statistics.median(rules[1:]))


def report_inside(console: Console, measured: Sequence[Inside]) -> bool:
    """Prints the times inside the process.

    Args:
        console: Where to.
        measured: The platform first, then the assemblies by size.

    Returns:
        Whether the targets are kept.
    """
    table = Table(title="Inside the process: medians")
    for heading in ("judged", "resources", "read", "rules", "together", "target", "a resource"):
        table.add_column(heading, justify="left" if heading == "judged" else "right")
    targets = {measured[0].subject: PLATFORM_SECONDS, measured[-1].subject: LARGEST_SECONDS}
    for one in measured:
        target = targets.get(one.subject)
        numbers = (f"{value * 1e3:.0f} ms" for value in (one.load, one.rules, one.total))
        table.add_row(
            one.subject.name,
            f"{one.subject.resources:,}",
            *numbers,
            f"<= {target * 1e3:.0f} ms {_verdict(one.total <= target)}" if target else "",
            f"{one.each:.0f} µs",
        )
    console.print(table)
    growth = measured[-1].each / measured[-2].each
    flat = growth <= MOST_GROWTH
    sizes = " than at ".join(f"{one.subject.resources:,}" for one in (measured[-1], measured[-2]))
    console.print(f"A resource costs {growth:.2f} times as much at {sizes} (target <= {MOST_GROWTH}): {_verdict(flat)}")
    return flat and all(one.total <= targets.get(one.subject, one.total) for one in measured)


def commands(subject: Subject, programs: Path) -> dict[str, list[str]]:
    """Returns how each tool judges a subject, as a person would call it.

    Args:
        subject: What is judged.
        programs: Folder with checkov.
    """
    here = Path(sys.executable).parent
    quiet = ["--framework", "cloudformation", "--quiet", "--compact", "--skip-download"]
    return {
        GUARDS: [sys.executable, "-m", "guards", "check", str(subject.folder)],
        CFN_LINT: [str(here / "cfn-lint"), *subject.files()],
        CHECKOV: [str(programs / "checkov"), *quiet, *(part for file in subject.files() for part in ("-f", file))],
    }


def processes(console: Console, subject: Subject, programs: Path, rounds: int) -> dict[str, list[Sample]]:
    """Runs the tools over one subject in turn.

    Returns:
        Samples by tool.
    """

    def run(tool: str, command: Sequence[str]) -> Callable[[], Sample]:
        # An empty folder of its own keeps the configuration of this project away from the tools.
        variables = {"PYTHONPATH": str(ROOT)}
        return lambda: timed(command, cwd=subject.folder.parent, variables=variables, allowed=FINDINGS_CODES[tool])

    console.print(f"{subject.name}: {subject.resources:,} resources in {len(subject.files())} templates")
    return alternate(console, {tool: run(tool, each) for tool, each in commands(subject, programs).items()}, rounds)


def report_processes(console: Console, measured: Mapping[Subject, Mapping[str, Sequence[Sample]]]) -> bool:
    """Prints the wall times of whole processes, and how many times longer the others take than the guards.

    Args:
        console: Where to.
        measured: Samples by subject and tool, the platform first.

    Returns:
        Whether the guards are as much faster than cfn-lint on the platform as promised.
    """
    table = Table(title=f"Whole processes: medians, {os.cpu_count()} cores")
    for heading in ("judged", "resources", GUARDS, CFN_LINT, "times", CHECKOV, "times"):
        table.add_column(heading, justify="left" if heading == "judged" else "right")
    kept = True
    for number, (subject, samples) in enumerate(measured.items()):
        wall = {tool: [sample.wall for sample in column] for tool, column in samples.items()}
        cells = [f"{statistics.median(wall[GUARDS]):.2f} s"]
        for tool in (CFN_LINT, CHECKOV):
            factor = ratio(wall[tool], wall[GUARDS])
            cells += [f"{statistics.median(wall[tool]):.1f} s", str(factor)]
            if number == 0 and tool == CFN_LINT:
                kept = factor.middle >= LEAST_FACTOR
        table.add_row(subject.name, f"{subject.resources:,}", *cells)
    console.print(table)
    console.print(f"Faster than cfn-lint on the platform by a factor of {LEAST_FACTOR} or more: {_verdict(kept)}")
    warn_when_busy(console)
    return kept


def _verdict(kept: bool) -> str:
    return "kept" if kept else "missed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints.

    Args:
        arguments: Command line; `--rounds N`, `--all-sizes`.

    Returns:
        The exit code: 0 when the targets are kept, 1 when one is missed or a tool fails.
    """
    parser = argparse.ArgumentParser(prog="make bench-guards", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help=f"measured rounds (default 3, at least {LEAST_ROUNDS})")
    parser.add_argument("--all-sizes", action="store_true", help="the largest assembly for cfn-lint and checkov, too")
    options = parser.parse_args(arguments)
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds {options.rounds}: at least {LEAST_ROUNDS} are needed for an interval")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        programs = scanners_environment()
        with tempfile.TemporaryDirectory(prefix="breakwater-bench-") as folder:
            console.print(f"synth {PLATFORM}")
            found = subjects(Path(folder))
            measured = [inside(subject, options.rounds) for subject in found]
            compared = found if options.all_sizes else found[:-1]
            beside = {one: processes(console, one, programs, options.rounds) for one in compared}
    except (BenchError, InstallError) as error:
        print(f"bench-guards: {error}", file=sys.stderr)
        return 1
    kept = [report_inside(console, measured), report_processes(console, beside)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
