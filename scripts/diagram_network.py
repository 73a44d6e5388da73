"""The VPC for the picture: zones, subnets by what their route tables let out, and what stands in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.diagram_graph import Graph, Resource

# Where a resource names its security groups, and its subnets.
GROUPS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "SecurityGroups",
    "AWS::ECS::Service": "NetworkConfiguration",
    "AWS::RDS::DBCluster": "VpcSecurityGroupIds",
    "AWS::EC2::VPCEndpoint": "SecurityGroupIds",
}
SUBNETS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Subnets",
    "AWS::ECS::Service": "NetworkConfiguration",
    "AWS::RDS::DBSubnetGroup": "SubnetIds",
    "AWS::EC2::VPCEndpoint": "SubnetIds",
    "AWS::EC2::NatGateway": "SubnetId",
}


@dataclass(frozen=True)
class Tier:
    """Subnets of one purpose, one in each zone.

    Attributes:
        purpose: `public` with a route to the internet gateway, `private` with one to NAT, `isolated` with none.
        subnets: In the order of the zones.
    """

    purpose: str
    subnets: tuple[Resource, ...]


def tiers(graph: Graph) -> list[Tier]:
    """Sorts the subnets by what their route tables let out."""
    purposes: dict[Resource, str] = {}
    for association in graph.of("AWS::EC2::SubnetRouteTableAssociation"):
        (subnet,) = graph.targets(association, association.properties["SubnetId"])
        (route_table,) = graph.targets(association, association.properties["RouteTableId"])
        purposes[subnet] = _way_out(graph, route_table)
    return [
        Tier(purpose, tuple(subnet for subnet in graph.of("AWS::EC2::Subnet") if purposes[subnet] == purpose))
        for purpose in ("public", "private", "isolated")
        if purpose in purposes.values()
    ]


def _way_out(graph: Graph, route_table: Resource) -> str:
    for route in graph.of("AWS::EC2::Route"):
        if route_table in graph.targets(route, route.properties["RouteTableId"]):
            return "public" if "GatewayId" in route.properties else "private"
    return "isolated"


def zone(graph: Graph, resource: Resource) -> str:
    """Names the Availability Zone of a resource: its name, or its number where AWS fills in the name."""
    name = graph.text(resource, resource.properties["AvailabilityZone"])
    return f"zone {int(name[:-1].split('[')[1]) + 1}" if name.startswith("${AZs:") else name


def purpose_of(graph: Graph, resource: Resource, layout: list[Tier]) -> str:
    """Tells in which subnets a resource stands.

    Raises:
        LookupError: In none of them, or in two purposes at once.
    """
    subnets = graph.targets(resource, resource.properties[SUBNETS[resource.kind]])
    found = {tier.purpose for tier in layout if set(tier.subnets) & set(subnets)}
    if len(found) != 1:
        raise LookupError(f"{resource.path} stands in {sorted(found) or 'no'} subnets where the picture expects one")
    return found.pop()


def ingress(graph: Graph) -> dict[Resource, dict[Resource | None, list[int]]]:
    """Follows security-group rules to what they connect.

    Returns:
        For each resource with a security group: whom it lets in (None is any address), at which ports.
    """
    members: dict[Resource, list[Resource]] = defaultdict(list)
    for resource in graph.of(*GROUPS):
        for group in graph.targets(resource, resource.properties.get(GROUPS[resource.kind], [])):
            if group.kind == "AWS::EC2::SecurityGroup":
                members[group].append(resource)
    result: dict[Resource, dict[Resource | None, list[int]]] = {}
    for group, source, port in _rules(graph):
        sources: list[Resource | None] = [None] if source is None else [*members[source]]
        for target in members[group]:
            for one in sources:
                result.setdefault(target, {}).setdefault(one, []).append(port)
    return result


def _rules(graph: Graph) -> Iterator[tuple[Resource, Resource | None, int]]:
    """Yields group, source (None is any address) and port of every rule for incoming connections."""
    for group in graph.of("AWS::EC2::SecurityGroup"):
        for rule in group.properties.get("SecurityGroupIngress", []):
            if rule.get("CidrIp") == "0.0.0.0/0":
                yield group, None, rule["FromPort"]
    for entry in graph.of("AWS::EC2::SecurityGroupIngress"):
        (group,) = graph.targets(entry, entry.properties["GroupId"])
        (source,) = graph.targets(entry, entry.properties["SourceSecurityGroupId"])
        yield group, source, entry.properties["FromPort"]
