"""Resource types without a service: kept as declared, and read back through the Cloud Control API.

The store is ministack's own Cloud Control, so `cloudcontrol.get_resource` answers as it does on AWS. Nothing acts on
what is kept; `fidelity.toml` lists every such type as `metadata`.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.registry import Attributes, Declared, Properties


def keep(
    resource_type: str,
    *,
    identify: Callable[[Declared], str],
    attributes: Callable[[str], Attributes],
    create_only: tuple[str, ...],
) -> None:
    """Register a type whose declaration is stored, and nothing more.

    Args:
        resource_type: the CloudFormation type name.
        identify: returns the Cloud Control identifier of a declaration, which is also what `Ref` gives.
        attributes: returns the `Fn::GetAtt` attributes of an identifier.
        create_only: properties whose change replaces the resource.
    """

    def create(declared: Declared) -> tuple[str, Attributes]:
        identifier = identify(declared)
        _store(resource_type, identifier, declared.properties)
        return identifier, attributes(identifier)

    def update(identifier: str, declared: Declared, _previous: Properties) -> Attributes:
        _store(resource_type, identifier, declared.properties)
        return attributes(identifier)

    def delete(identifier: str, _properties: Properties) -> None:
        upstream.cloud_control.pop(_key(resource_type, identifier), None)

    registry.add(resource_type, create=create, update=update, delete=delete, create_only=create_only)


def find(resource_type: str, identifier: str) -> dict[str, Any] | None:
    """Return the declaration under an identifier with its `CreationTime` (epoch seconds); None when there is none."""
    record = upstream.cloud_control.get(_key(resource_type, identifier))
    return {**json.loads(record["Properties"]), "CreationTime": record["CreationTime"]} if record else None


def every(resource_type: str) -> Iterator[dict[str, Any]]:
    """Return every declaration of a type, each as `find` gives it."""
    for record in upstream.cloud_control.values():
        if record["TypeName"] == resource_type:
            yield find(resource_type, record["Identifier"]) or {}


def _store(resource_type: str, identifier: str, properties: Properties) -> None:
    upstream.cloud_control[_key(resource_type, identifier)] = {
        "TypeName": resource_type,
        "Identifier": identifier,
        "Properties": json.dumps(properties),
        "CreationTime": time.time(),
    }


def _key(resource_type: str, identifier: str) -> str:
    return str(upstream.cloud_control_key(resource_type, identifier))
