"""Ends a drill in an orderly way when the process is told to end: the same clean-up as after Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
_KILLED: Final = 128  # a shell's exit code for a process that a signal ended is this and the signal's number


@contextmanager
def raised() -> Iterator[None]:
    """Raise SystemExit in the main thread at SIGTERM and SIGHUP, while the body runs.

    A signal that is ignored stays ignored: `nohup` does so with SIGHUP.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heard = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_KILLED + number)
