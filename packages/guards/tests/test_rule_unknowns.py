"""Rules where a value is known in part only, or names what is not in the template: judged as far as it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakwater_guards.rules.lambda_functions.packages import Asset
from guards_testing.build import Template, resource
from guards_testing.judge import OPEN, found

ISOLATED: Template = {
    "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
    "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.0.1.0/24"),
    "Table": resource("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"}),
    "Way": resource("AWS::EC2::SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}),
    "Service": resource(
        "AWS::ECS::Service",
        LaunchType="FARGATE",
        TaskDefinition={"Ref": "Task"},
        NetworkConfiguration={"AwsvpcConfiguration": {"Subnets": [{"Ref": "Subnet"}]}},
    ),
}


def task(**container: Any) -> Template:
    """Return an isolated service with one container."""
    return {**ISOLATED, "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[container])}


def test_an_image_by_attribute_is_of_the_repository_here() -> None:
    repository = {"Repository": resource("AWS::ECR::Repository")}
    image = {"Fn::GetAtt": ["Repository", "RepositoryUri"]}
    assert len(found("DR-ECS-01", repository | task(Name="app", Image=image))) == 1


@pytest.mark.parametrize(("source", "count"), [("plain-name", 1), ("vault:of:another:kind", 0), (OPEN, 0)])
def test_a_secret_of_an_unknown_store_needs_no_endpoint(source: Any, count: int) -> None:
    given = task(Name="app", Image="public.ecr.aws/a/b:1", Secrets=[{"Name": "S", "ValueFrom": source}])
    assert len(found("DR-ECS-05", given)) == count


@pytest.mark.parametrize(("value", "count"), [("true", 1), ("false", 0)])
def test_a_denial_of_calls_without_a_key_that_services_never_carry(value: str, count: int) -> None:
    statements = [
        {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"},
        {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Null": {"aws:SourceVpce": value}}},
    ]
    given = {
        "Queue": resource("AWS::SQS::Queue"),
        "Policy": resource(
            "AWS::SQS::QueuePolicy",
            Queues=[{"Ref": "Queue"}],
            PolicyDocument={"Statement": [{**one, "Resource": "*"} for one in statements]},
        ),
        "Rule": resource("AWS::Events::Rule", Targets=[{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]),
    }
    assert len(found("DR-ACCESS-01", given)) == count


def cluster(**properties: Any) -> Template:
    """Return an Aurora cluster."""
    return {"Cluster": resource("AWS::RDS::DBCluster", **{"Engine": "aurora-postgresql", **properties})}


@pytest.mark.parametrize(("version", "count"), [("15.8", 1), ("17.7", 0)])
def test_a_parameter_group_without_parameters_leaves_tls_as_it_is(version: str, count: int) -> None:
    group = resource("AWS::RDS::DBClusterParameterGroup", Family=f"aurora-postgresql{version[:2]}")
    given = cluster(EngineVersion=version, DBClusterParameterGroupName={"Ref": "Group"})
    assert len(found("DR-AURORA-16", given | {"Group": group})) == count


@pytest.mark.parametrize(("name", "count"), [("${Open}", 0), ("other", 1)])
def test_a_log_group_whose_name_is_open_may_be_the_one(name: str, count: int) -> None:
    group = resource("AWS::Logs::LogGroup", LogGroupName={"Fn::Sub": f"/aws/rds/cluster/{name}/postgresql"})
    given = cluster(DBClusterIdentifier="orders", EnableCloudwatchLogsExports=["postgresql"])
    assert len(found("DR-AURORA-19", given | {"Group": group})) == count


@pytest.mark.parametrize(
    ("password", "count"),
    [("{{resolve:secretsmanager:${AWS::StackName}/db}}", 0), ("{{resolve:ssm:${AWS::StackName}/db}}", 1)],
)
def test_a_password_by_a_name_that_is_made_from_the_stack(password: str, count: int) -> None:
    given = cluster(MasterUsername="owner", MasterUserPassword={"Fn::Sub": password})
    assert len(found("DR-AURORA-08", given)) == count


@pytest.mark.parametrize(("version", "count"), [("13", 0), ("13.1", 1)])
def test_a_major_version_alone_is_below_no_first_version(version: str, count: int) -> None:
    member = resource(
        "AWS::RDS::DBInstance",
        Engine="aurora-postgresql",
        DBClusterIdentifier={"Ref": "Cluster"},
        DBInstanceClass="db.serverless",
    )
    given = cluster(EngineVersion=version, ServerlessV2ScalingConfiguration={"MinCapacity": 1, "MaxCapacity": 2})
    assert len(found("DR-AURORA-03", given | {"Member": member})) == count


@pytest.mark.parametrize(("secret", "count"), [({"Ref": "Secret"}, 1), ("arn:aws:secretsmanager:*:*:secret:s", 0)])
def test_a_schedule_of_a_secret_elsewhere_rotates_none_here(secret: Any, count: int) -> None:
    given = {
        "Secret": resource("AWS::SecretsManager::Secret"),
        "Schedule": resource("AWS::SecretsManager::RotationSchedule", SecretId=secret),
        "Task": resource(
            "AWS::ECS::TaskDefinition",
            ContainerDefinitions=[{"Name": "app", "Secrets": [{"Name": "S", "ValueFrom": {"Ref": "Secret"}}]}],
        ),
    }
    assert len(found("DR-ECS-18", given)) == count


def test_a_condition_on_the_service_of_a_key_without_a_region_is_not_judged() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
    }
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]})
    assert found("DR-IAM-12", {"Policy": policy}) == []


def test_a_name_that_is_open_is_no_apex_of_a_zone_elsewhere() -> None:
    record = resource("AWS::Route53::RecordSet", HostedZoneId="Z1", Name=OPEN, Type="CNAME", ResourceRecords=["a.b"])
    assert found("DR-ROUTE53-02", {"Record": record}) == []


def test_a_folder_that_cannot_be_looked_into_holds_nothing_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_file", refuse)
    assert Asset("code", tmp_path).holds(["index.py"]) is None


def test_fields_of_a_schedule_that_commas_part_too_are_not_judged() -> None:
    rule = resource("AWS::Events::Rule", ScheduleExpression="cron(5, 0, 1, *, ?, *)")
    assert found("DR-LIMIT-02", {"Rule": rule}) == []


def test_a_region_that_is_missing_is_told() -> None:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms::111111111111:key/*"}
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument={"Statement": [statement]})
    (message,) = found("DR-IAM-05", {"Policy": policy})
    assert message.endswith("; allowed: key (with a Region).")
