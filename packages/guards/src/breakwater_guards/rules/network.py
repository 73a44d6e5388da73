"""Amazon VPC: Availability Zones that exist, address ranges that do not collide, names that resolve."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breakwater_guards.aws.network import network_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
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
