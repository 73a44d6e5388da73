"""Availability Zones that exist, address ranges that do not collide, names that resolve, subnets with a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import pairwise

from breakwater_guards.aws.network import SUBNET, Exit, ipv4_network, network_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ZONES = {
    "AWS::AutoScaling::AutoScalingGroup": "AvailabilityZones[]",
    "AWS::EC2::Instance": "AvailabilityZone",
    "AWS::EC2::Subnet": "AvailabilityZone",
    "AWS::EC2::Volume": "AvailabilityZone",
    "AWS::ElastiCache::ReplicationGroup": "PreferredCacheClusterAZs[]",
    "AWS::RDS::DBCluster": "AvailabilityZones[]",
    "AWS::RDS::DBInstance": "AvailabilityZone",
}
_DUMMY = re.compile(r"^dummy\d[a-z]$")


@rule(
    "DR-NET-01",
    title="Availability Zones exist",
    outcome=Outcome.REFUSED,
    prevents="Value (dummy1a) for parameter availabilityZone is invalid. Subnets can currently only be created in the "
    "following availability zones: … (InvalidParameterValue)",
    fix="Synthesize with credentials so that CDK can look the zones up, or give only the Region in `env`, "
    "or name the zones.",
    sources=("https://docs.aws.amazon.com/cdk/v2/guide/context.html", "https://github.com/aws/aws-cdk/issues/6047"),
)
def zones_are_real(app: Assembly) -> Iterator[Breach]:
    """Find the placeholder that CDK writes while it could not look up the zones of an account."""
    for kind, path in ZONES.items():
        for resource in app.of_type(kind):
            for zone in resource.options(path):
                if isinstance(zone, str) and _DUMMY.match(zone):
                    yield breach(
                        resource,
                        path.removesuffix("[]"),
                        f"{show(zone)} is CDK's placeholder; a zone of the Region is allowed.",
                    )


@rule(
    "DR-NET-02",
    title="Peered VPCs have address ranges that do not overlap",
    outcome=Outcome.REFUSED,
    prevents="The peering connection goes to the state Failed: overlapping CIDR range",
    fix="Give one of the two VPCs another CidrBlock.",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html",
        "https://docs.aws.amazon.com/vpc/latest/peering/invalid-peering-configurations.html",
    ),
)
def peered_ranges_do_not_overlap(app: Assembly) -> Iterator[Breach]:
    """Find a peering connection between two VPCs of the assembly whose ranges, secondary ones included, overlap."""
    network = network_of(app)
    for peering in app.of_type("AWS::EC2::VPCPeeringConnection"):
        one, other = (network.vpc(peering.get(name)) for name in ("VpcId", "PeerVpcId"))
        if one is None or other is None or one is other:
            continue
        for mine in network.vpc_ranges(one):
            for theirs in network.vpc_ranges(other):
                if mine is not None and theirs is not None and mine.overlaps(theirs):
                    yield breach(
                        peering,
                        "PeerVpcId",
                        f"{mine} of {one.logical_id} overlaps {theirs} of {other.logical_id}.",
                    )


@rule(
    "DR-NET-03",
    title="VPCs whose endpoints have private DNS names resolve names",
    outcome=Outcome.REFUSED,
    prevents="Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true "
    "(InvalidParameter)",
    fix="Set EnableDnsHostnames: true on the VPC (CloudFormation's default is false) and leave EnableDnsSupport on.",
    sources=("https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",),
)
def private_dns_needs_host_names(app: Assembly) -> Iterator[Breach]:
    """Find an interface endpoint with private DNS in a VPC that does not resolve names."""
    network = network_of(app)
    seen: set[str] = set()
    for endpoint in app.of_type("AWS::EC2::VPCEndpoint"):
        vpc = network.vpc(endpoint.get("VpcId"))
        if vpc is None or repr(vpc) in seen or as_bool(endpoint.get("PrivateDnsEnabled")) is not True:
            continue
        seen.add(repr(vpc))
        yield from _unresolved(vpc, endpoint)


def _unresolved(vpc: Resource, endpoint: Resource) -> Iterator[Breach]:
    for name, default in (("EnableDnsHostnames", False), ("EnableDnsSupport", True)):
        for value in vpc.options(name):
            if (default if value is ABSENT else as_bool(value)) is False:
                yield breach(
                    vpc, name, f"{show(value)}, but {endpoint.logical_id} has private DNS names; must be true."
                )
                break


@rule(
    "DR-NET-04",
    title="Subnets lie in their VPC and do not overlap",
    outcome=Outcome.REFUSED,
    prevents="The CIDR '10.1.0.0/24' is invalid (InvalidSubnet.Range); The CIDR … conflicts with another subnet "
    "(InvalidSubnet.Conflict)",
    fix="Give each subnet a range of its own inside a range of the VPC.",
    sources=("https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html",),
)
def subnets_fit(app: Assembly) -> Iterator[Breach]:
    """Find a subnet outside each range of its VPC, or one that shares addresses with another."""
    network = network_of(app)
    ranges: dict[Reference, list[tuple[IPv4Network, Resource]]] = {}
    for subnet in app.of_type(SUBNET):
        vpc, own = network.vpc_of(subnet), ipv4_network(subnet.get("CidrBlock"))
        if vpc is None or own is None:
            continue
        outer = network.vpc_ranges(vpc)
        if not any(item is None or own.subnet_of(item) for item in outer):
            shown = ", ".join(map(str, outer))
            yield breach(subnet, "CidrBlock", f"{own} is outside {vpc.logical_id}; allowed: inside {shown}.")
        if "Condition" not in subnet.body:
            ranges.setdefault(vpc.reference, []).append((own, subnet))
    for members in ranges.values():
        ordered = sorted(members, key=lambda member: (member[0].network_address, member[0].prefixlen))
        for (one, first), (other, second) in pairwise(ordered):
            if one.overlaps(other):
                yield breach(second, "CidrBlock", f"{other} overlaps {one} of {first.logical_id}.")


@rule(
    "DR-NET-05",
    title="NAT gateways and internet-facing load balancers are in public subnets",
    outcome=Outcome.SILENT,
    prevents="No error is reported: nothing behind the NAT gateway reaches the internet, and nobody reaches the "
    "balancer",
    fix="Use subnets whose default route leads to an internet gateway.",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
    ),
)
def public_things_are_in_public_subnets(app: Assembly) -> Iterator[Breach]:
    """Find a public NAT gateway or an internet-facing load balancer in a subnet without an internet gateway."""
    network = network_of(app)
    for kind, path, setting, private in _PUBLIC:
        for resource in app.of_type(kind):
            if private in resource.options(setting) or UNKNOWN in resource.options(setting):
                continue
            for value in resource.given(path):
                subnet = network.resource(value, SUBNET)
                if subnet is not None and network.exit_of(subnet) in (Exit.NAT, Exit.NONE):
                    way = "a NAT gateway" if network.exit_of(subnet) is Exit.NAT else "nowhere"
                    message = f"the default route of {subnet.logical_id} leads to {way}; allowed: an internet gateway."
                    yield breach(resource, path.removesuffix("[]"), message)


_PUBLIC = (
    ("AWS::EC2::NatGateway", "SubnetId", "ConnectivityType", "private"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Subnets[]", "Scheme", "internal"),
)


@rule(
    "DR-NET-13",
    title="Gateway endpoints are in a route table",
    outcome=Outcome.SILENT,
    prevents="No error is reported: no route leads to the endpoint, so that Amazon S3 and DynamoDB are reached through "
    "the NAT gateway, or not at all",
    fix="Name the route tables of the subnets in RouteTableIds.",
    sources=("https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html",),
)
def gateway_endpoints_have_routes(app: Assembly) -> Iterator[Breach]:
    """Find a gateway endpoint, which an endpoint is by default, that no route table leads to."""
    for endpoint in app.of_type("AWS::EC2::VPCEndpoint"):
        is_gateway = all(value in (ABSENT, "Gateway") for value in endpoint.options("VpcEndpointType"))
        if is_gateway and all(value in (ABSENT, []) for value in endpoint.options("RouteTableIds")):
            yield breach(
                endpoint, "RouteTableIds", "RouteTableIds is not set; a gateway endpoint needs a table or more."
            )
