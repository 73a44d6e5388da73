"""An Aurora cluster as RDS and CloudWatch describe it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# CloudWatch has one value a minute; an older one says nothing of now.
LAG_WINDOW = timedelta(minutes=5)
AVAILABLE = "available"


@dataclass(frozen=True)
class Instance:
    """A member of the cluster.

    Args:
        identifier: of the instance.
        zone: its Availability Zone.
        status: as RDS reports it, e.g. ``available``.
        is_writer: whether it takes writes.
        tier: promotion tier, 0 first.
        lag_ms: newest replica lag in milliseconds; ``None`` when CloudWatch has none.
    """

    identifier: str
    zone: str
    status: str
    is_writer: bool
    tier: int = 1
    lag_ms: float | None = None


@dataclass(frozen=True)
class Cluster:
    """The cluster as RDS describes it.

    Args:
        identifier: of the cluster.
        status: as RDS reports it; ``failing-over``, ``maintenance``, ``upgrading`` … are not ``available``.
        instances: its members.
        created_at: seconds since 1970; ``None`` when RDS does not tell.
        restorable_until: newest moment to which it can be restored, in seconds since 1970; ``None`` when there is none.
    """

    identifier: str
    status: str
    instances: tuple[Instance, ...]
    created_at: float | None = None
    restorable_until: float | None = None

    @property
    def writer(self) -> Instance | None:
        """The member that takes writes, if there is exactly one."""
        writers = [instance for instance in self.instances if instance.is_writer]
        return writers[0] if len(writers) == 1 else None


def read_cluster(rds: Any, cloudwatch: Any, identifier: str, now: float) -> Cluster:
    """Describe a cluster with its members and their replica lag.

    Args:
        rds: client.
        cloudwatch: client.
        identifier: of the cluster.
        now: seconds since 1970.

    Returns:
        The cluster; a member that RDS does not describe has the status ``unknown``.

    Raises:
        ClientError: an AWS service refuses to tell, e.g. because there is no such cluster.
    """
    described = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    members = described.get("DBClusterMembers", [])
    pages = rds.get_paginator("describe_db_instances").paginate(
        Filters=[{"Name": "db-cluster-id", "Values": [identifier]}]
    )
    instances = {each["DBInstanceIdentifier"]: each for page in pages for each in page["DBInstances"]}
    readers = [member["DBInstanceIdentifier"] for member in members if not member["IsClusterWriter"]]
    lags = _lags(cloudwatch, readers, now)
    return Cluster(
        identifier=described["DBClusterIdentifier"],
        status=described["Status"],
        instances=tuple(
            _instance(member, instances.get(member["DBInstanceIdentifier"], {}), lags) for member in members
        ),
        created_at=_seconds(described.get("ClusterCreateTime")),
        restorable_until=_seconds(described.get("LatestRestorableTime")),
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _instance(member: dict[str, Any], described: dict[str, Any], lags: dict[str, float]) -> Instance:
    identifier = member["DBInstanceIdentifier"]
    return Instance(
        identifier=identifier,
        zone=described.get("AvailabilityZone", ""),
        status=described.get("DBInstanceStatus", "unknown"),
        is_writer=member["IsClusterWriter"],
        tier=member.get("PromotionTier", 1),
        lag_ms=lags.get(identifier),
    )


def _lags(cloudwatch: Any, readers: list[str], now: float) -> dict[str, float]:
    """Return the newest lag of each reader, in milliseconds, where CloudWatch has one."""
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    if not readers:
        return {}
    queries = [
        {
            "Id": f"lag{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/RDS",
                    "MetricName": "AuroraReplicaLag",
                    "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": reader}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for number, reader in enumerate(readers)
    ]
    end = datetime.fromtimestamp(now, UTC)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=end - LAG_WINDOW, EndTime=end, ScanBy="TimestampDescending"
    )
    found = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    return {reader: values[0] for number, reader in enumerate(readers) if (values := found.get(f"lag{number}", []))}
