"""A drill of nothing: its probes and its fault are what a test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import boto3
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from breakwater_drills import probes
from breakwater_drills.clock import Clock
from breakwater_drills.copies import Remove
from breakwater_drills.drill import Drill
from breakwater_drills.measure import Loss, Sample, loss
from breakwater_drills.runner import Timing
from breakwater_drills.sampler import Probe
from breakwater_drills.target import Database, Objectives, Service, Table, Target

# Made by the tests: who changes what is told or drawn looks at the difference, and at the picture.
COMMITTED = Path(__file__).parents[1] / "golden"
TIMING = Timing(before=1.0, after=1.0)
# What DescribeServices answers.
SERVICES = {
    "services": [
        {
            "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/service:7",
            "desiredCount": 2,
            "runningCount": 2,
            "deployments": [],
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        }
    ]
}
CLUSTER_ARN = "arn:aws:rds:eu-central-1:123456789012:cluster:dr-aurora-x1"
EMULATOR = "http://127.0.0.1:4566"


@cache
def _session() -> boto3.Session:
    """Return a session whose credentials lead nowhere, so that clients can be made."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")


def target(environment: str = "dev", *, endpoint: str | None = None, rto: float = 300, rpo: float = 300) -> Target:
    """Return a deployed service.

    Args:
        environment: what it is for.
        endpoint: of the embedded AWS; None for an account.
        rto: recovery time objective, in seconds.
        rpo: recovery point objective, in seconds.
    """
    return Target(
        stack="Breakwater-x1",
        environment=environment,
        region="eu-central-1",
        database=Database(
            "dr-aurora-x1", "arn:aws:rds:eu-central-1:123456789012:cluster:dr-aurora-x1", "arn:the-secret", "app"
        ),
        table=Table("dr-transactions-x1", "pk", "sk", "expires_at"),
        service=Service("ecs", "service", "arn:targets", "http://127.0.0.1:1"),
        objectives=Objectives(rto, rpo),
        new_client=partial(_session().client, endpoint_url=endpoint),
        emulated=endpoint is not None,
    )


class Told:
    """Keeps what a run tells.

    Attributes:
        lines: in their order.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Keep the title and what the body appended."""
        self.note(title)
        result: list[str] = []
        yield result
        self.lines += result

    def note(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


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

    def __init__(self, store: Store, on: Target, run: str = "run1", clock: Clock | None = None, **options: Any) -> None:
        super().__init__(on, run, clock, **options)
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


def refused(code: str, operation: str = "Operation", message: str = "because") -> ClientError:
    """Return what boto3 raises when AWS refuses a request."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def cluster(writer: str, status: str = "available", **more: Any) -> dict[str, Any]:
    """Return the answer of DescribeDBClusters."""
    members = [{"DBInstanceIdentifier": name, "IsClusterWriter": name == writer} for name in ("a", "b")]
    found = {"DBClusterIdentifier": "dr-aurora-x1", "Status": status, "DBClusterMembers": members, **more}
    return {"DBClusters": [found]}


@cache
def _model(service: str) -> Any:
    return _session().client(service)  # type: ignore[call-overload]


def check_requests(service: str, client: MagicMock) -> None:
    """Check that AWS would understand each request that a mock client of a service got."""
    model, paginated = _model(service), ""
    for method, words, request in client.mock_calls:
        if method == "get_paginator":
            (paginated,) = words
            assert model.can_paginate(paginated), f"{service} has no pages of {paginated}"
            continue
        name = model.meta.method_to_api_mapping.get(paginated if method == "get_paginator().paginate" else method)
        if name:
            operation = model.meta.service_model.operation_model(name)
            tokens = dict.fromkeys(operation.idempotent_members, "made by boto3")
            refusals = ParamValidator().validate({**tokens, **request}, operation.input_shape).generate_report()
            assert not refusals, f"{service} {name}: {refusals}"
            in_cluster = service == "ecs" and "cluster" in operation.input_shape.members
            assert not in_cluster or request.get("cluster"), f"{name} goes to the default cluster"


def pages(client: MagicMock, *answers: dict[str, Any]) -> None:
    """Let each paginator of a client give these pages."""
    client.get_paginator.return_value.paginate.return_value = answers
