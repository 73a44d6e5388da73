"""Metrics that alarms and dashboards ask for: names, units, dimensions, values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakwater_guards.aws.alarms import widgets
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import UNKNOWN, Reference, Text
from guards_testing.build import Template, nested, resource, template
from guards_testing.judge import OPEN, found, messages
from guards_testing.metrics import ALARM, alarm

DASHBOARD = "AWS::CloudWatch::Dashboard"
QUEUE: Template = {"Orders": resource("AWS::SQS::Queue", QueueName="orders-eu1")}
SENT = ("AWS/SQS", "NumberOfMessagesSent")


def names(given: Template, others: Template | None = None) -> list[str]:
    return found("DR-CLOUDWATCH-07", {"Alarm": given, **(others or {})})


@pytest.mark.parametrize(
    ("namespace", "allowed"),
    [
        ("AWS/Dynamodb", "AWS/DynamoDB"),
        ("aws/sqs", "AWS/SQS"),
        ("AWS/ALB", "AWS/ApplicationELB"),
        ("AWS/EventBridge", "AWS/Events"),
        ("AWS/Lamda", "AWS/Lambda"),
    ],
)
def test_a_namespace_of_aws_is_spelled_as_aws_does(namespace: str, allowed: str) -> None:
    assert names(alarm(namespace, "X")) == [f"{namespace!r} is no namespace of AWS; allowed: {allowed}."]


@pytest.mark.parametrize("namespace", ["AWS/SQS", "AWS/SomethingNew", "MyApp", "aws-like", OPEN])
def test_other_namespaces_are_left_alone(namespace: Any) -> None:
    assert names(alarm(namespace, "NumberOfMessagesSent", Dimensions={"QueueName": "q"})) == []


@pytest.mark.parametrize(
    ("namespace", "name", "told"),
    [
        ("AWS/ApplicationELB", "HTTPCode_Target_5xx_Count", "allowed: HTTPCode_Target_5XX_Count"),
        ("AWS/NetworkELB", "HealthyHostCounts", "allowed: HealthyHostCount"),
        ("AWS/RDS", "CPUUtilisation", "allowed: CPUUtilization"),
        ("AWS/WAFV2", "BlockedRequest", "allowed: BlockedRequests"),
        ("AWS/NATGateway", "PacketDropCount", "allowed: PacketsDropCount"),
        ("AWS/NATGateway", "NewFlowCount", "it is one of AWS/NetworkELB"),
        ("AWS/SQS", "QueueDepth", "allowed: ApproximateAgeOfOldestMessage, "),
        ("ECS/ContainerInsights", "RuningTaskCount", "allowed: RunningTaskCount"),
    ],
)
def test_a_metric_that_the_namespace_lacks(namespace: str, name: str, told: str) -> None:
    (message,) = names(alarm(namespace, name))
    assert told in message


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("AWS/RDS", "SomethingThatIsNew"),
        ("AWS/Lambda", "Errors"),
        ("MyApp", "Erors"),
        ("AWS/SQS", OPEN),
        ("AWS/ES", "MasterCPUCreditBalance"),
        ("AWS/ES", "WarmCPUCreditBalance"),  # longer than a name of a list that is not whole: no slip
    ],
)
def test_a_metric_that_may_be_there(namespace: str, name: Any) -> None:
    assert names(alarm(namespace, name, Dimensions={"FunctionName": "f"})) == []


@pytest.mark.parametrize(
    ("unit", "count"), [("Count", 1), ("Seconds", 1), ("Milliseconds", 0), (OPEN, 0), ({"Ref": "AWS::NoValue"}, 0)]
)
def test_a_unit_is_the_one_that_the_service_sends(unit: Any, count: int) -> None:
    plain = alarm("AWS/Lambda", "Duration", Dimensions={"FunctionName": "f"}, Unit=unit)
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    }
    inner = resource(ALARM, Metrics=[{"Id": "a", "MetricStat": {"Metric": metric, "Stat": "p99", "Unit": unit}}])
    assert len(names(plain)) == len(names(inner)) == count


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Orders", "QueueName is 'Orders'; nothing of that name is here; allowed: orders-eu1."),
        ("orders-eu2", "QueueName is 'orders-eu2'; nothing of that name is here; allowed: orders-eu1."),
        ({"Fn::Sub": "orders-${Part}"}, "QueueName is 'orders-eu'; nothing of that name is here; allowed: orders-eu1."),
        ({"Fn::GetAtt": ["Orders", "Arn"]}, "QueueName is Orders.Arn; allowed is Fn::GetAtt Orders.QueueName."),
        ("eu1-orders", "QueueName is 'eu1-orders'; nothing of that name is here; allowed: orders-eu1."),
        ("orders-eu1", None),
        ("payments", None),
        ({"Ref": "Open"}, None),
        ({"Fn::Sub": "${Open}"}, None),
        ({"Fn::GetAtt": ["Orders", "QueueName"]}, None),
    ],
)
def test_a_value_is_the_name_of_a_resource(value: Any, told: str | None) -> None:
    parameters = {"Open": {"Type": "String"}, "Part": {"Type": "String", "Default": "eu"}}
    resources = {"Alarm": alarm(*SENT, Dimensions={"QueueName": value}), **QUEUE}
    assert found("DR-CLOUDWATCH-07", resources, Parameters=parameters) == ([told] if told else [])


def test_a_name_that_cloudformation_makes_is_no_logical_id() -> None:
    made = {"Orders": resource("AWS::SQS::Queue"), "Other": resource("AWS::SQS::Queue", QueueName="other")}
    (message,) = names(alarm(*SENT, Dimensions={"QueueName": "Orders"}), made)
    assert message.endswith("allowed: the name of Orders, which CloudFormation makes.")
    open_ended = {**made, "Third": resource("AWS::SQS::Queue", QueueName=OPEN)}
    assert names(alarm(*SENT, Dimensions={"QueueName": "othex"}), open_ended) == []


def test_a_name_in_another_stack_of_the_application_counts() -> None:
    child = template({"Alarm": alarm(*SENT, Dimensions={"QueueName": {"Ref": "Name"}})}, Parameters={"Name": {}})
    for passed, count in (("orders-eu1", 0), ("orders-eu", 1), ({"Fn::GetAtt": ["Orders", "QueueName"]}, 0)):
        root = template({**QUEUE, "Child": nested("child.json", Name=passed)})
        assert len(messages("DR-CLOUDWATCH-07", Assembly({"root.json": root, "child.json": child}))) == count


@pytest.mark.parametrize(
    ("value", "count"), [("acl-metric", 0), ("acl-metrics", 1), ("Acl", 1), ({"Fn::GetAtt": ["Acl", "Arn"]}, 1)]
)
def test_a_web_acl_is_known_by_its_metric(value: Any, count: int) -> None:
    acl = resource("AWS::WAFv2::WebACL", Name="acl", VisibilityConfig={"MetricName": "acl-metric"})
    given = alarm("AWS/WAFV2", "BlockedRequests", Dimensions={"WebACL": value})
    assert len(names(given, {"Acl": acl})) == count


ROWS = [
    (["AWS/SQS", "NumberOfMessagesSend", "QueueName", "q"], 1),
    (["AWS/SQS", "NumberOfMessagesSent", "Queue", "q"], 1),
    (["AWS/SQS", "NumberOfMessagesSent", "QueueName", "Orders", {"stat": "Sum"}], 1),
    (["AWS/SQS", "NumberOfMessagesSent", "QueueName", "orders-eu1"], 0),
    (["AWS/SQS", "...", "q"], 0),
    ([{"expression": "SEARCH('{AWS/SQS}', 'Sum')"}], 0),
    ("text", 0),
]


@pytest.mark.parametrize(("row", "count"), ROWS)
def test_rows_of_dashboards_are_judged_like_alarms(row: Any, count: int) -> None:
    body = {"widgets": [{"type": "metric", "properties": {"metrics": [row]}}, {"type": "text"}, "x"]}
    board = resource(DASHBOARD, DashboardBody=json.dumps(body))
    assert len(found("DR-CLOUDWATCH-07", {"Board": board, **QUEUE})) == count


def test_a_dot_repeats_the_row_above_and_marks_stay_in_place() -> None:
    text = (
        '{"widgets":[{"properties":{"region":"${AWS::Region}","metrics":[["AWS/SQS","NumberOfMessagesSent",'
        '"QueueName","${Orders.Arn}"],[".","NumberOfMessagesSend",".","."]]}}]}'
    )
    board = resource(DASHBOARD, DashboardBody={"Fn::Sub": text})
    told = found("DR-CLOUDWATCH-07", {"Board": board, **QUEUE})
    assert [message.partition(";")[0] for message in told] == [
        "QueueName is Orders.Arn",
        "'NumberOfMessagesSend' is no metric of AWS/SQS",
    ]


@pytest.mark.parametrize(
    "body", ["{", "[]", "{}", '{"widgets": 1}', OPEN, {"Fn::Sub": '{"widgets":${Open}}'}, {"a": 1}]
)
def test_a_body_without_widgets_has_none(body: Any) -> None:
    assert found("DR-CLOUDWATCH-07", {"Board": resource(DASHBOARD, DashboardBody=body)}) == []


def test_marks_of_a_body_keep_their_places() -> None:
    mark = Reference("t", "R")
    body = Text(('{"widgets":[{"a":"', mark, '"},{"a":"x-', UNKNOWN, '","b":1}]}'))
    assert widgets(body) == [{"a": mark}, {"a": Text(("x-", UNKNOWN)), "b": 1}]


def test_a_library_of_templates_says_nothing_of_its_neighbours() -> None:
    alarms = template({"Alarm": alarm(*SENT, Dimensions={"QueueName": "orders-eu2"})})
    assert messages("DR-CLOUDWATCH-07", Assembly({"a.json": alarms, "b.json": template(QUEUE)})) == []
