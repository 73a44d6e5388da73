"""The bank invariant inside a restored copy: what was acknowledged before the moment that is restored must be there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from breakwater_drills.invariant import EXPLAINED, THERE, broken
from breakwater_drills.measure import Sample
from breakwater_drills.pitr import PointInTime
from breakwater_drills.restore import Restore
from breakwater_drills.take_over import TakeOver
from breakwater_drills.target import Target
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import cluster, refused
from drills_testing.service import FakeService, bank_of

PLACED: dict[str, Any] = {"DBSubnetGroup": "subnets", "Port": 5432, "DBClusterParameterGroup": "p"}
AT = 1_800_000_100.0


def copied(on: Target, service: FakeService) -> None:
    """Let the copy be available, its heartbeats be none, and its transfers those of the service's database."""
    rds = on.client("rds")
    found = cluster(
        "a", HttpEndpointEnabled=True, Engine="e", DBClusterArn="arn:the-copy", DbClusterResourceId="new", **PLACED
    )
    found["DBClusters"][0]["LatestRestorableTime"] = datetime.fromtimestamp(AT, UTC)
    rds.describe_db_clusters.return_value = found
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": "available"}]}

    def execute(sql: str, resourceArn: str, parameters: Any = (), **_: Any) -> dict[str, Any]:  # noqa: N803
        if sql.startswith("SELECT number"):
            return {"records": []}
        if resourceArn != "arn:the-copy":
            raise refused("AccessDeniedException")  # the stack's own cluster
        return {"records": service.query(sql, **{each["name"]: each["value"]["stringValue"] for each in parameters})}

    on.client("rds-data").execute_statement.side_effect = execute


def restored(on: Target, service: FakeService, lost: str = "") -> Restore:
    """Return a drill with a transfer from before the snapshot and one from after it, whose copy was read."""
    clock = SimulatedClock()
    copied(on, service)
    drill = Restore(on, "run1", clock)
    drill.traffic.bank = bank = bank_of(service, clock)
    bank.transfer(0)
    clock.sleep(1.0)
    drill.before_fault([])
    clock.sleep(1.0)
    bank.transfer(1)
    drill.break_now()
    service.database.execute("DELETE FROM transfers WHERE idempotency_key = ?", [lost])
    assert not drill.restored()  # requests the instance
    assert drill.restored()
    return drill


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("", []),
        ("drill-run1-0", [EXPLAINED, THERE]),
        ("drill-run1-1", [EXPLAINED]),  # of after the snapshot, so it need not be there; but its balances must not be
    ],
)
def test_what_was_acknowledged_before_the_snapshot_is_in_the_copy(on: Target, lost: str, told: list[str]) -> None:
    drill = restored(on, FakeService(), lost)
    of_copy, at_end = drill.checks()[:4], drill.checks()[4:]
    assert [check.where for check in of_copy] == ["the copy of the database"] * 4
    assert [check.sentence for check in of_copy if check.broken] == told
    assert [check.where for check in at_end if "AccessDenied" in check.broken] == ["the database"] * 4


def test_transfers_that_the_copy_lacks_are_a_loss_that_is_allowed(on: Target) -> None:
    drill = restored(on, FakeService(), "drill-run1-1")
    writes = [Sample("transfer", number, drill.fault - 5 + number, 0.1) for number in range(2)]
    (transfers,) = [each for each in drill.losses(writes) if each.name == "transfers"]
    assert (transfers.acknowledged, transfers.lost) == (2, 1)


def test_a_copy_that_was_not_read_proves_nothing(on: Target) -> None:
    drill = Restore(on, "r", SimulatedClock())
    assert drill.checks() == [], "of a service that makes no transfers nothing is to be proved"
    copied(on, FakeService())
    drill.traffic.bank = bank_of(FakeService(), drill.clock)
    assert [line.rpartition(": ")[2] for line in broken(drill.checks())][:4] == ["the copy was not read"] * 4
    (transfers,) = [each for each in drill.losses([]) if each.name == "transfers"]
    assert transfers.unread == "its copy was not read"


def test_a_point_in_time_is_the_latest_restorable_time_when_it_is_asked_for(on: Target) -> None:
    copied(on, FakeService())
    drill = PointInTime(on, "r")
    on.client("dynamodb").describe_continuous_backups.return_value = {"ContinuousBackupsDescription": {}}
    drill.inject()
    assert AT - 5 < drill.restored_to < AT, "clocks differ a little"


def test_a_take_over_may_lose_what_was_acknowledged_until_the_new_stores_answered(on: Target) -> None:
    copied(on, FakeService())
    drill = TakeOver(on, "r", SimulatedClock())
    on.client("dynamodb").describe_continuous_backups.return_value = {"ContinuousBackupsDescription": {}}
    on.client("dynamodb").describe_table.return_value = {"Table": {"TableId": "id"}}
    drill.inject()
    assert drill.loss_window() == (drill.restored_to, float("inf"))
    drill._replaced_at = AT + 60
    assert drill.loss_window() == (drill.restored_to, AT + 60)
    assert Restore(on, "r").loss_window() is None
