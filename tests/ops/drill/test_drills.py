"""What each drill asks of AWS, and what it makes of the answers, against clients of a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from ops.drill.drill import Drill
from ops.drill.failover import Failover
from ops.drill.pitr import PointInTime
from ops.drill.restore import Restore
from ops.drill.target import Target
from ops.drill.task_loss import TaskLoss
from ops.errors import OpsError
from tests.ops.drill.fakes import OUTPUTS, connection, target

OUTPUTS_OF_SERVICE = {"EcsClusterName": "ecs", "EcsServiceName": "service", "TargetGroupArn": "arn:targets"}


def refused(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, operation)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Return a stack in an account, with one mock client for each service, for the drill and its probes."""
    made: dict[str, MagicMock] = {}

    def client(_self: Target, service: str) -> MagicMock:
        return made.setdefault(service, MagicMock(name=service))

    monkeypatch.setattr(Target, "client", client)
    monkeypatch.setattr(Target, "probe_client", client)
    return replace(target(), outputs={**OUTPUTS, **OUTPUTS_OF_SERVICE})


def cluster(writer: str, status: str = "available", **more: Any) -> dict[str, Any]:
    members = [{"DBInstanceIdentifier": name, "IsClusterWriter": name == writer} for name in ("a", "b")]
    found = {"DBClusterIdentifier": "dr-aurora-x1", "Status": status, "DBClusterMembers": members, **more}
    return {"DBClusters": [found]}


def pages(client: MagicMock, *answers: dict[str, Any]) -> None:
    client.get_paginator.return_value.paginate.return_value = answers


def test_a_failover_is_over_when_the_writer_moved_and_every_member_is_available(on: Target) -> None:
    drill = Failover(on, "r")
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a")
    drill.inject()
    rds.failover_db_cluster.assert_called_once_with(DBClusterIdentifier="dr-aurora-x1")
    assert not drill.restored()  # nothing has moved yet
    rds.describe_db_clusters.return_value = cluster("b", "failing-over")
    assert not drill.restored()
    rds.describe_db_clusters.return_value = cluster("b")
    pages(
        rds, {"DBInstances": [{"DBInstanceStatus": "available"}]}, {"DBInstances": [{"DBInstanceStatus": "rebooting"}]}
    )
    assert not drill.restored()
    pages(rds, {"DBInstances": [{"DBInstanceStatus": "available"}]})
    assert drill.restored()
    told = [event.what for event in drill.events]
    assert told == ["RDS: writer is b", "RDS: cluster is failing-over", "RDS: cluster is available"]
    assert drill.state() == "dr-aurora-x1 is available, its writer is b"


def test_a_failover_that_rds_refuses_is_one_line(on: Target) -> None:
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a")
    rds.failover_db_cluster.side_effect = refused("InvalidDBClusterStateFault")
    with pytest.raises(OpsError, match=r"^RDS refuses the failover: InvalidDBClusterStateFault: because$"):
        Failover(on, "r").inject()


def tasks(ecs: MagicMock, *arns: str) -> None:
    pages(ecs, {"taskArns": list(arns)})
    ecs.describe_services.return_value = {"services": [{"runningCount": len(arns), "desiredCount": 2}]}


def test_a_task_is_replaced_when_as_many_run_and_are_healthy_as_are_wanted(on: Target) -> None:
    drill, ecs, elbv2 = TaskLoss(on, "r"), on.client("ecs"), on.client("elbv2")
    tasks(ecs, "t/1", "t/2")
    drill.inject()
    assert ecs.stop_task.call_args.kwargs["task"] == "t/1"
    assert not drill.restored()  # the stopped one is still listed
    tasks(ecs, "t/2")
    assert not drill.restored()
    tasks(ecs, "t/2", "t/3")
    health = [{"TargetHealth": {"State": state}} for state in ("healthy", "initial")]
    elbv2.describe_target_health.return_value = {"TargetHealthDescriptions": health}
    assert not drill.restored()
    health[1]["TargetHealth"]["State"] = "healthy"
    assert drill.restored()
    assert drill.recoveries([])[-1].rto_seconds is not None


def test_while_a_task_is_missing_the_number_says_so(on: Target) -> None:
    tasks(on.client("ecs"), "t/1")
    assert TaskLoss(on, "r").state() == "service runs 1 tasks; ECS starts the missing ones by itself"


def test_a_service_without_a_task_has_none_to_lose(on: Target) -> None:
    tasks(on.client("ecs"))
    with pytest.raises(OpsError, match="the service runs no task"):
        TaskLoss(on, "r").inject()
    on.client("ecs").stop_task.assert_not_called()


RESTORED: dict[str, Any] = {
    "Engine": "aurora-postgresql",
    "DBSubnetGroup": "subnets",
    "Port": 5433,
    "DBClusterParameterGroup": "p",
    "KmsKeyId": "key",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
    "DBClusterArn": "arn:copy",
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 2, "SecondsUntilAutoPause": 300},
}


def test_a_copy_is_as_protected_and_placed_as_its_source(on: Target) -> None:
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a", **RESTORED)
    drill = Restore(on, "r")
    drill.inject()
    asked = rds.restore_db_cluster_from_snapshot.call_args.kwargs
    assert asked["DBClusterIdentifier"] == asked["SnapshotIdentifier"] == "drill-r"
    assert (asked["KmsKeyId"], asked["DBSubnetGroupName"], asked["VpcSecurityGroupIds"]) == ("key", "subnets", ["sg-1"])
    assert asked["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 1, "MaxCapacity": 2}
    assert (asked["Port"], asked["DeletionProtection"]) == (5433, False)
    assert asked["Tags"] == [{"Key": "Drill", "Value": "r"}]


@pytest.mark.parametrize("code", ["HttpEndpointNotEnabledException", "DatabaseUnavailableException"])
def test_a_copy_is_read_as_soon_as_its_data_api_answers(on: Target, code: str) -> None:
    rds, data = on.client("rds"), on.client("rds-data")
    drill = Restore(on, "r")
    rds.describe_db_clusters.return_value = cluster("a", "creating", **RESTORED)
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": "creating"}]}
    assert not drill.restored()
    rds.describe_db_clusters.return_value = cluster("a", **RESTORED)
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": "available"}]}
    data.execute_statement.side_effect = refused(code)
    assert not drill.restored()
    rds.enable_http_endpoint.assert_called_with(ResourceArn="arn:copy")
    data.execute_statement.side_effect = None
    data.execute_statement.return_value = {"records": [[{"longValue": 1}], [{"longValue": 2}]]}
    assert drill.restored()
    assert drill.kept == {"Aurora": {1, 2}}
    data.execute_statement.side_effect = refused("AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        Restore(on, "r").restored()


@pytest.mark.parametrize("kind", [Restore, PointInTime])
def test_before_anything_was_made_there_is_nothing_to_remove(
    on: Target, kind: Callable[[Target, str], Restore]
) -> None:
    rds, dynamodb = on.client("rds"), on.client("dynamodb")
    rds.delete_db_instance.side_effect = refused("DBInstanceNotFound")
    rds.delete_db_cluster.side_effect = refused("DBClusterNotFoundFault")
    rds.delete_db_cluster_snapshot.side_effect = refused("DBClusterSnapshotNotFoundFault")
    dynamodb.describe_table.side_effect = refused("ResourceNotFoundException")
    pages(dynamodb, {"Items": []})
    assert kind(on, "r").clean_up() == []


def test_what_cannot_be_removed_is_named(on: Target) -> None:
    on.client("rds").delete_db_cluster.side_effect = refused("AccessDenied", "DeleteDBCluster")
    pages(on.client("dynamodb"), {"Items": []})
    (left,) = Restore(on, "r").clean_up()
    assert left.startswith("cluster drill-r: ")
    assert "AccessDenied" in left


@pytest.mark.parametrize("kind", [Failover, TaskLoss, Restore, PointInTime])
def test_each_drill_says_what_was_of_aws_and_what_was_not(on: Target, kind: type[Drill]) -> None:
    assert set(kind(on, "r").parts().values()) == {"AWS"}
    local = kind(replace(on, connection=connection("http://127.0.0.1:4566")), "r").parts()
    assert "AWS" not in local.values()
    assert any("this machine" in where or "simulated" in where for where in local.values())
    assert local["service"].startswith("not measured: ")


def test_a_restoring_drill_leaves_the_platform_as_it_was(on: Target) -> None:
    assert Restore(on, "r").state() == "the platform itself was not touched"


def test_a_table_is_read_and_deleted_only_once_it_is_active(on: Target) -> None:
    drill, dynamodb = PointInTime(on, "r"), on.client("dynamodb")
    drill.read_at["Aurora"] = 1.0
    states = iter(("CREATING", "ACTIVE", "CREATING", "ACTIVE"))
    dynamodb.describe_table.side_effect = lambda **_: {"Table": {"TableStatus": next(states)}}
    pages(dynamodb, {"Items": [{"sk": {"S": "0000000007"}}]})
    assert not drill.restored()
    assert drill.restored()
    assert drill.kept == {"DynamoDB": {7}}
    assert drill.clean_up() == []
    dynamodb.delete_table.assert_called_once_with(TableName="dr-transactions-x1-drill-r")
    assert next(states, None) is None


def test_a_data_api_that_is_open_is_not_opened_again(on: Target) -> None:
    rds = on.client("rds")
    rds.describe_db_clusters.return_value = cluster("a", HttpEndpointEnabled=True, **RESTORED)
    rds.describe_db_instances.return_value = {"DBInstances": [{"DBInstanceStatus": "available"}]}
    on.client("rds-data").execute_statement.return_value = {"records": []}
    assert Restore(on, "r").restored()
    rds.enable_http_endpoint.assert_not_called()
