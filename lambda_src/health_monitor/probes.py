"""The probes, which ask AWS concurrently. One that fails or does not answer in time does not affect the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from common.aurora import Cluster, read_cluster
from common.responses import epoch_seconds, error_code
from health_monitor.observations import BackupStatus, Observations, ServiceStatus, TableStatus, TargetHealth, Unknown

logger = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
MAX_TASKS_PER_CALL = 100
# States of a target that is healthy, or being registered or deregistered.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
NOT_FAILING = frozenset({"healthy", "initial", "draining", "unhealthy.draining", "unused"})


@dataclass(frozen=True)
class MonitoredResources:
    """The resources that are probed.

    Attributes:
        cluster: Identifier of the Aurora cluster.
        ecs_cluster: Name of the ECS cluster.
        service: Name of the ECS service.
        target_group: ARN of the load balancer's target group.
        table: Name of the DynamoDB table.
        vault: Name of the backup vault.
        protected: ARNs of the resources that are backed up.
        restore_testing_plan: Name of the restore testing plan.
        tested_types: Resource types of the restore tests, as AWS Backup names them.
        validation_age_seconds: How far back to look for a successful restore test.
    """

    cluster: str
    ecs_cluster: str
    service: str
    target_group: str
    table: str
    vault: str
    protected: tuple[str, ...]
    restore_testing_plan: str
    tested_types: tuple[str, ...]
    validation_age_seconds: int


def run_probes(
    clients: Mapping[str, Any], resources: MonitoredResources, now: float, timeout_seconds: float
) -> Observations:
    """Run all probes concurrently.

    Args:
        clients: AWS clients by boto3's service name.
        resources: Resources to probe.
        now: Current time in seconds since 1970.
        timeout_seconds: How long to wait for the probes.

    Returns:
        The result of each probe; :class:`Unknown` for one that failed or did not answer in time.
    """
    probes: dict[str, Callable[[], Any]] = {
        "database": lambda: _database(clients["rds"], clients["cloudwatch"], resources, now),
        "service": lambda: _service(clients["ecs"], resources),
        "targets": lambda: _targets(clients["elbv2"], resources),
        "table": lambda: _table(clients["dynamodb"], resources),
        "backups": lambda: _backups(clients["backup"], resources, now),
    }
    pool = ThreadPoolExecutor(max_workers=len(probes))
    futures = {name: pool.submit(_run, name, probe) for name, probe in probes.items()}
    wait(futures.values(), timeout=timeout_seconds)
    # Do not wait for a call that hangs: its client's timeout ends it, and its result would come too late.
    pool.shutdown(wait=False)
    late = Unknown(f"no answer within {timeout_seconds:g} s")
    return Observations(**{name: future.result() if future.done() else late for name, future in futures.items()})


def _run(name: str, probe: Callable[[], Any]) -> Any:
    try:
        return probe()
    except Exception as error:
        logger.warning("probe %s failed", name, exc_info=True)
        if isinstance(error, ClientError):
            return Unknown(f"{error.operation_name} failed: {error_code(error)}")
        return Unknown(f"the probe failed: {type(error).__name__}: {error}")


def _database(rds: Any, cloudwatch: Any, resources: MonitoredResources, now: float) -> Cluster:
    return read_cluster(rds, cloudwatch, resources.cluster, now)


def _service(ecs: Any, resources: MonitoredResources) -> ServiceStatus:
    described = ecs.describe_services(cluster=resources.ecs_cluster, services=[resources.service])["services"]
    if not described:
        return ServiceStatus(status="INACTIVE", desired=0, running=0, zones=())
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=resources.ecs_cluster, serviceName=resources.service, desiredStatus="RUNNING"
    )
    arns = [arn for page in pages for arn in page["taskArns"]]
    tasks = [
        task
        for start in range(0, len(arns), MAX_TASKS_PER_CALL)
        for task in ecs.describe_tasks(cluster=resources.ecs_cluster, tasks=arns[start : start + MAX_TASKS_PER_CALL])[
            "tasks"
        ]
    ]
    service = described[0]
    return ServiceStatus(
        status=service["status"],
        desired=service["desiredCount"],
        running=service["runningCount"],
        zones=tuple(
            task["availabilityZone"]
            for task in tasks
            if task.get("lastStatus") == "RUNNING" and "availabilityZone" in task
        ),
    )


def _targets(elbv2: Any, resources: MonitoredResources) -> TargetHealth:
    described = elbv2.describe_target_health(TargetGroupArn=resources.target_group)["TargetHealthDescriptions"]
    states = [(each["TargetHealth"]["State"], each["Target"].get("AvailabilityZone", "")) for each in described]
    return TargetHealth(
        healthy=tuple(zone for state, zone in states if state == "healthy"),
        failing=sum(state not in NOT_FAILING for state, _ in states),
    )


def _table(dynamodb: Any, resources: MonitoredResources) -> TableStatus:
    table = dynamodb.describe_table(TableName=resources.table)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=resources.table)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    return TableStatus(
        status=table["TableStatus"],
        created_at=epoch_seconds(table.get("CreationDateTime")),
        pitr_enabled=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        restorable_until=epoch_seconds(recovery.get("LatestRestorableDateTime")),
    )


def _backups(backup: Any, resources: MonitoredResources, now: float) -> BackupStatus:
    plan = backup.get_restore_testing_plan(RestoreTestingPlanName=resources.restore_testing_plan)["RestoreTestingPlan"]
    return BackupStatus(
        recovery_points={arn: _latest_recovery_point(backup, resources.vault, arn) for arn in resources.protected},
        validations=_validations(
            backup,
            plan["RestoreTestingPlanArn"],
            resources.tested_types,
            datetime.fromtimestamp(now - resources.validation_age_seconds, UTC),
        ),
        plan_created_at=plan["CreationTime"].timestamp(),
    )


def _latest_recovery_point(backup: Any, vault: str, arn: str) -> float | None:
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, ByResourceArn=arn
    )
    points = (point for page in pages for point in page["RecoveryPoints"])
    # A complete recovery point is AVAILABLE if it is continuous, and COMPLETED otherwise.
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html
    return _latest(point["CreationDate"] for point in points if point["Status"] in ("AVAILABLE", "COMPLETED"))


def _validations(backup: Any, plan: str, types: Iterable[str], since: datetime) -> dict[str, float | None]:
    pages = backup.get_paginator("list_restore_jobs").paginate(
        ByRestoreTestingPlanArn=plan, ByStatus="COMPLETED", ByCompleteAfter=since
    )
    validated = [job for page in pages for job in page["RestoreJobs"] if job.get("ValidationStatus") == "SUCCESSFUL"]
    return {
        kind: _latest(job["CompletionDate"] for job in validated if job.get("ResourceType") == kind) for kind in types
    }


def _latest(timestamps: Iterable[datetime]) -> float | None:
    return max((timestamp.timestamp() for timestamp in timestamps), default=None)
