"""Break a part of a deployed platform on purpose, measure what a client sees of it, and write the evidence."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as PrintedTable

from breakwater_drills import (
    DRILLS,
    Database,
    Drill,
    DrillError,
    Objectives,
    Result,
    Service,
    Table,
    Target,
    Timing,
    distribution,
    evidence,
    run,
    signals,
    summary,
)  # fmt: skip
from breakwater_drills.runner import STEPS
from ops import outputs
from ops.arguments import Commands, add_stack, number_within
from ops.connection import Connection, connect
from ops.console import Steps, confirm, new_table, print_table
from ops.errors import OpsError
from ops.local.workspace import Workspace
from ops.restore.cli import Succession
from ops.settings import deployed_settings
from stacks.names import Names, OutputKey
from stacks.settings import Settings

_PROD: Final = "prod"
_REFERENCE: Final = "service"  # the image that is built from the folder of that name


def add_to(commands: Commands) -> None:
    """Add `drill` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "drill", help="break a part of a deployed platform on purpose, and measure RTO and RPO", description=__doc__
    )
    parser.add_argument("drill", choices=sorted(DRILLS), help="which drill")
    hows = "; ".join(f"{name}: {', '.join(kind.hows)}" for name, kind in sorted(DRILLS.items()) if kind.hows)
    parser.add_argument("--how", default="", metavar="WAY", help=f"in which way, the first by default ({hows})")
    rate = number_within(float, 0.1, 200.0, "number of transfers a second")
    parser.add_argument(
        "--rate",
        type=rate,
        default=10.0,
        metavar="N",
        help="transfers a second, of the reference service (default: 10)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the fault is injected")
    parser.add_argument("--allow-prod", action="store_true", help=f"allow a stack whose environment is {_PROD}")
    add_stack(parser)
    seconds = number_within(float, 1.0, 3600.0, "number of seconds")
    parser.add_argument(
        "--before", type=seconds, default=5.0, metavar="SECONDS", help="watch before the fault (default: 5)"
    )
    parser.add_argument(
        "--after", type=seconds, default=5.0, metavar="SECONDS", help="watch after the recovery (default: 5)"
    )
    runs = number_within(int, 1, 100, "number")
    parser.add_argument("--runs", type=runs, default=1, metavar="N", help="number of runs in a row (default: 1)")
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="end with 1 when the runs are worse than the figures in this file"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the figures of the runs in this file")
    parser.add_argument(
        "--out", type=Path, default=Path("evidence"), metavar="FOLDER", help="for the evidence (default: evidence)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    try:
        return _drill(options, workspace, console)
    except DrillError as error:
        raise OpsError(str(error)) from None


def _drill(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    if find_spec("matplotlib") is None:
        raise OpsError("matplotlib, which draws the timeline of a drill, is not installed: run `make install`")
    target = _found(options, workspace, console)
    kind = DRILLS[options.drill]
    if target.environment == _PROD and not options.allow_prod:
        raise OpsError(f"{target.stack} is {_PROD}: add --allow-prod if you mean it")
    label = kind(target, "", how=options.how).label  # refuses a way that the drill does not have
    if options.against:  # before something is broken
        distribution.earlier(options.against, label)
    if not options.yes:
        _confirm(kind, target, console)
    evidence.make_folder(options.out)
    timing = Timing(options.before, options.after)
    results: list[Result] = []
    with signals.raised():
        for number in range(1, options.runs + 1):
            if options.runs > 1:
                console.rule(f"Run {number} of {options.runs}")
            if number > 1:  # a take-over changes the secret of the database
                target = _found(options, workspace, console)
            drill = kind(target, uuid.uuid4().hex[:8], how=options.how, transfers_per_second=options.rate)
            results.append(one_run(drill, timing, options.out, console))
    runs = [distribution.of(result, target) for result in results]
    if options.runs > 1:
        print_table(console, printed(summary.of_runs(results, target)))
        print_table(console, printed(summary.of_distribution(distribution.spreads(runs))))
        console.print(f"Distribution: {distribution.write(options.out, runs)}", highlight=False, soft_wrap=True)
    problems = [f"run {result.run}: {line}" for result in results for line in misses(result, target)]
    if options.against:
        problems += [f"worse than before: {line}" for line in distribution.worse(runs, options.against)]
    if problems:
        raise OpsError("\n".join(problems))
    if options.record:
        distribution.record(options.record, runs)
    return 0


def one_run(drill: Drill, timing: Timing, out: Path, console: Console) -> Result:
    """Run a drill once, print what a client saw, and write the evidence.

    Args:
        drill: which has not run yet.
        timing: how long to watch before and after.
        out: folder for the evidence.
        console: where to print.

    Returns:
        What it found.
    """
    result = run(drill, timing, Steps(console, STEPS))
    print_table(console, printed(summary.of_run(result, drill.target)))
    console.print(f"{result.headline}.", highlight=False, soft_wrap=True)
    folder = evidence.write(out, result, drill.target)
    console.print(f"Evidence: {folder}", highlight=False, soft_wrap=True)
    return result


def misses(result: Result, target: Target) -> list[str]:
    """Return which objectives a run missed, and what it could not remove, one sentence each."""
    missed = result.misses(target.objectives.rto_seconds, target.objectives.rpo_seconds)
    return [*missed, *(f"not removed: {line}" for line in result.not_removed)]


def _found(options: argparse.Namespace, workspace: Workspace, console: Console) -> Target:
    found = find(options.stack, options.region, workspace)
    return replace(found, successor=Succession(found, console))


def _confirm(kind: type[Drill], target: Target, console: Console) -> None:
    where = f"stack {target.stack} in {target.region}, {target.where}"
    console.print(f"This will {kind.intention}: {where}.", highlight=False)
    confirm(f"Type the name of the stack to go on ({target.stack})", target.stack)


def find(stack: str | None, region: str | None, workspace: Workspace) -> Target:
    """Find the deployed stack, in the account of the credentials, or without any in the embedded AWS of this checkout.

    Args:
        stack: name of the root stack; None for the only one.
        region: None for the Region of the environment.
        workspace: the checkout.

    Returns:
        The stack.

    Raises:
        OpsError: there is no such stack, no credentials and no embedded AWS, or a setting of the stack is unknown.
    """
    connection = connect(region, workspace)
    found = outputs.deployed(stack, connection)
    target = target_of(found, deployed_settings(found), connection)
    if not target.emulated:
        return target
    # The domain name of a certificate leads nowhere here; the load balancer is at an address of its own.
    address, authority = found[OutputKey.LOAD_BALANCER_DNS_NAME], str(workspace.emulator.authority)
    return replace(target, service=replace(target.service, connect_to=address, authority=authority))


def target_of(found: Mapping[str, str], settings: Settings, connection: Connection) -> Target:
    """Return a deployed stack as a drill sees it.

    Args:
        found: its outputs.
        settings: those that it was deployed with.
        connection: to its account and Region, or to the embedded AWS.
    """
    database = Database(
        identifier=found[OutputKey.CLUSTER_IDENTIFIER],
        arn=found[OutputKey.CLUSTER_ARN],
        secret_arn=found[OutputKey.CLUSTER_SECRET_ARN],
        name=found[OutputKey.DATABASE_NAME],
    )
    service = Service(
        cluster=found[OutputKey.ECS_CLUSTER_NAME],
        name=found[OutputKey.ECS_SERVICE_NAME],
        target_group_arn=found[OutputKey.TARGET_GROUP_ARN],
        url=found[OutputKey.SERVICE_URL],
        transfers=settings.compute.image == _REFERENCE,
    )
    names = Names(found[OutputKey.SUFFIX], found[OutputKey.REGION])
    return Target(
        stack=names.stack,
        environment=found[OutputKey.ENVIRONMENT],
        region=found[OutputKey.REGION],
        database=database,
        table=Table(found[OutputKey.TABLE_NAME], "pk", "sk", settings.storage.ttl_attribute),
        service=service,
        objectives=Objectives(settings.recovery.rto_seconds, settings.recovery.rpo_seconds),
        new_client=connection.client,
        emulated=connection.endpoint is not None,
        zone_experiment=f"{names.stack} ZoneLoss",
    )


def printed(found: summary.Summary) -> PrintedTable:
    """Return a summary as a table."""
    made = new_table(found.title, *found.heads, right=found.heads[1:])
    for row in found.rows:
        made.add_row(*row)
    made.add_section()
    for row in found.ends:
        made.add_row(*row)
    return made
