"""Repairs to nested stacks, in three points where ministack, which deploys them inline, differs from CloudFormation.

- An update forgets the attributes of the resources that it does not change: `Fn::GetAtt` of them is empty, and the
  parent rolls back.
- A nested stack whose creation fails leaves its resources behind.
- Dynamic references (`{{resolve:secretsmanager:…}}`, `{{resolve:ssm:…}}`) reach the resource unresolved.
"""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import upstream
from embedded_aws.server.registry import Properties

_STACK_TYPE = "AWS::CloudFormation::Stack"


def install() -> None:
    """Put the repairs in place."""
    upstream.update_in_nested.wrap(_keeping_attributes)
    upstream.provision_in_nested.wrap(_resolving_dynamic_references)
    stack = upstream.handlers[_STACK_TYPE]
    stack["create"] = _cleaning_up(stack["create"], stack["delete"])


def _keeping_attributes(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_with_attributes(*arguments: Any) -> tuple[str, dict[str, Any]]:
        # ministack passes everything but the attributes here
        _resource_type, physical_id, _old_props, _new_props, stack_name, logical_id = arguments
        known = _recorded_attributes(stack_name, logical_id)
        new_id, attributes = update(*arguments, known)
        return new_id, {**known, **(attributes or {})} if new_id == physical_id else attributes

    return update_with_attributes


def _recorded_attributes(stack_name: str, logical_id: str) -> dict[str, Any]:
    stack = upstream.stacks.get(stack_name) or {}
    record = stack.get("_resources", {}).get(logical_id) or {}
    return dict(record.get("Attributes") or {})


def _resolving_dynamic_references(provision: Callable[..., Any]) -> Callable[..., Any]:
    def provision_resolved(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
        resolved, _ = upstream.resolve_dynamic_references(props)
        return provision(resource_type, logical_id, resolved, stack_name)

    return provision_resolved


def _cleaning_up(create: Callable[..., Any], delete: Callable[..., None]) -> Callable[..., Any]:
    def create_or_clean_up(logical_id: str, props: Properties, parent: str) -> Any:
        before = set(upstream.stacks.keys())
        try:
            return create(logical_id, props, parent)
        except Exception:
            for name in set(upstream.stacks.keys()) - before:
                stack = upstream.stacks[name]
                if stack.get("_parent_stack_name") == parent:
                    delete(stack["StackId"], props)
            raise

    return create_or_clean_up
