"""The handler of the restore validation, and how it reads a restored table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from common.environment import ConfigurationError
from restore_validation import handler
from tests.fake_clients import ServiceError, fake_client
from tests.lambdas.account import LambdaContext
from tests.lambdas.restore_fakes import CLUSTER_ARN, JOB, NOW, TABLE_ARN, at, describe_job
from tests.lambdas.restore_harness import DELIVERIES_UNTIL_DEADLINE, EVENT, VARIABLES, RestoreHarness

READ_TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")


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
    assert restore.deliver() == []
    assert restore.backup.results == []


def test_a_missing_job_is_ignored(restore: RestoreHarness) -> None:
    restore.backup.job = {}
    assert restore.deliver() == []


def test_an_event_without_a_job_is_ignored(restore: RestoreHarness) -> None:
    assert handler.handle({"Records": [{"messageId": "m", "body": "{}"}]}, LambdaContext()) == {"batchItemFailures": []}
    assert restore.backup.results == []


def test_a_message_that_fails_does_not_affect_the_others(restore: RestoreHarness) -> None:
    restore.rds.status = ""
    event = {
        "Records": [
            {"messageId": "broken", "body": "{"},
            {"messageId": "good", "body": json.dumps(EVENT)},
        ]
    }
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert restore.result()[0] == "FAILED"


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


def test_a_table_with_items_succeeds(restore: RestoreHarness) -> None:
    restore.restore_table({}, {})
    assert restore.deliver_until_done() == 1
    assert restore.result() == ("SUCCESSFUL", "2 items, 2 with data")


def test_a_table_whose_result_others_have_set_needs_no_closing(restore: RestoreHarness) -> None:
    restore.backup.job = describe_job("DynamoDB", TABLE_ARN, ValidationStatus="TIMED_OUT")
    assert restore.deliver() == []
    assert restore.backup.results == []


def test_items_of_the_functions_do_not_count(restore: RestoreHarness) -> None:
    restore.restore_table({"pk": {"S": "operations#health"}})
    restore.deliver_until_done()
    assert restore.result() == ("FAILED", "0 items, 0 with data: at least 1 must hold data")


def test_the_latest_item_is_read_if_an_attribute_is_configured(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_ATTRIBUTE", "at")
    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    times = [{"at": {"N": str(NOW - 4500 - age)}} for age in (90, 20, 50)]
    restore.restore_table(*times, {"at": {"S": "yesterday"}}, {})
    restore.deliver_until_done()
    assert restore.result() == ("SUCCESSFUL", "5 items, 5 with data, the latest 20 s older than the recovery point")


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page hold two items, three pages be enough, and five pages be all that there is time for."""
    for name, value in (("PAGE_SIZE", 2), ("ENOUGH_PAGES", 3), ("MOST_PAGES", 5)):
        monkeypatch.setattr(f"restore_validation.table.{name}", value)


@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize(
    ("minimum", "items", "result"),
    [
        (1, 9, ("SUCCESSFUL", "6 items, 6 with data in the part that was read")),
        (1, 5, ("SUCCESSFUL", "5 items, 5 with data")),
        (7, 20, ("SUCCESSFUL", "8 items, 8 with data in the part that was read")),
        (7, 7, ("SUCCESSFUL", "7 items, 7 with data")),
        (7, 6, ("FAILED", "6 items, 6 with data: at least 7 must hold data")),
        (11, 20, ("FAILED", "10 items, 10 with data in the part that was read: at least 11 must hold data")),
    ],
)
def test_more_than_the_first_pages_are_read_only_if_they_hold_too_few_items(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch, minimum: int, items: int, result: tuple[str, str]
) -> None:
    monkeypatch.setenv("MINIMUM_ITEMS", str(minimum))
    restore.restore_table(*({} for _ in range(items)))
    restore.deliver_until_done()
    assert restore.result() == result


@pytest.mark.usefixtures("pages_of_two")
@pytest.mark.parametrize(
    ("ages", "status", "ending", "rpo"),
    [
        ([9000] * 6 + [1], "SUCCESSFUL", "; times not judged: the latest may be in another part", 3600),
        ([None] * 6 + [1], "SUCCESSFUL", "; times not judged: the latest may be in another part", 3600),
        ([9000] * 5 + [1], "SUCCESSFUL", ", the latest 1 s older than the recovery point", 1),
        ([9000, 20, *[9000] * 8], "SUCCESSFUL", ", the latest 20 s older than the recovery point", 20),
        ([9000] * 5, "FAILED", "the latest 9000 s older than the recovery point: at most 300 s are allowed", 9000),
        ([9000] * 5 + [-9e12], "FAILED", "times must be seconds since 1970, and none in the future", None),
    ],
)
def test_times_in_a_part_of_a_table_prove_only_that_data_is_recent_enough_or_of_the_future(
    restore: RestoreHarness,
    monkeypatch: pytest.MonkeyPatch,
    ages: list[float | None],
    status: str,
    ending: str,
    rpo: float | None,
) -> None:
    monkeypatch.setenv("CHECK_ATTRIBUTE", "at")
    restore.restore_table(*({} if age is None else {"at": {"N": str(NOW - 4500 - age)}} for age in ages))
    restore.deliver_until_done()
    found, message = restore.result()
    assert (found, message[-len(ending) :]) == (status, ending)
    assert restore.metrics().get("RestoreTestRpoSeconds") == rpo


@pytest.mark.parametrize("error", [READ_TIMEOUT, ServiceError("ThrottlingException")])
def test_a_table_that_does_not_answer_fails_at_the_deadline(restore: RestoreHarness, error: Exception) -> None:
    def fail(**_: Any) -> dict[str, Any]:
        raise error

    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    active = {"Table": {"TableStatus": "ACTIVE"}}
    restore.replace_client("dynamodb", fake_client("dynamodb", DescribeTable=lambda **_: active, Scan=fail))
    assert restore.deliver_until_done() > DELIVERIES_UNTIL_DEADLINE
    status, message = restore.result()
    assert status == "FAILED"
    assert message.startswith(f"the copy could not be read: {getattr(error, 'code', 'ReadTimeoutError')}: ")


def test_a_missing_table_fails(restore: RestoreHarness) -> None:
    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    restore.deliver_until_done()
    assert restore.result() == ("FAILED", "the restored table does not exist")


def test_a_table_that_is_not_ready_is_waited_for_until_the_deadline(restore: RestoreHarness) -> None:
    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    restore.replace_client(
        "dynamodb", fake_client("dynamodb", DescribeTable=lambda **_: {"Table": {"TableStatus": "CREATING"}})
    )
    assert restore.deliver_until_done() > DELIVERIES_UNTIL_DEADLINE
    assert restore.result() == ("FAILED", "not ready before the deadline: the table is CREATING")


def test_a_message_is_delivered_again_after_an_error_of_dynamodb(restore: RestoreHarness) -> None:
    def fail(**_: Any) -> dict[str, Any]:
        raise ServiceError("ThrottlingException")

    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    restore.replace_client("dynamodb", fake_client("dynamodb", DescribeTable=fail))
    assert restore.deliver() == ["m"]
