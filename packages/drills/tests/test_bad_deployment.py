"""A version that does not work: what is registered and deployed, what ECS must do, and what is left."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import boto3
import pytest

from breakwater_drills import bad_deployment
from breakwater_drills.bad_deployment import BadDeployment
from breakwater_drills.clock import Clock
from breakwater_drills.errors import DrillError, RequestError
from breakwater_drills.http import Requests
from breakwater_drills.measure import Recovery, Sample
from breakwater_drills.target import Target
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import SERVICES

FAMILY = "arn:aws:ecs:eu-central-1:123456789012:task-definition/service"
OLD, NEW = f"{FAMILY}:7", f"{FAMILY}:8"
CONTAINER = {
    "name": "app",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/service:v1",
    "command": ["serve"],
    "portMappings": [{"containerPort": 8080}],
    "readonlyRootFilesystem": True,
}
DEFINITION = {
    "taskDefinitionArn": OLD, "revision": 7, "status": "ACTIVE", "compatibilities": ["FARGATE"], "registeredBy": "me",
    "requiresAttributes": [], "family": "service", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
    "containerDefinitions": [CONTAINER, {"name": "other", "image": "x"}], "placementConstraints": [],
}  # fmt: skip


def deployments(on: Target, running: str, *found: tuple[str, str, str], healthy: int = 2, **more: Any) -> None:
    """Let ECS run a revision, and describe deployments by revision, status and rollout state."""
    why = {"FAILED": {"rolloutStateReason": "tasks failed to start."}}
    listed = [
        {"taskDefinition": arn, "status": status, "rolloutState": state, **why.get(state, {})}
        for arn, status, state in found
    ]
    (service,) = SERVICES["services"]
    changed = {**service, "taskDefinition": running, "deployments": listed, **more}
    on.client("ecs").describe_services.return_value = {"services": [changed]}
    states = [{"Target": {"Id": str(n)}, "TargetHealth": {"State": "healthy"}} for n in range(healthy)]
    on.client("elbv2").describe_target_health.return_value = {"TargetHealthDescriptions": states}


def prepared(on: Target, how: str = "") -> tuple[BadDeployment, dict[str, Any]]:
    """Return a drill whose revision is registered, and how that was."""
    ecs = on.client("ecs")
    ecs.describe_task_definition.return_value = {"taskDefinition": DEFINITION}
    ecs.register_task_definition.return_value = {"taskDefinition": {"taskDefinitionArn": NEW}}
    on.client("elbv2").describe_target_groups.return_value = {"TargetGroups": [{"HealthCheckPath": "/health"}]}
    deployments(on, OLD)
    drill = BadDeployment(on, "0123abcd", SimulatedClock(), how=how)
    drill.before_fault([])
    return drill, dict(ecs.register_task_definition.call_args.kwargs)


def test_the_version_differs_from_the_running_one_by_what_is_bad_about_it(on: Target) -> None:
    _, registered = prepared(on)
    on.client("ecs").describe_task_definition.assert_called_once_with(taskDefinition=OLD)
    (first, other), tags = registered.pop("containerDefinitions"), registered.pop("tags")
    assert registered == {"family": "service", "cpu": "256", "memory": "512", "networkMode": "awsvpc"}
    assert other == {"name": "other", "image": "x"}
    assert first == {**CONTAINER, "entryPoint": ["python", "-c", "raise SystemExit(3)"], "command": []}
    assert tags == [{"key": "Drill", "value": "0123abcd"}, {"key": "DrillStack", "value": "Breakwater-x1"}]


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        (CONTAINER["image"], "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/service"),
        ("registry:5000/team/service@sha256:abc", "registry:5000/team/service"),
        ("registry:5000/service", "registry:5000/service"),
        ("nginx:1", "nginx"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_of_the_same_repository(on: Target, image: str, asked: str) -> None:
    container = {**CONTAINER, "image": image}
    broken = BadDeployment(on, "r", how="unpullable")._broken(container)
    assert broken == {**container, "image": f"{asked}@sha256:{'0' * 64}"}


def test_what_is_registered_is_what_ecs_takes_of_what_it_describes() -> None:
    model = boto3.Session(region_name="eu-central-1").client("ecs").meta.service_model
    asked: Any = model.operation_model("RegisterTaskDefinition").input_shape
    told: Any = model.operation_model("DescribeTaskDefinition").output_shape
    taken, described = set(asked.members), set(told.members["taskDefinition"].members)
    assert set(bad_deployment.REGISTERED) == (taken & described) - {"tags"}


def program(on: Target, how: str) -> list[str]:
    entry = prepared(on, how)[1]["containerDefinitions"][0]["entryPoint"]
    return [sys.executable, *entry[1:]]


def test_a_version_that_exits_does(on: Target) -> None:
    assert subprocess.run(program(on, "exit"), check=False).returncode == 3


def test_a_deaf_version_goes_on(on: Target) -> None:
    with subprocess.Popen(program(on, "deaf")) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()


def test_a_version_that_answers_with_errors_is_healthy_and_of_no_use(on: Target) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert 'os.environ.get("PORT", "8080")' in program(on, "errors")[-1], "that of the container's port mapping"
    with subprocess.Popen(program(on, "errors"), env={"HOST": "127.0.0.1", "PORT": str(port)}) as process:
        asks, clock = Requests(replace(on.service, url=f"http://127.0.0.1:{port}")), Clock()

        def healthy() -> bool:
            with suppress(RequestError):
                return asks.get("/health").status == 200
            return False

        assert clock.wait_until(healthy, timeout_seconds=20.0, poll_seconds=0.05)
        assert (asks.get("/accounts/1").status, asks.post("/transactions", {"from": 1}, {}).status) == (500, 500)
        process.kill()


def test_ecs_gives_the_version_up_and_the_old_one_is_healthy_again(on: Target) -> None:
    drill, _ = prepared(on)
    drill.break_now()
    on.client("ecs").update_service.assert_called_once_with(cluster="ecs", service="service", taskDefinition=NEW)
    deployments(on, NEW, (NEW, "PRIMARY", "IN_PROGRESS"), (OLD, "ACTIVE", "COMPLETED"))
    assert not drill.restored()
    drill.clock.sleep(20.0)
    deployments(on, OLD, (NEW, "ACTIVE", "FAILED"))
    assert not drill.restored(), "no deployment is the primary one"
    drill.clock.sleep(20.0)
    deployments(on, OLD, (OLD, "PRIMARY", "IN_PROGRESS"), (NEW, "ACTIVE", "FAILED"))
    assert not drill.restored()
    deployments(on, OLD, (OLD, "PRIMARY", "COMPLETED"), healthy=1)
    assert not drill.restored()
    drill.clock.sleep(20.0)
    deployments(on, OLD, (OLD, "PRIMARY", "COMPLETED"))
    assert drill.await_restored()
    assert [event.what for event in drill.events] == [
        "fault: bad-deployment-exit",
        "ECS: registered service:8",
        "ECS: asked to deploy service:8 in place of service:7",
        "ECS: service:8 is PRIMARY, IN_PROGRESS",
        "ECS: service:7 is ACTIVE, COMPLETED",
        "ECS: service:8 is ACTIVE, FAILED tasks failed to start.",
        "ECS: service:7 is PRIMARY, IN_PROGRESS",
        "ECS: service:7 is PRIMARY, COMPLETED",
        "ECS: service:7 is deployed, and healthy",
    ]
    assert drill.recoveries([])[-2:] == [
        Recovery("version given up", 0, 0, None, 20.0, {}, judged=False),
        Recovery("old version deployed", 0, 0, None, 60.0, {}, judged=False),
    ]
    assert drill.state() == "service has service:7"


def test_a_version_that_takes_over_ends_the_drill_at_once(on: Target) -> None:
    drill, _ = prepared(on, "errors")
    began = drill.clock.now()
    deployments(on, NEW, (NEW, "PRIMARY", "COMPLETED"))
    assert not drill.await_restored()
    assert drill.clock.now() - began < 1
    assert drill.recoveries([])[-1].rto_seconds is None


def test_a_version_that_was_never_given_up_is_no_rollback(on: Target) -> None:
    drill, _ = prepared(on)
    deployments(on, OLD, (OLD, "PRIMARY", "COMPLETED"))
    assert not drill.await_restored()


@pytest.mark.parametrize("how", ["exit", "deaf", "unpullable"])
def test_it_may_fail_no_request(on: Target, how: str) -> None:
    samples = [Sample("transfer", 1, 1.0, 0.1, "503")]
    assert BadDeployment(on, "r", how=how).failures_allowed(samples) == 0


def test_answers_with_errors_may_fail_requests_until_ecs_has_gone_back_and_one_in_a_thousand_after(on: Target) -> None:
    drill = BadDeployment(on, "r", how="errors")
    samples = [Sample("transfer", n, float(n), 0.1, "500" if 100 <= n < 200 else "") for n in range(2000)]
    other = [Sample("database write", n, float(n), 0.1, "500") for n in range(2000)]
    assert drill.failures_allowed([*samples, *other]) == 100 + 2, "it has not gone back"
    drill._back_at = 150.0
    assert drill.failures_allowed([*samples, *other]) == 51 + 2


def test_what_is_registered_is_removed_when_the_service_no_longer_runs_it(on: Target) -> None:
    drill, _ = prepared(on)
    ecs = on.client("ecs")
    name, remove = next(drill.created())
    assert name == "revision service:8"
    deployments(on, NEW)
    assert remove() == "the service is going back to service:7"
    ecs.update_service.assert_called_once_with(cluster="ecs", service="service", taskDefinition=OLD)
    ecs.deregister_task_definition.assert_not_called()
    deployments(on, OLD)
    assert remove() == ""
    ecs.deregister_task_definition.assert_called_once_with(taskDefinition=NEW)
    assert "revision" not in dict(BadDeployment(on, "r").created())


BREAKER = "deploymentCircuitBreaker of its deployments is off): deploy it with the circuit breaker with rollback"
ALARMS = "alarms of its deployments is off): deploy it with compute.deployment_alarms=true"


@pytest.mark.parametrize(
    ("how", "configuration", "told"),
    [
        ("exit", {}, BREAKER),
        ("deaf", {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}, BREAKER),
        ("errors", {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}, ALARMS),
        ("errors", {"alarms": {"enable": False, "rollback": True}}, ALARMS),
    ],
)  # fmt: skip
def test_a_service_that_would_not_go_back_is_refused(
    on: Target, how: str, configuration: dict[str, Any], told: str
) -> None:
    deployments(on, OLD, deploymentConfiguration=configuration)
    with pytest.raises(DrillError) as refusal:
        BadDeployment(on, "r", how=how).prepare()
    assert str(refusal.value) == f"service does not go back by itself ({told} before this drill. Nothing was broken"
    on.client("ecs").register_task_definition.assert_not_called()


def test_a_service_that_goes_back_by_itself_is_prepared(on: Target) -> None:
    deployments(on, OLD, deploymentConfiguration={"alarms": {"enable": True, "rollback": True}})
    BadDeployment(on, "r", how="errors").prepare()
    on.client("rds-data").execute_statement.assert_called()
