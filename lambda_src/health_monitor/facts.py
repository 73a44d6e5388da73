"""What the probes find out, before anybody judges it. Times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.aurora import Cluster


@dataclass(frozen=True)
class Unknown:
    """A probe that found nothing out.

    Args:
        reason: what went wrong, for people.
    """

    reason: str


@dataclass(frozen=True)
class Service:
    """The ECS service.

    Args:
        status: ``ACTIVE``, ``DRAINING`` or ``INACTIVE``.
        desired: tasks that are to run.
        running: tasks that do.
        zones: Availability Zone of each running task, as far as ECS tells.
    """

    status: str
    desired: int
    running: int
    zones: tuple[str, ...]


@dataclass(frozen=True)
class Targets:
    """The load balancer's targets.

    Args:
        healthy: Availability Zone of each healthy target; empty where the load balancer does not tell.
        failing: targets that take no requests although they should: neither healthy, nor just coming or going.
    """

    healthy: tuple[str, ...]
    failing: int


@dataclass(frozen=True)
class Table:
    """The DynamoDB table.

    Args:
        status: e.g. ``ACTIVE``.
        created_at: when it was made.
        recoverable: whether point-in-time recovery is on.
        restorable_until: newest moment to which it can be restored; ``None`` when there is none.
    """

    status: str
    created_at: float | None
    recoverable: bool
    restorable_until: float | None


@dataclass(frozen=True)
class Backups:
    """Recovery points and proofs that they restore.

    Args:
        newest: creation of the newest completed recovery point by ARN of the resource; ``None`` when there is none.
        validated: last successful validation of a restore by type of resource; ``None`` when there was none.
        tested_since: when restore tests were set up.
    """

    newest: Mapping[str, float | None]
    validated: Mapping[str, float | None]
    tested_since: float


@dataclass(frozen=True)
class Facts:
    """What all probes found out in one run."""

    database: Cluster | Unknown
    service: Service | Unknown
    targets: Targets | Unknown
    table: Table | Unknown
    backups: Backups | Unknown
