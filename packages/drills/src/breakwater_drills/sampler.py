"""Runs each probe several times a second, whether or not earlier requests have been answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPException
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from breakwater_drills.clock import Clock
from breakwater_drills.errors import RequestError, error_code
from breakwater_drills.measure import Sample

INTERVAL_SECONDS: Final = 0.1
# A request that takes longer, counted from the moment when it was due, has failed for the client.
LIMIT_SECONDS: Final = 3.0
_TOO_LONG: Final = f"no answer within {LIMIT_SECONDS:g} s"
_POLL_SECONDS: Final = 0.02


class Probe(Protocol):
    """Something that a client does again and again."""

    @property
    def name(self) -> str:
        """What it does, e.g. `database write`."""

    @property
    def interval(self) -> float:
        """How long after the one before a request is due, in seconds."""

    def request(self, number: int) -> None:
        """Do it once; a failure raises what boto3 or the network raises."""


class Sampler:
    """Runs probes in the background, as a context manager, and keeps the result of each request.

    Each request has a thread of its own, so that no request waits for another: a client whose requests queue behind
    slow ones would not see how long an outage lasts (coordinated omission).

    Args:
        probes: the probes.
        clock: of the drill.

    Attributes:
        late_seconds: how long after it was due the latest request began: the delay of this machine, not of the service.
    """

    def __init__(self, probes: Sequence[Probe], clock: Clock) -> None:
        self._probes, self._clock = probes, clock
        self._lock = threading.Lock()
        self._ended: list[Sample] = []
        self._open: dict[tuple[str, int], float] = {}
        self._unexpected: list[Exception] = []
        self._stopping = False
        self.late_seconds = 0.0

    def __enter__(self) -> Sampler:
        self._began = self._clock.now()
        for probe in self._probes:
            self._clock.start(partial(self._tick, probe))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop, wait for the open requests up to the limit, and raise an error that a probe is not meant to raise."""
        self._stopping = True
        self.settle()
        if kind is None and self._unexpected:
            raise self._unexpected[0]

    def settle(self) -> None:
        """Wait until each request that was due before now has ended or taken too long."""
        due_before = self._clock.now()
        while self._any_open(due_before):
            self._clock.sleep(_POLL_SECONDS)

    def samples(self) -> list[Sample]:
        """Return the results of the requests that have ended or taken too long, in the order in which they were due."""
        overdue = self._clock.now() - LIMIT_SECONDS
        with self._lock:
            given_up = [Sample(*key, due, LIMIT_SECONDS, _TOO_LONG) for key, due in self._open.items() if due < overdue]
            return sorted([*self._ended, *given_up], key=lambda sample: (sample.begun, sample.probe))

    def _any_open(self, due_before: float) -> bool:
        overdue = self._clock.now() - LIMIT_SECONDS
        with self._lock:
            return any(overdue <= due < due_before for due in self._open.values())

    def _tick(self, probe: Probe) -> None:
        number = 0
        while not self._stopping:
            due = self._began + number * probe.interval
            with self._lock:
                self._open[probe.name, number] = due
            self._clock.start(self._one(probe, number, due))
            number += 1
            self._clock.sleep(due + probe.interval - self._clock.now())

    def _one(self, probe: Probe, number: int, due: float) -> Callable[[], None]:
        def request() -> None:
            self.late_seconds = max(self.late_seconds, self._clock.now() - due)
            error = self._error_of(probe, number)
            seconds = self._clock.now() - due
            if seconds > LIMIT_SECONDS:
                seconds, error = LIMIT_SECONDS, error or _TOO_LONG
            with self._lock:
                del self._open[probe.name, number]
                self._ended.append(Sample(probe.name, number, due, seconds, error))

        return request

    def _error_of(self, probe: Probe, number: int) -> str:
        """Do one request; return why it failed, empty when it succeeded."""
        try:
            probe.request(number)
        except ClientError as refused:
            return f"{refused.operation_name}: {error_code(refused)}"
        except RequestError as failed:
            return str(failed)
        except (BotoCoreError, OSError, HTTPException) as broken:
            return type(broken).__name__
        except Exception as unexpected:  # noqa: BLE001 (told at the end: an error in one request must not go unseen)
            self._unexpected.append(unexpected)
            return type(unexpected).__name__
        return ""
