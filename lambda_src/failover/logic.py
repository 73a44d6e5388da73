"""The decision whether the cluster may fail over, and to which instance. No AWS call, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from common.aurora import AVAILABLE, FAILING_OVER, Cluster, Instance


class RefusalCode(StrEnum):
    """Why a failover is refused."""

    WRONG_CLUSTER = "wrong-cluster"
    IN_PROGRESS = "in-progress"
    COOL_DOWN = "cool-down"
    NO_HEALTHY_READER = "no-healthy-reader"
    REPLICA_LAG = "replica-lag"
    SUPERSEDED = "superseded"
    NOT_NEEDED = "not-needed"


@dataclass(frozen=True)
class Claim:
    """The latest failover that an invocation has claimed.

    Attributes:
        request_id: Request that claimed it.
        started_at: Time of the claim in seconds since 1970.
        new_writer: Identifier of the instance that is to become the writer.
        held_until: Time until which RDS may still be asked; ``None`` once RDS has accepted the failover.
    """

    request_id: str
    started_at: float
    new_writer: str = ""
    held_until: float | None = None

    def was_abandoned(self, cluster: Cluster, now: float) -> bool:
        """Return whether the invocation ended before RDS accepted the failover: the claim then excludes nobody."""
        return self.held_until is not None and self.held_until <= now and not has_begun(cluster, self.new_writer)


@dataclass(frozen=True)
class FailoverLimits:
    """Conditions that every failover must meet.

    Attributes:
        cluster: Identifier of the only cluster that may fail over.
        lag_ms: Maximum replica lag of the new writer, in milliseconds.
        cool_down_seconds: Minimum time between the starts of two failovers.
    """

    cluster: str
    lag_ms: int
    cool_down_seconds: int


@dataclass(frozen=True)
class Refused:
    """The decision against a failover.

    Attributes:
        code: Reason for programs.
        reason: Reason for people, and what to do.
    """

    code: RefusalCode
    reason: str


@dataclass(frozen=True)
class Accepted:
    """The decision for a failover.

    Attributes:
        target: Reader that becomes the writer.
    """

    target: Instance


def decide(
    requested: str, cluster: Cluster, claim: Claim | None, limits: FailoverLimits, now: float
) -> Accepted | Refused:
    """Decide on one request for a failover.

    An unknown replica lag does not prevent a failover: Aurora's instances share their storage, so no acknowledged write
    is lost, and CloudWatch tends to have no lag exactly when the writer has failed.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Replication.html

    Args:
        requested: Cluster identifier in the request.
        cluster: The cluster as RDS reports it.
        claim: Latest claimed failover, if any.
        limits: Conditions to meet.
        now: Current time in seconds since 1970.

    Returns:
        The reader that becomes the writer, or why there is no failover.
    """
    if requested != limits.cluster or cluster.identifier != limits.cluster:
        return Refused(
            RefusalCode.WRONG_CLUSTER, f"{requested} is not this deployment's cluster: request {limits.cluster}"
        )
    if cluster.status != AVAILABLE:
        return Refused(RefusalCode.IN_PROGRESS, f"the cluster is {cluster.status}: wait until it is {AVAILABLE}")
    remaining = cool_down_remaining(claim, limits, now)
    if claim is not None and remaining > 0 and not claim.was_abandoned(cluster, now):
        recent = f"the last failover started less than {limits.cool_down_seconds} s ago"
        return Refused(RefusalCode.COOL_DOWN, f"{recent}: wait {remaining:.0f} s")
    readers = [instance for instance in cluster.instances if not instance.is_writer and instance.status == AVAILABLE]
    if not readers:
        return Refused(RefusalCode.NO_HEALTHY_READER, "no reader is available to take over")
    candidates = [reader for reader in readers if reader.lag_ms is None or reader.lag_ms <= limits.lag_ms]
    if not candidates:
        lags = ", ".join(f"{reader.identifier} {reader.lag_ms:.0f} ms" for reader in readers)
        return Refused(RefusalCode.REPLICA_LAG, f"every reader lags by more than {limits.lag_ms} ms: {lags}")
    return Accepted(min(candidates, key=_preference(cluster)))


def cool_down_remaining(claim: Claim | None, limits: FailoverLimits, now: float) -> float:
    """Return the seconds until another failover may start; 0 or less if it may start now."""
    return 0 if claim is None else claim.started_at + limits.cool_down_seconds - now


def _preference(cluster: Cluster) -> Callable[[Instance], tuple[bool, int, float, str]]:
    """Prefer another Availability Zone than the writer's, then the lowest tier, then the least lag."""
    zone = cluster.writer.zone if cluster.writer else None

    def key(reader: Instance) -> tuple[bool, int, float, str]:
        lag = reader.lag_ms if reader.lag_ms is not None else float("inf")
        return reader.zone == zone, reader.tier, lag, reader.identifier

    return key


def has_begun(cluster: Cluster, target: str) -> bool:
    """Return whether a failover to an instance is in progress or done, as far as RDS shows it."""
    writer = cluster.writer
    return cluster.status == FAILING_OVER or (writer is not None and writer.identifier == target)


def has_taken_over(cluster: Cluster, target: str) -> bool:
    """Return whether an instance is the only writer, and it and the cluster are available."""
    writer = cluster.writer
    return (
        writer is not None
        and writer.identifier == target
        and writer.status == AVAILABLE
        and cluster.status == AVAILABLE
    )
