"""Amazon S3: bucket settings that ministack drops: encryption, lifecycle, access logs, ownership and tags."""

from typing import Any

from embedded_aws.server import refusals, registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.refusals import RefusedError
from embedded_aws.server.registry import Attributes, Properties

_EXPIRY = {"ExpirationInDays", "ExpiredObjectDeleteMarker"}


def install() -> None:
    """Register the types of this service."""
    # A new bucket blocks public access, whether or not its callers are authorized here.
    upstream.new_bucket_settings.wrap(lambda _only_if: lambda: {"_public_access_block": upstream.public_access_block})
    registry.complete("AWS::S3::Bucket", _apply_settings)
    refusals.by_template("AWS::S3::Bucket", "Amazon S3", delete=_is_empty)


def _is_empty(bucket: str) -> None:
    # The API refuses this by itself.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    if upstream.buckets.get(bucket, {}).get("objects") or upstream.bucket_has_versions(bucket):
        raise RefusedError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)


def _apply_settings(bucket: str, properties: Properties) -> Attributes:
    s3 = client("s3")
    _apply_encryption(s3, bucket, properties.get("BucketEncryption", {}))
    _apply_lifecycle(s3, bucket, properties.get("LifecycleConfiguration", {}))
    _apply_logging(s3, bucket, properties.get("LoggingConfiguration", {}))
    if "OwnershipControls" in properties:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=properties["OwnershipControls"])
    elif upstream.owns_its_objects_by_request(bucket):  # a bucket that never declared it keeps the default
        s3.delete_bucket_ownership_controls(Bucket=bucket)
    tags = arguments("s3", "PutBucketTagging", {"Tagging": {"TagSet": properties.get("Tags", [])}})
    s3.put_bucket_tagging(Bucket=bucket, **tags)
    return {}


def _apply_encryption(s3: Any, bucket: str, declared: dict[str, Any]) -> None:
    rules = [
        {**rule, "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        for rule in declared.get("ServerSideEncryptionConfiguration", [])
    ]
    if rules and all(map(_names_its_key, rules)):
        request = {"ServerSideEncryptionConfiguration": {"Rules": rules}}
        s3.put_bucket_encryption(Bucket=bucket, **arguments("s3", "PutBucketEncryption", request))
    else:
        s3.delete_bucket_encryption(Bucket=bucket)


def _names_its_key(rule: dict[str, Any]) -> bool:
    # ministack has no AWS managed key for S3, and refuses uploads to a bucket that uses it, as the CDK's own does.
    default = rule["ServerSideEncryptionByDefault"]
    return default["SSEAlgorithm"] == "AES256" or "KMSMasterKeyID" in default


def _apply_logging(s3: Any, bucket: str, declared: dict[str, Any]) -> None:
    status = {}
    if declared:
        status["LoggingEnabled"] = {
            "TargetBucket": declared["DestinationBucketName"],
            "TargetPrefix": declared.get("LogFilePrefix", ""),
        }
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=status)


def _apply_lifecycle(s3: Any, bucket: str, declared: dict[str, Any]) -> None:
    if declared:
        rules = {"Rules": [_lifecycle_rule(rule) for rule in declared["Rules"]]}
        request = arguments("s3", "PutBucketLifecycleConfiguration", {"LifecycleConfiguration": rules})
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, **request)
    else:
        s3.delete_bucket_lifecycle(Bucket=bucket)


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule as the API writes it: nested where a template is flat, with other names for days."""
    return {
        **rule,
        "Filter": {"Prefix": rule.get("Prefix", "")},
        "Prefix": None,
        "Expiration": {**rule, "Days": rule.get("ExpirationInDays")} if rule.keys() & _EXPIRY else None,
        "Transitions": [{**each, "Days": each["TransitionInDays"]} for each in rule.get("Transitions", [])],
        "NoncurrentVersionTransitions": [
            {**each, "NoncurrentDays": each["TransitionInDays"]}
            for each in rule.get("NoncurrentVersionTransitions", [])
        ],
    }
