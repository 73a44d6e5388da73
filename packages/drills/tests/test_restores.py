"""What the restoring drills ask of AWS, in which order, and what they make of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from breakwater_drills import probes
from breakwater_drills.measure import Sample
from breakwater_drills.pitr import PointInTime
from breakwater_drills.restore import Restore
from breakwater_drills.target import Target
from drills_testing.fakes import cluster, refused

RESTORED: dict[str, Any] = {
    "Engine": "aurora-postgresql",
    "DBSubnetGroup": "subnets",
    "Port": 5433,
    "DBClusterParameterGroup": "p",
    "KmsKeyId": "key",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
    "DBClusterArn": "arn:the-copy",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 2, "SecondsUntilAutoPause": 300},
}


TAGS = [{"Key": "Drill", "Value": "r"}, {"Key": "DrillStack", "Value": "Breakwater-x1"}]


def copied(on: Target, status: str = "available", instance: str = "available", **more: Any) -> None:
    """Let RDS describe the cluster, which is both the source and the copy, and the copy's instance."""
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a", **{**RESTORED, "status": status, **more})
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": instance}]}


def rows(on: Target, *numbers: int) -> None:
    on.client("rds-data").execute_statement.return_value = {"records": [[{"longValue": number}] for number in numbers]}


def test_a_copy_is_as_protected_and_placed_as_its_source(on: Target) -> None:
    copied(on)
    Restore(on, "r").inject()
    asked = on.client("rds").restore_db_cluster_from_snapshot.call_args.kwargs
    assert asked["DBClusterIdentifier"] == asked["SnapshotIdentifier"] == "drill-r"
    assert (asked["KmsKeyId"], asked["DBSubnetGroupName"], asked["VpcSecurityGroupIds"]) == ("key", "subnets", ["sg-1"])
    assert asked["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 1, "MaxCapacity": 2}
    assert (asked["Port"], asked["DeletionProtection"], asked["Engine"]) == (5433, False, "aurora-postgresql")
    assert asked["Tags"] == TAGS


def test_a_copy_gets_no_key_and_no_security_group_that_its_source_does_not_have(
    on: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(RESTORED, "KmsKeyId")
    copied(on, VpcSecurityGroups=[])
    Restore(on, "r").inject()
    asked = on.client("rds").restore_db_cluster_from_snapshot.call_args.kwargs
    assert {"KmsKeyId", "VpcSecurityGroupIds"} & asked.keys() == set()


def test_a_snapshot_is_tagged_and_waited_for(on: Target) -> None:
    copied(on)
    rds = on.client("rds")
    drill = Restore(on, "r")
    drill.before_fault([])
    rds.create_db_cluster_snapshot.assert_called_once_with(
        DBClusterSnapshotIdentifier="drill-r", DBClusterIdentifier="dr-aurora-x1", Tags=TAGS
    )
    rds.get_waiter.assert_called_once_with("db_cluster_snapshot_available")
    rds.get_waiter.return_value.wait.assert_called_once_with(
        DBClusterSnapshotIdentifier="drill-r", WaiterConfig={"Delay": 2, "MaxAttempts": 900}
    )
    assert [event.what for event in drill.events] == ["RDS: snapshot begun", "RDS: snapshot available"]


def test_an_instance_is_requested_once_and_only_when_the_copy_is_available(on: Target) -> None:
    rds, drill = on.client("rds"), Restore(on, "r")
    copied(on, "creating")
    drill.inject()
    assert not drill.restored()
    rds.create_db_instance.assert_not_called()
    copied(on, instance="creating", HttpEndpointEnabled=True)
    assert not drill.restored()
    rds.create_db_instance.assert_called_once_with(
        DBInstanceIdentifier="drill-r-1",
        DBClusterIdentifier="drill-r",
        Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
    )
    assert not drill.restored()
    copied(on, HttpEndpointEnabled=True)
    rows(on)
    assert drill.restored()
    assert rds.create_db_instance.call_count == 1
    rds.enable_http_endpoint.assert_not_called()


def ready(on: Target, **more: Any) -> Restore:
    """Return a drill whose copy is available, with its instance."""
    copied(on, **more)
    drill = Restore(on, "r")
    assert not drill.restored()
    return drill


@pytest.mark.parametrize(
    "error",
    [
        refused("HttpEndpointNotEnabledException"),
        refused("DatabaseUnavailableException"),
        refused("DatabaseResumingException"),
        refused("BadRequestException", message="HttpEndpoint is not enabled for cluster drill-r"),
        ReadTimeoutError(endpoint_url="https://rds-data"),
    ],
)
def test_a_copy_is_read_as_soon_as_its_data_api_answers(on: Target, error: Exception) -> None:
    rds, data, drill = on.client("rds"), on.client("rds-data"), ready(on)
    data.execute_statement.side_effect = error
    assert not drill.restored()
    assert not drill.restored()
    rds.enable_http_endpoint.assert_called_once_with(ResourceArn="arn:the-copy")
    data.execute_statement.side_effect = None
    rows(on, 1, 2)
    assert drill.restored()
    assert data.execute_statement.call_args.kwargs["resourceArn"] == "arn:the-copy"
    assert drill.kept == {"Aurora": {1, 2}}


@pytest.mark.parametrize("code", ["AccessDeniedException", "BadRequestException"])
def test_what_will_not_get_better_is_not_waited_for(on: Target, code: str) -> None:
    drill = ready(on)
    on.client("rds-data").execute_statement.side_effect = refused(code)
    with pytest.raises(ClientError, match=code):
        drill.restored()


def test_a_copy_from_before_the_first_heartbeat_kept_nothing(on: Target) -> None:
    drill = ready(on)
    missing = 'ERROR: relation "drill_r" does not exist; Position: 20; SQLState: 42P01'
    on.client("rds-data").execute_statement.side_effect = refused("DatabaseErrorException", message=missing)
    drill.fault = 200.0
    assert drill.restored()
    (lost,) = drill.losses([Sample(probes.DATABASE_WRITE, n, 190.0 + n, 0.1) for n in range(5)])
    assert (lost.lost, lost.at_least) == (5, True)
    assert lost.rpo_seconds == pytest.approx(4.0)


def test_many_rows_are_read_page_by_page(on: Target) -> None:
    data, drill = on.client("rds-data"), Restore(on, "r")
    asked = []

    def answer(sql: str, parameters: Any, **_: Any) -> dict[str, Any]:
        assert "ORDER BY number LIMIT 10000" in sql
        asked.append(parameters[0]["value"]["longValue"])
        return {"records": [[{"longValue": number}] for number in range(asked[-1] + 1, 25_000)][:10_000]}

    data.execute_statement.side_effect = answer
    assert drill.rows.found() == set(range(25_000))
    assert asked == [-1, 9_999, 19_999]


def test_a_copy_that_was_never_read_lost_nobody_knows_what(on: Target) -> None:
    drill = PointInTime(on, "r")
    drill.fault, drill.kept, drill.read_at = 200.0, {"Aurora": {0, 1}}, {"Aurora": 230.0}
    names = (probes.DATABASE_WRITE, probes.TABLE_WRITE)
    samples = [Sample(name, n, at, 0.1) for name in names for n, at in enumerate((190.0, 191.0, 199.95, 201.0))]
    aurora, dynamodb = drill.losses(samples)
    assert (aurora.acknowledged, aurora.lost) == (2, 0)  # what was acknowledged after the declared loss does not count
    assert (dynamodb.acknowledged, dynamodb.lost, dynamodb.unread) == (2, None, "its copy was not read")
    cluster_copy, table_copy, *others = drill.recoveries(samples)
    assert (cluster_copy.rto_seconds, table_copy.rto_seconds) == (30.0, None)
    assert cluster_copy.judged
    assert [(each.requests, each.errors) for each in (cluster_copy, table_copy)] == [(0, 0)] * 2
    assert not any(each.judged for each in others)


def test_a_restoring_drill_leaves_the_platform_as_it_was(on: Target) -> None:
    assert Restore(on, "r").state() == "the platform itself was not touched"


def test_both_copies_are_of_the_latest_restorable_time(on: Target) -> None:
    copied(on)
    PointInTime(on, "r").inject()
    restored = on.client("rds").restore_db_cluster_to_point_in_time.call_args.kwargs
    assert (restored["SourceDBClusterIdentifier"], restored["DBClusterIdentifier"]) == ("dr-aurora-x1", "drill-r")
    assert restored["UseLatestRestorableTime"] is True
    on.client("dynamodb").restore_table_to_point_in_time.assert_called_once_with(
        SourceTableName="dr-transactions-x1",
        TargetTableName="dr-transactions-x1-drill-r",
        UseLatestRestorableTime=True,
    )
