"""What samples say: errors, detection, recovery time (RTO), latency; and what was lost (RPO)."""

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
    """How long the successful requests of a phase took, in seconds; None when there were none."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Recovery:
    """How one thing came back.

    Attributes:
        name: of the probe, or of the restored resource.
        requests: how many requests there were after the fault.
        errors: how many of them failed.
        detection_seconds: from the fault to the end of the first request that failed; None when none did.
        rto_seconds: from the fault to the first success after the last failure: 0 when nothing failed; None when it
            did not come back.
        latency: by phase: before, during, after.
        judged: whether the fault is meant to touch it, so that its recovery is compared with the objective.
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
    """What became of acknowledged writes.

    Attributes:
        name: of the store.
        acknowledged: writes that the store had acknowledged.
        lost: those of them that are not there any more.
        unacknowledged_found: writes that are there and whose acknowledgement never came.
        rpo_seconds: from the last acknowledged write found again to the fault; 0 when nothing is lost.
    """

    name: str
    acknowledged: int
    lost: int
    unacknowledged_found: int
    rpo_seconds: float


def recovery(name: str, samples: Sequence[Sample], fault: float) -> Recovery:
    """Judge the samples of one probe.

    Args:
        name: of the probe.
        samples: its samples, of the whole drill.
        fault: when the fault was injected, in seconds since 1970.

    Returns:
        Its recovery. A request that began before the fault and failed after it counts: the fault broke it.
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
    """Percentiles, by the nearest rank, of the requests that succeeded."""
    taken = sorted(sample.seconds for sample in samples if sample.ok)
    return Latency(_percentile(taken, 50), _percentile(taken, 99))


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None


def loss(name: str, writes: Sequence[Sample], found: AbstractSet[int], fault: float) -> Loss:
    """Compare what was acknowledged with what is there.

    Args:
        name: of the store.
        writes: the samples of its writes that count.
        found: numbers of the writes that are there.
        fault: when the fault was injected, in seconds since 1970.

    Returns:
        What is lost.
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
