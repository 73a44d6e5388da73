"""Which stacks are one application: those of a tree, those of a cloud assembly, and those that share exports.

A folder of templates that is no cloud assembly may be a library: what one of them lacks says nothing about the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template
from breakwater_guards.model.values import Text
from breakwater_guards.model.views import view

_IMPORT = "Fn::ImportValue"


def same_application(left: Template, right: Template) -> bool:
    """Tell whether two stacks belong to one application, as far as the templates show."""
    return application_of(left) == application_of(right)


def application_of(template: Template) -> str:
    """Return what the stacks of one application have in common: the key of one of them."""
    group: dict[str, str] = view(template.assembly, _groups)
    return group[template.key]


def _groups(app: Assembly) -> dict[str, str]:
    """Return the name of its application by key of each stack."""
    group = {root.key: root.key for root in app.roots}
    roots = {template.key: _root(template).key for template in app.templates.values()}

    def join(one: str, other: str) -> None:
        kept, gone = group[one], group[other]
        group.update({key: kept for key, name in group.items() if name == gone})

    synthesized = [root.key for root in app.roots if root.stack_name is not None]
    for key in synthesized[1:]:
        join(synthesized[0], key)
    for template in app.templates.values() if len(set(group.values())) > 1 else ():
        for name in _imports(template):
            found = app.exporter(template, name)
            if found is not None:
                join(roots[template.key], roots[found[0].key])
    return {key: group[root] for key, root in roots.items()}


def _root(template: Template) -> Template:
    while template.parent is not None:
        template = template.parent.template
    return template


def _imports(template: Template) -> Iterator[str | Text]:
    waiting: list[Any] = [item.body for item in template.resources.values() if _IMPORT in item.text]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            name = template.resolver.deep(part[_IMPORT]) if _IMPORT in part else None
            if isinstance(name, str | Text):
                yield name
