"""Amazon ECS: task definitions and services made through the ECS API, which keeps more than ministack's CloudFormation.

As on AWS, a service is created or updated when its deployment is complete, and deleted when its tasks have stopped.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Declared
from embedded_aws.server.tasks.alarms import TOLD

# A task definition is immutable: a change of anything but its tags registers the next revision.
_REVISED_BY = (
    "ContainerDefinitions", "Cpu", "EnableFaultInjection", "EphemeralStorage", "ExecutionRoleArn", "Family", "IpcMode",
    "Memory", "NetworkMode", "PidMode", "PlacementConstraints", "ProxyConfiguration", "RequiresCompatibilities",
    "RuntimePlatform", "TaskRoleArn", "Volumes",
)  # fmt: skip


_SERVICE: Final = "AWS::ECS::Service"
_POLL_SECONDS: Final = 0.1
# AWS CloudFormation waits for three hours; whoever runs this waits before a screen.
_STABLE_SECONDS: Final = 900


def install() -> None:
    """Register the types of this service."""
    registry.replace("AWS::ECS::TaskDefinition", create=_register_task_definition, create_only=_REVISED_BY)
    registry.replace(_SERVICE, create=_create_service)
    registry.wrap(_SERVICE, "update", _and_wait)
    registry.wrap(_SERVICE, "delete", _and_wait_for_tasks)


def _register_task_definition(declared: Declared) -> tuple[str, Attributes]:
    family = declared.name("Family", longest=255)
    request = arguments("ecs", "RegisterTaskDefinition", {**declared.properties, "Family": family})
    definition = client("ecs").register_task_definition(**request)["taskDefinition"]
    return definition["taskDefinitionArn"], {"TaskDefinitionArn": definition["taskDefinitionArn"]}


def _create_service(declared: Declared) -> tuple[str, Attributes]:
    name = declared.name("ServiceName", longest=255)
    request = arguments("ecs", "CreateService", {**declared.properties, "ServiceName": name})
    service = client("ecs").create_service(**request)["service"]
    _wait_until_stable(service["serviceArn"])
    return service["serviceArn"], {"ServiceArn": service["serviceArn"], "Name": name}


def _and_wait(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_and_wait(physical_id: str, *more: Any) -> Any:
        updated = update(physical_id, *more)
        _wait_until_stable(physical_id)
        return updated

    return update_and_wait


def _wait_until_stable(arn: str) -> None:
    """Wait until the newest deployment of a service is complete.

    Raises:
        ValueError: it failed, or does not end.
    """
    service = _service(arn)
    newest, until = service["deployments"][0], time.monotonic() + _STABLE_SECONDS
    while newest.get(TOLD) != "COMPLETED" or service["runningCount"] != service["desiredCount"]:
        if newest["rolloutState"] == "FAILED":
            raise ValueError(f"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'. {arn}: "
                             f"{newest['rolloutStateReason']} {_last_words(service)}")  # fmt: skip
        if time.monotonic() > until:
            raise ValueError(f"{arn} did not stabilize within {_STABLE_SECONDS} s. {_last_words(service)}")
        time.sleep(_POLL_SECONDS)


def _service(arn: str) -> dict[str, Any]:
    return next(each for each in upstream.ecs_services.values() if each["serviceArn"] == arn)


def _last_words(service: dict[str, Any]) -> str:
    """Return why its last task stopped, and the last line that it wrote."""
    stopped = [task for task in _tasks(service) if task.get("stoppedReason")]
    if not stopped:
        return "No task has stopped."
    last = max(stopped, key=lambda task: str(task.get("stoppingAt")))
    codes = [str(each["exitCode"]) for each in last["containers"] if each.get("exitCode") is not None]
    return f"Last task: {last['stoppedReason']}" + (f", exit code {', '.join(codes)}" if codes else "")


def _and_wait_for_tasks(delete: Callable[..., None]) -> Callable[..., None]:
    def delete_and_wait(physical_id: str, *more: Any) -> None:
        delete(physical_id, *more)
        until = time.monotonic() + _STABLE_SECONDS
        while any(task["lastStatus"] != "STOPPED" for task in _tasks(_service(physical_id))):
            if time.monotonic() > until:
                raise ValueError(f"the tasks of {physical_id} did not stop within {_STABLE_SECONDS} s")
            time.sleep(_POLL_SECONDS)

    return delete_and_wait


def _tasks(service: dict[str, Any]) -> list[dict[str, Any]]:
    group = f"service:{service['serviceName']}"
    return [
        task
        for task in upstream.ecs_tasks.values()
        if task.get("clusterArn") == service["clusterArn"] and task.get("group") == group
    ]


def running_tasks(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the running tasks of a service, in a fixed order."""
    owned = [task for task in _tasks(service) if task.get("desiredStatus") == "RUNNING"]
    return sorted(owned, key=lambda task: str(task["taskArn"]))
