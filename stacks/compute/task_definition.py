"""The task of the service: its container, its two roles, what it may write to, and what it may do with the data."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.common.location import Location
from stacks.common.permissions import TABLE_KEY_ACTIONS, Permissions
from stacks.settings import ComputeSettings
from stacks.settings.rules import PRIVATE_ECR_IMAGE, SERVICE_IMAGE

CONTAINER_NAME = "app"
# Reported to work by users, not supported by AWS: https://github.com/aws/containers-roadmap/issues/1359
EXEC_AGENT_PATHS = {
    "managed-agents": "/managed-agents",
    "ssm-state": "/var/lib/amazon/ssm",
    "ssm-logs": "/var/log/amazon/ssm",
}
TABLE_ACTIONS = ("dynamodb:GetItem", "dynamodb:PutItem")
# Objects of the bucket that tasks write.
RECEIPTS = "receipts/*"
# Partitions of the table that hold the answers of the reference service. It writes many at once, and who may do that
# may delete as well, so what others keep in the table is left out:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
ANSWERS = "idempotency#*"
# The reference service; its .dockerignore says what its image is made of, and so what its hash depends on.
SERVICE = Path(__file__).resolve().parents[2] / "service"
# How long a task repeats a transaction whose connection it lost, in seconds, at most; see `retry_seconds`.
RETRY_SECONDS = 10


class TaskDefinition(Construct):
    """One container on a read-only file system, not root, without Linux capabilities.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: image, size and what the container may do.
        location: partition, Region and account.
        environment: environment variables of the container beside its own; no secret is among them.
        log_group: where the container logs to.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ComputeSettings,
        location: Location,
        environment: dict[str, str],
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._location = settings, location
        self.task_role = self._build_task_role()
        self.execution_role = self._build_execution_role()
        self.definition = self._build_definition()
        self.container = self._build_container(environment, log_group)
        if settings.exec_enabled:
            self._mount_exec_agent_paths()

    def grant_data_access(
        self,
        *,
        table: dynamodb.ITable,
        bucket: s3.IBucket,
        cluster: rds.IDatabaseCluster,
        username: str,
        secret: secretsmanager.ISecret | None,
        key: kms.IKey,
    ) -> None:
        """Let tasks use table and database, write receipts, and read the owner's secret only where that is set.

        ``Secret.grant_read`` would edit the key's policy in another nested stack, which makes a cycle, and
        ``Table.grant_read_write_data`` would grant the key itself, which also opens the database and the bucket. So the
        key is granted here, and only through the services that use it on the task's behalf.

        Args:
            table: table that tasks read and write.
            bucket: bucket into which tasks write receipts.
            cluster: cluster to which tasks connect by IAM authentication.
            username: database user as whom they may connect.
            secret: secret of the master user; None where tasks log in by IAM alone.
            key: key of table, bucket and secret.
        """
        permissions = Permissions(self.task_role, self._location)
        table.grant(self.task_role, *TABLE_ACTIONS)
        permissions.allow(
            ["dynamodb:BatchWriteItem"],
            [table.table_arn],
            sid="KeepAnswers",
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [ANSWERS]}},
        )
        cluster.grant_connect(self.task_role, username)
        permissions.allow_key_through("dynamodb", key, TABLE_KEY_ACTIONS)
        permissions.allow(["s3:PutObject"], [bucket.arn_for_objects(RECEIPTS)], sid="WriteReceipts")
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        permissions.allow_key_through("s3", key, ["kms:GenerateDataKey"])
        if secret is None:
            return
        permissions.allow(
            ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            [secret.secret_arn],
            sid="ReadDatabaseSecret",
        )
        # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
        permissions.allow_key_through("secretsmanager", key, ["kms:Decrypt"])

    def _build_task_role(self) -> iam.Role:
        # CDK's own role would let ECS act for the task of any account:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
        return iam.Role(
            self,
            "TaskRole",
            description="The application: its own calls to AWS",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com", conditions=self._location.this_account),
        )

    def _build_execution_role(self) -> iam.Role:
        # No such condition here: AWS documents it for task roles only, and where it does not hold no task starts.
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        return iam.Role(
            self,
            "ExecutionRole",
            description="ECS: pull the image and write the log",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        )

    def _build_definition(self) -> ecs.FargateTaskDefinition:
        architectures = {"arm64": ecs.CpuArchitecture.ARM64, "x86_64": ecs.CpuArchitecture.X86_64}
        return ecs.FargateTaskDefinition(
            self,
            "Default",
            cpu=self._settings.cpu,
            memory_limit_mib=self._settings.memory,
            task_role=self.task_role,
            execution_role=self.execution_role,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=architectures[self._settings.architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )

    def _build_container(self, environment: dict[str, str], log_group: logs.ILogGroup) -> ecs.ContainerDefinition:
        settings = self._settings
        return self.definition.add_container(
            "Container",
            container_name=CONTAINER_NAME,
            memory_limit_mib=settings.memory,
            image=self._image(),
            command=[part.replace("{port}", str(settings.port)) for part in settings.command] or None,
            environment={"PORT": str(settings.port), "RETRY_SECONDS": str(retry_seconds(settings)), **environment},
            user=settings.user,
            readonly_root_filesystem=True,
            stop_timeout=Duration.seconds(settings.stop_timeout_seconds),
            linux_parameters=self._linux_parameters(),
            port_mappings=[ecs.PortMapping(container_port=settings.port)],
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=CONTAINER_NAME, log_group=log_group, mode=ecs.AwsLogDriverMode.NON_BLOCKING
            ),
        )

    def _linux_parameters(self) -> ecs.LinuxParameters:
        linux = ecs.LinuxParameters(self, "LinuxParameters", init_process_enabled=True)
        linux.drop_capabilities(ecs.Capability.ALL)
        for path in self._settings.writable_paths:
            # A bind mount belongs to root with mode 0755, so this user could not write to it; tmpfs is open to all.
            # Fargate supports it since January 2026: https://github.com/aws/containers-roadmap/issues/736
            linux.add_tmpfs(ecs.Tmpfs(container_path=path, size=self._settings.writable_path_mib))
        return linux

    def _mount_exec_agent_paths(self) -> None:
        """Mount what the ECS Exec agent, which runs as root, writes to on an otherwise read-only file system."""
        for name, path in EXEC_AGENT_PATHS.items():
            self.definition.add_volume(name=name)
            self.container.add_mount_points(ecs.MountPoint(container_path=path, source_volume=name, read_only=False))

    def _image(self) -> ecs.ContainerImage:
        """Return the image; for private ECR, which an image of ours comes from too, with the permission to pull it."""
        name = self._settings.image or ""
        if name == SERVICE_IMAGE:
            return service_image(self._settings.architecture)
        private = PRIVATE_ECR_IMAGE.match(name)
        if private is None:
            return ecs.ContainerImage.from_registry(name)
        registry = f"arn:{self._location.partition}:ecr:{private['region']}:{private['account']}"
        repository = ecr.Repository.from_repository_attributes(
            self,
            "Repository",
            repository_arn=f"{registry}:repository/{private['repository']}",
            repository_name=private["repository"],
        )
        return ecs.ContainerImage.from_ecr_repository(repository, private["tag"] or private["digest"])


def service_image(architecture: str, folder: Path = SERVICE) -> ecs.ContainerImage:
    """Return the image of the reference service, which the CDK CLI builds where it is not published yet.

    Args:
        architecture: ``arm64`` or ``x86_64``.
        folder: its Dockerfile and all that the image holds.
    """
    platforms = {"arm64": ecr_assets.Platform.LINUX_ARM64, "x86_64": ecr_assets.Platform.LINUX_AMD64}
    return ecs.ContainerImage.from_asset(str(folder), platform=platforms[architecture])


def retry_seconds(settings: ComputeSettings) -> int:
    """Return for how long a task repeats a transaction: it answers before it must end, also while it is stopped."""
    return min(RETRY_SECONDS, settings.stop_timeout_seconds // 2)
