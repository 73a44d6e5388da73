"""EC2: flow logs and security-group rules are made, changed and removed where EC2's own API shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy

pytestmark = pytest.mark.emulator
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}


def flow_log(traffic: str, **tags: str) -> dict[str, Any]:
    properties = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": traffic,
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/flows"},
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    return {"Vpc": VPC, "FlowLog": {"Type": "AWS::EC2::FlowLog", "Properties": properties}}


def test_a_flow_log_is_kept_tagged_replaced_and_removed(aws: Aws, deploy: Deploy, delete: Callable[[], None]) -> None:
    ec2 = aws("ec2")
    first = deploy(flow_log("ALL", Owner="one")).physical_ids
    found = ec2.describe_flow_logs(FlowLogIds=[first["FlowLog"]])["FlowLogs"][0]
    assert (found["ResourceId"], found["TrafficType"], found["LogDestination"]) == (first["Vpc"], "ALL", "flows")
    assert {"Key": "Owner", "Value": "one"} in found["Tags"]

    retagged = deploy(flow_log("ALL", Owner="two")).physical_ids
    assert retagged["FlowLog"] == first["FlowLog"]
    found = ec2.describe_flow_logs(FlowLogIds=[first["FlowLog"]])["FlowLogs"][0]
    assert {"Key": "Owner", "Value": "two"} in found["Tags"]

    replaced = deploy(flow_log("REJECT")).physical_ids
    assert replaced["FlowLog"] != first["FlowLog"]
    assert [each["TrafficType"] for each in ec2.describe_flow_logs()["FlowLogs"]] == ["REJECT"]

    delete()
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def rule(direction: str, port: int, description: str) -> dict[str, Any]:
    peer = "SourceSecurityGroupId" if direction == "Ingress" else "DestinationSecurityGroupId"
    group = {"GroupDescription": "one", "VpcId": {"Ref": "Vpc"}}
    properties = {
        "GroupId": {"Fn::GetAtt": ["One", "GroupId"]},
        peer: {"Fn::GetAtt": ["Two", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "Description": description,
    }
    return {
        "Vpc": VPC,
        "One": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Two": {"Type": "AWS::EC2::SecurityGroup", "Properties": {**group, "GroupDescription": "two"}},
        "Rule": {"Type": f"AWS::EC2::SecurityGroup{direction}", "Properties": properties},
    }


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_a_security_group_rule_is_in_its_group(aws: Aws, deploy: Deploy, direction: str) -> None:
    ec2 = aws("ec2")
    ids = deploy(rule(direction, 5432, "first")).physical_ids

    def rules() -> list[dict[str, Any]]:
        group = [{"Name": "group-id", "Values": [ids["One"]]}]
        found = ec2.describe_security_group_rules(Filters=group)["SecurityGroupRules"]
        return [each for each in found if "ReferencedGroupInfo" in each]

    assert [each["SecurityGroupRuleId"] for each in rules()] == [ids["Rule"]]
    assert rules()[0]["IsEgress"] is (direction == "Egress")
    assert rules()[0]["ReferencedGroupInfo"]["GroupId"] == ids["Two"]

    same = deploy(rule(direction, 5432, "second")).physical_ids
    assert same["Rule"] == ids["Rule"]
    assert [each["Description"] for each in rules()] == ["second"]

    moved = deploy(rule(direction, 6432, "second")).physical_ids
    assert moved["Rule"] != ids["Rule"]
    assert [each["FromPort"] for each in rules()] == [6432]

    without = rule(direction, 6432, "second")
    del without["Rule"]
    deploy(without)
    assert rules() == []


def test_a_rule_of_an_unknown_group_fails_the_stack(aws: Aws, deploy: Deploy) -> None:
    template = rule("Ingress", 5432, "first")
    template["Rule"]["Properties"]["GroupId"] = "sg-00000000000000000"
    assert deploy(template).status == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        aws("ec2").describe_vpcs(VpcIds=["vpc-00000000000000000"])


def test_a_vpc_gives_its_range(deploy: Deploy) -> None:
    outputs = {"Range": {"Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]}}}
    assert deploy({"Resources": {"Vpc": VPC}, "Outputs": outputs}).outputs == {"Range": "10.1.0.0/16"}
