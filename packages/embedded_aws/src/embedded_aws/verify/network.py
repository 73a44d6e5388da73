"""Amazon EC2: the VPC, its subnets and routes, security groups and their rules, endpoints and flow logs."""

import json
from collections.abc import Iterator
from typing import Any

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, only, same, unordered, verifies


@verifies("AWS::EC2::VPC")
def vpc(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare address range, tenancy and DNS attributes."""
    found = only(aws("ec2").describe_vpcs(VpcIds=[resource.physical_id])["Vpcs"])
    yield from same(resource, found, "CidrBlock", "InstanceTenancy")
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpc.html
    for attribute, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
        name = attribute[0].lower() + attribute[1:]
        answer = aws("ec2").describe_vpc_attribute(VpcId=resource.physical_id, Attribute=name)
        yield Comparison(attribute, declared(resource, attribute, default), answer[attribute]["Value"])


@verifies("AWS::EC2::Subnet")
def subnet(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare VPC, address range, Availability Zone and public addressing."""
    found = only(aws("ec2").describe_subnets(SubnetIds=[resource.physical_id])["Subnets"])
    yield from same(resource, found, "VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch")


@verifies("AWS::EC2::RouteTable")
def route_table(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the VPC."""
    yield from same(resource, _route_table(aws, resource.physical_id), "VpcId")


@verifies("AWS::EC2::SubnetRouteTableAssociation")
def association(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Check that the declared table lists the declared subnet."""
    table = _route_table(aws, declared(resource, "RouteTableId"))
    subnets = [each["SubnetId"] for each in table["Associations"] if not each.get("Main")]
    yield Comparison("subnet", True, declared(resource, "SubnetId") in subnets)


@verifies("AWS::EC2::Route")
def route(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the gateway that the declared destination leads to."""
    table = _route_table(aws, declared(resource, "RouteTableId"))
    destination = declared(resource, "DestinationCidrBlock")
    found = only(each for each in table["Routes"] if each.get("DestinationCidrBlock") == destination)
    yield from same(resource, found, "GatewayId", "NatGatewayId")


def _route_table(aws: Aws, table_id: str | None) -> Any:
    return only(aws("ec2").describe_route_tables(RouteTableIds=[table_id])["RouteTables"])


@verifies("AWS::EC2::InternetGateway")
def internet_gateway(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Check that it exists: it has no properties."""
    found = aws("ec2").describe_internet_gateways(InternetGatewayIds=[resource.physical_id])["InternetGateways"]
    yield Comparison("id", resource.physical_id, only(found)["InternetGatewayId"])


@verifies("AWS::EC2::VPCGatewayAttachment")
def gateway_attachment(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the VPC that the declared gateway is attached to."""
    gateway = declared(resource, "InternetGatewayId")
    found = only(aws("ec2").describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"])
    yield Comparison("VPC", [declared(resource, "VpcId")], [each["VpcId"] for each in found["Attachments"]])


@verifies("AWS::EC2::SecurityGroup")
def security_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare VPC, description and the rules in line; a rule that is a resource has a verifier of its own."""
    found = only(aws("ec2").describe_security_groups(GroupIds=[resource.physical_id])["SecurityGroups"])
    yield from same(resource, found, "VpcId")
    yield Comparison("description", declared(resource, "GroupDescription"), found["Description"])
    for prop, permissions in (
        ("SecurityGroupIngress", found["IpPermissions"]),
        ("SecurityGroupEgress", found["IpPermissionsEgress"]),
    ):
        found_rules = [(*_ports(each), _range(cidr)) for each in permissions for cidr in each["IpRanges"]]
        for rule in declared(resource, prop, []):
            yield Comparison(
                f"{prop} {rule.get('Description', '')}", True, (*_ports(rule), _range(rule)) in found_rules
            )


def _ports(rule: dict[str, Any]) -> tuple[str, int, int]:
    return str(rule["IpProtocol"]), int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1))


def _range(rule: dict[str, Any]) -> tuple[Any, Any]:
    return rule.get("CidrIp"), rule.get("Description")


@verifies("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
def security_group_rule(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare group, direction, protocol, ports, description and peer."""
    found = only(
        aws("ec2").describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [declared(resource, "GroupId")]}],
            SecurityGroupRuleIds=[resource.physical_id],
        )["SecurityGroupRules"]
    )
    egress = resource.type.endswith("Egress")
    peer = declared(resource, "DestinationSecurityGroupId" if egress else "SourceSecurityGroupId")
    yield Comparison("direction", egress, found["IsEgress"])
    yield from same(resource, found, "GroupId", "IpProtocol", "FromPort", "ToPort", "Description")
    if peer is None:
        yield Comparison("range", declared(resource, "CidrIp"), found.get("CidrIpv4"))
    else:
        yield Comparison("peer", peer, found.get("ReferencedGroupInfo", {}).get("GroupId"))


@verifies("Custom::VpcRestrictDefaultSG")
def default_security_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Check that the group has no rule left."""
    group = str(resource.physical_id).removeprefix("rules-of-")
    found = only(aws("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"])
    yield Comparison("DefaultSecurityGroupId", declared(resource, "DefaultSecurityGroupId"), found["GroupId"])
    yield Comparison("group", "default", found["GroupName"])
    yield Comparison("ingress", [], found["IpPermissions"])
    yield Comparison("egress", [], found["IpPermissionsEgress"])


@verifies("AWS::EC2::EIP")
def elastic_ip(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the domain."""
    found = only(
        each for each in aws("ec2").describe_addresses()["Addresses"] if each["PublicIp"] == resource.physical_id
    )
    yield Comparison("Domain", declared(resource, "Domain", "vpc"), found["Domain"])


@verifies("AWS::EC2::NatGateway")
def nat_gateway(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare state, subnet, connectivity and address."""
    found = only(aws("ec2").describe_nat_gateways(NatGatewayIds=[resource.physical_id])["NatGateways"])
    yield Comparison("state", "available", found["State"])
    yield Comparison("ConnectivityType", declared(resource, "ConnectivityType", "public"), found["ConnectivityType"])
    yield from same(resource, found, "SubnetId")
    if declared(resource, "AllocationId") is not None:
        addresses = [each["AllocationId"] for each in found["NatGatewayAddresses"]]
        yield Comparison("AllocationId", declared(resource, "AllocationId"), addresses[0] if addresses else None)


@verifies("AWS::EC2::VPCEndpoint")
def vpc_endpoint(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare VPC, service, kind, private DNS, policy, and its route tables, or its subnets and security groups."""
    found = only(aws("ec2").describe_vpc_endpoints(VpcEndpointIds=[resource.physical_id])["VpcEndpoints"])
    yield from same(resource, found, "VpcId", "ServiceName", "VpcEndpointType", "PrivateDnsEnabled")
    for members in ("RouteTableIds", "SubnetIds"):
        yield Comparison(members, unordered(declared(resource, members, [])), unordered(found.get(members, [])))
    groups = [each["GroupId"] for each in found.get("Groups", [])]
    yield Comparison("SecurityGroupIds", unordered(declared(resource, "SecurityGroupIds", [])), unordered(groups))
    if policy := declared(resource, "PolicyDocument"):
        yield Comparison("policy", policy, json.loads(found["PolicyDocument"]))


@verifies("AWS::EC2::FlowLog")
def flow_log(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare resource, traffic type and destination."""
    found = only(aws("ec2").describe_flow_logs(FlowLogIds=[resource.physical_id])["FlowLogs"])
    yield from same(resource, found, "ResourceId", "TrafficType", "LogDestinationType")
    yield Comparison(
        "log group", declared(resource, "LogGroupName"), found.get("LogGroupName", found["LogDestination"])
    )


@verifies("AWS::Route53::RecordSet")
def dns_record(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare what the record of that name and type leads to."""
    zone, name, kind = (declared(resource, each) for each in ("HostedZoneId", "Name", "Type"))
    pages = aws("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    found = only(
        each
        for page in pages
        for each in page["ResourceRecordSets"]
        if (each["Name"].rstrip("."), each["Type"]) == (str(name).rstrip("."), kind)
    )
    target = found.get("AliasTarget", {})
    # https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html: the answer is a full name.
    dns_name = target.get("DNSName", "").rstrip(".")
    yield Comparison("AliasTarget", declared(resource, "AliasTarget"), {**target, "DNSName": dns_name})
