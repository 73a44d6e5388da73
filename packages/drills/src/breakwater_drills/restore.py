"""All data is declared lost; a snapshot taken before is restored."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from breakwater_drills.copies import Remove
from breakwater_drills.measure import Sample
from breakwater_drills.restored import RestoreDrill


class Restore(RestoreDrill):
    """The drill that restores a snapshot; it loses what was written after the snapshot was taken."""

    name = "restore"
    intention = "take a snapshot of the Aurora cluster, restore it as a second cluster, read that, and delete both"
    measured_in_aws = "Aurora snapshot and restore"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "snapshot and restore": "this machine: a base backup of PostgreSQL (pg_basebackup) and a second server "
        "started from it; not Aurora, whose restores take minutes",
    }

    def inject(self) -> None:
        """Restore the snapshot that `before_fault` took."""
        self.rds.restore_db_cluster_from_snapshot(
            SnapshotIdentifier=self.copy.cluster, Engine=self.source["Engine"], **self.placement()
        )
        self.note(f"RDS: restore of {self.copy.cluster} requested")

    def before_fault(self, _samples: Sequence[Sample], /) -> None:
        """Take the snapshot, while the heartbeats go on."""
        identifier = self.source["DBClusterIdentifier"]
        self.restored_to = self.clock.now()
        self.rds.create_db_cluster_snapshot(
            DBClusterSnapshotIdentifier=self.copy.cluster, DBClusterIdentifier=identifier, Tags=self.copy.tags
        )
        self.note("RDS: snapshot begun")
        self.rds.get_waiter("db_cluster_snapshot_available").wait(
            DBClusterSnapshotIdentifier=self.copy.cluster, WaiterConfig={"Delay": 2, "MaxAttempts": 900}
        )
        self.note("RDS: snapshot available")

    def copied(self) -> Iterator[tuple[str, Remove]]:
        """Yield what the drill creates beside the stack, the snapshot after its copy."""
        yield from super().copied()
        yield from self.copy.snapshot_parts()
