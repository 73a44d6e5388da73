"""Lists that reach a nested stack as text with commas."""

from __future__ import annotations

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import Reference


def test_list_parameter_of_a_nested_stack_arrives_as_text() -> None:
    parent = {
        "Resources": {
            "A": {"Type": "AWS::EC2::Subnet"},
            "B": {"Type": "AWS::EC2::Subnet"},
            "Child": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": "child.yaml",
                    "Parameters": {"Subnets": {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}},
                },
            },
        }
    }
    child = {
        "Parameters": {"Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}},
        "Resources": {"Group": {"Type": "AWS::RDS::DBSubnetGroup", "Properties": {"SubnetIds": {"Ref": "Subnets"}}}},
    }
    app = Assembly({"root.yaml": parent, "child.yaml": child})
    group = app.templates["child.yaml"].resources["Group"]
    assert group.get("SubnetIds") == [Reference("root.yaml", "A"), Reference("root.yaml", "B")]
