"""The plan of a restored cluster: nothing of the source is left out, and no name is taken before it is free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from ops.errors import OpsError
from ops.restore import aurora
from ops.restore.aurora import Aurora
from ops.restore.plan import Step
from tests.assembly import Assembly
from tests.fake_clients import ServiceError, fake_client

MODEL: Any = botocore.session.get_session().get_service_model("rds")
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ARN = "arn:aws:rds:us-east-1:111111111111:cluster:dr"
CLUSTER: Mapping[str, Any] = {
    "DBClusterIdentifier": "dr",
    "DBClusterArn": ARN,
    "Status": "available",
    "EarliestRestorableTime": NOW - timedelta(days=7),
    "LatestRestorableTime": NOW,
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "dr-1", "IsClusterWriter": False},
        {"DBInstanceIdentifier": "dr-2", "IsClusterWriter": True},
    ],
    "DBSubnetGroup": "isolated",
    "DBClusterParameterGroup": "tls-only",
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
    "KmsKeyId": "key",
    "Port": 5433,
    "ServerlessV2ScalingConfiguration": {"MinCapacity": 1.0, "MaxCapacity": 16.0},
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "IAMDatabaseAuthenticationEnabled": True,
    "BackupRetentionPeriod": 35,
    "DatabaseInsightsMode": "advanced",
    "PerformanceInsightsEnabled": True,
    "MasterUserSecret": {"SecretArn": "secret", "KmsKeyId": "key"},
    "HttpEndpointEnabled": True,
    "DeletionProtection": True,
    "TagList": [{"Key": "Owner", "Value": "us"}, {"Key": "aws:cloudformation:stack-name", "Value": "dr"}],
}
FOLLOW = Step("let the stack follow", "update_stack", {})
# Parameters of a request that the plan never gives, and why.
NOT_GIVEN = {
    "RestoreDBClusterToPointInTime": {
        "for other engines": {"BacktrackWindow", "Domain", "DomainIAMRoleName", "EngineMode", "OptionGroupName",
                              "RdsCustomClusterConfiguration", "ScalingConfiguration"},
        "for Multi-AZ DB clusters": {"DBClusterInstanceClass", "Iops", "PubliclyAccessible"},
        "for clusters outside a VPC": {"EnableInternetAccessGateway", "EnableVPCNetworking"},
        "stated of each instance": {"MonitoringInterval", "MonitoringRoleArn"},
        "given with the mode of Database Insights": {"EnablePerformanceInsights", "PerformanceInsightsKMSKeyId",
                                                     "PerformanceInsightsRetentionPeriod"},
        "the platform gives the cluster no role": {"AssociatedRoles"},
        "full-copy is the default; a clone shares the storage of what is damaged": {"RestoreType"},
        "the source is named": {"SourceDbClusterResourceId"},
        "Tags of the cluster are what its source has": {"TagSpecifications"},
    },
}  # fmt: skip


def _rds(cluster: Mapping[str, Any] = CLUSTER, **operations: Any) -> Any:
    def describe_cluster(DBClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        if DBClusterIdentifier != cluster["DBClusterIdentifier"]:
            raise ServiceError("DBClusterNotFoundFault")
        return {"DBClusters": [cluster]}

    def describe_instance(DBInstanceIdentifier: str) -> dict[str, Any]:  # noqa: N803
        tier = {"dr-1": 1, "dr-2": 0}[DBInstanceIdentifier]
        zone = f"us-east-1{'ab'[tier]}"
        described = {
            "DBInstanceIdentifier": DBInstanceIdentifier, "DBInstanceClass": "db.serverless", "PromotionTier": tier,
            "Engine": "aurora-postgresql", "AvailabilityZone": zone, "AutoMinorVersionUpgrade": False,
            "PubliclyAccessible": False, "MonitoringInterval": 60, "MonitoringRoleArn": "role",
        }  # fmt: skip
        return {"DBInstances": [described]}

    return fake_client(
        "rds", **{"DescribeDBClusters": describe_cluster, "DescribeDBInstances": describe_instance, **operations}
    )


def _by_operation(steps: Any) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        found.setdefault(step.operation, []).append(step.request)
    return found


def test_every_parameter_of_a_restore_is_given_or_has_a_reason() -> None:
    members = set(MODEL.operation_model("RestoreDBClusterToPointInTime").input_shape.members)
    reasons = set().union(*NOT_GIVEN["RestoreDBClusterToPointInTime"].values())
    direct = {"SourceDBClusterIdentifier", "DBClusterIdentifier", "RestoreToTime", "UseLatestRestorableTime"}
    derived = {"ServerlessV2ScalingConfiguration", "VpcSecurityGroupIds", "Tags", "DeletionProtection"}
    assert members - reasons == direct | derived | aurora.RESTORED.keys()
    assert not reasons & aurora.RESTORED.keys()


# Declared in the template, and not a parameter of the same name: where else it comes from.
CARRIED = {
    "AWS::RDS::DBCluster": {
        "in the data": {"DatabaseName", "Engine", "EngineVersion", "MasterUsername", "StorageEncrypted"},
        "its own request": {"EnableHttpEndpoint"},
        "another name in the API": {"MasterUserSecret", "PerformanceInsightsEnabled", "PerformanceInsightsKmsKeyId"},
        "a parameter of the deletion": {"DeleteAutomatedBackups"},
        "of the cluster for Multi-AZ DB clusters only; each instance has it": {"AutoMinorVersionUpgrade"},
        "what the plan adds": {"DBClusterIdentifier", "DeletionProtection", "ManageMasterUserPassword",
                               "ServerlessV2ScalingConfiguration", "Tags", "VpcSecurityGroupIds"},
    },
    "AWS::RDS::DBInstance": {"what the plan adds": {"DBClusterIdentifier", "DBInstanceIdentifier", "Tags"}},
}  # fmt: skip


def test_every_property_that_the_template_sets_is_carried_over(deployment: Assembly) -> None:
    given = {
        "AWS::RDS::DBCluster": aurora.RESTORED.keys() | aurora.MODIFIED.keys(),
        "AWS::RDS::DBInstance": set(aurora.INSTANCE),
    }
    for kind, parameters in given.items():
        for resource in deployment.nested["Database"].of_type(kind).values():
            assert resource["Properties"].keys() - parameters - set().union(*CARRIED[kind].values()) == set()


@pytest.mark.parametrize(
    ("operation", "shape", "parameters"),
    [
        ("RestoreDBClusterToPointInTime", "DBCluster", aurora.RESTORED),
        ("ModifyDBCluster", "DBCluster", aurora.MODIFIED),
        ("CreateDBInstance", "DBInstance", aurora.INSTANCE),
    ],
)
def test_parameters_and_what_is_described_are_those_of_the_service(
    operation: str, shape: str, parameters: Mapping[str, str]
) -> None:
    assert parameters.keys() <= MODEL.operation_model(operation).input_shape.members.keys()
    assert set(parameters.values()) <= MODEL.shape_for(shape).members.keys()


def test_the_plan_of_a_cluster_carries_everything_over_and_protects_last() -> None:
    steps = list(Aurora(_rds(), "dr").plan(NOW - timedelta(hours=1), "copy").steps)
    found = _by_operation(steps)
    (restore,) = found["restore_db_cluster_to_point_in_time"]
    assert restore["RestoreToTime"] == NOW - timedelta(hours=1)
    assert restore["VpcSecurityGroupIds"] == ["sg-1"]
    assert restore["Tags"] == [{"Key": "Owner", "Value": "us"}]
    assert restore["DeletionProtection"] is False
    assert restore["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 1.0, "MaxCapacity": 16.0}
    assert {restore[name] for name in ("DBSubnetGroupName", "DBClusterParameterGroupName", "KmsKeyId")} == {
        "isolated", "tls-only", "key",
    }  # fmt: skip
    # The former writer's tier comes first: what is created first is the writer.
    assert [(each["DBInstanceIdentifier"], each["PromotionTier"]) for each in found["create_db_instance"]] == [
        ("copy-1", 0),
        ("copy-2", 1),
    ]
    assert found["create_db_instance"][0]["AvailabilityZone"] == "us-east-1a"
    modified, protected = found["modify_db_cluster"]
    assert modified["ManageMasterUserPassword"] is True
    assert (modified["MasterUserSecretKmsKeyId"], modified["DatabaseInsightsMode"]) == ("key", "advanced")
    assert found["enable_http_endpoint"] == [{"ResourceArn": ARN.replace(":dr", ":copy")}]
    assert (steps[-1].request, protected["DeletionProtection"]) == (protected, True)
    for step in steps:
        operation = MODEL.operation_model(_api(step.operation))
        validate_parameters(dict(step.request), operation.input_shape)
    # CreateDBInstance is refused until the cluster is available, and a second change while the first is under way.
    assert all(step.ready is not None for step in steps)


def _api(method: str) -> str:
    parts = {"db": "DB", "http": "Http", "to": "To", "point": "Point", "in": "In", "time": "Time"}
    return "".join(parts.get(word, word.capitalize()) for word in method.split("_"))


def test_what_the_source_does_not_have_is_not_asked_for() -> None:
    bare = {name: value for name, value in CLUSTER.items() if name in (
        "DBClusterIdentifier", "DBClusterArn", "Status", "DBClusterMembers", "VpcSecurityGroups")}  # fmt: skip
    found = _by_operation(Aurora(_rds(bare), "dr").plan(None, "copy").steps)
    (restore,) = found["restore_db_cluster_to_point_in_time"]
    assert restore == {
        "SourceDBClusterIdentifier": "dr",
        "DBClusterIdentifier": "copy",
        "UseLatestRestorableTime": True,
        "VpcSecurityGroupIds": ["sg-1"],
        "DeletionProtection": False,
    }
    assert found["modify_db_cluster"] == [{"DBClusterIdentifier": "copy", "ApplyImmediately": True}]
    assert "enable_http_endpoint" not in found
    without_key = bare | {"MasterUserSecret": {"SecretArn": "secret"}}
    modified = _by_operation(Aurora(_rds(without_key), "dr").plan(None, "copy").steps)
    assert modified["modify_db_cluster"][0]["ManageMasterUserPassword"] is True
    assert "MasterUserSecretKmsKeyId" not in modified["modify_db_cluster"][0]


def _two_clusters(*others: str, members: int = 2, without: str = "") -> Any:
    """Return a client that knows the source, unless it is gone, and copies of it with so many instances."""

    def describe(DBClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803 (the API's name)
        if DBClusterIdentifier not in {"dr", *others} - {without}:
            raise ServiceError("DBClusterNotFoundFault")
        own = [{"DBInstanceIdentifier": f"{DBClusterIdentifier}-{number}"} for number in range(1, members + 1)]
        named = CLUSTER if DBClusterIdentifier == "dr" else {**CLUSTER, "DBClusterMembers": own}
        return {"DBClusters": [{**named, "DBClusterIdentifier": DBClusterIdentifier}]}

    def describe_instance(DBInstanceIdentifier: str) -> dict[str, Any]:  # noqa: N803
        return {"DBInstances": [{"DBInstanceIdentifier": DBInstanceIdentifier, "DBInstanceStatus": "available"}]}

    return fake_client("rds", DescribeDBClusters=describe, DescribeDBInstances=describe_instance)


def test_a_take_over_frees_each_name_before_it_is_taken_and_can_be_undone() -> None:
    plan = Aurora(_two_clusters("copy"), "copy").take_over("dr", FOLLOW)
    start = {"dr", "dr-1", "dr-2", "copy", "copy-1", "copy-2"}
    names = set(start)
    *renames, last = plan.steps
    assert last is FOLLOW
    for step in renames:
        old, new = (value for name, value in step.request.items() if name.endswith("Identifier"))
        assert old in names
        assert new not in names
        names = names - {old} | {new}
        assert step.ready is not None
        validate_parameters(dict(step.request), MODEL.operation_model(_api(step.operation)).input_shape)
    assert names == {"dr", "dr-1", "dr-2", "dr-lost", "dr-lost-1", "dr-lost-2"}
    for line in plan.undo:
        old, new = re.findall(r"identifier (\S+)", line)
        assert old in names
        assert new not in names
        names = names - {old} | {new}
    assert names == start
    assert any("dr-lost" in line for line in plan.afterwards)


def test_a_copy_takes_the_names_of_a_cluster_that_is_gone() -> None:
    plan = Aurora(_two_clusters("copy", without="dr"), "copy").take_over("dr", FOLLOW)
    *renames, last = plan.steps
    assert last is FOLLOW
    moved = [tuple(value for name, value in step.request.items() if name.endswith("Identifier")) for step in renames]
    assert moved == [("copy", "dr"), ("copy-2", "dr-2"), ("copy-1", "dr-1")]
    assert not any("dr-lost" in line for line in [*plan.undo, *plan.afterwards])


def test_a_take_over_wants_a_copy_of_the_same_size_and_no_earlier_one() -> None:
    with pytest.raises(OpsError, match=r"^there is no cluster copy: "):
        Aurora(_two_clusters(), "copy")
    with pytest.raises(OpsError, match=r"^copy has 1 instances and dr 2: create what is missing"):
        Aurora(_two_clusters("copy", members=1), "copy").take_over("dr", FOLLOW)
    with pytest.raises(OpsError, match=r"^there is a cluster dr-lost already, of an earlier take-over: delete it"):
        Aurora(_two_clusters("copy", "dr-lost"), "copy").take_over("dr", FOLLOW)


def test_what_is_waited_for_is_the_status_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    restore, *_ = Aurora(_rds(), "dr").plan(None, "copy").steps
    assert restore.ready is not None
    assert not restore.ready()  # there is no copy yet
    gone = fake_client("rds", DescribeDBClusters=_refused("AccessDenied"), DescribeDBInstances=_refused("AccessDenied"))
    source = Aurora(_two_clusters("copy"), "copy")
    first, *_ = source.take_over("dr", FOLLOW).steps
    assert first.ready is not None
    assert first.ready()
    monkeypatch.setattr(source, "_rds", fake_client("rds", DescribeDBInstances=_refused("DBInstanceNotFound")))
    assert not first.ready()
    monkeypatch.setattr(source, "_rds", gone)
    with pytest.raises(ClientError, match="AccessDenied"):
        first.ready()
    with pytest.raises(ClientError, match="AccessDenied"):
        Aurora(gone, "dr")


def _refused(code: str) -> Any:
    def refuse(**_: Any) -> dict[str, Any]:
        raise ServiceError(code)

    return refuse


@pytest.mark.parametrize("moment", [NOW + timedelta(seconds=1), NOW - timedelta(days=8)])
def test_a_moment_outside_the_window_is_refused(moment: datetime) -> None:
    with pytest.raises(OpsError, match=r"allowed is 2026-11-21T12:00:00Z to 2026-11-28T12:00:00Z, or latest$"):
        Aurora(_rds(), "dr").plan(moment, "copy")


def test_a_taken_name_and_a_lost_cluster_are_one_line() -> None:
    with pytest.raises(OpsError, match=r"^there is a cluster dr already: choose another name with --as"):
        Aurora(_rds(), "dr").plan(None, "dr")
    with pytest.raises(OpsError, match=r"^there is no cluster gone: restore it from the vault"):
        Aurora(_rds(), "gone")
