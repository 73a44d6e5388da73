"""Owns the alert topic, its policy and subscriptions, and the rules that turn AWS events into notices.

RTO/RPO: detection time is part of the recovery time. Alarms belong to the stack that owns what they watch; this stack
makes sure that their notices, and those of AWS itself, can reach somebody.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import NestedStack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.alarms import AT_LEAST, MINUTE, Alarms
from stacks.imports import view_of_key
from stacks.monitoring_queues import build_dead_letters, build_restore_events
from stacks.names import Names, PhysicalName
from stacks.settings import MonitoringSettings

HEALTH_SERVICES = ["RDS", "ECS", "FARGATE", "DYNAMODB", "S3", "ELASTICLOADBALANCING", "BACKUP", "KMS", "VPC"]


class MonitoringStack(NestedStack):
    """Alert topic and event rules."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: MonitoringSettings,
        restore_test_keep_hours: int,
        names: Names,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id, description="Alert topic and event rules")
        self._names = names
        self.topic = self._build_topic(key)
        self._build_topic_policy()
        self.dead_letters = build_dead_letters(self, key, rules=f"{names.stack}-*")
        self._build_subscriptions(settings.emails)
        self.restore_events = build_restore_events(
            self, key, dead_letters=self.dead_letters, keep_hours=restore_test_keep_hours
        )
        self.rules = [*self._build_rules(), self._build_restore_rule()]
        self._build_alarm()

    def _build_topic(self, key: kms.IKey) -> sns.Topic:
        return sns.Topic(
            self,
            "AlertTopic",
            topic_name=self._names.physical_name(PhysicalName.ALERT_TOPIC),
            display_name=f"{self._names.stack} alerts",
            master_key=view_of_key(self, "AlertTopicKey", key),
            enforce_ssl=True,
        )

    def _build_topic_policy(self) -> None:
        """Keep the owner's rights, which any policy of ours replaces, and let AWS's own publishers in."""
        # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
        this_account = {"StringEquals": {"aws:SourceAccount": self.account}}
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OwnerKeepsItsRights",
                principals=[iam.AccountRootPrincipal()],
                actions=[
                    "sns:AddPermission",
                    "sns:DeleteTopic",
                    "sns:GetTopicAttributes",
                    "sns:ListSubscriptionsByTopic",
                    "sns:Publish",
                    "sns:RemovePermission",
                    "sns:SetTopicAttributes",
                    "sns:Subscribe",
                ],
                resources=[self.topic.topic_arn],
            )
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=this_account,
            )
        )

    def _build_subscriptions(self, emails: tuple[str, ...]) -> None:
        for email in emails:
            # https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
            self.topic.add_subscription(subscriptions.EmailSubscription(email, dead_letter_queue=self.dead_letters))

    def _build_restore_rule(self) -> events.Rule:
        plan = self._names.physical_name(PhysicalName.RESTORE_TESTING_PLAN)
        scope = f"arn:{self.partition}:backup:{self.region}:{self.account}:restore-testing-plan:"
        return events.Rule(
            self,
            "RestoreTests",
            description="A restore test finished: validate what it restored",
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-validation.html
            event_pattern=events.EventPattern(
                source=["aws.backup"],
                detail_type=["Restore Job State Change"],
                detail={
                    "status": ["COMPLETED"],
                    "restoreTestingPlanArn": events.Match.prefix(f"{scope}{plan}"),
                },
            ),
            targets=[targets.SqsQueue(self.restore_events, dead_letter_queue=self.dead_letters)],
        )

    def _build_alarm(self) -> None:
        Alarms(self, self._names, self.topic).add(
            "UndeliveredNoticesAlarm",
            subject="notices-undelivered",
            meaning="An event reached nobody: see the messages of the queue of undelivered notices",
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                statistic=cloudwatch.Stats.MAXIMUM, period=MINUTE
            ),
            threshold=1,
            comparison=AT_LEAST,
            periods=1,
        )

    def _build_rules(self) -> list[events.Rule]:
        cluster, ecs_cluster = (
            self._names.physical_name(PhysicalName.AURORA_CLUSTER),
            self._names.physical_name(PhysicalName.ECS_CLUSTER),
        )
        return [
            # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
            self._build_rule(
                "DatabaseEvents",
                "Aurora failover, failure or maintenance",
                source="aws.rds",
                detail_types=["RDS DB Cluster Event", "RDS DB Instance Event"],
                detail={
                    "EventCategories": ["failover", "failure", "maintenance"],
                    "SourceIdentifier": events.Match.prefix(cluster),
                },
            ),
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
            self._build_rule(
                "DeploymentFailures",
                "ECS deployment failed or was rolled back",
                source="aws.ecs",
                detail_types=["ECS Deployment State Change"],
                detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
                resources=events.Match.wildcard(f"*:service/{ecs_cluster}/*"),
            ),
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
            self._build_rule(
                "TaskFailures",
                "A task died or could not start",
                source="aws.ecs",
                detail_types=["ECS Task State Change"],
                detail={
                    "clusterArn": events.Match.suffix(f":cluster/{ecs_cluster}"),
                    "lastStatus": ["STOPPED"],
                    # Not ServiceSchedulerInitiated: scaling in and deployments stop tasks on purpose.
                    "stopCode": ["TaskFailedToStart", "EssentialContainerExited"],
                },
            ),
            # https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
            self._build_rule(
                "BackupFailures",
                "A backup job failed",
                source="aws.backup",
                detail_types=["Backup Job State Change"],
                detail={"state": ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]},
            ),
            self._build_rule(
                "RestoreFailures",
                "A restore job failed",
                source="aws.backup",
                detail_types=["Restore Job State Change"],
                detail={"status": ["FAILED", "ABORTED"]},
            ),
            self._build_rule(
                "CopyFailures",
                "A copy job failed",
                source="aws.backup",
                detail_types=["Copy Job State Change"],
                detail={"state": ["FAILED", "ABORTED", "PARTIAL"]},
            ),
            # https://docs.aws.amazon.com/health/latest/ug/cloudwatch-events-health.html
            self._build_rule(
                "HealthEvents",
                "AWS Health reports trouble or a planned change",
                source="aws.health",
                detail_types=["AWS Health Event"],
                detail={"service": HEALTH_SERVICES, "eventTypeCategory": ["issue", "scheduledChange"]},
            ),
        ]

    def _build_rule(
        self,
        construct_id: str,
        description: str,
        *,
        source: str,
        detail_types: list[str],
        detail: dict[str, Any],
        resources: list[str] | None = None,
    ) -> events.Rule:
        return events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(
                source=[source], detail_type=detail_types, detail=detail, resources=resources
            ),
            targets=[targets.SnsTopic(self.topic, dead_letter_queue=self.dead_letters)],
        )
