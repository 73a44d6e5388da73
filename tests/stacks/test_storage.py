"""The table and the buckets: encryption, recovery, removal by environment, lifecycle, and who may write logs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assembly import Assembly

DATA_BUCKET, LOG_BUCKET = "${Storage/DataBucket}", "${Storage/LogBucket}"
BUCKETS = (DATA_BUCKET, LOG_BUCKET)


def _resources(deployment: Assembly, kind: str) -> dict[str, dict[str, Any]]:
    """Every resource of a type in the stack by construct."""
    return {
        deployment.text("Storage", {"Ref": name}): deployment.plain("Storage", resource)
        for name, resource in deployment.nested["Storage"].of_type(kind).items()
    }


def _table(deployment: Assembly) -> dict[str, Any]:
    (table,) = _resources(deployment, "AWS::DynamoDB::GlobalTable").values()
    return table


def _replica(deployment: Assembly) -> dict[str, Any]:
    (replica,) = _table(deployment)["Properties"]["Replicas"]
    return dict(replica)


def _bucket(deployment: Assembly, name: str) -> dict[str, Any]:
    return dict(_resources(deployment, "AWS::S3::Bucket")[name]["Properties"])


def _statements(deployment: Assembly, name: str) -> list[dict[str, Any]]:
    (policy,) = (
        policy["Properties"]
        for policy in _resources(deployment, "AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"] == name
    )
    return list(policy["PolicyDocument"]["Statement"])


def _arn(name: str, keys: str = "") -> str:
    return f"{name[:-1]}.Arn}}{keys}"


def test_the_table_is_on_demand_encrypted_and_expires_items(deployment: Assembly) -> None:
    settings = deployment.settings
    properties = _table(deployment)["Properties"]
    properties.pop("Replicas")
    assert properties == {
        "TableName": f"dr-transactions-{settings.suffix}-{settings.region}",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        "TimeToLiveSpecification": {"AttributeName": settings.storage.ttl_attribute, "Enabled": True},
    }


def test_the_only_replica_is_in_the_region_with_the_data_key(deployment: Assembly) -> None:
    replica = _replica(deployment)
    assert replica["Region"] == deployment.settings.region
    assert replica["SSESpecification"] == {"KMSMasterKeyId": "${Kms/DataKey.Arn}"}
    assert not list(deployment.all_of_type("AWS::DynamoDB::Table")), "TableV2 everywhere"


@pytest.mark.parametrize(("profile", "days"), [("dev", 35), ("staging", 35), ("prod", 35), ("unusual", 14)])
def test_point_in_time_recovery_by_setting(request: pytest.FixtureRequest, profile: str, days: int) -> None:
    replica = _replica(request.getfixturevalue(profile))
    assert replica["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": days,
    }


@pytest.mark.parametrize(
    ("profile", "protected", "policies"),
    [
        ("dev", False, ("Delete", "Delete")),
        ("unusual", False, ("Delete", "Delete")),
        ("staging", False, ("RetainExceptOnCreate", "Retain")),
        ("options", False, ("RetainExceptOnCreate", "Retain")),
        ("prod", True, ("RetainExceptOnCreate", "Retain")),
        ("prod_nat", True, ("RetainExceptOnCreate", "Retain")),
    ],
)
def test_data_stays_by_environment(
    request: pytest.FixtureRequest, profile: str, protected: bool, policies: tuple[str, str]
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    assert _replica(deployment)["DeletionProtectionEnabled"] is protected
    for kept in (_table(deployment), _resources(deployment, "AWS::S3::Bucket")[DATA_BUCKET]):
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == policies


def test_the_log_bucket_always_stays(deployment: Assembly) -> None:
    bucket = _resources(deployment, "AWS::S3::Bucket")[LOG_BUCKET]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize(("profile", "enabled"), [("dev", False), ("unusual", True), ("staging", True), ("prod", True)])
def test_contributor_insights_by_setting(request: pytest.FixtureRequest, profile: str, enabled: bool) -> None:
    assert _replica(request.getfixturevalue(profile))["ContributorInsightsSpecification"] == {"Enabled": enabled}


def test_only_these_two_buckets_exist(deployment: Assembly) -> None:
    assert set(_resources(deployment, "AWS::S3::Bucket")) == set(BUCKETS)
    assert len(list(deployment.all_of_type("AWS::S3::Bucket"))) == len(BUCKETS)
    assert len(list(deployment.all_of_type("AWS::S3::BucketPolicy"))) == len(BUCKETS)


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_keep_versions_and_nothing_public(deployment: Assembly, name: str) -> None:
    bucket = _bucket(deployment, name)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert not {"AccessControl", "WebsiteConfiguration", "CorsConfiguration"} & set(bucket)
    assert "BucketName" not in bucket, "a generated name can be replaced"


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_refuse_anything_but_modern_tls(deployment: Assembly, name: str) -> None:
    statements = _statements(deployment, name)
    for condition in ({"Bool": {"aws:SecureTransport": "false"}}, {"NumericLessThan": {"s3:TlsVersion": 1.2}}):
        assert {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [_arn(name), _arn(name, "/*")],
            "Condition": condition,
        } in statements
    assert len([statement for statement in statements if statement["Effect"] == "Deny"]) == 2


def test_data_is_encrypted_with_the_data_key(deployment: Assembly) -> None:
    assert _bucket(deployment, DATA_BUCKET)["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "${Kms/DataKey.Arn}"},
        }
    ]


def test_logs_are_encrypted_by_s3_and_never_by_kms_which_load_balancers_cannot_use(deployment: Assembly) -> None:
    assert _bucket(deployment, LOG_BUCKET)["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]


@pytest.mark.parametrize(
    ("profile", "noncurrent", "logs"), [("dev", 90, 30), ("staging", 90, 90), ("prod", 90, 365), ("unusual", 45, 21)]
)
def test_lifecycles_by_setting(request: pytest.FixtureRequest, profile: str, noncurrent: int, logs: int) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    assert _bucket(deployment, DATA_BUCKET)["LifecycleConfiguration"]["Rules"] == [
        {
            "Id": "ExpireNoncurrentVersions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent},
            "ExpiredObjectDeleteMarker": True,
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
    assert _bucket(deployment, LOG_BUCKET)["LifecycleConfiguration"]["Rules"] == [
        {
            "Id": "ExpireLogs",
            "Status": "Enabled",
            "ExpirationInDays": logs,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]


def test_the_log_bucket_takes_access_logs_and_nothing_else(deployment: Assembly) -> None:
    account = deployment.settings.account or "${AWS::AccountId}"
    allowed = [statement for statement in _statements(deployment, LOG_BUCKET) if statement["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "LoadBalancersDeliverLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": _arn(LOG_BUCKET, f"/load-balancer/AWSLogs/{account}/*"),
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": _arn(LOG_BUCKET, "/data-bucket/*"),
            "Condition": {
                "ArnLike": {"aws:SourceArn": _arn(DATA_BUCKET)},
                "StringEquals": {"aws:SourceAccount": account},
            },
        },
    ]


def test_nobody_is_allowed_into_the_data_bucket_by_its_policy(deployment: Assembly) -> None:
    assert {statement["Effect"] for statement in _statements(deployment, DATA_BUCKET)} == {"Deny"}


def test_access_to_the_data_bucket_is_logged_and_the_log_of_logs_is_not(deployment: Assembly) -> None:
    assert _bucket(deployment, DATA_BUCKET)["LoggingConfiguration"] == {
        "DestinationBucketName": LOG_BUCKET,
        "LogFilePrefix": "data-bucket/",
    }
    assert "LoggingConfiguration" not in _bucket(deployment, LOG_BUCKET)


def test_the_load_balancer_logs_where_it_may(deployment: Assembly) -> None:
    balancer = deployment.plain(
        "Compute", deployment.nested["Compute"].one("AWS::ElasticLoadBalancingV2::LoadBalancer")
    )
    attributes = {item["Key"]: item["Value"] for item in balancer["LoadBalancerAttributes"]}
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["access_logs.s3.bucket"] == LOG_BUCKET
    assert attributes["access_logs.s3.prefix"] == "load-balancer"
