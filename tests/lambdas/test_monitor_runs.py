"""The health monitor: its variables and permissions, what it publishes, notifies and returns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import Cluster
from health_monitor import monitor
from health_monitor.logic import Component, Health
from health_monitor.monitor import Monitor
from health_monitor.observations import Observations, Unknown
from health_monitor.state import StateStore
from tests.lambdas.account import NAMESPACE, TABLE, FakeAccount, FakeClock
from tests.lambdas.conftest import CLUSTER, LIMITS, OBSERVATIONS
from tests.lambdas.probe_responses import RESOURCES

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
FAILING_OVER = replace(CLUSTER, status="failing-over")


class _Topic:
    """A topic that keeps the notifications it receives, or fails."""

    def __init__(self) -> None:
        self.notifications: list[dict[str, Any]] = []
        self.fails = False

    def publish(self, **notification: Any) -> None:
        if self.fails:
            raise ClientError({"Error": {"Code": "InternalErrorException", "Message": "later"}}, "Publish")
        self.notifications.append(notification)


class _Platform:
    """A platform whose database the test decides on."""

    def __init__(self, account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
        self.account = account
        self.database: Cluster | Unknown = CLUSTER
        self.topic, self.clock, self.timeout_seconds = _Topic(), FakeClock(), 0.0
        monkeypatch.setattr(monitor, "run_probes", self._run_probes)

    def _run_probes(self, _clients: Any, _resources: Any, _now: float, timeout_seconds: float) -> Observations:
        self.timeout_seconds = timeout_seconds
        return replace(OBSERVATIONS, database=self.database)

    def run(self, remaining_seconds: float = 60) -> dict[str, Any]:
        """Run the monitor a minute later."""
        self.clock.now += 60
        return Monitor(
            clients={
                "cloudwatch": clients.client("cloudwatch"),
                "dynamodb": clients.client("dynamodb"),
                "sns": self.topic,
            },
            resources=RESOURCES,
            limits=LIMITS,
            topic=TOPIC,
            stack="Breakwater-test",
            namespace=NAMESPACE,
            suffix="test",
            clock=self.clock,
        ).run(remaining_seconds)


@pytest.fixture
def platform(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> _Platform:
    """Provide a healthy platform."""
    return _Platform(account, monkeypatch)


def test_a_healthy_platform_sends_no_notification(platform: _Platform) -> None:
    response = platform.run()
    assert response["overall"] == "healthy"
    assert response["components"]["database"] == {"health": "healthy", "reasons": []}
    assert platform.topic.notifications == []


def test_every_run_publishes_the_heartbeat_and_the_health_of_each(platform: _Platform) -> None:
    platform.database = FAILING_OVER
    platform.run()
    found = platform.account.metrics()
    assert found["Heartbeat", "Suffix=test"] == 1
    assert found["OverallHealth", "Suffix=test"] == 3
    assert found["ComponentHealth", "Component=database", "Suffix=test"] == 3
    assert found["ComponentHealth", "Component=backups", "Suffix=test"] == 0
    assert found["EstimatedRpoSeconds", "Resource=dr-transactions-test", "Suffix=test"] == 360
    assert len([name for name, *_ in found if name == "ComponentHealth"]) == 5
    assert platform.account.units() == {
        "Heartbeat": "Count",
        "OverallHealth": "None",
        "ComponentHealth": "None",
        "EstimatedRpoSeconds": "Seconds",
        "RecoveryPointAgeSeconds": "Seconds",
        "RestoreValidationAgeSeconds": "Seconds",
    }


def test_a_change_is_reported_once(platform: _Platform) -> None:
    platform.database = FAILING_OVER
    assert [platform.run()["overall"] for _ in range(3)] == ["unhealthy"] * 3
    (notification,) = platform.topic.notifications
    assert notification["TopicArn"] == TOPIC
    assert notification["Subject"] == "Breakwater-test: database unhealthy"
    assert "the cluster is failing-over" in notification["Message"]


def test_a_recovery_is_reported_once(platform: _Platform) -> None:
    platform.database = FAILING_OVER
    platform.run()
    platform.database = CLUSTER
    platform.run()
    assert [notification["Subject"] for notification in platform.topic.notifications] == [
        "Breakwater-test: database unhealthy",
        "Breakwater-test: database healthy",
    ]


def test_the_next_run_sends_a_notification_that_sns_rejected(platform: _Platform) -> None:
    platform.database = FAILING_OVER
    platform.topic.fails = True
    with pytest.raises(ClientError, match="InternalError"):
        platform.run()
    platform.topic.fails = False
    platform.run()
    platform.run()
    assert len(platform.topic.notifications) == 1


def test_after_a_day_without_sns_the_next_run_sends_the_latest_changes(platform: _Platform) -> None:
    platform.topic.fails = True
    for minute in range(70):
        platform.database = CLUSTER if minute % 2 else FAILING_OVER
        with pytest.raises(ClientError, match="InternalError"):
            platform.run()
    platform.topic.fails = False
    platform.run()
    platform.run()
    (notification,) = platform.topic.notifications
    assert notification["Message"].startswith("Not listed, because they could not be sent in time: 10 earlier changes.")
    assert notification["Message"].count("What to do") == 60


@pytest.mark.parametrize("late", [60, 120])
def test_a_run_that_is_not_later_reports_nothing(platform: _Platform, late: int) -> None:
    platform.run()
    platform.database = FAILING_OVER
    platform.clock.now -= late
    platform.run()
    assert platform.topic.notifications == []
    assert StateStore(platform.account.client("dynamodb"), TABLE).load().health[Component.DATABASE] is Health.HEALTHY


def test_a_run_overtaken_by_another_reports_nothing(platform: _Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.database = FAILING_OVER
    monkeypatch.setattr(StateStore, "save", lambda *_: False)
    platform.run()
    assert platform.topic.notifications == []


def test_probes_leave_time_for_the_rest_of_the_run(platform: _Platform) -> None:
    platform.run(60)
    assert platform.timeout_seconds == 40
    platform.run(5)
    assert platform.timeout_seconds == 1


def test_what_could_not_be_observed_is_reported_as_unknown(platform: _Platform) -> None:
    platform.database = Unknown("DescribeDBClusters failed: AccessDenied")
    assert platform.run()["overall"] == "unknown"
    assert platform.topic.notifications[0]["Subject"] == "Breakwater-test: database unknown"
