"""What listens for connections in the network of an assembly: databases, caches, proxies, search domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from breakwater_guards.aws.items import items
from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.aws.security_groups import NetworkPeer, security_groups_of
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT


class Listener(NamedTuple):
    """What accepts connections.

    Attributes:
        resource: the database, cache or proxy.
        port: where it listens; ``None`` when not known.
        peer: its security groups and addresses.
        subnets: where it can be, as far as they are part of the assembly.
    """

    resource: Resource
    port: int | None
    peer: NetworkPeer
    subnets: list[Resource]


def listener_of(app: Assembly, resource: Resource) -> Listener | None:
    """Return how a resource is reached, or ``None`` when it listens nowhere in a VPC; a member is its cluster."""
    cluster = app.target(resource.get("DBClusterIdentifier"))
    resource = cluster if cluster is not None and resource.type == "AWS::RDS::DBInstance" else resource
    row = facts("service_endpoints")["listeners"].get(resource.type)
    if row is None or not resource.given(row["groups"]):
        return None
    values = [value for item in items(resource) for _, value in item.follow(app, row["subnets"])]
    subnets = [network_of(app).resource(value, SUBNET) for value in values]
    peer = security_groups_of(app).peer(resource.options(row["groups"]), subnets)
    known = [subnet for subnet in subnets if subnet is not None]
    return Listener(resource, _port(resource, row.get("port")), peer, known)


def mentioned_listeners(app: Assembly, resource: Resource, path: str) -> Iterator[Resource]:
    """Yield each resource whose address, not only its name, stands in a property."""
    first, _, rest = path.partition(".")
    properties = resource.body.get("Properties", {})
    raw = properties.get(first) if isinstance(properties, dict) else None
    raw = raw.get(rest) if rest and isinstance(raw, dict) else None if rest else raw
    found: dict[Resource, None] = {}
    for reference in mentioned(resource.template, raw):
        target = app.target(reference)
        if target is not None and "endpoint" in reference.attribute.lower():
            found[target] = None
    yield from found


def _port(resource: Resource, usual: int | None) -> int | None:
    given = resource.get("Port")
    if given is not ABSENT:
        return as_int(given)
    engine = resource.get("Engine" if resource.options("EngineFamily") == [ABSENT] else "EngineFamily")
    known = facts("service_endpoints")["port_of_engine"].items()
    return usual or next((port for name, port in known if isinstance(engine, str) and name in engine.lower()), None)
