"""Asks AWS. Each probe stands alone: what it raises, or that it does not answer in time, is a fact of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from common.aurora import Cluster, read_cluster
from health_monitor.facts import Backups, Facts, Service, Table, Targets, Unknown

logger = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
TASKS_IN_ONE_CALL = 100
# A target in one of these is as it should be, or on its way in or out.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
NOT_FAILING = frozenset({"healthy", "initial", "draining", "unhealthy.draining", "unused"})


@dataclass(frozen=True)
class Watched:
    """What is probed.

    Args:
        cluster: identifier of the Aurora cluster.
        ecs_cluster: name of the ECS cluster.
        service: name of the ECS service.
        target_group: ARN of the load balancer's target group.
        table: name of the table.
        vault: name of the backup vault.
        protected: ARNs of what is backed up.
        restore_testing_plan: name of the restore-testing plan.
        tested_types: AWS Backup's names of the types of which restores are tested.
        proof_seconds: how far back a proof that a restore works still counts.
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
    proof_seconds: int


def probe(clients: Mapping[str, Any], watched: Watched, now: float, seconds: float) -> Facts:
    """Ask for everything at once.

    Args:
        clients: by boto3's name of the service.
        watched: what is probed.
        now: seconds since 1970.
        seconds: how long to wait for the answers.

    Returns:
        One fact for each probe; :class:`Unknown` for one that failed or was too slow.
    """
    probes: dict[str, Callable[[], Any]] = {
        "database": lambda: _database(clients["rds"], clients["cloudwatch"], watched, now),
        "service": lambda: _service(clients["ecs"], watched),
        "targets": lambda: _targets(clients["elbv2"], watched),
        "table": lambda: _table(clients["dynamodb"], watched),
        "backups": lambda: _backups(clients["backup"], watched, now),
    }
    pool = ThreadPoolExecutor(max_workers=len(probes))
    futures = {name: pool.submit(_guarded, name, ask) for name, ask in probes.items()}
    wait(futures.values(), timeout=seconds)
    # Not waited for: a call that hangs ends with the time-out of its client, and its answer is of no use any more.
    pool.shutdown(wait=False, cancel_futures=True)
    late = Unknown(f"no answer within {seconds:g} s")
    return Facts(**{name: future.result() if future.done() else late for name, future in futures.items()})


def _guarded(name: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ClientError as error:
        logger.warning("probe %s failed", name, exc_info=True)
        return Unknown(f"{error.operation_name} failed: {error.response['Error'].get('Code', 'no code')}")
    except Exception as error:
        logger.warning("probe %s failed", name, exc_info=True)
        return Unknown(f"the probe failed: {type(error).__name__}: {error}")


def _database(rds: Any, cloudwatch: Any, watched: Watched, now: float) -> Cluster:
    return read_cluster(rds, cloudwatch, watched.cluster, now)


def _service(ecs: Any, watched: Watched) -> Service:
    described = ecs.describe_services(cluster=watched.ecs_cluster, services=[watched.service])["services"]
    if not described:
        return Service(status="INACTIVE", desired=0, running=0, zones=())
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=watched.ecs_cluster, serviceName=watched.service, desiredStatus="RUNNING"
    )
    arns = [arn for page in pages for arn in page["taskArns"]]
    tasks = [
        task
        for start in range(0, len(arns), TASKS_IN_ONE_CALL)
        for task in ecs.describe_tasks(cluster=watched.ecs_cluster, tasks=arns[start : start + TASKS_IN_ONE_CALL])[
            "tasks"
        ]
    ]
    found = described[0]
    return Service(
        status=found["status"],
        desired=found["desiredCount"],
        running=found["runningCount"],
        zones=tuple(
            task["availabilityZone"]
            for task in tasks
            if task.get("lastStatus") == "RUNNING" and "availabilityZone" in task
        ),
    )


def _targets(elbv2: Any, watched: Watched) -> Targets:
    described = elbv2.describe_target_health(TargetGroupArn=watched.target_group)["TargetHealthDescriptions"]
    states = [(each["TargetHealth"]["State"], each["Target"].get("AvailabilityZone", "")) for each in described]
    return Targets(
        healthy=tuple(zone for state, zone in states if state == "healthy"),
        failing=sum(state not in NOT_FAILING for state, _ in states),
    )


def _table(dynamodb: Any, watched: Watched) -> Table:
    table = dynamodb.describe_table(TableName=watched.table)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=watched.table)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    return Table(
        status=table["TableStatus"],
        created_at=_seconds(table.get("CreationDateTime")),
        recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        restorable_until=_seconds(recovery.get("LatestRestorableDateTime")),
    )


def _backups(backup: Any, watched: Watched, now: float) -> Backups:
    plan = backup.get_restore_testing_plan(RestoreTestingPlanName=watched.restore_testing_plan)["RestoreTestingPlan"]
    return Backups(
        newest={arn: _newest_recovery_point(backup, watched.vault, arn) for arn in watched.protected},
        validated=_validated(
            backup,
            plan["RestoreTestingPlanArn"],
            watched.tested_types,
            datetime.fromtimestamp(now - watched.proof_seconds, UTC),
        ),
        tested_since=plan["CreationTime"].timestamp(),
    )


def _newest_recovery_point(backup: Any, vault: str, arn: str) -> float | None:
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault, ByResourceArn=arn
    )
    points = (point for page in pages for point in page["RecoveryPoints"])
    # A continuous recovery point is AVAILABLE, any other one COMPLETED.
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html
    return _latest(point["CreationDate"] for point in points if point["Status"] in ("AVAILABLE", "COMPLETED"))


def _validated(backup: Any, plan: str, types: Iterable[str], since: datetime) -> dict[str, float | None]:
    pages = backup.get_paginator("list_restore_jobs").paginate(
        ByRestoreTestingPlanArn=plan, ByStatus="COMPLETED", ByCompleteAfter=since
    )
    proved = [job for page in pages for job in page["RestoreJobs"] if job.get("ValidationStatus") == "SUCCESSFUL"]
    return {kind: _latest(job["CompletionDate"] for job in proved if job.get("ResourceType") == kind) for kind in types}


def _latest(moments: Iterable[datetime]) -> float | None:
    return max((moment.timestamp() for moment in moments), default=None)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
