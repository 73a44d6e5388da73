"""Deployments of services whose tasks run: they complete, fail and roll back, and say so."""

from __future__ import annotations

import json
import time
from itertools import count, pairwise
from threading import Event, Thread
from typing import Any

import pytest

from embedded_testing.running import eventually
from embedded_testing.service import Service, get, image

pytestmark = pytest.mark.emulator


@pytest.mark.parametrize(
    ("name", "container", "reason"),
    [
        ("exits", {}, "Essential container exited"),
        ("good", {"entryPoint": ["python", "-c", "raise SystemExit(3)"], "command": []}, "Essential container exited"),
        ("absent", {}, "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve"),
        ("good@sha256:" + "0" * 64, {}, "CannotPullContainerError: pull image manifest has been retried"),
    ],
    ids=["exits", "entry point that exits", "absent tag", "absent digest"],
)
def test_a_deployment_that_fails_is_rolled_back(
    service: Service, name: str, container: dict[str, Any], reason: str
) -> None:
    good = service.register(image("good"))
    service.create(good)
    service.until_complete(good)
    before = {task["taskArn"] for task in service.tasks()}
    bad = service.register(image(name), **container)
    service.update(taskDefinition=bad)
    service.until(lambda: "FAILED" in {each["rolloutState"] for each in service.described()["deployments"]})
    service.until(lambda: service.described()["taskDefinition"] == good)
    service.until(lambda: before == {task["taskArn"] for task in service.tasks()})
    assert before <= {task["taskArn"] for task in service.tasks()}, "the old tasks run on"
    stopped = [task["stoppedReason"] for task in service.tasks("STOPPED") if task["taskDefinitionArn"] == bad]
    ended = [each for each in stopped if each.startswith(reason)]
    assert ended
    assert all(each.startswith("Scaling activity") for each in stopped if each not in ended)


def test_a_task_that_never_gets_healthy_fails_its_deployment(service: Service) -> None:
    definition = service.register(image("good"), entryPoint=["python", "-c", "import time; time.sleep(600)"])
    service.create(definition, desired=1)
    service.until(lambda: [task for task in service.tasks("STOPPED") if "failed ELB" in task["stoppedReason"]], 90)
    assert service.described()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert service.described()["deployments"][0]["failedTasks"] >= 1


def test_after_ten_failures_in_a_row_each_task_waits_longer_for_its_start(service: Service) -> None:
    endless = {"deploymentCircuitBreaker": {"enable": False, "rollback": False}}
    service.create(service.register(image("exits")), desired=1, deploymentConfiguration=endless)
    service.until(lambda: len(service.tasks("STOPPED")) >= 13, 90)
    ended = sorted(task["stoppedAt"] for task in service.tasks("STOPPED"))
    waited = [(after - before).total_seconds() for before, after in pairwise(ended)]
    assert min(waited[:10]) < 1
    assert [seconds >= least for seconds, least in zip(waited[10:12], (1, 2), strict=True)] == [True, True]


def test_an_update_under_load_fails_no_request(service: Service) -> None:
    first, second = service.register(image("good")), service.register(image("good"), command=["python", "server.py"])
    service.create(first)
    service.until_complete(first)
    balancer = service.balancer()
    failed: list[object] = []
    done, asked = Event(), count()

    def ask_again_and_again() -> None:
        while not done.wait(0.05):
            next(asked)
            try:
                get(f"http://{balancer}/")
            except OSError as error:
                failed.append(error)

    clients = [Thread(target=ask_again_and_again) for _ in range(2)]
    for client in clients:
        client.start()
    service.update(taskDefinition=second)
    service.until_complete(second)
    done.set()
    for client in clients:
        client.join()
    assert failed == []
    assert next(asked) > 20
    assert {task["taskDefinitionArn"] for task in service.tasks()} == {second}


def alarm(service: Service, period: int = 10) -> str:
    service.aws("cloudwatch").put_metric_alarm(
        AlarmName=service.name, Namespace="Nothing", MetricName="Is", Statistic="Sum", Period=period,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    return service.name


@pytest.mark.parametrize("old_are_gone", [True, False], ids=["in the bake time", "beside the old tasks"])
def test_an_alarm_rolls_a_deployment_back(service: Service, *, old_are_gone: bool) -> None:
    # A bake time that is not over when the last old task is gone, however busy the machine is.
    watched = alarm(service, period=60)
    configuration = {"alarms": {"alarmNames": [watched], "enable": True, "rollback": True}}
    good, bad = service.register(image("good")), service.register(image("good"), command=["python", "server.py"])
    service.create(good)
    service.until_complete(good)
    service.update(taskDefinition=bad, deploymentConfiguration=configuration)
    if old_are_gone:
        service.until(lambda: {task["taskDefinitionArn"] for task in service.tasks()} == {bad})
    baking = service.described()["deployments"][0]
    assert (baking["taskDefinition"], baking["rolloutState"]) == (bad, "IN_PROGRESS")
    service.aws("cloudwatch").set_alarm_state(AlarmName=service.name, StateValue="ALARM", StateReason="a test")
    service.until(lambda: "FAILED" in {each["rolloutState"] for each in service.described()["deployments"]})
    failed = next(each for each in service.described()["deployments"] if each["rolloutState"] == "FAILED")
    assert failed["rolloutStateReason"] == f"ECS deployment failed: alarm detected: {service.name}."
    service.until_complete(good)
    assert {task["taskDefinitionArn"] for task in service.tasks()} == {good}
    service.update(desiredCount=1)
    service.until_complete(good)
    assert service.described()["deployments"][0]["desiredCount"] == len(service.tasks()) == 1


def test_a_deployment_is_complete_after_its_bake_time_and_at_once_when_the_alarm_was_there_before(
    service: Service,
) -> None:
    configuration = {"alarms": {"alarmNames": [alarm(service)], "enable": True, "rollback": True}}
    first, second = service.register(image("good")), service.register(image("good"), command=["python", "server.py"])
    service.create(first, desired=1)
    service.until_complete(first)
    began = time.monotonic()
    service.update(taskDefinition=second, deploymentConfiguration=configuration)
    service.until_complete(second)
    assert time.monotonic() - began > 10
    service.aws("cloudwatch").set_alarm_state(AlarmName=service.name, StateValue="ALARM", StateReason="a test")
    began = time.monotonic()
    service.update(taskDefinition=first)
    service.until_complete(first)
    assert time.monotonic() - began < 10


def test_the_events_of_a_deployment_and_of_its_tasks_are_sent(service: Service) -> None:
    sqs, events = service.aws("sqs"), service.aws("events")
    url = sqs.create_queue(QueueName=service.name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{service.name}"
    events.put_rule(Name=service.name, EventPattern=json.dumps({"source": ["aws.ecs"]}))
    events.put_targets(Rule=service.name, Targets=[{"Id": "queue", "Arn": arn}])
    definition = service.register(image("good"))
    service.create(definition, desired=1)
    service.until_complete(definition)
    seen: list[dict[str, Any]] = []

    def completed() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            seen.append(json.loads(message["Body"]))
        return any(each["detail"].get("eventName") == "SERVICE_DEPLOYMENT_COMPLETED" for each in seen)

    eventually(completed)
    events.remove_targets(Rule=service.name, Ids=["queue"])
    events.delete_rule(Name=service.name)
    deployments = [each for each in seen if each["detail-type"] == "ECS Deployment State Change"]
    assert [each["detail"]["eventName"] for each in deployments] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
    ]
    first = service.described()["deployments"][0]["id"]
    assert deployments[0]["resources"] == [service.described()["serviceArn"]]
    assert deployments[0]["detail"] | {"updatedAt": ""} == {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "deploymentId": first,
        "updatedAt": "",
        "reason": f"ECS deployment {first} in progress.",
    }
    tasks = [each["detail"] for each in seen if each["detail-type"] == "ECS Task State Change"]
    assert [each["lastStatus"] for each in tasks] == ["PROVISIONING", "PENDING", "RUNNING"]
    assert {each["group"] for each in tasks} == {f"service:{service.name}"}
