"""What all drills have in common, and what each kind of drill adds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Final

from botocore.exceptions import BotoCoreError, ClientError

from breakwater_drills import invariant, leftovers, probes
from breakwater_drills.bank import TRANSFER
from breakwater_drills.clock import Clock
from breakwater_drills.copies import Remove
from breakwater_drills.errors import DrillError, one_line
from breakwater_drills.measure import Loss, Recovery, Sample, loss, recovery, unknown
from breakwater_drills.result import Event
from breakwater_drills.sampler import Probe
from breakwater_drills.target import Target
from breakwater_drills.traffic import PER_SECOND, Traffic

_CLEAN_UP_POLL_SECONDS: Final = 2.0


class Drill(ABC):
    """One run of a drill of one kind.

    Args:
        target: the deployed stack.
        run: id of the run, letters and digits.
        clock: None for that of this machine.
        how: which of the drill's ways to break something; empty for the first.
        transfers_per_second: how many transfers the reference service is asked for.

    Raises:
        DrillError: the drill has no such way.

    Attributes:
        name: on the command line.
        hows: in which ways the drill can break something, by `--how`; the first is the default.
        intention: what the drill will do, for whoever confirms it.
        timeout_seconds: how long the recovery may take before the drill gives up.
        measured_in_aws: what is measured in an account.
        parts_emulated: what stands in for each part in the embedded AWS.
        poll_seconds: how long to wait between two questions to AWS.
        clean_up_seconds: how long the clean-up tries to remove what AWS does not let it remove yet.
        loss_allowed: whether the recovery loses acknowledged writes by its nature.
        how: in which way it breaks something; empty when there is only one.
        traffic: the clients of the service.
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
    clean_up_seconds: ClassVar[float] = 1800.0
    loss_allowed: ClassVar[bool] = False
    hows: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        target: Target,
        run: str,
        clock: Clock | None = None,
        *,
        how: str = "",
        transfers_per_second: float = PER_SECOND,
    ) -> None:
        if how and how not in self.hows:
            allowed = f"use one of {', '.join(self.hows)}" if self.hows else "it has only one way"
            raise DrillError(f"--how {how} is nothing that the drill {self.name} can do: {allowed}")
        self.how = how or next(iter(self.hows), "")
        self.target, self.run, self.clock = target, run, clock or Clock()
        self.announce: Callable[[str], None] = lambda _: None
        self.events: list[Event] = []
        self.fault = 0.0
        self.rows, self.items = probes.Rows(target, run), probes.Items(target, run)
        self.traffic = Traffic(target, run, self.clock, self.rows.query, transfers_per_second)

    def probes(self) -> Sequence[Probe]:
        """Return what a client does during the drill."""
        interval = self.traffic.heartbeat_interval
        return [
            probes.MethodProbe(probes.DATABASE_WRITE, self.rows.write, interval),
            probes.MethodProbe(probes.DATABASE_READ, self.rows.read, interval),
            probes.MethodProbe(probes.TABLE_WRITE, self.items.write, interval),
            probes.MethodProbe(probes.TABLE_READ, self.items.read, interval),
            *self.traffic.probes,
        ]

    @property
    def label(self) -> str:
        """Its name, and in which way it breaks something."""
        return f"{self.name}-{self.how}" if self.how else self.name

    def prepare(self) -> None:
        """Remove what interrupted drills left, find the service, and create what the drill needs.

        `clean_up` removes that.

        Raises:
            DrillError: the service is not what it must be.
        """
        leftovers.sweep(self.target, self.announce)
        self.traffic.find(self.announce)
        self.rows.create()

    def before_fault(self, samples: Sequence[Sample], /) -> None:  # noqa: B027 (most drills need nothing more)
        """Do what belongs to the drill and comes before the fault, while the probes run.

        Args:
            samples: the requests so far.
        """

    @abstractmethod
    def inject(self) -> None:
        """Inject the fault.

        Raises:
            DrillError: it cannot be injected now; nothing has happened.
        """

    @abstractmethod
    def restored(self) -> bool:
        """Ask AWS whether the platform has recovered."""

    @abstractmethod
    def state(self) -> str:
        """Return the state of the platform in one sentence, for somebody who interrupts the drill."""

    def parts(self) -> Mapping[str, str]:
        """Return which parts are measured, and where each of them runs."""
        parts = self.parts_emulated if self.target.emulated else {self.measured_in_aws: "AWS"}
        return {**parts, **self.traffic.parts()}

    def recoveries(self, samples: Sequence[Sample]) -> list[Recovery]:
        """Return how each probe recovered; one without a sample did not."""
        names = sorted(probe.name for probe in self.probes())
        return [recovery(name, of_probe(samples, name), self.fault) for name in names]

    def failures_allowed(self, _samples: Sequence[Sample], /) -> int | None:
        """Return how many requests of the service may fail; None when only their recovery counts."""
        return None

    def checks(self) -> list[invariant.Check]:
        """Return whether the bank invariant holds at the end; nothing without transfers."""
        return self.traffic.checks(self.loss_window())

    def loss_window(self) -> tuple[float, float] | None:
        """Return between which times an acknowledgment may be lost by the nature of the drill; None for never."""
        return None

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Return which acknowledged writes are lost, of those before, during and after the fault.

        A platform that has not recovered may not answer; the loss of that store is unknown then.
        """
        stores: list[tuple[str, str, Callable[[], set[int]]]] = [
            ("Aurora", probes.DATABASE_WRITE, self.rows.found),
            ("DynamoDB", probes.TABLE_WRITE, self.items.found),
        ]
        if self.traffic.bank:
            stores.append(("transfers", TRANSFER, lambda: self.traffic.ledger.found))
        losses = []
        for name, probe, found in stores:
            writes = of_probe(samples, probe)
            try:
                losses.append(loss(name, writes, found()))
            except (ClientError, BotoCoreError) as error:
                losses.append(unknown(name, writes, one_line(error)))
        return losses

    def clean_up(self, remains: list[str]) -> None:
        """Remove what the drill created; an error with one thing does not keep the others from being removed.

        Args:
            remains: gets a line for each thing that could not be removed, also when the clean-up is interrupted.
        """
        left = {what: (remove, "interrupted") for what, remove in self.created()}
        deadline = self.clock.now() + self.clean_up_seconds
        try:
            while left:
                for what, (remove, _) in list(left.items()):
                    try:
                        why = remove()
                    except Exception as error:  # noqa: BLE001 (listed; the rest is removed nonetheless)
                        remains.append(f"{what}: {one_line(error) or type(error).__name__}")
                        why = ""
                    left[what] = (remove, why)
                left = {what: each for what, each in left.items() if each[1]}
                if left and self.clock.now() > deadline:
                    break
                self._await_removal(left)
        finally:
            remains += [f"{what}: {why}" for what, (_, why) in left.items()]

    def _await_removal(self, left: Mapping[str, object]) -> None:
        if left:
            with suppress(OSError):  # the terminal may be gone
                self.announce(f"AWS does not remove yet: {', '.join(left)}")
            self.clock.sleep(_CLEAN_UP_POLL_SECONDS)

    def created(self) -> Iterator[tuple[str, Remove]]:
        """Yield what the drill created, and how to remove it, in the order of removal."""
        yield f"table {self.rows.table} in the database", self.rows.drop
        yield f"items of drill#{self.run} in {self.items.table}", self.items.remove

    def note(self, what: str) -> None:
        """Note and announce an event that happens now."""
        self.announce(what)
        self.events.append(Event(self.clock.now(), what))

    def break_now(self) -> None:
        """Inject the fault and note when."""
        self.fault = self.clock.now()
        self.inject()
        self.events.insert(0, Event(self.fault, f"fault: {self.label}"))

    def await_restored(self) -> bool:
        """Wait until AWS reports the recovery; return False when it does not in time."""
        return self.clock.wait_until(
            self.restored, timeout_seconds=self.timeout_seconds, poll_seconds=self.poll_seconds
        )


def of_probe(samples: Sequence[Sample], probe: str) -> list[Sample]:
    """Return the samples of one probe."""
    return [sample for sample in samples if sample.probe == probe]
