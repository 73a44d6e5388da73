"""What the tests of a run share: a console, and one run with an outage."""

from __future__ import annotations

import io
from dataclasses import replace
from unittest.mock import MagicMock

import pytest
from rich.console import Console

from ops.drill.result import Result
from ops.drill.run import run
from ops.drill.target import Target
from tests.ops.drill.fakes import OUTPUTS, TIMING, FakeDrill, Store, shown, target
from tests.ops.drill.simulated_clock import SimulatedClock

OUTPUTS_OF_SERVICE = {"EcsClusterName": "ecs", "EcsServiceName": "service", "TargetGroupArn": "arn:targets"}


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture(scope="module")
def run_of_outage() -> tuple[Result, str]:
    """Return one run with an outage, for all tests that only look at it, and what it printed."""
    store, console = Store(), Console(file=io.StringIO(), width=120)
    store.heals_after = 6
    return run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING, console), shown(console)


@pytest.fixture
def outage(run_of_outage: tuple[Result, str]) -> Result:
    return run_of_outage[0]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Return a stack in an account, with one mock client for each service, for the drill and its probes."""
    made: dict[str, MagicMock] = {}

    def client(_self: Target, service: str) -> MagicMock:
        return made.setdefault(service, MagicMock(name=service))

    monkeypatch.setattr(Target, "client", client)
    monkeypatch.setattr(Target, "probe_client", client)
    return replace(target(), outputs={**OUTPUTS, **OUTPUTS_OF_SERVICE})
