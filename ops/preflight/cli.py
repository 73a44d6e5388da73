"""Ask the account, read-only, whether a deployment would succeed.

Exit status: 0 nothing fails, 1 something fails (with --strict also what could not be asked), 2 nothing can be asked.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from breakwater_guards.reading.files import InputError
from ops.preflight.account import Account, AccountError, Ask
from ops.preflight.check import Check, Status, all_checks
from ops.preflight.context import CheckContext, Plan, load_plan
from ops.preflight.deployed import deployed_by
from ops.preflight.engine import CheckResult, UnknownCheckError, choose, run
from ops.preflight.formats import FORMATS
from ops.preflight.formats.text import print_text
from ops.preflight.synthesis import synthesize
from stacks.names import Names
from stacks.settings import Settings, SettingsError, load_settings

CLEAN, FAILED, UNASKED = 0, 1, 2
TIMEOUT = 60.0
# Of `cdk --version`, in seconds.
VERSION_TIMEOUT = 20.0


class UsageError(Exception):
    """A word of the command line cannot be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks.

    Args:
        arguments: words after the program's name; the process's own when not given.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.list:
            return _list()
        return _check(options)
    except (AccountError, InputError, SettingsError, UnknownCheckError, UsageError) as error:
        for line in str(error).splitlines():
            print(f"preflight: {line}", file=sys.stderr)
        return UNASKED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops preflight", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="as for cdk deploy")
    parser.add_argument("--assembly", type=Path, help="a cdk.out of the same settings (default: synthesize one)")
    parser.add_argument("--format", choices=["text", *sorted(FORMATS)], default="text", help="how to print")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="only these, e.g. PF-RDS; repeatable")
    parser.add_argument("--skip", action="append", default=[], metavar="ID", help="not these; repeatable")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds for all checks (default: %(default)g)")
    parser.add_argument("--strict", action="store_true", help="what could not be asked fails, too")
    parser.add_argument("--list", action="store_true", help="print every check and ask nothing")
    return parser


def _list() -> int:
    for check in all_checks().values():
        print(f"{check.id:<13} {check.title}")
    return CLEAN


def _check(options: argparse.Namespace) -> int:
    if options.timeout <= 0:
        raise UsageError(f"--timeout {options.timeout:g}: allowed are seconds above 0")
    checks = choose(options.only, options.skip)
    settings = load_settings(_context(options.context))
    account = Account(settings.region)
    identity = account.identity()
    deployed = deployed_by(account, Names(settings.suffix, settings.region).stack)
    with _plan(options.assembly, settings) as plan:

        def context_for(check: Check) -> CheckContext:
            return CheckContext(
                settings=settings,
                plan=plan,
                ask=Ask(account, check.calls),
                identity=identity,
                partition=account.partition(),
                deployed_of=deployed,
                program=shutil.which,
                version=_version,
            )

        results = _run(checks, context_for, options.timeout)
    if options.format == "text":
        print_text(Console(), results)
    else:
        sys.stdout.write(FORMATS[options.format](results))
    failing = {Status.FAIL, Status.COULD_NOT_ASK} if options.strict else {Status.FAIL}
    return FAILED if any(result.status in failing for result in results) else CLEAN


def _context(words: Sequence[str]) -> dict[str, str]:
    context = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise UsageError(f"-c {word}: expected key=value, e.g. -c environment=prod")
        context[key] = value
    return context


@contextmanager
def _plan(assembly: Path | None, settings: Settings) -> Iterator[Plan]:
    """Read the templates, or make them in a folder that goes afterwards."""
    if assembly is not None:
        yield load_plan(assembly)
        return
    with tempfile.TemporaryDirectory(prefix="breakwater-preflight-") as folder:
        synthesize(settings, Path(folder))
        yield load_plan(Path(folder))


def _run(checks: Sequence[Check], context_for: Callable[[Check], CheckContext], timeout: float) -> list[CheckResult]:
    """Run the checks, with a bar on a terminal's standard error."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Asking the account", total=len(checks))
        return run(checks, context_for, timeout=timeout, progress=lambda _: bar.advance(task))


def _version(program: str) -> str:
    command = [program, "--version"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=VERSION_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout
