"""The VPC and the load balancer as they are, against the settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from stacks.names import OutputKey, PhysicalName, TagKey
from stacks.settings import EgressMode, Settings
from tests.integration.conftest import Client


class Connection(NamedTuple):
    """One permitted connection.

    Attributes:
        protocol: name or number; `-1` is any.
        first: first port; None where the rule has no ports.
        last: last port.
        peer: a security group's id, an IPv4 or IPv6 range, or a prefix list's id.
    """

    protocol: str
    first: int | None
    last: int | None
    peer: str


# Every kind of peer that a rule can have: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
PEERS = {
    "UserIdGroupPairs": "GroupId",
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
}


def tcp(port: int, peer: str) -> Connection:
    """Return a TCP connection to one port."""
    return Connection("tcp", port, port, peer)


def incoming(group: Mapping[str, Any]) -> set[Connection]:
    """Return what a security group admits.

    Args:
        group: an item of EC2's DescribeSecurityGroups.
    """
    return set(_connections(group["IpPermissions"]))


def _connections(permissions: list[dict[str, Any]]) -> Iterator[Connection]:
    for rule in permissions:
        for member, name in PEERS.items():
            for peer in rule.get(member, []):
                yield Connection(rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), peer[name])


def _tags(resource: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource["Tags"]}


def _subnets(client: Client, outputs: Mapping[str, str], key: OutputKey) -> list[dict[str, Any]]:
    found = client("ec2").describe_subnets(SubnetIds=outputs[key].split(","))["Subnets"]
    return [dict(subnet) for subnet in found]


def test_the_vpc_has_the_configured_range_and_our_tags(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    (vpc,) = client("ec2").describe_vpcs(VpcIds=[outputs[OutputKey.VPC_ID]])["Vpcs"]
    assert (vpc["State"], vpc["CidrBlock"]) == ("available", settings.network.cidr)
    assert _tags(vpc)[TagKey.SUFFIX] == settings.suffix


@pytest.mark.parametrize("key", [OutputKey.PUBLIC_SUBNET_IDS, OutputKey.ISOLATED_SUBNET_IDS])
def test_a_subnet_of_each_kind_in_every_zone(
    client: Client, outputs: Mapping[str, str], settings: Settings, key: OutputKey
) -> None:
    subnets = _subnets(client, outputs, key)
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    assert len(zones) == len(subnets) == (len(settings.network.zones) or settings.network.zone_count)
    assert {subnet["VpcId"] for subnet in subnets} == {outputs[OutputKey.VPC_ID]}


def test_isolated_subnets_have_no_way_to_the_internet(client: Client, outputs: Mapping[str, str]) -> None:
    isolated = outputs[OutputKey.ISOLATED_SUBNET_IDS].split(",")
    filters = [{"Name": "association.subnet-id", "Values": isolated}]
    tables = client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    assert tables
    routes = [route for table in tables for route in table["Routes"]]
    assert not [route for route in routes if route.get("GatewayId", "").startswith("igw-") or "NatGatewayId" in route]


def test_traffic_is_logged(client: Client, outputs: Mapping[str, str]) -> None:
    filters = [{"Name": "resource-id", "Values": [outputs[OutputKey.VPC_ID]]}]
    (log,) = client("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]
    assert (log["FlowLogStatus"], log["TrafficType"]) == ("ACTIVE", "ALL")
    group = log.get("LogGroupName") or log["LogDestination"].rpartition(":log-group:")[2].removesuffix(":*")
    assert group == outputs[OutputKey.FLOW_LOG_GROUP_NAME]


def test_endpoints_are_those_of_the_egress_mode(client: Client, outputs: Mapping[str, str], settings: Settings) -> None:
    filters = [{"Name": "vpc-id", "Values": [outputs[OutputKey.VPC_ID]]}]
    found = client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    kinds = [endpoint["VpcEndpointType"] for endpoint in found]
    assert kinds.count("Gateway") == 2
    assert (kinds.count("Interface") > 0) is (settings.network.egress is EgressMode.ENDPOINTS)


def _incoming(client: Client, outputs: Mapping[str, str], key: OutputKey) -> set[Connection]:
    (group,) = client("ec2").describe_security_groups(GroupIds=[outputs[key]])["SecurityGroups"]
    return incoming(group)


def test_only_tasks_reach_the_database(client: Client, outputs: Mapping[str, str], settings: Settings) -> None:
    expected = {tcp(settings.database.port, outputs[OutputKey.TASK_SECURITY_GROUP_ID])}
    assert _incoming(client, outputs, OutputKey.DATABASE_SECURITY_GROUP_ID) == expected


def test_only_the_load_balancer_reaches_tasks(client: Client, outputs: Mapping[str, str], settings: Settings) -> None:
    expected = {tcp(settings.compute.port, outputs[OutputKey.LOAD_BALANCER_SECURITY_GROUP_ID])}
    assert _incoming(client, outputs, OutputKey.TASK_SECURITY_GROUP_ID) == expected


def test_the_internet_reaches_the_listeners_and_nothing_else(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    ports = {80, *([443] if settings.compute.certificate_arn else [])}
    expected = {tcp(port, "0.0.0.0/0") for port in ports}
    assert _incoming(client, outputs, OutputKey.LOAD_BALANCER_SECURITY_GROUP_ID) == expected


@pytest.fixture(scope="module")
def balancer(client: Client, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the load balancer."""
    found = client("elbv2").describe_load_balancers(LoadBalancerArns=[outputs[OutputKey.LOAD_BALANCER_ARN]])
    return dict(found["LoadBalancers"][0])


def test_the_load_balancer_is_public_in_every_zone(
    balancer: dict[str, Any], outputs: Mapping[str, str], names: Any
) -> None:
    assert (balancer["State"]["Code"], balancer["Scheme"]) == ("active", "internet-facing")
    assert balancer["LoadBalancerName"] == names.physical_name(PhysicalName.LOAD_BALANCER)
    assert balancer["DNSName"] == outputs[OutputKey.LOAD_BALANCER_DNS_NAME]
    assert len(balancer["AvailabilityZones"]) == len(outputs[OutputKey.PUBLIC_SUBNET_IDS].split(","))


def test_its_listeners_are_those_of_the_certificate(
    client: Client, balancer: dict[str, Any], settings: Settings
) -> None:
    found = client("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    protocols = {(listener["Protocol"], listener["Port"]) for listener in found}
    secure = settings.compute.certificate_arn is not None
    assert protocols == {("HTTP", 80), *([("HTTPS", 443)] if secure else [])}


def test_it_logs_accesses_and_is_protected_as_configured(
    client: Client, balancer: dict[str, Any], outputs: Mapping[str, str], settings: Settings
) -> None:
    found = client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    attributes = {each["Key"]: each["Value"] for each in found["Attributes"]}
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["access_logs.s3.bucket"] == outputs[OutputKey.LOG_BUCKET_NAME]
    assert attributes["deletion_protection.enabled"] == str(settings.removal.deletion_protection).lower()


def test_targets_are_asked_at_the_configured_path_and_healthy_in_more_than_one_zone(
    client: Client, outputs: Mapping[str, str], settings: Settings
) -> None:
    arn = outputs[OutputKey.TARGET_GROUP_ARN]
    (group,) = client("elbv2").describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (group["TargetType"], group["HealthCheckPath"]) == ("ip", settings.compute.health_path)
    health = client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    healthy = [each["Target"]["Id"] for each in health if each["TargetHealth"]["State"] == "healthy"]
    assert len(healthy) >= settings.compute.min_tasks
    filters = [{"Name": "vpc-id", "Values": [outputs[OutputKey.VPC_ID]]}]
    subnets = client("ec2").describe_subnets(Filters=filters)["Subnets"]
    zones = {
        subnet["AvailabilityZone"]
        for subnet in subnets
        for address in healthy
        if ipaddress.ip_address(address) in ipaddress.ip_network(subnet["CidrBlock"])
    }
    assert len(zones) > 1
