"""A drill of nothing: its probes and its fault are what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import boto3

from ops.connection import Connection
from ops.drill import probes
from ops.drill.drill import Drill
from ops.drill.measure import Loss, Sample, loss
from ops.drill.sampler import Probe
from ops.drill.target import Target
from stacks.settings import load_settings

OUTPUTS = {
    "EnvironmentName": "dev",
    "Suffix": "x1",
    "Region": "eu-central-1",
    "DatabaseClusterArn": "arn:cluster",
    "DatabaseClusterIdentifier": "dr-aurora-x1",
    "DatabaseSecretArn": "arn:secret",
    "DatabaseName": "app",
    "TableName": "dr-transactions-x1",
    "ServiceUrl": "http://service.example",
}


@cache
def connection(endpoint: str | None = None) -> Connection:
    """Return a connection whose credentials lead nowhere, so that clients can be made."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    return Connection(session, endpoint)


def target(environment: str = "dev", *, endpoint: str | None = None, **context: str) -> Target:
    """Return a deployed stack.

    Args:
        environment: as its outputs name it.
        endpoint: of the embedded AWS; None for an account.
        context: settings that differ from those of dev.
    """
    given = {"environment": "dev", "suffix": "x1", "region": "eu-central-1", **context}
    return Target({**OUTPUTS, "EnvironmentName": environment}, load_settings(given), connection(endpoint))


class Store:
    """A store that a test breaks.

    Attributes:
        broken: whether requests fail.
        rows: numbers that are there.
        removed: what was cleaned up.
    """

    def __init__(self) -> None:
        self.broken = False
        self.rows: set[int] = set()
        self.removed: list[str] = []
        self.heals_after = 0  # polls

    def write(self, number: int) -> None:
        """Write a row."""
        if self.broken:
            raise ConnectionError
        self.rows.add(number)


class FakeDrill(Drill):
    """Breaks a store."""

    name = "fake"
    intention = "break a store of a test"
    timeout_seconds = 1.0
    measured_in_aws = "store"
    poll_seconds = 0.05

    def __init__(self, store: Store, on: Target, run: str = "run1") -> None:
        super().__init__(on, run)
        self.store = store
        self.polls = 0

    def probes(self) -> Sequence[Probe]:
        """Return one probe."""
        return [probes.MethodProbe(probes.DATABASE_WRITE, self.store.write)]

    def prepare(self) -> None:
        """Create nothing."""

    def inject(self) -> None:
        """Break the store."""
        self.store.broken = True

    def restored(self) -> bool:
        """Return whether it has been asked often enough."""
        self.polls += 1
        if self.polls <= self.store.heals_after:
            return False
        self.store.broken = False
        self.note("healed")
        return True

    def state(self) -> str:
        """Return a sentence that tests look for."""
        return "the store is empty"

    def losses(self, samples: Sequence[Sample]) -> list[Loss]:
        """Return the losses among its rows."""
        return [loss("rows", samples, self.store.rows, self.fault)]

    def created(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield one thing."""
        yield "the thing", self._remove

    def _remove(self) -> None:
        self.store.removed.append("the thing")


def no_aws(monkeypatch: Any) -> None:
    """Set credentials that lead nowhere, so that clients can be made."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
