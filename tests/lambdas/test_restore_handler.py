"""The handler of the restore validation: its events, its variables, and the jobs that it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from common.environment import ConfigurationError
from restore_validation import handler
from restore_validation.jobs import RestoreJob, read_job
from restore_validation.logic import Expectation
from restore_validation.validation import _judge
from tests.fake_clients import ServiceError, fake_client
from tests.lambdas.account import LambdaContext
from tests.lambdas.restore_fakes import CLUSTER_ARN, JOB, at, describe_job
from tests.lambdas.restore_harness import (
    EVENT,
    VARIABLES,
    RestoreHarness,
)


def test_another_resource_type_fails(restore: RestoreHarness) -> None:
    restore.backup.job = describe_job("S3", "arn:aws:s3:::awsbackup-restore-test-1")
    restore.deliver_until_done()
    assert restore.result() == ("FAILED", "S3 cannot be validated: only Aurora and DynamoDB can")
    assert "RestoreTestRpoSeconds" not in restore.metrics()


@pytest.mark.parametrize(
    "changes",
    [
        {"CreatedBy": {}},
        {"Status": "FAILED"},
        {"Status": "ABORTED"},
        {"CreatedResourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"},
    ],
)
def test_another_job_is_ignored(restore: RestoreHarness, changes: dict[str, Any]) -> None:
    restore.backup.job = describe_job("Aurora", CLUSTER_ARN, **changes)
    assert restore.deliver() == []
    assert restore.rds.changes == []
    assert restore.backup.results == []


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_a_restore_that_is_not_complete_yet_is_waited_for(restore: RestoreHarness, status: str) -> None:
    restore.backup.job |= {"Status": status, "CreatedResourceArn": ""}
    assert restore.deliver() == ["m"]
    assert handler.handle(EVENT, LambdaContext())["note"] == f"{JOB}: the restore is {status}"
    assert restore.rds.changes == []
    restore.backup.job |= {"Status": "COMPLETED", "CreatedResourceArn": CLUSTER_ARN}
    restore.deliver_until_done()
    assert restore.result()[0] == "SUCCESSFUL"


def test_a_job_with_only_the_required_attributes_is_ignored(restore: RestoreHarness) -> None:
    restore.backup.job = {"RestoreJobId": JOB, "Status": "PENDING", "CreationDate": at(-10)}
    began = at(-10).timestamp()
    assert read_job(fake_client("backup", DescribeRestoreJob=lambda **_: restore.backup.job), JOB) == RestoreJob(
        identifier=JOB, plan_arn="", resource_type="", resource_arn="", status="PENDING", validation_status="",
        created_at=began, completed_at=began, recovery_point_at=None,
    )  # fmt: skip
    assert restore.deliver() == []
    assert restore.backup.results == []


def test_a_missing_job_is_ignored(restore: RestoreHarness) -> None:
    restore.backup.job = {}
    assert restore.deliver() == []


def test_an_event_without_a_job_is_ignored(restore: RestoreHarness) -> None:
    assert handler.handle({"Records": [{"messageId": "m", "body": "{}"}]}, LambdaContext()) == {"batchItemFailures": []}
    assert restore.backup.results == []
    events: tuple[dict[str, Any], ...] = ({}, {"detail": {}}, {"detail": {"restoreJobId": ""}})
    for event in events:
        progress = handler.advance(event)
        assert (progress.finished, progress.note) == (True, "ignored: the event has no restoreJobId")


def test_a_message_that_fails_does_not_affect_the_others(
    restore: RestoreHarness, caplog: pytest.LogCaptureFixture
) -> None:
    restore.rds.status = ""
    event = {
        "Records": [
            {"messageId": "broken", "body": "{"},
            {"messageId": "good", "body": json.dumps(EVENT)},
        ]
    }
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert restore.result()[0] == "FAILED"
    broken, good = caplog.records
    assert (broken.levelname, broken.getMessage()) == (
        "WARNING",
        "message broken failed and will be delivered again",
    )
    assert broken.exc_info is not None
    assert broken.exc_info[0] is json.JSONDecodeError
    assert good.getMessage() == f"{JOB}: FAILED, the restored cluster does not exist"
    assert (vars(good)["message_id"], vars(good)["finished"]) == ("good", True)


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="https://a"), ClientError({"Error": {}}, "Ask")])
@pytest.mark.parametrize(("seconds_left", "judged"), [(0.001, False), (1.0, False), (0.0, True), (-1.0, True)])
def test_an_error_is_the_result_from_the_deadline_on(error: Exception, *, seconds_left: float, judged: bool) -> None:
    def read() -> Any:
        raise error

    job = read_job(fake_client("backup", DescribeRestoreJob=lambda **_: describe_job("Aurora", CLUSTER_ARN)), JOB)
    assert job is not None
    if judged:
        assert not _judge(job, read, Expectation(1, None), seconds_left).successful
    else:
        with pytest.raises(type(error)):
            _judge(job, read, Expectation(1, None), seconds_left)


def test_a_message_is_delivered_again_after_a_timeout(restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(_service: str, **_: int) -> Any:
        raise ConnectTimeoutError(endpoint_url="https://backup.us-east-1.amazonaws.com")

    monkeypatch.setattr(handler, "client", time_out)
    assert restore.deliver() == ["m"]


def test_people_may_invoke_it_with_the_event(restore: RestoreHarness) -> None:
    response = handler.handle(EVENT, LambdaContext())
    assert response == {"finished": False, "note": f"{JOB}: set-capacity, since the cluster has no capacity range"}
    assert restore.rds.changes == ["ModifyDBCluster"]


def test_people_see_the_error_of_aws(restore: RestoreHarness) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise ServiceError("ServiceUnavailableException")

    restore.replace_client("backup", fake_client("backup", DescribeRestoreJob=refuse))
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        handler.handle(EVENT, LambdaContext())


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_an_error_names_the_missing_variable(
    restore: RestoreHarness, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        restore.deliver()
