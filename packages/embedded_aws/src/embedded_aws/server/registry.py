"""How a CloudFormation resource type is added to ministack, replaced, completed, or refused.

The list of types is `fidelity.toml`: a type that is not in it is refused, even where ministack has a handler for it,
because nothing is stated about how far that handler can be trusted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from embedded_aws.server import upstream

Properties: TypeAlias = Mapping[str, Any]
Attributes: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Declared:
    """A resource as its template declares it, with every reference resolved.

    Attributes:
        logical_id: its logical id in the template.
        stack: the name of the stack that owns it.
        properties: its resolved properties.
    """

    logical_id: str
    stack: str
    properties: Properties

    def name(self, prop: str, *, longest: int, lowercase: bool = False) -> str:
        """Return the resource's name.

        Args:
            prop: the property in which a template may give it.
            longest: of a generated name (`stack-logicalId-SUFFIX`), in characters.
            lowercase: of a generated name.
        """
        given = self.properties.get(prop)
        if given:
            return str(given)
        return str(upstream.generated_name(self.stack, self.logical_id, lowercase=lowercase, max_len=longest))


Create: TypeAlias = Callable[[Declared], tuple[str, Attributes]]
Update: TypeAlias = Callable[[str, Declared, Properties], Attributes]
Delete: TypeAlias = Callable[[str, Properties], None]
Complete: TypeAlias = Callable[[str, Properties], Attributes]


def _adapt_create(create: Create) -> Callable[..., tuple[str, dict[str, str]]]:
    def handler(logical_id: str, props: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
        physical_id, attributes = create(Declared(logical_id, stack_name, props))
        return physical_id, dict(attributes)

    return handler


def _adapt_update(update: Update) -> Callable[..., tuple[str, dict[str, str]]]:
    def handler(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> tuple[str, dict[str, str]]:
        declared = Declared(logical_id or physical_id, stack_name, new)
        return physical_id, dict(update(physical_id, declared, old))

    return handler


def _adapt_delete(delete: Delete) -> Callable[[str, Properties], None]:
    def handler(physical_id: str, properties: Properties) -> None:
        try:
            delete(physical_id, properties)
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:  # what is gone is deleted
                raise

    return handler


def add(resource_type: str, *, create: Create, update: Update, delete: Delete, create_only: Iterable[str] = ()) -> None:
    """Add a type that ministack does not have.

    Args:
        resource_type: the CloudFormation type name.
        create: makes the resource; returns its physical id (what `Ref` gives) and its `Fn::GetAtt` attributes.
        update: changes it in place, given the physical id, the new declaration and the old properties.
        delete: removes it, given the physical id and its properties.
        create_only: properties whose change replaces the resource (the `createOnlyProperties` of its schema).

    Raises:
        LookupError: ministack has the type by now, so this one is to be removed.
    """
    if resource_type in upstream.handlers:
        raise LookupError(f"ministack now provides {resource_type}: remove it from embedded_aws/server/types")
    upstream.handlers[resource_type] = {
        "create": _adapt_create(create),
        "update": _adapt_update(update),
        "update_with_logical_id": True,
        "delete": _adapt_delete(delete),
    }
    upstream.replacing_properties[resource_type] = tuple(create_only)


def replace(
    resource_type: str, *, create: Create, delete: Delete | None = None, create_only: Iterable[str] = ()
) -> None:
    """Replace ministack's creation, and if given its deletion, of a type; its update stays.

    Args:
        resource_type: the CloudFormation type name.
        create: as for `add`.
        delete: as for `add`.
        create_only: properties whose change replaces the resource, where ministack's own list is not enough.

    Raises:
        LookupError: ministack no longer has the type.
    """
    handler = _handler(resource_type)
    handler["create"] = _adapt_create(create)
    if delete:
        handler["delete"] = _adapt_delete(delete)
    if create_only:
        upstream.replacing_properties[resource_type] = tuple(create_only)


def wrap(resource_type: str, verb: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace ministack's `create`, `update` or `delete` of a type by `wrapper(handler)`.

    Raises:
        LookupError: ministack no longer has the type.
    """
    handler = _handler(resource_type)
    handler[verb] = wrapper(handler[verb])


def complete(resource_type: str, apply: Complete) -> None:
    """After ministack's creation and update of a type, apply what they drop and add attributes that they lack.

    Args:
        resource_type: the CloudFormation type name.
        apply: idempotent; given the physical id and the resolved properties, returns further attributes.

    Raises:
        LookupError: ministack no longer has the type.
    """
    handler = _handler(resource_type)
    for verb, properties_at in (("create", 1), ("update", 2)):
        if verb in handler:
            handler[verb] = _completed(handler[verb], properties_at, apply)


def _completed(original: Callable[..., Any], properties_at: int, apply: Complete) -> Callable[..., Any]:
    def handler(*args: Any) -> tuple[str, dict[str, str]]:
        physical_id, attributes = original(*args)
        return physical_id, {**(attributes or {}), **apply(physical_id, args[properties_at])}

    return handler


def _handler(resource_type: str) -> dict[str, Any]:
    if resource_type not in upstream.handlers:
        raise LookupError(f"ministack no longer provides {resource_type}: add it in embedded_aws/server/types")
    return upstream.handlers[resource_type]


def refuse_types_outside(listed: Iterable[str]) -> None:
    """Make every type that is not listed unknown: a template with it is refused and rolled back."""
    keep = frozenset(listed)
    for resource_type in [known for known in upstream.handlers if known not in keep]:
        del upstream.handlers[resource_type]

    # ministack accepts every Custom::* and AWS::CloudFormation::* type silently; they are refused here.
    def refusing(provision: Callable[..., Any]) -> Callable[..., Any]:
        def provision_listed(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
            if resource_type not in keep:
                raise ValueError(f"Unrecognized resource types: [{resource_type}] (not in embedded_aws/fidelity.toml)")
            return provision(resource_type, logical_id, props, stack_name)

        return provision_listed

    upstream.provision_in_root.wrap(refusing)
    upstream.provision_in_nested.wrap(refusing)
