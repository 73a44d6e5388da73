"""Restore validation of a DynamoDB table: waited for, read, told."""

from __future__ import annotations

from typing import Any

import pytest

from restore_validation import handler
from tests.lambdas.answers import RefusedError, answering
from tests.lambdas.restore_world import RestoreWorld, restored_table
from tests.lambdas.restored import NOW, TABLE_ARN, job


def test_a_table_with_items_is_proved(world: RestoreWorld) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    restored_table({}, {})
    assert world.until_done() == 1
    assert world.result() == ("SUCCESSFUL", "2 items, 2 with data")


def test_what_the_functions_keep_there_themselves_proves_nothing(world: RestoreWorld) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    restored_table({"pk": {"S": "operations#health"}})
    world.until_done()
    assert world.result() == ("FAILED", "0 items, 0 with data: at least 1 must hold data")


def test_the_newest_item_is_looked_for_where_an_attribute_is_configured(
    world: RestoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_ATTRIBUTE", "at")
    world.backup.job = job("DynamoDB", TABLE_ARN)
    times = [{"at": {"N": str(NOW - 4500 - age)}} for age in (90, 20, 50)]
    restored_table(*times, {"at": {"S": "yesterday"}}, {})
    world.until_done()
    assert world.result() == ("SUCCESSFUL", "5 items, 5 with data, the newest from 20 s before the recovery point")


def test_of_a_large_table_only_the_first_pages_are_read(world: RestoreWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restore_validation.table.ITEMS_ON_A_PAGE", 2)
    monkeypatch.setattr("restore_validation.table.PAGES", 3)
    world.backup.job = job("DynamoDB", TABLE_ARN)
    restored_table(*({} for _ in range(9)))
    world.until_done()
    assert world.result() == ("SUCCESSFUL", "6 items, 6 with data")


def test_a_table_that_is_gone_fails(world: RestoreWorld) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    world.until_done()
    assert world.result() == ("FAILED", "the restored table is gone")


def _table_that_is(status: str, monkeypatch: pytest.MonkeyPatch, world: RestoreWorld) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    slow = answering("dynamodb", DescribeTable=lambda **_: {"Table": {"TableStatus": status}})
    given = handler.client
    monkeypatch.setattr(handler, "client", lambda service: slow if service == "dynamodb" else given(service))


def test_a_table_that_is_not_there_yet_is_waited_for_until_the_deadline(
    world: RestoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    _table_that_is("CREATING", monkeypatch, world)
    assert world.until_done() > 30
    assert world.result() == ("FAILED", "not opened in time: the table is CREATING")


def test_a_table_that_dynamodb_does_not_describe_comes_again(
    world: RestoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise RefusedError("ThrottlingException")

    world.backup.job = job("DynamoDB", TABLE_ARN)
    given, throttled = handler.client, answering("dynamodb", DescribeTable=refuse)
    monkeypatch.setattr(handler, "client", lambda service: throttled if service == "dynamodb" else given(service))
    assert world.again() == ["m"]
