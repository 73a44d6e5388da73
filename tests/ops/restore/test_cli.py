"""`python -m ops restore`: its plan, its refusals, its progress, how to go back; and the plan of a table."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from ops import outputs
from ops.__main__ import main
from ops.connection import Connection
from ops.errors import OpsError
from ops.restore import cli, plan
from ops.restore.plan import Plan, Step
from ops.restore.table import Table
from stacks.names import OutputKey
from tests.fake_clients import ServiceError, fake_client

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ARN = "arn:aws:dynamodb:us-east-1:111111111111:table/base"
TABLE: Mapping[str, Any] = {
    "TableName": "base", "TableArn": ARN, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": True,
    "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "key"},
}  # fmt: skip
LOST = {OutputKey.TABLE_NAME: "gone", OutputKey.CLUSTER_IDENTIFIER: "gone", OutputKey.REGION: "us-east-1"}
RECOVERY = {
    "PointInTimeRecoveryStatus": "ENABLED",
    "RecoveryPeriodInDays": 35,
    "EarliestRestorableDateTime": NOW - timedelta(days=35),
    "LatestRestorableDateTime": NOW,
}


class Recorder:
    """DynamoDB with one table, which remembers what it was asked to change."""

    def __init__(self, table: Mapping[str, Any] = TABLE, recovery: Mapping[str, Any] = RECOVERY, **more: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._tables = {"base": dict(table)}
        described: dict[str, Any] = {
            "DescribeContinuousBackups": {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": recovery,
                }
            },
            "DescribeTimeToLive": {
                "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
            },
            "DescribeContributorInsights": {"ContributorInsightsStatus": "ENABLED"},
            "ListTagsOfResource": {"Tags": [{"Key": "Owner", "Value": "us"}, {"Key": "aws:x", "Value": "y"}]},
        } | more
        operations = {name: _answering(answer) for name, answer in described.items()}
        for name in (
            "UpdateTimeToLive", "UpdateContinuousBackups", "UpdateContributorInsights", "TagResource", "UpdateTable",
        ):  # fmt: skip
            operations[name] = self._remember(name)
        self.client = fake_client(
            "dynamodb", DescribeTable=self._describe, RestoreTableToPointInTime=self._restore, **operations
        )

    def _describe(self, TableName: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
        if TableName not in self._tables:
            raise ServiceError("ResourceNotFoundException")
        return {"Table": self._tables[TableName]}

    def _restore(self, **request: Any) -> Mapping[str, Any]:
        self.asked.append(("RestoreTableToPointInTime", request))
        self._tables[request["TargetTableName"]] = {"TableStatus": "ACTIVE"}
        return {}

    def _remember(self, name: str) -> Callable[..., Mapping[str, Any]]:
        def ask(**request: Any) -> Mapping[str, Any]:
            self.asked.append((name, request))
            return {}

        return ask


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    found = {OutputKey.TABLE_NAME: "base", OutputKey.CLUSTER_IDENTIFIER: "dr", OutputKey.REGION: "us-east-1"}
    monkeypatch.setattr(outputs, "deployed", lambda *_: found)
    monkeypatch.setattr(Connection, "client", lambda *_, **__: recorder.client)
    monkeypatch.setattr(cli, "POLL_SECONDS", 0.0)
    return recorder


def _answering(answer: Mapping[str, Any]) -> Callable[..., Mapping[str, Any]]:
    return lambda **_: answer


def _console() -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, width=200, emoji=False), shown


def test_a_table_comes_back_with_all_that_a_restore_loses_and_is_protected_last(
    dynamodb: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", "table", "--to", "2026-11-28T12:30:00+01:00", "--yes"]) == 0
    assert dynamodb.asked == [
        (
            "RestoreTableToPointInTime",
            {
                "SourceTableName": "base",
                "TargetTableName": "base-restored",
                "RestoreDateTime": datetime(2026, 11, 28, 11, 30, tzinfo=UTC),
                "SSESpecificationOverride": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "key"},
            },
        ),
        (
            "UpdateTimeToLive",
            {
                "TableName": "base-restored",
                "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires_at"},
            },
        ),
        (
            "UpdateContinuousBackups",
            {
                "TableName": "base-restored",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
            },
        ),
        ("UpdateContributorInsights", {"TableName": "base-restored", "ContributorInsightsAction": "ENABLE"}),
        ("TagResource", {"ResourceArn": f"{ARN}-restored", "Tags": [{"Key": "Owner", "Value": "us"}]}),
        ("UpdateTable", {"TableName": "base-restored", "DeletionProtectionEnabled": True}),
    ]
    shown = capsys.readouterr().out
    assert (
        "To go back:\n  aws dynamodb update-table --table-name base-restored --no-deletion-protection-enabled" in shown
    )
    assert "copy items back from base-restored" in shown


def test_what_the_table_does_not_have_is_not_asked_for() -> None:
    recorder = Recorder(
        {"TableName": "base", "TableArn": ARN, "TableStatus": "ACTIVE"},
        {"PointInTimeRecoveryStatus": "DISABLED"},
        DescribeTimeToLive={"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}},
        DescribeContributorInsights={"ContributorInsightsStatus": "DISABLED"},
        ListTagsOfResource={"Tags": []},
    )
    (step,) = Table(recorder.client, "base").plan(None, "copy").steps
    assert step.request == {
        "SourceTableName": "base",
        "TargetTableName": "copy",
        "UseLatestRestorableTime": True,
    }
    bare_key = Recorder({**TABLE, "SSEDescription": {"SSEType": "KMS"}})
    first, *_ = Table(bare_key.client, "base").plan(None, "copy").steps
    assert first.request["SSESpecificationOverride"] == {"Enabled": True, "SSEType": "KMS"}
    untold = Recorder(recovery={"PointInTimeRecoveryStatus": "ENABLED"})
    (turned_on,) = (
        step for step in Table(untold.client, "base").plan(None, "copy").steps if "recovery" in step.purpose
    )
    assert turned_on.request["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "2026-11-28T12:00:01Z"], "allowed is 2026-10-24T12:00:00Z to 2026-11-28T12:00:00Z, or latest"),
        (
            ["--to", "latest", "--as", "base"],
            "there is a table base already: choose another name with --as, or delete it",
        ),
        ([], "--to is needed for aurora and table, and only for them: give a time, or latest"),
        (["--to", "latest"], "there is no terminal to confirm on: add --yes"),
    ],
)
def test_a_refusal_is_one_line_and_nothing_is_done(
    dynamodb: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["restore", "table", *words]) == 1
    assert said in capsys.readouterr().err
    assert dynamodb.asked == []


@pytest.mark.parametrize("word", ["yesterday", "2026-11-28T12:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_needs_its_zone(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["restore", "table", "--to", word])
    assert f"{word!r} is not a time with its zone, e.g. 2026-01-31T12:34:56Z, or latest" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["bad name!", "1copy", "a--b", "a-", "ab", "x" * 64])
def test_a_name_that_no_copy_can_have_is_refused_before_anything_is_asked(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["restore", "table", "--to", "latest", "--as", word])
    assert f"{word!r} cannot be a name: allowed are 3 to 63 letters" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "asked"), [("table", 6), ("yes", 0)])
def test_a_person_types_what_is_restored(
    dynamodb: Recorder, monkeypatch: pytest.MonkeyPatch, word: str, asked: int
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: word)
    assert main(["restore", "table", "--to", "latest"]) == (0 if asked else 1)
    assert len(dynamodb.asked) == asked


@pytest.mark.usefixtures("dynamodb")
def test_a_lost_table_leads_to_the_vault_and_what_aws_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(outputs, "deployed", lambda *_: LOST)
    assert main(["restore", "table", "--to", "latest", "--yes"]) == 1
    assert capsys.readouterr().err == "error: there is no table gone: restore it from the vault, see docs/runbook.md\n"
    denied = fake_client("dynamodb", DescribeTable=_refuse("AccessDeniedException"))
    monkeypatch.setattr(Connection, "client", lambda *_, **__: denied)
    assert main(["restore", "table", "--to", "latest", "--yes"]) == 1
    assert "error: DescribeTable: AccessDeniedException: as the test says" in capsys.readouterr().err
    monkeypatch.setattr(Connection, "client", _unreachable)
    assert main(["restore", "aurora", "--to", "latest", "--yes"]) == 1
    assert "error: AWS cannot be reached: " in capsys.readouterr().err


def _refuse(code: str) -> Callable[..., Mapping[str, Any]]:
    def refuse(**_: Any) -> Mapping[str, Any]:
        raise ServiceError(code)

    return refuse


def _unreachable(*_: Any, **__: Any) -> Any:
    raise EndpointConnectionError(endpoint_url="https://nowhere")


@pytest.mark.usefixtures("dynamodb")
def test_a_refused_request_says_how_to_go_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Plan, "_carry_out", lambda *_: (_ for _ in ()).throw(OpsError("update_table: refused")))
    assert main(["restore", "table", "--to", "latest", "--yes"]) == 1
    shown = capsys.readouterr()
    assert shown.out.count("To go back:") == 2
    assert shown.err == "error: update_table: refused\n"


def test_a_step_that_never_ends_a_refusal_and_no_network_are_errors_of_their_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console, shown = _console()
    client = fake_client("dynamodb", UpdateTable=lambda **_: {}, DeleteTable=_refuse("ResourceInUseException"))
    monkeypatch.setattr(plan, "TIMEOUT_SECONDS", 0.0)
    step = Step("change it", "update_table", {"TableName": "base", "BillingMode": "PROVISIONED"}, lambda: False)
    with pytest.raises(OpsError, match=r"^update_table had no effect within 0 hours: see the events"):
        Plan("t", client, [step], []).carry_out(console, poll_seconds=0.0)
    assert "1/1 change it" in shown.getvalue()
    step = Step("delete it", "delete_table", {"TableName": "base"})
    with pytest.raises(OpsError, match=r"^delete_table: ResourceInUseException: as the test says$"):
        Plan("t", client, [step], []).carry_out(console, poll_seconds=0.0)

    class Away:
        delete_table = staticmethod(_unreachable)

    with pytest.raises(OpsError, match=r"^delete_table: AWS cannot be reached: "):
        Plan("t", Away(), [step], []).carry_out(console, poll_seconds=0.0)
