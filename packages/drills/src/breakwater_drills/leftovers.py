"""What interrupted drills left: found by its names and tags, and removed when the next drill begins."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from breakwater_drills.copies import CLUSTER_PREFIX, RUN_TAG, STACK_TAG, Copies, Remove, table_prefix
from breakwater_drills.ecs import Tasks
from breakwater_drills.errors import one_line
from breakwater_drills.probes import TABLE_PREFIX, Items, Rows
from breakwater_drills.target import Target

_RUN: Final = re.compile("[0-9a-f]{8}")
# A drill writes an item ten times a second for as long as it needs its copies; one that stopped long ago has died.
_DEAD_AFTER_SECONDS: Final = 120.0


def sweep(target: Target, announce: Callable[[str], None]) -> None:
    """Remove what interrupted drills of this stack left, but nothing of a drill that still runs.

    A problem is announced and does not keep the next drill from beginning.

    Args:
        target: the deployed stack.
        announce: called with what was found.
    """
    for run in sorted(_runs(target, announce)):
        _sweep_run(target, run, announce)


def _sweep_run(target: Target, run: str, announce: Callable[[str], None]) -> None:
    copies, rows, items = Copies(target, run), Rows(target, run), Items(target, run)
    parts = [
        *copies.cluster_parts(), *copies.snapshot_parts(), *copies.table_parts(),
        (f"table {rows.table} in the database", rows.drop),
        (f"items of drill#{run}", items.remove),
        *revision_parts(target, run),
    ]  # fmt: skip
    try:
        idle = items.idle_seconds()
    except (ClientError, BotoCoreError) as error:
        announce(f"what drill {run} left is kept: {one_line(error)}")
        return
    if idle < _DEAD_AFTER_SECONDS:
        announce(f"what drill {run} created is kept: that drill wrote {idle:.0f} s ago")
        return
    announce(f"removing what drill {run} left")
    for what, remove in parts:
        try:
            why = remove()
        except (ClientError, BotoCoreError) as error:
            why = one_line(error)
        if why:
            announce(f"{what} remains: {why}")


def _runs(target: Target, announce: Callable[[str], None]) -> set[str]:
    """Return the ids of the runs that left something."""
    found: set[str] = set()
    for look in (_of_clusters, _of_snapshots, _of_tables, _of_database_tables, _of_revisions):
        try:
            found |= {run for run in look(target) if _RUN.fullmatch(run)}
        except (ClientError, BotoCoreError) as error:
            announce(f"what interrupted drills left cannot be looked for: {one_line(error)}")
    return found


def _of_clusters(target: Target) -> Iterator[str]:
    pages = target.client("rds").get_paginator("describe_db_clusters").paginate()
    clusters = (each for page in pages for each in page["DBClusters"])
    return (run for each in clusters for run in _tagged(target, each["DBClusterIdentifier"], each))


def _of_snapshots(target: Target) -> Iterator[str]:
    pages = target.client("rds").get_paginator("describe_db_cluster_snapshots").paginate(SnapshotType="manual")
    snapshots = (each for page in pages for each in page["DBClusterSnapshots"])
    return (run for each in snapshots for run in _tagged(target, each["DBClusterSnapshotIdentifier"], each))


def _tagged(target: Target, name: str, found: dict[str, Any]) -> Iterator[str]:
    """Yield the run that a cluster or snapshot belongs to, if it is one of a drill of this stack."""
    tags = {each["Key"]: each["Value"] for each in found.get("TagList", [])}
    run = tags.get(RUN_TAG)
    if run and tags.get(STACK_TAG) == target.stack and name == f"{CLUSTER_PREFIX}{run}":
        yield run


def _of_tables(target: Target) -> Iterator[str]:
    prefix = table_prefix(target)
    pages = target.client("dynamodb").get_paginator("list_tables").paginate()
    names = (name for page in pages for name in page["TableNames"])
    return (name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _of_revisions(target: Target) -> Iterator[str]:
    return (run for run, _ in Tasks(target).newer_revisions())


def revision_parts(target: Target, run: str) -> Iterator[tuple[str, Remove]]:
    """Yield the revisions of the task definition that a run registered, and how to remove them."""
    tasks = Tasks(target)
    for each, revision in tasks.newer_revisions():
        if each == run:
            yield f"revision {revision}", partial(tasks.deregister, revision)


def _of_database_tables(target: Target) -> Iterator[str]:
    return (name.removeprefix(TABLE_PREFIX) for name in Rows(target, "").tables())
