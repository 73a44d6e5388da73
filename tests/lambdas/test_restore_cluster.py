"""Validation of a restored Aurora cluster, from the first message to the reported result."""

from __future__ import annotations

import pytest

from tests.assembly import assembly
from tests.lambdas.account import FakeAccount
from tests.lambdas.restore_fakes import FakeDataApi, FakeRds
from tests.lambdas.restore_harness import DELIVERIES_UNTIL_DEADLINE, REDELIVERY_SECONDS, RestoreHarness
from tests.stacks.permissions import granted_actions, iam_action


def test_a_cluster_is_made_readable_read_closed_and_reported(restore: RestoreHarness) -> None:
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
    assert restore.rds.instance == ""
    assert len(restore.data.statements) == 1
    assert restore.metrics() == {"RestoreTestSeconds": 600, "RestoreTestSucceeded": 1, "RestoreTestRpoSeconds": 3600}


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
    assert restore.data.statements[-1] == 'SELECT extract(epoch FROM max("created_at")) FROM "ledger"."en""tries"'
    assert restore.result()[0] == "SUCCESSFUL"
    assert restore.metrics()["RestoreTestRpoSeconds"] == 4.5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FakeDataApi(tables=(0, 0)), "0 tables, 0 with data: at least 1 must hold data"),
        (FakeDataApi(newest=None), "12 tables, 9 with data: no timestamp found in them"),
        (FakeDataApi(error="DatabaseErrorException"), "the database could not be read: DatabaseErrorException"),
        (FakeDataApi(error="BadRequestException"), "the database could not be read: BadRequestException"),
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
    assert restore.result() == ("FAILED", f"the database could not be read: {code}: as the test says")


def test_a_cluster_that_never_becomes_ready_fails_at_the_deadline(restore: RestoreHarness) -> None:
    restore.rds.errors = {"CreateDBInstance": "InsufficientDBInstanceCapacity"}
    restore.deliver_until_done()
    assert restore.result() == ("FAILED", "not ready before the deadline: the cluster has no instance")


def test_an_instance_that_cannot_be_deleted_delays_the_result_by_the_grace_period(
    restore: RestoreHarness,
) -> None:
    restore.rds.errors = {"DeleteDBInstance": "InvalidDBInstanceState"}
    deliveries = restore.deliver_until_done()
    assert deliveries - 1 == pytest.approx(DELIVERIES_UNTIL_DEADLINE + 1800 / REDELIVERY_SECONDS, abs=1)
    assert restore.result()[0] == "SUCCESSFUL"


def test_a_missing_cluster_fails(restore: RestoreHarness) -> None:
    restore.rds.status = ""
    assert restore.deliver_until_done() == 1
    assert restore.result() == ("FAILED", "the restored cluster does not exist")


@pytest.mark.parametrize(
    ("rds", "changes"),
    [
        (
            FakeRds(has_capacity_range=True, data_api_enabled=True, secret="active"),
            ["CreateDBInstance", "DeleteDBInstance"],
        ),
        (
            FakeRds(has_capacity_range=True, data_api_enabled=True),
            ["CreateDBInstance", "ModifyDBCluster", "DeleteDBInstance"],
        ),
        (
            FakeRds(has_capacity_range=True, secret="active"),
            ["CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance"],
        ),
    ],
)
def test_what_the_restore_has_set_up_is_not_set_up_again(
    restore: RestoreHarness, rds: FakeRds, changes: list[str]
) -> None:
    restore.rds = rds
    restore.deliver_until_done()
    assert restore.result()[0] == "SUCCESSFUL"
    assert rds.changes == changes


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
