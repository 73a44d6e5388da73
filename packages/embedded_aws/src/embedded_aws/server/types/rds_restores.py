"""Amazon RDS: restores from a snapshot and to the latest moment, and the managed password of a cluster.

ministack has none of these; it ignores `ManageMasterUserPassword` in a change, and rotates a password in the secret
alone. A snapshot from before a rotation cannot be restored here: its data has the old password, which nobody keeps.
"""

import json
import secrets
import time
import uuid
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.api import client
from embedded_aws.server.postgres.cluster import Origin
from embedded_aws.server.refusals import parameter
from embedded_aws.server.types.rds_postgres import OK, Action, answering, clusters, snapshots, stand_up

_LATEST_ONLY = "the embedded AWS restores only to the latest moment: set UseLatestRestorableTime"


def install() -> None:
    """Add the operations."""
    upstream.rds_actions["RestoreDBClusterFromSnapshot"] = answering(_restore_snapshot)
    upstream.rds_actions["RestoreDBClusterToPointInTime"] = answering(_restore_to_latest)
    upstream.rds_actions["ModifyDBCluster"] = _managing_password(upstream.rds_actions["ModifyDBCluster"])
    upstream.rds_actions["ModifyDBCluster"] = answering(_rotating_password(upstream.rds_actions["ModifyDBCluster"]))
    upstream.rds_actions["DescribeDBClusters"] = _with_latest_moment(upstream.rds_actions["DescribeDBClusters"])


def _with_latest_moment(describe: Action) -> Action:
    """Say that a cluster can be restored to this moment; ministack keeps the moment of its creation."""

    def describe_with_latest_moment(request: dict[str, Any]) -> Any:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for identifier in clusters:
            if identifier in upstream.db_clusters:
                upstream.db_clusters[identifier]["LatestRestorableTime"] = now
        return describe(request)

    return describe_with_latest_moment


def _restore_snapshot(request: dict[str, Any]) -> Any:
    identifier = parameter(request, "SnapshotIdentifier")
    origin = snapshots.get(identifier)
    if origin is None:
        return upstream.rds_error("DBClusterSnapshotNotFoundFault", f"no base backup of snapshot {identifier}", 404)
    found = client("rds").describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=identifier)
    source = found["DBClusterSnapshots"][0]["DBClusterIdentifier"]
    return _restore("RestoreDBClusterFromSnapshot", request, source, origin)


def _restore_to_latest(request: dict[str, Any]) -> Any:
    source = parameter(request, "SourceDBClusterIdentifier")
    cluster = clusters.get(source)
    if cluster is None:
        return upstream.rds_error("DBClusterNotFoundFault", f"no PostgreSQL behind cluster {source}", 404)
    if parameter(request, "UseLatestRestorableTime").lower() != "true":
        return upstream.rds_error(
            "InvalidParameterValue",
            _LATEST_ONLY,
            400,
        )
    return _restore("RestoreDBClusterToPointInTime", request, source, cluster.latest())


def _restore(action: str, request: dict[str, Any], source: str, origin: Origin) -> Any:
    """Create a cluster like its source, without instances; its first instance begins with the restored data."""
    record, cluster = upstream.db_clusters.get(source), clusters.get(source)
    if record is None or cluster is None:
        return upstream.rds_error("DBClusterNotFoundFault", f"cluster {source} is gone, and its password with it", 404)
    identifier = parameter(request, "DBClusterIdentifier")
    login = cluster.login
    answer = upstream.rds_actions["CreateDBCluster"](
        {
            # AWS takes over from the source only what is in the data; all else is of the request, or AWS's default.
            **request,
            "Engine": record["Engine"],
            "EngineVersion": record["EngineVersion"],
            # "This same name is returned for the life of the DB cluster", and it is in the data.
            # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
            "DatabaseName": parameter(request, "DatabaseName") or record.get("DatabaseName") or "",
            "MasterUsername": login.user,
            "MasterUserPassword": login.password,
            "Port": parameter(request, "Port") or str(record["Port"]),
            "EnableHttpEndpoint": parameter(request, "EnableHttpEndpoint") or "false",
            "DBSubnetGroupName": parameter(request, "DBSubnetGroupName") or record["DBSubnetGroup"],
            "StorageEncrypted": str(record.get("StorageEncrypted", False)).lower(),
            "KmsKeyId": record.get("KmsKeyId", ""),
            **{name: value for name, value in request.items() if name.startswith("Tags.")},
        }
    )
    if answer[0] != OK:
        return answer
    restored = upstream.db_clusters[identifier]
    stand_up(restored, {"MasterUserPassword": login.password}, origin)
    content = f"<{action}Result><DBCluster>{upstream.db_cluster_xml(restored)}</DBCluster></{action}Result>"
    return upstream.rds_xml(OK, f"{action}Response", content)


def _managing_password(modify: Action) -> Action:
    """Let RDS keep the password of the master user in a secret from now on.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
    """

    def modify_and_manage(request: dict[str, Any]) -> Any:
        record = upstream.db_clusters.get(parameter(request, "DBClusterIdentifier"))
        wanted = parameter(request, "ManageMasterUserPassword").lower() == "true"
        if record is not None and wanted and not record.get("MasterUserSecret"):
            login = clusters[record["DBClusterIdentifier"]].login
            key = parameter(request, "MasterUserSecretKmsKeyId") or "alias/aws/secretsmanager"
            secret = client("secretsmanager").create_secret(
                Name=f"rds!cluster-{uuid.uuid4()}",
                SecretString=json.dumps({"username": login.user, "password": login.password}),
                KmsKeyId=key,
            )
            record["MasterUserSecret"] = {"SecretArn": secret["ARN"], "SecretStatus": "active", "KmsKeyId": key}
        return modify(request)

    return modify_and_manage


def _rotating_password(modify: Action) -> Action:
    """Change the password that RDS keeps, in PostgreSQL and in the secret, when a change asks for it.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html
    """

    def modify_and_rotate(request: dict[str, Any]) -> Any:
        record = upstream.db_clusters.get(parameter(request, "DBClusterIdentifier"), {})
        kept, flags = record.get("MasterUserSecret"), ("RotateMasterUserPassword", "ApplyImmediately")
        asked = all(parameter(request, flag).lower() == "true" for flag in flags)
        if not kept or not asked or parameter(request, "MasterUserPassword"):
            return modify(request)  # asks for no rotation, or for one that is refused
        cluster, password = clusters[record["DBClusterIdentifier"]], secrets.token_urlsafe(24)
        cluster.change_password(password)
        content = json.dumps({"username": cluster.login.user, "password": password})
        client("secretsmanager").put_secret_value(SecretId=kept["SecretArn"], SecretString=content)
        return modify({name: value for name, value in request.items() if name != flags[0]})

    return modify_and_rotate
