"""Everything is lost, and point-in-time recovery brings back the latest moment it can, of the cluster and the table."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from ops.drill.probes import SERVICE_UNMEASURED
from ops.drill.restored import Restoring
from ops.drill.target import Target


class PointInTime(Restoring):
    """The drill."""

    name = "pitr"
    intention = (
        "restore the Aurora cluster and the DynamoDB table to their latest restorable moment, as copies beside them, "
        "read those, and delete them"
    )

    def __init__(self, target: Target, run: str) -> None:
        super().__init__(target, run)
        self.copy = f"{self.items.table}-drill-{run}"

    def inject(self) -> None:
        """Restore both."""
        self.rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=self.source["DBClusterIdentifier"], UseLatestRestorableTime=True, **self.placed()
        )
        self.add_instance()
        self._dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.items.table, TargetTableName=self.copy, UseLatestRestorableTime=True
        )
        self.happened(f"DynamoDB: asked for {self.copy}")

    def wanted(self) -> dict[str, Callable[[], set[int] | None]]:
        """The table as well."""
        return {**super().wanted(), "DynamoDB": self._read_table}

    def made(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The copy of the table as well."""
        yield f"table {self.copy}", self.unless_absent(self._delete_table)
        yield from super().made()

    def parts(self) -> dict[str, str]:
        """Real recovery of PostgreSQL locally, and a mere copy of the table."""
        if not self.target.emulated:
            return {"Aurora and DynamoDB point-in-time recovery": "AWS"}
        return {
            "Aurora": "this machine: a base backup of PostgreSQL and its archived log of changes, replayed by a second "
            "server to the end; not Aurora, whose restores take minutes",
            "DynamoDB": "simulated: the embedded AWS copies the table as it is at that moment",
            "service": SERVICE_UNMEASURED,
        }

    @property
    def _dynamodb(self) -> Any:
        return self.target.client("dynamodb")

    def _read_table(self) -> set[int] | None:
        if self._dynamodb.describe_table(TableName=self.copy)["Table"]["TableStatus"] != "ACTIVE":
            return None
        return self.items.found(self.copy)

    def _delete_table(self) -> None:
        while self._dynamodb.describe_table(TableName=self.copy)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(self.POLL_SECONDS)  # a table that is being restored cannot be deleted
        self._dynamodb.delete_table(TableName=self.copy)
