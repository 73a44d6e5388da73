"""The ways out of a VPC, the default security group, and a web ACL: made, described, changed and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy

pytestmark = pytest.mark.emulator
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.2.0.0/16"}}
SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.2.0.0/24"}}


def nat(owner: str, **properties: Any) -> dict[str, Any]:
    tags = [{"Key": "Owner", "Value": owner}]
    gateway = {
        "SubnetId": {"Ref": "Subnet"},
        "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
        "Tags": tags,
        **properties,
    }
    return {
        "Vpc": VPC,
        "Subnet": SUBNET,
        "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc", "Tags": tags}},
        "Gateway": {"Type": "AWS::EC2::NatGateway", "Properties": gateway},
    }


def test_a_nat_gateway_has_its_address_its_tags_and_goes_with_the_stack(
    aws: Aws, deploy: Deploy, delete: Callable[[], None]
) -> None:
    ec2 = aws("ec2")
    ids = deploy(nat("one")).physical_ids

    def gateway() -> dict[str, Any]:
        return dict(ec2.describe_nat_gateways(NatGatewayIds=[ids["Gateway"]])["NatGateways"][0])

    found, address = gateway(), ec2.describe_addresses()["Addresses"][0]
    assert (found["State"], found["SubnetId"], found["VpcId"]) == ("available", ids["Subnet"], ids["Vpc"])
    assert [each["PublicIp"] for each in found["NatGatewayAddresses"]] == [ids["Address"]] == [address["PublicIp"]]
    assert [each["AllocationId"] for each in found["NatGatewayAddresses"]] == [address["AllocationId"]]
    assert address["AssociationId"] == found["NatGatewayAddresses"][0]["AssociationId"]

    assert deploy(nat("two")).physical_ids == ids
    assert {"Key": "Owner", "Value": "two"} in gateway()["Tags"]
    assert {"Key": "Owner", "Value": "two"} in ec2.describe_addresses()["Addresses"][0]["Tags"]

    delete()
    assert (gateway()["State"], gateway()["NatGatewayAddresses"]) == ("deleted", [])
    assert ec2.describe_addresses()["Addresses"] == []


@pytest.mark.parametrize("how", ["missing", "taken"])
def test_a_nat_gateway_without_a_free_address_fails_the_stack(deploy: Deploy, how: str) -> None:
    template = nat("one")
    if how == "missing":
        template["Gateway"]["Properties"]["AllocationId"] = "eipalloc-00000000000000000"
    else:
        template["Second"] = {**template["Gateway"], "DependsOn": "Gateway"}
    assert deploy(template).status == "ROLLBACK_COMPLETE"


def test_a_private_nat_gateway_has_no_address(aws: Aws, deploy: Deploy) -> None:
    template = nat("one", ConnectivityType="private")
    del template["Gateway"]["Properties"]["AllocationId"]
    found = deploy(template).physical_ids["Gateway"]
    described = aws("ec2").describe_nat_gateways(NatGatewayIds=[found])["NatGateways"][0]
    assert (described["ConnectivityType"], described["NatGatewayAddresses"]) == ("private", [])


def test_a_vpc_endpoint_tells_its_private_dns_its_groups_and_its_policy(aws: Aws, deploy: Deploy) -> None:
    endpoint = {
        "VpcId": {"Ref": "Vpc"},
        "ServiceName": "com.amazonaws.us-east-1.kms",
        "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": True,
        "SubnetIds": [{"Ref": "Subnet"}],
        "SecurityGroupIds": [{"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}],
        "PolicyDocument": {
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:<any>", "Resource": "*"}]
        },
    }
    made = deploy(
        {"Vpc": VPC, "Subnet": SUBNET, "Kms": {"Type": "AWS::EC2::VPCEndpoint", "Properties": endpoint}}
    ).physical_ids
    found = aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[made["Kms"]])["VpcEndpoints"][0]
    assert found["PrivateDnsEnabled"] is True
    assert json.loads(found["PolicyDocument"]) == endpoint["PolicyDocument"]
    assert [each["GroupId"] for each in found["Groups"]] == [default_group(aws, made["Vpc"])["GroupId"]]


def default_group(aws: Aws, vpc: str) -> dict[str, Any]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return dict(aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0])


def restricted(vpc: str) -> dict[str, Any]:
    properties = {
        "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:not-run",
        "DefaultSecurityGroupId": {"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]},
        "Account": "000000000000",
    }
    return {"Vpc": VPC, "Other": VPC, "Restrict": {"Type": "Custom::VpcRestrictDefaultSG", "Properties": properties}}


def test_the_default_security_group_loses_its_rules_and_gets_them_back(aws: Aws, deploy: Deploy) -> None:
    ids = deploy(restricted("Vpc")).physical_ids

    def rules(vpc: str) -> tuple[int, int]:
        group = default_group(aws, ids[vpc])
        return len(group["IpPermissions"]), len(group["IpPermissionsEgress"])

    other = rules("Other")
    assert (rules("Vpc"), other[1]) == ((0, 0), 1)

    assert deploy(restricted("Other")).status == "UPDATE_COMPLETE"
    assert (rules("Vpc"), rules("Other")) == ((1, 1), (0, 0))

    assert deploy({"Vpc": VPC, "Other": VPC}).status == "UPDATE_COMPLETE"
    assert rules("Other") == (1, 1)


def test_a_default_security_group_that_is_not_there_fails_the_stack(deploy: Deploy) -> None:
    template = restricted("Vpc")
    template["Restrict"]["Properties"]["DefaultSecurityGroupId"] = "sg-00000000000000000"
    assert deploy(template).status == "ROLLBACK_COMPLETE"


VISIBILITY = {"CloudWatchMetricsEnabled": True, "MetricName": "m", "SampledRequestsEnabled": True}
PROTECTED = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/one/0123456789abcdef"


def web_acl(behavior: str) -> dict[str, Any]:
    acl = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBILITY}
    arn = {"Fn::GetAtt": ["Acl", "Arn"]}
    condition = {"ActionCondition": {"Action": "BLOCK"}}
    kept = {"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [condition]}
    logging = {
        "ResourceArn": arn,
        "LogDestinationConfigs": ["arn:aws:logs:us-east-1:000000000000:log-group:aws-waf-logs-one:*"],
        "LoggingFilter": {"DefaultBehavior": behavior, "Filters": [kept]},
    }
    association = {"ResourceArn": PROTECTED, "WebACLArn": arn}
    return {
        "Acl": {"Type": "AWS::WAFv2::WebACL", "Properties": acl},
        "Association": {"Type": "AWS::WAFv2::WebACLAssociation", "Properties": association},
        "Logging": {"Type": "AWS::WAFv2::LoggingConfiguration", "Properties": logging},
    }


def test_a_web_acl_is_associated_logs_and_is_removed(aws: Aws, deploy: Deploy, delete: Callable[[], None]) -> None:
    waf = aws("wafv2")
    ids = deploy(web_acl("DROP")).physical_ids
    arn = waf.get_web_acl_for_resource(ResourceArn=PROTECTED)["WebACL"]["ARN"]
    assert ids["Association"] == f"{PROTECTED}|{arn}"
    found = waf.get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]
    assert (found["ResourceArn"], found["LoggingFilter"]["DefaultBehavior"]) == (arn, "DROP")
    assert waf.list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"] == [found]

    changed = web_acl("KEEP")
    changed["Association"]["Metadata"] = {"Changed": "nothing that AWS WAF keeps"}
    assert deploy(changed).physical_ids == ids
    found = waf.get_logging_configuration(ResourceArn=arn)["LoggingConfiguration"]
    assert found["LoggingFilter"]["DefaultBehavior"] == "KEEP"

    delete()
    assert waf.list_web_acls(Scope="REGIONAL")["WebACLs"] == []
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.get_logging_configuration(ResourceArn=arn)
    with pytest.raises(ClientError, match="WAFNonexistentItemException"):
        waf.get_web_acl_for_resource(ResourceArn=PROTECTED)
