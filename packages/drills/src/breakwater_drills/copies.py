"""The copies that the restoring drills make, and how they are removed."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from breakwater_drills.errors import aws_answer, error_code
from breakwater_drills.target import Target

# Asks for the removal of something; returns "" once it is gone or going, otherwise why it cannot be removed yet.
Remove = Callable[[], str]
RUN_TAG: Final = "Drill"
STACK_TAG: Final = "DrillStack"
CLUSTER_PREFIX: Final = "drill-"
_ABSENT: Final = (
    "DBClusterNotFoundFault",
    "DBInstanceNotFound",
    "DBClusterSnapshotNotFoundFault",
    "ResourceNotFoundException",
)
_NOT_NOW: Final = (
    "InvalidDBClusterStateFault",
    "InvalidDBInstanceState",
    "InvalidDBClusterSnapshotStateFault",
    "ResourceInUseException",
)


class Copies:
    """The copies that one run of a restoring drill makes.

    Args:
        target: the deployed stack.
        run: id of the run.

    Attributes:
        cluster: identifier of the restored cluster, and of the snapshot.
        instance: identifier of the cluster's instance.
        table: name of the restored table.
        tags: of the cluster and the snapshot; a table cannot be restored with tags.
    """

    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self.cluster = f"{CLUSTER_PREFIX}{run}"
        self.instance = f"{self.cluster}-1"
        self.table = f"{table_prefix(target)}{run}"
        self.tags = [{"Key": RUN_TAG, "Value": run}, {"Key": STACK_TAG, "Value": target.stack}]

    def cluster_parts(self) -> Iterator[tuple[str, Remove]]:
        """Yield the restored cluster and its instance, which cost most, and how to remove them."""
        yield f"instance {self.instance}", partial(_remove_instance, self._rds, self.instance)
        yield f"cluster {self.cluster}", partial(_remove_cluster, self._rds, self.cluster)

    def snapshot_parts(self) -> Iterator[tuple[str, Remove]]:
        """Yield the snapshot, and how to remove it."""
        yield f"snapshot {self.cluster}", self._remove_snapshot

    def table_parts(self) -> Iterator[tuple[str, Remove]]:
        """Yield the restored table, and how to remove it."""
        yield f"table {self.table}", self._remove_table

    @property
    def _rds(self) -> Any:
        return self._target.client("rds")

    def _remove_snapshot(self) -> str:
        name = {"DBClusterSnapshotIdentifier": self.cluster}
        return _removed(
            lambda: self._rds.delete_db_cluster_snapshot(**name),
            lambda: self._rds.describe_db_cluster_snapshots(**name)["DBClusterSnapshots"][0]["Status"],
        )

    def _remove_table(self) -> str:
        dynamodb = self._target.client("dynamodb")
        return _removed(
            lambda: dynamodb.delete_table(TableName=self.table),
            lambda: dynamodb.describe_table(TableName=self.table)["Table"]["TableStatus"],
        )


def whole_cluster(rds: Any, identifier: str) -> Iterator[tuple[str, Remove]]:
    """Yield the instances of a cluster, whatever they are called, then the cluster, and how to remove them."""
    filters = [{"Name": "db-cluster-id", "Values": [identifier]}]
    pages = rds.get_paginator("describe_db_instances").paginate(Filters=filters)
    for name in [each["DBInstanceIdentifier"] for page in pages for each in page["DBInstances"]]:
        yield f"instance {name}", partial(_remove_instance, rds, name)
    yield f"cluster {identifier}", partial(_remove_cluster, rds, identifier)


def _remove_instance(rds: Any, identifier: str) -> str:
    name = {"DBInstanceIdentifier": identifier}
    return _removed(
        lambda: rds.delete_db_instance(**name, SkipFinalSnapshot=True),
        lambda: rds.describe_db_instances(**name)["DBInstances"][0]["DBInstanceStatus"],
    )


def _remove_cluster(rds: Any, identifier: str) -> str:
    name = {"DBClusterIdentifier": identifier}
    return _removed(
        lambda: rds.delete_db_cluster(**name, SkipFinalSnapshot=True),
        lambda: rds.describe_db_clusters(**name)["DBClusters"][0]["Status"],
    )


def _removed(delete: Callable[[], object], status: Callable[[], str]) -> str:
    """Ask for a removal; return "" once the thing is gone or going, otherwise why AWS does not remove it yet."""
    try:
        return _asked(delete, status)
    except ClientError as error:
        if error_code(error) in _ABSENT:
            return ""
        raise


def _asked(delete: Callable[[], object], status: Callable[[], str]) -> str:
    try:
        delete()
    except ClientError as error:
        if error_code(error) not in _NOT_NOW:
            raise
        # It may be going already; something that is still being created cannot be removed.
        return "" if status().lower() == "deleting" else aws_answer(error)
    return ""


def table_prefix(target: Target) -> str:
    """Return what the names of the restored tables of a stack begin with; the id of the run follows."""
    return f"{target.table.name}-drill-"
