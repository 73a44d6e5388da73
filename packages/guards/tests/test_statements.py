"""Statements that cannot grant what they name, each beside its sound twin."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.aws.authorization import types_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import document, resource, template
from guards_testing.judge import found, messages

DOCUMENT, SECRET = "arn:aws:ssm:*::automation-definition", "arn:aws:secretsmanager:*:*:secret"
HERE = "${AWS::Region}:${AWS::AccountId}"
NAMED = {
    "Queue": resource("AWS::SQS::Queue"),
    "Service": resource("AWS::ECS::Service"),
    "Table": resource("AWS::DynamoDB::Table"),
    "Cluster": resource("AWS::RDS::DBCluster"),
    "Proxy": resource("AWS::RDS::DBProxy"),
}


def policy(action: Any, target: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": target}
    return {**NAMED, "Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument=document(statement))}


def sub(text: str) -> Any:
    return {"Fn::Sub": text}


CASES = [
    ("DR-IAM-05", "s3:GetObject", sub(f"arn:aws:s3:{HERE}:docs/*"), "arn:aws:s3:::docs/*"),
    ("DR-IAM-05", "s3:GetObject", "arn:aws:s3:eu-west-1:111122223333:docs/*", "arn:aws:s3:*:*:docs/*"),
    ("DR-IAM-05", "iam:GetRole", sub(f"arn:aws:iam:{HERE}:role/a"), sub("arn:aws:iam::${AWS::AccountId}:role/a")),
    ("DR-IAM-05", "dynamodb:GetItem", "arn:aws:dynamodb:::table/a", sub(f"arn:aws:dynamodb:{HERE}:table/a")),
    ("DR-IAM-05", "dynamodb:Query", sub("${Table.Arn}:index/*"), sub("${Table.Arn}/index/*")),
    ("DR-IAM-05", "sqs:SendMessage", "arn:aws-eu:sqs:*:*:a", sub("arn:${AWS::Partition}:sqs:*:*:a")),
    ("DR-IAM-05", "ssm:GetParameter", sub(f"arn:aws:ssm:{HERE}:parameter//a"), "arn:aws:ssm:*:*:parameter/a"),
    ("DR-IAM-05", "ssm:StartAutomationExecution", f"{DOCUMENT}/a:1".replace("*", ""), f"{DOCUMENT}/a:1"),
    ("DR-IAM-05", "secretsmanager:GetSecretValue", f"{SECRET}:db", f"{SECRET}:db-??????"),
    ("DR-IAM-05", "cloudwatch:GetMetricData", sub(f"arn:aws:cloudwatch:{HERE}:alarm:a"), "*"),
    ("DR-IAM-05", "s3:ListAllMyBuckets", "arn:aws:s3:::docs", "arn:aws:s3:::*"),
    ("DR-IAM-05", "logs:CreateLogDelivery", "arn:aws:logs:*:*:log-group:a", "*"),
    ("DR-IAM-06", "s3:GetItem", "arn:aws:s3:::docs/*", "arn:aws:s3:::docs"),
    ("DR-IAM-09", "sqs:SendMessage", {"Ref": "Queue"}, {"Fn::GetAtt": ["Queue", "Arn"]}),
    ("DR-IAM-09", "sqs:SendMessage", {"Fn::GetAtt": ["Queue", "QueueName"]}, "*"),
    ("DR-IAM-09", "ecs:UpdateService", {"Fn::GetAtt": ["Service", "Name"]}, {"Ref": "Service"}),
    ("DR-IAM-09", "dynamodb:GetItem", {"Ref": "Table"}, {"Fn::GetAtt": ["Table", "StreamArn"]}),
    ("DR-IAM-09", "dynamodb:GetItem", "orders", {"Ref": "Open"}),
    (
        "DR-IAM-08",
        "rds-db:connect",
        "arn:aws:rds-db:*:*:dbuser:orders/app",
        "arn:aws:rds-db:*:*:dbuser:cluster-AB12/app",
    ),
    (
        "DR-IAM-08",
        "rds-db:connect",
        sub("arn:aws:rds-db:*:*:dbuser:${Proxy}/app"),
        "arn:aws:rds-db:*:*:dbuser:prx-*/app",
    ),
]


@pytest.mark.parametrize(("rule", "action", "bad", "good"), CASES, ids=[f"{rule}-{name}" for rule, name, *_ in CASES])
def test_a_statement_grants_what_it_names(rule: str, action: str, bad: Any, good: Any) -> None:
    assert len(found(rule, policy(action, bad))) == 1
    sound = "s3:GetBucketAcl" if rule == "DR-IAM-06" else action
    assert found(rule, policy(sound, good)) == []


@pytest.mark.parametrize(("operation", "action"), facts("iam_involved")["operations"].items())
def test_an_operation_is_told_with_the_action_that_allows_it(operation: str, action: str) -> None:
    (message,) = found("DR-IAM-06", policy(operation, "*"))
    assert message == f"no such action as {operation} (allowed: {action})."
    assert found("DR-IAM-05", policy(operation, "*")) == []  # AWS takes it: the role may work by other statements
    assert found("DR-IAM-06", policy(action, "*")) == []


@pytest.mark.parametrize(
    ("action", "told"), [("logs:DescriptLogStreams", " (allowed: logs:DescribeLogStreams)"), ("sqs:Xyz", "")]
)
def test_an_action_that_nobody_knows_may_be_new(action: str, told: str) -> None:
    assert found("DR-IAM-05", policy(action, "*")) == []
    assert found("DR-IAM-06", policy(action, "*")) == [f"no such action as {action}{told}."]
    assert found("DR-IAM-06", policy("some-new-service:Act", "*")) == []


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("eu-west-1:111122223333", 1),
        ("us-east-1:444455556666", 1),
        ("us-east-1:111122223333", 0),
        ("*:*", 0),
        ("${AWS::Region}:${AWS::AccountId}", 0),
    ],
)
def test_an_arn_made_from_a_resource_has_its_region_and_account(place: str, expected: int) -> None:
    several = {"Global": resource("AWS::DynamoDB::GlobalTable"), "Zone": resource("AWS::Route53::HostedZone")}
    for action, arn, told in (
        ("rds:DescribeDBClusters", f"arn:aws:rds:{place}:cluster:${{Cluster}}", expected),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:{place}:table/${{Global}}", 0),
        ("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/${Zone}", 0),
    ):
        documents = {"stack": template({**policy(action, sub(arn)), **several})}
        app = Assembly(documents, {"stack": ("us-east-1", "111122223333")})
        assert len(messages("DR-IAM-05", app)) == told


@pytest.mark.parametrize(
    ("kind", "regions", "account", "expected"),
    [
        ("Custom::DynamoDBReplica", ["eu-west-1"], "111122223333", 0),
        ("Custom::DynamoDBReplica", ["eu-west-1"], "444455556666", 1),
        ("Custom::DynamoDBReplica", ["eu-west-2"], "111122223333", 1),
        ("AWS::SSM::Parameter", ["eu-west-1"], "111122223333", 1),
    ],
)
def test_a_custom_resource_may_copy_a_table_to_its_regions(
    kind: str, regions: list[str], account: str, expected: int
) -> None:
    named = policy("dynamodb:GetItem", sub(f"arn:aws:dynamodb:eu-west-1:{account}:table/${{Table}}"))
    replica = resource(kind, TableName={"Ref": "Table"}, Regions=regions)
    app = Assembly({"stack": template({**named, "Replica": replica})}, {"stack": ("us-east-1", "111122223333")})
    assert len(messages("DR-IAM-05", app)) == expected


@pytest.mark.parametrize(("place", "expected"), [("arm", 0), ("resource", 0), ("", 1)])
def test_the_default_of_a_parameter_is_no_resource_where_a_condition_excludes_it(place: str, expected: int) -> None:
    whole = policy("s3:GetObject", [{"Ref": "Arn"}, sub("${Arn}/*")])["Policy"]
    properties, given = whole["Properties"], {"Condition": "HasArn"} if place == "resource" else {}
    if place == "arm":
        properties["PolicyDocument"] = {"Fn::If": ["HasArn", properties["PolicyDocument"], {"Ref": "AWS::NoValue"}]}
    document = template(
        {"Policy": {**whole, **given}},
        Parameters={"Arn": {"Type": "String", "Default": ""}},
        Conditions={"HasArn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Arn"}, ""]}]}},
    )
    assert bool(messages("DR-IAM-09", Assembly({"stack": document}))) == bool(expected)


@pytest.mark.parametrize(("action", "expected"), [("dynamodb:Restore*", 1), ("dynamodb:*", 0), ("*", 0)])
def test_what_all_of_a_service_allows_in_passing_need_not_be_possible(action: str, expected: int) -> None:
    allowed = document({"Effect": "Allow", "Action": action, "Resource": sub(f"arn:aws:dynamodb:{HERE}:table/a")})
    trust = document({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    inline = [{"PolicyName": "inline", "PolicyDocument": allowed}]
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=inline)
    assert len(found("DR-IAM-07", {"Role": role})) == expected


def test_types_of_actions() -> None:
    assert types_of("sqs:SendMessage") == {"queue": "arn:*:sqs:*:*:*"}
    assert types_of("sqs:ListQueues") == {}
    assert types_of("sqs:NoSuchAction") is types_of("nosuchservice:Action") is None
