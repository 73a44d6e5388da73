"""Handler of the failover function: environment variables, permissions, and events."""

from __future__ import annotations

from typing import Any

import pytest

from common.environment import ConfigurationError
from failover import handler
from failover.execution import FailoverRequest
from failover.handler import RequestError, parse
from tests.assembly import assembly
from tests.lambdas.account import CLUSTER, FakeAccount, LambdaContext
from tests.stacks.permissions import granted_actions, iam_action

EVENT = {"cluster": CLUSTER, "reason": "a drill"}


@pytest.mark.usefixtures("cluster_account")
def test_the_function_reads_its_environment_and_responds() -> None:
    response = handler.handle(EVENT, LambdaContext())
    assert response["outcome"] == "succeeded"
    second = handler.handle(EVENT, LambdaContext("request-2"))
    assert (second["outcome"], second["code"]) == ("refused", "cool-down")


def test_it_calls_only_what_its_role_allows(cluster_account: FakeAccount) -> None:
    handler.handle(EVENT, LambdaContext())
    called = {iam_action(call) for call in cluster_account.calls}
    assert len(called) > 5
    assert called <= granted_actions(assembly("dev"), "Failover")


@pytest.mark.usefixtures("cluster_account")
def test_a_missing_variable_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COOL_DOWN_SECONDS")
    with pytest.raises(ConfigurationError, match="COOL_DOWN_SECONDS is not set"):
        handler.handle(EVENT, LambdaContext())


def test_an_alarm_requests_a_failover_of_the_deployments_cluster() -> None:
    event = {"source": "aws.cloudwatch", "alarmData": {"alarmName": "writer-unhealthy"}}
    assert parse(event, "id", CLUSTER) == FailoverRequest(CLUSTER, "alarm writer-unhealthy", "id", automatic=True)
    assert parse({"source": "aws.cloudwatch"}, "id", CLUSTER).reason == "alarm (unnamed)"


def test_an_operator_may_give_the_request_an_id() -> None:
    event = {"cluster": CLUSTER, "reason": "drill", "request_id": "mine", "dry_run": True}
    assert parse(event, "id", CLUSTER) == FailoverRequest(CLUSTER, "drill", "mine", dry_run=True)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"reason": "drill"}, "cluster is missing"),
        ({"cluster": CLUSTER}, "reason is missing"),
        ({"cluster": 1, "reason": "drill"}, "cluster = 1: allowed is a string that is not empty"),
        ({"cluster": CLUSTER, "reason": ""}, "reason = ''"),
        ({"cluster": CLUSTER, "reason": "drill", "dry_run": "yes"}, "dry_run = 'yes': allowed is true or false"),
        ({"cluster": CLUSTER, "reason": "drill", "request_id": 5}, "request_id = 5"),
    ],
)
def test_an_error_names_the_invalid_key(event: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parse(event, "id", CLUSTER)
