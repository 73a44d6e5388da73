"""Validation of a restored DynamoDB table, from the first message to the reported result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake_clients import ServiceError, fake_client
from tests.lambdas.restore_fakes import NOW, TABLE_ARN, describe_job
from tests.lambdas.restore_harness import DELIVERIES_UNTIL_DEADLINE, RestoreHarness


def test_a_table_with_items_succeeds(restore: RestoreHarness) -> None:
    restore.restore_table({}, {})
    assert restore.deliver_until_done() == 1
    assert restore.result() == ("SUCCESSFUL", "2 items, 2 with data")


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


def test_only_the_first_pages_of_a_large_table_are_read(
    restore: RestoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restore_validation.table.PAGE_SIZE", 2)
    monkeypatch.setattr("restore_validation.table.MAX_PAGES", 3)
    restore.restore_table(*({} for _ in range(9)))
    restore.deliver_until_done()
    assert restore.result() == ("SUCCESSFUL", "6 items, 6 with data")


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
