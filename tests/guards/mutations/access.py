"""Seeded defects of permissions: who may call whom, who may use which role, what a statement can grant."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

POLICY, FUNCTION = "AWS::IAM::Policy", "AWS::Lambda::Function"


def statements(app: MutableApp, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.properties(POLICY, name)["PolicyDocument"]["Statement"]
    return found


def allow(app: MutableApp, resource: str, *actions: str) -> None:
    statements(app, "FailoverRole").append({"Effect": "Allow", "Action": list(actions), "Resource": resource})


@mutation("DR-ACCESS-01")
def schedule_without_permission(app: MutableApp) -> None:
    app.remove("AWS::Lambda::Permission", "HealthMonitor")


@mutation("DR-ACCESS-02")
def queue_that_the_function_may_not_read(app: MutableApp) -> None:
    policy = app.properties(POLICY, "RestoreValidationRole")["PolicyDocument"]
    policy["Statement"] = [item for item in policy["Statement"] if "sqs:" not in str(item["Action"])]


@mutation("DR-ACCESS-03")
def monitoring_role_of_the_wrong_service(app: MutableApp) -> None:
    trust = app.properties("AWS::IAM::Role", "ClusterMonitoringRole")["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Service"] = "rds.amazonaws.com"


@mutation("DR-ACCESS-04")
def function_in_the_vpc_without_interfaces(app: MutableApp) -> None:
    function = app.properties(FUNCTION, "CustomVpcRestrictDefaultSG")
    (subnet, *_) = app.resources("AWS::EC2::Subnet", "VpcIsolatedSubnet1")
    function["VpcConfig"] = {"SubnetIds": [{"Ref": subnet}], "SecurityGroupIds": ["sg-0123456789abcdef0"]}


@mutation("DR-IAM-05")
def list_of_objects(app: MutableApp) -> None:
    allow(app, "arn:aws:s3:::orders/*", "s3:ListBucket")


@mutation("DR-IAM-06")
def list_among_objects(app: MutableApp) -> None:
    allow(app, "arn:aws:s3:::orders/*", "s3:GetObject", "s3:ListBucket")


@mutation("DR-IAM-07")
def instance_without_its_groups(app: MutableApp) -> None:
    allow(app, "arn:aws:rds:*:*:db:*", "rds:CreateDBInstance")
