"""Databases of an assembly as a network sees them, and which of them a task definition names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from breakwater_guards.aws.ecs import Service
from breakwater_guards.aws.network import SUBNET, network_of
from breakwater_guards.aws.security_groups import NetworkPeer, security_groups_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Reference, Text

CLUSTER, INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"
_PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306}


class Database(NamedTuple):
    """What listens for connections.

    Attributes:
        resource: the cluster, or an instance of its own.
        port: where it listens; ``None`` when not known.
        peer: its security groups and addresses.
    """

    resource: Resource
    port: int | None
    peer: NetworkPeer


def databases_of(app: Assembly, service: Service) -> list[Database]:
    """Return the databases whose endpoint or secret a service's containers are given."""
    found: dict[Reference, Database] = {}
    for value in _given(service):
        references = value.references if isinstance(value, Text) else [value] if isinstance(value, Reference) else []
        for reference in references:
            resource = _database(app, app.target(reference))
            if resource is not None:
                found[resource.reference] = _describe(app, resource)
    return list(found.values())


def _given(service: Service) -> Iterator[object]:
    if service.definition is not None:
        yield from service.definition.given("ContainerDefinitions[].Environment[].Value")
    yield from service.secrets


def _database(app: Assembly, resource: Resource | None) -> Resource | None:
    """Follow a secret's attachment to its database, and an instance to its cluster."""
    if resource is not None and resource.type == "AWS::SecretsManager::SecretTargetAttachment":
        resource = app.target(resource.get("TargetId"))
    if resource is not None and resource.type == INSTANCE:
        return app.target(resource.get("DBClusterIdentifier")) or resource
    return resource if resource is not None and resource.type == CLUSTER else None


def _describe(app: Assembly, resource: Resource) -> Database:
    groups = "VpcSecurityGroupIds[]" if resource.type == CLUSTER else "VPCSecurityGroups[]"
    subnet_group = app.target(resource.get("DBSubnetGroupName"))
    values = subnet_group.options("SubnetIds[]") if subnet_group else []
    subnets = [network_of(app).resource(value, SUBNET) for value in values]
    return Database(resource, _port(resource), security_groups_of(app).peer(resource.options(groups), subnets))


def _port(resource: Resource) -> int | None:
    port = resource.get("Port")
    if port is not ABSENT:
        return as_int(port)
    engine = resource.get("Engine")
    return next((port for name, port in _PORTS.items() if isinstance(engine, str) and name in engine), None)
