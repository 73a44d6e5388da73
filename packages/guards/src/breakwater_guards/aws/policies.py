"""IAM policy documents of an assembly, wherever a template holds them: trust, identity, resource and key policies.

Documents are found by their shape, so a policy of any resource type counts, and one that is written as a JSON string
(`AWS::Logs::ResourcePolicy`) counts too. Both arms of an `Fn::If` that only a deployment decides are listed, each with
what its condition says of parameters: a rule finds a grant, and a defect, in any arm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.statements import Statement
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.choice import Choice
from breakwater_guards.model.json_values import from_json
from breakwater_guards.model.resolve import Resolver
from breakwater_guards.model.template import Resource
from breakwater_guards.model.unfold import unfold
from breakwater_guards.model.values import ABSENT, Text
from breakwater_guards.model.views import view

_STRINGS = ("Fn::Join", "Fn::Sub")


def statements_of(resource: Resource, path: str = "") -> list[Statement]:
    """Return the statements of a resource's policies.

    Args:
        resource: what has the policies.
        path: only those at or below this dotted path, e.g. ``KeyPolicy``; empty means all.
    """
    found = view(resource.template.assembly, _index).get(resource, [])
    return [item for item in found if not path or item.path == path or item.path.startswith(path + ".")]


def all_statements(app: Assembly) -> Iterator[Statement]:
    """Yield every statement of every policy document in the assembly."""
    for statements in view(app, _index).values():
        yield from statements


def _index(app: Assembly) -> dict[Resource, list[Statement]]:
    index: dict[Resource, list[Statement]] = defaultdict(list)
    for template in app.templates.values():
        for resource in template.resources.values():
            properties = resource.body.get("Properties")
            if isinstance(properties, dict) and "Statement" in resource.text:
                for path, document in _documents(resource.resolver, properties, ""):
                    index[resource].extend(_statements(resource, path, document))
    return index


def _documents(resolver: Resolver, node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Find mappings with a ``Statement``, and strings that hold such a mapping as JSON."""
    if isinstance(node, dict):
        if isinstance(node.get("Statement"), dict | list):
            yield path.rstrip("."), node
            return
        if len(node) == 1 and next(iter(node)) in _STRINGS:
            node = resolver.resolve(node) if "Statement" in repr(node) else ""
        else:
            for key, child in node.items():
                if key == "Fn::If":
                    chosen = resolver.resolve({key: child})
                    for arm in chosen.arms if isinstance(chosen, Choice) else (chosen,):
                        yield from _documents(resolver, arm, path)
                else:
                    yield from _documents(resolver, child, f"{path}{key}.")
            return
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from _documents(resolver, child, f"{path}{index}.")
    elif isinstance(node, str | Text):
        document = from_json(node, having='"Statement"')  # it need not be a policy
        yield from _documents(resolver, document if isinstance(document, dict) else None, path)


def _statements(resource: Resource, path: str, document: dict[str, Any]) -> Iterator[Statement]:
    for place, raw in unfold(resource.resolver, document["Statement"], f"{path}.Statement" if path else "Statement"):
        if isinstance(raw, dict) and "Effect" in raw:  # a web ACL has a Statement too
            yield Statement(resource, place, raw)


def as_statement(permission: Resource) -> Statement:
    """Read a function's permission as the statement that Lambda makes of it."""
    properties = permission.body.get("Properties", {})
    condition = {
        operator: {f"aws:{name}": properties[name]}
        for operator, name in (("ArnLike", "SourceArn"), ("StringEquals", "SourceAccount"))
        if name in properties
    }
    return Statement(
        permission,
        "",
        {
            "Effect": "Allow",
            "Principal": {"Service": properties.get("Principal", ABSENT)},
            "Action": properties.get("Action", []),
            "Condition": condition,
        },
    )
