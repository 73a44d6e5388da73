"""The health monitor as Lambda runs it: what it publishes, whom it tells, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from common import clients
from common.aurora import Cluster
from common.environment import ConfigurationError
from health_monitor import handler
from health_monitor.facts import Facts, Unknown
from health_monitor.handler import Monitor
from health_monitor.state import Store
from tests.assembly import assembly
from tests.lambdas.stubs import stubbed
from tests.lambdas.test_monitor_logic import CLUSTER, FACTS, LIMITS
from tests.lambdas.test_monitor_probes import ANSWERS, WATCHED
from tests.lambdas.world import NAMESPACE, REGION, TABLE, Calls, Clock, Context, make_table
from tests.stacks.test_least_privilege import action_of, granted

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
VARIABLES = {
    "CLUSTER_ARN": LIMITS.cluster_arn,
    "TABLE_ARN": LIMITS.table_arn,
    "ECS_CLUSTER": WATCHED.ecs_cluster,
    "ECS_SERVICE": WATCHED.service,
    "TARGET_GROUP_ARN": WATCHED.target_group,
    "BACKUP_VAULT": WATCHED.vault,
    "RESTORE_TESTING_PLAN": WATCHED.restore_testing_plan,
    "TESTED_TYPES": "Aurora,DynamoDB",
    "RECOVERY_POINT_AGE_SECONDS": "93600",
    "VALIDATION_AGE_SECONDS": "691200",
    "TOPIC_ARN": TOPIC,
    "STACK_NAME": "Breakwater-test",
}
SICK = replace(CLUSTER, status="failing-over")


class _Topic:
    """A topic that keeps what it hears, or refuses."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refuses = False

    def publish(self, **notice: Any) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "InternalErrorException", "Message": "later"}}, "Publish")
        self.heard.append(notice)


class _World:
    """A platform whose facts the test decides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.facts, self.topic, self.clock, self.waited = FACTS, _Topic(), Clock(), 0.0
        monkeypatch.setattr(handler, "probe", self._probe)

    def _probe(self, _clients: Any, _watched: Any, _now: float, seconds: float) -> Facts:
        self.waited = seconds
        return self.facts

    def run(self, remaining: float = 60, **changes: Any) -> dict[str, Any]:
        """Run the monitor a minute later."""
        self.clock.now += 60
        given: dict[str, Any] = {
            "clients": {
                "cloudwatch": clients.client("cloudwatch"),
                "dynamodb": clients.client("dynamodb"),
                "sns": self.topic,
            },
            "watched": WATCHED,
            "limits": LIMITS,
            "topic": TOPIC,
            "stack": "Breakwater-test",
            "namespace": NAMESPACE,
            "suffix": "test",
            "clock": self.clock,
        }
        return Monitor(**{**given, **changes}).run(remaining)

    def be(self, database: Cluster | Unknown) -> None:
        """Change the facts."""
        self.facts = replace(FACTS, database=database)


@pytest.fixture
def world(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> _World:
    """A healthy platform."""
    assert calls == set()
    make_table()
    return _World(monkeypatch)


def _published() -> dict[tuple[str, ...], float]:
    metrics = boto3.client("cloudwatch", region_name=REGION).list_metrics(Namespace=NAMESPACE)["Metrics"]
    return {
        (each["MetricName"], *(f"{dim['Name']}={dim['Value']}" for dim in each["Dimensions"])): _value(each)
        for each in metrics
    }


def _value(metric: Any) -> float:
    answer = boto3.client("cloudwatch", region_name=REGION).get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=metric["MetricName"],
        Dimensions=metric["Dimensions"],
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
        Period=86400 * 3650,
        Statistics=["Maximum"],
    )
    return answer["Datapoints"][0]["Maximum"]


def test_a_healthy_platform_is_quiet(world: _World) -> None:
    answer = world.run()
    assert answer["overall"] == "healthy"
    assert answer["components"]["database"] == {"health": "healthy", "reasons": []}
    assert world.topic.heard == []


def test_every_run_publishes_the_heartbeat_and_the_health_of_each(world: _World) -> None:
    world.be(SICK)
    world.run()
    found = _published()
    assert found["Heartbeat", "Suffix=test"] == 1
    assert found["OverallHealth", "Suffix=test"] == 3
    assert found["ComponentHealth", "Component=database", "Suffix=test"] == 3
    assert found["ComponentHealth", "Component=backups", "Suffix=test"] == 0
    assert found["EstimatedRpoSeconds", "Resource=dr-transactions-test", "Suffix=test"] == 360
    assert len([name for name, *_ in found if name == "ComponentHealth"]) == 5


def test_a_change_is_told_once(world: _World) -> None:
    world.be(SICK)
    assert [world.run()["overall"] for _ in range(3)] == ["unhealthy"] * 3
    (notice,) = world.topic.heard
    assert notice["TopicArn"] == TOPIC
    assert notice["Subject"] == "Breakwater-test: database unhealthy"
    assert "the cluster is failing-over" in notice["Message"]


def test_and_so_is_its_end(world: _World) -> None:
    world.be(SICK)
    world.run()
    world.be(CLUSTER)
    world.run()
    assert [notice["Subject"] for notice in world.topic.heard] == [
        "Breakwater-test: database unhealthy",
        "Breakwater-test: database healthy",
    ]


def test_a_notice_that_sns_refused_is_sent_by_the_next_run(world: _World) -> None:
    world.be(SICK)
    world.topic.refuses = True
    with pytest.raises(ClientError, match="InternalError"):
        world.run()
    world.topic.refuses = False
    world.run()
    world.run()
    assert len(world.topic.heard) == 1


def test_a_run_that_is_late_tells_nothing(world: _World) -> None:
    world.run()
    world.be(SICK)
    world.clock.now -= 120
    world.run()
    assert world.topic.heard == []
    assert Store(clients.client("dynamodb"), TABLE).load().health["database"] == 0  # type: ignore[index]


def test_a_run_that_another_one_overtakes_tells_nothing(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.be(SICK)
    monkeypatch.setattr(Store, "save", lambda *_: False)
    world.run()
    assert world.topic.heard == []


def test_it_keeps_time_for_itself(world: _World) -> None:
    world.run(60)
    assert world.waited == 40
    world.run(5)
    assert world.waited == 1


def test_what_nobody_could_find_out_is_told_as_unknown(world: _World) -> None:
    world.be(Unknown("DescribeDBClusters failed: AccessDenied"))
    assert world.run()["overall"] == "unknown"
    assert world.topic.heard[0]["Subject"] == "Breakwater-test: database unknown"


@pytest.fixture
def deployed(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The function's variables, and AWS with answers that are written down, except the table and the metrics."""
    assert calls == set()
    make_table()
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    real = {service: clients.client(service) for service in ("dynamodb", "cloudwatch")}
    stubs = {service: stubbed(service, *answers) for service, answers in ANSWERS.items() if service not in real}
    topic = _Topic()
    monkeypatch.setattr(handler, "client", lambda service: {**real, **stubs, "sns": topic}[service])
    yield
    clients.client.cache_clear()


@pytest.mark.usefixtures("deployed")
def test_the_entry_point_reads_its_variables_and_answers() -> None:
    answer = handler.handle({}, Context(seconds=60))
    assert set(answer["components"]) == {"database", "service", "load-balancer", "table", "backups"}
    assert answer["components"]["load-balancer"]["reasons"] == ["2 targets fail their health check"]
    assert answer["components"]["table"]["reasons"] == ["point-in-time recovery is off"]


@pytest.mark.usefixtures("deployed")
def test_it_calls_nothing_that_its_role_may_not(calls: Calls) -> None:
    calls.clear()
    handler.handle({}, Context(seconds=60))
    made = {action_of(call) for call in calls}
    assert len(made) > 10
    assert made <= granted(assembly("dev"), "HealthMonitor")


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_variable_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        handler.handle({}, Context())
