"""One run of a drill: prepare, watch, inject the fault, wait for the recovery, count the losses, clean up."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.console import Steps
from ops.drill.drill import Drill, require_healthy
from ops.drill.result import Result
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


def run(drill: Drill, timing: Timing, console: Console) -> Result:
    """Run a drill once.

    Whatever ends it, also a signal or an error of this program, what the drill created is removed first.

    Args:
        drill: which has not run yet.
        timing: how long to watch before and after.
        console: where to print.

    Returns:
        What it found.

    Raises:
        OpsError: it cannot begin, or AWS refuses a request.
    """
    try:
        return _run(drill, timing, Steps(console, _STEPS))
    except (ClientError, BotoCoreError) as error:
        _give_up(drill, console)
        raise OpsError(f"the drill was interrupted: {one_line(error)}") from None
    except BaseException:
        _give_up(drill, console)
        raise


def _run(drill: Drill, timing: Timing, steps: Steps) -> Result:
    drill.announce = steps.note
    probes, clock = drill.probes(), drill.clock
    names = [probe.name for probe in probes]
    with steps.step("Prepare heartbeats"):
        drill.prepare()
    with Sampler(probes, clock) as sampler:
        with steps.step(f"Watch for {timing.before:g} s"):
            clock.sleep(timing.before)
            sampler.settle()  # a request that hangs fails only at its limit, which may be longer than the watch
            require_healthy(names, sampler.samples())
            drill.before_fault(sampler.samples())
            sampler.settle()
            recently = clock.now() - timing.before
            require_healthy(names, [sample for sample in sampler.samples() if sample.begun >= recently])
        with steps.step(f"Fault: {drill.name}"):
            drill.break_now()
        with steps.step("Wait until AWS reports the recovery") as result:
            restored = drill.await_restored()
            result.append(f"{clock.now() - drill.fault:.1f} s after the fault" if restored else "not in time")
        with steps.step(f"Watch for {timing.after:g} s"):
            clock.sleep(timing.after)
    samples = sampler.samples()
    not_removed: list[str] = []
    with steps.step("Count what was kept and clean up"):
        losses = drill.losses(samples)
        drill.clean_up(not_removed)
    return Result(
        drill=drill.name,
        run=drill.run,
        fault=drill.fault,
        restored=restored,
        recoveries=drill.recoveries(samples),
        losses=losses,
        loss_allowed=drill.loss_allowed,
        events=drill.events,
        samples=samples,
        parts=drill.parts(),
        not_removed=not_removed,
    )


def _give_up(drill: Drill, console: Console) -> None:
    """Remove what the drill created, and say what remains; a second signal ends the removal."""
    _say(console, "The drill was interrupted: removing what it created. Ctrl-C again leaves the rest", "yellow")
    remains: list[str] = []
    with suppress(KeyboardInterrupt, SystemExit):
        drill.clean_up(remains)
    for line in remains:
        _say(console, f"  remains: {line}", "red")
    try:
        state = drill.state()
    except Exception as error:  # noqa: BLE001 (what ended the drill is what must be told)
        state = f"unknown ({one_line(error)})"
    _say(console, f"  state: {state}")


def _say(console: Console, line: str, style: str = "") -> None:
    """Print a line; a terminal that is gone must not keep the clean-up from happening."""
    with suppress(OSError):
        console.print(line, style=style, markup=False)
