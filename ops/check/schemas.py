"""What CloudFormation replaces a resource for, and by what it is named.

The schemas of the resource types, which come with cfn-lint, say what is replaced: `createOnlyProperties` certainly,
`conditionalCreateOnlyProperties` perhaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from breakwater_guards.facts import facts
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Text
from ops.preflight.checks.stack import CREATE_ONLY

# Names whose types are identified by something else; APIs may share one, and so may the groups of several VPCs.
_NAMES: Final[Mapping[str, str]] = {
    kind: name
    for kind, name in {**facts("physical_names")["properties"], "AWS::ECS::Service": "ServiceName"}.items()
    if kind not in ("AWS::ApiGateway::RestApi", "AWS::EC2::SecurityGroup")
}


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    """Return the schema of a resource type; an empty one where CloudFormation's registry has none."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415 (it takes a second)

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    except ResourceNotFoundError:
        return {}
    return found


@cache
def create_only(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the properties whose change replaces a resource, and those whose change may.

    Args:
        kind: CloudFormation type; nothing is known of a type without a schema.

    Returns:
        Both lists, sorted.
    """
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return ("ServiceToken",), ()
    schema = _schema(kind)
    certain, perhaps = (
        {path.split("/")[2] for path in schema.get(key, ())}
        for key in ("createOnlyProperties", "conditionalCreateOnlyProperties")
    )
    # Of these types the conditions have been read: any change of such a property replaces the resource.
    certain |= set(CREATE_ONLY.get(kind, ()))
    return tuple(sorted(certain)), tuple(sorted(perhaps - certain))


def same_name(old: Resource, new: Resource) -> str:
    """Return the property that names a resource, where a replacement has the name of the old one.

    Args:
        old: as it is deployed.
        new: as it is planned.

    Returns:
        The property; empty where they can exist at once.
    """
    named = named_by(new)
    return named[0] if named and named[0] in create_only(new.type)[0] and named_by(old) == named else ""


def named_by(resource: Resource) -> tuple[str, str | Text] | None:
    """Return the property that names a resource, and the name that no other one of its type can have at once.

    Args:
        resource: of any type.

    Returns:
        Property and name; None where AWS makes the name, or several resources may share it.
    """
    keys = [path.rpartition("/")[2] for path in _schema(resource.type).get("primaryIdentifier", ())]
    known = len(keys) == 1 and keys[0] in create_only(resource.type)[0]
    key = keys[0] if known else _NAMES.get(resource.type, "")
    value = resource.get(key) if key else ""
    return (key, value) if value and isinstance(value, str | Text) else None
