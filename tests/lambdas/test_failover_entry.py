"""The failover function as Lambda runs it: its variables, its role, and what it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from common.environment import ConfigurationError
from failover import handler
from failover.handler import Request, RequestError, parse
from tests.assembly import assembly
from tests.lambdas.world import (
    CLUSTER,
    Calls,
    Clock,
    Context,
)
from tests.stacks.test_least_privilege import action_of, granted


def test_the_function_reads_its_environment_and_answers(clock: Clock) -> None:
    assert clock.now
    answer = handler.handle({"cluster": CLUSTER, "reason": "a drill"}, Context())
    assert answer["outcome"] == "succeeded"
    again = handler.handle({"cluster": CLUSTER, "reason": "a drill"}, Context("request-2"))
    assert (again["outcome"], again["code"]) == ("refused", "cool-down")


def test_it_calls_nothing_that_its_role_may_not(clock: Clock, calls: Calls) -> None:
    calls.clear()
    handler.handle({"cluster": CLUSTER, "reason": "a drill"}, Context())
    assert clock.now
    made = {action_of(call) for call in calls}
    assert len(made) > 5
    assert made <= granted(assembly("dev"), "Failover")


def test_a_missing_variable_is_one_clear_error(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clock.now
    monkeypatch.delenv("COOL_DOWN_SECONDS")
    with pytest.raises(ConfigurationError, match="COOL_DOWN_SECONDS is not set"):
        handler.handle({"cluster": CLUSTER, "reason": "a drill"}, Context())


def test_an_alarm_asks_for_the_cluster_of_the_deployment() -> None:
    event = {"source": "aws.cloudwatch", "alarmData": {"alarmName": "writer-unhealthy"}}
    assert parse(event, "id", CLUSTER) == Request(CLUSTER, "alarm writer-unhealthy", "id")
    assert parse({"source": "aws.cloudwatch"}, "id", CLUSTER).reason == "alarm an alarm"


def test_an_operator_may_name_the_request() -> None:
    event = {"cluster": CLUSTER, "reason": "drill", "request_id": "mine", "dry_run": True}
    assert parse(event, "id", CLUSTER) == Request(CLUSTER, "drill", "mine", dry_run=True)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({"reason": "drill"}, "cluster is missing"),
        ({"cluster": CLUSTER}, "reason is missing"),
        ({"cluster": 1, "reason": "drill"}, "cluster = 1: allowed is a str"),
        ({"cluster": CLUSTER, "reason": ""}, "reason = ''"),
        ({"cluster": CLUSTER, "reason": "drill", "dry_run": "yes"}, "dry_run = 'yes': allowed is a bool"),
        ({"cluster": CLUSTER, "reason": "drill", "request_id": 5}, "request_id = 5"),
    ],
)
def test_a_wrong_event_is_named(event: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint):
        parse(event, "id", CLUSTER)
