"""All data is declared lost; point-in-time recovery restores cluster and table to their latest restorable time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from breakwater_drills import probes
from breakwater_drills.copies import Remove
from breakwater_drills.drill import of_probe
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Sample
from breakwater_drills.restored import RestoreDrill

_RESTORABLE_POLL_SECONDS: Final = 1.0
# The latest restorable time is told in whole seconds, by a clock that is not this machine's.
_CLOCKS_DIFFER_SECONDS: Final = 2.0


class PointInTime(RestoreDrill):
    """The drill that restores the cluster and the table to a point in time."""

    name = "pitr"
    # The latest restorable time lies about five minutes back, in Aurora and in DynamoDB:
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-pitr.html
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
    restorable_within_seconds: ClassVar[float] = 1800.0
    intention = (
        "restore the Aurora cluster and the DynamoDB table to their latest restorable time, as copies beside them, "
        "read the copies, and delete them"
    )
    measured_in_aws = "Aurora and DynamoDB point-in-time recovery"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "Aurora": "this machine: a base backup of PostgreSQL and its archived log of changes, replayed by a second "
        "server to the end; not Aurora, whose restores take minutes",
        "DynamoDB": "simulated: the embedded AWS copies the table as it is at that moment",
    }

    def before_fault(self, samples: Sequence[Sample], /) -> None:
        """Wait until both stores can be restored to a time after the first heartbeat, while the heartbeats go on.

        Raises:
            DrillError: they cannot be in time.
        """
        first = {
            "Aurora": min(sample.ended for sample in of_probe(samples, probes.DATABASE_WRITE)),
            "DynamoDB": min(sample.ended for sample in of_probe(samples, probes.TABLE_WRITE)),
        }
        self.note("waiting until the first heartbeat can be restored, which takes about five minutes in AWS")

        def passed() -> bool:
            return all(at > first[name] for name, at in self._restorable().items())

        limit = self.restorable_within_seconds
        if not self.clock.wait_until(passed, timeout_seconds=limit, poll_seconds=_RESTORABLE_POLL_SECONDS):
            late = ", ".join(name for name, at in self._restorable().items() if at <= first[name])
            raise DrillError(
                f"{late}: the latest restorable time did not reach the first heartbeat within "
                f"{limit:.0f} s; check that point-in-time recovery is on. Nothing was restored"
            )
        self.note("the first heartbeat can be restored")

    def inject(self) -> None:
        """Ask for both copies."""
        self.note_restorable()
        self.rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=self.source["DBClusterIdentifier"],
            UseLatestRestorableTime=True,
            **self.placement(),
        )
        self.note(f"RDS: restore of {self.copy.cluster} requested")
        self._dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.items.table, TargetTableName=self.copy.table, UseLatestRestorableTime=True
        )
        self.note(f"DynamoDB: restore of {self.copy.table} requested")

    def copies(self) -> dict[str, Callable[[], set[int] | None]]:
        """Return how to read the copies, that of the table included."""
        return {**super().copies(), "DynamoDB": self._read_table}

    def copied(self) -> Iterator[tuple[str, Remove]]:
        """Yield what the drill creates beside the stack, the copy of the table after that of the cluster."""
        yield from super().copied()
        yield from self.copy.table_parts()

    @property
    def _dynamodb(self) -> Any:
        return self.target.client("dynamodb")

    def note_restorable(self) -> None:
        """Note to which time at least the cluster is restored from now on."""
        self.restored_to = self._restorable()["Aurora"] - _CLOCKS_DIFFER_SECONDS

    def _restorable(self) -> dict[str, float]:
        """Return the latest restorable time of each store, in seconds since 1970; 0 when it has none."""
        backups = self._dynamodb.describe_continuous_backups(TableName=self.items.table)["ContinuousBackupsDescription"]
        latest = {
            "Aurora": self.source.get("LatestRestorableTime"),
            "DynamoDB": backups.get("PointInTimeRecoveryDescription", {}).get("LatestRestorableDateTime"),
        }
        return {name: at.timestamp() if at else 0.0 for name, at in latest.items()}

    def _read_table(self) -> set[int] | None:
        status = self._dynamodb.describe_table(TableName=self.copy.table)["Table"]["TableStatus"]
        return self.items.found(self.copy.table) if status == "ACTIVE" else None
