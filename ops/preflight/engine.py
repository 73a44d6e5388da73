"""Runs the checks at once, each with the operations that it declared, all within one time-out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ops.preflight.account import CouldNotAsk
from ops.preflight.check import Check, Outcome, Status, all_checks
from ops.preflight.context import CheckContext

# More at once gain nothing: AWS throttles an account, not a thread.
WORKERS = 12


class UnknownCheckError(Exception):
    """Somebody asks for a check that there is not."""


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Args:
        check: which.
        outcomes: at least one.
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
        only: ids or their beginnings, e.g. ``PF-RDS``; empty: all.
        skip: ids or their beginnings to leave out.

    Returns:
        The checks, by id.

    Raises:
        UnknownCheckError: a word fits no check.
    """
    checks = all_checks()
    for word in (*only, *skip):
        if not any(name.startswith(word.upper()) for name in checks):
            raise UnknownCheckError(f"{word}: no such check; `python -m ops preflight --list` prints all")
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
    timeout: float,
    progress: Callable[[CheckResult], None] = lambda _: None,
) -> list[CheckResult]:
    """Run checks.

    Args:
        checks: which.
        context_for: makes a check's view of the context.
        timeout: seconds for all of them.
        progress: hears of each result as it comes.

    Returns:
        One result for each check, by id; one that did not answer in time could not be asked.
    """
    began = time.monotonic()
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    pending: dict[Future[CheckResult], Check] = {pool.submit(_result, check, context_for): check for check in checks}
    results: list[CheckResult] = []
    while pending:
        done, _ = wait(pending, timeout=max(0.0, began + timeout - time.monotonic()), return_when=FIRST_COMPLETED)
        if not done:
            break
        for future in done:
            pending.pop(future)
            results.append(future.result())
            progress(results[-1])
    pool.shutdown(wait=False, cancel_futures=True)
    late = Outcome(Status.COULD_NOT_ASK, f"no answer within {timeout:g} s")
    results += [CheckResult(check, (late,), timeout) for check in pending.values()]
    return sorted(results, key=lambda result: result.check.id)


def _result(check: Check, context_for: Callable[[Check], CheckContext]) -> CheckResult:
    began = time.monotonic()
    try:
        outcomes = tuple(check.run(context_for(check)))
    except CouldNotAsk as error:
        outcomes = (Outcome(Status.COULD_NOT_ASK, str(error)),)
    except ClientError as error:
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        outcomes = (Outcome(Status.COULD_NOT_ASK, f"{error.operation_name}: {code}: {' '.join(message.split())}"),)
    return CheckResult(check, outcomes, time.monotonic() - began)
