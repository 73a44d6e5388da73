"""Asks independent judges about every environment, prints one table, and writes docs/compliance.md.

Exit code 1: something failed, an acknowledgement is not needed any more, or a judge did not run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from scripts.judge import checkov, control_tower, dependencies, iam, linters, listed, nag, page, subjects
from scripts.judge.model import Finding, JudgeError, Subject, Verdict
from scripts.parts import InstallError
from scripts.scanners_install import scanners_environment
from scripts.template_tools import CFN_LINT, VALIDATE
from stacks.settings import SettingsError

WIDTH = 120
# The Control Tower rules are asked of the environment that has every protection on: the others do without some of them.
PROTECTED = "prod"
Judges = dict[str, Callable[[], list[Verdict]]]


def judges(found: Sequence[Subject], programs: Path, entries: Sequence[listed.Listed]) -> Judges:
    """Returns how to ask each judge, by the name in the table.

    Args:
        found: The environments.
        programs: Folder with the programs that have a virtual environment of their own.
        entries: Complaints that stay.
    """
    protected = [subject for subject in found if subject.environment == PROTECTED]
    return {
        nag.JUDGE: lambda: [nag.judge(subject) for subject in found],
        checkov.JUDGE: lambda: [checkov.judge(subject, programs) for subject in found],
        CFN_LINT: lambda: [linters.lint(subject) for subject in found],
        VALIDATE: lambda: [linters.validate(subject) for subject in found],
        control_tower.JUDGE: lambda: control_tower.judge(protected, entries) if protected else [],
        iam.JUDGE: lambda: [iam.judge(subject, programs, entries) for subject in found],
        dependencies.PIP_AUDIT: lambda: [dependencies.pip_audit(programs)],
        dependencies.NPM_AUDIT: lambda: [dependencies.npm_audit()],
    }


def ask(console: Console, asked: Judges, wanted: Sequence[str]) -> list[Verdict]:
    """Asks the judges one after the other, with progress.

    Args:
        console: Where to.
        asked: How to ask each.
        wanted: Names of those to ask.

    Returns:
        All verdicts.
    """
    verdicts: list[Verdict] = []
    for name in wanted:
        started = time.monotonic()
        verdicts += asked[name]()
        console.print(f"{name}: {time.monotonic() - started:.1f} s", highlight=False)
    return verdicts


def stale(verdicts: Sequence[Verdict], found: Sequence[Subject], entries: Sequence[listed.Listed]) -> list[Finding]:
    """Finds skips and listed complaints that nothing matches any more; tells only after a run of everything."""
    skips = checkov.stale([verdict for verdict in verdicts if verdict.judge == checkov.JUDGE], found)
    used = [(verdict.judge, entry.finding) for verdict in verdicts for entry in verdict.acknowledged]
    return skips + [
        Finding(entry.where, entry.rule, f"is listed in {listed.FILE.name} and occurs no longer: remove it")
        for entry in entries
        if not any(entry.covers(judge, finding) for judge, finding in used)
    ]


def report(console: Console, verdicts: Sequence[Verdict], unneeded: Sequence[Finding]) -> int:
    """Prints complaints and the table.

    Returns:
        The exit code: 1 when something failed.
    """
    for verdict in verdicts:
        for finding in verdict.failed:
            where = f"{verdict.judge} {verdict.environment}".rstrip()
            console.print(f"{where}: {finding}", markup=False, highlight=False, soft_wrap=True)
    for finding in unneeded:
        console.print(f"acknowledgement: {finding}", markup=False, highlight=False, soft_wrap=True)
    console.print(page.table(verdicts))
    return 1 if unneeded or any(verdict.failed for verdict in verdicts) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Judges and prints.

    Args:
        arguments: Command line; `--environment`, `--judge`, `--check`.

    Returns:
        The exit code.
    """
    names = list(judges([], Path(), []))
    parser = argparse.ArgumentParser(prog="make judge", description=__doc__)
    parser.add_argument("--environment", action="append", choices=subjects.ENVIRONMENTS, help="default: all")
    parser.add_argument("--judge", action="append", choices=names, help="default: all")
    parser.add_argument("--check", action="store_true", help="fail when docs/compliance.md is not what this run writes")
    parser.add_argument("--require-advisories", action="store_true", help="fail when an audit could not be asked")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    everything = not (options.environment or options.judge)
    try:
        entries = listed.load()
        programs = scanners_environment()
        with tempfile.TemporaryDirectory(prefix="breakwater-judge-") as folder:
            found = subjects.synthesize(options.environment or subjects.ENVIRONMENTS, Path(folder), console.print)
            verdicts = ask(console, judges(found, programs, entries), options.judge or names)
            unneeded = stale(verdicts, found, entries) if everything else []
    except (JudgeError, InstallError, SettingsError, ValueError) as error:
        print(f"judge: {error}", file=sys.stderr)
        return 1
    failed = report(console, verdicts, unneeded)
    if options.require_advisories and any(verdict.unasked for verdict in verdicts):
        print("judge: an audit could not be asked, see the table", file=sys.stderr)
        failed = 1
    return max(failed, write(verdicts, check=options.check)) if everything and not failed else failed


def write(verdicts: Sequence[Verdict], *, check: bool) -> int:
    """Writes docs/compliance.md, or compares it with what this run says.

    Args:
        verdicts: All of a run over everything.
        check: Compare only.

    Returns:
        The exit code: 1 when the page differs and may not be written.
    """
    text = page.page([verdict for verdict in verdicts if verdict.environment])
    if check and page.PAGE.read_text(encoding="utf-8") != text:
        print(f"judge: {page.PAGE.name} is not what this run writes: run `make judge` and commit it", file=sys.stderr)
        return 1
    page.PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
