"""What the probes observe, before it is assessed. Times are in seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.aurora import Cluster


@dataclass(frozen=True)
class Unknown:
    """The result of a probe that failed.

    Attributes:
        reason: What failed, for people.
    """

    reason: str


@dataclass(frozen=True)
class ServiceStatus:
    """The ECS service.

    Attributes:
        status: ``ACTIVE``, ``DRAINING`` or ``INACTIVE``.
        desired: Desired number of tasks.
        running: Number of running tasks.
        zones: Availability Zone of each running task for which ECS reports one.
    """

    status: str
    desired: int
    running: int
    zones: tuple[str, ...]


@dataclass(frozen=True)
class TargetHealth:
    """The load balancer's targets.

    Attributes:
        healthy: Availability Zone of each healthy target; empty if the load balancer does not report one.
        failing: Number of targets that are neither healthy, nor being registered or deregistered.
    """

    healthy: tuple[str, ...]
    failing: int


@dataclass(frozen=True)
class TableStatus:
    """The DynamoDB table.

    Attributes:
        status: Status as DynamoDB reports it, e.g. ``ACTIVE``.
        created_at: Creation time; ``None`` if DynamoDB does not report it.
        pitr_enabled: Whether point-in-time recovery is enabled.
        restorable_until: Latest restorable time; ``None`` if there is none.
    """

    status: str
    created_at: float | None
    pitr_enabled: bool
    restorable_until: float | None


@dataclass(frozen=True)
class BackupStatus:
    """Recovery points, and the restore tests that validated them.

    Attributes:
        recovery_points: Creation time of the latest complete recovery point by resource ARN; ``None`` if there is none.
        validations: Time of the latest successful restore test by resource type; ``None`` if there is none.
        plan_created_at: Creation time of the restore testing plan.
    """

    recovery_points: Mapping[str, float | None]
    validations: Mapping[str, float | None]
    plan_created_at: float


@dataclass(frozen=True)
class Observations:
    """The results of all probes in one run."""

    database: Cluster | Unknown
    service: ServiceStatus | Unknown
    targets: TargetHealth | Unknown
    table: TableStatus | Unknown
    backups: BackupStatus | Unknown
