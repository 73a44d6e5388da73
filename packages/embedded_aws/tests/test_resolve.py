"""References are resolved as CloudFormation resolves them, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.resolve import UNRESOLVED, Scope

TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key"},
        "Group": {"Type": "AWS::EC2::SecurityGroup"},
        "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
        "Child": {"Type": "AWS::CloudFormation::Stack"},
        "Missing": {"Type": "AWS::KMS::Key"},
    }
}
SCOPE = Scope(
    template=TEMPLATE,
    parameters={"Given": "from-the-parent"},
    physical_ids={"Key": "1234", "Group": "sg-1", "Balancer": "arn:aws:x:loadbalancer/app/name/id", "Child": "arn"},
    outputs={"Child": {"Value": "from-the-child"}},
    zones=("us-east-1a", "us-east-1b"),
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("text", "text"),
        (5, 5),
        ({"Ref": "Given"}, "from-the-parent"),
        ({"Ref": "Key"}, "1234"),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Unknown"}, UNRESOLVED),
        ({"Fn::GetAtt": ["Key", "Arn"]}, "arn:aws:kms:us-east-1:000000000000:key/1234"),
        ({"Fn::GetAtt": ["Group", "GroupId"]}, "sg-1"),
        ({"Fn::GetAtt": ["Balancer", "LoadBalancerFullName"]}, "app/name/id"),
        ({"Fn::GetAtt": ["Child", "Outputs.Value"]}, "from-the-child"),
        ({"Fn::GetAtt": ["Child", "Outputs.None"]}, UNRESOLVED),
        ({"Fn::GetAtt": ["Missing", "Arn"]}, UNRESOLVED),
        ({"Fn::GetAtt": ["Group", "Unlisted"]}, UNRESOLVED),
        ({"Fn::Join": ["-", ["a", {"Ref": "Key"}]]}, "a-1234"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Unknown"}]]}, UNRESOLVED),
        ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, "us-east-1b"),
        ({"Fn::Select": ["2", {"Fn::GetAZs": ""}]}, UNRESOLVED),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b"]}]}, "b"),
        ({"Fn::Split": ["/", {"Ref": "Unknown"}]}, UNRESOLVED),
        ({"Fn::Sub": "${AWS::Partition}:${Key}:${!Literal}"}, "aws:1234:${!Literal}"),
        ({"Fn::Sub": "${Unknown}"}, UNRESOLVED),
        ({"Fn::Sub": ["${a}", {"a": "b"}]}, UNRESOLVED),
        ({"Fn::ImportValue": "export"}, UNRESOLVED),
        ({"a": {"Ref": "Key"}, "b": {"Ref": "AWS::NoValue"}}, {"a": "1234"}),
        ([{"Ref": "AWS::NoValue"}, {"Ref": "Key"}], ["1234"]),
        ({"Ref": "Key", "Other": 1}, {"Ref": "Key", "Other": 1}),
    ],
)
def test_a_value(value: Any, resolved: Any) -> None:
    assert SCOPE.resolve(value) == resolved
