"""What the samples show: errors, detection, recovery time (RTO), latency, and lost writes (RPO)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Sample:
    """One request of a probe.

    Attributes:
        probe: name of the probe.
        number: of the request, from 0.
        begun: when it was due, in seconds since 1970.
        seconds: from then until it was answered, or until the client gave it up.
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
            did not recover, or when nobody asked it after the fault.
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
class Client:
    """What a client of the service saw from the fault on.

    Attributes:
        probe: name of the probe.
        requests: number of requests.
        failed: number of those that failed.
        p50: median time of the answered ones, in seconds; None when none was answered.
        p99: 99th percentile, in seconds.
        slowest: the longest, in seconds.
        longest_gap: the longest time between two answers, in seconds, the last one before the fault included.
    """

    probe: str
    requests: int
    failed: int
    p50: float | None
    p99: float | None
    slowest: float | None
    longest_gap: float | None


@dataclass(frozen=True)
class Loss:
    """The acknowledged writes that a store lost.

    Attributes:
        name: of the store.
        acknowledged: number of writes that the store acknowledged.
        lost: number of those that it no longer holds; None when that is unknown.
        unacknowledged_found: number of writes that it holds without having acknowledged them; None when unknown.
        rpo_seconds: from the last acknowledged write before the first lost one to the last lost one; 0 when none is
            lost, None when that is unknown.
        at_least: whether no acknowledged write before the first lost one was kept, so that more may be lost than the
            drill wrote; `rpo_seconds` then counts from the first acknowledged write.
        unread: why the loss is unknown; empty when it is known.
    """

    name: str
    acknowledged: int
    lost: int | None
    unacknowledged_found: int | None
    rpo_seconds: float | None
    at_least: bool = False
    unread: str = ""


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
    back: float | None
    failed = [sample for sample in later if not sample.ok]
    if not failed:
        back = fault if later else None
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
    """Return percentiles of the requests that succeeded."""
    taken = [sample.seconds for sample in samples if sample.ok]
    return Latency(percentile(taken, 50), percentile(taken, 99))


def client(samples: Sequence[Sample], fault: float) -> Client:
    """Return what a client saw from the fault on.

    Args:
        samples: of one probe, at least one.
        fault: when the fault was injected, in seconds since 1970.
    """
    later = [sample for sample in samples if sample.ended >= fault]
    taken = [sample.seconds for sample in later if sample.ok]
    answered = sorted(sample.ended for sample in samples if sample.ok)
    gaps = [after - before for before, after in pairwise(answered) if after >= fault]
    return Client(
        probe=samples[0].probe,
        requests=len(later),
        failed=sum(not sample.ok for sample in later),
        p50=percentile(taken, 50),
        p99=percentile(taken, 99),
        slowest=max(taken, default=None),
        longest_gap=max(gaps, default=None),
    )


def percentile(values: Iterable[float], percent: int) -> float | None:
    """Return a percentile by the nearest rank; None when there is no value."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] if ordered else None


def loss(name: str, writes: Sequence[Sample], found: AbstractSet[int]) -> Loss:
    """Compare the acknowledged writes with those that a store holds.

    A write that was kept behind a lost one does not count as safe: a client cannot use data with a hole.

    Args:
        name: of the store.
        writes: the samples of its writes.
        found: numbers of the writes that it holds.

    Returns:
        Its loss; unknown when no write was acknowledged, since then nothing was there to be lost.
    """
    acknowledged = sorted((write for write in writes if write.ok), key=lambda write: write.ended)
    if not acknowledged:
        return unknown(name, writes, "no write was acknowledged")
    lost = [write for write in acknowledged if write.number not in found]
    safe = [write for write in acknowledged if lost and write.ended < lost[0].ended]
    since = safe[-1].ended if safe else acknowledged[0].ended
    return Loss(
        name=name,
        acknowledged=len(acknowledged),
        lost=len(lost),
        unacknowledged_found=len(found & {write.number for write in writes if not write.ok}),
        rpo_seconds=lost[-1].ended - since if lost else 0.0,
        at_least=bool(lost) and not safe,
    )


def unknown(name: str, writes: Sequence[Sample], reason: str) -> Loss:
    """Return the loss of a store that cannot be compared.

    Args:
        name: of the store.
        writes: the samples of its writes.
        reason: why, in a few words.
    """
    return Loss(name, sum(write.ok for write in writes), None, None, None, unread=reason)
