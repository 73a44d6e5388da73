"""Owns the DynamoDB table, the data bucket and the log bucket.

RTO/RPO: the table can be restored to any second of its window (RPO of seconds, RTO of the restore); the bucket keeps
overwritten and deleted objects as noncurrent versions (RPO 0 for a mistaken delete).
"""

from __future__ import annotations

from aws_cdk import Duration, NestedStack, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledgements import HIPAA, NIST, PCI, acknowledge, skip_checkov
from stacks.alarms import AT_LEAST, MINUTE, Alarms
from stacks.imports import view_of_key
from stacks.names import Names, PhysicalName
from stacks.policies import removal_policy
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

ONE_REGION = "The platform is one region's: versions bring objects back, and the loss of the region is out of scope."
SSE_S3_ONLY = "Load balancers deliver access logs to buckets with SSE-S3 only; a KMS key would stop the logs."
LOGS_OF_LOGS = "It receives the access logs of the others: logging its own accesses into itself would never end."


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
        key: kms.IKey,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, description="DynamoDB table and S3 buckets")
        self._settings, self._removal, self._names = settings, removal, names
        self.table = self._build_table(key)
        self.log_bucket = self._build_log_bucket()
        self.data_bucket = self._build_data_bucket(key)
        self._acknowledge()
        self._build_alarms(topic)

    def _build_table(self, key: kms.IKey) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            "Table",
            table_name=self._names.physical_name(PhysicalName.TABLE),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(view_of_key(self, "TableKey", key)),
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
        # Retained in every environment: load balancers write to it until the moment they go, CloudFormation cannot
        # delete a bucket that holds objects, and CDK's emptying function is a custom resource. Its objects expire.
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
                resources=[bucket.arn_for_objects(f"{LOAD_BALANCER_LOG_PREFIX}/AWSLogs/{self.account}/*")],
            )
        )
        return bucket

    def _build_data_bucket(self, key: kms.IKey) -> s3.Bucket:
        return s3.Bucket(
            self,
            "DataBucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=view_of_key(self, "DataBucketKey", key),
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

    def _acknowledge(self) -> None:
        for bucket in (self.data_bucket, self.log_bucket):
            acknowledge(bucket, HIPAA, NIST, PCI, rule="S3BucketReplicationEnabled", reason=ONE_REGION)
        acknowledge(self.log_bucket, HIPAA, NIST, PCI, rule="S3DefaultEncryptionKMS", reason=SSE_S3_ONLY)
        skip_checkov(self.log_bucket, {"CKV_AWS_18": LOGS_OF_LOGS})

    def _build_alarms(self, topic: sns.ITopic) -> None:
        alarms = Alarms(self, self._names, topic)
        for subject, metric_name in (("reads", "ReadThrottleEvents"), ("writes", "WriteThrottleEvents")):
            alarms.add(
                f"Throttled{subject.capitalize()}Alarm",
                subject=f"table-throttled-{subject}",
                meaning=f"DynamoDB throttles {subject}: callers see errors or latency",
                metric=self.table.metric(metric_name, statistic=cloudwatch.Stats.SUM, period=MINUTE),
                threshold=1,
                comparison=AT_LEAST,
            )
        alarms.add(
            "TableSystemErrorsAlarm",
            subject="table-system-errors",
            meaning="DynamoDB answers with internal errors (HTTP 500)",
            metric=self.table.metric_system_errors_for_operations(
                operations=OPERATIONS, statistic=cloudwatch.Stats.SUM, period=MINUTE
            ),
            threshold=1,
            comparison=AT_LEAST,
        )
