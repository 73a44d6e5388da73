"""Tasks of Amazon ECS that run: their life cycle, their deployments, what they know and what they may not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import clients_of, eventually, run_emulator
from embedded_testing.service import REPOSITORY, SERVER, Registry, Service, address, image, process

pytestmark = pytest.mark.emulator
# Before the server's own handler is set, all that would be: it hears no signal.
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal = lambda *_: None\n"
_numbers = count(101)


@pytest.fixture(scope="module")
def registry(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    clients_of(emulator)("ecr").create_repository(repositoryName=REPOSITORY)
    made = Registry(emulator, tmp_path_factory.mktemp("registry"))
    made.publish("good")
    made.publish("exits", "import sys\nprint('no schema')\nsys.exit(3)\n")
    return made


def new_service(aws: Aws, name: str) -> Service:
    network = f"10.{next(_numbers)}"
    vpc = aws("ec2").create_vpc(CidrBlock=f"{network}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        str(aws("ec2").create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"])
        for cidr, zone in ((f"{network}.1.0/24", "us-east-1a"), (f"{network}.2.0/24", "us-east-1b"))
    ]
    elb = aws("elbv2")
    group = elb.create_target_group(
        Name=name, Port=8080, Protocol="HTTP", TargetType="ip", VpcId=vpc, HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2, UnhealthyThresholdCount=2, HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    )
    balancer = elb.create_load_balancer(Name=name, Subnets=subnets, Scheme="internal")["LoadBalancers"][0]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Port=80, Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip
    aws("ecs").create_cluster(clusterName=name)
    return Service(aws, subnets, group, cluster=name, name=name)


@pytest.fixture
def service(aws: Aws, registry: Registry) -> Iterator[Service]:
    assert registry.emulator.running()
    made = new_service(aws, f"tasks-{next(_numbers)}")
    yield made
    aws("ecs").delete_service(cluster=made.cluster, service=made.name, force=True)
    made.until(lambda: all(task["lastStatus"] == "STOPPED" for task in made.tasks("STOPPED")))


def ask(task: dict[str, Any]) -> dict[str, str]:
    """Ask a task at the loopback address that stands for its own."""
    return get(f"http://127.{address(task).partition('.')[2]}:8080/")


def get(url: str) -> dict[str, str]:
    """Return the JSON document at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (loopback)
        found: dict[str, str] = json.load(answer)
    return found


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
    service.until(lambda: service.task(first["taskArn"])["lastStatus"] == "STOPPED")
    stopped = service.task(first["taskArn"])
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "a test")
    assert stopped["containers"][0]["exitCode"] == 7
    assert stopped["stoppingAt"] <= stopped["stoppedAt"]
    service.until(lambda: len([task for task in service.tasks() if task["lastStatus"] == "RUNNING"]) == 1)
    (second,) = service.tasks()
    assert address(second) != address(first)
    service.until(lambda: service.targets() == [address(second)])


def test_a_task_that_does_not_end_is_killed_after_its_stop_timeout(service: Service) -> None:
    definition = service.register(image("good"), entryPoint=["python", "-c", STUBBORN + SERVER])
    service.create(definition, desired=1)
    service.until_complete(definition)
    (task,) = service.tasks()
    service.update(desiredCount=0)
    service.until(lambda: service.task(task["taskArn"])["lastStatus"] == "STOPPED")
    stopped = service.task(task["taskArn"])
    assert stopped["containers"][0]["exitCode"] == 128 + signal.SIGKILL
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    assert stopped["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")


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
    service.until(lambda: service.task(hung["taskArn"])["lastStatus"] == "STOPPED")
    assert service.task(hung["taskArn"])["containers"][0]["exitCode"] == 128 + signal.SIGKILL


def test_a_task_that_never_gets_healthy_fails_its_deployment(service: Service) -> None:
    definition = service.register(image("good"), entryPoint=["python", "-c", "import time; time.sleep(600)"])
    service.create(definition, desired=1)
    service.until(lambda: [task for task in service.tasks("STOPPED") if "failed ELB" in task["stoppedReason"]], 90)
    assert service.described()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert service.described()["deployments"][0]["failedTasks"] >= 1


def test_an_update_under_load_fails_no_request(service: Service) -> None:
    first, second = service.register(image("good")), service.register(image("good"), command=["python", "server.py"])
    service.create(first)
    service.until_complete(first)
    (balancer,) = service.aws("elbv2").describe_load_balancers(Names=[service.name])["LoadBalancers"]
    failed: list[object] = []
    done, asked = Event(), count()

    def ask_again_and_again() -> None:
        while not done.wait(0.05):
            next(asked)
            try:
                get(f"http://{balancer['DNSName']}/")
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


def alarm(service: Service) -> str:
    service.aws("cloudwatch").put_metric_alarm(
        AlarmName=service.name, Namespace="Nothing", MetricName="Is", Statistic="Sum", Period=10, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    return service.name


def test_an_alarm_during_the_bake_time_rolls_back(service: Service) -> None:
    configuration = {"alarms": {"alarmNames": [alarm(service)], "enable": True, "rollback": True}}
    good, bad = service.register(image("good")), service.register(image("good"), command=["python", "server.py"])
    service.create(good)
    service.until_complete(good)
    service.update(taskDefinition=bad, deploymentConfiguration=configuration)
    service.until(lambda: {task["taskDefinitionArn"] for task in service.tasks()} == {bad})
    baking = service.described()["deployments"][0]
    assert (baking["taskDefinition"], baking["rolloutState"]) == (bad, "IN_PROGRESS")
    service.aws("cloudwatch").set_alarm_state(AlarmName=service.name, StateValue="ALARM", StateReason="a test")
    service.until(lambda: "FAILED" in {each["rolloutState"] for each in service.described()["deployments"]})
    failed = next(each for each in service.described()["deployments"] if each["rolloutState"] == "FAILED")
    assert failed["rolloutStateReason"] == f"ECS deployment failed: alarm detected: {service.name}."
    service.until_complete(good)
    assert {task["taskDefinitionArn"] for task in service.tasks()} == {good}


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


def test_an_image_that_is_not_there_is_not_described(aws: Aws, registry: Registry) -> None:
    assert registry.emulator.running()
    found = aws("ecr").describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": "good"}])["imageDetails"]
    assert [each["imageTags"] for each in found] == [["good"]]
    with pytest.raises(ClientError, match=r"imageTag:'absent'} does not exist within the repository") as refused:
        aws("ecr").describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": "absent"}])
    assert refused.value.response["Error"]["Code"] == "ImageNotFoundException"


@pytest.fixture
def own(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    yield from run_emulator(emulator_python, tmp_path_factory)


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


def runs(number: int) -> bool:
    """Return whether a process runs; one that has ended and was not collected yet does not."""
    command = ["ps", "-o", "stat=", "-p", str(number)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
