"""Availability Zones of a set of subnets."""

from __future__ import annotations

from typing import Any

from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Opaque, Reference
from breakwater_guards.rule import show


def one_zone(app: Assembly, resource: Resource, path: str) -> str | None:
    """Say in which single zone a list of subnets lies, or ``None`` if they lie in several or the templates do not tell.

    Args:
        app: the assembly.
        resource: what has the subnets.
        path: property with the list.

    Returns:
        Words for a message, e.g. ``Subnets names A, B: all in Availability Zone 'us-east-1a'``.
    """
    for subnets in resource.options(path):
        if not isinstance(subnets, list) or not subnets:
            continue
        if len(subnets) == 1 and isinstance(subnets[0], str | Reference):
            return f"{path} names one subnet only, {show(subnets[0])}"
        found = [network_of(app).resource(value, SUBNET) for value in subnets]
        if None in found:
            continue
        zones = [zone_of(subnet) for subnet in found if subnet is not None]
        if len(set(map(repr, zones))) == 1 and zones[0] is not None:
            listed = ", ".join(dict.fromkeys(subnet.logical_id for subnet in found if subnet is not None))
            return f"{path} names {listed}: all in {_show_zone(zones[0])}"
    return None


def is_outside(zone: Any, zones: list[Any]) -> bool:
    """Tell whether a zone is certain to be none of some others: by name, or as one by number of the same Region."""
    kind = _kind(zone)
    return kind is not None and all(_kind(other) == kind for other in zones) and zone not in zones


def _kind(zone: Any) -> str | None:
    """Return what two zones must share to be compared: that both are names, or the Region of their numbers."""
    if isinstance(zone, Opaque) and zone.kind == "zone":
        return zone.key.partition("#")[0] + "#"
    return "" if isinstance(zone, str) else None


def zone_of(subnet: Resource) -> Any:
    """Return the Availability Zone of a subnet, ``None`` when the templates do not tell."""
    for name in ("AvailabilityZone", "AvailabilityZoneId"):
        value = subnet.get(name)
        if isinstance(value, str) or (isinstance(value, Opaque) and value.kind == "zone"):
            return value
    return None


def _show_zone(zone: Any) -> str:
    return f"Availability Zone {show(zone)}" if isinstance(zone, str) else "one Availability Zone of the Region"
