"""The assessment of observations. No AWS call, no clock.

Health is a number, so that alarms can use a threshold: 0 healthy, 1 degraded (works, but lacks redundancy or
recoverability), 2 unknown (could not be observed), 3 unhealthy (does not work).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeVar

from common.aurora import CHANGING, DOWN, SERVING, Cluster
from common.metrics import Metric
from common.responses import resource_name
from health_monitor.observations import BackupStatus, Observations, ServiceStatus, TableStatus, TargetHealth, Unknown

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
TABLE_SERVING = frozenset({"ACTIVE", "UPDATING"})
HOUR_SECONDS, DAY_SECONDS = 3600, 86400


class Health(IntEnum):
    """Health of a component; a higher number is worse."""

    HEALTHY = 0
    DEGRADED = 1
    UNKNOWN = 2
    UNHEALTHY = 3

    @property
    def label(self) -> str:
        """Name for people, in lower case."""
        return self.name.lower()


class Component(StrEnum):
    """A part of the platform that is assessed; each has a section in the runbook."""

    DATABASE = "database"
    SERVICE = "service"
    LOAD_BALANCER = "load-balancer"
    TABLE = "table"
    BACKUPS = "backups"


@dataclass(frozen=True)
class HealthLimits:
    """Limits that a healthy platform keeps to.

    Attributes:
        cluster_arn: ARN of the Aurora cluster.
        table_arn: ARN of the DynamoDB table.
        lag_ms: Maximum replica lag in milliseconds.
        recovery_point_age_seconds: Maximum age of the latest recovery point.
        validation_age_seconds: Maximum age of the latest successful restore test.
    """

    cluster_arn: str
    table_arn: str
    lag_ms: int
    recovery_point_age_seconds: int
    validation_age_seconds: int


@dataclass(frozen=True)
class Assessment:
    """The health of one component.

    Attributes:
        health: Health of the worst symptom.
        reasons: Description of each symptom, worst first; empty if the component is healthy.
        metrics: Measurements made during the assessment.
    """

    health: Health
    reasons: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()


class Symptom(NamedTuple):
    """Something wrong with a component.

    Attributes:
        health: Health that the symptom alone would mean.
        reason: Description for people.
    """

    health: Health
    reason: str


Observed = TypeVar("Observed")


def assess(observations: Observations, limits: HealthLimits, now: float) -> dict[Component, Assessment]:
    """Assess every component.

    Args:
        observations: Results of the probes.
        limits: Limits of a healthy platform.
        now: Time of the observations in seconds since 1970.

    Returns:
        One assessment for each component.
    """
    created = {
        limits.cluster_arn: None if isinstance(observations.database, Unknown) else observations.database.created_at,
        limits.table_arn: None if isinstance(observations.table, Unknown) else observations.table.created_at,
    }
    return {
        Component.DATABASE: _unless_unknown(observations.database, lambda cluster: _database(cluster, limits, now)),
        Component.SERVICE: _unless_unknown(observations.service, lambda service: _assessment(_service(service))),
        Component.LOAD_BALANCER: _unless_unknown(observations.targets, lambda targets: _assessment(_targets(targets))),
        Component.TABLE: _unless_unknown(observations.table, lambda table: _table(table, limits, now)),
        Component.BACKUPS: _unless_unknown(
            observations.backups, lambda backups: _backups(backups, created, limits, now)
        ),
    }


def overall(assessments: Mapping[Component, Assessment]) -> Health:
    """Return the health of the platform: that of its worst component."""
    return max(assessment.health for assessment in assessments.values())


def _unless_unknown(observed: Observed | Unknown, assess_known: Callable[[Observed], Assessment]) -> Assessment:
    return Assessment(Health.UNKNOWN, (observed.reason,)) if isinstance(observed, Unknown) else assess_known(observed)


def _assessment(symptoms: Iterable[Symptom], metrics: tuple[Metric, ...] = ()) -> Assessment:
    ordered = sorted(symptoms, key=lambda symptom: -symptom.health)
    worst = ordered[0].health if ordered else Health.HEALTHY
    return Assessment(worst, tuple(symptom.reason for symptom in ordered), metrics)


def _age_metrics(name: str, ages: Mapping[str, float]) -> tuple[Metric, ...]:
    return tuple(Metric(name, age, "Seconds", {"Resource": resource}) for resource, age in ages.items())


def _rpo_metrics(resource: str, restorable_until: float | None, now: float) -> tuple[Metric, ...]:
    if restorable_until is None:
        return ()
    return _age_metrics("EstimatedRpoSeconds", {resource: max(0.0, now - restorable_until)})


def _database(cluster: Cluster, limits: HealthLimits, now: float) -> Assessment:
    rpo = _rpo_metrics(cluster.identifier, cluster.restorable_until, now)
    return _assessment(_database_symptoms(cluster, limits), rpo)


def _database_symptoms(cluster: Cluster, limits: HealthLimits) -> Iterator[Symptom]:
    if cluster.status not in SERVING:
        yield Symptom(_health_of(cluster.status), f"the cluster is {cluster.status}")
    writer = cluster.writer
    readers = [instance for instance in cluster.instances if not instance.is_writer]
    if writer is None:
        yield Symptom(Health.UNHEALTHY, f"the cluster has {len(cluster.instances) - len(readers)} writers instead of 1")
    elif writer.status not in SERVING:
        yield Symptom(_health_of(writer.status), f"the writer {writer.identifier} is {writer.status}")
    serving = [reader for reader in readers if reader.status in SERVING]
    if not serving:
        yield Symptom(Health.DEGRADED, "no reader is available to take over")
    elif writer is not None and all(reader.zone == writer.zone for reader in serving):
        yield Symptom(Health.DEGRADED, f"no reader is outside the writer's Availability Zone ({writer.zone})")
    for reader in serving:
        if reader.lag_ms is not None and reader.lag_ms > limits.lag_ms:
            lag = f"{reader.lag_ms:.0f} ms; the limit is {limits.lag_ms} ms"
            yield Symptom(Health.DEGRADED, f"{reader.identifier} lags by {lag}")
    if cluster.restorable_until is None:
        yield Symptom(Health.DEGRADED, "the cluster cannot be restored to any point in time")


def _health_of(status: str) -> Health:
    """Return what a status other than a serving one means; one that RDS does not document starts no failover."""
    return Health.UNHEALTHY if status in DOWN else Health.DEGRADED if status in CHANGING else Health.UNKNOWN


def _service(service: ServiceStatus) -> Iterator[Symptom]:
    if service.status != "ACTIVE":
        yield Symptom(Health.UNHEALTHY, f"the service is {service.status}")
    if service.running == 0 and service.desired > 0:
        yield Symptom(Health.UNHEALTHY, f"no task is running; desired are {service.desired}")
    elif service.running < service.desired:
        yield Symptom(Health.DEGRADED, f"{service.running} of {service.desired} desired tasks are running")
    zones = set(service.zones)
    if len(service.zones) > 1 and len(zones) == 1:
        yield Symptom(Health.DEGRADED, f"all tasks are running in one Availability Zone ({zones.pop()})")


def _targets(targets: TargetHealth) -> Iterator[Symptom]:
    if not targets.healthy:
        yield Symptom(Health.UNHEALTHY, "no target is healthy")
    if targets.failing:
        yield Symptom(Health.DEGRADED, f"targets that fail their health check: {targets.failing}")
    zones = set(targets.healthy)
    if len(targets.healthy) > 1 and len(zones) == 1 and "" not in zones:
        yield Symptom(Health.DEGRADED, f"all healthy targets are in one Availability Zone ({zones.pop()})")


def _table(table: TableStatus, limits: HealthLimits, now: float) -> Assessment:
    rpo = _rpo_metrics(resource_name(limits.table_arn), table.restorable_until, now)
    return _assessment(_table_symptoms(table), rpo)


def _table_symptoms(table: TableStatus) -> Iterator[Symptom]:
    if table.status not in TABLE_SERVING:
        yield Symptom(Health.UNHEALTHY, f"the table is {table.status}")
    if not table.pitr_enabled:
        yield Symptom(Health.DEGRADED, "point-in-time recovery is off")


def _backups(
    backups: BackupStatus, created: Mapping[str, float | None], limits: HealthLimits, now: float
) -> Assessment:
    """Assess ages; until there is a recovery point or restore test, the age of the resource or the plan counts."""
    points = {resource_name(arn): point or created.get(arn) for arn, point in backups.recovery_points.items()}
    ages = {name: max(0.0, now - since) for name, since in points.items() if since is not None}
    validations = {kind: max(0.0, now - (at or backups.plan_created_at)) for kind, at in backups.validations.items()}
    metrics = _age_metrics("RecoveryPointAgeSeconds", ages) + _age_metrics("RestoreValidationAgeSeconds", validations)
    symptoms = (*_recovery_point_symptoms(points, ages, limits), *_validation_symptoms(validations, limits))
    return _assessment(symptoms, metrics)


def _recovery_point_symptoms(
    points: Mapping[str, float | None], ages: Mapping[str, float], limits: HealthLimits
) -> Iterator[Symptom]:
    for name in points:
        if name not in ages:
            yield Symptom(Health.UNKNOWN, f"{name} has no recovery point, and its creation time is unknown")
        elif ages[name] > limits.recovery_point_age_seconds:
            limit = f"the limit is {limits.recovery_point_age_seconds / HOUR_SECONDS:.1f} h"
            age = f"{ages[name] / HOUR_SECONDS:.1f} h old; {limit}"
            yield Symptom(Health.DEGRADED, f"the latest recovery point of {name} is {age}")


def _validation_symptoms(ages: Mapping[str, float], limits: HealthLimits) -> Iterator[Symptom]:
    for kind, age in ages.items():
        if age > limits.validation_age_seconds:
            limit = f"the limit is {limits.validation_age_seconds / DAY_SECONDS:.1f} days"
            days = f"{age / DAY_SECONDS:.1f} days; {limit}"
            yield Symptom(Health.DEGRADED, f"no restore test of {kind} has succeeded for {days}")
