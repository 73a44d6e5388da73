"""The answers in DynamoDB: written many at once, and nobody waits for them."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from breakwater_service.replays import Replays
from breakwater_service.transfers import Transfer
from tests.service.harness import TABLE, Postgres, kept_item, settings_for

pytestmark = pytest.mark.xdist_group("service")
KEPT = Transfer("b7d1c1f4-0000-4000-8000-000000000000", 1, 2, 5)


@pytest.fixture
def replays(postgres: Postgres) -> Replays:
    """Return the answers of a service that does not run."""
    return Replays(settings_for(postgres))


@pytest.fixture
def batches(replays: Replays) -> list[list[str]]:
    """Return the keys of each batch that is sent from now on."""
    sent: list[list[str]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        sent.append([each["PutRequest"]["Item"]["pk"]["S"] for each in params["RequestItems"][TABLE]])

    replays._dynamodb.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", note)
    return sent


def test_answers_are_written_together_and_each_key_once(replays: Replays, batches: list[list[str]]) -> None:
    for number in range(60):
        replays.keep(f"together-{number % 55}", KEPT)
    assert batches == []
    asyncio.run(replays.write())
    assert list(map(len, batches)) == [25, 25, 5]
    assert asyncio.run(replays.find("together-54")) == KEPT
    asyncio.run(replays.write())
    assert len(batches) == 3


def test_what_the_table_has_no_capacity_for_is_written_later(replays: Replays, batches: list[list[str]]) -> None:
    def refuse_all_but_one(parsed: dict[str, Any], **_: object) -> None:
        left = [{"PutRequest": {"Item": {"pk": {"S": key}}}} for key in batches[-1][1:]]
        parsed["UnprocessedItems"] = {TABLE: left} if left else {}

    replays._dynamodb.meta.events.register("after-call.dynamodb.BatchWriteItem", refuse_all_but_one)
    for key in ("first", "second", "third"):
        replays.keep(key, KEPT)
    for _ in range(4):
        asyncio.run(replays.write())
    assert [[key.removeprefix("idempotency#") for key in batch] for batch in batches] == [
        ["first", "second", "third"],
        ["second", "third"],
        ["third"],
    ]


def test_no_more_wait_than_a_thousand(replays: Replays, batches: list[list[str]]) -> None:
    for number in range(1001):
        replays.keep(f"many-{number}", KEPT)
    asyncio.run(replays.write())
    assert sum(map(len, batches)) == 1000
    assert kept_item("many-999")
    assert not kept_item("many-1000")


def test_a_table_that_fails_is_left_out_for_five_seconds(
    replays: Replays, batches: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now, time=time.time)
    monkeypatch.setattr("breakwater_service.replays.time", clock)
    monkeypatch.setattr(replays, "_table", "of-nobody")
    replays._dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", lambda **_: batches.append([]))
    assert asyncio.run(replays.find("any")) is None
    assert len(batches) == 1
    monkeypatch.setattr(replays, "_table", TABLE)
    replays.keep("silent", KEPT)
    now = 1004.9
    asyncio.run(replays.write())
    assert asyncio.run(replays.find("silent")) is None
    assert len(batches) == 1, "what waits then is lost, as all that fails is"
    now = 1005.1
    assert asyncio.run(replays.find("silent")) is None
    assert len(batches) == 2
