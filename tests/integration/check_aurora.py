"""Aurora as it runs, against the settings."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from breakwater_drills.clock import Clock
from stacks.names import Names, OutputKey
from stacks.settings import Settings
from tests.integration.conftest import Client


@pytest.fixture(scope="module")
def cluster(client: Client, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the cluster."""
    found = client("rds").describe_db_clusters(DBClusterIdentifier=outputs[OutputKey.CLUSTER_IDENTIFIER])
    return dict(found["DBClusters"][0])


@pytest.fixture(scope="module")
def instances(client: Client, cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """Its instances."""
    members = [member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]]
    rds = client("rds")
    return [rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0] for name in members]


def test_the_cluster_is_available_in_the_configured_version(cluster: dict[str, Any], settings: Settings) -> None:
    assert (cluster["Status"], cluster["Engine"]) == ("available", "aurora-postgresql")
    assert cluster["EngineVersion"] == settings.database.engine_version
    assert (cluster["DatabaseName"], cluster["Port"]) == (settings.database.name, settings.database.port)


def test_one_writer_and_the_configured_readers_in_more_than_one_zone(
    cluster: dict[str, Any], instances: list[dict[str, Any]], settings: Settings
) -> None:
    assert len(instances) == settings.database.readers + 1
    assert sum(member["IsClusterWriter"] for member in cluster["DBClusterMembers"]) == 1
    assert {instance["DBInstanceStatus"] for instance in instances} == {"available"}
    assert len({instance["AvailabilityZone"] for instance in instances}) > 1


def test_instances_are_serverless_private_and_named(
    instances: list[dict[str, Any]], names: Names, settings: Settings
) -> None:
    assert {instance["DBInstanceClass"] for instance in instances} == {"db.serverless"}
    assert not any(instance["PubliclyAccessible"] for instance in instances)
    expected = {names.aurora_instance(number + 1) for number in range(settings.database.readers + 1)}
    assert {instance["DBInstanceIdentifier"] for instance in instances} == expected


def test_it_is_encrypted_with_the_data_key(cluster: dict[str, Any], outputs: Mapping[str, str]) -> None:
    assert cluster["StorageEncrypted"] is True
    assert cluster["KmsKeyId"] == outputs[OutputKey.DATA_KEY_ARN]


def test_its_password_is_managed_with_the_data_key(cluster: dict[str, Any], outputs: Mapping[str, str]) -> None:
    secret = cluster["MasterUserSecret"]
    assert secret["SecretArn"] == outputs[OutputKey.CLUSTER_SECRET_ARN]
    assert secret["KmsKeyId"] == outputs[OutputKey.DATA_KEY_ARN]


def test_it_scales_over_the_configured_capacity(cluster: dict[str, Any], settings: Settings) -> None:
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    found = (scaling["MinCapacity"], scaling["MaxCapacity"])
    assert found == (settings.database.min_acu, settings.database.max_acu)


def test_it_is_backed_up_and_protected_as_configured(cluster: dict[str, Any], settings: Settings) -> None:
    database = settings.database
    assert cluster["BackupRetentionPeriod"] == database.backup_retention_days
    assert cluster["PreferredBackupWindow"] == database.backup_window
    assert cluster["PreferredMaintenanceWindow"] == database.maintenance_window
    assert cluster["DeletionProtection"] is settings.removal.deletion_protection


def test_it_can_be_restored_to_a_moment_of_the_last_minutes(
    cluster: dict[str, Any], unanswered: Callable[[str, str], None]
) -> None:
    unanswered("rds:DescribeDBClusters", "LatestRestorableTime is a text without meaning there")
    assert cluster["LatestRestorableTime"] > cluster["EarliestRestorableTime"]


def test_connections_need_tls(client: Client, cluster: dict[str, Any]) -> None:
    group = cluster["DBClusterParameterGroup"]
    pages = client("rds").get_paginator("describe_db_cluster_parameters").paginate(DBClusterParameterGroupName=group)
    values = {each["ParameterName"]: each.get("ParameterValue") for page in pages for each in page["Parameters"]}
    assert values["rds.force_ssl"] == "1"
    assert values["log_connections"] == "1"


def test_iam_authentication_and_the_data_api_are_as_configured(cluster: dict[str, Any], settings: Settings) -> None:
    assert cluster["IAMDatabaseAuthenticationEnabled"] is True
    assert cluster.get("HttpEndpointEnabled", False) is settings.database.data_api
    assert sorted(cluster.get("EnabledCloudwatchLogsExports", [])) == sorted(settings.database.log_exports)


def test_a_row_is_written_and_read_back(
    client: Client, cluster: dict[str, Any], outputs: Mapping[str, str], settings: Settings
) -> None:
    assert settings.database.data_api, "without the Data API nothing outside the VPC can ask the database"
    asked = {
        "resourceArn": cluster["DBClusterArn"],
        "secretArn": outputs[OutputKey.CLUSTER_SECRET_ARN],
        "database": settings.database.name,
    }
    data = client("rds-data")
    transaction = data.begin_transaction(**asked)["transactionId"]
    inside = {**asked, "transactionId": transaction}
    try:
        data.execute_statement(sql="CREATE TEMPORARY TABLE integration_check (number int) ON COMMIT DROP", **inside)
        value = [{"name": "number", "value": {"longValue": 42}}]
        data.execute_statement(sql="INSERT INTO integration_check VALUES (:number)", parameters=value, **inside)
        answer = data.execute_statement(sql="SELECT number FROM integration_check", **inside)
        assert answer["records"] == [[{"longValue": 42}]]
    finally:
        data.rollback_transaction(
            resourceArn=asked["resourceArn"], secretArn=asked["secretArn"], transactionId=transaction
        )


RESTORE_SECONDS = 240.0


@pytest.fixture
def row(emulator: Client, cluster: dict[str, Any], outputs: Mapping[str, str], settings: Settings) -> Iterator[None]:
    """Keep a table with a row in the database, which a restored copy must hold."""
    asked = {
        "resourceArn": cluster["DBClusterArn"],
        "secretArn": outputs[OutputKey.CLUSTER_SECRET_ARN],
        "database": settings.database.name,
    }
    emulator("rds-data").execute_statement(sql="CREATE TABLE integration_restore AS SELECT 42 AS number", **asked)
    yield
    emulator("rds-data").execute_statement(sql="DROP TABLE integration_restore", **asked)


@pytest.fixture
def copy(emulator: Client) -> Iterator[str]:
    """Give the name for a restored cluster, and delete it afterwards, as AWS Backup does."""
    name = f"awsbackup-restore-test-{uuid.uuid4()}"
    yield name
    rds = emulator("rds")
    for member in rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["DBClusterMembers"]:
        rds.delete_db_instance(DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


@pytest.mark.usefixtures("row")
def test_a_restore_test_opens_the_copy_reads_it_and_closes_it(
    emulator: Client, cluster: dict[str, Any], outputs: Mapping[str, str], copy: str
) -> None:
    backup, function = emulator("backup"), outputs[OutputKey.RESTORE_VALIDATION_FUNCTION]
    job = backup.start_restore_job(
        RecoveryPointArn=f"{cluster['DBClusterArn']}/backup/integration",
        Metadata={"DBClusterIdentifier": copy},
        ResourceType="Aurora",
        IamRoleArn=f"arn:aws:iam::{cluster['DBClusterArn'].split(':')[4]}:role/integration",
    )["RestoreJobId"]
    event = json.dumps({"detail": {"restoreJobId": job}}).encode()

    def is_validated() -> bool:
        # Its queue would deliver the message again after minutes.
        answer = emulator("lambda").invoke(FunctionName=function, Payload=event)
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:  # the queue's own delivery took the same step a moment before
            assert "AlreadyExists" in payload["errorMessage"], payload
            return False
        return bool(payload["finished"])

    assert Clock().wait_until(is_validated, timeout_seconds=RESTORE_SECONDS, poll_seconds=1.0)
    found = backup.describe_restore_job(RestoreJobId=job)
    assert (found["ValidationStatus"], found["ResourceType"]) == ("SUCCESSFUL", "Aurora"), found
    members = emulator("rds").describe_db_clusters(DBClusterIdentifier=copy)["DBClusters"][0]["DBClusterMembers"]
    assert members == []
