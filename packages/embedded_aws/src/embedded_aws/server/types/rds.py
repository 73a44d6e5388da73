"""Amazon RDS: clusters and instances made through the RDS API, which keeps what ministack's CloudFormation drops.

The API checks the engine version, takes the key, the parameter group and the managed master password, and makes one
member the writer. Database Insights and log exports, which it does not keep, are added to its records and answers.
"""

import os
import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.refusals import parameter
from embedded_aws.server.registry import Attributes, Declared, Properties
from embedded_aws.server.types import (
    rds_account,
    rds_data,
    rds_postgres,
    rds_records,
    rds_refusals,
    rds_renames,
    rds_restores,
)

_CLUSTER = "AWS::RDS::DBCluster"
_INSTANCE = "AWS::RDS::DBInstance"
_KEPT = "_kept_beside"

# Properties ministack's records have no field for -> the element of an answer that reports them.
_CLUSTER_ELEMENTS = {
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "PerformanceInsightsEnabled": "PerformanceInsightsEnabled",
    "PerformanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
    "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
}
_INSTANCE_ELEMENTS = {
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
}


def install() -> None:
    """Register the types of this service."""
    # "Update requires: Replacement", which ministack takes for a change in place
    create_only = (*upstream.replacing_properties[_CLUSTER], "MasterUsername")
    registry.replace(_CLUSTER, create=_create_cluster, delete=_delete_cluster, create_only=create_only)
    registry.complete(_CLUSTER, _complete_cluster)
    registry.replace(_INSTANCE, create=_create_instance, delete=_delete_instance)
    registry.complete(_INSTANCE, _complete_instance)
    upstream.db_cluster_xml.wrap(_reporting)
    upstream.db_instance_xml.wrap(_reporting)
    for part in (rds_postgres, rds_restores, rds_data, rds_account, rds_records, rds_renames, rds_refusals):
        part.install()
    upstream.rds_actions["CreateDBInstance"] = _keeping(upstream.rds_actions["CreateDBInstance"])
    upstream.rds_actions[_ORDERABLE] = _with_serverless(upstream.rds_actions[_ORDERABLE])
    upstream.rds_actions[_VERSIONS] = _with_log_types(upstream.rds_actions[_VERSIONS])
    for action in [name for name in upstream.rds_actions if name.startswith(_NAMING)]:
        upstream.rds_actions[action] = _with_valid_names(upstream.rds_actions[action])


# Operations that give a name, which here becomes a folder's too.
_NAMING = ("Create", "Restore", "Copy", "Modify")
_NAMES = (
    "DBClusterIdentifier", "DBInstanceIdentifier", "DBClusterSnapshotIdentifier", "TargetDBClusterSnapshotIdentifier",
    "NewDBClusterIdentifier", "NewDBInstanceIdentifier",
)  # fmt: skip
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
_VALID_NAME = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,254}(?<!-)")


def _with_valid_names(act: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Refuse a name that is none, as RDS does."""

    def act_on_valid(request: dict[str, Any]) -> Any:
        for name in _NAMES:
            value = parameter(request, name)
            if value and not _VALID_NAME.fullmatch(value):
                message = (
                    f"The parameter {name} is not a valid identifier. Identifiers must begin with a letter; must "
                    "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
                    "consecutive hyphens."
                )
                return upstream.rds_error("InvalidParameterValue", message, 400)
        return act(request)

    return act_on_valid


_ORDERABLE = "DescribeOrderableDBInstanceOptions"
_SERVERLESS, _LIKE = "db.serverless", "db.r5.large"


def _with_serverless(describe: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Offer Serverless v2, which ministack leaves out, wherever it offers a certain other class."""

    def describe_class(request: dict[str, Any]) -> Any:
        if request.get("DBInstanceClass") not in (_SERVERLESS, [_SERVERLESS]):
            return describe(request)
        status, headers, body = describe({**request, "DBInstanceClass": [_LIKE]})
        return status, headers, body.replace(_LIKE.encode(), _SERVERLESS.encode())

    return describe_class


_VERSIONS = "DescribeDBEngineVersions"
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.CloudWatch.html
_LOG_TYPES = ("iam-db-auth-error", "instance", "postgresql")
_EXPORTS = "<SupportsLogExportsToCloudwatchLogs>{}</SupportsLogExportsToCloudwatchLogs>"


def _with_log_types(describe: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Report the logs that a version of Aurora PostgreSQL exports, which ministack leaves out."""

    def describe_with_logs(request: dict[str, Any]) -> Any:
        status, headers, body = describe(request)
        if parameter(request, "Engine") == "aurora-postgresql":
            logs = "".join(f"<member>{name}</member>" for name in _LOG_TYPES)
            text = body.decode().replace("<ExportableLogTypes/>", f"<ExportableLogTypes>{logs}</ExportableLogTypes>")
            body = text.replace(_EXPORTS.format("false"), _EXPORTS.format("true")).encode()
        return status, headers, body

    return describe_with_logs


def _create_cluster(declared: Declared) -> tuple[str, Attributes]:
    identifier = declared.name("DBClusterIdentifier", longest=63, lowercase=True)
    secret_key = declared.properties.get("MasterUserSecret", {}).get("KmsKeyId")
    request = arguments("rds", "CreateDBCluster", {**declared.properties, "MasterUserSecretKmsKeyId": secret_key})
    client("rds").create_db_cluster(**{**request, "DBClusterIdentifier": identifier})
    record = upstream.db_clusters[identifier]
    # ministack changes the endpoints with the first instance. On AWS an endpoint never changes: if it did here, an
    # update of the cluster would update every resource that refers to it.
    record["Endpoint"] = record["ReaderEndpoint"] = os.environ["MINISTACK_HOST"]
    rds_postgres.stand_up(record, properties=declared.properties)
    if secret_key:
        client("secretsmanager").update_secret(SecretId=record["MasterUserSecret"]["SecretArn"], KmsKeyId=secret_key)
    return identifier, upstream.db_cluster_attributes(record)


def _delete_cluster(identifier: str, _properties: Properties) -> None:
    if identifier in upstream.db_clusters:  # through the API, which deletes the managed secret as well
        client("rds").delete_db_cluster(DBClusterIdentifier=identifier, SkipFinalSnapshot=True)


def _complete_cluster(identifier: str, properties: Properties) -> Attributes:
    record = upstream.db_clusters[identifier]
    record[_KEPT] = _kept(properties, _CLUSTER_ELEMENTS)
    record["StorageType"] = properties.get("StorageType", "aurora")
    if "DBClusterParameterGroupName" in properties:
        record["DBClusterParameterGroup"] = properties["DBClusterParameterGroupName"]
    _apply_tags(record["DBClusterArn"], properties)
    secret = record.get("MasterUserSecret")
    return {"MasterUserSecret.SecretArn": secret["SecretArn"]} if secret else {}


def _create_instance(declared: Declared) -> tuple[str, Attributes]:
    identifier = declared.name("DBInstanceIdentifier", longest=63, lowercase=True)
    request = arguments("rds", "CreateDBInstance", declared.properties)
    request.setdefault("AvailabilityZone", _zone_of_next_member(request.get("DBClusterIdentifier", "")))
    client("rds").create_db_instance(**{**request, "DBInstanceIdentifier": identifier})
    return identifier, upstream.db_instance_attributes(upstream.db_instances[identifier])


def _delete_instance(identifier: str, _properties: Properties) -> None:
    if identifier in upstream.db_instances:  # through the API, which ends its server and names another writer
        client("rds").delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)


def _zone_of_next_member(cluster: str) -> str:
    """Return the Availability Zone of the next member: Aurora spreads them, ministack puts all into the first."""
    members = upstream.db_clusters.get(cluster, {}).get("DBClusterMembers", [])
    return f"{upstream.region()}{'abc'[len(members) % 3]}"


def _complete_instance(identifier: str, properties: Properties) -> Attributes:
    record = upstream.db_instances[identifier]
    record[_KEPT] = _kept(properties, _INSTANCE_ELEMENTS)
    _apply_tags(record["DBInstanceArn"], properties)
    return {}


def _apply_tags(arn: str, properties: Properties) -> None:
    """Let a resource have the tags of its template and no others, which ministack sets at the creation alone."""
    rds, wanted = client("rds"), list(properties.get("Tags", []))
    found = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
    kept = {tag["Key"] for tag in wanted}
    if gone := [tag["Key"] for tag in found if tag["Key"] not in kept and not tag["Key"].startswith("aws:")]:
        rds.remove_tags_from_resource(ResourceName=arn, TagKeys=gone)
    if wanted:
        rds.add_tags_to_resource(ResourceName=arn, Tags=wanted)


def _keeping(create: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Keep of an instance that no template declares, as a restored cluster's, what ministack has no field for."""

    def create_and_keep(request: dict[str, Any]) -> Any:
        answer = create(request)
        record = upstream.db_instances.get(parameter(request, "DBInstanceIdentifier"))
        if record is not None and _KEPT not in record:
            given = {name: parameter(request, name) for name in _INSTANCE_ELEMENTS}
            record[_KEPT] = _kept({name: value for name, value in given.items() if value}, _INSTANCE_ELEMENTS)
        return answer

    return create_and_keep


def _kept(properties: Properties, elements: dict[str, str]) -> dict[str, Any]:
    return {element: properties[prop] for prop, element in elements.items() if prop in properties}


def _reporting(render: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    def render_with_kept(record: dict[str, Any]) -> str:
        return render(record) + "".join(_element(name, value) for name, value in record.get(_KEPT, {}).items())

    return render_with_kept


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        content = "".join(f"<member>{escape(str(each))}</member>" for each in value)
    else:
        content = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{content}</{name}>"
