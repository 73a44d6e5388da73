"""A container image, and a service of it behind a target group, for the tests of tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import embedded_aws
from embedded_aws import environment
from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.running import eventually

# Tasks are reached by their addresses, so each worker of the tests has a network of its own, and each service subnets.
_NETWORK = f"10.{101 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
_numbers = count(1)
REPOSITORY = "tested"
# Answers with its whole environment; ends with code 7 at SIGTERM, after what is open.
SERVER = """
import http.server, json, os, signal, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = json.dumps(dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *arguments):
        print("asked for", self.path, flush=True)

server = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("listens", flush=True)
server.serve_forever()
sys.exit(7)
"""
DOCKERFILE = 'FROM python:3.13\nCOPY . .\nCMD ["python", "-m", "server"]\n'


@dataclass
class Registry:
    """Publishes images to a running embedded AWS as the CDK CLI does, through the command for `CDK_DOCKER`."""

    emulator: Emulator
    folder: Path

    def __call__(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        running = self.emulator.running()
        assert running
        command = environment.docker(self.folder / "bin", Path(sys.executable), self.folder / "images")
        source = str(Path(embedded_aws.__file__).parents[1])
        variables = {**environment.for_clients(running.port, running.key, os.environ), "PYTHONPATH": source}
        return subprocess.run(
            [command, *words], cwd=folder or self.folder, env=variables, capture_output=True, text=True, check=False
        )

    def publish(self, tag: str, server: str = SERVER, dockerfile: str = DOCKERFILE) -> str:
        """Publish an image and return its name."""
        context = self.folder / tag
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(dockerfile)
        (context / "server.py").write_text(server)
        name = image(tag)
        for words in (("build", "--tag", tag, "."), ("tag", tag, name), ("push", name)):
            done = self(*words, folder=context)
            assert (done.returncode, done.stderr) == (0, "")
        return name


def image(tag: str) -> str:
    """Return the name of an image of the repository."""
    return f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:{tag}"


@dataclass
class Service:
    """A service of ECS and its tasks."""

    aws: Aws
    subnets: list[str]
    group: str
    cluster: str = "tested"
    name: str = "tested"
    revisions: list[str] = field(default_factory=list)

    def register(self, name: str, **container: Any) -> str:
        """Register a revision of its task definition and return its ARN."""
        defined = {
            "name": "app",
            "image": name,
            "portMappings": [{"containerPort": 8080}],
            "stopTimeout": 2,
            "environment": [{"name": "GIVEN", "value": "yes"}, {"name": "AWS_REGION", "value": "mars"}],
            **container,
        }
        arn = self.aws("ecs").register_task_definition(
            family="tested", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            taskRoleArn="arn:aws:iam::000000000000:role/of-the-task", containerDefinitions=[defined],
        )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
        return str(arn)

    def create(self, definition: str, desired: int = 2, **more: Any) -> None:
        """Create the service."""
        rolled_back = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        self.aws("ecs").create_service(
            cluster=self.cluster, serviceName=self.name, taskDefinition=definition, desiredCount=desired,
            launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": self.subnets}},
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "app", "containerPort": 8080}],
            healthCheckGracePeriodSeconds=0, **{"deploymentConfiguration": rolled_back, **more},
        )  # fmt: skip

    def update(self, **request: Any) -> None:
        """Update the service."""
        self.aws("ecs").update_service(cluster=self.cluster, service=self.name, **request)

    def delete(self) -> None:
        """Delete the service and its load balancer, and wait for its tasks."""
        self.aws("ecs").delete_service(cluster=self.cluster, service=self.name, force=True)
        self.until(lambda: all(task["lastStatus"] == "STOPPED" for task in self.tasks("STOPPED")))
        elb = self.aws("elbv2")
        for balancer in elb.describe_load_balancers(Names=[self.name])["LoadBalancers"]:
            elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])

    def described(self) -> dict[str, Any]:
        """Return the service as ECS describes it."""
        found = self.aws("ecs").describe_services(cluster=self.cluster, services=[self.name])["services"][0]
        return dict(found)

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        """Return its tasks of a desired status."""
        ecs = self.aws("ecs")
        arns = ecs.list_tasks(cluster=self.cluster, desiredStatus=status)["taskArns"]
        return [dict(task) for task in ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"]] if arns else []

    def task(self, arn: str) -> dict[str, Any]:
        """Return one task."""
        return dict(self.aws("ecs").describe_tasks(cluster=self.cluster, tasks=[arn])["tasks"][0])

    def targets(self) -> list[str]:
        """Return the addresses of its healthy targets."""
        health = self.aws("elbv2").describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return sorted(each["Target"]["Id"] for each in health if each["TargetHealth"]["State"] == "healthy")

    def balancer(self) -> str:
        """Return the name of its load balancer."""
        (found,) = self.aws("elbv2").describe_load_balancers(Names=[self.name])["LoadBalancers"]
        return str(found["DNSName"])

    def until(self, holds: Callable[[], object], seconds: float = 40) -> None:
        """Wait until something holds, and say what became of the tasks when it does not."""
        try:
            eventually(holds, seconds)
        except AssertionError:
            stopped = [task.get("stoppedReason") for task in self.tasks("STOPPED")]
            states = [(each["rolloutState"], each["rolloutStateReason"]) for each in self.described()["deployments"]]
            raise AssertionError(f"deployments {states}, stopped tasks {stopped}") from None

    def until_stopped(self, task: Mapping[str, Any]) -> None:
        """Wait until a task has stopped."""
        self.until(lambda: self.task(task["taskArn"])["lastStatus"] == "STOPPED")

    def until_complete(self, definition: str) -> None:
        """Wait until the deployment of a revision is complete and nothing else runs."""

        def complete() -> bool:
            service = self.described()
            first = service["deployments"][0]
            return bool(
                first["taskDefinition"] == definition
                and first["rolloutState"] == "COMPLETED"
                and service["runningCount"] == service["desiredCount"] == len(self.tasks())
            )

        self.until(complete)


def address(task: dict[str, Any]) -> str:
    """Return a task's address of its subnet."""
    details = {each["name"]: each["value"] for each in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])


def process(task: dict[str, Any]) -> int:
    """Return the process of a task's container."""
    return int(task["containers"][0]["runtimeId"].removeprefix("process-"))


def new_service(aws: Aws, name: str) -> Service:
    """Return a service that is not created yet, with its subnets, target group and load balancer."""
    first = 2 * next(_numbers)
    vpc = aws("ec2").create_vpc(CidrBlock=f"{_NETWORK}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        str(aws("ec2").create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"])
        for cidr, zone in (
            (f"{_NETWORK}.{first}.0/24", "us-east-1a"),
            (f"{_NETWORK}.{first + 1}.0/24", "us-east-1b"),
        )
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


def get(url: str) -> dict[str, str]:
    """Return the JSON document at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (loopback)
        found: dict[str, str] = json.load(answer)
    return found


def runs(number: int) -> bool:
    """Return whether a process runs; one that has ended and was not collected yet does not."""
    command = ["ps", "-o", "stat=", "-p", str(number)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")
