"""Values that a deployment may choose instead of the default: what a parameter's AllowedValues make of a property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import Text
from breakwater_guards.reading.files import mapping


def of_other_choices(resource: Resource, path: str) -> Iterator[tuple[str, Any, str | Text]]:
    """Yield what a property becomes with each value that a parameter of it may have by its AllowedValues.

    Args:
        resource: where to look; one with a condition may not be there for some of the values.
        path: the property; one that a condition decides is left alone, for the same reason.

    Yields:
        The parameter, the value, and the property's text with it.
    """
    template = resource.template
    raw = mapping(resource.body.get("Properties")).get(path)
    text = repr(raw)
    if raw is None or "Fn::If" in text or "Condition" in resource.body or template.document.get("Rules"):
        return
    for name in template.parameters:
        choices = _choices(template, name) if name in text else []
        for value in choices:
            found = resource.resolver.deep(_with(raw, name, value))
            if isinstance(found, str | Text):
                yield name, value, found


def _choices(template: Template, name: str) -> list[str]:
    """Return the texts that a parameter may be: its own, or those of the parent's parameter that is passed on."""
    if template.parent is not None:
        passed = mapping(mapping(template.parent.body.get("Properties")).get("Parameters")).get(name)
        source = passed.get("Ref") if isinstance(passed, dict) and len(passed) == 1 else None
        parent = template.parent
        if not isinstance(source, str) or source not in parent.template.parameters or "Condition" in parent.body:
            return []
        return _choices(parent.template, source)
    allowed = mapping(template.parameters[name]).get("AllowedValues")
    return [value for value in allowed if isinstance(value, str)] if isinstance(allowed, list) else []


def _with(raw: Any, name: str, value: str) -> Any:
    """Write a parameter's value wherever a property refers to the parameter."""
    if isinstance(raw, list):
        return [_with(item, name, value) for item in raw]
    if not isinstance(raw, dict):
        return raw
    if raw == {"Ref": name}:
        return value
    return {
        key: _in_text(item, name, value) if key == "Fn::Sub" else _with(item, name, value) for key, item in raw.items()
    }


def _in_text(argument: Any, name: str, value: str) -> Any:
    own = argument[1] if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict) else {}
    if isinstance(argument, list):
        return [
            _in_text(argument[0], name if name not in own else "", value),
            *(_with(item, name, value) for item in argument[1:]),
        ]
    pattern = r"\$\{ *" + re.escape(name) + r" *\}"
    return re.sub(pattern, lambda _: value, argument) if isinstance(argument, str) and name else argument
