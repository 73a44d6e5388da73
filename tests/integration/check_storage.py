"""The table and the buckets as they are, against the settings."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.names import OutputKey
from stacks.settings import Settings
from tests.integration.conftest import Client


@pytest.fixture(scope="module")
def table(client: Client, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the table."""
    return dict(client("dynamodb").describe_table(TableName=outputs[OutputKey.TABLE_NAME])["Table"])


def test_the_table_is_active_and_on_demand(table: dict[str, Any]) -> None:
    assert table["TableStatus"] == "ACTIVE"
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_its_keys_are_pk_and_sk(table: dict[str, Any]) -> None:
    keys = {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]}
    assert keys == {"pk": "HASH", "sk": "RANGE"}


def test_it_is_encrypted_with_the_data_key(table: dict[str, Any], outputs: Mapping[str, str]) -> None:
    encryption = table["SSEDescription"]
    assert (encryption["Status"], encryption["SSEType"]) == ("ENABLED", "KMS")
    assert encryption["KMSMasterKeyArn"] == outputs[OutputKey.DATA_KEY_ARN]


def test_it_can_be_restored_for_the_configured_days(client: Client, table: dict[str, Any], settings: Settings) -> None:
    found = client("dynamodb").describe_continuous_backups(TableName=table["TableName"])
    recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert recovery["RecoveryPeriodInDays"] == settings.storage.point_in_time_recovery_days


def test_it_expires_items_by_the_configured_attribute(
    client: Client, table: dict[str, Any], settings: Settings
) -> None:
    found = client("dynamodb").describe_time_to_live(TableName=table["TableName"])["TimeToLiveDescription"]
    assert found == {"TimeToLiveStatus": "ENABLED", "AttributeName": settings.storage.ttl_attribute}


def test_it_is_protected_as_configured(table: dict[str, Any], settings: Settings) -> None:
    assert table["DeletionProtectionEnabled"] is settings.removal.deletion_protection


def test_an_item_with_an_expiry_is_written_and_read_back(
    client: Client, table: dict[str, Any], settings: Settings
) -> None:
    dynamodb, key = client("dynamodb"), {"pk": {"S": "integration"}, "sk": {"S": str(uuid.uuid4())}}
    item = key | {settings.storage.ttl_attribute: {"N": str(int(time.time()) + 3600)}}
    try:
        dynamodb.put_item(TableName=table["TableName"], Item=item)
        assert dynamodb.get_item(TableName=table["TableName"], Key=key, ConsistentRead=True)["Item"] == item
    finally:
        dynamodb.delete_item(TableName=table["TableName"], Key=key)


@pytest.mark.parametrize("key", [OutputKey.DATA_BUCKET_NAME, OutputKey.LOG_BUCKET_NAME])
def test_buckets_are_private_and_keep_versions(client: Client, outputs: Mapping[str, str], key: OutputKey) -> None:
    s3, bucket = client("s3"), outputs[key]
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_data_bucket_is_encrypted_with_the_data_key(client: Client, outputs: Mapping[str, str]) -> None:
    found = client("s3").get_bucket_encryption(Bucket=outputs[OutputKey.DATA_BUCKET_NAME])
    (rule,) = found["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": outputs[OutputKey.DATA_KEY_ARN],
    }
