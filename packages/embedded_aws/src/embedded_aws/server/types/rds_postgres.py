"""Amazon RDS: a real PostgreSQL behind each Aurora PostgreSQL cluster, its members, failover and snapshots.

Where PostgreSQL cannot run, a cluster is only a record, as ministack keeps it, and the log says why.
"""

import atexit
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.api import client
from embedded_aws.server.postgres.binaries import Binaries, PostgresError
from embedded_aws.server.postgres.cluster import Cluster, Login, Origin
from embedded_aws.server.postgres.server import unused
from embedded_aws.server.refusals import parameter

Action = Callable[[dict[str, Any]], Any]
OK = 200
clusters: dict[str, Cluster] = {}
snapshots: dict[str, Origin] = {}
_log = logging.getLogger(__name__)


def install() -> None:
    """Extend ministack's operations to the servers."""
    actions = upstream.rds_actions
    for name, wrapper in (
        ("CreateDBInstance", _with_member),
        ("DeleteDBInstance", _without_member),
        ("DeleteDBCluster", _without_cluster),
        ("FailoverDBCluster", _with_promotion),
        ("CreateDBClusterSnapshot", _with_base_backup),
        ("DeleteDBClusterSnapshot", _without_base_backup),
    ):
        actions[name] = answering(wrapper(actions[name]))
    upstream.sync_db_cluster_endpoints.wrap(_keeping_endpoints)
    atexit.register(_close)


def stand_up(record: dict[str, Any], properties: Mapping[str, Any], origin: Origin | None = None) -> None:
    """Start a PostgreSQL behind a new cluster, and write its endpoints into the record.

    Args:
        record: ministack's record of the cluster.
        properties: those it was created with; the password is among them or in the managed secret.
        origin: what a restored cluster begins with.
    """
    if record["Engine"] != "aurora-postgresql":
        return
    identifier = record["DBClusterIdentifier"]
    login = Login(record["MasterUsername"], _password(record, properties), properties.get("DatabaseName", ""))
    try:
        _start(record, login, origin)
    except PostgresError as error:
        _log.warning("%s is only a record: %s", identifier, error)


def _start(record: dict[str, Any], login: Login, origin: Origin | None) -> None:
    folder = Path(os.environ["EMBEDDED_AWS_POSTGRES"])
    identifier = record["DBClusterIdentifier"]
    listen = identifier, int(record["Port"])
    cluster = Cluster(Binaries(folder), unused(folder / identifier), listen, login, origin)
    clusters[identifier] = cluster
    write_endpoints(record, cluster)


def write_endpoints(record: dict[str, Any], cluster: Cluster) -> None:
    """Write the addresses of a cluster into its record."""
    record["Endpoint"], record["ReaderEndpoint"] = cluster.writer_endpoint.address, cluster.reader_endpoint.address


def _keeping_endpoints(synchronize: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Keep the endpoints: ministack would set them to the first instance's address with every change of members."""

    def synchronize_and_keep(record: dict[str, Any]) -> None:
        synchronize(record)
        if cluster := clusters.get(record["DBClusterIdentifier"]):
            write_endpoints(record, cluster)

    return synchronize_and_keep


def _password(record: dict[str, Any], properties: Mapping[str, Any]) -> str:
    if "MasterUserPassword" in properties:
        return str(properties["MasterUserPassword"])
    secret = client("secretsmanager").get_secret_value(SecretId=record["MasterUserSecret"]["SecretArn"])
    return str(json.loads(secret["SecretString"])["password"])


def answering(action: Action) -> Action:
    """Turn an error of PostgreSQL into an error of RDS; the log has all of it."""

    def act(request: dict[str, Any]) -> Any:
        try:
            return action(request)
        except PostgresError as error:
            _log.exception("PostgreSQL")
            return upstream.rds_error("InternalFailure", str(error), 500)

    return act


def _with_member(create: Action) -> Action:
    def create_and_start(request: dict[str, Any]) -> Any:
        answer = create(request)
        cluster = clusters.get(parameter(request, "DBClusterIdentifier"))
        if cluster and answer[0] == OK:
            cluster.add(parameter(request, "DBInstanceIdentifier"))
        return answer

    return create_and_start


def _without_member(delete: Action) -> Action:
    def delete_and_end(request: dict[str, Any]) -> Any:
        identifier = parameter(request, "DBInstanceIdentifier")
        instance = upstream.db_instances.get(identifier, {})
        cluster, record = cluster_of(instance), upstream.db_clusters.get(instance.get("DBClusterIdentifier", ""))
        answer = delete(request)
        if record is not None and answer[0] == OK:
            if cluster:
                cluster.remove(identifier)
            _mark_writer(record, cluster.writer if cluster else _next_writer(record))
        return answer

    return delete_and_end


def _without_cluster(delete: Action) -> Action:
    def delete_and_close(request: dict[str, Any]) -> Any:
        answer = delete(request)
        if answer[0] == OK and (cluster := clusters.pop(parameter(request, "DBClusterIdentifier"), None)):
            cluster.close()
        return answer

    return delete_and_close


def _with_promotion(fail_over: Action) -> Action:
    """Answer at once, as RDS does; the records change when the promoted server takes writes."""

    def fail_over_servers(request: dict[str, Any]) -> Any:
        identifier = parameter(request, "DBClusterIdentifier")
        cluster = clusters.get(identifier)
        record = upstream.db_clusters.get(identifier)
        if cluster is None or record is None:
            return fail_over(request)
        before = {member["DBInstanceIdentifier"]: member["IsClusterWriter"] for member in record["DBClusterMembers"]}
        answer = fail_over(request)
        if answer[0] == OK:
            target = _writer(record)
            for member in record["DBClusterMembers"]:
                member["IsClusterWriter"] = before[member["DBInstanceIdentifier"]]
            record["Status"] = "failing-over"
            threading.Thread(target=_promote, args=(cluster, record, target), daemon=True).start()
        return answer

    return fail_over_servers


def _promote(cluster: Cluster, record: dict[str, Any], target: str) -> None:
    try:
        cluster.fail_over(target, moved=lambda: _mark_writer(record, target))
    except PostgresError:
        _log.exception("failover to %s", target)
        return  # the cluster stays "failing-over", since it has no writer
    record["Status"] = "available"


def _mark_writer(record: dict[str, Any], writer: str | None) -> None:
    for member in record["DBClusterMembers"]:
        member["IsClusterWriter"] = member["DBInstanceIdentifier"] == writer


def _next_writer(record: dict[str, Any]) -> str | None:
    """Return the writer of a cluster that is only a record: the one there is, or the reader that Aurora would promote.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
    """
    members = sorted(record["DBClusterMembers"], key=lambda each: (not each["IsClusterWriter"], each["PromotionTier"]))
    return members[0]["DBInstanceIdentifier"] if members else None


def _writer(record: dict[str, Any]) -> str:
    return str(next(each["DBInstanceIdentifier"] for each in record["DBClusterMembers"] if each["IsClusterWriter"]))


def _with_base_backup(snapshot: Action) -> Action:
    def snapshot_and_copy(request: dict[str, Any]) -> Any:
        answer = snapshot(request)
        cluster = clusters.get(parameter(request, "DBClusterIdentifier"))
        if cluster and answer[0] == OK:
            identifier = parameter(request, "DBClusterSnapshotIdentifier")
            snapshots[identifier] = Origin(cluster.backup(f"snapshot-{identifier}"), archive=None)
        return answer

    return snapshot_and_copy


def _without_base_backup(delete: Action) -> Action:
    def delete_and_remove(request: dict[str, Any]) -> Any:
        answer = delete(request)
        if answer[0] == OK and (origin := snapshots.pop(parameter(request, "DBClusterSnapshotIdentifier"), None)):
            shutil.rmtree(origin.base.parent, ignore_errors=True)
        return answer

    return delete_and_remove


def cluster_of(instance: Mapping[str, Any]) -> Cluster | None:
    """Return the cluster that an instance is a member of; None where there is no PostgreSQL."""
    return clusters.get(instance.get("DBClusterIdentifier", ""))


def _close() -> None:
    for cluster in list(clusters.values()):
        cluster.close()
