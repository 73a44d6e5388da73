"""Restore validation as Lambda runs it, from the event to the result."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from common.environment import ConfigurationError
from restore_validation import handler
from tests.lambdas.answers import RefusedError
from tests.lambdas.restore_world import EVENT, VARIABLES, RestoreWorld, published
from tests.lambdas.restored import CLUSTER_ARN, JOB, at, job
from tests.lambdas.world import Context


def test_a_type_without_a_check_fails(world: RestoreWorld) -> None:
    world.backup.job = job("S3", "arn:aws:s3:::awsbackup-restore-test-1")
    world.until_done()
    assert world.result() == ("FAILED", "no check is written for S3")
    assert "RestoreTestRpoSeconds" not in published()


@pytest.mark.parametrize(
    "changes",
    [
        {"CreatedBy": {}},
        {"Status": "RUNNING"},
        {"ValidationStatus": "SUCCESSFUL"},
        {"CreatedResourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"},
    ],
)
def test_another_job_is_left_alone(world: RestoreWorld, changes: dict[str, Any]) -> None:
    world.backup.job = job("Aurora", CLUSTER_ARN, **changes)
    assert world.again() == []
    assert world.rds.did == []
    assert world.backup.results == []


def test_a_job_with_the_least_that_aws_backup_tells(world: RestoreWorld) -> None:
    world.backup.job = {"RestoreJobId": JOB, "Status": "PENDING", "CreationDate": at(-10)}
    assert world.again() == []
    assert world.backup.results == []


def test_a_job_that_is_gone_is_left_alone(world: RestoreWorld) -> None:
    world.backup.job = {}
    assert world.again() == []


def test_an_event_without_a_job_is_left_alone(world: RestoreWorld) -> None:
    assert handler.handle({"Records": [{"messageId": "m", "body": "{}"}]}, Context()) == {"batchItemFailures": []}
    assert world.backup.results == []


def test_one_message_that_fails_does_not_stop_the_others(world: RestoreWorld) -> None:
    world.rds.status = ""
    event = {
        "Records": [
            {"messageId": "broken", "body": "{"},
            {"messageId": "good", "body": json.dumps(EVENT)},
        ]
    }
    assert handler.handle(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert world.result()[0] == "FAILED"


def test_an_endpoint_that_does_not_answer_comes_again(world: RestoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(_service: str) -> Any:
        raise ConnectTimeoutError(endpoint_url="https://backup.us-east-1.amazonaws.com")

    monkeypatch.setattr(handler, "client", time_out)
    assert world.again() == ["m"]


def test_people_may_invoke_it_with_the_event_itself(world: RestoreWorld) -> None:
    answer = handler.handle(EVENT, Context())
    assert answer == {"finished": False, "note": f"{JOB}: let-scale, since the cluster has no capacity range"}
    assert world.rds.did == ["ModifyDBCluster"]


def test_and_are_told_what_aws_refused(world: RestoreWorld) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise RefusedError("ServiceUnavailableException")

    world.backup.operations = lambda: {"DescribeRestoreJob": refuse}  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        handler.handle(EVENT, Context())


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_variable_that_is_missing_is_named(world: RestoreWorld, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.backup.results == []
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        world.again()
