"""A drill of nothing: its probes and its fault are what a test says."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from unittest.mock import MagicMock

import boto3
from botocore.exceptions import ClientError
from rich.console import Console

from ops.connection import Connection
from ops.drill import probes
from ops.drill.clock import Clock
from ops.drill.copies import Remove
from ops.drill.drill import Drill
from ops.drill.measure import Loss, Sample, loss
from ops.drill.run import Timing
from ops.drill.sampler import Probe
from ops.drill.target import Target
from stacks.settings import load_settings

TIMING = Timing(before=1.0, after=1.0)
OUTPUTS = {
    "EnvironmentName": "dev",
    "Suffix": "x1",
    "Region": "eu-central-1",
    "DatabaseClusterArn": "arn:the-cluster",
    "DatabaseClusterIdentifier": "dr-aurora-x1",
    "DatabaseSecretArn": "arn:the-secret",
    "DatabaseName": "app",
    "TableName": "dr-transactions-x1",
    "ServiceUrl": "http://service.example",
}


@cache
def connection(endpoint: str | None = None) -> Connection:
    """Return a connection whose credentials lead nowhere, so that clients can be made."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    return Connection(session, endpoint)


def target(environment: str = "dev", *, endpoint: str | None = None, **objectives: int) -> Target:
    """Return a deployed stack.

    Args:
        environment: as its outputs name it.
        endpoint: of the embedded AWS; None for an account.
        objectives: of `[recovery]`, also such as the settings refuse, which a test can miss within seconds.
    """
    settings = load_settings({"environment": "dev", "suffix": "x1", "region": "eu-central-1"})
    settings = settings.model_copy(update={"recovery": settings.recovery.model_copy(update=objectives)})
    return Target({**OUTPUTS, "EnvironmentName": environment}, settings, connection(endpoint))


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

    def __init__(self, store: Store, on: Target, run: str = "run1", clock: Clock | None = None) -> None:
        super().__init__(on, run, clock)
        self.store = store
        self.polls = 0

    def probes(self) -> Sequence[Probe]:
        """Return one probe."""
        return [probes.MethodProbe(probes.DATABASE_WRITE, self._write)]

    def _write(self, number: int) -> None:
        self.clock.sleep(0.005)
        self.store.write(number)

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
        return [loss("rows", samples, self.store.rows)]

    def created(self) -> Iterator[tuple[str, Remove]]:
        """Yield one thing."""
        yield "the thing", self._remove

    def _remove(self) -> str:
        self.store.removed.append("the thing")
        return ""


def no_aws(monkeypatch: Any) -> None:
    """Set credentials that lead nowhere, so that clients can be made."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)


def shown(console: Console) -> str:
    """Return what was printed to a console of a test."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def refused(code: str, operation: str = "Operation", message: str = "because") -> ClientError:
    """Return what boto3 raises when AWS refuses a request."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def cluster(writer: str, status: str = "available", **more: Any) -> dict[str, Any]:
    """Return the answer of DescribeDBClusters."""
    members = [{"DBInstanceIdentifier": name, "IsClusterWriter": name == writer} for name in ("a", "b")]
    found = {"DBClusterIdentifier": "dr-aurora-x1", "Status": status, "DBClusterMembers": members, **more}
    return {"DBClusters": [found]}


def pages(client: MagicMock, *answers: dict[str, Any]) -> None:
    """Let each paginator of a client give these pages."""
    client.get_paginator.return_value.paginate.return_value = answers
