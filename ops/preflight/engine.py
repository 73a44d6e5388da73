"""Runs the checks in parallel, each with the operations that it declares, all within one timeout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ops.errors import OpsError, aws_answer
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
    began = time.monotonic()
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    pending: dict[Future[CheckResult], Check] = {pool.submit(_result, check, context_for): check for check in checks}
    results: list[CheckResult] = []
    while pending:
        left = max(0.0, began + timeout_seconds - time.monotonic())
        done, _ = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
        if not done:
            break
        for future in done:
            pending.pop(future)
            results.append(future.result())
            progress(results[-1])
    pool.shutdown(wait=False, cancel_futures=True)
    late = Outcome(Status.COULD_NOT_ASK, f"no answer within {timeout_seconds:g} s")
    results += [CheckResult(check, (late,), timeout_seconds) for check in pending.values()]
    return sorted(results, key=lambda result: result.check.id)


def _result(check: Check, context_for: Callable[[Check], CheckContext]) -> CheckResult:
    began = time.monotonic()
    try:
        outcomes = tuple(check.run(context_for(check)))
    except CouldNotAsk as error:
        outcomes = (Outcome(Status.COULD_NOT_ASK, str(error)),)
    except ClientError as error:
        outcomes = (Outcome(Status.COULD_NOT_ASK, f"{error.operation_name}: {aws_answer(error)}"),)
    return CheckResult(check, outcomes, time.monotonic() - began)
