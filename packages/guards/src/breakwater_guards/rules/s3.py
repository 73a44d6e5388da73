"""Amazon S3: Replication of encrypted objects, and buckets that take logs."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.items import Item, items
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

BUCKET = "AWS::S3::Bucket"
RULES = "ReplicationConfiguration.Rules[]"
ALGORITHM = "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.SSEAlgorithm"
REPLICATION = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html"
_KMS = {"aws:kms", "aws:kms:dsse"}


@rule(
    "DR-S3-01",
    title="Replication of a bucket with KMS takes the encrypted objects along",
    outcome=Outcome.SILENT,
    prevents="No error is reported: objects that are encrypted with KMS stay behind, and the replica is empty",
    fix="Set SourceSelectionCriteria.SseKmsEncryptedObjects.Status to Enabled, and "
    "Destination.EncryptionConfiguration to a key of the replica's Region.",
    sources=(REPLICATION,),
)
def encrypted_objects_are_replicated(app: Assembly) -> Iterator[Breach]:
    """Find a replication rule without encrypted objects, or without a key for their replicas."""
    for bucket in app.of_type(BUCKET):
        for item in items(bucket, RULES) if set(map(str, bucket.given(ALGORITHM))) & _KMS else ():
            reason = _left_behind(item) if item.options("Status") == ["Enabled"] else None
            if reason:
                yield breach(bucket, item.path, reason)


@rule(
    "DR-S3-02",
    title="A bucket that takes access logs accepts them",
    outcome=Outcome.SILENT,
    prevents="No error is reported: S3 cannot write logs to a bucket with a default retention, with KMS as its default "
    "encryption or with Requester Pays, and there are none when they are needed",
    fix="Log into a bucket of its own with SSE-S3 (AES256), without default retention and Requester Pays; for "
    "CloudFront with ObjectOwnership BucketOwnerPreferred.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshooting-server-access-logging.html",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html",
    ),
)
def log_buckets_accept_logs(app: Assembly) -> Iterator[Breach]:
    """Find a target of server access logs, or of CloudFront's, whose own settings keep the logs out."""
    told = set()
    for kind, path, barriers in LOGGING:
        for source in app.of_type(kind):
            for value in source.given(path):
                target = resource_named(app, value, source.template, BUCKET)
                if target is not None and (target, kind) not in told:
                    told.add((target, kind))
                    for where, message in barriers(target):
                        yield breach(target, where, f"{message}; {source.logical_id} logs here.")


@rule(
    "DR-S3-03",
    title="A bucket that is replicated or backed up keeps versions",
    outcome=Outcome.SILENT,
    prevents="Versioning must be 'Enabled' on the bucket to apply a replication configuration (refused; so is a "
    "destination without); AWS Backup fails each job: versioning is not enabled on the bucket",
    fix="Set VersioningConfiguration.Status to Enabled.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html",
    ),
)
def copied_buckets_keep_versions(app: Assembly) -> Iterator[Breach]:
    """Find a bucket without versions at either end of a replication, or in a backup selection."""
    for bucket, user, why in _copied(app):
        lost = [value is ABSENT or value == "Suspended" for value in bucket.options("VersioningConfiguration.Status")]
        if all(lost) or (any(lost) and not _is_conditional(user)):
            yield breach(bucket, "VersioningConfiguration", f"keeps no versions; {user.logical_id} {why}.")


def _is_conditional(user: Resource) -> bool:
    """Tell whether a condition decides that a bucket is copied: the same may decide that it keeps versions."""
    properties = user.body["Properties"]
    return "Fn::If" in repr([properties.get(name) for name in ("ReplicationConfiguration", "BackupSelection")]) or (
        user.type != BUCKET and "Condition" in user.body
    )


def _copied(app: Assembly) -> Iterator[tuple[Resource, Resource, str]]:
    for bucket in app.of_type(BUCKET):
        rules = bucket.given(f"{RULES}.Destination.Bucket")
        if rules:
            yield bucket, bucket, "replicates it"
        for value in rules:
            target = resource_named(app, value, bucket.template, BUCKET)
            if target is not None:
                yield target, bucket, "replicates to it"
    for selection in app.of_type("AWS::Backup::BackupSelection"):
        for value in selection.given("BackupSelection.Resources[]"):
            target = resource_named(app, value, selection.template, BUCKET)
            if target is not None:
                yield target, selection, "backs it up"


def _left_behind(item: Item) -> str | None:
    selected = item.options("SourceSelectionCriteria.SseKmsEncryptedObjects.Status")
    if all(value is ABSENT or value == "Disabled" for value in selected):
        return "encrypted objects are not replicated; SourceSelectionCriteria.SseKmsEncryptedObjects is not Enabled."
    if item.options("Destination.EncryptionConfiguration.ReplicaKmsKeyID") == [ABSENT]:
        return "the replicas of encrypted objects have no key; Destination.EncryptionConfiguration is not set."
    return None


def _barriers(bucket: Resource) -> Iterator[tuple[str, str]]:
    if bucket.given("ObjectLockConfiguration.Rule.DefaultRetention"):
        yield "ObjectLockConfiguration", "a default retention refuses logs"
    algorithms = set(map(str, bucket.options(ALGORITHM)))
    if algorithms and algorithms <= _KMS:
        yield "BucketEncryption", "access logs cannot be encrypted with KMS; allowed: AES256"


def _closed_to_lists(bucket: Resource) -> Iterator[tuple[str, str]]:
    owners = bucket.options("OwnershipControls.Rules[].ObjectOwnership")
    if all(value in (ABSENT, "BucketOwnerEnforced") for value in owners):
        yield "OwnershipControls", "access control lists are off (the default), and CloudFront's logs need one"


LOGGING = (
    (BUCKET, "LoggingConfiguration.DestinationBucketName", _barriers),
    ("AWS::CloudFront::Distribution", "DistributionConfig.Logging.Bucket", _closed_to_lists),
)
