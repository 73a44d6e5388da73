"""A version of the service that does not work is deployed: ECS gives it up, and goes back to the one before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from breakwater_drills import ecs
from breakwater_drills.clock import Clock
from breakwater_drills.copies import RUN_TAG, STACK_TAG, Remove
from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Recovery, Sample
from breakwater_drills.target import Target

# What DescribeTaskDefinition answers and RegisterTaskDefinition takes.
REGISTERED: Final = (
    "family", "taskRoleArn", "executionRoleArn", "networkMode", "containerDefinitions", "volumes",
    "placementConstraints", "requiresCompatibilities", "cpu", "memory", "pidMode", "ipcMode", "proxyConfiguration",
    "inferenceAccelerators", "ephemeralStorage", "runtimePlatform", "enableFaultInjection",
)  # fmt: skip
_NO_DIGEST: Final = f"@sha256:{'0' * 64}"
# Healthy, and of no use: it answers the health check, and everything else with 500.
_ANSWERS_500: Final = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if self.path == {path!r} else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = answer

address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "{port}"))
ThreadingHTTPServer(address, Handler).serve_forever()
"""
_PROGRAMS: Final = {"exit": "raise SystemExit(3)", "deaf": "import time; time.sleep(86400)", "errors": _ANSWERS_500}
_AFTER_ROLLBACK: Final = 0.001  # so many of the requests may fail after the rollback


class BadDeployment(Drill):
    """The drill that deploys a version that exits, never listens, cannot be pulled, or answers with errors."""

    name = "bad-deployment"
    intention = "deploy a version of the service that does not work; ECS gives it up and goes back to the one before"
    hows = ("exit", "deaf", "unpullable", "errors")
    timeout_seconds = 3600.0
    measured_in_aws = "ECS, load balancer, service"
    parts_emulated: ClassVar[Mapping[str, str]] = {
        "deployment": "this machine: ECS of the embedded AWS starts processes, counts failed tasks and goes back; AWS "
        "starts containers, which takes longer",
        "database and table": "this machine, and the fault does not touch them",
    }

    def __init__(self, target: Target, run: str, clock: Clock | None = None, **options: Any) -> None:
        super().__init__(target, run, clock, **options)
        self._tasks = ecs.Tasks(target)
        self._old = self._revision = ""
        self._failed_at = self._back_at = 0.0
        self._taken_over = False
        self._last_seen: dict[str, str] = {}

    def prepare(self) -> None:
        """Refuse a service that would not go back by itself, then prepare as the other drills do.

        Raises:
            DrillError: nothing makes ECS go back.
        """
        configuration = self._tasks.service()["deploymentConfiguration"]
        key = "alarms" if self.how == "errors" else "deploymentCircuitBreaker"
        found = configuration.get(key, {})
        if not (found.get("enable") and found.get("rollback")):
            setting = "compute.deployment_alarms=true" if self.how == "errors" else "the circuit breaker with rollback"
            raise DrillError(
                f"{self.target.service.name} does not go back by itself ({key} of its deployments is off): deploy it "
                f"with {setting} before this drill. Nothing was broken"
            )
        super().prepare()

    def before_fault(self, _samples: Sequence[Sample], /) -> None:
        """Register the version, a revision of the running one."""
        self._old = self._tasks.service()["taskDefinition"]
        running = self._tasks.client.describe_task_definition(taskDefinition=self._old)["taskDefinition"]
        request = {name: running[name] for name in REGISTERED if running.get(name)}
        first, *others = request["containerDefinitions"]
        request["containerDefinitions"] = [self._broken(first), *others]
        tags = [{"key": RUN_TAG, "value": self.run}, {"key": STACK_TAG, "value": self.target.stack}]
        registered = self._tasks.client.register_task_definition(**request, tags=tags)["taskDefinition"]
        self._revision = str(registered["taskDefinitionArn"])
        self.note(f"ECS: registered {_short(self._revision)}")

    def inject(self) -> None:
        """Deploy it."""
        self._tasks.update(self._revision)
        self.note(f"ECS: asked to deploy {_short(self._revision)} in place of {_short(self._old)}")

    def restored(self) -> bool:
        """Return whether ECS gave the version up, and the old one is deployed and healthy again."""
        service = self._tasks.service()
        for each in service["deployments"]:
            self._note_deployment(each)
        primary: Mapping[str, Any] = next((each for each in service["deployments"] if each["status"] == "PRIMARY"), {})
        back = primary.get("taskDefinition") == self._old and primary["rolloutState"] == "COMPLETED"
        if not back or not self._tasks.targets_are_complete(service["desiredCount"]):
            return False
        self.note(f"ECS: {_short(self._old)} is deployed, and healthy")
        self._back_at = self.events[-1].at
        return True

    def await_restored(self) -> bool:
        """Wait until ECS has gone back; return False when it does not in time, or keeps the version."""
        self.clock.wait_until(
            lambda: self._taken_over or self.restored(),
            timeout_seconds=self.timeout_seconds,
            poll_seconds=self.poll_seconds,
        )
        return bool(self._back_at and self._failed_at)

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered, when ECS gave the version up, and when the old one was deployed again."""
        deployment = [
            Recovery(name, 0, 0, None, at - self.fault if at else None, {}, judged=False)
            for name, at in (("version given up", self._failed_at), ("old version deployed", self._back_at))
        ]
        return [*super().recoveries(samples), *deployment]

    def failures_allowed(self, samples: Sequence[Sample], /) -> int:
        """Return how many requests may fail: none; where the version answers with errors, all until ECS went back."""
        if self.how != "errors":
            return 0
        asked = self.traffic.asked(samples)
        back = self._back_at or math.inf
        until = sum(not each.ok for each in asked if each.begun <= back)
        return until + int(_AFTER_ROLLBACK * len(asked))

    def state(self) -> str:
        """Return which version is deployed."""
        return f"{self.target.service.name} has {_short(self._tasks.service()['taskDefinition'])}"

    def created(self) -> Iterator[tuple[str, Remove]]:
        """Yield the revision first: the service must go back before anything else."""
        if self._revision:
            yield f"revision {_short(self._revision)}", self._remove
        yield from super().created()

    def _remove(self) -> str:
        if self._tasks.service()["taskDefinition"] == self._revision:
            self._tasks.update(self._old)
            return f"the service is going back to {_short(self._old)}"
        return self._tasks.deregister(self._revision)

    def _broken(self, container: Mapping[str, Any]) -> dict[str, Any]:
        if self.how == "unpullable":
            repository = container["image"].partition("@")[0].rpartition("/")
            return {**container, "image": f"{''.join(repository[:2])}{repository[2].partition(':')[0]}{_NO_DIGEST}"}
        program = _PROGRAMS[self.how]
        if self.how == "errors":
            path = self._tasks.group()["HealthCheckPath"]
            program = program.format(path=path, port=container["portMappings"][0]["containerPort"])
        return {**container, "entryPoint": ["python", "-c", program], "command": []}

    def _note_deployment(self, deployment: Mapping[str, Any]) -> None:
        name, state = _short(deployment["taskDefinition"]), deployment["rolloutState"]
        if self._last_seen.get(name) == state:
            return
        self._last_seen[name] = state
        self.note(f"ECS: {name} is {deployment['status']}, {state} {deployment.get('rolloutStateReason', '')}".rstrip())
        if deployment["taskDefinition"] == self._revision:
            if state == "FAILED":
                self._failed_at = self.events[-1].at
            self._taken_over = state == "COMPLETED"


def _short(arn: str) -> str:
    """Return family and revision."""
    return arn.rpartition("/")[2]
