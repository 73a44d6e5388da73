"""Asks each probe ten times a second, whether or not earlier requests have been answered."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ops.drill.measure import Sample

INTERVAL_SECONDS: Final = 0.1
_AT_ONCE: Final = 32  # what ten requests a second can leave open when each is given up after three


class Probe(Protocol):
    """Something that a client does."""

    @property
    def name(self) -> str:
        """What it does, e.g. `database write`."""

    def request(self, number: int) -> None:
        """Do it once; raises what boto3 or the network raises when it fails."""


class Sampler:
    """Runs probes in the background and keeps what came of each request.

    Args:
        probes: the probes.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._requests: list[Future[None]] = []

    def start(self) -> None:
        """Begin."""
        for probe in self._probes:
            thread = threading.Thread(target=self._tick, args=(probe,), name=probe.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Begin no more requests, and wait for those that are open.

        Raises:
            Exception: one that a probe is not meant to raise.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for request in self._requests:
            request.result()

    def samples(self) -> list[Sample]:
        """What came of the requests that have ended."""
        return list(self._samples)

    def _tick(self, probe: Probe) -> None:
        began, number = time.monotonic(), 0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=probe.name) as pool:
            while not self._stopping.wait(max(0.0, began + number * INTERVAL_SECONDS - time.monotonic())):
                self._requests.append(pool.submit(self._ask, probe, number))
                number += 1

    def _ask(self, probe: Probe, number: int) -> None:
        begun, clock, error = time.time(), time.monotonic(), ""
        try:
            probe.request(number)
        except ClientError as refused:
            error = f"{refused.operation_name}: {refused.response['Error']['Code']}"
        except (BotoCoreError, OSError) as broken:
            error = type(broken).__name__
        self._samples.append(Sample(probe.name, number, begun, time.monotonic() - clock, error))
