"""Elastic Load Balancing: what ministack accepts and AWS does not, and the full name of a target group.

Alarms and scaling policies refer to the full name.
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
"""

from collections.abc import Callable

from embedded_aws.server import refusals, registry, upstream
from embedded_aws.server.refusals import RefusedError, Request, members, parameter
from embedded_aws.server.registry import Attributes, Properties

_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
_SERVICE = "ElasticLoadBalancingV2"
_FEWEST_ZONES = 2


def install() -> None:
    """Register the types of this service."""
    registry.complete(_TARGET_GROUP, _full_name)
    registry.complete(_BALANCER, _internal_name)
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


def _internal_name(arn: str, _properties: Properties) -> Attributes:
    """Let the name of a load balancer that is not reached from outside say so, as on AWS."""
    record = upstream.load_balancers[arn]
    if record["Scheme"] == "internal" and not record["DNSName"].startswith("internal-"):
        record["DNSName"] = f"internal-{record['DNSName']}"
    return {"DNSName": record["DNSName"]}


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
