"""Nested stacks: unchanged resources keep their attributes, and nothing that failed is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.declared import KEY
from embedded_testing.inventory import inventory
from embedded_testing.stack import reasons, upload

pytestmark = pytest.mark.emulator
_BROKEN = {
    "Type": "AWS::EC2::SecurityGroupIngress",
    "Properties": {"GroupId": "sg-0123456789abcdef0", "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"},
}


@pytest.fixture
def left_behind(aws: Aws) -> Iterator[set[str]]:
    """Return what is there before the test, and expect nothing more after it."""
    before = inventory(aws)
    yield before
    assert inventory(aws) - before <= {"bucket templates"}


def child(description: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Key": KEY,
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": description}},
            **more,
        },
        "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
    }


def parent(url: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}, **more},
        "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Child", "Outputs.KeyArn"]}}},
    }


def test_an_update_keeps_the_attributes_of_what_it_does_not_change(aws: Aws, deploy: Deploy) -> None:
    first = deploy(parent(upload(aws, child("one"), key="first")))
    assert first.outputs["KeyArn"].startswith("arn:aws:kms:")
    alarm = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    }
    second = deploy(parent(upload(aws, child("two", Topic=alarm), key="second")))
    assert (second.status, second.outputs) == ("UPDATE_COMPLETE", first.outputs)


@pytest.mark.usefixtures("left_behind")
def test_a_nested_stack_that_fails_leaves_nothing_behind(aws: Aws, deploy: Deploy, stack_name: str) -> None:
    failed = deploy(parent(upload(aws, child("one", Rule={**_BROKEN, "DependsOn": "Group"}), key="broken")))
    assert failed.status == "ROLLBACK_COMPLETE"
    assert "sg-0123456789abcdef0" in reasons(aws, stack_name)


def test_a_failed_update_goes_back_to_what_was(aws: Aws, deploy: Deploy) -> None:
    before = deploy(parent(upload(aws, child("one"), key="first")))
    known = inventory(aws)
    broken = child("one", Another={"Type": "AWS::SNS::Topic"}, Rule={**_BROKEN, "DependsOn": "Another"})
    after = deploy(parent(upload(aws, broken, key="broken")))
    assert (after.status, after.outputs) == ("UPDATE_ROLLBACK_COMPLETE", before.outputs)
    assert inventory(aws) == known
    assert deploy(parent(upload(aws, child("three"), key="third"))).status == "UPDATE_COMPLETE"


def test_a_dynamic_reference_is_resolved_in_a_nested_stack_too(aws: Aws, deploy: Deploy) -> None:
    aws("ssm").put_parameter(Name="/named", Value="from-a-parameter", Type="String", Overwrite=True)
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:ssm:/named}}", "TopicName": "named"}}
    deploy(parent(upload(aws, child("one", Topic=topic), key="dynamic")))
    found = aws("sns").get_topic_attributes(TopicArn="arn:aws:sns:us-east-1:000000000000:named")["Attributes"]
    assert found["DisplayName"] == "from-a-parameter"


@pytest.mark.usefixtures("left_behind")
@pytest.mark.parametrize(
    "unknown", ["AWS::No::Such", "AWS::CloudFormation::Macro", "Custom::Anything", "AWS::Kinesis::Stream"]
)
def test_a_type_that_is_not_listed_fails_a_nested_stack(
    aws: Aws, deploy: Deploy, stack_name: str, unknown: str
) -> None:
    template = child("one", Unknown={"Type": unknown, "DependsOn": "Group", "Properties": {"ServiceToken": "any"}})
    assert deploy(parent(upload(aws, template, key="unknown"))).status == "ROLLBACK_COMPLETE"
    assert f"Unrecognized resource types: [{unknown}]" in reasons(aws, stack_name)


def test_only_the_branch_that_a_condition_takes_is_judged(deploy: Deploy) -> None:
    """As in the template of `cdk bootstrap`: a list that is empty unless somebody gives it."""
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}}
    trusted = {**statement, "Principal": {"AWS": {"Ref": "Trusted"}}}
    chosen = {"Fn::If": ["HasTrusted", trusted, {"Ref": "AWS::NoValue"}]}
    policies = {"Fn::If": ["HasTrusted", {"Ref": "Trusted"}, {"Ref": "AWS::NoValue"}]}
    trust = {"Version": "2012-10-17", "Statement": [statement, chosen]}
    properties = {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": policies}
    template = {
        "Parameters": {"Trusted": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"HasTrusted": {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Trusted"}]}]}]}},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}},
    }
    assert deploy(template).status == "CREATE_COMPLETE"
