"""Aurora loses its writer: `FailoverDBCluster` ends it and promotes a reader."""

from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError, aws_answer


class Failover(Drill):
    """The drill that fails the Aurora cluster over."""

    name = "failover"
    intention = "end the writer of the Aurora cluster and promote a reader; connections break for some seconds"
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html :
    # service is restored in less than 60 s, often less than 30 s; the old writer needs longer to come back as a reader.
    timeout_seconds = 600.0
    measured_in_aws = "Aurora, DynamoDB, service"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "database": "this machine: a PostgreSQL server that was killed and its streaming standby that was "
        "promoted, reached through the RDS Data API of the embedded AWS; not Aurora, whose times differ",
        "table": "this machine: DynamoDB of the embedded AWS, which the fault does not touch",
    }

    def inject(self) -> None:
        """Ask RDS for a failover."""
        cluster = self.described()
        self._old = writer_of(cluster)
        self._last_seen: tuple[str, str] = (self._old, cluster["Status"])
        try:
            self._rds.failover_db_cluster(DBClusterIdentifier=self._cluster)
        except ClientError as error:
            raise DrillError(f"RDS refuses the failover: {aws_answer(error)}") from None

    def restored(self) -> bool:
        """Return whether another instance is the writer and every member is available."""
        cluster = self.described()
        writer, status = writer_of(cluster), cluster["Status"]
        if writer != self._last_seen[0]:
            self.note(f"RDS: writer is {writer}")
        if status != self._last_seen[1]:
            self.note(f"RDS: cluster is {status}")
        self._last_seen = (writer, status)
        return writer != self._old and status == "available" and self._members_available(cluster)

    def state(self) -> str:
        """Return the cluster's status and writer."""
        cluster = self.described()
        return f"{self._cluster} is {cluster['Status']}, its writer is {writer_of(cluster)}"

    @property
    def _rds(self) -> Any:
        return self.target.client("rds")

    @property
    def _cluster(self) -> str:
        return self.target.database.identifier

    def described(self) -> dict[str, Any]:
        """Return the cluster as RDS describes it."""
        return dict(self._rds.describe_db_clusters(DBClusterIdentifier=self._cluster)["DBClusters"][0])

    def _members_available(self, cluster: dict[str, Any]) -> bool:
        filters = [{"Name": "db-cluster-id", "Values": [cluster["DBClusterIdentifier"]]}]
        pages = self._rds.get_paginator("describe_db_instances").paginate(Filters=filters)
        return all(each["DBInstanceStatus"] == "available" for page in pages for each in page["DBInstances"])


def writer_of(cluster: dict[str, Any]) -> str:
    """Return the identifier of the writer of a cluster, as RDS describes it."""
    members = cluster["DBClusterMembers"]
    return next((member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]), "none")
