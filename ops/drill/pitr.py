"""All data is declared lost; point-in-time recovery restores cluster and table to their latest restorable time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from ops.drill.probes import SERVICE_UNMEASURED
from ops.drill.restored import RestoreDrill
from ops.drill.target import Target
from ops.waiting import wait_until


class PointInTime(RestoreDrill):
    """The drill that restores the cluster and the table to a point in time."""

    name = "pitr"
    intention = (
        "restore the Aurora cluster and the DynamoDB table to their latest restorable time, as copies beside them, "
        "read the copies, and delete them"
    )
    measured_in_aws = "Aurora and DynamoDB point-in-time recovery"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "Aurora": "this machine: a base backup of PostgreSQL and its archived log of changes, replayed by a second "
        "server to the end; not Aurora, whose restores take minutes",
        "DynamoDB": "simulated: the embedded AWS copies the table as it is at that moment",
        "service": SERVICE_UNMEASURED,
    }

    def __init__(self, target: Target, run: str) -> None:
        super().__init__(target, run)
        self.copy = f"{self.items.table}-drill-{run}"

    def inject(self) -> None:
        """Ask for both copies."""
        self.rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=self.source["DBClusterIdentifier"],
            UseLatestRestorableTime=True,
            **self.placement(),
        )
        self.add_instance()
        self._dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.items.table, TargetTableName=self.copy, UseLatestRestorableTime=True
        )
        self.note(f"DynamoDB: restore of {self.copy} requested")

    def copies(self) -> dict[str, Callable[[], set[int] | None]]:
        """Return how to read the copies, that of the table included."""
        return {**super().copies(), "DynamoDB": self._read_table}

    def created(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what the drill created, the copy of the table included."""
        yield f"table {self.copy}", self.unless_absent(self._delete_table)
        yield from super().created()

    @property
    def _dynamodb(self) -> Any:
        return self.target.client("dynamodb")

    def _read_table(self) -> set[int] | None:
        return self.items.found(self.copy) if self._table_is_active() else None

    def _table_is_active(self) -> bool:
        return bool(self._dynamodb.describe_table(TableName=self.copy)["Table"]["TableStatus"] == "ACTIVE")

    def _delete_table(self) -> None:
        # A table that is being restored cannot be deleted.
        wait_until(self._table_is_active, timeout_seconds=self.timeout_seconds, poll_seconds=self.poll_seconds)
        self._dynamodb.delete_table(TableName=self.copy)
