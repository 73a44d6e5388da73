"""Namespaces that a role may publish to, and properties that take another kind of resource."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from guards_testing.build import Template, nested, resource, template
from guards_testing.judge import OPEN, found, messages

ROLE = "AWS::IAM::Role"
CODE = "import os\ndef handler(e, c): put_metric_data(os.environ['METRIC_NAMESPACE'])"


def publisher(variables: Any, *statements: Any, **more: Any) -> list[str]:
    role = resource(ROLE, Policies=[{"PolicyDocument": {"Statement": list(statements)}}], **more)
    given = {"Handler": "index.handler", "Runtime": "python3.13", "Role": {"Fn::GetAtt": ["R", "Arn"]}}
    function = resource("AWS::Lambda::Function", Code={"ZipFile": CODE}, Environment={"Variables": variables}, **given)
    return found("DR-IAM-13", {"F": function, "R": role})


def may_publish(*namespaces: Any, operator: str = "StringEquals") -> Template:
    condition = {operator: {"cloudwatch:namespace": list(namespaces)}}
    return {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition}


OTHER = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}


@pytest.mark.parametrize(
    ("variables", "statements", "count"),
    [
        ({"METRIC_NAMESPACE": "Other"}, [may_publish("Orders"), OTHER], 1),
        ({"METRIC_NAMESPACE": "Orders"}, [may_publish("Orders"), OTHER], 0),
        ({"METRIC_NAMESPACE": "Orders"}, [may_publish("A"), may_publish("Orders")], 0),
        ({"OTHER_NAMESPACE": "Other"}, [may_publish("Orders")], 0),
        ({"METRIC_NAMESPACE": OPEN}, [may_publish("Orders")], 0),
        ({"METRIC_NAMESPACE": "Other"}, [may_publish(OPEN)], 0),
        ({"METRIC_NAMESPACE": "Other"}, [may_publish("Orders", operator="StringLike")], 0),
        ({"METRIC_NAMESPACE": "Other"}, [{**OTHER, "Action": "*"}], 0),
        ({"METRIC_NAMESPACE": "Other"}, [OTHER], 0),
        (OPEN, [may_publish("Orders")], 0),
    ],
)
def test_namespaces_that_a_role_may_publish_to(variables: Any, statements: list[Any], count: int) -> None:
    assert len(publisher(variables, *statements)) == count


def test_a_role_that_is_not_wholly_known_may_publish() -> None:
    assert publisher({"METRIC_NAMESPACE": "Other"}, may_publish("Orders"), ManagedPolicyArns=[OPEN]) == []
    managed = "arn:aws:iam::aws:policy/CloudWatchFullAccess"
    assert publisher({"METRIC_NAMESPACE": "Other"}, may_publish("Orders"), ManagedPolicyArns=[managed]) == []


BALANCING = "AWS::ElasticLoadBalancingV2"
LABEL = "TargetTrackingScalingPolicyConfiguration"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Ref": "L"}, None),
        ({"Fn::GetAtt": ["L", "LoadBalancerArn"]}, None),
        ({"Fn::GetAtt": ["L", "DNSName"]}, "L.DNSName; allowed is Ref."),
        ({"Ref": "G"}, f"G is of type {BALANCING}::TargetGroup; allowed: {BALANCING}::LoadBalancer, "),
        ({"Fn::If": ["C", {"Ref": "L"}, {"Ref": "G"}]}, f"G is of type {BALANCING}::TargetGroup"),
        ({"Ref": "Mine"}, None),
        ({"Fn::Sub": "arn:x:${G}"}, None),
        ({"Ref": "V"}, None),
        (OPEN, None),
        ("arn:aws:x", None),
    ],
)
def test_what_a_property_takes(value: Any, told: str | None) -> None:
    others = {
        "L": resource(f"{BALANCING}::LoadBalancer"),
        "G": resource(f"{BALANCING}::TargetGroup"),
        "Mine": resource("Custom::Balancer"),
        "V": resource("AWS::EC2::VerifiedAccessInstance"),
    }
    given = {"W": resource("AWS::WAFv2::WebACLAssociation", ResourceArn=value), **others}
    conditions = {"C": {"Fn::Equals": [OPEN, "x"]}}
    messages_ = found("DR-TARGET-01", given, Conditions=conditions, Parameters={"Open": {}})
    assert len(messages_) == (told is not None)
    assert all(message.startswith(str(told)) for message in messages_)
    label = {"PredefinedMetricSpecification": {"ResourceLabel": {"Fn::Sub": "${L.LoadBalancerFullName}/${G}"}}}
    scaling = resource("AWS::ApplicationAutoScaling::ScalingPolicy", **{LABEL: label})
    assert len(found("DR-TARGET-01", {"S": scaling, **others})) == 1


def test_what_a_nested_stack_is_given() -> None:
    child = template({"W": resource("AWS::WAFv2::WebACLAssociation", ResourceArn={"Ref": "A"})}, Parameters={"A": {}})
    for kind, count in (("LoadBalancer", 0), ("Listener", 1)):
        root = template({"L": resource(f"{BALANCING}::{kind}"), "Child": nested("child.json", A={"Ref": "L"})})
        assert len(messages("DR-TARGET-01", Assembly({"root.json": root, "child.json": child}))) == count


@pytest.mark.parametrize(
    ("kind", "path", "target", "attribute", "count"),
    [
        ("AWS::Lambda::Permission", "FunctionName", "AWS::Lambda::Url", "FunctionArn", 0),
        ("AWS::Lambda::Permission", "FunctionName", "AWS::Lambda::Url", "FunctionUrl", 1),
        ("AWS::Lambda::Permission", "FunctionName", "AWS::SQS::Queue", "Arn", 1),
        ("AWS::Lambda::Permission", "FunctionName", "AWS::EKS::Cluster", "ClusterSecurityGroupId", 0),
        ("AWS::SNS::Subscription", "TopicArn", "AWS::Serverless::Application", "Outputs.TopicArn", 0),
        ("AWS::SNS::Subscription", "TopicArn", "AWS::SQS::Queue", "QueueUrl", 1),
        ("AWS::WAFv2::WebACLAssociation", "ResourceArn", "AWS::AppSync::Api", "ApiArn", 0),
        ("AWS::WAFv2::WebACLAssociation", "ResourceArn", "AWS::EC2::SecurityGroup", "GroupId", 1),
        ("AWS::Route53::RecordSet", "HostedZoneId", "AWS::ServiceDiscovery::PrivateDnsNamespace", "HostedZoneId", 0),
    ],
)
def test_an_attribute_that_is_not_the_resource_itself_may_be_anything(
    kind: str, path: str, target: str, attribute: str, count: int
) -> None:
    given = {"R": resource(kind, **{path: {"Fn::GetAtt": ["T", attribute]}}), "T": resource(target)}
    assert len(found("DR-TARGET-01", given)) == count
