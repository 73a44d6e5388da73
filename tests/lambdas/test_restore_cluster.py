"""Restore validation of an Aurora cluster: opened, read, closed, told."""

from __future__ import annotations

import pytest

from tests.assembly import assembly
from tests.lambdas.restore_world import RestoreWorld, published
from tests.lambdas.restored import Data, Rds
from tests.lambdas.world import Calls
from tests.stacks.test_least_privilege import action_of, granted


def test_a_cluster_is_opened_read_closed_and_told(world: RestoreWorld) -> None:
    times = world.until_done()
    assert times < 15
    assert world.result() == ("SUCCESSFUL", "12 tables, 9 with data")
    assert world.rds.did == [
        "ModifyDBCluster",
        "CreateDBInstance",
        "EnableHttpEndpoint",
        "ModifyDBCluster",
        "DeleteDBInstance",
    ]
    assert world.rds.instance == ""
    assert len(world.data.asked) == 1
    assert published() == {"RestoreTestSeconds": 600, "RestoreTestSucceeded": 1, "RestoreTestRpoSeconds": 3600}


def test_it_calls_nothing_that_its_role_may_not(world: RestoreWorld, calls: Calls) -> None:
    calls.clear()
    world.until_done()
    made = {action_of(call) for call in calls}
    assert len(made) > 10
    assert made <= granted(assembly("dev"), "RestoreValidation")


def test_the_newest_row_is_asked_for_where_a_column_is_configured(
    world: RestoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", 'ledger.en"tries')
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    world.until_done()
    assert world.data.asked[-1] == 'SELECT extract(epoch FROM max("created_at")) FROM "ledger"."en""tries"'
    assert world.result()[0] == "SUCCESSFUL"
    assert published()["RestoreTestRpoSeconds"] == 4.5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(tables=(0, 0)), "0 tables, 0 with data: at least 1 must hold data"),
        (Data(newest=None), "12 tables, 9 with data: no timestamp in them"),
        (Data(refuses="DatabaseErrorException"), "the database could not be read: DatabaseErrorException"),
        (Data(refuses="BadRequestException"), "the database could not be read: BadRequestException"),
    ],
)
def test_a_copy_that_proves_nothing_fails(
    world: RestoreWorld, data: Data, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", "entries")
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    world.data = data
    world.until_done()
    status, told = world.result()
    assert status == "FAILED"
    assert told.startswith(message)
    assert world.rds.did[-1] == "DeleteDBInstance"
    assert published()["RestoreTestSucceeded"] == 0


@pytest.mark.parametrize(
    "code", ["DatabaseResumingException", "ThrottlingException", "HttpEndpointNotEnabledException"]
)
def test_a_database_that_is_not_ready_is_asked_again_until_the_deadline(world: RestoreWorld, code: str) -> None:
    world.data.refuses = code
    times = world.until_done()
    assert times > 30
    assert world.result() == ("FAILED", f"the database could not be read: {code}: as the test says")


def test_a_cluster_that_never_opens_fails_at_the_deadline(world: RestoreWorld) -> None:
    world.rds.refuses = {"CreateDBInstance": "InsufficientDBInstanceCapacity"}
    world.until_done()
    assert world.result() == ("FAILED", "not opened in time: the cluster has no instance")


def test_an_instance_that_does_not_go_delays_the_result_no_longer_than_its_grace(world: RestoreWorld) -> None:
    world.rds.refuses = {"DeleteDBInstance": "InvalidDBInstanceState"}
    times = world.until_done()
    assert (times - 1) * 360 == pytest.approx(13500 - 300 + 1800, abs=360)
    assert world.result()[0] == "SUCCESSFUL"


def test_a_cluster_that_is_gone_fails(world: RestoreWorld) -> None:
    world.rds.status = ""
    assert world.until_done() == 1
    assert world.result() == ("FAILED", "the restored cluster is gone")


@pytest.mark.parametrize(
    ("rds", "changes"),
    [
        (Rds(scales=True, data_api=True, secret="active"), ["CreateDBInstance", "DeleteDBInstance"]),
        (Rds(scales=True, data_api=True), ["CreateDBInstance", "ModifyDBCluster", "DeleteDBInstance"]),
        (Rds(scales=True, secret="active"), ["CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance"]),
    ],
)
def test_what_the_restore_brought_along_is_not_made_again(world: RestoreWorld, rds: Rds, changes: list[str]) -> None:
    world.rds = rds
    world.until_done()
    assert world.result()[0] == "SUCCESSFUL"
    assert rds.did == changes


@pytest.mark.parametrize("operation", ["DescribeDBClusters", "DescribeDBInstances"])
def test_a_refusal_of_another_kind_comes_again(world: RestoreWorld, operation: str) -> None:
    world.rds.refuses = {operation: "Throttling"}
    assert world.again() == ["m"]
    assert world.backup.results == []


def test_a_message_that_comes_twice_changes_nothing(world: RestoreWorld) -> None:
    world.until_done()
    before = list(world.rds.did)
    assert world.again() == []
    assert world.rds.did == before
    assert len(world.backup.results) == 1
