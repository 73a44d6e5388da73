"""The drill that replaces both stores, against a small AWS: what it measures, removes, keeps and refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from breakwater_drills.errors import DrillError
from breakwater_drills.take_over import TakeOver
from drills_testing.fakes import Told
from drills_testing.world import BEHIND, CLUSTER, COPY, LOST, RUN, TABLE, TABLE_COPY, Store, World


def test_the_stores_are_replaced_and_what_a_client_sees_of_it_is_measured() -> None:
    world = World()
    found = world.run()
    times = {each.name: each.rto_seconds for each in found.recoveries}
    # 60 s for the copies, 20 s without a table, 10 s until the stack has followed and the new secret is used.
    assert all(each.judged for each in found.recoveries)
    for name in ("Aurora restored", "DynamoDB restored", "database write"):
        assert times[name] == pytest.approx(90.0, abs=0.5)
    assert times["table write"] == pytest.approx(80.0, abs=0.5)
    assert found.rto_seconds == pytest.approx(90.0, abs=0.5)
    assert [(each.lost, each.at_least) for each in found.losses] == [(BEHIND, False)] * 2
    assert found.rpo_seconds == pytest.approx(0.5, abs=0.11)
    assert found.not_removed == []
    assert {
        "all data is declared lost",
        "the copies are there",
        "the copies have taken over, and the stack has followed",
    } < {each.what for each in found.events}
    assert world.removed == [f"{LOST}-1", LOST, TABLE_COPY]
    assert (world.clusters[CLUSTER].id, world.tables[TABLE].id) == ("id-1-copy", "id-3")


def test_a_password_that_rds_does_not_keep_is_the_same_after_a_restore() -> None:
    world = World()
    world.managed = False
    found = world.run()
    assert found.restored
    assert found.rto_seconds == pytest.approx(90.0, abs=0.5)


def test_a_take_over_that_ends_half_way_keeps_everything_that_may_hold_data() -> None:
    world, told = World(), Told()

    def refuse(step: str) -> None:
        if step == "take over":
            raise DrillError("RDS says no")

    world.broken = refuse
    with pytest.raises(DrillError, match="RDS says no"):
        world.run(told)
    assert world.removed == []
    assert {COPY, TABLE_COPY} < {*world.clusters, *world.tables}
    assert f"remains: {COPY}, {TABLE_COPY} and what they replace: kept, since the take-over did not end" in told.text
    assert told.lines[-1] == f"state: the take-over did not end: the old cluster may be {LOST}, {TABLE_COPY} is kept"


def test_a_take_over_that_ended_is_told_when_what_comes_after_it_fails() -> None:
    class Silent(World):
        def detect_stack_resource_drift(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
            if LOST in self.clusters:
                raise DrillError("CloudFormation does not answer")
            return super().detect_stack_resource_drift(StackName, LogicalResourceId)

    world, told = Silent(), Told()
    with pytest.raises(DrillError, match="CloudFormation does not answer"):
        world.run(told)
    assert told.lines[-1] == "state: the copies have taken over"
    assert world.removed == [f"{LOST}-1", LOST, TABLE_COPY]


def test_a_restore_that_fails_leaves_the_platform_and_removes_the_copies() -> None:
    world, told = World(), Told()

    def refuse(_step: str) -> None:
        world.tables[TABLE_COPY], world.clusters[COPY] = Store("half"), Store("half")
        raise DrillError("RDS says no")

    world.broken = refuse
    with pytest.raises(DrillError, match="RDS says no"):
        world.run(told)
    assert world.removed == [f"{COPY}-1", COPY, TABLE_COPY]
    assert (world.clusters[CLUSTER].id, world.tables[TABLE].id) == ("id-1", "id-2")
    assert told.lines[-1] == "state: the platform itself was not touched"


@pytest.mark.parametrize("store", ["clusters", "tables"])
@pytest.mark.parametrize("change", [{"status": "modifying"}, {"id": ""}])
def test_a_store_that_was_not_replaced_or_does_not_answer_has_not_recovered(store: str, change: Any) -> None:
    class Unchanged(World):
        def take_over(self, cluster: str, table: str) -> None:
            old = {"clusters": self.clusters[CLUSTER].id, "tables": self.tables[TABLE].id}[store]
            super().take_over(cluster, table)
            made: dict[str, Store] = getattr(self, store)
            name = CLUSTER if store == "clusters" else TABLE
            made[name] = replace(made[name], **{**change, **({"id": old} if "id" in change else {})})

    world = Unchanged()
    found = world.run()
    assert (found.restored, found.rto_seconds) == (False, None)
    assert world.removed == []
    assert len(found.not_removed) == 1


def test_a_store_that_the_template_no_longer_describes_has_not_recovered() -> None:
    world = World()
    world.drift = {"Table": "NOT_CHECKED"}  # before the drill already
    assert world.run().restored
    world = World()
    world.drift, world.drift_of_copy = {"Table": "MODIFIED"}, {"Table": "IN_SYNC"}
    assert world.run().restored
    world = World()
    world.drift_of_copy = {"Cluster": "MODIFIED"}
    found = world.run()
    assert (found.restored, found.rto_seconds) == (False, None)
    assert found.events[-1].what == f"CloudFormation: Cluster ({CLUSTER}) is MODIFIED"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("cluster", f"{CLUSTER}: protected from deletion"),
        ("table", f"{TABLE}: protected from deletion"),
        (
            "cluster and table",
            (
                f"{CLUSTER} and {TABLE}: protected from deletion, and this drill deletes what it replaces; "
                "run it on a stack whose stores are not protected$"
            ),
        ),
        ("aside", f"there is a cluster {LOST} already, of an earlier take-over: delete it first"),
        ("successor", "Breakwater-x1: nobody says how its stores are replaced, see Target.successor"),
    ],
)
def test_what_must_not_be_deleted_is_not_drilled(change: str, said: str) -> None:
    world = World()
    world.clusters[CLUSTER].protected, world.tables[TABLE].protected = "cluster" in change, "table" in change
    if change == "aside":
        world.clusters[LOST] = Store("old")
    on = replace(world.target, successor=None) if change == "successor" else world.target
    with pytest.raises(DrillError, match=f"^{said}"):
        TakeOver(on, RUN, world.clock).prepare()
    assert not world.clusters[CLUSTER].heartbeats
