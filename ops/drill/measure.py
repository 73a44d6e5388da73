"""What the samples show: errors, detection, recovery time (RTO), latency, and lost writes (RPO)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One request of a probe.

    Attributes:
        probe: name of the probe.
        number: of the request, from 0.
        begun: when it began, in seconds since 1970.
        seconds: how long it took.
        error: why it failed; empty when it succeeded.
    """

    probe: str
    number: int
    begun: float
    seconds: float
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return not self.error

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.begun + self.seconds


@dataclass(frozen=True)
class Latency:
    """Latency of the successful requests of a phase.

    Attributes:
        p50: median, in seconds; None when there were none.
        p99: 99th percentile, in seconds; None when there were none.
    """

    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Recovery:
    """How one probe or one restored resource recovered.

    Attributes:
        name: of the probe, or of the restored resource.
        requests: number of requests after the fault.
        errors: number of those that failed.
        detection_seconds: from the fault to the end of the first request that failed; None when none did.
        rto_seconds: from the fault to the first success after the last failure; 0 when nothing failed, None when it
            did not recover.
        latency: by phase: before, during, after.
        judged: whether its recovery counts for the objective; it does not where the fault is not meant to touch it.
    """

    name: str
    requests: int
    errors: int
    detection_seconds: float | None
    rto_seconds: float | None
    latency: Mapping[str, Latency]
    judged: bool = True


@dataclass(frozen=True)
class Loss:
    """The acknowledged writes that a store lost.

    Attributes:
        name: of the store.
        acknowledged: number of writes that the store acknowledged.
        lost: number of those that it no longer holds.
        unacknowledged_found: number of writes that it holds without having acknowledged them.
        rpo_seconds: from the last acknowledged write before the first lost one to the fault; 0 when none is lost.
    """

    name: str
    acknowledged: int
    lost: int
    unacknowledged_found: int
    rpo_seconds: float


def recovery(name: str, samples: Sequence[Sample], fault: float) -> Recovery:
    """Return how one probe recovered.

    Args:
        name: of the probe.
        samples: all of its samples.
        fault: when the fault was injected, in seconds since 1970.

    Returns:
        Its recovery. A request that began before the fault and failed after it counts, since the fault broke it.
    """
    later = [sample for sample in samples if sample.ended >= fault]
    failed = [sample for sample in later if not sample.ok]
    if not failed:
        back: float | None = fault
    else:
        last = max(sample.begun for sample in failed)
        back = min((sample.ended for sample in later if sample.ok and sample.begun > last), default=None)
    phases = {
        "before": [sample for sample in samples if sample.ended < fault],
        "during": [sample for sample in later if back is None or sample.begun < back],
        "after": [sample for sample in later if back is not None and sample.begun >= back],
    }
    return Recovery(
        name=name,
        requests=len(later),
        errors=len(failed),
        detection_seconds=min(sample.ended for sample in failed) - fault if failed else None,
        rto_seconds=None if back is None else back - fault,
        latency={phase: latency(each) for phase, each in phases.items()},
    )


def latency(samples: Iterable[Sample]) -> Latency:
    """Return percentiles, by the nearest rank, of the requests that succeeded."""
    taken = sorted(sample.seconds for sample in samples if sample.ok)
    return Latency(_percentile(taken, 50), _percentile(taken, 99))


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None


def loss(name: str, writes: Sequence[Sample], found: AbstractSet[int], fault: float) -> Loss:
    """Compare the acknowledged writes with those that a store holds.

    Args:
        name: of the store.
        writes: the samples of its writes.
        found: numbers of the writes that it holds.
        fault: when the fault was injected, in seconds since 1970.

    Returns:
        Its loss.
    """
    acknowledged = sorted((write for write in writes if write.ok), key=lambda write: write.ended)
    lost = [write for write in acknowledged if write.number not in found]
    kept = [write for write in acknowledged if lost and write.ended < lost[0].ended and write.number in found]
    oldest_safe = kept[-1].ended if kept else (acknowledged[0].ended if acknowledged else fault)
    return Loss(
        name=name,
        acknowledged=len(acknowledged),
        lost=len(lost),
        unacknowledged_found=len(found & {write.number for write in writes if not write.ok}),
        rpo_seconds=max(0.0, fault - oldest_safe) if lost else 0.0,
    )
