"""References to what a condition can leave out, and names and states that fixtures cannot show."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, resource, template
from guards_testing.judge import found, messages

RULE = "DR-HYGIENE-15"
YES: Template = {"Fn::Equals": [{"Ref": "Use"}, "yes"]}
TOPIC = {"Type": "AWS::SNS::Topic", "Condition": "IsUsed"}


def told(value: Any, *, parameter: Template, condition: Any = YES, **more: Any) -> list[str]:
    """Return what is said of one reader of a conditional topic."""
    sections = {"Parameters": {"Use": parameter}, "Conditions": {"IsUsed": condition}, **more}
    resources = {"Topic": TOPIC, "Reader": resource("AWS::SSM::Parameter", Type="String", Value=value)}
    return messages(RULE, Assembly.from_document(template(resources, **sections)))


TEXT: Template = {"Type": "String"}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ({"Ref": "Topic"}, 1),
        ({"Fn::GetAtt": "Topic.TopicName"}, 1),
        ({"Fn::GetAtt": ["Topic", "TopicName"]}, 1),
        ({"Fn::Sub": ["${Topic}-${Own}", {"Own": "x"}]}, 1),
        ({"Fn::Sub": ["${Topic}", {"Topic": "x"}]}, 0),
        ({"Fn::If": ["IsUsed", {"Ref": "Topic"}, "none"]}, 0),
        ({"Fn::If": ["IsUsed", "some", {"Ref": "Topic"}]}, 1),
        ({"Fn::If": ["IsElse", {"Ref": "Topic"}, "none"]}, 0),
        ({"Fn::If": ["IsUsed", {"Ref": "Topic"}]}, 1),
        ({"Ref": ["Topic"], "Other": 1}, 0),
        ({"Fn::Join": ["-", [{"Ref": "Topic"}, {}]]}, 1),
    ],
)
def test_spellings_of_a_reference(value: Any, count: int) -> None:
    assert len(told(value, parameter=TEXT)) == count


@pytest.mark.parametrize(
    ("parameter", "count"),
    [
        ({"Type": "String", "Default": "yes"}, 1),
        ({"Type": "String", "Default": "yes", "AllowedValues": ["yes"]}, 0),
        ({"Type": "String", "Default": "yes", "AllowedPattern": "yes"}, 0),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/use"}, 0),
    ],
)
def test_what_a_parameter_may_be(parameter: Template, count: int) -> None:
    assert len(told({"Ref": "Topic"}, parameter=parameter)) == count


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}, 0),
        ({"Fn::Or": [YES, {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}]}, 0),
        ({"Fn::And": [YES, {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}]}, 1),
        ({"Fn::Equals": [{"Ref": "Use"}, True]}, 1),
        ("odd", 0),
    ],
)
def test_what_decides_a_condition(condition: Any, count: int) -> None:
    assert len(told({"Ref": "Topic"}, parameter=TEXT, condition=condition)) == count


def test_a_rule_keeps_values_apart() -> None:
    rules = {"Always": {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "Use"}, "yes"]}}]}}
    assert told({"Ref": "Topic"}, parameter=TEXT, Rules=rules) == []


@pytest.mark.parametrize(("use", "count"), [("yes", 0), ("no", 1), ({"Ref": "AWS::Region"}, 0)])
def test_a_nested_stack_has_what_it_is_given(use: Any, count: int) -> None:
    reader = resource("AWS::SSM::Parameter", Type="String", Value={"Ref": "Topic"})
    child = template({"Topic": TOPIC, "Reader": reader}, Parameters={"Use": TEXT}, Conditions={"IsUsed": YES})
    root = template({"Child": nested("child.json", Use=use)})
    assert len(messages(RULE, Assembly({"root.json": root, "child.json": child}))) == count


def test_a_name_that_is_empty_is_none() -> None:
    named = {"A": resource("AWS::SQS::Queue", QueueName={"Ref": "Open"})}
    assert found("DR-HYGIENE-16", {**named, "B": resource("AWS::SQS::Queue", QueueName="")}) == []
    assert len(found("DR-HYGIENE-16", {**named, "B": resource("AWS::SQS::Queue", QueueName="jobs")})) == 1


@pytest.mark.parametrize("odd", [{"Ref": "Open"}, {"Next": "B"}, 5])
def test_a_state_that_is_not_known_says_nothing(odd: Any) -> None:
    machine = resource("AWS::StepFunctions::StateMachine", Definition={"StartAt": "X", "States": {"A": odd}})
    assert found("DR-STEPS-01", {"Machine": machine}) == []
