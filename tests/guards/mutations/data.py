"""Seeded defects of the Aurora cluster and the DynamoDB table."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from tests.guards.mutations import MutableApp, mutation
from tests.guards.mutations.operations import copy_backups

CLUSTER = "AWS::RDS::DBCluster"
INSTANCE = "AWS::RDS::DBInstance"
SCALING = "ServerlessV2ScalingConfiguration"


def of_version(app: MutableApp, version: str) -> None:
    """Give the cluster another version, and its parameter group the family of that."""
    app.properties(CLUSTER)["EngineVersion"] = version
    app.properties("AWS::RDS::DBClusterParameterGroup")["Family"] = f"aurora-postgresql{version.partition('.')[0]}"


@mutation("DR-AURORA-01")
def retired_version(app: MutableApp) -> None:
    of_version(app, "15.6")


@mutation("DR-AURORA-01")
def version_that_never_existed(app: MutableApp) -> None:
    global_cluster(app, EngineVersion="17.8")


@mutation("DR-AURORA-02")
def support_that_ends(app: MutableApp) -> None:
    app.properties(CLUSTER)["EngineVersion"] = "17.5"


@mutation("DR-AURORA-03")
def version_without_data_api(app: MutableApp) -> None:
    of_version(app, "14.6")


@mutation("DR-AURORA-04")
def no_capacity_range(app: MutableApp) -> None:
    del app.properties(CLUSTER)[SCALING]


@mutation("DR-AURORA-05")
def minimum_above_maximum(app: MutableApp) -> None:
    app.properties(CLUSTER)[SCALING] = {"MinCapacity": 32, "MaxCapacity": 16}


@mutation("DR-AURORA-05")
def capacity_between_steps(app: MutableApp) -> None:
    app.properties(CLUSTER)[SCALING]["MinCapacity"] = "0.7"


@mutation("DR-AURORA-06")
def log_type_of_mysql(app: MutableApp) -> None:
    app.properties(CLUSTER)["EnableCloudwatchLogsExports"] = ["slowquery"]
    group = app.properties("AWS::Logs::LogGroup", "PostgresqlLogGroup")
    group["LogGroupName"] = group["LogGroupName"].replace("postgresql", "slowquery")


@mutation("DR-AURORA-07")
def secondary_without_key(app: MutableApp) -> None:
    properties = app.properties(CLUSTER)
    properties["GlobalClusterIdentifier"] = "payments"
    for name in ("KmsKeyId", "MasterUsername", "ManageMasterUserPassword", "MasterUserSecret"):
        del properties[name]
    forget_secret(app)


@mutation("DR-AURORA-08")
def password_in_the_template(app: MutableApp) -> None:
    own_password(app, "correct-horse-battery")


@mutation("DR-AURORA-08")
def password_in_a_parameter(app: MutableApp) -> None:
    # The root hides it, and the nested stack, whose own parameter has no NoEcho, shows it.
    root = app.documents["root.template.json"]
    root.setdefault("Parameters", {})["Password"] = {"Type": "String", "NoEcho": True}
    app.properties("AWS::CloudFormation::Stack", "Database").setdefault("Parameters", {})["Password"] = {
        "Ref": "Password"
    }
    app.template_with(CLUSTER)["Parameters"]["Password"] = {"Type": "String"}
    own_password(app, {"Ref": "Password"})


@mutation("DR-AURORA-09")
def reserved_user(app: MutableApp) -> None:
    app.properties(CLUSTER)["MasterUsername"] = "admin"


@mutation("DR-AURORA-10")
def managed_password_in_a_global_database(app: MutableApp) -> None:
    global_cluster(app, SourceDBClusterIdentifier={"Ref": next(iter(app.resources(CLUSTER)))})


@mutation("DR-AURORA-11")
def writer_alone(app: MutableApp) -> None:
    app.remove(INSTANCE, "ClusterReader")


@mutation("DR-AURORA-11")
def writer_and_reader_in_one_zone(app: MutableApp) -> None:
    zone = app.properties(INSTANCE, "ClusterWriter")["AvailabilityZone"]
    app.properties(INSTANCE, "ClusterReader")["AvailabilityZone"] = zone


@mutation("DR-AURORA-12")
def reader_on_its_own(app: MutableApp) -> None:
    app.properties(INSTANCE, "ClusterReader")["PromotionTier"] = 2


@mutation("DR-AURORA-13")
def windows_at_the_same_time(app: MutableApp) -> None:
    app.properties(CLUSTER)["PreferredBackupWindow"] = "05:30-06:30"


@mutation("DR-AURORA-14")
def retained_but_not_protected(app: MutableApp) -> None:
    app.properties(CLUSTER)["DeletionProtection"] = False


@mutation("DR-AURORA-14", profile="dev")
def protected_but_to_be_deleted(app: MutableApp) -> None:
    app.properties(CLUSTER)["DeletionProtection"] = "true"


@mutation("DR-AURORA-15")
def default_port(app: MutableApp) -> None:
    port = app.properties(CLUSTER)["Port"]
    for name, document in app.documents.items():  # rules of the security groups follow it
        app.documents[name] = json.loads(re.sub(rf"\b{port}\b", "5432", json.dumps(document)))


@mutation("DR-AURORA-16")
def tls_optional(app: MutableApp) -> None:
    app.properties("AWS::RDS::DBClusterParameterGroup")["Parameters"]["rds.force_ssl"] = "0"


@mutation("DR-AURORA-17")
def public_reader(app: MutableApp) -> None:
    app.properties(INSTANCE, "ClusterReader")["PubliclyAccessible"] = True


@mutation("DR-AURORA-18")
def subnet_group_of_one(app: MutableApp) -> None:
    del app.properties("AWS::RDS::DBSubnetGroup")["SubnetIds"][1:]


def own_password(app: MutableApp, password: Any) -> None:
    """Replace the password that RDS manages."""
    properties = app.properties(CLUSTER)
    del properties["ManageMasterUserPassword"], properties["MasterUserSecret"]
    properties["MasterUserPassword"] = password
    forget_secret(app)


def forget_secret(app: MutableApp) -> None:
    """Pass on another secret than that of the managed password, which is no more."""
    for output in app.template_with(CLUSTER)["Outputs"].values():
        if output["Value"] == {"Fn::GetAtt": [next(iter(app.resources(CLUSTER))), "MasterUserSecret.SecretArn"]}:
            output["Value"] = "arn:aws:secretsmanager:us-east-1:111122223333:secret:owner-AbCdEf"


def global_cluster(app: MutableApp, **properties: Any) -> None:
    """Add a global cluster beside the regional one."""
    properties = {"Engine": "aurora-postgresql", **properties}
    app.add(
        CLUSTER, "Global", {"Type": "AWS::RDS::GlobalCluster", "DeletionPolicy": "Retain", "Properties": properties}
    )


@mutation("DR-AURORA-19")
def log_group_of_another_cluster(app: MutableApp) -> None:
    group = app.properties("AWS::Logs::LogGroup", "PostgresqlLogGroup")
    group["LogGroupName"] = "/aws/rds/cluster/dr-aurora-eu1/postgresql"


@mutation("DR-AURORA-20")
def instances_that_upgrade_by_default(app: MutableApp) -> None:
    for instance in app.resources("AWS::RDS::DBInstance").values():
        del instance["Properties"]["AutoMinorVersionUpgrade"]


TABLE = "AWS::DynamoDB::GlobalTable"


@mutation("DR-DYNAMODB-01")
def no_recovery(app: MutableApp) -> None:
    del replicas(app)[0]["PointInTimeRecoverySpecification"]


@mutation("DR-DYNAMODB-01", judged_as="multi-region")
def no_recovery_on_the_second_replica(app: MutableApp) -> None:
    second = add_replica(app)
    second["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] = "false"


@mutation("DR-DYNAMODB-02", judged_as="multi-region")
def replica_without_key(app: MutableApp) -> None:
    del add_replica(app)["SSESpecification"]


@mutation("DR-DYNAMODB-03")
def time_to_live_of_nothing(app: MutableApp) -> None:
    del app.properties(TABLE)["TimeToLiveSpecification"]["AttributeName"]


@mutation("DR-DYNAMODB-04")
def keys_without_encryption(app: MutableApp) -> None:
    del app.properties(TABLE)["SSESpecification"]


def replicas(app: MutableApp) -> list[dict[str, Any]]:
    """Return the replicas of the table, to be edited in place."""
    found: list[dict[str, Any]] = app.properties(TABLE)["Replicas"]
    return found


def add_replica(app: MutableApp) -> dict[str, Any]:
    """Add a replica in another Region like the first, with a key of its own, and let backups follow."""
    copy_backups(app)
    app.properties(TABLE)["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    second = copy.deepcopy(replicas(app)[0])
    second["Region"] = "us-west-2"
    second["SSESpecification"] = {"KMSMasterKeyId": {"Fn::Sub": "arn:aws:kms:us-west-2:${AWS::AccountId}:key/mrk-1"}}
    replicas(app).append(second)
    return second


@mutation("DR-REGION-01", judged_as="multi-region")
def replica_at_home_only(app: MutableApp) -> None:
    add_replica(app)
    replicas(app).pop()


@mutation("DR-REGION-02", judged_as="multi-region")
def copies_that_stay_in_the_region(app: MutableApp) -> None:
    add_replica(app)
    copy_backups(app, "us-east-1")


@mutation("DR-AURORA-23")
def data_api_switched_off(app: MutableApp) -> None:
    app.properties(CLUSTER)["EnableHttpEndpoint"] = False


@mutation("DR-HYGIENE-13")
def selection_by_name(app: MutableApp) -> None:
    app.properties("AWS::Backup::BackupSelection")["BackupSelection"]["Resources"].append("dr-aurora-eu1-us-east-1")


@mutation("DR-AURORA-24")
def reader_in_a_third_zone(app: MutableApp) -> None:
    app.properties("AWS::RDS::DBInstance", "ClusterReader")["AvailabilityZone"] = {
        "Fn::Select": ["2", {"Fn::GetAZs": ""}]
    }
