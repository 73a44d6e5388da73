"""The monitor's state, and its notifications: one for each change, even if runs overlap."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from health_monitor.logic import Assessment, Component, Health
from health_monitor.notification import message, subject
from health_monitor.state import MOST_UNSENT, HealthChange, MonitorState, StateStore
from tests.fake_clients import ServiceError, stubbed_client
from tests.lambdas.account import TABLE, FakeAccount, MemoryTable

NOW = 1_800_000_000.0
FINE = {component: Assessment(Health.HEALTHY) for component in Component}
SICK = FINE | {Component.DATABASE: Assessment(Health.UNHEALTHY, ("the cluster is failing-over",))}
CHANGE = HealthChange(Component.DATABASE, Health.HEALTHY, Health.UNHEALTHY, NOW, ("the cluster is failing-over",))


@pytest.fixture
def store(account: FakeAccount) -> StateStore:
    """Provide a store that is empty."""
    return StateStore(account.client("dynamodb"), TABLE)


def test_the_first_run_reports_only_problems() -> None:
    assert MonitorState().after(FINE, NOW).unsent == ()
    assert MonitorState().after(SICK, NOW).unsent == (CHANGE,)


def test_unchanged_health_is_reported_once_and_keeps_its_start() -> None:
    first = MonitorState().after(SICK, NOW).sent()
    second = first.after(SICK, NOW + 60)
    assert second.unsent == ()
    assert second.since == dict.fromkeys(Component, NOW)


def test_a_change_holds_the_start_of_the_previous_health() -> None:
    state = MonitorState().after(SICK, NOW).sent().after(SICK, NOW + 60).after(FINE, NOW + 120)
    assert state.unsent == (HealthChange(Component.DATABASE, Health.UNHEALTHY, Health.HEALTHY, NOW, ()),)
    assert state.since[Component.DATABASE] == NOW + 120
    assert state.since[Component.TABLE] == NOW


def test_unsent_changes_are_kept() -> None:
    state = MonitorState().after(SICK, NOW).after(FINE, NOW + 60)
    assert [change.after for change in state.unsent] == [Health.UNHEALTHY, Health.HEALTHY]


@pytest.mark.parametrize(("runs", "kept", "dropped"), [(59, 59, 0), (60, 60, 0), (61, 60, 1), (1440, 60, 1380)])
def test_of_changes_that_cannot_be_sent_the_latest_are_kept_and_the_others_counted(
    store: StateStore, runs: int, kept: int, dropped: int
) -> None:
    state = MonitorState()
    for minute in range(runs):
        state = state.after(FINE if minute % 2 else SICK, NOW + 60 * minute)
    assert (len(state.unsent), state.dropped) == (kept, dropped)
    assert state.unsent[-1].since == NOW + 60 * max(0, runs - 2)
    assert store.save(replace(state, version=1))
    assert store.load() == replace(state, version=1)
    assert (state.sent().unsent, state.sent().dropped) == ((), 0)


@given(st.integers(1, MOST_UNSENT), st.text(min_size=1, max_size=30), st.integers(1, 400), st.integers(0, 10**9))
def test_sns_accepts_every_message(changes: int, reason: str, length: int, dropped: int) -> None:
    change = replace(CHANGE, reasons=(reason * length,) * 3)
    found = message([change] * changes, dropped)
    size = len(found.encode())
    assert 0 < size <= 262_144
    assert size > 262_140 or found.count("What to do") == changes


def test_changes_that_cannot_be_reported_any_more_are_counted_first() -> None:
    first, _, rest = message([CHANGE], 17).partition("\n\n")
    assert first == "Not listed, because they could not be sent in time: 17 earlier changes."
    assert rest == message([CHANGE])
    assert "Not listed" not in rest


def test_what_only_another_version_knows_is_left_out_and_its_changes_counted(
    account: FakeAccount, store: StateStore
) -> None:
    store.save(MonitorState().after(SICK, NOW))
    names = {"database": 3, "queue": 0, "table": 9}
    changes = [
        ["database", 0, 3, NOW, ["x"]],
        ["queue", 0, 3, NOW, []],
        ["table", 0, 9, NOW, []],
        ["table", 9, 0, 1, []],
    ]
    stored = {"health": names, "since": dict.fromkeys(names, NOW), "unsent": changes}
    account.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "operations#health"}, "sk": {"S": "state"}},
        UpdateExpression="SET health = :health, since = :since, unsent = :unsent REMOVE dropped",
        ExpressionAttributeValues={f":{name}": {"S": json.dumps(value)} for name, value in stored.items()},
    )
    state = store.load()
    assert state.health == {Component.DATABASE: Health.UNHEALTHY}
    assert state.since == {Component.DATABASE: NOW, Component.TABLE: NOW}
    assert state.unsent == (HealthChange(Component.DATABASE, Health.HEALTHY, Health.UNHEALTHY, NOW, ("x",)),)
    assert state.dropped == 3
    assert store.save(state.after(FINE, NOW + 60))


@given(
    st.lists(
        st.fixed_dictionaries({component: st.sampled_from(Health) for component in Component}), min_size=1, max_size=8
    )
)
def test_reported_changes_add_up_to_the_current_health(runs: list[dict[Component, Health]]) -> None:
    state, reported = MonitorState(), dict.fromkeys(Component, Health.HEALTHY)
    for minute, run in enumerate(runs):
        state = state.after({each: Assessment(health) for each, health in run.items()}, NOW + 60 * minute)
        for change in state.unsent:
            assert reported[change.component] is change.before is not change.after
            reported[change.component] = change.after
        assert reported == run == state.health
        state = state.sent()
    assert state.version == 2 * len(runs)


def test_a_state_is_loaded_as_it_was_saved(store: StateStore) -> None:
    assert store.load() == MonitorState()
    state = MonitorState().after(SICK, NOW)
    assert store.save(state)
    assert store.load() == state


def test_a_state_that_another_run_has_just_saved_is_read() -> None:
    table = MemoryTable()  # refuses a read that may be outdated
    state = MonitorState().after(SICK, NOW)
    assert StateStore(table, TABLE).save(state)
    assert StateStore(table, TABLE).load() == state


def test_of_two_concurrent_runs_one_saves_its_state(store: StateStore) -> None:
    before = store.load()
    assert store.save(before.after(SICK, NOW))
    assert not store.save(before.after(FINE, NOW + 1))
    assert store.load().health[Component.DATABASE] is Health.UNHEALTHY


def test_another_error_is_raised() -> None:
    client = stubbed_client("dynamodb", ("put_item", ServiceError("ProvisionedThroughputExceededException")))
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        StateStore(client, TABLE).save(MonitorState().after(FINE, NOW))


def test_the_notification_says_what_since_when_why_and_what_to_do() -> None:
    assert subject([CHANGE], "Breakwater-eu1") == "Breakwater-eu1: database unhealthy"
    assert message([CHANGE]).splitlines() == [
        "database: healthy -> unhealthy (healthy since 2027-01-15T08:00:00+00:00)",
        "  - the cluster is failing-over",
        "  What to do: docs/runbook.md#health-database",
    ]


def test_several_changes_make_one_notification() -> None:
    both = [CHANGE, HealthChange(Component.TABLE, Health.UNKNOWN, Health.HEALTHY, NOW, ())]
    assert subject(both, "Breakwater-eu1") == "Breakwater-eu1: database unhealthy, table healthy"
    assert message(both).count("What to do") == 2


@given(st.lists(st.sampled_from(Component), min_size=1), st.text("abc-", max_size=23))
def test_sns_accepts_every_subject(components: list[Component], stack: str) -> None:
    found = subject([HealthChange(each, Health.HEALTHY, Health.UNHEALTHY, NOW, ()) for each in components], stack)
    assert 0 < len(found) <= 100
    assert found.isascii()
    assert "\n" not in found


def test_the_item_has_a_partition_of_its_own(account: FakeAccount, store: StateStore) -> None:
    store.save(MonitorState().after(FINE, NOW))
    items: list[dict[str, Any]] = account.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert [(item["pk"]["S"], item["sk"]["S"]) for item in items] == [("operations#health", "state")]
