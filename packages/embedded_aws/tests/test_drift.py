"""Drift: what was changed or deleted beside CloudFormation is found in every type that has a verifier."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.refused import refused

pytestmark = pytest.mark.emulator
TEMPLATE: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16", "EnableDnsSupport": True}},
    "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/drift", "RetentionInDays": 7}},
    "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "one"}},
}


def drifts(aws: Aws, stack: str) -> tuple[str, dict[str, str]]:
    """Detect, and return the status of the stack and of each resource."""
    cloudformation = aws("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    found = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    listed = cloudformation.describe_stack_resource_drifts(StackName=stack)["StackResourceDrifts"]
    return found["StackDriftStatus"], {each["LogicalResourceId"]: each["StackResourceDriftStatus"] for each in listed}


def test_a_stack_is_in_sync_until_something_is_changed_or_deleted_beside_it(aws: Aws, deploy: Deploy) -> None:
    made = deploy(TEMPLATE)
    assert drifts(aws, made.name) == ("IN_SYNC", dict.fromkeys(TEMPLATE, "IN_SYNC"))
    vpc = made.physical_ids["Vpc"]
    aws("ec2").modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    aws("logs").put_retention_policy(logGroupName="/drift", retentionInDays=30)
    aws("sns").delete_topic(TopicArn=made.physical_ids["Topic"])
    expected = {"Vpc": "MODIFIED", "Group": "MODIFIED", "Topic": "DELETED"}
    assert drifts(aws, made.name) == ("DRIFTED", expected)
    one = aws("cloudformation").detect_stack_resource_drift(StackName=made.name, LogicalResourceId="Group")
    difference = one["StackResourceDrift"]["PropertyDifferences"]
    assert [(each["PropertyPath"], each["ExpectedValue"], each["ActualValue"]) for each in difference] == [
        ("/retention", "7", "30")
    ]
    assert json.loads(one["StackResourceDrift"]["ActualProperties"])["retention"] == 30


def test_what_has_no_properties_to_compare_is_not_checked(aws: Aws, deploy: Deploy) -> None:
    made = deploy({**TEMPLATE, "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}}})
    _status, checked = drifts(aws, made.name)
    assert "Metadata" not in checked
    request = {"StackName": made.name, "LogicalResourceId": "Metadata"}
    code, message = refused(lambda: aws("cloudformation").detect_stack_resource_drift(**request))
    assert code == "ValidationError"
    assert "AWS::CDK::Metadata" in message
