"""The state of an Aurora cluster, as RDS and CloudWatch report it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.responses import epoch_seconds

# CloudWatch has one value a minute; a value older than this no longer describes the present.
LAG_WINDOW = timedelta(minutes=5)
AVAILABLE, FAILING_OVER = "available", "failing-over"
# What RDS documents as the statuses of a cluster and of its instances, by what a client of the database notices; the
# tables "DB cluster status" and "DB instance status" of both guides:
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Aurora.Status
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Overview.DBInstance.Status
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
# Connections and statements succeed.
SERVING = frozenset(
    {
        AVAILABLE,
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "delete-precheck",
        "incompatible-option-group",
        "modifying",
        "resetting-master-credentials",
        "storage-config-upgrade",
        "storage-initialization",
        "storage-optimization",
        "update-iam-db-auth",
    }
)
# Somebody asked for an operation during which connections may fail; a failover would not end it sooner.
CHANGING = frozenset(
    {
        "backtracking",
        "converting-to-vpc",
        "creating",
        "maintenance",
        "migrating",
        "moving-to-vpc",
        "promoting",
        "renaming",
        "starting",
        "upgrading",
    }
)
# Connections or writes fail until RDS, or somebody, does something about it.
DOWN = frozenset(
    {
        "cloning-failed",
        "deleting",
        FAILING_OVER,
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "incompatible-create",
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-restore",
        "insufficient-capacity",
        "migration-failed",
        "rebooting",
        "restore-error",
        "stopped",
        "stopping",
        "storage-full",
    }
)


@dataclass(frozen=True)
class Instance:
    """A member of the cluster.

    Attributes:
        identifier: Instance identifier.
        zone: Availability Zone.
        status: Status as RDS reports it, e.g. ``available``.
        is_writer: Whether the instance is the cluster's writer.
        tier: Promotion tier; 0 is promoted first.
        lag_ms: Latest replica lag in milliseconds; ``None`` if CloudWatch has none.
    """

    identifier: str
    zone: str
    status: str
    is_writer: bool
    tier: int = 1
    lag_ms: float | None = None


@dataclass(frozen=True)
class Cluster:
    """An Aurora cluster and its members.

    Attributes:
        identifier: Cluster identifier.
        status: Status as RDS reports it, e.g. ``available``, ``failing-over`` or ``maintenance``.
        instances: The members.
        created_at: Creation time in seconds since 1970; ``None`` if RDS does not report it.
        restorable_until: Latest restorable time in seconds since 1970; ``None`` if there is none.
    """

    identifier: str
    status: str
    instances: tuple[Instance, ...]
    created_at: float | None = None
    restorable_until: float | None = None

    @property
    def writer(self) -> Instance | None:
        """The writer; ``None`` unless there is exactly one."""
        writers = [instance for instance in self.instances if instance.is_writer]
        return writers[0] if len(writers) == 1 else None

    @property
    def takes_writes(self) -> bool:
        """Whether the cluster and its writer serve, as far as RDS shows it."""
        return self.status in SERVING and self.writer is not None and self.writer.status in SERVING


def read_cluster(rds: Any, cloudwatch: Any, identifier: str, now: float) -> Cluster:
    """Describe a cluster with its members and their replica lag.

    Args:
        rds: RDS client.
        cloudwatch: CloudWatch client.
        identifier: Cluster identifier.
        now: Current time in seconds since 1970.

    Returns:
        The cluster; a member that RDS does not describe has the status ``unknown``.

    Raises:
        ClientError: RDS or CloudWatch rejects a request, e.g. because the cluster does not exist.
    """
    described = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    members = described.get("DBClusterMembers", [])
    pages = rds.get_paginator("describe_db_instances").paginate(
        Filters=[{"Name": "db-cluster-id", "Values": [identifier]}]
    )
    instances = {each["DBInstanceIdentifier"]: each for page in pages for each in page["DBInstances"]}
    readers = [member["DBInstanceIdentifier"] for member in members if not member["IsClusterWriter"]]
    lags = _replica_lags(cloudwatch, readers, now)
    return Cluster(
        identifier=described["DBClusterIdentifier"],
        status=described["Status"],
        instances=tuple(
            _instance(member, instances.get(member["DBInstanceIdentifier"], {}), lags) for member in members
        ),
        created_at=epoch_seconds(described.get("ClusterCreateTime")),
        restorable_until=epoch_seconds(described.get("LatestRestorableTime")),
    )


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


def _replica_lags(cloudwatch: Any, readers: list[str], now: float) -> dict[str, float]:
    """Return the latest replica lag in milliseconds of each reader for which CloudWatch has one."""
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    if not readers:
        return {}
    queries = [
        {
            "Id": f"lag{index}",
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
        for index, reader in enumerate(readers)
    ]
    end = datetime.fromtimestamp(now, UTC)
    response = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=end - LAG_WINDOW, EndTime=end, ScanBy="TimestampDescending"
    )
    values = {result["Id"]: result["Values"] for result in response["MetricDataResults"]}
    return {reader: latest[0] for index, reader in enumerate(readers) if (latest := values.get(f"lag{index}"))}
