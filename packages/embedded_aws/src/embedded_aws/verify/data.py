"""The data tier: DynamoDB, Amazon S3 and Amazon RDS."""

import json
from collections.abc import Iterator
from typing import Any

from embedded_aws.address import REGION
from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, only, same, unordered, verifies


@verifies("AWS::DynamoDB::GlobalTable")
def table(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare keys, billing, encryption, recovery, protection, expiry and insights."""
    name = resource.physical_id
    dynamodb = aws("dynamodb")
    found = dynamodb.describe_table(TableName=name)["Table"]
    replica = only(each for each in declared(resource, "Replicas") if each["Region"] == REGION)
    yield from same(resource, found, "TableName", "KeySchema")
    attributes = declared(resource, "AttributeDefinitions")
    yield Comparison("attributes", unordered(attributes), unordered(found["AttributeDefinitions"]))
    yield Comparison("billing", declared(resource, "BillingMode"), found["BillingModeSummary"]["BillingMode"])
    protected = replica.get("DeletionProtectionEnabled", False)
    yield Comparison("deletion protection", protected, found["DeletionProtectionEnabled"])
    key = replica.get("SSESpecification", {}).get("KMSMasterKeyId")
    encryption = found.get("SSEDescription", {})
    yield Comparison("encryption key", key, encryption.get("KMSMasterKeyArn"))
    yield Comparison(
        "encrypted", declared(resource, "SSESpecification.SSEEnabled", False), encryption.get("Status") == "ENABLED"
    )
    yield Comparison("encryption type", declared(resource, "SSESpecification.SSEType"), encryption.get("SSEType"))
    yield from _recovery(dynamodb, name, replica.get("PointInTimeRecoverySpecification", {}))
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    attribute = declared(resource, "TimeToLiveSpecification.AttributeName")
    yield Comparison("TTL attribute", attribute, expiry.get("AttributeName"))
    expires = declared(resource, "TimeToLiveSpecification.Enabled", False)
    yield Comparison("TTL", expires, expiry["TimeToLiveStatus"] == "ENABLED")
    insights = replica.get("ContributorInsightsSpecification", {}).get("Enabled", False)
    status = dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"]
    yield Comparison("contributor insights", insights, status == "ENABLED")


def _recovery(dynamodb: Any, name: str | None, specification: dict[str, Any]) -> Iterator[Comparison]:
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    found = backups["PointInTimeRecoveryDescription"]
    enabled = specification.get("PointInTimeRecoveryEnabled", False)
    yield Comparison("PITR", enabled, found["PointInTimeRecoveryStatus"] == "ENABLED")
    if "RecoveryPeriodInDays" in specification:
        yield Comparison("PITR days", specification["RecoveryPeriodInDays"], found.get("RecoveryPeriodInDays"))


@verifies("AWS::S3::Bucket")
def bucket(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare encryption, public access, versioning, lifecycle, access logs and ownership."""
    s3, name = aws("s3"), resource.physical_id
    encryption = declared(resource, "BucketEncryption.ServerSideEncryptionConfiguration")
    if encryption:
        rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        wanted = encryption[0]["ServerSideEncryptionByDefault"]
        yield Comparison("encryption", wanted, rule["ApplyServerSideEncryptionByDefault"])
        yield Comparison(
            "bucket key", encryption[0].get("BucketKeyEnabled", False), rule.get("BucketKeyEnabled", False)
        )
    if declared(resource, "PublicAccessBlockConfiguration"):
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        yield Comparison("public access", declared(resource, "PublicAccessBlockConfiguration"), block)
    versioning = s3.get_bucket_versioning(Bucket=name).get("Status")
    yield Comparison("versioning", declared(resource, "VersioningConfiguration.Status"), versioning)
    lifecycle = declared(resource, "LifecycleConfiguration.Rules")
    if lifecycle:
        yield from _lifecycle(lifecycle, s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"])
    logging = s3.get_bucket_logging(Bucket=name).get("LoggingEnabled", {})
    for prop, found in (("DestinationBucketName", "TargetBucket"), ("LogFilePrefix", "TargetPrefix")):
        yield Comparison(
            f"access logs: {found}", declared(resource, f"LoggingConfiguration.{prop}"), logging.get(found)
        )
    if declared(resource, "OwnershipControls"):
        ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
        yield Comparison("ownership", declared(resource, "OwnershipControls"), ownership)


def _lifecycle(rules: list[dict[str, Any]], found: list[dict[str, Any]]) -> Iterator[Comparison]:
    by_id = {rule["ID"]: rule for rule in found}
    for rule in rules:
        stored = by_id.get(rule.get("Id", ""), {})
        yield Comparison(f"lifecycle {rule.get('Id')}", rule["Status"], stored.get("Status"))
        expiration = stored.get("Expiration", {})
        yield Comparison("expiry", rule.get("ExpirationInDays"), expiration.get("Days"))
        marker = "ExpiredObjectDeleteMarker"
        yield Comparison(marker, rule.get(marker), expiration.get(marker))
        for group in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            yield Comparison(group, rule.get(group), stored.get(group))


@verifies("AWS::S3::BucketPolicy")
def bucket_policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the document on the declared bucket."""
    found = aws("s3").get_bucket_policy(Bucket=declared(resource, "Bucket"))["Policy"]
    yield Comparison("document", declared(resource, "PolicyDocument"), json.loads(found))


@verifies("AWS::RDS::DBCluster")
def db_cluster(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare engine, encryption, backups, scaling, network and secret, and expect one writer among its members."""
    clusters = aws("rds").describe_db_clusters(DBClusterIdentifier=resource.physical_id)["DBClusters"]
    found = only(clusters)
    yield from same(
        resource, found, "Engine", "EngineVersion", "Port", "DatabaseName", "MasterUsername", "KmsKeyId",
        "StorageEncrypted", "BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow",
        "DeletionProtection", "CopyTagsToSnapshot", "ServerlessV2ScalingConfiguration", "DatabaseInsightsMode",
        "PerformanceInsightsEnabled", "PerformanceInsightsRetentionPeriod", "DBClusterIdentifier",
        "AutoMinorVersionUpgrade",
    )  # fmt: skip
    yield Comparison(
        "Performance Insights key",
        declared(resource, "PerformanceInsightsKmsKeyId"),
        found.get("PerformanceInsightsKMSKeyId"),
    )
    yield Comparison("subnet group", declared(resource, "DBSubnetGroupName"), found["DBSubnetGroup"])
    yield Comparison("parameters", declared(resource, "DBClusterParameterGroupName"), found["DBClusterParameterGroup"])
    yield Comparison("Data API", declared(resource, "EnableHttpEndpoint", False), found["HttpEndpointEnabled"])
    yield Comparison(
        "IAM authentication",
        declared(resource, "EnableIAMDatabaseAuthentication", False),
        found["IAMDatabaseAuthenticationEnabled"],
    )
    groups = [each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"]]
    yield Comparison("security groups", unordered(declared(resource, "VpcSecurityGroupIds", [])), unordered(groups))
    exports = found.get("EnabledCloudwatchLogsExports", [])
    yield Comparison(
        "log exports", unordered(declared(resource, "EnableCloudwatchLogsExports", [])), unordered(exports)
    )
    writers = [member["IsClusterWriter"] for member in found["DBClusterMembers"]].count(True)
    yield Comparison("writers", 1, writers)
    secret = found.get("MasterUserSecret", {})
    managed = declared(resource, "ManageMasterUserPassword", False)
    yield Comparison("managed password", managed, secret.get("SecretStatus") == "active")
    if secret:
        kept = aws("secretsmanager").describe_secret(SecretId=secret["SecretArn"])
        yield Comparison("password key", declared(resource, "MasterUserSecret.KmsKeyId"), kept.get("KmsKeyId"))


@verifies("AWS::RDS::DBInstance")
def db_instance(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare cluster, class, Availability Zone, failover tier and monitoring."""
    found = only(aws("rds").describe_db_instances(DBInstanceIdentifier=resource.physical_id)["DBInstances"])
    yield Comparison("status", "available", found["DBInstanceStatus"])
    yield from same(
        resource, found, "DBClusterIdentifier", "DBInstanceClass", "Engine", "AvailabilityZone", "PromotionTier",
        "PubliclyAccessible", "AutoMinorVersionUpgrade", "MonitoringInterval", "DBInstanceIdentifier",
        "PerformanceInsightsKMSKeyId", "PerformanceInsightsRetentionPeriod",
    )  # fmt: skip
    insights = declared(resource, "EnablePerformanceInsights", False)
    yield Comparison("Performance Insights", insights, found["PerformanceInsightsEnabled"])


@verifies("AWS::RDS::DBSubnetGroup")
def db_subnet_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the description and the exact set of subnets."""
    groups = aws("rds").describe_db_subnet_groups(DBSubnetGroupName=resource.physical_id)["DBSubnetGroups"]
    found = [subnet["SubnetIdentifier"] for subnet in only(groups)["Subnets"]]
    yield from same(resource, only(groups), "DBSubnetGroupDescription")
    yield Comparison("subnets", unordered(declared(resource, "SubnetIds")), unordered(found))


@verifies("AWS::RDS::DBClusterParameterGroup")
def db_cluster_parameter_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare family, description and every declared parameter."""
    rds, named = aws("rds"), {"DBClusterParameterGroupName": resource.physical_id}
    group = only(rds.describe_db_cluster_parameter_groups(**named)["DBClusterParameterGroups"])
    yield Comparison("family", declared(resource, "Family"), group["DBParameterGroupFamily"])
    yield from same(resource, group, "Description")
    pages = rds.get_paginator("describe_db_cluster_parameters").paginate(**named, Source="user")
    found = {each["ParameterName"]: each.get("ParameterValue") for page in pages for each in page["Parameters"]}
    for parameter, value in declared(resource, "Parameters", {}).items():
        yield Comparison(parameter, str(value), found.get(parameter))
