"""One run of a drill: prepare, watch, break, wait, judge, clean up, however it ends."""

import time
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.drill.drill import Drill, Event, require_healthy, running
from ops.drill.measure import Loss, Recovery, Sample
from ops.drill.sampler import Sampler
from ops.errors import OpsError, one_line
from ops.local.progress import Steps

_STEPS: Final = 6


@dataclass(frozen=True)
class Timing:
    """How long to watch.

    Attributes:
        before: the fault, in seconds.
        after: the recovery, in seconds.
    """

    before: float
    after: float


@dataclass(frozen=True)
class Result:
    """What a run found.

    Attributes:
        drill: name of the drill.
        run: id of the run.
        fault: when the fault was injected, in seconds since 1970.
        restored: whether AWS said in time that everything is whole again.
        recoveries: what came back, and when.
        losses: what became of acknowledged writes.
        events: what happened.
        samples: every request of every probe.
        parts: which parts ran where.
        left: what could not be removed.
        unread: why it could not be read what was kept; empty when it was.
    """

    drill: str
    run: str
    fault: float
    restored: bool
    recoveries: list[Recovery]
    losses: list[Loss]
    events: list[Event]
    samples: list[Sample]
    parts: dict[str, str]
    left: list[str]
    unread: str = ""

    @property
    def rto_seconds(self) -> float | None:
        """The longest recovery; None when something did not come back."""
        times = [each.rto_seconds for each in self.recoveries if each.judged]
        known = [each for each in times if each is not None]
        return max(known) if self.restored and known and len(known) == len(times) else None

    @property
    def rpo_seconds(self) -> float:
        """The longest loss."""
        return max((each.rpo_seconds for each in self.losses), default=0.0)

    @property
    def lost(self) -> int:
        """Acknowledged writes that are gone."""
        return sum(each.lost for each in self.losses)

    def misses(self, rto: float, rpo: float) -> list[str]:
        """Which objectives were missed, one sentence each.

        Args:
            rto: objective in seconds.
            rpo: objective in seconds.
        """
        found = []
        if self.rto_seconds is None:
            found.append("not everything came back while the drill watched")
        elif self.rto_seconds > rto:
            found.append(f"RTO {self.rto_seconds:.1f} s, {rto:g} s were promised")
        if self.unread:
            found.append(f"RPO unknown, what was kept cannot be read: {self.unread}")
        elif self.rpo_seconds > rpo:
            found.append(f"RPO {self.rpo_seconds:.1f} s, {rpo:g} s were promised")
        return found


def run(drill: Drill, timing: Timing, console: Console) -> Result:
    """Run a drill once.

    Args:
        drill: a new one.
        timing: how long to watch before and after.
        console: where to print.

    Returns:
        What it found.

    Raises:
        OpsError: it cannot begin, or AWS refuses something on the way; what the drill made is removed.
        KeyboardInterrupt: somebody cut it off; what the drill made is removed, and what remains is printed.
    """
    try:
        return _run(drill, timing, Steps(console, _STEPS))
    except (ClientError, BotoCoreError) as error:
        _give_up(drill, console)
        raise OpsError(f"the drill is cut off: {one_line(error)}") from None
    except (OpsError, KeyboardInterrupt):
        _give_up(drill, console)
        raise


def _run(drill: Drill, timing: Timing, steps: Steps) -> Result:
    drill.tell = steps.note
    sampler = Sampler(drill.probes())
    with steps.step("Prepare heartbeats"):
        drill.prepare()
    with running(sampler):
        with steps.step(f"Watch for {timing.before:g} s"):
            time.sleep(timing.before)
            require_healthy(sampler.samples())
            drill.before_fault()
        with steps.step(f"Fault: {drill.name}"):
            drill.break_now()
        with steps.step("Wait until AWS says that all is whole") as told:
            restored = drill.await_restored()
            told.append(f"{time.time() - drill.fault:.1f} s after the fault" if restored else "it did not in time")
        with steps.step(f"Watch for {timing.after:g} s"):
            time.sleep(timing.after)
    samples = sampler.samples()
    with steps.step("Count what was kept, and clean up"):
        losses, unread = _losses(drill, samples)
        left = drill.clean()
    return Result(
        drill=drill.name,
        run=drill.run,
        fault=drill.fault,
        restored=restored,
        recoveries=drill.recoveries(samples),
        losses=losses,
        events=drill.events,
        samples=samples,
        parts=drill.parts(),
        left=left,
        unread=unread,
    )


def _losses(drill: Drill, samples: list[Sample]) -> tuple[list[Loss], str]:
    """A platform that has not come back cannot be asked, and its drill needs its evidence most."""
    try:
        return drill.losses(samples), ""
    except (ClientError, BotoCoreError) as error:
        return [], one_line(error)


def _give_up(drill: Drill, console: Console) -> None:
    console.print("The drill is cut off: removing what it made", style="yellow")
    left = drill.clean()
    for line in left:
        console.print(f"  remains: {line}", style="red", markup=False)
    try:
        console.print(f"  state: {drill.state()}", markup=False)
    except (ClientError, BotoCoreError) as error:
        console.print(f"  state: unknown ({one_line(error)})", markup=False)
