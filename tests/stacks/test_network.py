"""The VPC: addresses, zones, what every subnet can reach in each egress mode, and the endpoints."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stacks.profiles import NEEDED
from stacks.settings import load_settings
from tests.assembly import Assembly, synthesize

INTERNET_GATEWAY = "${Network/Vpc/IGW}"
VPC = "${Network/Vpc}"
# By construct: under another logical id an endpoint is a new one, whose route or private DNS name clashes with the old.
GATEWAY_SERVICES = {"S3Endpoint": "s3", "DynamoDbEndpoint": "dynamodb"}
INTERFACE_SERVICES = {
    "EcrApiEndpoint": "ecr.api",
    "EcrDockerEndpoint": "ecr.dkr",
    "LogsEndpoint": "logs",
    "SecretsManagerEndpoint": "secretsmanager",
    "KmsEndpoint": "kms",
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Interface endpoints in four zones, with ECS Exec."""
    context = {"network.egress": "endpoints", "network.zone_count": "4", "compute.exec_enabled": "true", **NEEDED}
    return synthesize(load_settings(context), "wide", tmp_path_factory.mktemp("wide"))


def _plain(deployment: Assembly, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of every resource of a type by construct; the type occurs in no other stack's template."""
    assert all(name.startswith("Network/") for name, _ in deployment.all_of_type(kind)), kind
    return {
        deployment.text("Network", {"Ref": name}): deployment.plain("Network", resource["Properties"])
        for name, resource in deployment.nested["Network"].of_type(kind).items()
    }


def _zones(deployment: Assembly) -> list[str]:
    settings = deployment.settings.network
    by_index = [f"${{AZs:{deployment.settings.region}}}[{index}]" for index in range(settings.zone_count)]
    return list(settings.zones) or by_index


def _subnets(deployment: Assembly, kind: str) -> list[str]:
    numbers = range(1, len(_zones(deployment)) + 1)
    return [f"${{Network/Vpc/{kind}Subnet{number}/Subnet}}" for number in numbers]


def _routes(deployment: Assembly) -> dict[str, list[dict[str, str]]]:
    """Return what each subnet's own route table holds, without the table's name."""
    tables = [link["RouteTableId"] for link in _plain(deployment, "AWS::EC2::SubnetRouteTableAssociation").values()]
    assert sorted(tables) == sorted(_plain(deployment, "AWS::EC2::RouteTable")), "one route table for each subnet"
    routes = list(_plain(deployment, "AWS::EC2::Route").values())
    return {
        link["SubnetId"]: [
            {key: value for key, value in route.items() if key != "RouteTableId"}
            for route in routes
            if route["RouteTableId"] == link["RouteTableId"]
        ]
        for link in _plain(deployment, "AWS::EC2::SubnetRouteTableAssociation").values()
    }


def test_one_vpc_with_the_range_and_the_dns_that_private_endpoints_need(deployment: Assembly) -> None:
    vpcs = _plain(deployment, "AWS::EC2::VPC")
    assert list(vpcs) == [VPC]
    del vpcs[VPC]["Tags"]
    assert vpcs[VPC] == {
        "CidrBlock": deployment.settings.network.cidr,
        "EnableDnsHostnames": True,
        "EnableDnsSupport": True,
        "InstanceTenancy": "default",
    }


@pytest.mark.parametrize(
    ("profile", "kinds"),
    [
        ("dev", {"Public", "Isolated"}),
        ("staging", {"Public", "Isolated"}),
        ("prod", {"Public", "Isolated"}),
        ("prod_nat", {"Public", "Private", "Isolated"}),
        ("options", {"Public", "Private", "Isolated"}),
        ("unusual", {"Public", "Isolated"}),
        ("wide", {"Public", "Isolated"}),
    ],
)
def test_one_subnet_of_each_kind_in_every_zone(request: pytest.FixtureRequest, profile: str, kinds: set[str]) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    zones = _zones(deployment)
    expected = {subnet: zone for kind in kinds for subnet, zone in zip(_subnets(deployment, kind), zones, strict=True)}
    subnets = _plain(deployment, "AWS::EC2::Subnet")
    assert {subnet: properties["AvailabilityZone"] for subnet, properties in subnets.items()} == expected


@pytest.mark.parametrize(
    ("profile", "zones"),
    [
        ("dev", ["${AZs:us-east-1}[0]", "${AZs:us-east-1}[1]"]),
        ("prod", ["${AZs:us-east-1}[0]", "${AZs:us-east-1}[1]"]),
        ("options", ["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        ("unusual", ["${AZs:ap-southeast-2}[0]", "${AZs:ap-southeast-2}[1]", "${AZs:ap-southeast-2}[2]"]),
    ],
)
def test_zones_by_name_or_the_first_of_the_region(
    request: pytest.FixtureRequest, profile: str, zones: list[str]
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    subnets = _plain(deployment, "AWS::EC2::Subnet").values()
    assert sorted({subnet["AvailabilityZone"] for subnet in subnets}) == zones


def test_no_template_names_a_placeholder_zone(deployment: Assembly) -> None:
    for name, template in deployment.templates.items():
        assert "dummy1" not in str(template.document), name
        assert "fake-az" not in str(template.document), name


def test_subnets_share_the_range_and_hand_out_no_public_address(deployment: Assembly) -> None:
    settings = deployment.settings.network
    subnets = _plain(deployment, "AWS::EC2::Subnet")
    for name, subnet in subnets.items():
        assert subnet["VpcId"] == VPC, name
        assert subnet["MapPublicIpOnLaunch"] is False, name
        assert not {"AssignIpv6AddressOnCreation", "Ipv6CidrBlock"} & set(subnet), name
    ranges = sorted(IPv4Network(subnet["CidrBlock"]) for subnet in subnets.values())
    assert {block.prefixlen for block in ranges} == {settings.subnet_prefix}
    assert all(block.subnet_of(IPv4Network(settings.cidr)) for block in ranges)
    assert not any(first.overlaps(second) for first, second in pairwise(ranges))


def test_another_egress_mode_moves_no_subnet_of_the_load_balancer_or_the_database(
    dev: Assembly, prod: Assembly, prod_nat: Assembly
) -> None:
    for kind, first in (("Public", 0), ("Isolated", 6), ("Private", 12)):
        for deployment in (prod_nat,) if kind == "Private" else (dev, prod, prod_nat):
            subnets = _plain(deployment, "AWS::EC2::Subnet")
            ranges = [subnets[subnet]["CidrBlock"] for subnet in _subnets(deployment, kind)]
            assert ranges == [f"10.20.{first * 4}.0/22", f"10.20.{(first + 1) * 4}.0/22"], (deployment.profile, kind)


@pytest.mark.parametrize("egress", ["public-ip", "nat"])
def test_two_zones_three_zones_two_zones_moves_no_subnet(tmp_path: Path, egress: str) -> None:
    """A subnet whose range or zone changes is replaced, and CloudFormation refuses a range that another still has."""
    made = {
        count: synthesize(
            load_settings({"network.zone_count": str(count), "network.egress": egress}), "dev", tmp_path / str(count)
        )
        for count in (2, 3, 6)
    }
    two, three, six = (each.nested["Network"].of_type("AWS::EC2::Subnet") for each in made.values())
    for fewer, more in ((two, three), (three, six)):
        assert fewer.keys() < more.keys()
        for name, subnet in fewer.items():
            for key in ("CidrBlock", "AvailabilityZone"):
                assert more[name]["Properties"][key] == subnet["Properties"][key], name


def test_only_public_subnets_reach_the_internet_gateway(deployment: Assembly) -> None:
    gateways = _plain(deployment, "AWS::EC2::VPCGatewayAttachment").values()
    assert [(gateway["InternetGatewayId"], gateway["VpcId"]) for gateway in gateways] == [(INTERNET_GATEWAY, VPC)]
    to_internet = [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": INTERNET_GATEWAY}]
    for subnet, routes in _routes(deployment).items():
        assert (routes == to_internet) is (subnet in _subnets(deployment, "Public")), subnet
        assert INTERNET_GATEWAY not in str(routes) or subnet in _subnets(deployment, "Public"), subnet


def test_isolated_subnets_lead_nowhere(deployment: Assembly) -> None:
    routes = _routes(deployment)
    for subnet in _subnets(deployment, "Isolated"):
        assert routes[subnet] == [], subnet


@pytest.mark.parametrize(
    ("profile", "homes", "routes"),
    [
        ("dev", [], []),
        ("staging", [], []),
        ("prod", [], []),
        ("prod_nat", [1, 2], [1, 2]),
        ("options", [1], [1, 1, 1]),
        ("unusual", [], []),
        ("wide", [], []),
    ],
)
def test_nat_gateways_one_or_one_for_each_zone_and_only_in_nat_mode(
    request: pytest.FixtureRequest, profile: str, homes: list[int], routes: list[int]
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    gateways = _plain(deployment, "AWS::EC2::NatGateway")
    assert {name: gateway["SubnetId"] for name, gateway in gateways.items()} == {
        f"${{Network/Vpc/PublicSubnet{home}/NATGateway}}": f"${{Network/Vpc/PublicSubnet{home}/Subnet}}"
        for home in homes
    }
    addresses = {f"{name[:-1]}.AllocationId}}" for name in _plain(deployment, "AWS::EC2::EIP")}
    assert {gateway["AllocationId"] for gateway in gateways.values()} == addresses
    assert len(addresses) == len(homes)
    found = _routes(deployment)
    private = [found.get(subnet) for subnet in _subnets(deployment, "Private") if routes]
    assert private == [
        [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": f"${{Network/Vpc/PublicSubnet{home}/NATGateway}}"}]
        for home in routes
    ]


def test_s3_and_dynamodb_gateways_serve_every_route_table_in_every_mode(deployment: Assembly) -> None:
    tables = set(_plain(deployment, "AWS::EC2::RouteTable"))
    endpoints = _plain(deployment, "AWS::EC2::VPCEndpoint")
    gateways = {name: endpoint for name, endpoint in endpoints.items() if endpoint["VpcEndpointType"] == "Gateway"}
    assert {name: gateway["ServiceName"] for name, gateway in gateways.items()} == {
        f"${{Network/Vpc/{construct}}}": f"com.amazonaws.${{AWS::Region}}.{service}"
        for construct, service in GATEWAY_SERVICES.items()
    }
    for name, gateway in gateways.items():
        assert gateway["VpcId"] == VPC, name
        assert set(gateway["RouteTableIds"]) == tables, name


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("dev", {}),
        ("staging", INTERFACE_SERVICES),
        ("prod", INTERFACE_SERVICES),
        ("prod_nat", {}),
        ("options", {}),
        ("unusual", {}),
        ("wide", {**INTERFACE_SERVICES, "SsmMessagesEndpoint": "ssmmessages"}),
    ],
)
def test_interface_endpoints_in_every_zone_and_only_in_endpoints_mode(
    request: pytest.FixtureRequest, profile: str, services: dict[str, str]
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    found = {
        name: {key: value for key, value in endpoint.items() if key != "Tags"}
        for name, endpoint in _plain(deployment, "AWS::EC2::VPCEndpoint").items()
        if endpoint["VpcEndpointType"] != "Gateway"
    }
    assert found == {
        f"${{Network/Vpc/{construct}}}": {
            "VpcEndpointType": "Interface",
            "VpcId": VPC,
            "ServiceName": f"com.amazonaws.{deployment.settings.region}.{service}",
            "PrivateDnsEnabled": True,
            "SubnetIds": _subnets(deployment, "Isolated"),
            "SecurityGroupIds": ["${Network/EndpointSecurityGroup.GroupId}"],
            "PolicyDocument": found[f"${{Network/Vpc/{construct}}}"]["PolicyDocument"],
        }
        for construct, service in services.items()
    }


@pytest.mark.parametrize(
    ("profile", "kind"), [("dev", "Public"), ("prod", "Isolated"), ("wide", "Isolated"), ("prod_nat", "Private")]
)
def test_tasks_live_where_the_egress_mode_puts_them(request: pytest.FixtureRequest, profile: str, kind: str) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    service = deployment.nested["Compute"].one("AWS::ECS::Service")
    subnets = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    assert deployment.texts("Compute", subnets) == _subnets(deployment, kind)
