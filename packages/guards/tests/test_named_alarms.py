"""Alarms that others name, and the application's own metrics."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, resource, template
from guards_testing.judge import OPEN, found, messages
from guards_testing.metrics import ALARM, alarm

COMPOSITE, SERVICE = "AWS::CloudWatch::CompositeAlarm", "AWS::ECS::Service"
NAMED: Template = {
    "Cpu": resource(ALARM, AlarmName="orders-cpu-high"),
    "Lag": resource(ALARM, AlarmName="orders-lag"),
    "Made": resource(ALARM),
}


def told(kind: str, given: Template, others: Template | None = None) -> list[str]:
    return found("DR-CLOUDWATCH-09", {"Reader": {"Type": kind, **given}, **NAMED, **(others or {})})


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ({"Fn::Sub": 'ALARM("${Cpu}") OR OK("${Lag.Arn}")'}, None),
        ({"Fn::Sub": "ALARM(arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:elsewhere)"}, None),
        ("ALARM(orders-cpu-hihg)", "no alarm here is called 'orders-cpu-hihg'; allowed: orders-cpu-high."),
        ("NOT (INSUFFICIENT_DATA('Cpu'))", "no alarm here is called 'Cpu'; allowed: orders-cpu-high."),
        ("ALARM(Made)", "no alarm here is called 'Made'; allowed: the name of Made"),
        ({"Fn::Sub": 'ALARM("${Cpu}") OR ALARM("nobody")'}, "no alarm here is called 'nobody', and the other alarms"),
        ("ALARM(orders-lag)", "Lag may not be there yet: 'orders-lag' is neither a reference nor in DependsOn."),
        ("ALARM(nobody)", None),
        ("TRUE", None),
        (OPEN, None),
    ],
)
def test_rules_of_composite_alarms(text: Any, start: str | None) -> None:
    messages = told(COMPOSITE, {"Properties": {"AlarmRule": text}})
    assert len(messages) == (start is not None)
    assert all(message.startswith(str(start)) for message in messages)


@pytest.mark.parametrize("depends", ["Lag", ["Cpu", "Lag"]])
def test_an_alarm_that_is_waited_for_is_there(depends: Any) -> None:
    assert told(COMPOSITE, {"DependsOn": depends, "Properties": {"AlarmRule": "ALARM(orders-lag)"}}) == []
    mixed = {"Fn::Sub": "ALARM(orders-lag) AND OK(${Lag.Arn})"}
    assert told(COMPOSITE, {"Properties": {"AlarmRule": mixed}}) == []


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["orders-lagg"], 1),
        ([{"Ref": "Cpu"}, "other"], 1),
        ([{"Ref": "Cpu"}], 0),
        (["other"], 0),
        (["orders-lag"], 0),  # an alarm on the service's own metrics can be named only
    ],
)
def test_alarms_of_deployments(names: Any, count: int) -> None:
    given = {"Properties": {"DeploymentConfiguration": {"Alarms": {"AlarmNames": names}}}}
    assert len(told(SERVICE, given)) == count


def test_alarms_of_other_stacks_of_the_application() -> None:
    child = template({"Any": resource(COMPOSITE, AlarmRule={"Fn::Sub": "ALARM(${Name})"})}, Parameters={"Name": {}})
    for name, count in (("orders-lag", 0), ("orders-lagg", 1), ({"Ref": "Lag"}, 0)):
        root = template({**NAMED, "Child": nested("child.json", Name=name)})
        assert len(messages("DR-CLOUDWATCH-09", Assembly({"root.json": root, "child.json": child}))) == count


CODE = "import os\ndef handler(e, c):\n    publish(os.environ['METRIC_NAMESPACE'], 'OrdersLost')\n"


def function(namespace: Any) -> Template:
    variables = {"Variables": {"METRIC_NAMESPACE": namespace}}
    more = {"Handler": "index.handler", "Runtime": "python3.13", "Environment": variables}
    return resource("AWS::Lambda::Function", Code={"ZipFile": CODE}, **more)


@pytest.mark.parametrize(
    ("namespace", "name", "others", "told"),
    [
        ("Orders", "OrdersLost", {}, None),
        ("Order", "OrdersLost", {}, "nothing here publishes to 'Order'; OrdersLost is published to Orders."),
        ("Orders", "OrderLost", {}, "'OrderLost' is published by nothing here; allowed: OrdersLost."),
        ("Orders", "Another", {}, None),
        ("Order", "Another", {}, None),
        ("Order", "OrdersLost", {"A": resource("AWS::ECS::TaskDefinition", Family="Order")}, None),
        ("Orders", "OrderLost", {"A": resource("AWS::ECS::TaskDefinition", Family="Orders")}, None),
        (OPEN, "OrdersLost", {}, None),
        ("AWS/SQS", "OrdersLost", {}, None),
        ("CWAgent", "OrdersLost", {}, None),
    ],
)
def test_own_metrics(namespace: Any, name: str, others: Template, told: str | None) -> None:
    resources = {"F": function("Orders"), "Alarm": alarm(namespace, name), **others}
    assert found("DR-CLOUDWATCH-10", resources) == ([told] if told else [])


def test_a_namespace_is_known_from_policies_and_not_from_open_values() -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": ["Orders", "*"], "aws:SourceAccount": "1"}}
    statement = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}
    policy = resource("AWS::IAM::Policy", PolicyDocument={"Statement": [statement]})
    given = {"F": function(OPEN), "P": policy, "Alarm": alarm("Order", "OrdersLost")}
    assert len(found("DR-CLOUDWATCH-10", given)) == 1
    assert found("DR-CLOUDWATCH-10", {**given, "P": resource("AWS::SNS::Topic")}) == []
    written = {
        **given,
        "F": {**given["F"], "Properties": {**given["F"]["Properties"], "Environment": {"Variables": 1}}},
    }
    assert len(found("DR-CLOUDWATCH-10", written)) == 1


@pytest.mark.parametrize(("name", "count"), [("Errors", 1), ("ErrorCount", 0), ("ErrorsLost", 0), ("Orders", 0)])
def test_a_metric_of_a_filter_by_another_word_for_a_count(name: str, count: int) -> None:
    made = [{"MetricNamespace": "Own", "MetricName": "ErrorCount", "MetricValue": "1"}]
    given = {"Filter": resource("AWS::Logs::MetricFilter", LogGroupName="g", MetricTransformations=made)}
    assert len(found("DR-CLOUDWATCH-10", {**given, "Alarm": alarm("Own", name)})) == count
