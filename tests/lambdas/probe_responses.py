"""Responses of the services to the probes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from health_monitor.probes import MonitoredResources
from tests.fake_clients import Response
from tests.lambdas.account import CLUSTER, TABLE

NOW = 1_800_000_000.0
CLUSTER_ARN = f"arn:aws:rds:us-east-1:123456789012:cluster:{CLUSTER}"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}"
PLAN_ARN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:dr_restore_test-0a1b"
RESOURCES = MonitoredResources(
    cluster=CLUSTER,
    ecs_cluster="ecs",
    service="service",
    target_group="arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/0123456789abcdef",
    table=TABLE,
    vault="vault",
    protected=(CLUSTER_ARN, TABLE_ARN),
    restore_testing_plan="dr_restore_test",
    tested_types=("Aurora", "DynamoDB"),
    validation_age_seconds=8 * 86400,
)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def _member(number: int, *, writer: bool) -> dict[str, Any]:
    return {"DBInstanceIdentifier": f"{CLUSTER}-{number}", "IsClusterWriter": writer, "PromotionTier": number}


RDS: tuple[Response, ...] = (
    (
        "describe_db_clusters",
        {
            "DBClusters": [
                {
                    "DBClusterIdentifier": CLUSTER,
                    "Status": "available",
                    "DBClusterMembers": [_member(1, writer=True), _member(2, writer=False)],
                    "ClusterCreateTime": _at(-1000),
                    "LatestRestorableTime": _at(-60),
                }
            ]
        },
    ),
    (
        "describe_db_instances",
        {
            "DBInstances": [
                {"DBInstanceIdentifier": f"{CLUSTER}-1", "DBInstanceStatus": "available", "AvailabilityZone": "a"}
            ],
            "Marker": "more",
        },
    ),
    (
        "describe_db_instances",
        {
            "DBInstances": [
                {"DBInstanceIdentifier": f"{CLUSTER}-2", "DBInstanceStatus": "available", "AvailabilityZone": "b"}
            ]
        },
    ),
)
CLOUDWATCH: tuple[Response, ...] = (
    ("get_metric_data", {"MetricDataResults": [{"Id": "lag0", "Values": [12.0, 99.0]}]}),
)
TASK_ARNS = [f"arn:aws:ecs:us-east-1:123456789012:task/ecs/{number:032}" for number in range(101)]
ECS: tuple[Response, ...] = (
    ("describe_services", {"services": [{"status": "ACTIVE", "desiredCount": 2, "runningCount": 2}]}),
    ("list_tasks", {"taskArns": TASK_ARNS[:100], "nextToken": "more"}),
    ("list_tasks", {"taskArns": TASK_ARNS[100:]}),
    (
        "describe_tasks",
        {
            "tasks": [
                {"availabilityZone": "a", "lastStatus": "RUNNING"},
                {"availabilityZone": "b", "lastStatus": "PENDING"},
                {"lastStatus": "RUNNING"},
                {"availabilityZone": "c"},
            ]
        },
    ),
    ("describe_tasks", {"tasks": [{"availabilityZone": "b", "lastStatus": "RUNNING"}]}),
)


def _target(state: str, zone: str | None = None) -> dict[str, Any]:
    target = {"Id": "10.0.0.1", **({"AvailabilityZone": zone} if zone else {})}
    return {"Target": target, "TargetHealth": {"State": state}}


ELBV2: tuple[Response, ...] = (
    (
        "describe_target_health",
        {
            "TargetHealthDescriptions": [
                _target("healthy", "a"),
                _target("healthy"),
                _target("unhealthy", "b"),
                _target("unavailable", "b"),
                *(_target(state, "b") for state in ("initial", "draining", "unhealthy.draining", "unused")),
            ]
        },
    ),
)
DYNAMODB: tuple[Response, ...] = (
    ("describe_table", {"Table": {"TableStatus": "ACTIVE", "CreationDateTime": _at(-5000)}}),
    (
        "describe_continuous_backups",
        {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {
                    "PointInTimeRecoveryStatus": "ENABLED",
                    "LatestRestorableDateTime": _at(-300),
                },
            }
        },
    ),
)


def _job(kind: str, status: str | None, at: float) -> dict[str, Any]:
    job: dict[str, Any] = {"ResourceType": kind, "CompletionDate": _at(at)}
    return job if status is None else {**job, "ValidationStatus": status}


BACKUP: tuple[Response, ...] = (
    (
        "get_restore_testing_plan",
        {
            "RestoreTestingPlan": {
                "RestoreTestingPlanName": "dr_restore_test",
                "RestoreTestingPlanArn": PLAN_ARN,
                "CreationTime": _at(-9000),
                "RecoveryPointSelection": {},
                "ScheduleExpression": "cron(0 12 ? * SUN *)",
            }
        },
    ),
    (
        "list_recovery_points_by_backup_vault",
        {"RecoveryPoints": [{"Status": "COMPLETED", "CreationDate": _at(-700)}], "NextToken": "more"},
    ),
    (
        "list_recovery_points_by_backup_vault",
        {
            "RecoveryPoints": [
                {"Status": "AVAILABLE", "CreationDate": _at(-800)},
                {"Status": "PARTIAL", "CreationDate": _at(-10)},
            ]
        },
    ),
    ("list_recovery_points_by_backup_vault", {"RecoveryPoints": []}),
    (
        "list_restore_jobs",
        {
            "RestoreJobs": [
                _job("Aurora", "SUCCESSFUL", -400),
                _job("Aurora", "SUCCESSFUL", -500),
                _job("Aurora", "FAILED", -100),
                _job("Aurora", None, -50),
                _job("DynamoDB", "TIMED_OUT", -100),
            ]
        },
    ),
)
RESPONSES: dict[str, tuple[Response, ...]] = {
    "rds": RDS,
    "cloudwatch": CLOUDWATCH,
    "ecs": ECS,
    "elbv2": ELBV2,
    "dynamodb": DYNAMODB,
    "backup": BACKUP,
}
