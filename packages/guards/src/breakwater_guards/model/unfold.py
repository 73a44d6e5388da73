"""List what a property that may be a scalar or a list, or a choice of them, can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.choice import Choice
from breakwater_guards.model.resolve import Resolver
from breakwater_guards.model.values import ABSENT


def unfold(resolver: Resolver, raw: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every value that a scalar-or-list can hold, both arms of `Fn::If` included, with its dotted path.

    Mappings are yielded as written; everything else is resolved.
    """
    if isinstance(raw, str):  # most values are
        yield path, raw
        return
    value = resolver.resolve(raw)
    if isinstance(value, Choice):
        for arm in value.arms:
            yield from unfold(resolver, arm, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unfold(resolver, item, f"{path}.{index}")
    elif value is not ABSENT:
        yield path, value
