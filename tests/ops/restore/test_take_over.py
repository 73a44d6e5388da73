"""`python -m ops restore take-over`: which copies take over, what it asks of the stack, and how to go back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from drills_testing.fakes import target
from ops import outputs
from ops.__main__ import main
from ops.connection import Connection
from ops.errors import OpsError
from ops.restore import cli
from ops.restore.following import command, follow
from ops.restore.plan import Plan
from ops.restore.table import Table
from stacks.names import RESTORED_AT_PARAMETER, OutputKey, TagKey
from tests.assembly import Assembly
from tests.fake_clients import ServiceError, fake_client

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
STACK: Mapping[str, Any] = {
    "StackName": "Breakwater-eu1",
    "CreationTime": NOW,
    "StackStatus": "UPDATE_COMPLETE",
    "Parameters": [
        {"ParameterKey": "BootstrapVersion", "ParameterValue": "33"},
        {"ParameterKey": RESTORED_AT_PARAMETER, "ParameterValue": "never"},
    ],
    "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
}


def _cloudformation(**changes: Any) -> Any:
    return fake_client("cloudformation", DescribeStacks=lambda **_: {"Stacks": [{**STACK, **changes}]})


def test_the_stack_is_updated_by_one_parameter_and_keeps_its_templates() -> None:
    step = follow(_cloudformation(), "Breakwater-eu1", NOW)
    assert (step.operation, step.request) == (
        "update_stack",
        {
            "StackName": "Breakwater-eu1",
            "UsePreviousTemplate": True,
            "Parameters": [
                {"ParameterKey": RESTORED_AT_PARAMETER, "ParameterValue": "2026-11-28T12:00:00Z"},
                {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        },
    )
    assert command(step) == (
        "aws cloudformation update-stack --stack-name Breakwater-eu1 --use-previous-template "
        "--capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND --parameters "
        f"ParameterKey={RESTORED_AT_PARAMETER},ParameterValue=$(date -u +%Y-%m-%dT%H:%M:%SZ) "
        "ParameterKey=BootstrapVersion,UsePreviousValue=true"
    )


@pytest.mark.parametrize(
    ("status", "followed"),
    [("UPDATE_IN_PROGRESS", False), ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False), ("UPDATE_COMPLETE", True)],
)
def test_it_waits_until_the_update_has_ended(status: str, *, followed: bool) -> None:
    before, after = _cloudformation(), _cloudformation(StackStatus=status)
    step = follow(_Changing(before, after), "Breakwater-eu1", NOW)
    assert step.ready is not None
    assert step.ready() is followed


class _Changing:
    """CloudFormation before the update, and after it."""

    def __init__(self, *clients: Any) -> None:
        self._clients = list(clients)

    def describe_stacks(self, **request: Any) -> Any:
        return self._clients.pop(0).describe_stacks(**request)


def test_an_update_that_fails_or_cannot_begin_is_one_line() -> None:
    failed = _Changing(_cloudformation(), _cloudformation(StackStatus="UPDATE_ROLLBACK_IN_PROGRESS"))
    ready = follow(failed, "Breakwater-eu1", NOW).ready
    assert ready is not None
    with pytest.raises(OpsError, match=r"ended as UPDATE_ROLLBACK_IN_PROGRESS: see docs/runbook.md#stuck-deployment$"):
        ready()
    with pytest.raises(OpsError, match=r"^Breakwater-eu1 is UPDATE_FAILED and takes no update: "):
        follow(_cloudformation(StackStatus="UPDATE_FAILED"), "Breakwater-eu1", NOW)
    with pytest.raises(OpsError, match=rf"^Breakwater-eu1 has no parameter {RESTORED_AT_PARAMETER}: deploy this"):
        follow(_cloudformation(Parameters=[]), "Breakwater-eu1", NOW)


@dataclass
class _Tables:
    """DynamoDB with tables; those that are protected are named."""

    names: set[str]
    protected: bool = True
    restorable: bool = True
    recovery: str = "ENABLED"

    def client(self) -> Any:
        return fake_client(
            "dynamodb",
            DescribeTable=self._describe,
            DescribeContinuousBackups=self._backups,
            DescribeTimeToLive=lambda **_: {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
            DescribeContributorInsights=lambda **_: {"ContributorInsightsStatus": "DISABLED"},
            ListTagsOfResource=lambda **_: {"Tags": []},
        )

    def _describe(self, TableName: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
        if TableName not in self.names:
            raise ServiceError("ResourceNotFoundException")
        arn = f"arn:aws:dynamodb:us-east-1:111111111111:table/{TableName}"
        return {"Table": {"TableArn": arn, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": self.protected}}

    def _backups(self, **_: Any) -> Mapping[str, Any]:
        latest = {"LatestRestorableDateTime": NOW} if self.restorable else {}
        recovery = {"PointInTimeRecoveryStatus": self.recovery, "RecoveryPeriodInDays": 35, **latest}
        described = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}
        return {"ContinuousBackupsDescription": described}


@pytest.mark.parametrize(
    ("tables", "operations"),
    [
        (_Tables({"base", "copy"}), ["update_table", "delete_table", "restore_table_to_point_in_time"]),
        (_Tables({"base", "copy"}, protected=False), ["delete_table", "restore_table_to_point_in_time"]),
        (_Tables({"copy"}), ["restore_table_to_point_in_time"]),
    ],
)
def test_a_table_is_restored_under_the_name_of_the_lost_one(tables: _Tables, operations: list[str]) -> None:
    plan = Table(tables.client(), "copy").take_over("base")
    assert [step.operation for step in plan.steps][: len(operations)] == operations
    restore = plan.steps[len(operations) - 1].request
    assert (restore["SourceTableName"], restore["TargetTableName"]) == ("copy", "base")
    after = [step.request.get("TableName") for step in plan.steps[len(operations) :]]
    assert after == ["base", *(["base"] if tables.protected else [])]
    assert "--backup-type SYSTEM" in plan.undo[0]
    for step in plan.steps[:1]:
        assert step.ready is not None
        assert step.ready() is (step.operation != "delete_table" and "base" in tables.names)
    tables.names.discard("base")
    deletion = plan.steps[max(len(operations) - 2, 0)]
    assert deletion.ready is not None
    assert deletion.ready() is (deletion.operation == "delete_table")


def test_a_copy_that_is_too_new_to_be_restored_is_waited_for_before_anything_is_deleted() -> None:
    tables = _Tables({"base", "copy"}, restorable=False)
    first, second, *_ = Table(tables.client(), "copy").take_over("base").steps
    assert (first.operation, second.operation) == ("describe_continuous_backups", "update_table")
    assert first.request == {"TableName": "copy"}
    assert first.ready is not None
    assert not first.ready()
    tables.restorable = True
    assert first.ready()


def test_a_copy_that_can_never_be_restored_deletes_nothing() -> None:
    with pytest.raises(OpsError, match=r"^copy cannot be restored to any time: turn its point-in-time recovery on$"):
        Table(_Tables({"base", "copy"}, recovery="DISABLED").client(), "copy").take_over("base")


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found = {
        OutputKey.TABLE_NAME: "base", OutputKey.CLUSTER_IDENTIFIER: "dr",
        OutputKey.REGION: "us-east-1", OutputKey.SUFFIX: "eu1",
    }  # fmt: skip
    made = {
        "rds": fake_client("rds", DescribeDBClusters=_no_cluster),
        "dynamodb": _Tables({"base"}).client(),
        "cloudformation": _cloudformation(),
    }
    monkeypatch.setattr(outputs, "deployed", lambda *_: found)
    monkeypatch.setattr(Connection, "client", lambda _, service, **__: made[service])
    monkeypatch.setattr(cli, "POLL_SECONDS", 0.0)
    return made


def _no_cluster(**_: Any) -> Mapping[str, Any]:
    raise ServiceError("DBClusterNotFoundFault")


def _cluster(DBClusterIdentifier: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
    return _described(DBClusterIdentifier) if DBClusterIdentifier == "dr-restored" else _no_cluster()


def _described(DBClusterIdentifier: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
    return {
        "DBClusters": [
            {
                "DBClusterIdentifier": DBClusterIdentifier,
                "Status": "available",
                "DBClusterMembers": [],
                "VpcSecurityGroups": [],
            }
        ]
    }


def test_without_a_copy_nothing_takes_over(clients: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert set(clients) == {"rds", "dynamodb", "cloudformation"}
    assert main(["restore", "take-over", "--yes"]) == 1
    assert "there is neither a cluster dr-restored nor a table base-restored that could" in capsys.readouterr().err


def test_every_copy_that_is_there_takes_over_and_the_cluster_is_last(
    clients: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    clients["dynamodb"] = _Tables({"base-restored"}).client()
    clients["rds"] = fake_client("rds", DescribeDBClusters=_cluster)
    assert main(["restore", "take-over"]) == 1  # shown, and not confirmed
    shown = capsys.readouterr().out
    table, cluster = shown.index("DynamoDB: base-restored takes over as base"), shown.index("Aurora: dr-restored takes")
    assert table < cluster
    assert "aws cloudformation update-stack --stack-name Breakwater-eu1 --use-previous-template" in shown
    clients["dynamodb"] = _Tables({"base", "base-restored"}).client()
    clients["rds"] = fake_client("rds", DescribeDBClusters=_no_cluster)
    assert main(["restore", "take-over"]) == 1
    assert "Aurora:" not in capsys.readouterr().out


def test_a_drill_restores_and_replaces_by_the_same_plans(
    clients: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    carried: list[str] = []
    monkeypatch.setattr(Plan, "carry_out", lambda plan, *_, **__: carried.append(plan.title))
    on = replace(target(), new_client=lambda service: clients[service])
    clusters, tables = {on.database.identifier}, _Tables({on.table.name})
    clients["dynamodb"] = tables.client()

    def describe(DBClusterIdentifier: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
        return _described(DBClusterIdentifier) if DBClusterIdentifier in clusters else _no_cluster()

    clients["rds"] = fake_client("rds", DescribeDBClusters=describe)
    succession = cli.Succession(on, Console())
    assert succession.aside == "dr-aurora-x1-lost"
    succession.restore("drill-r", "dr-transactions-x1-drill-r")
    assert [title.rpartition(" as ")[2] for title in carried] == ["drill-r", "dr-transactions-x1-drill-r"]
    clusters.add("drill-r")
    tables.names.add("copy")
    succession.take_over("drill-r", "copy")
    assert carried[2:] == [
        "DynamoDB: copy takes over as dr-transactions-x1", "Aurora: drill-r takes over as dr-aurora-x1",
    ]  # fmt: skip
    assert "aws cloudformation update-stack --stack-name Breakwater-x1" in capsys.readouterr().out


def test_a_new_value_reaches_the_cluster_and_the_tasks_and_nothing_else(deployment: Assembly) -> None:
    parameter = deployment.root.document["Parameters"][RESTORED_AT_PARAMETER]
    assert (parameter["Type"], parameter["Default"]) == ("String", "never")
    value = f"${{{RESTORED_AT_PARAMETER}}}"
    cluster = deployment.nested["Database"].one("AWS::RDS::DBCluster")
    tags = {tag["Key"]: deployment.text("Database", tag["Value"]) for tag in cluster["Tags"]}
    assert tags.pop("RestoredAt") == value
    assert tags.keys() == {str(key) for key in TagKey}
    for instance in deployment.nested["Database"].of_type("AWS::RDS::DBInstance").values():
        assert "RestoredAt" not in {tag["Key"] for tag in instance["Properties"]["Tags"]}
    container = deployment.nested["Compute"].one("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    environment = {each["Name"]: deployment.text("Compute", each["Value"]) for each in container["Environment"]}
    assert environment["DATABASE_RESTORED_AT"] == value
    users = {name for name, nested in deployment.nested.items() if RESTORED_AT_PARAMETER in str(nested.document)}
    assert users == {"Database", "Compute"}
