"""What a run found, and how it is judged and worded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from breakwater_drills import invariant
from breakwater_drills.measure import Client, Loss, Recovery, Sample

# From here on the delay of the client's own machine is told: a third of what a client waits for an answer.
_LATE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: in seconds since 1970.
        what: in a few words.
    """

    at: float
    what: str


@dataclass(frozen=True)
class Result:
    """What a run found.

    Attributes:
        drill: name of the drill.
        run: id of the run.
        fault: when the fault was injected, in seconds since 1970.
        restored: whether AWS reported the recovery in time.
        recoveries: of the probes and of what was restored.
        losses: of acknowledged writes, by store.
        loss_allowed: whether the recovery loses writes by its nature; otherwise each lost one is a miss.
        events: in the order in which they were noted.
        samples: every request of every probe.
        parts: where each part ran.
        not_removed: what the drill created and could not remove, one line each.
        clients: what clients of the service saw, that of transfers first.
        failures_allowed: how many requests of the service may fail; None when only their recovery counts.
        checks: of the bank invariant, for each database that was checked.
        late_seconds: how long after it was due the latest request began, by the delay of the client's machine.
    """

    drill: str
    run: str
    fault: float
    restored: bool
    recoveries: list[Recovery]
    losses: list[Loss]
    loss_allowed: bool
    events: list[Event]
    samples: list[Sample]
    parts: Mapping[str, str]
    not_removed: list[str]
    clients: Sequence[Client] = ()
    failures_allowed: int | None = None
    checks: Sequence[invariant.Check] = ()
    late_seconds: float = 0.0

    @property
    def rto_seconds(self) -> float | None:
        """The longest recovery, in seconds; None when something did not recover."""
        times = [each.rto_seconds for each in self.recoveries if each.judged]
        known = [each for each in times if each is not None]
        return max(known) if self.restored and known and len(known) == len(times) else None

    @property
    def rpo_seconds(self) -> float | None:
        """The longest loss, in seconds; None when that of a store is unknown."""
        known = [each.rpo_seconds for each in self.losses if each.rpo_seconds is not None]
        return max(known) if known and not self.unread else None

    @property
    def at_least(self) -> bool:
        """Whether the true RPO may be longer than the measured one."""
        return any(each.at_least for each in self.losses)

    @property
    def lost(self) -> int:
        """Number of acknowledged writes that are known to be lost."""
        return sum(each.lost or 0 for each in self.losses)

    @property
    def unread(self) -> str:
        """Why the loss of a store is unknown; empty when all are known."""
        reasons = [f"{each.name}: {each.unread}" for each in self.losses if each.unread]
        return "; ".join(reasons if self.losses else ["no store was read"])

    @property
    def rto(self) -> str:
        """RTO in words."""
        return recovered(self.rto_seconds)

    @property
    def rpo(self) -> str:
        """RPO in words."""
        return spanned(self.rpo_seconds, at_least=self.at_least)

    def rto_misses(self, objective: float) -> list[str]:
        """Return why a recovery time objective was missed, one sentence each.

        Args:
            objective: in seconds.
        """
        if self.rto_seconds is None:
            return ["not everything recovered while the drill watched"]
        return [f"RTO {self.rto}, the objective is {objective:g} s"] if self.rto_seconds > objective else []

    def rpo_misses(self, objective: float) -> list[str]:
        """Return why a recovery point objective was missed, one sentence each.

        Args:
            objective: in seconds.
        """
        found = []
        if self.rpo_seconds is None:
            found.append(f"RPO unknown, not every store could be compared: {self.unread}")
        elif self.at_least:
            found.append(f"RPO {self.rpo}: no acknowledged write from before the lost ones was kept")
        elif self.rpo_seconds > objective:
            found.append(f"RPO {self.rpo}, the objective is {objective:g} s")
        if self.lost and not self.loss_allowed:
            found.append(f"{self.lost} acknowledged writes are lost, and {self.drill} must lose none")
        return found

    def misses(self, rto: float, rpo: float) -> list[str]:
        """Return which objectives were missed, one sentence each.

        Args:
            rto: recovery time objective, in seconds.
            rpo: recovery point objective, in seconds.
        """
        return [*self.rto_misses(rto), *self.rpo_misses(rpo), *self.client_misses(), *invariant.broken(self.checks)]

    def client_misses(self) -> list[str]:
        """Return why too many requests of the service failed, in one sentence, if so."""
        failed = sum(each.failed for each in self.clients)
        if self.failures_allowed is None or failed <= self.failures_allowed:
            return []
        return [f"{failed} requests of the service failed, {self.drill} may fail {self.failures_allowed}"]

    @property
    def headline(self) -> str:
        """What a client of the service saw, in one sentence."""
        if not self.clients:
            return "What a client of the service saw was not measured"
        first = self.clients[0]
        failed = f"{first.failed} of {first.requests} {first.probe}s failed"
        times = {"p50": first.p50, "p99": first.p99, "slowest": first.slowest, "longest gap": first.longest_gap}
        told = ", ".join([failed, *(f"{name} {lasted(seconds)}" for name, seconds in times.items())])
        return f"{told}; {self.busy}" if self.busy else told

    @property
    def busy(self) -> str:
        """That the machine of the client was too busy for its figures to be those of the service; empty when not."""
        if self.late_seconds < _LATE_SECONDS:
            return ""
        return f"this machine was busy: it began a request {lasted(self.late_seconds)} late, which the times contain"


def recovered(seconds: float | None) -> str:
    """Return a recovery time in words."""
    return "not recovered" if seconds is None else f"{seconds:.2f} s"


def spanned(seconds: float | None, *, at_least: bool) -> str:
    """Return the time that is lost in words.

    Args:
        seconds: that are lost; None when that is unknown.
        at_least: whether it may be longer.
    """
    return "unknown" if seconds is None else f"{'at least ' if at_least else ''}{seconds:.2f} s"


def lasted(seconds: float | None) -> str:
    """Return a short time in words."""
    if seconds is None:
        return "unknown"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def counted(lost: int | None) -> str:
    """Return a number of lost writes in words."""
    return "unknown" if lost is None else str(lost)
