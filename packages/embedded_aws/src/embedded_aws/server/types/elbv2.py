"""Elastic Load Balancing: what ministack accepts and AWS does not, and the full name of a target group.

Alarms and scaling policies refer to the full name.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
"""

import re
from collections.abc import Callable
from typing import Any

from embedded_aws.server import refusals, registry, upstream
from embedded_aws.server.balancer import service
from embedded_aws.server.balancer.service import Service
from embedded_aws.server.refusals import RefusedError, Request, members, parameter
from embedded_aws.server.registry import Attributes, Properties
from embedded_aws.server.types import elbv2_targets

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_SERVICE = "ElasticLoadBalancingV2"
_FEWEST_ZONES = 2


def install() -> None:
    """Register the types of this service."""
    registry.complete(_TARGET_GROUP, _full_name)
    _serve()
    for action in ("CreateLoadBalancer", "SetSubnets"):
        refusals.by_api(upstream.elb_actions, action, _requested_subnets, upstream.elb_error)
    for action, name, check in (
        ("DeleteLoadBalancer", "LoadBalancerArn", _balancer_is_protected),
        ("DeleteTargetGroup", "TargetGroupArn", _target_group_in_use),
    ):
        refusals.by_api(upstream.elb_actions, action, _of(name, check), upstream.elb_error)
    refusals.by_template(
        _BALANCER,
        _SERVICE,
        create=_declared_subnets,
        change=_declared_subnets,
        delete=_balancer_is_protected,
    )
    refusals.by_template(_TARGET_GROUP, _SERVICE, delete=_target_group_in_use)


def _full_name(arn: str, _properties: Properties) -> Attributes:
    # `targetgroup/name/id`; ministack leaves the first part out.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticloadbalancingv2-targetgroup.html
    return {"TargetGroupFullName": arn.rpartition(":")[2]}


def _serve() -> None:
    """Let the load balancers follow whatever changes their tables: the API, CloudFormation, and Amazon ECS."""
    running = service.running()
    elbv2_targets.install()
    upstream.elb_actions["DeleteLoadBalancer"] = _with_its_listeners(upstream.elb_actions["DeleteLoadBalancer"])
    for action in [each for each in upstream.elb_actions if not each.startswith("Describe")]:
        upstream.elb_actions[action] = _followed(upstream.elb_actions[action], running)
    upstream.elb_actions["CreateLoadBalancer"] = _with_its_address(upstream.elb_actions["CreateLoadBalancer"])
    for kind in (_BALANCER, _TARGET_GROUP, _LISTENER):
        for verb in ("create", "update", "delete"):
            registry.wrap(kind, verb, lambda handle: _followed(handle, running))
    registry.complete(_BALANCER, lambda arn, _properties: {"DNSName": upstream.load_balancers[arn]["DNSName"]})
    upstream.register_targets_of_service.wrap(lambda register: _followed(register, running))


def _followed(act: Callable[..., Any], running: Service) -> Callable[..., Any]:
    def act_and_follow(*arguments: Any, **keywords: Any) -> Any:
        done = act(*arguments, **keywords)
        running.refresh()
        return done

    return act_and_follow


def _with_its_listeners(delete: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Delete the listeners of a load balancer with it, as AWS does; ministack keeps them.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
    """

    def delete_both(request: dict[str, Any]) -> Any:
        arn = parameter(request, "LoadBalancerArn")
        for listener in [each for each, record in upstream.listeners.items() if record["LoadBalancerArn"] == arn]:
            upstream.elb_actions["DeleteListener"]({"ListenerArn": listener})
        return delete(request)

    return delete_both


def _with_its_address(create: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Answer with the address that a load balancer has got meanwhile."""

    def create_and_look(request: dict[str, Any]) -> Any:
        status, headers, body = create(request)
        for record in upstream.load_balancers.values():
            if record["LoadBalancerName"] == parameter(request, "Name"):
                body = re.sub(rb"(?<=<DNSName>)[^<]*", record["DNSName"].encode(), body)
        return status, headers, body

    return create_and_look


def _of(name: str, check: Callable[[str], None]) -> Callable[[Request], None]:
    return lambda request: check(parameter(request, name))


def _requested_subnets(request: Request) -> None:
    _check_subnets(members(request, "Subnets.member"), parameter(request, "Type"))


def _declared_subnets(properties: Properties) -> None:
    _check_subnets(properties.get("Subnets", []), properties.get("Type", ""))


def _check_subnets(subnets: list[str], kind: str) -> None:
    for subnet in subnets:
        if subnet not in upstream.subnets:
            raise RefusedError("SubnetNotFound", f"The subnet ID '{subnet}' does not exist")
    zones = [upstream.subnets[subnet]["AvailabilityZone"] for subnet in subnets]
    if len(set(zones)) < len(zones):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise RefusedError("InvalidConfigurationRequest", message)
    if len(zones) < _FEWEST_ZONES and kind in ("", "application"):
        message = "At least two subnets in two different Availability Zones must be specified"
        raise RefusedError("ValidationError", message)


def _balancer_is_protected(arn: str) -> None:
    attributes = {each["Key"]: each["Value"] for each in upstream.load_balancer_attributes.get(arn, [])}
    if attributes.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise RefusedError("OperationNotPermitted", message)


def _target_group_in_use(arn: str) -> None:
    actions = (
        *(action for listener in upstream.listeners.values() for action in listener["DefaultActions"]),
        *(action for rule in upstream.listener_rules.values() for action in rule["Actions"]),
    )
    if any(action.get("TargetGroupArn") == arn for action in actions):
        raise RefusedError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
