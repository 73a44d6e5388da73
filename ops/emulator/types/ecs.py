"""Amazon ECS: task definitions and services made by the ECS API, which keeps what ministack's CloudFormation drops."""

from ops.emulator import registry
from ops.emulator.api import arguments, client
from ops.emulator.registry import Attributes, Declared

# A task definition is immutable: whatever but its tags changes, CloudFormation registers the next revision.
_REVISED_BY = (
    "ContainerDefinitions", "Cpu", "EnableFaultInjection", "EphemeralStorage", "ExecutionRoleArn", "Family", "IpcMode",
    "Memory", "NetworkMode", "PidMode", "PlacementConstraints", "ProxyConfiguration", "RequiresCompatibilities",
    "RuntimePlatform", "TaskRoleArn", "Volumes",
)  # fmt: skip


def install() -> None:
    """Register the types of this service."""
    registry.replace("AWS::ECS::TaskDefinition", create=_register_task_definition, create_only=_REVISED_BY)
    registry.replace("AWS::ECS::Service", create=_create_service)


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
