"""What the clients of the service ask, and a whole drill whose transfers go through a failover."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from breakwater_drills import probes, traffic
from breakwater_drills.bad_deployment import BadDeployment
from breakwater_drills.bank import BALANCE, TRANSFER, Bank
from breakwater_drills.drill import Drill
from breakwater_drills.failover import Failover
from breakwater_drills.invariant import THERE
from breakwater_drills.measure import Sample, client
from breakwater_drills.pitr import PointInTime
from breakwater_drills.restore import Restore
from breakwater_drills.result import Result
from breakwater_drills.rotation import Rotation
from breakwater_drills.runner import run
from breakwater_drills.take_over import TakeOver
from breakwater_drills.target import Target
from breakwater_drills.task_loss import TaskLoss
from breakwater_drills.zone_loss import ZoneLoss
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import TIMING, FakeDrill, Store, refused, target
from drills_testing.service import FakeService, bank_of
from drills_testing.simulation import Scenario, World, simulated

HEARTBEATS = (probes.DATABASE_WRITE, probes.DATABASE_READ, probes.TABLE_WRITE, probes.TABLE_READ)
DRILLS = (BadDeployment, Failover, PointInTime, Restore, Rotation, TakeOver, TaskLoss, ZoneLoss)


def found(
    monkeypatch: pytest.MonkeyPatch, bank: Bank | None, on: Target, **known: bool
) -> tuple[traffic.Traffic, list[str]]:
    """Return the clients of a service that is the reference service or not, and what was announced."""
    told: list[str] = []
    made = traffic.Traffic(on, "r", SimulatedClock(), FakeService().query, 50.0)
    monkeypatch.setattr(traffic, "find", lambda *_: bank)
    monkeypatch.setattr(Bank, "answers", lambda _: known.get("answers", False))
    made.find(told.append)
    return made, told


def test_the_reference_service_is_asked_for_transfers_and_balances(monkeypatch: pytest.MonkeyPatch) -> None:
    bank = bank_of(FakeService(), SimulatedClock())
    made, told = found(monkeypatch, bank, target())
    assert [(probe.name, probe.interval) for probe in made.probes] == [(TRANSFER, 0.02), (BALANCE, 0.1)]
    assert (made.parts(), told, made.heartbeat_interval) == ({}, [], 0.2)
    local, _ = found(monkeypatch, bank, target(endpoint="http://127.0.0.1:4566"))
    assert local.parts()["service"].startswith("this machine: ")


@pytest.mark.parametrize(("endpoint", "answers"), [(None, False), (None, True), ("http://127.0.0.1:1", True)])
def test_any_other_service_is_requested_by_its_url(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, answers: bool
) -> None:
    made, told = found(monkeypatch, None, target(endpoint=endpoint), answers=answers)
    assert [probe.name for probe in made.probes] == [probes.SERVICE]
    assert told == ["transfers: not measured: the service is not the reference service"]
    assert (made.checks(None), made.heartbeat_interval) == ([], 0.1)


def test_in_the_embedded_aws_a_service_on_paper_is_not_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    made, told = found(monkeypatch, None, target(endpoint="http://127.0.0.1:1"))
    assert made.probes == []
    assert told[0].startswith("service: not measured: nothing answers at the address of the service")
    assert set(made.parts()) == {"service", "transfers"}


def drilled(monkeypatch: pytest.MonkeyPatch, world: World) -> Result:
    """Return what a failover finds, with fifty transfers a second."""
    monkeypatch.setattr(traffic, "find", lambda _target, run, clock: bank_of(world.service, clock, run))
    drill = Failover(simulated(world), "run1", world.clock, transfers_per_second=50.0)
    result = run(drill, TIMING)
    world.clock.sleep(60.0)
    return result


def test_a_failover_under_transfers_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Scenario())
    result = drilled(monkeypatch, world)
    assert result.misses(300, 300) == []
    assert [check.broken for check in result.checks] == ["", "", "", ""]
    (transfers,) = [each for each in result.losses if each.name == "transfers"]
    assert (transfers.lost, transfers.acknowledged) == (0, len(world.service.query("SELECT id FROM transfers")))
    assert transfers.acknowledged > 100
    assert [each.probe for each in result.clients] == [TRANSFER, BALANCE]
    assert result.headline.startswith(f"0 of {result.clients[0].requests} transfers failed, p50 ")


def test_a_transfer_that_is_lost_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Scenario())
    real = world.failover_db_cluster

    def losing(**request: object) -> None:
        world.service.database.execute("DELETE FROM transfers WHERE idempotency_key = 'drill-run1-3'")
        real(**request)

    world.failover_db_cluster = losing  # type: ignore[method-assign]
    result = drilled(monkeypatch, world)
    misses = "\n".join(result.misses(300, 300))
    assert "1 acknowledged writes are lost, and failover must lose none" in misses
    assert f"the database: not true that {THERE}: 1 transfers are not: drill-run1-3 is missing" in misses


def test_a_database_that_cannot_be_read_at_the_end_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Scenario())

    def refuse(*_: object, **__: object) -> None:
        raise refused("BadRequestException")

    world.service.query = refuse  # type: ignore[assignment]
    result = drilled(monkeypatch, world)
    assert all("unknown: An error occurred (BadRequestException)" in check.broken for check in result.checks)
    assert "transfers: An error occurred (BadRequestException)" in result.unread


def samples(*ended: float, error: str = "") -> list[Sample]:
    return [Sample(TRANSFER, number, at - 0.25, 0.25, error) for number, at in enumerate(ended)]


@pytest.mark.parametrize(
    ("of", "gap"),
    [
        (samples(9.0, 10.5, 11.0), 1.5),
        (samples(9.0, 9.5, 12.0, 11.0), 1.5),
        (samples(1.0, 9.5, 9.75, 10.0), 0.25),
        (samples(10.5), None),
    ],
)
def test_the_longest_gap_is_between_two_answers_of_which_the_second_came_after_the_fault(
    of: list[Sample], gap: float | None
) -> None:
    assert client(of, 10.0).longest_gap == gap


def test_a_client_saw_what_ended_after_the_fault() -> None:
    seen = client([*samples(9.0, 10.5, 11.0), replace(samples(12.0)[0], error="503", seconds=3.0)], 10.0)
    assert (seen.requests, seen.failed, seen.slowest, seen.p50, seen.p99) == (3, 1, 0.25, 0.25, 0.25)
    many = [Sample(TRANSFER, number, 10.0, number / 4) for number in range(1, 201)]
    seen = client([Sample(TRANSFER, 0, 9.5, 0.5), *many], 10.0)
    assert (seen.requests, seen.slowest, seen.p50, seen.p99) == (201, 50.0, 25.0, 49.5)
    seen = client(samples(10.5, error="503"), 10.0)
    assert (seen.requests, seen.slowest, seen.p50) == (1, None, None)


@pytest.mark.parametrize("window", [None, (0.0, math.inf)])
def test_what_a_drill_may_lose_is_no_miss(window: tuple[float, float] | None) -> None:
    class Forgiving(FakeDrill):
        def loss_window(self) -> tuple[float, float] | None:
            return window

    service, clock = FakeService(), SimulatedClock()
    drill = Forgiving(Store(), target(), clock=clock)
    drill.traffic = traffic.Traffic(target(), "run1", clock, service.query, 10.0)
    drill.traffic.bank = bank_of(service, clock)
    drill.traffic.bank.transfer(0)
    service.database.execute("DELETE FROM transfers")
    service.refuses = 503
    broken = {check.sentence for check in drill.checks() if check.broken}
    assert (THERE in broken) is (window is None)


@pytest.mark.parametrize("kind", DRILLS)
def test_every_drill_makes_as_many_transfers_as_it_is_told(monkeypatch: pytest.MonkeyPatch, kind: type[Drill]) -> None:
    monkeypatch.setattr(traffic, "find", lambda _target, run, clock: bank_of(FakeService(), clock, run))
    drill = kind(target(), "r", SimulatedClock(), transfers_per_second=20.0)
    drill.traffic.find(lambda _: None)
    assert [probe.interval for probe in drill.traffic.probes if probe.name == TRANSFER] == [0.05]


def test_there_are_fewer_heartbeats_beside_transfers(monkeypatch: pytest.MonkeyPatch) -> None:
    drill = Failover(target(), "r", SimulatedClock())
    assert [(each.name, each.interval) for each in drill.probes()] == [(name, 0.1) for name in HEARTBEATS]
    monkeypatch.setattr(traffic, "find", lambda _target, run, clock: bank_of(FakeService(), clock, run))
    drill.traffic.find(lambda _: None)
    assert [(each.name, each.interval) for each in drill.probes()][:4] == [(name, 0.2) for name in HEARTBEATS]


def test_without_transfers_there_is_no_ledger_to_prove_anything() -> None:
    made = traffic.Traffic(target(), "r", SimulatedClock(), FakeService().query, 10.0)
    assert made.ledger.found == set()
