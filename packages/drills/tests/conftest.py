"""What the tests of a run share: one run with an outage, and a service whose clients are mocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import MagicMock

import pytest

from breakwater_drills import Result, Target, run
from breakwater_drills.bank import Bank
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
