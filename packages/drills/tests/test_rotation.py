"""The password changes under load: what RDS is asked for, and when a client must have followed."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_drills.errors import DrillError
from breakwater_drills.rotation import Rotation
from breakwater_drills.target import Target
from drills_testing.fakes import SERVICES, cluster, refused


def secret(on: Target, version: str = "v1", status: str = "active", state: str = "available") -> None:
    """Let RDS keep the password in a secret with a current version."""
    kept = {"SecretArn": "arn:the-secret", "SecretStatus": status}
    on.client("rds").describe_db_clusters.return_value = cluster("a", state, MasterUserSecret=kept)
    versions = {"v0": ["AWSPREVIOUS"], version: ["AWSCURRENT"]}
    on.client("secretsmanager").describe_secret.return_value = {"VersionIdsToStages": versions}
    on.client("rds-data").execute_statement.return_value = {"records": [[{"longValue": 3}]]}


def test_the_password_is_new_when_the_secret_has_another_version_and_all_is_settled(on: Target) -> None:
    secret(on)
    drill = Rotation(on, "r")
    drill.inject()
    asked = on.client("rds").modify_db_cluster.call_args.kwargs
    assert asked == {
        "DBClusterIdentifier": "dr-aurora-x1",
        "RotateMasterUserPassword": True,
        "ApplyImmediately": True,
    }
    for changed in (
        {},
        {"version": "v2", "status": "rotating"},
        {"version": "v2", "state": "resetting-master-credentials"},
    ):
        secret(on, **changed)
        assert not drill.restored()
    on.client("rds-data").execute_statement.assert_not_called()
    secret(on, "v2")
    assert drill.restored()
    assert "pg_terminate_backend" in on.client("rds-data").execute_statement.call_args.kwargs["sql"]
    on.client("secretsmanager").describe_secret.assert_called_with(SecretId="arn:the-secret")
    told = [event.what for event in drill.events]
    assert told == ["RDS: the new password is there", "ended 3 connections of the master user"]
    assert drill.state() == "the secret arn:the-secret is active"
    assert drill.failures_allowed([]) == 0


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ([{"name": "DATABASE_SECRET_ARN", "value": "x"}], "the service logs in with this password"),
        ([{"name": "PORT", "value": "1"}], "the service logs in in another way, by IAM: this password is not its own"),
    ],
)
def test_it_tells_whether_the_service_uses_the_password(on: Target, variables: list[Any], told: str) -> None:
    containers = [{"name": "other"}, {"name": "app", "environment": variables}]
    on.client("ecs").describe_task_definition.return_value = {"taskDefinition": {"containerDefinitions": containers}}
    drill = Rotation(on, "r")
    drill.before_fault([])
    assert [event.what for event in drill.events] == [told]
    (running,) = SERVICES["services"]
    on.client("ecs").describe_task_definition.assert_called_once_with(taskDefinition=running["taskDefinition"])


def test_a_password_that_rds_does_not_keep_cannot_be_rotated(on: Target) -> None:
    on.client("rds").describe_db_clusters.return_value = cluster("a")
    with pytest.raises(DrillError) as refusal:
        Rotation(on, "r").prepare()
    assert str(refusal.value) == (
        "RDS does not keep the password of dr-aurora-x1 in a secret, so it cannot rotate it; see "
        "ManageMasterUserPassword of ModifyDBCluster. Nothing was broken"
    )
    on.client("rds").describe_db_clusters.assert_called_once_with(DBClusterIdentifier="dr-aurora-x1")
    on.client("rds-data").execute_statement.assert_not_called()
    secret(on)
    on.client("rds-data").execute_statement.return_value = {"records": []}
    Rotation(on, "r").prepare()
    on.client("rds-data").execute_statement.assert_called()


def test_a_rotation_that_rds_refuses_is_one_line(on: Target) -> None:
    secret(on)
    on.client("rds").modify_db_cluster.side_effect = refused("InvalidDBClusterStateFault")
    with pytest.raises(DrillError, match=r"^RDS refuses the rotation: InvalidDBClusterStateFault: because$"):
        Rotation(on, "r").inject()
