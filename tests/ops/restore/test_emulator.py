"""Restores in the embedded AWS: the copy is its source but for what names it, and can take its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing.stack import delete, deploy
from ops import outputs
from ops.__main__ import main
from ops.connection import Connection
from ops.restore import cli
from ops.restore.plan import own_tags
from stacks.names import NEVER_RESTORED, RESTORED_AT_PARAMETER, OutputKey

# In the embedded AWS of the tests that deploy the platform, and not beside them.
pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("dev-app")]
STACK = "Breakwater-restore-me"
SOURCE, COPY, LOST = "restore-me", "restore-me-restored", "restore-me-lost"
# What names a resource, tells its age, or what happens to it; and log exports, which are kept of templates only here.
ITS_OWN = re.compile(
    "Identifier|Arn|Endpoint|Time|Status|(?<!Key)Id$|Members|Secret|TableName|Summary|Bytes|Count|LogsExports"
)
TAGS = [{"Key": "Owner", "Value": "us"}]
CLUSTER = {
    "Cluster": {
        "Type": "AWS::RDS::DBCluster",
        "Properties": {
            "DBClusterIdentifier": SOURCE,
            "Engine": "aurora-postgresql",
            "EngineVersion": "17.7",
            "DatabaseName": "app",
            "MasterUsername": "owner",
            "ManageMasterUserPassword": True,
            "Port": 5444,
            "BackupRetentionPeriod": 9,
            "PreferredBackupWindow": "03:00-04:00",
            "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "EnableIAMDatabaseAuthentication": True,
            "CopyTagsToSnapshot": True,
            "EnableHttpEndpoint": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 3},
            "Tags": [*TAGS, {"Key": "RestoredAt", "Value": {"Ref": RESTORED_AT_PARAMETER}}],
        },
    },
    # As the policy of the tasks and the outputs of the platform: resolved from an attribute of the cluster.
    "Id": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Cluster", "DBClusterResourceId"]}},
    },
    **{
        f"Instance{number}": {
            "Type": "AWS::RDS::DBInstance",
            "DependsOn": ["Cluster", *(["Instance1"] if number > 1 else [])],
            "Properties": {
                "DBInstanceIdentifier": f"{SOURCE}-{number}",
                "DBClusterIdentifier": SOURCE,
                "DBInstanceClass": "db.serverless",
                "Engine": "aurora-postgresql",
                "AvailabilityZone": f"us-east-1{zone}",
                "PromotionTier": number - 1,
                "AutoMinorVersionUpgrade": False,
                "PubliclyAccessible": False,
                "EnablePerformanceInsights": True,
                "PerformanceInsightsKMSKeyId": "arn:aws:kms:us-east-1:000000000000:key/insights",
                "Tags": TAGS,
            },
        }
        for number, zone in ((1, "a"), (2, "b"))
    },
}
TEMPLATE = {
    "Parameters": {
        RESTORED_AT_PARAMETER: {"Type": "String", "Default": NEVER_RESTORED},
        "Other": {"Type": "String", "Default": "as it was"},
    },
    "Resources": CLUSTER,
    "Outputs": {"Secret": {"Value": {"Fn::GetAtt": ["Cluster", "MasterUserSecret.SecretArn"]}}},
}
TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
}


@pytest.fixture
def asked(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        OutputKey.TABLE_NAME: SOURCE, OutputKey.CLUSTER_IDENTIFIER: SOURCE,
        OutputKey.REGION: "us-east-1", OutputKey.SUFFIX: SOURCE,
    }  # fmt: skip
    monkeypatch.setattr(outputs, "deployed", lambda *_: found)
    monkeypatch.setattr(Connection, "client", lambda _, service, **__: aws(service))
    monkeypatch.setattr(cli, "POLL_SECONDS", 0.1)


@pytest.fixture
def cluster(aws: Aws) -> Iterator[Any]:
    rds = aws("rds")
    assert deploy(aws, STACK, TEMPLATE).status == "CREATE_COMPLETE"
    yield rds
    for instance in rds.describe_db_instances()["DBInstances"]:
        if instance.get("DBClusterIdentifier") in (COPY, LOST):
            rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    for each in rds.describe_db_clusters()["DBClusters"]:
        if each["DBClusterIdentifier"] in (COPY, LOST):
            rds.delete_db_cluster(DBClusterIdentifier=each["DBClusterIdentifier"], SkipFinalSnapshot=True)
    delete(aws, STACK)


def _lasting(described: dict[str, Any]) -> dict[str, Any]:
    lasting = {name: value for name, value in described.items() if not ITS_OWN.search(name)}
    return {**lasting, "TagList": own_tags(described.get("TagList", []))}


def _cluster(rds: Any, name: str) -> dict[str, Any]:
    return dict(rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])


def _instances(rds: Any, name: str) -> list[dict[str, Any]]:
    found = [each for each in rds.describe_db_instances()["DBInstances"] if each.get("DBClusterIdentifier") == name]
    return sorted(found, key=lambda each: str(each["DBInstanceIdentifier"]))


@pytest.mark.usefixtures("asked")
def test_a_restored_cluster_is_its_source_but_for_its_names(cluster: Any) -> None:
    assert main(["restore", "aurora", "--to", "latest", "--yes"]) == 0
    source, copy = _cluster(cluster, SOURCE), _cluster(cluster, COPY)
    assert _lasting(copy) == _lasting(source)
    assert copy["HttpEndpointEnabled"] is True
    assert copy["MasterUserSecret"]["SecretArn"] != source["MasterUserSecret"]["SecretArn"]
    assert copy["MasterUserSecret"]["KmsKeyId"] == source["MasterUserSecret"]["KmsKeyId"]
    pairs = list(zip(_instances(cluster, SOURCE), _instances(cluster, COPY), strict=True))
    for one, two in pairs:
        assert _lasting(two) == _lasting(one)
    writers = [each["IsClusterWriter"] for each in sorted(copy["DBClusterMembers"], key=str)]
    assert writers.count(True) == 1


def _resolved(aws: Aws) -> tuple[str, str]:
    """Return what the stack has resolved: the resource id in a resource beside the cluster, and the secret."""
    cloudformation = aws("cloudformation")
    name = cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="Id")["StackResourceDetail"]
    outputs_ = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    value = aws("ssm").get_parameter(Name=name["PhysicalResourceId"])["Parameter"]["Value"]
    return value, outputs_[0]["OutputValue"]


def _attributes(described: dict[str, Any]) -> tuple[str, str]:
    return described["DbClusterResourceId"], described["MasterUserSecret"]["SecretArn"]


@pytest.mark.usefixtures("asked")
def test_a_take_over_puts_the_copy_in_the_place_of_its_source_and_the_stack_follows(cluster: Any, aws: Aws) -> None:
    before = _cluster(cluster, SOURCE)
    assert _resolved(aws) == _attributes(before)
    assert main(["restore", "aurora", "--to", "latest", "--yes"]) == 0
    assert main(["restore", "take-over", "--yes"]) == 0
    after, lost = _cluster(cluster, SOURCE), _cluster(cluster, LOST)
    for same in ("DBClusterArn", "Endpoint", "ReaderEndpoint", "Port"):
        assert after[same] == before[same]
    assert lost["Endpoint"] != after["Endpoint"]
    assert lost["DbClusterResourceId"] == before["DbClusterResourceId"] != after["DbClusterResourceId"]
    assert [each["DBInstanceIdentifier"] for each in _instances(cluster, SOURCE)] == [f"{SOURCE}-1", f"{SOURCE}-2"]
    assert [each["DBInstanceIdentifier"] for each in _instances(cluster, LOST)] == [f"{LOST}-1", f"{LOST}-2"]
    assert _resolved(aws) == _attributes(after) != _attributes(before)
    marks = [tag["Value"] for tag in after["TagList"] if tag["Key"] == "RestoredAt"]
    assert len(marks) == 1
    assert marks != [NEVER_RESTORED]


@pytest.mark.usefixtures("asked")
def test_a_deleted_cluster_has_a_successor_with_its_endpoint_and_nothing_else_refreshes_attributes(
    cluster: Any, aws: Aws
) -> None:
    before = _cluster(cluster, SOURCE)
    assert main(["restore", "aurora", "--to", "latest", "--yes"]) == 0
    for number in (2, 1):
        cluster.delete_db_instance(DBInstanceIdentifier=f"{SOURCE}-{number}", SkipFinalSnapshot=True)
    cluster.delete_db_cluster(DBClusterIdentifier=SOURCE, SkipFinalSnapshot=True)
    assert main(["restore", "take-over", "--yes"]) == 0
    after = _cluster(cluster, SOURCE)
    assert after["Endpoint"] == before["Endpoint"]
    assert _resolved(aws) == _attributes(after) != _attributes(before)


@pytest.fixture
def table(aws: Aws) -> Iterator[Any]:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(TableName=SOURCE, Tags=TAGS, **TABLE)
    lifetime = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName=SOURCE, TimeToLiveSpecification=lifetime)
    dynamodb.update_continuous_backups(
        TableName=SOURCE,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 9},
    )
    dynamodb.put_item(TableName=SOURCE, Item={"pk": {"S": "kept"}})
    yield dynamodb
    for name in (SOURCE, COPY):
        if name in dynamodb.list_tables()["TableNames"]:
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.delete_table(TableName=name)


@pytest.mark.usefixtures("asked")
def test_a_restored_table_is_its_source_but_for_its_names(table: Any) -> None:
    assert main(["restore", "table", "--to", "latest", "--yes"]) == 0
    source, copy = (table.describe_table(TableName=name)["Table"] for name in (SOURCE, COPY))
    assert copy["DeletionProtectionEnabled"] is True
    assert _lasting(copy) == _lasting(source)
    for question in ("describe_time_to_live", "describe_continuous_backups"):
        answers = [getattr(table, question)(TableName=name) for name in (SOURCE, COPY)]
        for answer in answers:
            answer.pop("ResponseMetadata")
            recovery = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
            for end in ("Earliest", "Latest"):
                recovery.pop(f"{end}RestorableDateTime", None)
        assert answers[0] == answers[1]
    tags = table.list_tags_of_resource(ResourceArn=copy["TableArn"])["Tags"]
    assert tags == TAGS
    assert table.scan(TableName=COPY)["Items"] == [{"pk": {"S": "kept"}}]
