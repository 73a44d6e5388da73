"""Network ACLs of an assembly: what they certainly drop between subnets, in one direction at a time."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from breakwater_guards.aws.network import SUBNET, ipv4_network, network_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool, as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

ACL = "AWS::EC2::NetworkAcl"
# https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports: Linux clients use
# 32768-60999; load balancers, NAT gateways and functions use more, but these, too.
ANSWERS = (32768, 60999)
_TCP = ("6", "-1", "tcp", "all")


class Entry(NamedTuple):
    """One entry of a network ACL; ``None`` stands for what the templates do not tell."""

    number: int
    allows: bool
    tcp: bool | None
    ports: tuple[int, int] | None
    network: IPv4Network | None


class NetworkAcls:
    """Entries by ACL and direction; use :func:`network_acls_of`."""

    def __init__(self, app: Assembly) -> None:
        self._app, self._network = app, network_of(app)
        self._acls: dict[Reference, list[Any]] = defaultdict(list)
        self._entries: dict[tuple[Reference, bool], list[Entry]] = defaultdict(list)
        self._stray = False
        for association in app.of_type("AWS::EC2::SubnetNetworkAclAssociation"):
            for value in association.options("SubnetId"):
                subnet = self._network.resource(value, SUBNET)
                if subnet is not None:
                    self._acls[subnet.reference] += association.options("NetworkAclId")
        for entry in app.of_type("AWS::EC2::NetworkAclEntry"):
            acl = self._network.resource(entry.get("NetworkAclId"), ACL)
            egress = entry.get("Egress")
            outbound = False if egress is ABSENT else as_bool(egress)
            if acl is None or outbound is None:
                self._stray |= not isinstance(entry.get("NetworkAclId"), str)
            elif as_int(entry.get("RuleNumber")) is None or entry.get("RuleAction") not in ("allow", "deny"):
                self._stray = True
            elif entry.get("Ipv6CidrBlock") is ABSENT:
                self._entries[acl.reference, outbound].append(_read(entry))

    def acl_of(self, subnet: Resource) -> Resource | None:
        """Return the ACL of a subnet, where the templates determine it and every entry of it."""
        values = self._acls.get(subnet.reference, [])
        acl = self._network.resource(values[0], ACL) if len(values) == 1 else None
        return None if self._stray or acl is None or may_change(acl.template) else acl

    def drops(self, subnet: Resource, other: Resource, ports: tuple[int, int], *, outbound: bool) -> bool:
        """Tell whether the ACL of a subnet drops all TCP packets to some ports, from or to another subnet.

        Args:
            subnet: whose ACL is asked.
            other: the other end.
            ports: first and last destination port.
            outbound: whether the packets leave the subnet.
        """
        acl, networks = self.acl_of(subnet), self._network.addresses([other])
        if acl is None or networks is None or subnet is other:
            return False
        for entry in sorted(self._entries.get((acl.reference, outbound), []), key=_number):
            if entry.allows and _may_match(entry, ports, networks):
                return False
            if not entry.allows and _matches(entry, ports, networks):
                return True
        return True


def network_acls_of(app: Assembly) -> NetworkAcls:
    """Return the network ACLs of an assembly; they are read once."""
    return view(app, NetworkAcls)


def _read(entry: Resource) -> Entry:
    protocol = entry.get("Protocol")
    known = isinstance(protocol, str | int)
    first, last = as_int(entry.get("PortRange.From")), as_int(entry.get("PortRange.To"))
    every = str(protocol).lower() in ("-1", "all")
    certain = "Condition" not in entry.body
    return Entry(
        number=as_int(entry.get("RuleNumber")) or 0,
        allows=entry.get("RuleAction") == "allow",
        tcp=str(protocol).lower() in _TCP if known and certain else None,
        ports=(0, 65535) if every else (first, last) if first is not None and last is not None else None,
        network=ipv4_network(entry.get("CidrBlock")),
    )


def _number(entry: Entry) -> int:
    return entry.number


def _may_match(entry: Entry, ports: tuple[int, int], networks: tuple[IPv4Network, ...]) -> bool:
    return (
        entry.tcp is not False
        and (entry.ports is None or (entry.ports[0] <= ports[1] and ports[0] <= entry.ports[1]))
        and (entry.network is None or any(entry.network.overlaps(network) for network in networks))
    )


def _matches(entry: Entry, ports: tuple[int, int], networks: tuple[IPv4Network, ...]) -> bool:
    return (
        entry.tcp is True
        and entry.ports is not None
        and entry.ports[0] <= ports[0]
        and ports[1] <= entry.ports[1]
        and entry.network is not None
        and all(network.subnet_of(entry.network) for network in networks)
    )
