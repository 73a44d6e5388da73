"""The plan of a point-in-time restore of the Aurora cluster, and of putting the copy in the place of its source.

A restore takes nothing over from its source but the data: what is not in the request gets AWS's default, no instance is
created, and the Data API and the managed password are off.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-pitr.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from ops.errors import OpsError, error_code
from ops.restore.plan import Plan, Step, in_words, own_tags, require_restorable


def _alike(*names: str, **others: str) -> dict[str, str]:
    return {name: name for name in names} | others


# Parameter of RestoreDBClusterToPointInTime, and what DescribeDBClusters calls it.
RESTORED: Final = _alike(
    "BackupRetentionPeriod", "CopyTagsToSnapshot", "EngineLifecycleSupport", "KmsKeyId", "NetworkType", "Port",
    "PreferredBackupWindow", "StorageType",
    DBClusterParameterGroupName="DBClusterParameterGroup",
    DBSubnetGroupName="DBSubnetGroup",
    EnableCloudwatchLogsExports="EnabledCloudwatchLogsExports",
    EnableIAMDatabaseAuthentication="IAMDatabaseAuthenticationEnabled",
)  # fmt: skip
_INSIGHTS: Final = _alike(
    "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod", "PreferredMaintenanceWindow",
    EnablePerformanceInsights="PerformanceInsightsEnabled",
)  # fmt: skip
# The same of ModifyDBCluster, for what a restore does not take or, as Performance Insights, takes only together.
MODIFIED: Final = _alike("DatabaseInsightsMode") | _INSIGHTS
# The same of CreateDBInstance.
INSTANCE: Final = _INSIGHTS | _alike(
    "AutoMinorVersionUpgrade", "AvailabilityZone", "CACertificateIdentifier", "DBInstanceClass", "Engine",
    "MonitoringInterval", "MonitoringRoleArn", "PromotionTier", "PubliclyAccessible",
)  # fmt: skip
_ABSENT: Final = ("DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault")


class Aurora:
    """The cluster to restore, as RDS describes it.

    Args:
        rds: client of Amazon RDS.
        identifier: of the cluster.

    Raises:
        OpsError: there is no such cluster.
    """

    def __init__(self, rds: Any, identifier: str) -> None:
        self._rds, self.identifier = rds, identifier
        found = self._cluster(identifier)
        if found is None:
            raise OpsError(f"there is no cluster {identifier}: restore it from the vault, see docs/runbook.md")
        self.cluster = found
        instances = [
            rds.describe_db_instances(DBInstanceIdentifier=member["DBInstanceIdentifier"])["DBInstances"][0]
            for member in sorted(found["DBClusterMembers"], key=lambda each: str(each["DBInstanceIdentifier"]))
        ]
        # The instance that is created first becomes the writer, and should be in the zone that the plan gives it.
        self.instances = sorted(instances, key=lambda each: int(each.get("PromotionTier", 1)))

    def plan(self, moment: datetime | None, copy: str) -> Plan:
        """Return what restores the cluster.

        Args:
            moment: aware; None for the latest restorable time.
            copy: identifier of the restored cluster.

        Raises:
            OpsError: the moment cannot be restored, or the identifier is taken.
        """
        require_restorable(moment, self.cluster.get("EarliestRestorableTime"), self.cluster.get("LatestRestorableTime"))
        if self._cluster(copy) is not None:
            raise OpsError(f"there is a cluster {copy} already: choose another name with --as, or delete it")
        undo = [
            *(f"aws rds delete-db-instance --db-instance-identifier {each}" for each in self.names(copy)),
            f"aws rds modify-db-cluster --db-cluster-identifier {copy} --no-deletion-protection --apply-immediately",
            f"aws rds delete-db-cluster --db-cluster-identifier {copy} --skip-final-snapshot",
        ]
        afterwards = [f"Check the data of {copy}. Then copy rows back, or let it take over: docs/runbook.md."]
        title = f"Aurora: {self.identifier} at {in_words(moment)} as {copy}"
        return Plan(title, self._rds, list(self._restore(moment, copy)), undo, afterwards)

    def take_over(self, identifier: str, follow: Step) -> Plan:
        """Return what gives this cluster the names of another, lost one, and that one others where it is still there.

        Args:
            identifier: of the lost cluster.
            follow: makes what refers to the cluster follow.

        Raises:
            OpsError: the two have different numbers of instances, or an old one is in the way.
        """
        lost_name = aside(identifier)
        lost = Aurora(self._rds, identifier) if self._cluster(identifier) is not None else None
        names = lost.members if lost else self.names(identifier)
        if len(names) != len(self.instances):
            raise OpsError(
                f"{self.identifier} has {len(self.instances)} instances and {identifier} {len(names)}: "
                "create what is missing, or delete what is too many"
            )
        if self._cluster(lost_name) is not None:
            raise OpsError(f"there is a cluster {lost_name} already, of an earlier take-over: delete it first")
        away = list(lost.moves(lost_name, lost.names(lost_name))) if lost else []
        moves = [*away, *reversed(list(self.moves(identifier, names)))]
        afterwards = [f"{identifier} is the restored cluster; tasks, permissions and outputs follow it."]
        if lost is not None:
            afterwards.append(f"The old one is {lost_name}, and costs until it is deleted.")
        undo = [
            f"aws rds modify-db-{kind.lower()} --db-{kind.lower()}-identifier {new} "
            f"--new-db-{kind.lower()}-identifier {old} --apply-immediately"
            for kind, old, new in reversed(moves)
        ]
        steps = [*(self._rename(*move) for move in moves), follow]
        return Plan(f"Aurora: {self.identifier} takes over as {identifier}", self._rds, steps, undo, afterwards)

    @property
    def members(self) -> list[str]:
        """Identifiers of its instances, that of the former writer first."""
        return [str(each["DBInstanceIdentifier"]) for each in self.instances]

    def moves(self, identifier: str, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Yield kind, old and new name of each instance, then of the cluster; in reverse order they take the names."""
        yield from (("Instance", old, new) for old, new in zip(self.members, names, strict=True))
        yield "Cluster", self.identifier, identifier

    def _restore(self, moment: datetime | None, copy: str) -> Iterator[Step]:
        source = self.cluster
        until = {"RestoreToTime": moment} if moment else {"UseLatestRestorableTime": True}
        scaling = source.get("ServerlessV2ScalingConfiguration", {})
        request = {
            "SourceDBClusterIdentifier": self.identifier,
            "DBClusterIdentifier": copy,
            **until,
            **_taken(RESTORED, source),
            "ServerlessV2ScalingConfiguration": dict(scaling),
            "VpcSecurityGroupIds": [each["VpcSecurityGroupId"] for each in source["VpcSecurityGroups"]],
            "Tags": own_tags(source.get("TagList", [])),
            "DeletionProtection": False,
        }
        available = partial(self._is_available, copy)
        yield Step(f"restore {copy}", "restore_db_cluster_to_point_in_time", _given(request), available)
        for name, instance in zip(self.names(copy), self.instances, strict=True):
            request = {
                "DBInstanceIdentifier": name,
                "DBClusterIdentifier": copy,
                **_taken(INSTANCE, instance),
                "Tags": own_tags(instance.get("TagList", [])),
            }
            yield Step(
                f"create {name}", "create_db_instance", _given(request), partial(self._instance_is_available, name)
            )
        yield Step(
            "set what a restore does not take over",
            "modify_db_cluster",
            {
                "DBClusterIdentifier": copy,
                **_taken(MODIFIED, source),
                **_password(source),
                "ApplyImmediately": True,
            },
            available,
        )
        if source.get("HttpEndpointEnabled"):
            arn = source["DBClusterArn"].removesuffix(self.identifier) + copy
            yield Step("open the Data API", "enable_http_endpoint", {"ResourceArn": arn}, available)
        if source.get("DeletionProtection"):
            yield Step(
                "protect it",
                "modify_db_cluster",
                {"DBClusterIdentifier": copy, "DeletionProtection": True, "ApplyImmediately": True},
                available,
            )

    def _rename(self, kind: str, old: str, new: str) -> Step:
        ready = self._is_available if kind == "Cluster" else self._instance_is_available
        request = {f"DB{kind}Identifier": old, f"NewDB{kind}Identifier": new, "ApplyImmediately": True}
        return Step(f"rename {old} to {new}", f"modify_db_{kind.lower()}", request, partial(ready, new))

    def names(self, cluster: str) -> list[str]:
        """Return what its instances are called as those of another cluster."""
        return [f"{cluster}-{number}" for number in range(1, len(self.instances) + 1)]

    def _cluster(self, identifier: str) -> dict[str, Any] | None:
        return describe_cluster(self._rds, identifier)

    def _is_available(self, identifier: str) -> bool:
        found = self._cluster(identifier)
        return found is not None and found["Status"] == "available"

    def _instance_is_available(self, identifier: str) -> bool:
        found = _first(self._rds.describe_db_instances, "DBInstances", DBInstanceIdentifier=identifier)
        return found is not None and found["DBInstanceStatus"] == "available"


def aside(identifier: str) -> str:
    """Return the identifier that a cluster gets when another one takes its place."""
    return f"{identifier}-lost"


def describe_cluster(rds: Any, identifier: str) -> dict[str, Any] | None:
    """Return a cluster as RDS describes it; None when there is none."""
    return _first(rds.describe_db_clusters, "DBClusters", DBClusterIdentifier=identifier)


def _first(ask: Callable[..., Mapping[str, Any]], member: str, **which: str) -> dict[str, Any] | None:
    try:
        return dict(ask(**which)[member][0])
    except ClientError as error:
        if error_code(error) not in _ABSENT:
            raise
        return None


def _taken(parameters: Mapping[str, str], described: Mapping[str, Any]) -> dict[str, Any]:
    return {name: described[field] for name, field in parameters.items() if field in described}


def _given(request: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the source does not have."""
    return {name: value for name, value in request.items() if value not in ("", [], {}, None)}


def _password(source: Mapping[str, Any]) -> dict[str, Any]:
    """Let RDS keep the password in a new secret, under the key of the old one."""
    secret = source.get("MasterUserSecret")
    if not secret:
        return {}
    return {
        "ManageMasterUserPassword": True,
        **({"MasterUserSecretKmsKeyId": key} if (key := secret.get("KmsKeyId")) else {}),
    }
