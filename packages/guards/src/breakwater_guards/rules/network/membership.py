"""Membership: what a resource puts together lies in one VPC."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from breakwater_guards.aws.network import VPC, network_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.rule import Breach, Outcome, breach, rule

_DEFAULT: Final = "the default VPC"
_DEPTH: Final = 4  # listener, balancer, subnet, VPC


@rule(
    "DR-NET-12",
    title="What a resource puts together lies in one VPC",
    outcome=Outcome.REFUSED,
    prevents="You have specified two resources that belong to different networks (InvalidParameter); The EC2 instance "
    "and EC2 security group are in different VPCs; One or more security groups are invalid; The following target "
    "groups are in a different VPC than load balancer; The DB instance and EC2 security group are in different VPCs",
    fix="Use subnets, security groups, target groups and route tables of one VPC. A security group without VpcId is "
    "made in the account's default VPC.",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-groups.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html",
        "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
    ),
    data="one_vpc",
)
def one_vpc(app: Assembly) -> Iterator[Breach]:
    """Find security groups, subnets, target groups or route tables of two VPCs in one resource."""
    known = facts("one_vpc")
    peered = any(app.of_type(*known["peerings"]))
    for row in known["together"]:
        for resource in app.of_type(row["type"]) if not (peered and row.get("peered")) else ():
            places = [(path, _vpcs(app, resource.options(path))) for path in row["paths"]]
            for path, vpcs in places:
                # The elements of one list, unless a condition chooses among them, all apply.
                if len(vpcs) > 1 and "Fn::If" not in resource.text:
                    shown = " and ".join(sorted(vpcs.values()))
                    yield breach(resource, path.replace("[]", ""), f"what is named here lies in {shown}, not in one.")
            for (path, first), (other_path, second) in combinations(places, 2):
                if first and second and first.keys().isdisjoint(second):
                    one, other = min(first.values()), min(second.values())
                    shown = f"what is named here lies in {other}, but {path.replace('[]', '')} in {one}."
                    yield breach(resource, other_path.replace("[]", ""), shown)
                    break


def _vpcs(app: Assembly, values: list[Any], depth: int = _DEPTH) -> dict[Reference | None, str]:
    """Return the VPCs that some values name or lie in, with what to call them; none if that is not known of each."""
    found = [_vpc(app, value, depth) for value in values if value is not ABSENT]
    return dict(ChainMap(*found)) if all(found) else {}


def _vpc(app: Assembly, value: Any, depth: int) -> dict[Reference | None, str]:
    known = facts("one_vpc")
    target = app.target(value) if isinstance(value, Reference) and depth else None
    if target is None:
        return {}
    vpc = target if target.type == VPC else network_of(app).vpc(value)
    if vpc is not None:
        return {vpc.reference: vpc.logical_id}
    path = known["lies"].get(target.type)
    values = target.options(path) if path else []
    if values == [ABSENT] and target.type in known["default"]:
        return {None: _DEFAULT}
    return _vpcs(app, values, depth - 1)
