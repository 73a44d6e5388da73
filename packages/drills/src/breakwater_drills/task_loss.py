"""ECS loses a task: the drill stops, kills or hangs one, and the service starts another."""

import signal
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from breakwater_drills import ecs
from breakwater_drills.clock import Clock
from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Recovery, Sample
from breakwater_drills.target import Target

_SIGNALS: Final = {"kill": signal.SIGKILL, "hang": signal.SIGSTOP}


class TaskLoss(Drill):
    """The drill that loses a task."""

    name = "task-loss"
    intention = "end one task of the ECS service; the service starts another"
    hows = ("stop", "kill", "hang")
    timeout_seconds = 900.0
    measured_in_aws = "ECS, load balancer, Aurora, DynamoDB"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "tasks": "simulated: the embedded AWS starts a process where Fargate starts a container; ECS takes other times",
        "database and table": "this machine, and the fault does not touch them",
    }
    # ECS takes a task that it stops out of the load balancer first; what a killed one was answering fails.
    most_failures: ClassVar[Mapping[str, int]] = {"stop": 0, "kill": 3}

    def __init__(self, target: Target, run: str, clock: Clock | None = None, **options: Any) -> None:
        super().__init__(target, run, clock, **options)
        self._tasks = ecs.Tasks(target)
        self._complete_at = 0.0
        self._last_seen: tuple[bool, int] | None = None

    def inject(self) -> None:
        """End the first running task."""
        running = self._tasks.running()
        if not running:
            raise DrillError("the service runs no task, so none can be lost")
        lost = running[0]
        if self.how == "stop":
            self._tasks.stop(lost, f"drill {self.run}")
            self.note(f"ECS: asked to stop {ecs.name(lost)}")
        else:
            self._tasks.send(lost, _SIGNALS[self.how])
            self.note(f"{_SIGNALS[self.how].name} sent to {ecs.name(lost)}")
        self._lost, self._address = str(lost["taskArn"]), ecs.address(lost)

    def restored(self) -> bool:
        """Return whether the task has stopped, and as many others as desired run and are healthy targets.

        Neither the desired status of a task nor the service's `runningCount` says so: a task that is being stopped
        keeps running for a while, and its target stays until it is deregistered.
        """
        wanted = self._tasks.service()["desiredCount"]
        stopped = self._tasks.are_gone([self._lost])
        others = len([task for task in self._tasks.running() if task["taskArn"] != self._lost])
        if (stopped, others) != self._last_seen:
            self._last_seen = (stopped, others)
            self.note(f"ECS: the task {'has stopped' if stopped else 'runs yet'}, {others} of {wanted} others run")
        if not stopped or others < wanted or not self._targets_are_complete(wanted):
            return False
        self.note(f"ECS: {others} of {wanted} tasks run without the lost one")
        self._complete_at = self.events[-1].at
        return True

    def state(self) -> str:
        """Return the number of running tasks."""
        running = len(self._tasks.running())
        return f"{self.target.service.name} runs {running} tasks; ECS starts the missing ones by itself"

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered, and when the desired number of tasks ran again."""
        seconds = self._complete_at - self.fault if self._complete_at else None
        return [*super().recoveries(samples), Recovery("desired tasks", 0, 0, None, seconds, {})]

    def failures_allowed(self, samples: Sequence[Sample], /) -> int:
        """Return how many requests of the service may fail; a task that hangs fails what it gets until it is out.

        A load balancer checks a target once in an interval, and takes it out when so many checks in a row have failed,
        the last of them by its time-out:
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        """
        if self.how in self.most_failures:
            return self.most_failures[self.how]
        group = self._tasks.group()
        out = (
            group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] + group["HealthCheckTimeoutSeconds"]
        )
        return sum(not each.ok for each in self.traffic.asked(samples) if each.begun <= self.fault + out)

    def _targets_are_complete(self, wanted: int) -> bool:
        """Return whether the targets are complete; in the embedded AWS only tasks that run as processes are checked."""
        unserved = self.target.emulated and not self.traffic.probes
        return unserved or self._tasks.targets_are_complete(wanted, {self._address})
