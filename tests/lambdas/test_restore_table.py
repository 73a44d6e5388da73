"""Validation of a restored table, from the first message to the reported result."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from restore_validation.logic import ValidationResult
from restore_validation.results import ResultStore
from restore_validation.table import RestoredTable
from tests.fake_clients import ServiceError, fake_client
from tests.lambdas.restore_fakes import NOW, TABLE_ARN, describe_job
from tests.lambdas.restore_harness import (
    DEADLINE_SECONDS,
    DELIVERIES_UNTIL_DEADLINE,
    RestoreHarness,
)

READ_TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")


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
        (6, 20, ("SUCCESSFUL", "6 items, 6 with data in the part that was read")),
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
        ([9000, 300, *[9000] * 8], "SUCCESSFUL", ", the latest 300 s older than the recovery point", 300),
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
    for seconds_left in (DEADLINE_SECONDS - 300, 1):
        restore.now = NOW - 300 + DEADLINE_SECONDS - seconds_left
        assert restore.deliver() == ["m"]
    restore.now += 1
    assert restore.deliver() == []
    assert restore.result() == ("FAILED", "not ready before the deadline: the table is CREATING")


@pytest.mark.parametrize(("attribute", "read"), [("", {"pk"}), ("at", {"pk", "at"})])
def test_a_scan_reads_no_more_than_is_judged(attribute: str, read: set[str]) -> None:
    """DynamoDB refuses an expression with a name that is not given, and a name that no expression has."""
    asked: list[dict[str, Any]] = []

    def scan(**request: Any) -> dict[str, Any]:
        asked.append(request)
        return {"Items": []}

    RestoredTable(fake_client("dynamodb", Scan=scan), "copy", attribute, 1).read_contents()
    (request,) = asked
    names, projected = request["ExpressionAttributeNames"], request["ProjectionExpression"].split(", ")
    assert {names[name] for name in projected} == read
    assert set(names) == {*projected, *re.findall(r"#\w+", request["FilterExpression"])}


def test_a_message_is_delivered_again_after_an_error_of_dynamodb(restore: RestoreHarness) -> None:
    def fail(**_: Any) -> dict[str, Any]:
        raise ServiceError("ThrottlingException")

    restore.backup.job = describe_job("DynamoDB", TABLE_ARN)
    restore.replace_client("dynamodb", fake_client("dynamodb", DescribeTable=fail))
    assert restore.deliver() == ["m"]


def test_a_result_is_kept_for_a_month_and_read_consistently() -> None:
    asked: list[dict[str, Any]] = []

    def answer(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return {}

    results = ResultStore(fake_client("dynamodb", PutItem=answer, GetItem=answer), "table", "expires_at")
    results.save("job", ValidationResult(True, "12 tables", 4.5), 1_000_000.7)
    assert results.find("job") is None
    key = {"pk": {"S": "operations#restore"}, "sk": {"S": "job"}}
    item = {
        "successful": {"BOOL": True},
        "message": {"S": "12 tables"},
        "rpo_seconds": {"N": "4.5"},
        "expires_at": {"N": str(1_000_000 + 30 * 86400)},
    }
    assert asked == [
        {"TableName": "table", "Item": key | item},
        {"TableName": "table", "Key": key, "ConsistentRead": True},
    ]
