"""Answers of AWS KMS, Amazon S3, Amazon DynamoDB and Amazon RDS."""

import json
from collections.abc import Mapping
from typing import Any, Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Json, Request, Xml
from embedded_aws.server.refusals import RefusedError

_KEY_TAG_ERROR: Final = "TagException"
# What a new on-demand table can take at once.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
_WARM: Final = {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
_NO_CAPACITY: Final = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
_RESERVED_USERS: Final = {"aurora-postgresql": {"admin", "rdsadmin"}, "aurora-mysql": {"rdsadmin"}}


def _key_tags(request: Request) -> RefusedError | None:
    keys = [str(tag.get("TagKey", "")) for tag in request.given.get("Tags", ())]
    if any(key.startswith("aws:") for key in keys):
        return RefusedError(_KEY_TAG_ERROR, "Tags beginning with aws: are reserved")
    return RefusedError(_KEY_TAG_ERROR, "Duplicate tag keys") if len(set(keys)) < len(keys) else None


def _signing_key(request: Request) -> RefusedError | None:
    key = upstream.kms_key(request.text("KeyId"))
    if not key or key["KeyUsage"] == "SIGN_VERIFY":
        return None
    usage = f"key usage is {key['KeyUsage']} which is not valid for {request.operation}."
    return RefusedError("InvalidKeyUsageException", f"{key['Arn']} {usage}")


def _doomed_key(request: Request) -> RefusedError | None:
    key = upstream.kms_key(request.text("KeyId"))
    if not key or key["KeyState"] == "PendingDeletion":
        return None
    return RefusedError("KMSInvalidStateException", f"{key['Arn']} is not pending deletion.")


def _key(_request: Request, answer: Json) -> None:
    answer["KeyMetadata"]["AWSAccountId"] = upstream.account()


def _pending_window(request: Request, answer: Json) -> None:
    answer["PendingWindowInDays"] = request.given.get("PendingWindowInDays", 30)


def _next_rotation(request: Request, answer: Json) -> None:
    key = upstream.kms_key(request.text("KeyId"))
    if key and answer["KeyRotationEnabled"]:
        answer["NextRotationDate"] = key["CreationDate"] + answer["RotationPeriodInDays"] * 86_400


def _logging_target(request: Request) -> RefusedError | None:
    text = request.body.decode("utf-8", "replace")
    target = text.partition("<TargetBucket>")[2].partition("</TargetBucket>")[0]
    if not target or target in upstream.buckets:
        return None
    return RefusedError("InvalidTargetBucketForLogging", "The target bucket for logging does not exist")


def _bucket_policy(request: Request) -> RefusedError | None:
    try:
        policy = json.loads(request.body)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        return RefusedError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
    return None if "Statement" in policy else RefusedError("MalformedPolicy", "Missing required field Statement")


def _bucket_tags(request: Request) -> RefusedError | None:
    keys = [part.partition("</Key>")[0] for part in request.body.decode("utf-8", "replace").split("<Key>")[1:]]
    if len(set(keys)) < len(keys):
        return RefusedError("InvalidTag", "Cannot provide multiple Tags with the same key")
    return None


def _table(_request: Request, answer: Json) -> None:
    table = answer["Table"]
    if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        table["ProvisionedThroughput"] = {**table.get("ProvisionedThroughput", {}), **_NO_CAPACITY}
        table["WarmThroughput"] = dict(_WARM)


def _recoverable(request: Request) -> RefusedError | None:
    name = request.text("SourceTableName")
    recovery = upstream.recovery_settings.get(name)
    # A restore of a backup is made of this operation here.
    if not request.own and name in upstream.tables and not (recovery and _is_on(recovery)):
        message = f"Point in time recovery is not enabled for table '{name}'"
        return RefusedError("PointInTimeRecoveryUnavailableException", message)
    return None


def _is_on(recovery: Any) -> bool:
    return recovery is True or (isinstance(recovery, Mapping) and "ENABLED" in json.dumps(recovery))


def _new_cluster(request: Request) -> RefusedError | None:
    user = request.text("MasterUsername")
    if user in _RESERVED_USERS.get(request.text("Engine"), ()):
        message = f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
        return RefusedError("InvalidParameterValue", message)
    return None


def _new_member(request: Request) -> RefusedError | None:
    cluster = request.text("DBClusterIdentifier")
    if cluster and cluster not in upstream.db_clusters:
        return RefusedError("DBClusterNotFoundFault", f"Could not find cluster: {cluster}", 404)
    return None


def _clusters(_request: Request, answer: Xml) -> None:
    for cluster in answer.members("DBClusters"):
        cluster.default("AutoMinorVersionUpgrade", value=True)
        cluster.default("DatabaseInsightsMode", "standard")


def _instances(_request: Request, answer: Xml) -> None:
    for instance in answer.members("DBInstances"):
        instance.default("DedicatedLogVolume", value=False)
        instance.default("DatabaseInsightsMode", "standard")
        if instance.text("DBClusterIdentifier"):
            instance.put("AllocatedStorage", 1)  # the storage is the cluster's
            if not instance.text("StorageType").startswith("aurora"):
                instance.put("StorageType", "aurora")


def _tagged_cluster(request: Request) -> RefusedError | None:
    kind, _, name = request.text("ResourceName").partition(":cluster:")
    if name and kind and name not in upstream.db_clusters:
        return RefusedError("DBClusterNotFoundFault", f"DBCluster not found: {name}", 404)
    return None


def _pending_deletion(request: Request) -> RefusedError | None:
    """Refuse what a key that waits for its deletion does not do.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    """
    key = upstream.kms_key(request.text("KeyId") or request.text("TargetKeyId"))
    if key and key.get("KeyState") == "PendingDeletion":
        return RefusedError("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
    return None


def _tagged_key(request: Request) -> RefusedError | None:
    return _key_tags(request) or _pending_deletion(request)


_NOT_WHILE_PENDING: Final = (
    "CreateAlias", "DisableKey", "DisableKeyRotation", "EnableKey", "EnableKeyRotation", "ScheduleKeyDeletion",
    "UntagResource", "UpdateAlias", "UpdateKeyDescription",
)  # fmt: skip
CHECKS: Final[Mapping[str, Check]] = {
    "kms TagResource": _tagged_key,
    "kms CreateKey": _key_tags,
    **{f"kms {operation}": _pending_deletion for operation in _NOT_WHILE_PENDING},
    "kms CancelKeyDeletion": _doomed_key,
    "kms Sign": _signing_key,
    "kms Verify": _signing_key,
    "s3 PutBucketLogging": _logging_target,
    "s3 PutBucketPolicy": _bucket_policy,
    "s3 PutBucketTagging": _bucket_tags,
    "dynamodb RestoreTableToPointInTime": _recoverable,
    "rds CreateDBCluster": _new_cluster,
    "rds CreateDBInstance": _new_member,
    "rds ListTagsForResource": _tagged_cluster,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "kms DescribeKey": _key,
    "kms CreateKey": _key,
    "kms ScheduleKeyDeletion": _pending_window,
    "kms GetKeyRotationStatus": _next_rotation,
    "dynamodb DescribeTable": _table,
    "rds DescribeDBClusters": _clusters,
    "rds DescribeDBInstances": _instances,
}
