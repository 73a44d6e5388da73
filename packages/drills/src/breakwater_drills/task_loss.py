"""ECS loses a task: the drill stops one, and the service starts another."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Recovery, Sample

_MOST_TASKS: Final = 100  # of one DescribeTasks


class TaskLoss(Drill):
    """The drill that stops a task."""

    name = "task-loss"
    intention = "stop one task of the ECS service; the service starts another"
    timeout_seconds = 900.0
    measured_in_aws = "ECS, load balancer, Aurora, DynamoDB"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "tasks": "simulated: the embedded AWS keeps records of tasks and runs no container; ECS takes other times",
        "service": "not measured: there is no load balancer to ask",
        "database and table": "this machine, and the fault does not touch them",
    }

    def inject(self) -> None:
        """Stop the first running task."""
        running = self._running()
        if not running:
            raise DrillError("the service runs no task, so none can be stopped")
        self._stopped = str(running[0]["taskArn"])
        self._address = _address(running[0])
        self._complete_at = 0.0
        self._last_seen = (False, -1)
        self._ecs.stop_task(cluster=self._cluster, task=self._stopped, reason=f"drill {self.run}")
        self.note(f"ECS: asked to stop {self._stopped.rpartition('/')[2]}")

    def restored(self) -> bool:
        """Return whether the task has stopped, and as many others as desired run and are healthy targets.

        Neither the desired status of a task nor the service's `runningCount` says so: a task that is being stopped
        keeps running for a while, and its target stays until it is deregistered.
        """
        service = self._ecs.describe_services(cluster=self._cluster, services=[self._service])["services"][0]
        wanted = service["desiredCount"]
        stopped = all(task["lastStatus"] == "STOPPED" for task in self._described([self._stopped]))
        others = len([task for task in self._running() if task["taskArn"] != self._stopped])
        if (stopped, others) != self._last_seen:
            self._last_seen = (stopped, others)
            self.note(f"ECS: the task {'has stopped' if stopped else 'is stopping'}, {others} of {wanted} others run")
        if not stopped or others < wanted or not (self.target.emulated or self._targets_are_complete(wanted)):
            return False
        self.note(f"ECS: {others} of {wanted} tasks run without the stopped one")
        self._complete_at = self.events[-1].at
        return True

    def state(self) -> str:
        """Return the number of running tasks."""
        return f"{self._service} runs {len(self._running())} tasks; ECS starts the missing ones by itself"

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered, and when the desired number of tasks ran again."""
        seconds = self._complete_at - self.fault if self._complete_at else None
        return [*super().recoveries(samples), Recovery("desired tasks", 0, 0, None, seconds, {})]

    @property
    def _ecs(self) -> Any:
        return self.target.client("ecs")

    @property
    def _cluster(self) -> str:
        return self.target.service.cluster

    @property
    def _service(self) -> str:
        return self.target.service.name

    def _running(self) -> list[dict[str, Any]]:
        pages = self._ecs.get_paginator("list_tasks").paginate(
            cluster=self._cluster, serviceName=self._service, desiredStatus="RUNNING"
        )
        tasks = self._described([arn for page in pages for arn in page["taskArns"]])
        return [task for task in tasks if task["lastStatus"] == "RUNNING"]

    def _described(self, arns: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for first in range(0, len(arns), _MOST_TASKS):
            chunk = list(arns[first : first + _MOST_TASKS])
            found += self._ecs.describe_tasks(cluster=self._cluster, tasks=chunk)["tasks"]
        return found

    def _targets_are_complete(self, wanted: int) -> bool:
        group = self.target.service.target_group_arn
        found = self.target.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = [(each["Target"]["Id"], each["TargetHealth"]["State"]) for each in found]
        gone = all(state == "draining" for address, state in states if address == self._address)
        return gone and sum(state == "healthy" for _, state in states) >= wanted


def _address(task: Mapping[str, Any]) -> str:
    """Return the private IPv4 address of a task, by which it is a target; empty when it has none."""
    details = (detail for attachment in task.get("attachments", []) for detail in attachment.get("details", []))
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")
