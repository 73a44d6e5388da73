"""The handler of the health monitor: its variables, its permissions, and what it says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from common import clients
from common.environment import ConfigurationError
from health_monitor import handler
from health_monitor.monitor import Monitor
from tests.assembly import assembly
from tests.fake_clients import stubbed_client
from tests.lambdas.account import FakeAccount, LambdaContext, record_calls
from tests.lambdas.conftest import LIMITS
from tests.lambdas.probe_responses import RESOURCES, RESPONSES
from tests.stacks.permissions import granted_actions, iam_action

VARIABLES = {
    "CLUSTER_ARN": LIMITS.cluster_arn,
    "TABLE_ARN": LIMITS.table_arn,
    "ECS_CLUSTER": RESOURCES.ecs_cluster,
    "ECS_SERVICE": RESOURCES.service,
    "TARGET_GROUP_ARN": RESOURCES.target_group,
    "BACKUP_VAULT": RESOURCES.vault,
    "RESTORE_TESTING_PLAN": RESOURCES.restore_testing_plan,
    "TESTED_TYPES": "Aurora,DynamoDB",
    "RECOVERY_POINT_AGE_SECONDS": "93600",
    "VALIDATION_AGE_SECONDS": "691200",
    "TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
    "STACK_NAME": "Breakwater-test",
}


@pytest.fixture
def function(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """Provide the function's variables, and stubbed services beside DynamoDB and CloudWatch."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    real = {service: clients.client(service) for service in ("dynamodb", "cloudwatch")}
    stubs = {
        service: record_calls(stubbed_client(service, *responses), service, account.calls)
        for service, responses in RESPONSES.items()
        if service not in real
    }
    topic = SimpleNamespace(publish=lambda **_: None)
    monkeypatch.setattr(handler, "client", lambda service: {**real, **stubs, "sns": topic}[service])
    return account


@pytest.mark.usefixtures("function")
def test_the_function_reads_its_environment_and_responds() -> None:
    response = handler.handle({}, LambdaContext(seconds=60))
    assert set(response["components"]) == {"database", "service", "load-balancer", "table", "backups"}
    assert response["components"]["load-balancer"]["reasons"] == ["targets that fail their health check: 2"]
    assert response["components"]["table"]["reasons"] == ["point-in-time recovery is off"]


@pytest.mark.usefixtures("function")
def test_a_run_has_the_time_of_the_invocation_and_tells_the_log_its_result(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    response: dict[str, Any] = {"overall": "healthy", "components": {"table": {"health": "healthy", "reasons": []}}}
    given: list[float] = []

    def run(_: Monitor, remaining_seconds: float) -> dict[str, Any]:
        given.append(remaining_seconds)
        return response

    monkeypatch.setattr(Monitor, "run", run)
    with caplog.at_level("INFO"):
        assert handler.handle({}, LambdaContext(seconds=60)) == response
    (record,) = caplog.records
    assert (given, record.getMessage()) == ([60], "platform healthy")
    assert vars(record)["components"] == response["components"]


def test_it_calls_only_what_its_role_allows(function: FakeAccount) -> None:
    handler.handle({}, LambdaContext(seconds=60))
    called = {iam_action(call) for call in function.calls}
    assert len(called) > 10
    assert called <= granted_actions(assembly("dev"), "HealthMonitor")


@pytest.mark.usefixtures("function")
@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_an_error_names_the_missing_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        handler.handle({}, LambdaContext())
