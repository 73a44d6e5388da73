"""The task of the service: its container, its two roles, and what it may write to."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.acknowledgements import AWS_SOLUTIONS, acknowledge, acknowledge_inline_policy
from stacks.settings import ComputeSettings
from stacks.settings.rules import PRIVATE_ECR_IMAGE

CONTAINER_NAME = "app"
# Reported to work by users, not supported by AWS: https://github.com/aws/containers-roadmap/issues/1359
EXEC_AGENT_PATHS = {
    "managed-agents": "/managed-agents",
    "ssm-state": "/var/lib/amazon/ssm",
    "ssm-logs": "/var/log/amazon/ssm",
}


def build_task_definition(
    scope: Construct, *, settings: ComputeSettings, environment: dict[str, str], log_group: logs.ILogGroup
) -> ecs.FargateTaskDefinition:
    """Build the task definition with its container and roles.

    Args:
        scope: stack that owns it.
        settings: image, size and what the container may do.
        environment: environment variables of the container; no secret is among them.
        log_group: where the container logs to.

    Returns:
        The task definition; its task role has no permissions yet.
    """
    architectures = {"arm64": ecs.CpuArchitecture.ARM64, "x86_64": ecs.CpuArchitecture.X86_64}
    execution_role = _build_execution_role(scope)
    definition = ecs.FargateTaskDefinition(
        scope,
        "TaskDefinition",
        cpu=settings.cpu,
        memory_limit_mib=settings.memory,
        task_role=_build_task_role(scope),
        execution_role=execution_role,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=architectures[settings.architecture],
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
        ),
    )
    container = definition.add_container(
        "Container",
        container_name=CONTAINER_NAME,
        memory_limit_mib=settings.memory,
        image=_image(scope, settings),
        command=[part.replace("{port}", str(settings.port)) for part in settings.command] or None,
        environment=environment,
        user=settings.user,
        readonly_root_filesystem=True,
        linux_parameters=_build_linux_parameters(scope, settings),
        port_mappings=[ecs.PortMapping(container_port=settings.port)],
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=CONTAINER_NAME, log_group=log_group, mode=ecs.AwsLogDriverMode.NON_BLOCKING
        ),
    )
    if settings.exec_enabled:
        _make_room_for_exec(definition, container)
    _acknowledge(definition, execution_role, private_image=bool(PRIVATE_ECR_IMAGE.match(settings.image or "")))
    return definition


def _acknowledge(definition: ecs.FargateTaskDefinition, execution_role: iam.Role, *, private_image: bool) -> None:
    acknowledge(
        definition,
        AWS_SOLUTIONS,
        rule="ECS2",
        reason="The variables are host names, a port and ARNs that only the stack knows; none of them holds a secret.",
    )
    acknowledge_inline_policy(execution_role)
    if private_image:
        acknowledge(
            execution_role.node.find_child("DefaultPolicy"),
            AWS_SOLUTIONS,
            rule="IAM5[Resource::*]",
            reason="ecr:GetAuthorizationToken alone: AWS defines no resource type for it, so only * is accepted.",
        )


def _build_linux_parameters(scope: Construct, settings: ComputeSettings) -> ecs.LinuxParameters:
    linux = ecs.LinuxParameters(scope, "LinuxParameters", init_process_enabled=True)
    linux.drop_capabilities(ecs.Capability.ALL)
    for path in settings.writable_paths:
        # A bind mount belongs to root with mode 0755, so this user could not write to it; tmpfs is open to all.
        # Fargate supports it since January 2026: https://github.com/aws/containers-roadmap/issues/736
        linux.add_tmpfs(ecs.Tmpfs(container_path=path, size=settings.writable_path_mib))
    return linux


def _build_task_role(scope: Construct) -> iam.Role:
    # CDK's own role would let ECS act for any account's task:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    this_account = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    return iam.Role(
        scope,
        "TaskRole",
        description="The application: its own calls to AWS",
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com", conditions=this_account),
    )


def _build_execution_role(scope: Construct) -> iam.Role:
    # No such condition here: AWS documents it for task roles only, and where it does not hold no task starts.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    return iam.Role(
        scope,
        "ExecutionRole",
        description="ECS: pull the image and write the log",
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    )


def _make_room_for_exec(definition: ecs.FargateTaskDefinition, container: ecs.ContainerDefinition) -> None:
    """Mount what the ECS Exec agent, which runs as root, writes to on an otherwise read-only file system."""
    for name, path in EXEC_AGENT_PATHS.items():
        definition.add_volume(name=name)
        container.add_mount_points(ecs.MountPoint(container_path=path, source_volume=name, read_only=False))


def _image(scope: Construct, settings: ComputeSettings) -> ecs.ContainerImage:
    """Return the image; for private ECR with the pull permission that the task needs."""
    name = settings.image or ""
    private = PRIVATE_ECR_IMAGE.match(name)
    if private is None:
        return ecs.ContainerImage.from_registry(name)
    partition = Stack.of(scope).partition
    arn = f"arn:{partition}:ecr:{private['region']}:{private['account']}:repository/{private['repository']}"
    repository = ecr.Repository.from_repository_attributes(
        scope, "Repository", repository_arn=arn, repository_name=private["repository"]
    )
    return ecs.ContainerImage.from_ecr_repository(repository, private["tag"] or private["digest"])
