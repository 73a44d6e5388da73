"""Targets of Elastic Load Balancing: an address and a port, and the health that the load balancer found.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.balancer import service
from embedded_aws.server.balancer.metrics import balancers_of
from embedded_aws.server.balancer.target import Address, Target
from embedded_aws.server.refusals import Request, parameter

_OK = 200
_SHIFTS = "zonal_shift.config.enabled"
_SHIFTED = ("zonal_shift_active", "ZonalShiftActive", "Zonal shift is active for the target's zone")
_NOT_SHIFTED = ("no_override", "NoOverride", "No override is currently active on target")
_Action = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Answer the operations on targets."""
    actions = upstream.elb_actions
    for name, answer in (
        ("RegisterTargets", _register),
        ("DeregisterTargets", _deregister),
        ("DescribeTargetHealth", _describe),
    ):
        actions[name] = _for_a_known_group(actions[name], name, answer)


def _for_a_known_group(refuse: _Action, name: str, answer: Callable[[str, Request], str]) -> _Action:
    """Leave to ministack what it refuses: a target group that is not there."""

    def act(request: dict[str, Any]) -> Any:
        group = parameter(request, "TargetGroupArn")
        if group not in upstream.target_groups:
            return refuse(request)
        return upstream.elb_xml(_OK, name, answer(group, request))

    return act


def _named(group: str, request: Request) -> list[Address]:
    """Return the targets that a request names; the port of the group is that of a target without one."""
    names = [f"Targets.member.{number}" for number in range(1, len(request) + 1)]
    port = upstream.target_groups[group]["Port"]
    found = [(parameter(request, f"{name}.Id"), parameter(request, f"{name}.Port") or port) for name in names]
    return [(address, int(port)) for address, port in found if address]


# ministack knows a target by its address alone: a second port of it would not be another target.
def _register(group: str, request: Request) -> str:
    _set(group, service.registered(group) | set(_named(group, request)))
    return ""


def _deregister(group: str, request: Request) -> str:
    _set(group, service.registered(group) - set(_named(group, request)))
    return ""


def _set(group: str, targets: set[Address]) -> None:
    upstream.targets[group] = [{"Id": address, "Port": port} for address, port in sorted(targets)]


def _describe(group: str, request: Request) -> str:
    known = {target.address: target for target in reversed(service.running().targets(group))}
    rows = [_row(group, each, known.get(each)) for each in _named(group, request) or sorted(known)]
    return f"<TargetHealthDescriptions>{''.join(rows)}</TargetHealthDescriptions>"


def _row(group: str, address: Address, target: Target | None) -> str:
    """Return one description; for a target that is not registered as well."""
    state, reason, words = (
        (target.state, target.reason, target.description)
        if target
        else ("unused", "Target.NotRegistered", "Target is not registered to the target group")
    )
    host, port = address
    checked = upstream.target_groups[group]["HealthCheckPort"]
    told = f"<Reason>{reason}</Reason><Description>{words}</Description>" if reason else ""
    zone = service.zone_of(group, host, "AvailabilityZone")
    placed = f"<AvailabilityZone>{zone}</AvailabilityZone>" if zone else ""
    return (
        f"<member><Target><Id>{host}</Id><Port>{port}</Port>{placed}</Target>"
        f"<HealthCheckPort>{port if checked == 'traffic-port' else checked}</HealthCheckPort>"
        f"<TargetHealth><State>{state}</State>{told}</TargetHealth>"
        f"{_override(group, host)}</member>"
    )


def _override(group: str, host: str) -> str:
    """Return what a zonal shift makes of a target, where the load balancer takes part in zonal shifts."""
    balancers = [each for each in balancers_of(group) if service.balancer_attributes(each)[_SHIFTS] == "true"]
    if not balancers:
        return ""
    shifted = any(service.zone_of(group, host) in service.running().shifted_zones(each) for each in balancers)
    state, reason, words = _SHIFTED if shifted else _NOT_SHIFTED
    told = f"<State>{state}</State><Reason>AdministrativeOverride.{reason}</Reason><Description>{words}</Description>"
    return f"<AdministrativeOverride>{told}</AdministrativeOverride>"
