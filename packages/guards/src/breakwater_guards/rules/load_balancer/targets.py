"""Targets of load balancers: security groups let the requests and the health checks through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from breakwater_guards.aws.balancers import TARGET_GROUP, balancers_of
from breakwater_guards.aws.ecs import NETWORK, Service, services_of
from breakwater_guards.aws.items import items
from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.aws.security_groups import NetworkPeer, security_groups_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

INSTANCE, SCALING_GROUP = "AWS::EC2::Instance", "AWS::AutoScaling::AutoScalingGroup"
LAUNCH = (
    "LaunchTemplate.LaunchTemplateId>LaunchTemplateData.SecurityGroupIds[]",
    "LaunchTemplate.LaunchTemplateId>LaunchTemplateData.NetworkInterfaces[].Groups[]",
    "LaunchConfigurationName>SecurityGroups[]",
)


class _Target(NamedTuple):
    """What a target group sends to.

    Attributes:
        resource: a service, instance or Auto Scaling group.
        path: its property that names its security groups.
        peer: its end of the connection.
        noun: what its ends are called.
    """

    resource: Resource
    path: str
    peer: NetworkPeer
    noun: str


@rule(
    "DR-ALB-02",
    title="Security groups let the load balancer reach its targets",
    outcome=Outcome.SILENT,
    prevents="(reason Request timed out): every target stays unhealthy, the deployment never ends, clients get 504",
    fix="Allow the target's port from the load balancer's security group in the targets' group, and out of the load "
    "balancer's group; from the subnets of a Network Load Balancer without a group.",
    sources=(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-register-targets.html",
    ),
)
def balancer_reaches_targets(app: Assembly) -> Iterator[Breach]:
    """Find a listener whose load balancer cannot reach the port of the tasks or instances, or of their health check."""
    for service in services_of(app):
        target = _Target(service.resource, f"{NETWORK}.SecurityGroups", service.peer, "tasks")
        for group, port in ports_of(app, service):
            yield from _closed(app, target, group, port)
    for target, group, ports in _instances(app):
        checked = [as_int(value) for value in group.options("HealthCheckPort")]
        for port in sorted({port for port in (*ports, *checked) if port is not None}):
            yield from _closed(app, target, group, port)


def _closed(app: Assembly, target: _Target, group: Resource, port: int) -> Iterator[Breach]:
    """Find the load balancers in front of a target group that do not reach a port of a target."""
    groups, balancers = security_groups_of(app), balancers_of(app)
    fronts = [*balancers.in_front_of(group)]
    if group.get("Protocol") in ("TCP", "TLS"):
        fronts += balancers.in_front_of(group, network=True)
    for balancer in fronts:
        subnets = [network_of(app).resource(value, SUBNET) for value in balancer.options("Subnets[]")]
        front = groups.peer(balancer.options("SecurityGroups[]"), subnets)
        if balancer.get("Type") == "network" and balancer.options("SecurityGroups[]") == [ABSENT]:
            front = NetworkPeer((), front.networks)  # its addresses are all that it has
        if groups.lets_out(front, port, target.peer) is Answer.NO:
            side = f"the security groups of {balancer.logical_id} let nothing out to port {port} of the {target.noun}"
        elif groups.lets_in(target.peer, port, front) is Answer.NO:
            side = f"the {target.noun}' security groups do not admit {balancer.logical_id} on port {port}"
        else:
            continue
        yield breach(target.resource, target.path, f"{group.logical_id} sends to the {target.noun}, but {side}.")


def _instances(app: Assembly) -> Iterator[tuple[_Target, Resource, list[int | None]]]:
    """Yield instances and Auto Scaling groups with a target group of theirs and the ports of its requests."""
    groups = security_groups_of(app)
    for scaling in app.of_type(SCALING_GROUP):
        subnets = [network_of(app).resource(value, SUBNET) for value in scaling.options("VPCZoneIdentifier[]")]
        found = [value for item in items(scaling) for path in LAUNCH for _, value in item.follow(app, path)]
        values = [value for value in found if value is not ABSENT]
        for group in _groups_of(app, scaling, "TargetGroupARNs[]") if values else ():
            target = _Target(scaling, "TargetGroupARNs", groups.peer(values, subnets), "instances")
            yield target, group, [as_int(group.get("Port"))]
    for group in app.of_type(TARGET_GROUP):
        for item in items(group, "Targets[]"):
            for value in item.given("Id"):
                instance = app.target(value)
                if instance is not None and instance.type == INSTANCE and instance.given("SecurityGroupIds[]"):
                    target = _Target(instance, "SecurityGroupIds", _peer(app, instance), "instance")
                    ports = [as_int(port) for port in item.options("Port")]
                    yield target, group, ports if item.given("Port") else [as_int(group.get("Port"))]


def _peer(app: Assembly, instance: Resource) -> NetworkPeer:
    return security_groups_of(app).peer_of(instance, "SecurityGroupIds[]", "SubnetId")


def _groups_of(app: Assembly, resource: Resource, path: str) -> Iterator[Resource]:
    for value in resource.given(path):
        group = app.target(value)
        if group is not None and group.type == TARGET_GROUP:
            yield group


def ports_of(app: Assembly, service: Service) -> Iterator[tuple[Resource, int]]:
    """Yield each target group of a service with the ports that a load balancer opens: traffic, health checks."""
    if service.resource.options(NETWORK) == [ABSENT]:
        return  # not awsvpc: the tasks have the security groups and ports of instances
    for balancer in service.resource.given("LoadBalancers[]"):
        group = app.target(balancer.get("TargetGroupArn")) if isinstance(balancer, dict) else None
        if group is None or group.type != TARGET_GROUP:
            continue
        found = {as_int(balancer.get("ContainerPort")), *(as_int(value) for value in group.options("HealthCheckPort"))}
        yield from ((group, port) for port in sorted(port for port in found if port is not None))
