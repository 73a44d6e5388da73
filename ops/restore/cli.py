"""Restore the database or the table to a point in time, as a copy beside it with the same properties."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from breakwater_drills import Target
from ops import outputs
from ops.arguments import Commands, add_stack
from ops.connection import Connection, connect
from ops.console import confirm
from ops.errors import OpsError, aws_answer, one_line
from ops.local.workspace import Workspace
from ops.restore.aurora import Aurora, aside, describe_cluster
from ops.restore.following import command, follow
from ops.restore.plan import POLL_SECONDS, Plan
from ops.restore.table import Table, describe_table
from stacks.names import Names, OutputKey

LATEST = "latest"


def add_to(commands: Commands) -> None:
    """Add `restore` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "restore", help="restore the database or the table to a point in time, beside it", description=__doc__
    )
    parser.add_argument(
        "what",
        choices=("aurora", "table", "take-over"),
        help="aurora and table: restore a copy; take-over: put the copies that are there in the place of their sources",
    )
    parser.add_argument("--to", type=_moment, metavar="TIME", help="e.g. 2026-01-31T12:34:56Z, or latest")
    parser.add_argument(
        "--as", dest="copy", type=_name, metavar="NAME", help="of the copy (default: the source's, -restored)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the first request")
    add_stack(parser)
    parser.set_defaults(run=_run)


def _name(word: str) -> str:
    # What both services take: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBClusterToPointInTime.html
    if not re.fullmatch(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,61}[A-Za-z0-9]", word):
        raise argparse.ArgumentTypeError(
            f"{word!r} cannot be a name: allowed are 3 to 63 letters, digits and single hyphens, a letter first"
        )
    return word


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


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    if (options.what == "take-over") is not (options.to is None):
        raise OpsError("--to is needed for aurora and table, and only for them: give a time, or latest")
    connection = connect(options.region, workspace)
    deployed = outputs.deployed(options.stack, connection)
    try:
        plans = list(_plans(options, connection, deployed))
    except ClientError as error:
        raise OpsError(f"{error.operation_name}: {aws_answer(error)}") from None
    except BotoCoreError as error:
        raise OpsError(f"AWS cannot be reached: {one_line(error)}") from None
    for plan in plans:
        plan.show(console)
    if not options.yes:
        confirm(f"Type {options.what} to go on", options.what)
    _carry_out(plans, console)
    return 0


def _carry_out(plans: Iterable[Plan], console: Console) -> None:
    for plan in plans:
        try:
            plan.carry_out(console, poll_seconds=POLL_SECONDS)
        except (OpsError, KeyboardInterrupt, SystemExit):
            plan.show_undo(console)
            raise


def _plans(options: argparse.Namespace, connection: Connection, deployed: dict[str, str]) -> Iterator[Plan]:
    cluster, table = deployed[OutputKey.CLUSTER_IDENTIFIER], deployed[OutputKey.TABLE_NAME]
    moment = None if options.to == LATEST else options.to
    if options.what == "aurora":
        yield Aurora(connection.client("rds"), cluster).plan(moment, options.copy or _copy_of(cluster))
    elif options.what == "table":
        yield Table(connection.client("dynamodb"), table).plan(moment, options.copy or _copy_of(table))
    else:
        stack = Names(deployed[OutputKey.SUFFIX], deployed[OutputKey.REGION]).stack
        copies = options.copy or _copy_of(cluster), options.copy or _copy_of(table)
        yield from _take_overs(connection.client, stack, (cluster, table), copies)


def _take_overs(
    client: Callable[[str], Any], stack: str, lost: tuple[str, str], copies: tuple[str, str]
) -> Iterator[Plan]:
    """Yield how each copy that is there takes the place of its source: the table first, since tasks start anew last."""
    (cluster, table), (restored_cluster, restored_table) = lost, copies
    rds, dynamodb = client("rds"), client("dynamodb")
    there = (describe_table(dynamodb, restored_table), describe_cluster(rds, restored_cluster))
    if there == (None, None):
        raise OpsError(
            f"there is neither a cluster {restored_cluster} nor a table {restored_table} that could take over: "
            "restore one first, or name it with --as"
        )
    if there[0] is not None:
        yield Table(dynamodb, restored_table).take_over(table)
    if there[1] is not None:
        following = follow(client("cloudformation"), stack, datetime.now(UTC))
        plan = Aurora(rds, restored_cluster).take_over(cluster, following)
        yield replace(plan, undo=[*plan.undo, command(following)])


def _copy_of(name: str) -> str:
    return f"{name}-restored"


class Succession:
    """Restores and replaces the stores for a drill, by the plans of this command.

    Args:
        target: the deployed stack.
        console: where progress is printed.
    """

    def __init__(self, target: Target, console: Console) -> None:
        self._client, self._stack, self._console = target.client, target.stack, console
        self._stores = target.database.identifier, target.table.name

    @property
    def aside(self) -> str:
        """Identifier that the replaced cluster gets."""
        return aside(self._stores[0])

    def restore(self, cluster: str, table: str) -> None:
        """Restore cluster and table to their latest restorable time, as copies of these names."""
        source, items = self._stores
        plans = [
            Aurora(self._client("rds"), source).plan(None, cluster),
            Table(self._client("dynamodb"), items).plan(None, table),
        ]
        _carry_out(plans, self._console)

    def take_over(self, cluster: str, table: str) -> None:
        """Put the copies of these names in the places of the cluster and the table."""
        plans = list(_take_overs(self._client, self._stack, self._stores, (cluster, table)))
        for plan in plans:
            plan.show(self._console)
        _carry_out(plans, self._console)
