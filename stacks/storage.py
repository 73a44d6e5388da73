"""Owns the DynamoDB table, the data bucket and the log bucket.

RTO/RPO: the table can be restored to any second of its window (RPO of seconds, RTO of the restore); the data bucket
keeps overwritten and deleted objects as noncurrent versions (RPO 0 for a mistaken deletion).
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, NestedStack, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.acknowledgements import HIPAA, NIST, PCI, accepted, acknowledge, skip_checkov
from stacks.common.alarms import AT_LEAST, MINUTE, SUM, StackAlarms
from stacks.common.location import Location
from stacks.common.protected_resource import ProtectedResource
from stacks.common.retention import removal_policy
from stacks.common.views import view_of_key
from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import RemovalSettings, StorageSettings

LOAD_BALANCER_LOG_PREFIX = "load-balancer"
BUCKET_LOG_PREFIX = "data-bucket/"
# Operations whose system errors a caller would see; DynamoDB publishes SystemErrors per operation only:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
OPERATIONS = [
    dynamodb.Operation.GET_ITEM,
    dynamodb.Operation.QUERY,
    dynamodb.Operation.PUT_ITEM,
    dynamodb.Operation.UPDATE_ITEM,
    dynamodb.Operation.DELETE_ITEM,
    dynamodb.Operation.TRANSACT_WRITE_ITEMS,
]

ONE_REGION = "The platform is in one Region: versions bring objects back, and the loss of the Region is out of scope."
SSE_S3_ONLY = "Load balancers deliver access logs to buckets with SSE-S3 only; a KMS key would stop the logs."
LOGS_OF_LOGS = "It receives the access logs of the others: a log of its own accesses in itself would never end."


class StorageStack(NestedStack):
    """Table and buckets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StorageSettings,
        removal: RemovalSettings,
        names: Names,
        location: Location,
        key: kms.IKey,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, description="DynamoDB table and S3 buckets")
        self._settings, self._removal, self._names, self._location = settings, removal, names, location
        self._key = key
        self.table = self._build_table()
        self.log_bucket = self._build_log_bucket()
        self.data_bucket = self._build_data_bucket()
        self.alarms = StorageAlarms(self, "Alarms", table=self.table, names=names, topic=topic)
        self._acknowledge_findings()

    @property
    def connection(self) -> dict[str, str]:
        """Variables of a client: where table and bucket are, and which attribute lets an item expire."""
        return {
            "TABLE_NAME": self.table.table_name,
            "TTL_ATTRIBUTE": self._settings.ttl_attribute,
            "BUCKET_NAME": self.data_bucket.bucket_name,
        }

    @property
    def protected_resource(self) -> ProtectedResource:
        """The table as AWS Backup sees it; a test restores it with the same key."""
        return ProtectedResource(
            construct_id="Table",
            selection_name=self._names.physical_name(PhysicalName.TABLE_RESTORE_TEST),
            resource_type="DynamoDB",
            arn=self.table.table_arn,
            restore_metadata={"encryptionType": "KMS", "kmsMasterKeyArn": self._key.key_arn},
        )

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about table and buckets."""
        return {
            OutputKey.TABLE_NAME: self.table.table_name,
            OutputKey.TABLE_ARN: self.table.table_arn,
            OutputKey.DATA_BUCKET_NAME: self.data_bucket.bucket_name,
            OutputKey.LOG_BUCKET_NAME: self.log_bucket.bucket_name,
        }

    def _build_table(self) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            "Table",
            table_name=self._names.physical_name(PhysicalName.TABLE),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(view_of_key(self, "TableKey", self._key)),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True,
                recovery_period_in_days=self._settings.point_in_time_recovery_days,
            ),
            time_to_live_attribute=self._settings.ttl_attribute,
            contributor_insights_specification=dynamodb.ContributorInsightsSpecification(
                enabled=self._settings.contributor_insights
            ),
            deletion_protection=self._removal.deletion_protection,
            removal_policy=removal_policy(self._removal),
        )

    def _build_log_bucket(self) -> s3.Bucket:
        # Retained in every environment: load balancers write to it until they are deleted, CloudFormation cannot delete
        # a bucket that holds objects, and CDK's emptying function is a custom resource. Its objects expire.
        bucket = s3.Bucket(
            self,
            "LogBucket",
            encryption=s3.BucketEncryption.S3_MANAGED,  # the only one that a load balancer can write to
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireLogs",
                    expiration=Duration.days(self._settings.access_log_days),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LoadBalancersDeliverLogs",
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"{LOAD_BALANCER_LOG_PREFIX}/AWSLogs/{self._location.account}/*")],
            )
        )
        return bucket

    def _build_data_bucket(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "DataBucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=view_of_key(self, "DataBucketKey", self._key),
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            server_access_logs_bucket=self.log_bucket,
            server_access_logs_prefix=BUCKET_LOG_PREFIX,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireNoncurrentVersions",
                    noncurrent_version_expiration=Duration.days(self._settings.noncurrent_version_days),
                    # A delete marker with nothing left behind it only slows listings down.
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=removal_policy(self._removal),
        )

    def _acknowledge_findings(self) -> None:
        no_replica = accepted(HIPAA, NIST, PCI, rule="S3BucketReplicationEnabled", reason=ONE_REGION)
        no_kms_key = accepted(HIPAA, NIST, PCI, rule="S3DefaultEncryptionKMS", reason=SSE_S3_ONLY)
        acknowledge(self.data_bucket, no_replica)
        acknowledge(self.log_bucket, no_replica, no_kms_key)
        skip_checkov(self.log_bucket, {"CKV_AWS_18": LOGS_OF_LOGS})


class StorageAlarms(StackAlarms):
    """Throttled requests and system errors of the table.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        table: what is watched.
        names: physical names.
        topic: is notified.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, table: dynamodb.TableV2, names: Names, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        for subject, metric_name in (("reads", "ReadThrottleEvents"), ("writes", "WriteThrottleEvents")):
            self.add(
                f"Throttled{subject.capitalize()}",
                subject=f"table-throttled-{subject}",
                meaning=f"DynamoDB throttles {subject}: callers see errors or latency",
                metric=table.metric(metric_name, statistic=SUM, period=MINUTE),
                threshold=1,
                comparison=AT_LEAST,
            )
        self.add(
            "SystemErrors",
            subject="table-system-errors",
            meaning="DynamoDB answers with internal errors (HTTP 500)",
            metric=table.metric_system_errors_for_operations(operations=OPERATIONS, statistic=SUM, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
        )
