"""Tags and physical names of resources."""

from __future__ import annotations

import re
from typing import Any

from guards.facts import facts
from guards.resolve import Choice
from guards.template import Assembly, Resource, Template
from guards.values import Opaque, Text
from guards.views import view

_WORDS = re.compile(r"[a-z0-9]+")
_INHERITED = ("suffix", "environment")
_PLACES = ("region", "account", "AWS::Partition", "AWS::URLSuffix")


def tag_of(resource: Resource, name: str) -> str | None:
    """Return the value of a resource's tag (case of the key ignored), or ``None`` when it is not given or not known."""
    properties = resource.body.get("Properties")
    if not isinstance(properties, dict):
        return None
    for place in facts("physical_names")["tags"]:
        if place in properties:
            found = _value(resource, properties[place], name)
            if found is not None:
                return found
    return None


def inherited_tag(resource: Resource, name: str) -> str | None:
    """Return a resource's tag, else that of the nested stacks around it, else the one that all its neighbours share.

    Args:
        resource: what may have no tags at all, e.g. a dashboard.
        name: ``Suffix`` or ``Environment``.
    """
    own = tag_of(resource, name)
    if own is not None:
        return own
    template = resource.template
    shared = view(template.assembly, _shared)
    while template.parent is not None:
        found = tag_of(template.parent, name)
        if found is not None:
            return found
        template = template.parent.template
    for key in (resource.template.key, template.key):
        values = shared[key][name.lower()]
        if values:
            return next(iter(values)) if len(values) == 1 else None
    return None


def physical_name(resource: Resource) -> tuple[str, str] | None:
    """Return the property that names a resource and the name, with ``*`` for region and account.

    Returns:
        ``None`` when the resource has no name of its own, or when the name holds more that only the deployment decides.
    """
    path = facts("physical_names")["properties"].get(resource.type)
    properties = resource.body.get("Properties")
    if path is None or not isinstance(properties, dict) or path not in properties:
        return None
    value = resource.get(path)
    if isinstance(value, Text) and all(isinstance(part, str) or _is_place(part) for part in value.parts):
        value = value.known
    return (path, value) if isinstance(value, str) and "{{resolve:" not in value else None


def root_of(template: Template) -> Template:
    """Return the stack at the top of a tree of nested stacks."""
    while template.parent is not None:
        template = template.parent.template
    return template


def words_of(text: str) -> list[str]:
    """Split a name into lower-case words: ``dr-Aurora_eu1`` is dr, aurora, eu1."""
    return _WORDS.findall(text.lower())


def _is_place(part: Any) -> bool:
    return isinstance(part, Opaque) and part.kind in _PLACES


def _value(resource: Resource, raw: Any, name: str) -> str | None:
    tags = resource.resolver.resolve(raw)
    if isinstance(tags, Choice):
        return None
    entries = tags.items() if isinstance(tags, dict) else map(_entry, tags) if isinstance(tags, list) else ()
    for key, value in entries:
        if isinstance(key, str) and key.lower() == name.lower():
            found = resource.resolver.deep(value)
            return found if isinstance(found, str) and found else None
    return None


def _entry(tag: Any) -> tuple[Any, Any]:
    return (tag.get("Key"), tag.get("Value")) if isinstance(tag, dict) else (None, None)


def _shared(app: Assembly) -> dict[str, dict[str, set[str]]]:
    """Return the values of the tags that resources inherit: by template, for a root with those of its nested stacks."""
    found: dict[str, dict[str, set[str]]] = {key: {name: set() for name in _INHERITED} for key in app.templates}
    for template in app.templates.values():
        for resource in template.resources.values():
            for name in _INHERITED:
                value = tag_of(resource, name)
                if value is not None:
                    found[template.key][name].add(value)
                    found[root_of(template).key][name].add(value)
    return found
