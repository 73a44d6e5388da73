"""Check an account, read-only, for what would make a deployment fail.

Exit status: 0 nothing fails, 1 something fails (with --strict also what could not be asked), 2 nothing can be asked,
3 preflight itself is broken: a defect, whose details are on stderr.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from breakwater_guards.reading.files import InputError
from ops.arguments import Commands, add_assembly, add_context, number_within
from ops.errors import OpsError, one_line
from ops.local.workspace import Workspace
from ops.preflight.account import Account, Ask, CouldNotAsk
from ops.preflight.check import Check, Status, all_checks
from ops.preflight.context import CheckContext, Plan, plan_of
from ops.preflight.deployed import deployed_by
from ops.preflight.engine import CheckResult, choose, run
from ops.preflight.formats import FORMATS, print_text
from ops.settings import parse_context
from stacks.names import Names
from stacks.settings import Settings, SettingsError, load_settings

CLEAN, FAILED, NOT_ASKED, BROKEN = 0, 1, 2, 3
TIMEOUT_SECONDS = 60.0
# How long `cdk --version` and `node --version` may take.
VERSION_TIMEOUT_SECONDS = 20.0


def add_to(commands: Commands) -> None:
    """Add `preflight` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "preflight",
        help="check an account, read-only, for what would make a deployment fail",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_context(parser)
    add_assembly(parser)
    parser.add_argument("--format", choices=["text", *sorted(FORMATS)], default="text", help="how to print")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="only these, e.g. PF-RDS; repeatable")
    parser.add_argument("--skip", action="append", default=[], metavar="ID", help="not these; repeatable")
    parser.add_argument(
        "--timeout",
        type=number_within(float, 0.01, 3600.0, "number of seconds"),
        default=TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="for all checks together (default: %(default)g)",
    )
    parser.add_argument("--strict", action="store_true", help="fail also when a check could not be asked")
    parser.add_argument("--list", action="store_true", help="print every check and ask nothing")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, _workspace: Workspace, _console: Console) -> int:
    if options.list:
        for check in all_checks().values():
            print(f"{check.id:<13} {check.title}")
        return CLEAN
    try:
        return _check(options)
    except (InputError, OpsError, SettingsError) as error:
        raise OpsError(str(error), exit_code=NOT_ASKED) from None
    except Exception as error:  # noqa: BLE001 (Python's own exit code, 1, would say that the account is wrong)
        traceback.print_exc()
        told = f"{type(error).__name__}: {one_line(error)}"
        raise OpsError(f"preflight itself is broken: {told}. Report it with the lines above", BROKEN) from None


def _check(options: argparse.Namespace) -> int:
    checks = choose(options.only, options.skip)
    settings = load_settings(parse_context(options.context))
    account = Account(settings.region)
    identity = account.identity()
    with plan_of(options.assembly, settings) as plan:
        results = _run_with_bar(
            len(checks),
            lambda progress: examine(
                account, identity, settings, plan, checks, timeout_seconds=options.timeout, progress=progress
            ),
        )
    if options.format == "text":
        print_text(Console(), results)
    else:
        sys.stdout.write(FORMATS[options.format](results))
    failing = {Status.FAIL, Status.COULD_NOT_ASK} if options.strict else {Status.FAIL}
    found = {result.status for result in results}
    if found & failing:
        return FAILED
    return BROKEN if Status.BROKEN in found else CLEAN


def examine(
    account: Account,
    identity: Mapping[str, str],
    settings: Settings,
    plan: Plan,
    checks: Sequence[Check],
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    progress: Callable[[CheckResult], None] = lambda _: None,
) -> list[CheckResult]:
    """Run checks against an account.

    Args:
        account: in the Region of the settings.
        identity: ``Account`` and ``Arn`` of its credentials.
        settings: of the deployment.
        plan: what the deployment creates.
        checks: which to run.
        timeout_seconds: for all of them together.
        progress: called with each result as it comes.

    Returns:
        One result for each check, in the order of their ids.
    """
    deployed = deployed_by(account, Names(settings.suffix, settings.region).stack)
    version = partial(_version, timeout=min(VERSION_TIMEOUT_SECONDS, timeout_seconds))

    def context_for(check: Check) -> CheckContext:
        return CheckContext(
            settings=settings,
            plan=plan,
            ask=Ask(account, check.calls),
            identity=identity,
            partition=account.partition(),
            deployed_ids=deployed,
            version=version,
        )

    return run(checks, context_for, timeout_seconds=timeout_seconds, progress=progress)


def _run_with_bar(total: int, ask: Callable[[Callable[[CheckResult], None]], list[CheckResult]]) -> list[CheckResult]:
    """Run the checks; a terminal shows a progress bar on standard error meanwhile."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Asking the account", total=total)
        return ask(lambda _: bar.advance(task))


def _version(program: str, timeout: float) -> str:
    command = [program, "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise CouldNotAsk(f"`{Path(program).name} --version` does not answer within {timeout:g} s: try again") from None
    except OSError:
        return ""
    return answer.stdout
