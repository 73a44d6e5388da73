"""Validation of a restored Aurora cluster, from the first message to the reported result."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from restore_validation.aurora import RestoredCluster
from restore_validation.logic import Contents, ValidationResult
from stacks.operations.restore_validation import TIMEOUT_SECONDS as FUNCTION_SECONDS
from tests.assembly import assembly
from tests.lambdas.account import FakeAccount
from tests.lambdas.restore_fakes import CLUSTER_ARN, NOW, FakeDataApi, FakeRds
from tests.lambdas.restore_harness import (
    DEADLINE_SECONDS,
    DELIVERIES_UNTIL_DEADLINE,
    REDELIVERY_SECONDS,
    RestoreHarness,
)
from tests.stacks.permissions import granted_actions, iam_action


def test_a_cluster_is_made_readable_read_closed_and_reported(account: FakeAccount, restore: RestoreHarness) -> None:
    deliveries = restore.deliver_until_done()
    assert deliveries < 15
    assert restore.result() == ("SUCCESSFUL", "12 tables, 9 with data")
    assert restore.rds.changes == [
        "ModifyDBCluster",
        "CreateDBInstance",
        "EnableHttpEndpoint",
        "ModifyDBCluster",
        "DeleteDBInstance",
    ]
    cluster, instance = "awsbackup-restore-test-0a1b2c3d", "awsbackup-restore-test-0a1b2c3d-v"
    assert restore.rds.asked == [
        {
            "DBClusterIdentifier": cluster,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4.0},
            "ApplyImmediately": True,
        },
        {
            "DBInstanceIdentifier": instance,
            "DBClusterIdentifier": cluster,
            "DBInstanceClass": "db.serverless",
            "Engine": "aurora-postgresql",
            "PubliclyAccessible": False,
        },
        {"ResourceArn": CLUSTER_ARN},
        {
            "DBClusterIdentifier": cluster,
            "ManageMasterUserPassword": True,
            "MasterUserSecretKmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1",
            "ApplyImmediately": True,
        },
        {"DBInstanceIdentifier": instance, "SkipFinalSnapshot": True},
    ]
    assert restore.rds.instance == ""
    (statement,) = restore.data.statements
    assert ", NULL::numeric\nFROM pg_class" in statement
    told = {"RestoreTestSeconds": 600, "RestoreTestSucceeded": 1, "RestoreTestRpoSeconds": 3600}
    assert account.metrics() == {(name, "Resource=Aurora", "Suffix=test"): value for name, value in told.items()}
    assert account.units() == dict(zip(told, ("Seconds", "Count", "Seconds"), strict=True))


def test_it_calls_only_what_its_role_allows(account: FakeAccount, restore: RestoreHarness) -> None:
    restore.deliver_until_done()
    called = {iam_action(call) for call in account.calls}
    assert len(called) > 10
    assert called <= granted_actions(assembly("dev"), "RestoreValidation")


def test_the_latest_row_is_read_if_a_column_is_configured(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", 'ledger.en"tries')
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    restore.deliver_until_done()
    (statement,) = restore.data.statements
    assert '(SELECT extract(epoch FROM max("created_at")) FROM "ledger"."en""tries")' in statement
    assert restore.result()[0] == "SUCCESSFUL"
    assert restore.metrics()["RestoreTestRpoSeconds"] == 4.5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FakeDataApi(tables=(0, 0)), "0 tables, 0 with data: at least 1 must hold data"),
        (FakeDataApi(newest=None), "12 tables, 9 with data: no time since 1970 found in them"),
        (FakeDataApi(error="DatabaseErrorException"), "the copy could not be read: DatabaseErrorException"),
        (FakeDataApi(error="BadRequestException"), "the copy could not be read: BadRequestException"),
    ],
)
def test_a_copy_that_proves_nothing_fails(
    restore: RestoreHarness, data: FakeDataApi, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", "entries")
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    restore.data = data
    restore.deliver_until_done()
    status, found = restore.result()
    assert status == "FAILED"
    assert found.startswith(message)
    assert restore.rds.changes[-1] == "DeleteDBInstance"
    assert restore.metrics()["RestoreTestSucceeded"] == 0


@pytest.mark.parametrize(
    "code", ["DatabaseResumingException", "ThrottlingException", "HttpEndpointNotEnabledException"]
)
def test_a_database_that_is_not_ready_is_read_again_until_the_deadline(restore: RestoreHarness, code: str) -> None:
    restore.data.error = code
    deliveries = restore.deliver_until_done()
    assert deliveries > DELIVERIES_UNTIL_DEADLINE
    assert restore.rds.changes[-1] == "DeleteDBInstance"
    assert restore.result() == ("FAILED", f"the copy could not be read: {code}: as the test says")


TIMEOUT = ReadTimeoutError(endpoint_url="https://rds-data.us-east-1.amazonaws.com")


def test_a_database_that_does_not_answer_fails_at_the_deadline_and_is_closed(restore: RestoreHarness) -> None:
    restore.data.error = TIMEOUT
    deliveries = restore.deliver_until_done()
    assert DELIVERIES_UNTIL_DEADLINE < deliveries < DELIVERIES_UNTIL_DEADLINE + 6
    status, message = restore.result()
    assert (status, message[:46]) == ("FAILED", "the copy could not be read: ReadTimeoutError: ")
    assert restore.rds.changes[-1] == "DeleteDBInstance"
    assert restore.rds.instance == ""


def test_a_database_that_does_not_answer_is_read_again_before_the_deadline(restore: RestoreHarness) -> None:
    restore.data.error = TIMEOUT
    for _ in range(9):
        assert restore.deliver() == ["m"]
        restore.now += REDELIVERY_SECONDS
    restore.data.error = ""
    restore.deliver_until_done()
    assert restore.result()[0] == "SUCCESSFUL"


def test_a_statement_gets_the_time_of_the_data_api_once_and_fits_into_the_function(restore: RestoreHarness) -> None:
    restore.deliver()
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-timeouts.html
    assert 45 < restore.options["rds-data"]["read_seconds"] < FUNCTION_SECONDS - 10
    assert restore.options["rds-data"]["attempts"] == 1
    assert restore.options["rds"] == {}


def test_a_copy_whose_reading_never_ends_fails_after_the_deadline_and_is_closed(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Lambda ends the invocation: no code of the function runs any more."""

    def never_answer(_: RestoredCluster) -> Contents:
        raise Killed

    monkeypatch.setattr(RestoredCluster, "read_contents", never_answer)
    for _ in range(30):
        with suppress(Killed):
            if not restore.deliver():
                break
        restore.now += REDELIVERY_SECONDS
    assert DEADLINE_SECONDS + 600 < restore.now - (NOW - 300) < DEADLINE_SECONDS + 600 + 5 * REDELIVERY_SECONDS
    assert restore.result() == (
        "FAILED",
        "ready, but not read before the deadline: every attempt ended without an answer",
    )
    assert restore.rds.changes[-1] == "DeleteDBInstance"


@pytest.mark.parametrize(("instance", "deleted"), [("available", True), ("deleting", False), ("", False)])
@pytest.mark.parametrize("status", ["TIMED_OUT", "FAILED", "SUCCESSFUL"])
def test_a_copy_whose_result_others_have_set_is_closed(
    restore: RestoreHarness, status: str, instance: str, deleted: bool
) -> None:
    restore.rds.instance = instance
    restore.backup.job["ValidationStatus"] = status
    assert restore.deliver() == []
    assert restore.rds.changes == (["DeleteDBInstance"] if deleted else [])
    assert restore.backup.results == []


def test_a_secret_that_only_cannot_be_rotated_opens_the_database(restore: RestoreHarness) -> None:
    restore.rds = FakeRds(has_capacity_range=True, instance="available", data_api_enabled=True, secret="impaired")
    restore.deliver()
    assert len(restore.data.statements) == 1


def test_a_cluster_that_never_becomes_ready_fails_at_the_deadline(restore: RestoreHarness) -> None:
    restore.rds.errors = {"CreateDBInstance": "InsufficientDBInstanceCapacity"}
    restore.deliver_until_done()
    assert restore.result() == ("FAILED", "not ready before the deadline: the cluster has no instance")


def test_an_instance_that_cannot_be_deleted_delays_the_result_by_the_grace_period_and_is_deleted_later(
    restore: RestoreHarness,
) -> None:
    restore.rds.errors = {"DeleteDBInstance": "InvalidDBInstanceState"}
    while not restore.backup.results:
        assert restore.deliver() == ["m"]
        restore.now += REDELIVERY_SECONDS
    deliveries = (restore.now - NOW) / REDELIVERY_SECONDS
    assert deliveries - 1 == pytest.approx(DELIVERIES_UNTIL_DEADLINE + 1800 / REDELIVERY_SECONDS, abs=1)
    note = "delete the cluster and its instance, which is still available: AWS Backup cannot"
    assert restore.result() == ("SUCCESSFUL", f"12 tables, 9 with data; {note}")
    assert restore.deliver() == ["m"]
    restore.rds.errors = {}
    assert restore.deliver() == []
    assert restore.rds.changes[-1] == "DeleteDBInstance"
    assert len(restore.backup.results) == 1


def test_the_note_about_an_instance_survives_a_long_message(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore.rds.errors = {"DeleteDBInstance": "InvalidDBInstanceState"}
    found = ValidationResult(False, "x" * 2000)
    monkeypatch.setattr("restore_validation.validation.validate", lambda *_: found)
    while not restore.backup.results:
        restore.deliver()
        restore.now += REDELIVERY_SECONDS
    message = restore.result()[1]
    assert len(message) == 1000
    assert message.endswith("x; delete the cluster and its instance, which is still available: AWS Backup cannot")


def test_a_missing_cluster_fails(restore: RestoreHarness) -> None:
    restore.rds.status = ""
    assert restore.deliver_until_done() == 1
    assert restore.result() == ("FAILED", "the restored cluster does not exist")


@pytest.mark.parametrize(
    ("restored", "changes"),
    [
        (
            {"data_api_enabled": True, "secret": "active"},
            ["CreateDBInstance", "DeleteDBInstance"],
        ),
        (
            {"data_api_enabled": True},
            ["CreateDBInstance", "ModifyDBCluster", "DeleteDBInstance"],
        ),
        (
            {"secret": "active"},
            ["CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance"],
        ),
    ],
)
def test_what_the_restore_has_set_up_is_not_set_up_again(
    restore: RestoreHarness, restored: dict[str, Any], changes: list[str]
) -> None:
    restore.rds = FakeRds(has_capacity_range=True, **restored)
    restore.deliver_until_done()
    assert restore.result()[0] == "SUCCESSFUL"
    assert restore.rds.changes == changes


@pytest.mark.parametrize("operation", ["DescribeDBClusters", "DescribeDBInstances"])
def test_a_message_is_delivered_again_after_another_error(restore: RestoreHarness, operation: str) -> None:
    restore.rds.errors = {operation: "Throttling"}
    assert restore.deliver() == ["m"]
    assert restore.backup.results == []


def test_a_message_that_is_delivered_twice_changes_nothing(restore: RestoreHarness) -> None:
    restore.deliver_until_done()
    before = list(restore.rds.changes)
    assert restore.deliver() == []
    assert restore.rds.changes == before
    assert len(restore.backup.results) == 1
