"""Judges facts. No AWS call, no clock.

Health is a number so that an alarm can take the worst: 0 healthy, 1 degraded (works, but the next fault would hurt),
2 unknown (nobody could look), 3 unhealthy (does not do its work).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TypeVar

from common.aurora import AVAILABLE, Cluster
from common.metrics import Metric
from health_monitor.facts import Backups, Facts, Service, Table, Targets, Unknown

# While a cluster or an instance has one of these it serves requests; every other status is an interruption.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
SERVING = frozenset(
    {
        AVAILABLE,
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "modifying",
        "storage-optimization",
    }
)
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
TABLE_SERVING = frozenset({"ACTIVE", "UPDATING"})


class Health(IntEnum):
    """How a component is; the higher, the worse."""

    HEALTHY = 0
    DEGRADED = 1
    UNKNOWN = 2
    UNHEALTHY = 3

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower()


class Component(StrEnum):
    """What is judged; each has a section in the runbook."""

    DATABASE = "database"
    SERVICE = "service"
    LOAD_BALANCER = "load-balancer"
    TABLE = "table"
    BACKUPS = "backups"


@dataclass(frozen=True)
class Limits:
    """What counts as healthy.

    Args:
        cluster_arn: of the Aurora cluster.
        table_arn: of the table.
        lag_ms: most replica lag, in milliseconds.
        recovery_point_age: greatest age of the newest recovery point, in seconds.
        validation_age: greatest age of the last proof that a restore works, in seconds.
    """

    cluster_arn: str
    table_arn: str
    lag_ms: int
    recovery_point_age: int
    validation_age: int


@dataclass(frozen=True)
class Judgement:
    """How one component is.

    Args:
        health: the worst of what was found.
        reasons: what was found, worst first; empty when healthy.
        metrics: what was measured on the way.
    """

    health: Health
    reasons: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


Finding = tuple[Health, str]
Fact = TypeVar("Fact")


def judge(facts: Facts, limits: Limits, now: float) -> dict[Component, Judgement]:
    """Judge every component.

    Args:
        facts: what the probes found out.
        limits: what counts as healthy.
        now: seconds since 1970.

    Returns:
        One judgement for each component.
    """
    created = {
        limits.cluster_arn: None if isinstance(facts.database, Unknown) else facts.database.created_at,
        limits.table_arn: None if isinstance(facts.table, Unknown) else facts.table.created_at,
    }
    return {
        Component.DATABASE: _judged(facts.database, lambda found: _database(found, limits, now)),
        Component.SERVICE: _judged(facts.service, lambda found: _of(_service(found))),
        Component.LOAD_BALANCER: _judged(facts.targets, lambda found: _of(_targets(found))),
        Component.TABLE: _judged(facts.table, lambda found: _table(found, limits, now)),
        Component.BACKUPS: _judged(facts.backups, lambda found: _backups(found, created, limits, now)),
    }


def overall(judgements: dict[Component, Judgement]) -> Health:
    """Return the health of the platform: that of its worst component."""
    return max(judgement.health for judgement in judgements.values())


def age_metrics(name: str, ages: dict[str, float]) -> tuple[Metric, ...]:
    """Return one metric in seconds for each resource."""
    return tuple(Metric(name, age, "Seconds", {"Resource": resource}) for resource, age in ages.items())


def _judged(fact: Fact | Unknown, judge_fact: Callable[[Fact], Judgement]) -> Judgement:
    return Judgement(Health.UNKNOWN, (fact.reason,)) if isinstance(fact, Unknown) else judge_fact(fact)


def _of(findings: Iterator[Finding], metrics: tuple[Metric, ...] = ()) -> Judgement:
    found = sorted(findings, key=lambda finding: -finding[0])
    worst = found[0][0] if found else Health.HEALTHY
    return Judgement(worst, tuple(reason for _, reason in found), metrics)


def _database(cluster: Cluster, limits: Limits, now: float) -> Judgement:
    lag = _rpo(cluster.identifier, cluster.restorable_until, now)
    return _of(_database_findings(cluster, limits), lag)


def _database_findings(cluster: Cluster, limits: Limits) -> Iterator[Finding]:
    if cluster.status not in SERVING:
        yield Health.UNHEALTHY, f"the cluster is {cluster.status}"
    writer = cluster.writer
    readers = [instance for instance in cluster.instances if not instance.is_writer]
    if writer is None:
        yield Health.UNHEALTHY, f"{len(cluster.instances) - len(readers)} writers instead of 1"
    elif writer.status not in SERVING:
        yield Health.UNHEALTHY, f"the writer {writer.identifier} is {writer.status}"
    serving = [reader for reader in readers if reader.status in SERVING]
    if not serving:
        yield Health.DEGRADED, "no reader could take over"
    elif writer is not None and all(reader.zone == writer.zone for reader in serving):
        yield Health.DEGRADED, f"no reader is in another zone than the writer ({writer.zone})"
    for reader in serving:
        if reader.lag_ms is not None and reader.lag_ms > limits.lag_ms:
            yield Health.DEGRADED, f"{reader.identifier} lags by {reader.lag_ms:.0f} ms, more than {limits.lag_ms} ms"
    if cluster.restorable_until is None:
        yield Health.DEGRADED, "the cluster cannot be restored to any point in time"


def _service(service: Service) -> Iterator[Finding]:
    if service.status != "ACTIVE":
        yield Health.UNHEALTHY, f"the service is {service.status}"
    if service.running == 0 and service.desired > 0:
        yield Health.UNHEALTHY, f"none of {service.desired} tasks runs"
    elif service.running < service.desired:
        yield Health.DEGRADED, f"{service.running} of {service.desired} tasks run"
    if len(service.zones) > 1 and len(set(service.zones)) == 1:
        yield Health.DEGRADED, f"all tasks run in {service.zones[0]}"


def _targets(targets: Targets) -> Iterator[Finding]:
    if not targets.healthy:
        yield Health.UNHEALTHY, "no target is healthy"
    if targets.failing:
        yield Health.DEGRADED, f"{targets.failing} targets fail their health check"
    zones = set(targets.healthy)
    if len(targets.healthy) > 1 and len(zones) == 1 and "" not in zones:
        yield Health.DEGRADED, f"all healthy targets are in {zones.pop()}"


def _table(table: Table, limits: Limits, now: float) -> Judgement:
    return _of(_table_findings(table), _rpo(_name(limits.table_arn), table.restorable_until, now))


def _table_findings(table: Table) -> Iterator[Finding]:
    if table.status not in TABLE_SERVING:
        yield Health.UNHEALTHY, f"the table is {table.status}"
    if not table.recoverable:
        yield Health.DEGRADED, "point-in-time recovery is off"


def _backups(backups: Backups, created: dict[str, float | None], limits: Limits, now: float) -> Judgement:
    """Judge ages; where there is no recovery point yet, what counts is how long the resource has been without one."""
    points = {_name(arn): point or created.get(arn) for arn, point in backups.newest.items()}
    ages = {name: max(0.0, now - since) for name, since in points.items() if since is not None}
    proofs = {kind: max(0.0, now - (at or backups.tested_since)) for kind, at in backups.validated.items()}
    metrics = age_metrics("RecoveryPointAgeSeconds", ages) + age_metrics("RestoreValidationAgeSeconds", proofs)
    return _of(_backup_findings(points, ages, proofs, limits), metrics)


def _backup_findings(
    points: dict[str, float | None], ages: dict[str, float], proofs: dict[str, float], limits: Limits
) -> Iterator[Finding]:
    for name in points:
        if name not in ages:
            yield Health.UNKNOWN, f"{name} has no recovery point, and its own age is unknown"
        elif ages[name] > limits.recovery_point_age:
            hours = f"{ages[name] / 3600:.1f} h, more than {limits.recovery_point_age / 3600:.1f} h"
            yield Health.DEGRADED, f"the newest recovery point of {name} is older than it should be: {hours}"
    for kind, age in proofs.items():
        if age > limits.validation_age:
            days = f"{age / 86400:.1f} days, more than {limits.validation_age / 86400:.1f} days"
            yield Health.DEGRADED, f"no restore of {kind} was proved for {days}"


def _rpo(resource: str, restorable_until: float | None, now: float) -> tuple[Metric, ...]:
    if restorable_until is None:
        return ()
    return age_metrics("EstimatedRpoSeconds", {resource: max(0.0, now - restorable_until)})


def _name(arn: str) -> str:
    """Return the name at the end of the ARN of a cluster or a table."""
    return arn.replace("/", ":").rpartition(":")[2]
