"""Paths into a resource's properties: names with dots between them, ``[]`` for every item of a list."""

from __future__ import annotations

from functools import cache
from typing import Any

from breakwater_guards.model.choice import Choice
from breakwater_guards.model.resolve import Resolver
from breakwater_guards.model.values import ABSENT, UNKNOWN

EACH = "[]"


def walk(resolver: Resolver, value: Any, way: tuple[str, ...]) -> list[Any]:
    """Follow the steps of a path from a value on; see :meth:`breakwater_guards.model.template.Resource.options`.

    Args:
        resolver: of the template that the value is in.
        value: where the path begins.
        way: steps of the path, as `steps` splits it.

    Returns:
        Every value that may be at its end, ``ABSENT`` and ``UNKNOWN`` among them.
    """
    for index, step in enumerate(way):
        value = resolver.resolve(value)
        if isinstance(value, dict) and step != EACH:
            value = resolver.member(value, step)
            if value is not ABSENT:
                continue
        if isinstance(value, Choice):
            return [found for arm in value.arms for found in walk(resolver, arm, way[index:])]
        if value is UNKNOWN or value is ABSENT:
            return [value]
        if step == EACH and isinstance(value, list):
            return [found for item in value for found in walk(resolver, item, way[index + 1 :])]
        return [UNKNOWN]
    value = resolver.resolve(value)
    if isinstance(value, Choice):
        return [found for arm in value.arms for found in walk(resolver, arm, ())]
    return [resolver.deep(value)]


@cache
def steps(path: str) -> tuple[str, ...]:
    """Split a path such as ``Rules[].Status`` into ``Rules``, ``[]`` and ``Status``."""
    return tuple(step for part in path.split(".") for step in ([part[:-2], EACH] if part.endswith(EACH) else [part]))
