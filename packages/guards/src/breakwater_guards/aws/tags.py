"""Tags and physical names of resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.spelling import spelled
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import Opaque, Text
from breakwater_guards.model.views import view
from breakwater_guards.reading.files import mapping

_WORDS = re.compile(r"[a-z0-9]+")
_INHERITED = ("suffix", "environment")
_PLACES = ("region", "account", "AWS::Partition", "AWS::URLSuffix")


def tag_of(resource: Resource, name: str) -> str | None:
    """Return the value of a resource's tag, or ``None`` when it is not given or not known.

    Args:
        resource: what may have tags.
        name: ``suffix`` or ``environment``; the case of the tag's key is ignored.
    """
    return view(resource.template.assembly, _tags).get(resource, {}).get(name)


def inherited_tag(resource: Resource, name: str) -> str | None:
    """Return a resource's tag, else that of the nested stacks around it, else the one that all its neighbours share.

    Args:
        resource: what may have no tags at all, e.g. a dashboard.
        name: ``suffix`` or ``environment``.
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
        values = shared[key][name]
        if values:
            return next(iter(values)) if len(values) == 1 else None
    return None


def physical_name(resource: Resource) -> tuple[str, str] | None:
    """Return the property that names a resource and the name, with ``*`` for Region and account.

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


def unique_within(resource: Resource) -> Any:
    """Return inside what a name is unique, e.g. the bus of a rule; ``None`` where several may have it or may not."""
    path = facts("physical_names")["unique_within"].get(resource.type)
    if path is None:
        return ()
    raw = mapping(resource.body.get("Properties")).get(path, "default") if path else None
    return spelled(resource.template, raw)


def root_of(template: Template) -> Template:
    """Return the stack at the top of a tree of nested stacks."""
    while template.parent is not None:
        template = template.parent.template
    return template


def words_of(text: str) -> list[str]:
    """Split a name into lower-case words: ``dr-Aurora_eu1`` is dr, aurora, eu1."""
    return _WORDS.findall(text.lower())


def environment_meant(word: str) -> str | None:
    """Return the environment that a word stands for: production is prod; ``None`` when it is no known one."""
    return _environments().get(word.lower())


@cache
def _environments() -> dict[str, str]:
    names = facts("physical_names")["environments"]
    return {word: name for name, words in names.items() for word in words}


def _is_place(part: Any) -> bool:
    return isinstance(part, Opaque) and part.kind in _PLACES


def _tags(app: Assembly) -> dict[Resource, dict[str, str]]:
    """Read the tags that matter here, once for all rules."""
    places = facts("physical_names")["tags"]
    found: dict[Resource, dict[str, str]] = {}
    for template in app.templates.values():
        for resource in template.resources.values():
            properties = resource.body.get("Properties")
            if not isinstance(properties, dict):
                continue
            for place in places:
                if place in properties:
                    found.setdefault(resource, {}).update(_read(resource, properties[place]))
    return found


def _read(resource: Resource, raw: Any) -> Iterator[tuple[str, str]]:
    tags = raw if isinstance(raw, list) else resource.resolver.resolve(raw)
    entries = tags.items() if isinstance(tags, dict) else map(_entry, tags) if isinstance(tags, list) else ()
    for key, written in entries:
        if isinstance(key, str) and key.lower() in _INHERITED:
            value = written if isinstance(written, str) else resource.resolver.deep(written)
            if isinstance(value, str) and value:
                yield key.lower(), value


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
