"""Amazon RDS: what a cluster and its members have in common, which ministack keeps apart or not at all.

Storage, its encryption, the network and the backups of an Aurora instance are those of its cluster.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
"""

from collections.abc import Callable
from typing import Any, Final

from embedded_aws.server import upstream
from embedded_aws.server.refusals import parameter

Action = Callable[[dict[str, Any]], Any]
_OK: Final = 200
_AURORA: Final = "aurora"
_SHARED: Final = ("StorageEncrypted", "KmsKeyId", "BackupRetentionPeriod", "PreferredBackupWindow", "VpcSecurityGroups")


def install() -> None:
    """Complete the records when they are made and changed, and the answers about them."""
    actions = upstream.rds_actions
    for name in ("CreateDBCluster", "ModifyDBCluster"):
        actions[name] = _keeping_storage_type(actions[name])
    upstream.db_cluster_xml.wrap(_with_zones_and_storage)
    upstream.db_instance_xml.wrap(_like_its_cluster)


def _keeping_storage_type(act: Action) -> Action:
    def act_and_keep(request: dict[str, Any]) -> Any:
        answer = act(request)
        record = upstream.db_clusters.get(parameter(request, "DBClusterIdentifier"))
        if record is not None and answer[0] == _OK:
            record["StorageType"] = parameter(request, "StorageType") or record.get("StorageType", _AURORA)
        return answer

    return act_and_keep


def _with_zones_and_storage(render: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def render_cluster(record: dict[str, Any]) -> str:
        members = [each["DBInstanceIdentifier"] for each in record.get("DBClusterMembers", [])]
        zones = {upstream.db_instances[each]["AvailabilityZone"] for each in members if each in upstream.db_instances}
        rendered = render({**record, "MultiAZ": len(zones) > 1})
        kind = record.get("StorageType", _AURORA)
        # The storage type is returned when it is I/O-Optimized, and not when it is Aurora's standard one:
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
        return rendered if kind == _AURORA else f"{rendered}<StorageType>{kind}</StorageType>"

    return render_cluster


def _like_its_cluster(render: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def render_instance(record: dict[str, Any]) -> str:
        return render({**record, **_from_cluster(record), **_monitored(record)})

    return render_instance


def _from_cluster(record: dict[str, Any]) -> dict[str, Any]:
    cluster = upstream.db_clusters.get(record.get("DBClusterIdentifier"))
    if cluster is None:
        return {}
    shared = {name: cluster[name] for name in _SHARED if name in cluster}
    group = upstream.db_subnet_groups.get(cluster.get("DBSubnetGroup"))
    return {
        **shared,
        "StorageType": cluster.get("StorageType", _AURORA),
        **({"DBSubnetGroup": group} if group else {}),
    }


def _monitored(record: dict[str, Any]) -> dict[str, str]:
    """Return where Enhanced Monitoring writes to, when it does.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.CloudWatchLogs.html
    """
    if not record.get("MonitoringInterval"):
        return {}
    scope = f"{upstream.region()}:{upstream.account()}"
    stream = f"log-group:RDSOSMetrics:log-stream:{record['DbiResourceId']}"
    return {"EnhancedMonitoringResourceArn": f"arn:aws:logs:{scope}:{stream}"}
