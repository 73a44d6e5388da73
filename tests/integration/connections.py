"""What a security group admits, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


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
