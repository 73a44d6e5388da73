"""How copies are removed, and what the next drill removes of those that an interrupted one left."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from breakwater_drills.copies import Copies
from breakwater_drills.drill import Drill
from breakwater_drills.failover import Failover
from breakwater_drills.leftovers import sweep
from breakwater_drills.pitr import PointInTime
from breakwater_drills.probes import Items
from breakwater_drills.restore import Restore
from breakwater_drills.target import Target
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import pages, refused

ABSENT = {
    "delete_db_instance": "DBInstanceNotFound",
    "delete_db_cluster": "DBClusterNotFoundFault",
    "delete_db_cluster_snapshot": "DBClusterSnapshotNotFoundFault",
    "delete_table": "ResourceNotFoundException",
}
BUSY = {
    "delete_db_instance": "InvalidDBInstanceState",
    "delete_db_cluster": "InvalidDBClusterStateFault",
    "delete_db_cluster_snapshot": "InvalidDBClusterSnapshotStateFault",
    "delete_table": "ResourceInUseException",
}
TABLE = "dr-transactions-x1"
RUN = "0123abcd"


def answers(on: Target, codes: dict[str, str], status: str = "creating") -> None:
    """Let each removal be refused with a code, and each description give a status."""
    for operation, code in codes.items():
        getattr(client_of(on, operation), operation).side_effect = refused(code, operation)
    rds = on.client("rds")
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": status}]}
    rds.describe_db_clusters.return_value = {"DBClusters": [{"Status": status}]}
    rds.describe_db_cluster_snapshots.return_value = {"DBClusterSnapshots": [{"Status": status}]}
    on.client("dynamodb").describe_table.return_value = {"Table": {"TableStatus": status.upper()}}


def client_of(on: Target, operation: str) -> Any:
    return on.client("dynamodb" if operation == "delete_table" else "rds")


def parts(on: Target) -> dict[str, Any]:
    copies = Copies(on, "r")
    return dict([*copies.cluster_parts(), *copies.snapshot_parts(), *copies.table_parts()])


def test_every_copy_is_removed_by_its_name_without_a_last_snapshot(on: Target) -> None:
    pages(on.client("dynamodb"), {"Items": []})
    assert [remove() for remove in parts(on).values()] == ["", "", "", ""]
    rds = on.client("rds")
    rds.delete_db_instance.assert_called_once_with(DBInstanceIdentifier="drill-r-1", SkipFinalSnapshot=True)
    rds.delete_db_cluster.assert_called_once_with(DBClusterIdentifier="drill-r", SkipFinalSnapshot=True)
    rds.delete_db_cluster_snapshot.assert_called_once_with(DBClusterSnapshotIdentifier="drill-r")
    on.client("dynamodb").delete_table.assert_called_once_with(TableName=f"{TABLE}-drill-r")


def test_what_is_absent_or_going_is_removed_and_what_is_being_created_is_not_yet(on: Target) -> None:
    answers(on, ABSENT)
    assert [remove() for remove in parts(on).values()] == ["", "", "", ""]
    answers(on, BUSY, "deleting")
    assert [remove() for remove in parts(on).values()] == ["", "", "", ""]
    answers(on, BUSY, "creating")
    assert [remove() for remove in parts(on).values()] == [f"{code}: because" for code in BUSY.values()]
    on.client("rds").describe_db_clusters.side_effect = refused("DBClusterNotFoundFault")
    assert parts(on)["cluster drill-r"]() == ""
    answers(on, {"delete_db_cluster": "AccessDenied"})
    with pytest.raises(ClientError, match="AccessDenied"):
        parts(on)["cluster drill-r"]()


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Failover, []),
        (Restore, ["instance drill-r-1", "cluster drill-r", "snapshot drill-r"]),
        (PointInTime, ["instance drill-r-1", "cluster drill-r", f"table {TABLE}-drill-r"]),
    ],
)
def test_copies_are_removed_first(on: Target, kind: type[Drill], names: list[str]) -> None:
    heartbeats = ["table drill_r in the database", f"items of drill#r in {TABLE}"]
    assert [what for what, _ in kind(on, "r").created()] == [*names, *heartbeats]


def test_a_table_that_never_can_be_removed_does_not_keep_the_cluster(on: Target) -> None:
    answers(on, {"delete_table": "ResourceInUseException"}, "INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    pages(on.client("dynamodb"), {"Items": [{"sk": {"S": "0000000003"}}]})
    on.client("dynamodb").batch_write_item.return_value = {"UnprocessedItems": {}}
    clock, remains = SimulatedClock(), list[str]()
    began = clock.now()
    PointInTime(on, "r", clock).clean_up(remains)
    assert remains == [f"table {TABLE}-drill-r: ResourceInUseException: because"]
    assert 1800 < clock.now() - began < 1810
    on.client("rds").delete_db_cluster.assert_called_once()
    (asked,) = on.client("dynamodb").batch_write_item.call_args.kwargs["RequestItems"][TABLE]
    assert asked["DeleteRequest"]["Key"] == {"pk": {"S": "drill#r"}, "sk": {"S": "0000000003"}}
    assert on.client("rds-data").execute_statement.call_args.kwargs["sql"] == "DROP TABLE IF EXISTS drill_r"


def test_what_cannot_be_removed_is_named(on: Target) -> None:
    on.client("rds").delete_db_cluster.side_effect = refused("AccessDenied", "DeleteDBCluster")
    pages(on.client("dynamodb"), {"Items": []})
    remains = list[str]()
    Restore(on, "r").clean_up(remains)
    assert len(remains) == 1
    assert remains[0].startswith("cluster drill-r: ")
    assert "AccessDenied" in remains[0]


def tagged(name: str, run: str = RUN, stack: str = "Breakwater-x1") -> dict[str, Any]:
    tags = [{"Key": "Drill", "Value": run}, {"Key": "DrillStack", "Value": stack}]
    return {"DBClusterIdentifier": name, "DBClusterSnapshotIdentifier": name, "TagList": tags}


def left(
    on: Target,
    *,
    clusters: Any = (),
    snapshots: Any = (),
    tables: Any = (),
    rows: Any = (),
    idle: float | None = 9000.0,
) -> None:
    """Let AWS list what there is, and say how long ago each run wrote its last item; None for never."""
    pages(on.client("rds"), {"DBClusters": list(clusters), "DBClusterSnapshots": list(snapshots)})
    dynamodb = on.client("dynamodb")
    pages(dynamodb, {"TableNames": [*tables, TABLE], "Items": []})
    expires = {"N": str(int(time.time() - (idle or 0)) + 86400)}
    dynamodb.query.return_value = {"Items": [] if idle is None else [{"expires_at": expires}]}
    on.client("rds-data").execute_statement.return_value = {"records": [[{"stringValue": each}] for each in rows]}


def swept(on: Target) -> list[str]:
    said: list[str] = []
    sweep(on, said.append)
    return said


@pytest.mark.parametrize("idle", [9000.0, None])
@pytest.mark.parametrize(
    "found",
    [
        {"clusters": [tagged(f"drill-{RUN}")]},
        {"snapshots": [tagged(f"drill-{RUN}")]},
        {"tables": [f"{TABLE}-drill-{RUN}"]},
        {"rows": [f"drill_{RUN}"]},
    ],
    ids=str,
)
def test_whatever_a_dead_drill_left_is_found_and_all_of_it_removed(
    on: Target, found: dict[str, Any], idle: float | None
) -> None:
    left(on, **found, idle=idle)
    assert swept(on) == [f"removing what drill {RUN} left"]
    rds = on.client("rds")
    rds.delete_db_instance.assert_called_once_with(DBInstanceIdentifier=f"drill-{RUN}-1", SkipFinalSnapshot=True)
    rds.delete_db_cluster.assert_called_once_with(DBClusterIdentifier=f"drill-{RUN}", SkipFinalSnapshot=True)
    rds.delete_db_cluster_snapshot.assert_called_once_with(DBClusterSnapshotIdentifier=f"drill-{RUN}")
    rds.get_paginator.return_value.paginate.assert_any_call(SnapshotType="manual")
    on.client("dynamodb").delete_table.assert_called_once_with(TableName=f"{TABLE}-drill-{RUN}")
    dropped = on.client("rds-data").execute_statement.call_args.kwargs["sql"]
    assert dropped == f"DROP TABLE IF EXISTS drill_{RUN}"


@pytest.mark.parametrize(
    "found",
    [
        {"clusters": [tagged(f"drill-{RUN}", stack="Breakwater-other")]},
        {"clusters": [tagged("theirs")]},
        {"clusters": [{"DBClusterIdentifier": f"drill-{RUN}"}]},
        {"snapshots": [tagged("drill-of-mine", run="of-mine")]},
        {"tables": [f"{TABLE}-drill-of-mine", f"other-drill-{RUN}", f"x{TABLE}-drill-{RUN}"]},
        {"rows": ["drill_results"]},
        {},
    ],
    ids=str,
)
def test_nothing_else_is_touched(on: Target, found: dict[str, Any]) -> None:
    left(on, **found)
    assert swept(on) == []
    on.client("rds").delete_db_cluster.assert_not_called()
    on.client("dynamodb").delete_table.assert_not_called()


def test_a_drill_that_still_writes_is_left_alone(on: Target) -> None:
    left(on, clusters=[tagged(f"drill-{RUN}")], idle=100.0)
    (said,) = swept(on)
    assert said.startswith(f"what drill {RUN} created is kept: that drill wrote 10")
    on.client("rds").delete_db_cluster.assert_not_called()
    left(on, clusters=[tagged(f"drill-{RUN}")], idle=130.0)
    assert swept(on) == [f"removing what drill {RUN} left"]


def test_a_drill_that_has_not_written_for_two_minutes_has_died(on: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    left(on, clusters=[tagged(f"drill-{RUN}")])
    monkeypatch.setattr(Items, "idle_seconds", lambda _: 120.0)
    assert swept(on) == [f"removing what drill {RUN} left"]


def test_a_problem_with_what_was_left_does_not_keep_the_next_drill_from_beginning(on: Target) -> None:
    left(on, clusters=[tagged(f"drill-{RUN}"), tagged("drill-99999999", run="99999999")])
    on.client("rds-data").execute_statement.side_effect = refused("AccessDenied", "ExecuteStatement")
    on.client("rds").delete_db_cluster.side_effect = refused("InvalidDBClusterStateFault", "DeleteDBCluster")
    on.client("rds").describe_db_clusters.return_value = {"DBClusters": [{"Status": "creating"}]}
    said = swept(on)
    assert said[0].startswith("what interrupted drills left cannot be looked for: An error occurred (AccessDenied)")
    assert said[1] == f"removing what drill {RUN} left"
    assert said[2] == f"cluster drill-{RUN} remains: InvalidDBClusterStateFault: because"
    assert said[3].startswith(f"table drill_{RUN} in the database remains: An error occurred (AccessDenied)")
    assert said[4] == "removing what drill 99999999 left"
    on.client("dynamodb").query.side_effect = refused("AccessDenied", "Query")
    assert swept(on)[1].startswith(f"what drill {RUN} left is kept: An error occurred (AccessDenied)")


def test_a_drill_sweeps_before_it_creates_anything(on: Target) -> None:
    left(on, rows=[f"drill_{RUN}"])
    drill = Failover(on, "r")
    drill.prepare()
    statements = [each.kwargs["sql"].split(" (")[0] for each in on.client("rds-data").execute_statement.call_args_list]
    assert statements == [
        "SELECT tablename FROM pg_tables WHERE tablename LIKE :name",
        f"DROP TABLE IF EXISTS drill_{RUN}",
        "CREATE TABLE drill_r",
    ]


def test_the_revision_of_an_interrupted_drill_is_removed_by_the_next(on: Target) -> None:
    ecs, family = on.client("ecs"), "arn:aws:ecs:eu-central-1:123456789012:task-definition/service"
    mine = [{"key": "Drill", "value": "0123abcd"}, {"key": "DrillStack", "value": "Breakwater-x1"}]
    theirs = [{"key": "Drill", "value": "4567abcd"}, mine[1]]
    others = [mine[0], {"key": "DrillStack", "value": "other"}]
    tags = {
        f"{family}:11": None,
        f"{family}:10": others,
        f"{family}:9": mine,
        f"{family}:8": theirs,
        f"{family}:7": mine,
    }
    pages(ecs, {"taskArns": [], "taskDefinitionArns": list(tags)})

    def described(taskDefinition: str, include: list[str]) -> dict[str, Any]:  # noqa: N803 (the API's names)
        found = tags[taskDefinition]
        return {"tags": found} if found and include == ["TAGS"] else {}

    ecs.describe_task_definition.side_effect = described
    on.client("dynamodb").query.return_value = {"Items": []}
    told: list[str] = []
    sweep(on, told.append)
    assert told == ["removing what drill 0123abcd left", "removing what drill 4567abcd left"]
    asked = [call.kwargs["taskDefinition"] for call in ecs.deregister_task_definition.call_args_list]
    assert asked == [f"{family}:9", f"{family}:8"]
    listed = ecs.get_paginator.return_value.paginate
    listed.assert_any_call(familyPrefix="service", status="ACTIVE", sort="DESC")
