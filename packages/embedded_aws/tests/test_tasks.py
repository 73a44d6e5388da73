"""Tasks of Amazon ECS that run: their life cycle, what they know and what they may not."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import clients_of, eventually
from embedded_testing.service import (
    REPOSITORY,
    SERVER,
    Registry,
    Service,
    address,
    get,
    image,
    new_service,
    process,
    runs,
)

pytestmark = pytest.mark.emulator
# Before the server's own handler is set, all that would be: it hears no signal.
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal = lambda *_: None\n"


def ask(task: dict[str, Any]) -> dict[str, str]:
    """Ask a task at the loopback address that stands for its own."""
    return get(f"http://127.{address(task).partition('.')[2]}:8080/")


def test_each_task_is_a_process_with_an_address_of_its_subnet(service: Service) -> None:
    definition = service.register(image("good"))
    service.create(definition)
    assert service.described()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    service.until_complete(definition)
    tasks = service.tasks()
    assert sorted(task["availabilityZone"] for task in tasks) == ["us-east-1a", "us-east-1b"]
    assert [address(task).rpartition(".")[2] for task in tasks] == ["4", "4"]
    assert service.targets() == sorted(address(task) for task in tasks)
    for task in tasks:
        assert runs(process(task))
        found = ask(task)
        assert found["HOST"] == f"127.{address(task).partition('.')[2]}"
        assert (found["PORT"], found["GIVEN"], found["AWS_REGION"]) == ("8080", "yes", "us-east-1")
        assert "PATH" in found
        assert not {"USER", "SHELL", "EMBEDDED_AWS_TASKS", "AWS_PROFILE", "COVERAGE_PROCESS_START"} & found.keys()
        metadata = get(f"{found['ECS_CONTAINER_METADATA_URI_V4']}/task")
        assert metadata["TaskARN"] == task["taskArn"]


def test_a_task_has_the_credentials_of_its_role(service: Service) -> None:
    definition = service.register(image("good"))
    service.create(definition, desired=1)
    service.until_complete(definition)
    (task,) = service.tasks()
    given = ask(task)
    role = boto3_client(given)
    assert role.get_caller_identity()["Arn"] == (
        f"arn:aws:sts::000000000000:assumed-role/of-the-task/{task['taskArn'].rpartition('/')[2]}"
    )


def boto3_client(given: dict[str, str]) -> Any:
    import boto3

    return boto3.client(
        "sts", region_name=given["AWS_REGION"], endpoint_url=given["AWS_ENDPOINT_URL"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"], aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given["AWS_SESSION_TOKEN"],
    )  # fmt: skip


def test_a_stopped_task_gets_sigterm_and_is_replaced(service: Service) -> None:
    definition = service.register(image("good"))
    service.create(definition, desired=1)
    service.until_complete(definition)
    (first,) = service.tasks()
    service.aws("ecs").stop_task(cluster=service.cluster, task=first["taskArn"], reason="a test")
    service.until_stopped(first)
    stopped = service.task(first["taskArn"])
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "a test")
    assert stopped["containers"][0]["exitCode"] == 7
    assert stopped["stoppingAt"] <= stopped["stoppedAt"]
    service.until(lambda: len([task for task in service.tasks() if task["lastStatus"] == "RUNNING"]) == 1)
    (second,) = service.tasks()
    assert address(second) != address(first)
    service.until(lambda: service.targets() == [address(second)])


def test_a_task_is_replaced_in_the_zone_that_it_leaves(service: Service) -> None:
    definition = service.register(image("good"))
    service.create(definition)
    service.until_complete(definition)
    for _ in range(2):
        lost = next(task for task in service.tasks() if task["availabilityZone"] == "us-east-1b")
        os.kill(process(lost), signal.SIGKILL)
        service.until_stopped(lost)
        service.until(lambda: len([task for task in service.tasks() if task["lastStatus"] == "RUNNING"]) == 2)
        assert {task["availabilityZone"] for task in service.tasks()} == {"us-east-1a", "us-east-1b"}


def test_tasks_that_are_stopped_at_once_are_replaced_one_by_one(service: Service) -> None:
    service.create(service.register("nginx:1.27"), desired=4)
    service.until(lambda: len(service.tasks()) == service.described()["runningCount"] == 4)
    ecs, stopped = service.aws("ecs"), set[str]()
    for _ in range(5):
        arns = [task["taskArn"] for task in service.tasks()]
        with ThreadPoolExecutor(len(arns)) as pool:
            list(pool.map(lambda arn: ecs.stop_task(cluster=service.cluster, task=arn), arns))
        stopped |= set(arns)
    assert len(service.tasks()) == 4
    assert {task["taskArn"] for task in service.tasks("STOPPED")} == stopped


def test_a_task_that_does_not_end_is_killed_after_its_stop_timeout(service: Service) -> None:
    definition = service.register(image("good"), entryPoint=["python", "-c", STUBBORN + SERVER])
    service.create(definition, desired=1)
    service.until_complete(definition)
    (task,) = service.tasks()
    service.update(desiredCount=0)
    service.until_stopped(task)
    stopped = service.task(task["taskArn"])
    assert stopped["containers"][0]["exitCode"] == 128 + signal.SIGKILL
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    assert stopped["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")


def test_a_task_that_hangs_is_replaced_by_its_health_checks(service: Service) -> None:
    definition = service.register(image("good"))
    service.create(definition)
    service.until_complete(definition)
    hung = service.tasks()[0]
    os.kill(process(hung), signal.SIGSTOP)
    service.until(lambda: service.task(hung["taskArn"])["desiredStatus"] == "STOPPED")
    stopped = service.task(hung["taskArn"])
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    assert stopped["stoppedReason"] == f"Task failed ELB health checks in (target-group {service.group})"
    assert "failed ELB health checks" in service.described()["events"][0]["message"]
    service.until(lambda: len(service.targets()) == 2 and address(hung) not in service.targets())
    service.until_stopped(hung)
    assert service.task(hung["taskArn"])["containers"][0]["exitCode"] == 128 + signal.SIGKILL


def test_an_image_that_cannot_run_here_stays_on_paper(service: Service) -> None:
    definition = service.register("public.ecr.aws/docker/library/httpd:2")
    service.create(definition)
    service.until_complete(definition)
    assert all(task["containers"][0]["runtimeId"].startswith("paper-") for task in service.tasks())
    assert service.targets() == sorted(address(task) for task in service.tasks())


def test_what_a_task_writes_is_in_its_log_stream(service: Service) -> None:
    service.aws("logs").create_log_group(logGroupName=service.name)
    options = {"awslogs-group": service.name, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}
    definition = service.register(image("good"), logConfiguration={"logDriver": "awslogs", "options": options})
    service.create(definition, desired=1)
    service.until_complete(definition)
    (task,) = service.tasks()
    ask(task)
    stream = f"app/app/{task['taskArn'].rpartition('/')[2]}"

    def lines() -> list[str]:
        found = service.aws("logs").get_log_events(logGroupName=service.name, logStreamName=stream)
        return [event["message"] for event in found["events"]]

    eventually(lambda: lines()[:1] == ["listens"] and "asked for /" in lines())


def test_a_task_cannot_listen_beyond_loopback(service: Service, emulator: Emulator) -> None:
    code = "import socket; socket.create_server(('0.0.0.0', 8080))"
    service.create(service.register(image("good"), entryPoint=["python", "-c", code]), desired=1)
    service.until(lambda: service.tasks("STOPPED"))
    stopped = service.tasks("STOPPED")[0]["taskArn"].rpartition("/")[2]
    said = (emulator.tasks / stopped / "app" / "log").read_text()
    assert "socket.bind='0.0.0.0' is not a loopback address" in said


def test_an_image_that_is_not_there_is_not_described(aws: Aws, registry: Registry) -> None:
    assert registry.emulator.running()
    found = aws("ecr").describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": "good"}])["imageDetails"]
    assert [each["imageTags"] for each in found] == [["good"]]
    with pytest.raises(ClientError, match=r"imageTag:'absent'} does not exist within the repository") as refused:
        aws("ecr").describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": "absent"}])
    assert refused.value.response["Error"]["Code"] == "ImageNotFoundException"


def test_a_killed_embedded_aws_leaves_no_task(own: Emulator, tmp_path: Path) -> None:
    clients_of(own)("ecr").create_repository(repositoryName=REPOSITORY)
    Registry(own, tmp_path).publish("good")
    service = new_service(clients_of(own), "killed")
    definition = service.register(image("good"))
    service.create(definition)
    service.until_complete(definition)
    processes = [process(task) for task in service.tasks()]
    running = own.running()
    assert running
    assert all(runs(each) for each in processes)
    os.kill(processes[0], signal.SIGSTOP)  # one that hangs cannot end itself
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not any(runs(each) for each in processes), seconds=2)


def test_two_embedded_aws_with_the_same_subnets_do_not_meet(
    service: Service, own: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two checkouts of one app, side by side on a machine."""
    clients_of(own)("ecr").create_repository(repositoryName=REPOSITORY)
    Registry(own, tmp_path).publish("good")
    (subnet,) = service.aws("ec2").describe_subnets(SubnetIds=service.subnets[:1])["Subnets"]
    monkeypatch.setattr("embedded_testing.service._numbers", count(int(subnet["CidrBlock"].split(".")[2]) // 2))
    other = new_service(clients_of(own), "other")
    for each in (service, other):
        definition = each.register(image("good"))
        each.create(definition)
        each.until_complete(definition)
    assert service.targets() == other.targets()
    for each in (service, other):
        answers = [get(f"http://{each.balancer()}/") for _ in range(6)]
        clusters = {get(f"{answer['ECS_CONTAINER_METADATA_URI_V4']}/task")["Cluster"] for answer in answers}
        assert [cluster.rpartition("/")[2] for cluster in clusters] == [each.cluster]
    other.delete()
    assert all(runs(process(task)) for task in service.tasks())
    assert get(f"http://{service.balancer()}/")
