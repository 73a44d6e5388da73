"""The order in which CloudFormation creates the resources of an assembly, nested stacks included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.views import view


def comes_before(first: Resource, later: Resource) -> bool:
    """Tell whether a resource is certain to exist when another one is created.

    Args:
        first: what should exist.
        later: what needs it.

    Returns:
        Also true for stacks of different trees, whose order no template tells.
    """
    ways = {place[0]: place[1] for place in _places(first)}
    for template, name in _places(later):
        if template in ways:
            return ways[template] == name or ways[template] in predecessors(template, name)
    return True


def predecessors(template: Template, logical_id: str) -> set[str]:
    """Return what CloudFormation creates before a resource: what it depends on or refers to, and so on."""
    known: dict[tuple[Template, str], set[str]] = view(template.assembly, _known)
    key = (template, logical_id)
    if key not in known:
        known[key] = set(_closure(template, logical_id))
    return known[key]


def _known(_: Any) -> dict[tuple[Template, str], set[str]]:
    return {}


def _closure(template: Template, logical_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [logical_id]
    while waiting:
        resource = template.resources.get(waiting.pop())
        for name in _named(resource.body) if resource else ():
            if name in template.resources and name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _named(node: Any) -> Iterator[str]:
    """Yield every logical id that `DependsOn`, `Ref`, `Fn::GetAtt` or `Fn::Sub` names, roughly: any text in them."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("DependsOn", "Ref", "Fn::GetAtt"):
                yield from (str(item).split(".")[0] for item in (value if isinstance(value, list) else [value]))
            elif key == "Fn::Sub":
                text = value[0] if isinstance(value, list) and value else value
                yield from (part.split("}")[0].split(".")[0] for part in str(text).split("${")[1:])
            yield from _named(value)
    elif isinstance(node, list):
        for item in node:
            yield from _named(item)


def _places(resource: Resource) -> Iterator[tuple[Template, str]]:
    """Yield where a resource stands: its own template, then the nested stacks around it."""
    here: Resource | None = resource
    while here is not None:
        yield here.template, here.logical_id
        here = here.template.parent
