"""The drill that restores both stores to a point in time: what it asks of AWS, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from breakwater_drills import probes
from breakwater_drills.errors import DrillError
from breakwater_drills.measure import Sample
from breakwater_drills.pitr import PointInTime
from breakwater_drills.target import Target
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import cluster, pages


def test_a_table_is_read_only_once_it_is_active(on: Target) -> None:
    drill, dynamodb = PointInTime(on, "r"), on.client("dynamodb")
    drill.read_at["Aurora"] = 1.0
    states = iter(("CREATING", "ACTIVE"))
    dynamodb.describe_table.side_effect = lambda **_: {"Table": {"TableStatus": next(states)}}
    pages(dynamodb, {"Items": [{"sk": {"S": "0000000007"}}]})
    assert not drill.restored()
    assert drill.restored()
    assert drill.kept == {"DynamoDB": {7}}
    dynamodb.describe_table.assert_called_with(TableName="dr-transactions-x1-drill-r")
    asked = dynamodb.get_paginator.return_value.paginate.call_args.kwargs
    assert asked["TableName"] == "dr-transactions-x1-drill-r"


class Restorable:
    """Lets both stores say what their latest restorable time is: so many seconds ago, from then on never later."""

    def __init__(self, on: Target, aurora: float | None, dynamodb: float | None, stuck_at: float = 1e12) -> None:
        self.clock, self.stuck_at = SimulatedClock(), stuck_at
        self.began = self.clock.now()
        on.client("rds").describe_db_clusters.side_effect = lambda **_: cluster(
            "a", **self._latest("LatestRestorableTime", aurora)
        )
        on.client("dynamodb").describe_continuous_backups.side_effect = lambda **_: {
            "ContinuousBackupsDescription": {
                "PointInTimeRecoveryDescription": self._latest("LatestRestorableDateTime", dynamodb)
            }
        }

    def _latest(self, name: str, ago: float | None) -> dict[str, Any]:
        now = min(self.clock.now(), self.began + self.stuck_at)
        return {} if ago is None else {name: datetime.fromtimestamp(now - ago, UTC)}

    def heartbeats(self) -> list[Sample]:
        names = (probes.DATABASE_WRITE, probes.TABLE_WRITE)
        return [Sample(name, n, self.began + n, 0.5) for name in names for n in range(3)]


@pytest.mark.parametrize(("aurora", "dynamodb"), [(299.5, 5.0), (5.0, 299.5)])
def test_the_fault_waits_until_both_stores_can_be_restored_to_the_first_heartbeat(
    on: Target, aurora: float, dynamodb: float
) -> None:
    world = Restorable(on, aurora, dynamodb)
    drill = PointInTime(on, "r", world.clock)
    drill.before_fault(world.heartbeats())
    # It asks every second; a store that can be restored to the very moment of the heartbeat, after 300 s, may lack it.
    assert world.clock.now() - world.began == 301.0
    assert [event.what for event in drill.events] == [
        "waiting until the first heartbeat can be restored, which takes about five minutes in AWS",
        "the first heartbeat can be restored",
    ]


@pytest.mark.parametrize(
    ("aurora", "dynamodb", "late"),
    [
        (None, 5.0, "Aurora: "),
        (5.0, None, "DynamoDB: "),
        (900.0, 900.0, "Aurora, Dyn"),
        (29.5, 5.0, "Aurora: "),  # to the very moment of the heartbeat
    ],
)
def test_stores_that_never_can_be_restored_so_far_end_the_drill_before_anything_is_restored(
    on: Target, aurora: float | None, dynamodb: float | None, late: str
) -> None:
    class Impatient(PointInTime):
        restorable_within_seconds = 60.0

    world = Restorable(on, aurora, dynamodb, stuck_at=30.0)
    with pytest.raises(DrillError, match=f"^{late}.* within 60 s; check that point-in-time recovery is on"):
        Impatient(on, "r", world.clock).before_fault(world.heartbeats())
    assert PointInTime.restorable_within_seconds >= 1800
