"""The gate before a resource is made or changed: what AWS would fail fails here, and the stack rolls back.

What the rules found in the template waits here for its resource; more reasons show in resolved properties.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any
from uuid import uuid4

from embedded_aws.server import upstream
from embedded_aws.server.validation import pack, properties
from embedded_aws.server.validation.properties import Properties

_REASONS = "_reasons"  # in a stack's record: why resources of the operation that runs would fail, by logical id


def install() -> None:
    """Put the gate before ministack's makers."""
    for deploy in (upstream.deploy_stack, upstream.deploy_by_request, upstream.deploy_by_change_set):
        deploy.wrap(_noting)
    upstream.provision_in_root.wrap(_gate_to_creation)
    upstream.update_in_engine.wrap(_gate_to_update)


def _noting(deploy: Callable[..., Any]) -> Callable[..., Any]:
    """Note what the rules find in a template that is deployed: once for all its resources, which takes a while."""

    def deploy_noted(stack_name: str, stack_id: str, template: Any, values: Any, *more: Any, **keywords: Any) -> Any:
        reasons = upstream.stacks[stack_name][_REASONS] = defaultdict[str, list[str]](list)
        for finding in pack.find(template, values):
            reasons[finding.logical_id].append(finding.message)
        return deploy(stack_name, stack_id, template, values, *more, **keywords)

    return deploy_noted


def _gate_to_creation(provision: Callable[..., Any]) -> Callable[..., Any]:
    def provision_allowed(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
        _refuse(resource_type, logical_id, props, stack_name)
        return provision(resource_type, logical_id, props, stack_name)

    return provision_allowed


def _gate_to_update(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_allowed(resource_type: str, physical_id: str, *arguments: Any) -> Any:
        old, new, stack_name, logical_id, *_attributes = arguments
        if old != new and not _rolls_back(stack_name):
            name = kept_name(resource_type, old, new)
            if name:
                raise ValueError(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {name} and update the stack again."
                )
            _refuse(resource_type, logical_id, new, stack_name)
        return update(resource_type, physical_id, *arguments)

    return update_allowed


def _rolls_back(stack_name: str) -> bool:
    """Return whether a stack, or one around it, goes back to what it was: that was allowed once."""
    stack = upstream.stacks.get(stack_name)
    while stack:
        if "ROLLBACK" in stack["StackStatus"]:
            return True
        stack = upstream.stacks.get(stack.get("_parent_stack_name", ""))
    return False


def kept_name(resource_type: str, old: Properties, new: Properties) -> str | None:
    """Return the name that a resource keeps although it would have to be replaced; None when it may be changed.

    https://repost.aws/knowledge-center/cloudformation-custom-name
    """
    known = _create_only().get(resource_type, {})
    name = old.get(known.get("name", ""))
    paths = (*known.get("create_only", ()), *known.get("also", ()))
    changed = any(_at(old, path) != _at(new, path) for path in paths)
    return str(name) if name and name == new.get(known["name"]) and changed else None


def replacing(resource_type: str, old: Properties, new: Properties) -> list[str]:
    """Return the changed properties of a type that cannot be changed in place, its name among them, as dotted paths."""
    known = _create_only().get(resource_type, {})
    paths = [*known.get("create_only", ()), *([known["name"]] if "name" in known else [])]
    return sorted(path for path in paths if _at(old, path) != _at(new, path))


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@cache
def _create_only() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("create_only.toml").read_text(encoding="utf-8"))


def _refuse(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> None:
    found = upstream.stacks.get(stack_name, {}).get(_REASONS, {}).get(logical_id, ())
    for message in (*properties.mistakes(resource_type, props), *found):
        raise ValueError(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid4()}, HandlerErrorCode: '
            "InvalidRequest)"
        )
