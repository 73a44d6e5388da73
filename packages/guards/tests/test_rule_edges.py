"""Rules at the edge of what a template tells: an unusual spelling is judged, and what is not known is no finding."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, resource, template
from guards_testing.judge import OPEN, PARAMETERS, allow, found, messages

# ECS

BALANCER = {"ContainerName": "web", "ContainerPort": 80}


@pytest.mark.parametrize(
    ("containers", "balancer", "expected"),
    [
        ([{"Name": "app"}], BALANCER, 1),
        ([{"Name": "web", "PortMappings": [{"ContainerPort": 8080}]}], BALANCER, 1),
        ([{"Name": "app"}], "web:80", 0),
        ([{"Name": "app"}], {**BALANCER, "ContainerName": OPEN}, 0),
        ([{"Name": "web"}], {**BALANCER, "ContainerPort": OPEN}, 0),
        ([{"Name": "app"}, {"Name": OPEN}], BALANCER, 0),
        ([{"Name": "app"}, OPEN], BALANCER, 0),
        ([{"Name": "web", "PortMappings": "80"}], BALANCER, 0),
    ],
)
def test_a_load_balancer_and_its_container(containers: list[Any], balancer: Any, expected: int) -> None:
    resources = {
        "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=containers),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, LoadBalancers=[balancer]),
    }
    assert len(found("DR-ECS-12", resources)) == expected


@pytest.mark.parametrize(("cpu", "expected"), [("300", 1), ("much", 0), (True, 0), ([], 0)])
def test_a_size_that_cannot_be_read_is_not_judged(cpu: Any, expected: int) -> None:
    task = resource("AWS::ECS::TaskDefinition", RequiresCompatibilities=["FARGATE"], Cpu=cpu, Memory="512")
    assert len(found("DR-ECS-13", {"Task": task})) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [({}, 1), ({"LinuxParameters": OPEN}, 0), ({"MountPoints": OPEN}, 0)],
)
def test_paths_that_are_not_known_may_be_writable(paths: Template, expected: int) -> None:
    container = {"Name": "app", "Image": "app:1", "ReadonlyRootFilesystem": True, **paths}
    resources = {
        "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[container]),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, EnableExecuteCommand=True),
    }
    assert bool(found("DR-ECS-14", resources)) == bool(expected)


def database(container: Template, definition: Any = None, **cluster: Any) -> list[str]:
    """Judge the way from the tasks of a service to a database whose security group admits nobody."""
    closed = {"GroupDescription": "closed", "VpcId": "vpc-1"}
    groups = [{"Fn::GetAtt": ["Closed", "GroupId"]}]
    instance = {"Engine": "postgres", "VPCSecurityGroups": groups}
    network = {"AwsvpcConfiguration": {"SecurityGroups": [{"Ref": "Tasks"}], "Subnets": ["subnet-1"]}}
    resources = {
        "Tasks": resource("AWS::EC2::SecurityGroup", **closed),
        "Closed": resource("AWS::EC2::SecurityGroup", **closed),
        "Cluster": resource(
            "AWS::RDS::DBCluster", **{"Engine": "aurora-postgresql", "VpcSecurityGroupIds": groups, **cluster}
        ),
        "Reader": resource("AWS::RDS::DBInstance", DBClusterIdentifier={"Ref": "Cluster"}),
        "Single": resource("AWS::RDS::DBInstance", **instance),
        "Attached": resource("AWS::SecretsManager::SecretTargetAttachment", TargetId={"Ref": "Cluster"}),
        "Stray": resource("AWS::SecretsManager::SecretTargetAttachment", TargetId="orders"),
        "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "app", **container}]),
        "Service": resource(
            "AWS::ECS::Service", TaskDefinition=definition or {"Ref": "Task"}, NetworkConfiguration=network
        ),
    }
    return found("DR-ECS-17", resources)


def given(name: str) -> Template:
    return {"Environment": [{"Name": "HOST", "Value": {"Fn::GetAtt": [name, "Endpoint.Address"]}}]}


@pytest.mark.parametrize(
    ("container", "name"),
    [
        (given("Cluster"), "Cluster"),
        (given("Reader"), "Cluster"),
        (given("Single"), "Single"),
        ({"Secrets": [{"Name": "LOGIN", "ValueFrom": {"Ref": "Attached"}}]}, "Cluster"),
    ],
)
def test_a_database_is_named_by_its_instance_or_its_secret_too(container: Template, name: str) -> None:
    (message,) = database(container)
    assert message.startswith(f"The containers are given {name}, but the security groups of {name} do not admit")


def test_a_database_that_is_not_known_is_not_judged() -> None:
    assert database({"Secrets": [{"Name": "LOGIN", "ValueFrom": {"Ref": "Stray"}}]}) == []
    assert database(given("Cluster"), Port=OPEN) == []
    assert database(given("Cluster"), Engine=OPEN) == []
    assert database(given("Cluster"), definition="orders:7") == []


# Aurora

SECRET = "{{resolve:secretsmanager:orders:SecretString:password}}"


@pytest.mark.parametrize(("value", "expected"), [("0", 1), ({}, 1), (OPEN, 0), (["0"], 0), ("1", 0)])
def test_a_parameter_of_a_group_that_is_not_known_may_require_tls(value: Any, expected: int) -> None:
    parameters = {} if value == {} else {"rds.force_ssl": value}
    resources = {
        "Group": resource("AWS::RDS::DBClusterParameterGroup", Family="aurora-postgresql16", Parameters=parameters),
        "Cluster": resource(
            "AWS::RDS::DBCluster", Engine="aurora-postgresql", DBClusterParameterGroupName={"Ref": "Group"}
        ),
    }
    assert len(found("DR-AURORA-16", resources)) == expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("Mon:23:00-Tue:00:00", 0),
        ("Mon:24:00-Tue:01:00", 1),
        ("Mon:23:00-Mon:23:60", 1),
        ("Day:23:00-Mon:23:50", 1),
    ],
)
def test_a_window_at_an_hour_that_no_day_has(window: str, expected: int) -> None:
    cluster = resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", PreferredMaintenanceWindow=window)
    assert len(found("DR-AURORA-13", {"Cluster": cluster})) == expected


def password(written: Any, **parameters: Any) -> list[str]:
    """Judge a master password; the secrets Open and Plain have a generated one and a literal one."""
    resources = {
        "Generated": resource("AWS::SecretsManager::Secret", SecretString='{"username": "orders"}'),
        "Plain": resource("AWS::SecretsManager::Secret", SecretString='{"password": "orders"}'),
        "Cluster": resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", MasterUserPassword=written),
    }
    return found("DR-AURORA-08", resources, Parameters={**PARAMETERS, **parameters})


def chosen(value: Any, times: int) -> Any:
    for _ in range(times):
        value = {"Fn::If": ["Any", value, SECRET]}
    return value


def test_a_password_behind_more_choices_than_are_followed_is_not_judged() -> None:
    assert len(password(chosen("orders", 20))) == 1
    assert password(chosen("orders", 21)) == []


def joined(value: Any, times: int) -> Any:
    for _ in range(times):
        value = {"Fn::Join": ["", [value]]}
    return value


def test_a_parameter_inside_more_functions_than_are_followed_is_not_judged() -> None:
    open_password = {"Fn::Sub": "a-${Open}"}
    (message,) = password(joined(open_password, 1))
    assert "Open has no NoEcho" in message
    assert not any("Open" in line for line in password(joined(open_password, 11)))


def test_a_default_that_is_a_dynamic_reference() -> None:
    assert password({"Ref": "Login"}, Login={"Type": "String", "Default": SECRET}) == []
    (message,) = password({"Ref": "Login"}, Login={"Type": "String", "Default": "{{resolve:ssm:login}}"})
    assert "plain String" in message


def test_a_secret_is_read_for_its_password_alone() -> None:
    def of(name: str) -> Template:
        return {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{name}}}:SecretString:password}}}}"}

    assert password(of("Generated")) == []
    assert len(password(of("Plain"))) == 1


def test_a_dynamic_reference_to_the_name_of_a_secret_that_a_parent_passes() -> None:
    def app(store: str) -> Assembly:
        written = {"Fn::Sub": f"{{{{resolve:{store}:${{Named}}}}}}"}
        cluster = resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", MasterUserPassword=written)
        child = template({"Cluster": cluster}, Parameters={"Named": {"Type": "String"}})
        return Assembly({"root": template({"Child": nested("child", Named="orders")}), "child": child})

    assert messages("DR-AURORA-08", app("secretsmanager")) == []
    assert len(messages("DR-AURORA-08", app("other"))) > 0


# Backup and IAM


@pytest.mark.parametrize(("days", "expected"), [(6, 1), (7, 0), (30, 0), (31, 1)])
def test_the_bounds_of_an_air_gapped_vault_hold_without_a_lock(days: int, expected: int) -> None:
    kind = "AWS::Backup::LogicallyAirGappedBackupVault"
    step = {"RuleName": "daily", "TargetBackupVault": {"Ref": "Vault"}, "Lifecycle": {"DeleteAfterDays": days}}
    resources = {
        "Vault": resource(kind, BackupVaultName="gap", MinRetentionDays=7, MaxRetentionDays=30),
        "Plan": resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanRule": [step]}),
    }
    assert len(found("DR-BACKUP-04", resources)) == expected


@pytest.mark.parametrize(("attribute", "expected"), [("Arn", 1), ("QueueName", 0), ("RoleArn", 0)])
def test_an_attribute_that_is_no_arn_may_name_a_principal(attribute: str, expected: int) -> None:
    document = allow({"AWS": {"Fn::GetAtt": ["Queue", attribute]}}, "kms:Decrypt")
    resources = {"Queue": resource("AWS::SQS::Queue"), "Key": resource("AWS::KMS::Key", KeyPolicy=document)}
    assert sum("cannot sign requests" in line for line in found("DR-IAM", resources)) == expected


@pytest.mark.parametrize(("service", "expected"), [("backup", 1), ("lambda", 0)])
def test_a_role_that_is_passed_to_a_restore_is_one_of_the_service(service: str, expected: int) -> None:
    starts = {"Effect": "Allow", "Action": "backup:StartRestoreJob", "Resource": "*"}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": {"Fn::GetAtt": ["Role", "Arn"]}}
    trust = allow({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole")
    resources = {
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust),
        "Starter": resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [starts, passes]}),
    }
    assert len(found("DR-IAM-04", resources)) == expected


def test_an_action_that_is_repeated_is_named_once() -> None:
    statement = {"Effect": "Allow", "Action": ["sqs:SendMessage"] * 2, "Resource": "arn:aws:s3:::orders"}
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]})
    (message,) = found("DR-IAM-06", {"Policy": policy}) + found("DR-IAM-05", {"Policy": policy})
    assert message.startswith("sqs:SendMessage is not authorized on ")


def test_a_setting_that_is_spelled_with_references_has_one_owner() -> None:
    def scaling(parameter: str, **more: Any) -> Template:
        where = {"Fn::Sub": "service/${Cluster}/${" + parameter + "}"}
        return resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            ResourceId=where,
            ScalableDimension="ecs:service:DesiredCount",
            **more,
        )

    cluster, service = resource("AWS::ECS::Cluster"), resource("AWS::ECS::Service")
    same = {"Cluster": cluster, "Api": service, "One": scaling("Api"), "Two": scaling("Api", _DependsOn="Nothing")}
    assert found("DR-OWNER-03", same) == ["One sets the same already."]
    assert found("DR-OWNER-03", {"Cluster": cluster, "One": scaling("Open"), "Two": scaling("Open")}) == []


def test_the_nearest_version_is_of_the_same_product() -> None:
    cluster = resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", EngineVersion="16.1")
    (message,) = found("DR-AURORA-01", {"Cluster": cluster})
    assert "-limitless" not in message.partition("the newest")[0]
