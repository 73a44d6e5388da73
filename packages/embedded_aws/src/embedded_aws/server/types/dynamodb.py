"""Amazon DynamoDB: what a global table (`TableV2`) declares below `Replicas`, and its TTL, which ministack drops."""

import json
from collections.abc import Callable
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Properties

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html
_DEFAULT_RECOVERY_DAYS = 35
_TYPE = "AWS::DynamoDB::GlobalTable"
_recovery_days = upstream.scoped_table()


def install() -> None:
    """Register the types of this service."""
    registry.wrap(_TYPE, "update", _keeping_name)
    registry.complete(_TYPE, _apply_settings)
    upstream.update_continuous_backups.wrap(_keeping_days)
    upstream.describe_continuous_backups.wrap(_reporting_days)


def _keeping_name(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_under_its_name(table: str, old: Properties, new: Properties, stack: str) -> Any:
        # Without a name, ministack generates another than at the creation, and begins an empty table under it.
        return update(table, old, {**new, "TableName": new.get("TableName", table)}, stack)

    return update_under_its_name


def _apply_settings(table: str, properties: Properties) -> Attributes:
    dynamodb = client("dynamodb")
    replica = _home_replica(properties)
    description = dynamodb.describe_table(TableName=table)["Table"]
    _apply_table_settings(dynamodb, description, properties, replica)
    _apply_recovery(dynamodb, table, replica)
    _apply_time_to_live(dynamodb, table, properties.get("TimeToLiveSpecification", {}))
    _apply_contributor_insights(dynamodb, table, replica)
    tags = arguments("dynamodb", "TagResource", {"Tags": replica.get("Tags", [])})["Tags"]
    if tags:
        dynamodb.tag_resource(ResourceArn=description["TableArn"], Tags=tags)
    return {"TableId": description["TableId"]}


def _home_replica(properties: Properties) -> Properties:
    region = upstream.region()
    replicas: list[Properties] = properties["Replicas"]
    for replica in replicas:
        if replica["Region"] == region:
            return replica
    raise ValueError(f"Replicas lists {[each['Region'] for each in replicas]}: the stack's own {region} must be in it")


def _apply_table_settings(dynamodb: Any, table: dict[str, Any], properties: Properties, replica: Properties) -> None:
    wanted: dict[str, Any] = {}
    protected = _true(replica.get("DeletionProtectionEnabled"))
    if protected != table.get("DeletionProtectionEnabled", False):
        wanted["DeletionProtectionEnabled"] = protected
    encryption = properties.get("SSESpecification", {})
    key = replica.get("SSESpecification", {}).get("KMSMasterKeyId")
    if _true(encryption.get("SSEEnabled")) and key != table.get("SSEDescription", {}).get("KMSMasterKeyArn", ""):
        wanted["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", **({"KMSMasterKeyId": key} if key else {})}
    if wanted:
        dynamodb.update_table(TableName=table["TableName"], **wanted)


def _apply_recovery(dynamodb: Any, table: str, replica: Properties) -> None:
    recovery = replica.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
    request = {"TableName": table, "PointInTimeRecoverySpecification": recovery}
    dynamodb.update_continuous_backups(**arguments("dynamodb", "UpdateContinuousBackups", request))


def _apply_time_to_live(dynamodb: Any, table: str, wanted: Properties) -> None:
    found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    enabled = found["TimeToLiveStatus"] == "ENABLED"
    if enabled != _true(wanted.get("Enabled")):  # DynamoDB refuses a request that changes nothing
        attribute = wanted.get("AttributeName") or found["AttributeName"]
        dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": not enabled, "AttributeName": attribute}
        )


def _apply_contributor_insights(dynamodb: Any, table: str, replica: Properties) -> None:
    wanted = _true(replica.get("ContributorInsightsSpecification", {}).get("Enabled"))
    found = dynamodb.describe_contributor_insights(TableName=table)["ContributorInsightsStatus"]
    if wanted != (found == "ENABLED"):
        dynamodb.update_contributor_insights(
            TableName=table, ContributorInsightsAction="ENABLE" if wanted else "DISABLE"
        )


def _true(value: object) -> bool:
    return str(value).lower() == "true"  # templates carry booleans as booleans and as strings


def _keeping_days(update: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def update_continuous_backups(data: dict[str, Any]) -> Any:
        specification = data.get("PointInTimeRecoverySpecification", {})
        _recovery_days[data["TableName"]] = specification.get("RecoveryPeriodInDays", _DEFAULT_RECOVERY_DAYS)
        return update(data)

    return update_continuous_backups


def _reporting_days(describe: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def describe_continuous_backups(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        answer = json.loads(body)
        description = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
        if description.get("PointInTimeRecoveryStatus") == "ENABLED":
            description["RecoveryPeriodInDays"] = _recovery_days.get(data["TableName"], _DEFAULT_RECOVERY_DAYS)
        return status, headers, json.dumps(answer).encode()

    return describe_continuous_backups
