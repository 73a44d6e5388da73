"""Application Load Balancers: targets that can register and that the load balancer reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.balancers import LISTENER, LISTENER_RULE, balancers_of, target_groups
from breakwater_guards.aws.ecs import services_of
from breakwater_guards.aws.items import items
from breakwater_guards.aws.zones import one_zone
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ECS_BALANCING = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb.html"


@rule(
    "DR-ALB-01",
    title="Target groups of awsvpc and Fargate services have target type ip",
    outcome=Outcome.REFUSED,
    prevents="InvalidParameterException: The provided target group … has target type instance, which is incompatible "
    "with the awsvpc network mode specified in the task definition.",
    fix="Set TargetType: ip on the target group (the default is instance).",
    sources=(ECS_BALANCING,),
)
def targets_are_addresses(app: Assembly) -> Iterator[Breach]:
    """Find a target group for instances in front of tasks that have network interfaces of their own."""
    for service in services_of(app):
        own_interface = service.definition is not None and service.definition.get("NetworkMode") == "awsvpc"
        for group in target_groups(app, service.resource) if service.fargate or own_interface else ():
            for value in group.options("TargetType"):
                if value is ABSENT or (isinstance(value, str) and value != "ip"):
                    yield breach(
                        group,
                        "TargetType",
                        f"{show(value)}: tasks of {service.resource.logical_id} register by address; "
                        "only 'ip' is allowed.",
                    )


@rule(
    "DR-ALB-03",
    title="Application Load Balancers have subnets in at least two Availability Zones",
    outcome=Outcome.REFUSED,
    prevents="At least two subnets in two different Availability Zones must be specified (ValidationError)",
    fix="Give the load balancer subnets in at least two Availability Zones.",
    sources=("https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",),
)
def balancer_in_two_zones(app: Assembly) -> Iterator[Breach]:
    """Find subnets that all lie in one Availability Zone."""
    for balancer in balancers_of(app).application():
        found = one_zone(app, balancer, "Subnets")
        if found:
            yield breach(balancer, "Subnets", f"{found}; at least two Availability Zones are required.")


@rule(
    "DR-ALB-06",
    title="Services are created after the listener of their target group",
    outcome=Outcome.REFUSED,
    prevents="The target group with targetGroupArn … does not have an associated load balancer. "
    "(InvalidParameterException, at the first deployment)",
    fix="Let a listener or listener rule forward to the target group, and name it in the service's DependsOn.",
    sources=("https://github.com/aws/aws-cdk/issues/1160", ECS_BALANCING),
)
def service_waits_for_its_listener(app: Assembly) -> Iterator[Breach]:
    """Find a target group without a listener, or one whose listener CloudFormation may create after the service."""
    balancers = balancers_of(app)
    for service in services_of(app):
        for group in target_groups(app, service.resource):
            listeners = balancers.listeners_of(group)
            if not listeners and balancers.complete:
                problem = f"no listener forwards to {group.logical_id}"
            elif listeners and balancers.exist_before(service.resource, listeners) is Answer.NO:
                names = ", ".join(listener.logical_id for listener in listeners)
                problem = f"nothing makes CloudFormation create {names} before the service"
            else:
                continue
            yield breach(service.resource, "LoadBalancers.TargetGroupArn", f"{problem[0].upper()}{problem[1:]}.")


@rule(
    "DR-ALB-07",
    title="A listener redirects to something else than itself",
    outcome=Outcome.REFUSED,
    prevents="The redirect configuration is not valid because it creates a loop (InvalidLoadBalancerAction)",
    fix="Redirect to another protocol or port, e.g. Protocol: HTTPS and Port: '443', or to another host or path.",
    sources=(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#redirect-actions",
    ),
)
def redirects_lead_elsewhere(app: Assembly) -> Iterator[Breach]:
    """Find a redirect whose protocol, port, host, path and query are those of the request."""
    for kind, path in ((LISTENER, "DefaultActions[]"), (LISTENER_RULE, "Actions[]")):
        for holder in app.of_type(kind):
            listener = holder if kind == LISTENER else app.target(holder.get("ListenerArn"))
            for item in items(holder, f"{path}.RedirectConfig"):
                same = {name: listener.options(name) if listener is not None else [] for name in ("Protocol", "Port")}
                if all(
                    _is_same(list(map(_as_text, item.options(name))), [placeholder, *map(_as_text, same.get(name, ()))])
                    for name, placeholder in REQUEST.items()
                ):
                    yield breach(
                        holder, item.place("Port"), "leads to the protocol, port, host and path of the request."
                    )


# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html: the defaults
REQUEST = {
    "Protocol": "#{protocol}",
    "Port": "#{port}",
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
}


def _is_same(given: list[Any], requested: list[Any]) -> bool:
    return all(value is ABSENT or (value is not UNKNOWN and value in requested) for value in given)


def _as_text(value: Any) -> Any:
    """Write a number as text: a template may give a port either way."""
    return str(value) if isinstance(value, int) else value
