"""Seeded Lambda functions, each with one defect: Breakwater has none of its own."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

BESIDE = "AWS::ECS::Service"
SUBNET = "AWS::EC2::Subnet"


@mutation("DR-LAMBDA-01")
def reserved_variable(app: MutableApp) -> None:
    function(app, Environment={"Variables": {"TABLE": {"Ref": "AWS::StackName"}, "AWS_REGION": "us-east-1"}})


@mutation("DR-LAMBDA-02")
def whole_quota_reserved(app: MutableApp) -> None:
    function(app, ReservedConcurrentExecutions=950)


@mutation("DR-LAMBDA-03")
def small_reservation(app: MutableApp) -> None:
    function(app, ReservedConcurrentExecutions="5")


@mutation("DR-LAMBDA-04")
def function_cut_off(app: MutableApp) -> None:
    """Call Step Functions, which is not among the services for which the VPC has endpoints."""
    allow = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "start", "PolicyDocument": {"Statement": [allow]}}],
    }
    app.add(SUBNET, "FailoverRole", {"Type": "AWS::IAM::Role", "Properties": role})
    in_subnet(app, "Isolated", Role={"Fn::GetAtt": ["FailoverRole", "Arn"]})


@mutation("DR-LAMBDA-05")
def function_in_public_subnet(app: MutableApp) -> None:
    in_subnet(app, "Public")


@mutation("DR-LAMBDA-06")
def no_code(app: MutableApp) -> None:
    function(app, Code={})


@mutation("DR-LAMBDA-07")
def handler_of_another_file(app: MutableApp) -> None:
    function(app, Handler="failover.handler")


@mutation("DR-LAMBDA-08")
def retired_runtime(app: MutableApp) -> None:
    function(app, Runtime="python3.7")


@mutation("DR-LAMBDA-09")
def runtime_without_support(app: MutableApp) -> None:
    function(app, Runtime="python3.9")


def function(app: MutableApp, beside: str = BESIDE, **properties: Any) -> None:
    """Add a function that is right but for some properties."""
    right = {
        "Role": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/failover"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
    }
    app.add(beside, "FailoverFunction", {"Type": "AWS::Lambda::Function", "Properties": {**right, **properties}})


def in_subnet(app: MutableApp, name: str, **properties: Any) -> None:
    """Add a function to a subnet whose logical id contains a name."""
    subnet = next(logical_id for logical_id in app.resources(SUBNET) if name in logical_id)
    network = {"SubnetIds": [{"Ref": subnet}], "SecurityGroupIds": ["sg-12345678"]}
    function(app, SUBNET, VpcConfig=network, **properties)
