"""What the tests of a run share: one run with an outage, and a service whose clients are mocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import MagicMock

import pytest

from breakwater_drills import Result, Target, run
from breakwater_drills.bank import Bank
from breakwater_drills.invariant import MONEY, THERE, Check
from breakwater_drills.measure import Client, Latency, Loss, Recovery, Sample, unknown
from breakwater_drills.result import Event
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import SERVICES, TIMING, FakeDrill, Store, Told, check_requests, pages, target
from drills_testing.service import FakeService, bank_of


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def run_of_outage() -> tuple[Result, Told]:
    """Return one run with an outage, for all tests that only look at it, and what it told."""
    store, told = Store(), Told()
    store.heals_after = 6
    return run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING, told), told


@pytest.fixture
def outage(run_of_outage: tuple[Result, Told]) -> Result:
    return run_of_outage[0]


@pytest.fixture
def told_of_all(outage: Result) -> Result:
    """Return a run that has something of everything that can be told, and each figure another value."""
    fault = outage.fault
    writes = [Sample("write", n, fault + n / 2, 0.01 * (n + 5), "" if n % 3 else "503") for n in range(-4, 9)]
    reads = [Sample("read", n, fault + 0.2 + n, 0.002) for n in reversed(range(-2, 5))]
    events = [Event(fault + 6.0, "late"), *(Event(fault + n, f"event {n}") for n in (-1.5, 0.0, 0.1, 3.0))]
    latencies = {"before": Latency(0.0011, 0.0022), "during": Latency(1.5, 2.5), "after": Latency(0.0033, 0.0044)}
    return replace(
        outage,
        samples=[*writes, *reads],
        events=events,
        clients=[Client("write", 9, 3, 0.014, 0.12, 1.9, 2.2)],
        recoveries=[
            Recovery("write", 9, 3, 0.25, 1.5, latencies),
            Recovery("read", 5, 0, None, 0.0, {}),
            Recovery("copy", 0, 0, None, 7.0, {"after": Latency(None, None)}, judged=False),
        ],
        losses=[Loss("rows", 7, 2, 1, 1.25, at_least=True), unknown("items", writes, "nowhere")],
        checks=[Check("the database", MONEY), Check("the copy", THERE, "1 transfers are not: a is missing")],
        parts={"store": "AWS", "service": "this machine"},
        not_removed=["cluster drill-1: denied", "table drill-1: busy"],
        failures_allowed=2,
    )


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be on a machine whose local time is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC-9")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def on() -> Iterator[Target]:
    """Return a service in an account, with one mock client for each service of AWS."""
    made: dict[str, MagicMock] = {}

    def client(service: str, **_: object) -> MagicMock:
        return made.setdefault(service, MagicMock(name=service))

    ecs = client("ecs")
    ecs.describe_services.return_value = SERVICES
    pages(ecs, {"taskArns": [], "taskDefinitionArns": []})
    yield replace(target(), new_client=client)
    for name, mock in made.items():
        check_requests(name, mock)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def bank(service: FakeService) -> Bank:
    """Return a client with ten acknowledged transfers."""
    made = bank_of(service, SimulatedClock())
    for number in range(10):
        made.transfer(number)
    return made
