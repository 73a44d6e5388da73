"""RDS refuses what does not fit together, and deletions of what is protected or used, by its API and in a stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_elbv2 import network

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.aurora import described, found, member
from embedded_testing.refused import refused
from embedded_testing.stack import delete, reasons, wait

pytestmark = pytest.mark.emulator


@pytest.fixture
def subnets(deploy: Deploy) -> list[str]:
    """Return two subnets of one zone and one of another."""
    third = {
        "VpcId": {"Ref": "Vpc"},
        "CidrBlock": "10.3.3.0/24",
        "AvailabilityZone": "us-east-1b",
    }
    ids = deploy({**network("us-east-1a"), "Three": {"Type": "AWS::EC2::Subnet", "Properties": third}}).physical_ids
    return [ids["One"], ids["Two"], ids["Three"]]


@pytest.fixture
def cluster(aws: Aws) -> Iterator[str]:
    """Return a cluster of a kind that has no PostgreSQL behind it, with two instances in two zones."""
    rds = aws("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="record",
        Engine="aurora-mysql",
        MasterUsername="owner",
        MasterUserPassword="password-1",
        StorageEncrypted=True,
        KmsKeyId="arn:aws:kms:us-east-1:000000000000:key/1",
    )
    for number, zone in enumerate("ab", 1):
        member(aws, f"record-{number}", AvailabilityZone=f"us-east-1{zone}")
    yield "record"
    for instance in rds.describe_db_instances()["DBInstances"]:
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    for each in rds.describe_db_clusters()["DBClusters"]:
        rds.delete_db_cluster(DBClusterIdentifier=each["DBClusterIdentifier"], SkipFinalSnapshot=True)


def test_an_instance_needs_its_cluster(aws: Aws) -> None:
    expected = ("DBClusterNotFoundFault", "Could not find cluster: none")
    assert refused(lambda: member(aws, "any", cluster="none")) == expected
    alone = {"DBInstanceIdentifier": "any", "DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    expected = ("MissingParameter", "The parameter AllocatedStorage must be provided and must not be null.")
    assert refused(lambda: aws("rds").create_db_instance(**alone)) == expected
    assert aws("rds").describe_db_instances()["DBInstances"] == []


def test_an_instance_in_a_stack_needs_its_cluster(aws: Aws, deploy: Deploy) -> None:
    properties = {"DBClusterIdentifier": "none", "DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    failed = deploy({"Instance": {"Type": "AWS::RDS::DBInstance", "Properties": properties}})
    assert failed.status == "ROLLBACK_COMPLETE"
    assert "Could not find cluster: none" in reasons(aws, failed.name)


def test_a_cluster_needs_its_subnet_group(aws: Aws) -> None:
    request = {"DBClusterIdentifier": "any", "Engine": "aurora-mysql", "DBSubnetGroupName": "none"}
    expected = ("DBSubnetGroupNotFoundFault", "DB subnet group 'none' does not exist.")
    assert refused(lambda: aws("rds").create_db_cluster(**request)) == expected


def test_an_instance_has_the_storage_of_its_cluster(aws: Aws, cluster: str) -> None:
    about = described(aws, cluster)
    assert about["MultiAZ"] is True
    assert "StorageType" not in about
    instance = found(aws, "record-1")
    assert instance["StorageEncrypted"] is True
    assert (instance["KmsKeyId"], instance["StorageType"]) == (about["KmsKeyId"], "aurora")
    aws("rds").modify_db_cluster(DBClusterIdentifier=cluster, StorageType="aurora-iopt1", ApplyImmediately=True)
    aws("rds").modify_db_cluster(DBClusterIdentifier=cluster, BackupRetentionPeriod=9, ApplyImmediately=True)
    assert described(aws, cluster)["StorageType"] == "aurora-iopt1"
    instance = found(aws, "record-2")
    assert (instance["StorageType"], instance["BackupRetentionPeriod"]) == ("aurora-iopt1", 9)
    aws("rds").delete_db_instance(DBInstanceIdentifier="record-2", SkipFinalSnapshot=True)
    assert described(aws, cluster)["MultiAZ"] is False


def test_enhanced_monitoring_says_where_it_writes(aws: Aws, cluster: str) -> None:
    role = "arn:aws:iam::000000000000:role/monitoring"
    member(aws, "record-3", cluster=cluster, MonitoringInterval=60, MonitoringRoleArn=role)
    watched = found(aws, "record-3")
    stream = f"log-group:RDSOSMetrics:log-stream:{watched['DbiResourceId']}"
    assert watched["EnhancedMonitoringResourceArn"] == f"arn:aws:logs:us-east-1:000000000000:{stream}"
    assert not found(aws, "record-1").get("EnhancedMonitoringResourceArn")


def test_another_member_writes_when_the_writer_is_deleted(aws: Aws, cluster: str) -> None:
    def writers() -> list[str]:
        members = described(aws, cluster)["DBClusterMembers"]
        return [each["DBInstanceIdentifier"] for each in members if each["IsClusterWriter"]]

    assert writers() == ["record-1"]
    aws("rds").delete_db_instance(DBInstanceIdentifier="record-1", SkipFinalSnapshot=True)
    assert writers() == ["record-2"]
    aws("rds").delete_db_instance(DBInstanceIdentifier="record-2", SkipFinalSnapshot=True)
    assert writers() == []


def test_an_update_that_removes_the_writer_leaves_a_writer(aws: Aws, deploy: Deploy) -> None:
    properties = {"Engine": "aurora-mysql", "MasterUsername": "owner", "MasterUserPassword": "password-1"}
    one = {"DBClusterIdentifier": {"Ref": "Cluster"}, "DBInstanceClass": "db.r6g.large", "Engine": "aurora-mysql"}
    template = {
        "Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": properties},
        "First": {"Type": "AWS::RDS::DBInstance", "Properties": one},
        "Second": {"Type": "AWS::RDS::DBInstance", "Properties": one, "DependsOn": "First"},
    }
    made = deploy(template)
    del template["First"], template["Second"]["DependsOn"]
    assert deploy(template).status == "UPDATE_COMPLETE"
    members = described(aws, made.physical_ids["Cluster"])["DBClusterMembers"]
    writers = {each["DBInstanceIdentifier"]: each["IsClusterWriter"] for each in members}
    assert writers == {made.physical_ids["Second"]: True}

    renamed = {**template, "Cluster": {**template["Cluster"], "Properties": {**properties, "MasterUsername": "other"}}}
    replaced = deploy(renamed)
    assert replaced.status == "UPDATE_COMPLETE"
    assert replaced.physical_ids["Cluster"] != made.physical_ids["Cluster"]
    left = aws("rds").describe_db_clusters()["DBClusters"]
    assert [(each["DBClusterIdentifier"], each["MasterUsername"]) for each in left] == [
        (replaced.physical_ids["Cluster"], "other")
    ]


def test_what_is_protected_is_kept(aws: Aws, cluster: str) -> None:
    rds = aws("rds")
    rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=True)
    rds.modify_db_instance(DBInstanceIdentifier="record-1", DeletionProtection=True)
    message = "Cannot delete protected {}, please disable deletion protection and try again."
    assert refused(lambda: rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)) == (
        "InvalidParameterCombination",
        message.format("Cluster"),
    )
    assert refused(lambda: rds.delete_db_instance(DBInstanceIdentifier="record-1", SkipFinalSnapshot=True)) == (
        "InvalidParameterCombination",
        message.format("DB Instance"),
    )
    rds.modify_db_cluster(DBClusterIdentifier=cluster, DeletionProtection=False)
    rds.modify_db_instance(DBInstanceIdentifier="record-1", DeletionProtection=False)


def test_a_protected_cluster_fails_the_deletion_of_its_stack(aws: Aws, deploy: Deploy) -> None:
    properties = {
        "Engine": "aurora-mysql",
        "MasterUsername": "owner",
        "MasterUserPassword": "password-1",
        "DeletionProtection": True,
    }
    made = deploy({"Cluster": {"Type": "AWS::RDS::DBCluster", "Properties": properties, "DeletionPolicy": "Delete"}})
    aws("cloudformation").delete_stack(StackName=made.name)
    assert wait(aws, made.name) == "DELETE_FAILED"
    assert "Cannot delete protected Cluster, please disable deletion protection" in reasons(aws, made.name)
    aws("rds").modify_db_cluster(DBClusterIdentifier=made.physical_ids["Cluster"], DeletionProtection=False)
    delete(aws, made.name)


def test_a_subnet_group_covers_two_zones(aws: Aws, subnets: list[str]) -> None:
    rds, named = aws("rds"), {"DBSubnetGroupName": "group", "DBSubnetGroupDescription": "group"}
    expected = (
        "DBSubnetGroupDoesNotCoverEnoughAZs",
        (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: "
            "us-east-1a. Add subnets to cover at least 2 AZs."
        ),
    )
    assert refused(lambda: rds.create_db_subnet_group(**named, SubnetIds=subnets[:2])) == expected
    rds.create_db_subnet_group(**named, SubnetIds=subnets)
    assert refused(lambda: rds.modify_db_subnet_group(DBSubnetGroupName="group", SubnetIds=subnets[:2])) == expected
    rds.delete_db_subnet_group(DBSubnetGroupName="group")
    unknown = ["subnet-0123456789abcdef0"]
    assert refused(lambda: rds.create_db_subnet_group(**named, SubnetIds=unknown))[0] == "InvalidSubnet"


def test_groups_in_use_are_kept(aws: Aws, subnets: list[str]) -> None:
    rds = aws("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="used", DBSubnetGroupDescription="used", SubnetIds=subnets)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="used", DBParameterGroupFamily="aurora-mysql8.0", Description="used"
    )
    rds.create_db_cluster(
        DBClusterIdentifier="user",
        Engine="aurora-mysql",
        MasterUsername="owner",
        MasterUserPassword="password-1",
        DBSubnetGroupName="used",
        DBClusterParameterGroupName="used",
    )
    member(aws, "user-1", cluster="user", AvailabilityZone="us-east-1b")
    assert found(aws, "user-1")["DBSubnetGroup"]["DBSubnetGroupName"] == "used"
    assert refused(lambda: rds.delete_db_subnet_group(DBSubnetGroupName="used")) == (
        "InvalidDBSubnetGroupStateFault",
        "Cannot delete the subnet group 'used' because at least one database cluster: user is still using it.",
    )
    assert refused(lambda: rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="used")) == (
        "InvalidDBParameterGroupState",
        "One or more database instances are still members of this parameter group used, so the group cannot be deleted",
    )
    code, _message = refused(lambda: aws("ec2").delete_subnet(SubnetId=subnets[2]))
    assert code == "DependencyViolation"
    rds.delete_db_instance(DBInstanceIdentifier="user-1", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="user", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="used")
    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="used")


def test_the_subnet_group_of_a_single_instance_is_kept(aws: Aws, subnets: list[str]) -> None:
    rds = aws("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="single", DBSubnetGroupDescription="single", SubnetIds=subnets)
    alone = {"DBInstanceIdentifier": "alone", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres"}
    secret = {"MasterUsername": "owner", "MasterUserPassword": "password-1", "AllocatedStorage": 20}
    rds.create_db_instance(**alone, **secret, DBSubnetGroupName="single")
    assert found(aws, "alone")["StorageType"] == "gp2"
    code, message = refused(lambda: rds.delete_db_subnet_group(DBSubnetGroupName="single"))
    assert code == "InvalidDBSubnetGroupStateFault"
    assert "at least one database instance: alone is still using it." in message
    rds.delete_db_instance(DBInstanceIdentifier="alone", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="single")


def test_clusters_and_instances_get_new_names(aws: Aws, cluster: str) -> None:
    rds = aws("rds")
    rds.modify_db_cluster(DBClusterIdentifier=cluster, NewDBClusterIdentifier="Lost", ApplyImmediately=True)
    renamed = described(aws, "lost")
    assert renamed["DBClusterArn"].endswith(":cluster:lost")
    assert refused(lambda: described(aws, cluster))[0] == "DBClusterNotFoundFault"
    assert found(aws, "record-1")["DBClusterIdentifier"] == "lost"
    answer = rds.modify_db_instance(DBInstanceIdentifier="record-1", NewDBInstanceIdentifier="first")
    assert answer["DBInstance"]["DBInstanceArn"].endswith(":db:first")
    members = [each["DBInstanceIdentifier"] for each in described(aws, "lost")["DBClusterMembers"]]
    assert members == ["first", "record-2"]
    taken = {"DBInstanceIdentifier": "record-2", "NewDBInstanceIdentifier": "first"}
    assert refused(lambda: rds.modify_db_instance(**taken))[0] == "DBInstanceAlreadyExists"
    taken = {"DBClusterIdentifier": "lost", "NewDBClusterIdentifier": "lost"}
    assert refused(lambda: rds.modify_db_cluster(**taken))[0] == "DBClusterAlreadyExistsFault"
    unknown = {"DBClusterIdentifier": "none", "NewDBClusterIdentifier": "other"}
    assert refused(lambda: rds.modify_db_cluster(**unknown))[0] == "DBClusterNotFoundFault"
