"""ECS on Fargate: endpoints that exist but that the tasks cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.ecs import NETWORK, Service, fargate_services
from breakwater_guards.aws.endpoints import Endpoint, endpoints_of
from breakwater_guards.aws.network import network_of
from breakwater_guards.aws.security_groups import ANYWHERE, security_groups_of
from breakwater_guards.model.answer import Answer, any_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

ECS_ENDPOINTS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html"
INTERFACE_ENDPOINTS = "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html"
HTTPS = 443
PEER = ("SecurityGroupIds[]", "SubnetIds[]")


@rule(
    "DR-ECS-07",
    title="Interface endpoints that tasks depend on answer to the services' own names",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth … i/o timeout "
    "(the SDK asks for the public name, which leads out of the VPC)",
    fix="Set PrivateDnsEnabled: true on the endpoint (CloudFormation's default is false).",
    sources=(ECS_ENDPOINTS, INTERFACE_ENDPOINTS),
)
def endpoints_have_private_dns(app: Assembly) -> Iterator[Breach]:
    """Find subnets without a way out, and an endpoint that only its own long name leads to."""
    seen: set[str] = set()
    for service in fargate_services(app):
        for subnet in [*service.cut_off, *service.unaddressed]:
            for name, found in _used(app, service, subnet):
                if any_of(_usable_by_name(app, subnet, item) for item in found) is not Answer.NO:
                    continue
                for endpoint in (item for item in found if item.interface):
                    if repr(endpoint.resource) not in seen:
                        seen.add(repr(endpoint.resource))
                        yield breach(
                            endpoint.resource,
                            "PrivateDnsEnabled",
                            f"PrivateDnsEnabled is not true, so tasks of {service.resource.logical_id} that call "
                            f"{name} by its public name do not reach this endpoint.",
                        )


@rule(
    "DR-ECS-08",
    title="Security groups of endpoints let the tasks in on port 443",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth … dial tcp …:443: i/o timeout",
    fix="Allow TCP 443 from the tasks' security group (or the VPC's range) in the endpoint's security group.",
    sources=(INTERFACE_ENDPOINTS, ECS_ENDPOINTS),
)
def endpoints_admit_tasks(app: Assembly) -> Iterator[Breach]:
    """Find an endpoint to which the service's name resolves, and a security group that is closed to the tasks."""
    groups = security_groups_of(app)
    for service in fargate_services(app):
        for name, endpoint in _resolved(app, service):
            if groups.lets_in(groups.peer_of(endpoint.resource, *PEER), HTTPS, service.peer) is Answer.NO:
                yield breach(
                    endpoint.resource,
                    "SecurityGroupIds",
                    f"No rule of the endpoint's security groups admits the tasks of {service.resource.logical_id} on "
                    f"port {HTTPS}: {name} cannot be reached.",
                )


@rule(
    "DR-ECS-09",
    title="Security groups of tasks let HTTPS out to what a task needs",
    outcome=Outcome.REFUSED,
    prevents="ResourceInitializationError or CannotPullContainerError … dial tcp …:443: i/o timeout",
    fix="Allow TCP 443 out of the tasks' security group: to the endpoints' group, to the S3 prefix list for image "
    "layers, or to 0.0.0.0/0.",
    sources=(ECS_ENDPOINTS, "https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html"),
)
def tasks_may_call_out(app: Assembly) -> Iterator[Breach]:
    """Find an outbound rule set that closes port 443 to an endpoint, to S3's addresses or to the internet."""
    for service in fargate_services(app):
        blocked = sorted(_blocked(app, service))
        if blocked:
            yield breach(
                service.resource,
                f"{NETWORK}.SecurityGroups",
                f"No outbound rule of the tasks' security groups allows port {HTTPS} to {', '.join(blocked)}.",
            )


def _used(app: Assembly, service: Service, subnet: Resource) -> Iterator[tuple[str, list[Endpoint]]]:
    """Yield the endpoints, by service name, that tasks in a subnet need and that exist."""
    vpc = network_of(app).vpc_of(subnet)
    for name in dict.fromkeys(need.endpoint for need in service.needs) if vpc else ():
        _, found = endpoints_of(app).find(vpc, name) if vpc else (Answer.NO, [])
        if found:
            yield name, found


def _usable_by_name(app: Assembly, subnet: Resource, endpoint: Endpoint) -> Answer:
    if not endpoint.interface:
        return endpoints_of(app).reached_from(subnet, endpoint.service or "")
    known = {True: Answer.YES, False: Answer.NO, None: Answer.MAYBE}
    return any_of(
        Answer.NO if value is ABSENT else known[as_bool(value)]
        for value in endpoint.resource.options("PrivateDnsEnabled")
    )


def _resolved(app: Assembly, service: Service) -> Iterator[tuple[str, Endpoint]]:
    """Yield each interface endpoint that the service's name resolves to in the tasks' VPC, once."""
    seen: set[str] = set()
    for subnet in service.subnets:
        for name, found in _used(app, service, subnet):
            for endpoint in found:
                if not endpoint.interface or repr(endpoint.resource) in seen:
                    continue
                seen.add(repr(endpoint.resource))
                if _usable_by_name(app, subnet, endpoint) is Answer.YES:
                    yield name, endpoint


def _blocked(app: Assembly, service: Service) -> set[str]:
    """Return what the tasks need and their own outbound rules close off, by endpoint name or image."""
    groups, peer = security_groups_of(app), service.peer
    blocked = {
        name
        for name, endpoint in _resolved(app, service)
        if groups.lets_out(peer, HTTPS, groups.peer_of(endpoint.resource, *PEER)) is Answer.NO
    }
    if groups.lets_out(peer, HTTPS, ANYWHERE) is Answer.NO and service.subnets:
        through_gateway = {need.endpoint for need in service.needs if not _has_interface(app, service, need.endpoint)}
        blocked |= through_gateway | ({"the image's registry"} if service.foreign_images else set())
    return blocked


def _has_interface(app: Assembly, service: Service, name: str) -> bool:
    """Tell whether a service may have an interface endpoint for every subnet of the tasks."""
    for subnet in service.subnets:
        vpc = network_of(app).vpc_of(subnet)
        present, found = endpoints_of(app).find(vpc, name) if vpc else (Answer.MAYBE, [])
        if present is Answer.MAYBE or any(endpoint.interface for endpoint in found):
            return True
    return False
