"""All data is declared lost; a snapshot taken before is restored."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from ops.drill.probes import SERVICE_UNMEASURED
from ops.drill.restored import RestoreDrill


class Restore(RestoreDrill):
    """The drill that restores a snapshot; it loses what was written after the snapshot was taken."""

    name = "restore"
    intention = "take a snapshot of the Aurora cluster, restore it as a second cluster, read that, and delete both"
    measured_in_aws = "Aurora snapshot and restore"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "snapshot and restore": "this machine: a base backup of PostgreSQL (pg_basebackup) and a second server "
        "started from it; not Aurora, whose restores take minutes",
        "service": SERVICE_UNMEASURED,
    }

    def inject(self) -> None:
        """Restore the snapshot that `before_fault` took."""
        self.rds.restore_db_cluster_from_snapshot(
            SnapshotIdentifier=self.cluster, Engine=self.source["Engine"], **self.placement()
        )
        self.add_instance()

    def before_fault(self) -> None:
        """Take the snapshot, while the heartbeats go on."""
        identifier = self.source["DBClusterIdentifier"]
        self.rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=self.cluster, DBClusterIdentifier=identifier)
        self.note("RDS: snapshot begun")
        self.rds.get_waiter("db_cluster_snapshot_available").wait(
            DBClusterSnapshotIdentifier=self.cluster, WaiterConfig={"Delay": 2, "MaxAttempts": 900}
        )
        self.note("RDS: snapshot available")

    def created(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what the drill created, the snapshot included."""
        yield from super().created()
        yield f"snapshot {self.cluster}", self.unless_absent(self._delete_snapshot)

    def _delete_snapshot(self) -> None:
        self.rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=self.cluster)
