"""Security groups of an assembly: which traffic their rules, inline and separate, let through."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from breakwater_guards.aws.network import DEFAULT_GROUP, SUBNET, VPC, ipv4_network, network_of
from breakwater_guards.model.answer import Answer, all_of, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference
from breakwater_guards.model.views import view

GROUP = "AWS::EC2::SecurityGroup"
INTERNET = (IPv4Network("0.0.0.0/0"),)
# CDK closes a group with a rule for an unused address; other templates use the loopback range.
_NOBODY = (IPv4Network("255.255.255.255/32"), IPv4Network("127.0.0.0/8"))
GroupKey = Reference | str
_ALL = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
_UNDETERMINED = {"IpProtocol": UNKNOWN}


class NetworkPeer(NamedTuple):
    """One end of a connection.

    Attributes:
        groups: its security groups; ``None`` stands for one that the templates do not determine.
        networks: the IPv4 ranges that it lies in, ``None`` when they are not known.
    """

    groups: tuple[GroupKey | None, ...]
    networks: tuple[IPv4Network, ...] | None = None


ANYWHERE = NetworkPeer(groups=(), networks=INTERNET)
"""The internet: in no security group, in every range."""


class SecurityGroups:
    """Rules by group and direction; use :func:`security_groups_of`."""

    def __init__(self, app: Assembly) -> None:
        self._network = network_of(app)
        self._app = app
        self._rules: dict[tuple[str, GroupKey], list[Any]] = defaultdict(list)
        self._stray = {"Ingress": False, "Egress": False}
        for direction in self._stray:
            for rule in app.of_type(f"{GROUP}{direction}"):
                self._add_separate(rule, direction)
        for group in app.of_type(GROUP):
            self._add_inline(group)

    def key(self, value: Any) -> GroupKey | None:
        """Return what identifies a group: a resource, the default group of a VPC, a literal id, or ``None``."""
        if isinstance(value, str):
            return value
        if not isinstance(value, Reference):
            return None
        found = self._app.target(value)
        if found is not None and found.type == VPC and value.attribute == DEFAULT_GROUP:
            return value
        return found.reference if found is not None and found.type == GROUP else None

    def peer(self, values: list[Any], subnets: list[Resource | None]) -> NetworkPeer:
        """Describe what has some security groups in some subnets.

        Args:
            values: the groups; empty or absent means the default group of the VPC.
            subnets: where it is; ``None`` stands for a subnet that is not part of the assembly.
        """
        known = [subnet for subnet in subnets if subnet is not None]
        networks = self._network.addresses(known) if known and len(known) == len(subnets) else None
        if [value for value in values if value is not ABSENT]:
            return NetworkPeer(tuple(self.key(value) for value in values if value is not ABSENT), networks)
        vpcs = {vpc.reference for subnet in known if (vpc := self._network.vpc_of(subnet)) is not None}
        defaults = {Reference(vpc.template, vpc.logical_id, DEFAULT_GROUP) for vpc in vpcs}
        return NetworkPeer(tuple(defaults) if len(defaults) == 1 else (None,), networks)

    def peer_of(self, resource: Resource, groups: str, subnets: str) -> NetworkPeer:
        """Describe a resource by the paths of its security groups and subnets."""
        found = [self._network.resource(value, SUBNET) for value in resource.options(subnets)]
        return self.peer(resource.options(groups), found)

    def lets_out(self, source: NetworkPeer, port: int, target: NetworkPeer) -> Answer:
        """Tell whether the source's groups let TCP traffic out to a port of the target."""
        return self._lets("Egress", source, port, target)

    def lets_in(self, target: NetworkPeer, port: int, source: NetworkPeer) -> Answer:
        """Tell whether the target's groups let TCP traffic in from the source to a port."""
        return self._lets("Ingress", target, port, source)

    def reaches(self, source: NetworkPeer, target: NetworkPeer, port: int) -> Answer:
        """Tell whether the source can open a TCP connection to a port of the target."""
        return all_of([self.lets_out(source, port, target), self.lets_in(target, port, source)])

    def opens(self, target: NetworkPeer, port: int) -> Answer:
        """Tell whether the target's groups let TCP traffic in to a port from anywhere at all."""
        rules = [rule for group in target.groups if group for rule in self._rules_of("Ingress", group)]
        unknown = self._stray["Ingress"] or not all(isinstance(group, Reference) for group in target.groups)
        return any_of([*(_protocol(rule, port) for rule in rules), *([Answer.MAYBE] if unknown else [])])

    def _lets(self, direction: str, owner: NetworkPeer, port: int, other: NetworkPeer) -> Answer:
        if not owner.groups or not all(isinstance(group, Reference) for group in owner.groups):
            return Answer.MAYBE
        rules = [rule for group in owner.groups if group for rule in self._rules_of(direction, group)]
        found = any_of(_permits(self, rule, port, other) for rule in rules)
        return Answer.MAYBE if found is Answer.NO and self._stray[direction] else found

    def _rules_of(self, direction: str, group: GroupKey) -> list[Any]:
        own = self._rules.get((direction, group), [])
        if isinstance(group, Reference) and group.attribute == DEFAULT_GROUP:
            itself = {"IpProtocol": "-1", "SourceSecurityGroupId": group}
            return [*own, itself if direction == "Ingress" else _ALL]
        # Without any rule of its own a new group lets everything out; the first one replaces that.
        return own or ([_ALL] if direction == "Egress" else [])

    def _add_separate(self, rule: Resource, direction: str) -> None:
        body = rule.template.resolver.deep(rule.body.get("Properties", {}))
        for value in rule.options("GroupId"):
            key = self.key(value)
            if key is None:
                self._stray[direction] = True
            else:
                self._rules[direction, key].append(body if isinstance(body, dict) else _UNDETERMINED)

    def _add_inline(self, group: Resource) -> None:
        for direction in self._stray:
            for value in group.options(f"{GROUP.rpartition('::')[2]}{direction}"):
                rules = value if isinstance(value, list) else [] if value is ABSENT else [_UNDETERMINED]
                self._rules[direction, group.reference] += [
                    rule if isinstance(rule, dict) else _UNDETERMINED for rule in rules
                ]


def security_groups_of(app: Assembly) -> SecurityGroups:
    """Return the security groups of an assembly; they are read once."""
    return view(app, SecurityGroups)


def _permits(groups: SecurityGroups, rule: dict[str, Any], port: int, other: NetworkPeer) -> Answer:
    return all_of([_protocol(rule, port), any_of(_peers(groups, rule, other))])


def _protocol(rule: dict[str, Any], port: int) -> Answer:
    protocol = rule.get("IpProtocol")
    if not isinstance(protocol, str | int):
        return Answer.MAYBE
    name = str(protocol).lower()
    if name in ("-1", "all"):
        return Answer.YES
    if name not in ("tcp", "6"):
        return Answer.NO
    first, last = as_int(rule.get("FromPort")), as_int(rule.get("ToPort"))
    if first is None or last is None or first < 0:
        return Answer.MAYBE
    return Answer.YES if first <= port <= last else Answer.NO


def _peers(groups: SecurityGroups, rule: dict[str, Any], other: NetworkPeer) -> list[Answer]:
    found = []
    for name, value in rule.items():
        if name == "CidrIp":
            found.append(_in_range(value, other))
        elif name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
            found.append(_is_group(groups.key(value), other))
        elif name in _OPEN_PEERS:
            found.append(Answer.MAYBE)
    return found or [Answer.MAYBE]


# No template tells what these stand for.
_OPEN_PEERS = ("CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId", "SourceSecurityGroupName")


def _is_group(key: GroupKey | None, other: NetworkPeer) -> Answer:
    if key is not None and key in other.groups:
        return Answer.YES
    return Answer.MAYBE if key is None or None in other.groups else Answer.NO


def _in_range(value: Any, other: NetworkPeer) -> Answer:
    permitted = ipv4_network(value)
    if permitted is None:
        return Answer.MAYBE
    if permitted.prefixlen == 0:
        return Answer.YES
    if any(permitted.subnet_of(nobody) for nobody in _NOBODY) or (other == ANYWHERE and permitted.is_private):
        return Answer.NO
    return _covers(permitted, other.networks)


def _covers(permitted: IPv4Network, networks: tuple[IPv4Network, ...] | None) -> Answer:
    if networks is None:
        return Answer.MAYBE
    if all(network.subnet_of(permitted) for network in networks):
        return Answer.YES
    return Answer.MAYBE if any(network.overlaps(permitted) for network in networks) else Answer.NO
