"""Runs each probe ten times a second, whether or not earlier requests have been answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ops.drill.measure import Sample
from ops.errors import error_code

INTERVAL_SECONDS: Final = 0.1
_WORKERS: Final = 32  # ten requests a second, each given up after three seconds, leave thirty open


class Probe(Protocol):
    """Something that a client does again and again."""

    @property
    def name(self) -> str:
        """What it does, e.g. `database write`."""

    def request(self, number: int) -> None:
        """Do it once; a failure raises what boto3 or the network raises."""


class Sampler:
    """Runs probes in the background, as a context manager, and keeps the result of each request.

    Args:
        probes: the probes.
    """

    def __init__(self, probes: Sequence[Probe]) -> None:
        self._probes = probes
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._requests: list[Future[None]] = []

    def __enter__(self) -> Sampler:
        for probe in self._probes:
            thread = threading.Thread(target=self._tick, args=(probe,), name=probe.name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, wait for the open requests, and raise an error that a probe is not expected to raise."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for request in self._requests:
            request.result()

    def samples(self) -> list[Sample]:
        """Return the results of the requests that have ended."""
        return list(self._samples)

    def _tick(self, probe: Probe) -> None:
        began, number = time.monotonic(), 0
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix=probe.name) as pool:
            while not self._stopping.wait(max(0.0, began + number * INTERVAL_SECONDS - time.monotonic())):
                self._requests.append(pool.submit(self._request, probe, number))
                number += 1

    def _request(self, probe: Probe, number: int) -> None:
        begun, clock, error = time.time(), time.monotonic(), ""
        try:
            probe.request(number)
        except ClientError as refused:
            error = f"{refused.operation_name}: {error_code(refused)}"
        except (BotoCoreError, OSError) as broken:
            error = type(broken).__name__
        self._samples.append(Sample(probe.name, number, begun, time.monotonic() - clock, error))
