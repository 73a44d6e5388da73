"""One run of a drill: prepare, watch, inject the fault, wait for the recovery, count the losses, clean up."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.console import Steps
from ops.drill.drill import Drill, Event, require_healthy
from ops.drill.measure import Loss, Recovery, Sample
from ops.drill.sampler import Sampler
from ops.errors import OpsError, one_line

_STEPS: Final = 6


@dataclass(frozen=True)
class Timing:
    """How long to watch.

    Attributes:
        before: seconds before the fault.
        after: seconds after the recovery.
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
        restored: whether AWS reported the recovery in time.
        recoveries: of the probes and of what was restored.
        losses: of acknowledged writes, by store.
        events: in the order in which they were noted.
        samples: every request of every probe.
        parts: where each part ran.
        not_removed: what the drill created and could not remove, one line each.
        unread: why the stores could not be read after the drill; empty when they were.
    """

    drill: str
    run: str
    fault: float
    restored: bool
    recoveries: list[Recovery]
    losses: list[Loss]
    events: list[Event]
    samples: list[Sample]
    parts: Mapping[str, str]
    not_removed: list[str]
    unread: str = ""

    @property
    def rto_seconds(self) -> float | None:
        """The longest recovery, in seconds; None when something did not recover."""
        times = [each.rto_seconds for each in self.recoveries if each.judged]
        known = [each for each in times if each is not None]
        return max(known) if self.restored and known and len(known) == len(times) else None

    @property
    def rpo_seconds(self) -> float:
        """The longest loss, in seconds."""
        return max((each.rpo_seconds for each in self.losses), default=0.0)

    @property
    def lost(self) -> int:
        """Number of acknowledged writes that are lost."""
        return sum(each.lost for each in self.losses)

    def misses(self, rto: float, rpo: float) -> list[str]:
        """Return which objectives were missed, one sentence each.

        Args:
            rto: recovery time objective, in seconds.
            rpo: recovery point objective, in seconds.
        """
        found = []
        if self.rto_seconds is None:
            found.append("not everything recovered while the drill watched")
        elif self.rto_seconds > rto:
            found.append(f"RTO {self.rto_seconds:.1f} s, the objective is {rto:g} s")
        if self.unread:
            found.append(f"RPO unknown, the stores cannot be read: {self.unread}")
        elif self.rpo_seconds > rpo:
            found.append(f"RPO {self.rpo_seconds:.1f} s, the objective is {rpo:g} s")
        return found


def run(drill: Drill, timing: Timing, console: Console) -> Result:
    """Run a drill once.

    Args:
        drill: which has not run yet.
        timing: how long to watch before and after.
        console: where to print.

    Returns:
        What it found.

    Raises:
        OpsError: it cannot begin, or AWS refuses a request; what the drill created is removed.
        KeyboardInterrupt: somebody interrupted it; what the drill created is removed, and what remains is printed.
    """
    try:
        return _run(drill, timing, Steps(console, _STEPS))
    except (ClientError, BotoCoreError) as error:
        _give_up(drill, console)
        raise OpsError(f"the drill was interrupted: {one_line(error)}") from None
    except (OpsError, KeyboardInterrupt):
        _give_up(drill, console)
        raise


def _run(drill: Drill, timing: Timing, steps: Steps) -> Result:
    drill.announce = steps.note
    sampler = Sampler(drill.probes())
    with steps.step("Prepare heartbeats"):
        drill.prepare()
    with sampler:
        with steps.step(f"Watch for {timing.before:g} s"):
            time.sleep(timing.before)
            require_healthy(sampler.samples())
            drill.before_fault()
        with steps.step(f"Fault: {drill.name}"):
            drill.break_now()
        with steps.step("Wait until AWS reports the recovery") as result:
            restored = drill.await_restored()
            result.append(f"{time.time() - drill.fault:.1f} s after the fault" if restored else "not in time")
        with steps.step(f"Watch for {timing.after:g} s"):
            time.sleep(timing.after)
    samples = sampler.samples()
    with steps.step("Count what was kept and clean up"):
        losses, unread = _losses(drill, samples)
        not_removed = drill.clean_up()
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
        not_removed=not_removed,
        unread=unread,
    )


def _losses(drill: Drill, samples: list[Sample]) -> tuple[list[Loss], str]:
    """Return the losses, or why they are unknown: a platform that has not recovered may not answer."""
    try:
        return drill.losses(samples), ""
    except (ClientError, BotoCoreError) as error:
        return [], one_line(error)


def _give_up(drill: Drill, console: Console) -> None:
    console.print("The drill was interrupted: removing what it created", style="yellow")
    not_removed = drill.clean_up()
    for line in not_removed:
        console.print(f"  remains: {line}", style="red", markup=False)
    try:
        console.print(f"  state: {drill.state()}", markup=False)
    except (ClientError, BotoCoreError) as error:
        console.print(f"  state: unknown ({one_line(error)})", markup=False)
