"""Find the resource of an assembly that a value names: by reference, by ARN or by literal name."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource, Template


class Lookup:
    """Resources of some types, found by what other resources write to name them.

    Args:
        app: where to look.
        kinds: CloudFormation types that count.
        name: property that holds the physical name, e.g. ``DBClusterIdentifier``.
    """

    def __init__(self, app: Assembly, *kinds: str, name: str) -> None:
        self._app, self._kinds = app, kinds
        self._named: dict[str, list[Resource]] = {}
        for resource in app.of_type(*kinds):
            physical = resource.get(name)
            if isinstance(physical, str) and physical:  # an empty one stands for none
                self._named.setdefault(physical.lower(), []).append(resource)

    def find(self, value: Any, near: Template) -> Resource | None:
        """Return the resource that a value names.

        Args:
            value: a resolved property: a reference, an ARN or a name.
            near: template of the property; wins when several stacks use the same name.

        Returns:
            The resource, or ``None`` when it is not part of the assembly or not certain.
        """
        if isinstance(value, str):
            return self._by_name(value, near)
        target = self._app.target(value)
        return target if target is not None and target.type in self._kinds else None

    def _by_name(self, value: str, near: Template) -> Resource | None:
        name = value.rsplit(":", 1)[-1].rsplit("/", 1)[-1].lower()
        found = self._named.get(name, [])
        if len(found) > 1:
            found = [resource for resource in found if resource.template is near]
        return found[0] if len(found) == 1 else None
