"""One run of a drill: prepare, watch, inject the fault, wait for the recovery, count the losses, clean up."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from breakwater_drills.drill import Drill
from breakwater_drills.errors import DrillError, one_line
from breakwater_drills.measure import Sample
from breakwater_drills.result import Result
from breakwater_drills.sampler import Sampler

STEPS: Final = 6  # of every run
_LOG: Final = logging.getLogger("breakwater_drills")


class Progress(Protocol):
    """Where a run tells what it does."""

    def step(self, title: str, /) -> AbstractContextManager[list[str]]:
        """Tell the title of a step, let its body run, then tell what the body appended to the list."""

    def note(self, text: str, /) -> None:
        """Tell something that happens now."""


class Logged:
    """Writes the progress to the log `breakwater_drills`."""

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Log the title of a step, run its body, then log what the body appended to the list."""
        self.note(title)
        result: list[str] = []
        yield result
        for line in result:
            self.note(line)

    def note(self, text: str) -> None:
        """Log something that happens now."""
        _LOG.info("%s", text)


@dataclass(frozen=True)
class Timing:
    """How long to watch.

    Attributes:
        before: seconds before the fault.
        after: seconds after the recovery.
    """

    before: float
    after: float


def run(drill: Drill, timing: Timing, progress: Progress | None = None) -> Result:
    """Run a drill once.

    Whatever ends it, also a signal or an error of this program, what the drill created is removed first.

    Args:
        drill: which has not run yet.
        timing: how long to watch before and after.
        progress: is told what happens; None for the log.

    Returns:
        What it found.

    Raises:
        DrillError: it cannot begin, or AWS refuses a request.
    """
    progress = progress or Logged()
    try:
        return _run(drill, timing, progress)
    except (ClientError, BotoCoreError) as error:
        _give_up(drill, progress)
        raise DrillError(f"the drill was interrupted: {one_line(error)}") from None
    except BaseException:
        _give_up(drill, progress)
        raise


def _run(drill: Drill, timing: Timing, steps: Progress) -> Result:
    drill.announce = steps.note
    clock = drill.clock
    with steps.step("Prepare heartbeats"):
        drill.prepare()
    probes = drill.probes()
    names = [probe.name for probe in probes]
    with Sampler(probes, clock) as sampler:
        with steps.step(f"Watch for {timing.before:g} s"):
            clock.sleep(timing.before)
            sampler.settle()  # a request that hangs fails only at its limit, which may be longer than the watch
            require_healthy(names, sampler.samples())
            drill.before_fault(sampler.samples())
            sampler.settle()
            recently = clock.now() - timing.before
            require_healthy(names, [sample for sample in sampler.samples() if sample.begun >= recently])
        with steps.step(f"Fault: {drill.label}"):
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
        checks = drill.checks()
        drill.clean_up(not_removed)
    return Result(
        drill=drill.label,
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
        clients=drill.traffic.clients(samples, drill.fault),
        failures_allowed=drill.failures_allowed(samples),
        checks=checks,
        late_seconds=sampler.late_seconds,
    )


def require_healthy(names: Sequence[str], samples: Sequence[Sample]) -> None:
    """Refuse to break a platform that does not work.

    Args:
        names: of the probes, each of which must have been answered.
        samples: the requests before the fault.

    Raises:
        DrillError: a request failed, or a probe made none.
    """
    if silent := sorted(set(names) - {sample.probe for sample in samples}):
        raise DrillError(f"no {silent[0]} was answered before the fault: the fault was not injected")
    failed = [sample for sample in samples if not sample.ok]
    if failed:
        counted = f"{len(failed)} of {len(samples)} requests failed before the fault"
        first = f"the first a {failed[0].probe}: {failed[0].error}"
        raise DrillError(f"{counted}, {first}: the fault was not injected")


def _give_up(drill: Drill, progress: Progress) -> None:
    """Remove what the drill created, and say what remains; a second signal ends the removal."""
    _say(progress, "the drill was interrupted: removing what it created; Ctrl-C again leaves the rest")
    remains: list[str] = []
    with suppress(KeyboardInterrupt, SystemExit):
        drill.clean_up(remains)
    for line in remains:
        _say(progress, f"remains: {line}")
    try:
        state = drill.state()
    except Exception as error:  # noqa: BLE001 (what ended the drill is what must be told)
        state = f"unknown ({one_line(error)})"
    _say(progress, f"state: {state}")


def _say(progress: Progress, line: str) -> None:
    """Tell a line; a terminal that is gone must not keep the clean-up from happening."""
    with suppress(OSError):
        progress.note(line)
