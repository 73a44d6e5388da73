"""The migration: the function that prepares the database for each deployment of the service, and what starts it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.functions import PlatformFunction
from stacks.common.location import Location
from stacks.names import Names, PhysicalName
from stacks.settings import DatabaseSettings, MonitoringSettings, RemovalSettings

# A cluster may be starting, or another run hold the lock for three minutes after it was cut off.
TIMEOUT_SECONDS = 300


class Migration(PlatformFunction):
    """Creates the database user of the tasks and, where the setting says so, the tables of the reference service.

    It must be there before the service is, whose first deployment starts it: see :attr:`starters`.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: database, user, and which tables.
        cluster: cluster of the database.
        secret: secret of its owner.
        dead_letters: keeps events that did not reach the function, a view.
        names: physical names.
        location: partition, Region and account.
        monitoring: how long logs are kept.
        removal: what becomes of the log group.
        key: key of variables and log, a view.
        topic: notified by its alarms, and of invocations that failed for good.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DatabaseSettings,
        cluster: rds.IDatabaseCluster,
        secret: secretsmanager.ISecret,
        dead_letters: sqs.IQueue,
        names: Names,
        location: Location,
        monitoring: MonitoringSettings,
        removal: RemovalSettings,
        key: kms.IKey,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            name=PhysicalName.MIGRATION,
            package="migration",
            description="Prepares the database for a deployment of the service: its user, its tables",
            environment={
                "CLUSTER_ARN": cluster.cluster_arn,
                "SECRET_ARN": secret.secret_arn,
                "DATABASE_NAME": settings.name,
                "DATABASE_USER": settings.application_username,
                "MIGRATIONS": settings.migrations,
            },
            timeout_seconds=TIMEOUT_SECONDS,
            retries=2,
            monitoring=monitoring,
            removal=removal,
            names=names,
            location=location,
            key=key,
            topic=topic,
        )
        self._cluster, self._secret = cluster, secret
        self._target = targets.LambdaFunction(
            self.function, dead_letter_queue=dead_letters, max_event_age=Duration.minutes(5), retry_attempts=10
        )
        ecs_cluster = names.physical_name(PhysicalName.ECS_CLUSTER)
        service = names.physical_name(PhysicalName.ECS_SERVICE)
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
        self.deployments = self._build_rule(
            "Deployments",
            "A deployment of the service begins",
            detail_type="ECS Deployment State Change",
            resources=[location.arn("ecs", f"service/{ecs_cluster}/{service}")],
            detail={"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"]},
        )
        # A new rule takes a short time until it matches, and misses an event of that time: a task that does not find
        # its schema ends, and so asks again. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
        self.ended_tasks = self._build_rule(
            "EndedTasks",
            "A task of the service ended by itself, perhaps for want of its schema",
            detail_type="ECS Task State Change",
            detail={
                "clusterArn": [location.arn("ecs", f"cluster/{ecs_cluster}")],
                "group": [f"service:{service}"],
                "lastStatus": ["STOPPED"],
                "stopCode": ["EssentialContainerExited"],
            },
        )

    @property
    def starters(self) -> list[Construct]:
        """What must be there before the first event: the rules, and the permissions to invoke the function."""
        permissions = [each for each in self.node.find_all() if isinstance(each, lambda_.CfnPermission)]
        return [self.deployments, self.ended_tasks, *permissions]

    def grant_access(self, key: kms.IKey) -> None:
        """Let it run statements as the owner of the database.

        Args:
            key: key of the owner's secret.
        """
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.access.html
        transaction = ("BeginTransaction", "CommitTransaction", "ExecuteStatement", "RollbackTransaction")
        self.permissions.allow(
            [f"rds-data:{action}" for action in transaction], [self._cluster.cluster_arn], sid="RunStatements"
        )
        self.permissions.allow(["secretsmanager:GetSecretValue"], [self._secret.secret_arn], sid="ReadOwnersSecret")
        self.permissions.allow_key_through("secretsmanager", key, ["kms:Decrypt"])

    def _build_rule(self, construct_id: str, description: str, *, detail_type: str, **pattern: Any) -> events.Rule:
        return events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(source=["aws.ecs"], detail_type=[detail_type], **pattern),
            targets=[self._target],
        )
