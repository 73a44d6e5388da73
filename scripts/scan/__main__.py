"""Run independent scanners over every environment, print one table, and write docs/compliance.md.

Exit code 1: a finding without a reason, a reason without a finding, or a scanner that did not run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from scripts import lint_templates
from scripts.install import install_scanners
from scripts.parts import InstallError
from scripts.scan import checkov, dependencies, iam, linters, nag, page
from scripts.scan.model import (
    CFN_LINT,
    LISTED,
    VALIDATE,
    Finding,
    Listed,
    ScanError,
    ScanResult,
    Subject,
    load_listed,
)
from stacks.profiles import PROFILES
from stacks.settings import SettingsError

WIDTH = 120
# The Control Tower rules apply to the environment that has every protection on.
PROTECTED = "prod"
ENVIRONMENTS = ("dev", "staging", "prod")
Scanners = dict[str, Callable[[], list[ScanResult]]]


def synthesize(environments: Sequence[str], folder: Path, tell: Callable[[str], None]) -> list[Subject]:
    """Synthesize environments.

    Args:
        environments: Their names.
        folder: An empty folder.
        tell: Shows progress.

    Returns:
        One subject for each environment.
    """
    subjects = []
    for environment in environments:
        tell(f"synth {environment}")
        out = folder / environment
        templates = lint_templates.synthesize(environment, PROFILES[environment], out, nag=True)
        subjects.append(Subject(environment, out, tuple(templates)))
    return subjects


def scanners(found: Sequence[Subject], programs: Path, entries: Sequence[Listed]) -> Scanners:
    """Return how to run each scanner, by its name in the table.

    Args:
        found: The environments.
        programs: Folder with the programs that have a virtual environment of their own.
        entries: Accepted findings.
    """
    protected = [subject for subject in found if subject.environment == PROTECTED]
    return {
        nag.SCANNER: lambda: [nag.scan(subject) for subject in found],
        checkov.SCANNER: lambda: [checkov.scan(subject, programs) for subject in found],
        CFN_LINT: lambda: [linters.lint(subject) for subject in found],
        VALIDATE: lambda: [linters.validate(subject, entries) for subject in found],
        linters.CONTROL_TOWER: lambda: linters.control_tower(protected, entries) if protected else [],
        iam.SCANNER: lambda: [iam.scan(subject, programs, entries) for subject in found],
        dependencies.PIP_AUDIT: lambda: [dependencies.pip_audit(programs)],
        dependencies.NPM_AUDIT: lambda: [dependencies.npm_audit()],
    }


def run(console: Console, available: Scanners, wanted: Sequence[str]) -> list[ScanResult]:
    """Run scanners, two at a time or one for each processor, and print how long each took.

    Most of them are programs of their own, for which a thread waits.

    Args:
        console: Where progress is printed.
        available: How to run each.
        wanted: Names of those to run.

    Returns:
        The results of all environments, in the order of the names.
    """

    def timed(name: str) -> list[ScanResult]:
        started = time.monotonic()
        results = available[name]()
        console.print(f"{name}: {time.monotonic() - started:.1f} s", highlight=False)
        return results

    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        return [result for results in pool.map(timed, wanted) for result in results]


def stale(results: Sequence[ScanResult], found: Sequence[Subject], entries: Sequence[Listed]) -> list[Finding]:
    """Find skips and accepted findings that match nothing any more; only a full run can tell.

    Those of CloudFormation Validate may be of another profile than an environment: `make lint` looks for them.
    """
    skips = checkov.stale([result for result in results if result.scanner == checkov.SCANNER], found)
    used = [(result.scanner, entry.finding) for result in results for entry in result.acknowledged]
    return skips + [
        Finding(entry.where, entry.rule, f"is in {LISTED.name} and no longer occurs: remove it")
        for entry in entries
        if entry.scanner != VALIDATE and not any(entry.covers(scanner, finding) for scanner, finding in used)
    ]


def report(console: Console, results: Sequence[ScanResult], unneeded: Sequence[Finding]) -> int:
    """Print the findings and the table.

    Returns:
        The exit code: 1 for a finding without a reason or a reason without a finding.
    """
    for result in results:
        for finding in result.failed:
            where = f"{result.scanner} {result.environment}".rstrip()
            console.print(f"{where}: {finding}", markup=False, highlight=False, soft_wrap=True)
    for finding in unneeded:
        console.print(f"acknowledgement: {finding}", markup=False, highlight=False, soft_wrap=True)
    console.print(page.table(results))
    return 1 if unneeded or any(result.failed for result in results) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Scan, print and write.

    Args:
        arguments: Command line; `--environment`, `--scanner`, `--check`.
    """
    names = list(scanners([], Path(), []))
    parser = argparse.ArgumentParser(prog="make scan", description=__doc__)
    parser.add_argument("--environment", action="append", choices=ENVIRONMENTS, help="default: all")
    parser.add_argument("--scanner", action="append", choices=names, help="default: all")
    parser.add_argument("--check", action="store_true", help="fail when docs/compliance.md is not what this run writes")
    parser.add_argument("--require-advisories", action="store_true", help="fail when an audit got no advisories")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    everything = not (options.environment or options.scanner)
    try:
        entries = load_listed()
        programs = install_scanners()
        with tempfile.TemporaryDirectory(prefix="breakwater-scan-") as folder:
            found = synthesize(options.environment or ENVIRONMENTS, Path(folder), console.print)
            results = run(console, scanners(found, programs, entries), options.scanner or names)
            unneeded = stale(results, found, entries) if everything else []
    except (ScanError, InstallError, SettingsError, ValueError) as error:
        print(f"scan: {error}", file=sys.stderr)
        return 1
    failed = report(console, results, unneeded)
    if options.require_advisories and any(result.unavailable for result in results):
        print("scan: an audit got no advisories, see the table", file=sys.stderr)
        failed = 1
    return max(failed, write(results, check=options.check)) if everything and not failed else failed


def write(results: Sequence[ScanResult], *, check: bool) -> int:
    """Write docs/compliance.md, or compare it with what this run found.

    Args:
        results: All results of a full run.
        check: Whether to compare only.

    Returns:
        The exit code: 1 when the page differs and may not be written.
    """
    text = page.page([result for result in results if result.environment])
    if check and page.PAGE.read_text(encoding="utf-8") != text:
        print(f"scan: {page.PAGE.name} is out of date: run `make scan` and commit it", file=sys.stderr)
        return 1
    page.PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
