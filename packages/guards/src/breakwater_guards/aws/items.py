"""Walk to the entries of a resource's lists, so that what stands side by side in one entry is judged together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.choice import Choice
from breakwater_guards.model.paths import EACH, steps, walk
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN

HOP, ANY_KEY = ">", "*"


class Item(NamedTuple):
    """A mapping inside a resource's properties, e.g. one target of a rule, or all of the properties.

    Attributes:
        resource: what it belongs to.
        raw: the mapping as written.
        path: where it stands below ``Properties``; empty for all of them.
    """

    resource: Resource
    raw: dict[str, Any]
    path: str

    def options(self, path: str) -> list[Any]:
        """Return every value that a member can have, as :meth:`Resource.options` does for a property."""
        return walk(self.resource.resolver, self.raw, steps(path))

    def given(self, path: str) -> list[Any]:
        """Return the possible values of a member without those where it is absent or unknown."""
        return [item for item in self.options(path) if item is not ABSENT and item is not UNKNOWN]

    def place(self, path: str) -> str:
        """Return the dotted path of a member below the resource's ``Properties``."""
        return f"{self.path}.{path.partition(HOP)[0].replace(EACH, '')}".strip(".")

    def follow(self, app: Assembly, path: str) -> Iterator[tuple[Item, Any]]:
        """Yield the values at the end of a path in which ``>`` steps into the resource that a value refers to.

        Args:
            app: the assembly.
            path: e.g. ``FunctionName>Role``: the role of the function that is named here.

        Yields:
            Where the last value is written, and the value; ``UNKNOWN`` where a step leads out of the assembly.
        """
        first, _, rest = path.partition(HOP)
        for value in self.options(first):
            if not rest:
                yield self, value
                continue
            target = app.target(value)
            if target is not None:
                for inner in items(target):
                    yield from inner.follow(app, rest)
            elif value is not ABSENT:
                yield self, UNKNOWN


def items(resource: Resource, path: str = "") -> Iterator[Item]:
    """Yield every mapping at a path, both arms of `Fn::If` included.

    Args:
        resource: where to look.
        path: e.g. ``Targets[]``, or ``Events.*`` for every entry of a map; empty for the properties themselves.
    """
    way = steps(path) if path else ()
    yield from _items(resource, resource.body.get("Properties", {}), way, "")


def _items(resource: Resource, value: Any, way: tuple[str, ...], at: str) -> Iterator[Item]:
    value = resource.resolver.resolve(value)
    if isinstance(value, Choice):
        for arm in value.arms:
            yield from _items(resource, arm, way, at)
    elif isinstance(value, list) and way[:1] == (EACH,):
        for index, entry in enumerate(value):
            yield from _items(resource, entry, way[1:], f"{at}.{index}")
    elif isinstance(value, dict) and way[:1] == (ANY_KEY,):
        for key, entry in value.items():
            yield from _items(resource, entry, way[1:], f"{at}.{key}")
    elif isinstance(value, dict) and way:
        yield from _items(resource, resource.resolver.member(value, way[0]), way[1:], f"{at}.{way[0]}")
    elif isinstance(value, dict):
        yield Item(resource, value, at.strip("."))
