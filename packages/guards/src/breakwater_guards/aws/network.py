"""The network of an assembly as a graph: VPC, subnet, route table, ways out.

The templates are taken as the whole world for what they create themselves: a VPC, a subnet and a route table of the
assembly have the routes that the assembly gives them. What they only name by id stays unknown.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from ipaddress import IPv4Network, ip_network
from typing import Any

from breakwater_guards.model.answer import Answer, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

VPC, SUBNET, ROUTE_TABLE = "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable"
DEFAULT_GROUP = "DefaultSecurityGroup"
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_TARGETS = (
    *("CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "InstanceId", "LocalGatewayId"),
    *("NetworkInterfaceId", "TransitGatewayId", "VpcEndpointId", "VpcPeeringConnectionId"),
)


class Exit(StrEnum):
    """Where the default route of a subnet leads."""

    INTERNET_GATEWAY = "internet gateway"
    NAT = "NAT gateway"
    NONE = "nowhere"
    UNKNOWN = "unknown"


class Network:
    """Queries over the network of one assembly; use :func:`network_of`."""

    def __init__(self, app: Assembly) -> None:
        self._app = app
        self._table_of_subnet: dict[Reference, list[Any]] = defaultdict(list)
        self._routes: dict[Reference, list[Resource]] = defaultdict(list)
        self._cidrs: dict[Reference, list[Any]] = defaultdict(list)
        self._stray_route = self._stray_association = False
        self._exits: dict[Reference, Exit] = {}
        for association in app.of_type("AWS::EC2::SubnetRouteTableAssociation"):
            for subnet in self._all(association, "SubnetId", SUBNET):
                if subnet is not None:
                    self._table_of_subnet[subnet.reference] += association.options("RouteTableId")
                else:
                    self._stray_association |= not _literal(association, "SubnetId")
        self._handled = {
            reference
            for template in app.templates.values()
            for resource in template.resources.values()
            if resource.type.startswith(_CUSTOM)
            for reference in mentioned(template, resource.body.get("Properties"))
        }
        for route in app.of_type("AWS::EC2::Route"):
            for table in self._all(route, "RouteTableId", ROUTE_TABLE):
                if table is not None:
                    self._routes[table.reference].append(route)
                else:
                    self._stray_route |= not _literal(route, "RouteTableId")
        for block in app.of_type("AWS::EC2::VPCCidrBlock"):
            for value in block.options("VpcId"):
                vpc = self.vpc(value)
                if vpc is not None:
                    self._cidrs[vpc.reference] += block.options("CidrBlock")

    def resource(self, value: Any, kind: str) -> Resource | None:
        """Return the resource of a type that a value names: itself or its id, not another attribute."""
        found = self._app.target(value) if isinstance(value, Reference) else None
        return found if found is not None and found.type == kind and value.attribute in _IDS else None

    def vpc(self, value: Any) -> Resource | None:
        """Return the VPC that a value names, also by the attribute of a subnet or group that lies in it."""
        found = self.resource(value, VPC)
        if found is None and isinstance(value, Reference) and value.attribute == "VpcId":
            owner = self._app.target(value)
            return None if owner is None or owner.type == VPC else self.resource(owner.get("VpcId"), VPC)
        return found

    def vpc_of(self, subnet: Resource) -> Resource | None:
        """Return the VPC of a subnet, if it is part of the assembly."""
        return self.vpc(subnet.get("VpcId"))

    def route_table(self, subnet: Resource) -> Resource | None:
        """Return the route table that a subnet is associated with.

        ``None`` without an association: the main table of the VPC serves it, which no template can describe.
        """
        values = self._table_of_subnet.get(subnet.reference, [])
        return self.resource(values[0], ROUTE_TABLE) if len(values) == 1 else None

    def on_main_table(self, subnet: Resource) -> bool:
        """Tell whether the main table of a VPC of the assembly is certain to serve a subnet: local routes only.

        https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html: a subnet without an association. No
        template can name that table, to give it a route or an endpoint; a custom resource or a macro may.
        """
        vpc = self.vpc_of(subnet)
        return (
            vpc is not None
            and subnet.reference not in self._table_of_subnet
            and not self._stray_association
            and not may_change(subnet.template)
            and self._handled.isdisjoint({subnet.reference, vpc.reference})
        )

    def exit_of(self, subnet: Resource) -> Exit:
        """Tell where the default route of a subnet leads.

        A route through anything but an internet or NAT gateway (transit gateway, peering, firewall) leads to networks
        outside the templates: unknown.
        """
        if subnet.reference not in self._exits:
            self._exits[subnet.reference] = Exit.UNKNOWN  # while it is computed: a NAT gateway in its own subnet
            self._exits[subnet.reference] = self._compute_exit(subnet)
        return self._exits[subnet.reference]

    def internet(self, subnet: Resource, public_address: Answer) -> Answer:
        """Tell whether a network interface in a subnet reaches the internet.

        Args:
            subnet: where it is.
            public_address: whether it has a public IPv4 address.
        """
        way = self.exit_of(subnet)
        if way is Exit.INTERNET_GATEWAY:
            return public_address
        if way is Exit.NAT:
            return any_of(self._nat_works(gateway) for gateway in self._gateways(subnet, "NatGatewayId"))
        return Answer.NO if way is Exit.NONE else Answer.MAYBE

    def addresses(self, subnets: list[Resource]) -> tuple[IPv4Network, ...] | None:
        """Return the IPv4 ranges of subnets, or of their VPCs where a subnet's is not known, or ``None``."""
        found: set[IPv4Network] = set()
        for subnet in subnets:
            own = ipv4_network(subnet.get("CidrBlock"))
            ranges = [own] if own else list(self.vpc_ranges(self.vpc_of(subnet)))
            if not ranges or None in ranges:
                return None
            found.update(item for item in ranges if item)
        return tuple(found) or None

    def vpc_ranges(self, vpc: Resource | None) -> list[IPv4Network | None]:
        """Return every IPv4 range of a VPC, its secondary ones included; ``None`` stands for an unknown one."""
        if vpc is None:
            return [None]
        return [ipv4_network(value) for value in [*vpc.options("CidrBlock"), *self._cidrs.get(vpc.reference, [])]]

    def _all(self, resource: Resource, path: str, kind: str) -> list[Resource | None]:
        return [self.resource(value, kind) for value in resource.options(path)]

    def _compute_exit(self, subnet: Resource) -> Exit:
        table = self.route_table(subnet)
        if self._stray_route:
            return Exit.UNKNOWN
        if table is None:
            return Exit.NONE if self.on_main_table(subnet) else Exit.UNKNOWN
        exits = {self._exit_by(route) for route in self._routes.get(table.reference, [])}
        for way in (Exit.UNKNOWN, Exit.INTERNET_GATEWAY, Exit.NAT):
            if way in exits:
                return way
        return Exit.NONE

    def _exit_by(self, route: Resource) -> Exit:
        if any(route.options(name) != [ABSENT] for name in _TARGETS):
            return Exit.UNKNOWN
        if route.options("DestinationCidrBlock") != ["0.0.0.0/0"]:
            return Exit.UNKNOWN
        if route.options("NatGatewayId") != [ABSENT]:
            return Exit.NAT
        gateways = [self._app.target(value) for value in route.options("GatewayId")]
        if all(gateway is not None and _is_internet_gateway(gateway) for gateway in gateways):
            return Exit.INTERNET_GATEWAY
        return Exit.UNKNOWN

    def _gateways(self, subnet: Resource, name: str) -> list[Resource | None]:
        table = self.route_table(subnet)
        routes = self._routes.get(table.reference, []) if table else []
        values = [value for route in routes for value in route.options(name) if value is not ABSENT]
        return [self._app.target(value) for value in values]

    def _nat_works(self, gateway: Resource | None) -> Answer:
        """Tell whether a NAT gateway works: a public one does in a subnet that leads to an internet gateway."""
        if gateway is None or gateway.type != "AWS::EC2::NatGateway":
            return Answer.MAYBE
        if gateway.options("ConnectivityType") == ["private"]:
            return Answer.NO
        subnet = self.resource(gateway.get("SubnetId"), SUBNET)
        if subnet is None:
            return Answer.MAYBE
        return {Exit.INTERNET_GATEWAY: Answer.YES, Exit.NONE: Answer.NO}.get(self.exit_of(subnet), Answer.MAYBE)


_IDS = frozenset({"", "VpcId", "SubnetId", "RouteTableId", "GroupId", "Id"})


def network_of(app: Assembly) -> Network:
    """Return the network of an assembly; it is read once."""
    return view(app, Network)


def _literal(resource: Resource, path: str) -> bool:
    return all(isinstance(value, str) for value in resource.options(path))


def _is_internet_gateway(gateway: Resource) -> bool:
    if gateway.type == "AWS::EC2::VPCGatewayAttachment":
        return gateway.get("InternetGatewayId") is not ABSENT
    return gateway.type == "AWS::EC2::InternetGateway"


def ipv4_network(value: Any) -> IPv4Network | None:
    """Return the IPv4 range that a CIDR block spells, or ``None``."""
    try:
        network = ip_network(value, strict=False) if isinstance(value, str) else None
    except ValueError:
        return None
    return network if isinstance(network, IPv4Network) else None
