"""What the probes observe, from responses that match the services' models."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.session import Session

from health_monitor import probes
from health_monitor.observations import BackupStatus, Observations, ServiceStatus, TableStatus, TargetHealth, Unknown
from health_monitor.probes import run_probes
from tests.fake_clients import Response, ServiceError, stubbed_client
from tests.lambdas.probe_responses import (
    BACKUP,
    CLUSTER_ARN,
    NOW,
    PLAN_ARN,
    RDS,
    RESOURCES,
    RESPONSES,
    TABLE_ARN,
    TASK_ARNS,
)


def _observe(changes: dict[str, tuple[Response, ...]] | None = None, timeout_seconds: float = 30) -> Observations:
    responses = RESPONSES | (changes or {})
    clients = {service: stubbed_client(service, *given) for service, given in responses.items()}
    return run_probes(clients, RESOURCES, NOW, timeout_seconds)


def test_the_cluster_with_its_members_on_two_pages() -> None:
    found = _observe().database
    assert not isinstance(found, Unknown)
    assert (found.status, found.created_at, found.restorable_until) == ("available", NOW - 1000, NOW - 60)
    assert [(each.zone, each.is_writer, each.lag_ms) for each in found.instances] == [
        ("a", True, None),
        ("b", False, 12.0),
    ]


def test_the_service_with_more_tasks_than_one_call_describes() -> None:
    assert _observe().service == ServiceStatus("ACTIVE", desired=2, running=2, zones=("a", "b"))


def test_a_missing_service_is_inactive() -> None:
    gone: Response = ("describe_services", {"services": [], "failures": [{"reason": "MISSING"}]})
    assert _observe({"ecs": (gone,)}).service == ServiceStatus("INACTIVE", desired=0, running=0, zones=())


def test_targets_being_registered_or_deregistered_do_not_fail() -> None:
    assert _observe().targets == TargetHealth(healthy=("a", ""), failing=2)


def test_the_table() -> None:
    assert _observe().table == TableStatus("ACTIVE", NOW - 5000, pitr_enabled=True, restorable_until=NOW - 300)


def test_a_table_without_point_in_time_recovery() -> None:
    responses: tuple[Response, ...] = (
        ("describe_table", {"Table": {"TableStatus": "ACTIVE"}}),
        ("describe_continuous_backups", {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "DISABLED"}}),
    )
    assert _observe({"dynamodb": responses}).table == TableStatus(
        "ACTIVE", None, pitr_enabled=False, restorable_until=None
    )


def test_the_latest_recovery_point_and_restore_test_of_each() -> None:
    assert _observe().backups == BackupStatus(
        recovery_points={CLUSTER_ARN: NOW - 700, TABLE_ARN: None},
        validations={"Aurora": NOW - 400, "DynamoDB": None},
        plan_created_at=NOW - 9000,
    )


def test_the_probes_ask_for_the_platforms_resources_only() -> None:
    clients = {service: stubbed_client(service, *given) for service, given in RESPONSES.items()}
    asked: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked[model.name].append(params)

    for client in clients.values():
        client.meta.events.register("before-parameter-build", note)
    run_probes(clients, RESOURCES, NOW, 30)
    service, cluster = {"services": [RESOURCES.service]}, {"cluster": RESOURCES.ecs_cluster}
    tasks = cluster | {"serviceName": RESOURCES.service, "desiredStatus": "RUNNING"}
    points, table = {"BackupVaultName": RESOURCES.vault, "ByResourceArn": CLUSTER_ARN}, {"TableName": RESOURCES.table}
    since = datetime.fromtimestamp(NOW - RESOURCES.validation_age_seconds, UTC)
    instances = {"Filters": [{"Name": "db-cluster-id", "Values": [RESOURCES.cluster]}]}
    del asked["GetMetricData"]  # of the last five minutes, as another test shows
    assert asked == {
        "DescribeDBClusters": [{"DBClusterIdentifier": RESOURCES.cluster}],
        "DescribeDBInstances": [instances, instances | {"Marker": "more"}],
        "DescribeServices": [cluster | service],
        "ListTasks": [tasks, tasks | {"nextToken": "more"}],
        "DescribeTasks": [cluster | {"tasks": TASK_ARNS[:100]}, cluster | {"tasks": TASK_ARNS[100:]}],
        "DescribeTargetHealth": [{"TargetGroupArn": RESOURCES.target_group}],
        "DescribeTable": [table],
        "DescribeContinuousBackups": [table],
        "GetRestoreTestingPlan": [{"RestoreTestingPlanName": RESOURCES.restore_testing_plan}],
        "ListRecoveryPointsByBackupVault": [
            points,
            points | {"NextToken": "more"},
            points | {"ByResourceArn": TABLE_ARN},
        ],
        "ListRestoreJobs": [
            {"ByRestoreTestingPlanArn": PLAN_ARN, "ByStatus": "COMPLETED", "ByCompleteAfter": since},
        ],
    }


def test_only_a_complete_recovery_point_counts() -> None:
    shape: Any = Session().get_service_model("backup").shape_for("RecoveryPointStatus")
    plan, *_, jobs = BACKUP
    counted = set()
    for status in shape.enum:
        points = {"RecoveryPoints": [{"Status": status, "CreationDate": datetime.fromtimestamp(NOW - 60, UTC)}]}
        page: Response = ("list_recovery_points_by_backup_vault", points)
        found = _observe({"backup": (plan, page, page, jobs)}).backups
        assert isinstance(found, BackupStatus)
        counted |= {status for at in found.recovery_points.values() if at == NOW - 60}
    assert len(shape.enum) > 5
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByBackupVault.html
    assert counted == {"AVAILABLE", "COMPLETED"}


@pytest.mark.parametrize(
    ("service", "method", "member", "operation"),
    [
        ("rds", "describe_db_clusters", "database", "DescribeDBClusters"),
        ("ecs", "describe_services", "service", "DescribeServices"),
        ("elbv2", "describe_target_health", "targets", "DescribeTargetHealth"),
        ("dynamodb", "describe_table", "table", "DescribeTable"),
        ("backup", "get_restore_testing_plan", "backups", "GetRestoreTestingPlan"),
    ],
)
def test_a_probe_that_fails_does_not_affect_the_others(
    service: str, method: str, member: str, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    observations = _observe({service: ((method, ServiceError("ThrottlingException")),)})
    (record,) = caplog.records
    assert (record.getMessage(), record.levelname) == (f"probe {member} failed", "WARNING")
    assert record.exc_info, "the log has the traceback"
    for name in ("database", "service", "targets", "table", "backups"):
        assert isinstance(getattr(observations, name), Unknown) == (name == member)
    assert getattr(observations, member) == Unknown(f"{operation} failed: ThrottlingException")


def test_an_incomplete_response_is_unknown() -> None:
    found = _observe({"rds": (("describe_db_clusters", {"DBClusters": [{}]}), RDS[2])}).database
    assert isinstance(found, Unknown)
    assert "KeyError" in found.reason


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let the load balancer's probe hang until the test is over."""
    release = threading.Event()
    monkeypatch.setattr(probes, "_targets", lambda *_: release.wait(30))
    yield release
    release.set()


def test_a_probe_that_hangs_is_unknown_after_the_timeout(blocked: threading.Event) -> None:
    observations = _observe(timeout_seconds=0.5)
    assert not blocked.is_set()
    assert observations.targets == Unknown("no answer within 0.5 s")
    assert isinstance(observations.service, ServiceStatus)
