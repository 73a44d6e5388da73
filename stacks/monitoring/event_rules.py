"""The event rules: seven notify of failures and planned changes, one starts the validation of a restore test."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.location import Location
from stacks.names import Names, PhysicalName

# "Task failed ELB health checks in (target-group …)" and "Task failed container health checks".
FAILED_HEALTH_CHECK = "Task failed "
HEALTH_SERVICES = ["RDS", "ECS", "FARGATE", "DYNAMODB", "S3", "ELASTICLOADBALANCING", "BACKUP", "KMS", "VPC"]


class EventRules(Construct):
    """Rules on the events of RDS, ECS, AWS Backup and AWS Health.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        names: physical names that events carry.
        location: partition, Region and account.
        topic: is notified.
        restore_events: receives finished restore tests.
        dead_letters: keeps events that a target did not accept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        location: Location,
        topic: sns.ITopic,
        restore_events: sqs.IQueue,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._notify = targets.SnsTopic(topic, dead_letter_queue=dead_letters)
        self._validate = targets.SqsQueue(restore_events, dead_letter_queue=dead_letters)
        self._add_workload_rules(
            cluster=names.physical_name(PhysicalName.AURORA_CLUSTER),
            ecs_cluster=names.physical_name(PhysicalName.ECS_CLUSTER),
        )
        self._add_backup_rules()
        self._add_health_rule()
        plan = names.physical_name(PhysicalName.RESTORE_TESTING_PLAN)
        self._add_restore_test_rule(location.arn("backup", f"restore-testing-plan:{plan}"))

    def _add_workload_rules(self, *, cluster: str, ecs_cluster: str) -> None:
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
        self._add(
            "DatabaseEvents",
            "Aurora failover, failure or maintenance",
            source="aws.rds",
            detail_types=["RDS DB Cluster Event", "RDS DB Instance Event"],
            detail={
                "EventCategories": ["failover", "failure", "maintenance"],
                "SourceIdentifier": events.Match.prefix(cluster),
            },
        )
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
        self._add(
            "DeploymentFailures",
            "ECS deployment failed or was rolled back",
            source="aws.ecs",
            detail_types=["ECS Deployment State Change"],
            detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
            resources=events.Match.wildcard(f"*:service/{ecs_cluster}/*"),
        )
        stopped = {"clusterArn": events.Match.suffix(f":cluster/{ecs_cluster}"), "lastStatus": ["STOPPED"]}
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
        self._add(
            "TaskFailures",
            "A task stopped unexpectedly or could not start",
            source="aws.ecs",
            detail_types=["ECS Task State Change"],
            detail={
                # EventBridge refuses a key beside `$or` ("Unrecognized match type"): each branch has them all.
                "$or": [
                    {**stopped, "stopCode": ["TaskFailedToStart", "EssentialContainerExited"]},
                    # ServiceSchedulerInitiated is the stop code of a failed health check, but of scaling in and of
                    # deployments as well, which stop tasks on purpose: only the reason tells them apart.
                    {**stopped, "stoppedReason": events.Match.prefix(FAILED_HEALTH_CHECK)},
                ],
            },
        )

    def _add_backup_rules(self) -> None:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
        for construct_id, job, detail in (
            ("BackupFailures", "Backup", {"state": ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]}),
            ("RestoreFailures", "Restore", {"status": ["FAILED", "ABORTED"]}),
            ("CopyFailures", "Copy", {"state": ["FAILED", "ABORTED", "PARTIAL"]}),
        ):
            self._add(
                construct_id,
                f"A {job.lower()} job failed",
                source="aws.backup",
                detail_types=[f"{job} Job State Change"],
                detail=detail,
            )

    def _add_health_rule(self) -> None:
        # https://docs.aws.amazon.com/health/latest/ug/cloudwatch-events-health.html
        self._add(
            "HealthEvents",
            "AWS Health reports an issue or a scheduled change",
            source="aws.health",
            detail_types=["AWS Health Event"],
            detail={"service": HEALTH_SERVICES, "eventTypeCategory": ["issue", "scheduledChange"]},
        )

    def _add_restore_test_rule(self, plan_arn: str) -> None:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-validation.html
        self._add(
            "RestoreTests",
            "A restore test finished: validate what it restored",
            source="aws.backup",
            detail_types=["Restore Job State Change"],
            detail={"status": ["COMPLETED"], "restoreTestingPlanArn": events.Match.prefix(plan_arn)},
            target=self._validate,
        )

    def _add(
        self,
        construct_id: str,
        description: str,
        *,
        source: str,
        detail_types: list[str],
        detail: dict[str, Any],
        resources: list[str] | None = None,
        target: events.IRuleTarget | None = None,
    ) -> None:
        pattern = events.EventPattern(source=[source], detail_type=detail_types, detail=detail, resources=resources)
        events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=pattern,
            targets=[target or self._notify],
        )
