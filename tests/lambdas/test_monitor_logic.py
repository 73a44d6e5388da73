"""How facts are judged: healthy, degraded, unknown or unhealthy, and what is measured on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aurora import Cluster, Instance
from common.metrics import Metric
from health_monitor.facts import Backups, Facts, Service, Table, Targets, Unknown
from health_monitor.logic import Component, Health, Judgement, Limits, judge, overall

NOW = 1_800_000_000.0
HOUR, DAY = 3600, 86400
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/dr-transactions-test"
LIMITS = Limits(CLUSTER_ARN, TABLE_ARN, lag_ms=1000, recovery_point_age=26 * HOUR, validation_age=8 * DAY)
WRITER = Instance("one", "a", "available", is_writer=True)
READER = Instance("two", "b", "available", is_writer=False, lag_ms=20)
CLUSTER = Cluster("dr-aurora-test", "available", (WRITER, READER), NOW - 90 * DAY, NOW - 120)
SERVICE = Service("ACTIVE", desired=2, running=2, zones=("a", "b"))
TARGETS = Targets(healthy=("a", "b"), failing=0)
TABLE = Table("ACTIVE", NOW - 90 * DAY, recoverable=True, restorable_until=NOW - 300)
BACKUPS = Backups(
    newest={CLUSTER_ARN: NOW - 5 * HOUR, TABLE_ARN: NOW - 6 * HOUR},
    validated={"Aurora": NOW - 2 * DAY, "DynamoDB": NOW - 3 * DAY},
    tested_since=NOW - 90 * DAY,
)
FACTS = Facts(CLUSTER, SERVICE, TARGETS, TABLE, BACKUPS)
LOST = Unknown("DescribeDBClusters failed: ThrottlingException")


def _database(cluster: Cluster) -> Judgement:
    return judge(replace(FACTS, database=cluster), LIMITS, NOW)[Component.DATABASE]


def test_everything_is_healthy_without_a_reason() -> None:
    judgements = judge(FACTS, LIMITS, NOW)
    assert set(judgements) == set(Component)
    assert {judgement.health for judgement in judgements.values()} == {Health.HEALTHY}
    assert all(judgement.reasons == () for judgement in judgements.values())
    assert overall(judgements) is Health.HEALTHY


def test_what_was_measured_is_in_seconds_and_by_resource() -> None:
    metrics = [metric for judgement in judge(FACTS, LIMITS, NOW).values() for metric in judgement.metrics]
    assert metrics == [
        Metric("EstimatedRpoSeconds", 120, "Seconds", {"Resource": "dr-aurora-test"}),
        Metric("EstimatedRpoSeconds", 300, "Seconds", {"Resource": "dr-transactions-test"}),
        Metric("RecoveryPointAgeSeconds", 5 * HOUR, "Seconds", {"Resource": "dr-aurora-test"}),
        Metric("RecoveryPointAgeSeconds", 6 * HOUR, "Seconds", {"Resource": "dr-transactions-test"}),
        Metric("RestoreValidationAgeSeconds", 2 * DAY, "Seconds", {"Resource": "Aurora"}),
        Metric("RestoreValidationAgeSeconds", 3 * DAY, "Seconds", {"Resource": "DynamoDB"}),
    ]


@pytest.mark.parametrize("status", ["failing-over", "maintenance", "upgrading", "inaccessible-encryption-credentials"])
def test_a_cluster_that_does_not_serve_is_unhealthy(status: str) -> None:
    found = _database(replace(CLUSTER, status=status))
    assert (found.health, found.reasons) == (Health.UNHEALTHY, (f"the cluster is {status}",))


@pytest.mark.parametrize(
    "status",
    [
        "available",
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "modifying",
        "storage-optimization",
    ],
)
def test_a_cluster_that_serves_meanwhile_is_healthy(status: str) -> None:
    assert _database(replace(CLUSTER, status=status)).health is Health.HEALTHY


@pytest.mark.parametrize(
    ("instances", "health", "reason"),
    [
        ((READER,), Health.UNHEALTHY, "0 writers instead of 1"),
        ((WRITER, replace(READER, is_writer=True)), Health.UNHEALTHY, "2 writers instead of 1"),
        ((replace(WRITER, status="rebooting"), READER), Health.UNHEALTHY, "the writer one is rebooting"),
        ((WRITER,), Health.DEGRADED, "no reader could take over"),
        ((WRITER, replace(READER, status="creating")), Health.DEGRADED, "no reader could take over"),
        ((WRITER, replace(READER, zone="a")), Health.DEGRADED, "no reader is in another zone than the writer (a)"),
        ((WRITER, replace(READER, lag_ms=1001)), Health.DEGRADED, "two lags by 1001 ms, more than 1000 ms"),
        ((WRITER, replace(READER, lag_ms=1000)), Health.HEALTHY, None),
        ((WRITER, replace(READER, lag_ms=None)), Health.HEALTHY, None),
    ],
)
def test_the_members_of_the_cluster(instances: tuple[Instance, ...], health: Health, reason: str | None) -> None:
    found = _database(replace(CLUSTER, instances=instances))
    assert found.health is health
    assert (found.reasons[0] if found.reasons else None) == reason


def test_a_cluster_that_cannot_be_restored_is_degraded_and_has_no_rpo() -> None:
    found = _database(replace(CLUSTER, restorable_until=None))
    assert found.health is Health.DEGRADED
    assert found.reasons == ("the cluster cannot be restored to any point in time",)
    assert found.metrics == ()


def test_the_worst_reason_comes_first() -> None:
    found = _database(replace(CLUSTER, instances=(READER,), restorable_until=None))
    assert found.reasons[0] == "0 writers instead of 1"


@pytest.mark.parametrize(
    ("service", "health", "reasons"),
    [
        (Service("INACTIVE", 0, 0, ()), Health.UNHEALTHY, ("the service is INACTIVE",)),
        (Service("ACTIVE", 2, 0, ()), Health.UNHEALTHY, ("none of 2 tasks runs",)),
        (Service("ACTIVE", 1, 0, ()), Health.UNHEALTHY, ("none of 1 tasks runs",)),
        (Service("ACTIVE", 3, 2, ("a", "b")), Health.DEGRADED, ("2 of 3 tasks run",)),
        (Service("ACTIVE", 2, 2, ("a", "a")), Health.DEGRADED, ("all tasks run in a",)),
        (Service("ACTIVE", 1, 1, ("a",)), Health.HEALTHY, ()),
        (Service("ACTIVE", 2, 3, ("a", "b", "b")), Health.HEALTHY, ()),
        (Service("ACTIVE", 0, 0, ()), Health.HEALTHY, ()),
    ],
)
def test_the_service(service: Service, health: Health, reasons: tuple[str, ...]) -> None:
    found = judge(replace(FACTS, service=service), LIMITS, NOW)[Component.SERVICE]
    assert (found.health, found.reasons) == (health, reasons)


@pytest.mark.parametrize(
    ("targets", "health", "reasons"),
    [
        (Targets((), 0), Health.UNHEALTHY, ("no target is healthy",)),
        (Targets((), 2), Health.UNHEALTHY, ("no target is healthy", "2 targets fail their health check")),
        (Targets(("a", "b"), 1), Health.DEGRADED, ("1 targets fail their health check",)),
        (Targets(("a", "a"), 0), Health.DEGRADED, ("all healthy targets are in a",)),
        (Targets(("", ""), 0), Health.HEALTHY, ()),
        (Targets(("a",), 0), Health.HEALTHY, ()),
    ],
)
def test_the_load_balancer(targets: Targets, health: Health, reasons: tuple[str, ...]) -> None:
    found = judge(replace(FACTS, targets=targets), LIMITS, NOW)[Component.LOAD_BALANCER]
    assert (found.health, found.reasons) == (health, reasons)


@pytest.mark.parametrize(
    ("table", "health", "reasons"),
    [
        (replace(TABLE, status="UPDATING"), Health.HEALTHY, ()),
        (replace(TABLE, status="ARCHIVED"), Health.UNHEALTHY, ("the table is ARCHIVED",)),
        (replace(TABLE, recoverable=False), Health.DEGRADED, ("point-in-time recovery is off",)),
    ],
)
def test_the_table(table: Table, health: Health, reasons: tuple[str, ...]) -> None:
    found = judge(replace(FACTS, table=table), LIMITS, NOW)[Component.TABLE]
    assert (found.health, found.reasons) == (health, reasons)


def _backups(**changes: object) -> Judgement:
    facts = replace(FACTS, backups=replace(BACKUPS, **changes))  # type: ignore[arg-type]
    return judge(facts, LIMITS, NOW)[Component.BACKUPS]


def test_an_old_recovery_point_degrades() -> None:
    assert _backups(newest={TABLE_ARN: NOW - 26 * HOUR}).health is Health.HEALTHY
    found = _backups(newest={TABLE_ARN: NOW - 27 * HOUR})
    assert found.health is Health.DEGRADED
    assert found.reasons == (
        "the newest recovery point of dr-transactions-test is older than it should be: 27.0 h, more than 26.0 h",
    )


def test_without_a_recovery_point_the_age_of_the_resource_counts() -> None:
    young = replace(FACTS, backups=replace(BACKUPS, newest={CLUSTER_ARN: None}))
    new = replace(young, database=replace(CLUSTER, created_at=NOW - HOUR))
    assert judge(new, LIMITS, NOW)[Component.BACKUPS].health is Health.HEALTHY
    assert judge(young, LIMITS, NOW)[Component.BACKUPS].health is Health.DEGRADED
    table = replace(FACTS, backups=replace(BACKUPS, newest={TABLE_ARN: None}))
    new = replace(table, table=replace(TABLE, created_at=NOW - HOUR))
    assert judge(new, LIMITS, NOW)[Component.BACKUPS].health is Health.HEALTHY
    assert judge(table, LIMITS, NOW)[Component.BACKUPS].health is Health.DEGRADED


def test_without_a_recovery_point_and_without_an_age_nobody_knows() -> None:
    facts = replace(FACTS, database=LOST, backups=replace(BACKUPS, newest={CLUSTER_ARN: None}))
    found = judge(facts, LIMITS, NOW)[Component.BACKUPS]
    assert found.health is Health.UNKNOWN
    assert found.reasons == ("dr-aurora-test has no recovery point, and its own age is unknown",)
    assert [metric.name for metric in found.metrics] == ["RestoreValidationAgeSeconds"] * 2


def test_a_restore_that_nobody_proved_for_long_degrades() -> None:
    assert _backups(validated={"Aurora": NOW - 8 * DAY}).health is Health.HEALTHY
    found = _backups(validated={"Aurora": NOW - 9 * DAY})
    assert found.health is Health.DEGRADED
    assert found.reasons == ("no restore of Aurora was proved for 9.0 days, more than 8.0 days",)


def test_before_the_first_restore_test_the_age_of_the_plan_counts() -> None:
    assert _backups(validated={"Aurora": None}, tested_since=NOW - DAY).health is Health.HEALTHY
    assert _backups(validated={"Aurora": None}, tested_since=NOW - 9 * DAY).health is Health.DEGRADED


def test_a_clock_that_is_behind_measures_no_negative_age() -> None:
    judgements = judge(FACTS, LIMITS, NOW - 5 * DAY)
    assert {metric.value for judgement in judgements.values() for metric in judgement.metrics} == {0}


@given(st.sets(st.sampled_from(["database", "service", "targets", "table", "backups"]), min_size=1))
def test_what_was_not_found_out_is_unknown_and_never_healthy(lost: set[str]) -> None:
    judgements = judge(replace(FACTS, **dict.fromkeys(lost, LOST)), LIMITS, NOW)
    unknown = {component for component, judgement in judgements.items() if judgement.health is Health.UNKNOWN}
    assert all(judgements[component].reasons == (LOST.reason,) for component in unknown)
    assert unknown == {Component.LOAD_BALANCER if name == "targets" else Component(name) for name in lost}
    assert overall(judgements) is Health.UNKNOWN


@given(st.dictionaries(st.sampled_from(Component), st.sampled_from(Health), min_size=1))
def test_the_platform_is_as_healthy_as_its_worst_component(found: dict[Component, Health]) -> None:
    judgements = {component: Judgement(health) for component, health in found.items()}
    assert overall(judgements) == max(found.values())
