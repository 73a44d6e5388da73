"""Find what a property mentions, also inside functions whose outcome only the deployment decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.template import Template
from breakwater_guards.model.values import Reference, Text

_NAMING = ("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::ImportValue")


def mentioned(template: Template, raw: Any) -> Iterator[Reference]:
    """Yield every resource or attribute that a value is made from, followed through nested stacks.

    Args:
        template: where the value is written.
        raw: the value as written, e.g. ``Fn::Select`` of ``Fn::Split`` of an attribute.
    """
    if isinstance(raw, list):
        for item in raw:
            yield from mentioned(template, item)
    elif isinstance(raw, dict):
        if len(raw) == 1 and next(iter(raw)) in _NAMING:
            yield from _references(template.resolver.resolve(raw))
        for child in raw.values():
            yield from mentioned(template, child)


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Text):
        yield from value.references
