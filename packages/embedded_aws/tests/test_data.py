"""DynamoDB, S3 and SNS: what ministack's CloudFormation drops is there, and follows an update."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy, stack
from embedded_testing.declared import KEY

pytestmark = pytest.mark.emulator
KEY_ARN = {"Fn::GetAtt": ["Key", "Arn"]}


def table(*, days: int | None, ttl: str | None, protected: bool, insights: bool, owner: str) -> dict[str, Any]:
    recovery: dict[str, Any] = {"PointInTimeRecoveryEnabled": days is not None}
    if days:
        recovery["RecoveryPeriodInDays"] = days
    replica = {
        "Region": "us-east-1",
        "PointInTimeRecoverySpecification": recovery,
        "DeletionProtectionEnabled": protected,
        "ContributorInsightsSpecification": {"Enabled": insights},
        "SSESpecification": {"KMSMasterKeyId": KEY_ARN},
        "Tags": [{"Key": "Owner", "Value": owner}],
    }
    properties: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "Replicas": [replica],
    }
    if ttl:
        properties["TimeToLiveSpecification"] = {"AttributeName": ttl, "Enabled": True}
    return {"Key": KEY, "Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}}


def settings(aws: Aws, name: str) -> dict[str, Any]:
    dynamodb = aws("dynamodb")
    found = dynamodb.describe_table(TableName=name)["Table"]
    recovery = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    point_in_time = recovery["PointInTimeRecoveryDescription"]
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    insights = dynamodb.describe_contributor_insights(TableName=name)
    return {
        "days": point_in_time.get("RecoveryPeriodInDays"),
        "ttl": expiry.get("AttributeName") if expiry["TimeToLiveStatus"] == "ENABLED" else None,
        "protected": found["DeletionProtectionEnabled"],
        "insights": insights["ContributorInsightsStatus"] == "ENABLED",
        "owner": dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"][0]["Value"],
    }


def test_a_global_table_has_the_settings_of_its_home_replica(aws: Aws, deploy: Deploy) -> None:
    first: dict[str, Any] = {"days": 7, "ttl": "expires_at", "protected": False, "insights": True, "owner": "one"}
    ids = deploy(table(**first)).physical_ids
    assert settings(aws, ids["Table"]) == first
    encryption = aws("dynamodb").describe_table(TableName=ids["Table"])["Table"]["SSEDescription"]
    assert encryption["KMSMasterKeyArn"].endswith(ids["Key"])

    aws("dynamodb").put_item(TableName=ids["Table"], Item={"pk": {"S": "kept"}})
    second: dict[str, Any] = {"days": 35, "ttl": None, "protected": True, "insights": False, "owner": "two"}
    assert deploy(table(**second)).physical_ids == ids
    assert settings(aws, ids["Table"]) == second
    assert aws("dynamodb").scan(TableName=ids["Table"])["Count"] == 1

    third: dict[str, Any] = {"days": None, "ttl": "expires_at", "protected": False, "insights": False, "owner": "two"}
    without = table(**third)
    del without["Table"]["Properties"]["Replicas"][0]["PointInTimeRecoverySpecification"]
    deploy(without)
    assert settings(aws, ids["Table"]) == third


def test_a_global_table_without_a_replica_in_its_own_region_fails(deploy: Deploy) -> None:
    template = table(days=7, ttl=None, protected=False, insights=False, owner="one")
    template["Table"]["Properties"]["Replicas"][0]["Region"] = "eu-west-1"
    assert deploy(template).status == "ROLLBACK_COMPLETE"


def bucket(days: int) -> dict[str, Any]:
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN}
    rule = {
        "Id": "Expire",
        "Status": "Enabled",
        "ExpirationInDays": days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}],
        "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}],
    }
    properties = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": encryption}
            ]
        },
        "LifecycleConfiguration": {"Rules": [rule]},
        "LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "data/"},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "Tags": [{"Key": "Owner", "Value": "one"}],
    }
    return {
        "Key": KEY,
        "Logs": {"Type": "AWS::S3::Bucket"},
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties},
    }


def test_a_bucket_has_its_encryption_lifecycle_logging_ownership_and_tags(aws: Aws, deploy: Deploy) -> None:
    s3 = aws("s3")
    ids = deploy(bucket(30)).physical_ids
    name = ids["Bucket"]
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"].endswith(ids["Key"])
    assert rule["BucketKeyEnabled"] is True
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == [
        {
            "ID": "Expire",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 30},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
            "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
            "NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}],
        }
    ]
    logging = s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == (ids["Logs"], "data/")
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert ownership == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "Owner", "Value": "one"}]

    s3.put_object(Bucket=name, Key="kept", Body=b"kept")
    assert deploy(bucket(60)).physical_ids == ids
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["Expiration"] == {"Days": 60}
    assert s3.get_object(Bucket=name, Key="kept")["Body"].read() == b"kept"
    s3.delete_object(Bucket=name, Key="kept")

    bare = bucket(30)
    bare["Bucket"]["Properties"] = {}
    assert deploy(bare).physical_ids == ids
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=name)
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    for ask in ("bucket_lifecycle_configuration", "bucket_ownership_controls"):
        with pytest.raises(ClientError, match=r"NotFound|NoSuch"):
            getattr(s3, f"get_{ask}")(Bucket=name)


def topic(key: dict[str, Any] | None) -> dict[str, Any]:
    return {"Key": KEY, "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": key} if key else {}}}


def test_a_topic_has_its_key_until_it_is_taken_away(aws: Aws, deploy: Deploy) -> None:
    ids = deploy(topic(KEY_ARN)).physical_ids
    found = aws("sns").get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert found["KmsMasterKeyId"].endswith(ids["Key"])

    assert deploy(topic(None)).physical_ids["Topic"] == ids["Topic"]
    assert not aws("sns").get_topic_attributes(TopicArn=ids["Topic"])["Attributes"].get("KmsMasterKeyId")


@pytest.mark.parametrize("versioned", [False, True])
def test_a_bucket_that_is_not_empty_fails_the_deletion_of_its_stack(aws: Aws, deploy: Deploy, versioned: bool) -> None:
    s3 = aws("s3")
    properties = {"VersioningConfiguration": {"Status": "Enabled"}} if versioned else {}
    made = deploy({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    named = {"Bucket": made.physical_ids["Bucket"], "Key": "one"}
    version = {"VersionId": s3.put_object(**named, Body=b"1")["VersionId"]} if versioned else {}
    if not versioned:
        s3.put_object(**named, Body=b"1")
    markers = [s3.delete_object(**named)["VersionId"]] if versioned else []
    aws("cloudformation").delete_stack(StackName=made.name)
    assert stack.wait(aws, made.name) == "DELETE_FAILED"
    details = "Service: Amazon S3; Status Code: 409; Error Code: BucketNotEmpty"
    assert f"The bucket you tried to delete is not empty ({details})" in stack.reasons(aws, made.name)
    s3.delete_object(**named, **version)
    for marker in markers:
        s3.delete_object(**named, VersionId=marker)
    stack.delete(aws, made.name)
