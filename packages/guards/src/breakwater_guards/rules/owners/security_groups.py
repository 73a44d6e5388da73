"""Rules of security groups, inline and as resources of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.items import Item, items
from breakwater_guards.aws.network import ipv4_network
from breakwater_guards.aws.security_groups import GROUP, SecurityGroups, security_groups_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.owners.settings import identity


@rule(
    "DR-OWNER-04",
    title="Each rule of a security group is stated once",
    outcome=Outcome.REFUSED,
    prevents="the specified rule … already exists (InvalidPermission.Duplicate), or: The same permission must not "
    "appear multiple times (InvalidParameterValue)",
    fix="Keep the rule in the group, or as a resource of its own, and leave the other one out.",
    sources=(
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html",
    ),
)
def group_rules_have_one_owner(app: Assembly) -> Iterator[Breach]:
    """Find the same protocol, ports and peer twice in one direction of a group, inline or in resources of their own."""
    groups = security_groups_of(app)
    for direction in ("Ingress", "Egress"):
        seen: dict[tuple[Any, ...], Item] = {}
        for kind, path in ((GROUP, f"SecurityGroup{direction}[]"), (f"{GROUP}{direction}", "")):
            for resource in app.of_type(kind):
                for item in items(resource, path) if _is_plain(resource) else ():
                    group = resource.reference if path else groups.key(resource.get("GroupId"))
                    for key in ((group, *_ports(item), peer) for peer in _peers(groups, item)):
                        first = seen.setdefault(key, item) if None not in key else item
                        if first is not item:
                            yield breach(
                                resource, item.path, f"{first.resource.logical_id} states the same rule already."
                            )


def _is_plain(resource: Resource) -> bool:
    """Tell whether no condition decides about a resource or a part of it."""
    return "Condition" not in resource.body and "Fn::If" not in resource.text


def _ports(item: Item) -> tuple[Any, ...]:
    """Return protocol and ports of a rule of a security group; ``None`` for what only the deployment decides."""
    protocol, first, last = (item.options(name)[0] for name in ("IpProtocol", "FromPort", "ToPort"))
    if not isinstance(protocol, str | int):
        return (None,)
    name = _PROTOCOLS.get(str(protocol).lower(), str(protocol).lower())
    return (name,) if name == "-1" else (name, as_int(first), as_int(last))


_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "all": "-1"}


def _peers(groups: SecurityGroups, item: Item) -> Iterator[Any]:
    """Yield the peers of a rule of a security group, in a form that compares."""
    for name in ("CidrIp", "CidrIpv6", "SourcePrefixListId", "DestinationPrefixListId"):
        yield from (ipv4_network(value) or identity(value) for value in item.given(name))
    for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        yield from (groups.key(value) for value in item.given(name))
