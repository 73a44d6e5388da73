"""Everything is lost, and a snapshot is what there is."""

from collections.abc import Callable, Iterator

from ops.drill.probes import SERVICE_UNMEASURED
from ops.drill.restored import Restoring


class Restore(Restoring):
    """The drill: the snapshot is taken first; what is written after it is what a restore from it loses."""

    name = "restore"
    intention = "take a snapshot of the Aurora cluster, restore it as a cluster beside it, read that, and delete both"

    def inject(self) -> None:
        """Restore from the snapshot that `prepare_backup` took."""
        self.rds.restore_db_cluster_from_snapshot(
            SnapshotIdentifier=self.cluster, Engine=self.source["Engine"], **self.placed()
        )
        self.add_instance()

    def before_fault(self) -> None:
        """Take the snapshot, while heartbeats go on."""
        identifier = self.source["DBClusterIdentifier"]
        self.rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=self.cluster, DBClusterIdentifier=identifier)
        self.happened("RDS: snapshot begun")
        self.rds.get_waiter("db_cluster_snapshot_available").wait(
            DBClusterSnapshotIdentifier=self.cluster, WaiterConfig={"Delay": 2, "MaxAttempts": 900}
        )
        self.happened("RDS: snapshot available")

    def made(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The snapshot as well."""
        yield from super().made()
        yield f"snapshot {self.cluster}", self.unless_absent(self._delete_snapshot)

    def parts(self) -> dict[str, str]:
        """A real base backup locally."""
        if not self.target.emulated:
            return {"Aurora snapshot and restore": "AWS"}
        return {
            "snapshot and restore": "this machine: a base backup of PostgreSQL (pg_basebackup) and a second server "
            "started from it; not Aurora, whose restores take minutes",
            "service": SERVICE_UNMEASURED,
        }

    def _delete_snapshot(self) -> None:
        self.rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=self.cluster)
