"""What all drills have in common, and what each kind of drill adds."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.drill import probes
from ops.drill.measure import Loss, Recovery, Sample, loss, recovery
from ops.drill.sampler import Probe
from ops.drill.target import Target
from ops.errors import OpsError, one_line
from ops.waiting import wait_until


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        at: in seconds since 1970.
        what: in a few words.
    """

    at: float
    what: str


class Drill(ABC):
    """One run of a drill of one kind.

    Args:
        target: the deployed stack.
        run: id of the run, letters and digits.

    Attributes:
        name: on the command line.
        intention: what the drill will do, for whoever confirms it.
        timeout_seconds: how long the recovery may take before the drill gives up.
        measured_in_aws: what is measured in an account.
        parts_emulated: what stands in for each part in the embedded AWS.
        poll_seconds: how long to wait between two questions to AWS.
        fault: when the fault was injected, in seconds since 1970; 0 before.
        events: what happened so far.
        announce: called with each event, as it happens.
    """

    name: ClassVar[str]
    intention: ClassVar[str]
    timeout_seconds: ClassVar[float]
    measured_in_aws: ClassVar[str]
    parts_emulated: ClassVar[Mapping[str, str]]
    poll_seconds: ClassVar[float] = 0.25

    def __init__(self, target: Target, run: str) -> None:
        self.target, self.run = target, run
        self.announce: Callable[[str], None] = lambda _: None
        self.events: list[Event] = []
        self.fault = 0.0
        self.rows, self.items = probes.Rows(target, run), probes.Items(target, run)

    def probes(self) -> Sequence[Probe]:
        """Return what a client does during the drill."""
        return [
            probes.MethodProbe(probes.DATABASE_WRITE, self.rows.write),
            probes.MethodProbe(probes.DATABASE_READ, self.rows.read),
            probes.MethodProbe(probes.TABLE_WRITE, self.items.write),
            probes.MethodProbe(probes.TABLE_READ, self.items.read),
            *probes.service(self.target),
        ]

    def prepare(self) -> None:
        """Create what the drill needs; `clean_up` removes it."""
        self.rows.create()

    def before_fault(self) -> None:  # noqa: B027 (most drills need nothing more)
        """Do what belongs to the drill and comes before the fault, while the probes run."""

    @abstractmethod
    def inject(self) -> None:
        """Inject the fault.

        Raises:
            OpsError: it cannot be injected now; nothing has happened.
        """

    @abstractmethod
    def restored(self) -> bool:
        """Ask AWS whether the platform has recovered."""

    @abstractmethod
    def state(self) -> str:
        """Return the state of the platform in one sentence, for somebody who interrupts the drill."""

    def parts(self) -> Mapping[str, str]:
        """Return which parts are measured, and where each of them runs."""
        return self.parts_emulated if self.target.emulated else {self.measured_in_aws: "AWS"}

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered."""
        names = sorted({sample.probe for sample in samples})
        return [recovery(name, _of_probe(samples, name), self.fault) for name in names]

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Return which acknowledged writes are lost, of those before, during and after the fault."""
        return [
            loss("Aurora", _of_probe(samples, probes.DATABASE_WRITE), self.rows.found(), self.fault),
            loss("DynamoDB", _of_probe(samples, probes.TABLE_WRITE), self.items.found(), self.fault),
        ]

    def clean_up(self) -> list[str]:
        """Remove what the drill created.

        Returns:
            What could not be removed, one line each.
        """
        remains: list[str] = []
        for what, remove in self.created():
            try:
                remove()
            except (ClientError, BotoCoreError) as error:
                remains.append(f"{what}: {one_line(error)}")
        return remains

    def created(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what the drill created, and how to remove it, in the order of removal."""
        yield f"table {self.rows.table} in the database", self.rows.drop
        yield f"items of drill#{self.run} in {self.items.table}", self.items.remove

    def note(self, what: str) -> None:
        """Note and announce an event that happens now."""
        self.announce(what)
        self.events.append(Event(time.time(), what))

    def break_now(self) -> None:
        """Inject the fault and note when."""
        self.fault = time.time()
        self.inject()
        self.events.insert(0, Event(self.fault, f"fault: {self.name}"))

    def await_restored(self) -> bool:
        """Wait until AWS reports the recovery; return False when it does not in time."""
        return wait_until(self.restored, timeout_seconds=self.timeout_seconds, poll_seconds=self.poll_seconds)


def require_healthy(samples: Sequence[Sample]) -> None:
    """Refuse to break a platform that does not work.

    Raises:
        OpsError: a request failed before the fault, or there was none.
    """
    failed = [sample for sample in samples if not sample.ok]
    if failed or not samples:
        first = f", the first a {failed[0].probe}: {failed[0].error}" if failed else ""
        counted = f"{len(failed)} of {len(samples)} requests failed before the fault{first}"
        raise OpsError(f"{counted}: the fault was not injected")


def _of_probe(samples: Sequence[Sample], probe: str) -> list[Sample]:
    return [sample for sample in samples if sample.probe == probe]
