"""Network ACLs, which keep no state: they have to let in and out what security groups let through, and its answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from breakwater_guards.aws.balancers import balancers_of
from breakwater_guards.aws.ecs import services_of
from breakwater_guards.aws.endpoints import endpoints_of
from breakwater_guards.aws.listeners import listener_of, mentioned_listeners
from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.aws.network_acls import ANSWERS, NetworkAcls, network_acls_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.lambda_functions.network import FUNCTION, calls_of, subnets_of
from breakwater_guards.rules.load_balancer.targets import ports_of

HTTPS = 443


class Path(NamedTuple):
    """A connection that something here opens: who, from which subnets, to what, in which subnets, on which port."""

    caller: Resource
    subnets: list[Resource]
    target: Resource
    others: list[Resource]
    port: int


@rule(
    "DR-NET-11",
    title="Network ACLs let through what connects, and its answers",
    outcome=Outcome.SILENT,
    prevents="Connection timed out, though every security group allows it: a network ACL keeps no state, so that the "
    "answers need a rule, too",
    fix="Allow the port into the target's subnets and out of the caller's, and the ephemeral ports (1024-65535) of the "
    "answers the other way.",
    sources=(
        "https://docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports",
    ),
)
def acls_let_connections_through(app: Assembly) -> Iterator[Breach]:
    """Find a network ACL that drops requests between two subnets, or the answers to them."""
    acls = network_acls_of(app)
    told = set()
    for path in _paths(app) if any(app.of_type("AWS::EC2::NetworkAcl")) else ():
        for near, far in product(path.subnets, path.others):
            for subnet, message in _dropped(acls, near, far, path):
                acl = acls.acl_of(subnet)
                if acl is not None and (acl, path.port) not in told:
                    told.add((acl, path.port))
                    yield breach(acl, "", message)


def _dropped(acls: NetworkAcls, near: Resource, far: Resource, path: Path) -> Iterator[tuple[Resource, str]]:
    """Yield each subnet whose ACL drops packets of a connection, and what it drops."""
    between = f"from {path.caller.logical_id} in {near.logical_id} to {path.target.logical_id} in {far.logical_id}"
    asked, answered = f"drops port {path.port} {between}.", f"drops the answers (ports {ANSWERS[0]}-{ANSWERS[1]}) "
    port = (path.port, path.port)
    for subnet, other, ports, outbound, message in (
        (near, far, port, True, asked),
        (far, near, port, False, asked),
        (far, near, ANSWERS, True, f"{answered}to what goes {between}."),
        (near, far, ANSWERS, False, f"{answered}to what goes {between}."),
    ):
        if acls.drops(subnet, other, ports, outbound=outbound):
            yield subnet, message


def _paths(app: Assembly) -> Iterator[Path]:
    """Yield what services, functions and load balancers connect to in the VPC."""
    for service in services_of(app):
        needed = {need.endpoint for need in service.needs}
        yield from _to_endpoints(app, service.resource, service.subnets, needed)
        if service.definition is not None:
            yield from _to_listeners(app, service.resource, service.subnets, service.definition, "ContainerDefinitions")
        for group, port in ports_of(app, service):
            for balancer in balancers_of(app).in_front_of(group):
                front = _subnets(app, balancer, "Subnets[]")
                yield Path(balancer, front, service.resource, service.subnets, port)
    for function in app.of_type(FUNCTION):
        subnets = subnets_of(app, function)
        if subnets:
            yield from _to_endpoints(app, function, subnets, set(calls_of(app, function)))
            yield from _to_listeners(app, function, subnets, function, "Environment.Variables")


def _to_endpoints(app: Assembly, caller: Resource, subnets: list[Resource], names: set[str]) -> Iterator[Path]:
    vpcs = {vpc.reference: vpc for subnet in subnets if (vpc := network_of(app).vpc_of(subnet)) is not None}
    for vpc in vpcs.values():
        for name in sorted(names):
            for endpoint in endpoints_of(app).find(vpc, name)[1]:
                others = _subnets(app, endpoint.resource, "SubnetIds[]")
                yield Path(caller, subnets, endpoint.resource, others, HTTPS)


def _to_listeners(
    app: Assembly, caller: Resource, subnets: list[Resource], holder: Resource, path: str
) -> Iterator[Path]:
    for target in mentioned_listeners(app, holder, path):
        listener = listener_of(app, target)
        if listener is not None and listener.port is not None:
            yield Path(caller, subnets, listener.resource, listener.subnets, listener.port)


def _subnets(app: Assembly, resource: Resource, path: str) -> list[Resource]:
    found = (network_of(app).resource(value, SUBNET) for value in resource.options(path))
    return [subnet for subnet in found if subnet is not None]
