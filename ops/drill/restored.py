"""What the two restoring drills share: a cluster and a table beside the stack's own, asked for the heartbeats."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from ops.drill import probes
from ops.drill.drill import Drill
from ops.drill.measure import Loss, Recovery, Sample, loss
from ops.drill.target import Target
from stacks.names import OutputKey

_ABSENT = {
    "DBClusterNotFoundFault",
    "DBInstanceNotFound",
    "DBClusterSnapshotNotFoundFault",
    "ResourceNotFoundException",
}


class Restoring(Drill):
    """A drill whose fault is the loss of all data, declared and not done: the platform goes on undisturbed."""

    timeout_seconds = 5400.0

    def __init__(self, target: Target, run: str) -> None:
        super().__init__(target, run)
        self.cluster = f"drill-{self.run}"
        self.instance = f"{self.cluster}-1"
        self.back: dict[str, float] = {}
        self.kept: dict[str, set[int]] = {}

    def restored(self) -> bool:
        """Whether everything has been restored and read."""
        for name, read in self.wanted().items():
            if name not in self.back and (found := read()) is not None:
                self.kept[name] = found
                self.back[name] = time.time()
                self.happened(f"{name}: {len(found)} heartbeats read from the copy")
        return len(self.back) == len(self.wanted())

    def wanted(self) -> dict[str, Callable[[], set[int] | None]]:
        """What is restored, and how to read it; None while it cannot be read."""
        return {"Aurora": self._read_cluster}

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """From the declared loss to the first read of each copy; the platform's own requests are told, not judged."""
        copies = [
            Recovery(f"{name} restored", 0, 0, None, self.back[name] - self.fault if name in self.back else None, {})
            for name in self.wanted()
        ]
        return [*copies, *(replace(each, judged=False) for each in super().recoveries(samples))]

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Writes acknowledged before the declared loss that the copy does not hold."""
        written = {"Aurora": probes.DATABASE_WRITE, "DynamoDB": probes.TABLE_WRITE}
        return [
            loss(
                name,
                [each for each in samples if each.probe == written[name] and each.ended < self.fault],
                kept,
                self.fault,
            )
            for name, kept in self.kept.items()
        ]

    def state(self) -> str:
        """The platform itself is untouched."""
        return "the platform itself was not touched"

    def made(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The copies come first: they cost most."""
        yield f"instance {self.instance}", self.unless_absent(self._delete_instance)
        yield f"cluster {self.cluster}", self.unless_absent(self._delete_cluster)
        yield from super().made()

    @property
    def rds(self) -> Any:
        """Client."""
        return self.target.client("rds")

    @property
    def source(self) -> dict[str, Any]:
        """The stack's cluster."""
        identifier = self.target.outputs[OutputKey.CLUSTER_IDENTIFIER]
        return dict(self.rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])

    def placed(self) -> dict[str, Any]:
        """Where and how the copy is made: beside its source and as protected."""
        source = self.source
        scaling = source.get("ServerlessV2ScalingConfiguration", {})
        placed = {
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
        return {name: value for name, value in placed.items() if value not in ("", [], {})}

    def add_instance(self) -> None:
        """A restored cluster has no instance, and AWS opens its Data API only when asked."""
        self.rds.create_db_instance(
            DBInstanceIdentifier=self.instance,
            DBClusterIdentifier=self.cluster,
            Engine=self.source["Engine"],
            DBInstanceClass="db.serverless",
        )
        self.happened(f"RDS: asked for {self.cluster}")

    def _read_cluster(self) -> set[int] | None:
        found = self.rds.describe_db_clusters(DBClusterIdentifier=self.cluster)["DBClusters"][0]
        instances = self.rds.describe_db_instances(DBInstanceIdentifier=self.instance)["DBInstances"]
        if found["Status"] != "available" or instances[0]["DBInstanceStatus"] != "available":
            return None
        if not found.get("HttpEndpointEnabled"):
            self.rds.enable_http_endpoint(ResourceArn=found["DBClusterArn"])
        try:
            return self.rows.found(found["DBClusterArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "HttpEndpointNotEnabledException",
                "DatabaseUnavailableException",
            ):
                raise
            return None  # the Data API has not opened yet

    def _delete_instance(self) -> None:
        self.rds.delete_db_instance(DBInstanceIdentifier=self.instance, SkipFinalSnapshot=True)
        self.rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=self.instance)

    def _delete_cluster(self) -> None:
        self.rds.delete_db_cluster(DBClusterIdentifier=self.cluster, SkipFinalSnapshot=True)

    @staticmethod
    def unless_absent(remove: Callable[[], None]) -> Callable[[], None]:
        """`remove`, which may find nothing to remove."""

        def remove_if_there() -> None:
            try:
                remove()
            except ClientError as error:
                if error.response["Error"]["Code"] not in _ABSENT:
                    raise

        return remove_if_there
