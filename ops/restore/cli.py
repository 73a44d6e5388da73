"""Restore the database or the table to a point in time, as a copy beside it with the same properties."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops import outputs
from ops.arguments import Commands, add_stack
from ops.connection import Connection
from ops.console import confirm
from ops.errors import OpsError, aws_answer, one_line
from ops.local.workspace import Workspace
from ops.restore.aurora import Aurora
from ops.restore.plan import POLL_SECONDS, Plan
from ops.restore.table import Table
from stacks.names import OutputKey

LATEST = "latest"


def add_to(commands: Commands) -> None:
    """Add `restore` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "restore", help="restore the database or the table to a point in time, beside it", description=__doc__
    )
    parser.add_argument(
        "what",
        choices=("aurora", "table", "take-over"),
        help="aurora and table: restore a copy; take-over: give the copy of the cluster the names of its source",
    )
    parser.add_argument("--to", type=_moment, metavar="TIME", help="e.g. 2026-01-31T12:34:56Z, or latest")
    parser.add_argument("--as", dest="copy", metavar="NAME", help="name of the copy (default: the source's, -restored)")
    parser.add_argument("--yes", action="store_true", help="do not ask before the first request")
    add_stack(parser)
    parser.set_defaults(run=_run)


def _moment(word: str) -> datetime | str:
    if word == LATEST:
        return word
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{word!r} is not a time with its zone, e.g. 2026-01-31T12:34:56Z, or latest")
    return moment.astimezone(UTC)


def _run(options: argparse.Namespace, _workspace: Workspace, console: Console) -> int:
    if (options.what == "take-over") is not (options.to is None):
        raise OpsError("--to is needed for aurora and table, and only for them: give a time, or latest")
    connection = Connection.from_environment(options.region)
    deployed = outputs.deployed(options.stack, connection)
    # The Region of a stack is that of its outputs, whatever the environment says.
    connection = Connection.from_environment(deployed[OutputKey.REGION])
    try:
        plan = _plan(options, connection, deployed)
    except ClientError as error:
        raise OpsError(f"{error.operation_name}: {aws_answer(error)}") from None
    except BotoCoreError as error:
        raise OpsError(f"AWS cannot be reached: {one_line(error)}") from None
    plan.show(console)
    if not options.yes:
        confirm(f"Type {options.what} to go on", options.what)
    try:
        plan.carry_out(console, poll_seconds=POLL_SECONDS)
    except (OpsError, KeyboardInterrupt):
        plan.show_undo(console)
        raise
    return 0


def _plan(options: argparse.Namespace, connection: Connection, deployed: dict[str, str]) -> Plan:
    moment = None if options.to == LATEST else options.to
    if options.what == "table":
        name = deployed[OutputKey.TABLE_NAME]
        return Table(connection.client("dynamodb"), name).plan(moment, options.copy or f"{name}-restored")
    name = deployed[OutputKey.CLUSTER_IDENTIFIER]
    copy, source = options.copy or f"{name}-restored", Aurora(connection.client("rds"), name)
    return source.take_over(copy) if options.what == "take-over" else source.plan(moment, copy)
