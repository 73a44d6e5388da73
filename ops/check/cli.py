"""One report before a deployment: settings, synthesis, rules, the account, and what would be replaced or lost.

Exit status: 0 go, 1 no go, 2 the command line is wrong, 3 incomplete: nothing was found, but a tool is not installed.
Everything only reads: nothing is deployed, and no change set is made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from breakwater_guards.reading.files import InputError
from ops.arguments import Commands, add_assembly, add_context
from ops.check import parts, tools
from ops.check.page import FORMATS, Report, print_text
from ops.check.part import ACCOUNT, CHANGES, PARTS, SETTINGS, SYNTHESIS, Line, Part, not_asked
from ops.errors import OpsError, one_line
from ops.local.workspace import Workspace
from ops.preflight.account import Account, CouldNotAsk, NoCredentialsGivenError
from ops.preflight.check import Status
from ops.preflight.context import Plan, load_plan
from ops.settings import parse_context
from stacks.names import Names
from stacks.settings import Settings, SettingsError, load_settings

GO, NO_GO, USAGE, INCOMPLETE = 0, 1, 2, 3
Question: TypeAlias = Callable[[Account, Mapping[str, str]], Part]
_EARLIER = "not asked: this needs what comes before"


def add_to(commands: Commands) -> None:
    """Add `check` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "check",
        help="one report before a deployment: rules, account, and what would be replaced or lost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_context(parser)
    add_assembly(parser)
    parser.add_argument("--format", choices=["text", *sorted(FORMATS)], default="text", help="how to print")
    parser.add_argument(
        "--only", choices=PARTS, action="append", default=[], metavar="PART", help=f"of {', '.join(PARTS)}; repeatable"
    )
    parser.add_argument("--require-account", action="store_true", help="fail where the account cannot be asked")
    parser.add_argument(
        "--change-set", default="", metavar="NAME", help="read the changes from this change set of the stack"
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="PATH",
        help="what may be lost or weakened on purpose: its construct path; repeatable",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, _workspace: Workspace, console: Console) -> int:
    began = time.monotonic()
    try:
        report = replace(_report(options), seconds=time.monotonic() - began)
    except (InputError, OpsError) as error:
        raise OpsError(str(error), exit_code=USAGE) from None
    try:
        if options.format == "text":
            print_text(console, report)
        else:
            sys.stdout.write(FORMATS[options.format](report))
    except OSError as error:
        raise OpsError(f"the report cannot be written: {error}", exit_code=USAGE) from None
    return NO_GO if report.blocking else INCOMPLETE if report.missing else GO


def _report(options: argparse.Namespace) -> Report:
    context = parse_context(options.context)
    wanted = [name for name in PARTS if name in (options.only or PARTS)]
    try:
        settings = load_settings(context)
    except SettingsError as error:
        lines = tuple(Line(Status.FAIL, line) for line in str(error).splitlines())
        later = [not_asked(name, _EARLIER, "Correct the settings.") for name in wanted if name != SETTINGS]
        return Report("a deployment", [Part(SETTINGS, "they cannot be used", lines), *later], 0.0)
    stack = Names(settings.suffix, settings.region).stack
    subject = f"{stack} ({settings.environment}, {settings.region})"
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory(prefix="breakwater-check-") as folder,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("Checking", total=len(wanted))
        found: dict[str, Part] = {}
        for part in _parts(options, settings, wanted, Path(folder)):
            found[part.name] = part
            bar.advance(task, part.name in wanted)
    return Report(subject, [found[name] for name in PARTS if name in found], 0.0)


def _parts(options: argparse.Namespace, settings: Settings, wanted: Sequence[str], folder: Path) -> Iterator[Part]:
    """Yield each part as it is done; what waits for the network runs beside what computes."""
    if SETTINGS in wanted:
        given = f", changed by {len(options.context)} -c" if options.context else ""
        yield Part(SETTINGS, f"environments/{settings.environment}.toml{given}")
    if wanted == [SETTINGS]:
        return
    # The last one is for what guards, cfn-lint and cdk-preflight wait for.
    with ThreadPoolExecutor(max_workers=len(PARTS) + 1) as pool:
        login = pool.submit(_login, settings.region) if {ACCOUNT, CHANGES} & set(wanted) else None
        if SYNTHESIS in wanted or options.assembly is None:
            made = _whole(SYNTHESIS, partial(parts.synthesis, options.context, options.assembly, folder))
            failed = made.status is not Status.PASS
            if SYNTHESIS in wanted or failed:
                yield made
            if failed and options.assembly is None:
                later = [name for name in wanted if name not in (SETTINGS, SYNTHESIS)]
                how = f"Correct the {SYNTHESIS}: {made.lines[0].text}"
                yield from (not_asked(name, _EARLIER, how) for name in later)
                return
        plan = _plan(options.assembly or folder, settings)
        judging = [name for name in wanted if name in tools.TOOLS]
        judged = pool.submit(tools.judge, plan, judging) if judging else Future()
        running = [pool.submit(_whole, name, partial(tools.rules, name, plan, judged.result)) for name in judging]
        if login is not None:
            questions = {
                ACCOUNT: lambda asked, identity: parts.account(asked, identity, settings, plan),
                CHANGES: lambda asked, _: parts.changes(
                    asked, settings, plan, change_set=options.change_set, accepted=options.accept
                ),
            }
            running += [
                pool.submit(_whole, name, partial(_asked, name, login, question, required=options.require_account))
                for name, question in questions.items()
                if name in wanted
            ]
        for job in as_completed(running):
            yield job.result()


def _login(region: str) -> tuple[Account, Mapping[str, str]]:
    account = Account(region)
    return account, account.identity()


def _whole(name: str, job: Callable[[], Part]) -> Part:
    """Run a part; a defect of one of them must not lose what the others found."""
    try:
        return job()
    except Exception as error:  # noqa: BLE001
        told = f"the part itself is broken: {type(error).__name__}: {one_line(error)}"
        return not_asked(name, told, "Report it.", Status.BROKEN)


def _asked(name: str, login: Future[tuple[Account, Mapping[str, str]]], question: Question, *, required: bool) -> Part:
    """Ask the account, if there are credentials and they are accepted."""
    try:
        return question(*login.result())
    except NoCredentialsGivenError:
        status = Status.FAIL if required else Status.COULD_NOT_ASK
        return not_asked(name, parts.NO_CREDENTIALS, parts.HOW_TO_LOG_IN, status)
    # Whoever is logged in means to ask: an expired session must not look like a part that nobody wanted.
    except OpsError as error:
        return not_asked(name, str(error), "", Status.FAIL)
    except CouldNotAsk as error:
        return not_asked(name, str(error), parts.HOW_TO_SEE, Status.FAIL)


def _plan(folder: Path, settings: Settings) -> Plan:
    plan = load_plan(folder)
    wanted, found = Names(settings.suffix, settings.region).stack, [root.stack_name for root in plan.assembly.roots]
    if found != [wanted]:
        told = ", ".join(map(str, found))
        raise OpsError(f"{folder} holds {told}, and the settings are of {wanted}: repeat the -c of its synthesis")
    return plan
