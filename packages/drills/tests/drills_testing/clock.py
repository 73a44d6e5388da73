"""A clock whose time passes only while everybody waits: a drill takes milliseconds, and always goes the same way."""

from __future__ import annotations

import heapq
import itertools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from breakwater_drills.clock import Clock

# Threads that wait for work: to start one for each simulated request would take most of the time. They do not keep the
# process alive, since the last one to wait for its turn when a test ends waits for ever.
_IDLE: list[SimpleQueue[Callable[[], None]]] = []
# A process that is forked, as mutmut does for each mutant, has none of the threads, and would wait for them for ever.
os.register_at_fork(after_in_child=_IDLE.clear)


def _in_thread(work: Callable[[], None]) -> None:
    """Do something in a thread that has nothing to do, or in a new one."""
    try:
        _IDLE.pop().put(work)
    except IndexError:
        threading.Thread(target=_serve, args=(work,), daemon=True).start()


def _serve(work: Callable[[], None]) -> None:
    queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
    while True:
        work()
        _IDLE.append(queue)
        work = queue.get()


class SimulatedClock(Clock):
    """Lets one thread run at a time: the one whose turn comes first, in the order of waking and then of asking."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0
        self._turns: list[tuple[float, int, threading.Lock]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        """Return the simulated time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let the others run until so much time has passed."""
        turn = self._queue(max(0.0, seconds))
        self._pass_on()
        turn.acquire()

    def start(self, work: Callable[[], None]) -> None:
        """Do something as soon as everybody waits."""
        turn = self._queue(0.0)

        def run() -> None:
            turn.acquire()
            try:
                work()
            finally:
                self._pass_on()

        _in_thread(run)

    def _queue(self, seconds: float) -> threading.Lock:
        turn = threading.Lock()
        turn.acquire()
        heapq.heappush(self._turns, (self._now + seconds, next(self._numbers), turn))
        return turn

    def _pass_on(self) -> None:
        self._now, _, turn = heapq.heappop(self._turns)
        turn.release()
