"""What is judged before a stack is made: each sentence with what earns it, and with the nearest thing that does not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_JUDGE = """
import json, sys
from embedded_aws.server import upstream
from embedded_aws.server.validation import parameters, policies, properties, structure

def structured(template):
    structure.check({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, **template})

def given(parameter, *value):
    pairs = [{"Key": "Name", "Value": each} for each in value]
    parameters.check({"Parameters": {"Name": parameter}}, pairs)

def judged(kind, arguments):
    if kind == "trust":
        statement = {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [{**statement, **arguments[0]}]}
        for field in arguments[1:]:
            del document["Statement"][0][field]
        return policies.trust(document)
    if kind in ("structure", "parameter"):
        try:
            (structured if kind == "structure" else given)(*arguments)
        except ValueError as error:
            return str(error)
        return None
    return next(properties.mistakes(kind, *arguments), None)

json.dump([[judged(kind, each) for each in both] for kind, *both in json.load(sys.stdin)], sys.stdout)
"""
TABLE, SERVICE, BUCKET = "AWS::DynamoDB::GlobalTable", "AWS::ECS::Service", "AWS::S3::Bucket"
HERE = [{"Region": "us-east-1"}]
ENCRYPTED = [{"Region": "us-east-1", "SSESpecification": {"KMSMasterKeyId": "alias/a"}}]
DEFAULTED = "Invalid request provided: ReplicaSSESpecification and SSEType must be null when SSE is set to default."


class Case(NamedTuple):
    """What judges, the arguments that are refused, those that are not, and the message."""

    kind: str
    wrong: list[Any]
    right: list[Any]
    message: str


def parameter(kind: str, wrong: str, right: str, reason: str, **constraints: Any) -> Case:
    declared = {"Type": kind, **constraints}
    return Case("parameter", [declared, wrong], [declared, right], f"Parameter 'Name' {reason}")


CASES = [
    Case(
        "structure", [{"Parameters": {"Name": "String"}}], [{"Parameters": {"Name": {"Type": "String"}}}],
        "Template format error: Every Parameters member must be an object.",
    ),
    Case(
        "structure", [{"Parameters": {"Name": {"Default": "a"}}}], [{"Parameters": {"Name": {"Type": "String"}}}],
        "Template format error: Every Parameters object must contain a Type member. (Name)",
    ),
    Case(
        "structure", [{"Mappings": {"One": {"a": {"b": {"c": "d"}}}}}], [{"Mappings": {"One": {"a": {"b": ["c"]}}}}],
        "Template format error: Every Mappings attribute must be a String or a List.",
    ),
    parameter("Number", "one", "-1.5e3", "must be a number."),
    parameter("List<Number>", "1,two", "1, 2", "must be a list of numbers."),
    parameter("Number", "1", "2", "must be a number not less than 2", MinValue=2),
    parameter("List<Number>", "1,4", "1,3", "must be a number not greater than 3", MaxValue=3),
    parameter("String", "ab", "abc", "must contain at least 3 characters", MinLength=3),
    parameter("String", "abcd", "abc", "must contain at most 3 characters", MaxLength="3"),
    parameter("CommaDelimitedList", "a,c", "a, b", "must be one of AllowedValues", AllowedValues=["a", "b"]),
    parameter("String", "yes", "true", "must be one of AllowedValues", AllowedValues=[True]),
    parameter("String", "ab1", "ab", "must match pattern [a-z]*", AllowedPattern="[a-z]*"),
    Case(
        "parameter", [{"Type": "String", "MinLength": 2, "ConstraintDescription": "two letters"}, "a"],
        [{"Type": "String", "MinLength": 2, "ConstraintDescription": "two letters"}, "ab"],
        "Parameter Name failed to satisfy constraint: two letters",
    ),
    Case("parameter", [{"Type": "String"}], [{"Type": "String"}, ""], "Parameters: [Name] must have values"),
    Case("trust", [{"Resource": "*"}], [{}], "Has prohibited field Resource"),
    Case("trust", [{"Nothing": "a"}], [{"Sid": "a"}], "Syntax errors in policy."),
    Case("trust", [{"Effect": "Maybe"}], [{"Effect": "Deny"}], "Syntax errors in policy."),
    Case("trust", [{}, "Action"], [{"Action": ["sts:TagSession"]}], "Policy statement must contain actions."),
    Case(
        "trust", [{"Action": "s3:GetObject"}], [{"Action": ["sts:AssumeRole", "sts:TagSession"]}],
        "AssumeRole policy may only specify STS AssumeRole actions.",
    ),
    Case("trust", [{}, "Principal"], [{"Principal": "*"}], "Missing required field Principal"),
    Case(
        "AWS::IAM::Role", [{"Policies": {}}], [{"Policies": [], "AssumeRolePolicyDocument": json.dumps({
            "Statement": {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"},
        })}],
        "Value of property Policies must be a list of objects",
    ),
    Case(
        BUCKET, [{"BucketName": "Abc"}], [{"BucketName": "abc"}],
        "Bucket name should not contain uppercase characters",
    ),
    Case(BUCKET, [{"BucketName": "a_b"}], [{"BucketName": "a-b"}], "Bucket name should not contain '_'"),
    Case(
        BUCKET, [{"BucketName": "a" * 64}], [{"BucketName": "a" * 63}],
        "Bucket name should be between 3 and 63 characters long",
    ),
    Case(
        TABLE, [{"Replicas": [{"Region": "eu-west-1"}]}], [{"Replicas": HERE}],
        "Invalid request provided: The Replicas section must contain an entry for the current region",
    ),
    Case(
        TABLE, [{"Replicas": ENCRYPTED, "SSESpecification": {"SSEEnabled": "false"}}],
        [{"Replicas": ENCRYPTED, "SSESpecification": {"SSEEnabled": "true"}}], DEFAULTED,
    ),
    Case(TABLE, [{"Replicas": ENCRYPTED}], [{"Replicas": HERE}], DEFAULTED),
    Case(
        SERVICE, [{"HealthCheckGracePeriodSeconds": 60}],
        [{"HealthCheckGracePeriodSeconds": 60, "LoadBalancers": [{"LoadBalancerName": "classic"}]}],
        "Invalid request provided: CreateService error: Health check grace period is only valid for services "
        "configured to use load balancers",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def judged(emulator_python: Path) -> list[list[str | None]]:
    given = json.dumps([[case.kind, case.wrong, case.right] for case in CASES])
    done = subprocess.run([emulator_python, "-c", _JUDGE], input=given, capture_output=True, text=True, check=True)
    found: list[list[str | None]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case.kind}: {case.message}" for case in CASES])
def test_what_is_wrong_is_said_as_aws_says_it_and_nothing_else_is(judged: list[list[str | None]], number: int) -> None:
    assert judged[number] == [CASES[number].message, None]
