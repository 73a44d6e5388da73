"""How observations are assessed: healthy, degraded, unknown or unhealthy, and the metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aurora import CHANGING, DOWN, SERVING, Cluster, Instance
from common.metrics import Metric
from health_monitor.logic import Assessment, Component, Health, assess, overall
from health_monitor.observations import ServiceStatus, TableStatus, TargetHealth, Unknown
from tests.lambdas.conftest import (
    BACKUPS,
    CLUSTER,
    CLUSTER_ARN,
    DAY,
    HOUR,
    LIMITS,
    NOW,
    OBSERVATIONS,
    READER,
    TABLE,
    TABLE_ARN,
    WRITER,
)

LOST = Unknown("DescribeDBClusters failed: ThrottlingException")


def _database(cluster: Cluster) -> Assessment:
    return assess(replace(OBSERVATIONS, database=cluster), LIMITS, NOW)[Component.DATABASE]


def test_a_healthy_platform_has_no_reasons() -> None:
    assessments = assess(OBSERVATIONS, LIMITS, NOW)
    assert set(assessments) == set(Component)
    assert {assessment.health for assessment in assessments.values()} == {Health.HEALTHY}
    assert all(assessment.reasons == () for assessment in assessments.values())
    assert overall(assessments) is Health.HEALTHY


def test_metrics_are_in_seconds_and_by_resource() -> None:
    metrics = [metric for assessment in assess(OBSERVATIONS, LIMITS, NOW).values() for metric in assessment.metrics]
    assert metrics == [
        Metric("EstimatedRpoSeconds", 120, "Seconds", {"Resource": "dr-aurora-test"}),
        Metric("EstimatedRpoSeconds", 300, "Seconds", {"Resource": "dr-transactions-test"}),
        Metric("RecoveryPointAgeSeconds", 5 * HOUR, "Seconds", {"Resource": "dr-aurora-test"}),
        Metric("RecoveryPointAgeSeconds", 6 * HOUR, "Seconds", {"Resource": "dr-transactions-test"}),
        Metric("RestoreValidationAgeSeconds", 2 * DAY, "Seconds", {"Resource": "Aurora"}),
        Metric("RestoreValidationAgeSeconds", 3 * DAY, "Seconds", {"Resource": "DynamoDB"}),
    ]


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("failing-over", Health.UNHEALTHY),
        ("inaccessible-encryption-credentials", Health.UNHEALTHY),
        # Somebody asked for these, and a failover would not end them.
        ("maintenance", Health.DEGRADED),
        ("upgrading", Health.DEGRADED),
        # RDS documents no such status: nothing is known.
        ("dreaming", Health.UNKNOWN),
    ],
)
def test_a_cluster_that_does_not_serve_requests_is_not_healthy(status: str, health: Health) -> None:
    found = _database(replace(CLUSTER, status=status))
    assert (found.health, found.reasons) == (health, (f"the cluster is {status}",))


def test_every_status_is_of_one_kind() -> None:
    kinds = (SERVING, CHANGING, DOWN)
    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))


@pytest.mark.parametrize(
    "status",
    [
        "available",
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "modifying",
        "resetting-master-credentials",
        "storage-optimization",
    ],
)
def test_a_cluster_that_serves_requests_during_a_change_is_healthy(status: str) -> None:
    assert _database(replace(CLUSTER, status=status)).health is Health.HEALTHY


@pytest.mark.parametrize(
    ("instances", "health", "reason"),
    [
        ((READER,), Health.UNHEALTHY, "the cluster has 0 writers instead of 1"),
        ((WRITER, replace(READER, is_writer=True)), Health.UNHEALTHY, "the cluster has 2 writers instead of 1"),
        ((replace(WRITER, status="rebooting"), READER), Health.UNHEALTHY, "the writer one is rebooting"),
        ((WRITER,), Health.DEGRADED, "no reader is available to take over"),
        ((WRITER, replace(READER, status="creating")), Health.DEGRADED, "no reader is available to take over"),
        (
            (WRITER, replace(READER, zone="a")),
            Health.DEGRADED,
            "no reader is outside the writer's Availability Zone (a)",
        ),
        ((WRITER, replace(READER, lag_ms=1001)), Health.DEGRADED, "two lags by 1001 ms; the limit is 1000 ms"),
        ((WRITER, replace(READER, lag_ms=1000)), Health.HEALTHY, None),
        ((WRITER, replace(READER, lag_ms=None)), Health.HEALTHY, None),
    ],
)
def test_the_members_of_the_cluster(instances: tuple[Instance, ...], health: Health, reason: str | None) -> None:
    found = _database(replace(CLUSTER, instances=instances))
    assert found.health is health
    assert (found.reasons[0] if found.reasons else None) == reason


def test_a_cluster_that_cannot_be_restored_is_degraded_and_has_no_rpo_metric() -> None:
    found = _database(replace(CLUSTER, restorable_until=None))
    assert found.health is Health.DEGRADED
    assert found.reasons == ("the cluster cannot be restored to any point in time",)
    assert found.metrics == ()


def test_the_worst_reason_comes_first() -> None:
    found = _database(replace(CLUSTER, instances=(READER,), restorable_until=None))
    assert found.reasons[0] == "the cluster has 0 writers instead of 1"


@pytest.mark.parametrize(
    ("service", "health", "reasons"),
    [
        (ServiceStatus("INACTIVE", 0, 0, ()), Health.UNHEALTHY, ("the service is INACTIVE",)),
        (ServiceStatus("ACTIVE", 2, 0, ()), Health.UNHEALTHY, ("no task is running; desired are 2",)),
        (ServiceStatus("ACTIVE", 1, 0, ()), Health.UNHEALTHY, ("no task is running; desired are 1",)),
        (ServiceStatus("ACTIVE", 3, 2, ("a", "b")), Health.DEGRADED, ("2 of 3 desired tasks are running",)),
        (
            ServiceStatus("ACTIVE", 2, 2, ("a", "a")),
            Health.DEGRADED,
            ("all tasks are running in one Availability Zone (a)",),
        ),
        (ServiceStatus("ACTIVE", 1, 1, ("a",)), Health.HEALTHY, ()),
        (ServiceStatus("ACTIVE", 2, 3, ("a", "b", "b")), Health.HEALTHY, ()),
        (ServiceStatus("ACTIVE", 0, 0, ()), Health.HEALTHY, ()),
    ],
)
def test_the_service(service: ServiceStatus, health: Health, reasons: tuple[str, ...]) -> None:
    found = assess(replace(OBSERVATIONS, service=service), LIMITS, NOW)[Component.SERVICE]
    assert (found.health, found.reasons) == (health, reasons)


@pytest.mark.parametrize(
    ("targets", "health", "reasons"),
    [
        (TargetHealth((), 0), Health.UNHEALTHY, ("no target is healthy",)),
        (TargetHealth((), 2), Health.UNHEALTHY, ("no target is healthy", "targets that fail their health check: 2")),
        (TargetHealth(("a", "b"), 1), Health.DEGRADED, ("targets that fail their health check: 1",)),
        (TargetHealth(("a", "a"), 0), Health.DEGRADED, ("all healthy targets are in one Availability Zone (a)",)),
        (TargetHealth(("", ""), 0), Health.HEALTHY, ()),
        (TargetHealth(("a",), 0), Health.HEALTHY, ()),
    ],
)
def test_the_load_balancer(targets: TargetHealth, health: Health, reasons: tuple[str, ...]) -> None:
    found = assess(replace(OBSERVATIONS, targets=targets), LIMITS, NOW)[Component.LOAD_BALANCER]
    assert (found.health, found.reasons) == (health, reasons)


@pytest.mark.parametrize(
    ("table", "health", "reasons"),
    [
        (replace(TABLE, status="UPDATING"), Health.HEALTHY, ()),
        (replace(TABLE, status="ARCHIVED"), Health.UNHEALTHY, ("the table is ARCHIVED",)),
        (replace(TABLE, pitr_enabled=False), Health.DEGRADED, ("point-in-time recovery is off",)),
    ],
)
def test_the_table(table: TableStatus, health: Health, reasons: tuple[str, ...]) -> None:
    found = assess(replace(OBSERVATIONS, table=table), LIMITS, NOW)[Component.TABLE]
    assert (found.health, found.reasons) == (health, reasons)


def _backups(**changes: object) -> Assessment:
    observations = replace(OBSERVATIONS, backups=replace(BACKUPS, **changes))  # type: ignore[arg-type]
    return assess(observations, LIMITS, NOW)[Component.BACKUPS]


def test_an_old_recovery_point_degrades() -> None:
    assert _backups(recovery_points={TABLE_ARN: NOW - 26 * HOUR}).health is Health.HEALTHY
    found = _backups(recovery_points={TABLE_ARN: NOW - 27 * HOUR})
    assert found.health is Health.DEGRADED
    assert found.reasons == ("the latest recovery point of dr-transactions-test is 27.0 h old; the limit is 26.0 h",)


def test_without_a_recovery_point_the_age_of_the_resource_counts() -> None:
    young = replace(OBSERVATIONS, backups=replace(BACKUPS, recovery_points={CLUSTER_ARN: None}))
    new = replace(young, database=replace(CLUSTER, created_at=NOW - HOUR))
    assert assess(new, LIMITS, NOW)[Component.BACKUPS].health is Health.HEALTHY
    assert assess(young, LIMITS, NOW)[Component.BACKUPS].health is Health.DEGRADED
    table = replace(OBSERVATIONS, backups=replace(BACKUPS, recovery_points={TABLE_ARN: None}))
    new = replace(table, table=replace(TABLE, created_at=NOW - HOUR))
    assert assess(new, LIMITS, NOW)[Component.BACKUPS].health is Health.HEALTHY
    assert assess(table, LIMITS, NOW)[Component.BACKUPS].health is Health.DEGRADED


def test_without_a_recovery_point_and_a_creation_time_health_is_unknown() -> None:
    observations = replace(OBSERVATIONS, database=LOST, backups=replace(BACKUPS, recovery_points={CLUSTER_ARN: None}))
    found = assess(observations, LIMITS, NOW)[Component.BACKUPS]
    assert found.health is Health.UNKNOWN
    assert found.reasons == ("dr-aurora-test has no recovery point, and its creation time is unknown",)
    assert [metric.name for metric in found.metrics] == ["RestoreValidationAgeSeconds"] * 2


def test_an_old_restore_test_degrades() -> None:
    assert _backups(validations={"Aurora": NOW - 8 * DAY}).health is Health.HEALTHY
    found = _backups(validations={"Aurora": NOW - 9 * DAY})
    assert found.health is Health.DEGRADED
    assert found.reasons == ("no restore test of Aurora has succeeded for 9.0 days; the limit is 8.0 days",)


def test_before_the_first_restore_test_the_age_of_the_plan_counts() -> None:
    assert _backups(validations={"Aurora": None}, plan_created_at=NOW - DAY).health is Health.HEALTHY
    assert _backups(validations={"Aurora": None}, plan_created_at=NOW - 9 * DAY).health is Health.DEGRADED


def test_a_slow_clock_measures_no_negative_age() -> None:
    assessments = assess(OBSERVATIONS, LIMITS, NOW - 5 * DAY)
    assert {metric.value for assessment in assessments.values() for metric in assessment.metrics} == {0}


@given(st.sets(st.sampled_from(["database", "service", "targets", "table", "backups"]), min_size=1))
def test_what_could_not_be_observed_is_unknown_and_never_healthy(lost: set[str]) -> None:
    assessments = assess(replace(OBSERVATIONS, **dict.fromkeys(lost, LOST)), LIMITS, NOW)
    unknown = {component for component, assessment in assessments.items() if assessment.health is Health.UNKNOWN}
    assert all(assessments[component].reasons == (LOST.reason,) for component in unknown)
    assert unknown == {Component.LOAD_BALANCER if name == "targets" else Component(name) for name in lost}
    assert overall(assessments) is Health.UNKNOWN


@given(st.dictionaries(st.sampled_from(Component), st.sampled_from(Health), min_size=1))
def test_the_platform_is_as_healthy_as_its_worst_component(found: dict[Component, Health]) -> None:
    assessments = {component: Assessment(health) for component, health in found.items()}
    assert overall(assessments) == max(found.values())
