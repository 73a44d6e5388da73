"""Values that a deployment may choose instead of the default, and other spellings of names, patterns and metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import check
from guards_testing.build import Template, resource
from guards_testing.judge import OPEN, found

ENV: Template = {"Env": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "European-Production", 7]}}
RULE, BUCKET, QUEUE = "AWS::Events::Rule", "AWS::S3::Bucket", "AWS::SQS::Queue"


def named(name: Any, **sections: Any) -> int:
    return len(found("DR-LIMIT-03", {"B": resource(BUCKET, BucketName=name)}, **{"Parameters": ENV, **sections}))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ({"Fn::Sub": "acme-${Env}"}, 1),
        ({"Fn::Sub": "acme-${ Env }"}, 1),
        ({"Fn::Sub": ["acme-${E}", {"E": {"Ref": "Env"}}]}, 1),
        ({"Fn::Sub": ["acme-${Env}", {"Env": "own"}]}, 0),
        ({"Fn::Sub": ["acme-${Env}"]}, 0),
        ({"Fn::Sub": {"Ref": "Env"}}, 0),
        ({"Fn::Join": ["-", ["acme", {"Ref": "Env"}]]}, 1),
        ({"Ref": "Env"}, 1),
        ({"Fn::If": ["IsDev", {"Fn::Sub": "acme-${Env}"}, "acme-b"]}, 0),
        ("acme-Env-b".lower(), 0),
        ({"Fn::GetAtt": ["Env", "Arn"]}, 0),
    ],
)
def test_each_allowed_value_makes_a_name(name: Any, wrong: int) -> None:
    assert named(name, Conditions={"IsDev": {"Fn::Equals": [{"Ref": "Env"}, "dev"]}}) == wrong


def test_rules_and_conditions_may_exclude_a_value() -> None:
    name = {"Fn::Sub": "acme-${Env}"}
    conditions = {"IsDev": {"Fn::Equals": [{"Ref": "Env"}, "dev"]}}
    only: Template = {"B": {**resource(BUCKET, BucketName=name), "Condition": "IsDev"}}
    assert named(name, Rules={"R": {"Assertions": []}}) == 0
    assert found("DR-LIMIT-03", only, Parameters=ENV, Conditions=conditions) == []
    assert named(name, Parameters={"Env": {"Type": "String", "Default": "dev"}}) == 0


@pytest.mark.parametrize(
    ("fifo", "name", "wrong"),
    [
        (True, {"Fn::Sub": "${AWS::StackName}-jobs"}, True),
        (True, "jobs.fifo", False),
        ("true", "jobs", True),
        (False, "jobs.fifo", True),
        (OPEN, "jobs.fifo", False),
        (True, {"Fn::Sub": "jobs-${Open}"}, False),
        (True, "jobs{{resolve:ssm:end}}", False),
    ],
)
def test_names_of_fifo_queues(fifo: Any, name: Any, wrong: bool) -> None:
    queue: Template = {"Q": resource(QUEUE, QueueName=name, FifoQueue=fifo)}
    assert bool(found("DR-LIMIT-03", queue)) is wrong


PASSED = [
    ({"Ref": "Env"}, 1),
    ({"Ref": "Q"}, 0),
    ("fixed", 0),
    ({"Fn::Sub": "x-${Env}"}, 0),
]


@pytest.mark.parametrize(("passed", "wrong"), PASSED)
@pytest.mark.parametrize("condition", [{}, {"Condition": "IsDev"}])
def test_a_nested_stack_has_the_choices_of_its_parent(
    tmp_path: Path, passed: Any, wrong: int, condition: Template
) -> None:
    root = {
        "Parameters": ENV,
        "Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Env"}, "dev"]}},
        "Resources": {
            "Q": {"Type": QUEUE},
            "N": {
                "Type": "AWS::CloudFormation::Stack",
                **condition,
                "Properties": {"TemplateURL": "n.template.json", "Parameters": {"Name": passed}},
            },
        },
    }
    nested = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"B": {"Type": BUCKET, "Properties": {"BucketName": {"Fn::Sub": "acme-${Name}"}}}},
    }
    (tmp_path / "root.template.json").write_text(json.dumps(root))
    (tmp_path / "n.template.json").write_text(json.dumps(nested))
    report = check(tmp_path, rules=["DR-LIMIT-03"])
    assert len(report.findings) == (0 if condition else wrong)


def test_an_archive_and_references_in_a_pattern() -> None:
    archive: Template = {"A": resource("AWS::Events::Archive", EventPattern={"detailType": ["x"]})}
    assert len(found("DR-EVENTS-01", archive)) == 1


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("clusterArn", {"Ref": "C"}, "no ARN; allowed: the ARN of C"),
        ("clusterArn", {"Fn::GetAtt": ["C", "Arn"]}, None),
        ("group", {"Ref": "S"}, "an ARN; allowed: its name"),
        ("group", {"Fn::GetAtt": ["S", "Name"]}, None),
        ("group", {"Ref": "C"}, None),
    ],
)
def test_a_reference_is_an_arn_or_a_name(field: str, value: Any, reason: str | None) -> None:
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": {field: [value]}}
    resources: Template = {
        "C": resource("AWS::ECS::Cluster"),
        "S": resource("AWS::ECS::Service"),
        "R": resource(RULE, EventPattern=pattern),
    }
    said = found("DR-EVENTS-01", resources)
    assert [one.rpartition(" is ")[2] for one in said] == ([f"{reason}."] if reason else [])


@pytest.mark.parametrize(
    ("detail", "count"),
    [
        ({"state": ["ALARM"]}, 1),
        ({"state": {"value": ["ALARM"]}}, 0),
        ({"state": [{"exists": True}]}, 0),
        ({"state": []}, 0),
    ],
)
def test_objects_are_no_texts(detail: Any, count: int) -> None:
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
    assert len(found("DR-EVENTS-01", {"R": resource(RULE, EventPattern=pattern)})) == count


def queues(**others: Any) -> Template:
    return {
        "Dlq": resource(QUEUE),
        "Q": resource(QUEUE, RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dlq", "Arn"]}}),
        **others,
    }


def watching(name: Any) -> Template:
    return resource(
        "AWS::CloudWatch::Alarm",
        Namespace="AWS/SQS",
        MetricName="NumberOfMessagesSent",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        Metrics=[],
    )


@pytest.mark.parametrize(
    ("name", "others", "count"),
    [
        ({"Fn::GetAtt": ["Dlq", "QueueName"]}, {}, 1),
        ({"Fn::GetAtt": ["Q", "QueueName"]}, {}, 0),
        ("elsewhere", {}, 0),
        ({"Fn::GetAtt": ["Dlq", "QueueName"]}, {"P": resource("AWS::SSM::Parameter", Value={"Ref": "Dlq"})}, 0),
    ],
)
def test_what_is_redriven_is_not_sent(name: Any, others: Template, count: int) -> None:
    resources = queues(Alarm=watching(name), **others)
    assert len(found("DR-CLOUDWATCH-07", resources)) == count


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("const { QUEUE_URL } = process.env; exports.handler = async () => QUEUE_URL;", 1),
        ("const { QUEUE_URL: url, A = 'x', ...rest } = process.env; exports.handler = async () => url;", 1),
        ("const { QUEUE_URL = 'none' } = process.env; exports.handler = async () => QUEUE_URL;", 0),
        ("const { length } = process.env.NAME; exports.handler = async () => length;", 0),
        ("const { } = process.env; exports.handler = async () => 1;", 0),
    ],
)
def test_what_node_takes_out_of_the_environment(code: str, count: int) -> None:
    function = resource(
        "AWS::Lambda::Function",
        Runtime="nodejs22.x",
        Handler="index.handler",
        Code={"ZipFile": code},
        Environment={"Variables": {"QUEUE": "q"}},
    )
    assert len(found("DR-LAMBDA-11", {"F": function})) == count


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        (
            "aws.cloudformation",
            ["CloudFormation StackSet Status Change", "CloudFormation StackSet Operation Status Change"],
        ),
        ("aws.backup", ["Scan Job State Change", "Recovery Point Index State Change"]),
        ("aws.ec2", ["EC2 Spot Instance Request Fulfillment", "EC2 AMI State Change"]),
        ("aws.ecs", ["ECS Daemon Deployment State Change"]),
    ],
)
def test_events_of_the_reference_are_known(source: str, kinds: list[str]) -> None:
    pattern = {"source": [source], "detail-type": kinds}
    assert found("DR-EVENTS-01", {"R": resource(RULE, EventPattern=pattern)}) == []


@pytest.mark.parametrize(
    ("kind", "one", "other", "count"),
    [
        ("AWS::ApiGateway::RestApi", {"Name": "a"}, {"Name": "a"}, 0),
        (RULE, {"Name": "a"}, {"Name": "a", "EventBusName": "default"}, 1),
        (RULE, {"Name": "a"}, {"Name": "a", "EventBusName": "own"}, 0),
        ("AWS::EC2::SecurityGroup", {"GroupName": "a", "VpcId": OPEN}, {"GroupName": "a", "VpcId": OPEN}, 1),
        ("AWS::EC2::SecurityGroup", {"GroupName": "a", "VpcId": OPEN}, {"GroupName": "a", "VpcId": "vpc-1"}, 0),
        ("AWS::EC2::SecurityGroup", {"GroupName": "a", "VpcId": ["?"]}, {"GroupName": "a", "VpcId": ["?"]}, 0),
        (QUEUE, {"QueueName": "a"}, {"QueueName": "a"}, 1),
    ],
)
def test_names_are_unique_within_something(kind: str, one: Template, other: Template, count: int) -> None:
    assert len(found("DR-OWNER-03", {"A": resource(kind, **one), "B": resource(kind, **other)})) == count
