"""What the two restoring drills share: copies beside the stack's own data, in which the heartbeats are looked for."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from ops.drill import probes
from ops.drill.drill import Drill
from ops.drill.measure import Loss, Recovery, Sample, loss
from ops.drill.target import Target
from ops.errors import error_code
from stacks.names import OutputKey

_ABSENT = (
    "DBClusterNotFoundFault",
    "DBInstanceNotFound",
    "DBClusterSnapshotNotFoundFault",
    "ResourceNotFoundException",
)
_DATA_API_CLOSED = ("HttpEndpointNotEnabledException", "DatabaseUnavailableException")


class RestoreDrill(Drill):
    """A drill whose fault, the loss of all data, is only declared: the platform itself goes on undisturbed.

    Attributes:
        cluster: identifier of the restored cluster.
        instance: identifier of its instance.
        read_at: when each copy was first read, in seconds since 1970.
        kept: numbers of the heartbeats found in each copy.
    """

    timeout_seconds = 5400.0

    def __init__(self, target: Target, run: str) -> None:
        super().__init__(target, run)
        self.cluster = f"drill-{self.run}"
        self.instance = f"{self.cluster}-1"
        self.read_at: dict[str, float] = {}
        self.kept: dict[str, set[int]] = {}

    def restored(self) -> bool:
        """Return whether every copy has been restored and read."""
        for name, read in self.copies().items():
            if name not in self.read_at and (found := read()) is not None:
                self.kept[name] = found
                self.read_at[name] = time.time()
                self.note(f"{name}: {len(found)} heartbeats read from the copy")
        return len(self.read_at) == len(self.copies())

    def copies(self) -> dict[str, Callable[[], set[int] | None]]:
        """Return how to read each copy; a function returns None while its copy cannot be read."""
        return {"Aurora": self._read_cluster}

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return the time from the declared loss to the first read of each copy; the probes are shown, not judged."""
        copies = [Recovery(f"{name} restored", 0, 0, None, self._seconds_to_read(name), {}) for name in self.copies()]
        return [*copies, *(replace(each, judged=False) for each in super().recoveries(samples))]

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Return which writes, acknowledged before the declared loss, the copies lack."""
        probe_of = {"Aurora": probes.DATABASE_WRITE, "DynamoDB": probes.TABLE_WRITE}
        before = [sample for sample in samples if sample.ended < self.fault]
        return [
            loss(name, [sample for sample in before if sample.probe == probe_of[name]], kept, self.fault)
            for name, kept in self.kept.items()
        ]

    def state(self) -> str:
        """Return that the drill does not touch the platform."""
        return "the platform itself was not touched"

    def created(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the copies first: they cost most."""
        yield f"instance {self.instance}", self.unless_absent(self._delete_instance)
        yield f"cluster {self.cluster}", self.unless_absent(self._delete_cluster)
        yield from super().created()

    @property
    def rds(self) -> Any:
        """Client of Amazon RDS."""
        return self.target.client("rds")

    @property
    def source(self) -> dict[str, Any]:
        """The stack's own cluster, as RDS describes it."""
        identifier = self.target.outputs[OutputKey.CLUSTER_IDENTIFIER]
        return dict(self.rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])

    def placement(self) -> dict[str, Any]:
        """Return the parameters that put the copy beside its source, as protected as that."""
        source = self.source
        scaling = source.get("ServerlessV2ScalingConfiguration", {})
        placement = {
            "DBClusterIdentifier": self.cluster,
            "DBSubnetGroupName": source["DBSubnetGroup"],
            "VpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in source.get("VpcSecurityGroups", [])],
            "KmsKeyId": source.get("KmsKeyId", ""),
            "Port": source["Port"],
            "ServerlessV2ScalingConfiguration": {k: scaling[k] for k in ("MinCapacity", "MaxCapacity") if k in scaling},
            "DBClusterParameterGroupName": source["DBClusterParameterGroup"],
            "Tags": [{"Key": "Drill", "Value": self.run}],
            "DeletionProtection": False,
        }
        return {name: value for name, value in placement.items() if value not in ("", [], {})}

    def add_instance(self) -> None:
        """Create an instance in the restored cluster, which has none."""
        self.rds.create_db_instance(
            DBInstanceIdentifier=self.instance,
            DBClusterIdentifier=self.cluster,
            Engine=self.source["Engine"],
            DBInstanceClass="db.serverless",
        )
        self.note(f"RDS: restore of {self.cluster} requested")

    def _seconds_to_read(self, name: str) -> float | None:
        return self.read_at[name] - self.fault if name in self.read_at else None

    def _read_cluster(self) -> set[int] | None:
        found = self.rds.describe_db_clusters(DBClusterIdentifier=self.cluster)["DBClusters"][0]
        instances = self.rds.describe_db_instances(DBInstanceIdentifier=self.instance)["DBInstances"]
        if found["Status"] != "available" or instances[0]["DBInstanceStatus"] != "available":
            return None
        if not found.get("HttpEndpointEnabled"):  # AWS does not take the Data API over from the source
            self.rds.enable_http_endpoint(ResourceArn=found["DBClusterArn"])
        try:
            return self.rows.found(found["DBClusterArn"])
        except ClientError as error:
            if error_code(error) in _DATA_API_CLOSED:
                return None
            raise

    def _delete_instance(self) -> None:
        self.rds.delete_db_instance(DBInstanceIdentifier=self.instance, SkipFinalSnapshot=True)
        self.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=self.instance)

    def _delete_cluster(self) -> None:
        self.rds.delete_db_cluster(DBClusterIdentifier=self.cluster, SkipFinalSnapshot=True)

    @staticmethod
    def unless_absent(remove: Callable[[], None]) -> Callable[[], None]:
        """Return a function that calls `remove`, and does not mind if there is nothing to remove."""

        def remove_if_there() -> None:
            try:
                remove()
            except ClientError as error:
                if error_code(error) not in _ABSENT:
                    raise

        return remove_if_there
