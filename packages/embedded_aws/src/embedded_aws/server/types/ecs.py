"""Amazon ECS: task definitions and services made through the ECS API, which keeps more than ministack's CloudFormation.

Tasks run nothing, but they are placed as ECS places them: spread over the subnets of their service, and targets of its
load balancer.
"""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.balancer.service import running
from embedded_aws.server.registry import Attributes, Declared

# A task definition is immutable: a change of anything but its tags registers the next revision.
_REVISED_BY = (
    "ContainerDefinitions", "Cpu", "EnableFaultInjection", "EphemeralStorage", "ExecutionRoleArn", "Family", "IpcMode",
    "Memory", "NetworkMode", "PidMode", "PlacementConstraints", "ProxyConfiguration", "RequiresCompatibilities",
    "RuntimePlatform", "TaskRoleArn", "Volumes",
)  # fmt: skip


def install() -> None:
    """Register the types of this service."""
    registry.replace("AWS::ECS::TaskDefinition", create=_register_task_definition, create_only=_REVISED_BY)
    registry.replace("AWS::ECS::Service", create=_create_service)
    upstream.reconcile_tasks.wrap(_and_place)
    upstream.ecs_actions[_STOP] = _and_replace(upstream.ecs_actions[_STOP])


def _register_task_definition(declared: Declared) -> tuple[str, Attributes]:
    family = declared.name("Family", longest=255)
    request = arguments("ecs", "RegisterTaskDefinition", {**declared.properties, "Family": family})
    definition = client("ecs").register_task_definition(**request)["taskDefinition"]
    return definition["taskDefinitionArn"], {"TaskDefinitionArn": definition["taskDefinitionArn"]}


def _create_service(declared: Declared) -> tuple[str, Attributes]:
    name = declared.name("ServiceName", longest=255)
    request = arguments("ecs", "CreateService", {**declared.properties, "ServiceName": name})
    service = client("ecs").create_service(**request)["service"]
    return service["serviceArn"], {"ServiceArn": service["serviceArn"], "Name": name}


def _and_place(reconcile: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def reconcile_and_place(cluster: str, key: str) -> None:
        reconcile(cluster, key)
        service = upstream.ecs_services.get(key)
        if service:
            _place(service)

    return reconcile_and_place


_STOP = "StopTask"
_ACCEPTED = 200


def _and_replace(stop: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Start a task for one that was stopped; ministack does so only when the service itself changes."""

    def stop_and_replace(request: dict[str, Any]) -> Any:
        answer = stop(request)
        if answer[0] == _ACCEPTED:
            for key, service in list(upstream.ecs_services.items()):
                upstream.reconcile_tasks(service["clusterArn"].rpartition("/")[2], key)
        return answer

    return stop_and_replace


# AWS reserves the first four addresses of a subnet: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
_FIRST_ADDRESS = 4


def _place(service: dict[str, Any]) -> None:
    """Spread the tasks of a service over its subnets, and make them targets of its load balancer."""
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnets = [upstream.subnets[name] for name in network.get("subnets", []) if name in upstream.subnets]
    if not subnets:
        return
    addresses = []
    for number, task in enumerate(running_tasks(service)):
        subnet = subnets[number % len(subnets)]
        task["availabilityZone"] = subnet["AvailabilityZone"]
        addresses.append(str(ip_network(subnet["CidrBlock"])[_FIRST_ADDRESS + number]))
    for balancer in service.get("loadBalancers", []):
        upstream.targets[balancer["targetGroupArn"]] = [
            {"Id": address, "Port": balancer["containerPort"]} for address in addresses
        ]
    running().refresh()


def running_tasks(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the running tasks of a service, in a fixed order."""
    owned = [
        task
        for task in upstream.ecs_tasks.values()
        if task.get("clusterArn") == service["clusterArn"]
        and task.get("group") == f"service:{service['serviceName']}"
        and task.get("desiredStatus") == "RUNNING"
    ]
    return sorted(owned, key=lambda task: str(task["taskArn"]))
