"""Amazon RDS: new identifiers for a cluster and for an instance, which ministack ignores.

The endpoints belong to the name of a cluster, so the next cluster with that name has the same ones.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
"""

from collections.abc import Callable
from typing import Any, Final

from embedded_aws.server import upstream
from embedded_aws.server.refusals import parameter
from embedded_aws.server.types.rds_postgres import clusters, write_endpoints

Action = Callable[[dict[str, Any]], Any]
_OK: Final = 200


def install() -> None:
    """Let the two operations rename."""
    actions = upstream.rds_actions
    actions["ModifyDBCluster"] = _renaming_cluster(actions["ModifyDBCluster"])
    actions["ModifyDBInstance"] = _renaming_instance(actions["ModifyDBInstance"])


def _renaming_cluster(modify: Action) -> Action:
    def modify_and_rename(request: dict[str, Any]) -> Any:
        old, new = parameter(request, "DBClusterIdentifier"), parameter(request, "NewDBClusterIdentifier").lower()
        if new in upstream.db_clusters:
            return upstream.rds_error("DBClusterAlreadyExistsFault", f"DB Cluster {new} already exists", 400)
        answer = modify(request)
        if not new or answer[0] != _OK:
            return answer
        record = _move(upstream.db_clusters, "DBCluster", old, new)
        for instance in upstream.db_instances.values():
            if instance.get("DBClusterIdentifier") == old:
                instance["DBClusterIdentifier"] = new
        if old in clusters:
            cluster = clusters[new] = clusters.pop(old)
            cluster.move(new)
            write_endpoints(record, cluster)
        content = f"<DBCluster>{upstream.db_cluster_xml(record)}</DBCluster>"
        return upstream.rds_xml(
            _OK, "ModifyDBClusterResponse", f"<ModifyDBClusterResult>{content}</ModifyDBClusterResult>"
        )

    return modify_and_rename


def _renaming_instance(modify: Action) -> Action:
    def modify_and_rename(request: dict[str, Any]) -> Any:
        old, new = parameter(request, "DBInstanceIdentifier"), parameter(request, "NewDBInstanceIdentifier").lower()
        if new in upstream.db_instances:
            return upstream.rds_error("DBInstanceAlreadyExists", f"DB instance already exists: {new}", 400)
        answer = modify(request)
        if not new or answer[0] != _OK:
            return answer
        record = _move(upstream.db_instances, "DBInstance", old, new)
        cluster = record.get("DBClusterIdentifier")
        for member in upstream.db_clusters.get(cluster, {}).get("DBClusterMembers", []):
            if member["DBInstanceIdentifier"] == old:
                member["DBInstanceIdentifier"] = new
        if cluster in clusters:
            clusters[cluster].rename(old, new)
        content = f"<DBInstance>{upstream.db_instance_xml(record)}</DBInstance>"
        return upstream.rds_xml(
            _OK, "ModifyDBInstanceResponse", f"<ModifyDBInstanceResult>{content}</ModifyDBInstanceResult>"
        )

    return modify_and_rename


def _move(table: Any, kind: str, old: str, new: str) -> dict[str, Any]:
    record: dict[str, Any] = table.pop(old)
    arn = record[f"{kind}Arn"]
    table[new] = record
    record |= {f"{kind}Identifier": new, f"{kind}Arn": f"{arn.rpartition(':')[0]}:{new}"}
    return record
