"""Decides whether the cluster may fail over, and to which instance. No AWS call, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from common.aurora import AVAILABLE, Cluster, Instance


class Code(StrEnum):
    """Why a failover is refused."""

    WRONG_CLUSTER = "wrong-cluster"
    IN_PROGRESS = "in-progress"
    COOL_DOWN = "cool-down"
    NO_HEALTHY_READER = "no-healthy-reader"
    REPLICA_LAG = "replica-lag"


@dataclass(frozen=True)
class Claim:
    """The newest failover that somebody claimed.

    Args:
        request_id: who.
        started_at: when, in seconds since 1970.
    """

    request_id: str
    started_at: float


@dataclass(frozen=True)
class Limits:
    """What a failover must keep to.

    Args:
        cluster: identifier of the only cluster that may fail over.
        lag_ms: most replica lag of the instance that takes over, in milliseconds.
        cool_down_seconds: least time between the starts of two failovers.
    """

    cluster: str
    lag_ms: int
    cool_down_seconds: int


@dataclass(frozen=True)
class Refused:
    """No failover, and why."""

    code: Code
    reason: str


@dataclass(frozen=True)
class Accepted:
    """A failover to this instance."""

    target: Instance


def decide(asked: str, cluster: Cluster, claim: Claim | None, limits: Limits, now: float) -> Accepted | Refused:
    """Decide about one request for a failover.

    A lag that nobody knows does not stand in the way: Aurora's instances share their storage, so nothing acknowledged
    is lost, and CloudWatch has no lag just when the writer is gone.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Replication.html

    Args:
        asked: identifier of the cluster in the request.
        cluster: what RDS says.
        claim: newest failover that was claimed.
        limits: what to keep to.
        now: seconds since 1970.

    Returns:
        The instance that takes over, or why none does.
    """
    if asked != limits.cluster or cluster.identifier != limits.cluster:
        return Refused(Code.WRONG_CLUSTER, f"{asked} is not the cluster of this deployment, {limits.cluster}")
    if cluster.status != AVAILABLE:
        return Refused(Code.IN_PROGRESS, f"the cluster is {cluster.status}: wait until it is {AVAILABLE}")
    remaining = cool_down_remaining(claim, limits, now)
    if remaining > 0:
        since = f"the last failover began less than {limits.cool_down_seconds} s ago"
        return Refused(Code.COOL_DOWN, f"{since}: wait {remaining:.0f} s")
    readers = [instance for instance in cluster.instances if not instance.is_writer and instance.status == AVAILABLE]
    if not readers:
        return Refused(Code.NO_HEALTHY_READER, "no reader is available to take over")
    near = [reader for reader in readers if reader.lag_ms is None or reader.lag_ms <= limits.lag_ms]
    if not near:
        lags = ", ".join(f"{reader.identifier} {reader.lag_ms:.0f} ms" for reader in readers)
        return Refused(Code.REPLICA_LAG, f"every reader lags by more than {limits.lag_ms} ms: {lags}")
    return Accepted(min(near, key=_preference(cluster)))


def cool_down_remaining(claim: Claim | None, limits: Limits, now: float) -> float:
    """Return the seconds until another failover may begin; 0 or less when it may."""
    return 0 if claim is None else claim.started_at + limits.cool_down_seconds - now


def _preference(cluster: Cluster) -> Callable[[Instance], tuple[bool, int, float, str]]:
    """Another zone than the writer's first, then the lowest tier, then the least lag."""
    zone = cluster.writer.zone if cluster.writer else None

    def key(reader: Instance) -> tuple[bool, int, float, str]:
        lag = reader.lag_ms if reader.lag_ms is not None else float("inf")
        return reader.zone == zone, reader.tier, lag, reader.identifier

    return key


def has_taken_over(cluster: Cluster, target: str) -> bool:
    """Tell whether an instance is the only writer, and it and the cluster are available."""
    writer = cluster.writer
    return (
        writer is not None
        and writer.identifier == target
        and writer.status == AVAILABLE
        and cluster.status == AVAILABLE
    )
