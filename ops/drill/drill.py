"""What all drills have in common, and what each one says of itself."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from ops.drill import probes
from ops.drill.measure import Loss, Recovery, Sample, loss, recovery
from ops.drill.sampler import Probe, Sampler
from ops.drill.target import Target
from ops.errors import OpsError, one_line


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
    """A drill of one kind, for one run.

    Args:
        target: the deployed stack.
        run: id of the run, letters and digits.
    """

    name: ClassVar[str]
    intention: ClassVar[str]
    timeout_seconds: ClassVar[float]
    """How long the recovery may take before the drill gives up."""
    POLL_SECONDS: ClassVar[float] = 0.25

    def __init__(self, target: Target, run: str) -> None:
        self.target, self.run = target, run
        self.events: list[Event] = []
        self.fault = 0.0
        self.tell: Callable[[str], None] = _nobody
        self.rows, self.items = probes.Rows(target, run), probes.Items(target, run)

    def probes(self) -> Sequence[Probe]:
        """What a client does meanwhile."""
        return [
            probes.Doing(probes.DATABASE_WRITE, self.rows.write),
            probes.Doing(probes.DATABASE_READ, self.rows.read),
            probes.Doing(probes.TABLE_WRITE, self.items.write),
            probes.Doing(probes.TABLE_READ, self.items.read),
            *probes.service(self.target),
        ]

    def prepare(self) -> None:
        """Make what the drill needs; `clean` removes it."""
        self.rows.create()

    def before_fault(self) -> None:  # noqa: B027 (most drills need nothing more)
        """Do what belongs to the drill and comes before the fault, while the probes run."""

    @abstractmethod
    def inject(self) -> None:
        """Break something; the drill's clock starts as this begins.

        Raises:
            OpsError: it cannot be broken now; nothing has happened.
        """

    @abstractmethod
    def restored(self) -> bool:
        """Ask AWS whether it is whole again."""

    @abstractmethod
    def state(self) -> str:
        """What state the platform is in, in one sentence, for somebody who cuts the drill off."""

    @abstractmethod
    def parts(self) -> dict[str, str]:
        """Which parts of this drill were whose: what was measured, and where it ran."""

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """What the client saw of each probe."""
        names = sorted({sample.probe for sample in samples})
        return [recovery(name, [each for each in samples if each.probe == name], self.fault) for name in names]

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """What became of the writes that were acknowledged before the fault, during it and after it."""
        return [
            loss("Aurora", _of(samples, probes.DATABASE_WRITE), self.rows.found(), self.fault),
            loss("DynamoDB", _of(samples, probes.TABLE_WRITE), self.items.found(), self.fault),
        ]

    def clean(self) -> list[str]:
        """Remove what the drill made.

        Returns:
            What could not be removed, one line each.
        """
        left: list[str] = []
        for what, remove in self.made():
            try:
                remove()
            except (ClientError, BotoCoreError) as error:
                left.append(f"{what}: {one_line(error)}")
        return left

    def made(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """What the drill made and how each is removed, in order."""
        yield f"table {self.rows.table} in the database", self.rows.drop
        yield f"items of drill#{self.run} in {self.items.table}", self.items.remove

    def happened(self, what: str) -> None:
        """Note an event, now, and tell it to whoever watches."""
        self.tell(what)
        self.events.append(Event(time.time(), what))

    def break_now(self) -> None:
        """Inject the fault and note when."""
        self.fault = time.time()
        self.inject()
        self.events.insert(0, Event(self.fault, f"fault: {self.name}"))

    def await_restored(self) -> bool:
        """Wait until AWS says that it is whole again; False when it takes longer than the drill's patience."""
        deadline = time.monotonic() + self.timeout_seconds
        while not self.restored():
            if time.monotonic() > deadline:
                return False
            time.sleep(self.POLL_SECONDS)
        return True


def _nobody(_what: str) -> None:
    """Hears of an event while nobody watches."""


@contextmanager
def running(sampler: Sampler) -> Iterator[None]:
    """Probes run while the body does, however it ends."""
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()


def require_healthy(samples: Sequence[Sample]) -> None:
    """Refuse to break what does not work.

    Raises:
        OpsError: a request failed before the fault.
    """
    failed = [sample for sample in samples if not sample.ok]
    if failed or not samples:
        first = f", the first a {failed[0].probe}: {failed[0].error}" if failed else ""
        counted = f"{len(failed)} of {len(samples)} requests failed before the drill began{first}"
        raise OpsError(f"{counted}: nothing was broken on purpose")


def _of(samples: Sequence[Sample], probe: str) -> list[Sample]:
    return [sample for sample in samples if sample.probe == probe]
