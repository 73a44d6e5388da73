"""Judges mutations in several processes, and replaces a process that hangs, dies or grows old."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue

from scripts.mutants_judge import KILLED, Judge, Verdict
from scripts.mutants_source import Mutation

# The jsii kernel never forgets a construct.
MUTATIONS_PER_PROCESS = 60
SECONDS_TO_START = 600.0


class MutantsError(Exception):
    """Why there is nothing to report; the message is all that is shown."""


@dataclass(frozen=True)
class Judged:
    """A mutation and what became of it.

    Attributes:
        mutation: The mistake.
        verdict: Whether the tests noticed it.
        seconds: How long it took to find out.
    """

    mutation: Mutation
    verdict: Verdict
    seconds: float


def judge_all(project: Path, mutations: Sequence[Mutation], *, processes: int, timeout: float) -> Iterator[Judged]:
    """Judges mutations.

    Args:
        project: The project that the mutations are of; it is not written to.
        mutations: The mistakes, in the order in which to begin with them.
        processes: How many to judge at a time.
        timeout: Seconds after which a mutation counts as noticed: the tests would never end.

    Yields:
        Each mutation as soon as it is judged.

    Raises:
        MutantsError: The tests fail without any mutation.
    """
    with tempfile.TemporaryDirectory(prefix="breakwater-mutants-") as folder:
        lanes = [_Lane(project, Path(folder, str(n)), timeout, check=n == 0) for n in range(processes)]
        free: SimpleQueue[_Lane] = SimpleQueue()
        for lane in lanes:
            free.put(lane)

        def judge(mutation: Mutation) -> Judged:
            lane = free.get()
            try:
                lane.make_ready()
                started = time.monotonic()
                return Judged(mutation, lane.judge(mutation), time.monotonic() - started)
            finally:
                free.put(lane)

        threads = ThreadPoolExecutor(processes)
        try:
            for future in as_completed([threads.submit(judge, mutation) for mutation in mutations]):
                yield future.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            for lane in lanes:
                lane.stop()
            threads.shutdown()


class _Lane:
    """One process at a time, and the folder that it works in."""

    def __init__(self, project: Path, folder: Path, timeout: float, *, check: bool) -> None:
        self._project, self._folder, self._timeout, self._check = project, folder, timeout, check
        self._process: BaseProcess | None = None
        self._judged = 0

    def make_ready(self) -> None:
        """Starts a process if there is none, or the present one is old."""
        if self._process is not None and self._judged < MUTATIONS_PER_PROCESS:
            return
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        # Spawned, not forked: two processes would write to the pipes of one jsii kernel.
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        words = (child, self._project, self._folder, self._check)
        self._process = context.Process(target=_serve, args=words, daemon=True)
        self._process.start()
        child.close()
        self._judged, self._check = 0, False
        failed = self._connection.recv() if self._connection.poll(SECONDS_TO_START) else "no end of the tests"
        if failed:
            raise MutantsError(f"the tests fail without any mutation: {failed}")

    def judge(self, mutation: Mutation) -> Verdict:
        """Has a mutation judged."""
        self._judged += 1
        try:
            self._connection.send(mutation)
            if self._connection.poll(self._timeout):
                verdict: Verdict = self._connection.recv()
                return verdict
            reason = f"no end within {self._timeout:.0f} s"
        except (EOFError, OSError):
            reason = "the process died"
        self.stop()
        return Verdict(KILLED, reason)

    def stop(self) -> None:
        """Ends the process; the next mutation gets a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join()


def _serve(connection: Connection, project: Path, folder: Path, check: bool) -> None:
    """Judges what comes through the pipe until nobody is at its other end."""
    # Ctrl-C reaches the whole group; the parent decides what becomes of this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    judge = Judge(project, folder)
    connection.send(judge.check() if check else "")
    while True:
        try:
            connection.send(judge.judge(connection.recv()))
        except (EOFError, BrokenPipeError):
            return
