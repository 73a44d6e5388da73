"""A service of ECS as its control plane tells it: its tasks, its deployments, and its targets."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from breakwater_drills.copies import RUN_TAG, STACK_TAG
from breakwater_drills.errors import DrillError
from breakwater_drills.target import Target

_MOST_TASKS: Final = 100  # of one DescribeTasks
# The embedded AWS tells the process of a task where ECS tells the id of its container.
_PROCESS: Final = "process-"


class Tasks:
    """The tasks of a service.

    Args:
        target: the deployed service.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._names = {"cluster": target.service.cluster, "service": target.service.name}

    @property
    def client(self) -> Any:
        """Client of Amazon ECS."""
        return self._target.client("ecs")

    def service(self) -> dict[str, Any]:
        """Return the service, its deployments included."""
        name = self._names["service"]
        return dict(self.client.describe_services(cluster=self._names["cluster"], services=[name])["services"][0])

    def update(self, revision: str) -> None:
        """Deploy a revision of the task definition."""
        self.client.update_service(**self._names, taskDefinition=revision)

    def stop(self, task: Mapping[str, Any], reason: str) -> None:
        """Ask ECS to stop a task."""
        self.client.stop_task(cluster=self._names["cluster"], task=task["taskArn"], reason=reason)

    def running(self) -> list[dict[str, Any]]:
        """Return the tasks that run."""
        pages = self.client.get_paginator("list_tasks").paginate(
            cluster=self._names["cluster"], serviceName=self._names["service"], desiredStatus="RUNNING"
        )
        tasks = self.described([arn for page in pages for arn in page["taskArns"]])
        return [task for task in tasks if task["lastStatus"] == "RUNNING"]

    def described(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        """Return tasks as ECS describes them."""
        found: list[dict[str, Any]] = []
        for first in range(0, len(arns), _MOST_TASKS):
            chunk = list(arns[first : first + _MOST_TASKS])
            found += self.client.describe_tasks(cluster=self._names["cluster"], tasks=chunk)["tasks"]
        return found

    def are_gone(self, arns: Sequence[str]) -> bool:
        """Return whether tasks have stopped; one that ECS no longer describes has."""
        return all(task["lastStatus"] == "STOPPED" for task in self.described(arns))

    def targets_are_complete(self, wanted: int, without: Collection[str] = ()) -> bool:
        """Return whether enough targets are healthy, and the addresses of lost tasks are targets no longer.

        Args:
            wanted: how many are enough.
            without: addresses of lost tasks.
        """
        group = self._target.service.target_group_arn
        found = self._target.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = [(each["Target"]["Id"], each["TargetHealth"]["State"]) for each in found]
        gone = all(state == "draining" for address, state in states if address in without)
        return gone and sum(state == "healthy" for _, state in states) >= wanted

    def newer_revisions(self) -> Iterator[tuple[str, str]]:
        """Yield the run and the ARN of each revision of a drill of this stack that the service does not run.

        Only revisions after the deployed one are looked at: a drill registers its own last.
        """
        deployed = self.service()["taskDefinition"]
        family, _, number = deployed.rpartition("/")[2].rpartition(":")
        pages = self.client.get_paginator("list_task_definitions").paginate(
            familyPrefix=family, status="ACTIVE", sort="DESC"
        )
        for arn in (arn for page in pages for arn in page["taskDefinitionArns"]):
            if int(arn.rpartition(":")[2]) <= int(number):
                return
            answer = self.client.describe_task_definition(taskDefinition=arn, include=["TAGS"])
            tags = {each["key"]: each["value"] for each in answer.get("tags", [])}
            if tags.get(STACK_TAG) == self._target.stack and RUN_TAG in tags:
                yield tags[RUN_TAG], arn

    def deregister(self, revision: str) -> str:
        """Make a revision one that cannot be deployed any more."""
        self.client.deregister_task_definition(taskDefinition=revision)
        return ""

    def group(self) -> dict[str, Any]:
        """Return the target group."""
        arn = self._target.service.target_group_arn
        return dict(self._target.client("elbv2").describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0])

    def send(self, task: Mapping[str, Any], number: signal.Signals) -> None:
        """Send a signal to the process that the embedded AWS runs a task as.

        Args:
            task: as ECS describes it.
            number: the signal.

        Raises:
            DrillError: it is not a process of this machine.
        """
        runtime: str = task["containers"][0].get("runtimeId", "")
        if not self._target.emulated or not runtime.startswith(_PROCESS):
            raise DrillError(
                f"task {name(task)} is no process of this machine, so it cannot get {number.name}: run this drill in "
                "the embedded AWS, with an image that runs there; in an account use --how stop"
            )
        os.kill(int(runtime.removeprefix(_PROCESS)), number)


def name(task: Mapping[str, Any]) -> str:
    """Return the id of a task."""
    return str(task["taskArn"]).rpartition("/")[2]


def address(task: Mapping[str, Any]) -> str:
    """Return the private IPv4 address of a task, by which it is a target; empty when it has none."""
    details = (detail for attachment in task.get("attachments", []) for detail in attachment.get("details", []))
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")
