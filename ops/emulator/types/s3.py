"""Amazon S3: the bucket settings ministack drops: encryption, lifecycle, access logs, ownership and tags."""

from typing import Any

from ops.emulator import registry
from ops.emulator.api import arguments, client
from ops.emulator.registry import Attributes, Properties

_EXPIRY = {"ExpirationInDays", "ExpiredObjectDeleteMarker"}


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::S3::Bucket", _apply_settings)


def _apply_settings(bucket: str, properties: Properties) -> Attributes:
    s3 = client("s3")
    if "BucketEncryption" in properties:
        _encrypt(s3, bucket, properties["BucketEncryption"]["ServerSideEncryptionConfiguration"])
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        request = {"LifecycleConfiguration": {"Rules": rules}}
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, **arguments("s3", "PutBucketLifecycleConfiguration", request)
        )
    if "LoggingConfiguration" in properties:
        logging = properties["LoggingConfiguration"]
        target = {"TargetBucket": logging["DestinationBucketName"], "TargetPrefix": logging.get("LogFilePrefix", "")}
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})
    if "OwnershipControls" in properties:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=properties["OwnershipControls"])
    tags = arguments("s3", "PutBucketTagging", {"Tagging": {"TagSet": properties.get("Tags", [])}})
    if tags["Tagging"]["TagSet"]:
        s3.put_bucket_tagging(Bucket=bucket, **tags)
    return {}


def _encrypt(s3: Any, bucket: str, declared: list[dict[str, Any]]) -> None:
    by_default = [rule["ServerSideEncryptionByDefault"] for rule in declared]
    # ministack has no AWS-managed S3 key, and would refuse every upload to a bucket that is to use it (CDK's own).
    if all(each["SSEAlgorithm"] == "AES256" or each.get("KMSMasterKeyID") for each in by_default):
        rules = [
            {**rule, "ApplyServerSideEncryptionByDefault": default}
            for rule, default in zip(declared, by_default, strict=True)
        ]
        request = {"ServerSideEncryptionConfiguration": {"Rules": rules}}
        s3.put_bucket_encryption(Bucket=bucket, **arguments("s3", "PutBucketEncryption", request))


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """The API nests what the template keeps flat, and counts a transition's days under other names."""
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
