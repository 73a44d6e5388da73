"""What the monitor remembers, and whom it tells: once for each change, whoever else runs at the same time."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from common import clients
from health_monitor.logic import Component, Health, Judgement
from health_monitor.notice import message, subject
from health_monitor.state import Change, State, Store
from tests.lambdas.stubs import Refusal, stubbed
from tests.lambdas.world import TABLE, Calls, make_table

NOW = 1_800_000_000.0
FINE = {component: Judgement(Health.HEALTHY) for component in Component}
SICK = FINE | {Component.DATABASE: Judgement(Health.UNHEALTHY, ("the cluster is failing-over",))}
CHANGE = Change(Component.DATABASE, Health.HEALTHY, Health.UNHEALTHY, NOW, ("the cluster is failing-over",))


@pytest.fixture
def store(calls: Calls) -> Store:
    """A table with nothing in it."""
    assert calls == set()
    make_table()
    return Store(clients.client("dynamodb"), TABLE)


def test_the_first_run_tells_only_of_trouble() -> None:
    assert State().after(FINE, NOW).unsent == ()
    assert State().after(SICK, NOW).unsent == (CHANGE,)


def test_the_same_health_is_told_once_and_keeps_its_beginning() -> None:
    first = State().after(SICK, NOW).sent()
    second = first.after(SICK, NOW + 60)
    assert second.unsent == ()
    assert second.since == dict.fromkeys(Component, NOW)


def test_a_change_says_how_long_it_was_otherwise() -> None:
    state = State().after(SICK, NOW).sent().after(SICK, NOW + 60).after(FINE, NOW + 120)
    assert state.unsent == (Change(Component.DATABASE, Health.UNHEALTHY, Health.HEALTHY, NOW, ()),)
    assert state.since[Component.DATABASE] == NOW + 120
    assert state.since[Component.TABLE] == NOW


def test_what_could_not_be_sent_stays() -> None:
    state = State().after(SICK, NOW).after(FINE, NOW + 60)
    assert [change.after for change in state.unsent] == [Health.UNHEALTHY, Health.HEALTHY]


@given(
    st.lists(
        st.fixed_dictionaries({component: st.sampled_from(Health) for component in Component}), min_size=1, max_size=8
    )
)
def test_what_is_told_adds_up_to_what_is(runs: list[dict[Component, Health]]) -> None:
    state, told = State(), dict.fromkeys(Component, Health.HEALTHY)
    for minute, run in enumerate(runs):
        state = state.after({each: Judgement(health) for each, health in run.items()}, NOW + 60 * minute)
        for change in state.unsent:
            assert told[change.component] is change.before is not change.after
            told[change.component] = change.after
        assert told == run == state.health
        state = state.sent()
    assert state.version == 2 * len(runs)


def test_a_state_comes_back_as_it_was_kept(store: Store) -> None:
    assert store.load() == State()
    state = State().after(SICK, NOW)
    assert store.save(state)
    assert store.load() == state


def test_of_two_runs_at_once_only_one_keeps_its_state(store: Store) -> None:
    before = store.load()
    assert store.save(before.after(SICK, NOW))
    assert not store.save(before.after(FINE, NOW + 1))
    assert store.load().health[Component.DATABASE] is Health.UNHEALTHY


def test_a_refusal_of_another_kind_is_an_error() -> None:
    client = stubbed("dynamodb", ("put_item", Refusal("ProvisionedThroughputExceededException")))
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        Store(client, TABLE).save(State().after(FINE, NOW))


def test_the_notice_says_what_since_when_why_and_what_to_do() -> None:
    assert subject([CHANGE], "Breakwater-eu1") == "Breakwater-eu1: database unhealthy"
    assert message([CHANGE]).splitlines() == [
        "database: healthy -> unhealthy (it was healthy since 2027-01-15T08:00:00+00:00)",
        "  - the cluster is failing-over",
        "  What to do: docs/runbook.md#health-of-the-database",
    ]


def test_several_changes_make_one_notice() -> None:
    both = [CHANGE, Change(Component.TABLE, Health.UNKNOWN, Health.HEALTHY, NOW, ())]
    assert subject(both, "Breakwater-eu1") == "Breakwater-eu1: database unhealthy, table healthy"
    assert message(both).count("What to do") == 2


@given(st.lists(st.sampled_from(Component), min_size=1), st.text("abc-", max_size=23))
def test_a_subject_is_one_that_sns_accepts(components: list[Component], stack: str) -> None:
    found = subject([Change(each, Health.HEALTHY, Health.UNHEALTHY, NOW, ()) for each in components], stack)
    assert 0 < len(found) <= 100
    assert found.isascii()
    assert "\n" not in found


def test_the_item_is_beside_those_of_the_application(store: Store) -> None:
    store.save(State().after(FINE, NOW))
    items: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert [(item["pk"]["S"], item["sk"]["S"]) for item in items] == [("operations#health", "state")]
