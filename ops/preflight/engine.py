"""Runs the checks in parallel, each with the operations that it declares, all within one timeout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread

from botocore.exceptions import ClientError

from ops.errors import OpsError, aws_answer, one_line
from ops.preflight.account import CouldNotAsk
from ops.preflight.check import Check, Outcome, Status, all_checks
from ops.preflight.context import CheckContext

# More gain nothing: AWS throttles the account, whatever the number of threads.
WORKERS = 12


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        check: the check.
        outcomes: one or more.
        seconds: how long it took.
    """

    check: Check
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def status(self) -> Status:
        """The worst of its outcomes."""
        order = list(Status)
        return max((outcome.status for outcome in self.outcomes), key=order.index)


def choose(only: Sequence[str], skip: Sequence[str]) -> list[Check]:
    """Choose checks.

    Args:
        only: ids or their beginnings, e.g. ``PF-RDS``; empty for all.
        skip: ids or their beginnings to leave out.

    Returns:
        The checks, in the order of their ids.

    Raises:
        OpsError: a word is the beginning of no id.
    """
    checks = all_checks()
    for word in (*only, *skip):
        if not any(name.startswith(word.upper()) for name in checks):
            raise OpsError(f"{word}: no such check; `python -m ops preflight --list` prints all")
    wanted = tuple(word.upper() for word in only) or ("",)
    unwanted = tuple(word.upper() for word in skip)
    return [
        check
        for name, check in checks.items()
        if name.startswith(wanted) and not (unwanted and name.startswith(unwanted))
    ]


def run(
    checks: Iterable[Check],
    context_for: Callable[[Check], CheckContext],
    *,
    timeout_seconds: float,
    progress: Callable[[CheckResult], None] = lambda _: None,
) -> list[CheckResult]:
    """Run checks.

    Args:
        checks: the checks.
        context_for: makes the context of a check.
        timeout_seconds: for all of them together.
        progress: called with each result as it comes.

    Returns:
        One result for each check, in the order of their ids; a check that did not end in time could not be asked.
    """
    ends = time.monotonic() + timeout_seconds
    late = {check.id: check for check in checks}
    waiting, results, over = SimpleQueue[Check](), SimpleQueue[CheckResult](), Event()
    for check in late.values():
        waiting.put(check)
    # Threads of a pool are joined when the process ends, so that one call that hangs would keep it; these are not.
    for _ in range(min(WORKERS, len(late))):
        Thread(target=_work, args=(waiting, results, over, context_for), daemon=True).start()
    found: list[CheckResult] = []
    while late:
        try:
            found.append(results.get(timeout=max(0.0, ends - time.monotonic())))
        except Empty:
            break
        del late[found[-1].check.id]
        progress(found[-1])
    over.set()
    outcome = Outcome(Status.COULD_NOT_ASK, f"no answer within {timeout_seconds:g} s")
    found += [CheckResult(check, (outcome,), timeout_seconds) for check in late.values()]
    return sorted(found, key=lambda result: result.check.id)


def _work(
    waiting: SimpleQueue[Check],
    results: SimpleQueue[CheckResult],
    over: Event,
    context_for: Callable[[Check], CheckContext],
) -> None:
    """Run one check after the other until none is left or the time is over."""
    while not over.is_set():
        try:
            check = waiting.get_nowait()
        except Empty:
            return
        results.put(_result(check, context_for))


def _result(check: Check, context_for: Callable[[Check], CheckContext]) -> CheckResult:
    began = time.monotonic()
    try:
        outcomes = tuple(check.run(context_for(check)))
    except CouldNotAsk as error:
        outcomes = (Outcome(Status.COULD_NOT_ASK, str(error)),)
    except ClientError as error:
        outcomes = (Outcome(Status.COULD_NOT_ASK, f"{error.operation_name}: {aws_answer(error)}"),)
    except Exception as error:  # noqa: BLE001 (a defect of one check must not lose what the others found)
        outcomes = (Outcome(Status.BROKEN, f"the check itself is broken: {type(error).__name__}: {one_line(error)}"),)
    return CheckResult(check, outcomes, time.monotonic() - began)
