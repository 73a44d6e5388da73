"""Event patterns, the buses that rules listen on, and what is switched off."""

from __future__ import annotations

from typing import Any

import pytest

from guards_testing.build import Template, resource
from guards_testing.judge import OPEN, found

RULE, BUS, BUCKET = "AWS::Events::Rule", "AWS::Events::EventBus", "AWS::S3::Bucket"
CLUSTER: Template = {"Cluster": resource("AWS::ECS::Cluster", ClusterName="orders-eu1")}
TASK, JOB = "ECS Task State Change", "Backup Job State Change"


def told(source: Any, kind: Any, detail: Any = None, others: Template | None = None, /, **fields: Any) -> list[str]:
    pattern = {"source": source, "detail-type": kind, **({} if detail is None else {"detail": detail}), **fields}
    return found("DR-EVENTS-01", {"Rule": resource(RULE, EventPattern=pattern), **(others or {})})


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("aws.ecss", "aws.ecs"),
        ("AWS.S3", "aws.s3"),
        ("backup", None),
        ("aws.autoscalling", "aws.autoscaling"),
        ("aws.xyzw", None),
        ("aws.partner/mine", None),
        ("my.orders", None),
        ("orders", None),
        ("aws.cloudtrail", None),
    ],
)
def test_sources(source: str, allowed: str | None) -> None:
    assert told([source], ["Anything"]) == ([f"{source!r} is no source; allowed: {allowed}."] if allowed else [])


@pytest.mark.parametrize(
    ("source", "kind", "count"),
    [
        ("backup", "Backup Job State Change", 1),
        ("Backup", "Backup Job State Change", 1),
        ("backup", "Backup Finished", 0),
        ("lambda", "Lambda Function Invocation Result - Success", 0),
        ("orders", "Backup Job State Change", 0),
    ],
)
def test_a_source_without_a_dot_is_anybodys_unless_aws_has_the_type(source: str, kind: str, count: int) -> None:
    assert len(told([source], [kind])) == count


@pytest.mark.parametrize(
    ("kind", "detail", "allowed"),
    [
        (JOB, {"status": ["FAILED"]}, ["Backup Job State Change has no field 'status'; allowed: state"]),
        (JOB, {"state": ["FAILD", "ABORTED"]}, ["'FAILD' is never sent; allowed: ABORTED, "]),
        (JOB, {"state": ["DONE"]}, ["'DONE' is never sent; allowed: ABORTED, "]),
        (JOB, {"state": ["FAILED", "SOMETHING"]}, []),
        (JOB, {"state": [{"anything-but": ["COMPLETED"]}]}, []),
        (JOB, {"state": OPEN}, []),
        (JOB, OPEN, []),
        (JOB, {"zzz": ["x"]}, ["Backup Job State Change has no field 'zzz'; allowed: accountId, "]),
        ([JOB, "Copy Job State Change"], {"copyJobId": ["x"], "state": ["COMPLETED_WITH_ISSUES"]}, []),
        ([JOB, "Copy Job State Change"], {"state": ["DONE"]}, ["'DONE' is never sent; allowed: ABORTED, "]),
        ([JOB, "Something New"], {"state": ["DONE"]}, []),
        ([JOB, "Something New"], {"zzz": ["x"]}, []),
    ],
)
def test_fields_and_values_of_backup_jobs(kind: Any, detail: Any, allowed: list[str]) -> None:
    messages = told(["aws.backup"], kind if isinstance(kind, list) else [kind], detail)
    assert len(messages) == len(allowed)
    assert all(message.startswith(start) for message, start in zip(messages, allowed, strict=True))


def test_branches_are_judged_one_by_one() -> None:
    branches = [{"lastStatus": ["STOPPED"]}, {"$or": [{"stopCode": ["TaskFaildToStart"]}, {"zzz": ["x"]}]}]
    messages = told(["aws.ecs"], [TASK], {"$or": branches, "desiredStatus": ["STOPPED"]})
    assert [message.partition(";")[0] for message in messages] == [
        "'TaskFaildToStart' is never sent",
        "ECS Task State Change has no field 'zzz'",
    ]


@pytest.mark.parametrize(
    ("source", "kind", "detail", "count"),
    [
        ("aws.rds", "RDS DB Instance Event", {"EventID": ["RDS-EVENT-0049"]}, 0),
        ("aws.rds", "RDS DB Instance Event", {"EventID": ["0049"]}, 1),
        ("aws.rds", "RDS DB Instance Event", {"EventCategories": ["failovr", "failure"]}, 1),
        ("aws.health", "AWS Health Event", {"service": ["rds"]}, 1),
        ("aws.health", "AWS Health Event", {"service": ["RDS"]}, 0),
        ("aws.cloudwatch", "CloudWatch Alarm State Change", {"state": {"value": ["ALRM"]}}, 1),
        ("aws.cloudwatch", "CloudWatch Alarm State Change", {"state": {"value": ["ALARM"]}}, 0),
    ],
)
def test_values_of_other_sources(source: str, kind: str, detail: Any, count: int) -> None:
    assert len(told([source], [kind], detail)) == count


NAMES: list[tuple[Any, int]] = [
    ("arn:aws:ecs:eu-west-1:111111111111:cluster/orders-eu1", 0),
    ("arn:aws:ecs:eu-west-1:111111111111:cluster/orders-eu2", 1),
    ({"Fn::Sub": "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:cluster/order-eu1"}, 1),
    ({"Fn::Sub": "arn:aws:ecs:${AWS::Region}:1:cluster/${Cluster}"}, 0),
    ({"suffix": ":cluster/eu1-orders"}, 1),
    ({"suffix": "-eu1"}, 0),
    ({"prefix": "orders-e"}, 0),
    ({"wildcard": "*:cluster/orders-eu2"}, 1),
    ({"anything-but": "orders-eu2"}, 0),
    ({"exists": True}, 0),
    ("another", 0),
    (OPEN, 0),
]


@pytest.mark.parametrize(("value", "count"), NAMES)
def test_names_in_patterns(value: Any, count: int) -> None:
    assert len(told(["aws.ecs"], [TASK], {"clusterArn": [value]}, CLUSTER)) == count
    assert len(told(["aws.ecs"], [TASK], None, CLUSTER, resources=[value])) == count
    assert told(["aws.ecs", "aws.rds"], [TASK], None, CLUSTER, resources=[value]) == []


AWS = {"source": ["aws.ecs"]}
ON = resource(BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}})


def bucket_pattern(name: Any) -> Template:
    return {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [name]}}}


@pytest.mark.parametrize(
    ("properties", "others", "count"),
    [
        ({"EventPattern": AWS, "EventBusName": {"Ref": "Bus"}}, {}, 1),
        ({"EventPattern": AWS, "EventBusName": "orders"}, {}, 1),
        ({"EventPattern": AWS, "EventBusName": {"Fn::GetAtt": ["Bus", "Arn"]}}, {}, 1),
        ({"EventPattern": AWS, "EventBusName": "default"}, {}, 0),
        ({"EventPattern": AWS}, {}, 0),
        ({"EventPattern": {"source": ["mine"]}, "EventBusName": {"Ref": "Bus"}}, {}, 0),
        ({"EventPattern": {"source": ["aws.partner/x"]}, "EventBusName": {"Ref": "Bus"}}, {}, 0),
        ({"ScheduleExpression": "rate(1 day)", "EventBusName": {"Ref": "Bus"}}, {}, 1),
        ({"EventPattern": AWS, "EventBusName": {"Ref": "Bus"}}, {"P": resource("AWS::Events::EventBusPolicy")}, 0),
        (
            {"EventPattern": AWS, "EventBusName": {"Ref": "Bus"}},
            {"Feed": resource(RULE, Targets=[{"Arn": {"Fn::GetAtt": ["Bus", "Arn"]}}])},
            0,
        ),
        ({"EventPattern": AWS, "EventBusName": {"Ref": "Bus"}}, {"Feed": resource(RULE, Targets=[{"Arn": OPEN}])}, 0),
        (
            {"EventPattern": AWS, "EventBusName": {"Ref": "Bus"}},
            {"Feed": resource(RULE, Targets=[{"Arn": {"Fn::GetAtt": ["Bucket", "Arn"]}}])},
            1,
        ),
        ({"EventPattern": bucket_pattern({"Ref": "Bucket"})}, {}, 1),
        ({"EventPattern": bucket_pattern("photos")}, {}, 1),
        ({"EventPattern": bucket_pattern("elsewhere")}, {}, 0),
        ({"EventPattern": bucket_pattern({"Ref": "On"})}, {"On": ON}, 0),
        (
            {"EventPattern": bucket_pattern({"Ref": "Bucket"})},
            {"N": resource("Custom::S3BucketNotifications", BucketName={"Ref": "Bucket"})},
            0,
        ),
    ],
)
def test_buses_and_buckets(properties: Any, others: Template, count: int) -> None:
    given = {"Bus": resource(BUS, Name="orders"), "Bucket": resource(BUCKET, BucketName="photos"), **others}
    assert len(found("DR-EVENTS-02", {"Rule": resource(RULE, **properties), **given})) == count


@pytest.mark.parametrize(
    ("kind", "properties", "count"),
    [
        (RULE, {"State": "DISABLED"}, 1),
        (RULE, {"State": "ENABLED"}, 0),
        (RULE, {}, 0),
        (RULE, {"State": OPEN}, 0),
        ("AWS::Scheduler::Schedule", {"State": "DISABLED"}, 1),
        ("AWS::Lambda::EventSourceMapping", {"Enabled": False}, 1),
        ("AWS::Lambda::EventSourceMapping", {"Enabled": "false"}, 1),
        ("AWS::Lambda::EventSourceMapping", {"Enabled": True}, 0),
        ("AWS::Pipes::Pipe", {"DesiredState": "STOPPED"}, 1),
    ],
)
def test_what_is_switched_off(kind: str, properties: Any, count: int) -> None:
    assert len(found("DR-EVENTS-03", {"R": resource(kind, **properties)})) == count


def test_a_long_list_is_told_in_short() -> None:
    (message,) = told(["aws.ec2"], ["Object Created"])
    assert message.startswith("'Object Created' is no event of aws.ec2; allowed: ")
    assert message.endswith(", ….")
    assert message.count(",") == 4
