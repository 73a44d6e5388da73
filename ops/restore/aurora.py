"""The plan of a point-in-time restore of the Aurora cluster, and of putting the copy in the place of its source.

A restore takes nothing over from its source but the data: what is not in the request gets AWS's default, no instance is
created, and the Data API and the managed password are off.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-pitr.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from ops.errors import OpsError, error_code
from ops.restore.plan import Plan, Step, own_tags

# Parameter of RestoreDBClusterToPointInTime, and what DescribeDBClusters calls it.
RESTORED: Final = {
    "BackupRetentionPeriod": "BackupRetentionPeriod",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DBClusterParameterGroupName": "DBClusterParameterGroup",
    "DBSubnetGroupName": "DBSubnetGroup",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EngineLifecycleSupport": "EngineLifecycleSupport",
    "KmsKeyId": "KmsKeyId",
    "NetworkType": "NetworkType",
    "Port": "Port",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "StorageType": "StorageType",
}
# The same of ModifyDBCluster, for what a restore does not take or, as Performance Insights, takes only together.
MODIFIED: Final = {
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
}
# The same of CreateDBInstance.
INSTANCE: Final = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "AvailabilityZone": "AvailabilityZone",
    "CACertificateIdentifier": "CACertificateIdentifier",
    "DBInstanceClass": "DBInstanceClass",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "Engine": "Engine",
    "MonitoringInterval": "MonitoringInterval",
    "MonitoringRoleArn": "MonitoringRoleArn",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "PromotionTier": "PromotionTier",
    "PubliclyAccessible": "PubliclyAccessible",
}
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

    def plan(self, moment: datetime | None, copy: str, *, take_over: bool) -> Plan:
        """Return what restores the cluster.

        Args:
            moment: aware; None for the latest restorable time.
            copy: identifier of the restored cluster.
            take_over: whether the copy gets the names of its source in the end, and the source others.

        Raises:
            OpsError: the moment cannot be restored, or the identifier is taken.
        """
        self._require(moment, copy)
        steps = list(self._restore(moment, copy))
        undo = [
            *(f"aws rds delete-db-instance --db-instance-identifier {each}" for each in self._names(copy)),
            f"aws rds modify-db-cluster --db-cluster-identifier {copy} --no-deletion-protection --apply-immediately",
            f"aws rds delete-db-cluster --db-cluster-identifier {copy} --skip-final-snapshot",
        ]
        afterwards = [f"Compare the data of {copy}, then copy rows back, or run this again with --take-over."]
        if take_over:
            steps += self._swap(copy)
            undo = [f"the names: rename {self.identifier} to {copy}, then {self._lost} to {self.identifier}", *undo]
            afterwards = [
                f"{self.identifier} is the restored cluster, with a new secret and resource id: see docs/runbook.md.",
                f"The old one is {self._lost}, and costs until it is deleted.",
            ]
        when = f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "the latest restorable time"
        return Plan(f"Aurora: {self.identifier} at {when} as {copy}", self._rds, steps, undo, afterwards)

    def _require(self, moment: datetime | None, copy: str) -> None:
        earliest, latest = self.cluster.get("EarliestRestorableTime"), self.cluster.get("LatestRestorableTime")
        if moment and earliest and latest and not earliest <= moment <= latest:
            raise OpsError(
                f"--to {moment:%Y-%m-%dT%H:%M:%SZ} cannot be restored: allowed is {earliest:%Y-%m-%dT%H:%M:%SZ} to "
                f"{latest:%Y-%m-%dT%H:%M:%SZ}, or latest"
            )
        if self._cluster(copy) is not None:
            raise OpsError(f"there is a cluster {copy} already: choose another name with --as, or delete it")

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
        for name, instance in zip(self._names(copy), self.instances, strict=True):
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

    def _swap(self, copy: str) -> Iterator[Step]:
        """Rename the source away, then the copy into its place; each name must be free before it is taken."""
        originals = [each["DBInstanceIdentifier"] for each in self.instances]
        moves = [
            *zip(originals, self._names(self._lost), strict=True),
            (self.identifier, self._lost),
            (copy, self.identifier),
            *zip(self._names(copy), originals, strict=True),
        ]
        for old, new in moves:
            kind = "Cluster" if old in (self.identifier, copy) else "Instance"
            available: Callable[[str], bool] = self._is_available if kind == "Cluster" else self._instance_is_available
            request = {f"DB{kind}Identifier": old, f"NewDB{kind}Identifier": new, "ApplyImmediately": True}
            yield Step(f"rename {old} to {new}", f"modify_db_{kind.lower()}", request, partial(available, new))

    @property
    def _lost(self) -> str:
        return f"{self.identifier}-lost"

    def _names(self, cluster: str) -> list[str]:
        return [f"{cluster}-{number}" for number in range(1, len(self.instances) + 1)]

    def _cluster(self, identifier: str) -> dict[str, Any] | None:
        try:
            return dict(self._rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])
        except ClientError as error:
            if error_code(error) not in _ABSENT:
                raise
            return None

    def _is_available(self, identifier: str) -> bool:
        found = self._cluster(identifier)
        return found is not None and found["Status"] == "available"

    def _instance_is_available(self, identifier: str) -> bool:
        try:
            found = self._rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        except ClientError as error:
            if error_code(error) not in _ABSENT:
                raise
            return False
        return bool(found["DBInstanceStatus"] == "available")


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
