"""Events that ECS sends to EventBridge, in the order in which things happen.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
"""

import json
import logging
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final
from uuid import uuid4

from embedded_aws.server import upstream, upstream_ecs
from embedded_aws.server.tasks import alarms
from embedded_aws.server.tasks.alarms import TOLD

_log: Final = logging.getLogger("ecs")
# Of an event by the state of a rollout: its name, its type and the reason for it.
_DEPLOYMENT: Final = {
    "IN_PROGRESS": ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "ECS deployment {id} in progress."),
    "COMPLETED": ("SERVICE_DEPLOYMENT_COMPLETED", "INFO", "ECS deployment {id} completed."),
    "FAILED": ("SERVICE_DEPLOYMENT_FAILED", "ERROR", "{reason}"),
}
_ROLLBACK: Final = "ECS deployment circuit breaker: rolling back to deploymentId {id}."


def install() -> None:
    """Send an event for each change that ministack makes."""
    upstream_ecs.refresh_service.wrap(_and_tell_deployments)
    upstream_ecs.recount_cluster.wrap(_and_tell_tasks)


class Worker:
    """A thread that does one thing after the other: who asks for it may hold locks, and must not wait.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        Thread(target=self._work, name=name, daemon=True).start()

    def later(self, work: Callable[[], None]) -> None:
        """Do something after what was asked for before."""
        self._queue.put(work)

    def _work(self) -> None:
        while True:
            work = self._queue.get()
            try:
                work()
            except Exception:  # noqa: BLE001 (whatever one rule's target does, the next event is sent)
                _log.exception("ECS: what follows from a change was not done")


_sender: Final = Worker("ECS events")


def of_service(service: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Return an entry of a service's own list of events."""
    return {
        "id": str(uuid4()),
        "createdAt": upstream_ecs.now(),
        "message": f"(service {service['serviceName']}) {message}",
    }


def _and_tell_deployments(refresh: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def refresh_and_tell(cluster: str, group: str) -> None:
        refresh(cluster, group)
        service = upstream.ecs_services.get(f"{cluster}/{group.removeprefix('service:')}")
        if service:  # ministack changes the desired count of the first one, also when that was rolled back
            service["deployments"].sort(key=lambda each: each["status"] != "PRIMARY")
        for deployment in list(service["deployments"]) if service else ():
            alarms.hold_back(service, deployment)
            if deployment["rolloutState"] != deployment.get(TOLD):
                _tell_deployment(cluster, service, deployment)

    return refresh_and_tell


def _tell_deployment(cluster: str, service: dict[str, Any], deployment: dict[str, Any]) -> None:
    again, state = TOLD in deployment, deployment["rolloutState"]
    deployment[TOLD] = state
    rolls_back = state == "IN_PROGRESS" and (service.pop(alarms.ROLLS_BACK, False) or again)
    _send("ECS Deployment State Change", service["serviceArn"], _deployment(deployment, rolls_back=rolls_back))
    if state == "COMPLETED":
        service[alarms.ROLLBACK_TO] = deployment["taskDefinition"]
    if state == "IN_PROGRESS" and not again:
        alarms.watch(cluster, service, deployment)


def _and_tell_tasks(recount: Callable[[str], None]) -> Callable[[str], None]:
    """Tell each version of a task; ministack counts a cluster's tasks anew after each change of one."""

    def recount_and_tell(cluster: str) -> None:
        recount(cluster)
        for task in list(upstream.ecs_tasks.values()):
            if task["clusterArn"].endswith(f"/{cluster}") and task.get(TOLD) != task["version"]:
                task[TOLD] = task["version"]
                _send("ECS Task State Change", task["taskArn"], upstream_ecs.task_on_the_wire(task))

    return recount_and_tell


def _deployment(deployment: Mapping[str, Any], *, rolls_back: bool) -> dict[str, Any]:
    name, kind, reason = _DEPLOYMENT[deployment["rolloutState"]]
    if rolls_back:
        reason = _ROLLBACK
    return {
        "eventType": kind,
        "eventName": name,
        "deploymentId": deployment["id"],
        "updatedAt": deployment["updatedAt"],
        "reason": reason.format(id=deployment["id"], reason=deployment.get("rolloutStateReason", "")),
    }


def _send(kind: str, resource: str, detail: Mapping[str, Any]) -> None:
    entry = {"Source": "aws.ecs", "DetailType": kind, "Detail": json.dumps(detail), "Resources": [resource]}
    scope = upstream.account(), upstream.region()

    def send() -> None:
        with upstream.request_scope(*scope):
            upstream.put_events({"Entries": [entry]}, allow_aws_source=True)

    _sender.later(send)
