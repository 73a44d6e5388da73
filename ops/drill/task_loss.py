"""ECS loses a task: the drill stops one, and the service starts another."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ops.drill.drill import Drill
from ops.drill.measure import Recovery, Sample
from ops.errors import OpsError
from stacks.names import OutputKey


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
            raise OpsError("the service runs no task, so none can be stopped")
        self._stopped = running[0]
        self._complete_at = 0.0
        self._ecs.stop_task(cluster=self._cluster, task=self._stopped, reason=f"drill {self.run}")
        self.note(f"ECS: stopped {self._stopped.rpartition('/')[2]}")

    def restored(self) -> bool:
        """Return whether the desired number of tasks runs, without the stopped one, and as many targets are healthy."""
        service = self._ecs.describe_services(cluster=self._cluster, services=[self._service])["services"][0]
        tasks = self._running()
        complete = service["runningCount"] >= service["desiredCount"] and self._stopped not in tasks
        if complete and (self.target.emulated or self._healthy() >= service["desiredCount"]):
            self.note(f"ECS: {len(tasks)} of {service['desiredCount']} tasks run")
            self._complete_at = self.events[-1].at
            return True
        return False

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
        return self.target.outputs[OutputKey.ECS_CLUSTER_NAME]

    @property
    def _service(self) -> str:
        return self.target.outputs[OutputKey.ECS_SERVICE_NAME]

    def _running(self) -> list[str]:
        pages = self._ecs.get_paginator("list_tasks").paginate(
            cluster=self._cluster, serviceName=self._service, desiredStatus="RUNNING"
        )
        return [arn for page in pages for arn in page["taskArns"]]

    def _healthy(self) -> int:
        group = self.target.outputs[OutputKey.TARGET_GROUP_ARN]
        targets = self.target.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return sum(each["TargetHealth"]["State"] == "healthy" for each in targets)
