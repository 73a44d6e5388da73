"""Declared properties with one value changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Return every scalar of a nested value with its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def another(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}-changed"


def put(properties: Mapping[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return a copy with one scalar replaced."""
    changed: Any = copy.deepcopy(dict(properties))
    target = changed
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    return dict(changed)
